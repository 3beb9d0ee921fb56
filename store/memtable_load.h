/* memtable_load.h: many entries into a memtable, for recovery and batches: of sequences that nobody
 * looks with before the load is finished.
 *
 * What filter and map have of a key is in no cache. A put waits for it; here an entry is in the
 * memtable only some entries later, and it has come until then.
 *
 * Threads:    the memtable's inserter. */
#ifndef LSM_MEMTABLE_LOAD_H
#define LSM_MEMTABLE_LOAD_H

#include <stddef.h>

#include "memtable.h"

enum { LSM_LOAD_PENDING = 16 };

struct lsm_load {
    struct lsm_memtable *memtable; /* borrowed */
    uint64_t count;
    uint64_t left_bytes;      /* of those that are not in the memtable yet */
    struct lsm_load_pending { /* the last ones */
        uint64_t hash, seq, bytes;
        const uint8_t *op;
    } pending[LSM_LOAD_PENDING];
};

void lsm_load_begin(struct lsm_load *load, struct lsm_memtable *memtable);
/* Adds the operation at `op`, decoded as `entry`, which lies in what the memtable keeps. REQUIRES:
 * lsm_memtable_reserve'd; the sequence is above those added before. */
void lsm_load_refer(struct lsm_load *load, uint64_t seq, const uint8_t *op,
                    const struct lsm_entry *entry);
/* Of keys and values added, and their overhead, about what lsm_memtable_bytes will be. */
uint64_t lsm_load_bytes(const struct lsm_load *load);
/* The memtable holds what was added. */
void lsm_load_finish(struct lsm_load *load);

#endif
