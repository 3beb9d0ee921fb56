/* driver_args_test.c: numbers, options, their ranges, presets, ring sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_args.h"
#include "../tools/driver/prepare.h"
#include "../tools/driver/text.h"

/* Parses words, the program name aside. Returns what the parser returned. */
static bool parse(struct driver_args *args, char error[256], const char *const words[]) {
    static char copies[32][128];
    char *argv[33];
    int argc = 0;
    argv[argc++] = strcpy(copies[0], "lsm-driver");
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = strcpy(copies[argc], words[argc - 1]);
    }
    argv[argc] = NULL;
    error[0] = '\0';
    return driver_args_parse(argc, argv, args, error);
}

#define PARSE(args, error, ...) parse(args, error, (const char *const[]){__VA_ARGS__, NULL})

static void defaults_are_the_references(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_true(PARSE(&a, error, "--fresh"));
    assert_string_equal(a.data_dir, "/tmp/lsm_demo");
    assert_false(a.async_compaction);
    assert_int_equal(a.memtable_bytes, 1000000);
    assert_int_equal(a.table_bytes, 8000000);
    assert_true(a.bloom_fpr > 0.0099999 && a.bloom_fpr < 0.0100001);
    assert_int_equal(a.max_levels, 6);
    assert_false(a.wal_flush_every_write);
    assert_int_equal(a.durability, LSM_PROCESS);
    assert_int_equal(a.tombstone_retention_s, 86400);
    assert_int_equal(a.duration_ns, 60000000000);
    assert_int_equal(a.rate_milli[KIND_PUT], 2000000);
    assert_int_equal(a.rate_milli[KIND_GET], 0);
    assert_int_equal(a.rate_milli[KIND_DELETE], 0);
    assert_int_equal(a.rate_milli[KIND_SCAN], 0);
    assert_int_equal(a.key_space, 100000);
    assert_int_equal(a.value_bytes, 128);
    assert_int_equal(a.sample_ns, 500000000);
    assert_null(a.out_csv);
    assert_string_equal(a.name, "demo");
    assert_int_equal(a.threads, 1);
    assert_int_equal(a.key_dist, DIST_UNIFORM);
}

static void csv_takes_no_word_one_word_or_an_equals_sign(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_true(PARSE(&a, error, "--out-csv"));
    assert_string_equal(a.out_csv, "/tmp/lsm_metrics.csv");
    assert_true(PARSE(&a, error, "--out-csv", "--fresh"));
    assert_string_equal(a.out_csv, "/tmp/lsm_metrics.csv");
    assert_true(a.fresh);
    assert_true(PARSE(&a, error, "--out-csv", "/x/y.csv", "--fresh"));
    assert_string_equal(a.out_csv, "/x/y.csv");
    assert_true(a.fresh);
    assert_true(PARSE(&a, error, "--out-csv=/x/z.csv"));
    assert_string_equal(a.out_csv, "/x/z.csv");
}

static void numbers_take_natural_suffixes_and_nothing_else(void **state) {
    (void)state;
    static const struct {
        bool (*parse)(const char *, uint64_t *);
        const char *text;
        uint64_t value;
    } good[] = {
        {driver_parse_count, "0", 0},
        {driver_parse_count, "18446744073709551615", UINT64_MAX},
        {driver_parse_count, "2k", 2000},
        {driver_parse_count, "1.5M", 1500000},
        {driver_parse_size, "64KiB", 65536},
        {driver_parse_size, "64kB", 64000},
        {driver_parse_size, "0.5K", 512},
        {driver_parse_size, "1MiB", 1048576},
        {driver_parse_rate, "2000", 2000000},
        {driver_parse_rate, "2.5k", 2500000},
        {driver_parse_rate, "0.001", 1},
        {driver_parse_rate, "max", DRIVER_RATE_MAX},
        {driver_parse_seconds, "60", 60000000000},
        {driver_parse_seconds, "1.5", 1500000000},
        {driver_parse_seconds, ".5", 500000000},
        {driver_parse_count, ".5k", 500},
        {driver_parse_seconds, "250ms", 250000000},
        {driver_parse_seconds, "2h", 7200000000000},
        {driver_parse_millis, "250", 250000000},
        {driver_parse_millis, "2s", 2000000000},
        {driver_parse_seconds, "1.0000000000000", 1000000000},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t value = 77;
        assert_true(good[i].parse(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    static const struct {
        bool (*parse)(const char *, uint64_t *);
        const char *text;
    } bad[] = {
        {driver_parse_count, ""},
        {driver_parse_count, " 1"},
        {driver_parse_count, "1 "},
        {driver_parse_count, "-1"},
        {driver_parse_count, "+1"},
        {driver_parse_count, "1.5"},
        {driver_parse_count, "0x10"},
        {driver_parse_count, "18446744073709551616"},
        {driver_parse_count, "99999999999999999999999"},
        {driver_parse_count, "1e6"},
        {driver_parse_count, "1kk"},
        {driver_parse_size, "1.3"},
        {driver_parse_size, "KiB"},
        {driver_parse_size, "18000000000GiB"},
        {driver_parse_rate, "0.0001"},
        {driver_parse_rate, "maximum"},
        {driver_parse_rate, "nan"},
        {driver_parse_seconds, "1."},
        {driver_parse_seconds, "."},
        {driver_parse_seconds, ".s"},
        {driver_parse_seconds, "..5"},
        {driver_parse_seconds, "0.0000000001"},
        {driver_parse_millis, "1x"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value = 77;
        assert_false(bad[i].parse(bad[i].text, &value));
        assert_int_equal(value, 77);
    }
}

static void a_wrong_value_is_one_line_that_names_the_option(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"--memtable-max-bytes", "4095"},
        {"--memtable-max-bytes", "5GiB"},
        {"--sstable-max-bytes", "1"},
        {"--bloom-fpr", "0.6"},
        {"--bloom-fpr", "inf"},
        {"--bloom-fpr", "-0.1"},
        {"--bloom-fpr", "0.0000001"},
        {"--max-levels", "1"},
        {"--max-levels", "9"},
        {"--l0-trigger", "0"},
        {"--level-ratio", "1"},
        {"--tombstone-retention-seconds", "-1"},
        {"--duration-seconds", "0"},
        {"--duration-seconds", "soon"},
        {"--write-rate", "-5"},
        {"--write-rate", "2G"},
        {"--key-space-size", "0"},
        {"--value-size-bytes", "65MiB"},
        {"--zipf-skew", "0"},
        {"--threads", "0"},
        {"--threads", "257"},
        {"--sample-ms", "0"},
        {"--sample-ms", "2h"},
        {"--history", "15"},
        {"--history", "1.5"},
        {"--history", "0s"},
        {"--key-dist", "normal"},
        {"--durability", "Sync"},
        {"--io-backend", "sim"},
        {"--preset", "ycsb-g"},
        {"--name", ".hidden"},
        {"--name", "a/b"},
        {"--name", ""},
        {"--data-dir", ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct driver_args a;
        char error[256];
        /* "1.5" samples is a time of 1.5 s: a history of 3 samples of 500 ms, which is fine. */
        bool fine = strcmp(wrong[i][1], "1.5") == 0;
        assert_int_equal(PARSE(&a, error, wrong[i][0], wrong[i][1]), fine);
        if (!fine) {
            assert_int_equal(strncmp(error, wrong[i][0], strlen(wrong[i][0])), 0);
            assert_null(strchr(error, '\n'));
        }
    }
}

static void wrong_words_are_refused(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_false(PARSE(&a, error, "--bogus"));
    assert_non_null(strstr(error, "--bogus"));
    assert_false(PARSE(&a, error, "stray"));
    assert_non_null(strstr(error, "stray"));
    assert_false(PARSE(&a, error, "--write-rate"));
    assert_string_equal(error, "--write-rate needs a value");
    assert_false(PARSE(&a, error, "--fresh=1"));
    assert_string_equal(error, "--fresh takes no value");
    assert_false(PARSE(&a, error, "-w", "5"));
    assert_false(PARSE(&a, error, "--write-rat", "5"));
    assert_string_equal(error, "unknown option '--write-rat'; did you mean --write-rate?");
    assert_false(PARSE(&a, error, "--write-rat=5"));
    assert_string_equal(error, "unknown option '--write-rat'; did you mean --write-rate?");
    assert_false(PARSE(&a, error, "--fres"));
    assert_false(PARSE(&a, error, "--out-cs", "/x/y.csv"));
    assert_true(PARSE(&a, error, "--write-rate=5", "--read-rate", "6", "--out-csv", "/x/y.csv"));
    assert_false(PARSE(&a, error, "--durability", "buffered", "--wal-flush-every-write"));
    assert_true(PARSE(&a, error, "--durability", "sync", "--wal-flush-every-write"));
    assert_true(PARSE(&a, error, "--value-size-bytes", "64MiB", "--threads", "16"));
    assert_false(PARSE(&a, error, "--value-size-bytes", "64MiB", "--threads", "17"));
}

static void flushing_every_write_means_sync(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_true(PARSE(&a, error, "--wal-flush-every-write"));
    assert_int_equal(a.durability, LSM_SYNC);
}

static void explicit_options_win_over_a_preset_in_any_order(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_true(PARSE(&a, error, "--preset", "flushes"));
    assert_int_equal(a.rate_milli[KIND_PUT], 8000000);
    assert_int_equal(a.memtable_bytes, 100000);
    assert_int_equal(a.duration_ns, 30000000000);
    assert_true(PARSE(&a, error, "--preset", "flushes", "--write-rate", "10"));
    assert_int_equal(a.rate_milli[KIND_PUT], 10000);
    assert_int_equal(a.memtable_bytes, 100000);
    assert_true(PARSE(&a, error, "--memtable-max-bytes", "1000000", "--preset", "flushes"));
    assert_int_equal(a.memtable_bytes, 1000000); /* even when it is the default's value */
    assert_int_equal(a.rate_milli[KIND_PUT], 8000000);
}

static void presets_are_the_references_scenarios_and_ycsbs_mixes(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_true(PARSE(&a, error, "--preset", "mixed"));
    assert_int_equal(a.rate_milli[KIND_PUT], 3000000);
    assert_int_equal(a.rate_milli[KIND_GET], 2000000);
    assert_true(PARSE(&a, error, "--preset", "deletes"));
    assert_int_equal(a.rate_milli[KIND_PUT], 2000000);
    assert_int_equal(a.rate_milli[KIND_DELETE], 1000000);
    assert_true(PARSE(&a, error, "--preset", "large-values"));
    assert_int_equal(a.rate_milli[KIND_PUT], 1000000);
    assert_int_equal(a.value_bytes, 4096);
    assert_int_equal(a.memtable_bytes, 500000);
    assert_false(a.load);

    static const struct {
        const char *name;
        unsigned put, get, scan; /* percent */
        unsigned dist;
        bool inserts, modify;
    } ycsb[] = {{"ycsb-a", 50, 50, 0, DIST_ZIPF, false, false},
                {"ycsb-b", 5, 95, 0, DIST_ZIPF, false, false},
                {"ycsb-c", 0, 100, 0, DIST_ZIPF, false, false},
                {"ycsb-d", 5, 95, 0, DIST_LATEST, true, false},
                {"ycsb-e", 5, 0, 95, DIST_ZIPF, true, false},
                {"ycsb-f", 50, 50, 0, DIST_ZIPF, false, true}};
    for (size_t i = 0; i < sizeof ycsb / sizeof ycsb[0]; i++) {
        assert_true(PARSE(&a, error, "--preset", ycsb[i].name));
        uint64_t total = 0;
        for (unsigned k = 0; k < KINDS; k++) {
            total += a.rate_milli[k];
        }
        assert_int_equal(a.rate_milli[KIND_PUT] * 100, total * ycsb[i].put);
        assert_int_equal(a.rate_milli[KIND_GET] * 100, total * ycsb[i].get);
        assert_int_equal(a.rate_milli[KIND_SCAN] * 100, total * ycsb[i].scan);
        assert_int_equal(a.key_dist, ycsb[i].dist);
        assert_int_equal(a.inserts, ycsb[i].inserts);
        assert_int_equal(a.modify, ycsb[i].modify);
        assert_true(a.load);
        if (ycsb[i].put > 0) {
            assert_int_equal(a.weight[KIND_PUT], ycsb[i].put);
        }
    }
}

static void history_becomes_powers_of_two(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    uint32_t samples, events, seconds;
    assert_true(PARSE(&a, error, "--fresh"));
    driver_history_slots(&a, &samples, &events, &seconds);
    assert_int_equal(samples, 0);
    assert_int_equal(events, 0);
    assert_int_equal(seconds, 0);
    assert_true(PARSE(&a, error, "--history", "65536"));
    driver_history_slots(&a, &samples, &events, &seconds);
    assert_int_equal(samples, 65536);
    assert_int_equal(events, 4 * 65536);
    assert_int_equal(seconds, 65536); /* 32 768 s and one that is under way */
    assert_true(PARSE(&a, error, "--history", "2h", "--sample-ms", "250"));
    driver_history_slots(&a, &samples, &events, &seconds);
    assert_int_equal(samples, 32768); /* 28 800 rounded up */
    assert_int_equal(seconds, 8192);
    assert_true(PARSE(&a, error, "--history", "1M", "--sample-ms", "1h"));
    driver_history_slots(&a, &samples, &events, &seconds);
    assert_true(seconds <= 1u << 20);
    assert_false(PARSE(&a, error, "--history", "300d", "--sample-ms", "1"));
}

static void policy_and_compaction_rate_reach_the_engine(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    assert_true(PARSE(&a, error, "--seed", "1"));
    assert_int_equal(driver_engine_options(&a).policy, LSM_LEVELED);
    assert_int_equal(driver_engine_options(&a).compaction_rate, 0);
    assert_true(PARSE(&a, error, "--policy", "tiered", "--compaction-rate", "20MiB"));
    assert_int_equal(driver_engine_options(&a).policy, LSM_TIERED);
    assert_int_equal(driver_engine_options(&a).compaction_rate, 20 << 20);
    assert_true(PARSE(&a, error, "--policy", "lazy-leveled"));
    assert_int_equal(driver_engine_options(&a).policy, LSM_LAZY_LEVELED);
    assert_false(PARSE(&a, error, "--policy", "eager"));
    assert_non_null(strstr(error, "--policy"));
}

static void limits_keep_their_distance_from_the_trigger(void **state) {
    (void)state;
    struct driver_args a;
    char error[256];
    static const char *const triggers[] = {"1", "2", "4", "12", "200"};
    for (size_t i = 0; i < sizeof triggers / sizeof triggers[0]; i++) {
        assert_true(PARSE(&a, error, "--l0-trigger", triggers[i]));
        struct lsm_options o = driver_engine_options(&a);
        assert_int_equal(o.l0_trigger, atoi(triggers[i]));
        assert_true(o.l0_slowdown > o.l0_trigger);
        assert_true(o.l0_stop > o.l0_slowdown);
        assert_true(o.l0_stop <= 1000);
    }
}

static void numbers_are_told_as_people_read_them(void **state) {
    (void)state;
    struct driver_text t;
    assert_string_equal(driver_text_count(&t, 0), "0");
    assert_string_equal(driver_text_count(&t, 999), "999");
    assert_string_equal(driver_text_count(&t, 1234567), "1,234,567");
    assert_string_equal(driver_text_count(&t, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(driver_text_bytes(&t, 1023), "1023 B");
    assert_string_equal(driver_text_bytes(&t, 1024), "1.00 KiB");
    assert_string_equal(driver_text_bytes(&t, 2 << 20), "2.00 MiB");
    assert_string_equal(driver_text_bytes(&t, UINT64_MAX), "16.0 EiB");
    assert_string_equal(driver_text_ns(&t, 999), "999 ns");
    assert_string_equal(driver_text_ns(&t, 1500), "1.50 us");
    assert_string_equal(driver_text_ns(&t, 999999), "1.00 ms");
    assert_string_equal(driver_text_ns(&t, 60000000000), "60.0 s");
    assert_string_equal(driver_text_rate(&t, 4999.6), "5,000/s");
    assert_string_equal(driver_text_rate(&t, 0.5), "0.50/s");
}

static void a_page_cuts_what_does_not_fit(void **state) {
    (void)state;
    char text[8];
    struct driver_page page = {.text = text, .size = sizeof text};
    driver_page_add(&page, "%s", "12345");
    driver_page_add(&page, "%s", "6789");
    driver_page_add(&page, "%s", "x");
    assert_string_equal(text, "1234567");
    assert_int_equal(page.cut, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_references),
        cmocka_unit_test(csv_takes_no_word_one_word_or_an_equals_sign),
        cmocka_unit_test(numbers_take_natural_suffixes_and_nothing_else),
        cmocka_unit_test(a_wrong_value_is_one_line_that_names_the_option),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(flushing_every_write_means_sync),
        cmocka_unit_test(explicit_options_win_over_a_preset_in_any_order),
        cmocka_unit_test(presets_are_the_references_scenarios_and_ycsbs_mixes),
        cmocka_unit_test(history_becomes_powers_of_two),
        cmocka_unit_test(policy_and_compaction_rate_reach_the_engine),
        cmocka_unit_test(limits_keep_their_distance_from_the_trigger),
        cmocka_unit_test(numbers_are_told_as_people_read_them),
        cmocka_unit_test(a_page_cuts_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
