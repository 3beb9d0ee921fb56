/* driver_report_test.c: the event log, the summary, the diagnosis of a missed rate, markers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../tools/driver/events.h"
#include "../tools/driver/markers.h"
#include "../tools/driver/result.h"

#define SECOND 1000000000ull

static struct driver_args args;
static struct driver_result result;
static char text[16384];

/* A run of 10 s at 5 000 puts a second in one thread that did all of it. */
static int set_up(void **state) {
    (void)state;
    args = (struct driver_args){.durability = LSM_PROCESS,
                                .memtable_bytes = 200000,
                                .threads = 1,
                                .duration_ns = 10 * SECOND,
                                .sample_ns = SECOND / 2,
                                .tombstone_retention_s = 86400,
                                .data_dir = "/tmp/x"};
    args.rate_milli[KIND_PUT] = 5000000;
    result = (struct driver_result){
        .args = &args, .start_ns = SECOND, .elapsed_ns = 10 * SECOND + 20000, .samples = 20};
    result.done[KIND_PUT] = 50000;
    result.end.levels = 3;
    return 0;
}

static const char *diagnose(void) {
    struct driver_page page = {.text = text, .size = sizeof text};
    text[0] = '\0';
    driver_diagnose(&page, &result);
    return text;
}

static void event_lines_are_the_references(void **state) {
    (void)state;
    char line[300];
    struct driver_logged logged = {.event = {.type = LSM_EVENT_FLUSH_END,
                                             .time_ns = 2200000000u,
                                             .entries_in = 1384,
                                             .bytes_in = 200000,
                                             .bytes_out = 102400,
                                             .duration_ns = 3100000}};
    driver_event_format(&logged, SECOND, line, sizeof line);
    assert_string_equal(line, "[1.2s] FLUSH: 1,384 entries, 195 KiB -> 100 KiB in L0, 3.10 ms");
    logged.event = (struct lsm_event){.type = LSM_EVENT_COMPACT_END,
                                      .time_ns = 3 * SECOND,
                                      .level_from = 0,
                                      .level_to = 1,
                                      .inputs = 6,
                                      .outputs = 2,
                                      .bytes_in = 1048576,
                                      .bytes_out = 524288,
                                      .duration_ns = 12000000};
    driver_event_format(&logged, SECOND, line, sizeof line);
    assert_string_equal(line,
                        "[2.0s] COMPACT L0->L1: 6 tables, 1.00 MiB -> 2 tables, 512 KiB, 12.0 ms");
    logged.event.status = LSM_ERR_IO;
    driver_event_format(&logged, SECOND, line, sizeof line);
    assert_non_null(strstr(line, "FAILED"));
    logged.event = (struct lsm_event){.type = LSM_EVENT_NOTICE};
    (void)snprintf(logged.text, sizeof logged.text, "io_uring is forbidden");
    driver_event_format(&logged, SECOND, line, sizeof line);
    assert_string_equal(line, "[start] NOTICE: io_uring is forbidden");
    driver_event_format(&logged, SECOND, line, 12); /* cut, not overrun */
    assert_int_equal(strlen(line), 11);
}

static void the_event_queue_is_bounded_and_counts_what_it_drops(void **state) {
    (void)state;
    struct driver_events *events = calloc(1, sizeof *events);
    driver_events_init(events, false);
    struct lsm_event event = {.type = LSM_EVENT_FLUSH_END};
    for (unsigned i = 0; i < DRIVER_EVENTS_QUEUE + 7; i++) {
        event.entries_in = i;
        driver_events_listener(events, &event);
    }
    struct driver_logged line;
    uint64_t dropped = 0;
    for (unsigned i = 0; i < DRIVER_EVENTS_QUEUE; i++) {
        assert_true(driver_events_take(events, &line, &dropped));
        assert_int_equal(line.event.entries_in, i);
        assert_int_equal(dropped, 0);
    }
    assert_false(driver_events_take(events, &line, &dropped));
    assert_int_equal(dropped, 7);
    assert_false(driver_events_take(events, &line, &dropped));
    assert_int_equal(dropped, 0);
    driver_events_close(events);
    free(events);
}

static void the_longest_stall_is_remembered_and_short_ones_not_shown(void **state) {
    (void)state;
    struct driver_events *events = calloc(1, sizeof *events);
    driver_events_init(events, true);
    struct lsm_event event = {.type = LSM_EVENT_STALL_END, .stall = LSM_STALL_L0_STOP};
    struct driver_logged line;
    uint64_t dropped;
    event.duration_ns = 900 * SECOND;
    driver_events_listener(events, &event);
    driver_events_begin_run(events, false); /* that one was before the clock started */
    assert_false(driver_events_take(events, &line, &dropped));
    event.duration_ns = 10;
    driver_events_listener(events, &event);
    assert_false(driver_events_take(events, &line, &dropped));
    event.duration_ns = SECOND;
    driver_events_listener(events, &event);
    assert_true(driver_events_take(events, &line, &dropped));
    event.duration_ns = SECOND / 2;
    driver_events_listener(events, &event);
    assert_int_equal(driver_events_longest_stall(events).duration_ns, SECOND);
    driver_events_close(events);
    /* Where the writer compacts for itself, a compaction is a stall. */
    driver_events_init(events, false);
    event = (struct lsm_event){
        .type = LSM_EVENT_COMPACT_END, .duration_ns = 5 * SECOND, .time_ns = 77 * SECOND};
    driver_events_listener(events, &event);
    assert_int_equal(driver_events_longest_stall(events).stall, LSM_STALL_INLINE);
    assert_int_equal(driver_events_longest_stall(events).time_ns, 77 * SECOND);
    driver_events_close(events);
    free(events);
}

static void a_rate_that_was_met_is_not_spoken_of(void **state) {
    (void)state;
    assert_string_equal(diagnose(), "");
    result.done[KIND_PUT] = 49501; /* one per cent below is within what is promised */
    assert_string_equal(diagnose(), "");
    args.rate_milli[KIND_PUT] = DRIVER_RATE_MAX;
    result.done[KIND_PUT] = 1;
    assert_string_equal(diagnose(), "");
}

static void a_missed_rate_blames_the_writers_own_compaction(void **state) {
    (void)state;
    result.done[KIND_PUT] = 40000;
    result.end.stall_ns[LSM_STALL_INLINE] = 3 * SECOND;
    result.end.flushes = 300;
    result.worker_cpu_ns = 9 * SECOND;
    const char *said = diagnose();
    assert_non_null(strstr(said, "put 4,000/s instead of 5,000/s (80.0 %)"));
    assert_non_null(strstr(said, "in its own thread for 3.00 s (30 % of the time)"));
    assert_non_null(strstr(said, "memtable is small (195 KiB): 30 flushes a second"));
    assert_non_null(strstr(said, "--async-compaction"));
}

static void a_missed_rate_blames_syncing(void **state) {
    (void)state;
    args.durability = LSM_SYNC;
    result.done[KIND_PUT] = 25000;
    result.end.wal_syncs = 25000;
    result.service[KIND_PUT].count[lsm_bucket_of(380000)] = 25000;
    const char *said = diagnose();
    assert_non_null(strstr(said, "25,000 syncs"));
    assert_non_null(strstr(said, "--wal-flush-every-write"));
}

static void a_missed_rate_blames_the_limits_of_the_tree(void **state) {
    (void)state;
    result.done[KIND_PUT] = 25000;
    result.end.stall_ns[LSM_STALL_L0_STOP] = 4 * SECOND;
    result.end.stall_ns[LSM_STALL_L0_SLOW] = 1 * SECOND;
    assert_non_null(strstr(diagnose(), "--l0-trigger"));
    result.end.stall_ns[LSM_STALL_MEMTABLE] = 5 * SECOND;
    assert_non_null(strstr(diagnose(), "--memtable-max-bytes"));
    /* What was there before the run is not the run's. */
    result.base = result.end;
    assert_null(strstr(diagnose(), "held up"));
}

static void a_missed_rate_blames_a_busy_machine_or_sampling(void **state) {
    (void)state;
    result.done[KIND_PUT] = 25000;
    result.worker_runqueue_ns = 5 * SECOND;
    result.worker_switches = 4321;
    const char *said = diagnose();
    assert_non_null(strstr(said, "machine is busy"));
    assert_non_null(strstr(said, "4,321"));
    result.worker_runqueue_ns = 0;
    args.sample_ns = 1000000;
    result.watch_ns = 6 * SECOND;
    said = diagnose();
    assert_non_null(strstr(said, "sampling every 1.00 ms takes 60 % of a core"));
    assert_non_null(strstr(said, "--sample-ms 500"));
}

static void a_missed_rate_without_a_culprit_is_the_work_itself(void **state) {
    (void)state;
    result.done[KIND_PUT] = 25000;
    result.worker_cpu_ns = 9900000000u;
    assert_non_null(strstr(diagnose(), "operations themselves"));
    result.worker_cpu_ns = 1 * SECOND;
    assert_non_null(strstr(diagnose(), "waited for the disk"));
}

static void the_summary_tells_everything(void **state) {
    (void)state;
    result.response[KIND_PUT].count[lsm_bucket_of(1000)] = 50000;
    result.response[KIND_PUT].max_ns = 12345678;
    result.service[KIND_PUT].count[lsm_bucket_of(300)] = 50000;
    result.base.user_bytes_written = 1000;
    result.end.user_bytes_written = 1000 + 7200000;
    result.end.flushes = 36;
    result.end.flush_bytes = 7200000;
    result.end.compactions = 9;
    result.end.compaction_bytes_written = 14400000;
    result.end.wal_bytes = 7200000;
    result.end.stalls = 4;
    result.end.stall_ns[LSM_STALL_INLINE] = 250000000;
    result.end.level[0].tables = 3;
    result.end.level[0].bytes = 600000;
    result.watch_ns = 10000000;
    struct driver_page page = {.text = text, .size = sizeof text};
    driver_report(&page, &result);
    assert_int_equal(page.cut, 0);
    static const char *const parts[] = {"Finished after 10.0 s: 50,000 operations, 5,000/s",
                                        "p99.9",
                                        "12.3 ms  response",
                                        "service",
                                        "Flushes      36",
                                        "Compactions  9",
                                        "Write amplification  3.00",
                                        "4.00 with the log",
                                        "Stalls       250 ms in all (4)",
                                        "L0 3 (586 KiB), L1 0, L2 0 tables",
                                        "0.10 % of a core"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_non_null(strstr(text, parts[i]));
    }
    result.interrupted = true;
    page.used = 0;
    driver_report(&page, &result);
    assert_non_null(strstr(text, "Interrupted after"));
}

static void the_explanation_names_stall_cause_and_knob(void **state) {
    (void)state;
    struct driver_page page = {.text = text, .size = sizeof text};
    result.longest_stall = (struct lsm_event){
        .time_ns = 5 * SECOND, .duration_ns = 2 * SECOND, .stall = LSM_STALL_INLINE};
    result.end.stall_ns[LSM_STALL_INLINE] = 3 * SECOND;
    result.end.deletes = 5;
    driver_explain(&page, &result);
    assert_non_null(strstr(text, "lasted 2.00 s, 2.0 s into the run"));
    assert_non_null(strstr(text, "--async-compaction"));
    assert_non_null(strstr(text, "--tombstone-retention-seconds 0"));
}

static char marked[8][100];
static unsigned marks;

static void on_marker(void *context, const char *line) {
    (void)context;
    (void)snprintf(marked[marks % 8], sizeof marked[0], "%s", line);
    __atomic_add_fetch(&marks, 1, __ATOMIC_SEQ_CST);
}

static void lines_become_markers(void **state) {
    (void)state;
    struct driver_markers m = {.fd = -1, .wake = {-1, -1}, .marker = on_marker};
    marks = 0;
    driver_markers_feed(&m, "before\nsp", 9);
    driver_markers_feed(&m, "lit  \n\n  \n\ttab\x1b[31m\n", 20);
    assert_int_equal(marks, 3);
    assert_string_equal(marked[0], "before");
    assert_string_equal(marked[1], "split");
    assert_string_equal(marked[2], "tab [31m"); /* nothing that could drive a terminal */
    char longer[300];
    memset(longer, 'x', sizeof longer);
    longer[299] = '\n';
    driver_markers_feed(&m, longer, sizeof longer);
    assert_int_equal(strlen(marked[3]), DRIVER_MARKER_MAX);
}

static void a_file_of_markers_is_read_and_closing_ends_the_thread(void **state) {
    (void)state;
    char path[] = "/tmp/driver_markers_test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "one\ntwo\n", 8), 8);
    struct driver_markers m;
    marks = 0;
    assert_int_equal(driver_markers_open(&m, path), 0);
    assert_int_equal(driver_markers_start(&m, on_marker, NULL), 0);
    while (__atomic_load_n(&marks, __ATOMIC_SEQ_CST) < 2) {
        (void)usleep(1000);
    }
    assert_int_equal(write(fd, "three\n", 6), 6); /* it is followed */
    while (__atomic_load_n(&marks, __ATOMIC_SEQ_CST) < 3) {
        (void)usleep(1000);
    }
    driver_markers_close(&m);
    assert_string_equal(marked[2], "three");
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(driver_markers_open(&m, "/nonexistent/markers"), 0);
    assert_int_not_equal(driver_markers_open(&m, "/tmp"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_lines_are_the_references),
        cmocka_unit_test(the_event_queue_is_bounded_and_counts_what_it_drops),
        cmocka_unit_test(the_longest_stall_is_remembered_and_short_ones_not_shown),
        cmocka_unit_test_setup(a_rate_that_was_met_is_not_spoken_of, set_up),
        cmocka_unit_test_setup(a_missed_rate_blames_the_writers_own_compaction, set_up),
        cmocka_unit_test_setup(a_missed_rate_blames_syncing, set_up),
        cmocka_unit_test_setup(a_missed_rate_blames_the_limits_of_the_tree, set_up),
        cmocka_unit_test_setup(a_missed_rate_blames_a_busy_machine_or_sampling, set_up),
        cmocka_unit_test_setup(a_missed_rate_without_a_culprit_is_the_work_itself, set_up),
        cmocka_unit_test_setup(the_summary_tells_everything, set_up),
        cmocka_unit_test_setup(the_explanation_names_stall_cause_and_knob, set_up),
        cmocka_unit_test(lines_become_markers),
        cmocka_unit_test(a_file_of_markers_is_read_and_closing_ends_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
