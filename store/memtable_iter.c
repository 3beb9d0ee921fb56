#include "memtable_internal.h"

#include <stdlib.h>

#include "check.h"
#include "lsm.h"

struct memtable_source {
    struct lsm_source source; /* first */
    struct lsm_entry entry;
    struct lsm_memtable *memtable;
    struct lsm_tree_place place;
    bool has_aimed, found; /* the place is that of the next seek, if there is one */
};

static struct memtable_source *self(struct lsm_source *source) {
    return (struct memtable_source *)source;
}

/* Shows the entry at the place that was found, or the end. */
static void show(struct memtable_source *s, bool found) {
    s->source.valid = found;
    s->source.status = 0;
    if (!found) {
        return;
    }
    const struct lsm_tree_item *item = lsm_tree_item(&s->memtable->order.tree, &s->place);
    s->entry = lsm_item_entry(item);
}

static void source_first(struct lsm_source *source) {
    struct memtable_source *s = self(source);
    show(s, lsm_tree_first(&s->memtable->order.tree, &s->place));
}

static void source_last(struct lsm_source *source) {
    struct memtable_source *s = self(source);
    show(s, lsm_tree_last(&s->memtable->order.tree, &s->place));
}

/* Searches at once; what is found then comes while other sources aim. A seek and ten steps over 2 M
 * entries, a tenth to a sixth of them in the memtable, switching every 20 ms, medians: 2.8 us, 3.4
 * to 3.6 without. */
static void source_aim(struct lsm_source *source, const uint8_t *key, size_t key_size, uint64_t seq,
                       unsigned step) {
    struct memtable_source *s = self(source);
    const struct lsm_tree *tree = &s->memtable->order.tree;
    if (step == 0) {
        s->found = lsm_tree_seek(tree, key, key_size, seq, &s->place);
        s->has_aimed = true;
        if (s->found) {
            lsm_tree_prefetch_items(tree, &s->place);
        }
    } else if (step == 1 && s->has_aimed && s->found) {
        lsm_tree_prefetch_keys(tree, &s->place);
    }
}

static void source_seek(struct lsm_source *source, const uint8_t *key, size_t key_size,
                        uint64_t seq) {
    struct memtable_source *s = self(source);
    bool found = s->has_aimed
                     ? s->found
                     : lsm_tree_seek(&s->memtable->order.tree, key, key_size, seq, &s->place);
    s->has_aimed = false;
    show(s, found);
}

static void source_next(struct lsm_source *source) {
    struct memtable_source *s = self(source);
    LSM_ASSERT(source->valid);
    show(s, lsm_tree_next(&s->memtable->order.tree, &s->place));
}

static void source_prev(struct lsm_source *source) {
    struct memtable_source *s = self(source);
    LSM_ASSERT(source->valid);
    show(s, lsm_tree_prev(&s->memtable->order.tree, &s->place));
}

static void source_destroy(struct lsm_source *source) {
    struct memtable_source *s = self(source);
    lsm_memtable_unref(s->memtable);
    free(s);
}

static const struct lsm_source_ops memtable_ops = {
    .first = source_first,
    .last = source_last,
    .seek = source_seek,
    .aim = source_aim,
    .next = source_next,
    .prev = source_prev,
    .destroy = source_destroy,
};

struct lsm_source *lsm_memtable_source(struct lsm_memtable *memtable) {
    struct memtable_source *s = calloc(1, sizeof *s);
    if (s == NULL || lsm_memtable_order(memtable) != 0) {
        free(s);
        return NULL;
    }
    lsm_memtable_ref(memtable);
    s->memtable = memtable;
    s->source.ops = &memtable_ops;
    s->source.entry = &s->entry;
    return &s->source;
}
