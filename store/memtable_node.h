/* memtable_node.h: making a node of a memtable's tree: what insertion (memtable_insert.c) and
 * building at once (memtable_build.c) share.
 *
 * Threads:    the tree's one writer. */
#ifndef LSM_MEMTABLE_NODE_H
#define LSM_MEMTABLE_NODE_H

#include "check.h"
#include "memtable_tree.h"

/* A slot's content on its way into a node. `child` in inner nodes only. */
struct lsm_tree_slot {
    uint64_t window;
    uint32_t item, child;
};

static inline struct lsm_tree_item *lsm_item_at(const struct lsm_tree *tree, uint32_t ref) {
    return lsm_arena_at(tree->items, ref);
}
static inline struct lsm_node *lsm_node_at(const struct lsm_tree *tree, uint32_t ref) {
    return lsm_arena_at(tree->arena, ref);
}
static inline struct lsm_leaf *lsm_as_leaf(struct lsm_node *node) {
    LSM_ASSERT(node->height == 0);
    return (struct lsm_leaf *)(void *)node;
}
static inline struct lsm_inner *lsm_as_inner(struct lsm_node *node) {
    LSM_ASSERT(node->height > 0);
    return (struct lsm_inner *)(void *)node;
}

/* A node of slots in sorted sequence, linked to nothing. REQUIRES: its bytes are reserved. */
static inline uint32_t lsm_tree_make_node(struct lsm_tree *tree, uint16_t height, uint16_t skip,
                                          const struct lsm_tree_slot *slots, unsigned count) {
    LSM_ASSERT(count <= LSM_NODE_SLOTS && height < LSM_TREE_HEIGHT_MAX);
    uint64_t order = count;
    uint32_t ref = lsm_arena_alloc(tree->arena, height == 0 ? sizeof(struct lsm_leaf)
                                                            : sizeof(struct lsm_inner));
    struct lsm_node *node = lsm_node_at(tree, ref);
    node->skip = skip;
    node->height = height;
    for (unsigned i = 0; i < count; i++) {
        node->window[i] = slots[i].window;
        node->item[i] = slots[i].item;
        order |= (uint64_t)i << (4 + 4 * i);
        if (height > 0) {
            atomic_init(&lsm_as_inner(node)->child[i], slots[i].child);
        }
    }
    if (height == 0) {
        atomic_init(&lsm_as_leaf(node)->next, 0);
        atomic_init(&lsm_as_leaf(node)->prev, 0);
    }
    atomic_init(&node->order, order);
    tree->nodes[height]++;
    return ref;
}

/* The window of an entry's key; of 0, the tree's left edge, 0. */
static inline uint64_t lsm_tree_window(const struct lsm_tree *tree, uint32_t ref, uint16_t skip) {
    if (ref == 0) {
        return 0;
    }
    const struct lsm_entry entry = lsm_item_entry(lsm_item_at(tree, ref));
    return lsm_key_window(entry.key, entry.key_size, skip);
}

/* Bytes that all keys from `low` to `high` share; 0: that bound is an edge of the tree. */
static inline uint16_t lsm_tree_shared(const struct lsm_tree *tree, uint32_t low, uint32_t high) {
    if (low == 0 || high == 0) {
        return 0;
    }
    const struct lsm_entry a = lsm_item_entry(lsm_item_at(tree, low));
    const struct lsm_entry b = lsm_item_entry(lsm_item_at(tree, high));
    uint32_t size = a.key_size < b.key_size ? a.key_size : b.key_size, n = 0;
    while (n < size && a.key[n] == b.key[n]) {
        n++;
    }
    return (uint16_t)n;
}

#endif
