#include "table_index.h"

#include <stdlib.h>

#include "check.h"
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
    if (record->offset != offset || record->length < LSM_BLOCK_LENGTH_MIN ||
        record->length > LSM_BLOCK_LENGTH_MAX || offset > blocks_end ||
        record->length > blocks_end - offset) {
        return false;
    }
    if (record->codec == LSM_CODEC_NONE && record->raw_length != record->length) {
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
        if (records[i].codec != LSM_CODEC_NONE) {
            *bad = i;
            rc = LSM_ERR_VERSION;
            goto fail;
        }
    }
    index->windows = malloc(count * sizeof *index->windows);
    if (index->windows == NULL) {
        rc = LSM_ERR_MEMORY;
        goto fail;
    }
    size_t first_size, last_size;
    const uint8_t *first = lsm_index_key(index, 0, &first_size);
    const uint8_t *last = lsm_index_key(index, count - 1, &last_size);
    index->prefix = lsm_common_prefix(first, first_size, last, last_size);
    for (size_t i = 0; i < count; i++) {
        size_t size;
        const uint8_t *key = lsm_index_key(index, i, &size);
        LSM_ASSERT(size >= index->prefix);
        index->windows[i] = lsm_key_window(key + index->prefix, size - index->prefix);
    }
    return 0;
fail:
    lsm_index_free(index);
    return rc;
}

void lsm_index_free(struct lsm_index *index) {
    free(index->records);
    free(index->keys);
    free(index->windows);
    *index = (struct lsm_index){0};
}

uint64_t lsm_index_bytes(const struct lsm_index *index) {
    uint64_t keys = index->count == 0 ? 0 : index->records[index->count - 1].key_end;
    return keys + index->count * (sizeof *index->records + sizeof *index->windows);
}

/* First window at or above w. Without a branch on the comparison, which no predictor would learn.
 */
static size_t find_window(const uint64_t *windows, size_t count, uint64_t w) {
    const uint64_t *base = windows;
    while (count > 1) {
        size_t half = count / 2;
        base += base[half - 1] < w ? half : 0;
        count -= half;
    }
    return (size_t)(base - windows) + (count == 1 && *base < w);
}

size_t lsm_index_find(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                      uint64_t seq) {
    size_t prefix = index->prefix;
    int c = memcmp(key, index->keys, key_size < prefix ? key_size : prefix);
    if (c != 0 || key_size < prefix) {
        return c <= 0 ? 0 : index->count;
    }
    uint64_t w = lsm_key_window(key + prefix, key_size - prefix);
    size_t low = find_window(index->windows, index->count, w);
    if (low == index->count || index->windows[low] != w) {
        return low;
    }
    size_t high = w == UINT64_MAX
                      ? index->count
                      : low + find_window(index->windows + low, index->count - low, w + 1);
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
