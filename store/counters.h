/* counters.h: what operations count, per thread, so that counting costs a relaxed load and store.
 *
 * Each thread has a padded slot of its own per database; a reader sums the slots. A thread's slot
 * outlives it and is taken over by the next thread, so sums never step back.
 *
 * Threads:    lsm_counters_slot gives the calling thread's slot, to be used by it alone; sums
 *             from any thread. */
#ifndef LSM_COUNTERS_H
#define LSM_COUNTERS_H

#include <stdatomic.h>
#include "status.h"

enum lsm_counter {
    LSM_C_PUTS,
    LSM_C_GETS,
    LSM_C_DELETES,
    LSM_C_SCANS,
    LSM_C_SCAN_STEPS,
    LSM_C_GET_HITS,
    LSM_C_USER_BYTES_WRITTEN,
    LSM_C_USER_BYTES_READ,
    LSM_C_CACHE_HITS,
    LSM_C_CACHE_MISSES,
    LSM_C_BLOOM_CHECKS,
    LSM_C_BLOOM_NEGATIVES,
    LSM_C_BLOOM_FALSE_POSITIVES,
    LSM_C_TABLE_PROBES,
    LSM_C_COUNT,
};

struct lsm_counter_slot {
    _Alignas(128) _Atomic uint64_t value[LSM_C_COUNT];
    _Atomic uint64_t latency[LSM_OP_COUNT][LSM_LATENCY_BUCKETS];
    _Atomic uint64_t latency_max[LSM_OP_COUNT];
    uint32_t timing_tick[LSM_OP_COUNT]; /* the thread's own: every eighth operation is timed */
    uint64_t io_began_ns; /* the thread's own: when the current read first went to a file; 0: not */
    _Atomic(void *) view; /* view.c's: the thread's reference to the current view, between reads */
    bool shared;          /* between threads that found no memory: keeps no view */
    struct lsm_counter_slot *next;
    _Atomic bool taken;
};

struct lsm_counters;
struct lsm_counters *lsm_counters_create(void); /* NULL: out of memory */
void lsm_counters_destroy(struct lsm_counters *counters);
/* Never NULL: when memory is out a shared slot is used, and counts may be lost then. A few ns. */
struct lsm_counter_slot *lsm_counters_slot(struct lsm_counters *counters);
uint64_t lsm_counters_sum(const struct lsm_counters *counters, enum lsm_counter counter);
void lsm_counters_latency(struct lsm_counters *counters, enum lsm_op op, bool reset_max,
                          struct lsm_latency *latency);

/* Any thread's, newest first; the list only grows. */
struct lsm_counter_slot *lsm_counters_first(struct lsm_counters *counters);

/* Only the owning thread writes: a plain add needs no locked instruction. */
static inline void lsm_count(struct lsm_counter_slot *slot, enum lsm_counter counter, uint64_t n) {
    uint64_t v = atomic_load_explicit(&slot->value[counter], memory_order_relaxed);
    atomic_store_explicit(&slot->value[counter], v + n, memory_order_relaxed);
}
/* Notes a latency that stands for `weight` operations. */
void lsm_count_latency(struct lsm_counter_slot *slot, enum lsm_op op, uint64_t ns, uint64_t weight);

#endif
