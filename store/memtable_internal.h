/* memtable_internal.h: the memtable's own fields, for memtable.c and memtable_iter.c. */
#ifndef LSM_MEMTABLE_INTERNAL_H
#define LSM_MEMTABLE_INTERNAL_H

#include "memtable.h"
#include "memtable_filter.h"
#include "memtable_tree.h"

struct lsm_memtable {
    struct lsm_pin pin; /* first: releasing it gives a reference back */
    _Atomic uint32_t refs;
    _Atomic uint64_t bytes, entries; /* the inserter's stores */
    uint64_t item_bytes;             /* the inserter's */
    struct lsm_memtable_filter filter;
    struct lsm_tree tree;
    struct lsm_arena arena;
};

static inline void lsm_item_entry(const struct lsm_tree_item *item, struct lsm_entry *entry) {
    const uint8_t *key = lsm_item_key(item);
    *entry = (struct lsm_entry){.key = key,
                                .key_size = item->key_size,
                                .type = (enum lsm_type)(item->seq_type & 0xff),
                                .seq = item->seq_type >> 8,
                                .value = key + item->key_size,
                                .value_size = item->value_size};
}

#endif
