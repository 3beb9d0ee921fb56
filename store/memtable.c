#include "memtable_internal.h"

#include <stdlib.h>

#include "check.h"
#include "filter.h"

enum { OP_HEAD_MAX = 8 }; /* before a key: varints of 17 and 27 bits */

struct lsm_memtable_keep {
    struct lsm_pin *pin;
    struct lsm_memtable_keep *next;
};

static void release_pin(struct lsm_pin *pin) {
    lsm_memtable_unref((struct lsm_memtable *)pin);
}

int lsm_memtable_create(struct lsm_page_pool *pool, uint64_t bytes, struct lsm_memtable **memtable,
                        struct lsm_fault *fault) {
    struct lsm_memtable *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "no memory for a memtable");
    }
    lsm_arena_init(&m->arena, pool);
    int rc = lsm_arena_reserve(&m->arena, lsm_tree_reserve_bytes(&m->tree, 0), 0, fault);
    if (rc == 0) {
        lsm_tree_init(&m->tree, &m->arena);
        rc = lsm_memtable_filter_init(&m->filter, &m->arena, bytes, fault);
    }
    if (rc == 0) {
        rc = lsm_memtable_hints_init(&m->hints, &m->arena, bytes, fault);
    }
    if (rc != 0) {
        lsm_arena_free(&m->arena);
        free(m);
        return rc;
    }
    atomic_init(&m->refs, 1);
    atomic_init(&m->bytes, lsm_tree_bytes(&m->tree));
    atomic_init(&m->entries, 0);
    m->pin.release = release_pin;
    *memtable = m;
    return 0;
}

void lsm_memtable_ref(struct lsm_memtable *memtable) {
    uint32_t refs = atomic_fetch_add_explicit(&memtable->refs, 1, memory_order_relaxed);
    LSM_ASSERT(refs > 0);
}

void lsm_memtable_unref(struct lsm_memtable *memtable) {
    /* Release: our reads are done; acquire: so are everybody else's, before the memory goes. */
    uint32_t refs = atomic_fetch_sub_explicit(&memtable->refs, 1, memory_order_acq_rel);
    LSM_ASSERT(refs > 0);
    if (refs > 1) {
        return;
    }
    lsm_arena_free(&memtable->arena);
    while (memtable->keeps != NULL) {
        struct lsm_memtable_keep *keep = memtable->keeps;
        memtable->keeps = keep->next;
        keep->pin->release(keep->pin);
        free(keep);
    }
    free(memtable);
}

struct lsm_pin *lsm_memtable_pin(struct lsm_memtable *memtable) {
    return &memtable->pin;
}

int lsm_memtable_keep(struct lsm_memtable *memtable, struct lsm_pin *pin, bool *added,
                      struct lsm_fault *fault) {
    *added = memtable->keeps == NULL || memtable->keeps->pin != pin;
    if (!*added) {
        return 0;
    }
    struct lsm_memtable_keep *keep = malloc(sizeof *keep);
    if (keep == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "no memory for a memtable");
    }
    *keep = (struct lsm_memtable_keep){pin, memtable->keeps};
    memtable->keeps = keep;
    return 0;
}

size_t lsm_memtable_kept(const struct lsm_memtable *memtable, struct lsm_pin **pins, size_t room) {
    size_t count = 0;
    for (const struct lsm_memtable_keep *keep = memtable->keeps; keep != NULL; keep = keep->next) {
        if (count < room) {
            pins[count] = keep->pin;
        }
        count++;
    }
    return count;
}

int lsm_memtable_reserve(struct lsm_memtable *memtable, uint64_t count, uint64_t bytes,
                         struct lsm_fault *fault) {
    uint64_t per_entry = sizeof(struct lsm_tree_item);
    if (bytes > 0) {
        per_entry += OP_HEAD_MAX + LSM_ARENA_UNIT;
    }
    uint64_t items = bytes + count * per_entry;
    /* Sizes one by one are not known here: all of it might be large entries, or none. */
    uint64_t large = bytes + per_entry > LSM_ARENA_LARGE_BYTES ? items : 0;
    uint64_t small = large > 0 && count == 1 ? 0 : items;
    return lsm_arena_reserve(&memtable->arena,
                             small + lsm_tree_reserve_bytes(&memtable->tree, count), large, fault);
}

static void count_entry(struct lsm_memtable *memtable, uint64_t bytes) {
    memtable->item_bytes += bytes;
    uint64_t entries = atomic_load_explicit(&memtable->entries, memory_order_relaxed);
    atomic_store_explicit(&memtable->entries, entries + 1, memory_order_relaxed);
    atomic_store_explicit(&memtable->bytes, memtable->item_bytes + lsm_tree_bytes(&memtable->tree),
                          memory_order_relaxed);
}

void lsm_memtable_insert(struct lsm_memtable *memtable, const struct lsm_entry *entry) {
    LSM_ASSERT(entry->key_size > 0 && entry->key_size <= LSM_KEY_MAX);
    LSM_ASSERT(entry->value_size <= LSM_VALUE_MAX);
    uint64_t size = sizeof(struct lsm_tree_item) +
                    lsm_op_bytes(entry->key_size, entry->value_size, entry->type);
    uint32_t ref = lsm_arena_alloc(&memtable->arena, size);
    struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    uint8_t *op = (uint8_t *)(item + 1);
    const uint8_t *end = lsm_op_encode(op, entry->type, entry->key, entry->key_size, entry->value,
                                       entry->value_size);
    LSM_ASSERT(end == (uint8_t *)item + size);
    *item = (struct lsm_tree_item){.seq = entry->seq, .op = op};
    lsm_memtable_note(memtable, ref, lsm_filter_hash(entry->key, entry->key_size));
    lsm_tree_insert(&memtable->tree, ref);
    count_entry(memtable, lsm_arena_round(size));
}

void lsm_memtable_refer(struct lsm_memtable *memtable, uint64_t seq, const uint8_t *op) {
    LSM_ASSERT(memtable->keeps != NULL);
    uint32_t ref = lsm_arena_alloc(&memtable->arena, sizeof(struct lsm_tree_item));
    struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    *item = (struct lsm_tree_item){.seq = seq, .op = op};
    const struct lsm_entry entry = lsm_item_entry(item);
    lsm_memtable_note(memtable, ref, lsm_filter_hash(entry.key, entry.key_size));
    lsm_tree_insert(&memtable->tree, ref);
    count_entry(memtable,
                sizeof *item + lsm_op_bytes(entry.key_size, entry.value_size, entry.type));
}

void lsm_memtable_prefetch(const struct lsm_memtable *memtable, uint64_t hash) {
    __builtin_prefetch(lsm_memtable_filter_word(&memtable->filter, hash));
    __builtin_prefetch(lsm_memtable_hint(&memtable->hints, hash));
}

bool lsm_memtable_may_hold(const struct lsm_memtable *memtable, uint64_t hash) {
    return lsm_memtable_filter_probe(&memtable->filter, hash);
}

static bool is_of_key(const struct lsm_entry *entry, const uint8_t *key, size_t key_size) {
    return entry->key_size == key_size && memcmp(entry->key, key, key_size) == 0;
}

/* False: the tree has to be searched. */
static bool find_hinted(const struct lsm_memtable *memtable, const uint8_t *key, size_t key_size,
                        uint64_t hash, uint64_t seq_max, struct lsm_entry *entry) {
    uint32_t ref = atomic_load_explicit(lsm_memtable_hint(&memtable->hints, hash),
                                        memory_order_acquire); /* pairs with lsm_memtable_note */
    if (ref == 0) {
        return false;
    }
    const struct lsm_entry hinted = lsm_item_entry(lsm_arena_at(&memtable->arena, ref));
    if (hinted.seq > seq_max || !is_of_key(&hinted, key, key_size)) {
        return false;
    }
    *entry = hinted;
    return true;
}

bool lsm_memtable_get(const struct lsm_memtable *memtable, const uint8_t *key, size_t key_size,
                      uint64_t hash, uint64_t seq_max, struct lsm_entry *entry) {
    struct lsm_tree_place place;
    LSM_ASSERT(key_size > 0);
    if (find_hinted(memtable, key, key_size, hash, seq_max, entry)) {
        return true;
    }
    if (!lsm_tree_seek(&memtable->tree, key, key_size, seq_max, &place)) {
        return false;
    }
    const struct lsm_entry found = lsm_item_entry(lsm_tree_item(&memtable->tree, &place));
    if (!is_of_key(&found, key, key_size)) {
        return false;
    }
    *entry = found;
    return true;
}

uint64_t lsm_memtable_bytes(const struct lsm_memtable *memtable) {
    return atomic_load_explicit(&memtable->bytes, memory_order_relaxed);
}

uint64_t lsm_memtable_entries(const struct lsm_memtable *memtable) {
    return atomic_load_explicit(&memtable->entries, memory_order_relaxed);
}
