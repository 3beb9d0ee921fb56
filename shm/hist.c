/* hist.c: latency buckets, quantiles, and histograms as words of a slot.
 *
 *   histograms := time | interval | max:u32[8] in 16 ns | count:u8[8][112] small floats
 *
 * A small float below 16 is the count itself; above, code 16 + 8e + m stands for (8 + m) << (e +
 * 1). Rounding is to the nearest; what it leaves over, positive or negative, is added to the same
 * bucket of the next record in which that operation happened at all, so sums over time stay true
 * and a second without operations stays empty. */
#include "segment.h"

#include <string.h>

#include "scope_check.h"

enum {
    FIRST_FLOOR = 64, /* bucket 0 is below it */
    FIRST_SHIFT = 6,  /* its logarithm */
    STEPS_SHIFT = 2,  /* four buckets to each doubling */
    CODE_EXACT = 16,
    MAX_UNIT_NS = 16,
    HIST_MAX_AT = 2,
    HIST_COUNTS_AT = HIST_MAX_AT + SCOPE_HIST_MAX_WORDS,
};
/* Beyond what a second of any machine holds; keeps the sums of encode_counts from overflowing. */
#define COUNT_LIMIT (UINT64_C(1) << 40)
_Static_assert(SCOPE_HISTOGRAMS == SCOPE_HISTS && SCOPE_HIST_BUCKETS == SCOPE_BUCKETS,
               "scope.h and layout.h must agree");
_Static_assert(1 << FIRST_SHIFT == FIRST_FLOOR, "first floor");

unsigned scope_bucket_of(uint64_t ns) {
    if (ns < FIRST_FLOOR) {
        return 0;
    }
    unsigned doubling = 63u - (unsigned)__builtin_clzll(ns) - FIRST_SHIFT;
    unsigned step = (unsigned)(ns >> (doubling + FIRST_SHIFT - STEPS_SHIFT)) & 3u;
    unsigned bucket = 1 + (doubling << STEPS_SHIFT) + step;
    return bucket < SCOPE_HIST_BUCKETS ? bucket : SCOPE_HIST_BUCKETS - 1;
}

/* Also of the bucket one past the last, where interpolation within the last ends. */
uint64_t scope_bucket_floor(unsigned bucket) {
    if (bucket == 0) {
        return 0;
    }
    unsigned at = (bucket <= SCOPE_HIST_BUCKETS ? bucket : SCOPE_HIST_BUCKETS) - 1;
    uint64_t quarters = 4u + (at & 3u);
    return quarters << (FIRST_SHIFT - STEPS_SHIFT) << (at >> STEPS_SHIFT);
}

uint64_t scope_hist_quantile(const uint64_t count[SCOPE_HIST_BUCKETS], double q) {
    double total = 0;
    for (unsigned i = 0; i < SCOPE_HIST_BUCKETS; i++) {
        total += (double)count[i];
    }
    double fraction = q > 0 ? (q < 1 ? q : 1) : 0; /* not a number counts as 0 */
    double rank = fraction * total;
    double below = 0;
    uint64_t result = 0;
    for (unsigned i = 0; i < SCOPE_HIST_BUCKETS; i++) {
        if (count[i] == 0) {
            continue;
        }
        double here = (double)count[i];
        uint64_t floor = scope_bucket_floor(i);
        uint64_t width = scope_bucket_floor(i + 1) - floor;
        if (below + here >= rank) {
            double within = (rank - below) / here;
            return floor + (uint64_t)((double)width * (within > 0 ? within : 0));
        }
        below += here;
        result = floor + width; /* reached only when rounding let the rank slip past the sum */
    }
    return result;
}

uint64_t scope_count_decode(uint8_t code) {
    if (code < CODE_EXACT) {
        return code;
    }
    unsigned at = code - (unsigned)CODE_EXACT;
    return (uint64_t)(8u + (at & 7u)) << (1 + (at >> 3));
}

uint8_t scope_count_encode(uint64_t count) {
    if (count < CODE_EXACT) {
        return (uint8_t)count;
    }
    if (count >= scope_count_decode(UINT8_MAX)) {
        return UINT8_MAX;
    }
    unsigned exponent = 63u - (unsigned)__builtin_clzll(count) - 3u; /* 8..15 << exponent */
    unsigned mantissa = (unsigned)(count >> exponent) & 7u;
    unsigned code = CODE_EXACT + ((exponent - 1) << 3) + mantissa;
    SCOPE_ASSERT(code < UINT8_MAX);
    uint64_t down = scope_count_decode((uint8_t)code);
    uint64_t up = scope_count_decode((uint8_t)(code + 1));
    SCOPE_ASSERT(down <= count && count < up);
    return (uint8_t)(up - count < count - down ? code + 1 : code);
}

static void encode_counts(const uint64_t count[SCOPE_HIST_BUCKETS],
                          int64_t residue[SCOPE_HIST_BUCKETS], uint64_t *words) {
    uint64_t any = 0;
    for (unsigned i = 0; i < SCOPE_HIST_BUCKETS; i++) {
        any |= count[i];
    }
    for (unsigned i = 0; any != 0 && i < SCOPE_HIST_BUCKETS; i++) {
        int64_t whole = (int64_t)(count[i] < COUNT_LIMIT ? count[i] : COUNT_LIMIT);
        int64_t due = whole + residue[i];
        uint8_t code = due > 0 ? scope_count_encode((uint64_t)due) : 0;
        int64_t left = due - (int64_t)scope_count_decode(code);
        residue[i] = left < (int64_t)COUNT_LIMIT ? left : (int64_t)COUNT_LIMIT;
        words[i / 8] |= (uint64_t)code << (i % 8 * 8);
    }
}

void scope_hist_encode(const struct scope_histograms *histograms,
                       int64_t residue[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS],
                       uint64_t words[SCOPE_HIST_WORDS]) {
    memset(words, 0, SCOPE_HIST_WORDS * sizeof(words[0]));
    words[0] = histograms->time_ns;
    words[1] = histograms->interval_ns;
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        uint64_t max = histograms->max_ns[h] / MAX_UNIT_NS +
                       (histograms->max_ns[h] % MAX_UNIT_NS != 0 ? 1 : 0);
        max = max < UINT32_MAX ? max : UINT32_MAX;
        words[HIST_MAX_AT + h / 2] |= max << (h % 2 * 32);
        encode_counts(histograms->count[h], residue[h],
                      words + HIST_COUNTS_AT + h * SCOPE_HIST_BUCKET_WORDS);
    }
}

void scope_hist_decode(const uint64_t words[SCOPE_HIST_WORDS],
                       struct scope_histograms *histograms) {
    histograms->time_ns = words[0];
    histograms->interval_ns = words[1];
    for (unsigned h = 0; h < SCOPE_HISTOGRAMS; h++) {
        uint64_t max = words[HIST_MAX_AT + h / 2] >> (h % 2 * 32) & UINT32_MAX;
        histograms->max_ns[h] = max * MAX_UNIT_NS;
        const uint64_t *counts = words + HIST_COUNTS_AT + h * SCOPE_HIST_BUCKET_WORDS;
        for (unsigned i = 0; i < SCOPE_HIST_BUCKETS; i++) {
            uint8_t code = (uint8_t)(counts[i / 8] >> (i % 8 * 8));
            histograms->count[h][i] = scope_count_decode(code);
        }
    }
}
