/* fuzz_block.c: any bytes as a block, behind a key to look for. libFuzzer's entry point; block_test
 * drives it as well. */
#include <stdlib.h>

#include "block_read.h"
#include "check.h"
#include "status.h"

/* Every move is bounded by the block's length, so even a damaged block's walk ends. */
static void walk(struct lsm_block_iter *iter, size_t size, bool backward) {
    int result = backward ? lsm_block_iter_last(iter) : lsm_block_iter_first(iter);
    size_t steps = 0;
    uint64_t sum = 0;
    while (result == LSM_BLOCK_ITER_ENTRY && steps++ < (backward ? 64 : size)) {
        const struct lsm_entry *entry = &iter->entry;
        LSM_ASSERT(entry->key_size >= 1 && entry->key_size <= LSM_KEY_SIZE_MAX);
        LSM_ASSERT(entry->value_size <= size);
        sum += entry->key[0] + (uint64_t)entry->key[entry->key_size - 1];
        sum += entry->value_size != 0 ? entry->value[entry->value_size - 1] : 0u;
        result = backward ? lsm_block_iter_prev(iter) : lsm_block_iter_next(iter);
    }
    LSM_ASSERT(result == LSM_BLOCK_ITER_END || result == LSM_BLOCK_ITER_ENTRY ||
               result == LSM_ERR_CORRUPT || result == LSM_ERR_MEMORY);
    LSM_ASSERT(backward || result != LSM_BLOCK_ITER_ENTRY);
    LSM_ASSERT(sum != UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first bytes choose the key looked for, the rest is the block. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    size_t key_size = 1 + data[0] % 32;
    uint64_t seq = data[1];
    if (size < 2 + key_size) {
        return 0;
    }
    const uint8_t *key = data + 2;
    size_t length = size - 2 - key_size;
    /* A copy of just that size, so that a step outside is caught. */
    uint8_t *copy = malloc(length + 1);
    LSM_ASSERT(copy != NULL);
    memcpy(copy, key + key_size, length);
    struct lsm_block_view view;
    if (lsm_block_view_init(&view, copy, length)) {
        struct lsm_entry entry;
        enum lsm_block_found found = lsm_block_find(&view, key, key_size, seq, &entry);
        if (found == LSM_BLOCK_FOUND) {
            LSM_ASSERT(entry.seq <= seq && entry.key_size == key_size);
            LSM_ASSERT(entry.value >= copy && entry.value + entry.value_size <= copy + length);
        }
        struct lsm_block_iter iter;
        lsm_block_iter_init(&iter);
        lsm_block_iter_set(&iter, &view);
        walk(&iter, length, false);
        walk(&iter, length, true);
        if (lsm_block_iter_seek(&iter, key, key_size, seq) == LSM_BLOCK_ITER_ENTRY &&
            lsm_block_iter_prev(&iter) == LSM_BLOCK_ITER_ENTRY) {
            LSM_ASSERT(lsm_block_iter_next(&iter) != LSM_BLOCK_ITER_END);
        }
        lsm_block_iter_free(&iter);
    }
    free(copy);
    return 0;
}
