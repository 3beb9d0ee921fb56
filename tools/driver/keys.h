/* keys.h: which key comes next, and what it looks like.
 *
 * A key number in [0, key space) becomes 16 bytes, "key0000000012345". Distributions:
 *   uniform     every key alike
 *   zipf        few keys get most: rank r with probability ~ 1 / (r + 1)^skew, the ranks strewn
 * over the key space by a permutation, so that hot keys are not neighbours sequential  0, 1, 2, ...
 * around; one sequence per kind of operation latest      puts go in sequence; everything else
 * prefers, zipf-like, what was put last With `inserts` (YCSB D and E) puts add keys beyond the key
 * space instead, and the others see them.
 *
 * Threads:    `shared` belongs to all workers, its counters are atomic; `keys` to one. */
#ifndef DRIVER_KEYS_H
#define DRIVER_KEYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver_args.h"
#include "random.h"

enum { DRIVER_KEY_BYTES = 16 };
/* Thirteen digits: the key space may be 10^12, and inserts have nine times that on top. */
#define DRIVER_KEY_NUMBERS 10000000000000ull

struct driver_zipf {
    uint64_t n;
    double s;                     /* skew */
    double h_first, h_last, skip; /* of the rejection-inversion method */
};
void driver_zipf_init(struct driver_zipf *zipf, uint64_t n, double skew); /* REQUIRES n >= 1 */
uint64_t driver_zipf_next(const struct driver_zipf *zipf,
                          struct driver_random *random); /* a rank in [0, n), 0 the commonest */

struct driver_keys_shared {
    _Atomic uint64_t sequence[KINDS]; /* next position of sequential kinds */
    _Atomic uint64_t put_head;        /* latest, inserts: puts begun so far */
    uint64_t space;
    unsigned dist;
    bool inserts;
    bool full; /* the key space was there before the run: latest begins at its end */
};

struct driver_keys {
    struct driver_keys_shared *shared;
    struct driver_random *random; /* borrowed */
    struct driver_zipf zipf;
    unsigned bits; /* of the permutation: 2^bits >= space */
};

void driver_keys_shared_init(struct driver_keys_shared *shared, const struct driver_args *args,
                             bool full);
void driver_keys_init(struct driver_keys *keys, struct driver_keys_shared *shared,
                      const struct driver_args *args, struct driver_random *random);
/* The key number of the next operation of a kind. */
uint64_t driver_keys_next(struct driver_keys *keys, enum driver_kind kind);
/* A bijection of [0, space) onto itself that looks like chance. */
uint64_t driver_keys_scatter(const struct driver_keys *keys, uint64_t rank);
/* REQUIRES: number < DRIVER_KEY_NUMBERS. */
void driver_key_format(uint64_t number, char key[DRIVER_KEY_BYTES]);

#endif
