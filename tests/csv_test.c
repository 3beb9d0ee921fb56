/* csv_parse.h and source_csv.c: the reference's CSV, with all that can be wrong with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "csv_parse.h"
#include "source.h"
#include "splitmix.h"

#define HEADER "ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes,sst_count_L0,sst_bytes_L0"

struct fixture {
    struct history *history;
    struct source *source;
    struct view view;
    char directory[64], path[96];
    char error[400];
    double clock_s;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/csv_test.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/run.csv", fixture->directory);
    fixture->history = history_create();
    view_init(&fixture->view, fixture->history, THEME_DARK);
    fixture->clock_s = 100;
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    source_close(fixture->source);
    history_destroy(fixture->history);
    unlink(fixture->path);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static void put(const struct fixture *fixture, const char *mode, const char *text) {
    FILE *file = fopen(fixture->path, mode);
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static bool read_whole(struct fixture *fixture) {
    fixture->source = source_csv_open(fixture->path, false, 1, fixture->history, false,
                                      fixture->error, sizeof(fixture->error));
    if (fixture->source != NULL) {
        source_describe(fixture->source, &fixture->view, 0);
    }
    return fixture->source != NULL;
}

static void follow(struct fixture *fixture) {
    fixture->source = source_csv_open(fixture->path, true, 1, fixture->history, false,
                                      fixture->error, sizeof(fixture->error));
    assert_non_null(fixture->source);
}

static bool look(struct fixture *fixture, double after_s) {
    fixture->clock_s += after_s;
    bool changed = source_poll(fixture->source, fixture->clock_s);
    source_describe(fixture->source, &fixture->view, fixture->clock_s);
    return changed;
}

static double rate(const struct fixture *fixture, uint32_t id, size_t row) {
    double number = -1;
    assert_true(history_number(fixture->history, id, HISTORY_RATE, row, &number));
    return number;
}

static uint64_t level(const struct fixture *fixture, uint32_t id, size_t row) {
    uint64_t value = 0;
    assert_true(history_value_at(fixture->history, id, row, &value));
    return value;
}

/* ---- the whole file -------------------------------------------------------------------------- */

static void window_counts_become_rates_from_the_first_row_on(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w",
        HEADER ",event\n"
               "1700000000000,120,100,15,5,4000,0,0,\n"
               "1700000000500,240,200,30,10,8000,1,777,flush\n"
               "1700000001000,60,50,8,2,100,0,0,flush;compact_L0_L1\n");
    assert_true(read_whole(fixture));
    assert_int_equal(history_count(fixture->history), 4); /* and the row of zeros before */
    assert_int_equal(fixture->source->first_row, 1);
    assert_float_equal(history_time(fixture->history, 1), 0.5, 1e-9);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_PUT, 1), 200, 1e-6);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_PUT, 2), 400, 1e-6);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_GET, 3), 16, 1e-6);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_DELETE, 3), 4, 1e-6);
    assert_int_equal(level(fixture, SCOPE_M_MEMTABLE_BYTES, 2), 8000);
    assert_int_equal(level(fixture, SCOPE_M_LEVEL_TABLES, 2), 1);
    assert_int_equal(level(fixture, SCOPE_M_LEVEL_BYTES, 2), 777);
    assert_int_equal(history_event_count(fixture->history), 3);
    assert_int_equal(history_event(fixture->history, 0)->type, SCOPE_EVENT_FLUSH_END);
    assert_float_equal(history_event_time(fixture->history, 0), 1.0, 1e-9);
    const struct scope_event *compaction = history_event(fixture->history, 2);
    assert_int_equal(compaction->type, SCOPE_EVENT_COMPACT_END);
    assert_int_equal(compaction->level_from, 0);
    assert_int_equal(compaction->level_to, 1);
    assert_float_equal(fixture->view.status.start_real_s, 1699999999.5, 1e-3);
    assert_int_equal(fixture->view.status.state, VIEW_FILE);
}

static void first_row_without_operations_is_the_beginning_itself(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put,memtable_bytes\n1000,0,0\n1250,50,5\n1500,50,9\n");
    assert_true(read_whole(fixture));
    assert_int_equal(history_count(fixture->history), 3);
    assert_int_equal(fixture->source->first_row, 0);
    assert_true(history_time(fixture->history, 0) == 0);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_PUT, 1), 200, 1e-6);
    assert_float_equal(fixture->view.status.start_real_s, 1, 1e-9);
}

static void without_event_column_a_drop_of_more_than_half_is_a_flush(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w",
        "ts_ms,memtable_bytes\n"
        "1000,100\n2000,200\n3000,100\n4000,49\n5000,0\n6000,10\n");
    assert_true(read_whole(fixture));
    /* 200 to 100 is exactly half: no flush; 100 to 49 and 49 to 0 are. */
    assert_int_equal(history_event_count(fixture->history), 2);
    assert_float_equal(history_event_time(fixture->history, 0), 4, 1e-9);
    assert_float_equal(history_event_time(fixture->history, 1), 5, 1e-9);
}

static void with_event_column_drops_mean_nothing(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,memtable_bytes,event\n1000,100,\n2000,0,\n");
    assert_true(read_whole(fixture));
    assert_int_equal(history_event_count(fixture->history), 0);
}

static void columns_are_found_by_name_in_any_order_with_crlf_quotes_and_strangers(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w",
        "\xEF\xBB\xBF"
        "memtable_bytes, \"ts_ms\" ,colour,ops_put\r\n"
        "5,1000,\"blue, or so\",10\r\n"
        "6.0,2000,red,\"20\"\r\n"
        "\r\n"
        "7,3000,,30");
    assert_true(read_whole(fixture));
    assert_int_equal(history_count(fixture->history), 4);
    assert_int_equal(level(fixture, SCOPE_M_MEMTABLE_BYTES, 3), 7);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_PUT, 2), 20, 1e-6);
    assert_false(history_has(fixture->history, SCOPE_M_OPS_GET));
}

static void any_number_of_levels_is_read_and_the_deepest_are_folded(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w",
        "ts_ms,sst_count_L0,sst_count_L1,sst_count_L7,sst_count_L8,sst_count_L11\n"
        "1000,1,2,3,4,5\n2000,1,2,3,4,6\n");
    assert_true(read_whole(fixture));
    assert_int_equal(history_levels(fixture->history), 8);
    assert_int_equal(level(fixture, SCOPE_M_LEVEL_TABLES + 7, 2), 13);
    assert_non_null(strstr(fixture->view.status.notice, "L7"));
}

static void empty_field_is_absent_not_zero(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put,memtable_bytes\n1000,5,10\n2000,5,\n3000,5,30\n");
    assert_true(read_whole(fixture));
    uint64_t value;
    assert_false(history_value_at(fixture->history, SCOPE_M_MEMTABLE_BYTES, 2, &value));
    assert_int_equal(level(fixture, SCOPE_M_MEMTABLE_BYTES, 3), 30);
}

static void malformed_row_is_skipped_and_told_with_its_line(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w",
        "ts_ms,ops_put\n"
        "1000,5\n"
        "2000,abc\n"
        "3000\n"
        "4000,1,2\n"
        "5000,99999999999999999999\n"
        "4500,-3\n"
        "900,7\n"
        "6000,8\n");
    assert_true(read_whole(fixture));
    assert_int_equal(history_count(fixture->history), 3); /* zeros, 1000, 6000 */
    assert_non_null(strstr(fixture->view.status.notice, "line 8"));
}

static void single_row_and_scheduled_events_are_shown(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put,event\n1000,5,compact_L1_L2_scheduled; deploy of v2 \n");
    assert_true(read_whole(fixture));
    assert_int_equal(history_count(fixture->history), 2);
    assert_int_equal(history_event_count(fixture->history), 2);
    const struct scope_event *scheduled = history_event(fixture->history, 0);
    assert_int_equal(scheduled->type, SCOPE_EVENT_COMPACT_SCHEDULED);
    assert_int_equal(scheduled->level_from, 1);
    assert_int_equal(scheduled->level_to, 2);
    assert_int_equal(history_event(fixture->history, 1)->type, SCOPE_EVENT_MARKER);
    assert_string_equal(history_event(fixture->history, 1)->u.text, "deploy of v2");
}

static void files_that_cannot_be_shown_are_refused_with_path_and_reason(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "empty"},
        {"a,b,c\n1,2,3\n", "ts_ms"},
        {"ts_ms,colour\n1,2\n", "no column to show"},
        {"ts_ms,ts_ms,ops_put\n", "twice"},
        {HEADER "\n", "no rows"},
        {HEADER "\nx,y\n", "no rows"},
    };
    assert_false(read_whole(fixture));
    assert_non_null(strstr(fixture->error, fixture->path));
    assert_non_null(strstr(fixture->error, "No such file"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(fixture, "w", cases[i].text);
        assert_false(read_whole(fixture));
        assert_non_null(strstr(fixture->error, fixture->path));
        assert_non_null(strstr(fixture->error, cases[i].reason));
    }
    fixture->source = source_csv_open(fixture->directory, false, 1, fixture->history, false,
                                      fixture->error, sizeof(fixture->error));
    assert_null(fixture->source);
    assert_non_null(strstr(fixture->error, "not a regular file"));
}

static void endless_line_is_a_malformed_row_not_endless_memory(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put\n1000,5\n");
    FILE *file = fopen(fixture->path, "a");
    assert_non_null(file);
    for (int i = 0; i < 3 * CSV_LINE_MAX; i++) {
        fputc('7', file);
    }
    fprintf(file, "\n2000,6\n");
    fclose(file);
    assert_true(read_whole(fixture));
    assert_int_equal(history_count(fixture->history), 3);
    assert_non_null(strstr(fixture->view.status.notice, "line 3"));
}

/* ---- following ------------------------------------------------------------------------------- */

static void missing_file_is_waited_for(void **state) {
    struct fixture *fixture = *state;
    follow(fixture);
    look(fixture, 1);
    assert_int_equal(fixture->view.status.state, VIEW_WAITING);
    assert_non_null(strstr(fixture->view.headline, fixture->path));
    put(fixture, "w", HEADER "\n1000,1,1,0,0,10,0,0\n");
    assert_true(look(fixture, 1));
    assert_int_equal(fixture->view.status.state, VIEW_WAITING); /* one row tells no interval */
    put(fixture, "a", "2000,1,1,0,0,20,0,0\n");
    assert_true(look(fixture, 1));
    assert_int_equal(fixture->view.status.state, VIEW_FOLLOW);
    assert_int_equal(history_count(fixture->history), 3);
    assert_string_equal(fixture->view.headline, "");
    assert_false(look(fixture, 1));
}

static void torn_last_line_is_waited_for(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put\n1000,1\n2000,2\n3000,3");
    follow(fixture);
    look(fixture, 1);
    assert_int_equal(history_count(fixture->history), 3);
    put(fixture, "a", "3\n");
    look(fixture, 1);
    assert_int_equal(history_count(fixture->history), 4);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_PUT, 3), 33, 1e-6);
    assert_string_equal(fixture->view.status.notice, "");
}

static void file_that_stops_growing_is_told_with_seconds(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put\n1000,1\n2000,2\n");
    follow(fixture);
    look(fixture, 1);
    assert_false(look(fixture, 4));
    assert_string_equal(fixture->view.status.notice, "");
    assert_true(look(fixture, 3));
    assert_string_equal(fixture->view.status.notice,
                        "no new rows for 7 s: same path? driver ended?");
    assert_true(look(fixture, 1)); /* the seconds go on */
    put(fixture, "a", "3000,3\n");
    look(fixture, 1);
    assert_string_equal(fixture->view.status.notice, "");
}

static void expect_restart(struct fixture *fixture, unsigned generation) {
    assert_true(look(fixture, 1));
    assert_int_equal(fixture->source->generation, generation);
    assert_int_equal(history_count(fixture->history), 3);
    assert_float_equal(rate(fixture, SCOPE_M_OPS_PUT, 2), 8, 1e-6);
}

static void truncated_rewritten_or_replaced_file_starts_over(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "ts_ms,ops_put\n1000,1\n2000,2\n3000,3\n4000,4\n");
    follow(fixture);
    look(fixture, 1);
    assert_int_equal(history_count(fixture->history), 5);
    put(fixture, "w", "ts_ms,ops_put\n7000,7\n8000,8\n"); /* shorter */
    expect_restart(fixture, 1);
    /* Longer than what was read, and other from the first row on. */
    put(fixture, "w", "ts_ms,ops_put\n107000,7\n108000,8\n");
    expect_restart(fixture, 2);
    unlink(fixture->path);
    look(fixture, 1);
    assert_non_null(strstr(fixture->view.status.notice, "gone"));
    assert_int_equal(history_count(fixture->history), 3); /* the picture stays */
    put(fixture, "w", "ts_ms,ops_put\n207000,7\n208000,8\n");
    expect_restart(fixture, 3);
}

static void bad_header_is_told_until_the_file_is_another(void **state) {
    struct fixture *fixture = *state;
    put(fixture, "w", "what is this\n1,2\n");
    follow(fixture);
    look(fixture, 1);
    assert_non_null(strstr(fixture->view.headline, "cannot be shown"));
    assert_non_null(strstr(fixture->view.detail, "ts_ms"));
    put(fixture, "w", "ts_ms,ops_put\n1000,7\n2000,8\n");
    look(fixture, 1);
    assert_int_equal(history_count(fixture->history), 3);
}

/* ---- any bytes ------------------------------------------------------------------------------- */

static uint64_t seed, random_state;

static uint64_t random_next(void) {
    return splitmix_next(&random_state);
}

static void no_bytes_can_harm_the_parser(void **state) {
    struct fixture *fixture = *state;
    static const char *const pieces[] = {"ts_ms",
                                         ",",
                                         "\n",
                                         "\r\n",
                                         "\"",
                                         "1000",
                                         "2000",
                                         "ops_put",
                                         "memtable_bytes",
                                         "sst_count_L0",
                                         ";",
                                         "compact_L0_L1",
                                         "flush",
                                         "_scheduled",
                                         "compact_L",
                                         "-",
                                         ".",
                                         "9999999",
                                         "sst_bytes_L99",
                                         "event",
                                         " ",
                                         "\xff\xfe",
                                         "18446744073709551615"};
    random_state = seed;
    for (int round = 0; round < 3000; round++) {
        char text[2048];
        size_t length = 0;
        if (round % 2 == 0) {
            length = (size_t)snprintf(text, sizeof(text),
                                      "ts_ms,ops_put,memtable_bytes,event\n1000,1,1,\n");
        }
        for (size_t n = random_next() % 60; n > 0 && length < sizeof(text) - 64; n--) {
            const char *piece = pieces[random_next() % (sizeof(pieces) / sizeof(pieces[0]))];
            size_t size = strlen(piece);
            memcpy(text + length, piece, size);
            length += size;
            if (random_next() % 20 == 0) {
                text[length++] = (char)random_next();
            }
        }
        struct csv_header header;
        struct csv_row row;
        struct scope_event events[CSV_EVENTS_MAX];
        char error[CSV_ERROR_MAX];
        const char *feed = memchr(text, '\n', length);
        size_t first = feed != NULL ? (size_t)(feed - text) : length;
        if (csv_header_parse(text, first, &header, error)) {
            assert_true(header.columns > 0 && header.columns <= CSV_COLUMNS_MAX);
            csv_row_parse(&header, text + first, length - first, &row, error);
        }
        size_t count = csv_events_parse(text, length, events);
        assert_true(count <= CSV_EVENTS_MAX);
        for (size_t i = 0; i < count; i++) {
            assert_true(events[i].level_from < SCOPE_MAX_LEVELS);
            assert_true(events[i].level_to < SCOPE_MAX_LEVELS);
        }
    }
    (void)fixture;
}

int main(void) {
    const char *given = getenv("LSM_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("repeat with: LSM_TEST_SEED=%llu csv_test\n", (unsigned long long)seed);
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(window_counts_become_rates_from_the_first_row_on),
        CASE(first_row_without_operations_is_the_beginning_itself),
        CASE(without_event_column_a_drop_of_more_than_half_is_a_flush),
        CASE(with_event_column_drops_mean_nothing),
        CASE(columns_are_found_by_name_in_any_order_with_crlf_quotes_and_strangers),
        CASE(any_number_of_levels_is_read_and_the_deepest_are_folded),
        CASE(empty_field_is_absent_not_zero),
        CASE(malformed_row_is_skipped_and_told_with_its_line),
        CASE(single_row_and_scheduled_events_are_shown),
        CASE(files_that_cannot_be_shown_are_refused_with_path_and_reason),
        CASE(endless_line_is_a_malformed_row_not_endless_memory),
        CASE(missing_file_is_waited_for),
        CASE(torn_last_line_is_waited_for),
        CASE(file_that_stops_growing_is_told_with_seconds),
        CASE(truncated_rewritten_or_replaced_file_starts_over),
        CASE(bad_header_is_told_until_the_file_is_another),
        CASE(no_bytes_can_harm_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
