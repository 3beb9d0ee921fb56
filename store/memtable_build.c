/* memtable_build.c: a memtable's tree out of sorted entries, level by level. */
#include <stdlib.h>

#include "memtable_node.h"
#include "memtable_order.h"
#include "memtable_rows.h"

void lsm_tree_init(struct lsm_tree *tree, const struct lsm_arena *items, struct lsm_arena *arena) {
    *tree = (struct lsm_tree){.items = items, .arena = arena};
}

static uint64_t nodes_for(uint64_t slots) {
    return (slots + LSM_NODE_SLOTS - 1) / LSM_NODE_SLOTS;
}

/* Bytes of the nodes that so many entries take. */
static uint64_t tree_bytes(uint64_t entries) {
    uint64_t nodes = nodes_for(entries), bytes = nodes * sizeof(struct lsm_leaf);
    while (nodes > 1) {
        nodes = nodes_for(nodes);
        bytes += nodes * sizeof(struct lsm_inner);
    }
    return bytes;
}

/* A node that is made, and the entry its range begins with. */
struct made {
    uint32_t node, item;
};

/* The slots of a leaf, and their skip: as they were sorted where that is as good as it gets, else
 * after what all keys of the leaf's range share. */
static uint16_t leaf_slots(const struct lsm_tree *tree, const struct lsm_row *keys, unsigned count,
                           uint32_t low, uint32_t high, uint16_t shared_by_all,
                           struct lsm_tree_slot *slots) {
    bool inside = low != 0 && high != 0, sharp = true;
    for (unsigned i = 0; i < count; i++) {
        slots[i] = (struct lsm_tree_slot){keys[i].window, keys[i].item, 0};
        sharp = sharp && keys[i].skip == shared_by_all &&
                (i == 0 || keys[i].window != keys[i - 1].window);
    }
    if (sharp && (inside || shared_by_all == 0)) {
        return shared_by_all;
    }
    uint16_t skip = lsm_tree_shared(tree, low, high);
    for (unsigned i = 0; i < count; i++) {
        __builtin_prefetch(lsm_item_at(tree, slots[i].item)->key);
    }
    for (unsigned i = 0; i < count; i++) {
        slots[i].window = lsm_tree_window(tree, slots[i].item, skip);
    }
    return skip;
}

static void build_leaves(struct lsm_tree *tree, const struct lsm_rows *all, struct made *made) {
    struct lsm_tree_slot slots[LSM_NODE_SLOTS];
    uint32_t prev = 0;
    for (size_t i = 0; i < all->count; i += LSM_NODE_SLOTS) {
        const struct lsm_row *keys = all->rows + i;
        size_t left = all->count - i;
        unsigned count = left < LSM_NODE_SLOTS ? (unsigned)left : LSM_NODE_SLOTS;
        uint32_t low = i > 0 ? keys[0].item : 0, high = left > count ? keys[count].item : 0;
        uint16_t skip = leaf_slots(tree, keys, count, low, high, all->shared, slots);
        uint32_t ref = lsm_tree_make_node(tree, 0, skip, slots, count);
        if (prev != 0) {
            struct lsm_leaf *before = lsm_as_leaf(lsm_node_at(tree, prev));
            atomic_store_explicit(&before->next, ref, memory_order_relaxed);
            atomic_store_explicit(&lsm_as_leaf(lsm_node_at(tree, ref))->prev, prev,
                                  memory_order_relaxed);
        }
        prev = ref;
        *made++ = (struct made){ref, low};
    }
}

/* The nodes above: they take the place of their children in `made`. Returns how many there are. */
static size_t build_level(struct lsm_tree *tree, uint16_t height, struct made *made,
                          size_t children) {
    struct lsm_tree_slot slots[LSM_NODE_SLOTS];
    size_t nodes = 0;
    for (size_t i = 0; i < children; i += LSM_NODE_SLOTS) {
        size_t left = children - i;
        unsigned count = left < LSM_NODE_SLOTS ? (unsigned)left : LSM_NODE_SLOTS;
        uint32_t low = made[i].item, high = left > count ? made[i + count].item : 0;
        uint16_t skip = lsm_tree_shared(tree, low, high);
        for (unsigned s = 0; s < count; s++) {
            const struct made *child = &made[i + s];
            uint64_t window = lsm_tree_window(tree, child->item, skip);
            slots[s] = (struct lsm_tree_slot){window, child->item, child->node};
        }
        made[nodes++] = (struct made){lsm_tree_make_node(tree, height, skip, slots, count), low};
    }
    return nodes;
}

int lsm_tree_build(struct lsm_tree *tree, const struct lsm_rows *rows) {
    struct lsm_fault fault;
    LSM_ASSERT(rows->count > 0);
    int rc = lsm_arena_reserve(tree->arena, tree_bytes(rows->count), 0, &fault);
    struct made *made = rc == 0 ? malloc(nodes_for(rows->count) * sizeof *made) : NULL;
    if (made == NULL) {
        return LSM_ERR_MEMORY;
    }
    memset(tree->nodes, 0, sizeof tree->nodes); /* those there were are in use no more */
    tree->height = 0;
    build_leaves(tree, rows, made);
    size_t nodes = nodes_for(rows->count);
    while (nodes > 1) {
        tree->height++;
        nodes = build_level(tree, tree->height, made, nodes);
    }
    /* Release: the nodes are whole. */
    atomic_store_explicit(&tree->root, made[0].node, memory_order_release);
    free(made);
    return 0;
}
