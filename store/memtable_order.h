/* memtable_order.h: the order of a memtable's entries, made when somebody asks for it.
 *
 * A put finds its place by the key's hash (memtable_map.h) and goes to the end of a list. An
 * iterator first brings a tree up to the list: what is new is collected and sorted, and inserted in
 * that order, or makes a tree of its own together with what there was, if it is at least as much.
 * So no put searches a tree, and in a database that nobody iterates over there is none: a flush
 * sorts the list, once, in the background.
 *
 * An insertion in random order waits for memory on its way to the leaf, changes it, and half of
 * the nodes it makes are replaced later; sorting reads and writes in long strides, and the leaves
 * are full and lie in order. A put of 144 bytes, of which a memtable of 64 MiB holds 370 k, takes
 * 290 ns, 500 to 630 where each went into the tree (a loop of puts alone, alternating); sorting
 * and building take 60 to 100 an entry.
 *
 * Iterators that come one after the other while puts come fast would do nothing but insert: after
 * one has asked, the inserter does its part for some thousand entries, and waits for whoever is at
 * it when much is left. Seeks with ten steps in a loop beside puts in a loop, two processors: 19 to
 * 24 k scans and 660 to 850 k puts a second, 0.8 to 3 k scans without; where each put went into the
 * tree 52 k and 830 k. Who seldom iterates pays for what was put since.
 *
 * Threads:    any number ask; the first one makes the order, the others wait for it, some 40 ms for
 *             a full memtable of 64 MiB that nobody asked for until then. Neither waits for a
 *             writer that waits itself, nor for a device, as long as the log's pages are there.
 * Memory:     nodes from pages of the pool: 20 to 45 bytes an entry, and once more where a tree
 *             was built anew. */
#ifndef LSM_MEMTABLE_ORDER_H
#define LSM_MEMTABLE_ORDER_H

#include <pthread.h>

#include "memtable_tree.h"

struct lsm_memtable_order {
    pthread_mutex_t lock;
    struct lsm_arena nodes;      /* lock */
    struct lsm_tree tree;        /* changed under the lock */
    _Atomic uint64_t count;      /* so many entries, the first ones of the list, are in the tree */
    _Atomic uint64_t seq;        /* the newest of them */
    uint32_t last;               /* the same one's reference; lock */
    _Atomic uint64_t bytes;      /* of nodes in use */
    _Atomic uint64_t help_until; /* entries of the list: while they are fewer the inserter helps */
};

/* `items`: the arena of the entries. */
void lsm_order_init(struct lsm_memtable_order *order, const struct lsm_arena *items,
                    struct lsm_page_pool *pool);
void lsm_order_free(struct lsm_memtable_order *order);

/* All entries up to this sequence are in the tree. */
static inline bool lsm_order_has(const struct lsm_memtable_order *order, uint64_t seq) {
    /* Acquire pairs with publish in memtable_order.c. */
    return atomic_load_explicit(&order->seq, memory_order_acquire) >= seq;
}

/* Brings the first `count` entries of the list that begins at `first` into the tree: 0 or
 * LSM_ERR_MEMORY. */
LSM_CHECKED int lsm_order_until(struct lsm_memtable_order *order, uint32_t first, uint64_t count);

/* For the inserter, which has just added entry number `count`: somebody iterated not long ago. */
static inline bool lsm_order_wants_help(const struct lsm_memtable_order *order, uint64_t count) {
    return count < atomic_load_explicit(&order->help_until, memory_order_relaxed);
}
/* Then it inserts what it added, and something that was left, if nobody else is at it. */
void lsm_order_help(struct lsm_memtable_order *order, uint32_t first, uint64_t count);

/* memtable_build.c: the tree of the rows takes the place of what was in it. Who reads that goes on
 * in it. 0 or LSM_ERR_MEMORY, and then nothing has changed. */
struct lsm_rows;
LSM_CHECKED int lsm_tree_build(struct lsm_tree *tree, const struct lsm_rows *rows);

#endif
