/* compact_pick.c: the leveled policy: which tables to merge next, and why.
 *
 * Every level from 1 on has a target size, `level_ratio` times the one above it; level 0 is
 * measured in tables, since each of them costs every read a look. A level's score is its size over
 * its target; the highest score from 1 on is served first. From level 0 all tables go together,
 * since they overlap; from deeper levels one table at a time, round robin over the keys, with what
 * it overlaps below. That keeps jobs small, and the work even. (As in LevelDB and RocksDB's leveled
 * style: O'Neil et al. 1996 for the idea of merging level by level.) */
#include <stdlib.h>

#include "check.h"
#include "compact.h"

uint64_t lsm_level_target(const struct lsm_db *db, uint32_t level) {
    LSM_ASSERT(level >= 1 && level < LSM_LEVELS_MAX);
    if (level + 1 >= db->options.max_levels) {
        return UINT64_MAX;
    }
    uint64_t target = db->options.level1_bytes;
    for (uint32_t l = 1; l < level && target < UINT64_MAX / db->options.level_ratio; l++) {
        target *= db->options.level_ratio;
    }
    return target;
}

double lsm_level_score(const struct lsm_db *db, const struct lsm_version *version, uint32_t level) {
    if (level + 1 >= db->options.max_levels) {
        return 0;
    }
    if (level == 0) {
        return (double)version->level[0].count / db->options.l0_trigger;
    }
    return (double)version->level[level].bytes / (double)lsm_level_target(db, level);
}

static void range_add(struct lsm_key_range *range, const struct lsm_table_meta *meta) {
    if (range->first == NULL || lsm_key_compare(meta->first_key, meta->first_key_size, range->first,
                                                range->first_size) < 0) {
        range->first = meta->first_key;
        range->first_size = meta->first_key_size;
    }
    if (range->last == NULL ||
        lsm_key_compare(meta->last_key, meta->last_key_size, range->last, range->last_size) > 0) {
        range->last = meta->last_key;
        range->last_size = meta->last_key_size;
    }
}

static bool touches(const struct lsm_key_range *range, const struct lsm_table_meta *meta) {
    return lsm_key_compare(meta->last_key, meta->last_key_size, range->first, range->first_size) >=
               0 &&
           lsm_key_compare(meta->first_key, meta->first_key_size, range->last, range->last_size) <=
               0;
}

/* Takes references; true unless memory is out. */
static bool add_input(struct lsm_compaction *c, uint32_t side, struct lsm_table_meta *meta) {
    struct lsm_table_meta **grown =
        realloc(c->inputs[side], (c->input_count[side] + 1) * sizeof *c->inputs[side]);
    if (grown == NULL) {
        return false;
    }
    c->inputs[side] = grown;
    c->inputs[side][c->input_count[side]++] = meta;
    lsm_meta_ref(meta);
    range_add(&c->range, meta);
    c->bytes_in += meta->bytes;
    c->entries_in += meta->entries;
    return true;
}

void lsm_compact_release(struct lsm_compaction *c) {
    struct lsm_db *db = c->db;
    struct lsm_compaction **link = &db->picked;
    while (*link != NULL && *link != c) {
        link = &(*link)->next;
    }
    if (*link == c) { /* else memory was out while picking */
        *link = c->next;
    }
    for (uint32_t side = 0; side < LSM_COMPACT_INPUT_LEVELS; side++) {
        for (size_t i = 0; i < c->input_count[side]; i++) {
            c->inputs[side][i]->busy = false;
            lsm_meta_unref(&db->meta_sink, c->inputs[side][i]);
        }
        free(c->inputs[side]);
    }
    if (c->base != NULL) {
        lsm_version_unref(c->base);
    }
    free(c->snapshots);
    free(c);
}

static struct lsm_compaction *begin(struct lsm_db *db, uint32_t level, uint32_t output) {
    struct lsm_compaction *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->db = db;
    c->level = level;
    c->output = output;
    return c;
}

/* Does a job under way write where this one will? The tables it reads need not be ours: it may
 * fill a gap between our inputs that an output of ours would span. */
static bool collides(const struct lsm_compaction *c) {
    const struct lsm_key_range *a = &c->range;
    for (const struct lsm_compaction *other = c->db->picked; other != NULL; other = other->next) {
        const struct lsm_key_range *b = &other->range;
        if (other->output == c->output &&
            lsm_key_compare(a->last, a->last_size, b->first, b->first_size) >= 0 &&
            lsm_key_compare(a->first, a->first_size, b->last, b->last_size) <= 0) {
            return true;
        }
    }
    return false;
}

/* Adds what overlaps in the output level. False: a table there is busy, or memory is out. */
static bool add_overlap(struct lsm_compaction *c, const struct lsm_version *version) {
    const struct lsm_key_range range = c->range;
    const struct lsm_level *level = &version->level[c->output];
    for (size_t i = 0; i < level->count; i++) {
        if (!touches(&range, level->tables[i])) {
            continue;
        }
        if (level->tables[i]->busy || !add_input(c, 1, level->tables[i])) {
            return false;
        }
    }
    return true;
}

/* The inputs are settled: marks them, and pins what the merge will need to know. NULL when memory
 * is out. */
static struct lsm_compaction *seal(struct lsm_compaction *c) {
    struct lsm_db *db = c->db;
    LSM_ASSERT(c->input_count[0] > 0);
    if (lsm_snapshots_list(db, &c->snapshots, &c->snapshot_count) != 0) {
        lsm_compact_release(c);
        return NULL;
    }
    c->base = db->view->version;
    lsm_version_ref(c->base);
    c->now_s = lsm_io_unix_s(db->io);
    for (uint32_t side = 0; side < LSM_COMPACT_INPUT_LEVELS; side++) {
        for (size_t i = 0; i < c->input_count[side]; i++) {
            LSM_ASSERT(!c->inputs[side][i]->busy);
            c->inputs[side][i]->busy = true;
        }
    }
    c->next = db->picked;
    db->picked = c;
    return c;
}

/* A failed attempt: nothing was marked. */
static void discard(struct lsm_compaction *c) {
    for (uint32_t side = 0; side < LSM_COMPACT_INPUT_LEVELS; side++) {
        for (size_t i = 0; i < c->input_count[side]; i++) {
            lsm_meta_unref(&c->db->meta_sink, c->inputs[side][i]);
        }
        free(c->inputs[side]);
    }
    free(c);
}

static struct lsm_compaction *try_level0(struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_compaction *c = begin(db, 0, 1);
    bool fits = c != NULL;
    for (size_t i = 0; fits && i < version->level[0].count; i++) {
        fits = !version->level[0].tables[i]->busy && add_input(c, 0, version->level[0].tables[i]);
    }
    if (fits && add_overlap(c, version) && !collides(c)) {
        return seal(c);
    }
    if (c != NULL) {
        discard(c);
    }
    return NULL;
}

static struct lsm_compaction *try_table(struct lsm_db *db, const struct lsm_version *version,
                                        uint32_t level, struct lsm_table_meta *meta) {
    if (meta->busy) {
        return NULL;
    }
    struct lsm_compaction *c = begin(db, level, level + 1);
    if (c != NULL && add_input(c, 0, meta) && add_overlap(c, version) && !collides(c)) {
        /* Deletes may find their end in the merge, so a table with deletes is not merely moved. */
        c->trivial = c->input_count[1] == 0 && meta->tombstones == 0;
        return seal(c);
    }
    if (c != NULL) {
        discard(c);
    }
    return NULL;
}

static void remember_cursor(struct lsm_db *db, uint32_t level, const struct lsm_table_meta *meta) {
    uint8_t *key = realloc(db->compact_cursor[level], meta->last_key_size);
    if (key == NULL) {
        return; /* the round begins anew: no harm */
    }
    memcpy(key, meta->last_key, meta->last_key_size);
    db->compact_cursor[level] = key;
    db->compact_cursor_size[level] = meta->last_key_size;
}

/* The first table after the cursor that collides with nothing, round robin. */
static struct lsm_compaction *try_level(struct lsm_db *db, const struct lsm_version *version,
                                        uint32_t level) {
    const struct lsm_level *tables = &version->level[level];
    size_t start = 0;
    while (db->compact_cursor[level] != NULL && start < tables->count &&
           lsm_key_compare(tables->tables[start]->first_key, tables->tables[start]->first_key_size,
                           db->compact_cursor[level], db->compact_cursor_size[level]) <= 0) {
        start++;
    }
    for (size_t n = 0; n < tables->count; n++) {
        struct lsm_table_meta *meta = tables->tables[(start + n) % tables->count];
        struct lsm_compaction *c = try_table(db, version, level, meta);
        if (c != NULL) {
            remember_cursor(db, level, meta);
            return c;
        }
    }
    return NULL;
}

struct lsm_compaction *lsm_compact_pick(struct lsm_db *db) {
    const struct lsm_version *version = db->view->version;
    bool tried[LSM_LEVELS_MAX] = {false};
    for (uint32_t round = 0; round + 1 < db->options.max_levels; round++) {
        uint32_t best = LSM_LEVELS_MAX;
        double best_score = 0;
        for (uint32_t l = 0; l + 1 < db->options.max_levels; l++) {
            double score = lsm_level_score(db, version, l);
            if (!tried[l] && score >= 1.0 && score > best_score) {
                best = l;
                best_score = score;
            }
        }
        if (best == LSM_LEVELS_MAX) {
            return NULL;
        }
        tried[best] = true;
        struct lsm_compaction *c =
            best == 0 ? try_level0(db, version) : try_level(db, version, best);
        if (c != NULL) {
            c->automatic = true;
            return c;
        }
    }
    return NULL;
}

struct lsm_compaction *lsm_compact_pick_level(struct lsm_db *db, uint32_t level, int *rc) {
    const struct lsm_version *version = db->view->version;
    LSM_ASSERT(level < db->options.max_levels);
    *rc = 0;
    if (version->level[level].count == 0) {
        return NULL;
    }
    uint32_t output = level + 1 < db->options.max_levels ? level + 1 : level;
    struct lsm_compaction *c = begin(db, level, output);
    *rc = c == NULL ? LSM_ERR_MEMORY : 0;
    for (size_t i = 0; *rc == 0 && i < version->level[level].count; i++) {
        struct lsm_table_meta *meta = version->level[level].tables[i];
        *rc = meta->busy ? LSM_ERR_BUSY : add_input(c, 0, meta) ? 0 : LSM_ERR_MEMORY;
    }
    if (*rc == 0 && ((output != level && !add_overlap(c, version)) || collides(c))) {
        *rc = LSM_ERR_BUSY;
    }
    if (*rc != 0) {
        if (c != NULL) {
            discard(c);
        }
        return NULL;
    }
    c = seal(c);
    *rc = c == NULL ? LSM_ERR_MEMORY : 0;
    return c;
}

/* Nothing in any deeper level touches the table. */
static bool is_bottom(const struct lsm_version *version, uint32_t level,
                      const struct lsm_table_meta *meta) {
    for (uint32_t l = level + 1; l < LSM_LEVELS_MAX; l++) {
        if (lsm_level_overlaps(&version->level[l], meta->first_key, meta->first_key_size,
                               meta->last_key, meta->last_key_size)) {
            return false;
        }
    }
    return true;
}

/* Half of it or more are deletes, all old enough, none of them needed by a snapshot. */
static bool is_expired(struct lsm_db *db, const struct lsm_table_meta *meta) {
    if (meta->tombstones == 0 || meta->tombstones * 2 < meta->entries) {
        return false;
    }
    uint64_t oldest_snapshot =
        db->snapshots.next != &db->snapshots ? db->snapshots.next->seq : atomic_load(&db->visible);
    return meta->seq_max <= oldest_snapshot &&
           lsm_is_past_retention(db, meta->seq_max, lsm_io_unix_s(db->io));
}

struct lsm_compaction *lsm_compact_pick_idle(struct lsm_db *db) {
    const struct lsm_version *version = db->view->version;
    for (uint32_t l = 1; l < db->options.max_levels; l++) {
        for (size_t i = 0; i < version->level[l].count; i++) {
            struct lsm_table_meta *meta = version->level[l].tables[i];
            if (meta->busy || !is_expired(db, meta) || !is_bottom(version, l, meta)) {
                continue;
            }
            struct lsm_compaction *c = begin(db, l, l);
            if (c != NULL && add_input(c, 0, meta)) {
                c->automatic = true;
                return seal(c);
            }
            if (c != NULL) {
                discard(c);
            }
            return NULL;
        }
    }
    return NULL;
}
