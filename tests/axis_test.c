/* Ticks, limits, and labels that part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axis.h"
#include "chart.h"

static uint64_t seed_from_environment(void) {
    const char *text = getenv("LSM_TEST_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 0x5eed;
    print_message("seed: LSM_TEST_SEED=%llu tests/axis_test\n", (unsigned long long)seed);
    return seed != 0 ? seed : 1;
}

static double random_unit(uint64_t *state) { /* xorshift64* */
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (double)((*state * 0x2545F4914F6CDD1Dull) >> 11) / 0x1p53;
}

static void steps_are_one_two_five(void **state) {
    (void)state;
    uint64_t seed = seed_from_environment();
    for (int round = 0; round < 20000; round++) {
        double most = pow(10.0, random_unit(&seed) * 14.0 - 1.0);
        int intervals = 1 + (int)(random_unit(&seed) * 6.0);
        enum axis_unit unit = (enum axis_unit)(round % 5);
        double top = axis_value_top(unit, most, intervals);
        struct axis_ticks ticks;
        axis_value_ticks(unit, top, intervals, &ticks);
        assert_true(top >= most * 0.95);
        assert_true(ticks.count >= 2 && ticks.count <= intervals + 1);
        double step = ticks.step;
        bool bytes = unit == AXIS_BYTES || unit == AXIS_BYTE_RATE;
        for (double of = top; bytes && of > 1000.0 * (1.0 + 1e-9); of /= 1024.0) {
            step /= 1024.0; /* decimal in the unit of the top tick */
        }
        double lead = step / pow(10.0, floor(log10(step) + 1e-9));
        assert_true(fabs(lead - 1.0) < 1e-6 || fabs(lead - 2.0) < 1e-6 || fabs(lead - 5.0) < 1e-6);
    }
}

static void the_unit_stands_once_on_the_top_tick(void **state) {
    (void)state;
    struct axis_ticks ticks;
    axis_value_ticks(AXIS_RATE, 6000.0, 3, &ticks);
    assert_int_equal(ticks.count, 4);
    assert_string_equal(ticks.tick[0].label, "0");
    assert_string_equal(ticks.tick[1].label, "2 k");
    assert_string_equal(ticks.tick[3].label, "6 k/s");
    axis_value_ticks(AXIS_BYTES, 1048576.0, 2, &ticks);
    assert_string_equal(ticks.tick[1].label, "0.5");
    assert_string_equal(ticks.tick[2].label, "1 MiB");
    axis_value_ticks(AXIS_COUNT, 4.0, 4, &ticks);
    assert_string_equal(ticks.tick[4].label, "4");
    axis_value_ticks(AXIS_BYTE_RATE, 2097152.0, 2, &ticks);
    assert_string_equal(ticks.tick[1].label, "1");
    assert_string_equal(ticks.tick[2].label, "2 MiB/s");
    axis_value_ticks(AXIS_FACTOR, 1.5, 3, &ticks);
    assert_string_equal(ticks.tick[1].label, "0.5");
    assert_string_equal(ticks.tick[3].label, "1.5 ×");
}

static void nothing_and_nonsense_still_have_an_axis(void **state) {
    (void)state;
    const double odd[] = {0.0, -5.0, NAN, INFINITY};
    for (int unit = 0; unit < 5; unit++) {
        for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
            double top = axis_value_top((enum axis_unit)unit, odd[i], 3);
            assert_true(top > 0.0 && isfinite(top));
        }
    }
}

static void counts_of_tables_have_no_fractions(void **state) {
    (void)state;
    struct axis_ticks ticks;
    axis_value_ticks(AXIS_COUNT, axis_value_top(AXIS_COUNT, 1.0, 6), 6, &ticks);
    assert_true(ticks.step >= 1.0);
}

static void time_ticks_are_round_and_within(void **state) {
    (void)state;
    uint64_t seed = seed_from_environment();
    for (int round = 0; round < 20000; round++) {
        double span = pow(10.0, random_unit(&seed) * 10.0 - 2.0);
        double t0 = random_unit(&seed) * 1e5;
        int most = 1 + (int)(random_unit(&seed) * 40.0);
        struct axis_ticks ticks;
        axis_time_ticks(t0, t0 + span, most, &ticks);
        assert_true(ticks.count <= most + 1);
        for (int i = 0; i < ticks.count; i++) {
            assert_true(ticks.tick[i].value >= t0 - span * 1e-6);
            assert_true(ticks.tick[i].value <= t0 + span * (1.0 + 1e-6));
            assert_true(ticks.tick[i].label[0] != '\0');
        }
    }
    struct axis_ticks ticks;
    axis_time_ticks(0.0, 90.0, 6, &ticks);
    assert_int_equal(ticks.count, 7);
    assert_string_equal(ticks.tick[1].label, "0:15");
    axis_time_ticks(0.0, 0.0, 6, &ticks);
    assert_int_equal(ticks.count, 0);
}

static void limits_grow_at_once_and_shrink_calmly(void **state) {
    (void)state;
    struct axis_limit limit = {.top = 0.0};
    assert_false(axis_limit_move(&limit, 10.0, 0.0, false));
    assert_true(fabs(limit.top - 10.0) < 1e-12);
    assert_false(axis_limit_move(&limit, 20.0, 0.1, false));
    assert_true(fabs(limit.top - 20.0) < 1e-12);
    /* Less is needed, but not for long: nothing moves. */
    for (double t = 0.2; t < 2.0; t += 0.1) {
        assert_false(axis_limit_move(&limit, 10.0, t, false));
        assert_true(fabs(limit.top - 20.0) < 1e-12);
    }
    /* More again: the wait starts anew. */
    axis_limit_move(&limit, 20.0, 2.1, false);
    assert_false(axis_limit_move(&limit, 10.0, 2.5, false));
    assert_true(axis_limit_move(&limit, 10.0, 4.6, false));
    double before = limit.top;
    assert_true(axis_limit_move(&limit, 10.0, 4.7, false));
    assert_true(limit.top < before && limit.top > 10.0);
    assert_false(axis_limit_move(&limit, 10.0, 4.81, false));
    assert_true(fabs(limit.top - 10.0) < 1e-12);
}

static void exact_limits_jump(void **state) {
    (void)state;
    struct axis_limit limit = {.top = 100.0};
    assert_false(axis_limit_move(&limit, 5.0, 0.0, true));
    assert_true(fabs(limit.top - 5.0) < 1e-12);
}

static void parted_labels_do_not_touch_and_stay_inside(void **state) {
    (void)state;
    uint64_t seed = seed_from_environment();
    for (int round = 0; round < 20000; round++) {
        double y[8] = {0}, wanted[8] = {0};
        size_t count = 1 + (size_t)(random_unit(&seed) * 7.9);
        double lo = 10.0, hi = lo + 16.0 * (double)count + random_unit(&seed) * 100.0;
        double at = lo;
        for (size_t i = 0; i < count; i++) {
            at += random_unit(&seed) * (hi - at) * 0.7;
            y[i] = wanted[i] = at;
        }
        chart_part(y, count, 16.0, lo, hi);
        bool free_of_touch = wanted[0] - 8.0 >= lo && wanted[count - 1] + 8.0 <= hi;
        for (size_t i = 0; i < count; i++) {
            assert_true(y[i] >= lo + 8.0 - 1e-6 && y[i] <= hi - 8.0 + 1e-6);
            assert_true(i == 0 || y[i] - y[i - 1] >= 16.0 - 1e-6);
            free_of_touch = free_of_touch && (i == 0 || wanted[i] - wanted[i - 1] >= 16.0);
        }
        for (size_t i = 0; i < count && free_of_touch; i++) {
            assert_true(fabs(y[i] - wanted[i]) < 1e-9); /* nothing moves without need */
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_one_two_five),
        cmocka_unit_test(the_unit_stands_once_on_the_top_tick),
        cmocka_unit_test(nothing_and_nonsense_still_have_an_axis),
        cmocka_unit_test(counts_of_tables_have_no_fractions),
        cmocka_unit_test(time_ticks_are_round_and_within),
        cmocka_unit_test(limits_grow_at_once_and_shrink_calmly),
        cmocka_unit_test(exact_limits_jump),
        cmocka_unit_test(parted_labels_do_not_touch_and_stay_inside),
    };
    return cmocka_run_group_tests_name("axis", tests, NULL, NULL);
}
