/* memtable_sorted.c: what a flush reads: the entries of a memtable in order, each once. */
#include <stdlib.h>

#include "lsm.h"
#include "memtable_internal.h"
#include "memtable_rows.h"

struct sorted_source {
    struct lsm_source source; /* first */
    struct lsm_entry entry;
    const struct lsm_memtable *memtable;
    const struct lsm_op_reader *reader;
    struct lsm_rows rows;
    size_t at;
};

static struct sorted_source *self(struct lsm_source *source) {
    return (struct sorted_source *)source;
}

static const struct lsm_tree_item *item_at(const struct sorted_source *s, size_t i) {
    return lsm_arena_at(&s->memtable->arena, s->rows.rows[i].item);
}

/* Items lie anywhere, and what they lead to: both are asked for some entries ahead. (Inline: gcc 12
 * drops calls of a function that does nothing but prefetch.) */
static inline __attribute__((always_inline)) void ask_ahead(const struct sorted_source *s) {
    enum { ITEM_AHEAD = 24, KEY_AHEAD = 12 };
    if (s->at + ITEM_AHEAD < s->rows.count) {
        __builtin_prefetch(item_at(s, s->at + ITEM_AHEAD));
    }
    if (s->at + KEY_AHEAD < s->rows.count) {
        const uint8_t *key = item_at(s, s->at + KEY_AHEAD)->key;
        __builtin_prefetch(key);
        __builtin_prefetch(key + 64);
        __builtin_prefetch(key + 128);
    }
}

static void show(struct sorted_source *s) {
    s->source.valid = s->at < s->rows.count;
    s->source.status = 0;
    if (!s->source.valid) {
        return;
    }
    ask_ahead(s);
    const struct lsm_tree_item *item = item_at(s, s->at);
    if (s->reader->read(s->reader, item->key - item->head_size, &s->entry)) {
        s->entry.seq = item->seq;
    } else {
        s->source.valid = false;
        s->source.status = LSM_ERR_CORRUPT;
    }
}

static void source_first(struct lsm_source *source) {
    struct sorted_source *s = self(source);
    s->at = 0;
    show(s);
}

static void source_next(struct lsm_source *source) {
    struct sorted_source *s = self(source);
    s->at++;
    show(s);
}

static void source_destroy(struct lsm_source *source) {
    struct sorted_source *s = self(source);
    lsm_rows_free(&s->rows);
    free(s);
}

static const struct lsm_source_ops sorted_ops = {
    .first = source_first,
    .next = source_next,
    .destroy = source_destroy,
};

struct lsm_source *lsm_memtable_sorted(struct lsm_memtable *memtable,
                                       const struct lsm_op_reader *reader) {
    struct sorted_source *s = calloc(1, sizeof *s);
    uint64_t entries = lsm_memtable_entries(memtable);
    if (s == NULL || (entries > 0 && lsm_rows_make(&s->rows, &memtable->order.tree, 0,
                                                   memtable->first, entries) != 0)) {
        free(s);
        return NULL;
    }
    s->memtable = memtable;
    s->reader = reader;
    s->source.ops = &sorted_ops;
    s->source.entry = &s->entry;
    return &s->source;
}
