/* memtable_internal.h: the memtable's own fields, for memtable.c and memtable_iter.c. */
#ifndef LSM_MEMTABLE_INTERNAL_H
#define LSM_MEMTABLE_INTERNAL_H

#include "check.h"
#include "memtable.h"
#include "memtable_filter.h"
#include "memtable_hints.h"
#include "memtable_tree.h"

struct lsm_memtable {
    struct lsm_pin pin; /* first: releasing it gives a reference back */
    _Atomic uint32_t refs;
    _Atomic uint64_t bytes, entries; /* the inserter's stores */
    uint64_t item_bytes;             /* the inserter's */
    uint64_t last_seq;               /* of the newest entry; the inserter's: hints rely on it */
    struct lsm_memtable_filter filter;
    struct lsm_memtable_hints hints;
    struct lsm_memtable_keep *keeps; /* what holds its entries; newest first; the inserter's */
    struct lsm_tree tree;
    struct lsm_arena arena;
};

/* Enters the item at `ref` into filter and hints, before it enters the tree. */
static inline void lsm_memtable_note(struct lsm_memtable *memtable, uint32_t ref, uint64_t hash) {
    const struct lsm_tree_item *item = lsm_arena_at(&memtable->arena, ref);
    LSM_ASSERT(item->seq > 0 && item->seq <= LSM_SEQ_MAX && item->seq >= memtable->last_seq);
    memtable->last_seq = item->seq;
    lsm_memtable_filter_add(&memtable->filter, hash);
    /* Release: the item is whole. Pairs with find_hinted in memtable.c. */
    atomic_store_explicit(lsm_memtable_hint(&memtable->hints, hash), ref, memory_order_release);
}

#endif
