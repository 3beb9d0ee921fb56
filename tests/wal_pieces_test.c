/* In what pieces the log's segments are mapped: huge ones, until syncs are frequent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    must(lsm_wal_rotate(wal, 3, 0, &io_fault));
    sync_often(wal, &seq, FEW);
    must(lsm_wal_rotate(wal, 4, 0, &io_fault)); /* huge again: few syncs in the one before */
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
        CASES_ON_ALL(who_is_told_of_syncs_begins_with_small_pieces),
        CASES_ON_ALL(a_segment_smaller_than_a_huge_page_is_never_left),
        CASES_ON_FILES(the_kernel_is_asked_for_them),
    };
    return io_fixture_run("wal_pieces_test", tests, sizeof tests / sizeof tests[0]);
}
