#include "memtable_internal.h"

#include <stdlib.h>

#include "check.h"
#include "filter.h"
#include "lsm.h"
#include "wal_op.h"

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
    int rc = lsm_map_init(&m->map, &m->arena, bytes, fault);
    if (rc == 0) {
        rc = lsm_memtable_filter_init(&m->filter, &m->arena, bytes, fault);
    }
    if (rc != 0) {
        lsm_arena_free(&m->arena);
        free(m);
        return rc;
    }
    atomic_init(&m->refs, 1);
    lsm_order_init(&m->order, &m->arena, pool);
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
    lsm_order_free(&memtable->order);
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
    /* Sizes one by one are not known here, nor those of their heads: all of it might be large
     * entries, or none. */
    uint64_t large = bytes + per_entry > LSM_ARENA_LARGE_BYTES ? items : 0;
    bool certain = count == 1 && bytes + sizeof(struct lsm_tree_item) > LSM_ARENA_LARGE_BYTES;
    uint64_t small = certain ? 0 : items;
    int rc = lsm_map_reserve(&memtable->map, &memtable->arena, lsm_memtable_entries(memtable),
                             count, fault);
    if (rc != 0) {
        return rc;
    }
    return lsm_arena_reserve(&memtable->arena, small + lsm_map_reserve_bytes(&memtable->map, count),
                             large, fault);
}

/* Enters an item, of which all but its links is there, into filter, map and list. */
static void enter(struct lsm_memtable *memtable, uint32_t ref, uint64_t hash, uint64_t bytes) {
    struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    LSM_ASSERT(item->seq > 0 && item->seq <= LSM_SEQ_MAX && item->seq >= memtable->last_seq);
    memtable->last_seq = item->seq;
    lsm_memtable_filter_add(&memtable->filter, hash);
    _Atomic uint32_t *slot = lsm_map_claim(&memtable->map, &memtable->arena, hash);
    item->older = atomic_load_explicit(slot, memory_order_relaxed);
    atomic_init(&item->next, 0);
    /* Release: the item is whole. Pairs with lsm_map_find; and below with the order's walk. */
    atomic_store_explicit(slot, ref, memory_order_release);
    if (memtable->last == 0) {
        memtable->first = ref;
    } else {
        struct lsm_tree_item *last = lsm_arena_at(&memtable->arena, memtable->last);
        atomic_store_explicit(&last->next, ref, memory_order_release);
    }
    memtable->last = ref;
    uint64_t total = atomic_load_explicit(&memtable->bytes, memory_order_relaxed);
    uint64_t entries = atomic_load_explicit(&memtable->entries, memory_order_relaxed);
    atomic_store_explicit(&memtable->bytes, total + bytes, memory_order_relaxed);
    atomic_store_explicit(&memtable->entries, entries + 1, memory_order_release);
    if (lsm_order_wants_help(&memtable->order, entries + 1)) {
        lsm_order_help(&memtable->order, memtable->first, entries + 1);
    }
}

static void fill(struct lsm_tree_item *item, uint64_t seq, const uint8_t *op) {
    struct lsm_entry entry;
    lsm_op_read(op, &entry);
    LSM_ASSERT(entry.key_size > 0 && entry.key_size <= LSM_KEY_MAX);
    item->seq = seq;
    item->key = entry.key;
    item->value_size = (uint32_t)entry.value_size;
    item->key_size = (uint16_t)entry.key_size;
    item->head_size = (uint8_t)(entry.key - op);
    item->type = (uint8_t)entry.type;
}

void lsm_memtable_insert(struct lsm_memtable *memtable, const struct lsm_entry *entry) {
    LSM_ASSERT(entry->value_size <= LSM_VALUE_MAX);
    uint64_t size = sizeof(struct lsm_tree_item) +
                    lsm_op_bytes(entry->key_size, entry->value_size, entry->type);
    uint32_t ref = lsm_arena_alloc(&memtable->arena, size);
    struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    uint8_t *op = (uint8_t *)(item + 1);
    const uint8_t *end = lsm_op_encode(op, entry->type, entry->key, entry->key_size, entry->value,
                                       entry->value_size);
    LSM_ASSERT(end == (uint8_t *)item + size);
    fill(item, entry->seq, op);
    enter(memtable, ref, lsm_filter_hash(entry->key, entry->key_size), lsm_arena_round(size));
}

void lsm_memtable_refer(struct lsm_memtable *memtable, uint64_t seq, const uint8_t *op,
                        uint64_t hash) {
    LSM_ASSERT(memtable->keeps != NULL);
    uint32_t ref = lsm_arena_alloc(&memtable->arena, sizeof(struct lsm_tree_item));
    struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    fill(item, seq, op);
    uint64_t op_bytes = (uint64_t)item->head_size + item->key_size + item->value_size;
    enter(memtable, ref, hash, sizeof *item + op_bytes);
}

void lsm_memtable_prefetch_filter(const struct lsm_memtable *memtable, uint64_t hash) {
    __builtin_prefetch(lsm_memtable_filter_word(&memtable->filter, hash));
}

void lsm_memtable_prefetch(const struct lsm_memtable *memtable, uint64_t hash) {
    lsm_memtable_prefetch_filter(memtable, hash);
    __builtin_prefetch(lsm_map_bucket(lsm_map_newest(&memtable->map), hash));
}

bool lsm_memtable_may_hold(const struct lsm_memtable *memtable, uint64_t hash) {
    return lsm_memtable_filter_probe(&memtable->filter, hash);
}

int lsm_memtable_order(struct lsm_memtable *memtable) {
    /* Acquire pairs with the inserter's store: so many are in the list. */
    uint64_t entries = atomic_load_explicit(&memtable->entries, memory_order_acquire);
    return entries == 0 ? 0 : lsm_order_until(&memtable->order, memtable->first, entries);
}

static bool is_of_key(const struct lsm_tree_item *item, const uint8_t *key, size_t key_size) {
    return item->key_size == key_size && memcmp(item->key, key, key_size) == 0;
}

static bool find_in_order(struct lsm_memtable *memtable, const uint8_t *key, size_t key_size,
                          uint64_t seq_max, const struct lsm_tree_item **item) {
    const struct lsm_tree *tree = &memtable->order.tree;
    struct lsm_tree_place place;
    if (!lsm_tree_seek(tree, key, key_size, seq_max, &place)) {
        return false;
    }
    *item = lsm_tree_item(tree, &place);
    return is_of_key(*item, key, key_size);
}

/* The shorter way after some steps along a chain: the tree, if it has all that the reader may see,
 * and after many steps such a one is made. Without the memory that it takes the way is merely
 * longer. */
static bool is_worth_the_order(struct lsm_memtable *memtable, uint64_t seq_max, unsigned steps) {
    enum { SOME = 8, MANY = 64 };
    return (steps == SOME && lsm_order_has(&memtable->order, seq_max)) ||
           (steps == MANY && lsm_memtable_order(memtable) == 0);
}

/* Most are the first of their chain. A reader of an old sequence may have many versions before it.
 */
static bool find(struct lsm_memtable *memtable, const uint8_t *key, size_t key_size, uint64_t hash,
                 uint64_t seq_max, const struct lsm_tree_item **item) {
    unsigned steps = 0;
    for (const struct lsm_map_table *table = lsm_map_newest(&memtable->map); table != NULL;
         table = table->before) {
        uint32_t ref = lsm_map_find(table, &memtable->arena, hash);
        while (ref != 0) {
            *item = lsm_arena_at(&memtable->arena, ref);
            if ((*item)->seq <= seq_max && is_of_key(*item, key, key_size)) {
                return true;
            }
            if (is_worth_the_order(memtable, seq_max, ++steps)) {
                return find_in_order(memtable, key, key_size, seq_max, item);
            }
            ref = (*item)->older;
        }
    }
    return false;
}

bool lsm_memtable_get(struct lsm_memtable *memtable, const uint8_t *key, size_t key_size,
                      uint64_t hash, uint64_t seq_max, struct lsm_entry *entry) {
    const struct lsm_tree_item *item;
    LSM_ASSERT(key_size > 0);
    if (!find(memtable, key, key_size, hash, seq_max, &item)) {
        return false;
    }
    *entry = lsm_item_entry(item);
    return true;
}

uint64_t lsm_memtable_bytes(const struct lsm_memtable *memtable) {
    return atomic_load_explicit(&memtable->bytes, memory_order_relaxed) +
           atomic_load_explicit(&memtable->order.bytes, memory_order_relaxed);
}

uint64_t lsm_memtable_entries(const struct lsm_memtable *memtable) {
    return atomic_load_explicit(&memtable->entries, memory_order_relaxed);
}
