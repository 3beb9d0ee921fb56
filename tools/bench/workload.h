/* workload.h: the same keys and values for every engine.
 *
 * Keys:   id 0, 1, 2 ... becomes "key" and 2 * id in decimal, padded with zeros to the key size:
 * the order of ids is the order of keys, and the odd numbers between are keys that are absent
 *         though they lie among the others.
 * Values:     half random. Eight bytes of id and generation, then bytes from a seeded pool at a
 *             place that those choose; the second half repeats the first. Whatever is read can so
 *             be checked whole: that it belongs to the key, and that no byte of it is wrong.
 *
 * Threads: init once; then read-only, except `live`, which only the thread that runs phases writes
 * while no client runs. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_KEY_MIN = 12,
    BENCH_KEY_MAX = 256,
    BENCH_VALUE_MIN = 16,
    BENCH_VALUE_MAX = 1 << 20,
    BENCH_POOL_BYTES = 1 << 16, /* stays in the second-level cache */
};
#define BENCH_IDS_MAX 400000000ull /* twice that fits the shortest key's nine digits */

struct bench_workload {
    uint64_t num;  /* ids 0 to num - 1 are what a fill writes */
    uint64_t live; /* ids 0 to live - 1 are there, unless deletes say otherwise */
    size_t key_size, value_size;
    uint64_t seed;
    unsigned bits; /* of the permutation: 2^bits >= num */
    uint8_t *pool;
};
extern struct bench_workload bench_workload;

/* False: out of memory. */
bool bench_workload_init(uint64_t num, size_t key_size, size_t value_size, uint64_t seed);

void bench_key_make(uint64_t id, char *key);
void bench_key_make_absent(uint64_t id, char *key); /* lies right behind that of `id` */
/* The id of a key that bench_key_make made; false for an absent one. */
bool bench_key_parse(const char *key, uint64_t *id);

void bench_value_make(uint64_t id, uint64_t generation, char *value);
/* True when it is a value of `id`, of whatever generation, whole and unharmed. */
bool bench_value_check(uint64_t id, const char *value, size_t size);

/* A seeded bijection of [0, num) onto itself that looks like chance. `round` chooses among many. */
uint64_t bench_permute(uint64_t index, uint64_t round);

#endif
