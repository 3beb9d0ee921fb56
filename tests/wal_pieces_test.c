/* In what pieces the log's segments are mapped: huge ones, until syncs are frequent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim_io.h"
#include "wal_internal.h"
#include "wal_kit.h"

enum { HUGE_SEGMENT = 4 << 20, FEW = LSM_WAL_FEW_FLUSHES };

/* Appends and syncs, so many times; none is left for another segment. */
static void sync_often(struct lsm_wal *wal, uint64_t *seq, unsigned times) {
    uint64_t number = lsm_wal_number(wal);
    for (unsigned i = 0; i < times; i++) {
        append_and_sync_one(wal, (*seq)++, 100, NULL);
    }
    assert_int_equal(lsm_wal_number(wal), number);
}

static void frequent_syncs_want_small_pieces_and_their_end_huge_ones(void **state) {
    const struct io_fixture *f = *state;
    uint64_t seq = 1;
    struct lsm_wal *wal = new_wal(f, 1, HUGE_SEGMENT);
    sync_often(wal, &seq, FEW);
    assert_false(lsm_wal_misfits(wal));
    sync_often(wal, &seq, 1);
    assert_true(lsm_wal_misfits(wal));
    must(lsm_wal_rotate(wal, 2, 0, &io_fault));
    assert_false(lsm_wal_misfits(wal));
    sync_often(wal, &seq, FEW + 5);
    assert_false(lsm_wal_misfits(wal)); /* small */
    for (uint64_t number = 3; number <= 4; number++) {
        must(lsm_wal_rotate(wal, number, 0, &io_fault));
        sync_often(wal, &seq, FEW);
    }
    must(lsm_wal_rotate(wal, 5, 0, &io_fault)); /* huge again: few syncs in the two before */
    sync_often(wal, &seq, FEW);
    assert_false(lsm_wal_misfits(wal));
    sync_often(wal, &seq, 1);
    assert_true(lsm_wal_misfits(wal));
    append_sized(wal, seq++, 100, NULL); /* it can be gone on with */
    assert_int_equal(count_of(f, NULL), seq - 1);
    lsm_wal_close(wal);
    assert_int_equal(count_of(f, NULL), seq - 1);
}

static void spares_that_do_not_suit_are_not_used(void **state) {
    const struct io_fixture *f = *state;
    const struct lsm_wal_start start = {.number = 1, .segment_bytes = HUGE_SEGMENT, .keep = 4};
    uint64_t seq = 1, next = 2;
    struct lsm_wal *wal = kit_wal(f, &start);
    must(lsm_wal_rotate(wal, next++, 0, &io_fault));
    while (!lsm_wal_has_spare(wal)) { /* huge ones */
        must(lsm_wal_prepare(wal, next++, &io_fault));
    }
    sync_often(wal, &seq, FEW + 1);
    must(lsm_wal_rotate(wal, next++, 0, &io_fault));
    assert_int_equal(lsm_wal_number(wal), next - 1);
    assert_int_equal(list(f).count, 3); /* the two before it and itself */
    sync_often(wal, &seq, FEW + 1);
    assert_false(lsm_wal_misfits(wal));
    /* Nor is a used one made a spare as it is. */
    must(lsm_wal_remove_before(wal, lsm_wal_number(wal), &io_fault));
    while (!lsm_wal_has_spare(wal)) {
        must(lsm_wal_prepare(wal, next++, &io_fault));
    }
    must(lsm_wal_rotate(wal, next++, 0, &io_fault));
    sync_often(wal, &seq, FEW + 1);
    assert_false(lsm_wal_misfits(wal));
    lsm_wal_close(wal);
}

/* Spares in huge pieces, and syncs so frequent that small ones are wanted. */
static struct lsm_wal *with_huge_spares(const struct io_fixture *f, uint64_t *next, uint64_t *seq) {
    const struct lsm_wal_start start = {.number = 1, .segment_bytes = HUGE_SEGMENT, .keep = 4};
    struct lsm_wal *wal = kit_wal(f, &start);
    *next = 2;
    *seq = 1;
    must(lsm_wal_rotate(wal, (*next)++, 0, &io_fault));
    while (!lsm_wal_has_spare(wal)) {
        must(lsm_wal_prepare(wal, (*next)++, &io_fault));
    }
    sync_often(wal, seq, FEW + 1);
    assert_true(lsm_wal_misfits(wal));
    return wal;
}

static void without_room_a_spare_is_used_whatever_its_pieces(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next, seq;
    struct lsm_wal *wal = with_huge_spares(f, &next, &seq);
    size_t files = list(f).count, spares = files - 2;
    assert_true(spares >= 2);
    sim_set_capacity(f->io, sim_used(f->io));
    for (size_t i = 0; i < spares; i++) {
        must(lsm_wal_rotate(wal, next++, 0, &io_fault));
        append_sized(wal, seq++, 100, NULL);
        assert_int_equal(list(f).count, files);
        assert_false(lsm_wal_misfits(wal)); /* though it is huge: nothing else was to be had */
    }
    assert_int_equal(lsm_wal_rotate(wal, next++, 0, &io_fault), LSM_ERR_NO_SPACE);
    assert_int_equal(list(f).count, files);
    assert_int_equal(count_of(f, NULL), seq - 1);
    sim_set_capacity(f->io, 0);
    lsm_wal_close(wal);
}

static void what_could_not_be_left_is_not_called_a_misfit_again(void **state) {
    const struct io_fixture *f = *state;
    uint64_t seq = 1;
    struct lsm_wal *wal = new_wal(f, 1, HUGE_SEGMENT);
    sync_often(wal, &seq, FEW + 1);
    sim_set_capacity(f->io, sim_used(f->io));
    assert_true(lsm_wal_misfits(wal));
    assert_int_equal(lsm_wal_rotate(wal, 2, 0, &io_fault), LSM_ERR_NO_SPACE);
    assert_false(lsm_wal_misfits(wal));
    sync_often(wal, &seq, FEW + 1);
    assert_false(lsm_wal_misfits(wal));
    sim_set_capacity(f->io, 0);
    must(lsm_wal_rotate(wal, 3, 0, &io_fault));
    sync_often(wal, &seq, FEW + 1);
    assert_false(lsm_wal_misfits(wal)); /* small */
    lsm_wal_close(wal);
}

/* Neither has to make something new: not for want of room, nor because it may not. */
static void used_segments_become_spares_whatever_their_pieces(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next, seq;
    _Atomic uint64_t number = 100;
    struct lsm_wal *wal = with_huge_spares(f, &next, &seq);
    size_t files = list(f).count;
    sim_set_capacity(f->io, sim_used(f->io));
    for (size_t spares = files - 2; spares > 0; spares--) {
        must(lsm_wal_rotate(wal, next++, 0, &io_fault));
    }
    assert_false(lsm_wal_has_spare(wal));
    must(lsm_wal_remove_before(wal, lsm_wal_number(wal), &io_fault));
    must(lsm_wal_prepare(wal, 99, &io_fault)); /* there is no room for a new one */
    assert_int_equal(list(f).count, files);
    sim_set_capacity(f->io, 0);
    must(lsm_wal_recycle(wal, &number, &io_fault));
    assert_true(lsm_wal_has_spare(wal));
    assert_int_equal(list(f).count, files); /* renamed, not made */
    lsm_wal_close(wal);
}

static void who_is_told_of_syncs_begins_with_small_pieces(void **state) {
    const struct io_fixture *f = *state;
    const struct lsm_wal_start start = {.number = 1, .segment_bytes = HUGE_SEGMENT, .synced = true};
    uint64_t seq = 1;
    struct lsm_wal *wal = kit_wal(f, &start);
    sync_often(wal, &seq, FEW + 1);
    assert_false(lsm_wal_misfits(wal));
    lsm_wal_close(wal);
}

static void a_segment_smaller_than_a_huge_page_is_never_left(void **state) {
    const struct io_fixture *f = *state;
    uint64_t seq = 1;
    struct lsm_wal *wal = new_wal(f, 1, 1 << 20);
    sync_often(wal, &seq, FEW + 1);
    assert_false(lsm_wal_misfits(wal));
    lsm_wal_close(wal);
}

/* Whether this process has asked for huge pages for its mapping of that file ("hg" in smaps). */
static bool is_advised(const char *path) {
    char line[1024];
    bool ours = false, advised = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long begin, end;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) { /* a mapping begins */
            ours = strstr(line, path) != NULL;
        } else if (ours && strncmp(line, "VmFlags:", 8) == 0) {
            advised = strstr(line, " hg") != NULL;
        }
    }
    fclose(maps);
    return advised;
}

static void the_kernel_is_asked_for_them(void **state) {
    const struct io_fixture *f = *state;
    char path[LSM_PATH_MAX];
    uint64_t seq = 1;
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0) {
        skip(); /* a kernel without any */
    }
    struct lsm_wal *wal = new_wal(f, 1, HUGE_SEGMENT);
    lsm_file_name(path, f->directory, LSM_NAME_WAL, 1);
    assert_true(is_advised(path));
    sync_often(wal, &seq, FEW + 1);
    must(lsm_wal_rotate(wal, 2, 0, &io_fault));
    lsm_file_name(path, f->directory, LSM_NAME_WAL, 2);
    assert_false(is_advised(path));
    lsm_wal_close(wal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASES_ON_ALL(frequent_syncs_want_small_pieces_and_their_end_huge_ones),
        CASES_ON_ALL(spares_that_do_not_suit_are_not_used),
        CASE_ON(without_room_a_spare_is_used_whatever_its_pieces, sim),
        CASE_ON(what_could_not_be_left_is_not_called_a_misfit_again, sim),
        CASE_ON(used_segments_become_spares_whatever_their_pieces, sim),
        CASES_ON_ALL(who_is_told_of_syncs_begins_with_small_pieces),
        CASES_ON_ALL(a_segment_smaller_than_a_huge_page_is_never_left),
        CASES_ON_FILES(the_kernel_is_asked_for_them),
    };
    return io_fixture_run("wal_pieces_test", tests, sizeof tests / sizeof tests[0]);
}
