#include "wal_kit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lsm_wal *kit_wal(const struct io_fixture *f, const struct lsm_wal_start *start) {
    struct lsm_wal *wal = NULL;
    must(lsm_wal_create(f->io, f->directory, start, &wal, &io_fault));
    return wal;
}

struct lsm_wal *new_wal(const struct io_fixture *f, uint64_t number, uint64_t bytes) {
    const struct lsm_wal_start start = {.number = number, .segment_bytes = bytes};
    return kit_wal(f, &start);
}

static uint64_t payload_size(uint64_t seq) {
    return seq % 97;
}
static uint8_t payload_byte(uint64_t seq, uint64_t i) {
    return (uint8_t)(seq * 31 + i);
}

static uint64_t append_frame(struct lsm_wal *wal, uint64_t seq, uint64_t size, uint64_t *next,
                             bool synced) {
    if (!lsm_wal_fits(wal, size)) {
        must(lsm_wal_rotate(wal, (*next)++, size, &io_fault));
    }
    const struct lsm_wal_group group = {.payload_bytes = size,
                                        .seq = seq,
                                        .unix_s = KIT_TIME_S + seq / 100,
                                        .count = 1,
                                        .synced = synced};
    uint64_t before = lsm_wal_position(wal);
    uint8_t *p = lsm_wal_begin(wal, &group);
    for (uint64_t i = 0; i < size; i++) {
        p[i] = payload_byte(seq, i);
    }
    lsm_wal_commit(wal);
    return before;
}

uint64_t append_sized(struct lsm_wal *wal, uint64_t seq, uint64_t size, uint64_t *next) {
    return append_frame(wal, seq, size, next, false);
}

uint64_t append(struct lsm_wal *wal, uint64_t seq, uint64_t *next) {
    return append_frame(wal, seq, payload_size(seq), next, false);
}

uint64_t append_and_sync_one(struct lsm_wal *wal, uint64_t seq, uint64_t size, uint64_t *next) {
    uint64_t at = append_frame(wal, seq, size, next, true);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    return at;
}

int see(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload, uint64_t size,
        uint32_t count, struct lsm_pin *pin, struct lsm_fault *fault) {
    struct seen *seen = context;
    (void)pin;
    assert_int_equal(unix_s, KIT_TIME_S + seq / 100);
    assert_int_equal(count, 1);
    assert_int_equal(seq, seen->next);
    for (uint64_t i = 0; i < size; i++) {
        assert_int_equal(payload[i], payload_byte(seq, i));
    }
    seen->next++;
    return seq == seen->stop_at ? lsm_fail(fault, LSM_ERR_BUSY, "enough") : 0;
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void add_file(void *context, const char *name) {
    struct files *files = context;
    uint64_t number = 0;
    if (lsm_file_kind_of(name, &number) == LSM_NAME_WAL) {
        assert_true(files->count < KIT_FILES_MAX);
        files->number[files->count++] = number;
    }
}

struct files list(const struct io_fixture *f) {
    struct files files = {.count = 0};
    must(lsm_io_list(f->io, f->directory, add_file, &files, &io_fault));
    qsort(files.number, files.count, sizeof files.number[0], compare_numbers);
    return files;
}

int replay(const struct io_fixture *f, uint64_t from, struct seen *seen,
           struct lsm_wal_recovered *recovered) {
    struct files files = list(f);
    int rc = lsm_wal_replay(f->io, f->directory, files.number, files.count, from, 0, see, seen,
                            recovered, &io_fault);
    lsm_wal_old_free(recovered->old);
    recovered->old = NULL;
    return rc;
}

uint64_t count_of(const struct io_fixture *f, uint64_t *cut) {
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    must(replay(f, 0, &seen, &recovered));
    assert_int_equal(recovered.frames, seen.next - 1);
    assert_int_equal(recovered.operations, seen.next - 1);
    assert_int_equal(recovered.last_seq, seen.next - 1);
    if (cut != NULL) {
        *cut = recovered.cut_bytes;
    }
    return recovered.frames;
}

void must_be_damaged(const struct io_fixture *f, const char *place) {
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_CORRUPT);
    assert_non_null(strstr(io_fault.text, place));
}

void damage(const struct io_fixture *f, uint64_t number, uint64_t offset) {
    char name[32];
    uint8_t byte;
    snprintf(name, sizeof name, "%06" PRIu64 ".wal", number);
    struct lsm_file *file = open_with(f, name, LSM_FILE_READ | LSM_FILE_WRITE);
    must(lsm_file_read(file, offset, &byte, 1, &io_fault));
    byte ^= 0x40;
    must(lsm_file_write(file, offset, &byte, 1, &io_fault));
    lsm_file_close(file);
}
