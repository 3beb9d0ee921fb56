#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

struct bench_workload bench_workload;

/* Bits of a value's tag that count generations; the id has the rest. */
enum { GENERATION_BITS = 24 };

bool bench_workload_init(uint64_t num, size_t key_size, size_t value_size, uint64_t seed) {
    struct bench_workload *w = &bench_workload;
    /* A window of the pool is at most half a value long. */
    size_t bytes = BENCH_POOL_BYTES + value_size;
    free(w->pool);
    *w = (struct bench_workload){
        .num = num, .key_size = key_size, .value_size = value_size, .seed = seed, .bits = 1};
    while (UINT64_C(1) << w->bits < num) {
        w->bits++;
    }
    w->pool = malloc(bytes);
    if (w->pool == NULL) {
        return false;
    }
    struct driver_random random;
    driver_random_init(&random, seed, 0x706f6f6c);
    for (size_t i = 0; i < bytes; i++) {
        w->pool[i] = (uint8_t)driver_random_next(&random);
    }
    return true;
}

static void make_key(uint64_t number, char *key) {
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    memcpy(key, "key", 3);
    size_t at = bench_workload.key_size;
    while (number > 0) {
        uint64_t rest = number / 100;
        at -= 2;
        memcpy(key + at, pairs + 2 * (number - rest * 100), 2);
        number = rest;
    }
    /* An odd length leaves the highest pair's zero on the "y": it is padding there, too. */
    if (at < 3) {
        at = 3;
        memcpy(key, "key", 3);
    }
    memset(key + 3, '0', at - 3);
}

void bench_key_make(uint64_t id, char *key) {
    make_key(2 * id, key);
}

void bench_key_make_absent(uint64_t id, char *key) {
    make_key(2 * id + 1, key);
}

bool bench_key_parse(const char *key, uint64_t *id) {
    uint64_t number = 0;
    for (size_t i = 3; i < bench_workload.key_size; i++) {
        number = number * 10 + (uint64_t)(key[i] - '0');
    }
    *id = number / 2;
    return number % 2 == 0;
}

static size_t first_half(void) {
    return bench_workload.value_size - bench_workload.value_size / 2;
}

static const uint8_t *window(uint64_t tag) {
    return bench_workload.pool + (tag * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}

void bench_value_make(uint64_t id, uint64_t generation, char *value) {
    uint64_t tag = id << GENERATION_BITS | (generation & ((1u << GENERATION_BITS) - 1));
    size_t half = first_half();
    memcpy(value, &tag, 8);
    memcpy(value + 8, window(tag), half - 8);
    memcpy(value + half, value, bench_workload.value_size - half);
}

bool bench_value_check(uint64_t id, const char *value, size_t size) {
    uint64_t tag;
    size_t half = first_half();
    if (size != bench_workload.value_size) {
        return false;
    }
    memcpy(&tag, value, 8);
    return tag >> GENERATION_BITS == id && memcmp(value + 8, window(tag), half - 8) == 0 &&
           memcmp(value + half, value, size - half) == 0;
}

/* A Feistel network over 2^(2 * half) numbers, walked until it falls below num. */
uint64_t bench_permute(uint64_t index, uint64_t round) {
    unsigned half = (bench_workload.bits + 1) / 2;
    uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t key = bench_workload.seed + round * UINT64_C(0xd1342543de82ef95);
    do {
        uint64_t left = index >> half;
        uint64_t right = index & mask;
        for (uint64_t i = 1; i <= 3; i++) {
            uint64_t mix = (right + i) * UINT64_C(0x9e3779b97f4a7c15) ^ key;
            mix = (mix ^ mix >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
            uint64_t next = left ^ (mix >> 32 & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= bench_workload.num);
    return index;
}
