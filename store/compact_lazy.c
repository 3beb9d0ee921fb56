/* compact_lazy.c: the lazy-leveled policy: tiers above, one large run at the bottom.
 *
 * The oldest run holds most of the data, so most reads and most of the space see a single run; the
 * newer ones are tiered until together they are three `level_ratio`ths of it, 30 % at the default,
 * and then all become one. So overwritten data takes at most about that share, a byte is rewritten
 * some level_ratio / 3 times at the bottom and once a tier above it, however many levels leveled
 * would have, and a range read merges a few runs more. (Dayan and Idreos 2018.) */
#include "check.h"
#include "compact_runs.h"

/* Of the oldest run nothing is asked, of the newer ones together that they are small. */
static uint64_t newer_limit(const struct lsm_db *db, const struct lsm_runs *runs) {
    return 3 * (runs->run[runs->count - 1].bytes / db->options.level_ratio);
}

static uint64_t lazy_target(const struct lsm_db *db, const struct lsm_version *version,
                            uint32_t level) {
    struct lsm_runs runs;
    lsm_runs_of(db, version, &runs);
    if (runs.count < 2 || level >= runs.run[runs.count - 1].level) {
        return UINT64_MAX;
    }
    uint64_t limit = newer_limit(db, &runs);
    return limit > 0 ? limit : 1;
}

static struct lsm_run_plan lazy_plan(const struct lsm_db *db, const struct lsm_version *version,
                                     struct lsm_runs *runs) {
    lsm_runs_of(db, version, runs);
    if (!runs->due) {
        return (struct lsm_run_plan){0};
    }
    LSM_ASSERT(runs->count > 0 && runs->free > 0);
    uint64_t newer = 0;
    for (uint32_t i = 0; i + 1 < runs->count; i++) {
        newer += runs->run[i].bytes;
    }
    bool due = runs->count == 1 || newer >= newer_limit(db, runs);
    if (due && runs->free == runs->count) {
        uint64_t all = newer + runs->run[runs->count - 1].bytes;
        return (struct lsm_run_plan){.take = runs->count, .bytes = all};
    }
    uint32_t usable = runs->free < runs->count ? runs->free : runs->count - 1;
    return lsm_runs_plan(runs, usable, lsm_runs_width(db));
}

static uint64_t lazy_debt(const struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_runs runs;
    return lsm_runs_debt(db, version, lazy_plan(db, version, &runs));
}

static struct lsm_compaction *lazy_pick(struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_runs runs;
    struct lsm_run_plan plan = lazy_plan(db, version, &runs);
    struct lsm_compaction *c = plan.take > 0 ? lsm_runs_pick(db, version, &runs, plan) : NULL;
    return c != NULL ? c : lsm_runs_gather(db, version, lsm_runs_gather_max(db));
}

const struct lsm_policy_ops lsm_policy_lazy_leveled = {
    .target = lazy_target,
    .debt = lazy_debt,
    .waiting = lsm_runs_waiting,
    .pick = lazy_pick,
    .gather = lsm_runs_gather,
};
