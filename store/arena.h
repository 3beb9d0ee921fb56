/* arena.h: memory that is only handed out, and given back all at once; addressed by 32-bit
 * references.
 *
 * An arena takes blocks, pages of a pool, and bumps through them. What is larger than a
 * quarter of a block lies in a region of its own. A reference names a block and an offset in units
 * of 8 bytes, half the size of a pointer: a tree node holds 15 of them.
 *
 * Threads:    an arena has one thread that reserves and allocates; others may resolve references,
 *             which reached them through a release store, beside it.
 * Ownership:  an arena's memory lives until lsm_arena_free; its blocks then go back to the pool.
 * Errors:     reserve can fail, allocating what was reserved cannot. */
#ifndef LSM_ARENA_H
#define LSM_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page_pool.h"
#include "status.h"

enum {
    LSM_ARENA_UNIT = 8,        /* alignment of everything */
    LSM_ARENA_FIRST_BYTE = 64, /* a cache line is not used: reference 0 means none */
    LSM_ARENA_BLOCK_BYTES = LSM_HUGE_PAGE,
    LSM_ARENA_LARGE_BYTES = LSM_ARENA_BLOCK_BYTES / 4, /* above: a region of its own */
    LSM_ARENA_OFFSET_BITS = 18,                        /* units in a block */
    LSM_ARENA_CHUNK_BITS = 8,                          /* blocks in a chunk of the block table */
    LSM_ARENA_CHUNKS = 1 << (32 - LSM_ARENA_OFFSET_BITS - LSM_ARENA_CHUNK_BITS),
};
_Static_assert((LSM_ARENA_UNIT << LSM_ARENA_OFFSET_BITS) == LSM_ARENA_BLOCK_BYTES, "offset bits");

struct lsm_arena_chunk {
    uint8_t *block[1 << LSM_ARENA_CHUNK_BITS];
};

struct lsm_arena {
    struct lsm_page_pool *pool; /* borrowed */
    uint8_t *next;              /* in the newest block */
    uint64_t left;              /* bytes in it */
    uint32_t blocks;            /* entries of the block table in use */
    uint32_t next_ref;          /* reference of `next` */
    struct lsm_page *spare, *used;
    uint64_t spares;
    struct lsm_arena_region *regions; /* newest first */
    uint64_t region_left;
    struct lsm_arena_chunk *chunk[LSM_ARENA_CHUNKS]; /* the block table, in two steps */
    uint32_t chunks;
};

void lsm_arena_init(struct lsm_arena *arena, struct lsm_page_pool *pool);
void lsm_arena_free(struct lsm_arena *arena);
/* Makes sure that allocations of together `bytes`, each at most LSM_ARENA_LARGE_BYTES, and larger
 * ones of together `large_bytes`, cannot fail. Sizes count rounded up to LSM_ARENA_UNIT. */
LSM_CHECKED int lsm_arena_reserve(struct lsm_arena *arena, uint64_t bytes, uint64_t large_bytes,
                                  struct lsm_fault *fault);
/* Returns the reference, never 0, of `size` bytes: zero if they are more than
 * LSM_ARENA_LARGE_BYTES, else with unknown content. REQUIRES: reserved. */
uint32_t lsm_arena_alloc(struct lsm_arena *arena, uint64_t size);
/* What is allocated next, and is not large, is aligned to so many bytes, a power of two up to a
 * cache line. What was reserved before is not any more. */
void lsm_arena_align(struct lsm_arena *arena, uint32_t bytes);

static inline uint64_t lsm_arena_round(uint64_t size) {
    return (size + LSM_ARENA_UNIT - 1) & ~(uint64_t)(LSM_ARENA_UNIT - 1);
}
static inline void *lsm_arena_at(const struct lsm_arena *arena, uint32_t ref) {
    uint32_t block = ref >> LSM_ARENA_OFFSET_BITS;
    uint8_t *base = arena->chunk[block >> LSM_ARENA_CHUNK_BITS]
                        ->block[block & ((1u << LSM_ARENA_CHUNK_BITS) - 1)];
    return base + (uint64_t)(ref & ((1u << LSM_ARENA_OFFSET_BITS) - 1)) * LSM_ARENA_UNIT;
}

#endif
