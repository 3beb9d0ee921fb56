/* block_cache_test.c: blocks are found, bounded, pinned, forgotten, and shared between threads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "block_cache.h"
#include "table_kit.h"

static uint64_t seed;

enum { BLOCK = 4096 };

static void fill(struct lsm_block *block) {
    uint64_t stamp = block->table_id * 1000003 + block->offset;
    for (size_t i = 0; i + 8 <= block->length; i += 8) {
        memcpy(block->data + i, &stamp, 8);
    }
}

static bool intact(const struct lsm_block *block, uint64_t table_id, uint64_t offset) {
    uint64_t stamp = table_id * 1000003 + offset;
    return block->table_id == table_id && block->offset == offset &&
           memcmp(block->data, &stamp, 8) == 0 &&
           memcmp(block->data + block->length / 8 * 8 - 8, &stamp, 8) == 0;
}

/* A block with the caller's reference, out of the cache or newly put into it. */
static struct lsm_block *obtain(struct lsm_block_cache *cache, uint64_t table_id, uint64_t offset,
                                uint32_t length) {
    struct lsm_block *block = lsm_block_cache_find(cache, table_id, offset);
    if (block == NULL) {
        block = lsm_block_create(cache, table_id, offset, length);
        if (block == NULL) {
            abort();
        }
        fill(block);
        block = lsm_block_cache_insert(cache, block);
    }
    return block;
}

static bool is_there(struct lsm_block_cache *cache, uint64_t table_id, uint64_t offset) {
    struct lsm_block *block = lsm_block_cache_find(cache, table_id, offset);
    if (block != NULL) {
        lsm_block_unref(block);
    }
    return block != NULL;
}

static void an_inserted_block_is_found_until_it_is_dropped(void **state) {
    (void)state;
    struct lsm_block_cache *cache = lsm_block_cache_create(16 << 20);
    for (uint64_t i = 0; i < 1000; i++) {
        lsm_block_unref(obtain(cache, i % 7, i * BLOCK, BLOCK));
    }
    for (uint64_t i = 0; i < 1000; i++) {
        struct lsm_block *block = lsm_block_cache_find(cache, i % 7, i * BLOCK);
        assert_non_null(block);
        assert_true(intact(block, i % 7, i * BLOCK));
        lsm_block_unref(block);
        assert_false(is_there(cache, i % 7 + 1, i * BLOCK));
    }
    assert_true(lsm_block_cache_bytes(cache) >= 1000 * BLOCK);
    for (uint64_t i = 0; i < 1000; i++) {
        lsm_block_cache_drop(cache, i % 7, i * BLOCK);
        lsm_block_cache_drop(cache, i % 7, i * BLOCK);
        assert_false(is_there(cache, i % 7, i * BLOCK));
    }
    assert_int_equal(lsm_block_cache_bytes(cache), 0);
    lsm_block_cache_destroy(cache);
}

static void bytes_stay_within_the_limit(void **state) {
    (void)state;
    struct kit_rng rng = {seed};
    struct lsm_block_cache *cache = lsm_block_cache_create(1 << 20);
    for (uint64_t i = 0; i < 20000; i++) {
        uint32_t length = 64 + (uint32_t)kit_below(&rng, 20000);
        lsm_block_unref(obtain(cache, 1, kit_below(&rng, 5000) * 65536, length));
        assert_true(lsm_block_cache_bytes(cache) <= 1 << 20);
    }
    assert_true(lsm_block_cache_bytes(cache) > (1 << 20) / 2);
    lsm_block_cache_destroy(cache);
}

static void pinned_blocks_are_not_evicted_and_stay_readable(void **state) {
    (void)state;
    struct lsm_block_cache *cache = lsm_block_cache_create(1 << 20);
    struct lsm_block *pinned[40];
    for (uint64_t i = 0; i < 40; i++) {
        pinned[i] = obtain(cache, 9, i * BLOCK, BLOCK);
    }
    for (uint64_t i = 0; i < 5000; i++) {
        lsm_block_unref(obtain(cache, 1, i * BLOCK, BLOCK));
    }
    for (uint64_t i = 0; i < 40; i++) {
        assert_true(is_there(cache, 9, i * BLOCK));
        lsm_block_cache_drop(cache, 9, i * BLOCK); /* forgotten, yet the pin holds it */
        assert_false(is_there(cache, 9, i * BLOCK));
        assert_true(intact(pinned[i], 9, i * BLOCK));
        pinned[i]->pin.release(&pinned[i]->pin);
    }
    lsm_block_cache_destroy(cache);
}

static void a_cache_of_no_bytes_keeps_only_what_is_pinned(void **state) {
    (void)state;
    struct lsm_block_cache *cache = lsm_block_cache_create(0);
    struct lsm_block *block = obtain(cache, 1, 0, BLOCK);
    assert_true(intact(block, 1, 0));
    assert_true(lsm_block_cache_bytes(cache) >= BLOCK);
    lsm_block_unref(block);
    assert_int_equal(lsm_block_cache_bytes(cache), 0);
    assert_false(is_there(cache, 1, 0));
    lsm_block_cache_destroy(cache);
}

static void a_block_larger_than_the_cache_lives_by_its_pin(void **state) {
    (void)state;
    struct lsm_block_cache *cache = lsm_block_cache_create(1 << 20);
    struct lsm_block *block = obtain(cache, 1, 0, 8 << 20);
    assert_true(intact(block, 1, 0));
    lsm_block_unref(block);
    assert_int_equal(lsm_block_cache_bytes(cache), 0);
    lsm_block_cache_destroy(cache);
}

static void the_second_to_insert_a_block_gets_the_first_ones(void **state) {
    (void)state;
    struct lsm_block_cache *cache = lsm_block_cache_create(1 << 20);
    struct lsm_block *first = lsm_block_create(cache, 1, 0, BLOCK);
    struct lsm_block *second = lsm_block_create(cache, 1, 0, BLOCK);
    fill(first);
    fill(second);
    assert_ptr_equal(lsm_block_cache_insert(cache, first), first);
    assert_ptr_equal(lsm_block_cache_insert(cache, second), first);
    lsm_block_unref(first);
    lsm_block_unref(first);
    lsm_block_cache_destroy(cache);
}

/* What is used again outlives a scan of ten times the cache. */
static void a_scan_does_not_flush_out_what_is_used(void **state) {
    (void)state;
    struct lsm_block_cache *cache = lsm_block_cache_create(4 << 20);
    enum { HOT = 200 };
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < HOT; i++) {
            lsm_block_unref(obtain(cache, 1, i * BLOCK, BLOCK));
        }
    }
    for (uint64_t i = 0; i < 10000; i++) {
        lsm_block_unref(obtain(cache, 2, i * BLOCK, BLOCK));
        lsm_block_unref(obtain(cache, 1, i % HOT * BLOCK, BLOCK));
    }
    size_t kept = 0;
    for (uint64_t i = 0; i < HOT; i++) {
        kept += is_there(cache, 1, i * BLOCK);
    }
    assert_true(kept > HOT * 9 / 10);
    lsm_block_cache_destroy(cache);
}

/* ---- threads ---- */

struct worker {
    pthread_t thread;
    struct lsm_block_cache *cache;
    uint64_t seed;
    size_t wrong;
};

static void *use_cache(void *argument) {
    struct worker *worker = argument;
    struct kit_rng rng = {worker->seed};
    struct lsm_block *held[8] = {0};
    for (size_t i = 0; i < 20000; i++) {
        uint64_t table_id = kit_below(&rng, 3);
        uint64_t offset = kit_below(&rng, 400) * BLOCK;
        if (kit_below(&rng, 20) == 0) {
            lsm_block_cache_drop(worker->cache, table_id, offset);
            continue;
        }
        struct lsm_block **slot = &held[kit_below(&rng, 8)];
        if (*slot != NULL) {
            worker->wrong += !intact(*slot, (*slot)->table_id, (*slot)->offset);
            lsm_block_unref(*slot);
        }
        *slot = obtain(worker->cache, table_id, offset, BLOCK);
        worker->wrong += !intact(*slot, table_id, offset);
    }
    for (size_t i = 0; i < 8; i++) {
        if (held[i] != NULL) {
            lsm_block_unref(held[i]);
        }
    }
    return NULL;
}

static void threads_share_blocks(void **state) {
    (void)state;
    enum { WORKERS = 4 };
    struct worker workers[WORKERS];
    struct lsm_block_cache *cache = lsm_block_cache_create(1 << 20);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.cache = cache, .seed = seed + i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, use_cache, &workers[i]), 0);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_true(lsm_block_cache_bytes(cache) <= 1 << 20);
    lsm_block_cache_destroy(cache);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inserted_block_is_found_until_it_is_dropped),
        cmocka_unit_test(bytes_stay_within_the_limit),
        cmocka_unit_test(pinned_blocks_are_not_evicted_and_stay_readable),
        cmocka_unit_test(a_cache_of_no_bytes_keeps_only_what_is_pinned),
        cmocka_unit_test(a_block_larger_than_the_cache_lives_by_its_pin),
        cmocka_unit_test(the_second_to_insert_a_block_gets_the_first_ones),
        cmocka_unit_test(a_scan_does_not_flush_out_what_is_used),
        cmocka_unit_test(threads_share_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
