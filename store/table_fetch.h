/* table_fetch.h: many blocks, of whatever tables, by one submission.
 *
 * At depth 64 a cold block costs a seventh of what it costs alone, so whoever knows several that it
 * needs asks for all of them before it waits for any.
 *
 * Threads:    any; a queue is borrowed meanwhile.
 * Ownership:  a block that came is the caller's, one reference to each. */
#ifndef LSM_TABLE_FETCH_H
#define LSM_TABLE_FETCH_H

#include "io.h"
#include "table_internal.h"

struct lsm_fetch {
    struct lsm_table *table; /* borrowed */
    size_t i;                /* of the block */
    bool ahead;              /* it may be wanted soon: it is kept, and a failure is not told */
    struct lsm_block *block; /* filled and checked; NULL: it failed */
    int rc;                  /* 0, or why */
    struct lsm_index_record record;
    uint8_t *stored; /* where it is read: the block's own bytes, unless packed or direct */
    bool direct;     /* past the page cache, into the queue's staging */
    struct lsm_request request;
};

/* Reads block `i` of `table` of each. *fault is the first failure's words, its code 0 without one.
 * REQUIRES: at least one, all different. */
void lsm_fetch_all(struct lsm_io *io, struct lsm_fetch *fetches, size_t count, bool fill_cache,
                   struct lsm_fault *fault);

#endif
