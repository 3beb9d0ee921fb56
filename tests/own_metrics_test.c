/* Metrics that only their publisher knows: every viewer shows them by the text of the segment's
 * dictionary, live, from a recording and from a copy of the segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include "history_store.h"
#include "numbers.h"
#include "panel_stage.h"
#include "recording.h"
#include "scope_fixture.h"
#include "source_open.h"

enum { PINS = SCOPE_METRIC_CUSTOM, HELD, SHARE, NAMELESS, HOSTILE, MANY };
enum { STEPS = 40, INTERVAL_NS = 250000000 };

static const char longest[] = "cache.a_name_of_forty_seven_bytes_which_is_most";

static const struct scope_metric own[] = {
    {PINS, SCOPE_UNIT_OPS, SCOPE_KIND_COUNTER, "pins.taken", "pages pinned"},
    {HELD, SCOPE_UNIT_BYTES, SCOPE_KIND_GAUGE, longest, "bytes held"},
    {SHARE, SCOPE_UNIT_RATIO_PPM, SCOPE_KIND_GAUGE, "pins.share", ""},
    {NAMELESS, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE, "nameless", ""},
    {HOSTILE, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE, "hostile.metric", ""},
};
enum { OWN = sizeof(own) / sizeof(own[0]) };

/* What the library would not write: another publisher may. */
static void overwrite(const char *file, const char *was, const char *is, size_t size) {
    static char bytes[1 << 16];
    int fd = open(fixture_path(file), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = pread(fd, bytes, sizeof(bytes), 0);
    assert_true(got > 0);
    const char *at = memmem(bytes, (size_t)got, was, strlen(was));
    assert_non_null(at);
    assert_int_equal(pwrite(fd, is, size, at - bytes), size);
    close(fd);
}

static struct scope_writer *publish(void) {
    struct scope_writer_options options = fixture_options("own");
    struct scope_writer *writer = NULL;
    options.extra = own;
    options.extra_count = OWN;
    options.sample_interval_ns = INTERVAL_NS;
    assert_int_equal(scope_writer_create(&options, &writer, NULL), 0);
    overwrite("lsmscope.own", "nameless", "", 1);
    static const char hostile[] = "red\033[31m\nalert";
    overwrite("lsmscope.own", "hostile.metric", hostile, sizeof(hostile));
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    for (uint64_t i = 1; i <= STEPS; i++) {
        struct scope_sample sample = {.time_ns = start_ns + i * INTERVAL_NS};
        scope_sample_set(writer, &sample, SCOPE_M_OPS_PUT, 1000 * i);
        scope_sample_set(writer, &sample, PINS, 100 * i);
        scope_sample_set(writer, &sample, HELD, i << 20);
        scope_sample_set(writer, &sample, SHARE, 10000 * i);
        scope_sample_set(writer, &sample, NAMELESS, i);
        scope_sample_set(writer, &sample, HOSTILE, 7);
        scope_publish_sample(writer, &sample);
    }
    return writer;
}

static const struct numbers_row *row_of(const struct numbers_row *rows, size_t count, uint32_t id) {
    for (size_t i = 0; i < count; i++) {
        if (rows[i].metric->id == id) {
            return &rows[i];
        }
    }
    fail_msg("no row of metric %u", id);
    return NULL;
}

static void check_row(const struct numbers_row *row, const char *name, enum numbers_group group,
                      double now, double total) {
    assert_string_equal(row->metric->name, name);
    assert_int_equal(row->group, group);
    assert_true(fabs(row->now - now) < 1e-6);
    assert_true(isnan(total) ? isnan(row->total) : fabs(row->total - total) < 1e-6);
}

/* What Numbers has, and that it can be drawn. */
static void check_shown(const struct history *history) {
    static struct numbers_row rows[NUMBERS_ROWS_MAX];
    struct panel_stage stage;
    panel_stage_open(&stage, history, 500, 400, 1.0, THEME_DARK);
    size_t count = numbers_collect(&stage.scene, rows);
    assert_int_equal(count, 1 + OWN);
    const struct numbers_row *pins = row_of(rows, count, PINS);
    check_row(pins, "pins.taken", NUMBERS_OTHER, 400, 100 * STEPS); /* a counter: a rate */
    assert_string_equal(pins->metric->help, "pages pinned");
    struct numbers_unit unit = numbers_unit_for(pins->metric, true, pins->now);
    assert_string_equal(unit.text, "/s");
    const struct numbers_row *held = row_of(rows, count, HELD);
    check_row(held, longest, NUMBERS_CACHE, STEPS << 20, NAN); /* a gauge: its value */
    unit = numbers_unit_for(held->metric, false, held->now);
    assert_string_equal(unit.text, "MiB");
    check_row(row_of(rows, count, SHARE), "pins.share", NUMBERS_OTHER, 10000 * STEPS, NAN);
    check_row(row_of(rows, count, NAMELESS), "metric.1003", NUMBERS_OTHER, STEPS, NAN);
    check_row(row_of(rows, count, HOSTILE), "red?[31m alert", NUMBERS_OTHER, 7, NAN);
    panel_stage_draw(&stage, &panel_numbers);
    char error[256] = "";
    const char *kept = getenv("LSM_KEEP_PICTURE");
    assert_true(kept == NULL || canvas_write_png(stage.canvas, kept, error, sizeof(error)));
    panel_stage_close(&stage);
}

static void check_file(const char *path) {
    struct history *history = history_create();
    char error[256] = "";
    struct source_file_options options = {.live = false};
    struct source *source = source_file_open(path, &options, history, error, sizeof(error));
    assert_string_equal(error, "");
    assert_non_null(source);
    source_poll(source, 1000);
    check_shown(history);
    source_close(source);
    history_destroy(history);
}

static void own_metrics_are_shown_by_their_text(void **state) {
    (void)state;
    struct scope_writer *writer = publish();
    struct history *history = history_create();
    struct source *source = source_shm_open("own", false, history, false);
    assert_non_null(source);
    source_poll(source, 1000);
    check_shown(history);
    source_close(source);
    history_destroy(history);
    scope_writer_close(writer);
}

static void a_recording_carries_them(void **state) {
    (void)state;
    struct scope_writer *writer = publish();
    struct scope_segment *segment = fixture_attach("own");
    struct scope_recorder *recorder = NULL;
    struct scope_follower *follower = NULL;
    char path[256];
    snprintf(path, sizeof(path), "%s", fixture_path("own.lsr"));
    assert_int_equal(scope_recorder_open(path, &recorder, NULL), 0);
    assert_int_equal(scope_follower_create(segment, recorder, &follower, NULL), 0);
    assert_int_equal(scope_follower_finish(follower), 0);
    scope_follower_destroy(follower);
    assert_int_equal(scope_recorder_close(recorder, SCOPE_LIVE, NULL, NULL), 0);
    scope_detach(segment);
    scope_writer_close(writer);
    check_file(path);
}

static void a_copy_of_the_segment_carries_them(void **state) {
    (void)state;
    struct scope_writer *writer = publish();
    char command[600];
    snprintf(command, sizeof(command), "cp %s/lsmscope.own %s/own.seg", fixture_directory(),
             fixture_directory());
    assert_int_equal(system(command), 0);
    scope_writer_close(writer);
    check_file(fixture_path("own.seg"));
}

static void a_dictionary_is_bounded_and_speaks_of_an_id_once(void **state) {
    (void)state;
    struct history *history = history_create();
    size_t count = 1;
    assert_null(history_own_metrics(history, &count));
    assert_int_equal(count, 0);
    struct scope_metric put = {SCOPE_M_OPS_PUT, SCOPE_UNIT_BYTES, SCOPE_KIND_GAUGE, "lies", ""};
    history_describe(history, &put);
    (void)history_own_metrics(history, &count);
    assert_int_equal(count, 0);
    char name[200];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (uint32_t i = 0; i < 1000; i++) {
        struct scope_metric metric = {MANY + i / 2, SCOPE_UNIT_COUNT, SCOPE_KIND_GAUGE,
                                      i % 2 == 0 ? name : "second", name};
        history_describe(history, &metric);
    }
    const struct scope_metric *kept = history_own_metrics(history, &count);
    assert_int_equal(count, SCOPE_MAX_METRICS);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(kept[i].id, MANY + i);
        assert_int_equal(strlen(kept[i].name), 47);
        assert_int_equal(strlen(kept[i].help), 127);
    }
    history_clear(history);
    (void)history_own_metrics(history, &count);
    assert_int_equal(count, 0);
    history_destroy(history);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(own_metrics_are_shown_by_their_text),
        CASE(a_recording_carries_them),
        CASE(a_copy_of_the_segment_carries_them),
        CASE(a_dictionary_is_bounded_and_speaks_of_an_id_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
