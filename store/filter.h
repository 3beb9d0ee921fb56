/* filter.h: a Bloom filter in cache lines: one probe of a key touches one line.
 *
 * A key's 64-bit hash chooses a line by its upper half (multiplied out to the number of lines) and
 * the bits in it by its halves exchanged, remixed once a bit. A blocked filter answers "maybe" more
 * often than a classic one of the same size, since keys fall unevenly on the lines: size and number
 * of probes are therefore found by computing what that unevenness costs, so that the configured
 * rate is kept.
 *
 * Threads:    the functions hold no state.
 * Errors:     lsm_filter_probe takes only a header that lsm_filter_look accepted. */
#ifndef LSM_FILTER_H
#define LSM_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "checksum.h"
#include "table_format.h"

enum { LSM_FILTER_LINE = 64, LSM_FILTER_LINE_BITS = 512, LSM_FILTER_PROBES_MAX = 24 };
#define LSM_FILTER_LINES_MAX UINT32_MAX                   /* 256 GiB of filter */
#define LSM_FILTER_SEED      UINT64_C(0x6c736d66696c7465) /* part of the format */

static inline uint64_t lsm_filter_hash(const void *key, size_t key_size) {
    return lsm_checksum(LSM_FILTER_SEED, key, key_size);
}

/* Zeros before a filter that begins at this offset of a file, or behind. */
static inline uint64_t lsm_filter_zeros(uint64_t offset) {
    return (LSM_FILTER_LINE - offset % LSM_FILTER_LINE) % LSM_FILTER_LINE;
}

struct lsm_filter_plan {
    double bits_per_key;
    uint32_t probes;
};
/* REQUIRES: 0.000001 <= fpr <= 0.5. Some 10 us. */
struct lsm_filter_plan lsm_filter_plan(double fpr);
/* The rate to be expected of a filter with so many keys a line on average. */
double lsm_filter_expected(double keys_per_line, uint32_t probes);

uint64_t lsm_filter_bytes(const struct lsm_filter_plan *plan, uint64_t keys); /* header included */
/* Fills filter[lsm_filter_bytes(plan, count)], header and lines, from the keys' hashes. */
void lsm_filter_build(const struct lsm_filter_plan *plan, const uint64_t *hashes, uint64_t count,
                      uint8_t *filter);
/* The same in steps: first an empty one for `count` keys, then the hashes, in any number of runs.
 */
void lsm_filter_begin(const struct lsm_filter_plan *plan, uint64_t count, uint8_t *filter);
void lsm_filter_add(uint8_t *filter, const uint64_t *hashes, uint64_t count);

struct lsm_filter_view {
    const uint8_t *bits; /* of the first line */
    uint64_t lines;
    uint32_t probes;
};
/* True when filter[0..length) is a whole filter that probe can take, which is then in *view. The
 * bytes may be anything, and change under it. */
bool lsm_filter_look(const uint8_t *filter, uint64_t length, struct lsm_filter_view *view);
/* The same filter elsewhere. */
static inline void lsm_filter_move(struct lsm_filter_view *view, const uint8_t *filter) {
    view->bits = filter + sizeof(struct lsm_filter_header);
}

/* REQUIRES: lines at most LSM_FILTER_LINES_MAX, so that the product fits. */
static inline uint64_t lsm_filter_line_of(uint64_t hash, uint64_t lines) {
    return (hash >> 32) * lines >> 32;
}
/* False: the key is not there. */
static inline bool lsm_filter_probe(const struct lsm_filter_view *view, uint64_t hash) {
    const uint8_t *line = view->bits + lsm_filter_line_of(hash, view->lines) * LSM_FILTER_LINE;
    uint64_t h = hash << 32 | hash >> 32;
    /* All bits, where one may suffice: at which one it ends no predictor would learn. Gets of
     * absent keys over 2 M entries in five tables, switched every 20 ms in one process: 198 ns, 218
     * when it ended; of present ones 2 % faster. */
    uint32_t all = 1;
    for (uint32_t i = 0; i < view->probes; i++) {
        h *= UINT64_C(0x9e3779b97f4a7c15);
        uint32_t bit = (uint32_t)(h >> 55);
        all &= (uint32_t)line[bit >> 3] >> (bit & 7);
    }
    return (all & 1) != 0;
}

#endif
