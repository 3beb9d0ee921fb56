#include "memtable_hints.h"

#include <assert.h>
#include <string.h>

int lsm_memtable_hints_init(struct lsm_memtable_hints *hints, struct lsm_arena *arena,
                            uint64_t memtable_bytes, struct lsm_fault *fault) {
    const uint32_t most = LSM_HINT_PIECE_BITS + 5;
    static_assert(1 << 5 == LSM_HINT_PIECES_MAX, "pieces");
    uint32_t bits = LSM_HINT_MIN_BITS;
    while (bits < most && UINT64_C(1) << bits < memtable_bytes / LSM_HINT_ENTRY_BYTES) {
        bits++;
    }
    uint64_t slots = UINT64_C(1) << bits;
    uint64_t part = bits < LSM_HINT_PIECE_BITS ? slots : UINT64_C(1) << LSM_HINT_PIECE_BITS;
    int rc = lsm_arena_reserve(arena, slots * sizeof(uint32_t), 0, fault);
    if (rc != 0) {
        return rc;
    }
    hints->bits = bits;
    for (uint64_t i = 0; i < slots / part; i++) {
        void *piece = lsm_arena_at(arena, lsm_arena_alloc(arena, part * sizeof(uint32_t)));
        memset(piece, 0, part * sizeof(uint32_t));
        hints->piece[i] = piece;
    }
    return 0;
}
