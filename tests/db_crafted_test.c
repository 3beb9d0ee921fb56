/* Files that are wrong though their checksums are right: the database says where, and dies of none.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "db_fixture.h"
#include "fuzz_table.c"
#include "table_kit.h"
#include "wal.h"

enum { PUTS = 100, VALUE_BYTES = 60 };

/* Path and name of the oldest file with that ending. */
static void find_oldest(const struct db_fixture *f, const char *ending, char path[400],
                        char name[64]) {
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    name[0] = '\0';
    for (const struct dirent *d = readdir(directory); d != NULL; d = readdir(directory)) {
        size_t length = strlen(d->d_name), end = strlen(ending);
        bool is_one = length > end && strcmp(d->d_name + length - end, ending) == 0;
        if (is_one && (name[0] == '\0' || strcmp(d->d_name, name) < 0)) {
            snprintf(name, 64, "%.63s", d->d_name);
        }
    }
    closedir(directory);
    assert_true(name[0] != '\0');
    snprintf(path, 400, "%s/%s", f->path, name);
}

/* Two entries of the oldest table's first block change places, and its checksums are made right. */
static void swap_keys(const struct db_fixture *f, char name[64]) {
    char path[400];
    uint8_t window[LSM_BLOCK_WINDOW];
    size_t size;
    find_oldest(f, ".sst", path, name);
    uint8_t *file = kit_slurp(path, &size);
    uint8_t *second = file + LSM_BLOCK_HEADER + 4, *third = file + LSM_BLOCK_HEADER + 8;
    memcpy(window, second, sizeof window);
    memcpy(second, third, sizeof window);
    memcpy(third, window, sizeof window);
    seal(file, size);
    kit_spill(path, file, size);
    free(file);
}

static void a_table_out_of_order_ends_the_compaction_with_its_place(void **state) {
    struct db_fixture *f = *state;
    char name[64], detail[256];
    f->options.memtable_bytes = 64 << 10;
    f->options.async_compaction = false; /* nothing is merged but what is asked for */
    db_open(f);
    db_put_numbered(f, PUTS, VALUE_BYTES);
    DB_MUST(f, lsm_flush(f->db));
    db_put_numbered(f, PUTS, VALUE_BYTES);
    DB_MUST(f, lsm_flush(f->db));
    db_close(f);
    swap_keys(f, name);
    db_open(f);
    assert_int_equal(lsm_compact_all(f->db), LSM_ERR_CORRUPT);
    lsm_error_detail(f->db, detail, sizeof detail);
    DB_CHECK(strstr(detail, name) != NULL, "no file: %s", detail);
    DB_CHECK(strstr(detail, "block at offset 0: ") != NULL, "no place: %s", detail);
    assert_int_equal(lsm_put(f->db, NULL, "k", 1, "v", 1), LSM_ERR_READ_ONLY);
}

/* A log of a later process, with one group that says it is of `count` operations. */
static void append_group(struct db_fixture *f, uint32_t count, const char *payload, size_t size) {
    struct lsm_fault fault = {0};
    struct lsm_io *io = NULL;
    struct lsm_wal *wal = NULL;
    char notice[256];
    const struct lsm_wal_start start = {.number = 900, .segment_bytes = 64 << 10, .after = 1};
    const struct lsm_wal_group group = {
        .payload_bytes = size, .seq = 2, .unix_s = 1700000000, .count = count};
    assert_int_equal(lsm_io_create(LSM_IO_POSIX, &io, notice, &fault), 0);
    assert_int_equal(lsm_wal_create(io, f->path, &start, &wal, &fault), 0);
    memcpy(lsm_wal_begin(wal, &group), payload, size);
    lsm_wal_commit(wal);
    lsm_wal_close(wal);
    lsm_io_destroy(io);
}

static void expect_refused_group(struct db_fixture *f, uint32_t count, const char *payload,
                                 size_t size) {
    char detail[256];
    db_open(f);
    db_put(f, "a", "1");
    db_close(f);
    append_group(f, count, payload, size);
    assert_int_equal(lsm_open(f->path, &f->options, &f->db, detail), LSM_ERR_CORRUPT);
    DB_CHECK(strstr(detail, "000900.wal: offset ") != NULL, "no place: %s", detail);
    assert_null(f->db);
    db_wipe(f);
}

/* Room is made for as many operations as there can be, not for as many as it says. */
static void a_group_that_is_not_what_it_says_ends_the_open_with_its_place(void **state) {
    struct db_fixture *f = *state;
    const char one[] = {1 << 1, 'k'}, two[] = {1 << 1, 'k', 1 << 1, 'l'};
    expect_refused_group(f, UINT32_C(3) << 30, one, sizeof one);
    expect_refused_group(f, 2, one, sizeof one);
    expect_refused_group(f, 1, two, sizeof two);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_FILES(a_table_out_of_order_ends_the_compaction_with_its_place),
        DB_CASES_ON_FILES(a_group_that_is_not_what_it_says_ends_the_open_with_its_place),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
