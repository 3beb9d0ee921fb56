/* memtable_tree.h: the order of a memtable's entries: a B+tree for one writer and lock-free
 * readers.
 *
 * A node holds up to 15 references to entries, each beside a window: 8 bytes of its key, taken
 * after the bytes that all keys of the node's range share, as a big-endian number. Windows decide
 * nearly every comparison without touching the entry; equal windows fall back to full comparison
 * by binary search.
 *
 * What a reader sees is fixed by one word, `order`: the number of used slots and their sorted
 * sequence, four bits each. A slot is filled once, before the order that names it is stored, and
 * never changes (a child reference apart). A full node is not changed either: two new nodes take
 * its place, and the old one stays readable, as it was, for whoever stands in it. So a reader never
 * waits and never sees half of anything; what it may miss was inserted after it began, and has a
 * sequence beyond what it looks for. Nodes replaced stay in the arena until the memtable goes:
 * about 20 bytes an entry when keys come in random order, none when they ascend or are sorted.
 *
 * Threads:    one writer at a time; any number of readers. */
#ifndef LSM_MEMTABLE_TREE_H
#define LSM_MEMTABLE_TREE_H

#include <stdatomic.h>

#include "arena.h"
#include "entry.h"

enum {
    LSM_NODE_SLOTS = 15, /* 4 bits of count and 15 times 4 bits of slot fill a word */
    LSM_TREE_HEIGHT_MAX =
        12, /* nodes split in halves of 8: 8^11 entries are more than references */
};

/* An entry. Its operation lies as the log encodes it (wal_op.h) in a log segment or in the
 * memtable's arena. What says how long its parts are stands here as well: who compares keys touches
 * nothing else of it, and whatever becomes of a log's mapping, no key is read beyond its bytes. */
struct lsm_tree_item {
    uint64_t seq;
    const uint8_t *key;    /* the value follows */
    _Atomic uint32_t next; /* the item inserted after it; 0: none yet */
    uint32_t older;        /* the one inserted before with the same hash (memtable_map.h); 0 none */
    uint32_t value_size;
    uint16_t key_size;
    uint8_t head_size; /* of the operation, before the key */
    uint8_t type;      /* enum lsm_type */
};
_Static_assert(sizeof(struct lsm_tree_item) == 32, "two in a cache line");

struct lsm_node {
    _Atomic uint64_t order;
    uint16_t skip;   /* bytes of the keys before the windows */
    uint16_t height; /* 0: a leaf */
    uint32_t item[LSM_NODE_SLOTS];
    uint64_t window[LSM_NODE_SLOTS];
};
struct lsm_leaf {
    struct lsm_node node;
    _Atomic uint32_t next, prev; /* leaves; 0 none */
};
/* Slot s leads to keys from item s on; the first one in order has the node's lower bound, which is
 * 0 (no entry) at the tree's left edge. */
struct lsm_inner {
    struct lsm_node node;
    _Atomic uint32_t child[LSM_NODE_SLOTS];
};

struct lsm_tree {
    const struct lsm_arena *items;       /* borrowed, like the next */
    struct lsm_arena *arena;             /* of the nodes */
    _Atomic uint32_t root;               /* 0: nothing is in it */
    uint16_t height;                     /* writer's */
    uint64_t nodes[LSM_TREE_HEIGHT_MAX]; /* live ones by height; writer's */
};

/* A place in a leaf, as it was when the place was taken. */
struct lsm_tree_place {
    const struct lsm_leaf *leaf;
    uint64_t order;
    unsigned index; /* in sorted sequence */
};

/* Bytes that inserting `count` entries may take for nodes, at most. */
uint64_t lsm_tree_reserve_bytes(const struct lsm_tree *tree, uint64_t count);
/* An empty one. */
void lsm_tree_init(struct lsm_tree *tree, const struct lsm_arena *items, struct lsm_arena *arena);
/* Adds the entry at `ref`. REQUIRES: the bytes are reserved; the tree is not empty; (key, seq) is
 * not there yet. */
void lsm_tree_insert(struct lsm_tree *tree, uint32_t ref);
/* Bytes of the nodes in use: not of those they replaced. */
uint64_t lsm_tree_bytes(const struct lsm_tree *tree);

/* First entry at or after (key, seq); false when there is none. */
bool lsm_tree_seek(const struct lsm_tree *tree, const uint8_t *key, size_t key_size, uint64_t seq,
                   struct lsm_tree_place *place);
bool lsm_tree_first(const struct lsm_tree *tree, struct lsm_tree_place *place);
bool lsm_tree_last(const struct lsm_tree *tree, struct lsm_tree_place *place);
bool lsm_tree_next(const struct lsm_tree *tree, struct lsm_tree_place *place);
bool lsm_tree_prev(const struct lsm_tree *tree, struct lsm_tree_place *place);
const struct lsm_tree_item *lsm_tree_item(const struct lsm_tree *tree,
                                          const struct lsm_tree_place *place);
/* Asks memory for the next few items from the place on, in its leaf; and, when they have come, for
 * their keys and values. */
void lsm_tree_prefetch_items(const struct lsm_tree *tree, const struct lsm_tree_place *place);
void lsm_tree_prefetch_keys(const struct lsm_tree *tree, const struct lsm_tree_place *place);

static inline struct lsm_entry lsm_item_entry(const struct lsm_tree_item *item) {
    return (struct lsm_entry){item->key,
                              item->key_size,
                              (enum lsm_type)item->type,
                              item->seq,
                              item->key + item->key_size,
                              item->value_size};
}
static inline unsigned lsm_order_count(uint64_t order) {
    return (unsigned)(order & 15);
}
static inline unsigned lsm_order_slot(uint64_t order, unsigned index) {
    return (unsigned)(order >> (4 + 4 * index)) & 15;
}

/* ---- searching a node, shared by readers and writer ---- */

struct lsm_tree_target {
    const uint8_t *key;
    size_t key_size;
    uint64_t seq;
};
/* Entries of the node, as of `order`, that come before the target; with `or_equal`, at or before.
 */
unsigned lsm_node_rank(const struct lsm_tree *tree, const struct lsm_node *node, uint64_t order,
                       const struct lsm_tree_target *target, bool or_equal);
/* 8 bytes of the key from `skip` on, zeros past its end. */
uint64_t lsm_key_window(const uint8_t *key, size_t key_size, size_t skip);

#endif
