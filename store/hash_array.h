/* hash_array.h: an array of words, zero at first, that are found by the upper bits of a hash.
 *
 * A power of two of words of 8 or 64 bytes, each aligned to its size, in pieces, because an arena
 * gives nothing larger than a part of a page without a mapping of its own. A large array gets such
 * a mapping: its pages are made zero by the kernel as they are touched, rather than all at once.
 * The words are the user's: what is stored in them beside readers is stored atomically.
 *
 * Memory:     the arena's. */
#ifndef LSM_HASH_ARRAY_H
#define LSM_HASH_ARRAY_H

#include "arena.h"

enum {
    LSM_HASH_PIECE_BITS = 18,   /* of the number of bytes in a piece, an allocation of the arena */
    LSM_HASH_PIECES_MAX = 1024, /* 256 MiB */
    LSM_HASH_WORDS_MIN_BITS = 9,
    LSM_HASH_LARGE_BYTES = 8 << 20,
};
_Static_assert((1 << LSM_HASH_PIECE_BITS) <= LSM_ARENA_LARGE_BYTES, "a piece is no region");

struct lsm_hash_array {
    uint32_t bits; /* of the number of words */
    uint8_t *piece[LSM_HASH_PIECES_MAX];
};

/* At least `words` of `word_bytes`, or as many as there may be. */
LSM_CHECKED int lsm_hash_array_init(struct lsm_hash_array *array, struct lsm_arena *arena,
                                    uint64_t words, uint32_t word_bytes, struct lsm_fault *fault);

/* The word for a hash. REQUIRES: the same `word_bytes`. */
static inline void *lsm_hash_array_at(const struct lsm_hash_array *array, uint64_t hash,
                                      uint32_t word_bytes) {
    uint64_t at = (hash >> (64 - array->bits)) * word_bytes;
    return array->piece[at >> LSM_HASH_PIECE_BITS] +
           (at & ((UINT64_C(1) << LSM_HASH_PIECE_BITS) - 1));
}

#endif
