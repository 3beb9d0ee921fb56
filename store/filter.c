#include "filter.h"

#include <string.h>

#include "bytes.h"
#include "check.h"

static_assert(LSM_FILTER_LINE * 8 == LSM_FILTER_LINE_BITS, "a probe takes 9 bits of the hash");

/* e^-x for 0 <= x by halving and squaring: the library needs no libm for one function. */
static double exp_minus(double x) {
    LSM_ASSERT(x >= 0);
    unsigned halvings = 0;
    while (x > 0.01) {
        x /= 2;
        halvings++;
    }
    double result = 1 - x + x * x / 2 - x * x * x / 6 + x * x * x * x / 24;
    while (halvings-- > 0) {
        result *= result;
    }
    return result;
}

static double power(double base, uint32_t exponent) {
    double result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if ((exponent & 1) != 0) {
            result *= base;
        }
        base *= base;
    }
    return result;
}

/* The number of keys on a line is Poisson; with j keys a bit is set with probability
 * 1 - (1 - 1/512)^(j * probes), and an absent key passes when all its bits are. */
double lsm_filter_expected(double keys_per_line, uint32_t probes) {
    LSM_ASSERT(keys_per_line > 0 && keys_per_line <= LSM_FILTER_LINE_BITS);
    LSM_ASSERT(probes >= 1 && probes <= LSM_FILTER_PROBES_MAX);
    double step = power(1 - 1.0 / LSM_FILTER_LINE_BITS, probes);
    double weight = exp_minus(keys_per_line);
    double zero = 1; /* probability that a bit is not set */
    double rate = 0;
    for (unsigned j = 0; j < 4 * LSM_FILTER_LINE_BITS; j++) {
        rate += weight * power(1 - zero, probes);
        zero *= step;
        weight *= keys_per_line / (double)(j + 1);
        if ((double)j > keys_per_line && weight < 1e-12) {
            break;
        }
    }
    return rate;
}

/* Fewest bits a key that keep the rate with so many probes, 3 % spared for the luck of one filter's
 * draw. */
static double bits_needed(double fpr, uint32_t probes) {
    const double wanted = fpr * 0.97;
    double low = 1;
    double high = 128;
    for (unsigned i = 0; i < 14; i++) { /* to 1/128 of a bit */
        double middle = (low + high) / 2;
        if (lsm_filter_expected(LSM_FILTER_LINE_BITS / middle, probes) <= wanted) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

struct lsm_filter_plan lsm_filter_plan(double fpr) {
    LSM_ASSERT(fpr >= 0.000001 && fpr <= 0.5);
    uint32_t classic = 1; /* -log2(fpr), the optimum of a filter that is not blocked */
    for (double rate = 0.5; rate > fpr * 1.5 && classic < LSM_FILTER_PROBES_MAX; rate /= 2) {
        classic++;
    }
    /* A line's optimum lies at or below it, the further the lower the rate. */
    uint32_t lowest = classic <= 4 ? 1 : classic - classic / 3;
    struct lsm_filter_plan plan = {bits_needed(fpr, classic), classic};
    for (uint32_t probes = classic - 1; probes >= lowest; probes--) {
        double bits = bits_needed(fpr, probes);
        if (bits > plan.bits_per_key) {
            break;
        }
        plan = (struct lsm_filter_plan){bits, probes};
    }
    return plan;
}

static uint64_t lines_for(const struct lsm_filter_plan *plan, uint64_t keys) {
    double lines = (double)keys * plan->bits_per_key / LSM_FILTER_LINE_BITS;
    return (uint64_t)lines + 1;
}

uint64_t lsm_filter_bytes(const struct lsm_filter_plan *plan, uint64_t keys) {
    return sizeof(struct lsm_filter_header) + lines_for(plan, keys) * LSM_FILTER_LINE;
}

/* By words of 64 bits, where lsm_filter_probe looks at bytes: the bits are the same. */
static void set_bits(uint8_t *line, uint64_t hash, uint32_t probes) {
    uint64_t h = hash << 32 | hash >> 32;
    for (uint32_t i = 0; i < probes; i++) {
        h *= UINT64_C(0x9e3779b97f4a7c15);
        uint8_t *word = line + (h >> 61) * 8;
        lsm_store64(word, lsm_load64(word) | UINT64_C(1) << (h >> 55 & 63));
    }
}

void lsm_filter_begin(const struct lsm_filter_plan *plan, uint64_t count, uint8_t *filter) {
    uint64_t lines = lines_for(plan, count);
    LSM_ASSERT(lines <= LSM_FILTER_LINES_MAX);
    struct lsm_filter_header header = {
        .kind = LSM_FILTER_BLOCKED_BLOOM, .probes = plan->probes, .lines = lines, .keys = count};
    memcpy(filter, &header, sizeof header);
    memset(filter + sizeof header, 0, lines * LSM_FILTER_LINE);
    struct lsm_filter_view view;
    LSM_ASSERT(lsm_filter_look(filter, lsm_filter_bytes(plan, count), &view));
}

void lsm_filter_add(uint8_t *filter, const uint64_t *hashes, uint64_t count) {
    enum { AHEAD = 16 }; /* lines fetched before their turn: each is a cache miss of its own */
    struct lsm_filter_header header;
    memcpy(&header, filter, sizeof header);
    uint8_t *bits = filter + sizeof header;
    for (uint64_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            __builtin_prefetch(
                bits + lsm_filter_line_of(hashes[i + AHEAD], header.lines) * LSM_FILTER_LINE, 1);
        }
        set_bits(bits + lsm_filter_line_of(hashes[i], header.lines) * LSM_FILTER_LINE, hashes[i],
                 header.probes);
    }
}

void lsm_filter_build(const struct lsm_filter_plan *plan, const uint64_t *hashes, uint64_t count,
                      uint8_t *filter) {
    lsm_filter_begin(plan, count, filter);
    lsm_filter_add(filter, hashes, count);
}

bool lsm_filter_look(const uint8_t *filter, uint64_t length, struct lsm_filter_view *view) {
    struct lsm_filter_header header;
    if (length < sizeof header) {
        return false;
    }
    memcpy(&header, filter, sizeof header); /* once: what is checked is what is used */
    *view = (struct lsm_filter_view){filter + sizeof header, header.lines, header.probes};
    return header.kind == LSM_FILTER_BLOCKED_BLOOM && header.probes >= 1 &&
           header.probes <= LSM_FILTER_PROBES_MAX && header.lines >= 1 &&
           header.lines <= LSM_FILTER_LINES_MAX &&
           header.lines == (length - sizeof header) / LSM_FILTER_LINE &&
           (length - sizeof header) % LSM_FILTER_LINE == 0;
}
