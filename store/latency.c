/* latency.c: the log-linear buckets of latencies, and quantiles from them. */
#include "lsm.h"

#include "check.h"

/* Bucket 0 is [0, 64 ns). From there each doubling has four buckets of equal width, so a bucket's
 * width is at most a quarter of its floor: bucket 1 + 4 * o + s begins at (4 + s) << (o + 4). */
enum { FIRST_BITS = 6, SUB_BITS = 2, SUBS = 1 << SUB_BITS };

unsigned lsm_bucket_of(uint64_t ns) {
    if (ns < (UINT64_C(1) << FIRST_BITS)) {
        return 0;
    }
    unsigned msb = 63u - (unsigned)__builtin_clzll(ns);
    unsigned sub = (unsigned)(ns >> (msb - SUB_BITS)) & (SUBS - 1);
    unsigned bucket = 1 + (msb - FIRST_BITS) * SUBS + sub;
    return bucket < LSM_LATENCY_BUCKETS ? bucket : LSM_LATENCY_BUCKETS - 1;
}

uint64_t lsm_bucket_floor(unsigned bucket) {
    if (bucket == 0) {
        return 0;
    }
    /* One past the last is a fair question (the end of the last bucket); more is answered alike. */
    unsigned index = (bucket < LSM_LATENCY_BUCKETS ? bucket : LSM_LATENCY_BUCKETS) - 1;
    return (uint64_t)(SUBS + index % SUBS) << (index / SUBS + FIRST_BITS - SUB_BITS);
}

/* The bucket's end, as far as it is known to reach: the maximum of the samples may lie inside. */
static uint64_t bucket_ceiling(const struct lsm_latency *latency, unsigned bucket) {
    uint64_t floor = lsm_bucket_floor(bucket);
    uint64_t end = lsm_bucket_floor(bucket + 1);
    for (unsigned above = bucket + 1; above < LSM_LATENCY_BUCKETS; above++) {
        if (latency->count[above] != 0) {
            return end;
        }
    }
    bool last = bucket == LSM_LATENCY_BUCKETS - 1;
    bool inside = latency->max_ns >= floor && (latency->max_ns < end || last);
    return inside ? latency->max_ns : end;
}

uint64_t lsm_latency_quantile(const struct lsm_latency *latency, double q) {
    LSM_ASSERT(latency != NULL);
    uint64_t total = 0;
    for (unsigned i = 0; i < LSM_LATENCY_BUCKETS; i++) {
        total += latency->count[i];
    }
    if (total == 0) {
        return 0;
    }
    double share = q > 0 ? (q < 1 ? q : 1) : 0; /* also makes a NaN 0 */
    double rank = share * (double)total;        /* this many samples lie below the answer */
    double below = 0;
    unsigned last = 0;
    for (unsigned i = 0; i < LSM_LATENCY_BUCKETS; i++) {
        if (latency->count[i] == 0) {
            continue;
        }
        last = i;
        double here = (double)latency->count[i];
        if (below + here >= rank) {
            uint64_t floor = lsm_bucket_floor(i);
            double width = (double)(bucket_ceiling(latency, i) - floor);
            return floor + (uint64_t)(width * ((rank - below) / here));
        }
        below += here;
    }
    return bucket_ceiling(latency, last); /* rounding left the rank a hair above the total */
}
