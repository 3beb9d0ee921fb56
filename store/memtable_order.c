#include "memtable_order.h"

#include "check.h"
#include "memtable_node.h"
#include "memtable_rows.h"

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

static int sort_all(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    struct lsm_rows rows;
    int rc = lsm_rows_make(&rows, &order->tree, 0, first, count);
    if (rc != 0) {
        return rc;
    }
    rc = lsm_tree_build(&order->tree, &rows);
    order->last = rc == 0 ? rows.last : order->last;
    lsm_rows_free(&rows);
    return rc;
}

/* In order, so that neighbours find the way to their leaf in the caches. */
static int insert_sorted(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    struct lsm_rows rows;
    int rc = lsm_rows_make(&rows, &order->tree, order->last, first, count);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < rows.count; i++) {
        lsm_tree_insert(&order->tree, rows.rows[i].item);
    }
    order->last = rows.last;
    lsm_rows_free(&rows);
    return 0;
}

static int insert_few(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        order->last = lsm_item_after(&order->tree, order->last, first);
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

/* The first `count` entries are in the tree. */
static void publish(struct lsm_memtable_order *order, uint64_t count) {
    uint64_t seq = lsm_item_at(&order->tree, order->last)->seq;
    atomic_store_explicit(&order->bytes, lsm_tree_bytes(&order->tree), memory_order_relaxed);
    atomic_store_explicit(&order->seq, seq, memory_order_release);
    atomic_store_explicit(&order->count, count, memory_order_release);
}

void lsm_order_help(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    enum { AT_ONCE = 2, BACKLOG = 64 };
    uint64_t there = atomic_load_explicit(&order->count, memory_order_relaxed);
    if (count - there > BACKLOG) { /* or who iterates would never come to the end */
        pthread_mutex_lock(&order->lock);
    } else if (pthread_mutex_trylock(&order->lock) != 0) {
        return;
    }
    there = atomic_load_explicit(&order->count, memory_order_relaxed);
    uint64_t left = count - there;
    uint64_t some = left < AT_ONCE ? left : AT_ONCE;
    /* The first ones make a tree at once, in the thread of whoever asks. */
    if (there > 0 && some > 0 && extend(order, first, some) == 0) {
        publish(order, there + some);
    }
    pthread_mutex_unlock(&order->lock);
}

static void ask_for_help(struct lsm_memtable_order *order, uint64_t count) {
    enum { HELP = 16384 };
    atomic_store_explicit(&order->help_until, count + HELP, memory_order_relaxed);
}

int lsm_order_until(struct lsm_memtable_order *order, uint32_t first, uint64_t count) {
    /* Acquire pairs with publish: the tree holds them. */
    if (atomic_load_explicit(&order->count, memory_order_acquire) >= count) {
        ask_for_help(order, count);
        return 0;
    }
    int rc = 0;
    pthread_mutex_lock(&order->lock);
    uint64_t there = atomic_load_explicit(&order->count, memory_order_relaxed);
    if (there < count) {
        rc = count - there >= there ? sort_all(order, first, count)
                                    : extend(order, first, count - there);
    }
    if (there < count && rc == 0) {
        publish(order, count);
    }
    pthread_mutex_unlock(&order->lock);
    ask_for_help(order, count);
    return rc;
}
