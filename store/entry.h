/* entry.h: one version of one key, and the interface of everything that yields them in order.
 *
 * Order:      key ascending (memcmp, then length), sequence descending: the newest version of a key
 *             comes first.
 *
 * A source is positioned by first/last/seek and moved by next/prev; `entry` is what it stands on
 * while `valid`. When it is not valid, `status` tells the end (0) from an error. Sources stand on
 * one thread. Entry pointers stay valid until the source moves or is destroyed, unless the source
 * says more. */
#ifndef LSM_ENTRY_H
#define LSM_ENTRY_H

#include "bytes.h"

enum lsm_type { LSM_TYPE_DELETE = 0, LSM_TYPE_PUT = 1 }; /* persisted: frozen */

#define LSM_SEQ_MAX ((UINT64_C(1) << 56) - 1) /* sequences start at 1 and take 56 bits */

struct lsm_entry {
    const uint8_t *key;
    uint32_t key_size;
    enum lsm_type type;
    uint64_t seq;
    const uint8_t *value; /* empty for a delete */
    uint64_t value_size;
};

static inline int lsm_key_compare(const uint8_t *a, size_t a_size, const uint8_t *b,
                                  size_t b_size) {
    size_t size = a_size < b_size ? a_size : b_size;
    if (size >= 8) { /* most keys differ in their first word: no call */
        uint64_t x = lsm_load64(a), y = lsm_load64(b);
        if (x != y) {
            return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
        }
    }
    int c = memcmp(a, b, size);
    return c != 0 ? c : (a_size > b_size) - (a_size < b_size);
}
static inline int lsm_entry_compare(const struct lsm_entry *a, const struct lsm_entry *b) {
    int c = lsm_key_compare(a->key, a->key_size, b->key, b->key_size);
    return c != 0 ? c : (a->seq < b->seq) - (a->seq > b->seq);
}

enum { LSM_AIM_STEPS = 3 };

struct lsm_fault;
struct lsm_source;
struct lsm_source_ops {
    void (*first)(struct lsm_source *source);
    void (*last)(struct lsm_source *source);
    /* First entry at or after (key, seq): with seq LSM_SEQ_MAX the newest version of the first key
     * >= key. */
    void (*seek)(struct lsm_source *source, const uint8_t *key, size_t key_size, uint64_t seq);
    /* A seek to the same place follows, and nothing before it: asks memory for what that will read,
     * in LSM_AIM_STEPS steps, each for what the next one reads. With many sources every step is
     * taken in all of them before the next, so that their waits overlap. NULL: nothing to ask for.
     */
    void (*aim)(struct lsm_source *source, const uint8_t *key, size_t key_size, uint64_t seq,
                unsigned step);
    void (*next)(struct lsm_source *source); /* REQUIRES: valid */
    void (*prev)(struct lsm_source *source); /* REQUIRES: valid */
    void (*destroy)(struct lsm_source *source);
};
struct lsm_source {
    const struct lsm_source_ops *ops;
    /* What it stands on, while valid: its own or, of a merge, the input's, where it is not copied
     * on the way. */
    const struct lsm_entry *entry;
    bool valid;
    int status; /* 0, or the error that ended it; stays until the next positioning */
    const struct lsm_fault *fault; /* the error in words, the source's own; NULL: none to add */
};

/* Something a value can be pinned in: a block, a memtable, a copy. Embedded first in what it pins.
 */
struct lsm_pin {
    void (*release)(struct lsm_pin *pin);
};

#endif
