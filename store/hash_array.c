#include "hash_array.h"

#include <string.h>

#include "check.h"

static const uint64_t whole = UINT64_C(1) << LSM_HASH_PIECE_BITS;

static int take_pieces(struct lsm_hash_array *array, struct lsm_arena *arena, uint64_t bytes,
                       uint32_t word_bytes, struct lsm_fault *fault) {
    uint64_t part = bytes < whole ? bytes : whole;
    lsm_arena_align(arena, word_bytes);
    int rc = lsm_arena_reserve(arena, bytes, 0, fault);
    for (uint64_t i = 0; rc == 0 && i < bytes / part; i++) {
        array->piece[i] = lsm_arena_at(arena, lsm_arena_alloc(arena, part));
        LSM_ASSERT((uintptr_t)array->piece[i] % word_bytes == 0);
        memset(array->piece[i], 0, part);
    }
    return rc;
}

static int take_large(struct lsm_hash_array *array, struct lsm_arena *arena, uint64_t bytes,
                      struct lsm_fault *fault) {
    enum { ALIGN = 64 };
    int rc = lsm_arena_reserve(arena, 0, bytes + ALIGN, fault);
    if (rc == 0) {
        uint8_t *first = lsm_arena_at(arena, lsm_arena_alloc(arena, bytes + ALIGN));
        first += (ALIGN - (uintptr_t)first % ALIGN) % ALIGN;
        for (uint64_t i = 0; i < bytes / whole; i++) {
            array->piece[i] = first + i * whole;
        }
    }
    return rc;
}

int lsm_hash_array_init(struct lsm_hash_array *array, struct lsm_arena *arena, uint64_t words,
                        uint32_t word_bytes, struct lsm_fault *fault) {
    LSM_ASSERT(word_bytes == 8 || word_bytes == 64);
    uint32_t bits = LSM_HASH_WORDS_MIN_BITS;
    while (UINT64_C(1) << bits < words &&
           ((uint64_t)word_bytes << bits) < whole * LSM_HASH_PIECES_MAX) {
        bits++;
    }
    uint64_t bytes = (uint64_t)word_bytes << bits;
    int rc = bytes > LSM_HASH_LARGE_BYTES ? take_large(array, arena, bytes, fault)
                                          : take_pieces(array, arena, bytes, word_bytes, fault);
    if (rc == 0) {
        array->bits = bits;
    }
    return rc;
}
