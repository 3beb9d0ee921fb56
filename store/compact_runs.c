#include "compact_runs.h"

#include "check.h"

/* None may stay above a newer one that goes down: so these end where a job holds one. */
static size_t oldest_free(const struct lsm_level *level0, uint64_t *bytes) {
    size_t n = 0;
    *bytes = 0;
    while (n < level0->count && !level0->tables[level0->count - 1 - n]->busy) {
        *bytes += level0->tables[level0->count - 1 - n]->bytes;
        n++;
    }
    return n;
}

/* What was gathered has been waiting for a merge already. */
static bool is_due(const struct lsm_db *db, const struct lsm_level *level0, size_t oldest) {
    bool due = oldest >= db->options.l0_trigger;
    for (size_t i = level0->count - oldest; i < level0->count && !due; i++) {
        due = level0->tables[i]->gathered;
    }
    return due;
}

static uint32_t floor_of(const struct lsm_db *db) {
    uint32_t floor = db->options.max_levels;
    for (const struct lsm_compaction *c = db->picked; c != NULL; c = c->next) {
        for (uint32_t s = 0; s < c->side_count; s++) {
            uint32_t level = c->side[s].level;
            floor = level > 0 && level < floor ? level : floor;
        }
        floor = c->output > 0 && c->output < floor ? c->output : floor;
    }
    return floor;
}

void lsm_runs_of(const struct lsm_db *db, const struct lsm_version *version,
                 struct lsm_runs *runs) {
    *runs = (struct lsm_runs){.floor = floor_of(db)};
    for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
        uint64_t bytes = version->level[l].bytes;
        if (version->level[l].count == 0) {
            continue;
        }
        if (l == 0) {
            runs->oldest = oldest_free(&version->level[0], &bytes);
            runs->due = is_due(db, &version->level[0], runs->oldest);
        }
        runs->free += l < runs->floor;
        runs->run[runs->count++] = (struct lsm_run){.level = l, .bytes = bytes};
    }
}

uint32_t lsm_runs_width(const struct lsm_db *db) {
    return db->options.l0_trigger < 2 ? 2 : db->options.l0_trigger;
}

struct lsm_run_plan lsm_runs_plan(const struct lsm_runs *runs, uint32_t usable, uint32_t width) {
    LSM_ASSERT(usable >= 1 && usable <= runs->free && width >= 2);
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

/* The deepest level above the run that follows the first `take`, and above all jobs; 0: none. */
static uint32_t room_above(const struct lsm_runs *runs, uint32_t take) {
    uint32_t next = take < runs->count ? runs->run[take].level : runs->floor;
    next = next < runs->floor ? next : runs->floor;
    LSM_ASSERT(next >= 1);
    return next - 1;
}

/* Moves the lowest run that has an empty level right beneath it, above all jobs. NULL: every level
 * is taken, or memory is out. */
static struct lsm_compaction *move_run(struct lsm_db *db, const struct lsm_version *version,
                                       uint32_t floor, bool *full) {
    uint32_t level = floor - 1;
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

static bool add_oldest(struct lsm_compaction *c, const struct lsm_level *level0, size_t count) {
    bool added = true;
    for (size_t i = level0->count - count; i < level0->count && added; i++) {
        added = lsm_compact_add(c, 0, level0->tables[i]);
    }
    return added;
}

struct lsm_compaction *lsm_runs_pick(struct lsm_db *db, const struct lsm_version *version,
                                     const struct lsm_runs *runs, struct lsm_run_plan plan) {
    LSM_ASSERT(plan.take >= 1 && plan.take <= runs->free);
    uint32_t output = room_above(runs, plan.take);
    if (output == 0) {
        bool full;
        struct lsm_compaction *c = move_run(db, version, runs->floor, &full);
        if (!full || plan.take == runs->free) {
            return c;
        }
        /* Whatever comes next in age goes along, as long as it is no larger than what it meets. */
        do {
            plan.bytes += runs->run[plan.take++].bytes;
        } while (plan.take < runs->free && runs->run[plan.take].bytes <= plan.bytes);
        output = room_above(runs, plan.take);
    }
    struct lsm_compaction *c = lsm_compact_begin(db, output);
    bool added = c != NULL && add_oldest(c, &version->level[0], runs->oldest);
    for (uint32_t i = 1; i < plan.take && added; i++) {
        added = lsm_compact_add_level(c, version, runs->run[i].level);
    }
    if (!added || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->trivial = lsm_compact_is_disjoint(c);
    return lsm_compact_seal(c);
}

/* ---- level 0 while a long merge runs ---- */

struct window {
    size_t first, count;
    uint64_t bytes;
};

/* Of all windows that begin at `first` the one that rewrites least for each table less; `best`
 * stays when none is better. A much larger table among small ones is left out. */
static void best_from(const struct lsm_level *level0, size_t first, uint32_t width,
                      uint64_t bytes_max, struct window *best) {
    enum { COUNT_MAX = 32 }; /* sources of one merge */
    uint64_t bytes = 0, largest = 0;
    for (size_t i = first; i < level0->count && i < first + COUNT_MAX; i++) {
        const struct lsm_table_meta *meta = level0->tables[i];
        bytes += meta->bytes;
        largest = meta->bytes > largest ? meta->bytes : largest;
        if (meta->busy || bytes > bytes_max) {
            return;
        }
        size_t count = i - first + 1;
        if (count < width || largest / 2 > bytes - largest) {
            continue;
        }
        double each = (double)bytes / (double)(count - 1);
        if (best->count == 0 || each < (double)best->bytes / (double)(best->count - 1)) {
            *best = (struct window){.first = first, .count = count, .bytes = bytes};
        }
    }
}

struct lsm_compaction *lsm_runs_gather(struct lsm_db *db, const struct lsm_version *version,
                                       uint64_t bytes_max) {
    /* Level 0 has no levels to cut a table by, and what is kept of a table that is written, the
     * hashes of its keys, grows with it. */
    enum { TABLES_MAX = 64 };
    const struct lsm_level *level0 = &version->level[0];
    uint32_t width = lsm_runs_width(db);
    uint64_t limit = TABLES_MAX * db->options.table_bytes;
    struct window best = {0};
    if (lsm_runs_waiting(version) * 3 < (uint64_t)db->options.l0_slowdown * 2) {
        return NULL;
    }
    for (size_t i = 0; i + width <= level0->count; i++) {
        best_from(level0, i, width, bytes_max < limit ? bytes_max : limit, &best);
    }
    if (best.count == 0) {
        return NULL;
    }
    struct lsm_compaction *c = lsm_compact_begin(db, 0);
    bool added = c != NULL;
    for (size_t i = best.first; i < best.first + best.count && added; i++) {
        added = lsm_compact_add(c, 0, level0->tables[i]);
    }
    if (!added || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    return lsm_compact_seal(c);
}

uint64_t lsm_runs_gather_max(const struct lsm_db *db) {
    uint64_t longest = 0;
    for (const struct lsm_compaction *c = db->picked; c != NULL; c = c->next) {
        longest = !c->trivial && c->bytes_in > longest ? c->bytes_in : longest;
    }
    return longest / 2;
}

/* ---- what waits ---- */

static uint64_t free_tables(const struct lsm_level *level0, uint64_t *bytes) {
    uint64_t count = 0;
    *bytes = 0;
    for (size_t i = 0; i < level0->count; i++) {
        count += !level0->tables[i]->busy;
        *bytes += level0->tables[i]->busy ? 0 : level0->tables[i]->bytes;
    }
    return count;
}

uint64_t lsm_runs_debt(const struct lsm_db *db, const struct lsm_version *version,
                       struct lsm_run_plan plan) {
    uint64_t bytes;
    if (plan.take > 0) {
        return plan.bytes;
    }
    return free_tables(&version->level[0], &bytes) >= db->options.l0_trigger ? bytes : 0;
}

uint64_t lsm_runs_waiting(const struct lsm_version *version) {
    uint64_t bytes;
    return free_tables(&version->level[0], &bytes);
}
