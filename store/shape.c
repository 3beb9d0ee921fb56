/* shape.c: the live tables as a picture needs them: keys as positions on a line.
 *
 * A position is an order-preserving map of keys to 64 bits. The first eight bytes would do for
 * random keys, but real ones begin alike and use few byte values ("user000123"), and everything
 * would fall on one spot. So the bytes that all keys share are left out, and the others are read as
 * digits of a number whose base is the range of byte values seen at the ends of tables. Both only
 * ever widen, so positions settle after the first few tables. */
#include <stdlib.h>

#include "check.h"
#include "db.h"

uint64_t lsm_key_position(const struct lsm_key_space *space, const uint8_t *key, size_t key_size) {
    uint32_t base = (uint32_t)(space->high - space->low) + 2; /* 0 stands for "the key ended" */
    /* As many digits as fit 64 bits; the first has the greatest weight. */
    uint64_t weight = UINT64_MAX / base;
    uint64_t position = 0;
    for (size_t i = space->prefix_size; weight > 0; i++, weight /= base) {
        uint32_t digit = 0;
        if (i < key_size) {
            uint8_t byte = key[i];
            uint8_t clamped = byte < space->low    ? space->low
                              : byte > space->high ? space->high
                                                   : byte;
            digit = (uint32_t)(clamped - space->low) + 1;
        }
        position += digit * weight;
    }
    return position;
}

static void add_key(struct lsm_key_space *space, const uint8_t *key, uint32_t size) {
    if (!space->known) {
        space->prefix_size = size < sizeof space->prefix ? size : (uint32_t)sizeof space->prefix;
        memcpy(space->prefix, key, space->prefix_size);
        space->low = UINT8_MAX;
        space->high = 0;
        space->known = true;
    }
    uint32_t shared = 0;
    while (shared < space->prefix_size && shared < size && key[shared] == space->prefix[shared]) {
        shared++;
    }
    /* Bytes that fall out of the shared prefix become digits. */
    for (uint32_t i = shared; i < space->prefix_size; i++) {
        uint8_t byte = space->prefix[i];
        space->low = byte < space->low ? byte : space->low;
        space->high = byte > space->high ? byte : space->high;
    }
    space->prefix_size = shared;
    for (uint32_t i = shared; i < size && i < shared + 64; i++) {
        space->low = key[i] < space->low ? key[i] : space->low;
        space->high = key[i] > space->high ? key[i] : space->high;
    }
}

void lsm_key_space_add(struct lsm_key_space *space, const struct lsm_table_meta *meta) {
    add_key(space, meta->first_key, meta->first_key_size);
    add_key(space, meta->last_key, meta->last_key_size);
    if (space->low > space->high) { /* one key only so far */
        space->low = 0;
        space->high = UINT8_MAX;
    }
}

void lsm_table_describe(const struct lsm_db *db, const struct lsm_table_meta *meta, uint32_t level,
                        struct lsm_table_info *info) {
    *info = (struct lsm_table_info){
        .id = meta->id,
        .level = level,
        .busy = meta->busy,
        .bytes = meta->bytes,
        .entries = meta->entries,
        .tombstones = meta->tombstones,
        .lo = lsm_key_position(&db->key_space, meta->first_key, meta->first_key_size),
        .hi = lsm_key_position(&db->key_space, meta->last_key, meta->last_key_size),
        .created_unix_ms = meta->created_unix_ms,
    };
    LSM_ASSERT(info->lo <= info->hi);
}

int lsm_shape_read(const struct lsm_db *const_db, struct lsm_table_info *tables, size_t room,
                   size_t *total) {
    int rc = lsm_enter(const_db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_db *db = (struct lsm_db *)(uintptr_t)const_db; /* its lock changes */
    size_t n = 0;
    pthread_mutex_lock(&db->lock);
    const struct lsm_version *version = db->view->version;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
        for (size_t i = 0; i < version->level[l].count; i++, n++) {
            if (n < room) {
                lsm_table_describe(db, version->level[l].tables[i], l, &tables[n]);
            }
        }
    }
    pthread_mutex_unlock(&db->lock);
    *total = n;
    return 0;
}
