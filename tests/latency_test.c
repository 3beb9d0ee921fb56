/* Latency buckets cover all of time without gaps, and quantiles lie where the samples are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lsm.h"

static void buckets_are_contiguous_and_begin_at_their_floor(void **state) {
    (void)state;
    assert_int_equal(lsm_bucket_of(0), 0);
    assert_int_equal(lsm_bucket_of(63), 0);
    assert_int_equal(lsm_bucket_floor(0), 0);
    assert_int_equal(lsm_bucket_floor(1), 64);
    for (unsigned b = 1; b < LSM_LATENCY_BUCKETS; b++) {
        uint64_t floor = lsm_bucket_floor(b);
        assert_true(floor > lsm_bucket_floor(b - 1));
        assert_int_equal(lsm_bucket_of(floor), b);
        assert_int_equal(lsm_bucket_of(floor - 1), b - 1);
    }
}

static void a_bucket_is_at_most_a_quarter_of_its_floor_wide(void **state) {
    (void)state;
    for (unsigned b = 1; b < LSM_LATENCY_BUCKETS; b++) {
        uint64_t floor = lsm_bucket_floor(b);
        assert_true((lsm_bucket_floor(b + 1) - floor) * 4 <= floor);
    }
}

static void four_buckets_make_a_doubling(void **state) {
    (void)state;
    for (unsigned b = 1; b + 4 < LSM_LATENCY_BUCKETS; b++) {
        assert_true(lsm_bucket_floor(b + 4) == 2 * lsm_bucket_floor(b));
    }
}

static void the_last_bucket_takes_everything_longer(void **state) {
    (void)state;
    assert_int_equal(lsm_bucket_of(UINT64_MAX), LSM_LATENCY_BUCKETS - 1);
    assert_int_equal(lsm_bucket_of(UINT64_C(3600) * 1000000000), LSM_LATENCY_BUCKETS - 1);
    assert_true(lsm_bucket_floor(LSM_LATENCY_BUCKETS - 1) > UINT64_C(10) * 1000000000);
    assert_true(lsm_bucket_floor(LSM_LATENCY_BUCKETS) == lsm_bucket_floor(1000000));
}

static void note(struct lsm_latency *latency, uint64_t ns, uint64_t count) {
    latency->count[lsm_bucket_of(ns)] += count;
    latency->max_ns = ns > latency->max_ns ? ns : latency->max_ns;
}

static void nothing_noted_has_no_quantile(void **state) {
    (void)state;
    struct lsm_latency latency = {.max_ns = 7};
    assert_true(lsm_latency_quantile(&latency, 0.5) == 0);
}

static void a_single_latency_is_every_quantile_within_its_bucket(void **state) {
    (void)state;
    struct lsm_latency latency = {.max_ns = 0};
    note(&latency, 100000, 1);
    const double qs[] = {-1.0, 0.0, 0.5, 0.99, 1.0, 2.0, 0.0 / 0.0};
    for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
        uint64_t ns = lsm_latency_quantile(&latency, qs[i]);
        assert_in_range(ns, lsm_bucket_floor(lsm_bucket_of(100000)), 100000);
    }
    assert_true(lsm_latency_quantile(&latency, 1.0) == 100000);
}

static void quantiles_of_an_even_spread_are_within_a_bucket_of_the_truth(void **state) {
    (void)state;
    struct lsm_latency latency = {.max_ns = 0};
    for (uint64_t ns = 1; ns <= 1000000; ns += 10) {
        note(&latency, ns, 8);
    }
    uint64_t before = 0;
    for (int percent = 1; percent <= 100; percent++) {
        uint64_t ns = lsm_latency_quantile(&latency, percent / 100.0);
        double truth = percent * 10000.0;
        assert_true((double)ns > truth * 0.98 && (double)ns < truth * 1.02);
        assert_true(ns >= before);
        before = ns;
    }
}

static void a_rare_stall_shows_only_in_the_tail(void **state) {
    (void)state;
    struct lsm_latency latency = {.max_ns = 0};
    note(&latency, 300, 9990);
    note(&latency, 50000000, 10);
    assert_true(lsm_latency_quantile(&latency, 0.99) < 400);
    assert_true(lsm_latency_quantile(&latency, 0.9995) > 40000000);
    assert_true(lsm_latency_quantile(&latency, 1.0) == 50000000);
}

static void a_maximum_that_was_reset_does_not_bend_older_counts(void **state) {
    (void)state;
    struct lsm_latency latency = {.max_ns = 0};
    note(&latency, 50000000, 10);
    latency.max_ns = 100; /* of the time since the last reset; the counts are of all time */
    assert_true(lsm_latency_quantile(&latency, 0.5) >= lsm_bucket_floor(lsm_bucket_of(50000000)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_contiguous_and_begin_at_their_floor),
        cmocka_unit_test(a_bucket_is_at_most_a_quarter_of_its_floor_wide),
        cmocka_unit_test(four_buckets_make_a_doubling),
        cmocka_unit_test(the_last_bucket_takes_everything_longer),
        cmocka_unit_test(nothing_noted_has_no_quantile),
        cmocka_unit_test(a_single_latency_is_every_quantile_within_its_bucket),
        cmocka_unit_test(quantiles_of_an_even_spread_are_within_a_bucket_of_the_truth),
        cmocka_unit_test(a_rare_stall_shows_only_in_the_tail),
        cmocka_unit_test(a_maximum_that_was_reset_does_not_bend_older_counts),
    };
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
