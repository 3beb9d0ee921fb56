/* memtable_internal.h: the memtable's own fields, for memtable.c and memtable_iter.c. */
#ifndef LSM_MEMTABLE_INTERNAL_H
#define LSM_MEMTABLE_INTERNAL_H

#include "memtable.h"
#include "memtable_filter.h"
#include "memtable_map.h"
#include "memtable_order.h"

struct lsm_memtable {
    struct lsm_pin pin; /* first: releasing it gives a reference back */
    _Atomic uint32_t refs;
    _Atomic uint64_t entries, bytes; /* of the list; the inserter's stores */
    uint32_t first, last;            /* of the list of entries; the inserter's */
    uint64_t last_seq;               /* of the newest entry; the inserter's: the map relies on it */
    struct lsm_memtable_filter filter;
    struct lsm_memtable_map map;
    struct lsm_memtable_keep *keeps; /* what holds its entries; newest first; the inserter's */
    struct lsm_arena arena;          /* of the entries, of filter and map */
    struct lsm_memtable_order order;
};

/* Brings the order up to what was inserted before the call: 0 or LSM_ERR_MEMORY. */
LSM_CHECKED int lsm_memtable_order(struct lsm_memtable *memtable);

#endif
