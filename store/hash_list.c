#include "hash_list.h"

#include "check.h"

static uint64_t *hashes_at(uint8_t *bytes) {
    return (uint64_t *)(void *)bytes; /* the heap's and pages' alignment suffices */
}

static bool grow_first(struct lsm_hash_list *list) {
    struct lsm_grown *first = &list->first;
    first->size = (size_t)list->count * sizeof(uint64_t);
    if (!lsm_grown_reserve(first, sizeof(uint64_t))) {
        return false;
    }
    LSM_ASSERT(first->capacity <= LSM_HUGE_PAGE);
    list->next = hashes_at(first->data) + list->count;
    list->end = hashes_at(first->data) + first->capacity / sizeof(uint64_t);
    return true;
}

bool lsm_hash_list_make_room(struct lsm_hash_list *list) {
    if (list->count < LSM_HASH_PAGE) {
        return grow_first(list);
    }
    LSM_ASSERT(list->count % LSM_HASH_PAGE == 0);
    struct lsm_page *page = lsm_page_take(list->first.pool);
    if (page == NULL) {
        return false;
    }
    if (list->last != NULL) {
        list->last->next = page;
    } else {
        list->page = page;
    }
    page->next = NULL;
    list->last = page;
    list->next = hashes_at(page->bytes);
    list->end = list->next + LSM_HASH_PAGE;
    return true;
}

void lsm_hash_list_filter(const struct lsm_hash_list *list, const struct lsm_filter_plan *plan,
                          uint8_t *filter) {
    lsm_filter_begin(plan, list->count, filter);
    uint64_t run = list->count < LSM_HASH_PAGE ? list->count : LSM_HASH_PAGE;
    lsm_filter_add(filter, hashes_at(list->first.data), run);
    uint64_t done = run;
    for (const struct lsm_page *page = list->page; page != NULL; page = page->next) {
        run = list->count - done < LSM_HASH_PAGE ? list->count - done : LSM_HASH_PAGE;
        lsm_filter_add(filter, hashes_at(page->bytes), run);
        done += run;
    }
    LSM_ASSERT(done == list->count);
}

void lsm_hash_list_free(struct lsm_hash_list *list) {
    struct lsm_page_pool *pool = list->first.pool;
    lsm_grown_free(&list->first);
    lsm_page_give_all(pool, list->page);
    *list = (struct lsm_hash_list){.first.pool = pool};
}
