/* bytes.h: little-endian loads and stores, varints, and a bounds-checked reader for bytes from
 * disk. */
#ifndef LSM_BYTES_H
#define LSM_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the formats are little-endian; loads and stores here assume the machine is too"
#endif

static inline uint16_t lsm_load16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t lsm_load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t lsm_load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void lsm_store16(uint8_t *p, uint16_t v) {
    memcpy(p, &v, sizeof v);
}
static inline void lsm_store32(uint8_t *p, uint32_t v) {
    memcpy(p, &v, sizeof v);
}
static inline void lsm_store64(uint8_t *p, uint64_t v) {
    memcpy(p, &v, sizeof v);
}

/* memcpy, without a call for what is as short as most keys. */
static inline void lsm_copy_short(uint8_t *to, const uint8_t *from, size_t size) {
    if (__builtin_expect(size - 8 > 24, 0)) { /* not 8 to 32 */
        memcpy(to, from, size);
    } else if (size >= 16) {
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    }
}

enum { LSM_VARINT_MAX = 10 };

/* Writes at most LSM_VARINT_MAX bytes, returns the end. */
static inline uint8_t *lsm_put_varint(uint8_t *p, uint64_t v) {
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}
static inline size_t lsm_varint_size(uint64_t v) {
    size_t n = 1;
    while (v >= 0x80) {
        v >>= 7;
        n++;
    }
    return n;
}
/* Reads a varint in [p, end); NULL when it is cut short, too long, or overflows 64 bits. */
static inline const uint8_t *lsm_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *v) {
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
        uint64_t byte = *p++;
        if (shift == 63 && byte > 1) {
            return NULL;
        }
        result |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *v = result;
            return p;
        }
    }
    return NULL;
}

#endif
