/* filter_test.c: no key is ever denied, and absent ones pass as seldom as was asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "filter.h"
#include "table_kit.h"

static uint64_t seed;

static uint64_t hash_number(uint64_t salt, uint64_t i) {
    char key[32];
    int size = snprintf(key, sizeof key, "key%08llx%08llx", (unsigned long long)salt,
                        (unsigned long long)i);
    return lsm_filter_hash(key, (size_t)size);
}

/* Share of `probes` absent keys that pass a filter of `keys`. */
static double measure(double fpr, uint64_t keys, uint64_t probes, double *bits_per_key) {
    struct lsm_filter_plan plan = lsm_filter_plan(fpr);
    uint64_t bytes = lsm_filter_bytes(&plan, keys);
    uint64_t *hashes = malloc(keys * sizeof *hashes);
    uint8_t *filter = aligned_alloc(LSM_FILTER_LINE, bytes);
    assert_non_null(hashes);
    assert_non_null(filter);
    uint64_t salt = seed & 0xffffffff;
    for (uint64_t i = 0; i < keys; i++) {
        hashes[i] = hash_number(salt, i);
    }
    lsm_filter_build(&plan, hashes, keys, filter);
    struct lsm_filter_view view;
    assert_true(lsm_filter_look(filter, bytes, &view));
    for (uint64_t i = 0; i < keys; i++) {
        assert_true(lsm_filter_probe(&view, hashes[i]));
    }
    uint64_t passed = 0;
    for (uint64_t i = 0; i < probes; i++) {
        passed += lsm_filter_probe(&view, hash_number(salt + 1, i));
    }
    *bits_per_key = (double)(bytes * 8) / (double)keys;
    free(hashes);
    free(filter);
    return (double)passed / (double)probes;
}

static void absent_keys_pass_at_most_15_percent_more_often_than_configured(void **state) {
    (void)state;
    static const double rates[] = {0.001, 0.003, 0.01, 0.05, 0.1, 0.2};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        double bits;
        double measured = measure(rates[i], 100000, rates[i] < 0.01 ? 2000000 : 400000, &bits);
        printf("  configured %.4f measured %.5f, %.2f bits a key\n", rates[i], measured, bits);
        assert_true(measured <= 1.15 * rates[i]);
        assert_true(measured >= 0.7 * rates[i]); /* else bits are wasted */
    }
}

static void the_rate_holds_for_tables_of_any_size(void **state) {
    (void)state;
    static const uint64_t sizes[] = {1, 10, 100, 1000, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double bits;
        /* A small filter is one sample of many possible ones: the bound is its spread. */
        double measured = measure(0.01, sizes[i], 200000, &bits);
        assert_true(measured <= (sizes[i] <= 1000 ? 0.03 : 0.0125));
    }
}

static void extreme_rates_have_a_plan(void **state) {
    (void)state;
    struct lsm_filter_plan lowest = lsm_filter_plan(0.000001);
    struct lsm_filter_plan highest = lsm_filter_plan(0.5);
    assert_true(lowest.probes >= 8 && lowest.probes <= LSM_FILTER_PROBES_MAX);
    assert_true(lowest.bits_per_key > 28 && lowest.bits_per_key < 64);
    assert_int_equal(highest.probes, 1);
    assert_true(highest.bits_per_key > 1 && highest.bits_per_key < 2);
    double expected =
        lsm_filter_expected(LSM_FILTER_LINE_BITS / lowest.bits_per_key, lowest.probes);
    assert_true(expected <= 0.000001 && expected > 0.0000005);
}

static void no_keys_still_make_a_filter(void **state) {
    (void)state;
    struct lsm_filter_plan plan = lsm_filter_plan(0.01);
    _Alignas(64) uint8_t filter[256];
    assert_true(lsm_filter_bytes(&plan, 0) <= sizeof filter);
    lsm_filter_build(&plan, NULL, 0, filter);
    struct lsm_filter_view view;
    assert_true(lsm_filter_look(filter, lsm_filter_bytes(&plan, 0), &view));
    assert_false(lsm_filter_probe(&view, 12345));
}

static void a_damaged_header_is_refused(void **state) {
    (void)state;
    struct lsm_filter_plan plan = lsm_filter_plan(0.01);
    _Alignas(64) uint8_t filter[256];
    uint64_t hash = 7;
    lsm_filter_build(&plan, &hash, 1, filter);
    uint64_t bytes = lsm_filter_bytes(&plan, 1);
    struct lsm_filter_view view;
    assert_true(lsm_filter_look(filter, bytes, &view));
    assert_false(lsm_filter_look(filter, bytes - 1, &view));
    assert_false(lsm_filter_look(filter, bytes + LSM_FILTER_LINE, &view));
    assert_false(lsm_filter_look(filter, sizeof(struct lsm_filter_header), &view));
    assert_false(lsm_filter_look(filter, 0, &view));
    for (size_t i = 0; i < 16; i++) { /* kind, probes, lines */
        uint8_t kept = filter[i];
        filter[i] = 0xff;
        assert_false(lsm_filter_look(filter, bytes, &view));
        filter[i] = kept;
    }
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_keys_pass_at_most_15_percent_more_often_than_configured),
        cmocka_unit_test(the_rate_holds_for_tables_of_any_size),
        cmocka_unit_test(extreme_rates_have_a_plan),
        cmocka_unit_test(no_keys_still_make_a_filter),
        cmocka_unit_test(a_damaged_header_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
