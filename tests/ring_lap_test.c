/* ring_lap_test.c: where a reader starts, what it sees, and that every record it missed is counted,
 * exactly, however far and however often the writer went round. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scope.h"
#include "segment.h"
#include "slot.h"
#include "scope_fixture.h"

enum { SLOTS = 64, SLACK = SLOTS / 16, REACH = SLOTS - SLACK };

static void publish(struct scope_writer *writer, uint64_t from, uint64_t count) {
    for (uint64_t n = from; n < from + count; n++) {
        struct scope_sample sample = {.time_ns = n};
        scope_sample_set(writer, &sample, SCOPE_M_OPS_PUT, n * 3);
        scope_publish_sample(writer, &sample);
    }
}

/* Reads all there is; checks that numbers only grow; returns how many. */
static uint64_t drain(struct scope_cursor *cursor, uint64_t *laps) {
    struct scope_sample sample;
    uint64_t count = 0;
    enum scope_poll poll;
    while ((poll = scope_poll_sample(cursor, &sample)) != SCOPE_POLL_EMPTY) {
        if (poll == SCOPE_POLL_LAPPED) {
            *laps += 1;
            continue;
        }
        assert_int_equal(sample.time_ns, cursor->next - 1);
        count++;
    }
    return count;
}

static void an_empty_ring_is_empty(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    struct scope_cursor cursor;
    struct scope_sample sample = {.time_ns = 77};
    struct scope_event event;
    struct scope_histograms histograms;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_EMPTY);
    assert_int_equal(sample.time_ns, 77);
    scope_cursor_init(&cursor, segment, SCOPE_RING_EVENTS);
    assert_int_equal(scope_poll_event(&cursor, &event), SCOPE_POLL_EMPTY);
    scope_cursor_init(&cursor, segment, SCOPE_RING_HISTOGRAMS);
    assert_int_equal(scope_poll_histograms(&cursor, &histograms), SCOPE_POLL_EMPTY);
    struct scope_table tables[1];
    struct scope_shape shape = {.tables = tables};
    assert_int_equal(scope_read_shape(segment, &shape), SCOPE_POLL_EMPTY);
    scope_detach(segment);
    scope_writer_close(writer);
}

static void a_late_joiner_starts_with_slack_once_the_ring_is_full(void **state) {
    (void)state;
    const uint64_t heads[] = {0, 1, REACH, REACH + 1, SLOTS, SLOTS + 1, 10 * SLOTS + 7};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct scope_writer *writer = fixture_writer("a");
        publish(writer, 0, heads[i]);
        struct scope_segment *segment = fixture_attach("a");
        struct scope_cursor cursor;
        scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
        uint64_t start = heads[i] > REACH ? heads[i] - REACH : 0;
        uint64_t laps = 0;
        assert_int_equal(cursor.next, start);
        assert_int_equal(scope_ring_head(segment, SCOPE_RING_SAMPLES), heads[i]);
        assert_int_equal(drain(&cursor, &laps), heads[i] - start);
        assert_int_equal(laps, 0);
        assert_int_equal(cursor.lost, 0);
        scope_detach(segment);
        scope_writer_close(writer);
    }
}

static void a_lapped_reader_counts_exactly_what_it_missed(void **state) {
    (void)state;
    for (uint64_t gap = SLOTS - 2; gap < 3 * SLOTS + 2; gap++) {
        struct scope_writer *writer = fixture_writer("a");
        struct scope_segment *segment = fixture_attach("a");
        struct scope_cursor cursor;
        scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
        uint64_t laps = 0;
        publish(writer, 0, 5);
        assert_int_equal(drain(&cursor, &laps), 5);
        publish(writer, 5, gap);
        uint64_t seen = drain(&cursor, &laps);
        assert_int_equal(cursor.next, 5 + gap);
        assert_int_equal(seen + cursor.lost, gap);
        assert_int_equal(cursor.lost, gap > SLOTS ? gap - REACH : 0);
        assert_int_equal(laps, gap > SLOTS ? 1 : 0);
        scope_detach(segment);
        scope_writer_close(writer);
    }
}

static void what_went_by_before_the_first_poll_is_not_lost(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    publish(writer, 0, 5 * SLOTS);
    uint64_t laps = 0;
    assert_int_equal(drain(&cursor, &laps), REACH);
    assert_int_equal(laps, 0);
    assert_int_equal(cursor.lost, 0);
    publish(writer, 5 * SLOTS, 2 * SLOTS);
    assert_int_equal(drain(&cursor, &laps), REACH);
    assert_int_equal(cursor.lost, 2 * SLOTS - REACH);
    scope_detach(segment);
    scope_writer_close(writer);
}

/* The sequence word may run ahead of the head that a reader sees: the loss is counted by it. */
static void a_record_begun_but_not_counted_in_the_head_still_laps(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    struct scope_cursor cursor;
    struct scope_sample sample;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    publish(writer, 0, SLOTS);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_RECORD);
    cursor.next = 0; /* again at a record whose slot somebody else has taken since */
    const uint64_t ahead = 5 * SLOTS; /* as a reader sees it whose view of the head is old */
    scope_slot_begin(scope_slot(&writer->parts.rings[SCOPE_RING_SAMPLES], ahead), ahead);
    assert_int_equal(scope_poll_sample(&cursor, &sample), SCOPE_POLL_LAPPED);
    assert_int_equal(cursor.next, ahead - REACH);
    assert_int_equal(cursor.lost, ahead - REACH);
    scope_detach(segment);
    scope_writer_close(writer);
}

static void absent_metrics_stay_absent_after_the_slot_held_others(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    for (uint64_t n = 0; n < 2 * SLOTS; n++) {
        struct scope_sample sample = {.time_ns = n};
        uint32_t even = n < SLOTS ? 0 : 1; /* the second time round: the other half of them */
        for (uint32_t id = 1 + even; id < 88; id += 2) {
            scope_sample_set(writer, &sample, id, n + id);
        }
        scope_sample_set(writer, &sample, 999999, 5); /* unknown: ignored */
        sample.present[1] |= UINT64_MAX << 44;        /* beyond the last word: ignored */
        scope_publish_sample(writer, &sample);
        struct scope_sample read;
        assert_int_equal(scope_poll_sample(&cursor, &read), SCOPE_POLL_RECORD);
        assert_int_equal(read.present[1] >> 44, 0);
        for (uint32_t id = 1; id < 88; id++) {
            uint64_t value = 0;
            bool there = scope_sample_get(segment, &read, id, &value);
            assert_int_equal(there, (id - 1 - even) % 2 == 0);
            assert_int_equal(value, there ? n + id : 0);
            assert_int_equal(read.value[scope_metric_word(segment, id)], value);
        }
    }
    scope_detach(segment);
    scope_writer_close(writer);
}

/* ---- a reader process that is stopped over several laps ------------------------------------- */

struct stopped {
    int to_reader[2];
    int to_writer[2];
};

struct report {
    uint64_t seen, lost, next;
};

static void reader_process(void *argument) {
    const struct stopped *pipes = argument;
    struct scope_segment *segment = fixture_attach("a");
    struct scope_cursor cursor;
    scope_cursor_init(&cursor, segment, SCOPE_RING_SAMPLES);
    struct report report = {0};
    char go;
    while (read(pipes->to_reader[0], &go, 1) == 1) {
        struct scope_sample sample;
        enum scope_poll poll;
        while ((poll = scope_poll_sample(&cursor, &sample)) != SCOPE_POLL_EMPTY) {
            report.seen += poll == SCOPE_POLL_RECORD ? 1 : 0;
        }
        report.lost = cursor.lost;
        report.next = cursor.next;
        if (write(pipes->to_writer[1], &report, sizeof(report)) != (ssize_t)sizeof(report)) {
            _exit(1);
        }
    }
}

static struct report ask(const struct stopped *pipes) {
    struct report report;
    assert_int_equal(write(pipes->to_reader[1], "g", 1), 1);
    assert_int_equal(read(pipes->to_writer[0], &report, sizeof(report)), sizeof(report));
    return report;
}

static void a_reader_stopped_for_several_laps_counts_the_exact_gap(void **state) {
    (void)state;
    struct stopped pipes;
    assert_int_equal(pipe(pipes.to_reader), 0);
    assert_int_equal(pipe(pipes.to_writer), 0);
    struct scope_writer *writer = fixture_writer("a");
    pid_t child = fixture_start(reader_process, &pipes);
    publish(writer, 0, 10);
    struct report report = ask(&pipes);
    assert_int_equal(report.seen, 10);
    uint64_t head = 10;
    uint64_t lost = 0;
    for (uint64_t laps = 2; laps < 6; laps++) {
        int status = 0;
        assert_int_equal(kill(child, SIGSTOP), 0);
        assert_int_equal(waitpid(child, &status, WUNTRACED), child);
        assert_true(WIFSTOPPED(status));
        uint64_t gap = laps * SLOTS + laps;
        publish(writer, head, gap);
        assert_int_equal(kill(child, SIGCONT), 0);
        head += gap;
        lost += gap - REACH;
        report = ask(&pipes);
        assert_int_equal(report.next, head);
        assert_int_equal(report.lost, lost);
        assert_int_equal(report.seen + report.lost, head);
    }
    (void)close(pipes.to_reader[1]);
    /* The child holds the other end too: it ends by signal. */
    (void)kill(child, SIGKILL);
    (void)fixture_wait(child);
    (void)close(pipes.to_reader[0]);
    (void)close(pipes.to_writer[0]);
    (void)close(pipes.to_writer[1]);
    scope_writer_close(writer);
}

static void the_newest_shape_is_read_and_too_many_tables_keep_their_total(void **state) {
    (void)state;
    struct scope_writer *writer = fixture_writer("a");
    struct scope_segment *segment = fixture_attach("a");
    static struct scope_table given[SCOPE_MAX_TABLES];
    static struct scope_table read[SCOPE_MAX_TABLES];
    const uint64_t counts[] = {3, 0, SCOPE_MAX_TABLES, 1};
    for (size_t i = 0; i < 4; i++) {
        for (uint64_t t = 0; t < counts[i]; t++) {
            given[t] = (struct scope_table){.id = i * 100000 + t,
                                            .level = (uint8_t)(t % 8),
                                            .busy = t % 3 == 0,
                                            .bytes = t * 7,
                                            .entries = t * 5,
                                            .tombstones = t,
                                            .lo = t << 40,
                                            .hi = (t + 1) << 40,
                                            .created_ns = i};
        }
        struct scope_shape shape = {.time_ns = 50 + i,
                                    .event_head = i,
                                    .total = counts[i] == SCOPE_MAX_TABLES ? 9000 : counts[i],
                                    .count = counts[i],
                                    .tables = given};
        scope_publish_shape(writer, &shape);
        struct scope_shape found = {.tables = read};
        assert_int_equal(scope_read_shape(segment, &found), SCOPE_POLL_RECORD);
        assert_int_equal(found.time_ns, 50 + i);
        assert_int_equal(found.event_head, i);
        assert_int_equal(found.count, counts[i]);
        assert_int_equal(found.total, shape.total);
        for (uint64_t t = 0; t < counts[i]; t++) {
            assert_int_equal(read[t].id, given[t].id);
            assert_int_equal(read[t].level, given[t].level);
            assert_int_equal(read[t].busy, given[t].busy);
            assert_int_equal(read[t].hi, given[t].hi);
            assert_int_equal(read[t].tombstones, given[t].tombstones);
        }
    }
    /* A writer that died in the middle of the next one: the last whole one is still there. */
    scope_slot_begin(scope_slot(&writer->parts.shape, writer->next_shape), writer->next_shape);
    struct scope_shape found = {.tables = read};
    assert_int_equal(scope_read_shape(segment, &found), SCOPE_POLL_RECORD);
    assert_int_equal(found.time_ns, 53);
    scope_detach(segment);
    scope_writer_close(writer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_empty_ring_is_empty),
        CASE(a_late_joiner_starts_with_slack_once_the_ring_is_full),
        CASE(a_lapped_reader_counts_exactly_what_it_missed),
        CASE(what_went_by_before_the_first_poll_is_not_lost),
        CASE(a_record_begun_but_not_counted_in_the_head_still_laps),
        CASE(absent_metrics_stay_absent_after_the_slot_held_others),
        CASE(a_reader_stopped_for_several_laps_counts_the_exact_gap),
        CASE(the_newest_shape_is_read_and_too_many_tables_keep_their_total),
    };
    return cmocka_run_group_tests_name("ring_lap", tests, NULL, NULL);
}
