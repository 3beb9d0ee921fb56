/* table_source.c: a table's entries in order.
 *
 * With a queue it reads ahead from wherever it was last positioned, forward; a step back leaves the
 * read-ahead for the cached path until the next positioning. Without one it takes blocks by the
 * cached path, and reads ahead through a queue of its own when it meets the third in a row that is
 * not in memory: what goes on so far will go on, and a seek with a few steps never gets there. */
#include <stdlib.h>

#include "check.h"
#include "table_readahead.h"

struct table_source {
    struct lsm_source base; /* first: a source is its table_source */
    struct lsm_table *table;
    bool fill_cache;
    struct lsm_counter_slot *slot;
    size_t index;             /* of the block stood on */
    struct lsm_index_aim aim; /* of the seek to come */
    bool has_aim;
    size_t aimed; /* the block that it will go to */
    bool has_aimed;
    struct lsm_block_use use; /* nothing while reading ahead */
    struct lsm_block_iter iter;
    bool scan; /* by this source itself, through a queue of its own */
    bool ahead_on;
    struct lsm_readahead *ahead; /* NULL: none, as yet: most seeks come and go without */
    struct lsm_queue *own_queue; /* NULL: none, as yet */
    size_t missed;               /* the last block that was not in memory, and */
    uint32_t missed_in_row;      /* how many there were up to it, one after the other */
    struct lsm_fault fault;      /* why it failed */
};

static struct table_source *self(struct lsm_source *source) {
    return (struct table_source *)(void *)source;
}

static void fail(struct table_source *s, int rc, const struct lsm_fault *fault) {
    LSM_ASSERT(rc < 0);
    lsm_table_note_fault(s->table, fault);
    s->fault = *fault;
    s->base.fault = &s->fault;
    s->base.valid = false;
    s->base.status = rc;
}

/* ---- blocks ---- */

enum { MISSED_BEFORE_SCAN = 2, SCAN_DEPTH = 8 };
static_assert((int)SCAN_DEPTH >= (int)LSM_READAHEAD_PIECES, "all pieces may be in flight");

static bool make_ahead(struct table_source *s, struct lsm_queue *queue,
                       enum lsm_readahead_kind kind) {
    s->ahead = malloc(sizeof *s->ahead);
    if (s->ahead == NULL) {
        return false;
    }
    lsm_readahead_init(s->ahead, s->table, queue, kind);
    return true;
}

/* Block i is not in memory. True: it and those after it come by the read-ahead. */
static bool begin_scan(struct table_source *s, size_t i) {
    s->missed_in_row = s->missed_in_row > 0 && i == s->missed + 1 ? s->missed_in_row + 1 : 1;
    s->missed = i;
    if (s->missed_in_row <= MISSED_BEFORE_SCAN) {
        return false;
    }
    if (s->ahead == NULL) {
        struct lsm_fault unused; /* without a queue it goes on as it did */
        if ((s->own_queue == NULL &&
             lsm_queue_create_plain(s->table->io, SCAN_DEPTH, &s->own_queue, &unused) != 0) ||
            !make_ahead(s, s->own_queue, LSM_READAHEAD_SCAN)) {
            return false;
        }
    }
    lsm_readahead_start(s->ahead, i);
    return lsm_readahead_reach(s->ahead, i);
}

/* The bytes of block i, from the read-ahead or the cache. False: failed. */
static bool load_block(struct table_source *s, size_t i, struct lsm_block_view *view) {
    struct lsm_fault fault;
    int rc = 0;
    lsm_table_end_use(&s->use);
    s->ahead_on = s->ahead_on && lsm_readahead_reach(s->ahead, i);
    bool here = !s->ahead_on && lsm_table_block_here(s->table, i, s->slot, &s->use);
    if (!s->ahead_on && !here) {
        s->ahead_on = s->scan && begin_scan(s, i);
    }
    if (s->ahead_on) {
        rc = lsm_readahead_block(s->ahead, i, view, &fault);
        if (rc == 0 && s->scan) {
            lsm_table_keep_copy(s->table, i, view, s->fill_cache, s->slot);
        }
    } else {
        rc = here ? 0 : lsm_table_read_block(s->table, i, s->fill_cache, s->slot, &s->use, &fault);
        *view = s->use.view;
    }
    if (rc != 0) {
        fail(s, rc, &fault);
        return false;
    }
    s->index = i;
    return true;
}

static bool enter_block(struct table_source *s, size_t i) {
    struct lsm_block_view view;
    if (!load_block(s, i, &view)) {
        return false;
    }
    lsm_block_iter_set(&s->iter, &view);
    return true;
}

/* Nothing of what the mapping gave may be a lost page's zeros. */
static bool settle_mapped(struct table_source *s, const struct lsm_entry *entry) {
    struct lsm_fault fault;
    int rc = lsm_table_settle_mapped(s->table, entry, &fault);
    if (rc != 0) {
        fail(s, rc, &fault);
    }
    return rc == 0;
}

/* What a move within the block gave, END apart. */
static void settle(struct table_source *s, int result) {
    bool mapped = s->table->map != NULL && s->use.block == NULL && !s->ahead_on;
    if (__builtin_expect(result == LSM_BLOCK_ITER_ENTRY, 1)) {
        if (mapped && !settle_mapped(s, &s->iter.entry)) {
            return;
        }
        s->base.valid = true;
        return;
    }
    LSM_ASSERT(result < 0);
    if (mapped && lsm_guard_damaged(s->table->guard) && !settle_mapped(s, NULL)) {
        return;
    }
    struct lsm_fault fault;
    fail(s, lsm_table_block_fault(s->table, s->index, result, &fault), &fault);
}

static void begin_at(struct table_source *s, size_t i) {
    s->base.valid = false;
    s->base.status = 0;
    s->ahead_on = s->ahead != NULL && !s->scan;
    s->missed_in_row = 0;
    if (s->ahead_on && i < s->table->index.count) {
        lsm_table_end_use(&s->use);
        lsm_readahead_start(s->ahead, i);
    }
}

static void to_next_block(struct table_source *s) {
    s->base.valid = false;
    if (s->index + 1 < s->table->index.count && enter_block(s, s->index + 1)) {
        settle(s, lsm_block_iter_first(&s->iter));
    }
}

static void source_first(struct lsm_source *source) {
    struct table_source *s = self(source);
    begin_at(s, 0);
    if (enter_block(s, 0)) {
        settle(s, lsm_block_iter_first(&s->iter));
    }
}

static void source_last(struct lsm_source *source) {
    struct table_source *s = self(source);
    begin_at(s, s->table->index.count);
    s->ahead_on = false;
    if (enter_block(s, s->table->index.count - 1)) {
        settle(s, lsm_block_iter_last(&s->iter));
    }
}

/* Asks for the index, then for the block's head and what is likely the entry, then for the entry; a
 * block that is not in memory is left to the seek. */
static void source_aim(struct lsm_source *source, const uint8_t *key, size_t key_size, uint64_t seq,
                       unsigned step) {
    struct table_source *s = self(source);
    const struct lsm_index *index = &s->table->index;
    if (step == 0 ||
        (step == 1 && !s->has_aim)) { /* step 0 had no table, perhaps, and step 1 has */
        lsm_index_aim(index, key, key_size, &s->aim);
        s->has_aim = true;
    }
    if (step == 1) {
        s->has_aim = false;
        s->aimed = lsm_index_find_aimed(index, &s->aim, key, key_size, seq);
        s->has_aimed = true;
        if (s->aimed < index->count) {
            lsm_table_prefetch_block(s->table, s->aimed);
            lsm_table_prefetch_entry(s->table, s->aimed, &s->aim);
        }
    } else if (step == 2 && s->has_aimed && s->aimed < index->count &&
               lsm_table_block_in_place(s->table, s->aimed)) {
        struct lsm_block_view view;
        size_t length;
        const uint8_t *data = s->table->map + lsm_index_offset(index, s->aimed, &length);
        if (lsm_block_view_init(&view, data, length)) {
            lsm_block_prefetch(&view, key, key_size);
        }
    }
}

static void source_seek(struct lsm_source *source, const uint8_t *key, size_t key_size,
                        uint64_t seq) {
    struct table_source *s = self(source);
    size_t i = s->has_aimed ? s->aimed : lsm_index_find(&s->table->index, key, key_size, seq);
    s->has_aim = s->has_aimed = false;
    if (i == LSM_INDEX_LOST) {
        struct lsm_fault fault;
        fail(s, lsm_table_index_fault(s->table, &fault), &fault);
        return;
    }
    begin_at(s, i);
    if (i == s->table->index.count || !enter_block(s, i)) {
        return;
    }
    int result = lsm_block_iter_seek(&s->iter, key, key_size, seq);
    if (result == LSM_BLOCK_ITER_END) {
        to_next_block(s); /* the separator is beyond the block's last entry, and so is the key */
    } else {
        settle(s, result);
    }
}

static void source_next(struct lsm_source *source) {
    struct table_source *s = self(source);
    LSM_ASSERT(source->valid);
    int result = lsm_block_iter_next(&s->iter);
    if (__builtin_expect(result == LSM_BLOCK_ITER_END, 0)) {
        to_next_block(s);
    } else {
        settle(s, result);
    }
}

/* The same entry of the same block, now out of the cache: the iterator's offsets and key hold. */
static bool leave_ahead(struct table_source *s) {
    s->ahead_on = false;
    s->missed_in_row = 0; /* or a scan would begin again, forward */
    struct lsm_block_view view;
    if (!load_block(s, s->index, &view)) {
        return false;
    }
    s->iter.view = view;
    return true;
}

static void source_prev(struct lsm_source *source) {
    struct table_source *s = self(source);
    LSM_ASSERT(source->valid);
    if (s->ahead_on && !leave_ahead(s)) {
        return;
    }
    int result = lsm_block_iter_prev(&s->iter);
    if (result != LSM_BLOCK_ITER_END) {
        settle(s, result);
        return;
    }
    source->valid = false;
    if (s->index > 0 && enter_block(s, s->index - 1)) {
        settle(s, lsm_block_iter_last(&s->iter));
    }
}

static void source_destroy(struct lsm_source *source) {
    struct table_source *s = self(source);
    if (s->ahead != NULL) {
        lsm_readahead_stop(s->ahead);
        free(s->ahead);
    }
    lsm_queue_destroy(s->own_queue);
    lsm_table_end_use(&s->use);
    lsm_block_iter_free(&s->iter);
    lsm_table_release(s->table);
    free(s);
}

static const struct lsm_source_ops source_ops = {
    .first = source_first,
    .last = source_last,
    .seek = source_seek,
    .aim = source_aim,
    .next = source_next,
    .prev = source_prev,
    .destroy = source_destroy,
};

struct lsm_source *lsm_table_source(struct lsm_table *table, struct lsm_queue *queue,
                                    bool fill_cache, struct lsm_counter_slot *slot) {
    LSM_ASSERT(table != NULL && table->index.count >= 1);
    struct table_source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        lsm_table_release(table);
        return NULL;
    }
    s->base.ops = &source_ops;
    s->base.entry = &s->iter.entry;
    s->table = table;
    s->fill_cache = fill_cache;
    s->slot = slot;
    lsm_block_iter_init(&s->iter);
    s->scan = queue == NULL;
    if (queue != NULL && !make_ahead(s, queue, LSM_READAHEAD_TO_THE_END)) {
        source_destroy(&s->base);
        return NULL;
    }
    return &s->base;
}

void lsm_table_source_move(struct lsm_source *source, struct lsm_table *table) {
    struct table_source *s = self(source);
    LSM_ASSERT(source->ops == &source_ops && table->index.count >= 1);
    lsm_table_end_use(&s->use);
    if (s->ahead != NULL) {
        struct lsm_queue *queue = s->ahead->queue;
        enum lsm_readahead_kind kind = s->ahead->kind;
        lsm_readahead_stop(s->ahead);
        lsm_readahead_init(s->ahead, table, queue, kind);
    }
    lsm_table_release(s->table);
    s->table = table;
    s->index = 0;
    s->has_aim = s->has_aimed = s->ahead_on = false;
    s->missed_in_row = 0;
    s->base.valid = false;
    s->base.status = 0;
    s->base.fault = NULL;
}
