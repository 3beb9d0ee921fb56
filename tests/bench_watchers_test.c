/* bench_watchers_test.c: the bench's watchers copy what is published, round after round, and are
 * there for the next round when one could not begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "scope.h"
#include "watchers.h"

enum { SAMPLES = 3 };

struct round {
    char name[40];
    struct bench_watchers *watchers;
    struct scope_writer *writer;
};

static void publish_begin(struct round *r) {
    struct scope_writer_options options = {
        .name = r->name, .engine_name = "none", .sample_interval_ns = 10000000};
    struct scope_error_detail error;
    assert_int_equal(scope_writer_create(&options, &r->writer, &error), 0);
    for (uint64_t n = 1; n <= SAMPLES; n++) {
        struct scope_sample sample = {.time_ns = n};
        scope_publish_sample(r->writer, &sample);
    }
}

/* The records that the four copied; the round is long enough for a frame of each. */
static double watch_round(struct round *r) {
    double cpu_s = -1;
    double records = -1;
    assert_true(bench_watchers_attach(r->watchers, r->name));
    (void)usleep(300000);
    assert_true(bench_watchers_detach(r->watchers, &cpu_s, &records));
    assert_true(cpu_s > 0);
    return records;
}

static int set_up(void **state) {
    static struct round r;
    r = (struct round){.watchers = bench_watchers_start()};
    (void)snprintf(r.name, sizeof r.name, "bench-watchers-%ld", (long)getpid());
    *state = &r;
    return r.watchers == NULL;
}

static int tear_down(void **state) {
    struct round *r = *state;
    bench_watchers_stop(r->watchers);
    scope_writer_close(r->writer);
    return 0;
}

static void each_round_copies_all_there_is(void **state) {
    struct round *r = *state;
    publish_begin(r);
    for (int i = 0; i < 3; i++) {
        assert_true(watch_round(r) == BENCH_WATCHERS * SAMPLES);
    }
}

static void a_round_that_could_not_begin_leaves_nothing_behind(void **state) {
    struct round *r = *state;
    assert_false(bench_watchers_attach(r->watchers, r->name)); /* nobody publishes yet */
    publish_begin(r);
    assert_true(watch_round(r) == BENCH_WATCHERS * SAMPLES);
    scope_writer_close(r->writer);
    r->writer = NULL;
    assert_false(bench_watchers_attach(r->watchers, r->name));
    assert_false(bench_watchers_attach(r->watchers, r->name));
    publish_begin(r);
    assert_true(watch_round(r) == BENCH_WATCHERS * SAMPLES);
}

static void watchers_end_in_the_middle_of_a_round(void **state) {
    struct round *r = *state;
    publish_begin(r);
    assert_true(bench_watchers_attach(r->watchers, r->name));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_round_copies_all_there_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_round_that_could_not_begin_leaves_nothing_behind, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(watchers_end_in_the_middle_of_a_round, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
