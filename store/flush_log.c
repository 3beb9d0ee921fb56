#include "flush_log.h"

#include <stdlib.h>

#include "check.h"

static int by_address(const void *a, const void *b) {
    const struct lsm_wal_extent *x = a, *y = b;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The extent that begins last at or before `p`; NULL: none. */
static const struct lsm_wal_extent *before(const struct lsm_flush_log *log, const uint8_t *p) {
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->extents[middle].bytes <= p) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? &log->extents[low - 1] : NULL;
}

/* What is not in the log lies in the memtable's own memory: written unlogged. */
static bool read_op(const struct lsm_op_reader *reader, const uint8_t *op,
                    struct lsm_entry *entry) {
    const struct lsm_flush_log *log = (const struct lsm_flush_log *)(const void *)reader;
    const struct lsm_wal_extent *extent = before(log, op);
    if (extent == NULL || (uint64_t)(op - extent->bytes) >= extent->end) {
        lsm_op_read(op, entry);
        return true;
    }
    return lsm_op_decode(op, extent->bytes + extent->end, entry) != NULL;
}

int lsm_flush_log_open(struct lsm_flush_log *log, const struct lsm_memtable *memtable,
                       struct lsm_fault *fault) {
    size_t count = lsm_memtable_kept(memtable, NULL, 0);
    struct lsm_pin **pins = calloc(count + 1, sizeof(struct lsm_pin *));
    *log = (struct lsm_flush_log){.reader.read = read_op,
                                  .extents = calloc(count + 1, sizeof *log->extents)};
    if (pins == NULL || log->extents == NULL) {
        free(pins);
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a flush");
    }
    log->count = lsm_memtable_kept(memtable, pins, count);
    LSM_ASSERT(log->count == count);
    for (size_t i = 0; i < count; i++) {
        log->extents[i] = lsm_wal_extent(pins[i]);
    }
    qsort(log->extents, count, sizeof *log->extents, by_address);
    free(pins);
    return 0;
}

int lsm_flush_log_check(const struct lsm_flush_log *log, struct lsm_fault *fault) {
    int rc = 0;
    for (size_t i = 0; i < log->count && rc == 0; i++) {
        rc = lsm_wal_check(&log->extents[i], fault);
    }
    return rc;
}

void lsm_flush_log_close(struct lsm_flush_log *log) {
    free(log->extents);
}
