/* table_fetch.c: many blocks by one submission. The first half that comes is checked while the rest
 * is on its way, so the kernel is entered twice whatever the number; once more where the disk is
 * sure to be needed: there the first few requests go before the others are made, which takes a
 * while. */
#include "table_fetch.h"

#include <stdlib.h>

#include "check.h"
#include "table_direct.h"

/* Batches of 64 keys, cold, 5 000 in all: 52.5 ms, 58.8 when all were made first (medians of 80,
 * alternating); 12 were as good, 8, 24 and 32 less so, and after every 16 no better. The last of
 * them stands for all: whether it is a direct one. */
enum { FIRST = 16 };

static void free_stored(struct lsm_fetch *fetch) {
    if (fetch->block != NULL && fetch->stored != fetch->block->data && !fetch->direct) {
        free(fetch->stored);
    }
    fetch->stored = NULL;
}

static void fail(struct lsm_fetch *fetch, int rc, const struct lsm_fault *own,
                 struct lsm_fault *first) {
    fetch->rc = rc;
    free_stored(fetch);
    if (fetch->block != NULL) {
        lsm_block_unref(fetch->block);
        fetch->block = NULL;
    }
    if (first->code == 0 && !fetch->ahead) {
        *first = *own;
    }
}

/* What is left of a queue's memory for direct reads. */
struct staging {
    struct lsm_queue *queue;
    uint8_t *next; /* NULL: not asked for yet */
    uint32_t left;
};

static struct lsm_request read_request(struct lsm_fetch *fetch, struct lsm_file *file,
                                       uint64_t offset, uint8_t *buffer, uint32_t length) {
    return (struct lsm_request){
        .op = LSM_REQUEST_READ,
        .file = file,
        .offset = offset,
        .buffer = buffer,
        .length = length,
        .user = fetch,
    };
}

/* Makes the request a direct one, if the block is to be read so. */
static bool prepare_direct(struct lsm_fetch *fetch, struct staging *staging) {
    struct lsm_direct_span span;
    if (!lsm_table_take_direct(fetch->table, fetch->record.offset, fetch->record.length, &span)) {
        return false;
    }
    if (staging->next == NULL) {
        staging->next = lsm_queue_staging(staging->queue);
        staging->left = staging->next != NULL ? LSM_STAGING_BYTES : 0;
    }
    if (span.length > staging->left) {
        return false;
    }
    fetch->direct = true;
    fetch->stored = staging->next + span.skip;
    fetch->request =
        read_request(fetch, fetch->table->direct, span.offset, staging->next, span.length);
    staging->next += span.length;
    staging->left -= span.length;
    return true;
}

/* A block to read into, and the request. */
static int make_request(struct lsm_fetch *fetch, struct staging *staging, struct lsm_fault *fault) {
    struct lsm_table *table = fetch->table;
    const struct lsm_index_record *record = &fetch->record;
    int rc = lsm_table_record(table, fetch->i, &fetch->record, fault);
    if (rc != 0) {
        return rc;
    }
    fetch->block = lsm_block_create(table->cache, table->id, record->offset, record->raw_length);
    if (fetch->block != NULL && !fetch->ahead && prepare_direct(fetch, staging)) {
        return 0;
    }
    if (fetch->block != NULL) {
        fetch->stored =
            record->codec != LSM_CODEC_NONE ? malloc(record->length) : fetch->block->data;
    }
    if (fetch->stored == NULL) {
        return lsm_table_block_fault(table, fetch->i, LSM_ERR_MEMORY, fault);
    }
    fetch->request =
        read_request(fetch, table->file, record->offset, fetch->stored, record->length);
    return 0;
}

static bool prepare(struct lsm_fetch *fetch, struct staging *staging, struct lsm_fault *fault) {
    struct lsm_fault own;
    LSM_ASSERT(fetch->i < fetch->table->index.count);
    fetch->rc = 0;
    fetch->direct = false;
    fetch->block = NULL;
    fetch->stored = NULL;
    int rc = make_request(fetch, staging, &own);
    if (rc != 0) {
        fail(fetch, rc, &own, fault);
    }
    return rc == 0;
}

/* What a direct read brought, into the block; what it could not bring is read again as always. */
static int land_direct(struct lsm_fetch *fetch, struct lsm_fault *own) {
    const struct lsm_index_record *record = &fetch->record;
    int rc = lsm_request_outcome(&fetch->request, own);
    if (rc != 0) {
        rc = lsm_file_read(fetch->table->file, record->offset, fetch->stored, record->length, own);
    }
    if (rc == 0 && record->codec == LSM_CODEC_NONE) {
        memcpy(fetch->block->data, fetch->stored, record->length);
        fetch->stored = fetch->block->data;
    }
    return rc;
}

static void land(struct lsm_fetch *fetch, bool fill_cache, struct lsm_fault *fault) {
    struct lsm_fault own;
    struct lsm_table *table = fetch->table;
    int rc = fetch->direct ? land_direct(fetch, &own) : lsm_request_outcome(&fetch->request, &own);
    if (rc == 0) {
        rc = lsm_table_check_block(table, fetch->i, &fetch->record, fetch->stored,
                                   fetch->block->data, &fetch->block->view, &own);
    }
    if (rc != 0) {
        fail(fetch, rc, &own, fault);
        return;
    }
    free_stored(fetch);
    if (!fetch->direct) { /* else it is nowhere, see table_direct.h */
        fetch->block = lsm_table_keep_block(table, fetch->i, fetch->block, fill_cache);
    }
}

/* Hands what was made to the kernel, and takes one that is there already, if any: its number. */
static unsigned submit_early(struct lsm_queue *queue, bool fill_cache, struct lsm_fault *fault) {
    struct lsm_request *request = lsm_queue_reap(queue, 0);
    if (request != NULL) {
        land(request->user, fill_cache, fault);
    }
    return request != NULL ? 1 : 0;
}

void lsm_fetch_all(struct lsm_io *io, struct lsm_fetch *fetches, size_t count, bool fill_cache,
                   struct lsm_fault *fault) {
    LSM_ASSERT(count > 0);
    struct lsm_queue *queue = lsm_queue_borrow(io);
    struct staging staging = {.queue = queue};
    unsigned left = 0;
    fault->code = 0;
    for (size_t k = 0; k < count; k++) {
        if (prepare(&fetches[k], &staging, fault)) {
            lsm_queue_push(queue, &fetches[k].request);
            left++;
        }
        if (k + 1 == FIRST && k + 1 < count && fetches[k].direct) {
            left -= submit_early(queue, fill_cache, fault);
        }
    }
    for (unsigned half = (left + 1) / 2, landed = 0; left > 0; left--, landed++) {
        unsigned min = landed == 0 ? half : landed < half ? 1 : left;
        struct lsm_request *request = lsm_queue_reap(queue, min);
        LSM_ASSERT(request != NULL);
        land(request->user, fill_cache, fault);
    }
    lsm_queue_return(io, queue);
}
