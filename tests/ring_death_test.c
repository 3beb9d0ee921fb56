/* ring_death_test.c: a writer that dies: at every step of its start, in the middle of a record, at
 * any moment. A name never leads to a half-made segment, what is left is readable to the last whole
 * record, and the next writer starts without help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scope.h"
#include "segment.h"
#include "slot.h"
#include "scope_fixture.h"

static uint64_t seed;
static enum scope_step fatal_step;
static int fatal_signal;

static void die_at_step(enum scope_step step) {
    if (step == fatal_step) {
        (void)raise(fatal_signal);
    }
}

static void start_and_die(void *argument) {
    (void)argument;
    scope_step_hook = die_at_step;
    (void)fixture_writer("a");
    _exit(3); /* the step was never reached */
}

static bool exists(const char *file) {
    return access(fixture_path(file), F_OK) == 0;
}

static void killed_at_each_step_of_its_start_a_writer_leaves_all_or_nothing(void **state) {
    (void)state;
    for (int step = 0; step < SCOPE_STEPS; step++) {
        if (step == SCOPE_STEP_CLAIMED || step == SCOPE_STEP_ASIDE) {
            continue; /* the next test */
        }
        fatal_step = (enum scope_step)step;
        fatal_signal = SIGKILL;
        int status = fixture_child(start_and_die, NULL);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        struct scope_segment *segment = NULL;
        int rc = scope_attach("a", false, &segment, NULL);
        if (step < SCOPE_STEP_LINKED) {
            assert_int_equal(rc, SCOPE_ERR_NOT_FOUND);
            assert_int_equal(fixture_files(), 0);
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(scope_segment_liveness(segment), SCOPE_CRASHED);
            scope_detach(segment);
            assert_int_equal(scope_remove("a", NULL), 0);
            assert_int_equal(fixture_files(), 0);
        }
    }
}

static void stopped_at_each_step_it_is_absent_or_whole_to_a_reader(void **state) {
    (void)state;
    for (int step = 0; step < SCOPE_STEPS; step++) {
        if (step == SCOPE_STEP_CLAIMED || step == SCOPE_STEP_ASIDE) {
            continue;
        }
        fatal_step = (enum scope_step)step;
        fatal_signal = SIGSTOP;
        pid_t child = fixture_start(start_and_die, NULL);
        int status = 0;
        assert_int_equal(waitpid(child, &status, WUNTRACED), child);
        assert_true(WIFSTOPPED(status));
        struct scope_segment *segment = NULL;
        int rc = scope_attach("a", false, &segment, NULL);
        if (step < SCOPE_STEP_LINKED) {
            assert_int_equal(rc, SCOPE_ERR_NOT_FOUND);
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(scope_segment_liveness(segment), SCOPE_LIVE);
            struct scope_cursor cursor;
            struct scope_sample sample;
            scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
            assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_EMPTY);
            scope_detach(segment);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        (void)fixture_wait(child);
        assert_int_equal(scope_remove("a", NULL),
                         step < SCOPE_STEP_LINKED ? SCOPE_ERR_NOT_FOUND : 0);
    }
}

static void live_and_die(void *argument) {
    const uint64_t *time = argument;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_sample sample = {.time_ns = *time};
    scope_publish_sample(writer, &sample);
    (void)raise(SIGKILL);
}

static uint64_t first_time(struct scope_segment *segment) {
    struct scope_cursor cursor;
    struct scope_sample sample = {0};
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_RECORD);
    return sample.time_ns;
}

static void killed_while_reclaiming_the_black_box_is_never_lost(void **state) {
    (void)state;
    const enum scope_step steps[] = {SCOPE_STEP_CLAIMED, SCOPE_STEP_ASIDE, SCOPE_STEP_LINKED};
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t time = 1000 + i;
        (void)fixture_child(live_and_die, &time);
        fatal_step = steps[i];
        fatal_signal = SIGKILL;
        int status = fixture_child(start_and_die, NULL);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(exists("lsmscope.a"), i != 1);
        assert_int_equal(exists("lsmscope.a.crashed"), i != 0);
        struct scope_segment *segment = fixture_attach(i == 0 ? "a" : "a.crashed");
        assert_int_equal(first_time(segment), time);
        assert_int_equal(scope_segment_liveness(segment), SCOPE_CRASHED);
        scope_detach(segment);
        scope_writer_close(fixture_writer("a")); /* and the next start needs no help */
        assert_false(exists("lsmscope.a"));
        assert_int_equal(scope_remove("a.crashed", NULL), 0);
    }
}

static void a_crashed_segment_is_put_aside_once_as_a_black_box(void **state) {
    (void)state;
    for (uint64_t time = 1; time <= 3; time++) {
        (void)fixture_child(live_and_die, &time);
    }
    /* The third crash lies under the name, the second beside it, the first was replaced. */
    assert_int_equal(fixture_files(), 2);
    struct scope_segment *segment = fixture_attach("a");
    assert_int_equal(first_time(segment), 3);
    scope_detach(segment);
    segment = fixture_attach("a.crashed");
    assert_int_equal(first_time(segment), 2);
    struct scope_info info;
    scope_segment_info(segment, &info);
    assert_string_equal(info.name, "a");
    scope_detach(segment);
}

/* ---- in the middle of a record -------------------------------------------------------------- */

static void die_mid_record(void *argument) {
    const unsigned *stage = argument;
    struct scope_writer *writer = fixture_writer("a");
    for (uint64_t n = 0; n < 100; n++) {
        struct scope_sample sample = {.time_ns = n};
        scope_publish_sample(writer, &sample);
    }
    _Atomic uint64_t *slot = scope_slot(&writer->parts.rings[SCOPE_RING_SAMPLES], 100);
    scope_slot_begin(slot, 100);
    if (*stage >= 1) {
        scope_slot_put(slot, 0, 100);
    }
    if (*stage >= 2) {
        scope_slot_put(slot, 1, 0);
        scope_slot_put(slot, 2, 0);
        scope_slot_end(slot, 100); /* whole, but the head never says so */
    }
    (void)raise(SIGKILL);
}

static void killed_mid_record_everything_before_it_is_read_and_it_is_not(void **state) {
    (void)state;
    for (unsigned stage = 0; stage < 3; stage++) {
        (void)fixture_child(die_mid_record, &stage);
        struct scope_segment *segment = fixture_attach("a");
        assert_int_equal(scope_segment_liveness(segment), SCOPE_CRASHED);
        struct scope_cursor cursor;
        struct scope_sample sample;
        scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
        uint64_t next = 100 - 60;
        while (scope_poll_sample(&cursor, &sample) == SCOPE_POLL_RECORD) {
            assert_int_equal(sample.time_ns, next);
            next++;
        }
        assert_int_equal(next, stage < 2 ? 100 : 101);
        assert_int_equal(cursor.lost, 0);
        scope_detach(segment);
        assert_int_equal(scope_remove("a", NULL), 0);
    }
}

static void publish_for_ever(void *argument) {
    (void)argument;
    struct scope_writer *writer = fixture_writer("a");
    for (uint64_t n = 0;; n++) {
        struct scope_sample sample = {.time_ns = n};
        for (uint32_t id = 1; id < 88; id++) {
            scope_sample_set(writer, &sample, id, fixture_mix(n * 128 + id));
        }
        scope_publish_sample(writer, &sample);
    }
}

static void killed_at_any_moment_no_record_left_is_torn(void **state) {
    (void)state;
    uint64_t random = seed;
    for (unsigned round = 0; round < 20; round++) {
        pid_t child = fixture_start(publish_for_ever, NULL);
        struct scope_segment *segment = NULL;
        while (scope_attach("a", false, &segment, NULL) == SCOPE_ERR_NOT_FOUND ||
               scope_ring_head(segment, SCOPE_RING_SAMPLES) == 0) {
            if (segment != NULL) {
                scope_detach(segment);
                segment = NULL;
            }
            (void)usleep(1000);
        }
        (void)usleep((useconds_t)(fixture_random(&random) % 5000));
        assert_int_equal(kill(child, SIGKILL), 0);
        (void)fixture_wait(child);
        assert_int_equal(scope_segment_liveness(segment), SCOPE_CRASHED);
        struct scope_cursor cursor;
        struct scope_sample sample;
        scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
        unsigned count = 0;
        while (scope_poll_sample(&cursor, &sample) == SCOPE_POLL_RECORD) {
            assert_int_equal(sample.time_ns, cursor.next - 1);
            for (uint32_t id = 1; id < 88; id++) {
                uint64_t value = 0;
                assert_true(scope_sample_get(segment, &sample, id, &value));
                assert_int_equal(value, fixture_mix(sample.time_ns * 128 + id));
            }
            count++;
        }
        assert_true(count > 0);
        assert_int_equal(cursor.lost, 0);
        scope_detach(segment);
        assert_int_equal(scope_remove("a", NULL), 0);
    }
}

/* ---- under a running reader ----------------------------------------------------------------- */

static void a_restart_is_seen_by_a_reader_that_was_attached(void **state) {
    (void)state;
    uint64_t time = 7;
    (void)fixture_child(live_and_die, &time);
    struct scope_segment *segment = fixture_attach("a");
    assert_false(scope_segment_replaced(segment));
    struct scope_writer *writer = fixture_writer("a");
    assert_true(scope_segment_replaced(segment));
    /* The old picture stays, and stays crashed, while the new one is live. */
    assert_int_equal(first_time(segment), 7);
    assert_int_equal(scope_segment_liveness(segment), SCOPE_CRASHED);
    struct scope_segment *fresh = fixture_attach("a");
    assert_int_equal(scope_segment_liveness(fresh), SCOPE_LIVE);
    assert_false(scope_segment_replaced(fresh));
    scope_detach(segment);
    scope_writer_close(writer);
    assert_int_equal(scope_segment_liveness(fresh), SCOPE_CLOSED);
    assert_false(scope_segment_replaced(fresh)); /* nobody has come yet */
    writer = fixture_writer("a");
    assert_true(scope_segment_replaced(fresh));
    scope_detach(fresh);
    scope_writer_close(writer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv) {
    (void)argc;
    seed = fixture_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        CASE(killed_at_each_step_of_its_start_a_writer_leaves_all_or_nothing),
        CASE(stopped_at_each_step_it_is_absent_or_whole_to_a_reader),
        CASE(killed_while_reclaiming_the_black_box_is_never_lost),
        CASE(a_crashed_segment_is_put_aside_once_as_a_black_box),
        CASE(killed_mid_record_everything_before_it_is_read_and_it_is_not),
        CASE(killed_at_any_moment_no_record_left_is_torn),
        CASE(a_restart_is_seen_by_a_reader_that_was_attached),
    };
    return cmocka_run_group_tests_name("ring_death", tests, NULL, NULL);
}
