/* The write-ahead log: what was appended is replayed; what was synced must be there; what was torn
 * is cut, and no more than that. On each backend of the I/O seam. */
#include "io_fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_wal.c"
#include "manifest.h"
#include "sim_io.h"
#include "wal.h"
#include "wal_format.h"

enum { SEGMENT_BYTES = 64 << 10 };

/* ---- writing and replaying ---- */

static struct lsm_wal *new_wal(const struct io_fixture *f, uint64_t number, uint64_t bytes) {
    struct lsm_wal *wal = NULL;
    must(lsm_wal_create(f->io, f->directory, number, bytes, &wal, &io_fault));
    return wal;
}

static uint64_t payload_size(uint64_t seq) {
    return seq % 97;
}
static uint8_t payload_byte(uint64_t seq, uint64_t i) {
    return (uint8_t)(seq * 31 + i);
}

/* Appends one frame of `size` bytes; rotates to *next when it does not fit. */
static void append_sized(struct lsm_wal *wal, uint64_t seq, uint64_t size, uint64_t *next) {
    if (!lsm_wal_fits(wal, size)) {
        must(lsm_wal_rotate(wal, (*next)++, size, &io_fault));
    }
    uint8_t *p = lsm_wal_begin(wal, size);
    for (uint64_t i = 0; i < size; i++) {
        p[i] = payload_byte(seq, i);
    }
    lsm_wal_commit(wal, seq, 1);
}

static void append(struct lsm_wal *wal, uint64_t seq, uint64_t *next) {
    append_sized(wal, seq, payload_size(seq), next);
}

/* Replayed sequences, which must be 1, 2, 3, ... with their payloads. */
struct seen {
    uint64_t next;
    uint64_t stop_at; /* the visitor fails there; 0 never */
};

static int see(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload, uint64_t size,
               uint32_t count, struct lsm_fault *fault) {
    struct seen *seen = context;
    assert_true(unix_s > 0);
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

struct files {
    uint64_t number[64];
    size_t count;
};

static void add_file(void *context, const char *name) {
    struct files *files = context;
    uint64_t number = 0;
    if (lsm_file_kind_of(name, &number) == LSM_NAME_WAL) {
        assert_true(files->count < 64);
        files->number[files->count++] = number;
    }
}

static struct files list(const struct io_fixture *f) {
    struct files files = {.count = 0};
    must(lsm_io_list(f->io, f->directory, add_file, &files, &io_fault));
    qsort(files.number, files.count, sizeof files.number[0], compare_numbers);
    return files;
}

static int replay(const struct io_fixture *f, uint64_t from, struct seen *seen,
                  struct lsm_wal_recovered *recovered) {
    struct files files = list(f);
    return lsm_wal_replay(f->io, f->directory, files.number, files.count, from, 1, see, seen,
                          recovered, &io_fault);
}

/* Replays all; returns how many frames there were. */
static uint64_t count_of(const struct io_fixture *f, uint64_t *cut) {
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

/* Changes a byte of a segment, as a decaying disk would. */
static void damage(const struct io_fixture *f, uint64_t number, uint64_t offset) {
    char name[32];
    uint8_t byte;
    snprintf(name, sizeof name, "%06" PRIu64 ".wal", number);
    struct lsm_file *file = open_with(f, name, LSM_FILE_READ | LSM_FILE_WRITE);
    must(lsm_file_read(file, offset, &byte, 1, &io_fault));
    byte ^= 0x40;
    must(lsm_file_write(file, offset, &byte, 1, &io_fault));
    lsm_file_close(file);
}

/* ---- cases on every backend ---- */

static void what_was_appended_is_replayed_in_order(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 6, cut = 1;
    struct lsm_wal *wal = new_wal(f, 5, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 4000; seq++) {
        append(wal, seq, &next);
    }
    assert_true(next > 8); /* it rotated */
    assert_int_equal(lsm_wal_number(wal), next - 1);
    assert_int_equal(count_of(f, &cut), 4000); /* as after kill -9: the log is still open */
    assert_int_equal(cut, 0);
    lsm_wal_close(wal);
    assert_int_equal(count_of(f, &cut), 4000);
    assert_int_equal(cut, 0);
}

static void a_visitors_failure_ends_the_replay(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        append(wal, seq, &next);
    }
    struct seen seen = {.next = 1, .stop_at = 4};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_BUSY);
    assert_int_equal(seen.next, 5);
    lsm_wal_close(wal);
}

static void a_frame_larger_than_a_segment_gets_one_that_holds_it(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    append_sized(wal, 2, 5 * SEGMENT_BYTES, &next);
    append(wal, 3, &next);
    must(lsm_wal_prepare(wal, next++, &io_fault));
    assert_true(lsm_wal_has_spare(wal));
    append_sized(wal, 4, 3 * SEGMENT_BYTES, &next); /* the spare is enlarged */
    append(wal, 5, &next);
    assert_int_equal(count_of(f, NULL), 5);
    lsm_wal_close(wal);
    assert_int_equal(count_of(f, NULL), 5);
}

static void a_spare_is_used_by_the_next_rotation_and_removed_by_close(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 9;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    must(lsm_wal_prepare(wal, 4, &io_fault));
    assert_int_equal(count_of(f, NULL), 1); /* unused: passed over */
    must(lsm_wal_rotate(wal, 5, 0, &io_fault));
    assert_int_equal(lsm_wal_number(wal), 4);
    assert_false(lsm_wal_has_spare(wal));
    append(wal, 2, &next);
    must(lsm_wal_prepare(wal, 6, &io_fault));
    must(lsm_wal_prepare(wal, 7, &io_fault)); /* one is enough */
    assert_int_equal(list(f).count, 3);
    assert_int_equal(count_of(f, NULL), 2);
    lsm_wal_close(wal);
    assert_int_equal(list(f).count, 2);
    assert_int_equal(count_of(f, NULL), 2);
}

static void segments_below_a_number_are_removed_and_the_rest_replays(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    struct lsm_wal_stats stats;
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        append(wal, seq, &next);
    }
    must(lsm_wal_remove_before(wal, 3, &io_fault));
    assert_int_equal(list(f).number[0], 3);
    lsm_wal_stats(wal, &stats);
    assert_int_equal(stats.live_bytes, (next - 3) * SEGMENT_BYTES);
    assert_int_equal(stats.rotations, next - 2);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    must(lsm_wal_remove_before(wal, 1000, &io_fault)); /* never the current one */
    assert_int_equal(list(f).count, 1);
    struct files files = list(f);
    struct seen seen = {.next = 0};
    struct lsm_wal_recovered recovered;
    /* The rest of the chain is whole by itself only as long as what is missing was let go. */
    assert_int_equal(lsm_wal_replay(f->io, f->directory, files.number, 1, 2, 1, see, &seen,
                                    &recovered, &io_fault),
                     LSM_ERR_CORRUPT);
    lsm_wal_close(wal);
}

static void from_passes_over_segments_that_are_no_longer_needed(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    must(lsm_wal_rotate(wal, 2, 0, &io_fault));
    append(wal, 2, &next);
    must(lsm_wal_rotate(wal, 3, 0, &io_fault));
    append(wal, 3, &next);
    struct seen seen = {.next = 3};
    struct lsm_wal_recovered recovered;
    must(replay(f, 3, &seen, &recovered));
    assert_int_equal(recovered.frames, 1);
    lsm_wal_close(wal);
}

static void a_bad_frame_that_no_sync_covers_cuts_the_log_there(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2, cut = 0, at = 0;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        at = seq == 50 ? lsm_wal_position(wal) : at;
        append_sized(wal, seq, 40, &next);
    }
    damage(f, 1, at + LSM_FRAME_BYTES + 7);
    assert_int_equal(count_of(f, &cut), 49);
    assert_int_equal(cut, 51 * lsm_frame_size(40));
    lsm_wal_close(wal);
    assert_int_equal(count_of(f, &cut), 49);
}

static void a_bad_frame_that_a_sync_covers_is_damage_with_its_place(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2, at = 0;
    char place[64];
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        at = seq == 50 ? lsm_wal_position(wal) : at;
        append_sized(wal, seq, 40, &next);
    }
    must(lsm_wal_sync(wal, at + 1, &io_fault));
    damage(f, 1, at + LSM_FRAME_AT_SEQ);
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_CORRUPT);
    snprintf(place, sizeof place, "000001.wal: offset %" PRIu64, at);
    assert_non_null(strstr(io_fault.text, place));
    lsm_wal_close(wal);
}

/* Three segments, 10 frames each, the second one damaged in its frame 15. */
static struct lsm_wal *three_segments(const struct io_fixture *f, uint64_t sync_after) {
    uint64_t next = 9, at = 0;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        if (seq == 11 || seq == 21) {
            must(lsm_wal_rotate(wal, seq / 10 + 1, 0, &io_fault));
        }
        at = seq == 15 ? 4 * lsm_frame_size(40) + LSM_WAL_PAGE_BYTES : at;
        append_sized(wal, seq, 40, &next);
        if (seq == sync_after) {
            must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
        }
    }
    damage(f, 2, at + LSM_FRAME_BYTES);
    return wal;
}

static void a_torn_middle_segment_ends_the_log_and_newer_segments_are_cut(void **state) {
    const struct io_fixture *f = *state;
    uint64_t cut = 0;
    struct lsm_wal *wal = three_segments(f, 14);
    assert_int_equal(count_of(f, &cut), 14);
    assert_true(cut >= 16 * lsm_frame_size(40));
    lsm_wal_close(wal);
}

static void a_sync_of_a_newer_segment_covers_the_older_ones(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_wal *wal = three_segments(f, 21);
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_CORRUPT);
    assert_non_null(strstr(io_fault.text, "000002.wal"));
    lsm_wal_close(wal);
}

static void a_missing_middle_segment_ends_the_log_or_is_damage_once_synced(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 9, cut = 0;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        append(wal, seq, &next);
        must(lsm_wal_rotate(wal, seq + 1, 0, &io_fault));
    }
    append(wal, 4, &next);
    char path[LSM_PATH_MAX];
    lsm_file_name(path, f->directory, LSM_NAME_WAL, 2);
    must(lsm_io_unlink(f->io, path, &io_fault));
    assert_int_equal(count_of(f, &cut), 1);
    assert_true(cut > 0);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_CORRUPT);
    assert_non_null(strstr(io_fault.text, "000002.wal"));
    lsm_wal_close(wal);
}

static void a_later_process_goes_on_from_what_was_recovered(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 9, cut = 0;
    struct lsm_wal *first = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        append_sized(first, seq, 40, &next);
    }
    damage(f, 1, LSM_WAL_PAGE_BYTES + 12 * lsm_frame_size(40) + 4);
    assert_int_equal(count_of(f, NULL), 12);
    struct lsm_wal *second = new_wal(f, 3, SEGMENT_BYTES);
    for (uint64_t seq = 13; seq <= 30; seq++) {
        append_sized(second, seq, 40, &next);
    }
    /* Its syncs say nothing about what the first process lost. */
    must(lsm_wal_sync(second, lsm_wal_position(second), &io_fault));
    assert_int_equal(count_of(f, &cut), 30);
    assert_true(cut > 0);
    lsm_wal_close(second);
    lsm_wal_close(first);
}

static void another_version_of_the_format_is_told_apart_from_damage(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    struct lsm_file *file = open_with(f, "000001.wal", LSM_FILE_READ | LSM_FILE_WRITE);
    uint8_t header[LSM_WAL_HEADER_BYTES];
    must(lsm_file_read(file, 0, header, sizeof header, &io_fault));
    lsm_store16(header + LSM_WAL_AT_MAJOR, LSM_WAL_MAJOR + 1);
    lsm_store64(header + LSM_WAL_AT_CHECKSUM,
                lsm_checksum(lsm_wal_domain(1, 0), header, LSM_WAL_AT_CHECKSUM));
    must(lsm_file_write(file, 0, header, sizeof header, &io_fault));
    lsm_file_close(file);
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_VERSION);
    damage(f, 1, LSM_WAL_AT_MAJOR); /* and without a fitting checksum it is a torn header */
    assert_int_equal(count_of(f, NULL), 0);
    lsm_wal_close(wal);
}

static void a_sequence_that_steps_back_is_damage(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    append(wal, 1, &next);
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_CORRUPT);
    lsm_wal_close(wal);
}

/* ---- sync: many threads ---- */

struct group {
    struct lsm_wal *wal;
    pthread_mutex_t commit_lock;
    uint64_t next_seq; /* commit lock */
    _Atomic uint64_t next_number, failures;
};

static void *append_and_sync(void *argument) {
    struct group *g = argument;
    for (int i = 0; i < 40; i++) {
        struct lsm_fault fault;
        pthread_mutex_lock(&g->commit_lock);
        if (!lsm_wal_fits(g->wal, 900)) {
            uint64_t number = atomic_fetch_add(&g->next_number, 1);
            if (lsm_wal_rotate(g->wal, number, 900, &fault) != 0) {
                atomic_fetch_add(&g->failures, 1);
            }
        }
        append_sized(g->wal, g->next_seq++, 900, NULL);
        uint64_t position = lsm_wal_position(g->wal);
        pthread_mutex_unlock(&g->commit_lock);
        if (lsm_wal_sync(g->wal, position, &fault) != 0 || lsm_wal_synced(g->wal) < position) {
            atomic_fetch_add(&g->failures, 1);
        }
    }
    return NULL;
}

static void one_flush_serves_many_threads(void **state) {
    const struct io_fixture *f = *state;
    enum { THREADS = 8 };
    struct group g = {.next_seq = 1, .next_number = 2, .wal = new_wal(f, 1, SEGMENT_BYTES)};
    pthread_t threads[THREADS];
    struct lsm_wal_stats stats;
    pthread_mutex_init(&g.commit_lock, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, append_and_sync, &g), 0);
    }
    for (int i = 0; i < 10; i++) { /* beside it: spares and removal */
        struct lsm_fault fault;
        uint64_t number = atomic_fetch_add(&g.next_number, 1);
        assert_int_equal(lsm_wal_prepare(g.wal, number, &fault), 0);
        assert_int_equal(lsm_wal_remove_before(g.wal, 2, &fault), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&g.failures), 0);
    assert_int_equal(lsm_wal_synced(g.wal), lsm_wal_position(g.wal));
    lsm_wal_stats(g.wal, &stats);
    assert_true(stats.syncs >= 1 && stats.syncs <= THREADS * 40);
    lsm_wal_close(g.wal);
    pthread_mutex_destroy(&g.commit_lock);
}

/* ---- failures and power cuts, on the simulated disk ---- */

static void a_failed_sync_is_final(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    sim_fail_at(f->io, sim_operations(f->io) + 1, 5);
    assert_int_equal(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_wal_rotate(wal, 2, 0, &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_wal_synced(wal), 0);
    lsm_wal_close(wal);
}

static void a_full_disk_refuses_a_rotation_and_heals(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    sim_set_capacity(f->io, sim_used(f->io) + 100);
    assert_int_equal(lsm_wal_prepare(wal, 2, &io_fault), LSM_ERR_NO_SPACE);
    assert_int_equal(lsm_wal_rotate(wal, 3, 0, &io_fault), LSM_ERR_NO_SPACE);
    assert_int_equal(list(f).count, 1); /* nothing half-made stays */
    append(wal, 2, &next);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    sim_set_capacity(f->io, 0);
    must(lsm_wal_rotate(wal, 4, 0, &io_fault));
    append(wal, 3, &next);
    assert_int_equal(count_of(f, NULL), 3);
    lsm_wal_close(wal);
}

/* Runs a log until the power goes at operation `cut_at`; returns false when it never went. */
static bool cut_once(uint64_t seed, uint64_t cut_at, enum sim_cut_mode mode) {
    struct io_fixture f = {.kind = IO_KIND_SIM, .io = sim_create(seed), .directory = "/db"};
    struct lsm_wal *wal = NULL;
    uint64_t next = 2, appended = 0, synced = 0;
    must(lsm_io_mkdir(f.io, f.directory, &io_fault));
    must(lsm_io_sync_dir(f.io, "/", &io_fault));
    sim_set_cut_mode(f.io, mode);
    sim_cut_at(f.io, sim_operations(f.io) + cut_at);
    int rc = lsm_wal_create(f.io, f.directory, 1, 16 << 10, &wal, &io_fault);
    for (uint64_t seq = 1; rc == 0 && seq <= 120; seq++) {
        if (seq % 31 == 0) {
            rc = lsm_wal_prepare(wal, next++, &io_fault);
        }
        uint64_t size = (seq * 7) % 400 + (seq % 50 == 0 ? 20000 : 0);
        if (rc == 0 && !lsm_wal_fits(wal, size)) {
            rc = lsm_wal_rotate(wal, next++, size, &io_fault);
        }
        if (rc == 0) {
            append_sized(wal, seq, size, &next);
            appended = seq;
        }
        if (rc == 0 && seq % 13 == 0) {
            rc = lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault);
            synced = rc == 0 ? seq : synced;
        }
    }
    bool died = sim_is_dead(f.io);
    if (!died) {
        sim_power_cut(f.io);
    }
    struct lsm_io *before = f.io;
    f.io = sim_restart(before);
    lsm_wal_close(wal);
    lsm_io_destroy(before);
    uint64_t frames = count_of(&f, NULL);
    /* A prefix: at least what was synced; all of it when only the process died. */
    assert_true(frames >= synced && frames <= appended);
    assert_true(mode != SIM_CUT_KEEP || frames == appended);
    lsm_io_destroy(f.io);
    return died;
}

static void after_a_power_cut_anywhere_a_prefix_with_all_that_was_synced_is_there(void **state) {
    (void)state;
    static const enum sim_cut_mode modes[] = {SIM_CUT_RANDOM, SIM_CUT_RANDOM, SIM_CUT_RANDOM,
                                              SIM_CUT_DROP, SIM_CUT_KEEP};
    for (size_t mode = 0; mode < sizeof modes / sizeof modes[0]; mode++) {
        uint64_t at = 1;
        while (cut_once(io_seed + at * 131 + mode, at, modes[mode])) {
            at++;
        }
        assert_true(at > 20);
    }
}

/* ---- operations and hostile bytes ---- */

static void operations_come_back_as_they_were_encoded(void **state) {
    (void)state;
    static const size_t key_sizes[] = {1, 63, 64, 8191, 8192, 65535};
    static const size_t value_sizes[] = {0, 1, 127, 128, 70000};
    uint8_t *key = malloc(65535), *value = malloc(70000), *buffer = malloc(200000);
    memset(key, 'k', 65535);
    memset(value, 'v', 70000);
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 5; j++) {
            for (int type = LSM_TYPE_DELETE; type <= LSM_TYPE_PUT; type++) {
                size_t value_size = type == LSM_TYPE_PUT ? value_sizes[j] : 0;
                struct lsm_entry entry;
                uint64_t size = lsm_op_bytes(key_sizes[i], value_size, (enum lsm_type)type);
                const uint8_t *end = lsm_op_encode(buffer, (enum lsm_type)type, key, key_sizes[i],
                                                   value, value_size);
                assert_true(end == buffer + size);
                assert_ptr_equal(lsm_op_decode(buffer, end, &entry), end);
                assert_int_equal(entry.type, type);
                assert_int_equal(entry.key_size, key_sizes[i]);
                assert_int_equal(entry.value_size, value_size);
                assert_memory_equal(entry.key, key, key_sizes[i]);
                assert_memory_equal(entry.value, value, value_size);
                assert_null(lsm_op_decode(buffer, end - 1, &entry));
                assert_null(lsm_op_decode(buffer, buffer, &entry));
            }
        }
    }
    free(key);
    free(value);
    free(buffer);
}

static void hostile_bytes_end_in_an_answer(void **state) {
    (void)state;
    fuzz_wal_mutations(io_seed, 3000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASES_ON_ALL(what_was_appended_is_replayed_in_order),
        CASES_ON_ALL(a_visitors_failure_ends_the_replay),
        CASES_ON_ALL(a_frame_larger_than_a_segment_gets_one_that_holds_it),
        CASES_ON_ALL(a_spare_is_used_by_the_next_rotation_and_removed_by_close),
        CASES_ON_ALL(segments_below_a_number_are_removed_and_the_rest_replays),
        CASES_ON_ALL(from_passes_over_segments_that_are_no_longer_needed),
        CASES_ON_ALL(a_bad_frame_that_no_sync_covers_cuts_the_log_there),
        CASES_ON_ALL(a_bad_frame_that_a_sync_covers_is_damage_with_its_place),
        CASES_ON_ALL(a_torn_middle_segment_ends_the_log_and_newer_segments_are_cut),
        CASES_ON_ALL(a_sync_of_a_newer_segment_covers_the_older_ones),
        CASES_ON_ALL(a_missing_middle_segment_ends_the_log_or_is_damage_once_synced),
        CASES_ON_ALL(a_later_process_goes_on_from_what_was_recovered),
        CASES_ON_ALL(another_version_of_the_format_is_told_apart_from_damage),
        CASES_ON_ALL(a_sequence_that_steps_back_is_damage),
        CASES_ON_FILES(one_flush_serves_many_threads),
        CASE_ON(a_failed_sync_is_final, sim),
        CASE_ON(a_full_disk_refuses_a_rotation_and_heals, sim),
        cmocka_unit_test(after_a_power_cut_anywhere_a_prefix_with_all_that_was_synced_is_there),
        cmocka_unit_test(operations_come_back_as_they_were_encoded),
        cmocka_unit_test(hostile_bytes_end_in_an_answer),
    };
    return io_fixture_run("wal_test", tests, sizeof tests / sizeof tests[0]);
}
