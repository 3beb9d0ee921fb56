/* The log beside the tree: what becomes of it when the disk gives back other bytes. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db_fixture.h"
#include "sim_io.h"
#include "wal_format.h"

enum { PUTS = 40, VALUE_BYTES = 90 };

/* Changes bits of the byte at `offset` of the oldest segment: as if the kernel had failed to write
 * its page back, dropped it, and read it again. */
static void change_log(const struct db_fixture *f, off_t offset, uint8_t bits) {
    char oldest[280] = "", path[400];
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    for (const struct dirent *d = readdir(directory); d != NULL; d = readdir(directory)) {
        size_t length = strlen(d->d_name);
        bool log = length > 4 && strcmp(d->d_name + length - 4, ".wal") == 0;
        if (log && (oldest[0] == '\0' || strcmp(d->d_name, oldest) < 0)) {
            snprintf(oldest, sizeof oldest, "%s", d->d_name);
        }
    }
    closedir(directory);
    snprintf(path, sizeof path, "%s/%s", f->path, oldest);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint8_t byte = 0;
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= bits;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void expect_refused(struct db_fixture *f) {
    char detail[256], place[64];
    assert_int_equal(lsm_flush(f->db), LSM_ERR_CORRUPT);
    lsm_error_detail(f->db, detail, sizeof detail);
    snprintf(place, sizeof place, ".wal: offset %d: ", LSM_WAL_PAGE_BYTES);
    DB_CHECK(strstr(detail, place) != NULL, "no file and offset: %s", detail);
    assert_int_equal(lsm_put(f->db, NULL, "k", 1, "v", 1), LSM_ERR_READ_ONLY);
    lsm_error_detail(f->db, detail, sizeof detail);
    DB_CHECK(strstr(detail, place) != NULL, "no reason: %s", detail);
    DB_CHECK(db_count_files(f, ".sst") == 0, "a table was made of it");
}

static void a_log_that_changed_under_a_memtable_is_not_made_a_table(void **state) {
    struct db_fixture *f = *state;
    f->options.async_compaction = false; /* the flush is lsm_flush's own */
    db_open(f);
    db_put_numbered(f, PUTS, VALUE_BYTES);
    change_log(f, LSM_WAL_PAGE_BYTES + 60, 1); /* in the first value */
    expect_refused(f);
}

/* Sizes that lead anywhere, keys out of order. */
static void a_log_that_became_rubbish_under_a_memtable_is_not_made_a_table(void **state) {
    struct db_fixture *f = *state;
    f->options.async_compaction = false;
    db_open(f);
    db_put_numbered(f, PUTS, VALUE_BYTES);
    for (off_t offset = LSM_WAL_PAGE_BYTES; offset < LSM_WAL_PAGE_BYTES + 1000; offset++) {
        change_log(f, offset, 0xff);
    }
    expect_refused(f);
}

static void a_log_with_keys_out_of_order_is_not_made_a_table(void **state) {
    struct db_fixture *f = *state;
    f->options.async_compaction = false;
    db_open(f);
    db_put_numbered(f, PUTS, VALUE_BYTES);
    change_log(f, LSM_WAL_PAGE_BYTES + 24, 0x70); /* in the first key */
    expect_refused(f);
}

/* Whoever iterates compares keys with what became of others: it may find anything, and the flush
 * finds out. */
static void a_log_that_became_rubbish_under_an_order_is_not_made_a_table(void **state) {
    struct db_fixture *f = *state;
    enum { MANY = 4000 };
    for (unsigned first = 0; first < 4; first++) {
        f->options.async_compaction = false;
        f->options.memtable_bytes = 4 << 20; /* holds all */
        db_open(f);
        db_put_numbered(f, MANY, 8);
        for (unsigned round = 0; round < 2; round++) {
            struct lsm_iter *iter = NULL;
            DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
            unsigned steps = 0;
            for (lsm_iter_first(iter); lsm_iter_valid(iter) && steps < 2 * MANY; steps++) {
                lsm_iter_next(iter);
            }
            lsm_iter_destroy(iter);
            off_t at = LSM_WAL_PAGE_BYTES + (off_t)first * 1000;
            for (off_t offset = at; round == 0 && offset < at + 40000; offset += 1 + offset % 3) {
                change_log(f, offset, (uint8_t)(0xff - first * 60));
            }
            for (unsigned i = 0; round == 0 && i < MANY / 2; i++) { /* among those there are */
                char key[16];
                int size = snprintf(key, sizeof key, "key%04ux", i * 7 % MANY);
                DB_MUST(f, lsm_put(f->db, NULL, key, (size_t)size, "v", 1));
            }
        }
        assert_int_equal(lsm_flush(f->db), LSM_ERR_CORRUPT);
        DB_CHECK(db_count_files(f, ".sst") == 0, "a table was made of it");
        (void)lsm_close(f->db);
        f->db = NULL;
        db_wipe(f);
    }
}

static uint64_t rotations(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats.wal_rotations;
}

/* Synced one by one by a database that does not do so of itself: its first segment, in huge pieces,
 * is left for one in small ones. Where there is no room for that, it is tried once, not at every
 * put. */
static void syncs_lead_to_a_segment_that_suits_them_if_there_is_room(void **state) {
    struct db_fixture *f = *state;
    const struct lsm_write_options synced = {.durability = LSM_SYNC};
    char key[32];
    f->options.memtable_bytes = 4 << 20;
    f->options.async_compaction = false;
    for (int room = 0; room < 2; room++) {
        uint64_t before = 0, cheapest = UINT64_MAX, dearest = 0;
        db_open(f);
        sim_set_capacity(f->io, room != 0 ? 0 : sim_used(f->io) + 4096);
        for (int i = 0; i < 40; i++) {
            snprintf(key, sizeof key, "key%d-%d", room, i);
            DB_MUST(f, lsm_put(f->db, &synced, key, strlen(key), "v", 1));
            uint64_t operations = sim_operations(f->io) - before;
            before += operations;
            if (i >= 12) {
                cheapest = operations < cheapest ? operations : cheapest;
                dearest = operations > dearest ? operations : dearest;
            }
        }
        assert_int_equal(rotations(f), room);
        assert_int_equal(cheapest, dearest); /* the put's sync, and nothing else */
        sim_set_capacity(f->io, 0);
        db_close(f);
    }
    db_open(f);
    assert_string_equal(db_get(f, "key0-0"), "v");
    assert_string_equal(db_get(f, "key1-39"), "v");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_FILES(a_log_that_changed_under_a_memtable_is_not_made_a_table),
        DB_CASES_ON_FILES(a_log_that_became_rubbish_under_a_memtable_is_not_made_a_table),
        DB_CASES_ON_FILES(a_log_with_keys_out_of_order_is_not_made_a_table),
        DB_CASES_ON_FILES(a_log_that_became_rubbish_under_an_order_is_not_made_a_table),
        DB_CASE(syncs_lead_to_a_segment_that_suits_them_if_there_is_room, sim),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
