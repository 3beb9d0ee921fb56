/* compact_policy.h: what a compaction policy decides, and what pickers are built from.
 *
 * A policy looks at a version of the tree and says which tables to merge next, and into which
 * level. All of them keep the invariants of compact.h; so reads, recovery and the rules of what may
 * be dropped know nothing of policies, and a database may be opened with another policy than the
 * one that made it. A sorted run of the tiered policies is a level from 1 on, or one table of level
 * 0.
 *
 * Threads:    under the database's lock. */
#ifndef LSM_COMPACT_POLICY_H
#define LSM_COMPACT_POLICY_H

#include "compact.h"

struct lsm_policy_ops {
    /* Bytes at which a level from 1 on asks for compaction; UINT64_MAX: it never does by size. */
    uint64_t (*target)(const struct lsm_db *db, const struct lsm_version *version, uint32_t level);
    /* Bytes that wait for a compaction, and tables of level 0 that do: what holds writers back. */
    uint64_t (*debt)(const struct lsm_db *db, const struct lsm_version *version);
    uint64_t (*waiting)(const struct lsm_version *version);
    /* The most urgent compaction that can begin now, sealed; NULL: none. */
    struct lsm_compaction *(*pick)(struct lsm_db *db, const struct lsm_version *version);
    /* One that is not due but wins space, while nothing is written. NULL: the policy has none. */
    struct lsm_compaction *(*idle)(struct lsm_db *db, const struct lsm_version *version);
    /* The same as pick, of at most `bytes_max`, to be done in the middle of a longer one by its
     * thread. NULL: the policy's compactions are short. */
    struct lsm_compaction *(*gather)(struct lsm_db *db, const struct lsm_version *version,
                                     uint64_t bytes_max);
};
extern const struct lsm_policy_ops lsm_policy_leveled, lsm_policy_tiered, lsm_policy_lazy_leveled;

/* ---- compact_inputs.c: putting a compaction together ---- */

/* NULL: out of memory. Until sealed it belongs to the picker. */
struct lsm_compaction *lsm_compact_begin(struct lsm_db *db, uint32_t output);
/* Adds a table of `level`; levels are added downwards. False: it is busy, or memory is out. */
bool lsm_compact_add(struct lsm_compaction *compaction, uint32_t level,
                     struct lsm_table_meta *meta);
/* Adds all tables of a level. */
bool lsm_compact_add_level(struct lsm_compaction *compaction, const struct lsm_version *version,
                           uint32_t level);
/* Adds what overlaps the inputs so far in the output level. */
bool lsm_compact_add_overlap(struct lsm_compaction *compaction, const struct lsm_version *version);
/* Is there nothing to merge, as no two inputs share a key, and no delete that might go? Then all
 * can be moved. False also when memory is out. */
bool lsm_compact_is_disjoint(const struct lsm_compaction *compaction);
/* Would it disturb a job under way? */
bool lsm_compact_collides(const struct lsm_compaction *compaction);
/* Frees what was not sealed; NULL is ignored. */
void lsm_compact_discard(struct lsm_compaction *compaction);
/* The inputs are settled: marks them, and pins what the merge will need to know. NULL, and it is
 * discarded, when memory is out. REQUIRES: inputs, and no collision. */
struct lsm_compaction *lsm_compact_seal(struct lsm_compaction *compaction);

bool lsm_range_touches(const struct lsm_key_range *range, const struct lsm_table_meta *meta);
void lsm_range_add(struct lsm_key_range *range, const struct lsm_table_meta *meta);

#endif
