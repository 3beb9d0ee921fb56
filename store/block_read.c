#include "block_read.h"

#include <stdlib.h>

#include "check.h"
#include "key_prefix.h"
#include "status.h"

/* An entry, apart from its window. */
struct item {
    const uint8_t *rest; /* of the key; the value follows */
    uint32_t rest_size;
    uint32_t suffix_size;
    uint32_t value_size;
    enum lsm_type type;
    uint64_t seq;
};

/* Where entry i begins and ends; false: not in the block. */
static inline bool span(const struct lsm_block_view *view, uint32_t i, uint32_t *begin,
                        uint32_t *end) {
    const uint8_t *offsets = view->data + view->offsets_at;
    if (__builtin_expect(view->wide, 0)) {
        uint64_t both = lsm_load64(offsets + (size_t)i * 4);
        *begin = (uint32_t)both;
        *end = (uint32_t)(both >> 32);
    } else {
        uint32_t both = lsm_load32(offsets + (size_t)i * 2);
        *begin = both & 0xffff;
        *end = both >> 16;
    }
    return *begin >= view->entries_at && *begin < *end && *end <= view->length;
}

/* Reads entry i and checks that all of it lies in the block. */
static inline bool read_item(const struct lsm_block_view *view, uint32_t i, struct item *item) {
    uint32_t begin, end;
    LSM_ASSERT(i < view->entries);
    if (__builtin_expect(!span(view, i, &begin, &end), 0)) {
        return false;
    }
    uint32_t head = (uint32_t)view->tag_size + view->size_width;
    if (__builtin_expect(end - begin < head, 0)) {
        return false;
    }
    const uint8_t *p = view->data + begin;
    uint64_t tag = 0;
    if (__builtin_expect(begin + sizeof tag <= view->length, 1)) {
        tag = lsm_load64(p) & view->tag_mask;
    } else {
        memcpy(&tag, p, view->tag_size);
    }
    p += view->tag_size;
    item->suffix_size = view->size_width == 0   ? view->suffix_size
                        : view->size_width == 1 ? *p
                                                : lsm_load16(p);
    p += view->size_width;
    item->rest = p;
    item->rest_size =
        item->suffix_size > LSM_BLOCK_WINDOW ? item->suffix_size - LSM_BLOCK_WINDOW : 0;
    uint32_t room = end - begin - head;
    if (__builtin_expect(item->rest_size > room, 0)) {
        return false;
    }
    item->value_size = room - item->rest_size;
    uint32_t type = tag & ((1u << LSM_BLOCK_TYPE_BITS) - 1);
    item->type = (enum lsm_type)type;
    item->seq = view->seq_base + (tag >> LSM_BLOCK_TYPE_BITS);
    uint32_t key_size = view->prefix_size + item->suffix_size;
    return __builtin_expect(
        (type == LSM_TYPE_PUT || (type == LSM_TYPE_DELETE && item->value_size == 0)) &&
            item->seq <= LSM_SEQ_MAX && key_size >= 1 && key_size <= LSM_KEY_SIZE_MAX,
        1);
}

/* Only a block larger than a value may be can hold one that is too large. */
static bool values_fit(const struct lsm_block_view *view) {
    for (uint32_t i = 0; i < view->entries; i++) {
        struct item item;
        if (!read_item(view, i, &item) || item.value_size > LSM_VALUE_SIZE_MAX) {
            return false;
        }
    }
    return true;
}

bool lsm_block_view_init(struct lsm_block_view *view, const uint8_t *data, size_t length) {
    if (length < LSM_BLOCK_LENGTH_MIN || length > LSM_BLOCK_LENGTH_MAX) {
        return false;
    }
    struct lsm_block_header header;
    memcpy(&header, data, sizeof header);
    uint32_t widths = (uint32_t)(header.seq_widths & 0xff);
    uint32_t tag_size = widths & LSM_BLOCK_TAG_MASK;
    uint32_t size_width = (widths & LSM_BLOCK_SIZE_MASK) >> LSM_BLOCK_SIZE_SHIFT;
    bool wide = (widths & LSM_BLOCK_WIDE) != 0;
    uint32_t offset_size = wide ? 4 : 2;
    uint64_t n = header.entries;
    uint64_t offsets_at = sizeof header + n * 4;
    uint64_t prefix_at = offsets_at + (n + 1) * offset_size;
    uint64_t entries_at = prefix_at + header.prefix_size;
    bool sizes = size_width == 0 ? header.suffix_size != 0 : header.suffix_size == 0;
    if (n == 0 || entries_at >= length || tag_size < 1 || tag_size > 8 || size_width > 2 ||
        (widths & LSM_BLOCK_UNKNOWN) != 0 || !sizes ||
        header.prefix_size + header.suffix_size > LSM_KEY_SIZE_MAX) {
        return false;
    }
    const uint8_t *first = data + offsets_at;
    const uint8_t *last = first + n * offset_size;
    if ((wide ? lsm_load32(first) : lsm_load16(first)) != entries_at ||
        (wide ? lsm_load32(last) : lsm_load16(last)) != length) {
        return false;
    }
    *view = (struct lsm_block_view){
        .data = data,
        .seq_base = header.seq_widths >> 8,
        .tag_mask = UINT64_MAX >> (64 - 8 * tag_size),
        .length = (uint32_t)length,
        .entries = header.entries,
        .offsets_at = (uint32_t)offsets_at,
        .prefix_at = (uint32_t)prefix_at,
        .entries_at = (uint32_t)entries_at,
        .prefix_size = header.prefix_size,
        .suffix_size = header.suffix_size,
        .tag_size = (uint8_t)tag_size,
        .size_width = (uint8_t)size_width,
        .wide = wide,
    };
    return __builtin_expect(length <= LSM_VALUE_SIZE_MAX, 1) || values_fit(view);
}

static inline uint32_t window_at(const struct lsm_block_view *view, uint32_t i) {
    return lsm_load32(view->data + LSM_BLOCK_HEADER + (size_t)i * 4);
}

/* What is looked for, behind the block's prefix. */
struct target {
    const uint8_t *rest;
    uint32_t rest_size;
    uint32_t suffix_size;
    uint32_t window;
    uint64_t seq;
};

/* Makes the target. Not 0: the key sorts before (-1) or after (1) everything that has the prefix.
 */
static inline int aim(const struct lsm_block_view *view, const uint8_t *key, size_t key_size,
                      uint64_t seq, struct target *target) {
    size_t prefix = view->prefix_size;
    size_t common = lsm_common_prefix(key, key_size, view->data + view->prefix_at, prefix);
    if (__builtin_expect(common < prefix, 0)) {
        return common < key_size && key[common] > view->data[view->prefix_at + common] ? 1 : -1;
    }
    uint32_t suffix = (uint32_t)(key_size - prefix);
    uint32_t window = 0;
    if (__builtin_expect(suffix >= LSM_BLOCK_WINDOW, 1)) {
        window = __builtin_bswap32(lsm_load32(key + prefix));
        target->rest = key + prefix + LSM_BLOCK_WINDOW;
        target->rest_size = suffix - LSM_BLOCK_WINDOW;
    } else {
        memcpy(&window, key + prefix, suffix);
        window = __builtin_bswap32(window);
        target->rest = key + key_size;
        target->rest_size = 0;
    }
    target->suffix_size = suffix;
    target->window = window;
    target->seq = seq;
    return 0;
}

/* An entry of the same window against the target's key. Of two that end within the window the
 * zeros may be bytes of one and the end of the other: the sizes tell. */
static inline int compare_key(const struct item *item, const struct target *target) {
    uint32_t size = item->rest_size < target->rest_size ? item->rest_size : target->rest_size;
    uint32_t n = (uint32_t)lsm_common_prefix(item->rest, size, target->rest, size);
    if (n < size) {
        return item->rest[n] < target->rest[n] ? -1 : 1;
    }
    return (item->suffix_size > target->suffix_size) - (item->suffix_size < target->suffix_size);
}

/* The first window at or above w. */
static uint32_t window_bound(const struct lsm_block_view *view, uint32_t low, uint32_t high,
                             uint32_t w) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (window_at(view, middle) < w) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Entries whose window is the target's: [*low, *high). Of few, counting all is faster than halving:
 * it has no branch to guess. */
static inline void tied(const struct lsm_block_view *view, uint32_t w, uint32_t *low,
                        uint32_t *high) {
    enum { FEW = 128 };
    if (view->entries > FEW) {
        *low = window_bound(view, 0, view->entries, w);
        *high = w == UINT32_MAX ? view->entries : window_bound(view, *low, view->entries, w + 1);
        return;
    }
    const uint8_t *windows = view->data + LSM_BLOCK_HEADER;
    uint32_t below = 0;
    for (uint32_t i = 0; i < view->entries; i++) {
        below += lsm_load32(windows + (size_t)i * 4) < w;
    }
    *low = *high = below;
    while (*high < view->entries && window_at(view, *high) == w) {
        *high += 1;
    }
}

/* Index of the first entry at or after the target among those of its window. False: damaged. */
static inline bool search_tied(const struct lsm_block_view *view, const struct target *target,
                               uint32_t low, uint32_t high, uint32_t *at) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct item item;
        if (!read_item(view, middle, &item)) {
            return false;
        }
        int c = compare_key(&item, target);
        if (c < 0 || (c == 0 && item.seq > target->seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *at = low;
    return true;
}

enum lsm_block_found lsm_block_find(const struct lsm_block_view *view, const uint8_t *key,
                                    size_t key_size, uint64_t seq_max, struct lsm_entry *entry) {
    struct target target;
    uint32_t low, high;
    if (aim(view, key, key_size, seq_max, &target) != 0) {
        return LSM_BLOCK_ABSENT;
    }
    tied(view, target.window, &low, &high);
    /* Versions of the key that are old enough come after those that are not: the last one that the
     * halving meets is the newest of them. */
    enum lsm_block_found found = LSM_BLOCK_ABSENT;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct item item;
        if (!read_item(view, middle, &item)) {
            return LSM_BLOCK_CORRUPT;
        }
        int c = compare_key(&item, &target);
        if (c < 0 || (c == 0 && item.seq > seq_max)) {
            found = c == 0 && found == LSM_BLOCK_ABSENT ? LSM_BLOCK_TOO_NEW : found;
            low = middle + 1;
            continue;
        }
        if (c == 0) {
            *entry = (struct lsm_entry){key,      (uint32_t)key_size,         item.type,
                                        item.seq, item.rest + item.rest_size, item.value_size};
            found = LSM_BLOCK_FOUND;
        }
        high = middle;
    }
    return found;
}

void lsm_block_prefetch(const struct lsm_block_view *view, const uint8_t *key, size_t key_size) {
    enum { LINE = 64, LINES_MAX = 8 };
    struct target target;
    uint32_t low, high, begin, end;
    if (aim(view, key, key_size, 0, &target) != 0) {
        return;
    }
    tied(view, target.window, &low, &high);
    if (low < high && span(view, low, &begin, &end)) {
        const uint8_t *p = view->data + begin;
        for (uint32_t i = 0; i < LINES_MAX && begin + i * LINE < end; i++) {
            __builtin_prefetch(p + (size_t)i * LINE);
        }
        __builtin_prefetch(view->data + end - 1);
    }
}

/* ---- iterating ---- */

void lsm_block_iter_init(struct lsm_block_iter *iter) {
    *iter = (struct lsm_block_iter){0};
}

void lsm_block_iter_free(struct lsm_block_iter *iter) {
    if (iter->key != iter->room) {
        free(iter->key);
    }
    lsm_block_iter_init(iter);
}

void lsm_block_iter_set(struct lsm_block_iter *iter, const struct lsm_block_view *view) {
    LSM_ASSERT(view->data != NULL && view->entries >= 1);
    iter->view = *view;
    iter->at = 0;
}

/* Room for a key of `size` bytes and, behind it, for a window written whole. */
static bool grow_key(struct lsm_block_iter *iter, uint32_t size) {
    LSM_ASSERT(size <= LSM_KEY_SIZE_MAX);
    if (size + LSM_BLOCK_WINDOW <= sizeof iter->room) {
        LSM_ASSERT(iter->key == NULL);
        iter->key = iter->room;
        iter->key_capacity = sizeof iter->room;
        return true;
    }
    bool inside = iter->key == iter->room;
    uint32_t capacity = size < 128 ? 256 : size * 2;
    uint8_t *key = realloc(inside ? NULL : iter->key, capacity);
    if (key == NULL) {
        return false;
    }
    if (inside) {
        memcpy(key, iter->room, sizeof iter->room);
    }
    iter->key = key;
    iter->key_capacity = capacity;
    return true;
}

/* Shows entry i, whose block's prefix is in the key buffer already. */
static inline int show(struct lsm_block_iter *iter, uint32_t i) {
    struct item item;
    const struct lsm_block_view *view = &iter->view;
    if (__builtin_expect(!read_item(view, i, &item), 0)) {
        return LSM_ERR_CORRUPT;
    }
    uint32_t key_size = view->prefix_size + item.suffix_size;
    if (__builtin_expect(key_size + LSM_BLOCK_WINDOW > iter->key_capacity, 0) &&
        !grow_key(iter, key_size)) {
        return LSM_ERR_MEMORY;
    }
    uint8_t *suffix = iter->key + view->prefix_size;
    lsm_store32(suffix, __builtin_bswap32(window_at(view, i)));
    if (item.rest_size > 0) {
        lsm_copy_short(suffix + LSM_BLOCK_WINDOW, item.rest, item.rest_size);
    }
    iter->at = i;
    iter->entry.key = iter->key;
    iter->entry.key_size = key_size;
    iter->entry.type = item.type;
    iter->entry.seq = item.seq;
    iter->entry.value = item.rest + item.rest_size;
    iter->entry.value_size = item.value_size;
    return LSM_BLOCK_ITER_ENTRY;
}

/* Shows entry i after a jump from anywhere. */
static int jump(struct lsm_block_iter *iter, uint32_t i) {
    const struct lsm_block_view *view = &iter->view;
    uint32_t prefix = view->prefix_size;
    if (__builtin_expect(prefix + LSM_BLOCK_WINDOW > iter->key_capacity, 0) &&
        !grow_key(iter, prefix)) {
        return LSM_ERR_MEMORY;
    }
    memcpy(iter->key, view->data + view->prefix_at, prefix);
    return show(iter, i);
}

int lsm_block_iter_first(struct lsm_block_iter *iter) {
    return jump(iter, 0);
}

int lsm_block_iter_last(struct lsm_block_iter *iter) {
    return jump(iter, iter->view.entries - 1);
}

int lsm_block_iter_next(struct lsm_block_iter *iter) {
    return iter->at + 1 < iter->view.entries ? show(iter, iter->at + 1) : LSM_BLOCK_ITER_END;
}

int lsm_block_iter_prev(struct lsm_block_iter *iter) {
    return iter->at > 0 ? show(iter, iter->at - 1) : LSM_BLOCK_ITER_END;
}

int lsm_block_iter_seek(struct lsm_block_iter *iter, const uint8_t *key, size_t key_size,
                        uint64_t seq) {
    const struct lsm_block_view *view = &iter->view;
    struct target target;
    uint32_t at = 0;
    int side = aim(view, key, key_size, seq, &target);
    if (side == 0) {
        uint32_t low, high;
        tied(view, target.window, &low, &high);
        if (!search_tied(view, &target, low, high, &at)) {
            return LSM_ERR_CORRUPT;
        }
    } else if (side > 0) {
        at = view->entries;
    }
    return at < view->entries ? jump(iter, at) : LSM_BLOCK_ITER_END;
}
