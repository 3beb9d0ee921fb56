/* The manifest: edits come back as they were written, a torn last one is cut, damage is told. */
#include "io_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_manifest.c"

/* ---- edits ---- */

static uint8_t *copy_of(const char *text, uint32_t *size) {
    *size = (uint32_t)strlen(text);
    uint8_t *copy = malloc(*size + 1);
    assert_non_null(copy);
    memcpy(copy, text, *size);
    return copy;
}

static struct lsm_table_meta *meta_of(uint64_t id, const char *first, const char *last) {
    struct lsm_table_meta *meta = lsm_table_meta_create();
    assert_non_null(meta);
    meta->id = id;
    meta->bytes = id * 1000;
    meta->entries = id + 5;
    meta->tombstones = id;
    meta->seq_min = id * 10;
    meta->seq_max = LSM_SEQ_MAX - id;
    meta->created_unix_ms = UINT64_C(1700000000000) + id;
    meta->key_bytes = id << 40;
    meta->value_bytes = id << 50;
    meta->first_key = copy_of(first, &meta->first_key_size);
    meta->last_key = copy_of(last, &meta->last_key_size);
    return meta;
}

/* The edit number i: all kinds of fields turn by turn. */
static void make_edit(struct lsm_edit *edit, uint64_t i) {
    lsm_edit_init(edit);
    edit->unix_ms = UINT64_C(1700000000000) + i;
    edit->job = i;
    edit->log_number = i % 3 == 0 ? i : 0;
    edit->next_file = 2 * i;
    edit->last_seq = 1000 * i;
    edit->max_levels = i == 0 ? 7 : 0;
    for (uint64_t t = 0; t < i % 12; t++) {
        must(lsm_edit_add(edit, (uint32_t)(t % 8), meta_of(100 * i + t + 1, "first", "last")));
        must(lsm_edit_time(edit, 7 * t, UINT64_C(1700000000) + t));
        if (i > 0) {
            must(lsm_edit_remove(edit, (uint32_t)(t % 8), t + 1));
            must(lsm_edit_move(edit, (uint32_t)(t % 7), (uint32_t)(t % 7 + 1), 50 + t));
        }
    }
}

static void check_meta(const struct lsm_table_meta *a, const struct lsm_table_meta *b) {
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->bytes, b->bytes);
    assert_int_equal(a->entries, b->entries);
    assert_int_equal(a->tombstones, b->tombstones);
    assert_int_equal(a->seq_min, b->seq_min);
    assert_int_equal(a->seq_max, b->seq_max);
    assert_int_equal(a->created_unix_ms, b->created_unix_ms);
    assert_int_equal(a->key_bytes, b->key_bytes);
    assert_int_equal(a->value_bytes, b->value_bytes);
    assert_int_equal(a->first_key_size, b->first_key_size);
    assert_int_equal(a->last_key_size, b->last_key_size);
    assert_memory_equal(a->first_key, b->first_key, a->first_key_size);
    assert_memory_equal(a->last_key, b->last_key, a->last_key_size);
    assert_int_equal(a->refs, 1);
}

static void check_edit(const struct lsm_edit *a, const struct lsm_edit *b) {
    assert_int_equal(a->unix_ms, b->unix_ms);
    assert_int_equal(a->job, b->job);
    assert_int_equal(a->log_number, b->log_number);
    assert_int_equal(a->next_file, b->next_file);
    assert_int_equal(a->last_seq, b->last_seq);
    assert_int_equal(a->max_levels, b->max_levels);
    assert_int_equal(a->added_count, b->added_count);
    assert_int_equal(a->removed_count, b->removed_count);
    assert_int_equal(a->moved_count, b->moved_count);
    assert_int_equal(a->times_count, b->times_count);
    for (size_t i = 0; i < a->added_count; i++) {
        assert_int_equal(a->added[i].level, b->added[i].level);
        check_meta(a->added[i].meta, b->added[i].meta);
    }
    for (size_t i = 0; i < a->removed_count; i++) {
        assert_int_equal(a->removed[i].level, b->removed[i].level);
        assert_int_equal(a->removed[i].id, b->removed[i].id);
    }
    for (size_t i = 0; i < a->moved_count; i++) {
        assert_int_equal(a->moved[i].from, b->moved[i].from);
        assert_int_equal(a->moved[i].to, b->moved[i].to);
        assert_int_equal(a->moved[i].id, b->moved[i].id);
    }
    for (size_t i = 0; i < a->times_count; i++) {
        assert_int_equal(a->times[i].seq, b->times[i].seq);
        assert_int_equal(a->times[i].unix_s, b->times[i].unix_s);
    }
}

/* Each visited edit must be the next one; takes the metas over, as the tree would. */
static int expect_next(void *context, struct lsm_edit *edit, struct lsm_fault *fault) {
    uint64_t *next = context;
    struct lsm_edit expected;
    (void)fault;
    make_edit(&expected, (*next)++);
    check_edit(edit, &expected);
    lsm_edit_free(&expected, true);
    for (size_t i = 0; i < edit->added_count; i++) {
        lsm_table_meta_free(edit->added[i].meta);
    }
    return 0;
}

enum { NUMBER = FUZZ_NUMBER };

/* Manifest 7 with edits 0 to count - 1. */
static struct lsm_manifest *new_manifest(const struct io_fixture *f, uint64_t count) {
    struct lsm_manifest *manifest = NULL;
    struct lsm_edit edit;
    make_edit(&edit, 0);
    must(lsm_manifest_create(f->io, f->directory, NUMBER, &edit, &manifest, &io_fault));
    lsm_edit_free(&edit, true);
    for (uint64_t i = 1; i < count; i++) {
        make_edit(&edit, i);
        must(lsm_manifest_append(manifest, &edit, &io_fault));
        lsm_edit_free(&edit, true);
    }
    return manifest;
}

static int read_back(const struct io_fixture *f, uint64_t *edits) {
    *edits = 0;
    return lsm_manifest_read(f->io, f->directory, NUMBER, expect_next, edits, &io_fault);
}

static struct lsm_file *manifest_file(const struct io_fixture *f) {
    return open_with(f, "MANIFEST-000007", LSM_FILE_READ | LSM_FILE_WRITE);
}

/* ---- cases on every backend ---- */

static void edits_come_back_in_order_with_every_field(void **state) {
    const struct io_fixture *f = *state;
    uint64_t edits = 0, number = 0;
    struct lsm_manifest *manifest = new_manifest(f, 30);
    must(read_back(f, &edits));
    assert_int_equal(edits, 30);
    must(lsm_manifest_current(f->io, f->directory, &number, &io_fault));
    assert_int_equal(number, NUMBER);
    assert_int_equal(lsm_manifest_number(manifest), NUMBER);
    struct lsm_file *file = manifest_file(f);
    assert_int_equal(size_of(file), lsm_manifest_bytes(manifest));
    lsm_file_close(file);
    lsm_manifest_close(manifest);
}

static void a_directory_without_current_says_so(void **state) {
    const struct io_fixture *f = *state;
    uint64_t number = 0;
    assert_int_equal(lsm_manifest_current(f->io, f->directory, &number, &io_fault), LSM_NOT_FOUND);
}

static void a_newer_manifest_takes_over_current_past_a_dead_ones_leavings(void **state) {
    const struct io_fixture *f = *state;
    uint64_t number = 0;
    struct lsm_edit edit;
    struct lsm_manifest *newer = NULL;
    lsm_manifest_close(new_manifest(f, 2));
    lsm_file_close(create(f, "000009.tmp")); /* of a process that died before the rename */
    make_edit(&edit, 0);
    must(lsm_manifest_create(f->io, f->directory, 9, &edit, &newer, &io_fault));
    lsm_edit_free(&edit, true);
    lsm_manifest_close(newer);
    must(lsm_manifest_current(f->io, f->directory, &number, &io_fault));
    assert_int_equal(number, 9);
}

static void a_damaged_current_is_refused(void **state) {
    const struct io_fixture *f = *state;
    uint64_t number = 0;
    lsm_manifest_close(new_manifest(f, 1));
    struct lsm_file *file = open_with(f, "CURRENT", LSM_FILE_READ | LSM_FILE_WRITE);
    must(lsm_file_write(file, 15, "8", 1, &io_fault));
    lsm_file_close(file);
    assert_int_equal(lsm_manifest_current(f->io, f->directory, &number, &io_fault),
                     LSM_ERR_CORRUPT);
    assert_non_null(strstr(io_fault.text, "CURRENT"));
}

static void a_torn_last_edit_is_cut_off_wherever_it_is_torn(void **state) {
    const struct io_fixture *f = *state;
    uint64_t edits = 0;
    struct lsm_manifest *manifest = new_manifest(f, 5);
    uint64_t four = lsm_manifest_bytes(manifest);
    struct lsm_edit edit;
    make_edit(&edit, 5);
    must(lsm_manifest_append(manifest, &edit, &io_fault));
    lsm_edit_free(&edit, true);
    uint64_t five = lsm_manifest_bytes(manifest);
    lsm_manifest_close(manifest);
    struct lsm_file *file = manifest_file(f);
    for (uint64_t size = five - LSM_EDIT_ALIGN; size >= four; size -= size > four + 64 ? 37 : 1) {
        must(lsm_file_truncate(file, size, &io_fault));
        must(read_back(f, &edits));
        assert_int_equal(edits, 5);
    }
    must(lsm_file_truncate(file, five, &io_fault)); /* a size without its bytes */
    must(read_back(f, &edits));
    assert_int_equal(edits, 5);
    lsm_file_close(file);
}

static void damage_before_an_intact_edit_is_told_with_its_place(void **state) {
    const struct io_fixture *f = *state;
    uint64_t edits = 0;
    char place[64];
    struct lsm_manifest *manifest = new_manifest(f, 3);
    uint64_t at = lsm_manifest_bytes(manifest);
    for (uint64_t i = 3; i < 6; i++) {
        struct lsm_edit edit;
        make_edit(&edit, i);
        must(lsm_manifest_append(manifest, &edit, &io_fault));
        lsm_edit_free(&edit, true);
    }
    lsm_manifest_close(manifest);
    struct lsm_file *file = manifest_file(f);
    snprintf(place, sizeof place, "MANIFEST-000007: offset %" PRIu64, at);
    for (uint64_t i = 0; i < 24; i++) { /* frame head and payload */
        uint8_t byte, changed;
        must(lsm_file_read(file, at + i, &byte, 1, &io_fault));
        changed = byte ^ 0x81;
        must(lsm_file_write(file, at + i, &changed, 1, &io_fault));
        assert_int_equal(read_back(f, &edits), LSM_ERR_CORRUPT);
        assert_int_equal(edits, 3);
        assert_non_null(strstr(io_fault.text, place));
        must(lsm_file_write(file, at + i, &byte, 1, &io_fault));
    }
    must(read_back(f, &edits));
    assert_int_equal(edits, 6);
    for (uint64_t i = 0; i < LSM_MANIFEST_HEADER_BYTES; i++) {
        uint8_t byte, changed;
        must(lsm_file_read(file, i, &byte, 1, &io_fault));
        changed = byte ^ 1;
        must(lsm_file_write(file, i, &changed, 1, &io_fault));
        assert_int_equal(read_back(f, &edits), LSM_ERR_CORRUPT);
        must(lsm_file_write(file, i, &byte, 1, &io_fault));
    }
    lsm_file_close(file);
}

static void a_manifest_without_its_first_edit_is_damage(void **state) {
    const struct io_fixture *f = *state;
    uint64_t edits = 0;
    lsm_manifest_close(new_manifest(f, 1));
    struct lsm_file *file = manifest_file(f);
    must(lsm_file_truncate(file, LSM_MANIFEST_HEADER_BYTES, &io_fault));
    assert_int_equal(read_back(f, &edits), LSM_ERR_CORRUPT);
    must(lsm_file_truncate(file, 3, &io_fault));
    assert_int_equal(read_back(f, &edits), LSM_ERR_CORRUPT);
    lsm_file_close(file);
}

/* ---- on the simulated disk ---- */

static void a_failed_append_is_final(void **state) {
    const struct io_fixture *f = *state;
    uint64_t edits = 0;
    struct lsm_edit edit;
    struct lsm_manifest *manifest = new_manifest(f, 2);
    make_edit(&edit, 2);
    sim_fail_at(f->io, sim_operations(f->io) + 2, 5); /* the sync */
    assert_int_equal(lsm_manifest_append(manifest, &edit, &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_manifest_append(manifest, &edit, &io_fault), LSM_ERR_READ_ONLY);
    assert_non_null(strstr(io_fault.text, "MANIFEST-000007"));
    lsm_edit_free(&edit, true);
    must(read_back(f, &edits));
    assert_true(edits >= 2);
    lsm_manifest_close(manifest);
}

/* Creates manifest 7, appends, creates manifest 9 of one edit; false when the power never went. */
static bool cut_once(uint64_t seed, uint64_t cut_at) {
    struct io_fixture f = {.kind = IO_KIND_SIM, .io = sim_create(seed), .directory = "/db"};
    struct lsm_manifest *first = NULL, *second = NULL;
    struct lsm_edit edit;
    uint64_t acknowledged = 0, attempted = 0, number = 0, edits = 0;
    must(lsm_io_mkdir(f.io, f.directory, &io_fault));
    must(lsm_io_sync_dir(f.io, "/", &io_fault));
    sim_cut_at(f.io, sim_operations(f.io) + cut_at);
    make_edit(&edit, 0);
    int rc = lsm_manifest_create(f.io, f.directory, NUMBER, &edit, &first, &io_fault);
    lsm_edit_free(&edit, true);
    acknowledged = rc == 0;
    for (uint64_t i = 1; rc == 0 && i < 6; i++) {
        make_edit(&edit, i);
        attempted = i + 1;
        rc = lsm_manifest_append(first, &edit, &io_fault);
        lsm_edit_free(&edit, true);
        acknowledged += rc == 0;
    }
    make_edit(&edit, 0);
    bool second_done =
        rc == 0 && lsm_manifest_create(f.io, f.directory, 9, &edit, &second, &io_fault) == 0;
    lsm_edit_free(&edit, true);
    bool died = sim_is_dead(f.io);
    if (!died) {
        sim_power_cut(f.io);
    }
    struct lsm_io *before = f.io;
    f.io = sim_restart(before);
    lsm_manifest_close(first);
    lsm_manifest_close(second);
    lsm_io_destroy(before);
    rc = lsm_manifest_current(f.io, f.directory, &number, &io_fault);
    if (rc == LSM_NOT_FOUND) {
        assert_int_equal(acknowledged, 0);
    } else {
        must(rc);
        assert_true(number == 9 ? acknowledged == 6 : number == NUMBER && !second_done);
        must(lsm_manifest_read(f.io, f.directory, number, expect_next, &edits, &io_fault));
        assert_true(number == 9 ? edits == 1 : edits >= acknowledged);
        assert_true(edits <= (attempted > 0 ? attempted : 1));
    }
    lsm_io_destroy(f.io);
    return died;
}

static void after_a_power_cut_anywhere_every_acknowledged_edit_is_there(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 6; round++) {
        uint64_t at = 1;
        while (cut_once(io_seed + at * 17 + round, at)) {
            at++;
        }
        assert_true(at > 15);
    }
}

/* ---- names, hostile bytes ---- */

static void names_are_told_apart_from_those_that_only_resemble_them(void **state) {
    (void)state;
    static const uint64_t numbers[] = {0, 1, 999999, 1000000, UINT64_MAX};
    static const enum lsm_file_kind kinds[] = {LSM_NAME_WAL,  LSM_NAME_TABLE,   LSM_NAME_MANIFEST,
                                               LSM_NAME_TEMP, LSM_NAME_CURRENT, LSM_NAME_LOCK};
    static const char *const others[] = {"",
                                         "1.wal",
                                         "0000001.wal",
                                         "000001.wa",
                                         "000001.wall",
                                         "000001",
                                         "000001.WAL",
                                         "00001x.wal",
                                         "18446744073709551616.wal",
                                         "MANIFEST-1",
                                         "MANIFEST-",
                                         "MANIFEST-000001.tmp",
                                         "xMANIFEST-000001",
                                         "CURRENT.1",
                                         "LOCKED",
                                         "+00001.wal",
                                         " 000001.sst",
                                         "lost+found"};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            char path[LSM_PATH_MAX];
            uint64_t number = 0;
            bool numbered = kinds[k] != LSM_NAME_CURRENT && kinds[k] != LSM_NAME_LOCK;
            lsm_file_name(path, "/some/where", kinds[k], numbers[i]);
            assert_int_equal(lsm_file_kind_of(strrchr(path, '/') + 1, &number), kinds[k]);
            assert_int_equal(number, numbered ? numbers[i] : 0);
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        uint64_t number = 42;
        assert_int_equal(lsm_file_kind_of(others[i], &number), LSM_NAME_OTHER);
        assert_int_equal(number, 42);
    }
}

static void hostile_bytes_end_in_an_answer(void **state) {
    const struct io_fixture *f = *state;
    lsm_manifest_close(new_manifest(f, 12));
    struct lsm_file *file = manifest_file(f);
    size_t size = (size_t)size_of(file);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    must(lsm_file_read(file, 0, bytes, size, &io_fault));
    lsm_file_close(file);
    /* The edit that holds everything comes first in what the mutations look at. */
    fuzz_manifest_mutations(bytes, size, io_seed, 3000);
    free(bytes);
}

static void hostile_edits_in_intact_frames_are_refused(void **state) {
    (void)state;
    struct io_fixture f = {.kind = IO_KIND_SIM, .io = sim_create(io_seed), .directory = "/"};
    struct lsm_manifest *manifest = NULL;
    struct lsm_edit edit;
    lsm_edit_init(&edit);
    must(lsm_edit_add(&edit, 3, meta_of(4, "aaaa", "zzzz")));
    must(lsm_edit_time(&edit, 5, 6));
    edit.last_seq = 77;
    edit.max_levels = 8;
    must(lsm_manifest_create(f.io, f.directory, NUMBER, &edit, &manifest, &io_fault));
    lsm_edit_free(&edit, true);
    uint8_t bytes[1024];
    struct lsm_file *file = open_with(&f, "MANIFEST-000007", LSM_FILE_READ);
    size_t size = (size_t)size_of(file);
    assert_true(size <= sizeof bytes);
    must(lsm_file_read(file, 0, bytes, size, &io_fault));
    lsm_file_close(file);
    lsm_manifest_close(manifest);
    lsm_io_destroy(f.io);
    fuzz_manifest_mutations(bytes, size, io_seed + 1, 6000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASES_ON_ALL(edits_come_back_in_order_with_every_field),
        CASES_ON_ALL(a_directory_without_current_says_so),
        CASES_ON_ALL(a_newer_manifest_takes_over_current_past_a_dead_ones_leavings),
        CASES_ON_ALL(a_damaged_current_is_refused),
        CASES_ON_ALL(a_torn_last_edit_is_cut_off_wherever_it_is_torn),
        CASES_ON_ALL(damage_before_an_intact_edit_is_told_with_its_place),
        CASES_ON_ALL(a_manifest_without_its_first_edit_is_damage),
        CASE_ON(a_failed_append_is_final, sim),
        CASE_ON(hostile_bytes_end_in_an_answer, sim),
        cmocka_unit_test(after_a_power_cut_anywhere_every_acknowledged_edit_is_there),
        cmocka_unit_test(hostile_edits_in_intact_frames_are_refused),
        cmocka_unit_test(names_are_told_apart_from_those_that_only_resemble_them),
    };
    return io_fixture_run("manifest_test", tests, sizeof tests / sizeof tests[0]);
}
