#include "keys.h"

#include <math.h>
#include <string.h>

#include "driver_check.h"

/* Zipf by rejection-inversion (Hoermann and Derflinger, 1996): constant time, no table, any skew.
 * H is the integral of x^-s; its inverse turns a uniform number into a point, rounding makes it an
 * integer, and the few points where the integral overstates the sum are drawn again. */

/* (exp(x) - 1) / x, continued through 0, where the quotient loses all digits. */
static double expm1_over(double x) {
    return fabs(x) > 1e-8 ? expm1(x) / x : 1.0 + x / 2.0;
}

static double log1p_over(double x) {
    return fabs(x) > 1e-8 ? log1p(x) / x : 1.0 - x / 2.0;
}

static double h_integral(double s, double x) {
    double log_x = log(x);
    return expm1_over((1.0 - s) * log_x) * log_x;
}

static double h_inverse(double s, double y) {
    double t = y * (1.0 - s);
    if (t < -1.0) {
        t = -1.0; /* rounding only: the exact value never falls below */
    }
    return exp(log1p_over(t) * y);
}

void driver_zipf_init(struct driver_zipf *zipf, uint64_t n, double skew) {
    DRIVER_ASSERT(n >= 1 && skew > 0.0);
    zipf->n = n;
    zipf->s = skew;
    zipf->h_first = h_integral(skew, 1.5) - 1.0;
    zipf->h_last = h_integral(skew, (double)n + 0.5);
    zipf->skip = 2.0 - h_inverse(skew, h_integral(skew, 2.5) - pow(2.0, -skew));
}

uint64_t driver_zipf_next(const struct driver_zipf *zipf, struct driver_random *random) {
    DRIVER_ASSERT(zipf->n >= 1);
    /* Accepted with probability above 0.9 each time for any skew; the bound makes it certain. */
    for (int i = 0; i < 1000; i++) {
        double u = zipf->h_last + driver_random_unit(random) * (zipf->h_first - zipf->h_last);
        double x = h_inverse(zipf->s, u);
        double rounded = floor(x + 0.5);
        if (rounded < 1.0) {
            rounded = 1.0;
        } else if (rounded > (double)zipf->n) {
            rounded = (double)zipf->n;
        }
        if (rounded - x <= zipf->skip ||
            u >= h_integral(zipf->s, rounded + 0.5) - pow(rounded, -zipf->s)) {
            return (uint64_t)rounded - 1;
        }
    }
    return 0;
}

void driver_keys_shared_init(struct driver_keys_shared *shared, const struct driver_args *args,
                             bool full) {
    *shared = (struct driver_keys_shared){
        .space = args->key_space, .dist = args->key_dist, .inserts = args->inserts, .full = full};
    DRIVER_ASSERT(shared->space >= 1 && shared->space < DRIVER_KEY_NUMBERS);
}

void driver_keys_init(struct driver_keys *keys, struct driver_keys_shared *shared,
                      const struct driver_args *args, struct driver_random *random) {
    *keys = (struct driver_keys){.shared = shared, .random = random};
    driver_zipf_init(&keys->zipf, shared->space, args->zipf_skew);
    keys->bits = 1;
    while (((uint64_t)1 << keys->bits) < shared->space) {
        keys->bits++;
    }
    DRIVER_ASSERT(keys->bits <= 44);
}

uint64_t driver_keys_scatter(const struct driver_keys *keys, uint64_t rank) {
    uint64_t space = keys->shared->space;
    uint64_t mask = ((uint64_t)1 << keys->bits) - 1;
    unsigned half = keys->bits / 2 + 1;
    DRIVER_ASSERT(rank < space);
    /* Odd multiplications and right-shift xors permute [0, 2^bits). A result outside the space is
     * permuted again until it falls inside: the cycle through `rank` must come back to the space,
     * and since the space is more than half of the range, two rounds are usual. */
    uint64_t x = rank;
    do {
        x = (x * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull) & mask;
        x ^= x >> half;
        x = (x * 0xbf58476d1ce4e5b9ull) & mask;
        x ^= x >> half;
        x = (x * 0x94d049bb133111ebull) & mask;
        x ^= x >> half;
    } while (x >= space);
    return x;
}

/* Where puts go when they go in sequence; `ago` counts back from the newest. */
static uint64_t put_position(const struct driver_keys_shared *shared, uint64_t index) {
    if (shared->inserts) {
        return (shared->space + index) % DRIVER_KEY_NUMBERS;
    }
    return index % shared->space;
}

/* A key that was put lately: zipf over how long ago. */
static uint64_t latest_key(struct driver_keys *keys) {
    struct driver_keys_shared *shared = keys->shared;
    uint64_t head = atomic_load_explicit(&shared->put_head, memory_order_relaxed);
    uint64_t ago = driver_zipf_next(&keys->zipf, keys->random);
    uint64_t before = shared->full || shared->inserts ? shared->space : 0;
    if (head + before == 0) {
        return 0;
    }
    if (!shared->inserts) {
        /* Positions wrap around the space; until it is full, only what was put counts. */
        uint64_t known = head < shared->space && before == 0 ? head : shared->space;
        ago %= known;
        return (head % shared->space + shared->space - 1 - ago) % shared->space;
    }
    return (head + before - 1 - ago) % DRIVER_KEY_NUMBERS;
}

uint64_t driver_keys_next(struct driver_keys *keys, enum driver_kind kind) {
    struct driver_keys_shared *shared = keys->shared;
    DRIVER_ASSERT(kind < KINDS);
    if (kind == KIND_PUT && (shared->inserts || shared->dist == DIST_LATEST)) {
        return put_position(shared,
                            atomic_fetch_add_explicit(&shared->put_head, 1, memory_order_relaxed));
    }
    switch ((enum driver_dist)shared->dist) {
    case DIST_UNIFORM:
        return driver_random_below(keys->random, shared->space);
    case DIST_ZIPF:
        return driver_keys_scatter(keys, driver_zipf_next(&keys->zipf, keys->random));
    case DIST_SEQUENTIAL:
        return atomic_fetch_add_explicit(&shared->sequence[kind], 1, memory_order_relaxed) %
               shared->space;
    case DIST_LATEST:
        return latest_key(keys);
    }
    DRIVER_ASSERT(!"an unknown distribution");
    return 0;
}

void driver_key_format(uint64_t number, char key[DRIVER_KEY_BYTES]) {
    DRIVER_ASSERT(number < DRIVER_KEY_NUMBERS);
    memcpy(key, "key", 3);
    for (int i = DRIVER_KEY_BYTES - 1; i >= 3; i--) {
        key[i] = (char)('0' + number % 10);
        number /= 10;
    }
}
