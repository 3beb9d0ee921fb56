/* compact_runs.h: the tree as a row of sorted runs, for the tiered policies.
 *
 * Level 0 as a whole is the first group (its tables are runs of their own, which always go
 * together), then each level from 1 on that holds anything is one run: newest first. */
#ifndef LSM_COMPACT_RUNS_H
#define LSM_COMPACT_RUNS_H

#include "compact_policy.h"

struct lsm_run {
    uint32_t level;
    uint64_t bytes;
};

struct lsm_runs {
    struct lsm_run run[LSM_LEVELS_MAX];
    uint32_t count;
};

/* The first `take` runs become one. */
struct lsm_run_plan {
    uint32_t take;  /* 0: nothing is due */
    uint64_t bytes; /* of them */
};

void lsm_runs_of(const struct lsm_version *version, struct lsm_runs *runs);
/* Runs of like size that are merged into one. */
uint32_t lsm_runs_width(const struct lsm_db *db);
/* Plans over the first `usable` runs: level 0, and whole tiers beneath it as long as a tier is
 * full with what comes into it. REQUIRES: level 0 is due, usable >= 1. */
struct lsm_run_plan lsm_runs_plan(const struct lsm_runs *runs, uint32_t usable, uint32_t width);
/* The compaction of a plan; or, when there is no level free for what comes out, one that moves a
 * run down to make room; or with more runs, when there is no room at all: what is forced then is
 * the doubling of RocksDB's universal style, which needs few runs for any size. NULL: it cannot
 * begin now. */
struct lsm_compaction *lsm_runs_pick(struct lsm_db *db, const struct lsm_version *version,
                                     const struct lsm_runs *runs, struct lsm_run_plan plan);

#endif
