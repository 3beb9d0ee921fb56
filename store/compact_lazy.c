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
    lsm_runs_of(version, &runs);
    if (runs.count < 2 || level >= runs.run[runs.count - 1].level) {
        return UINT64_MAX;
    }
    uint64_t limit = newer_limit(db, &runs);
    return limit > 0 ? limit : 1;
}

static struct lsm_run_plan lazy_plan(const struct lsm_db *db, const struct lsm_version *version,
                                     struct lsm_runs *runs) {
    if (version->level[0].count < db->options.l0_trigger) {
        return (struct lsm_run_plan){0};
    }
    lsm_runs_of(version, runs);
    LSM_ASSERT(runs->count > 0);
    uint64_t newer = 0;
    for (uint32_t i = 0; i + 1 < runs->count; i++) {
        newer += runs->run[i].bytes;
    }
    if (runs->count == 1 || newer >= newer_limit(db, runs)) {
        uint64_t all = newer + runs->run[runs->count - 1].bytes;
        return (struct lsm_run_plan){.take = runs->count, .bytes = all};
    }
    return lsm_runs_plan(runs, runs->count - 1, lsm_runs_width(db));
}

static uint64_t lazy_debt(const struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_runs runs;
    return lazy_plan(db, version, &runs).bytes;
}

static struct lsm_compaction *lazy_pick(struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_runs runs;
    struct lsm_run_plan plan = lazy_plan(db, version, &runs);
    return plan.take > 0 ? lsm_runs_pick(db, version, &runs, plan) : NULL;
}

const struct lsm_policy_ops lsm_policy_lazy_leveled = {
    .target = lazy_target,
    .debt = lazy_debt,
    .pick = lazy_pick,
};
