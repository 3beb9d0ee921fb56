#include "table_index.h"

#include <stdlib.h>

#include "check.h"
#include "codec.h"
#include "entry.h"
#include "key_prefix.h"
#include "status.h"

/* Separator i against (key, seq), in entry order. */
static int compare_separator(const struct lsm_index *index, size_t i, const uint8_t *key,
                             size_t key_size, uint64_t seq) {
    size_t size;
    const uint8_t *separator = lsm_index_key(index, i, &size);
    int c = lsm_key_compare(separator, size, key, key_size);
    uint64_t own = index->records[i].seq;
    return c != 0 ? c : (own < seq) - (own > seq);
}

/* Blocks follow one another from the file's start, separators ascend, nothing points outside. */
static bool check_record(const struct lsm_index *index, size_t i, uint64_t keys_length,
                         uint64_t blocks_end) {
    const struct lsm_index_record *record = &index->records[i];
    uint64_t offset = i == 0 ? 0 : record[-1].offset + record[-1].length;
    uint64_t key_begin = i == 0 ? 0 : record[-1].key_end;
    if (record->offset != offset || record->length == 0 || offset > blocks_end ||
        record->length > blocks_end - offset) {
        return false;
    }
    bool packed = record->codec != LSM_CODEC_NONE;
    if (record->raw_length < LSM_BLOCK_LENGTH_MIN || record->raw_length > LSM_BLOCK_LENGTH_MAX ||
        (packed ? lsm_codec_is_known(record->codec) && record->length >= record->raw_length
                : record->length != record->raw_length)) {
        return false;
    }
    if (record->key_end <= key_begin || record->key_end > keys_length ||
        record->key_end - key_begin > LSM_KEY_SIZE_MAX || record->entries == 0) {
        return false;
    }
    size_t size;
    const uint8_t *key = lsm_index_key(index, i, &size);
    return i == 0 || compare_separator(index, i - 1, key, size, record->seq) < 0;
}

/* The whole must be covered: the last block ends where the blocks do, the last key where the keys.
 */
static bool check_records(const struct lsm_index *index, uint64_t keys_length, uint64_t blocks_end,
                          size_t *bad) {
    for (size_t i = 0; i < index->count; i++) {
        if (!check_record(index, i, keys_length, blocks_end)) {
            *bad = i;
            return false;
        }
    }
    const struct lsm_index_record *last = &index->records[index->count - 1];
    *bad = index->count - 1;
    return last->offset + last->length == blocks_end && last->key_end == keys_length;
}

static int make_groups(struct lsm_index *index) {
    size_t count = index->count;
    index->group_count = (count + LSM_INDEX_GROUP - 1) / LSM_INDEX_GROUP;
    index->groups =
        aligned_alloc(_Alignof(struct lsm_index_group), index->group_count * sizeof *index->groups);
    index->tops = malloc(index->group_count * sizeof *index->tops);
    if (index->groups == NULL || index->tops == NULL) {
        return LSM_ERR_MEMORY;
    }
    size_t first_size, last_size;
    const uint8_t *first = lsm_index_key(index, 0, &first_size);
    const uint8_t *last = lsm_index_key(index, count - 1, &last_size);
    index->prefix = lsm_common_prefix(first, first_size, last, last_size);
    const struct lsm_index_record *end = &index->records[count - 1];
    for (size_t i = 0; i < index->group_count * LSM_INDEX_GROUP; i++) {
        struct lsm_index_group *group = &index->groups[i / LSM_INDEX_GROUP];
        size_t slot = i % LSM_INDEX_GROUP;
        group->window[slot] = UINT64_MAX;
        group->offset[slot] = end->offset + end->length;
        if (i < count) {
            size_t size;
            const uint8_t *key = lsm_index_key(index, i, &size);
            LSM_ASSERT(size >= index->prefix);
            group->window[slot] = lsm_key_window(key + index->prefix, size - index->prefix);
            group->offset[slot] = index->records[i].offset;
            group->offset[slot + 1] = group->offset[slot] + index->records[i].length;
            index->tops[i / LSM_INDEX_GROUP] = group->window[slot];
        }
    }
    return 0;
}

int lsm_index_make(struct lsm_index *index, struct lsm_index_record *records, size_t count,
                   uint8_t *keys, uint64_t keys_length, uint64_t blocks_end, size_t *bad) {
    LSM_ASSERT(count >= 1 && records != NULL && keys != NULL);
    *index = (struct lsm_index){.records = records, .keys = keys, .count = count};
    *bad = 0;
    int rc = 0;
    if (!check_records(index, keys_length, blocks_end, bad)) {
        rc = LSM_ERR_CORRUPT;
        goto fail;
    }
    for (size_t i = 0; i < count; i++) {
        if (!lsm_codec_is_known(records[i].codec)) {
            *bad = i;
            rc = LSM_ERR_VERSION;
            goto fail;
        }
    }
    rc = make_groups(index);
    if (rc == 0) {
        return 0;
    }
fail:
    lsm_index_free(index);
    return rc;
}

void lsm_index_free(struct lsm_index *index) {
    free(index->records);
    free(index->keys);
    free(index->groups);
    free(index->tops);
    *index = (struct lsm_index){0};
}

uint64_t lsm_index_bytes(const struct lsm_index *index) {
    uint64_t keys = index->count == 0 ? 0 : index->records[index->count - 1].key_end;
    return keys + index->count * sizeof *index->records +
           index->group_count * (sizeof *index->groups + sizeof *index->tops);
}

/* The group that holds the first window at or above w; group_count when there is none. Without a
 * branch on the comparisons, which no predictor would learn. */
static size_t find_group(const struct lsm_index *index, uint64_t w) {
    const uint64_t *base = index->tops;
    size_t count = index->group_count;
    while (count > 1) {
        size_t half = count / 2;
        base += half & -(size_t)(base[half - 1] < w); /* a mask: the compiler leaves it one */
        count -= half;
    }
    return (size_t)(base - index->tops) + (*base < w);
}

/* First block whose window is at or above w; count when there is none. */
static size_t find_window(const struct lsm_index *index, uint64_t w) {
    size_t g = find_group(index, w);
    if (g == index->group_count) {
        return index->count;
    }
    const struct lsm_index_group *group = &index->groups[g];
    size_t slot = 0;
    for (size_t i = 0; i < LSM_INDEX_GROUP; i++) {
        slot += group->window[i] < w;
    }
    return g * LSM_INDEX_GROUP + slot;
}

static uint64_t window_of(const struct lsm_index *index, size_t i) {
    return index->groups[i / LSM_INDEX_GROUP].window[i % LSM_INDEX_GROUP];
}

size_t lsm_index_find(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                      uint64_t seq) {
    size_t prefix = index->prefix;
    int c = memcmp(key, index->keys, key_size < prefix ? key_size : prefix);
    if (c != 0 || key_size < prefix) {
        return c <= 0 ? 0 : index->count;
    }
    uint64_t w = lsm_key_window(key + prefix, key_size - prefix);
    size_t low = find_window(index, w);
    if (low == index->count || window_of(index, low) != w) {
        return low;
    }
    size_t high = w == UINT64_MAX ? index->count : find_window(index, w + 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_separator(index, middle, key, key_size, seq) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void lsm_index_prefetch(const struct lsm_index *index, const uint8_t *key, size_t key_size) {
    size_t prefix = index->prefix;
    if (key_size < prefix) {
        return;
    }
    size_t g = find_group(index, lsm_key_window(key + prefix, key_size - prefix));
    if (g < index->group_count) {
        __builtin_prefetch(&index->groups[g].window);
        __builtin_prefetch(&index->groups[g].offset);
    }
}

uint32_t lsm_index_guess(const struct lsm_index *index, size_t i, const uint8_t *key,
                         size_t key_size) {
    if (key_size < index->prefix) {
        return 0;
    }
    uint64_t w = lsm_key_window(key + index->prefix, key_size - index->prefix);
    uint64_t high = window_of(index, i);
    /* The last window of the group before stands among the tops, in a near cache. */
    uint64_t low = i == 0                     ? 0
                   : i % LSM_INDEX_GROUP == 0 ? index->tops[i / LSM_INDEX_GROUP - 1]
                                              : window_of(index, i - 1);
    if (w <= low || high <= w) {
        return w <= low ? 0 : UINT16_MAX;
    }
    /* Signed, because that is one instruction; half of either, so that it fits. */
    float part = (float)(int64_t)((w - low) / 2) / (float)(int64_t)((high - low) / 2 + 1);
    return (uint32_t)(part * UINT16_MAX);
}
