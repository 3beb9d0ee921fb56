/* memtable_insert.c: writing a memtable's tree. memtable_tree.h tells what readers rely on:
 *   - a slot is filled before the order that names it is stored (release);
 *   - in an inner node a new child is named before the child it was split from is narrowed;
 *   - a new leaf has its own links before an inner node leads to it;
 *   - a full node is replaced, never changed. */
#include "memtable_node.h"

/* A node of the way down: where the way left it, and the bounds of its range (0 none). */
struct step {
    uint32_t ref;
    unsigned rank; /* position of the child taken; in the leaf, of the new entry */
    uint32_t low, high;
};

/* What a split hands up: `left` takes the place of `old` (or is it), `right` begins at `item`. */
struct split {
    uint32_t left, right, item;
};

static uint64_t order_of(const struct lsm_node *node) {
    return atomic_load_explicit(&node->order, memory_order_relaxed); /* the writer's own stores */
}

/* ---- accounts ---- */

uint64_t lsm_tree_bytes(const struct lsm_tree *tree) {
    uint64_t inner = 0;
    for (uint32_t i = 1; i <= tree->height; i++) {
        inner += tree->nodes[i];
    }
    return tree->nodes[0] * sizeof(struct lsm_leaf) + inner * sizeof(struct lsm_inner);
}

/* A node that is there splits once. One made on the way has at most 8 slots taken and splits after
 * 8 insertions more; a full one is left behind only where ascending keys have filled it, after 15.
 * So there are fewer splits than nodes there and a quarter of the insertions. Each makes at most
 * two nodes, and inserts once a level higher. */
uint64_t lsm_tree_reserve_bytes(const struct lsm_tree *tree, uint64_t count) {
    uint64_t bytes = 0;
    uint64_t inserts = count;
    for (uint32_t height = 0; height < LSM_TREE_HEIGHT_MAX && inserts > 0; height++) {
        uint64_t there = tree->nodes[height];
        uint64_t splits = (there < inserts ? there : inserts) + inserts / 4;
        uint64_t size = height == 0 ? sizeof(struct lsm_leaf) : sizeof(struct lsm_inner);
        /* One more where a level is new: its first node is the root. */
        bytes += (2 * splits + 1) * size;
        inserts = splits;
    }
    return bytes;
}

/* ---- nodes ---- */

/* Fills the next free slot and names it at sorted position `rank`. */
static void add_slot(struct lsm_node *node, unsigned rank, const struct lsm_tree_slot *slot) {
    uint64_t order = order_of(node);
    unsigned count = lsm_order_count(order), shift = 4 + 4 * rank;
    LSM_ASSERT(count < LSM_NODE_SLOTS && rank <= count);
    node->window[count] = slot->window;
    node->item[count] = slot->item;
    if (node->height > 0) {
        atomic_store_explicit(&lsm_as_inner(node)->child[count], slot->child, memory_order_relaxed);
    }
    uint64_t below = order & ((UINT64_C(1) << shift) - 1);
    uint64_t above = order & ~((UINT64_C(1) << shift) - 1);
    order = (below | (uint64_t)count << shift | above << 4) + 1;
    /* Pairs with the acquire loads of order: the slot is whole. */
    atomic_store_explicit(&node->order, order, memory_order_release);
}

/* The node's slots in sorted sequence with `added` at `rank`. */
static void collect(const struct lsm_node *node, unsigned rank, const struct lsm_tree_slot *added,
                    struct lsm_tree_slot slots[LSM_NODE_SLOTS + 1]) {
    uint64_t order = order_of(node);
    LSM_ASSERT(lsm_order_count(order) == LSM_NODE_SLOTS && rank <= LSM_NODE_SLOTS);
    for (unsigned i = 0, to = 0; i < LSM_NODE_SLOTS; i++, to++) {
        unsigned from = lsm_order_slot(order, i);
        to += to == rank;
        slots[to] = (struct lsm_tree_slot){node->window[from], node->item[from], 0};
        if (node->height > 0) {
            const struct lsm_inner *inner = (const struct lsm_inner *)(const void *)node;
            slots[to].child = atomic_load_explicit(&inner->child[from], memory_order_relaxed);
        }
    }
    slots[rank] = *added;
}

/* Moves the windows of half a node further into the keys when they no longer tell them apart well:
 * that reads every key, so it is done only where the upper half of the windows has become equal. */
static uint16_t sharpen(const struct lsm_tree *tree, uint16_t skip, uint32_t low, uint32_t high,
                        struct lsm_tree_slot *slots, unsigned count) {
    unsigned first = slots[0].item == 0 ? 1 : 0; /* the left edge has no key */
    if ((slots[first].window ^ slots[count - 1].window) >> 32 != 0) {
        return skip;
    }
    uint16_t better = lsm_tree_shared(tree, low, high);
    if (better <= skip) { /* less, where keys changed in the log's mapping: the flush will tell */
        return skip;
    }
    for (unsigned i = 0; i < count; i++) {
        __builtin_prefetch(lsm_item_at(tree, slots[i].item)->key);
    }
    for (unsigned i = 0; i < count; i++) {
        slots[i].window = lsm_tree_window(tree, slots[i].item, better);
    }
    return better;
}

/* ---- splitting ---- */

/* Nodes take the place of a full one and `added`; in an inner node `replaced` is the narrower child
 * beside it. At the tree's right edge an entry after all others begins a node of its own, so that
 * ascending keys fill their nodes; the left one is then the old one, if its windows are as good as
 * can be. Otherwise the two share the entries evenly. */
static struct split split_node(struct lsm_tree *tree, const struct step *step,
                               const struct lsm_tree_slot *added, uint32_t replaced) {
    struct lsm_node *node = lsm_node_at(tree, step->ref);
    struct lsm_tree_slot slots[LSM_NODE_SLOTS + 1];
    unsigned rank = step->rank + (node->height > 0);
    bool append = rank == LSM_NODE_SLOTS && step->high == 0;
    bool same = append; /* the left node is as it was */
    unsigned cut = append ? LSM_NODE_SLOTS : (LSM_NODE_SLOTS + 1) / 2;
    collect(node, rank, added, slots);
    if (node->height > 0) {
        same = same && slots[step->rank].child == replaced;
        slots[step->rank].child = replaced;
    }
    struct split split = {.left = step->ref, .item = slots[cut].item};
    uint16_t skip = sharpen(tree, node->skip, step->low, split.item, slots, cut);
    if (!same || skip != node->skip) {
        split.left = lsm_tree_make_node(tree, node->height, skip, slots, cut);
        tree->nodes[node->height]--; /* the old one: no longer in use, though still readable */
    }
    unsigned rest = LSM_NODE_SLOTS + 1 - cut;
    skip = sharpen(tree, node->skip, split.item, step->high, slots + cut, rest);
    split.right = lsm_tree_make_node(tree, node->height, skip, slots + cut, rest);
    return split;
}

/* The new leaves' own links, before anything leads to them: a reader that comes from above may go
 * on along the leaves at once. */
static void link_new_leaves(struct lsm_tree *tree, uint32_t old, const struct split *split) {
    struct lsm_leaf *was = lsm_as_leaf(lsm_node_at(tree, old));
    struct lsm_leaf *left = lsm_as_leaf(lsm_node_at(tree, split->left));
    struct lsm_leaf *right = lsm_as_leaf(lsm_node_at(tree, split->right));
    uint32_t prev = atomic_load_explicit(&was->prev, memory_order_relaxed);
    uint32_t next = atomic_load_explicit(&was->next, memory_order_relaxed);
    atomic_store_explicit(&right->prev, split->left, memory_order_relaxed);
    atomic_store_explicit(&right->next, next, memory_order_relaxed);
    if (split->left != old) {
        atomic_store_explicit(&left->prev, prev, memory_order_relaxed);
    }
    /* Release: the left leaf may be the old one, in which readers stand; the right one is whole. */
    atomic_store_explicit(&left->next, split->right, memory_order_release);
}

/* Leads the neighbours to the new leaves, once they can be found from above. Who comes by an old
 * link until then finds every entry that was there when it began. Release: the leaves are whole. */
static void link_neighbours(struct lsm_tree *tree, uint32_t old, const struct split *split) {
    const struct lsm_leaf *was = lsm_as_leaf(lsm_node_at(tree, old));
    const struct lsm_leaf *right = lsm_as_leaf(lsm_node_at(tree, split->right));
    uint32_t prev = atomic_load_explicit(&was->prev, memory_order_relaxed);
    uint32_t next = atomic_load_explicit(&right->next, memory_order_relaxed);
    if (split->left != old && prev != 0) {
        atomic_store_explicit(&lsm_as_leaf(lsm_node_at(tree, prev))->next, split->left,
                              memory_order_release);
    }
    if (next != 0) {
        atomic_store_explicit(&lsm_as_leaf(lsm_node_at(tree, next))->prev, split->right,
                              memory_order_release);
    }
}

static void grow_root(struct lsm_tree *tree, const struct split *split) {
    const struct lsm_tree_slot slots[2] = {
        {.window = 0, .item = 0, .child = split->left},
        {.window = lsm_tree_window(tree, split->item, 0),
         .item = split->item,
         .child = split->right},
    };
    tree->height++;
    LSM_ASSERT(tree->height < LSM_TREE_HEIGHT_MAX);
    uint32_t root = lsm_tree_make_node(tree, tree->height, 0, slots, 2);
    atomic_store_explicit(&tree->root, root, memory_order_release);
}

/* Puts `added` into the node of `step`, of which `replaced` is now a narrower child (inner nodes).
 * True when the node had to be split: *split is for the level above. */
static bool put_slot(struct lsm_tree *tree, const struct step *step, struct lsm_tree_slot added,
                     uint32_t replaced, struct split *split) {
    struct lsm_node *node = lsm_node_at(tree, step->ref);
    uint64_t order = order_of(node);
    unsigned rank = step->rank + (node->height > 0); /* a new child comes after the one it left */
    added.window = lsm_tree_window(tree, added.item, node->skip);
    if (lsm_order_count(order) < LSM_NODE_SLOTS) {
        add_slot(node, rank, &added);
        if (node->height > 0) {
            /* After the order, see child_for. */
            atomic_store_explicit(&lsm_as_inner(node)->child[lsm_order_slot(order, step->rank)],
                                  replaced, memory_order_release);
        }
        return false;
    }
    *split = split_node(tree, step, &added, replaced);
    return true;
}

/* ---- inserting ---- */

/* Fills steps[height] .. steps[0] with the way to the leaf. */
static void descend(const struct lsm_tree *tree, const struct lsm_tree_target *target,
                    struct step steps[LSM_TREE_HEIGHT_MAX]) {
    uint32_t ref = atomic_load_explicit(&tree->root, memory_order_relaxed), low = 0, high = 0;
    for (unsigned height = tree->height; height > 0; height--) {
        struct lsm_inner *inner = lsm_as_inner(lsm_node_at(tree, ref));
        uint64_t order = order_of(&inner->node);
        unsigned rank = lsm_node_rank(tree, &inner->node, order, target, true);
        rank = rank > 0 ? rank : 1; /* keys that changed in the log's mapping: as below */
        steps[height] = (struct step){ref, rank - 1, low, high};
        unsigned slot = lsm_order_slot(order, rank - 1);
        ref = atomic_load_explicit(&inner->child[slot], memory_order_relaxed);
        const char *child = lsm_arena_at(tree->arena, ref);
        __builtin_prefetch(child);
        __builtin_prefetch(child + 64);
        __builtin_prefetch(child + 128);
        __builtin_prefetch(child + 192);
        low = inner->node.item[slot];
        if (rank < lsm_order_count(order)) {
            high = inner->node.item[lsm_order_slot(order, rank)];
        }
    }
    const struct lsm_node *leaf = lsm_node_at(tree, ref);
    steps[0] =
        (struct step){ref, lsm_node_rank(tree, leaf, order_of(leaf), target, false), low, high};
}

void lsm_tree_insert(struct lsm_tree *tree, uint32_t ref) {
    const struct lsm_entry entry = lsm_item_entry(lsm_item_at(tree, ref));
    const struct lsm_tree_target target = {entry.key, entry.key_size, entry.seq};
    struct step steps[LSM_TREE_HEIGHT_MAX];
    struct split split = {0};
    descend(tree, &target, steps);
    if (!put_slot(tree, &steps[0], (struct lsm_tree_slot){.item = ref}, 0, &split)) {
        return;
    }
    const struct split leaves = split;
    link_new_leaves(tree, steps[0].ref, &leaves);
    bool up = true;
    for (unsigned height = 1; height <= tree->height && up; height++) {
        struct lsm_tree_slot added = {.item = split.item, .child = split.right};
        up = put_slot(tree, &steps[height], added, split.left, &split);
    }
    if (up) {
        grow_root(tree, &split);
    }
    link_neighbours(tree, steps[0].ref, &leaves);
}
