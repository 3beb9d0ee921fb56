/* source_recording_test.c: what a live observer saw is what its recording shows, and what the
 * driver's own recording shows; files are opened for what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_driver.h"
#include "quiet_fork.h"
#include "record.h"
#include "recording.h"
#include "source_open.h"

static char name[48], directory[64];
static double clock_s;

struct seen {
    struct history *history;
    struct source *source;
    struct view view;
};

static int setup(void **state) {
    (void)state;
    snprintf(name, sizeof(name), "record-test-%d", (int)getpid());
    snprintf(directory, sizeof(directory), "/tmp/record-test.XXXXXX");
    assert_non_null(mkdtemp(directory));
    clock_s = 1000;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[128], leftover[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    (void)!scope_remove(name, NULL);
    snprintf(leftover, sizeof(leftover), "%s.crashed", name);
    (void)!scope_remove(leftover, NULL);
    return system(command);
}

static const char *path_of(const char *file) {
    static char path[4][160];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof(path[0]), "%s/%s", directory, file);
    return at;
}

/* ---- seeing --------------------------------------------------------------------------------- */

static void look(struct seen *seen) {
    clock_s += 1;
    (void)source_poll(seen->source, clock_s);
    source_describe(seen->source, &seen->view, clock_s);
}

static struct seen seen_begin(void) {
    struct seen seen = {.history = history_create()};
    assert_non_null(seen.history);
    view_init(&seen.view, seen.history, THEME_DARK);
    return seen;
}

static void seen_end(struct seen *seen) {
    source_close(seen->source);
    history_destroy(seen->history);
}

static struct seen open_file(const char *path) {
    struct seen seen = seen_begin();
    struct source_file_options options = {.interval_s = 1};
    char error[320] = "";
    seen.source = source_file_open(path, &options, seen.history, error, sizeof(error));
    if (seen.source == NULL) {
        fail_msg("%s", error);
    }
    look(&seen);
    return seen;
}

static void refused(const char *path, const char *words) {
    struct history *history = history_create();
    struct source_file_options options = {.interval_s = 1};
    char error[320] = "";
    assert_null(source_file_open(path, &options, history, error, sizeof(error)));
    if (strstr(error, path) == NULL || strstr(error, words) == NULL) {
        fail_msg("'%s' does not name the file and say '%s'", error, words);
    }
    history_destroy(history);
}

static struct seen open_live(void) {
    struct seen seen = seen_begin();
    seen.source = source_shm_open(name, false, seen.history, false);
    assert_non_null(seen.source);
    look(&seen);
    return seen;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static void rows_equal(const struct history *a, const struct history *b) {
    size_t count = 0;
    const struct scope_metric *metrics = scope_builtin_metrics(&count);
    assert_int_equal(history_count(a), history_count(b));
    for (size_t row = 0; row < history_count(a); row++) {
        assert_true(history_time(a, row) == history_time(b, row));
        for (size_t i = 0; i < count; i++) {
            uint64_t x = 0, y = 0;
            bool known = history_value_at(a, metrics[i].id, row, &x);
            assert_true(known == history_value_at(b, metrics[i].id, row, &y) && x == y);
        }
    }
}

static void histories_equal(const struct history *a, const struct history *b) {
    rows_equal(a, b);
    assert_int_equal(history_event_count(a), history_event_count(b));
    for (size_t i = 0; i < history_event_count(a); i++) {
        const struct scope_event *x = history_event(a, i), *y = history_event(b, i);
        assert_true(history_event_time(a, i) == history_event_time(b, i));
        assert_true(x->type == y->type && x->job == y->job && x->level_to == y->level_to);
        assert_memory_equal(&x->u, &y->u, sizeof(x->u));
    }
    assert_int_equal(history_histogram_count(a), history_histogram_count(b));
    for (size_t i = 0; i < history_histogram_count(a); i++) {
        double at = 0, bt = 0;
        const struct scope_histograms *x = history_histogram(a, i, &at);
        const struct scope_histograms *y = history_histogram(b, i, &bt);
        assert_true(at == bt);
        assert_memory_equal(x, y, sizeof(*x));
    }
    const struct scope_shape *x = history_shape(a), *y = history_shape(b);
    assert_true((x == NULL) == (y == NULL));
    for (uint64_t i = 0; x != NULL && i < x->count; i++) {
        assert_int_equal(x->count, y->count);
        assert_int_equal(x->tables[i].id, y->tables[i].id);
        assert_int_equal(x->tables[i].bytes, y->tables[i].bytes);
        assert_int_equal(x->tables[i].level, y->tables[i].level);
    }
}

/* ---- a viewer's recording ------------------------------------------------------------------- */

static void what_a_viewer_saw_is_in_its_recording(void **state) {
    (void)state;
    struct fake_driver driver;
    char error[320] = "";
    const char *path = path_of("run.lsr");
    assert_int_equal(fake_driver_open(&driver, name, 250, 1024, false), SCOPE_OK);
    struct seen live = seen_begin();
    live.source = source_shm_open(name, false, live.history, false);
    struct record *record = record_open(path, live.source, error, sizeof(error));
    assert_non_null(record);
    for (int i = 0; i < 200; i++) {
        fake_driver_step(&driver);
        if (i > 40 && i % 7 == 0) { /* attached late, polled now and then */
            look(&live);
            assert_true(record_poll(record, live.source, &live.view, error, sizeof(error)));
        }
    }
    fake_driver_close(&driver); /* the name is gone, the recording gets the rest all the same */
    look(&live);
    assert_true(record_close(record, error, sizeof(error)));
    struct seen file = open_file(path);
    assert_int_equal(history_count(file.history), 200);
    histories_equal(live.history, file.history);
    assert_true(file.source->static_data && file.source->ended);
    assert_int_equal(file.view.status.state, VIEW_FILE);
    assert_string_equal(file.view.status.name, "run.lsr");
    assert_string_equal(file.view.status.engine, live.view.status.engine);
    assert_string_equal(file.view.status.description, live.view.status.description);
    assert_string_equal(file.view.status.notice, "");
    assert_true(file.view.status.start_real_s == live.view.status.start_real_s);
    assert_true(file.view.status.samples_lost == 0);
    assert_true(history_levels(file.history) == history_levels(live.history));
    seen_end(&file);
    seen_end(&live);
}

static void lost_samples_are_gaps_in_the_recording_too(void **state) {
    (void)state;
    struct fake_driver driver;
    char error[320] = "";
    const char *path = path_of("run.lsr");
    assert_int_equal(fake_driver_open(&driver, name, 250, 64, false), SCOPE_OK);
    struct seen live = open_live();
    struct record *record = record_open(path, live.source, error, sizeof(error));
    assert_non_null(record);
    for (int i = 0; i < 500; i++) {
        fake_driver_step(&driver);
        if (i == 10 || i == 499) {
            look(&live);
            assert_true(record_poll(record, live.source, &live.view, error, sizeof(error)));
        }
    }
    assert_true(record_close(record, error, sizeof(error)));
    struct seen file = open_file(path);
    histories_equal(live.history, file.history);
    assert_true(file.view.status.samples_lost > 0);
    assert_true(file.view.status.samples_lost == live.view.status.samples_lost);
    double rate = 0;
    assert_false(history_number(file.history, SCOPE_M_OPS_PUT, HISTORY_RATE, 11, &rate));
    assert_true(history_number(file.history, SCOPE_M_OPS_PUT, HISTORY_RATE, 12, &rate));
    seen_end(&file);
    seen_end(&live);
    fake_driver_close(&driver);
}

/* A step of a tree that grows by one table a quarter second, and tells each. */
static void grow(const struct fake_driver *driver, uint64_t step) {
    uint64_t time_ns = driver->start_ns + step * driver->interval_ns;
    struct scope_sample sample = {.time_ns = time_ns};
    struct scope_event event = {.time_ns = time_ns, .type = SCOPE_EVENT_TABLE_ADD};
    static struct scope_table tables[100];
    event.u.table = (struct scope_table){.id = step, .bytes = 100 * step, .created_ns = time_ns};
    tables[step - 1] = event.u.table;
    scope_publish_event(driver->writer, &event);
    struct scope_shape shape = {.time_ns = time_ns,
                                .event_head = scope_event_head(driver->writer),
                                .count = step,
                                .total = step,
                                .tables = tables};
    scope_publish_shape(driver->writer, &shape);
    scope_sample_set(driver->writer, &sample, SCOPE_M_TABLES, step);
    scope_publish_sample(driver->writer, &sample);
}

static void a_viewers_marker_is_in_its_recording_and_breaks_nothing(void **state) {
    (void)state;
    struct fake_driver driver;
    char error[320] = "";
    const char *path = path_of("run.lsr");
    assert_int_equal(fake_driver_open(&driver, name, 250, 1024, false), SCOPE_OK);
    struct seen live = seen_begin();
    live.source = source_shm_open(name, false, live.history, false);
    struct record *record = record_open(path, live.source, error, sizeof(error));
    record_mark(record, 1, "too early"); /* there is no run yet */
    for (uint64_t step = 1; step <= 80; step++) {
        grow(&driver, step);
        look(&live);
        assert_true(record_poll(record, live.source, &live.view, error, sizeof(error)));
        if (step == 30) {
            record_mark(record, 7.6, "look here");
        }
    }
    assert_true(record_close(record, error, sizeof(error)));
    struct seen file = open_file(path);
    assert_int_equal(history_event_count(file.history), 80 + 1);
    size_t at = history_event_find(file.history, 7.6);
    assert_int_equal(history_event(file.history, at)->type, SCOPE_EVENT_MARKER);
    assert_string_equal(history_event(file.history, at)->u.text, "look here");
    /* The trees before and after it are known as they were. */
    for (int quarter = 4; quarter < 80; quarter++) {
        const struct scope_shape *shape = history_shape_at(file.history, quarter * 0.25 + 0.1);
        assert_non_null(shape);
        assert_int_equal(shape->count, quarter);
    }
    seen_end(&file);
    seen_end(&live);
    fake_driver_close(&driver);
}

static void the_next_run_goes_into_the_next_file(void **state) {
    (void)state;
    char error[320] = "";
    struct seen live = seen_begin();
    live.source = source_shm_open(name, false, live.history, false);
    struct record *record = record_open(path_of("run.lsr"), live.source, error, sizeof(error));
    for (int run = 1; run <= 2; run++) {
        struct fake_driver driver;
        assert_int_equal(fake_driver_open(&driver, name, 250, 1024, false), SCOPE_OK);
        for (int i = 0; i < run * 10; i++) {
            fake_driver_step(&driver);
        }
        for (int i = 0; i < 3; i++) { /* the old one ends, the new one is found, and read */
            look(&live);
            assert_true(record_poll(record, live.source, &live.view, error, sizeof(error)));
        }
        fake_driver_close(&driver);
    }
    assert_string_equal(record_path(record), path_of("run-2.lsr"));
    assert_true(record_close(record, error, sizeof(error)));
    struct seen first = open_file(path_of("run.lsr")), second = open_file(path_of("run-2.lsr"));
    assert_int_equal(history_count(first.history), 10);
    assert_int_equal(history_count(second.history), 20);
    seen_end(&first);
    seen_end(&second);
    seen_end(&live);
}

/* ---- one that is being written, or never was closed ------------------------------------------ */

static void die_recording(const char *path) {
    struct fake_driver driver;
    struct seen live = seen_begin();
    char error[320] = "";
    if (fake_driver_open(&driver, name, 250, 1024, false) != SCOPE_OK) {
        _exit(1);
    }
    live.source = source_shm_open(name, false, live.history, false);
    struct record *record = record_open(path, live.source, error, sizeof(error));
    for (int i = 0; i < 40; i++) {
        fake_driver_step(&driver);
        look(&live);
        (void)record_poll(record, live.source, &live.view, error, sizeof(error));
        usleep(i == 20 ? 1000000 : 0); /* by the next poll what is held is due */
    }
    raise(SIGKILL);
}

static void a_killed_viewer_leaves_a_recording_that_says_so(void **state) {
    (void)state;
    const char *path = path_of("run.lsr");
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        die_recording(path);
    }
    waitpid(child, NULL, 0);
    struct seen file = open_file(path);
    assert_true(history_count(file.history) >= 20);
    assert_int_equal(file.view.status.state, VIEW_FILE);
    assert_non_null(strstr(file.view.status.notice, "cut short"));
    assert_non_null(history_shape(file.history));
    seen_end(&file);
}

static void a_recording_that_is_being_written_is_followed(void **state) {
    (void)state;
    struct fake_driver driver;
    char error[320] = "";
    const char *path = path_of("run.lsr");
    struct scope_segment *segment = NULL;
    struct scope_recorder *recorder = NULL;
    struct scope_follower *follower = NULL;
    struct scope_error_detail detail;
    assert_int_equal(fake_driver_open(&driver, name, 250, 1024, false), SCOPE_OK);
    assert_int_equal(scope_attach(name, false, &segment, &detail), SCOPE_OK);
    assert_int_equal(scope_recorder_open(path, &recorder, &detail), SCOPE_OK);
    assert_int_equal(scope_follower_create(segment, recorder, &follower, &detail), SCOPE_OK);
    struct seen file = open_file(path);
    assert_false(file.source->static_data);
    assert_int_equal(file.view.status.state, VIEW_FOLLOW);
    assert_non_null(strstr(file.view.headline, "No sample"));
    for (int i = 0; i < 30; i++) {
        fake_driver_step(&driver);
        assert_int_equal(scope_follower_drain(follower), SCOPE_OK);
        assert_int_equal(scope_recorder_flush(recorder), SCOPE_OK);
        look(&file);
        assert_int_equal(history_count(file.history), i + 1);
        assert_false(file.source->ended);
    }
    assert_null(record_open(path_of("again.lsr"), file.source, error, sizeof(error)));
    assert_non_null(strstr(error, "a recording already"));
    fake_driver_close(&driver);
    assert_int_equal(scope_follower_finish(follower), SCOPE_OK);
    scope_follower_destroy(follower);
    assert_int_equal(scope_recorder_close(recorder, scope_segment_liveness(segment), NULL, &detail),
                     SCOPE_OK);
    look(&file);
    look(&file);
    assert_true(file.source->ended);
    assert_int_equal(file.view.status.state, VIEW_FILE);
    assert_string_equal(file.view.status.notice, "");
    scope_detach(segment);
    seen_end(&file);
}

/* ---- other files ---------------------------------------------------------------------------- */

static void write_text(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_csv_becomes_a_recording(void **state) {
    (void)state;
    char error[320] = "";
    const char *from = path_of("run.csv"), *to = path_of("csv.lsr");
    write_text(from, "ts_ms,ops_put,ops_get,memtable_bytes,sst_count_L0,event\n"
                     "1700000000250,1000,10,500,0,\n1700000000500,1100,,900,1,flush\n"
                     "1700000000750,1200,30,100,2,flush;compact_L0_L1\n");
    struct seen csv = open_file(from);
    assert_int_equal(csv.source->kind, SOURCE_CSV);
    assert_null(record_open(from, csv.source, error, sizeof(error))); /* not over itself */
    assert_non_null(strstr(error, "left as it is"));
    struct record *record = record_open(to, csv.source, error, sizeof(error));
    assert_non_null(record);
    assert_true(record_poll(record, csv.source, &csv.view, error, sizeof(error)));
    assert_true(record_poll(record, csv.source, &csv.view, error, sizeof(error)));
    assert_true(record_close(record, error, sizeof(error)));
    struct seen file = open_file(to);
    histories_equal(csv.history, file.history);
    assert_true(file.view.status.start_real_s == csv.view.status.start_real_s);
    assert_int_equal(history_event_count(file.history), 3);
    seen_end(&file);
    seen_end(&csv);
}

static void files_are_opened_for_what_they_are(void **state) {
    (void)state;
    struct fake_driver driver;
    char command[320];
    assert_int_equal(fake_driver_open(&driver, name, 250, 64, false), SCOPE_OK);
    fake_driver_step(&driver);
    fake_driver_step(&driver);
    snprintf(command, sizeof(command), "cp '/dev/shm/lsmscope.%s' '%s'", name, path_of("a.csv"));
    assert_int_equal(system(command), 0);
    fake_driver_close(&driver);
    struct seen file = open_file(path_of("a.csv")); /* its name does not count */
    assert_int_equal(file.source->kind, SOURCE_SEGMENT);
    assert_int_equal(history_count(file.history), 2);
    seen_end(&file);
    write_text(path_of("empty"), "");
    refused(path_of("empty"), "the file is empty");
    write_text(path_of("words"), "It was a dark and stormy night.\n");
    refused(path_of("words"), "neither a recording (.lsr), nor a copy of a segment, nor a metrics");
    write_text(path_of("short"), "lsmrec\r\nnot much behind it");
    refused(path_of("short"), "at offset 0: the file's head is damaged");
    write_text(path_of("seg"), "lsmscope, or so it says");
    refused(path_of("seg"), "no segment");
    refused("/nonexistent/run.lsr", "No such file");
    refused("/dev", "a directory: name a file in it");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_a_viewer_saw_is_in_its_recording),
        TEST(lost_samples_are_gaps_in_the_recording_too),
        TEST(a_viewers_marker_is_in_its_recording_and_breaks_nothing),
        TEST(the_next_run_goes_into_the_next_file),
        TEST(a_killed_viewer_leaves_a_recording_that_says_so),
        TEST(a_recording_that_is_being_written_is_followed),
        TEST(a_csv_becomes_a_recording),
        TEST(files_are_opened_for_what_they_are),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
