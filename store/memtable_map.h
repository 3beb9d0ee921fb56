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
 * taken in the end, one in thirty has a second one.
 *
 * Threads:    one inserter; any number of readers. A slot is set, with a release store, when the
 *             entry is whole, its mark before that; neither a mark nor what a chain leads to
 *             changes.
 * Memory:     the arena's: a byte for 16 of the memtable. */
#ifndef LSM_MEMTABLE_MAP_H
#define LSM_MEMTABLE_MAP_H

#include <stdatomic.h>

#include "hash_array.h"

enum {
    LSM_MAP_SLOTS = 10,
    LSM_MAP_ENTRY_BYTES = 1024, /* of memtable for a bucket */
};

struct lsm_map_bucket {
    _Atomic uint32_t item[LSM_MAP_SLOTS]; /* 0: free, like all that follow */
    _Atomic uint16_t mark[LSM_MAP_SLOTS]; /* of the hash */
    _Atomic uint32_t more;                /* a further bucket; 0 none */
};
_Static_assert(sizeof(struct lsm_map_bucket) == 64, "a cache line");

struct lsm_memtable_map {
    struct lsm_hash_array buckets;
};

/* For a memtable of so many bytes. */
LSM_CHECKED static inline int lsm_map_init(struct lsm_memtable_map *map, struct lsm_arena *arena,
                                           uint64_t memtable_bytes, struct lsm_fault *fault) {
    return lsm_hash_array_init(&map->buckets, arena, memtable_bytes / LSM_MAP_ENTRY_BYTES,
                               sizeof(struct lsm_map_bucket), fault);
}

static inline struct lsm_map_bucket *lsm_map_bucket(const struct lsm_memtable_map *map,
                                                    uint64_t hash) {
    return lsm_hash_array_at(&map->buckets, hash, sizeof(struct lsm_map_bucket));
}

/* Bytes that so many insertions may take of the arena, at most: each of the first ones may find
 * another bucket full, later ones fill those that were added. */
uint64_t lsm_map_reserve_bytes(const struct lsm_memtable_map *map, uint64_t count);
/* The slot for a hash: it holds the newest entry with it, or 0. The inserter leads from the new
 * entry to that one and then stores the new one's reference, releasing. REQUIRES: reserved. */
_Atomic uint32_t *lsm_map_claim(struct lsm_memtable_map *map, struct lsm_arena *arena,
                                uint64_t hash);
/* The newest entry with the hash; 0: there is none, and was none when the call began. */
uint32_t lsm_map_find(const struct lsm_memtable_map *map, const struct lsm_arena *arena,
                      uint64_t hash);

#endif
