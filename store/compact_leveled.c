/* compact_leveled.c: the leveled policy: one sorted run a level, each `level_ratio` times as large
 * as the one above it.
 *
 * Level 0 is measured in tables, since each of them costs every read a look; all of it goes
 * together, since its tables overlap, and what is about to be flushed comes along. A deeper level
 * is measured against its target size; from it goes the table that has least beneath it for its
 * size, so that a byte moved down rewrites as few others as possible. Tables with nothing beneath
 * them are moved, several at a time, without being rewritten: data written in key order is written
 * once. The highest score is served first. (O'Neil et al. 1996 for merging level by level; LevelDB
 * and RocksDB for tables as the unit.)
 *
 * In a tree of three levels and more the targets of the middle ones follow the deepest one, a tenth
 * of it and a tenth of that at the default ratio: what lies above the deepest level is what
 * overwritten data may take, so that stays a ninth of the data, however far the last level is
 * filled. (RocksDB's dynamic level sizes.)
 *
 * What level 0 overwrote stays until the merge that is due at `l0_trigger` tables, which may never
 * come. So while nothing is written it is merged once that is an eighth of the tree: less would be
 * won than each merge writes, many times over. */
#include "check.h"
#include "compact_policy.h"

/* Targets by the options alone. */
static uint64_t fixed_target(const struct lsm_db *db, uint32_t level) {
    uint64_t target = db->options.level1_bytes;
    for (uint32_t l = 1; l < level && target < UINT64_MAX / db->options.level_ratio; l++) {
        target *= db->options.level_ratio;
    }
    return target;
}

static uint64_t leveled_target(const struct lsm_db *db, const struct lsm_version *version,
                               uint32_t level) {
    if (level + 1 >= db->options.max_levels) {
        return UINT64_MAX;
    }
    uint64_t fixed = fixed_target(db, level);
    uint32_t deepest = db->options.max_levels - 1;
    while (deepest > 0 && version->level[deepest].count == 0) {
        deepest--;
    }
    if (level < 2 || level >= deepest) {
        return fixed;
    }
    uint64_t share = version->level[deepest].bytes;
    for (uint32_t l = level; l < deepest; l++) {
        share /= db->options.level_ratio;
    }
    uint64_t least = db->options.level1_bytes;
    share = share < least ? least : share;
    return share < fixed ? share : fixed;
}

static uint64_t leveled_debt(const struct lsm_db *db, const struct lsm_version *version) {
    uint64_t debt = 0;
    if (version->level[0].count >= db->options.l0_trigger) {
        debt += version->level[0].bytes;
    }
    for (uint32_t l = 1; l + 1 < db->options.max_levels; l++) {
        uint64_t target = leveled_target(db, version, l);
        if (version->level[l].bytes > target) {
            debt += version->level[l].bytes - target;
        }
    }
    return debt;
}

static uint64_t leveled_waiting(const struct lsm_version *version) {
    return version->level[0].count;
}

/* ---- what overlaps ---- */

/* Bytes in `level` that touch the table's keys. */
static uint64_t bytes_beneath(const struct lsm_level *level, const struct lsm_table_meta *meta) {
    uint64_t bytes = 0;
    for (size_t i = lsm_level_find(level, meta->first_key, meta->first_key_size);
         i < level->count &&
         lsm_key_compare(level->tables[i]->first_key, level->tables[i]->first_key_size,
                         meta->last_key, meta->last_key_size) <= 0;
         i++) {
        bytes += level->tables[i]->bytes;
    }
    return bytes;
}

/* Deletes may find their end in a merge, so a table with deletes is not merely moved. */
static bool may_move(const struct lsm_version *version, uint32_t output,
                     const struct lsm_table_meta *meta) {
    return !meta->busy && meta->tombstones == 0 &&
           bytes_beneath(&version->level[output], meta) == 0;
}

static bool touch(const struct lsm_table_meta *a, const struct lsm_table_meta *b) {
    struct lsm_key_range range = {0};
    lsm_range_add(&range, a);
    return lsm_range_touches(&range, b);
}

/* ---- level 0 ---- */

/* Does a table of level 0 share keys with an older one there? Level 0 is sorted newest first. */
static bool touches_older(const struct lsm_level *level0, size_t index) {
    for (size_t i = index + 1; i < level0->count; i++) {
        if (touch(level0->tables[index], level0->tables[i])) {
            return true;
        }
    }
    return false;
}

/* Tables that share keys with nothing older. A single one among others is not worth it: the merge
 * of the others would only come later and be larger by it. */
static struct lsm_compaction *move_level0(struct lsm_db *db, const struct lsm_version *version) {
    const struct lsm_level *level0 = &version->level[0];
    struct lsm_compaction *c = lsm_compact_begin(db, 1);
    bool added = c != NULL;
    for (size_t i = 0; i < level0->count && added; i++) {
        if (may_move(version, 1, level0->tables[i]) && !touches_older(level0, i)) {
            added = lsm_compact_add(c, 0, level0->tables[i]);
        }
    }
    size_t count = c != NULL ? lsm_compact_inputs(c) : 0;
    if (!added || count == 0 || (count == 1 && level0->count > 1) || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->trivial = true;
    return lsm_compact_seal(c);
}

/* A merge of level 0 writes all again that lies beneath it, however much comes from above: what is
 * about to be flushed had better come along, up to twice the tables that make it due, or until
 * writes are slowed down. Where nothing lies beneath there is nothing to be spared. Two times 2 M
 * random puts over as many keys, 64 MiB memtables: tables written 1.86 times the data, 2.27 where
 * each merge began as soon as it was due; three times 10 M: 3.75 and 4.02. */
static bool more_is_coming(const struct lsm_db *db, const struct lsm_version *version) {
    const struct lsm_level *level0 = &version->level[0];
    size_t enough = (size_t)2 * db->options.l0_trigger;
    enough = enough < db->options.l0_slowdown ? enough : db->options.l0_slowdown;
    return db->sealed_count > 0 && !db->flush_failed && level0->count < enough &&
           version->level[1].bytes > level0->bytes / 2;
}

static struct lsm_compaction *merge_level0(struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_compaction *c = lsm_compact_begin(db, 1);
    if (c == NULL || !lsm_compact_add_level(c, version, 0) ||
        !lsm_compact_add_overlap(c, version) || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->bound_overlap = true;
    return lsm_compact_seal(c);
}

/* Does anything older lie beneath the table's range? */
static bool covers_older(const struct lsm_version *version, size_t index) {
    const struct lsm_table_meta *meta = version->level[0].tables[index];
    bool covers = touches_older(&version->level[0], index);
    for (uint32_t l = 1; l < LSM_LEVELS_MAX && !covers; l++) {
        covers = lsm_level_overlaps(&version->level[l], meta->first_key, meta->first_key_size,
                                    meta->last_key, meta->last_key_size);
    }
    return covers;
}

/* About what would be gone if level 0 were merged. Of a table that an earlier process flushed
 * nothing is known: all of it may be overwriting. */
static uint64_t overwritten(const struct lsm_version *version) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < version->level[0].count; i++) {
        const struct lsm_table_meta *meta = version->level[0].tables[i];
        double share = 1.0 - (double)meta->fresh / (double)meta->entries;
        bytes += covers_older(version, i) ? (uint64_t)((double)meta->bytes * share) : 0;
    }
    return bytes;
}

static struct lsm_compaction *leveled_idle(struct lsm_db *db, const struct lsm_version *version) {
    enum { SHARE = 8 };
    uint64_t won = overwritten(version);
    bool kept = db->snapshot_count > 0; /* older versions may be asked for: they would stay */
    bool worth = won > 0 && won >= lsm_version_bytes(version) / SHARE;
    return worth && !kept ? merge_level0(db, version) : NULL;
}

/* ---- deeper levels ---- */

/* As many tables as the level has too much, of those that need no merge. */
static struct lsm_compaction *move_tables(struct lsm_db *db, const struct lsm_version *version,
                                          uint32_t level) {
    const struct lsm_level *tables = &version->level[level];
    uint64_t target = leveled_target(db, version, level);
    struct lsm_compaction *c = lsm_compact_begin(db, level + 1);
    bool added = c != NULL;
    for (size_t i = 0; i < tables->count && added && tables->bytes - c->bytes_in > target; i++) {
        if (may_move(version, level + 1, tables->tables[i])) {
            added = lsm_compact_add(c, level, tables->tables[i]);
        }
    }
    if (!added || c->side_count == 0 || lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->trivial = true;
    return lsm_compact_seal(c);
}

static struct lsm_compaction *merge_table(struct lsm_db *db, const struct lsm_version *version,
                                          uint32_t level, struct lsm_table_meta *meta) {
    struct lsm_compaction *c = lsm_compact_begin(db, level + 1);
    if (c == NULL || !lsm_compact_add(c, level, meta) || !lsm_compact_add_overlap(c, version) ||
        lsm_compact_collides(c)) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->bound_overlap = true;
    return lsm_compact_seal(c);
}

/* The table with the least beneath it for its size, of those with a greater measure than `past` or
 * an equal one and a later place; `none` when there is no other. Deletes count as bytes to be won,
 * so tables that hold many go first. */
static size_t next_cheapest(const struct lsm_version *version, uint32_t level, double past_cost,
                            size_t past, double *cost) {
    const struct lsm_level *tables = &version->level[level];
    size_t best = tables->count;
    for (size_t i = 0; i < tables->count; i++) {
        const struct lsm_table_meta *meta = tables->tables[i];
        double deleted = (double)meta->tombstones / (double)meta->entries;
        double own = (double)meta->bytes * (1.0 + 4.0 * deleted);
        double its = (double)bytes_beneath(&version->level[level + 1], meta) / own;
        bool after = past == tables->count || its > past_cost || (its == past_cost && i > past);
        if (after && (best == tables->count || its < *cost)) {
            best = i;
            *cost = its;
        }
    }
    return best;
}

static struct lsm_compaction *pick_from(struct lsm_db *db, const struct lsm_version *version,
                                        uint32_t level) {
    enum { TRIES = 8 }; /* the others can wait for the jobs that these collide with */
    struct lsm_compaction *c = move_tables(db, version, level);
    double cost = 0;
    size_t at = version->level[level].count;
    for (unsigned n = 0; n < TRIES && c == NULL; n++) {
        at = next_cheapest(version, level, cost, at, &cost);
        if (at == version->level[level].count) {
            break;
        }
        c = merge_table(db, version, level, version->level[level].tables[at]);
    }
    return c;
}

static struct lsm_compaction *leveled_pick(struct lsm_db *db, const struct lsm_version *version) {
    bool tried[LSM_LEVELS_MAX] = {false};
    for (uint32_t round = 0; round + 1 < db->options.max_levels; round++) {
        uint32_t best = LSM_LEVELS_MAX;
        double best_score = 0;
        for (uint32_t l = 0; l + 1 < db->options.max_levels; l++) {
            double score = lsm_level_score(db, version, l);
            bool due = l == 0 ? score >= 1.0 : score > 1.0; /* as leveled_debt has it */
            if (!tried[l] && due && score > best_score) {
                best = l;
                best_score = score;
            }
        }
        if (best == LSM_LEVELS_MAX) {
            return NULL;
        }
        tried[best] = true;
        struct lsm_compaction *c =
            best == 0 ? move_level0(db, version) : pick_from(db, version, best);
        if (c == NULL && best == 0 && !more_is_coming(db, version)) {
            c = merge_level0(db, version);
        }
        if (c != NULL) {
            return c;
        }
    }
    return NULL;
}

const struct lsm_policy_ops lsm_policy_leveled = {
    .target = leveled_target,
    .debt = leveled_debt,
    .waiting = leveled_waiting,
    .pick = leveled_pick,
    .idle = leveled_idle,
};
