/* memtable_rows.h: entries of a memtable's list, sorted: what the tree of its order is built from,
 * and what a flush writes.
 *
 * Threads:    one.
 * Ownership:  rows refer to entries, which the memtable keeps.
 * Memory:     16 bytes an entry, twice that while they are sorted, straight from the kernel in
 *             huge pages where it is some: the first touch of small ones takes as long as the
 *             sorting. */
#ifndef LSM_MEMTABLE_ROWS_H
#define LSM_MEMTABLE_ROWS_H

#include "memtable_tree.h"

/* 8 bytes of a key (lsm_key_window) after `skip`, which is the same for all that have been compared
 * by them. */
struct lsm_row {
    uint64_t window;
    uint32_t item;
    uint16_t skip;
    bool first; /* comes after the one before it for certain: sorting */
};

struct lsm_rows {
    struct lsm_row *rows;
    size_t count;
    uint16_t shared; /* bytes that all keys begin with: windows are taken after so many or more */
    uint32_t last;   /* the item that was collected last */
};

/* The item behind `ref` in the list that begins at `first`; behind 0 the first one. Acquire pairs
 * with the inserter's store: the item is whole. */
static inline uint32_t lsm_item_after(const struct lsm_tree *tree, uint32_t ref, uint32_t first) {
    const struct lsm_tree_item *item = ref != 0 ? lsm_arena_at(tree->items, ref) : NULL;
    return item == NULL ? first : atomic_load_explicit(&item->next, memory_order_acquire);
}
/* Collects `count` entries behind `ref` in the list that begins at `first`, and sorts them: key
 * ascending, sequence descending. Of `tree` the entries' arena is used. 0 or LSM_ERR_MEMORY.
 * REQUIRES: they are there; count > 0. */
LSM_CHECKED int lsm_rows_make(struct lsm_rows *rows, struct lsm_tree *tree, uint32_t ref,
                              uint32_t first, uint64_t count);
void lsm_rows_free(struct lsm_rows *rows);

/* memtable_rows_sort.c: puts rows in order; `spare` has room for as many. REQUIRES: their windows
 * were taken at one skip, which all keys share; entries of equal keys come with ascending
 * sequences. */
void lsm_rows_sort(struct lsm_tree *tree, struct lsm_row *rows, struct lsm_row *spare,
                   size_t count);

#endif
