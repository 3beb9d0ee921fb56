/* memtable_map.h: where in a memtable the entries of a key lie, by the key's hash.
 *
 * A bucket is one cache line: references to the newest entry of ten hashes, and of each hash 16
 * bits more than led to the bucket. Entries whose hashes agree in all of that are a chain, each
 * leading to the one inserted before it: nearly always the versions of one key. So a reader asks
 * memory for one line beforehand, and then follows a reference whose entry it will most likely
 * want; and an insertion writes to the line and looks at no other entry. A full bucket leads to a
 * further one.
 *
 * Measured over a memtable of 64 MiB, 370 k entries of 144 bytes: 5.7 of ten slots of a bucket are
 * taken in the end, one in thirty has a second one. Where a memtable takes far more entries than it
 * was made for, a batch or a log of small ones, a table of more buckets begins; entries before it
 * stay where they are.
 *
 * Threads:    one inserter; any number of readers. A slot is set, with a release store, when the
 *             entry is whole, its mark before that; neither a mark nor what a chain leads to
 *             changes.
 * Memory:     the arena's: a byte for 16 of the memtable, further buckets and tables apart. */
#ifndef LSM_MEMTABLE_MAP_H
#define LSM_MEMTABLE_MAP_H

#include <stdatomic.h>

#include "hash_array.h"

enum {
    LSM_MAP_SLOTS = 10,
    LSM_MAP_BYTES = 1024, /* of memtable for a bucket */
    LSM_MAP_CROWD = 40,   /* entries a bucket, of a table that is full */
    LSM_MAP_GROWTH = 8,   /* times as many buckets has the next table, or: */
    LSM_MAP_COMFORT = 5,  /* entries a bucket, of those that are known to come */
};

struct lsm_map_bucket {
    _Atomic uint32_t item[LSM_MAP_SLOTS]; /* 0: free, like all that follow */
    _Atomic uint16_t mark[LSM_MAP_SLOTS]; /* of the hash */
    _Atomic uint32_t more;                /* a further bucket; 0 none */
};
_Static_assert(sizeof(struct lsm_map_bucket) == 64, "a cache line");

struct lsm_map_table {
    struct lsm_hash_array buckets;
    uint64_t until;                     /* entries of the memtable before the next one begins */
    const struct lsm_map_table *before; /* holds older entries only; NULL: none */
};

struct lsm_memtable_map {
    struct lsm_map_table *_Atomic newest;
};

/* For a memtable of so many bytes. */
LSM_CHECKED int lsm_map_init(struct lsm_memtable_map *map, struct lsm_arena *arena,
                             uint64_t memtable_bytes, struct lsm_fault *fault);
/* Prepares for `count` entries more, with `entries` there. */
LSM_CHECKED int lsm_map_reserve(struct lsm_memtable_map *map, struct lsm_arena *arena,
                                uint64_t entries, uint64_t count, struct lsm_fault *fault);
/* Bytes that so many insertions may then take of the arena, at most: each of the first ones may
 * find another bucket full, later ones fill those that were added. */
uint64_t lsm_map_reserve_bytes(const struct lsm_memtable_map *map, uint64_t count);

/* Acquire pairs with the inserter's store: the table is whole. */
static inline struct lsm_map_table *lsm_map_newest(const struct lsm_memtable_map *map) {
    return atomic_load_explicit(&map->newest, memory_order_acquire);
}
static inline struct lsm_map_bucket *lsm_map_bucket(const struct lsm_map_table *table,
                                                    uint64_t hash) {
    return lsm_hash_array_at(&table->buckets, hash, sizeof(struct lsm_map_bucket));
}

/* The slot for a hash: it holds the newest entry of the table with it, or 0. The inserter leads
 * from the new entry to that one and then stores the new one's reference, releasing. REQUIRES:
 * reserved. */
_Atomic uint32_t *lsm_map_claim(struct lsm_memtable_map *map, struct lsm_arena *arena,
                                uint64_t hash);
/* The newest entry of the table with the hash; 0: there is none, and was none when the call began.
 */
uint32_t lsm_map_find(const struct lsm_map_table *table, const struct lsm_arena *arena,
                      uint64_t hash);

#endif
