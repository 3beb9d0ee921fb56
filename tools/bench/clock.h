/* clock.h: the bench's stopwatch.
 *
 * Where the processor has a time-stamp counter that runs evenly (Linux tells so), a reading is that
 * counter, at about a third of the price of clock_gettime; elsewhere it is CLOCK_MONOTONIC.
 *
 * Threads:    init once, before any other thread; the rest from any. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct bench_clock {
    int counter;    /* 1: the time-stamp counter */
    uint64_t scale; /* ns of a tick, in units of 2^-20 */
};
extern struct bench_clock bench_clock;

/* Some 20 ms. */
void bench_clock_init(void);

static inline uint64_t bench_monotonic_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t bench_ticks(void) {
#if defined(__x86_64__)
    if (bench_clock.counter) {
        return __rdtsc();
    }
#endif
    return bench_monotonic_ns();
}

/* A stretch between two readings. A counter may differ between cores by a hair: never negative. */
static inline uint64_t bench_ticks_ns(uint64_t from, uint64_t to) {
    __extension__ typedef unsigned __int128 wide;
    return to <= from ? 0 : (uint64_t)(((wide)(to - from) * bench_clock.scale) >> 20);
}

/* CPU time of the process or of the calling thread. */
static inline double bench_cpu_s(clockid_t clock) {
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
