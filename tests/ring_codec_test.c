/* ring_codec_test.c: events, tables, histograms and texts as words, and back; and that no words at
 * all can make a decoder return something out of range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "scope.h"
#include "segment.h"
#include "scope_fixture.h"

static uint64_t seed;

static struct scope_event there_and_back(const struct scope_event *event) {
    uint64_t words[SCOPE_EVENT_WORDS];
    struct scope_event back;
    memset(words, 0xff, sizeof(words));
    memset(&back, 0xff, sizeof(back));
    scope_event_encode(event, words);
    scope_event_decode(words, &back);
    return back;
}

static void jobs_keep_every_field(void **state) {
    (void)state;
    for (int type = SCOPE_EVENT_FLUSH_BEGIN; type <= SCOPE_EVENT_COMPACT_END; type++) {
        struct scope_event event = {.time_ns = UINT64_MAX,
                                    .type = (enum scope_event_type)type,
                                    .job = 0xfedcba98,
                                    .level_from = 6,
                                    .level_to = 7};
        event.u.job_info.inputs = 0xffffffff;
        event.u.job_info.outputs = 0x12345678;
        event.u.job_info.bytes_in = UINT64_MAX - 1;
        event.u.job_info.bytes_out = UINT64_MAX - 2;
        event.u.job_info.entries_in = UINT64_MAX - 3;
        event.u.job_info.entries_out = UINT64_MAX - 4;
        event.u.job_info.duration_ns = UINT64_MAX - 5;
        event.u.job_info.status = -17;
        struct scope_event back = there_and_back(&event);
        assert_int_equal(back.time_ns, event.time_ns);
        assert_int_equal(back.type, event.type);
        assert_int_equal(back.job, event.job);
        assert_int_equal(back.level_from, 6);
        assert_int_equal(back.level_to, 7);
        assert_memory_equal(&back.u.job_info, &event.u.job_info, sizeof(event.u.job_info) - 4);
        assert_int_equal(back.u.job_info.status, -17);
    }
}

static void stalls_log_and_tables_keep_every_field(void **state) {
    (void)state;
    struct scope_event event = {.time_ns = 5, .type = SCOPE_EVENT_STALL_END};
    event.u.stall.cause = SCOPE_STALL_INLINE;
    event.u.stall.duration_ns = 123;
    struct scope_event back = there_and_back(&event);
    assert_int_equal(back.type, SCOPE_EVENT_STALL_END);
    assert_int_equal(back.u.stall.cause, SCOPE_STALL_INLINE);
    assert_int_equal(back.u.stall.duration_ns, 123);
    event = (struct scope_event){.type = SCOPE_EVENT_WAL_ROTATE};
    event.u.wal.segment = 9;
    event.u.wal.bytes = 1u << 30;
    back = there_and_back(&event);
    assert_int_equal(back.u.wal.segment, 9);
    assert_int_equal(back.u.wal.bytes, 1u << 30);
    event = (struct scope_event){.type = SCOPE_EVENT_TABLE_MOVE, .level_from = 1, .level_to = 2};
    event.u.table = (struct scope_table){.id = 1,
                                         .level = 2,
                                         .busy = true,
                                         .bytes = 3,
                                         .entries = 4,
                                         .tombstones = 5,
                                         .lo = 6,
                                         .hi = 7,
                                         .created_ns = 8};
    back = there_and_back(&event);
    const struct scope_table *table = &back.u.table;
    assert_int_equal(back.type, SCOPE_EVENT_TABLE_MOVE);
    assert_true(table->id == 1 && table->level == 2 && table->busy && table->bytes == 3);
    assert_true(table->entries == 4 && table->tombstones == 5 && table->lo == 6);
    assert_true(table->hi == 7 && table->created_ns == 8);
}

static void texts_are_cut_at_a_character_and_cleaned(void **state) {
    (void)state;
    struct scope_event event = {.type = SCOPE_EVENT_MARKER};
    memset(event.u.text, 'a', sizeof(event.u.text)); /* 88 bytes and no NUL */
    struct scope_event back = there_and_back(&event);
    assert_int_equal(strlen(back.u.text), 87);
    memcpy(event.u.text + 86, "\xc3\xa9", 2); /* the last character does not fit whole */
    back = there_and_back(&event);
    assert_int_equal(strlen(back.u.text), 86);
    char text[32];
    scope_text_copy(text, sizeof(text), "a\x1b[31m\tb\xff\xc3\xa9\x7f\xc2\x9b\xe2\x82", 32);
    assert_string_equal(text, "a?[31m b?\xc3\xa9????");
    scope_text_copy(text, 4, "\xe2\x82\xac\xe2\x82\xac", 6);
    assert_string_equal(text, "\xe2\x82\xac");
    scope_text_copy(text, sizeof(text), "\xed\xa0\x80|\xf4\x90\x80\x80|\xc0\xaf", 11);
    assert_string_equal(text, "???|????|??");
    scope_text_copy(text, 1, "abc", 3);
    assert_string_equal(text, "");
}

static void no_words_decode_to_a_field_out_of_range(void **state) {
    (void)state;
    uint64_t random = seed;
    for (unsigned round = 0; round < 200000; round++) {
        uint64_t words[SCOPE_EVENT_WORDS];
        for (unsigned i = 0; i < SCOPE_EVENT_WORDS; i++) {
            words[i] = fixture_random(&random);
        }
        if (round % 2 == 0) { /* half of them of a known type with plausible levels */
            words[1] = (words[1] & ~UINT64_C(0xf8f8ff)) | round % 16;
        }
        struct scope_event event;
        scope_event_decode(words, &event);
        assert_true((unsigned)event.type <= SCOPE_EVENT_TABLE_REMOVE);
        assert_true(event.level_from < SCOPE_MAX_LEVELS && event.level_to < SCOPE_MAX_LEVELS);
        if (event.type == SCOPE_EVENT_STALL_BEGIN || event.type == SCOPE_EVENT_STALL_END) {
            assert_true((unsigned)event.u.stall.cause < SCOPE_STALLS);
        } else if (event.type >= SCOPE_EVENT_TABLE_ADD) {
            assert_true(event.u.table.level < SCOPE_MAX_LEVELS);
        } else if (event.type == SCOPE_EVENT_MARKER || event.type == SCOPE_EVENT_ERROR) {
            assert_non_null(memchr(event.u.text, 0, sizeof(event.u.text)));
        }
    }
}

static void buckets_tile_all_latencies(void **state) {
    (void)state;
    assert_int_equal(scope_bucket_floor(0), 0);
    assert_int_equal(scope_bucket_floor(1), 64);
    assert_int_equal(scope_bucket_floor(2), 80);
    assert_int_equal(scope_bucket_floor(5), 128);
    for (unsigned b = 1; b < SCOPE_HIST_BUCKETS; b++) {
        uint64_t floor = scope_bucket_floor(b);
        assert_true(floor > scope_bucket_floor(b - 1));
        assert_int_equal(scope_bucket_of(floor), b);
        assert_int_equal(scope_bucket_of(floor - 1), b - 1);
    }
    assert_true(scope_bucket_floor(SCOPE_HIST_BUCKETS - 1) > UINT64_C(12000000000));
    assert_int_equal(scope_bucket_of(UINT64_MAX), SCOPE_HIST_BUCKETS - 1);
    assert_int_equal(scope_bucket_of(0), 0);
}

static void quantiles_interpolate_within_their_bucket(void **state) {
    (void)state;
    uint64_t count[SCOPE_HIST_BUCKETS] = {0};
    assert_int_equal(scope_hist_quantile(count, 0.5), 0);
    count[5] = 100; /* 128 .. 160 */
    assert_int_equal(scope_hist_quantile(count, 0), 128);
    assert_int_equal(scope_hist_quantile(count, 0.5), 144);
    assert_int_equal(scope_hist_quantile(count, 1), 160);
    assert_int_equal(scope_hist_quantile(count, 7), 160);
    assert_int_equal(scope_hist_quantile(count, -1), 128);
    assert_int_equal(scope_hist_quantile(count, (double)NAN), 128);
    count[20] = 1;
    assert_true(scope_hist_quantile(count, 0.98) < 160);
    assert_true(scope_hist_quantile(count, 0.999) > scope_bucket_floor(20));
    uint64_t last = 0;
    for (unsigned i = 0; i <= 1000; i++) {
        uint64_t now = scope_hist_quantile(count, i / 1000.0);
        assert_true(now >= last);
        last = now;
    }
    count[SCOPE_HIST_BUCKETS - 1] = UINT64_MAX;
    assert_true(scope_hist_quantile(count, 0.5) >= scope_bucket_floor(SCOPE_HIST_BUCKETS - 1));
}

static void small_floats_are_exact_to_15_and_close_above(void **state) {
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        assert_int_equal(scope_count_encode(scope_count_decode((uint8_t)code)), code);
        assert_true(code == 0 ||
                    scope_count_decode((uint8_t)code) > scope_count_decode((uint8_t)(code - 1)));
    }
    for (uint64_t n = 0; n < 16; n++) {
        assert_int_equal(scope_count_decode(scope_count_encode(n)), n);
    }
    uint64_t random = seed;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t n = fixture_random(&random) >> (30 + i % 34);
        uint64_t back = scope_count_decode(scope_count_encode(n));
        uint64_t off = back > n ? back - n : n - back;
        assert_true(n > UINT64_C(15) << 30 || off <= n / 16);
    }
    assert_int_equal(scope_count_encode(UINT64_MAX), 255);
}

static void what_rounding_leaves_is_carried_so_sums_stay_true(void **state) {
    (void)state;
    static int64_t residue[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS];
    static struct scope_histograms given;
    static struct scope_histograms back;
    static uint64_t put[SCOPE_HIST_BUCKETS];
    static uint64_t got[SCOPE_HIST_BUCKETS];
    uint64_t words[SCOPE_HIST_WORDS];
    uint64_t random = seed;
    memset(residue, 0, sizeof(residue));
    for (unsigned second = 0; second < 2000; second++) {
        memset(&given, 0, sizeof(given));
        given.max_ns[3] = 12345 + second;
        bool idle = second % 10 == 9;
        for (unsigned b = 0; !idle && b < SCOPE_HIST_BUCKETS; b++) {
            given.count[3][b] = fixture_random(&random) >> (44 + b % 16);
            put[b] += given.count[3][b];
        }
        scope_hist_encode(&given, residue, words);
        scope_hist_decode(words, &back);
        assert_in_range(back.max_ns[3], given.max_ns[3], given.max_ns[3] + 15);
        for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
            got[b] += back.count[3][b];
            assert_true(!idle || back.count[3][b] == 0); /* a second without work stays empty */
            assert_int_equal(back.count[2][b], 0);
            int64_t owed = (int64_t)(put[b] - got[b]);
            assert_int_equal(owed, residue[3][b]);
            assert_true(owed <= (1 << 16) && owed >= -(1 << 16));
        }
    }
    given.max_ns[0] = UINT64_MAX;
    scope_hist_encode(&given, residue, words);
    scope_hist_decode(words, &back);
    assert_int_equal(back.max_ns[0], UINT64_C(16) * UINT32_MAX);
}

static void counts_beyond_any_machine_do_not_overflow(void **state) {
    (void)state;
    static int64_t residue[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS];
    static struct scope_histograms given;
    uint64_t words[SCOPE_HIST_WORDS];
    memset(residue, 0, sizeof(residue));
    memset(given.count, 0xff, sizeof(given.count));
    for (unsigned i = 0; i < 1000; i++) {
        scope_hist_encode(&given, residue, words);
    }
    static struct scope_histograms back;
    scope_hist_decode(words, &back);
    assert_int_equal(back.count[7][111], UINT64_C(15) << 30);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = fixture_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_keep_every_field),
        cmocka_unit_test(stalls_log_and_tables_keep_every_field),
        cmocka_unit_test(texts_are_cut_at_a_character_and_cleaned),
        cmocka_unit_test(no_words_decode_to_a_field_out_of_range),
        cmocka_unit_test(buckets_tile_all_latencies),
        cmocka_unit_test(quantiles_interpolate_within_their_bucket),
        cmocka_unit_test(small_floats_are_exact_to_15_and_close_above),
        cmocka_unit_test(what_rounding_leaves_is_carried_so_sums_stay_true),
        cmocka_unit_test(counts_beyond_any_machine_do_not_overflow),
    };
    return cmocka_run_group_tests_name("ring_codec", tests, NULL, NULL);
}
