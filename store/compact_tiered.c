/* compact_tiered.c: the tiered policy: runs of like size are gathered, and merged when there are
 * `l0_trigger` of them.
 *
 * Each byte is rewritten once a tier instead of some `level_ratio` times a level, and reads pay for
 * it: they look into every run. Overwritten data stays until the runs that hold it meet, which may
 * double the space or worse. When every level holds a run, fewer than a tier are merged. (O'Neil et
 * al. 1996; RocksDB's universal style for a merge of neighbours in time that goes through several
 * tiers at once.) */
#include "compact_runs.h"

static uint64_t no_target(const struct lsm_db *db, const struct lsm_version *version,
                          uint32_t level) {
    (void)db;
    (void)version;
    (void)level;
    return UINT64_MAX;
}

static struct lsm_run_plan tiered_plan(const struct lsm_db *db, const struct lsm_version *version,
                                       struct lsm_runs *runs) {
    lsm_runs_of(db, version, runs);
    if (!runs->due) {
        return (struct lsm_run_plan){0};
    }
    return lsm_runs_plan(runs, runs->free, lsm_runs_width(db));
}

static uint64_t tiered_debt(const struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_runs runs;
    return lsm_runs_debt(db, version, tiered_plan(db, version, &runs));
}

static struct lsm_compaction *tiered_pick(struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_runs runs;
    struct lsm_run_plan plan = tiered_plan(db, version, &runs);
    struct lsm_compaction *c = plan.take > 0 ? lsm_runs_pick(db, version, &runs, plan) : NULL;
    return c != NULL ? c : lsm_runs_gather(db, version, lsm_runs_gather_max(db));
}

const struct lsm_policy_ops lsm_policy_tiered = {
    .target = no_target,
    .debt = tiered_debt,
    .waiting = lsm_runs_waiting,
    .pick = tiered_pick,
    .gather = lsm_runs_gather,
};
