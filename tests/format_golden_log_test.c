/* The bytes on disk of log and manifest, as they were when the format was frozen. A change of these
 * bytes is a new version of the format, and the old ones must still be read. */
#include "io_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "manifest_format.h"
#include "sim_io.h"
#include "wal.h"
#include "wal_format.h"

/* ---- golden bytes ---- */

/* Segment 12, the first of its process, created at 1700000001: header; the mark at 512 of a sync
 * that covered the first frame; and at 4096 put apple = red and delete pear as sequences
 * 0x0102030405 and the next, an empty put with the mark of its own sync behind it, the seal. */
static const char golden_wal_header[] =
    "4c534d57414c4f4702000000000000000c000000000000000c00000000000000"
    "000000000000000001f153650000000000400000000000000404030201000000"
    "25e9eabfa940bba1";
static const char golden_wal_mark[] =
    "0765abeb77a11f3a0c0000000000000020100000000000000c00000000000000";
static const char golden_wal_frames[] =
    "576d5056e70385888c901081e2cfaa06020b036170706c657265640870656172"
    "fd4db1cb6803006b80d0edb6b71d45e70c000000000000004810000000000000"
    "0c00000000000000c8ba233d10000000";
/* Segment 13, which follows it. */
static const char golden_wal_next_header[] =
    "4c534d57414c4f4702000000000000000d000000000000000c00000000000000"
    "0c0000000000000001f153650000000000400000000000000404030201000000"
    "44fb48a64e95126b";
/* Manifest 7: a snapshot with one table, then an edit with one of everything. */
static const char golden_manifest[] =
    "4c534d4544495453010000000000000007000000000000006d39fc770866f36c"
    "1fd5ee017fb7b5963a000000454449540106f4d395ffbc31040114050585888c"
    "901006010707230009f0a204ac02140185888c9010fbd095ffbc31c02580ac02"
    "056170706c65037a6f6f0000000000005f940b70da4366d35200000045444954"
    "0106f5d395ffbc3102010303010c040115050586888c90100802000909030102"
    "0a0723010af0a204ac02140185888c9010fbd095ffbc31c02580ac0205617070"
    "6c65037a6f6f0a0a85888c901080e2cfaa06000000000000";
static const char golden_current[] = "lsmscope 1 MANIFEST-000007 02fd8f3062427cf7\n";

enum { GOLDEN_ROOM = 16384 };

static size_t unhex(const char *hex, uint8_t *bytes) {
    size_t size = strlen(hex) / 2;
    assert_true(size <= GOLDEN_ROOM);
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (uint8_t)byte;
    }
    return size;
}

/* Prints what is there when it differs, so that an intended change can be looked at. */
static void check_bytes(const char *name, const uint8_t *bytes, size_t size, const char *golden) {
    static uint8_t expected[GOLDEN_ROOM];
    size_t expected_size = unhex(golden, expected);
    if (size == expected_size && memcmp(bytes, expected, size) == 0) {
        return;
    }
    printf("%s is now\n", name);
    for (size_t i = 0; i < size; i++) {
        printf("%02x%s", bytes[i], i % 32 == 31 || i + 1 == size ? "\n" : "");
    }
    fail_msg("%s: the bytes of the format have changed", name);
}

static size_t slurp(const struct io_fixture *f, const char *name, uint8_t bytes[GOLDEN_ROOM]) {
    struct lsm_file *file = open_with(f, name, LSM_FILE_READ);
    size_t size = (size_t)size_of(file);
    assert_true(size <= GOLDEN_ROOM);
    must(lsm_file_read(file, 0, bytes, size, &io_fault));
    lsm_file_close(file);
    return size;
}

static void spill(const struct io_fixture *f, const char *name, const uint8_t *bytes, size_t size) {
    struct lsm_file *file = create(f, name);
    must(lsm_file_write(file, 0, bytes, size, &io_fault));
    lsm_file_close(file);
}

/* ---- the log ---- */

enum { FRAMES = 2, GOLDEN_TIME_S = 1700000001 };
#define FIRST_SEQ UINT64_C(0x0102030405)

/* Begins a frame, and returns where its payload goes. */
static uint8_t *begin_group(struct lsm_wal *wal, uint64_t bytes, uint64_t seq, uint32_t count,
                            bool synced) {
    const struct lsm_wal_group group = {.payload_bytes = bytes,
                                        .seq = seq,
                                        .unix_s = GOLDEN_TIME_S,
                                        .count = count,
                                        .synced = synced};
    return lsm_wal_begin(wal, &group);
}

static void the_log_writes_its_golden_bytes(void **state) {
    const struct io_fixture *f = *state;
    static uint8_t bytes[GOLDEN_ROOM];
    const struct lsm_wal_start start = {
        .number = 12, .segment_bytes = GOLDEN_ROOM, .after = FIRST_SEQ - 1};
    struct lsm_wal *wal = NULL;
    must(lsm_wal_create(f->io, f->directory, &start, &wal, &io_fault));
    uint64_t size = lsm_op_bytes(5, 3, LSM_TYPE_PUT) + lsm_op_bytes(4, 0, LSM_TYPE_DELETE);
    uint8_t *p = begin_group(wal, size, FIRST_SEQ, 2, false);
    p = lsm_op_encode(p, LSM_TYPE_PUT, (const uint8_t *)"apple", 5, (const uint8_t *)"red", 3);
    (void)lsm_op_encode(p, LSM_TYPE_DELETE, (const uint8_t *)"pear", 4, NULL, 0);
    lsm_wal_commit(wal);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    p = begin_group(wal, lsm_op_bytes(1, 0, LSM_TYPE_PUT), FIRST_SEQ + 2, 1, true);
    (void)lsm_op_encode(p, LSM_TYPE_PUT, (const uint8_t *)"k", 1, NULL, 0);
    lsm_wal_commit(wal);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    size_t frames = (size_t)lsm_wal_position(wal) - LSM_WAL_PAGE_BYTES + LSM_FRAME_SEAL_BYTES;
    must(lsm_wal_rotate(wal, 13, 0, &io_fault));
    lsm_wal_close(wal);
    assert_int_equal(slurp(f, "000012.wal", bytes), GOLDEN_ROOM);
    check_bytes("wal_header", bytes, LSM_WAL_HEADER_BYTES, golden_wal_header);
    check_bytes("wal_mark", bytes + LSM_WAL_MARK_STEP, LSM_MARK_BYTES, golden_wal_mark);
    check_bytes("wal_frames", bytes + LSM_WAL_PAGE_BYTES, frames, golden_wal_frames);
    /* Closed: nothing but the page and the seal is left. */
    assert_int_equal(slurp(f, "000013.wal", bytes), LSM_WAL_PAGE_BYTES + LSM_FRAME_SEAL_BYTES);
    check_bytes("wal_next_header", bytes, LSM_WAL_HEADER_BYTES, golden_wal_next_header);
}

static int check_frame(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload,
                       uint64_t size, uint32_t count, struct lsm_pin *pin,
                       struct lsm_fault *fault) {
    unsigned *frame = context;
    const uint8_t *end = payload + size;
    struct lsm_entry entry;
    (void)fault, (void)pin;
    assert_int_equal(unix_s, GOLDEN_TIME_S);
    if ((*frame)++ == 0) {
        assert_int_equal(seq, FIRST_SEQ);
        assert_int_equal(count, 2);
        payload = lsm_op_decode(payload, end, &entry);
        assert_non_null(payload);
        assert_int_equal(entry.type, LSM_TYPE_PUT);
        assert_int_equal(entry.value_size, 3);
        assert_memory_equal(entry.key, "apple", 5);
        assert_memory_equal(entry.value, "red", 3);
        payload = lsm_op_decode(payload, end, &entry);
        assert_int_equal(entry.type, LSM_TYPE_DELETE);
        assert_memory_equal(entry.key, "pear", 4);
    } else {
        assert_int_equal(seq, FIRST_SEQ + 2);
        assert_int_equal(count, 1);
        payload = lsm_op_decode(payload, end, &entry);
        assert_int_equal(entry.key_size, 1);
        assert_int_equal(entry.value_size, 0);
    }
    assert_ptr_equal(payload, end);
    return 0;
}

static void golden_log_bytes_are_read(void **state) {
    const struct io_fixture *f = *state;
    static uint8_t bytes[GOLDEN_ROOM];
    const uint64_t numbers[] = {12, 13};
    struct lsm_wal_recovered recovered;
    unsigned frames = 0;
    unhex(golden_wal_header, bytes);
    unhex(golden_wal_mark, bytes + LSM_WAL_MARK_STEP);
    size_t size = LSM_WAL_PAGE_BYTES + unhex(golden_wal_frames, bytes + LSM_WAL_PAGE_BYTES);
    spill(f, "000012.wal", bytes, size);
    memset(bytes, 0, sizeof bytes);
    unhex(golden_wal_next_header, bytes);
    spill(f, "000013.wal", bytes, LSM_WAL_PAGE_BYTES);
    must(lsm_wal_replay(f->io, f->directory, numbers, 2, 12, FIRST_SEQ - 1, check_frame, &frames,
                        &recovered, &io_fault));
    lsm_wal_old_free(recovered.old);
    assert_int_equal(frames, FRAMES);
    assert_int_equal(recovered.operations, 3);
    assert_int_equal(recovered.last_seq, FIRST_SEQ + 2);
    assert_int_equal(recovered.cut_bytes, 0);
}

/* ---- the manifest ---- */

static uint8_t *key_copy(const char *key) {
    uint8_t *copy = malloc(strlen(key));
    assert_non_null(copy);
    memcpy(copy, key, strlen(key));
    return copy;
}

static struct lsm_table_meta *golden_meta(uint64_t id) {
    struct lsm_table_meta *meta = lsm_table_meta_create();
    assert_non_null(meta);
    meta->id = id;
    meta->bytes = 70000;
    meta->entries = 300;
    meta->tombstones = 20;
    meta->seq_min = 1;
    meta->seq_max = FIRST_SEQ;
    meta->created_unix_ms = UINT64_C(1700000000123);
    meta->key_bytes = 4800;
    meta->value_bytes = 38400;
    meta->first_key = key_copy("apple");
    meta->first_key_size = 5;
    meta->last_key = key_copy("zoo");
    meta->last_key_size = 3;
    return meta;
}

static void golden_edit(struct lsm_edit *edit, unsigned which) {
    lsm_edit_init(edit);
    edit->unix_ms = UINT64_C(1700000000500) + which;
    edit->next_file = 20 + which;
    edit->last_seq = FIRST_SEQ + which;
    must(lsm_edit_add(edit, which, golden_meta(9 + which)));
    if (which == 0) {
        edit->max_levels = 7;
    } else {
        edit->job = 3;
        edit->log_number = 12;
        must(lsm_edit_remove(edit, 0, 9));
        must(lsm_edit_move(edit, 1, 2, 10));
        must(lsm_edit_time(edit, FIRST_SEQ, 1700000000));
    }
}

static void the_manifest_writes_its_golden_bytes(void **state) {
    const struct io_fixture *f = *state;
    static uint8_t bytes[GOLDEN_ROOM];
    struct lsm_manifest *manifest = NULL;
    struct lsm_edit edit;
    golden_edit(&edit, 0);
    must(lsm_manifest_create(f->io, f->directory, 7, &edit, &manifest, &io_fault));
    lsm_edit_free(&edit, true);
    golden_edit(&edit, 1);
    must(lsm_manifest_append(manifest, &edit, &io_fault));
    lsm_edit_free(&edit, true);
    lsm_manifest_close(manifest);
    size_t size = slurp(f, "MANIFEST-000007", bytes);
    check_bytes("manifest", bytes, size, golden_manifest);
    size = slurp(f, "CURRENT", bytes);
    bytes[size] = '\0';
    assert_string_equal((const char *)bytes, golden_current);
}

static int check_golden_edit(void *context, struct lsm_edit *edit, struct lsm_fault *fault) {
    unsigned *which = context;
    struct lsm_edit expected;
    (void)fault;
    assert_true(*which < 2);
    golden_edit(&expected, *which);
    assert_int_equal(edit->unix_ms, expected.unix_ms);
    assert_int_equal(edit->job, expected.job);
    assert_int_equal(edit->log_number, expected.log_number);
    assert_int_equal(edit->next_file, expected.next_file);
    assert_int_equal(edit->last_seq, expected.last_seq);
    assert_int_equal(edit->max_levels, expected.max_levels);
    assert_int_equal(edit->added_count, 1);
    assert_int_equal(edit->added[0].level, *which);
    struct lsm_table_meta *meta = edit->added[0].meta;
    assert_int_equal(meta->id, 9 + *which);
    assert_int_equal(meta->bytes, 70000);
    assert_int_equal(meta->entries, 300);
    assert_int_equal(meta->tombstones, 20);
    assert_int_equal(meta->seq_min, 1);
    assert_int_equal(meta->seq_max, FIRST_SEQ);
    assert_int_equal(meta->created_unix_ms, UINT64_C(1700000000123));
    assert_int_equal(meta->key_bytes, 4800);
    assert_int_equal(meta->value_bytes, 38400);
    assert_memory_equal(meta->first_key, "apple", 5);
    assert_memory_equal(meta->last_key, "zoo", 3);
    lsm_table_meta_free(meta);
    assert_int_equal(edit->removed_count, *which);
    assert_int_equal(edit->moved_count, *which);
    assert_int_equal(edit->times_count, *which);
    if (*which == 1) {
        assert_int_equal(edit->removed[0].id, 9);
        assert_int_equal(edit->moved[0].from, 1);
        assert_int_equal(edit->moved[0].to, 2);
        assert_int_equal(edit->times[0].seq, FIRST_SEQ);
        assert_int_equal(edit->times[0].unix_s, 1700000000);
    }
    lsm_edit_free(&expected, true);
    ++*which;
    return 0;
}

static void golden_manifest_bytes_are_read(void **state) {
    const struct io_fixture *f = *state;
    static uint8_t bytes[GOLDEN_ROOM];
    unsigned edits = 0;
    uint64_t number = 0;
    size_t size = unhex(golden_manifest, bytes);
    spill(f, "MANIFEST-000007", bytes, size);
    spill(f, "CURRENT", (const uint8_t *)golden_current, strlen(golden_current));
    must(lsm_manifest_current(f->io, f->directory, &number, &io_fault));
    assert_int_equal(number, 7);
    must(lsm_manifest_read(f->io, f->directory, 7, check_golden_edit, &edits, &io_fault));
    assert_int_equal(edits, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE_ON(the_log_writes_its_golden_bytes, sim),
        CASE_ON(golden_log_bytes_are_read, sim),
        CASE_ON(the_manifest_writes_its_golden_bytes, sim),
        CASE_ON(golden_manifest_bytes_are_read, sim),
    };
    return io_fixture_run("format_golden_log_test", tests, sizeof tests / sizeof tests[0]);
}
