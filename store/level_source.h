/* level_source.h: the tables of a sorted level as one source. Threads: one. Ownership: borrows
 * `metas` and what they point to (the caller holds their version or compaction) and the queue. */
#ifndef LSM_LEVEL_SOURCE_H
#define LSM_LEVEL_SOURCE_H

#include "table.h"

/* REQUIRES: the tables share no key and stand in key order. NULL: out of memory. */
struct lsm_source *lsm_level_source(struct lsm_tables *tables, struct lsm_table_meta *const *metas,
                                    size_t count, struct lsm_queue *queue, bool fill_cache,
                                    struct lsm_counter_slot *slot);

#endif
