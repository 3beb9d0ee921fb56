/* scope_fork_test.c: when a writer counts as live, stalled or crashed, and that a fork, whatever
 * the child does and however long it lives, changes none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

static bool exists(const char *file) {
    return access(fixture_path(file), F_OK) == 0;
}

static enum scope_liveness liveness_of(const char *name) {
    struct scope_segment *segment = fixture_attach(name);
    enum scope_liveness liveness = scope_segment_liveness(segment);
    scope_detach(segment);
    return liveness;
}

/* ---- liveness ------------------------------------------------------------------------------- */

static void live_on(void *argument) {
    (void)argument;
    (void)fixture_writer("a");
    for (;;) {
        (void)pause();
    }
}

static void await_name(const char *name) {
    struct scope_segment *segment = NULL;
    while (scope_attach(name, false, &segment, NULL) != 0) {
        (void)usleep(1000);
    }
    scope_detach(segment);
}

/* Stores a heartbeat from outside, so that the test need not wait for it to grow old. */
static void set_heartbeat(const char *file, uint64_t time) {
    struct scope_header header;
    int fd = open(fixture_path(file), O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
    assert_int_equal(pwrite(fd, &time, sizeof(time), (off_t)header.heartbeat_offset), sizeof(time));
    (void)close(fd);
}

static void a_stopped_writer_is_stalled_and_keeps_its_name(void **state) {
    (void)state;
    pid_t child = fixture_start(live_on, NULL);
    await_name("a");
    int status = 0;
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    set_heartbeat("lsmscope.a", scope_now_ns() - UINT64_C(2100000000));
    assert_int_equal(liveness_of("a"), SCOPE_STALLED);
    struct scope_writer_options options = fixture_options("a");
    struct scope_writer *writer = NULL;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), SCOPE_ERR_IN_USE);
    assert_int_equal(kill(child, SIGCONT), 0);
    while (liveness_of("a") != SCOPE_LIVE) {
        (void)usleep(5000); /* the next heartbeat */
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    (void)fixture_wait(child);
    assert_int_equal(liveness_of("a"), SCOPE_CRASHED);
}

static void the_heartbeat_beats_without_samples_and_tells_its_cost(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    set_heartbeat("lsmscope.a", 1);
    struct scope_segment *segment = fixture_attach("a");
    while (scope_segment_heartbeat_age_ns(segment) > UINT64_C(1000000000)) {
        (void)usleep(5000);
    }
    assert_true(scope_writer_cpu_ns(writer) > 0);
    scope_detach(segment);
    scope_writer_close(writer);
}

/* ---- fork ----------------------------------------------------------------------------------- */

static void use_in_child(void *argument) {
    struct scope_writer *writer = argument;
    struct scope_sample sample = {.time_ns = 666};
    struct scope_event event = {.type = SCOPE_EVENT_MARKER};
    scope_publish_sample(writer, &sample);
    (void)scope_publish_event(writer, &event);
    if (scope_event_head(writer) != 0 || scope_writer_cpu_ns(writer) != 0) {
        _exit(1);
    }
    scope_writer_close(writer);
#ifndef __SANITIZE_THREAD__ /* which allows no new threads in the child of a threaded process */
    scope_writer_close(fixture_writer("childs-own"));
#endif
}

static void a_child_can_neither_publish_nor_end_its_parents_segment(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    int status = fixture_child(use_in_child, writer);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(scope_ring_head(segment, SCOPE_RING_SAMPLES), 0);
    assert_int_equal(scope_ring_head(segment, SCOPE_RING_EVENTS), 0);
    assert_int_equal(scope_segment_liveness(segment), SCOPE_LIVE);
    assert_true(exists("lsmscope.a"));
    scope_detach(segment);
    scope_writer_close(writer);
}

static void sleep_on(void *argument) {
    const int *told = argument;
    (void)!write(told[1], "x", 1);
    for (;;) {
        (void)pause();
    }
}

struct family {
    int told[2];
    int grandchild[2];
};

static void have_a_child_then_die(void *argument) {
    struct family *family = argument;
    (void)fixture_writer("a");
    pid_t child = fixture_start(sleep_on, family->told);
    (void)!write(family->grandchild[1], &child, sizeof(child));
    char byte;
    (void)!read(family->told[0], &byte, 1);
    (void)raise(SIGKILL);
}

static void a_child_that_outlives_the_writer_does_not_keep_it_alive(void **state) {
    (void)state;
    struct family family;
    assert_int_equal(pipe(family.told), 0);
    assert_int_equal(pipe(family.grandchild), 0);
    int status = fixture_child(have_a_child_then_die, &family);
    assert_true(WIFSIGNALED(status));
    pid_t grandchild = 0;
    assert_int_equal(read(family.grandchild[0], &grandchild, sizeof(grandchild)),
                     sizeof(grandchild));
    assert_int_equal(kill(grandchild, 0), 0);
    assert_int_equal(liveness_of("a"), SCOPE_CRASHED);
    assert_int_equal(kill(grandchild, SIGKILL), 0);
    for (unsigned i = 0; i < 2; i++) {
        (void)close(family.told[i]);
        (void)close(family.grandchild[i]);
    }
}

static void spawn_a_program_then_die(void *argument) {
    struct family *family = argument;
    (void)fixture_writer("a");
    char name[] = "sleep";
    char time[] = "1000";
    char *arguments[] = {name, time, NULL};
    pid_t child = 0;
    if (posix_spawnp(&child, name, NULL, NULL, arguments, NULL) != 0) {
        child = 0;
    }
    (void)!write(family->grandchild[1], &child, sizeof(child));
    (void)raise(SIGKILL);
}

/* posix_spawn and popen run no fork handlers: there it is the exec that closes the descriptor. */
static void a_program_that_outlives_the_writer_does_not_keep_it_alive(void **state) {
    (void)state;
    struct family family;
    assert_int_equal(pipe(family.grandchild), 0);
    int status = fixture_child(spawn_a_program_then_die, &family);
    assert_true(WIFSIGNALED(status));
    pid_t program = 0;
    assert_int_equal(read(family.grandchild[0], &program, sizeof(program)), sizeof(program));
    assert_true(program > 0);
    assert_int_equal(kill(program, 0), 0);
    assert_int_equal(liveness_of("a"), SCOPE_CRASHED);
    assert_int_equal(kill(program, SIGKILL), 0);
    (void)close(family.grandchild[0]);
    (void)close(family.grandchild[1]);
}

static void a_child_that_lives_on_does_not_keep_the_name_after_a_clean_end(void **state) {
    (void)state;
    int told[2];
    assert_int_equal(pipe(told), 0);
    struct scope_writer_options options = fixture_options("a");
    options.linger = true;
    struct scope_writer *writer = NULL;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    pid_t child = fixture_start(sleep_on, told);
    char byte;
    assert_int_equal(read(told[0], &byte, 1), 1);
    scope_writer_close(writer);
    assert_int_equal(liveness_of("a"), SCOPE_CLOSED);
    writer = fixture_writer("a");
    scope_writer_close(writer);
    assert_int_equal(kill(child, SIGKILL), 0);
    (void)fixture_wait(child);
    (void)close(told[0]);
    (void)close(told[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_stopped_writer_is_stalled_and_keeps_its_name),
        CASE(the_heartbeat_beats_without_samples_and_tells_its_cost),
        CASE(a_child_can_neither_publish_nor_end_its_parents_segment),
        CASE(a_child_that_outlives_the_writer_does_not_keep_it_alive),
        CASE(a_program_that_outlives_the_writer_does_not_keep_it_alive),
        CASE(a_child_that_lives_on_does_not_keep_the_name_after_a_clean_end),
    };
    return cmocka_run_group_tests_name("scope_fork", tests, NULL, NULL);
}
