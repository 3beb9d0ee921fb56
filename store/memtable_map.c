#include "memtable_map.h"

#include <string.h>

#include "check.h"

static uint16_t mark_of(uint64_t hash) {
    return (uint16_t)hash; /* the upper bits chose the bucket */
}

/* ---- tables ---- */

static uint64_t buckets_of(const struct lsm_map_table *table) {
    return UINT64_C(1) << table->buckets.bits;
}

/* A table of so many buckets, at least, in front of those there are. */
static int add_table(struct lsm_memtable_map *map, struct lsm_arena *arena, uint64_t buckets,
                     struct lsm_fault *fault) {
    struct lsm_map_table made = {.before =
                                     atomic_load_explicit(&map->newest, memory_order_relaxed)};
    int rc =
        lsm_hash_array_init(&made.buckets, arena, buckets, sizeof(struct lsm_map_bucket), fault);
    if (rc == 0) {
        rc = lsm_arena_reserve(arena, sizeof made, 0, fault);
    }
    if (rc != 0) {
        return rc;
    }
    struct lsm_map_table *table = lsm_arena_at(arena, lsm_arena_alloc(arena, sizeof made));
    made.until = buckets_of(&made) * LSM_MAP_CROWD + (made.before != NULL ? made.before->until : 0);
    *table = made;
    atomic_store_explicit(&map->newest, table, memory_order_release);
    return 0;
}

int lsm_map_init(struct lsm_memtable_map *map, struct lsm_arena *arena, uint64_t memtable_bytes,
                 struct lsm_fault *fault) {
    atomic_init(&map->newest, NULL);
    return add_table(map, arena, memtable_bytes / LSM_MAP_BYTES, fault);
}

int lsm_map_reserve(struct lsm_memtable_map *map, struct lsm_arena *arena, uint64_t entries,
                    uint64_t count, struct lsm_fault *fault) {
    const struct lsm_map_table *table = atomic_load_explicit(&map->newest, memory_order_relaxed);
    if (entries + count <= table->until) {
        return 0;
    }
    uint64_t buckets = buckets_of(table) * LSM_MAP_GROWTH;
    return add_table(map, arena,
                     buckets < count / LSM_MAP_COMFORT ? count / LSM_MAP_COMFORT : buckets, fault);
}

uint64_t lsm_map_reserve_bytes(const struct lsm_memtable_map *map, uint64_t count) {
    uint64_t buckets = buckets_of(atomic_load_explicit(&map->newest, memory_order_relaxed));
    uint64_t added = count < buckets ? count : buckets + count / LSM_MAP_SLOTS;
    return added * sizeof(struct lsm_map_bucket);
}

/* ---- buckets ---- */

/* The slot with the mark, or the first free one; NULL: the bucket is full of others. */
static _Atomic uint32_t *slot_in(struct lsm_map_bucket *bucket, uint16_t mark) {
    for (unsigned i = 0; i < LSM_MAP_SLOTS; i++) {
        if (atomic_load_explicit(&bucket->item[i], memory_order_relaxed) == 0) {
            atomic_store_explicit(&bucket->mark[i], mark, memory_order_relaxed);
            return &bucket->item[i];
        }
        if (atomic_load_explicit(&bucket->mark[i], memory_order_relaxed) == mark) {
            return &bucket->item[i];
        }
    }
    return NULL;
}

static struct lsm_map_bucket *add_bucket(struct lsm_map_bucket *full, struct lsm_arena *arena) {
    uint32_t ref = lsm_arena_alloc(arena, sizeof *full);
    struct lsm_map_bucket *bucket = lsm_arena_at(arena, ref);
    memset(bucket, 0, sizeof *bucket);
    /* Release: it is empty for whoever comes. */
    atomic_store_explicit(&full->more, ref, memory_order_release);
    return bucket;
}

_Atomic uint32_t *lsm_map_claim(struct lsm_memtable_map *map, struct lsm_arena *arena,
                                uint64_t hash) {
    const struct lsm_map_table *table = atomic_load_explicit(&map->newest, memory_order_relaxed);
    struct lsm_map_bucket *bucket = lsm_map_bucket(table, hash);
    for (;;) {
        _Atomic uint32_t *slot = slot_in(bucket, mark_of(hash));
        if (slot != NULL) {
            return slot;
        }
        uint32_t more = atomic_load_explicit(&bucket->more, memory_order_relaxed);
        bucket = more != 0 ? lsm_arena_at(arena, more) : add_bucket(bucket, arena);
    }
}

uint32_t lsm_map_find(const struct lsm_map_table *table, const struct lsm_arena *arena,
                      uint64_t hash) {
    const struct lsm_map_bucket *bucket = lsm_map_bucket(table, hash);
    for (;;) {
        for (unsigned i = 0; i < LSM_MAP_SLOTS; i++) {
            /* Acquire pairs with the inserter's store: the mark and the entry are there. */
            uint32_t item = atomic_load_explicit(&bucket->item[i], memory_order_acquire);
            if (item == 0) {
                return 0;
            }
            if (atomic_load_explicit(&bucket->mark[i], memory_order_relaxed) == mark_of(hash)) {
                return item;
            }
        }
        uint32_t more = atomic_load_explicit(&bucket->more, memory_order_acquire);
        if (more == 0) {
            return 0;
        }
        bucket = lsm_arena_at(arena, more);
    }
}
