/* slot.h: the protocol of one slot, the two tables that everything in a segment goes by.
 *
 * A slot is `seq` and words. Its writer, for record n:      A reader, for record c:
 *   W1  seq = 2n+1        relaxed                             R1  a = seq       acquire
 *   W2  word[i] = ...     release, each                       R2  copy word[i]  acquire, each
 *   W3  seq = 2n+2        release                             R3  b = seq       relaxed
 *   W4  head = n+1        release                             intact if a == 2c+2 and b == a
 *
 * Why it suffices. Were any copied word of a later record m, its acquire load (R2) would read a
 * release store (W2) of m; m's W1 happens before that store, so it happens before R3, and by
 * coherence b >= 2m+1, not a. If no word is later, R1 reads W3 of record c, and every word is at
 * least as new as c: so all are exactly c.
 *
 * There are no fences: release and acquire on words are plain moves on x86-64, and ThreadSanitizer
 * understands them. tests/ring.pml checks both tables with reordering made explicit.
 *
 * Threads:    one writer per slot at a time; any number of readers. A reader never writes. */
#ifndef SCOPE_SLOT_H
#define SCOPE_SLOT_H

#include <stdbool.h>

#include "segment.h"

static inline _Atomic uint64_t *scope_slot(const struct scope_ring_map *ring, uint64_t record) {
    return ring->slots + (record & (ring->count - 1)) * ring->slot_words;
}

/* W1. Relaxed: each W2 that follows is a release and keeps this store before itself. */
static inline void scope_slot_begin(_Atomic uint64_t *slot, uint64_t record) {
    atomic_store_explicit(&slot[0], 2 * record + 1, memory_order_relaxed);
}

/* W2. Release: pairs with R2. A reader that sees this word sees W1 at R3. */
static inline void scope_slot_put(_Atomic uint64_t *slot, uint64_t index, uint64_t value) {
    atomic_store_explicit(&slot[1 + index], value, memory_order_release);
}

/* W3. Release: pairs with R1. A reader that sees it sees every word of the record. */
static inline void scope_slot_end(_Atomic uint64_t *slot, uint64_t record) {
    atomic_store_explicit(&slot[0], 2 * record + 2, memory_order_release);
}

/* W4. Release: pairs with the acquire in scope_head_load. Every record below it is whole. */
static inline void scope_head_store(_Atomic uint64_t *head, uint64_t next) {
    atomic_store_explicit(head, next, memory_order_release);
}

static inline uint64_t scope_head_load(const _Atomic uint64_t *head) {
    return atomic_load_explicit(head, memory_order_acquire);
}

/* R1. Acquire: pairs with W3. */
static inline uint64_t scope_slot_open(const _Atomic uint64_t *slot) {
    return atomic_load_explicit(&slot[0], memory_order_acquire);
}

/* R2. Acquire: pairs with W2 of a later record, and keeps R3 behind itself. */
static inline uint64_t scope_slot_get(const _Atomic uint64_t *slot, uint64_t index) {
    return atomic_load_explicit(&slot[1 + index], memory_order_acquire);
}

/* R3. Relaxed: the acquires of R2 keep it behind the copies. */
static inline uint64_t scope_slot_close(const _Atomic uint64_t *slot) {
    return atomic_load_explicit(&slot[0], memory_order_relaxed);
}

#endif
