/* hash_list.h: the hashes of a table's keys, until its filter is made of them.
 *
 * Four megabytes for half a million keys: a run in the heap for a small table, then page after page
 * of a pool, so that nothing is moved as they become more.
 *
 * Threads:    one.
 * Ownership:  lsm_hash_list_free gives back what was taken.
 * Errors:     false: out of memory; the list is as it was. */
#ifndef LSM_HASH_LIST_H
#define LSM_HASH_LIST_H

#include <stddef.h>

#include "filter.h"
#include "grown.h"

enum { LSM_HASH_PAGE = LSM_HUGE_PAGE / 8 }; /* hashes on a page */

struct lsm_hash_list {
    uint64_t count;
    uint64_t *next, *end;         /* of the newest run */
    struct lsm_grown first;       /* the first run, a page at most; names the pool */
    struct lsm_page *page, *last; /* further runs, in order */
};

bool lsm_hash_list_make_room(struct lsm_hash_list *list);
/* Fills filter[lsm_filter_bytes(plan, list->count)]. */
void lsm_hash_list_filter(const struct lsm_hash_list *list, const struct lsm_filter_plan *plan,
                          uint8_t *filter);
void lsm_hash_list_free(struct lsm_hash_list *list);

static inline bool lsm_hash_list_add(struct lsm_hash_list *list, uint64_t hash) {
    if (__builtin_expect(list->next == list->end, 0) && !lsm_hash_list_make_room(list)) {
        return false;
    }
    *list->next++ = hash;
    list->count++;
    return true;
}

#endif
