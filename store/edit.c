#include "check.h"
#include "entry.h"
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

/* Arrays begin at this size and double, so that room is a function of the count alone: full exactly
 * when the count is 0 or a power of two from here on. */
enum { FIRST_ROOM = 4 };

static bool is_full(size_t count) {
    return count == 0 || (count >= FIRST_ROOM && (count & (count - 1)) == 0);
}

/* Room for one more element; the array stays as it was on failure. */
static int grow(void **array, size_t count, size_t element_size) {
    if (!is_full(count)) {
        return 0;
    }
    size_t room = count == 0 ? FIRST_ROOM : 2 * count;
    LSM_ASSERT(room > count);
    void *larger = reallocarray(*array, room, element_size);
    if (larger == NULL) {
        return LSM_ERR_MEMORY;
    }
    *array = larger;
    return 0;
}

void lsm_edit_init(struct lsm_edit *edit) {
    *edit = (struct lsm_edit){0};
}

void lsm_edit_free(struct lsm_edit *edit, bool free_metas) {
    if (free_metas) {
        for (size_t i = 0; i < edit->added_count; i++) {
            lsm_table_meta_free(edit->added[i].meta);
        }
    }
    free(edit->added);
    free(edit->removed);
    free(edit->moved);
    free(edit->times);
    lsm_edit_init(edit);
}

int lsm_edit_add(struct lsm_edit *edit, uint32_t level, struct lsm_table_meta *meta) {
    LSM_ASSERT(level < LSM_LEVELS_MAX && meta != NULL);
    void *array = edit->added;
    int rc = grow(&array, edit->added_count, sizeof *edit->added);
    edit->added = array;
    if (rc == 0) {
        edit->added[edit->added_count++] = (struct lsm_edit_table){level, meta};
    }
    return rc;
}

int lsm_edit_remove(struct lsm_edit *edit, uint32_t level, uint64_t id) {
    LSM_ASSERT(level < LSM_LEVELS_MAX && id > 0);
    void *array = edit->removed;
    int rc = grow(&array, edit->removed_count, sizeof *edit->removed);
    edit->removed = array;
    if (rc == 0) {
        edit->removed[edit->removed_count++] = (struct lsm_edit_removal){level, id};
    }
    return rc;
}

int lsm_edit_move(struct lsm_edit *edit, uint32_t from, uint32_t to, uint64_t id) {
    LSM_ASSERT(from < LSM_LEVELS_MAX && to < LSM_LEVELS_MAX && id > 0);
    void *array = edit->moved;
    int rc = grow(&array, edit->moved_count, sizeof *edit->moved);
    edit->moved = array;
    if (rc == 0) {
        edit->moved[edit->moved_count++] = (struct lsm_edit_move){from, to, id};
    }
    return rc;
}

int lsm_edit_time(struct lsm_edit *edit, uint64_t seq, uint64_t unix_s) {
    LSM_ASSERT(seq <= LSM_SEQ_MAX);
    void *array = edit->times;
    int rc = grow(&array, edit->times_count, sizeof *edit->times);
    edit->times = array;
    if (rc == 0) {
        edit->times[edit->times_count++] = (struct lsm_time_point){seq, unix_s};
    }
    return rc;
}

struct lsm_table_meta *lsm_table_meta_create(void) {
    struct lsm_table_meta *meta = calloc(1, sizeof *meta);
    if (meta != NULL) {
        atomic_init(&meta->refs, 1);
        atomic_init(&meta->obsolete, false);
    }
    return meta;
}

void lsm_table_meta_free(struct lsm_table_meta *meta) {
    if (meta == NULL) {
        return;
    }
    free(meta->first_key);
    free(meta->last_key);
    free(meta);
}
