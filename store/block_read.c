#include "block_read.h"

#include <stdlib.h>

#include "check.h"
#include "key_prefix.h"
#include "status.h"

struct header {
    uint32_t shared;
    uint32_t unshared;
    uint64_t value_size;
    uint64_t tag;
};

bool lsm_block_view_init(struct lsm_block_view *view, const uint8_t *data, size_t length) {
    if (length < LSM_BLOCK_LENGTH_MIN || length > LSM_BLOCK_LENGTH_MAX) {
        return false;
    }
    uint32_t count = lsm_load32(data + length - 4);
    size_t room = (length - 4) / 4;
    if (count == 0 || count > room) {
        return false;
    }
    size_t end = length - 4 - (size_t)count * 4;
    if (end == 0 || lsm_load32(data + end) != 0) {
        return false;
    }
    *view = (struct lsm_block_view){data, (uint32_t)end, count};
    return true;
}

/* Reads an entry's header at `at` and checks that the whole entry lies before the restarts. NULL:
 * it does not, or it is not an entry. Else the key's tail. */
static inline const uint8_t *read_header(const struct lsm_block_view *view, uint32_t at,
                                         struct header *h) {
    if (__builtin_expect(at >= view->entries_end, 0)) {
        return NULL;
    }
    const uint8_t *p = view->data + at;
    const uint8_t *end = view->data + view->entries_end;
    if (__builtin_expect(end - p >= 12 && (p[0] | p[1]) < 128, 1)) {
        h->shared = p[0];
        h->unshared = p[1];
        p += 2;
        if (__builtin_expect(*p < 128, 1)) {
            h->value_size = *p++;
        } else {
            p = lsm_get_varint(p, end, &h->value_size);
        }
    } else {
        uint64_t shared, unshared;
        if ((p = lsm_get_varint(p, end, &shared)) == NULL ||
            (p = lsm_get_varint(p, end, &unshared)) == NULL) {
            return NULL;
        }
        if (shared > LSM_KEY_SIZE_MAX || unshared > LSM_KEY_SIZE_MAX) {
            return NULL;
        }
        h->shared = (uint32_t)shared;
        h->unshared = (uint32_t)unshared;
        p = lsm_get_varint(p, end, &h->value_size);
    }
    if (__builtin_expect(p == NULL || end - p < 8, 0)) {
        return NULL;
    }
    h->tag = lsm_load64(p);
    p += 8;
    uint64_t rest = (uint64_t)(end - p);
    bool fits = h->unshared <= rest && h->value_size <= rest - h->unshared;
    bool known = (h->tag & 0xff) <= LSM_TYPE_PUT;
    bool sound = (h->tag & 0xff) == LSM_TYPE_PUT || h->value_size == 0;
    return __builtin_expect(fits && known && sound, 1) ? p : NULL;
}

/* The entry at restart `index`, whose key is whole. */
static inline const uint8_t *read_restart(const struct lsm_block_view *view, uint32_t index,
                                          uint32_t *at, struct header *h) {
    LSM_ASSERT(index < view->restart_count);
    *at = lsm_load32(view->data + view->entries_end + (size_t)index * 4);
    const uint8_t *p = read_header(view, *at, h);
    return p != NULL && h->shared == 0 && h->unshared != 0 ? p : NULL;
}

static inline int compare_version(const uint8_t *key, size_t key_size, uint64_t entry_seq,
                                  const uint8_t *target, size_t target_size, uint64_t seq) {
    int c = lsm_key_compare(key, key_size, target, target_size);
    return c != 0 ? c : (entry_seq < seq) - (entry_seq > seq);
}

/* Offset of the last restart before (key, seq), or of the first one; false: damaged. */
static bool find_restart(const struct lsm_block_view *view, const uint8_t *key, size_t key_size,
                         uint64_t seq, uint32_t *at) {
    uint32_t low = 0;
    uint32_t high = view->restart_count; /* the answer lies in [low, high) */
    struct header h;
    *at = 0;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        uint32_t offset;
        const uint8_t *tail = read_restart(view, middle, &offset, &h);
        if (tail == NULL) {
            return false;
        }
        if (compare_version(tail, h.unshared, h.tag >> 8, key, key_size, seq) < 0) {
            low = middle;
            *at = offset;
        } else {
            high = middle;
        }
    }
    return true;
}

/* Walks without building keys: all it keeps of the key before is how many bytes it has in common
 * with the wanted one, `matched`, knowing that it sorts before. An entry that shares more than that
 * with its predecessor sorts before as well. */
enum lsm_block_found lsm_block_find(const struct lsm_block_view *view, const uint8_t *key,
                                    size_t key_size, uint64_t seq_max, struct lsm_entry *entry) {
    uint32_t at;
    if (!find_restart(view, key, key_size, seq_max, &at)) {
        return LSM_BLOCK_CORRUPT;
    }
    enum lsm_block_found absent = LSM_BLOCK_ABSENT;
    uint32_t matched = 0;
    uint32_t before_size = 0;
    while (at < view->entries_end) {
        struct header h;
        const uint8_t *tail = read_header(view, at, &h);
        if (tail == NULL || h.shared > before_size || h.shared + h.unshared == 0) {
            return LSM_BLOCK_CORRUPT;
        }
        const uint8_t *value = tail + h.unshared;
        before_size = h.shared + h.unshared;
        if (h.shared <= matched) {
            uint32_t more =
                (uint32_t)lsm_common_prefix(tail, h.unshared, key + h.shared, key_size - h.shared);
            matched = h.shared + more;
            if (more == h.unshared && matched == key_size) {
                if (h.tag >> 8 <= seq_max) {
                    *entry = (struct lsm_entry){
                        key,   (uint32_t)key_size, (enum lsm_type)(h.tag & 0xff), h.tag >> 8,
                        value, h.value_size};
                    return LSM_BLOCK_FOUND;
                }
                absent = LSM_BLOCK_TOO_NEW;
            } else if (matched == key_size || (more < h.unshared && tail[more] > key[matched])) {
                return absent;
            }
        }
        at = (uint32_t)(value + h.value_size - view->data);
    }
    return absent;
}

/* ---- iterating ---- */

void lsm_block_iter_init(struct lsm_block_iter *iter) {
    *iter = (struct lsm_block_iter){0};
}

void lsm_block_iter_free(struct lsm_block_iter *iter) {
    free(iter->key);
    lsm_block_iter_init(iter);
}

void lsm_block_iter_set(struct lsm_block_iter *iter, const struct lsm_block_view *view) {
    LSM_ASSERT(view->data != NULL && view->restart_count >= 1);
    iter->view = *view;
    iter->at = 0;
    iter->next = 0;
    iter->key_size = 0;
}

static bool grow_key(struct lsm_block_iter *iter, uint32_t size) {
    LSM_ASSERT(size <= LSM_KEY_SIZE_MAX);
    uint32_t capacity = size < 128 ? 256 : size * 2;
    uint8_t *key = realloc(iter->key, capacity);
    if (key == NULL) {
        return false;
    }
    iter->key = key;
    iter->key_capacity = capacity;
    return true;
}

int lsm_block_iter_next(struct lsm_block_iter *iter) {
    uint32_t at = iter->next;
    if (at >= iter->view.entries_end) {
        return LSM_BLOCK_ITER_END;
    }
    struct header h;
    const uint8_t *tail = read_header(&iter->view, at, &h);
    if (tail == NULL || h.shared > iter->key_size) {
        return LSM_ERR_CORRUPT;
    }
    uint32_t key_size = h.shared + h.unshared;
    if (key_size == 0 || key_size > LSM_KEY_SIZE_MAX) {
        return LSM_ERR_CORRUPT;
    }
    if (__builtin_expect(key_size > iter->key_capacity, 0) && !grow_key(iter, key_size)) {
        return LSM_ERR_MEMORY;
    }
    memcpy(iter->key + h.shared, tail, h.unshared);
    const uint8_t *value = tail + h.unshared;
    iter->key_size = key_size;
    iter->at = at;
    iter->next = (uint32_t)(value + h.value_size - iter->view.data);
    iter->entry.key = iter->key;
    iter->entry.key_size = key_size;
    iter->entry.type = (enum lsm_type)(h.tag & 0xff);
    iter->entry.seq = h.tag >> 8;
    iter->entry.value = value;
    iter->entry.value_size = h.value_size;
    return LSM_BLOCK_ITER_ENTRY;
}

/* Stands before the entry at `offset`, which begins a run of shared prefixes. */
static void stand_before(struct lsm_block_iter *iter, uint32_t offset) {
    iter->next = offset;
    iter->key_size = 0;
}

int lsm_block_iter_first(struct lsm_block_iter *iter) {
    stand_before(iter, 0);
    return lsm_block_iter_next(iter);
}

/* The entry that ends at `end`, found from the last restart before it. Every step moves forward, so
 * even in a damaged block the walk ends. */
static int entry_before(struct lsm_block_iter *iter, uint32_t end) {
    const uint8_t *restarts = iter->view.data + iter->view.entries_end;
    uint32_t low = 0;
    uint32_t high = iter->view.restart_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (lsm_load32(restarts + (size_t)middle * 4) < end) {
            low = middle;
        } else {
            high = middle;
        }
    }
    stand_before(iter, lsm_load32(restarts + (size_t)low * 4));
    int result;
    do {
        result = lsm_block_iter_next(iter);
    } while (result == LSM_BLOCK_ITER_ENTRY && iter->next < end);
    if (result == LSM_BLOCK_ITER_END || (result > 0 && iter->next != end)) {
        return LSM_ERR_CORRUPT;
    }
    return result;
}

int lsm_block_iter_last(struct lsm_block_iter *iter) {
    return entry_before(iter, iter->view.entries_end);
}

int lsm_block_iter_prev(struct lsm_block_iter *iter) {
    if (iter->at == 0) {
        return LSM_BLOCK_ITER_END;
    }
    return entry_before(iter, iter->at);
}

int lsm_block_iter_seek(struct lsm_block_iter *iter, const uint8_t *key, size_t key_size,
                        uint64_t seq) {
    uint32_t at;
    if (!find_restart(&iter->view, key, key_size, seq, &at)) {
        return LSM_ERR_CORRUPT;
    }
    stand_before(iter, at);
    int result;
    do {
        result = lsm_block_iter_next(iter);
    } while (result == LSM_BLOCK_ITER_ENTRY &&
             compare_version(iter->key, iter->key_size, iter->entry.seq, key, key_size, seq) < 0);
    return result;
}
