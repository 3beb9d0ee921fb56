#include "arena.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "memtable.h"
#include "pages.h"

/* A block of the pool; the link lies beside it rather than in it, so that a block that is only
 * reserved is never touched. */
struct lsm_arena_block {
    struct lsm_arena_block *next;
    uint8_t *bytes;
};

struct lsm_arena_region {
    struct lsm_arena_region *next;
    uint8_t *bytes;
    uint64_t size;
};

struct lsm_arena_pool {
    pthread_mutex_t mutex;
    struct lsm_arena_block *free_blocks; /* mutex */
    uint64_t kept, keep;                 /* blocks; mutex */
    uint64_t lent;                       /* blocks out; mutex */
};

/* ---- the pool ---- */

/* Each step down a memtable's tree is a page that no TLB knows, unless pages are huge: blocks are
 * aligned for that. Where memtables hold less than some blocks, a huge page would cost more memory
 * than they do, and pages stay small. */
static uint8_t *map_block(const struct lsm_arena_pool *pool) {
    enum { HUGE_FROM_BLOCKS = 4 };
    return lsm_pages_map_huge(LSM_ARENA_BLOCK_BYTES, pool->keep >= HUGE_FROM_BLOCKS);
}

struct lsm_arena_pool *lsm_arena_pool_create(uint64_t keep_bytes) {
    struct lsm_arena_pool *pool = calloc(1, sizeof *pool);
    if (pool != NULL) {
        pthread_mutex_init(&pool->mutex, NULL);
        pool->keep = keep_bytes / LSM_ARENA_BLOCK_BYTES;
    }
    return pool;
}

static void destroy_block(struct lsm_arena_block *block) {
    lsm_pages_unmap(block->bytes, LSM_ARENA_BLOCK_BYTES);
    free(block);
}

void lsm_arena_pool_destroy(struct lsm_arena_pool *pool) {
    if (pool == NULL) {
        return;
    }
    LSM_ASSERT(pool->lent == 0);
    while (pool->free_blocks != NULL) {
        struct lsm_arena_block *block = pool->free_blocks;
        pool->free_blocks = block->next;
        destroy_block(block);
    }
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

/* NULL: out of memory. */
static struct lsm_arena_block *pool_take(struct lsm_arena_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    struct lsm_arena_block *block = pool->free_blocks;
    if (block != NULL) {
        pool->free_blocks = block->next;
        pool->kept--;
    }
    pool->lent++;
    pthread_mutex_unlock(&pool->mutex);
    if (block != NULL) {
        return block;
    }
    block = malloc(sizeof *block);
    uint8_t *bytes = block != NULL ? map_block(pool) : NULL;
    if (bytes == NULL) {
        free(block);
        pthread_mutex_lock(&pool->mutex);
        pool->lent--;
        pthread_mutex_unlock(&pool->mutex);
        return NULL;
    }
    block->bytes = bytes;
    return block;
}

static void pool_give(struct lsm_arena_pool *pool, struct lsm_arena_block *block) {
    pthread_mutex_lock(&pool->mutex);
    LSM_ASSERT(pool->lent > 0);
    pool->lent--;
    bool keep = pool->kept < pool->keep;
    if (keep) {
        block->next = pool->free_blocks;
        pool->free_blocks = block;
        pool->kept++;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!keep) {
        destroy_block(block);
    }
}

/* ---- an arena ---- */

void lsm_arena_init(struct lsm_arena *arena, struct lsm_arena_pool *pool) {
    LSM_ASSERT(pool != NULL);
    *arena = (struct lsm_arena){.pool = pool};
}

static void give_all(struct lsm_arena_pool *pool, struct lsm_arena_block *block) {
    while (block != NULL) {
        struct lsm_arena_block *next = block->next;
        pool_give(pool, block);
        block = next;
    }
}

void lsm_arena_free(struct lsm_arena *arena) {
    give_all(arena->pool, arena->used);
    give_all(arena->pool, arena->spare);
    while (arena->regions != NULL) {
        struct lsm_arena_region *region = arena->regions;
        arena->regions = region->next;
        lsm_pages_unmap(region->bytes, region->size);
        free(region);
    }
    for (uint32_t i = 0; i < arena->chunks; i++) {
        free(arena->chunk[i]);
    }
    *arena = (struct lsm_arena){.pool = arena->pool};
}

/* Makes room in the block table for `more` entries. */
static bool reserve_table(struct lsm_arena *arena, uint64_t more) {
    uint64_t entries = arena->blocks + more;
    if (entries > (uint64_t)LSM_ARENA_CHUNKS << LSM_ARENA_CHUNK_BITS) {
        return false;
    }
    while ((uint64_t)arena->chunks << LSM_ARENA_CHUNK_BITS < entries) {
        struct lsm_arena_chunk *chunk = malloc(sizeof *chunk);
        if (chunk == NULL) {
            return false;
        }
        arena->chunk[arena->chunks++] = chunk;
    }
    return true;
}

static bool reserve_spares(struct lsm_arena *arena, uint64_t count) {
    while (arena->spares < count) {
        struct lsm_arena_block *block = pool_take(arena->pool);
        if (block == NULL) {
            return false;
        }
        block->next = arena->spare;
        arena->spare = block;
        arena->spares++;
    }
    return true;
}

static bool reserve_region(struct lsm_arena *arena, uint64_t bytes) {
    if (arena->region_left >= bytes) {
        return true;
    }
    struct lsm_arena_region *region = malloc(sizeof *region);
    uint8_t *mapped = region != NULL ? lsm_pages_map(bytes) : NULL;
    if (mapped == NULL) {
        free(region);
        return false;
    }
    *region = (struct lsm_arena_region){arena->regions, mapped, bytes};
    arena->regions = region;
    arena->region_left = bytes;
    return true;
}

int lsm_arena_reserve(struct lsm_arena *arena, uint64_t bytes, uint64_t large_bytes,
                      struct lsm_fault *fault) {
    if (bytes <= arena->left && large_bytes == 0) {
        return 0;
    }
    /* A block ends when the next allocation does not fit: at most a quarter of it is lost. */
    const uint64_t usable = LSM_ARENA_BLOCK_BYTES - LSM_ARENA_LARGE_BYTES;
    uint64_t blocks = bytes <= arena->left ? 0 : bytes / usable + 1;
    uint64_t larges = large_bytes / LSM_ARENA_LARGE_BYTES;
    if (!reserve_table(arena, blocks + larges + 1) || !reserve_spares(arena, blocks) ||
        !reserve_region(arena, large_bytes)) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "no memory for %" PRIu64 " bytes in a memtable",
                        bytes + large_bytes);
    }
    return 0;
}

static uint32_t add_block(struct lsm_arena *arena, uint8_t *bytes) {
    uint32_t block = arena->blocks++;
    LSM_ASSERT(block >> LSM_ARENA_CHUNK_BITS < arena->chunks);
    arena->chunk[block >> LSM_ARENA_CHUNK_BITS]->block[block & ((1u << LSM_ARENA_CHUNK_BITS) - 1)] =
        bytes;
    return block << LSM_ARENA_OFFSET_BITS;
}

static void begin_block(struct lsm_arena *arena) {
    struct lsm_arena_block *block = arena->spare;
    LSM_ASSERT(block != NULL);
    arena->spare = block->next;
    arena->spares--;
    block->next = arena->used;
    arena->used = block;
    arena->next = block->bytes;
    arena->left = LSM_ARENA_BLOCK_BYTES;
    arena->next_ref = add_block(arena, block->bytes);
    if (arena->next_ref == 0) { /* reference 0 means none */
        arena->next += LSM_ARENA_UNIT;
        arena->left -= LSM_ARENA_UNIT;
        arena->next_ref = 1;
    }
}

static uint32_t alloc_large(struct lsm_arena *arena, uint64_t size) {
    LSM_ASSERT(arena->regions != NULL && arena->region_left >= size);
    uint8_t *bytes = arena->regions->bytes + (arena->regions->size - arena->region_left);
    arena->region_left -= size;
    uint32_t ref = add_block(arena, bytes);
    LSM_ASSERT(ref != 0); /* the first block is a memtable's root */
    return ref;
}

uint32_t lsm_arena_alloc(struct lsm_arena *arena, uint64_t size) {
    size = lsm_arena_round(size);
    LSM_ASSERT(size > 0);
    if (size > LSM_ARENA_LARGE_BYTES) {
        return alloc_large(arena, size);
    }
    if (size > arena->left) {
        begin_block(arena);
    }
    uint32_t ref = arena->next_ref;
    arena->next += size;
    arena->left -= size;
    arena->next_ref += (uint32_t)(size / LSM_ARENA_UNIT);
    return ref;
}
