#include "grown.h"

#include <assert.h>
#include <stdlib.h>

#include "check.h"

static_assert((int)LSM_GROWN_HEAP_MAX == (int)LSM_SLICE, "then two slices");

/* The room for so much: powers of two, so that bytes are moved less than twice. */
static size_t room_for(size_t size) {
    size_t room = 256;
    while (room < size) {
        room *= 2;
    }
    return room;
}

/* What room of this size is made of. */
static bool is_heap(const struct lsm_page_pool *pool, size_t room) {
    return pool == NULL || room <= LSM_GROWN_HEAP_MAX;
}

static bool is_sliced(const struct lsm_page_pool *pool, size_t room) {
    return !is_heap(pool, room) && room <= LSM_HUGE_PAGE;
}

static void give_back(struct lsm_grown *grown) {
    if (is_heap(grown->pool, grown->capacity)) {
        free(grown->data);
    } else if (is_sliced(grown->pool, grown->capacity)) {
        lsm_slices_give(grown->pool, grown->data, (uint32_t)(grown->capacity / LSM_SLICE));
    } else {
        lsm_pages_unmap(grown->data, grown->capacity);
    }
}

void lsm_grown_free(struct lsm_grown *grown) {
    give_back(grown);
    *grown = (struct lsm_grown){.pool = grown->pool};
}

static bool move_to(struct lsm_grown *grown, size_t room) {
    uint8_t *data;
    if (is_heap(grown->pool, room)) {
        data = realloc(grown->data, room);
    } else if (is_sliced(grown->pool, room)) {
        data = lsm_slices_take(grown->pool, (uint32_t)(room / LSM_SLICE));
    } else {
        data = lsm_pages_map_huge(room, true);
    }
    if (data == NULL) {
        return false;
    }
    if (!is_heap(grown->pool, room)) {
        if (grown->size > 0) {
            memcpy(data, grown->data, grown->size);
        }
        give_back(grown);
    }
    grown->data = data;
    grown->capacity = room;
    return true;
}

bool lsm_grown_make_room(struct lsm_grown *grown, size_t more) {
    LSM_ASSERT(more <= SIZE_MAX / 2 - grown->size);
    return move_to(grown, room_for(grown->size + more));
}

bool lsm_grown_fit(struct lsm_grown *grown, size_t size) {
    LSM_ASSERT(grown->data == NULL && size > 0 && size <= SIZE_MAX / 2);
    size_t unit = is_heap(grown->pool, size) ? 1
                  : size <= LSM_HUGE_PAGE    ? LSM_SLICE
                                             : LSM_HUGE_PAGE;
    return move_to(grown, (size + unit - 1) / unit * unit);
}
