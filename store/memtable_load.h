/* memtable_load.h: filling an empty memtable at once, as recovery does: entries are collected in
 * the order of the log, sorted, and the tree is built from the sorted ones.
 *
 * Nobody reads the memtable before it is whole, so nothing has to be in its place at each moment:
 * an insertion in random order waits for memory on its way to the leaf, changes it, and half of
 * the nodes it makes are replaced later; sorting reads and writes in long strides, and the leaves
 * are full and lie in order. Measured (374 k entries of 16 B and 128 B, CPU sampled on a busy
 * machine, first touches of memory included; ns an entry): inserted one by one 560; collected 45,
 * sorted 33, built 23.
 *
 * Threads:    one, until the memtable is finished.
 * Memory:     16 bytes an entry, twice that while it sorts; given back by finish or free. */
#ifndef LSM_MEMTABLE_LOAD_H
#define LSM_MEMTABLE_LOAD_H

#include <stddef.h>

#include "memtable.h"
#include "memtable_tree.h"

/* An entry collected: 8 bytes of its key (lsm_key_window) after `skip`, which is the same for all
 * that have been compared by them. */
struct lsm_load_key {
    uint64_t window;
    uint32_t item;
    uint16_t skip;
    bool first; /* comes after the one before it for certain: sorting */
};

enum { LSM_LOAD_PENDING = 16 };

struct lsm_load {
    struct lsm_memtable *memtable; /* borrowed */
    struct lsm_load_key *keys;
    size_t count, room;
    const uint8_t *key;       /* of the first entry */
    uint16_t shared;          /* bytes that all keys begin with */
    size_t stale;             /* entries before this one have windows at a larger skip */
    uint64_t bytes;           /* of items, keys and values */
    struct lsm_load_pending { /* the last ones: not yet in filter and hints, but asked for there */
        uint64_t hash;
        uint32_t item;
    } pending[LSM_LOAD_PENDING];
};

/* REQUIRES: nothing was inserted, or will be before the load is finished. */
void lsm_load_begin(struct lsm_load *load, struct lsm_memtable *memtable);
/* Makes sure that the next `count` entries can be added. */
LSM_CHECKED int lsm_load_reserve(struct lsm_load *load, uint64_t count, struct lsm_fault *fault);
/* Adds the operation at `op`, of `size` bytes, decoded as `entry`, which lies in what the memtable
 * keeps. REQUIRES: reserved; the sequence is above those added before. */
void lsm_load_refer(struct lsm_load *load, uint64_t seq, const uint8_t *op, uint64_t size,
                    const struct lsm_entry *entry);
/* What lsm_memtable_bytes will be, about. */
uint64_t lsm_load_bytes(const struct lsm_load *load);
/* The memtable holds what was added. Ends the load, whatever it returns; on failure the memtable is
 * only good to be let go of. */
LSM_CHECKED int lsm_load_finish(struct lsm_load *load, struct lsm_fault *fault);
/* Ends a load that is not to be finished; a load that has ended is ignored. */
void lsm_load_free(struct lsm_load *load);

/* memtable_sort.c: puts the keys in order, key ascending, sequence descending; `spare` has room for
 * as many. REQUIRES: their
 * windows were taken at one skip, which all keys share;
 * entries of equal keys come with ascending sequences. */
void lsm_load_sort(struct lsm_tree *tree, struct lsm_load_key *keys, struct lsm_load_key *spare,
                   size_t count);

#endif
