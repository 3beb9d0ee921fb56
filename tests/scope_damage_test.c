/* scope_damage_test.c: a segment cut short while it is mapped. With the guard a reader sees zeros
 * and says "damaged", and a writer goes on; without it the process dies, as the system has it.
 * Faults elsewhere are not the guard's and go where they went before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

static void cut(off_t length) {
    int fd = open(fixture_path("lsmscope.a"), O_RDWR | O_CLOEXEC);
    if (fd < 0 || ftruncate(fd, length) != 0) {
        _exit(40);
    }
    (void)close(fd);
}

static void publish(struct scope_writer *writer, uint64_t count) {
    for (uint64_t n = 0; n < count; n++) {
        struct scope_sample sample = {.time_ns = n + 1};
        struct scope_event event = {.time_ns = n + 1, .type = SCOPE_EVENT_WAL_ROTATE};
        static const struct scope_histograms histograms;
        scope_publish_sample(writer, &sample);
        (void)scope_publish_event(writer, &event);
        struct scope_shape shape = {.time_ns = n + 1};
        scope_publish_histograms(writer, &histograms);
        scope_publish_shape(writer, &shape);
    }
}

/* Polls everything to its end; how many samples came. */
static unsigned poll_everything(const struct scope_segment *segment) {
    static struct scope_table tables[SCOPE_MAX_TABLES];
    static struct scope_histograms histograms;
    struct scope_shape shape = {.tables = tables};
    struct scope_sample sample;
    struct scope_event event;
    struct scope_cursor cursor;
    unsigned samples = 0;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    for (unsigned i = 0; i < 200; i++) {
        samples += scope_poll_sample(&cursor, &sample) == SCOPE_POLL_RECORD ? 1 : 0;
    }
    scope_cursor_init(&cursor, segment, SCOPE_RING_EVENTS);
    for (unsigned i = 0; i < 200; i++) {
        (void)scope_poll_event(&cursor, &event);
    }
    scope_cursor_init(&cursor, segment, SCOPE_RING_HISTOGRAMS);
    for (unsigned i = 0; i < 200; i++) {
        (void)scope_poll_histograms(&cursor, &histograms);
    }
    (void)scope_read_shape(segment, &shape);
    return samples;
}

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            _exit(50);                                                                             \
        }                                                                                          \
    } while (0)

/* In children throughout: the guard is for a process's whole life, and one of them must die. */

static void read_a_cut_segment(void *argument) {
    const off_t *length = argument;
    REQUIRE(scope_sigbus_guard() == 0 && scope_sigbus_guard() == 0);
    struct scope_writer *writer = fixture_writer("a");
    publish(writer, 10);
    struct scope_segment *segment = fixture_attach("a");
    REQUIRE(poll_everything(segment) == 10);
    cut(*length);
    unsigned samples = poll_everything(segment);
    REQUIRE(scope_segment_damaged(segment));
    REQUIRE(samples == (*length > 30000 ? 10 : 0)); /* what the file still has is still read */
    (void)scope_segment_liveness(segment);
    (void)scope_segment_heartbeat_age_ns(segment);
    /* The writer's own mapping is cut as well: it goes on, into pages nobody will see. */
    publish(writer, 100);
    scope_detach(segment);
    int rc = scope_attach("a", false, &segment, NULL);
    REQUIRE(rc == SCOPE_ERR_NOT_A_SEGMENT);
    scope_writer_close(writer);
}

static void with_the_guard_a_cut_segment_reads_as_empty_and_damaged(void **state) {
    (void)state;
    off_t lengths[] = {0, 4096, 8192, 4096 * 30};
    for (size_t i = 0; i < 4; i++) {
        int status = fixture_child(read_a_cut_segment, &lengths[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        (void)unlink(fixture_path("lsmscope.a"));
    }
}

static void beat_into_a_cut_segment(void *argument) {
    (void)argument;
    REQUIRE(scope_sigbus_guard() == 0);
    struct scope_writer *writer = fixture_writer("a");
    cut(0);
    while (!scope_guard_damaged(writer->guard)) {
        (void)usleep(1000); /* only the heartbeat thread touches the mapping meanwhile */
    }
    scope_writer_close(writer);
}

static void the_heartbeat_of_a_cut_segment_goes_on(void **state) {
    (void)state;
    int status = fixture_child(beat_into_a_cut_segment, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void read_unguarded(void *argument) {
    (void)argument;
    (void)signal(SIGBUS, SIG_DFL); /* a sanitizer has its own */
    struct scope_writer *writer = fixture_writer("a");
    publish(writer, 10);
    struct scope_segment *segment = fixture_attach("a");
    cut(0);
    (void)poll_everything(segment);
}

static void without_the_guard_the_same_kills_the_process(void **state) {
    (void)state;
    int status = fixture_child(read_unguarded, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

/* ---- faults that are not the guard's -------------------------------------------------------- */

static volatile char *foreign_mapping(void) {
    int fd = open(fixture_path("foreign"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0 && ftruncate(fd, 4096) == 0);
    volatile char *base = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(base != MAP_FAILED && ftruncate(fd, 0) == 0);
    return base;
}

static void on_foreign(int number, siginfo_t *info, void *context) {
    (void)context;
    _exit(number == SIGBUS && info->si_addr != NULL ? 30 : 31);
}

static void fault_elsewhere(void *argument) {
    const bool *handled = argument;
    (void)signal(SIGBUS, SIG_DFL);
    if (*handled) {
        struct sigaction action = {.sa_sigaction = on_foreign, .sa_flags = SA_SIGINFO};
        REQUIRE(sigaction(SIGBUS, &action, NULL) == 0);
    }
    REQUIRE(scope_sigbus_guard() == 0);
    (void)foreign_mapping()[0];
}

static void sent_by_somebody(void *argument) {
    (void)argument;
    (void)signal(SIGBUS, SIG_DFL);
    REQUIRE(scope_sigbus_guard() == 0);
    (void)raise(SIGBUS);
    (void)usleep(1000);
}

static void a_fault_elsewhere_goes_where_it_went_before(void **state) {
    (void)state;
    bool handled = true;
    int status = fixture_child(fault_elsewhere, &handled);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 30);
    handled = false;
    status = fixture_child(fault_elsewhere, &handled);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
    status = fixture_child(sent_by_somebody, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void many_segments(void *argument) {
    (void)argument;
    enum { MORE_THAN_FIT = 1100 };
    static struct scope_segment *segments[MORE_THAN_FIT];
    struct scope_writer *writer = fixture_writer("a");
    unsigned attached = 0;
    int rc = 0;
    for (unsigned i = 0; i < MORE_THAN_FIT && rc == 0; i++) {
        rc = scope_attach("a", false, &segments[i], NULL);
        attached += rc == 0 ? 1 : 0;
    }
    /* Refused by the guard's table or by the limit on descriptors, never by a crash. */
    REQUIRE(rc == SCOPE_ERR_MEMORY || rc == SCOPE_ERR_SYSTEM);
    for (unsigned i = 0; i < attached; i++) {
        scope_detach(segments[i]);
    }
    REQUIRE(scope_attach("a", false, &segments[0], NULL) == 0);
    scope_detach(segments[0]);
    scope_writer_close(writer);
}

static void more_segments_than_fit_are_refused_and_room_comes_back(void **state) {
    (void)state;
    int status = fixture_child(many_segments, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(with_the_guard_a_cut_segment_reads_as_empty_and_damaged),
        CASE(the_heartbeat_of_a_cut_segment_goes_on),
        CASE(without_the_guard_the_same_kills_the_process),
        CASE(a_fault_elsewhere_goes_where_it_went_before),
        CASE(more_segments_than_fit_are_refused_and_room_comes_back),
    };
    return cmocka_run_group_tests_name("scope_damage", tests, NULL, NULL);
}
