/* model.c: see model.h. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "splitmix.h"

static void *grown(void *array, size_t *room, size_t count, size_t element) {
    if (count < *room) {
        return array;
    }
    *room = *room == 0 ? 8 : 2 * *room;
    void *larger = reallocarray(array, *room, element);
    if (larger == NULL) {
        fprintf(stderr, "model: out of memory\n");
        abort();
    }
    return larger;
}

static int compare(const struct model_key *a, const void *key, size_t key_size) {
    int c = memcmp(a->key, key, a->size < key_size ? a->size : key_size);
    return c != 0 ? c : (a->size > key_size) - (a->size < key_size);
}

size_t model_lower_bound(const struct model *model, const void *key, size_t key_size) {
    size_t lo = 0, hi = model->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (compare(&model->keys[mid], key, key_size) < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static void free_key(struct model_key *key) {
    free(key->key);
    free(key->versions);
}

void model_free(struct model *model) {
    for (size_t i = 0; i < model->count; i++) {
        free_key(&model->keys[i]);
    }
    free(model->keys);
    *model = (struct model){0};
}

static struct model_key *find_or_make(struct model *model, const void *key, size_t key_size) {
    size_t i = model_lower_bound(model, key, key_size);
    if (i < model->count && compare(&model->keys[i], key, key_size) == 0) {
        return &model->keys[i];
    }
    model->keys = grown(model->keys, &model->room, model->count, sizeof *model->keys);
    memmove(&model->keys[i + 1], &model->keys[i], (model->count - i) * sizeof *model->keys);
    model->count++;
    uint8_t *copy = malloc(key_size);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, key, key_size);
    model->keys[i] = (struct model_key){.key = copy, .size = key_size};
    return &model->keys[i];
}

void model_add(struct model *model, const void *key, size_t key_size,
               const struct model_version *version) {
    struct model_key *k = find_or_make(model, key, key_size);
    if (k->count > 0 && k->versions[k->count - 1].seq >= version->seq) {
        fprintf(stderr, "model: versions must rise\n");
        abort();
    }
    k->versions = grown(k->versions, &k->room, k->count, sizeof *k->versions);
    k->versions[k->count++] = *version;
    model->last_seq = version->seq > model->last_seq ? version->seq : model->last_seq;
}

void model_cut(struct model *model, uint64_t seq) {
    for (size_t i = 0; i < model->count; i++) {
        struct model_key *k = &model->keys[i];
        while (k->count > 0 && k->versions[k->count - 1].seq > seq) {
            k->count--;
        }
    }
    model->last_seq = model->last_seq > seq ? seq : model->last_seq;
}

const struct model_version *model_at(const struct model_key *key, uint64_t seq) {
    size_t n = key->count;
    while (n > 0 && key->versions[n - 1].seq > seq) {
        n--;
    }
    return n > 0 ? &key->versions[n - 1] : NULL;
}

const struct model_version *model_find(const struct model *model, const void *key, size_t key_size,
                                       uint64_t seq) {
    size_t i = model_lower_bound(model, key, key_size);
    if (i == model->count || compare(&model->keys[i], key, key_size) != 0) {
        return NULL;
    }
    return model_at(&model->keys[i], seq);
}

static bool is_live(const struct model *model, long index, uint64_t seq) {
    const struct model_version *v = model_at(&model->keys[index], seq);
    return v != NULL && !v->tombstone;
}

long model_next_live(const struct model *model, long index, uint64_t seq) {
    while (index < (long)model->count && !is_live(model, index, seq)) {
        index++;
    }
    return index < (long)model->count ? index : -1;
}

long model_prev_live(const struct model *model, long index, uint64_t seq) {
    while (index >= 0 && !is_live(model, index, seq)) {
        index--;
    }
    return index;
}

void value_fill(uint8_t *bytes, uint64_t tag, uint64_t size) {
    struct rng rng = {tag};
    uint64_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word = rng_next(&rng);
        memcpy(bytes + i, &word, 8);
    }
    uint64_t last = rng_next(&rng);
    memcpy(bytes + i, &last, size - i);
}

bool value_is(const void *bytes, uint64_t size, const struct model_version *version) {
    if (size != version->size) {
        return false;
    }
    const uint8_t *p = bytes;
    struct rng rng = {version->tag};
    uint64_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word = rng_next(&rng);
        if (memcmp(p + i, &word, 8) != 0) {
            return false;
        }
    }
    uint64_t last = rng_next(&rng);
    return memcmp(p + i, &last, size - i) == 0;
}

uint64_t rng_next(struct rng *rng) {
    return splitmix_next(&rng->state);
}

uint64_t rng_below(struct rng *rng, uint64_t n) {
    return rng_next(rng) % n;
}

uint64_t rng_range(struct rng *rng, uint64_t low, uint64_t high) {
    return low + rng_below(rng, high - low + 1);
}

bool rng_chance(struct rng *rng, uint64_t percent) {
    return rng_below(rng, 100) < percent;
}
