/* driver_pacer_test.c: the schedule: exact, without drift, whole over any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tools/driver/pacer.h"

#define SECOND 1000000000ull

static void operation_i_is_due_at_i_over_rate(void **state) {
    (void)state;
    assert_int_equal(driver_due_ns(0, 1000), 0);
    assert_int_equal(driver_due_ns(1, 1000), SECOND);
    assert_int_equal(driver_due_ns(1, 200000000), 5000);
    assert_int_equal(driver_due_ns(1, 3000), 333333333);
    assert_int_equal(driver_due_ns(3, 3000), SECOND); /* thirds do not add up errors */
    assert_int_equal(driver_due_ns(3000000000ull, 3000), 1000000000ull * SECOND);
    assert_int_equal(driver_due_ns(1, 1), 1000 * SECOND);
    assert_int_equal(driver_due_ns(UINT64_MAX, 1), UINT64_MAX); /* saturates */
}

static void the_count_due_agrees_with_the_due_times(void **state) {
    (void)state;
    static const uint64_t rates[] = {1, 500, 1000, 1001, 3000, 7777, 2000000, 199999999, 200000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (uint64_t elapsed = 1; elapsed < 20 * SECOND; elapsed = elapsed * 3 + 7) {
            uint64_t n = driver_due_count(elapsed, rates[i]);
            assert_true(n > 0); /* the first is due at once */
            assert_true(driver_due_ns(n - 1, rates[i]) < elapsed);
            /* Due times are rounded down, so the next may share the last nanosecond. */
            assert_true(driver_due_ns(n, rates[i]) + 1 >= elapsed);
        }
    }
    assert_int_equal(driver_due_count(0, 1000), 0);
    assert_int_equal(driver_due_count(SECOND, 0), 0);
    assert_int_equal(driver_due_count(10 * SECOND, 1000), 10);
    assert_int_equal(driver_due_count(10 * SECOND, 200000000), 2000000);
}

/* Follows a pacer on a made-up clock where each operation takes `cost_ns`; returns how many of each
 * kind were begun in `length_ns`. */
static void simulate(const uint64_t rates[KINDS], uint64_t threads, uint64_t cost_ns,
                     uint64_t length_ns, uint64_t done[KINDS]) {
    memset(done, 0, KINDS * sizeof done[0]);
    for (uint64_t t = 0; t < threads; t++) {
        struct driver_pacer pacer;
        uint64_t start = 12345;
        uint64_t now = start;
        driver_pacer_init(&pacer, start, rates, t, threads);
        while (pacer.paced > 0) {
            uint64_t due;
            enum driver_kind kind = driver_pacer_next(&pacer, &due);
            assert_int_equal(due, pacer.due_ns);
            now = due > now ? due : now;
            if (due >= start + length_ns || now >= start + length_ns) {
                break;
            }
            done[kind]++;
            now += cost_ns;
            driver_pacer_advance(&pacer, kind);
        }
    }
}

static void every_rate_is_met_exactly_when_the_engine_keeps_up(void **state) {
    (void)state;
    static const uint64_t rates[] = {1, 2, 10, 999, 1000, 5000, 20000, 123457, 200000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            uint64_t asked[KINDS] = {0};
            uint64_t done[KINDS];
            asked[kind] = rates[i] * 1000;
            simulate(asked, 1, 4000, 10 * SECOND, done);
            assert_int_equal(done[kind], 10 * rates[i]);
        }
    }
}

static void threads_together_have_exactly_the_schedule(void **state) {
    (void)state;
    static const uint64_t threads[] = {1, 2, 3, 7, 16, 256};
    const uint64_t asked[KINDS] = {5000000, 2000000, 600000, 7000};
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        uint64_t done[KINDS];
        simulate(asked, threads[i], 500, 3 * SECOND, done);
        assert_int_equal(done[KIND_PUT], 15000);
        assert_int_equal(done[KIND_GET], 6000);
        assert_int_equal(done[KIND_DELETE], 1800);
        assert_int_equal(done[KIND_SCAN], 21);
    }
}

static void a_worker_that_falls_behind_catches_up_back_to_back(void **state) {
    (void)state;
    struct driver_pacer pacer;
    const uint64_t asked[KINDS] = {1000000, 0, 0, 0};
    driver_pacer_init(&pacer, 0, asked, 0, 1);
    /* A stall of half a second: the operations due meanwhile are due in the past, none is left
     * out. */
    uint64_t now = SECOND / 2;
    unsigned late = 0;
    uint64_t due;
    while (driver_pacer_next(&pacer, &due) == KIND_PUT && due <= now) {
        assert_int_equal(due, late * 1000000ull);
        late++;
        driver_pacer_advance(&pacer, KIND_PUT);
    }
    assert_int_equal(late, 501);
}

static void kinds_are_merged_by_due_time(void **state) {
    (void)state;
    struct driver_pacer pacer;
    const uint64_t asked[KINDS] = {3000, 2000, DRIVER_RATE_MAX, 0};
    static const enum driver_kind order[] = {KIND_PUT, KIND_GET, KIND_PUT, KIND_GET,
                                             KIND_PUT, KIND_PUT, KIND_GET};
    driver_pacer_init(&pacer, 0, asked, 0, 1);
    assert_int_equal(pacer.paced, 2);
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        uint64_t due;
        enum driver_kind kind = driver_pacer_next(&pacer, &due);
        assert_int_equal(kind, order[i]);
        assert_true(due >= last);
        last = due;
        driver_pacer_advance(&pacer, kind);
    }
}

static void waiting_never_ends_early(void **state) {
    (void)state;
    struct driver_pacer pacer;
    _Atomic bool stop = false;
    const uint64_t asked[KINDS] = {1000, 0, 0, 0};
    driver_pacer_init(&pacer, 0, asked, 0, 1);
    static const uint64_t waits[] = {0, 100, 4000, 60000, 300000, 2000000, 60000000};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        uint64_t now = driver_now_ns();
        uint64_t due = now + waits[i];
        assert_true(driver_pacer_wait(&pacer, now, due, &stop) >= due);
        assert_true(driver_now_ns() >= due);
        assert_true(pacer.margin_ns >= 1000 && pacer.margin_ns <= 50000);
    }
}

static void waiting_ends_when_told_to_stop(void **state) {
    (void)state;
    struct driver_pacer pacer;
    _Atomic bool stop = true;
    const uint64_t asked[KINDS] = {1000, 0, 0, 0};
    driver_pacer_init(&pacer, 0, asked, 0, 1);
    uint64_t now = driver_now_ns();
    assert_true(driver_pacer_wait(&pacer, now, now + 3600 * SECOND, &stop) < now + 3600 * SECOND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operation_i_is_due_at_i_over_rate),
        cmocka_unit_test(the_count_due_agrees_with_the_due_times),
        cmocka_unit_test(every_rate_is_met_exactly_when_the_engine_keeps_up),
        cmocka_unit_test(threads_together_have_exactly_the_schedule),
        cmocka_unit_test(a_worker_that_falls_behind_catches_up_back_to_back),
        cmocka_unit_test(kinds_are_merged_by_due_time),
        cmocka_unit_test(waiting_never_ends_early),
        cmocka_unit_test(waiting_ends_when_told_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
