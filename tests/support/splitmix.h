/* splitmix.h: the tests' random numbers, splitmix64: the same everywhere for a seed.
 *
 * Source:     G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number
 *             generators", OOPSLA 2014. */
#ifndef TESTS_SPLITMIX_H
#define TESTS_SPLITMIX_H

#include <stdint.h>

/* Spreads a number over all bits. */
static inline uint64_t splitmix_of(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t splitmix_next(uint64_t *state) {
    return splitmix_of(*state += UINT64_C(0x9e3779b97f4a7c15));
}

#endif
