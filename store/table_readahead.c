#include "table_readahead.h"

#include <stdlib.h>

enum { RECORDS_AHEAD = 4 }; /* blocks */

void lsm_readahead_init(struct lsm_readahead *ahead, struct lsm_table *table,
                        struct lsm_queue *queue, enum lsm_readahead_kind kind) {
    LSM_ASSERT(table != NULL && queue != NULL);
    *ahead = (struct lsm_readahead){.table = table, .queue = queue, .kind = kind};
}

/* How many bytes may be there, the piece that is walked included. */
static uint64_t allowance(const struct lsm_readahead *ahead) {
    uint64_t all = (uint64_t)LSM_READAHEAD_PIECES * LSM_READAHEAD_BYTES;
    uint64_t grown = LSM_SCAN_BYTES + ahead->walked;
    return ahead->kind == LSM_READAHEAD_SCAN && grown < all ? grown : all;
}

/* How long the next piece may be. */
static uint64_t piece_limit(const struct lsm_readahead *ahead) {
    uint64_t limit = allowance(ahead) / LSM_READAHEAD_PIECES;
    return limit > LSM_SCAN_PIECE_MIN ? limit : LSM_SCAN_PIECE_MIN;
}

/* A compaction takes what lies on the disk as it comes; a scan has no use for what can be read in
 * place. */
static bool wants(const struct lsm_readahead *ahead, size_t i) {
    return i < ahead->table->index.count &&
           (ahead->kind == LSM_READAHEAD_TO_THE_END || !lsm_table_block_in_place(ahead->table, i));
}

static uint64_t piece_bytes(const struct lsm_piece *piece) {
    return piece->flight.request.length;
}

/* The next run of blocks; REQUIRES: ahead->next is one. */
static uint64_t measure(const struct lsm_readahead *ahead, uint64_t *offset, size_t *count) {
    const struct lsm_index *index = &ahead->table->index;
    uint64_t limit = piece_limit(ahead);
    size_t bytes, length;
    size_t n = 1;
    *offset = lsm_index_offset(index, ahead->next, &bytes);
    for (; wants(ahead, ahead->next + n); n++) {
        (void)lsm_index_offset(index, ahead->next + n, &length);
        if (bytes + length > limit) {
            break;
        }
        bytes += length;
    }
    /* The next piece's offsets, for the next time: nobody has looked at them for long. */
    size_t end = ahead->next + 2 * n < index->count ? ahead->next + 2 * n : index->count;
    lsm_index_prefetch_places(index, ahead->next + n, end);
    *count = n;
    return bytes;
}

static void free_piece(const struct lsm_readahead *ahead, struct lsm_piece *piece) {
    if (piece->sliced) {
        lsm_slices_give(ahead->table->pool, piece->data, 1);
    } else {
        free(piece->data);
    }
    piece->data = NULL;
    piece->capacity = 0;
    piece->sliced = false;
}

/* A piece of usual size is a slice of the database's pages; what a short scan reads, or one large
 * block, is the heap's. */
static bool reserve(const struct lsm_readahead *ahead, struct lsm_piece *piece, uint64_t bytes) {
    if (bytes <= piece->capacity) {
        return true;
    }
    free_piece(ahead, piece);
    piece->sliced = ahead->table->pool != NULL && bytes > LSM_SLICE / 2 && bytes <= LSM_SLICE;
    uint64_t capacity = (bytes + LSM_DIRECT_ALIGN - 1) & ~(uint64_t)(LSM_DIRECT_ALIGN - 1);
    if (piece->sliced) {
        capacity = LSM_SLICE;
        piece->data = lsm_slices_take(ahead->table->pool, 1);
    } else {
        piece->data = aligned_alloc(LSM_DIRECT_ALIGN, capacity);
    }
    piece->capacity = piece->data != NULL ? capacity : 0;
    piece->sliced = piece->sliced && piece->data != NULL;
    return piece->data != NULL;
}

/* Asks for as much as there is room for. Without memory it asks for less; the walk notices when
 * nothing comes. */
static void fill(struct lsm_readahead *ahead) {
    bool pushed = false;
    while (ahead->used < LSM_READAHEAD_PIECES && wants(ahead, ahead->next)) {
        size_t count;
        uint64_t offset;
        uint64_t bytes = measure(ahead, &offset, &count);
        /* Two at least, however large the blocks are. */
        if (ahead->used >= 2 && ahead->bytes + bytes > allowance(ahead)) {
            break;
        }
        struct lsm_piece *piece = &ahead->piece[(ahead->head + ahead->used) % LSM_READAHEAD_PIECES];
        if (!reserve(ahead, piece, bytes)) {
            break;
        }
        piece->first = ahead->next;
        piece->count = count;
        piece->flight.request = (struct lsm_request){
            .op = LSM_REQUEST_READ,
            .file = ahead->table->file,
            .offset = offset,
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

/* All records from here on will be looked at. In the mapping each of their pages that the kernel
 * has dropped since the table was opened would be a wait of its own. */
static void ask_for_records(const struct lsm_readahead *ahead, size_t i) {
    const struct lsm_table *table = ahead->table;
    if (ahead->kind == LSM_READAHEAD_TO_THE_END && table->map != NULL) {
        uint64_t before = i * sizeof(struct lsm_index_record);
        lsm_file_will_need(table->file, table->stat.records.offset + before,
                           table->stat.records.length - before);
    }
}

void lsm_readahead_start(struct lsm_readahead *ahead, size_t i) {
    LSM_ASSERT(i < ahead->table->index.count);
    land_all(ahead);
    ahead->next = i;
    ahead->walked = 0;
    ask_for_records(ahead, i);
    fill(ahead);
}

static int wait_for(struct lsm_readahead *ahead, struct lsm_piece *piece, struct lsm_fault *fault) {
    lsm_flight_wait(ahead->queue, &piece->flight);
    return lsm_request_outcome(&piece->flight.request, fault);
}

bool lsm_readahead_reach(struct lsm_readahead *ahead, size_t i) {
    const struct lsm_piece *piece = &ahead->piece[ahead->head];
    if (ahead->used != 0 && i >= piece->first + piece->count) {
        ahead->bytes -= piece_bytes(piece);
        ahead->walked += piece_bytes(piece);
        ahead->head = (ahead->head + 1) % LSM_READAHEAD_PIECES;
        ahead->used--;
        fill(ahead);
        piece = &ahead->piece[ahead->head];
    }
    LSM_ASSERT(ahead->used == 0 || (i >= piece->first && i < piece->first + piece->count));
    return ahead->used != 0;
}

static bool reserve_raw(struct lsm_readahead *ahead, const struct lsm_index_record *record) {
    uint64_t bytes = record->raw_length;
    if (record->codec == LSM_CODEC_NONE || bytes <= ahead->raw_capacity) {
        return true;
    }
    free(ahead->raw);
    ahead->raw = malloc(bytes);
    ahead->raw_capacity = ahead->raw != NULL ? bytes : 0;
    return ahead->raw != NULL;
}

int lsm_readahead_block(struct lsm_readahead *ahead, size_t i, struct lsm_block_view *view,
                        struct lsm_fault *fault) {
    if (!lsm_readahead_reach(ahead, i)) {
        return lsm_table_block_fault(ahead->table, i, LSM_ERR_MEMORY, fault);
    }
    struct lsm_piece *piece = &ahead->piece[ahead->head];
    struct lsm_index_record record;
    int rc = wait_for(ahead, piece, fault);
    if (rc == 0) {
        rc = lsm_table_record(ahead->table, i, &record, fault);
    }
    if (rc != 0) {
        return rc;
    }
    const uint8_t *data = piece->data + (record.offset - piece->flight.request.offset);
    if (i + RECORDS_AHEAD < ahead->table->index.count) {
        __builtin_prefetch(ahead->table->index.records +
                           (i + RECORDS_AHEAD) * sizeof(struct lsm_index_record));
    }
    if (!reserve_raw(ahead, &record)) {
        return lsm_table_block_fault(ahead->table, i, LSM_ERR_MEMORY, fault);
    }
    return lsm_table_check_block(ahead->table, i, &record, data, ahead->raw, view, fault);
}

void lsm_readahead_stop(struct lsm_readahead *ahead) {
    land_all(ahead);
    for (uint32_t i = 0; i < LSM_READAHEAD_PIECES; i++) {
        free_piece(ahead, &ahead->piece[i]);
    }
    free(ahead->raw);
    ahead->raw = NULL;
    ahead->raw_capacity = 0;
}
