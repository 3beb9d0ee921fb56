/* random.h: xoshiro256**, seeded by splitmix64: fast, and the same on every machine.
 *
 * Threads:    one state per thread. Not for secrets. */
#ifndef DRIVER_RANDOM_H
#define DRIVER_RANDOM_H

#include <stdint.h>

struct driver_random {
    uint64_t s[4];
};

static inline uint64_t driver_splitmix(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* `stream` tells the threads of one run apart. */
static inline void driver_random_init(struct driver_random *random, uint64_t seed,
                                      uint64_t stream) {
    uint64_t outer = stream;
    uint64_t state = seed ^ driver_splitmix(&outer);
    for (int i = 0; i < 4; i++) {
        random->s[i] = driver_splitmix(&state);
    }
}

static inline uint64_t driver_random_next(struct driver_random *random) {
    uint64_t *s = random->s;
    uint64_t mixed = s[1] * 5;
    uint64_t result = ((mixed << 7) | (mixed >> 57)) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Uniform in [0, bound), by the high half of a 128-bit product: the bias is below bound / 2^64. */
static inline uint64_t driver_random_below(struct driver_random *random, uint64_t bound) {
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)driver_random_next(random) * bound) >> 64);
}

/* Uniform in [0, 1), 53 bits. */
static inline double driver_random_unit(struct driver_random *random) {
    return (double)(driver_random_next(random) >> 11) * 0x1p-53;
}

#endif
