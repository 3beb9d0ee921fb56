/* memtable_search.c: reading a memtable's tree. memtable_tree.h tells why none of this needs a
 * lock. */
#include "bytes.h"
#include "check.h"
#include "memtable_tree.h"

uint64_t lsm_key_window(const uint8_t *key, size_t key_size, size_t skip) {
    uint64_t window = 0;
    if (key_size >= skip + sizeof window) {
        window = lsm_load64(key + skip);
    } else if (key_size > skip) {
        memcpy(&window, key + skip, key_size - skip);
    }
    return __builtin_bswap64(window);
}

static const struct lsm_tree_item *item_at(const struct lsm_tree *tree, uint32_t ref) {
    return lsm_arena_at(tree->items, ref);
}

static int compare_item(const struct lsm_tree_item *item, const struct lsm_tree_target *target) {
    const struct lsm_entry entry = lsm_item_entry(item);
    int c = lsm_key_compare(entry.key, entry.key_size, target->key, target->key_size);
    return c != 0 ? c : (entry.seq < target->seq) - (entry.seq > target->seq);
}

unsigned lsm_node_rank(const struct lsm_tree *tree, const struct lsm_node *node, uint64_t order,
                       const struct lsm_tree_target *target, bool or_equal) {
    uint64_t window = lsm_key_window(target->key, target->key_size, node->skip);
    unsigned count = lsm_order_count(order), below = 0, equal = 0;
    /* Counting over the slots as they lie needs neither the order nor a branch. */
    for (unsigned i = 0; i < count; i++) {
        below += node->window[i] < window;
        equal += node->window[i] == window;
    }
    unsigned low = below, high = below + equal;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        uint32_t ref = node->item[lsm_order_slot(order, middle)];
        int c = ref != 0 ? compare_item(item_at(tree, ref), target) : -1;
        if (c < 0 || (or_equal && c == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The lines of a node, fetched side by side: one wait instead of four. */
static void prefetch_node(const void *node) {
    const char *p = node;
    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
    __builtin_prefetch(p + 128);
    __builtin_prefetch(p + 192);
}

static void prefetch_key(const struct lsm_tree_item *item) {
    __builtin_prefetch(item->key);
    __builtin_prefetch(item->key + 64);
    __builtin_prefetch(item->key + 128);
}

static const struct lsm_leaf *leaf_at(const struct lsm_tree *tree, uint32_t ref) {
    const struct lsm_leaf *leaf = lsm_arena_at(tree->arena, ref);
    LSM_ASSERT(leaf->node.height == 0);
    return leaf;
}

/* The child on the way to the target. The writer first names a new child in the order, then
 * narrows the old one: who reads the narrowed child beside the old order would go wrong, but it
 * would then find the order changed. Acquire: pairs with the release stores of both. */
static uint32_t child_for(const struct lsm_tree *tree, const struct lsm_inner *inner,
                          const struct lsm_tree_target *target) {
    uint64_t order = atomic_load_explicit(&inner->node.order, memory_order_acquire);
    for (;;) {
        unsigned rank = lsm_node_rank(tree, &inner->node, order, target, true);
        rank = rank > 0 ? rank : 1; /* keys that changed in the log's mapping */
        unsigned slot = lsm_order_slot(order, rank - 1);
        uint32_t child = atomic_load_explicit(&inner->child[slot], memory_order_acquire);
        uint64_t again = atomic_load_explicit(&inner->node.order, memory_order_acquire);
        if (again == order) {
            return child;
        }
        order = again; /* at most 14 times: a node takes that many slots in its life */
    }
}

/* The outermost child; the same argument holds. */
static uint32_t edge_child(const struct lsm_inner *inner, bool last) {
    uint64_t order = atomic_load_explicit(&inner->node.order, memory_order_acquire);
    for (;;) {
        unsigned slot = lsm_order_slot(order, last ? lsm_order_count(order) - 1 : 0);
        uint32_t child = atomic_load_explicit(&inner->child[slot], memory_order_acquire);
        uint64_t again = atomic_load_explicit(&inner->node.order, memory_order_acquire);
        if (again == order) {
            return child;
        }
        order = again;
    }
}

static uint32_t prefetch_items(const struct lsm_tree *tree, uint32_t ref) {
    const struct lsm_leaf *leaf = leaf_at(tree, ref);
    unsigned count = lsm_order_count(atomic_load_explicit(&leaf->node.order, memory_order_acquire));
    for (unsigned i = 0; i < count; i++) {
        __builtin_prefetch(item_at(tree, leaf->node.item[i]));
    }
    return atomic_load_explicit(&leaf->next, memory_order_acquire);
}

/* Stands on the leaf's first entry, or on its last. Who goes on finds things fetched: here the
 * keys, whose items came with the leaf before; one leaf ahead the items, two ahead the node. */
static bool enter(const struct lsm_tree *tree, uint32_t ref, bool last,
                  struct lsm_tree_place *place) {
    if (ref == 0) {
        return false;
    }
    const struct lsm_leaf *leaf = leaf_at(tree, ref);
    /* Pairs with the release store of the order: the slots it names are filled. */
    uint64_t order = atomic_load_explicit(&leaf->node.order, memory_order_acquire);
    unsigned count = lsm_order_count(order);
    LSM_ASSERT(count > 0);
    for (unsigned i = 0; i < count; i++) {
        prefetch_key(item_at(tree, leaf->node.item[i]));
    }
    uint32_t next = atomic_load_explicit(&leaf->next, memory_order_acquire);
    next = next != 0 ? prefetch_items(tree, next) : 0;
    if (next != 0) {
        prefetch_node(lsm_arena_at(tree->arena, next));
    }
    *place = (struct lsm_tree_place){leaf, order, last ? count - 1 : 0};
    return true;
}

bool lsm_tree_seek(const struct lsm_tree *tree, const uint8_t *key, size_t key_size, uint64_t seq,
                   struct lsm_tree_place *place) {
    const struct lsm_tree_target target = {key, key_size, seq};
    /* Pairs with the release store of a new root. */
    uint32_t root = atomic_load_explicit(&tree->root, memory_order_acquire);
    if (root == 0) {
        return false;
    }
    const struct lsm_node *node = lsm_arena_at(tree->arena, root);
    while (node->height > 0) {
        uint16_t height = node->height;
        node = lsm_arena_at(tree->arena,
                            child_for(tree, (const struct lsm_inner *)(const void *)node, &target));
        prefetch_node(node);
        LSM_ASSERT(node->height + 1 == height);
    }
    const struct lsm_leaf *leaf = (const struct lsm_leaf *)(const void *)node;
    uint64_t order = atomic_load_explicit(&node->order, memory_order_acquire);
    unsigned rank = lsm_node_rank(tree, node, order, &target, false);
    *place = (struct lsm_tree_place){leaf, order, rank};
    if (rank < lsm_order_count(order)) {
        return true;
    }
    return enter(tree, atomic_load_explicit(&leaf->next, memory_order_acquire), false, place);
}

static bool seek_edge(const struct lsm_tree *tree, bool last, struct lsm_tree_place *place) {
    uint32_t ref = atomic_load_explicit(&tree->root, memory_order_acquire);
    if (ref == 0) {
        return false;
    }
    const struct lsm_node *node = lsm_arena_at(tree->arena, ref);
    while (node->height > 0) {
        ref = edge_child((const struct lsm_inner *)(const void *)node, last);
        node = lsm_arena_at(tree->arena, ref);
    }
    return enter(tree, ref, last, place);
}

bool lsm_tree_first(const struct lsm_tree *tree, struct lsm_tree_place *place) {
    return seek_edge(tree, false, place);
}

bool lsm_tree_last(const struct lsm_tree *tree, struct lsm_tree_place *place) {
    return seek_edge(tree, true, place);
}

bool lsm_tree_next(const struct lsm_tree *tree, struct lsm_tree_place *place) {
    if (++place->index < lsm_order_count(place->order)) {
        return true;
    }
    return enter(tree, atomic_load_explicit(&place->leaf->next, memory_order_acquire), false,
                 place);
}

bool lsm_tree_prev(const struct lsm_tree *tree, struct lsm_tree_place *place) {
    if (place->index > 0) {
        place->index--;
        return true;
    }
    return enter(tree, atomic_load_explicit(&place->leaf->prev, memory_order_acquire), true, place);
}

const struct lsm_tree_item *lsm_tree_item(const struct lsm_tree *tree,
                                          const struct lsm_tree_place *place) {
    LSM_ASSERT(place->index < lsm_order_count(place->order));
    return item_at(tree, place->leaf->node.item[lsm_order_slot(place->order, place->index)]);
}

/* Where the entries after a place end that are worth asking for: a short scan of a database takes
 * but a few of its entries from a memtable. */
static unsigned end_of_few(const struct lsm_tree_place *place) {
    enum { FEW = 4 };
    unsigned count = lsm_order_count(place->order);
    return count - place->index < FEW ? count : place->index + FEW;
}

void lsm_tree_prefetch_items(const struct lsm_tree *tree, const struct lsm_tree_place *place) {
    for (unsigned i = place->index; i < end_of_few(place); i++) {
        __builtin_prefetch(item_at(tree, place->leaf->node.item[lsm_order_slot(place->order, i)]));
    }
}

void lsm_tree_prefetch_keys(const struct lsm_tree *tree, const struct lsm_tree_place *place) {
    for (unsigned i = place->index; i < end_of_few(place); i++) {
        prefetch_key(item_at(tree, place->leaf->node.item[lsm_order_slot(place->order, i)]));
    }
}
