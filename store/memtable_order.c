#include "memtable_order.h"

#include <stdlib.h>

#include "check.h"
#include "memtable_node.h"

void lsm_order_init(struct lsm_memtable_order *order, const struct lsm_arena *items,
                    struct lsm_page_pool *pool) {
    *order = (struct lsm_memtable_order){0};
    pthread_mutex_init(&order->lock, NULL);
    lsm_arena_init(&order->nodes, pool);
    lsm_tree_init(&order->tree, items, &order->nodes);
}

void lsm_order_free(struct lsm_memtable_order *order) {
    lsm_arena_free(&order->nodes);
    pthread_mutex_destroy(&order->lock);
}

/* ---- collecting ---- */

/* Entries to be sorted, and room to do so. */
struct rows {
    struct lsm_order_key *keys, *spare;
    size_t count;
    uint64_t mapped;    /* bytes, straight from the kernel; 0: from the heap */
    const uint8_t *key; /* of the first entry */
    uint16_t shared;    /* bytes that all keys begin with */
    size_t stale;       /* entries before this one have windows at a larger skip */
};

/* Huge pages where it is some: the first touch of small ones takes as long as the sorting. */
static bool take_rows(struct rows *rows, uint64_t count) {
    uint64_t bytes = 2 * count * sizeof *rows->keys;
    *rows = (struct rows){0};
    if (bytes >= LSM_HUGE_PAGE) {
        rows->mapped = (bytes + LSM_HUGE_PAGE - 1) / LSM_HUGE_PAGE * LSM_HUGE_PAGE;
        rows->keys = (struct lsm_order_key *)(void *)lsm_pages_map_huge(rows->mapped, true);
    } else {
        rows->keys = malloc(bytes);
    }
    rows->spare = rows->keys != NULL ? rows->keys + count : NULL;
    return rows->keys != NULL;
}

static void give_rows(struct rows *rows) {
    if (rows->mapped > 0) {
        lsm_pages_unmap((uint8_t *)rows->keys, rows->mapped);
    } else {
        free(rows->keys);
    }
}

/* Keeps `shared` what all keys begin with. The windows taken before it shrank are made anew when
 * all keys are known: it may shrink again. */
static void share(struct rows *rows, const struct lsm_tree_item *item) {
    if (rows->count == 0) {
        rows->key = item->key;
        rows->shared = item->key_size;
    }
    if (item->key_size >= rows->shared && memcmp(rows->key, item->key, rows->shared) == 0) {
        return;
    }
    uint16_t n = 0;
    while (n < rows->shared && n < item->key_size && rows->key[n] == item->key[n]) {
        n++;
    }
    rows->shared = n;
    rows->stale = rows->count;
}

/* The item behind `ref` in the list that begins at `first`; behind 0 the first one. Acquire pairs
 * with the inserter's store: the item is whole. */
static uint32_t item_after(const struct lsm_tree *tree, uint32_t ref, uint32_t first) {
    return ref == 0 ? first
                    : atomic_load_explicit(&lsm_item_at(tree, ref)->next, memory_order_acquire);
}

/* Collects `count` entries behind `ref`, sorts them, and returns the one collected last. */
static uint32_t sort_rows(struct lsm_tree *tree, struct rows *rows, uint32_t ref, uint32_t first,
                          uint64_t count) {
    while (rows->count < count) {
        ref = item_after(tree, ref, first);
        LSM_ASSERT(ref != 0);
        const struct lsm_tree_item *item = lsm_item_at(tree, ref);
        share(rows, item);
        rows->keys[rows->count++] = (struct lsm_order_key){
            .window = lsm_key_window(item->key, item->key_size, rows->shared),
            .item = ref,
            .skip = rows->shared,
        };
    }
    for (size_t i = 0; i < rows->stale; i++) {
        rows->keys[i].window = lsm_tree_window(tree, rows->keys[i].item, rows->shared);
        rows->keys[i].skip = rows->shared;
    }
    lsm_order_sort(tree, rows->keys, rows->spare, rows->count);
    return ref;
}

/* ---- bringing it up to date ---- */

static int sort_all(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    struct rows rows;
    if (!take_rows(&rows, count)) {
        return LSM_ERR_MEMORY;
    }
    uint32_t last = sort_rows(&order->tree, &rows, 0, first, count);
    int rc = lsm_tree_build(&order->tree, rows.keys, rows.count, rows.shared);
    order->last = rc == 0 ? last : order->last;
    give_rows(&rows);
    return rc;
}

/* In order, so that neighbours find the way to their leaf in the caches. */
static int insert_sorted(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    struct rows rows;
    if (!take_rows(&rows, count)) {
        return LSM_ERR_MEMORY;
    }
    order->last = sort_rows(&order->tree, &rows, order->last, first, count);
    for (size_t i = 0; i < rows.count; i++) {
        lsm_tree_insert(&order->tree, rows.keys[i].item);
    }
    give_rows(&rows);
    return 0;
}

static int insert_few(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        order->last = item_after(&order->tree, order->last, first);
        lsm_tree_insert(&order->tree, order->last);
    }
    return 0;
}

static int extend(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    enum { FEW = 64 };
    struct lsm_fault fault;
    int rc =
        lsm_arena_reserve(&order->nodes, lsm_tree_reserve_bytes(&order->tree, count), 0, &fault);
    if (rc != 0) {
        return rc;
    }
    return count <= FEW ? insert_few(order, first, count) : insert_sorted(order, first, count);
}

int lsm_order_until(struct lsm_memtable_order *order, uint32_t first, uint64_t count,
                    enum lsm_order_how how) {
    /* Acquire pairs with the store below: the tree holds them. */
    if (atomic_load_explicit(&order->count, memory_order_acquire) >= count) {
        return 0;
    }
    int rc = 0;
    pthread_mutex_lock(&order->lock);
    uint64_t there = atomic_load_explicit(&order->count, memory_order_relaxed);
    if (there < count) {
        bool anew = how == LSM_ORDER_SORT || count - there >= there;
        rc = anew ? sort_all(order, first, count) : extend(order, first, count - there);
    }
    if (there < count && rc == 0) {
        uint64_t seq = lsm_item_at(&order->tree, order->last)->seq;
        atomic_store_explicit(&order->seq, seq, memory_order_release);
        atomic_store_explicit(&order->bytes, lsm_tree_bytes(&order->tree), memory_order_relaxed);
        atomic_store_explicit(&order->count, count, memory_order_release);
    }
    pthread_mutex_unlock(&order->lock);
    return rc;
}
