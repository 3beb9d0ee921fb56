/* histogram.h: latencies in a log-linear histogram, and medians of runs.
 *
 * Below 32 ns every nanosecond has a bucket of its own; above, each doubling is cut into 32 equal
 * buckets, so that a quantile is known to about 3 %. The maximum is exact.
 *
 * Threads:    a histogram belongs to one thread; merge when it is done. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_HIST_SUB_BITS = 5,
    BENCH_HIST_SUB = 1 << BENCH_HIST_SUB_BITS,
    BENCH_HIST_TOP_BIT = 41, /* half an hour; what is longer falls into the last bucket */
    BENCH_HIST_BUCKETS = (BENCH_HIST_TOP_BIT - BENCH_HIST_SUB_BITS + 1) * BENCH_HIST_SUB,
};

struct bench_histogram {
    uint64_t total;
    uint64_t max_ns;
    uint64_t count[BENCH_HIST_BUCKETS];
};

static inline unsigned bench_hist_bucket(uint64_t ns) {
    if (ns < BENCH_HIST_SUB) {
        return (unsigned)ns;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    if (top >= BENCH_HIST_TOP_BIT) {
        return BENCH_HIST_BUCKETS - 1;
    }
    unsigned shift = top - BENCH_HIST_SUB_BITS;
    return (shift + 1) * BENCH_HIST_SUB + (unsigned)(ns >> shift) - BENCH_HIST_SUB;
}

static inline void bench_hist_add(struct bench_histogram *hist, uint64_t ns) {
    hist->count[bench_hist_bucket(ns)]++;
    hist->total++;
    if (ns > hist->max_ns) {
        hist->max_ns = ns;
    }
}

uint64_t bench_hist_floor(unsigned bucket); /* its inclusive lower bound, ns */
void bench_hist_merge(struct bench_histogram *into, const struct bench_histogram *from);
/* The latency that a fraction q (0..1) of the counts does not exceed, interpolated within its
 * bucket, at most the maximum; 0 when empty. */
double bench_hist_quantile(const struct bench_histogram *hist, double q);

/* The quantile q of values[0..count), interpolated between neighbours; NAN values are left out.
 * NAN when none is left. Sorts the values. */
double bench_quantile(double *values, size_t count, double q);
static inline double bench_median(double *values, size_t count) {
    return bench_quantile(values, count, 0.5);
}

/* Where the median of the population lies with at least 95 % confidence, by order statistics:
 * no assumption about the distribution. The extremes when there are fewer than 6 values. Sorts. */
void bench_median_interval(double *values, size_t count, double *low, double *high);

#endif
