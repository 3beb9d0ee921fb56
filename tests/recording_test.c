/* recording_test.c: a recording gives back what was recorded, whole, cut short or damaged, and says
 * which of these it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recorded_run.h"
#include "recording_format.h"
#include "scope_fixture.h"

#include "fuzz_recording.c"

enum { RECORDS = 400, PER_CHUNK = 37 };

static uint64_t seed;

/* ---- files ---------------------------------------------------------------------------------- */

static const char *path_of(const char *file) {
    static char path[512];
    snprintf(path, sizeof(path), "%s", fixture_path(file));
    return path;
}

static uint8_t *file_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void file_write(const char *path, const uint8_t *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(size == 0 || fwrite(bytes, 1, size, file) == size);
    assert_int_equal(fclose(file), 0);
}

static struct scope_recording *open_whole(const char *path) {
    struct scope_recording *recording = NULL;
    struct scope_error_detail error = {0};
    if (scope_recording_open(path, &recording, &error) != SCOPE_OK) {
        fail_msg("%s", error.text);
    }
    return recording;
}

/* The items from `from` on come in order until the end; returns how many. Damage skips items. */
static size_t compare(struct scope_recording *recording, const struct recorded_run *run,
                      size_t from, unsigned *damaged) {
    struct scope_record record;
    struct scope_error_detail error = {0};
    size_t at = from, found = 0;
    int rc;
    *damaged = 0;
    while ((rc = scope_recording_next(recording, &record, &error)) != SCOPE_NEXT_END) {
        if (rc != SCOPE_NEXT_RECORD) {
            assert_int_equal(rc, SCOPE_ERR_NOT_A_SEGMENT);
            assert_non_null(strstr(error.text, ".lsr: at offset "));
            ++*damaged;
            continue;
        }
        while (*damaged > 0 && at < run->count && run->item[at].time_ns < record.time_ns) {
            at++;
        }
        if (at >= run->count || !recorded_item_equal(&run->item[at], &record)) {
            fail_msg("record %zu is not what was recorded", at);
        }
        at++;
        found++;
    }
    return found;
}

/* ---- whole ---------------------------------------------------------------------------------- */

static void what_was_recorded_is_read(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed, RECORDS);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, PER_CHUNK);
    struct scope_recording *recording = open_whole(path);
    struct scope_recording_status status;
    struct scope_info info;
    size_t count = 0, known = 0;
    unsigned damaged = 0;
    scope_recording_status(recording, &status);
    assert_true(status.complete && !status.writing && status.damaged == 0);
    assert_int_equal(status.end, SCOPE_CLOSED);
    assert_int_equal(status.records, RECORDS);
    assert_int_equal(status.chunks, (RECORDS + PER_CHUNK - 1) / PER_CHUNK);
    assert_int_equal(status.first_ns, run.item[0].time_ns);
    assert_int_equal(status.last_ns, run.item[RECORDS - 1].time_ns);
    scope_recording_info(recording, &info);
    assert_string_equal(info.name, run.info.name);
    assert_string_equal(info.command, run.info.command);
    assert_string_equal(info.description, run.info.description);
    assert_int_equal(info.instance_id, run.info.instance_id);
    assert_int_equal(info.start_real_ns, run.info.start_real_ns);
    const struct scope_metric *metrics = scope_recording_metrics(recording, &count);
    const struct scope_metric *builtin = scope_builtin_metrics(&known);
    assert_int_equal(count, known);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(metrics[i].id, builtin[i].id);
        assert_int_equal(metrics[i].kind, builtin[i].kind);
        assert_string_equal(metrics[i].name, builtin[i].name);
        assert_string_equal(metrics[i].help, builtin[i].help);
        assert_int_equal(scope_recording_word(recording, metrics[i].id), (int)i);
    }
    assert_int_equal(compare(recording, &run, 0, &damaged), RECORDS);
    assert_int_equal(damaged, 0);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

static void seeking_finds_the_first_record_from_there(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 1, RECORDS);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, PER_CHUNK);
    struct scope_recording *recording = open_whole(path);
    unsigned damaged = 0;
    for (size_t i = 0; i < RECORDS; i += 13) {
        scope_recording_seek(recording, run.item[i].time_ns);
        assert_int_equal(compare(recording, &run, i, &damaged), RECORDS - i);
        scope_recording_seek(recording, run.item[i].time_ns + 1);
        assert_int_equal(compare(recording, &run, i + 1, &damaged), RECORDS - i - 1);
    }
    scope_recording_seek(recording, 0);
    assert_int_equal(compare(recording, &run, 0, &damaged), RECORDS);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

/* Two neighbours swapped, also over a chunk's end, come in the order of their times. */
static void late_records_come_in_their_place(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 2, RECORDS);
    const char *path = path_of("a.lsr");
    struct scope_recorder *recorder = recorded_run_begin(&run, path);
    struct scope_error_detail error;
    for (size_t i = 0; i < RECORDS; i++) {
        size_t given = i % 2 == 0 ? i + 1 : i - 1;
        assert_int_equal(recorded_run_put(recorder, &run.item[given]), SCOPE_OK);
        if (i % PER_CHUNK == 0) {
            assert_int_equal(scope_recorder_flush(recorder), SCOPE_OK);
        }
    }
    assert_int_equal(scope_recorder_close(recorder, SCOPE_LIVE, NULL, &error), SCOPE_OK);
    struct scope_recording *recording = open_whole(path);
    unsigned damaged = 0;
    assert_int_equal(compare(recording, &run, 0, &damaged), RECORDS);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

static void the_largest_records_fit(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 3, 2);
    struct recorded_item *item = &run.item[1];
    free(run.item[0].histograms);
    free(run.item[0].shape.tables);
    free(item->histograms);
    free(item->shape.tables);
    item->kind = SCOPE_RECORD_SHAPE;
    item->histograms = NULL;
    item->shape.count = item->shape.total = SCOPE_MAX_TABLES;
    item->shape.tables = malloc(SCOPE_MAX_TABLES * sizeof(*item->shape.tables));
    assert_non_null(item->shape.tables);
    for (uint64_t i = 0; i < SCOPE_MAX_TABLES; i++) {
        uint64_t most = UINT64_MAX - i;
        item->shape.tables[i] = (struct scope_table){
            most, 7, true, most, most, most, most, most, ~most + item->time_ns};
    }
    run.item[0] = (struct recorded_item){.kind = SCOPE_RECORD_HISTOGRAMS,
                                         .time_ns = item->time_ns - 1,
                                         .histograms = malloc(sizeof(struct scope_histograms))};
    assert_non_null(run.item[0].histograms);
    memset(run.item[0].histograms, 0xff, sizeof(struct scope_histograms));
    run.item[0].histograms->time_ns = run.item[0].time_ns;
    recorded_run_write(&run, path_of("a.lsr"), 2);
    struct scope_recording *recording = open_whole(path_of("a.lsr"));
    unsigned damaged = 0;
    assert_int_equal(compare(recording, &run, 0, &damaged), 2);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

/* ---- while it is written -------------------------------------------------------------------- */

static void a_recording_is_read_while_it_is_written(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 4, RECORDS);
    const char *path = path_of("a.lsr");
    struct scope_recorder *recorder = recorded_run_begin(&run, path), *second = NULL;
    struct scope_error_detail error;
    struct scope_recording_status status;
    assert_int_equal(scope_recorder_open(path, &second, &error), SCOPE_ERR_IN_USE);
    assert_non_null(strstr(error.text, "another recorder"));
    struct scope_recording *recording = open_whole(path);
    size_t read = 0;
    unsigned damaged = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        assert_int_equal(recorded_run_put(recorder, &run.item[i]), SCOPE_OK);
        if (i % PER_CHUNK == 0) {
            assert_int_equal(scope_recorder_flush(recorder), SCOPE_OK);
            assert_int_equal(scope_recording_refresh(recording, &error), SCOPE_OK);
            scope_recording_status(recording, &status);
            assert_true(status.writing && !status.complete);
            read += compare(recording, &run, read, &damaged);
            assert_int_equal(read, i + 1);
        }
    }
    assert_int_equal(scope_recorder_close(recorder, SCOPE_CRASHED, NULL, &error), SCOPE_OK);
    assert_int_equal(scope_recording_refresh(recording, &error), SCOPE_OK);
    read += compare(recording, &run, read, &damaged);
    assert_int_equal(read, RECORDS);
    scope_recording_status(recording, &status);
    assert_true(status.complete && !status.writing && status.end == SCOPE_CRASHED);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

struct dying {
    const struct recorded_run *run;
    const char *path;
};

static void die_recording(void *argument) {
    const struct dying *dying = argument;
    struct scope_recorder *recorder = recorded_run_begin(dying->run, dying->path);
    for (size_t i = 0; i < RECORDS; i++) {
        (void)recorded_run_put(recorder, &dying->run->item[i]);
        if (i == RECORDS / 2) {
            (void)scope_recorder_flush(recorder);
        }
    }
    (void)raise(SIGKILL);
}

static void a_killed_recorder_leaves_what_it_wrote(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 5, RECORDS);
    struct dying dying = {&run, path_of("a.lsr")};
    (void)fixture_child(die_recording, &dying);
    struct scope_recording *recording = open_whole(dying.path);
    struct scope_recording_status status;
    unsigned damaged = 0;
    scope_recording_status(recording, &status);
    assert_true(!status.complete && !status.writing);
    assert_int_equal(status.cut_at, status.bytes);
    assert_true(compare(recording, &run, 0, &damaged) > RECORDS / 2);
    assert_int_equal(damaged, 0);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

/* ---- no room, no file ----------------------------------------------------------------------- */

static void a_full_disk_ends_the_writing_and_keeps_what_is_whole(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 6, RECORDS);
    const char *path = path_of("a.lsr");
    struct scope_recorder *recorder = recorded_run_begin(&run, path);
    struct scope_recorder_totals totals;
    struct scope_error_detail error = {0};
    struct rlimit before, small;
    scope_recorder_totals(recorder, &totals);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){totals.bytes + 20001, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = SCOPE_OK;
    size_t given = 0;
    for (; rc == SCOPE_OK && given < RECORDS; given++) {
        rc = recorded_run_put(recorder, &run.item[given]);
        rc = rc == SCOPE_OK && given % 3 == 0 ? scope_recorder_flush(recorder) : rc;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_true(rc == SCOPE_ERR_SYSTEM && given < RECORDS);
    assert_int_equal(recorded_run_put(recorder, &run.item[given]), rc);
    assert_non_null(strstr(scope_recorder_error(recorder)->text, "a.lsr: writing at offset "));
    assert_int_equal(scope_recorder_close(recorder, SCOPE_CLOSED, NULL, &error), rc);
    struct scope_recording *recording = open_whole(path);
    struct scope_recording_status status;
    unsigned damaged = 0;
    scope_recording_status(recording, &status);
    assert_true(!status.complete && status.cut_at == status.bytes);
    size_t kept = compare(recording, &run, 0, &damaged);
    assert_true(kept > 0 && kept < given && kept + 4 > given);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

static void a_file_that_cannot_be_written_is_refused(void **state) {
    (void)state;
    struct scope_recorder *recorder = NULL;
    struct scope_error_detail error = {0};
    assert_int_equal(scope_recorder_open("/nonexistent/x.lsr", &recorder, &error),
                     SCOPE_ERR_NOT_FOUND);
    assert_non_null(strstr(error.text, "/nonexistent/x.lsr"));
    assert_true(scope_recorder_open("/dev/null", &recorder, &error) == SCOPE_ERR_ARGUMENT);
    assert_true(scope_recorder_open(fixture_directory(), &recorder, &error) < 0);
    assert_null(recorder);
}

static void a_recording_that_never_began_changes_nothing(void **state) {
    (void)state;
    struct scope_recorder *recorder = NULL;
    struct scope_error_detail error = {0};
    char path[512];
    snprintf(path, sizeof(path), "%s", fixture_path("new.lsr"));
    assert_int_equal(scope_recorder_open(path, &recorder, &error), SCOPE_OK);
    assert_int_equal(scope_recorder_close(recorder, SCOPE_LIVE, NULL, &error), SCOPE_OK);
    assert_int_equal(access(path, F_OK), -1);
    struct recorded_run run = recorded_run_make(seed + 12, 20);
    recorded_run_write(&run, path, 20);
    assert_int_equal(scope_recorder_open(path, &recorder, &error), SCOPE_OK);
    assert_int_equal(scope_recorder_close(recorder, SCOPE_LIVE, NULL, &error), SCOPE_OK);
    struct scope_recording *recording = open_whole(path);
    unsigned damaged = 0;
    assert_int_equal(compare(recording, &run, 0, &damaged), 20);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

static void a_file_that_is_no_recording_is_not_written_over(void **state) {
    (void)state;
    struct scope_recorder *recorder = NULL;
    struct scope_error_detail error = {0};
    const char *path = path_of("precious.csv");
    file_write(path, (const uint8_t *)"ts_ms,ops_put\n", 14);
    assert_int_equal(scope_recorder_open(path, &recorder, &error), SCOPE_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "no recording; it is left as it is"));
    size_t size = 0;
    uint8_t *bytes = file_read(path, &size);
    assert_int_equal(size, 14);
    assert_memory_equal(bytes, "ts_ms,ops_put\n", 14);
    free(bytes);
}

/* ---- cut and damaged ------------------------------------------------------------------------ */

/* Where chunks of records begin, and where the last one ends. */
static size_t boundaries(const uint8_t *bytes, size_t size, uint64_t at[], size_t most) {
    uint64_t offset = RECORDING_HEAD_BYTES;
    size_t count = 0;
    struct recording_chunk chunk;
    while (offset + RECORDING_CHUNK_BYTES <= size &&
           recording_chunk_decode(bytes + offset, offset, &chunk)) {
        if (chunk.kind != RECORDING_INFO) {
            assert_true(count < most);
            at[count++] = offset;
        }
        offset += RECORDING_CHUNK_BYTES + recording_padded(chunk.size);
    }
    return count;
}

static void a_recording_cut_anywhere_gives_its_whole_chunks(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 7, RECORDS);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, PER_CHUNK);
    size_t size = 0;
    uint8_t *bytes = file_read(path, &size);
    uint64_t at[32];
    size_t chunks = boundaries(bytes, size, at, 32) - 1; /* the last one is the index */
    assert_int_equal(chunks, (RECORDS + PER_CHUNK - 1) / PER_CHUNK);
    for (size_t i = 0; i <= chunks; i++) {
        for (int off = -1; off <= 1; off++) {
            unsigned damaged = 0;
            file_write(path, bytes, (size_t)((int64_t)at[i] + off));
            if (i == 0 && off < 0) {
                struct scope_recording *none = NULL;
                struct scope_error_detail error = {0};
                assert_int_equal(scope_recording_open(path, &none, &error),
                                 SCOPE_ERR_NOT_A_SEGMENT);
                assert_non_null(strstr(error.text, "a.lsr: at offset 24"));
                continue;
            }
            struct scope_recording *recording = open_whole(path);
            struct scope_recording_status status;
            size_t whole = off < 0 ? i - 1 : i;
            size_t expected = whole * PER_CHUNK < RECORDS ? whole * PER_CHUNK : RECORDS;
            scope_recording_status(recording, &status);
            assert_true(!status.complete && status.cut_at == at[whole]);
            assert_int_equal(compare(recording, &run, 0, &damaged), expected);
            assert_int_equal(damaged, 0);
            scope_recording_close(recording);
        }
    }
    file_write(path, bytes, size - 1); /* the tail */
    struct scope_recording *recording = open_whole(path);
    unsigned damaged = 0;
    assert_int_equal(compare(recording, &run, 0, &damaged), RECORDS);
    scope_recording_close(recording);
    free(bytes);
    recorded_run_free(&run);
}

/* Any one bit: an error that names the place, or a chunk less, or the lost index; never a record
 * that was not recorded. */
static void no_flipped_bit_goes_unseen(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 8, 60);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, 7);
    size_t size = 0;
    uint8_t *bytes = file_read(path, &size);
    uint64_t random = seed;
    unsigned refused = 0, partial = 0, unindexed = 0;
    for (unsigned i = 0; i < 600; i++) {
        size_t place = fixture_random(&random) % size;
        place = i % 4 == 0 ? place % 4096 : i % 4 == 1 ? size - 1 - place % 160 : place;
        uint8_t bit = (uint8_t)(1u << (fixture_random(&random) % 8));
        bytes[place] ^= bit;
        file_write(path, bytes, size);
        bytes[place] ^= bit;
        struct scope_recording *recording = NULL;
        struct scope_error_detail error = {0};
        struct scope_recording_status status;
        unsigned damaged = 0;
        int rc = scope_recording_open(path, &recording, &error);
        if (rc != SCOPE_OK) {
            assert_true(rc == SCOPE_ERR_NOT_A_SEGMENT && strstr(error.text, "a.lsr") != NULL);
            refused++;
            continue;
        }
        size_t found = compare(recording, &run, 0, &damaged);
        scope_recording_status(recording, &status);
        assert_int_equal(status.damaged, damaged);
        assert_true(!status.complete || damaged == 1);
        assert_true(damaged == 0 ? found == run.count : found < run.count);
        partial += damaged;
        unindexed += !status.complete;
        scope_recording_close(recording);
    }
    assert_true(refused > 0 && partial > 0 && unindexed > 0);
    free(bytes);
    recorded_run_free(&run);
}

/* Without the index, too, a damaged chunk costs itself alone. */
static void a_scan_goes_on_behind_damage(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 9, RECORDS);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, PER_CHUNK);
    size_t size = 0;
    uint8_t *bytes = file_read(path, &size);
    uint64_t at[32];
    size_t chunks = boundaries(bytes, size, at, 32) - 1;
    for (unsigned in_head = 0; in_head < 2; in_head++) {
        uint64_t place = at[3] + (in_head ? 5 : RECORDING_CHUNK_BYTES + 9);
        unsigned damaged = 0;
        bytes[place] ^= 0x10;
        file_write(path, bytes, at[chunks]);
        bytes[place] ^= 0x10;
        struct scope_recording *recording = open_whole(path);
        struct scope_recording_status status;
        char words[64];
        snprintf(words, sizeof(words), "at offset %llu: ", (unsigned long long)at[3]);
        assert_int_equal(compare(recording, &run, 0, &damaged), RECORDS - PER_CHUNK);
        assert_int_equal(damaged, 1);
        scope_recording_status(recording, &status);
        assert_non_null(strstr(status.problem, words));
        scope_recording_close(recording);
    }
    free(bytes);
    recorded_run_free(&run);
}

static void what_is_no_recording_is_refused(void **state) {
    (void)state;
    struct scope_recording *recording = NULL;
    struct scope_error_detail error = {0};
    const char *path = path_of("a.lsr");
    file_write(path, NULL, 0);
    assert_int_equal(scope_recording_open(path, &recording, &error), SCOPE_ERR_NOT_A_SEGMENT);
    assert_non_null(strstr(error.text, "a.lsr: the file is empty"));
    file_write(path, (const uint8_t *)"ts_ms,ops_put\n1,2\n3,4\n5,6\n7,8\n", 31);
    assert_int_equal(scope_recording_open(path, &recording, &error), SCOPE_ERR_NOT_A_SEGMENT);
    assert_non_null(strstr(error.text, "a.lsr: 31 bytes are no recording: was it copied whole?"));
    assert_int_equal(scope_recording_open("/nonexistent", &recording, &error), SCOPE_ERR_NOT_FOUND);
    assert_int_equal(scope_recording_open("/dev", &recording, &error), SCOPE_ERR_NOT_A_SEGMENT);
    uint8_t head[RECORDING_HEAD_BYTES];
    recording_head_encode(head);
    head[8] = 9;
    recording_store64(head + RECORDING_HEAD_SUM_AT, recording_sum(head, RECORDING_HEAD_SUM_AT));
    file_write(path, head, sizeof(head));
    assert_int_equal(scope_recording_open(path, &recording, &error), SCOPE_ERR_VERSION);
    assert_non_null(strstr(error.text, "version 9.0, and this program reads 1"));
    recording_head_encode(head);
    file_write(path, head, sizeof(head));
    assert_int_equal(scope_recording_open(path, &recording, &error), SCOPE_ERR_NOT_A_SEGMENT);
    assert_non_null(strstr(error.text, "offset 24: cut off within the run's description"));
    assert_null(recording);
}

/* Zeros without end behind the last chunk, as some file systems leave after a crash. */
static void zeros_behind_the_end_are_no_records(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 10, 50);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, 7);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size + (64 << 20)), 0);
    struct scope_recording *recording = open_whole(path);
    unsigned damaged = 0;
    assert_int_equal(compare(recording, &run, 0, &damaged), 50);
    scope_recording_close(recording);
    recorded_run_free(&run);
}

static void mutated_recordings_are_survived(void **state) {
    (void)state;
    struct recorded_run run = recorded_run_make(seed + 11, 120);
    const char *path = path_of("a.lsr");
    recorded_run_write(&run, path, 11);
    size_t size = 0;
    uint8_t *bytes = file_read(path, &size);
    fuzz_recording_mutations(bytes, size, seed, 3000);
    free(bytes);
    recorded_run_free(&run);
}

int main(void) {
    seed = fixture_seed("recording_test");
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_recorded_is_read),
        TEST(seeking_finds_the_first_record_from_there),
        TEST(late_records_come_in_their_place),
        TEST(the_largest_records_fit),
        TEST(a_recording_is_read_while_it_is_written),
        TEST(a_killed_recorder_leaves_what_it_wrote),
        TEST(a_full_disk_ends_the_writing_and_keeps_what_is_whole),
        TEST(a_file_that_cannot_be_written_is_refused),
        TEST(a_recording_that_never_began_changes_nothing),
        TEST(a_file_that_is_no_recording_is_not_written_over),
        TEST(a_recording_cut_anywhere_gives_its_whole_chunks),
        TEST(no_flipped_bit_goes_unseen),
        TEST(a_scan_goes_on_behind_damage),
        TEST(what_is_no_recording_is_refused),
        TEST(zeros_behind_the_end_are_no_records),
        TEST(mutated_recordings_are_survived),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
