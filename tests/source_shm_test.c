/* The observer's view of a driver's segment: attaching late, ends, crashes, restarts.
 *
 * As a program of its own it is also the driver that the window's test watches:
 *     source_shm_test --drive NAME INTERVAL_MS SECONDS [BACKLOG_STEPS]
 *     source_shm_test --count-live */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_driver.h"
#include "quiet_fork.h"
#include "source.h"

static char name[48];
static double clock_s; /* advanced by the tests: sources take the time they are told */

struct fixture {
    struct history *history;
    struct source *source;
    struct view view;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->history = history_create();
    view_init(&fixture->view, fixture->history, THEME_DARK);
    clock_s = 1000;
    snprintf(name, sizeof(name), "source-test-%d", (int)getpid());
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    source_close(fixture->source);
    history_destroy(fixture->history);
    free(fixture);
    char leftover[64];
    (void)!scope_remove(name, NULL);
    snprintf(leftover, sizeof(leftover), "%s.crashed", name);
    (void)!scope_remove(leftover, NULL);
    return 0;
}

static void open_named(struct fixture *fixture) {
    fixture->source = source_shm_open(name, false, fixture->history, false);
    assert_non_null(fixture->source);
}

static bool look(struct fixture *fixture) {
    clock_s += 1;
    bool changed = source_poll(fixture->source, clock_s);
    source_describe(fixture->source, &fixture->view, clock_s);
    return changed;
}

static uint64_t latest(const struct fixture *fixture, uint32_t id) {
    uint64_t value = 0;
    assert_true(history_latest(fixture->history, id, &value));
    return value;
}

static void waits_for_its_name_and_says_so(void **state) {
    struct fixture *fixture = *state;
    open_named(fixture);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_WAITING);
    assert_non_null(strstr(fixture->view.headline, name));
    assert_non_null(strstr(fixture->view.detail, "lsm-driver --name"));
}

static void late_joiner_sees_all_that_the_rings_hold(void **state) {
    struct fixture *fixture = *state;
    struct fake_driver driver;
    assert_int_equal(fake_driver_open(&driver, name, 100, 1024, false), SCOPE_OK);
    for (int i = 0; i < 300; i++) {
        fake_driver_step(&driver);
    }
    open_named(fixture);
    look(fixture);
    assert_int_equal(history_count(fixture->history), 300);
    assert_int_equal(latest(fixture, SCOPE_M_OPS_PUT), 300 * FAKE_PUTS);
    assert_int_equal(history_event_count(fixture->history),
                     2 * (driver.flushes + driver.compactions));
    assert_int_equal(history_histogram_count(fixture->history), 30);
    assert_non_null(history_shape(fixture->history));
    assert_int_equal(history_shape(fixture->history)->count, 2);
    assert_int_equal(fixture->view.status.state, VIEW_LIVE);
    assert_true(fixture->view.status.samples_lost == 0);
    assert_string_equal(fixture->view.headline, "");
    double rate = 0;
    assert_true(history_number(fixture->history, SCOPE_M_OPS_PUT, HISTORY_RATE, 100, &rate));
    assert_float_equal(rate, FAKE_PUTS / 0.1, 1e-3);
    assert_float_equal(history_time(fixture->history, 9), 1.0, 0.05);
    fake_driver_close(&driver);
}

static void lapped_reader_counts_its_loss_and_breaks_the_line(void **state) {
    struct fixture *fixture = *state;
    struct fake_driver driver;
    assert_int_equal(fake_driver_open(&driver, name, 10, 64, false), SCOPE_OK);
    fake_driver_step(&driver);
    open_named(fixture);
    look(fixture);
    assert_int_equal(history_count(fixture->history), 1);
    for (int i = 0; i < 200; i++) {
        fake_driver_step(&driver);
    }
    look(fixture);
    uint64_t lost = (uint64_t)fixture->view.status.samples_lost;
    assert_true(lost > 0);
    assert_int_equal(history_count(fixture->history) + lost, 201);
    double rate = 0;
    assert_false(history_number(fixture->history, SCOPE_M_OPS_PUT, HISTORY_RATE, 1, &rate));
    assert_true(history_number(fixture->history, SCOPE_M_OPS_PUT, HISTORY_RATE, 2, &rate));
    fake_driver_close(&driver);
}

static void closed_driver_keeps_its_picture_and_the_next_one_replaces_it(void **state) {
    struct fixture *fixture = *state;
    struct fake_driver driver;
    assert_int_equal(fake_driver_open(&driver, name, 100, 64, false), SCOPE_OK);
    open_named(fixture);
    for (int i = 0; i < 5; i++) {
        fake_driver_step(&driver);
    }
    look(fixture);
    fake_driver_step(&driver);
    fake_driver_close(&driver);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_CLOSED);
    assert_true(fixture->source->ended);
    assert_int_equal(history_count(fixture->history), 6); /* also what came just before the end */
    look(fixture);
    assert_int_equal(history_count(fixture->history), 6);

    unsigned generation = fixture->source->generation;
    assert_int_equal(fake_driver_open(&driver, name, 100, 64, false), SCOPE_OK);
    fake_driver_step(&driver);
    look(fixture);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_LIVE);
    assert_false(fixture->source->ended);
    assert_int_equal(fixture->source->generation, generation + 1);
    assert_int_equal(history_count(fixture->history), 1);
    fake_driver_close(&driver);
}

/* In a child: publishes and waits to be killed. */
static pid_t child_drive(int steps) {
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fake_driver driver;
        char ok = fake_driver_open(&driver, name, 100, 64, false) == SCOPE_OK ? 'y' : 'n';
        for (int i = 0; i < steps; i++) {
            fake_driver_step(&driver);
        }
        (void)!write(ready[1], &ok, 1);
        for (;;) {
            pause();
        }
    }
    char ok = 'n';
    assert_int_equal(read(ready[0], &ok, 1), 1);
    assert_int_equal(ok, 'y');
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void crashed_driver_is_told_and_its_restart_attached(void **state) {
    struct fixture *fixture = *state;
    pid_t child = child_drive(7);
    open_named(fixture);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_LIVE);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_CRASHED);
    assert_non_null(strstr(fixture->view.status.notice, "died"));
    assert_int_equal(history_count(fixture->history), 7);

    child = child_drive(3);
    look(fixture);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_LIVE);
    assert_int_equal(history_count(fixture->history), 3);
    assert_int_equal(fixture->source->generation, 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_copy_of_a_segment_is_shown_like_a_file(void **state) {
    struct fixture *fixture = *state;
    struct fake_driver driver;
    assert_int_equal(fake_driver_open(&driver, name, 100, 64, false), SCOPE_OK);
    for (int i = 0; i < 4; i++) {
        fake_driver_step(&driver);
    }
    char from[128], to[128], command[320], error[200];
    snprintf(from, sizeof(from), "/dev/shm/lsmscope.%s", name);
    snprintf(to, sizeof(to), "/tmp/%s.copy", name);
    snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
    fake_driver_close(&driver);
    fixture->source = source_shm_open_file(to, fixture->history, false, error, sizeof(error));
    assert_non_null(fixture->source);
    look(fixture);
    assert_int_equal(fixture->view.status.state, VIEW_FILE);
    assert_true(fixture->source->static_data);
    assert_int_equal(history_count(fixture->history), 4);
    unlink(to);
}

static void a_file_that_is_no_segment_is_refused_with_its_path(void **state) {
    struct fixture *fixture = *state;
    char error[200] = "";
    fixture->source =
        source_shm_open_file("/etc/passwd", fixture->history, false, error, sizeof(error));
    assert_null(fixture->source);
    assert_non_null(strstr(error, "/etc/passwd"));
}

static volatile sig_atomic_t stopped;

static void on_term(int number) {
    (void)number;
    stopped = 1;
}

/* The driver of the window's test. */
static int drive(int argc, char **argv) {
    struct fake_driver driver;
    uint64_t interval_ms = strtoull(argv[3], NULL, 10);
    double seconds = strtod(argv[4], NULL);
    long backlog = argc > 5 ? strtol(argv[5], NULL, 10) : 0;
    signal(SIGTERM, on_term);
    if (fake_driver_open(&driver, argv[2], interval_ms, 0, false) != SCOPE_OK) {
        fprintf(stderr, "cannot publish as %s\n", argv[2]);
        return 1;
    }
    for (long i = 0; i < backlog; i++) {
        fake_driver_step(&driver);
    }
    double left = seconds;
    while (left > 0 && !stopped) {
        struct timespec pause = {.tv_nsec = (long)(interval_ms * 1000000u)};
        nanosleep(&pause, NULL);
        fake_driver_step(&driver);
        left -= (double)interval_ms / 1e3;
    }
    fake_driver_close(&driver);
    return 0;
}

/* How many drivers run on this machine: the list is only tried where no other would show in it. */
static int count_live(void) {
    struct scope_listing *list = NULL;
    size_t count = 0, live = 0;
    if (scope_list(&list, &count) != SCOPE_OK) {
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        live += list[i].status == SCOPE_OK && list[i].own &&
                (list[i].liveness == SCOPE_LIVE || list[i].liveness == SCOPE_STALLED);
    }
    free(list);
    printf("%zu\n", live);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--count-live") == 0) {
        return count_live();
    }
    if (argc >= 5 && strcmp(argv[1], "--drive") == 0) {
        return drive(argc, argv);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(waits_for_its_name_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(late_joiner_sees_all_that_the_rings_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(lapped_reader_counts_its_loss_and_breaks_the_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            closed_driver_keeps_its_picture_and_the_next_one_replaces_it, setup, teardown),
        cmocka_unit_test_setup_teardown(crashed_driver_is_told_and_its_restart_attached, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_copy_of_a_segment_is_shown_like_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_segment_is_refused_with_its_path, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
