#include "memtable_load.h"

#include <stdlib.h>

#include "filter.h"
#include "memtable_internal.h"
#include "memtable_node.h"

/* What tree_bytes comes to, for each of many entries. */
enum { NODE_BYTES = (sizeof(struct lsm_leaf) + 2 * LSM_NODE_SLOTS) / LSM_NODE_SLOTS };

/* ---- collecting ---- */

void lsm_load_begin(struct lsm_load *load, struct lsm_memtable *memtable) {
    LSM_ASSERT(lsm_memtable_entries(memtable) == 0);
    *load = (struct lsm_load){.memtable = memtable};
}

void lsm_load_free(struct lsm_load *load) {
    free(load->keys);
    *load = (struct lsm_load){0};
}

static int out_of_memory(const struct lsm_load *load, struct lsm_fault *fault) {
    return lsm_fail(fault, LSM_ERR_MEMORY, "no memory to load %zu entries into a memtable",
                    load->count);
}

int lsm_load_reserve(struct lsm_load *load, uint64_t count, struct lsm_fault *fault) {
    uint64_t wanted = load->count + count;
    LSM_ASSERT(load->memtable != NULL && load->memtable->keeps != NULL);
    if (wanted > load->room) {
        uint64_t room = load->room < 512 ? 1024 : 2 * (uint64_t)load->room;
        room = room < wanted ? wanted : room;
        struct lsm_load_key *grown =
            room <= SIZE_MAX / sizeof *grown ? realloc(load->keys, room * sizeof *grown) : NULL;
        if (grown == NULL) {
            return out_of_memory(load, fault);
        }
        load->keys = grown;
        load->room = room;
    }
    return lsm_arena_reserve(&load->memtable->arena, count * sizeof(struct lsm_tree_item), 0,
                             fault);
}

/* Keeps `shared` what all keys begin with. The windows taken before it shrank are made anew when
 * all keys are known: it may shrink again. */
static void share(struct lsm_load *load, const struct lsm_entry *entry) {
    if (load->count == 0) {
        load->key = entry->key;
        load->shared = (uint16_t)entry->key_size;
    }
    if (entry->key_size >= load->shared && memcmp(load->key, entry->key, load->shared) == 0) {
        return;
    }
    uint16_t n = 0;
    while (n < load->shared && n < entry->key_size && load->key[n] == entry->key[n]) {
        n++;
    }
    load->shared = n;
    load->stale = load->count;
}

/* What filter and hints keep of a key is in no cache: it is there when the key's turn comes. */
static void note_later(struct lsm_load *load, uint32_t item, uint64_t hash) {
    struct lsm_load_pending *pending = &load->pending[load->count % LSM_LOAD_PENDING];
    if (load->count >= LSM_LOAD_PENDING) {
        lsm_memtable_note(load->memtable, pending->item, pending->hash);
    }
    *pending = (struct lsm_load_pending){hash, item};
    __builtin_prefetch(lsm_memtable_filter_word(&load->memtable->filter, hash), 1);
    __builtin_prefetch(lsm_memtable_hint(&load->memtable->hints, hash), 1);
}

/* Oldest first: of a key's entries the last one is to be the one hinted at. */
static void note_pending(struct lsm_load *load) {
    size_t count = load->count < LSM_LOAD_PENDING ? load->count : LSM_LOAD_PENDING;
    for (size_t i = load->count - count; i < load->count; i++) {
        const struct lsm_load_pending *pending = &load->pending[i % LSM_LOAD_PENDING];
        lsm_memtable_note(load->memtable, pending->item, pending->hash);
    }
}

void lsm_load_refer(struct lsm_load *load, uint64_t seq, const uint8_t *op, uint64_t size,
                    const struct lsm_entry *entry) {
    struct lsm_memtable *memtable = load->memtable;
    LSM_ASSERT(load->count < load->room && seq > 0 && seq <= LSM_SEQ_MAX);
    LSM_ASSERT(entry->key_size > 0 && entry->key_size <= UINT16_MAX);
    uint32_t ref = lsm_arena_alloc(&memtable->arena, sizeof(struct lsm_tree_item));
    struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    *item = (struct lsm_tree_item){.seq = seq, .op = op};
    note_later(load, ref, lsm_filter_hash(entry->key, entry->key_size));
    share(load, entry);
    load->keys[load->count++] = (struct lsm_load_key){
        .window = lsm_key_window(entry->key, entry->key_size, load->shared),
        .item = ref,
        .skip = load->shared,
    };
    load->bytes += sizeof *item + size;
}

uint64_t lsm_load_bytes(const struct lsm_load *load) {
    return load->bytes + load->count * NODE_BYTES;
}

/* ---- building ---- */

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
static uint16_t leaf_slots(const struct lsm_tree *tree, const struct lsm_load_key *keys,
                           unsigned count, uint32_t low, uint32_t high, uint16_t shared_by_all,
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
        __builtin_prefetch(lsm_item_at(tree, slots[i].item)->op);
    }
    for (unsigned i = 0; i < count; i++) {
        slots[i].window = lsm_tree_window(tree, slots[i].item, skip);
    }
    return skip;
}

static void build_leaves(struct lsm_tree *tree, const struct lsm_load *load, struct made *made) {
    struct lsm_tree_slot slots[LSM_NODE_SLOTS];
    uint32_t prev = 0;
    for (size_t i = 0; i < load->count; i += LSM_NODE_SLOTS) {
        const struct lsm_load_key *keys = load->keys + i;
        size_t left = load->count - i;
        unsigned count = left < LSM_NODE_SLOTS ? (unsigned)left : LSM_NODE_SLOTS;
        uint32_t low = i > 0 ? keys[0].item : 0, high = left > count ? keys[count].item : 0;
        uint16_t skip = leaf_slots(tree, keys, count, low, high, load->shared, slots);
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

/* The tree of sorted keys takes the place of an empty one. Nobody reads it yet, so the orders of
 * the stores do not matter. */
static void build(struct lsm_tree *tree, const struct lsm_load *load, struct made *made) {
    LSM_ASSERT(tree->height == 0 && tree->nodes[0] == 1);
    tree->nodes[0] = 0; /* the empty leaf is not in use any more */
    build_leaves(tree, load, made);
    size_t nodes = nodes_for(load->count);
    while (nodes > 1) {
        tree->height++;
        nodes = build_level(tree, tree->height, made, nodes);
    }
    atomic_store_explicit(&tree->root, made[0].node, memory_order_release);
}

static int load_all(struct lsm_load *load, struct lsm_fault *fault) {
    struct lsm_memtable *memtable = load->memtable;
    struct lsm_load_key *spare = malloc(load->count * sizeof *spare);
    if (spare == NULL) {
        return out_of_memory(load, fault);
    }
    for (size_t i = 0; i < load->stale; i++) {
        load->keys[i].window = lsm_tree_window(&memtable->tree, load->keys[i].item, load->shared);
        load->keys[i].skip = load->shared;
    }
    note_pending(load);
    lsm_load_sort(&memtable->tree, load->keys, spare, load->count);
    free(spare);
    int rc = lsm_arena_reserve(&memtable->arena, tree_bytes(load->count), 0, fault);
    struct made *made = rc == 0 ? malloc(nodes_for(load->count) * sizeof *made) : NULL;
    if (rc == 0 && made == NULL) {
        rc = out_of_memory(load, fault);
    }
    if (rc == 0) {
        build(&memtable->tree, load, made);
        memtable->item_bytes = load->bytes;
        atomic_store_explicit(&memtable->entries, load->count, memory_order_relaxed);
        atomic_store_explicit(&memtable->bytes, load->bytes + lsm_tree_bytes(&memtable->tree),
                              memory_order_relaxed);
    }
    free(made);
    return rc;
}

int lsm_load_finish(struct lsm_load *load, struct lsm_fault *fault) {
    int rc = load->count > 0 ? load_all(load, fault) : 0;
    lsm_load_free(load);
    return rc;
}
