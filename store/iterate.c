/* iterate.c: the user's view of a range: one key once, its newest visible version, no deletes, both
 * directions.
 *
 * Beneath is a merge of every memtable, level-0 table and deeper level, in entry order (newest
 * version of a key first). Forward, the merge stands on the entry shown. Backward, the newest
 * version of a key is met last, so the iterator keeps a copy of what it found and the merge stands
 * before that key. */
#include <stdlib.h>

#include "check.h"
#include "get.h"
#include "level_source.h"

struct buffer {
    uint8_t *data;
    size_t size, room;
};

struct lsm_iter {
    struct lsm_db *db;
    struct lsm_view *view;
    struct lsm_source *merge;
    uint64_t seq;
    bool backward;
    bool valid;
    int status;
    struct buffer key, value; /* what is shown when backward; the key just passed when forward */
    struct buffer lower, upper;
    bool has_lower, has_upper;
};

static bool assign(struct lsm_iter *iter, struct buffer *buffer, const void *data, size_t size) {
    if (buffer->room < size || buffer->data == NULL) {
        size_t room = size < 64 ? 64 : size;
        uint8_t *grown = realloc(buffer->data, room);
        if (grown == NULL) {
            iter->valid = false;
            iter->status = LSM_ERR_MEMORY;
            return false;
        }
        buffer->data = grown;
        buffer->room = room;
    }
    if (size > 0) {
        memcpy(buffer->data, data, size);
    }
    buffer->size = size;
    return true;
}

/* ---- making ---- */

static int table_source(struct lsm_iter *iter, const struct lsm_table_meta *meta, bool fill_cache,
                        struct lsm_source **source, struct lsm_fault *fault) {
    struct lsm_table *table = NULL;
    int rc = lsm_tables_get(iter->db->tables, meta, &table, fault);
    if (rc == 0) {
        *source = lsm_table_source(table, NULL, fill_cache, NULL);
        rc = *source == NULL ? lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for an iterator") : 0;
    }
    return rc;
}

static int collect(struct lsm_iter *iter, bool fill_cache, struct lsm_source **sources,
                   size_t *count, struct lsm_fault *fault) {
    const struct lsm_view *view = iter->view;
    size_t n = 0;
    int rc = 0;
    sources[n++] = lsm_memtable_source(view->active);
    for (uint32_t i = 0; i < view->sealed_count; i++) {
        sources[n++] = lsm_memtable_source(view->sealed[i]);
    }
    for (size_t i = 0; i < view->version->level[0].count && rc == 0; i++) {
        rc = table_source(iter, view->version->level[0].tables[i], fill_cache, &sources[n], fault);
        n += rc == 0;
    }
    for (uint32_t l = 1; l < iter->db->options.max_levels && rc == 0; l++) {
        const struct lsm_level *level = &view->version->level[l];
        if (level->count > 0) {
            sources[n++] = lsm_level_source(iter->db->tables, level->tables, level->count, NULL,
                                            fill_cache, NULL);
        }
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = sources[i] == NULL ? lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for an iterator")
                                : 0;
    }
    *count = n;
    return rc;
}

static int open_merge(struct lsm_iter *iter, bool fill_cache, struct lsm_fault *fault) {
    size_t room =
        1 + iter->view->sealed_count + iter->view->version->level[0].count + LSM_LEVELS_MAX;
    size_t count = 0;
    struct lsm_source **sources = calloc(room, sizeof(struct lsm_source *));
    if (sources == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for an iterator");
    }
    int rc = collect(iter, fill_cache, sources, &count, fault);
    LSM_ASSERT(count <= room);
    if (rc == 0) {
        iter->merge = lsm_merge_create(sources, count); /* takes them over */
        rc = iter->merge == NULL ? lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for an iterator")
                                 : 0;
    } else {
        for (size_t i = 0; i < count; i++) {
            if (sources[i] != NULL) {
                sources[i]->ops->destroy(sources[i]);
            }
        }
    }
    free(sources);
    return rc;
}

static int copy_bounds(struct lsm_iter *iter, const struct lsm_read_options *options,
                       struct lsm_fault *fault) {
    bool fine = true;
    if (options != NULL && options->lower != NULL) {
        iter->has_lower = true;
        fine = assign(iter, &iter->lower, options->lower, options->lower_size);
    }
    if (fine && options != NULL && options->upper != NULL) {
        iter->has_upper = true;
        fine = assign(iter, &iter->upper, options->upper, options->upper_size);
    }
    return fine ? 0 : lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for an iterator");
}

int lsm_iter_create(struct lsm_db *db, const struct lsm_read_options *options,
                    struct lsm_iter **iter) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    if (options != NULL && options->snapshot != NULL && options->snapshot->db != db) {
        rc = lsm_fail(&fault, LSM_ERR_ARGUMENT, "the snapshot is another database's");
        return lsm_leave(db, &fault, rc);
    }
    struct lsm_iter *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return LSM_ERR_MEMORY;
    }
    made->db = db;
    atomic_fetch_add_explicit(&db->iterators, 1, memory_order_relaxed);
    made->view = lsm_view_acquire(db);
    made->seq = lsm_read_seq(db, options);
    rc = copy_bounds(made, options, &fault);
    if (rc == 0) {
        rc = open_merge(made, options == NULL || !options->skip_cache_fill, &fault);
    }
    if (rc != 0) {
        lsm_iter_destroy(made);
        return lsm_leave(db, &fault, rc);
    }
    *iter = made;
    return 0;
}

void lsm_iter_destroy(struct lsm_iter *iter) {
    if (iter == NULL || lsm_enter(iter->db) != 0) {
        return;
    }
    if (iter->merge != NULL) {
        iter->merge->ops->destroy(iter->merge);
    }
    lsm_view_release(iter->db, iter->view);
    atomic_fetch_sub_explicit(&iter->db->iterators, 1, memory_order_relaxed);
    free(iter->key.data);
    free(iter->value.data);
    free(iter->lower.data);
    free(iter->upper.data);
    free(iter);
}

/* In a forked child there is nothing to go to. */
static bool refuse(struct lsm_iter *iter) {
    if (__builtin_expect(!lsm_is_inherited(iter->db), 1)) {
        return false;
    }
    iter->valid = false;
    iter->status = LSM_ERR_FORKED;
    return true;
}

/* ---- forward ---- */

static bool is_key(const struct buffer *key, const struct lsm_entry *entry) {
    return key->size == entry->key_size && memcmp(key->data, entry->key, entry->key_size) == 0;
}

static bool beyond_upper(const struct lsm_iter *iter, const struct lsm_entry *entry) {
    return iter->has_upper &&
           lsm_key_compare(entry->key, entry->key_size, iter->upper.data, iter->upper.size) >= 0;
}

static bool below_lower(const struct lsm_iter *iter, const struct lsm_entry *entry) {
    return iter->has_lower &&
           lsm_key_compare(entry->key, entry->key_size, iter->lower.data, iter->lower.size) < 0;
}

static void end(struct lsm_iter *iter) {
    const struct lsm_source *m = iter->merge;
    iter->valid = false;
    iter->status = m->status;
    if (m->status != 0 && m->fault != NULL) {
        (void)lsm_leave(iter->db, m->fault, m->status); /* for lsm_error_detail */
    }
}

/* From where the merge stands, finds the next visible put; versions of `key` are passed over when
 * `skipping`. */
static void settle_forward(struct lsm_iter *iter, bool skipping) {
    struct lsm_source *m = iter->merge;
    iter->backward = false;
    for (; m->valid; m->ops->next(m)) {
        if (beyond_upper(iter, m->entry)) {
            break;
        }
        if (m->entry->seq > iter->seq || (skipping && is_key(&iter->key, m->entry))) {
            continue;
        }
        if (m->entry->type == LSM_TYPE_PUT) {
            iter->valid = true;
            return;
        }
        /* A delete hides the older versions of its key. */
        skipping = true;
        if (!assign(iter, &iter->key, m->entry->key, m->entry->key_size)) {
            return;
        }
    }
    end(iter);
}

static void count_scan(struct lsm_iter *iter, uint64_t began_ns) {
    struct lsm_counter_slot *slot = lsm_counters_slot(iter->db->counters);
    lsm_count(slot, LSM_C_SCANS, 1);
    lsm_count_latency(slot, LSM_OP_SCAN, lsm_io_now_ns(iter->db->io) - began_ns, 1);
}

void lsm_iter_seek(struct lsm_iter *iter, const void *key, size_t key_size) {
    if (refuse(iter)) {
        return;
    }
    uint64_t began_ns = lsm_io_now_ns(iter->db->io);
    iter->status = 0;
    iter->valid = false;
    const uint8_t *from = key;
    if (iter->has_lower &&
        lsm_key_compare(from, key_size, iter->lower.data, iter->lower.size) < 0) {
        from = iter->lower.data;
        key_size = iter->lower.size;
    }
    iter->merge->ops->seek(iter->merge, from, key_size, iter->seq);
    settle_forward(iter, false);
    count_scan(iter, began_ns);
}

void lsm_iter_first(struct lsm_iter *iter) {
    if (refuse(iter)) {
        return;
    }
    if (iter->has_lower) {
        lsm_iter_seek(iter, iter->lower.data, iter->lower.size);
        return;
    }
    uint64_t began_ns = lsm_io_now_ns(iter->db->io);
    iter->status = 0;
    iter->valid = false;
    iter->merge->ops->first(iter->merge);
    settle_forward(iter, false);
    count_scan(iter, began_ns);
}

/* ---- backward ---- */

/* From where the merge stands, going back: finds the nearest key with a visible put. On return the
 * merge stands before all versions of that key. */
static void settle_backward(struct lsm_iter *iter) {
    struct lsm_source *m = iter->merge;
    bool found = false;    /* key and value hold the newest visible version met so far, a put */
    bool have_key = false; /* key holds the key being gone through */
    iter->backward = true;
    for (; m->valid; m->ops->prev(m)) {
        bool same = have_key && is_key(&iter->key, m->entry);
        if (!same && found) {
            break;
        }
        if (below_lower(iter, m->entry)) {
            break;
        }
        if (!same && !assign(iter, &iter->key, m->entry->key, m->entry->key_size)) {
            return;
        }
        have_key = true;
        if (m->entry->seq > iter->seq) {
            continue;
        }
        found = m->entry->type == LSM_TYPE_PUT;
        if (found && !assign(iter, &iter->value, m->entry->value, m->entry->value_size)) {
            return;
        }
    }
    if (!found || (!m->valid && m->status != 0)) { /* half a key's versions are not an answer */
        end(iter);
        return;
    }
    iter->valid = true;
    iter->status = 0;
}

/* The merge goes to the last entry before (key, all versions); to the last of all when key is NULL.
 */
static void stand_before(struct lsm_iter *iter, const uint8_t *key, size_t key_size) {
    struct lsm_source *m = iter->merge;
    if (key == NULL) {
        m->ops->last(m);
        return;
    }
    m->ops->seek(m, key, key_size, LSM_SEQ_MAX);
    if (m->valid) {
        m->ops->prev(m);
    } else if (m->status == 0) {
        m->ops->last(m);
    }
}

void lsm_iter_last(struct lsm_iter *iter) {
    if (refuse(iter)) {
        return;
    }
    uint64_t began_ns = lsm_io_now_ns(iter->db->io);
    iter->status = 0;
    iter->valid = false;
    stand_before(iter, iter->has_upper ? iter->upper.data : NULL, iter->upper.size);
    settle_backward(iter);
    count_scan(iter, began_ns);
}

void lsm_iter_seek_for_prev(struct lsm_iter *iter, const void *key, size_t key_size) {
    if (refuse(iter)) {
        return;
    }
    if (iter->has_upper &&
        lsm_key_compare(key, key_size, iter->upper.data, iter->upper.size) >= 0) {
        lsm_iter_last(iter);
        return;
    }
    uint64_t began_ns = lsm_io_now_ns(iter->db->io);
    struct lsm_source *m = iter->merge;
    iter->status = 0;
    iter->valid = false;
    /* Past every version of the key itself: the oldest possible entry of it is (key, 0). */
    m->ops->seek(m, key, key_size, 0);
    if (m->valid &&
        !(m->entry->key_size == key_size && memcmp(m->entry->key, key, key_size) == 0)) {
        m->ops->prev(m);
    } else if (!m->valid && m->status == 0) {
        m->ops->last(m);
    }
    settle_backward(iter);
    count_scan(iter, began_ns);
}

/* ---- moving ---- */

void lsm_iter_next(struct lsm_iter *iter) {
    if (refuse(iter)) {
        return;
    }
    LSM_ASSERT(iter->valid);
    lsm_count(lsm_counters_slot(iter->db->counters), LSM_C_SCAN_STEPS, 1);
    iter->valid = false;
    if (iter->backward) {
        /* The merge stands before the key shown (or nowhere): find the key again and go past it. */
        iter->merge->ops->seek(iter->merge, iter->key.data, iter->key.size, LSM_SEQ_MAX);
        settle_forward(iter, true);
        return;
    }
    if (assign(iter, &iter->key, iter->merge->entry->key, iter->merge->entry->key_size)) {
        iter->merge->ops->next(iter->merge);
        settle_forward(iter, true);
    }
}

void lsm_iter_prev(struct lsm_iter *iter) {
    if (refuse(iter)) {
        return;
    }
    LSM_ASSERT(iter->valid);
    lsm_count(lsm_counters_slot(iter->db->counters), LSM_C_SCAN_STEPS, 1);
    iter->valid = false;
    if (!iter->backward) {
        if (!assign(iter, &iter->key, iter->merge->entry->key, iter->merge->entry->key_size)) {
            return;
        }
        stand_before(iter, iter->key.data, iter->key.size);
    }
    settle_backward(iter);
}

bool lsm_iter_valid(const struct lsm_iter *iter) {
    return iter->valid && !lsm_is_inherited(iter->db);
}

struct lsm_key lsm_iter_key(const struct lsm_iter *iter) {
    LSM_ASSERT(iter->valid);
    if (iter->backward) {
        return (struct lsm_key){.data = iter->key.data, .size = iter->key.size};
    }
    return (struct lsm_key){.data = iter->merge->entry->key, .size = iter->merge->entry->key_size};
}

struct lsm_key lsm_iter_value(const struct lsm_iter *iter) {
    LSM_ASSERT(iter->valid);
    if (iter->backward) {
        return (struct lsm_key){.data = iter->value.data, .size = iter->value.size};
    }
    return (struct lsm_key){.data = iter->merge->entry->value,
                            .size = iter->merge->entry->value_size};
}

int lsm_iter_status(const struct lsm_iter *iter) {
    if (lsm_is_inherited(iter->db)) {
        return LSM_ERR_FORKED;
    }
    return iter->valid ? 0 : iter->status;
}
