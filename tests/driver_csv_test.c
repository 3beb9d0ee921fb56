/* driver_csv_test.c: the CSV, byte for byte, against a file written by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "../tools/driver/csv.h"
#include "../tools/driver/events.h"

static char directory[64];
static char path[96];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/driver_csv_test.XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/out.csv", directory);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static size_t slurp(char *bytes, size_t size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, size - 1, file);
    assert_int_equal(fclose(file), 0);
    bytes[n] = '\0';
    return n;
}

static void spit(const char *text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Written by hand from the reference's description; three levels. The database had 100 puts and 7
 * gets before the run. */
static const char golden[] =
    "ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes,"
    "sst_count_L0,sst_count_L1,sst_count_L2,sst_bytes_L0,sst_bytes_L1,sst_bytes_L2,event\n"
    "1700000000000,0,0,0,0,0,0,0,0,0,0,0,\n"
    "1700000000250,1650,1000,500,150,144000,0,0,0,0,0,0,\n"
    "1700000000500,1250,1250,0,0,88000,1,0,0,201000,0,0,flush\n"
    "1700000000751,0,0,0,0,88000,0,2,0,0,1900000,0,flush;compact_L0_L1;compact_L1_L2\n"
    "1700000001000,18446744073709551615,18446744073709551615,0,0,18446744073709551615,"
    "18446744073709551615,18446744073709551615,18446744073709551615,18446744073709551615,"
    "18446744073709551615,18446744073709551615,compact_L0_L1_scheduled\n";

static void rows_are_the_references_byte_for_byte(void **state) {
    (void)state;
    struct driver_csv csv;
    struct lsm_stats stats = {.puts = 100, .gets = 7};
    assert_int_equal(driver_csv_open(&csv, path), 0);
    driver_csv_begin(&csv, 3, &stats);
    driver_csv_row(&csv, 1700000000000, &stats, NULL);
    stats = (struct lsm_stats){
        .puts = 1100, .gets = 507, .deletes = 150, .scans = 9, .memtable_bytes = 144000};
    driver_csv_row(&csv, 1700000000250, &stats, NULL);
    stats.puts = 2350;
    stats.memtable_bytes = 88000;
    stats.level[0].tables = 1;
    stats.level[0].bytes = 201000;
    driver_csv_row(&csv, 1700000000500, &stats, "flush");
    stats.level[0].tables = stats.level[0].bytes = 0;
    stats.level[1].tables = 2;
    stats.level[1].bytes = 1900000;
    driver_csv_row(&csv, 1700000000751, &stats, "flush;compact_L0_L1;compact_L1_L2");
    stats.puts += UINT64_MAX;
    stats.memtable_bytes = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        stats.level[i].tables = stats.level[i].bytes = UINT64_MAX;
    }
    driver_csv_row(&csv, 1700000001000, &stats, "compact_L0_L1_scheduled");
    driver_csv_close(&csv);
    assert_int_equal(csv.error, 0);
    assert_int_equal(csv.rows, 5);
    char bytes[2048];
    slurp(bytes, sizeof bytes);
    assert_string_equal(bytes, golden);
}

static void columns_run_to_the_last_level(void **state) {
    (void)state;
    for (unsigned levels = 1; levels <= LSM_LEVELS_MAX; levels++) {
        struct driver_csv csv = {.levels = levels};
        struct lsm_stats stats = {.puts = 1};
        size_t size;
        char *header = driver_csv_header_text(levels, &size);
        assert_int_equal(strlen(header), size);
        char *row = driver_csv_row_text(&csv, 1, &stats, "flush", &size);
        assert_int_equal(strlen(row), size);
        unsigned header_commas = 0;
        unsigned row_commas = 0;
        for (const char *p = header; *p != '\0'; p++) {
            header_commas += *p == ',';
        }
        for (const char *p = row; *p != '\0'; p++) {
            row_commas += *p == ',';
        }
        assert_int_equal(header_commas, 6 + 2 * levels);
        assert_int_equal(row_commas, header_commas);
        free(header);
        free(row);
    }
}

static void an_old_file_is_kept_until_the_first_row(void **state) {
    (void)state;
    struct driver_csv csv;
    char bytes[256];
    spit("precious\n");
    assert_int_equal(driver_csv_open(&csv, path), 0);
    driver_csv_abandon(&csv);
    slurp(bytes, sizeof bytes);
    assert_string_equal(bytes, "precious\n");
    (void)unlink(path);
    assert_int_equal(driver_csv_open(&csv, path), 0);
    assert_int_equal(access(path, F_OK), 0);
    driver_csv_abandon(&csv);
    assert_int_equal(access(path, F_OK), -1); /* made by us, taken away by us */
}

static void a_longer_old_file_leaves_nothing_behind(void **state) {
    (void)state;
    static char bytes[8192];
    struct lsm_stats stats = {.puts = 0};
    struct driver_csv csv;
    memset(bytes, 'x', sizeof bytes - 1);
    spit(bytes);
    assert_int_equal(driver_csv_open(&csv, path), 0);
    driver_csv_begin(&csv, 2, &stats);
    driver_csv_close(&csv);
    slurp(bytes, sizeof bytes);
    assert_null(strchr(bytes, 'x'));
    assert_int_equal(bytes[strlen(bytes) - 1], '\n');
}

static void a_file_someone_else_writes_is_refused(void **state) {
    (void)state;
    struct driver_csv first, second;
    assert_int_equal(driver_csv_open(&first, path), 0);
    assert_int_equal(driver_csv_open(&second, path), EWOULDBLOCK);
    driver_csv_close(&first);
    assert_int_equal(driver_csv_open(&second, path), 0);
    driver_csv_close(&second);
}

static void an_unwritable_path_is_an_error(void **state) {
    (void)state;
    struct driver_csv csv;
    assert_int_equal(driver_csv_open(&csv, "/nonexistent/x.csv"), ENOENT);
    assert_int_equal(driver_csv_open(&csv, directory), EISDIR);
}

static void a_row_that_does_not_fit_is_taken_back(void **state) {
    (void)state;
    struct driver_csv csv;
    struct lsm_stats stats = {.puts = 0};
    struct rlimit old, limit;
    assert_int_equal(driver_csv_open(&csv, path), 0);
    driver_csv_begin(&csv, 2, &stats);
    driver_csv_row(&csv, 1, &stats, NULL);
    struct stat before;
    assert_int_equal(stat(path, &before), 0);
    /* Room for ten bytes more: the kernel writes those, then refuses. */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = (rlim_t)before.st_size + 10;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    driver_csv_row(&csv, 2, &stats, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(csv.error, EFBIG);
    assert_int_equal(csv.fd, -1);
    struct stat after;
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    driver_csv_row(&csv, 3, &stats, NULL); /* closed: nothing happens */
    driver_csv_close(&csv);
    assert_int_equal(csv.rows, 1);
}

static void happen(struct driver_events *events, enum lsm_event_type type, uint32_t from,
                   uint32_t to, int status) {
    struct lsm_event event = {
        .type = type, .level_from = from, .level_to = to, .status = status, .duration_ns = 5};
    driver_events_listener(events, &event);
}

static void events_become_words_by_mode(void **state) {
    (void)state;
    struct driver_events *events = calloc(1, sizeof *events);
    for (int async = 0; async < 2; async++) {
        driver_events_init(events, async == 1);
        happen(events, LSM_EVENT_FLUSH_END, 0, 0, 0); /* before the run: not in the file */
        driver_events_begin_run(events, true);
        assert_null(driver_events_take_csv(events));
        happen(events, LSM_EVENT_FLUSH_BEGIN, 0, 0, 0);
        happen(events, LSM_EVENT_FLUSH_END, 0, 0, 0);
        happen(events, LSM_EVENT_COMPACT_SCHEDULED, 0, 1, 0);
        happen(events, LSM_EVENT_COMPACT_BEGIN, 0, 1, 0);
        happen(events, LSM_EVENT_COMPACT_END, 0, 1, 0);
        happen(events, LSM_EVENT_COMPACT_END, 2, 3, LSM_ERR_IO); /* failed: did not happen */
        happen(events, LSM_EVENT_FLUSH_END, 0, 0, LSM_ERR_IO);
        char *words = driver_events_take_csv(events);
        assert_non_null(words);
        assert_string_equal(words,
                            async == 1 ? "flush;compact_L0_L1_scheduled" : "flush;compact_L0_L1");
        free(words);
        assert_null(driver_events_take_csv(events));
        driver_events_close(events);
    }
    free(events);
}

static void no_word_is_lost_in_a_long_interval(void **state) {
    (void)state;
    struct driver_events *events = calloc(1, sizeof *events);
    driver_events_init(events, false);
    driver_events_begin_run(events, true);
    for (int i = 0; i < 10000; i++) {
        happen(events, LSM_EVENT_FLUSH_END, 0, 0, 0);
    }
    char *words = driver_events_take_csv(events);
    assert_int_equal(strlen(words), 10000 * strlen("flush;") - 1);
    struct driver_csv csv = {.levels = 2};
    struct lsm_stats stats = {.puts = 0};
    size_t size;
    char *row = driver_csv_row_text(&csv, 1, &stats, words, &size);
    assert_int_equal(row[size - 1], '\n');
    free(row);
    free(words);
    driver_events_close(events);
    free(events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_the_references_byte_for_byte, set_up, tear_down),
        cmocka_unit_test(columns_run_to_the_last_level),
        cmocka_unit_test_setup_teardown(an_old_file_is_kept_until_the_first_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_longer_old_file_leaves_nothing_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_someone_else_writes_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unwritable_path_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_row_that_does_not_fit_is_taken_back, set_up, tear_down),
        cmocka_unit_test(events_become_words_by_mode),
        cmocka_unit_test(no_word_is_lost_in_a_long_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
