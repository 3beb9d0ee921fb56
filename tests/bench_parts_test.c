/* What the figures of lsm-bench rest on: histogram, medians, keys and values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_args.h"
#include "clock.h"
#include "histogram.h"
#include "host_memory.h"
#include "results.h"
#include "workload.h"

/* ---- histogram ---- */

static void every_latency_lies_within_its_bucket_of_three_per_cent(void **state) {
    (void)state;
    uint64_t step = 1;
    for (uint64_t ns = 0; ns < UINT64_C(1) << 40; ns += step) {
        unsigned bucket = bench_hist_bucket(ns);
        assert_true(bucket < BENCH_HIST_BUCKETS);
        uint64_t low = bench_hist_floor(bucket);
        uint64_t high = bench_hist_floor(bucket + 1);
        assert_true(low <= ns && ns < high);
        assert_true(high - low <= 1 + low / BENCH_HIST_SUB);
        step = 1 + ns / 77;
    }
    assert_int_equal(bench_hist_bucket(UINT64_MAX), BENCH_HIST_BUCKETS - 1);
}

static void quantiles_of_an_even_spread_are_its_fractions(void **state) {
    (void)state;
    struct bench_histogram *hist = calloc(1, sizeof *hist);
    assert_non_null(hist);
    for (uint64_t ns = 1; ns <= 100000; ns++) {
        bench_hist_add(hist, ns);
    }
    static const double q[] = {0.001, 0.01, 0.5, 0.99, 0.999};
    for (size_t i = 0; i < sizeof q / sizeof q[0]; i++) {
        double expected = q[i] * 100000;
        assert_true(fabs(bench_hist_quantile(hist, q[i]) - expected) <= 0.032 * expected + 1);
    }
    assert_true(bench_hist_quantile(hist, 1) == 100000);
    assert_int_equal(hist->max_ns, 100000);
    assert_int_equal(hist->total, 100000);
    free(hist);
}

static void a_merge_counts_both(void **state) {
    (void)state;
    struct bench_histogram *a = calloc(1, sizeof *a);
    struct bench_histogram *b = calloc(1, sizeof *b);
    assert_non_null(a);
    assert_non_null(b);
    assert_true(bench_hist_quantile(a, 0.5) == 0); /* empty */
    for (int i = 0; i < 90; i++) {
        bench_hist_add(a, 20);
    }
    for (int i = 0; i < 10; i++) {
        bench_hist_add(b, 5000000);
    }
    bench_hist_merge(a, b);
    assert_int_equal(a->total, 100);
    assert_int_equal(a->max_ns, 5000000);
    assert_true(bench_hist_quantile(a, 0.5) >= 20 && bench_hist_quantile(a, 0.5) <= 21);
    assert_true(bench_hist_quantile(a, 0.95) > 4800000);
    free(a);
    free(b);
}

/* ---- medians ---- */

static void medians_leave_out_what_is_not_known(void **state) {
    (void)state;
    double odd[] = {3, NAN, 1, 2};
    double even[] = {4, 1, 3, 2};
    double none[] = {NAN, NAN};
    assert_true(bench_median(odd, 4) == 2);
    assert_true(bench_median(even, 4) == 2.5);
    assert_true(isnan(bench_median(none, 2)));
    assert_true(isnan(bench_median(none, 0)));
    double range[] = {5, 1, 4, 2, 3};
    assert_true(bench_quantile(range, 5, 0) == 1 && bench_quantile(range, 5, 1) == 5);
}

/* Published tables of the sign test: ranks 6 and 15 of 20, 1 and 6 of 6, 2 and 9 of 10. */
static void the_interval_of_the_median_is_that_of_the_sign_test(void **state) {
    (void)state;
    static const struct {
        size_t count;
        double low, high;
    } expected[] = {{1, 1, 1}, {5, 1, 5}, {6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {100, 40, 61}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        double values[100];
        double low;
        double high;
        for (size_t j = 0; j < expected[i].count; j++) {
            values[j] = (double)(expected[i].count - j);
        }
        bench_median_interval(values, expected[i].count, &low, &high);
        assert_true(low == expected[i].low);
        assert_true(high == expected[i].high);
    }
}

/* ---- keys and values ---- */

static void the_permutation_reaches_every_key_once(void **state) {
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 100, 1000, 4096, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t num = sizes[i];
        assert_true(bench_workload_init(num, 16, 128, 7));
        unsigned char *seen = calloc(num, 1);
        assert_non_null(seen);
        uint64_t in_place = 0;
        for (uint64_t index = 0; index < num; index++) {
            uint64_t id = bench_permute(index, 1);
            assert_true(id < num);
            assert_int_equal(seen[id], 0);
            seen[id] = 1;
            in_place += id == index;
        }
        assert_true(num < 100 || in_place < num / 10);
        free(seen);
    }
}

static void keys_are_in_the_order_of_ids_and_absent_ones_between(void **state) {
    (void)state;
    static const size_t sizes[] = {12, 13, 16, 40};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char before[BENCH_KEY_MAX] = "";
        assert_true(bench_workload_init(1000, sizes[i], 128, 7));
        for (uint64_t id = 0; id < BENCH_IDS_MAX; id = 2 * id + 1 + id / 1000) {
            char key[BENCH_KEY_MAX];
            char absent[BENCH_KEY_MAX];
            uint64_t back;
            bench_key_make(id, key);
            bench_key_make_absent(id, absent);
            assert_memory_equal(key, "key", 3);
            assert_true(id == 0 || memcmp(before, key, sizes[i]) < 0);
            assert_true(memcmp(key, absent, sizes[i]) < 0);
            assert_true(bench_key_parse(key, &back));
            assert_true(back == id);
            assert_false(bench_key_parse(absent, &back));
            memcpy(before, absent, sizes[i]);
        }
    }
}

static void a_wrong_byte_anywhere_in_a_value_is_seen(void **state) {
    (void)state;
    static const size_t sizes[] = {16, 17, 128, 1001};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char value[1001];
        assert_true(bench_workload_init(1000, 16, sizes[i], 7));
        bench_value_make(5, 3, value);
        assert_true(bench_value_check(5, value, sizes[i]));
        assert_false(bench_value_check(6, value, sizes[i]));
        assert_false(bench_value_check(5, value, sizes[i] - 1));
        for (size_t at = 0; at < sizes[i]; at++) {
            value[at] = (char)(value[at] ^ 4);
            assert_false(bench_value_check(5, value, sizes[i]));
            value[at] = (char)(value[at] ^ 4);
        }
        char other[1001];
        bench_value_make(5, 4, other);
        assert_memory_not_equal(value, other, sizes[i]);
        assert_true(bench_value_check(5, other, sizes[i]));
    }
}

/* ---- figures and lists ---- */

static void figures_have_three_digits(void **state) {
    (void)state;
    char text[32];
    static const struct {
        double value;
        const char *count, *ns;
    } expected[] = {
        {0, "0", "0 ns"},
        {7, "7", "7 ns"},
        {2.345, "2.35", "2 ns"},
        {999.4, "999", "999 ns"},
        {1234, "1.23 k", "1.23 us"},
        {99960, "100 k", "100 us"},
        {45.6e6, "45.6 M", "45.6 ms"},
        {3.2e9, "3.20 G", "3.20 s"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        bench_format_count(expected[i].value, text, sizeof text);
        assert_string_equal(text, expected[i].count);
        bench_format_ns(expected[i].value, text, sizeof text);
        assert_string_equal(text, expected[i].ns);
    }
    bench_format_count(NAN, text, sizeof text);
    assert_string_equal(text, "-");
}

static void lists_are_cut_at_commas(void **state) {
    (void)state;
    char text[16];
    const char *names[BENCH_LIST_MAX];
    assert_int_equal(bench_args_split("a,bc,d", text, sizeof text, names), 3);
    assert_string_equal(names[1], "bc");
    assert_int_equal(bench_args_split("", text, sizeof text, names), 0);
    assert_int_equal(bench_args_split("a,,b", text, sizeof text, names), 0);
    assert_int_equal(bench_args_split("a,", text, sizeof text, names), 0);
    assert_int_equal(bench_args_split("longer,than,room", text, sizeof text, names), 0);
}

/* ---- medians of runs ---- */

static void ratios_are_taken_repeat_by_repeat(void **state) {
    (void)state;
    struct bench_args args = {.repeat = 3, .baseline = "lmdb"};
    struct bench_set set = {.args = &args};
    /* The machine is ten times slower in the second repeat, for both. */
    static const double rate[3][2] = {{100, 200}, {10, 20}, {120, 240}};
    for (uint32_t repeat = 0; repeat < 3; repeat++) {
        for (int which = 0; which < 2; which++) {
            struct bench_result result = {.repeat = repeat};
            while (bench_engines[result.engine] !=
                   (which == 0 ? &bench_engine_lmdb : &bench_engine_lsm)) {
                result.engine++;
            }
            bench_result_clear(&result);
            result.value[BENCH_OPS_S] = rate[repeat][which];
            assert_true(bench_set_add(&set, &result));
        }
    }
    size_t lsm = 0;
    while (bench_engines[lsm] != &bench_engine_lsm) {
        lsm++;
    }
    assert_true(bench_set_median(&set, lsm, 0, BENCH_OPS_S) == 200);
    assert_true(bench_set_ratio(&set, lsm, 0, BENCH_OPS_S) == 2);
    assert_true(isnan(bench_set_median(&set, lsm, 1, BENCH_OPS_S)));
    assert_false(bench_set_failed(&set));
    free(set.result);
}

/* ---- memory ---- */

static size_t resident_bytes(void) {
    size_t size = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%zu %zu", &size, &resident), 2);
    (void)fclose(statm);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void memory_is_held_as_long_as_asked_and_given_back(void **state) {
    (void)state;
    enum { HELD = 4 << 20 };
    size_t before = resident_bytes();
    uint64_t begin = bench_monotonic_ns();
    assert_int_equal(bench_host_memory_hold(HELD + 1, 30000000), HELD);
    assert_true(bench_monotonic_ns() - begin >= 30000000);
    assert_true(resident_bytes() < before + HELD / 2);
    assert_int_equal(bench_host_memory_hold(1, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_latency_lies_within_its_bucket_of_three_per_cent),
        cmocka_unit_test(quantiles_of_an_even_spread_are_its_fractions),
        cmocka_unit_test(a_merge_counts_both),
        cmocka_unit_test(medians_leave_out_what_is_not_known),
        cmocka_unit_test(the_interval_of_the_median_is_that_of_the_sign_test),
        cmocka_unit_test(the_permutation_reaches_every_key_once),
        cmocka_unit_test(keys_are_in_the_order_of_ids_and_absent_ones_between),
        cmocka_unit_test(a_wrong_byte_anywhere_in_a_value_is_seen),
        cmocka_unit_test(figures_have_three_digits),
        cmocka_unit_test(lists_are_cut_at_commas),
        cmocka_unit_test(ratios_are_taken_repeat_by_repeat),
        cmocka_unit_test(memory_is_held_as_long_as_asked_and_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
