/* compact_inputs.c: puts a compaction together: its inputs, their key range, and whether it may run
 * beside those under way. */
#include <stdlib.h>

#include "check.h"
#include "compact_policy.h"

void lsm_range_add(struct lsm_key_range *range, const struct lsm_table_meta *meta) {
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

bool lsm_range_touches(const struct lsm_key_range *range, const struct lsm_table_meta *meta) {
    return lsm_key_compare(meta->last_key, meta->last_key_size, range->first, range->first_size) >=
               0 &&
           lsm_key_compare(meta->first_key, meta->first_key_size, range->last, range->last_size) <=
               0;
}

struct lsm_compaction *lsm_compact_begin(struct lsm_db *db, uint32_t output) {
    struct lsm_compaction *c = calloc(1, sizeof *c);
    if (c != NULL) {
        LSM_ASSERT(output < db->options.max_levels);
        c->db = db;
        c->output = output;
        c->seq_min = UINT64_MAX;
    }
    return c;
}

static struct lsm_compact_side *side_of(struct lsm_compaction *c, uint32_t level) {
    if (c->side_count == 0) {
        c->level = level;
    }
    if (c->side_count == 0 || c->side[c->side_count - 1].level != level) {
        LSM_ASSERT(c->side_count == 0 || c->side[c->side_count - 1].level < level);
        LSM_ASSERT(level <= c->output && c->side_count < LSM_LEVELS_MAX);
        c->side[c->side_count++].level = level;
    }
    return &c->side[c->side_count - 1];
}

bool lsm_compact_add(struct lsm_compaction *c, uint32_t level, struct lsm_table_meta *meta) {
    if (meta->busy) {
        return false;
    }
    struct lsm_compact_side *side = side_of(c, level);
    struct lsm_table_meta **grown =
        realloc(side->metas, (side->count + 1) * sizeof(struct lsm_table_meta *));
    if (grown == NULL) {
        c->no_memory = true;
        return false;
    }
    side->metas = grown;
    side->metas[side->count++] = meta;
    lsm_meta_ref(meta);
    lsm_range_add(&c->range, meta);
    c->seq_min = meta->seq_min < c->seq_min ? meta->seq_min : c->seq_min;
    c->seq_max = meta->seq_max > c->seq_max ? meta->seq_max : c->seq_max;
    c->bytes_in += meta->bytes;
    c->entries_in += meta->entries;
    return true;
}

bool lsm_compact_add_level(struct lsm_compaction *c, const struct lsm_version *version,
                           uint32_t level) {
    bool added = true;
    for (size_t i = 0; i < version->level[level].count && added; i++) {
        added = lsm_compact_add(c, level, version->level[level].tables[i]);
    }
    return added;
}

bool lsm_compact_add_overlap(struct lsm_compaction *c, const struct lsm_version *version) {
    const struct lsm_key_range range = c->range;
    const struct lsm_level *level = &version->level[c->output];
    bool added = true;
    for (size_t i = 0; i < level->count && added; i++) {
        if (lsm_range_touches(&range, level->tables[i])) {
            added = lsm_compact_add(c, c->output, level->tables[i]);
        }
    }
    return added;
}

size_t lsm_compact_inputs(const struct lsm_compaction *c) {
    size_t count = 0;
    for (uint32_t s = 0; s < c->side_count; s++) {
        count += c->side[s].count;
    }
    return count;
}

static int by_first_key(const void *a, const void *b) {
    const struct lsm_table_meta *x = *(struct lsm_table_meta *const *)a;
    const struct lsm_table_meta *y = *(struct lsm_table_meta *const *)b;
    return lsm_key_compare(x->first_key, x->first_key_size, y->first_key, y->first_key_size);
}

bool lsm_compact_is_disjoint(const struct lsm_compaction *c) {
    size_t count = lsm_compact_inputs(c), n = 0;
    struct lsm_table_meta **all = malloc((count + 1) * sizeof(struct lsm_table_meta *));
    bool disjoint = all != NULL;
    for (uint32_t s = 0; s < c->side_count && disjoint; s++) {
        memcpy(all + n, c->side[s].metas, c->side[s].count * sizeof(struct lsm_table_meta *));
        n += c->side[s].count;
    }
    if (disjoint) {
        qsort(all, n, sizeof(struct lsm_table_meta *), by_first_key);
    }
    for (size_t i = 0; i < n && disjoint; i++) {
        disjoint = all[i]->tombstones == 0 &&
                   (i == 0 || lsm_key_compare(all[i - 1]->last_key, all[i - 1]->last_key_size,
                                              all[i]->first_key, all[i]->first_key_size) < 0);
    }
    free(all);
    return disjoint;
}

/* Is all that `a` reads newer than what `b` reads, where they have keys in common? */
static bool is_newer(const struct lsm_compaction *a, const struct lsm_compaction *b) {
    return a->level < b->level || (a->level == 0 && b->level == 0 && a->seq_min > b->seq_max);
}

/* The tables that a job under way reads need not be ours: it may fill a gap between our inputs that
 * an output of ours would span. And a job that skips levels must not come out beneath what is
 * older, nor one that reads older data above what is newer. Within level 0 tables may overlap. */
bool lsm_compact_collides(const struct lsm_compaction *c) {
    const struct lsm_key_range *a = &c->range;
    for (const struct lsm_compaction *other = c->db->picked; other != NULL; other = other->next) {
        const struct lsm_key_range *b = &other->range;
        bool common = lsm_key_compare(a->last, a->last_size, b->first, b->first_size) >= 0 &&
                      lsm_key_compare(a->first, a->first_size, b->last, b->last_size) <= 0;
        bool in_order = (c->output == 0 && other->output == 0) ||
                        (is_newer(c, other) && c->output < other->output) ||
                        (is_newer(other, c) && other->output < c->output) ||
                        (c->level == other->level && c->level > 0 && c->output != other->output);
        if (common && !in_order) {
            return true;
        }
    }
    return false;
}

static void unref_inputs(struct lsm_compaction *c) {
    for (uint32_t s = 0; s < c->side_count; s++) {
        for (size_t i = 0; i < c->side[s].count; i++) {
            lsm_meta_unref(&c->db->meta_sink, c->side[s].metas[i]);
        }
        free(c->side[s].metas);
    }
}

void lsm_compact_discard(struct lsm_compaction *c) {
    if (c != NULL) {
        unref_inputs(c);
        free(c);
    }
}

static void mark(struct lsm_compaction *c, bool busy) {
    for (uint32_t s = 0; s < c->side_count; s++) {
        for (size_t i = 0; i < c->side[s].count; i++) {
            LSM_ASSERT(c->side[s].metas[i]->busy != busy);
            c->side[s].metas[i]->busy = busy;
        }
    }
}

struct lsm_compaction *lsm_compact_seal(struct lsm_compaction *c) {
    struct lsm_db *db = c->db;
    LSM_ASSERT(c->side_count > 0 && !lsm_compact_collides(c));
    if (lsm_snapshots_list(db, &c->snapshots, &c->snapshot_count) != 0) {
        lsm_compact_discard(c);
        return NULL;
    }
    c->base = db->view->version;
    lsm_version_ref(c->base);
    c->now_s = lsm_io_unix_s(db->io);
    mark(c, true);
    c->next = db->picked;
    db->picked = c;
    lsm_pressure_update(db); /* what is dealt with need not hold writers back */
    return c;
}

void lsm_compact_release(struct lsm_compaction *c) {
    struct lsm_compaction **link = &c->db->picked;
    while (*link != c) {
        LSM_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = c->next;
    mark(c, false);
    lsm_pressure_update(c->db);
    unref_inputs(c);
    lsm_version_unref(c->base);
    free(c->snapshots);
    free(c);
}
