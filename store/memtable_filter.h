/* memtable_filter.h: which keys a memtable may hold: one word a key, four bits in it.
 *
 * Most gets look for what is not in the memtables. This is a few hundred KiB, and nearer than the
 * map's megabytes; a reader can ask for its word beforehand. A full memtable of entries of 144
 * bytes answers "maybe" to two absent keys in a hundred; of smaller entries more often.
 *
 * Threads:    one inserter; any number of readers. A bit is set before the entry becomes visible,
 *             and a reader that sees the entry's sequence, by an acquire load, sees the bits.
 * Memory:     the arena's. */
#ifndef LSM_MEMTABLE_FILTER_H
#define LSM_MEMTABLE_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "hash_array.h"

enum { LSM_FILTER_ENTRY_BYTES = 128 }; /* of memtable for a byte of filter */

struct lsm_memtable_filter {
    struct lsm_hash_array words; /* _Atomic uint64_t */
};

/* For a memtable of so many bytes. */
LSM_CHECKED static inline int lsm_memtable_filter_init(struct lsm_memtable_filter *filter,
                                                       struct lsm_arena *arena,
                                                       uint64_t memtable_bytes,
                                                       struct lsm_fault *fault) {
    return lsm_hash_array_init(&filter->words, arena, memtable_bytes / LSM_FILTER_ENTRY_BYTES / 8,
                               sizeof(uint64_t), fault);
}

static inline _Atomic uint64_t *lsm_memtable_filter_word(const struct lsm_memtable_filter *filter,
                                                         uint64_t hash) {
    return lsm_hash_array_at(&filter->words, hash, sizeof(uint64_t));
}
static inline uint64_t lsm_memtable_filter_mask(uint64_t hash) {
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
           UINT64_C(1) << (hash >> 12 & 63) | UINT64_C(1) << (hash >> 18 & 63);
}
static inline void lsm_memtable_filter_add(struct lsm_memtable_filter *filter, uint64_t hash) {
    _Atomic uint64_t *word = lsm_memtable_filter_word(filter, hash);
    uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);
    atomic_store_explicit(word, bits | lsm_memtable_filter_mask(hash), memory_order_relaxed);
}
static inline bool lsm_memtable_filter_probe(const struct lsm_memtable_filter *filter,
                                             uint64_t hash) {
    uint64_t mask = lsm_memtable_filter_mask(hash);
    return (atomic_load_explicit(lsm_memtable_filter_word(filter, hash), memory_order_relaxed) &
            mask) == mask;
}

#endif
