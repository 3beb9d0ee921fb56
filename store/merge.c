/* merge.c: many sources as one, in entry order: a heap over what each stands on.
 *
 * Walking forward every input stands at or after the merge's entry, walking backward at or before
 * it; the one it comes from is the heap's top. A change of direction puts every other input on the
 * far side of the entry. Entries that compare equal (the same version seen through two inputs) keep
 * the inputs' order, so that both directions see the same sequence. */
#include <stdlib.h>

#include "check.h"
#include "key_prefix.h"
#include "table.h"

/* Most comparisons touch nothing but the heap. */
struct input {
    uint64_t window; /* of the key stood on; walking backward its complement: the least is above */
    struct lsm_source *source;
};

struct merge {
    struct lsm_source base; /* first: a source is its merge */
    size_t count;
    size_t heap_count; /* inputs that are valid */
    bool backward;
    struct lsm_source **sources;
    struct input heap[];
};

static struct merge *self(struct lsm_source *source) {
    return (struct merge *)(void *)source;
}

/* lsm_key_compare of keys of equal windows, without a call: most keys are short and differ in their
 * first words. */
static inline int compare_keys(const struct lsm_entry *a, const struct lsm_entry *b) {
    size_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    size_t n = size >= 8 ? 8 : 0;
    for (; n + 8 <= size; n += 8) {
        uint64_t x = lsm_load64(a->key + n);
        uint64_t y = lsm_load64(b->key + n);
        if (x != y) {
            return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
        }
    }
    for (; n < size; n++) {
        if (a->key[n] != b->key[n]) {
            return a->key[n] < b->key[n] ? -1 : 1;
        }
    }
    return (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

/* Position among the inputs: decides between equal entries. */
static size_t rank_of(const struct merge *m, const struct lsm_source *source) {
    size_t rank = 0;
    while (m->sources[rank] != source) {
        rank++;
    }
    return rank;
}

/* Whether a stands nearer to the top than b. REQUIRES: the windows are equal. */
static bool above_in_window(const struct merge *m, const struct input *a, const struct input *b) {
    const struct lsm_entry *x = a->source->entry;
    const struct lsm_entry *y = b->source->entry;
    int c = compare_keys(x, y);
    if (c == 0) {
        c = (x->seq < y->seq) - (x->seq > y->seq);
    }
    if (c == 0) {
        c = rank_of(m, a->source) < rank_of(m, b->source) ? -1 : 1;
    }
    return (c < 0) != m->backward;
}

static inline bool above(const struct merge *m, const struct input *a, const struct input *b) {
    if (__builtin_expect(a->window != b->window, 1)) {
        return a->window < b->window;
    }
    return above_in_window(m, a, b);
}

static inline uint64_t window_of(const struct merge *m, const struct lsm_source *source) {
    uint64_t window = lsm_key_window(source->entry->key, source->entry->key_size);
    return m->backward ? ~window : window;
}

static void sift_down(struct merge *m, size_t hole) {
    struct input moving = m->heap[hole];
    size_t child;
    while ((child = 2 * hole + 1) < m->heap_count) {
        if (child + 1 < m->heap_count) {
            child += above(m, &m->heap[child + 1], &m->heap[child]); /* no branch to guess */
        }
        if (!above(m, &m->heap[child], &moving)) {
            break;
        }
        m->heap[hole] = m->heap[child];
        hole = child;
    }
    m->heap[hole] = moving;
}

/* The top's entry becomes the merge's. */
static inline void publish(struct merge *m) {
    m->base.valid = m->heap_count != 0;
    if (m->base.valid) {
        m->base.entry = m->heap[0].source->entry;
    }
}

/* False, and the merge is over, when the input stopped for another reason than its end. */
static bool sound(struct merge *m, const struct lsm_source *source) {
    if (source->valid || source->status == 0) {
        return true;
    }
    m->base.valid = false;
    m->base.status = source->status;
    m->base.fault = source->fault;
    return false;
}

/* Builds the heap from where the inputs stand now. */
static void build(struct merge *m) {
    m->heap_count = 0;
    m->base.valid = false;
    for (size_t i = 0; i < m->count; i++) {
        if (!sound(m, m->sources[i])) {
            return;
        }
        if (m->sources[i]->valid) {
            m->heap[m->heap_count++] = (struct input){window_of(m, m->sources[i]), m->sources[i]};
        }
    }
    for (size_t i = m->heap_count / 2; i-- > 0;) {
        sift_down(m, i);
    }
    publish(m);
}

static void merge_first(struct lsm_source *source) {
    struct merge *m = self(source);
    m->base.status = 0;
    m->backward = false;
    for (size_t i = 0; i < m->count; i++) {
        m->sources[i]->ops->first(m->sources[i]);
    }
    build(m);
}

static void merge_last(struct lsm_source *source) {
    struct merge *m = self(source);
    m->base.status = 0;
    m->backward = true;
    for (size_t i = 0; i < m->count; i++) {
        m->sources[i]->ops->last(m->sources[i]);
    }
    build(m);
}

static void merge_seek(struct lsm_source *source, const uint8_t *key, size_t key_size,
                       uint64_t seq) {
    struct merge *m = self(source);
    m->base.status = 0;
    m->backward = false;
    for (unsigned step = 0; step < LSM_AIM_STEPS; step++) {
        /* From the last: a memtable's first step waits, and does so beside what tables ask for. */
        for (size_t i = m->count; i-- > 0;) {
            if (m->sources[i]->ops->aim != NULL) {
                m->sources[i]->ops->aim(m->sources[i], key, key_size, seq, step);
            }
        }
    }
    for (size_t i = 0; i < m->count; i++) {
        m->sources[i]->ops->seek(m->sources[i], key, key_size, seq);
    }
    build(m);
}

/* Puts an input on the last entry before the merge's, or on the first one after it. `earlier`: of
 * two equal entries the input's comes first. */
static bool cross(struct merge *m, struct lsm_source *input, bool earlier, bool backward) {
    const struct lsm_entry *entry = m->base.entry;
    input->ops->seek(input, entry->key, entry->key_size, entry->seq);
    if (!sound(m, input)) {
        return false;
    }
    bool equal = input->valid && lsm_entry_compare(input->entry, entry) == 0;
    if (backward && !(equal && earlier)) {
        if (input->valid) {
            input->ops->prev(input);
        } else {
            input->ops->last(input);
        }
    } else if (!backward && equal && earlier) {
        input->ops->next(input);
    }
    return sound(m, input);
}

/* Changes the direction: all inputs but the entry's own cross it, then that one steps. The entry's
 * bytes are its own input's, which therefore moves last. */
static void turn(struct merge *m, bool backward) {
    LSM_ASSERT(m->backward != backward && m->heap_count >= 1);
    struct lsm_source *top = m->heap[0].source;
    size_t rank = rank_of(m, top);
    for (size_t i = 0; i < m->count; i++) {
        if (i != rank && !cross(m, m->sources[i], i < rank, backward)) {
            return;
        }
    }
    if (backward) {
        top->ops->prev(top);
    } else {
        top->ops->next(top);
    }
    m->backward = backward;
    build(m);
}

/* The top has moved: it sinks to its place, or leaves. */
static inline void after_step(struct merge *m) {
    struct lsm_source *top = m->heap[0].source;
    if (__builtin_expect(!top->valid, 0)) {
        if (!sound(m, top)) {
            return;
        }
        m->heap[0] = m->heap[--m->heap_count];
    } else {
        m->heap[0].window = window_of(m, top);
    }
    if (m->heap_count > 1) {
        sift_down(m, 0);
    }
    publish(m);
}

static void merge_next(struct lsm_source *source) {
    struct merge *m = self(source);
    LSM_ASSERT(source->valid);
    if (m->backward) {
        turn(m, false);
        return;
    }
    m->heap[0].source->ops->next(m->heap[0].source);
    after_step(m);
}

static void merge_prev(struct lsm_source *source) {
    struct merge *m = self(source);
    LSM_ASSERT(source->valid);
    if (!m->backward) {
        turn(m, true);
        return;
    }
    m->heap[0].source->ops->prev(m->heap[0].source);
    after_step(m);
}

static void merge_destroy(struct lsm_source *source) {
    struct merge *m = self(source);
    for (size_t i = 0; i < m->count; i++) {
        m->sources[i]->ops->destroy(m->sources[i]);
    }
    free(m->sources);
    free(m);
}

static const struct lsm_source_ops merge_ops = {
    .first = merge_first,
    .last = merge_last,
    .seek = merge_seek,
    .next = merge_next,
    .prev = merge_prev,
    .destroy = merge_destroy,
};

struct lsm_source *lsm_merge_create(struct lsm_source **sources, size_t count) {
    if (count == 1) {
        return sources[0];
    }
    struct merge *m = calloc(1, sizeof *m + count * sizeof m->heap[0]);
    struct lsm_source **copy = malloc((count + 1) * sizeof(struct lsm_source *));
    if (m == NULL || copy == NULL) {
        free(m);
        free(copy);
        for (size_t i = 0; i < count; i++) {
            sources[i]->ops->destroy(sources[i]);
        }
        return NULL;
    }
    if (count != 0) {
        memcpy(copy, sources, count * sizeof(struct lsm_source *));
    }
    m->base.ops = &merge_ops;
    m->count = count;
    m->sources = copy;
    return &m->base;
}
