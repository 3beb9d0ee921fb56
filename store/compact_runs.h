/* compact_runs.h: the tree as a row of sorted runs, for the tiered policies.
 *
 * Level 0 as a whole is the first group (its tables are runs of their own, which go down together),
 * then each level from 1 on that holds anything is one run: newest first.
 *
 * A merge may last for hours. Nothing newer than its inputs can go beneath them before it ends: so
 * what is flushed meanwhile is gathered within level 0, where neighbours in age become one table
 * as tiers do. */
#ifndef LSM_COMPACT_RUNS_H
#define LSM_COMPACT_RUNS_H

#include "compact_policy.h"

struct lsm_run {
    uint32_t level;
    uint64_t bytes;
};

struct lsm_runs {
    struct lsm_run run[LSM_LEVELS_MAX]; /* level 0: of the tables that may go down */
    uint32_t count;
    uint32_t free;  /* leading runs that no job under way holds, or comes out above */
    uint32_t floor; /* the uppermost level from 1 on that a job holds or fills; else max_levels */
    size_t oldest;  /* tables of level 0 that may go down: all that are older than any busy one */
    bool due;       /* they are enough, or were gathered */
};

/* The first `take` runs become one. */
struct lsm_run_plan {
    uint32_t take;  /* 0: nothing is due */
    uint64_t bytes; /* of them */
};

void lsm_runs_of(const struct lsm_db *db, const struct lsm_version *version, struct lsm_runs *runs);
/* Runs of like size that are merged into one. */
uint32_t lsm_runs_width(const struct lsm_db *db);
/* Plans over the first `usable` runs: level 0, and whole tiers beneath it as long as a tier is
 * full with what comes into it. REQUIRES: level 0 is due, 1 <= usable <= runs->free. */
struct lsm_run_plan lsm_runs_plan(const struct lsm_runs *runs, uint32_t usable, uint32_t width);
/* The compaction of a plan; or, when there is no level free for what comes out, one that moves a
 * run down to make room; or with more runs, when there is no room at all: what is forced then is
 * the doubling of RocksDB's universal style, which needs few runs for any size. NULL: it cannot
 * begin now. */
struct lsm_compaction *lsm_runs_pick(struct lsm_db *db, const struct lsm_version *version,
                                     const struct lsm_runs *runs, struct lsm_run_plan plan);
/* A merge within level 0, once two thirds of l0_slowdown wait: of neighbours in age, at least as
 * many as a tier has and none much larger than the others together, so that a byte is rewritten
 * once for each time its table grows by half or more; together at most `bytes_max`. NULL: none. */
struct lsm_compaction *lsm_runs_gather(struct lsm_db *db, const struct lsm_version *version,
                                       uint64_t bytes_max);
/* How large a merge within level 0 may be for its end to be worth more than that of the longest
 * merge under way. */
uint64_t lsm_runs_gather_max(const struct lsm_db *db);
/* Bytes that wait for a compaction: those of the plan, or when level 0 is due and has to wait for a
 * job under way, its own. What a job works off is not among them. */
uint64_t lsm_runs_debt(const struct lsm_db *db, const struct lsm_version *version,
                       struct lsm_run_plan plan);
/* Tables of level 0 that no job works off. */
uint64_t lsm_runs_waiting(const struct lsm_version *version);

#endif
