#include "grown.h"

#include <stdlib.h>

#include "check.h"

/* The room for so much: powers of two, so that bytes are moved less than twice. */
static size_t room_for(size_t size) {
    size_t room = 256;
    while (room < size) {
        room *= 2;
    }
    return room;
}

static bool is_mapped(const struct lsm_grown *grown) {
    return grown->page == NULL && grown->capacity > LSM_GROWN_HEAP_MAX;
}

static void give_back(struct lsm_grown *grown) {
    if (grown->page != NULL) {
        lsm_page_give(grown->pool, grown->page);
    } else if (is_mapped(grown)) {
        lsm_pages_unmap(grown->data, grown->capacity);
    } else {
        free(grown->data);
    }
}

void lsm_grown_free(struct lsm_grown *grown) {
    give_back(grown);
    *grown = (struct lsm_grown){.pool = grown->pool};
}

bool lsm_grown_make_room(struct lsm_grown *grown, size_t more) {
    LSM_ASSERT(more <= SIZE_MAX / 2 - grown->size);
    size_t room = room_for(grown->size + more);
    if (room <= LSM_GROWN_HEAP_MAX) {
        LSM_ASSERT(grown->page == NULL && !is_mapped(grown));
        uint8_t *data = realloc(grown->data, room);
        if (data != NULL) {
            grown->data = data;
            grown->capacity = room;
        }
        return data != NULL;
    }
    struct lsm_grown next = {.pool = grown->pool, .size = grown->size};
    if (room <= LSM_HUGE_PAGE) {
        next.page = lsm_page_take(next.pool);
        next.data = next.page != NULL ? next.page->bytes : NULL;
        next.capacity = LSM_HUGE_PAGE;
    } else {
        next.data = lsm_pages_map_huge(room, true);
        next.capacity = room;
    }
    if (next.data == NULL) {
        return false;
    }
    if (grown->size > 0) {
        memcpy(next.data, grown->data, grown->size);
    }
    give_back(grown);
    *grown = next;
    return true;
}
