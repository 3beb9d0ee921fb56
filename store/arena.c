#include "arena.h"

#include <inttypes.h>
#include <stdlib.h>

#include "check.h"

struct lsm_arena_region {
    struct lsm_arena_region *next;
    uint8_t *bytes;
    uint64_t size;
};

void lsm_arena_init(struct lsm_arena *arena, struct lsm_page_pool *pool) {
    LSM_ASSERT(pool != NULL);
    *arena = (struct lsm_arena){.pool = pool};
}

void lsm_arena_free(struct lsm_arena *arena) {
    lsm_page_give_all(arena->pool, arena->used);
    lsm_page_give_all(arena->pool, arena->spare);
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
        struct lsm_page *block = lsm_page_take(arena->pool);
        if (block == NULL) {
            return false;
        }
        block->next = arena->spare;
        arena->spare = block;
        arena->spares++;
    }
    return true;
}

/* Huge pages where it is some: see page_pool.h. */
static bool reserve_region(struct lsm_arena *arena, uint64_t bytes) {
    if (arena->region_left >= bytes) {
        return true;
    }
    bool huge = bytes >= LSM_HUGE_PAGE;
    if (huge) {
        bytes = (bytes + LSM_HUGE_PAGE - 1) / LSM_HUGE_PAGE * LSM_HUGE_PAGE;
    }
    struct lsm_arena_region *region = malloc(sizeof *region);
    uint8_t *mapped = region == NULL ? NULL
                      : huge         ? lsm_pages_map_huge(bytes, true)
                                     : lsm_pages_map(bytes);
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
    struct lsm_page *block = arena->spare;
    LSM_ASSERT(block != NULL);
    arena->spare = block->next;
    arena->spares--;
    block->next = arena->used;
    arena->used = block;
    arena->next = block->bytes;
    arena->left = LSM_ARENA_BLOCK_BYTES;
    arena->next_ref = add_block(arena, block->bytes);
    if (arena->next_ref == 0) { /* reference 0 means none */
        arena->next += LSM_ARENA_FIRST_BYTE;
        arena->left -= LSM_ARENA_FIRST_BYTE;
        arena->next_ref = LSM_ARENA_FIRST_BYTE / LSM_ARENA_UNIT;
    }
}

static uint32_t alloc_large(struct lsm_arena *arena, uint64_t size) {
    LSM_ASSERT(arena->regions != NULL && arena->region_left >= size);
    uint8_t *bytes = arena->regions->bytes + (arena->regions->size - arena->region_left);
    arena->region_left -= size;
    if (arena->blocks == 0) { /* reference 0 means none: a block of that number is left out */
        (void)add_block(arena, NULL);
    }
    return add_block(arena, bytes);
}

void lsm_arena_align(struct lsm_arena *arena, uint32_t bytes) {
    LSM_ASSERT(bytes % LSM_ARENA_UNIT == 0 && bytes <= LSM_ARENA_FIRST_BYTE);
    uint64_t skip = (bytes - (uintptr_t)arena->next % bytes) % bytes;
    skip = skip < arena->left ? skip : arena->left; /* the next block is aligned */
    arena->next += skip;
    arena->left -= skip;
    arena->next_ref += (uint32_t)(skip / LSM_ARENA_UNIT);
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
