/* table_batch.h: many keys looked up at once, each in a table of its own.
 *
 * Every step is taken for all keys before the next: a step only asks memory or disk for what the
 * next one reads, so that their waits overlap. What is not in memory is read by one submission.
 * Random keys of 2 M entries in memory, batches of 64, CPU time a key in one run: 0.57 to 0.68 us,
 * one by one 1.9 to 2.3.
 *
 * Threads:    any; a probe belongs to one.
 * Ownership:  keys and tables are borrowed until the last call; a pin that was given is the
 *             caller's. */
#ifndef LSM_TABLE_BATCH_H
#define LSM_TABLE_BATCH_H

#include "table_internal.h"

enum { LSM_BATCH_MAX = 128 };

struct lsm_probe {
    const uint8_t *key;
    size_t key_size;
    uint64_t hash; /* lsm_filter_hash */
    struct lsm_table *table;
    bool held; /* whoever looks up has a reference to it, to be released */

    /* What lsm_batch_find fills. */
    int rc; /* 0, LSM_NOT_FOUND or an error */
    struct lsm_entry entry;
    struct lsm_pin *pin;

    struct lsm_index_aim aim;
    size_t block;
    struct lsm_block_use use;
};

/* False: the table's filter rules the key out; lsm_table_prefetch asks memory for it. */
bool lsm_probe_may_hold(const struct lsm_probe *probe, struct lsm_counter_slot *slot);

struct lsm_batch_read {
    struct lsm_io *io;
    uint64_t seq_max;
    bool fill_cache;
    struct lsm_counter_slot *slot;
};
/* Looks all of them up, as far as blocks are in memory. Those that need others are in *missing,
 * which has as much room; their number. *fault is untouched, or an error's of one of them.
 * REQUIRES: 1 to LSM_BATCH_MAX; filters asked before. */
size_t lsm_batch_find(struct lsm_probe *const *probes, size_t count,
                      const struct lsm_batch_read *read, struct lsm_probe **missing,
                      struct lsm_fault *fault);

/* A block that a probe may need next, should it find nothing. */
struct lsm_ahead {
    struct lsm_table *table; /* borrowed */
    size_t i;
};
enum { LSM_AHEAD_MAX = 16 };
/* Whether the block may be read ahead: it will be in memory then, is not yet, and is not large. */
bool lsm_ahead_pays(const struct lsm_ahead *ahead);
/* Looks those up whose blocks are missing, and brings what is `ahead` with them. *fault as above.
 * REQUIRES: at least one is missing; 0 to LSM_AHEAD_MAX ahead, all different. */
void lsm_batch_find_by_requests(struct lsm_probe *const *missing, size_t count,
                                const struct lsm_ahead *ahead, size_t ahead_count,
                                const struct lsm_batch_read *read, struct lsm_fault *fault);

#endif
