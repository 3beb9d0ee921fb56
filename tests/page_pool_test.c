/* The pool of pages: limits, slices, threads; what grows in it; tables written through it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "hash_list.h"
#include "table_kit.h"

static struct kit_rng rng;

static struct lsm_page_pool *new_pool(uint64_t pages) {
    struct lsm_page_pool *pool = lsm_page_pool_create(pages * LSM_HUGE_PAGE);
    assert_non_null(pool);
    return pool;
}

static void the_pool_keeps_as_many_pages_as_it_may(void **state) {
    (void)state;
    enum { KEEP = 2, TAKEN = 4 };
    struct lsm_page_pool *pool = new_pool(KEEP);
    struct lsm_page *pages[TAKEN];
    for (int i = 0; i < TAKEN; i++) {
        pages[i] = lsm_page_take(pool);
        assert_non_null(pages[i]);
        assert_int_equal((uintptr_t)pages[i]->bytes % LSM_HUGE_PAGE, 0);
        memset(pages[i]->bytes, i, LSM_HUGE_PAGE);
    }
    for (int i = 0; i < TAKEN; i++) {
        assert_int_equal(pages[i]->bytes[0], i);
        assert_int_equal(pages[i]->bytes[LSM_HUGE_PAGE - 1], i);
    }
    assert_int_equal(lsm_page_pool_kept(pool), 0);
    for (uint64_t i = 0; i < TAKEN; i++) {
        lsm_page_give(pool, pages[i]);
        assert_int_equal(lsm_page_pool_kept(pool), i + 1 < KEEP ? i + 1 : KEEP);
    }
    struct lsm_page *again = lsm_page_take(pool);
    assert_ptr_equal(again, pages[1]); /* the page touched last */
    assert_null(again->next);
    struct lsm_page *other = lsm_page_take(pool);
    again->next = other;
    lsm_page_give_all(pool, again);
    assert_int_equal(lsm_page_pool_kept(pool), KEEP);
    lsm_page_pool_destroy(pool); /* asserts that every page came back */
}

static void without_a_pool_pages_come_and_go(void **state) {
    (void)state;
    struct lsm_page *page = lsm_page_take(NULL);
    assert_non_null(page);
    page->bytes[LSM_HUGE_PAGE - 1] = 1;
    lsm_page_give(NULL, page);
}

static void slices_lie_side_by_side_and_become_pages_again(void **state) {
    (void)state;
    enum { TAKEN = LSM_PAGE_SLICES + 3 };
    struct lsm_page_pool *pool = new_pool(4);
    uint8_t *slice[TAKEN];
    for (int i = 0; i < TAKEN; i++) {
        slice[i] = lsm_slices_take(pool, 1);
        assert_non_null(slice[i]);
        assert_int_equal((uintptr_t)slice[i] % LSM_SLICE, 0);
        memset(slice[i], i, LSM_SLICE);
    }
    for (int i = 0; i < TAKEN; i++) {
        assert_int_equal(slice[i][0], i);
        assert_int_equal(slice[i][LSM_SLICE - 1], i);
    }
    lsm_slices_give(pool, slice[TAKEN - 1], 1);
    assert_ptr_equal(lsm_slices_take(pool, 1), slice[TAKEN - 1]);
    uint8_t *run = lsm_slices_take(pool, 5); /* behind the three */
    assert_ptr_equal(run, slice[TAKEN - 3] + 3 * LSM_SLICE);
    uint8_t *rest = lsm_slices_take(pool, LSM_PAGE_SLICES - 8);
    assert_ptr_equal(rest, run + 5 * LSM_SLICE);
    lsm_slices_give(pool, run, 5);
    uint8_t *other = lsm_slices_take(pool, 6); /* it is not to be had there */
    assert_true(other < slice[TAKEN - 3] || other >= slice[TAKEN - 3] + LSM_HUGE_PAGE);
    lsm_slices_give(pool, other, 6); /* a whole page again */
    run = lsm_slices_take(pool, 5);
    assert_ptr_equal(run, slice[TAKEN - 3] + 3 * LSM_SLICE);
    uint8_t *page = lsm_slices_take(pool, LSM_PAGE_SLICES);
    memset(page, 1, LSM_HUGE_PAGE);
    lsm_slices_give(pool, run, 5);
    lsm_slices_give(pool, rest, LSM_PAGE_SLICES - 8);
    lsm_slices_give(pool, page, LSM_PAGE_SLICES);
    assert_int_equal(lsm_page_pool_kept(pool), 1);
    for (int i = 0; i < TAKEN; i++) {
        assert_int_equal(slice[i][0], i);
        lsm_slices_give(pool, slice[i], 1);
    }
    assert_int_equal(lsm_page_pool_kept(pool), 3); /* whole pages again */
    lsm_page_pool_destroy(pool);
}

struct worker {
    pthread_t thread;
    struct lsm_page_pool *pool;
    uint8_t mark;
};

/* Takes, marks and gives: nobody else may write where this thread's marks are. */
static void *take_and_give(void *argument) {
    enum { HELD = 4, ROUNDS = 2000 };
    struct worker *worker = argument;
    struct lsm_page *page[HELD] = {0};
    uint8_t *slice[HELD] = {0};
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (round * 7 + worker->mark) % HELD;
        if (page[i] != NULL) {
            LSM_ASSERT(page[i]->bytes[worker->mark] == worker->mark);
            lsm_page_give(worker->pool, page[i]);
            LSM_ASSERT(slice[i][0] == worker->mark && slice[i][LSM_SLICE - 1] == worker->mark);
            lsm_slices_give(worker->pool, slice[i], 1);
        }
        page[i] = lsm_page_take(worker->pool);
        slice[i] = lsm_slices_take(worker->pool, 1);
        LSM_ASSERT(page[i] != NULL && slice[i] != NULL);
        page[i]->bytes[worker->mark] = worker->mark;
        slice[i][0] = worker->mark;
        slice[i][LSM_SLICE - 1] = worker->mark;
    }
    for (unsigned i = 0; i < HELD; i++) {
        if (page[i] != NULL) {
            lsm_page_give(worker->pool, page[i]);
            lsm_slices_give(worker->pool, slice[i], 1);
        }
    }
    return NULL;
}

static void what_a_thread_holds_no_other_is_given(void **state) {
    (void)state;
    enum { THREADS = 4 };
    struct worker workers[THREADS];
    struct lsm_page_pool *pool = new_pool(16);
    for (uint8_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.pool = pool, .mark = (uint8_t)(i + 1)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_and_give, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    assert_in_range(lsm_page_pool_kept(pool), 1, 16);
    lsm_page_pool_destroy(pool);
}

/* Through heap, slices and mapping, with a pool and without. */
static void what_grows_keeps_its_bytes_through_heap_slices_and_mapping(void **state) {
    (void)state;
    for (int pooled = 0; pooled < 2; pooled++) {
        struct lsm_page_pool *pool = pooled ? new_pool(1) : NULL;
        struct lsm_grown grown = {.pool = pool};
        uint32_t written = 0;
        while (grown.size < 5u << 20) {
            uint32_t run[64];
            size_t words = 1 + kit_below(&rng, 64);
            for (size_t i = 0; i < words; i++) {
                run[i] = written++;
            }
            assert_true(lsm_grown_append(&grown, run, words * 4));
        }
        assert_int_equal(grown.size, written * UINT64_C(4));
        for (uint32_t i = 0; i < written; i++) {
            uint32_t word;
            memcpy(&word, grown.data + i * UINT64_C(4), sizeof word);
            assert_int_equal(word, i);
        }
        lsm_grown_free(&grown);
        assert_null(grown.data);
        assert_int_equal(grown.capacity, 0);
        if (pooled) {
            assert_int_equal(lsm_page_pool_kept(pool), 1); /* and nothing is lent */
        }
        lsm_page_pool_destroy(pool);
    }
}

/* A filter out of the list is the one out of an array. */
static void check_hashes(struct lsm_page_pool *pool, uint64_t count) {
    struct lsm_hash_list list = {.first.pool = pool};
    struct lsm_filter_plan plan = lsm_filter_plan(0.01);
    uint64_t bytes = lsm_filter_bytes(&plan, count);
    uint64_t *hashes = malloc((count + 1) * sizeof *hashes);
    uint8_t *a = malloc(bytes), *b = malloc(bytes);
    assert_true(hashes != NULL && a != NULL && b != NULL);
    for (uint64_t i = 0; i < count; i++) {
        hashes[i] = kit_random(&rng);
        assert_true(lsm_hash_list_add(&list, hashes[i]));
    }
    assert_int_equal(list.count, count);
    lsm_filter_build(&plan, hashes, count, a);
    lsm_hash_list_filter(&list, &plan, b);
    assert_memory_equal(a, b, bytes);
    lsm_hash_list_free(&list);
    free(hashes);
    free(a);
    free(b);
}

static void a_filter_out_of_the_list_is_the_one_out_of_an_array(void **state) {
    (void)state;
    const uint64_t counts[] = {0,
                               1,
                               31,
                               32,
                               33,
                               LSM_GROWN_HEAP_MAX / 8,
                               LSM_GROWN_HEAP_MAX / 8 + 1,
                               LSM_HASH_PAGE - 1,
                               LSM_HASH_PAGE,
                               LSM_HASH_PAGE + 1,
                               2 * LSM_HASH_PAGE,
                               2 * LSM_HASH_PAGE + 5};
    struct lsm_page_pool *pool = new_pool(4);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check_hashes(pool, counts[i]);
        check_hashes(NULL, counts[i]);
    }
    lsm_page_pool_destroy(pool);
}

/* ---- tables ---- */

enum { ENTRIES = 40000, VALUE = 120 };

static struct lsm_entry *make_entries(char (*keys)[16], uint8_t *values) {
    struct lsm_entry *entries = calloc(ENTRIES, sizeof *entries);
    assert_non_null(entries);
    for (size_t i = 0; i < ENTRIES; i++) {
        (void)snprintf(keys[i], 16, "key%08zu", i * 3);
        entries[i] = (struct lsm_entry){(const uint8_t *)keys[i], 11,   LSM_TYPE_PUT, 1 + i % 1000,
                                        values + i % 512,         VALUE};
    }
    return entries;
}

static uint8_t *write_one(struct kit *kit, uint64_t id, const struct lsm_entry *entries,
                          const struct lsm_table_writer_options *options, size_t *size) {
    struct lsm_table_meta meta;
    char path[128];
    kit_build(kit, id, entries, ENTRIES, options, &meta);
    kit_path(kit, id, path);
    kit_meta_free(&meta);
    return kit_slurp(path, size);
}

/* What a page held before must not show in a table, wherever its buffers come from. */
static void tables_do_not_depend_on_where_their_buffers_come_from(void **state) {
    (void)state;
    struct kit kit;
    char(*keys)[16] = calloc(ENTRIES, sizeof *keys);
    uint8_t values[512 + VALUE];
    assert_non_null(keys);
    for (size_t i = 0; i < sizeof values; i++) {
        values[i] = (uint8_t)kit_random(&rng);
    }
    struct lsm_entry *entries = make_entries(keys, values);
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    size_t expected_size, size;
    uint8_t *expected = write_one(&kit, 1, entries, &options, &expected_size);
    assert_in_range(expected_size, 2 * LSM_HUGE_PAGE, 8 * LSM_HUGE_PAGE);
    enum { PAGES = 8 };
    struct lsm_page_pool *pool = new_pool(PAGES);
    for (int round = 0; round < 6; round++) {
        struct lsm_page *dirty = NULL;
        for (int i = 0; i < PAGES; i++) {
            struct lsm_page *page = lsm_page_take(pool);
            memset(page->bytes, 0xa5, LSM_HUGE_PAGE);
            page->next = dirty;
            dirty = page;
        }
        lsm_page_give_all(pool, dirty);
        options.pool = round < 3 ? pool : NULL;
        options.size_hint = round % 3 == 0 ? 0 : expected_size;
        options.direct_io = round % 3 == 2;
        uint8_t *bytes = write_one(&kit, 2 + (uint64_t)round, entries, &options, &size);
        assert_int_equal(size, expected_size);
        assert_memory_equal(bytes, expected, size);
        free(bytes);
        assert_int_equal(lsm_page_pool_kept(pool), PAGES); /* all came back */
    }
    lsm_page_pool_destroy(pool);
    kit_close(&kit);
    free(expected);
    free(entries);
    free(keys);
}

/* A writer that is given up returns what it took. */
static void a_writer_that_is_given_up_returns_its_pages(void **state) {
    (void)state;
    struct kit kit;
    char path[128];
    struct lsm_fault fault;
    struct lsm_table_writer *writer;
    char(*keys)[16] = calloc(ENTRIES, sizeof *keys);
    uint8_t values[512 + VALUE] = {0};
    assert_non_null(keys);
    struct lsm_entry *entries = make_entries(keys, values);
    struct lsm_page_pool *pool = new_pool(8);
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    options.pool = pool;
    options.size_hint = 4 * LSM_HUGE_PAGE;
    kit_path(&kit, 1, path);
    assert_int_equal(lsm_table_writer_create(kit.io, kit.queue, path, &options, &writer, &fault),
                     0);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(lsm_table_writer_add(writer, &entries[i], &fault), 0);
    }
    lsm_table_writer_abandon(writer);
    assert_in_range(lsm_page_pool_kept(pool), 3, 8); /* two buffers and the hashes at least */
    lsm_page_pool_destroy(pool);
    kit_close(&kit);
    free(entries);
    free(keys);
}

int main(void) {
    rng.state = kit_seed("page_pool_test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pool_keeps_as_many_pages_as_it_may),
        cmocka_unit_test(without_a_pool_pages_come_and_go),
        cmocka_unit_test(slices_lie_side_by_side_and_become_pages_again),
        cmocka_unit_test(what_a_thread_holds_no_other_is_given),
        cmocka_unit_test(what_grows_keeps_its_bytes_through_heap_slices_and_mapping),
        cmocka_unit_test(a_filter_out_of_the_list_is_the_one_out_of_an_array),
        cmocka_unit_test(tables_do_not_depend_on_where_their_buffers_come_from),
        cmocka_unit_test(a_writer_that_is_given_up_returns_its_pages),
    };
    return cmocka_run_group_tests_name("page_pool", tests, NULL, NULL);
}
