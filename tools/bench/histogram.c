#include "histogram.h"

#include <math.h>
#include <stdlib.h>

uint64_t bench_hist_floor(unsigned bucket) {
    if (bucket < 2 * BENCH_HIST_SUB) {
        return bucket;
    }
    unsigned shift = bucket / BENCH_HIST_SUB - 1;
    return (uint64_t)(bucket % BENCH_HIST_SUB + BENCH_HIST_SUB) << shift;
}

void bench_hist_merge(struct bench_histogram *into, const struct bench_histogram *from) {
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++) {
        into->count[i] += from->count[i];
    }
    into->total += from->total;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
}

double bench_hist_quantile(const struct bench_histogram *hist, double q) {
    if (hist->total == 0) {
        return 0;
    }
    double rank = q * (double)hist->total;
    double before = 0;
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++) {
        double here = (double)hist->count[i];
        if (here > 0 && before + here >= rank) {
            double low = (double)bench_hist_floor(i);
            double high =
                i + 1 < BENCH_HIST_BUCKETS ? (double)bench_hist_floor(i + 1) : (double)hist->max_ns;
            double value = low + (high - low) * (rank - before) / here;
            return value < (double)hist->max_ns ? value : (double)hist->max_ns;
        }
        before += here;
    }
    return (double)hist->max_ns;
}

static int ascending(const void *a, const void *b) {
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Known values first, sorted; their number. */
static size_t arrange(double *values, size_t count) {
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            values[known++] = values[i];
        }
    }
    for (size_t i = known; i < count; i++) {
        values[i] = NAN;
    }
    qsort(values, known, sizeof *values, ascending);
    return known;
}

double bench_quantile(double *values, size_t count, double q) {
    size_t known = arrange(values, count);
    if (known == 0) {
        return NAN;
    }
    double place = q * (double)(known - 1);
    size_t below = (size_t)place;
    if (below + 1 >= known) {
        return values[known - 1];
    }
    return values[below] + (values[below + 1] - values[below]) * (place - (double)below);
}

void bench_median_interval(double *values, size_t count, double *low, double *high) {
    size_t known = arrange(values, count);
    *low = *high = NAN;
    if (known == 0) {
        return;
    }
    /* How many values lie below the median is binomial(known, 1/2): leave out as many at each end
     * as keep 2 P(at most that many) within 5 %. */
    double chance = pow(0.5, (double)known);
    double tail = chance;
    size_t out = 0;
    while (2 * tail <= 0.05 && 2 * (out + 1) < known) {
        out++;
        chance *= (double)(known - out + 1) / (double)out;
        tail += chance;
    }
    /* `out` values at each end may be missed together with at most 5 % chance. */
    size_t first = out > 0 ? out - 1 : 0;
    *low = values[first];
    *high = values[known - 1 - first];
}
