#include "version.h"

#include <stdlib.h>

#include "check.h"
#include "entry.h"
#include "key_prefix.h"

struct lsm_version *lsm_version_create(const struct lsm_meta_sink *sink) {
    struct lsm_version *version = calloc(1, sizeof *version);
    if (version != NULL) {
        atomic_init(&version->refs, 1);
        version->sink = sink;
    }
    return version;
}

void lsm_version_ref(struct lsm_version *version) {
    uint32_t before = atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
    LSM_ASSERT(before > 0);
}

void lsm_meta_ref(struct lsm_table_meta *meta) {
    atomic_fetch_add_explicit(&meta->refs, 1, memory_order_relaxed);
}

void lsm_meta_unref(const struct lsm_meta_sink *sink, struct lsm_table_meta *meta) {
    /* acq_rel: the last holder must see everything the others did before they let go. */
    uint32_t before = atomic_fetch_sub_explicit(&meta->refs, 1, memory_order_acq_rel);
    LSM_ASSERT(before > 0);
    if (before == 1) {
        sink->gone(sink->context, meta);
    }
}

void lsm_version_unref(struct lsm_version *version) {
    uint32_t before = atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel);
    LSM_ASSERT(before > 0);
    if (before > 1) {
        return;
    }
    for (size_t l = 0; l < LSM_LEVELS_MAX; l++) {
        for (size_t i = 0; i < version->level[l].count; i++) {
            lsm_meta_unref(version->sink, version->level[l].tables[i]);
        }
        free(version->level[l].tables);
        free(version->level[l].spans);
    }
    free(version);
}

static int compare_newest_first(const void *a, const void *b) {
    const struct lsm_table_meta *x = *(struct lsm_table_meta *const *)a;
    const struct lsm_table_meta *y = *(struct lsm_table_meta *const *)b;
    if (x->seq_max != y->seq_max) {
        return x->seq_max < y->seq_max ? 1 : -1;
    }
    return (x->id < y->id) - (x->id > y->id);
}

static int compare_first_key(const void *a, const void *b) {
    const struct lsm_table_meta *x = *(struct lsm_table_meta *const *)a;
    const struct lsm_table_meta *y = *(struct lsm_table_meta *const *)b;
    return lsm_key_compare(x->first_key, x->first_key_size, y->first_key, y->first_key_size);
}

/* Tables that left `level` by removal or move. */
static bool leaves(const struct lsm_edit *edit, uint32_t level, uint64_t id) {
    for (size_t i = 0; i < edit->removed_count; i++) {
        if (edit->removed[i].level == level && edit->removed[i].id == id) {
            return true;
        }
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        if (edit->moved[i].from == level && edit->moved[i].id == id) {
            return true;
        }
    }
    return false;
}

static struct lsm_table_meta *find_table(const struct lsm_level *level, uint64_t id) {
    for (size_t i = 0; i < level->count; i++) {
        if (level->tables[i]->id == id) {
            return level->tables[i];
        }
    }
    return NULL;
}

/* Every removal and move must name a table that is there. */
static int check_edit(const struct lsm_version *base, const struct lsm_edit *edit,
                      struct lsm_fault *fault) {
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct lsm_edit_removal *r = &edit->removed[i];
        if (r->level >= LSM_LEVELS_MAX || find_table(&base->level[r->level], r->id) == NULL) {
            return lsm_fail(fault, LSM_ERR_CORRUPT, "manifest: table %llu is not in level %u",
                            (unsigned long long)r->id, r->level);
        }
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        const struct lsm_edit_move *m = &edit->moved[i];
        if (m->from >= LSM_LEVELS_MAX || m->to >= LSM_LEVELS_MAX ||
            find_table(&base->level[m->from], m->id) == NULL) {
            return lsm_fail(fault, LSM_ERR_CORRUPT, "manifest: table %llu is not in level %u",
                            (unsigned long long)m->id, m->from);
        }
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        if (edit->added[i].level >= LSM_LEVELS_MAX) {
            return lsm_fail(fault, LSM_ERR_CORRUPT, "manifest: level %u is beyond the last",
                            edit->added[i].level);
        }
    }
    return 0;
}

static size_t level_room(const struct lsm_version *base, const struct lsm_edit *edit,
                         uint32_t level) {
    size_t room = base->level[level].count;
    for (size_t i = 0; i < edit->added_count; i++) {
        room += edit->added[i].level == level;
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        room += edit->moved[i].to == level;
    }
    return room;
}

static void level_push(struct lsm_level *level, struct lsm_table_meta *meta) {
    LSM_ASSERT(meta != NULL); /* check_edit found it */
    lsm_meta_ref(meta);
    level->tables[level->count++] = meta;
    level->bytes += meta->bytes;
}

static size_t shared_prefix(const struct lsm_level *level) {
    const struct lsm_table_meta *first = level->tables[0];
    size_t prefix = first->first_key_size;
    for (size_t i = 0; i < level->count; i++) {
        const struct lsm_table_meta *meta = level->tables[i];
        size_t low =
            lsm_common_prefix(first->first_key, prefix, meta->first_key, meta->first_key_size);
        prefix = lsm_common_prefix(first->first_key, low, meta->last_key, meta->last_key_size);
    }
    return prefix;
}

static void make_spans(struct lsm_level *level) {
    if (level->count == 0) {
        return;
    }
    size_t prefix = shared_prefix(level);
    for (size_t i = 0; i < level->count; i++) {
        const struct lsm_table_meta *meta = level->tables[i];
        level->spans[i] = (struct lsm_span){
            lsm_key_window(meta->first_key + prefix, meta->first_key_size - prefix),
            lsm_key_window(meta->last_key + prefix, meta->last_key_size - prefix)};
    }
    level->prefix = prefix;
}

static int build_level(const struct lsm_version *base, const struct lsm_edit *edit, uint32_t l,
                       struct lsm_level *level, struct lsm_fault *fault) {
    size_t room = level_room(base, edit, l);
    if (room == 0) {
        return 0;
    }
    level->tables = malloc(room * sizeof *level->tables);
    level->spans = malloc(room * sizeof *level->spans);
    if (level->tables == NULL || level->spans == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for the list of level %u", l);
    }
    for (size_t i = 0; i < base->level[l].count; i++) {
        struct lsm_table_meta *meta = base->level[l].tables[i];
        if (!leaves(edit, l, meta->id)) {
            level_push(level, meta);
        }
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        if (edit->added[i].level == l) {
            level_push(level, edit->added[i].meta);
        }
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        if (edit->moved[i].to == l) {
            level_push(level, find_table(&base->level[edit->moved[i].from], edit->moved[i].id));
        }
    }
    LSM_ASSERT(level->count <= room);
    qsort(level->tables, level->count, sizeof *level->tables,
          l == 0 ? compare_newest_first : compare_first_key);
    for (size_t i = 1; l > 0 && i < level->count; i++) {
        const struct lsm_table_meta *a = level->tables[i - 1], *b = level->tables[i];
        if (lsm_key_compare(a->last_key, a->last_key_size, b->first_key, b->first_key_size) >= 0) {
            return lsm_fail(fault, LSM_ERR_CORRUPT,
                            "manifest: tables %llu and %llu of level %u overlap",
                            (unsigned long long)a->id, (unsigned long long)b->id, l);
        }
    }
    make_spans(level);
    return 0;
}

static void list_filled(struct lsm_version *version) {
    for (uint8_t l = 1; l < LSM_LEVELS_MAX; l++) {
        if (version->level[l].count > 0) {
            version->filled[version->filled_count++] = l;
        }
    }
    if (version->filled_count > 0) {
        uint64_t all = lsm_version_bytes(version);
        uint64_t last = version->level[version->filled[version->filled_count - 1]].bytes;
        version->bottom_heavy = last >= all - all / 8;
    }
}

int lsm_version_apply(const struct lsm_version *base, const struct lsm_edit *edit,
                      struct lsm_version **version, struct lsm_fault *fault) {
    int rc = check_edit(base, edit, fault);
    if (rc != 0) {
        return rc;
    }
    struct lsm_version *next = lsm_version_create(base->sink);
    if (next == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a version");
    }
    for (uint32_t l = 0; l < LSM_LEVELS_MAX && rc == 0; l++) {
        rc = build_level(base, edit, l, &next->level[l], fault);
    }
    if (rc != 0) {
        lsm_version_unref(next);
        return rc;
    }
    list_filled(next);
    *version = next;
    return 0;
}

/* The key's window among those of the level's keys; false: it has not their prefix, and sorts
 * before or *behind all of them. */
static inline bool find_window(const struct lsm_level *level, const uint8_t *key, size_t key_size,
                               uint64_t *window, bool *behind) {
    const uint8_t *shared = level->tables[0]->first_key;
    size_t common = lsm_common_prefix(key, key_size, shared, level->prefix);
    if (__builtin_expect(common < level->prefix, 0)) {
        *behind = common < key_size && key[common] > shared[common];
        return false;
    }
    *window = lsm_key_window(key + common, key_size - common);
    return true;
}

/* Index of the first table whose last key is at or behind the key, whose window is w. */
static inline size_t find_last(const struct lsm_level *level, uint64_t w, const uint8_t *key,
                               size_t key_size) {
    size_t lo = 0, hi = level->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        bool below = level->spans[mid].last < w;
        if (__builtin_expect(level->spans[mid].last == w, 0)) {
            const struct lsm_table_meta *meta = level->tables[mid];
            below = lsm_key_compare(meta->last_key, meta->last_key_size, key, key_size) < 0;
        }
        lo = below ? mid + 1 : lo;
        hi = below ? hi : mid;
    }
    return lo;
}

size_t lsm_level_find(const struct lsm_level *level, const uint8_t *key, size_t key_size) {
    uint64_t w;
    bool behind;
    if (level->count == 0) {
        return 0;
    }
    if (!find_window(level, key, key_size, &w, &behind)) {
        return behind ? level->count : 0;
    }
    return find_last(level, w, key, key_size);
}

struct lsm_table_meta *lsm_version_at(const struct lsm_version *version, size_t place,
                                      const uint8_t *key, size_t key_size) {
    const struct lsm_level *level = &version->level[0];
    bool sorted = place >= level->count;
    if (sorted) {
        level = &version->level[version->filled[place - level->count]];
    }
    uint64_t w;
    bool behind;
    if (!find_window(level, key, key_size, &w, &behind)) {
        return NULL;
    }
    size_t i = sorted ? find_last(level, w, key, key_size) : place;
    if (i == level->count || w < level->spans[i].first || w > level->spans[i].last) {
        return NULL;
    }
    struct lsm_table_meta *meta = level->tables[i];
    bool tied = w == level->spans[i].first || w == level->spans[i].last;
    if (__builtin_expect(tied, 0) &&
        (lsm_key_compare(meta->first_key, meta->first_key_size, key, key_size) > 0 ||
         lsm_key_compare(meta->last_key, meta->last_key_size, key, key_size) < 0)) {
        return NULL;
    }
    return meta;
}

bool lsm_level_overlaps(const struct lsm_level *level, const uint8_t *first, size_t first_size,
                        const uint8_t *last, size_t last_size) {
    for (size_t i = 0; i < level->count; i++) {
        const struct lsm_table_meta *meta = level->tables[i];
        if (lsm_key_compare(meta->last_key, meta->last_key_size, first, first_size) >= 0 &&
            lsm_key_compare(meta->first_key, meta->first_key_size, last, last_size) <= 0) {
            return true;
        }
    }
    return false;
}

uint64_t lsm_version_bytes(const struct lsm_version *version) {
    uint64_t bytes = 0;
    for (size_t l = 0; l < LSM_LEVELS_MAX; l++) {
        bytes += version->level[l].bytes;
    }
    return bytes;
}
