#include "hash_array.h"

#include <string.h>

#include "check.h"

int lsm_hash_array_init(struct lsm_hash_array *array, struct lsm_arena *arena, uint64_t words,
                        uint32_t word_bytes, struct lsm_fault *fault) {
    const uint64_t whole = UINT64_C(1) << LSM_HASH_PIECE_BITS;
    LSM_ASSERT(word_bytes == 8 || word_bytes == 64);
    uint32_t bits = LSM_HASH_WORDS_MIN_BITS;
    while (UINT64_C(1) << bits < words &&
           ((uint64_t)word_bytes << bits) < whole * LSM_HASH_PIECES_MAX) {
        bits++;
    }
    uint64_t bytes = (uint64_t)word_bytes << bits;
    uint64_t part = bytes < whole ? bytes : whole;
    int rc = lsm_arena_reserve(arena, bytes, 0, fault);
    if (rc != 0) {
        return rc;
    }
    array->bits = bits;
    for (uint64_t i = 0; i < bytes / part; i++) {
        array->piece[i] = lsm_arena_at(arena, lsm_arena_alloc(arena, part));
        LSM_ASSERT((uintptr_t)array->piece[i] % word_bytes == 0);
        memset(array->piece[i], 0, part);
    }
    return 0;
}
