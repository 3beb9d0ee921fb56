#include "table_readahead.h"

#include <stdlib.h>

void lsm_readahead_init(struct lsm_readahead *ahead, struct lsm_table *table,
                        struct lsm_queue *queue) {
    LSM_ASSERT(table != NULL && queue != NULL);
    *ahead = (struct lsm_readahead){.table = table, .queue = queue};
}

static uint64_t piece_bytes(const struct lsm_piece *piece) {
    return piece->flight.request.length;
}

/* The next run of blocks; REQUIRES: ahead->next is one. */
static uint64_t measure(const struct lsm_readahead *ahead, size_t *count) {
    const struct lsm_index *index = &ahead->table->index;
    uint64_t bytes = index->records[ahead->next].length;
    size_t n = 1;
    while (ahead->next + n < index->count &&
           bytes + index->records[ahead->next + n].length <= LSM_READAHEAD_BYTES) {
        bytes += index->records[ahead->next + n].length;
        n++;
    }
    *count = n;
    return bytes;
}

static bool reserve(struct lsm_piece *piece, uint64_t bytes) {
    if (bytes <= piece->capacity) {
        return true;
    }
    uint64_t capacity = (bytes + LSM_DIRECT_ALIGN - 1) & ~(uint64_t)(LSM_DIRECT_ALIGN - 1);
    free(piece->data);
    piece->data = aligned_alloc(LSM_DIRECT_ALIGN, capacity);
    piece->capacity = piece->data != NULL ? capacity : 0;
    return piece->data != NULL;
}

/* Asks for as much as there is room for. Without memory it asks for less; the walk notices when
 * nothing comes. */
static void fill(struct lsm_readahead *ahead) {
    const struct lsm_index *index = &ahead->table->index;
    bool pushed = false;
    while (ahead->used < LSM_READAHEAD_PIECES && ahead->next < index->count) {
        size_t count;
        uint64_t bytes = measure(ahead, &count);
        /* Of huge blocks two at a time are enough. */
        if (ahead->used >= 2 &&
            ahead->bytes + bytes > (uint64_t)LSM_READAHEAD_PIECES * LSM_READAHEAD_BYTES) {
            break;
        }
        struct lsm_piece *piece = &ahead->piece[(ahead->head + ahead->used) % LSM_READAHEAD_PIECES];
        if (!reserve(piece, bytes)) {
            break;
        }
        piece->first = ahead->next;
        piece->count = count;
        piece->flight.request = (struct lsm_request){
            .op = LSM_REQUEST_READ,
            .file = ahead->table->file,
            .offset = index->records[ahead->next].offset,
            .buffer = piece->data,
            .length = (uint32_t)bytes,
        };
        lsm_flight_push(ahead->queue, &piece->flight);
        pushed = true;
        ahead->used++;
        ahead->bytes += bytes;
        ahead->next += count;
    }
    if (pushed) {
        lsm_flight_start(ahead->queue);
    }
}

static void land_all(struct lsm_readahead *ahead) {
    for (uint32_t i = 0; i < LSM_READAHEAD_PIECES; i++) {
        lsm_flight_wait(ahead->queue, &ahead->piece[i].flight);
    }
    ahead->used = 0;
    ahead->bytes = 0;
}

void lsm_readahead_start(struct lsm_readahead *ahead, size_t i) {
    LSM_ASSERT(i < ahead->table->index.count);
    land_all(ahead);
    ahead->next = i;
    fill(ahead);
}

static int wait_for(struct lsm_readahead *ahead, struct lsm_piece *piece, struct lsm_fault *fault) {
    lsm_flight_wait(ahead->queue, &piece->flight);
    return lsm_request_outcome(&piece->flight.request, fault);
}

int lsm_readahead_block(struct lsm_readahead *ahead, size_t i, struct lsm_block_view *view,
                        struct lsm_fault *fault) {
    struct lsm_piece *piece = &ahead->piece[ahead->head];
    if (ahead->used != 0 && i >= piece->first + piece->count) {
        ahead->bytes -= piece_bytes(piece);
        ahead->head = (ahead->head + 1) % LSM_READAHEAD_PIECES;
        ahead->used--;
        fill(ahead);
        piece = &ahead->piece[ahead->head];
    }
    if (ahead->used == 0) {
        return lsm_table_block_fault(ahead->table, i, LSM_ERR_MEMORY, fault);
    }
    LSM_ASSERT(i >= piece->first && i < piece->first + piece->count);
    int rc = wait_for(ahead, piece, fault);
    if (rc != 0) {
        return rc;
    }
    const struct lsm_index_record *records = ahead->table->index.records;
    const uint8_t *data = piece->data + (records[i].offset - records[piece->first].offset);
    return lsm_table_check_block(ahead->table, i, data, view, fault);
}

void lsm_readahead_stop(struct lsm_readahead *ahead) {
    land_all(ahead);
    for (uint32_t i = 0; i < LSM_READAHEAD_PIECES; i++) {
        free(ahead->piece[i].data);
        ahead->piece[i].data = NULL;
        ahead->piece[i].capacity = 0;
    }
}
