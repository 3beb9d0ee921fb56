#include "memtable_filter.h"

#include <assert.h>
#include <string.h>

#include "check.h"

int lsm_memtable_filter_init(struct lsm_memtable_filter *filter, struct lsm_arena *arena,
                             uint64_t memtable_bytes, struct lsm_fault *fault) {
    const uint32_t most = LSM_FILTER_PIECE_BITS + 5;
    static_assert(1 << 5 == LSM_FILTER_PIECES_MAX, "pieces");
    uint32_t bits = LSM_FILTER_WORDS_MIN_BITS;
    while (bits < most && UINT64_C(8) << bits < memtable_bytes / LSM_FILTER_ENTRY_BYTES) {
        bits++;
    }
    uint64_t words = UINT64_C(1) << bits;
    uint64_t part = words < 1 << LSM_FILTER_PIECE_BITS ? words : 1 << LSM_FILTER_PIECE_BITS;
    int rc = lsm_arena_reserve(arena, words * sizeof(uint64_t), 0, fault);
    if (rc != 0) {
        return rc;
    }
    filter->word_bits = bits;
    for (uint64_t i = 0; i < words / part; i++) {
        void *piece = lsm_arena_at(arena, lsm_arena_alloc(arena, part * sizeof(uint64_t)));
        memset(piece, 0, part * sizeof(uint64_t));
        filter->piece[i] = piece;
    }
    return 0;
}
