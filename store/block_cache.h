/* block_cache.h: blocks in memory, by table and offset, up to a number of bytes.
 *
 * Sixteen shards, each under a lock of its own that is held for a hash chain's length. Eviction is
 * SIEVE: blocks stand in order of arrival, a hit only marks, and a hand that walks from the oldest
 * to the newest takes the first it finds unmarked. A scan that passes through once leaves no trace
 * among what is used again.
 *
 * Memory of blocks that nobody keeps goes to the next ones rather than back to the heap, which
 * would soon give it to the kernel: a batch of cold keys needs 64 of them for a moment, and a first
 * touch of a page costs microseconds. Batches of 64 keys from the page cache by requests, with no
 * cache: 395 k keys a second instead of 85 k (a virtual machine whose first touches cost 11 us).
 *
 * Threads:    any.
 * Ownership:  a block is counted: the cache holds one reference while it keeps it, every user
 *             another; the last one frees it.
 * Limits:     what is pinned is never evicted; if room cannot be made, or the cache has no
 *             bytes, the block lives by its users alone. */
#ifndef LSM_BLOCK_CACHE_H
#define LSM_BLOCK_CACHE_H

#include <stdatomic.h>

#include "block_read.h"
#include "table.h"

struct lsm_block {
    struct lsm_pin pin; /* first: a pin is its block */
    _Atomic uint32_t refs;
    uint32_t length, room; /* bytes of data, and how many there is memory for */
    struct lsm_block_cache *cache;
    uint64_t table_id, offset;
    struct lsm_block_view view;

    /* Guarded by the shard's lock. */
    struct lsm_block *chain;         /* next of the same bucket */
    struct lsm_block *older, *newer; /* order of arrival */
    bool marked;                     /* hit since the hand passed */

    uint8_t data[];
};

/* A block of so many bytes to be filled by the caller, who holds its one reference. NULL: out of
 * memory. */
struct lsm_block *lsm_block_create(struct lsm_block_cache *cache, uint64_t table_id,
                                   uint64_t offset, uint32_t length);
static inline void lsm_block_ref(struct lsm_block *block) {
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
}
void lsm_block_unref(struct lsm_block *block);

/* The block with a reference for the caller, or NULL. */
struct lsm_block *lsm_block_cache_find(struct lsm_block_cache *cache, uint64_t table_id,
                                       uint64_t offset);
/* Offers a filled block. Returns it, or the one that another thread has put there before: then the
 * caller's reference to `block` is gone and it holds one to what is returned. */
struct lsm_block *lsm_block_cache_insert(struct lsm_block_cache *cache, struct lsm_block *block);
/* Forgets a block, if it is there. */
void lsm_block_cache_drop(struct lsm_block_cache *cache, uint64_t table_id, uint64_t offset);

#endif
