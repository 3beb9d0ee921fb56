#include "compact_runs.h"

#include "check.h"

void lsm_runs_of(const struct lsm_version *version, struct lsm_runs *runs) {
    runs->count = 0;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
        if (version->level[l].count > 0) {
            runs->run[runs->count++] =
                (struct lsm_run){.level = l, .bytes = version->level[l].bytes};
        }
    }
}

uint32_t lsm_runs_width(const struct lsm_db *db) {
    return db->options.l0_trigger < 2 ? 2 : db->options.l0_trigger;
}

struct lsm_run_plan lsm_runs_plan(const struct lsm_runs *runs, uint32_t usable, uint32_t width) {
    LSM_ASSERT(usable >= 1 && usable <= runs->count && width >= 2);
    struct lsm_run_plan plan = {.take = 1, .bytes = runs->run[0].bytes};
    for (;;) {
        /* What comes out is a run of its own in this tier; with width - 1 others it is full. */
        uint64_t tier = plan.bytes > UINT64_MAX / width ? UINT64_MAX : plan.bytes * width;
        uint64_t bytes = plan.bytes;
        uint32_t end = plan.take;
        while (end < usable && runs->run[end].bytes < tier) {
            bytes += runs->run[end++].bytes;
        }
        if (end - plan.take + 1 < width) {
            return plan;
        }
        plan = (struct lsm_run_plan){.take = end, .bytes = bytes};
    }
}

/* The deepest level above the run that follows the first `take`. */
static uint32_t room_above(const struct lsm_db *db, const struct lsm_runs *runs, uint32_t take) {
    uint32_t next = take < runs->count ? runs->run[take].level : db->options.max_levels;
    LSM_ASSERT(next >= 1);
    return next - 1;
}

/* Moves the lowest run that has an empty level right beneath it. NULL: every level is taken, or
 * the run is in work. */
static struct lsm_compaction *move_run(struct lsm_db *db, const struct lsm_version *version,
                                       bool *full) {
    uint32_t level = db->options.max_levels - 1;
    *full = true;
    while (level > 1) {
        level--;
        if (version->level[level].count > 0 && version->level[level + 1].count == 0) {
            *full = false;
            break;
        }
    }
    if (*full) {
        return NULL;
    }
    struct lsm_compaction *c = lsm_compact_begin(db, level + 1);
    if (c == NULL || !lsm_compact_add_level(c, version, level) || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->trivial = true;
    return lsm_compact_seal(c);
}

struct lsm_compaction *lsm_runs_pick(struct lsm_db *db, const struct lsm_version *version,
                                     const struct lsm_runs *runs, struct lsm_run_plan plan) {
    LSM_ASSERT(plan.take >= 1 && plan.take <= runs->count);
    uint32_t output = room_above(db, runs, plan.take);
    if (output == 0) {
        bool full;
        struct lsm_compaction *c = move_run(db, version, &full);
        if (!full) {
            return c;
        }
        /* Whatever comes next in age goes along, as long as it is no larger than what it meets. */
        do {
            plan.bytes += runs->run[plan.take++].bytes;
        } while (plan.take < runs->count && runs->run[plan.take].bytes <= plan.bytes);
        output = room_above(db, runs, plan.take);
    }
    struct lsm_compaction *c = lsm_compact_begin(db, output);
    bool added = c != NULL;
    for (uint32_t i = 0; i < plan.take && added; i++) {
        added = lsm_compact_add_level(c, version, runs->run[i].level);
    }
    if (!added || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->trivial = lsm_compact_is_disjoint(c);
    return lsm_compact_seal(c);
}
