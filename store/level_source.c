/* level_source.c: the tables of a sorted level, one after the other, as one source.
 *
 * Only the table stood on is open: a merge over a level costs one cursor, however many tables the
 * level has. */
#include "level_source.h"

#include <stdlib.h>

#include "check.h"
#include "table.h"

struct level_source {
    struct lsm_source base;
    struct lsm_tables *tables;
    struct lsm_table_meta *const *metas;
    size_t count;
    struct lsm_queue *queue;
    bool fill_cache;
    struct lsm_counter_slot *slot;
    size_t index;              /* of the table stood on */
    struct lsm_source *source; /* over it; NULL: none */
    struct lsm_fault fault;    /* why it failed */
};

static struct level_source *cast(struct lsm_source *source) {
    return (struct level_source *)source;
}

static void leave_table(struct level_source *s) {
    if (s->source != NULL) {
        s->source->ops->destroy(s->source);
        s->source = NULL;
    }
}

static void fail(struct level_source *s, int status, const struct lsm_fault *fault) {
    s->base.fault = NULL;
    if (fault != NULL) { /* the table's source, whose words these may be, goes */
        s->fault = *fault;
        s->base.fault = &s->fault;
    }
    leave_table(s);
    s->base.valid = false;
    s->base.status = status;
}

/* Random seeks change the table nearly each time: no lock for one that is pinned, and the source
 * goes along. */
static int take_table(struct level_source *s, size_t index, struct lsm_table **table,
                      struct lsm_fault *fault) {
    struct lsm_table *pinned = lsm_table_pinned(s->metas[index]);
    if (pinned != NULL) {
        lsm_table_ref(pinned);
        *table = pinned;
        return 0;
    }
    return lsm_tables_get(s->tables, s->metas[index], table, fault);
}

static bool enter_table(struct level_source *s, size_t index) {
    if (s->source != NULL && s->index == index) {
        return true;
    }
    struct lsm_table *table = NULL;
    struct lsm_fault fault = {0};
    int rc = take_table(s, index, &table, &fault);
    if (rc == 0 && s->source != NULL) {
        lsm_table_source_move(s->source, table);
    } else if (rc == 0) {
        s->source = lsm_table_source(table, s->queue, s->fill_cache, s->slot);
        rc = s->source == NULL ? LSM_ERR_MEMORY : 0;
    }
    if (rc != 0) {
        fail(s, rc, fault.code != 0 ? &fault : NULL);
        return false;
    }
    s->index = index;
    return true;
}

/* Takes over what the table's source stands on; at its end goes on to the next table. */
static void settle_forward(struct level_source *s) {
    while (!s->source->valid) {
        if (s->source->status != 0) {
            fail(s, s->source->status, s->source->fault);
            return;
        }
        if (s->index + 1 >= s->count) {
            s->base.valid = false;
            return;
        }
        if (!enter_table(s, s->index + 1)) {
            return;
        }
        s->source->ops->first(s->source);
    }
    s->base.entry = s->source->entry;
    s->base.valid = true;
}

static void settle_backward(struct level_source *s) {
    while (!s->source->valid) {
        if (s->source->status != 0) {
            fail(s, s->source->status, s->source->fault);
            return;
        }
        if (s->index == 0) {
            s->base.valid = false;
            return;
        }
        if (!enter_table(s, s->index - 1)) {
            return;
        }
        s->source->ops->last(s->source);
    }
    s->base.entry = s->source->entry;
    s->base.valid = true;
}

static bool start(struct level_source *s, size_t index) {
    s->base.valid = false;
    s->base.status = 0;
    return s->count > 0 && index < s->count && enter_table(s, index);
}

static void level_first(struct lsm_source *source) {
    struct level_source *s = cast(source);
    if (start(s, 0)) {
        s->source->ops->first(s->source);
        settle_forward(s);
    }
}

static void level_last(struct lsm_source *source) {
    struct level_source *s = cast(source);
    if (start(s, s->count - 1)) {
        s->source->ops->last(s->source);
        settle_backward(s);
    }
}

/* The first table that ends at or behind the key. */
static size_t find_table(const struct level_source *s, const uint8_t *key, size_t key_size) {
    size_t lo = 0, hi = s->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (lsm_key_compare(s->metas[mid]->last_key, s->metas[mid]->last_key_size, key, key_size) <
            0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static void level_seek(struct lsm_source *source, const uint8_t *key, size_t key_size,
                       uint64_t seq) {
    struct level_source *s = cast(source);
    if (start(s, find_table(s, key, key_size))) {
        s->source->ops->seek(s->source, key, key_size, seq);
        settle_forward(s);
    }
}

/* A table that cannot be entered is tried again by the next step, and by the seek. */
static void level_aim(struct lsm_source *source, const uint8_t *key, size_t key_size, uint64_t seq,
                      unsigned step) {
    struct level_source *s = cast(source);
    if (start(s, find_table(s, key, key_size)) && s->source->ops->aim != NULL) {
        s->source->ops->aim(s->source, key, key_size, seq, step);
    }
}

static void level_next(struct lsm_source *source) {
    struct level_source *s = cast(source);
    LSM_ASSERT(s->base.valid);
    s->source->ops->next(s->source);
    settle_forward(s);
}

static void level_prev(struct lsm_source *source) {
    struct level_source *s = cast(source);
    LSM_ASSERT(s->base.valid);
    s->source->ops->prev(s->source);
    settle_backward(s);
}

static void level_destroy(struct lsm_source *source) {
    leave_table(cast(source));
    free(source);
}

static const struct lsm_source_ops level_ops = {
    .first = level_first,
    .last = level_last,
    .seek = level_seek,
    .aim = level_aim,
    .next = level_next,
    .prev = level_prev,
    .destroy = level_destroy,
};

struct lsm_source *lsm_level_source(struct lsm_tables *tables, struct lsm_table_meta *const *metas,
                                    size_t count, struct lsm_queue *queue, bool fill_cache,
                                    struct lsm_counter_slot *slot) {
    struct level_source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->base.ops = &level_ops;
    s->tables = tables;
    s->metas = metas;
    s->count = count;
    s->queue = queue;
    s->fill_cache = fill_cache;
    s->slot = slot;
    return &s->base;
}
