/* grown.h: bytes that become more, and nobody knows how many: from the heap while they are few, in
 * slices of a pool's page from LSM_GROWN_HEAP_MAX on, and in a mapping of their own beyond a page.
 * Without a pool they stay in the heap.
 *
 * A heap that grows to megabytes and gives them back is touched anew each time, see page_pool.h.
 *
 * Threads:    one.
 * Ownership:  lsm_grown_free gives back what was taken.
 * Errors:     false: out of memory; what was there stays. */
#ifndef LSM_GROWN_H
#define LSM_GROWN_H

#include <stddef.h>
#include <string.h>

#include "page_pool.h"

enum { LSM_GROWN_HEAP_MAX = 128 << 10 };

struct lsm_grown {
    uint8_t *data;
    size_t size, capacity;
    struct lsm_page_pool *pool; /* borrowed; may be NULL */
};

/* Room for `size` bytes in all, and hardly more, where that is known. REQUIRES: it has none yet. */
bool lsm_grown_fit(struct lsm_grown *grown, size_t size);
bool lsm_grown_make_room(struct lsm_grown *grown, size_t more);
void lsm_grown_free(struct lsm_grown *grown);

/* Room for `more` bytes behind the size. */
static inline bool lsm_grown_reserve(struct lsm_grown *grown, size_t more) {
    return __builtin_expect(more <= grown->capacity - grown->size, 1) ||
           lsm_grown_make_room(grown, more);
}
static inline bool lsm_grown_append(struct lsm_grown *grown, const void *data, size_t size) {
    if (!lsm_grown_reserve(grown, size)) {
        return false;
    }
    if (size > 0) {
        memcpy(grown->data + grown->size, data, size);
    }
    grown->size += size;
    return true;
}

#endif
