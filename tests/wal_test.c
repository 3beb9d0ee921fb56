/* The write-ahead log: what was appended is replayed; what was synced must be there; what was torn
 * is cut, and no more than that. On each backend of the I/O seam. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_wal.c"
#include "wal_kit.h"
#include "wal_old.h"

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
    assert_int_equal(lsm_wal_replay(f->io, f->directory, files.number, 1, 2, 0, see, &seen,
                                    &recovered, &io_fault),
                     LSM_ERR_CORRUPT);
    lsm_wal_close(wal);
}

static int note_first(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload,
                      uint64_t size, uint32_t count, struct lsm_pin *pin, struct lsm_fault *fault) {
    uint64_t *first = context;
    (void)unix_s, (void)payload, (void)size, (void)count, (void)pin, (void)fault;
    *first = *first == 0 ? seq : *first;
    return 0;
}

static uint64_t first_seq_of(const struct io_fixture *f, uint64_t from) {
    struct files files = list(f);
    struct lsm_wal_recovered recovered;
    uint64_t first = 0;
    must(lsm_wal_replay(f->io, f->directory, files.number, files.count, from, 0, note_first, &first,
                        &recovered, &io_fault));
    lsm_wal_old_free(recovered.old);
    return first;
}

static void segments_no_longer_needed_are_used_again(void **state) {
    const struct io_fixture *f = *state;
    const struct lsm_wal_start start = {.number = 1, .segment_bytes = SEGMENT_BYTES, .keep = 3};
    uint64_t next = 2, files = 0;
    struct lsm_wal *wal = kit_wal(f, &start);
    struct lsm_wal_stats stats;
    for (uint64_t seq = 1; seq <= 20000; seq++) {
        uint64_t number = lsm_wal_number(wal);
        append(wal, seq, &next);
        if (lsm_wal_number(wal) == number) {
            continue;
        }
        if (number > 3) {
            must(lsm_wal_remove_before(wal, number - 2, &io_fault));
        }
        while (!lsm_wal_has_spare(wal)) {
            must(lsm_wal_prepare(wal, next++, &io_fault));
        }
        files = list(f).count;
        assert_in_range(files, 2, 4 + 3); /* the current one, two and what the limit leaves */
    }
    lsm_wal_stats(wal, &stats);
    assert_true(stats.rotations > 8);
    assert_int_equal(stats.live_bytes, files * SEGMENT_BYTES);
    /* What is left is whole: nothing of what a segment held before shows. */
    uint64_t from = lsm_wal_number(wal);
    struct seen seen = {.next = 0};
    struct lsm_wal_recovered recovered;
    seen.next = first_seq_of(f, from);
    must(replay(f, from, &seen, &recovered));
    assert_int_equal(recovered.last_seq, 20000);
    assert_int_equal(recovered.cut_bytes, 0);
    lsm_wal_close(wal);
    assert_in_range(list(f).count, 1, 4); /* no spare, none kept */
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
        uint64_t offset = append_sized(wal, seq, 40, &next);
        at = seq == 50 ? offset : at;
    }
    damage(f, 1, at + 20);
    assert_int_equal(count_of(f, &cut), 49);
    assert_in_range(cut, 51 * 40, lsm_wal_position(wal) - at);
    lsm_wal_close(wal);
    assert_int_equal(count_of(f, &cut), 49);
}

static void a_bad_frame_that_a_sync_covers_is_damage_with_its_place(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2, at = 0;
    char place[64];
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        uint64_t offset = append_sized(wal, seq, 40, &next);
        at = seq == 50 ? offset : at;
    }
    must(lsm_wal_sync(wal, at + 1, &io_fault));
    damage(f, 1, at + LSM_FRAME_AT_HEAD);
    snprintf(place, sizeof place, "000001.wal: offset %" PRIu64, at);
    must_be_damaged(f, place);
    lsm_wal_close(wal);
}

/* The marks of synchronous groups lie behind them, and are found behind a bad frame. */
static void a_mark_among_the_frames_covers_what_is_before_it(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2, at[31] = {0};
    char place[64];
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        at[seq] = seq == 20 ? append_and_sync_one(wal, seq, 43, &next)
                            : append_sized(wal, seq, 40 + seq % 7, &next);
    }
    assert_int_equal(count_of(f, NULL), 30);
    damage(f, 1, at[25] + 9); /* after the mark: torn */
    assert_int_equal(count_of(f, NULL), 24);
    damage(f, 1, at[3] + 9);
    snprintf(place, sizeof place, "000001.wal: offset %" PRIu64, at[3]);
    must_be_damaged(f, place);
    damage(f, 1, at[21] - LSM_MARK_BYTES + LSM_MARK_AT_OFFSET); /* the mark itself is damaged */
    assert_int_equal(count_of(f, NULL), 2);
    lsm_wal_close(wal);
}

static void a_mark_among_the_frames_of_a_newer_segment_covers_the_older_ones(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    uint64_t bad = append(wal, 2, &next);
    must(lsm_wal_rotate(wal, next++, 0, &io_fault));
    append(wal, 3, &next);
    append_and_sync_one(wal, 4, 10, &next);
    damage(f, 1, bad + LSM_FRAME_AT_HEAD);
    must_be_damaged(f, "000001.wal");
    lsm_wal_close(wal);
}

/* Three segments, 10 frames each, the second one damaged in its frame 15. */
static struct lsm_wal *three_segments(const struct io_fixture *f, uint64_t sync_after) {
    uint64_t next = 9, base = 0, at = 0;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 30; seq++) {
        if (seq == 11 || seq == 21) {
            must(lsm_wal_rotate(wal, seq / 10 + 1, 0, &io_fault));
        }
        uint64_t begin = lsm_wal_position(wal), offset = append_sized(wal, seq, 40, &next);
        base = seq == 11 ? begin - LSM_WAL_PAGE_BYTES : base;
        at = seq == 15 ? offset - base : at;
        if (seq == sync_after) {
            must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
        }
    }
    damage(f, 2, at + 20);
    return wal;
}

static void a_torn_middle_segment_ends_the_log_and_newer_segments_are_cut(void **state) {
    const struct io_fixture *f = *state;
    uint64_t cut = 0;
    struct lsm_wal *wal = three_segments(f, 14);
    assert_int_equal(count_of(f, &cut), 14);
    assert_true(cut >= 16 * 40);
    lsm_wal_close(wal);
}

static void a_sync_of_a_newer_segment_covers_the_older_ones(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_wal *wal = three_segments(f, 21);
    must_be_damaged(f, "000002.wal");
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
    must_be_damaged(f, "000002.wal");
    lsm_wal_close(wal);
}

static void a_later_process_goes_on_from_what_was_recovered(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 9, cut = 0, at = 0;
    struct lsm_wal *first = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        uint64_t offset = append_sized(first, seq, 40, &next);
        at = seq == 13 ? offset : at;
    }
    damage(f, 1, at + 4);
    assert_int_equal(count_of(f, NULL), 12);
    const struct lsm_wal_start start = {.number = 3, .segment_bytes = SEGMENT_BYTES, .after = 12};
    struct lsm_wal *second = kit_wal(f, &start);
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

/* It may have reached the device before what it builds on: what is left is a prefix. */
static void a_later_process_does_not_count_where_what_it_began_from_is_gone(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 9, cut = 0, at = 0;
    struct lsm_wal *first = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        uint64_t offset = append_sized(first, seq, 40, &next);
        at = seq == 15 ? offset : at;
    }
    assert_int_equal(count_of(f, NULL), 20);
    const struct lsm_wal_start start = {.number = 3, .segment_bytes = SEGMENT_BYTES, .after = 20};
    struct lsm_wal *second = kit_wal(f, &start);
    append_sized(second, 21, 40, &next);
    must(lsm_wal_rotate(second, next++, 0, &io_fault));
    append_sized(second, 22, 40, &next);
    assert_int_equal(count_of(f, NULL), 22);
    damage(f, 1, at + 4);
    assert_int_equal(count_of(f, &cut), 14);
    assert_true(cut >= 8 * 40);
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    struct files files = list(f);
    /* Tables have it: then it goes on. */
    assert_int_equal(lsm_wal_replay(f->io, f->directory, files.number, files.count, 3, 20, see,
                                    &(struct seen){.next = 21}, &recovered, &io_fault),
                     0);
    assert_int_equal(recovered.frames, 2);
    lsm_wal_old_free(recovered.old);
    must(lsm_wal_sync(second, lsm_wal_position(second), &io_fault));
    assert_int_equal(replay(f, 0, &seen, &recovered), LSM_ERR_CORRUPT);
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

/* ---- operations and hostile bytes ---- */

static void must_have_changed(const struct lsm_wal_extent *extent, uint64_t offset) {
    char place[48];
    snprintf(place, sizeof place, "000001.wal: offset %" PRIu64 ": ", offset);
    assert_int_equal(lsm_wal_check(extent, &io_fault), LSM_ERR_CORRUPT);
    assert_non_null(strstr(io_fault.text, place));
}

/* As a disk does that loses what the kernel wrote back. */
static void a_segment_that_changes_once_written_is_found_out(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2, offset = 0;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    const struct lsm_pin *pin = lsm_wal_current_pin(wal);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        offset = seq == 50 ? append_and_sync_one(wal, seq, 90, &next) : append(wal, seq, &next);
    }
    must(lsm_wal_rotate(wal, next++, 0, &io_fault));
    const struct lsm_wal_extent extent = lsm_wal_extent(pin);
    must(lsm_wal_check(&extent, &io_fault));
    damage(f, 1, offset + LSM_FRAME_AT_HEAD + 2);
    must_have_changed(&extent, offset);
    damage(f, 1, offset + LSM_FRAME_AT_HEAD + 2); /* as it was */
    must(lsm_wal_check(&extent, &io_fault));
    damage(f, 1, extent.end - 4); /* in the seal */
    must_have_changed(&extent, extent.end - LSM_FRAME_SEAL_BYTES);
    lsm_wal_close(wal);
}

static void a_segment_that_changes_once_replayed_is_found_out(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct seen seen = {.next = 1};
    struct lsm_wal_recovered recovered;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        append(wal, seq, &next);
    }
    uint64_t offset = append(wal, 11, &next);
    append(wal, 12, &next);
    lsm_wal_close(wal);
    const uint64_t number = 1;
    must(lsm_wal_replay(f->io, f->directory, &number, 1, 0, 0, see, &seen, &recovered, &io_fault));
    const struct lsm_wal_extent extent = lsm_wal_extent(&recovered.old->hold.pin);
    must(lsm_wal_check(&extent, &io_fault));
    damage(f, 1, offset + LSM_FRAME_AT_HEAD + 2);
    if (recovered.old->mapped) { /* a copy stays what it is */
        must_have_changed(&extent, offset);
    } else {
        must(lsm_wal_check(&extent, &io_fault));
    }
    lsm_wal_old_free(recovered.old);
}

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
        CASES_ON_ALL(a_later_process_does_not_count_where_what_it_began_from_is_gone),
        CASES_ON_ALL(a_mark_among_the_frames_covers_what_is_before_it),
        CASES_ON_ALL(a_mark_among_the_frames_of_a_newer_segment_covers_the_older_ones),
        CASES_ON_ALL(segments_no_longer_needed_are_used_again),
        CASES_ON_ALL(another_version_of_the_format_is_told_apart_from_damage),
        CASES_ON_ALL(a_sequence_that_steps_back_is_damage),
        CASES_ON_ALL(a_segment_that_changes_once_written_is_found_out),
        CASES_ON_ALL(a_segment_that_changes_once_replayed_is_found_out),
        cmocka_unit_test(operations_come_back_as_they_were_encoded),
        cmocka_unit_test(hostile_bytes_end_in_an_answer),
    };
    return io_fixture_run("wal_test", tests, sizeof tests / sizeof tests[0]);
}
