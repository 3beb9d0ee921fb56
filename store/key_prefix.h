/* key_prefix.h: what two keys share, eight bytes at a step. */
#ifndef LSM_KEY_PREFIX_H
#define LSM_KEY_PREFIX_H

#include "bytes.h"

static inline size_t lsm_common_prefix(const uint8_t *a, size_t a_size, const uint8_t *b,
                                       size_t b_size) {
    size_t size = a_size < b_size ? a_size : b_size;
    size_t n = 0;
    for (; n + 8 <= size; n += 8) {
        uint64_t difference = lsm_load64(a + n) ^ lsm_load64(b + n);
        if (difference != 0) {
            return n + (size_t)__builtin_ctzll(difference) / 8;
        }
    }
    if (n > 0 && n < size) { /* the last eight: what was seen of them before is the same */
        uint64_t difference = lsm_load64(a + size - 8) ^ lsm_load64(b + size - 8);
        return difference == 0 ? size : size - 8 + (size_t)__builtin_ctzll(difference) / 8;
    }
    while (n < size && a[n] == b[n]) {
        n++;
    }
    return n;
}

/* The first eight bytes as a number that sorts as they do; missing ones count as zero. Keys with
 * different windows sort as their windows; equal windows say nothing. */
static inline uint64_t lsm_key_window(const uint8_t *key, size_t size) {
    uint64_t window = 0;
    if (size >= 8) {
        return __builtin_bswap64(lsm_load64(key));
    }
    memcpy(&window, key, size);
    return __builtin_bswap64(window);
}

#endif
