/* Compressed tables: smaller, read by every path, mixed with others, and damage is still found. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_fixture.h"

enum { KEYS = 5000, BATCH = 200 };

/* Half of it shrinks to nothing. */
static size_t make_value(unsigned i, unsigned mark, uint8_t value[100]) {
    memset(value, 'v', 100);
    value_fill(value, i * 31u + mark, 50);
    return 100;
}

static size_t make_key(unsigned i, char key[16]) {
    return (size_t)snprintf(key, 16, "key%06u", i);
}

static void fill(struct db_fixture *f, unsigned mark) {
    char key[16];
    uint8_t value[100];
    for (unsigned i = 0; i < KEYS; i++) {
        size_t size = make_value(i, mark, value);
        DB_MUST(f, lsm_put(f->db, NULL, key, make_key(i, key), value, size));
    }
    DB_MUST(f, lsm_flush(f->db));
}

static void expect(unsigned i, unsigned mark, const void *data, size_t size) {
    uint8_t value[100];
    size_t expected = make_value(i, mark, value);
    DB_CHECK(size == expected && memcmp(data, value, size) == 0, "key %u has another value", i);
}

/* By gets, batches, forwards and backwards. */
static void expect_all(struct db_fixture *f, unsigned mark) {
    char key[16], keys[BATCH][16];
    for (unsigned i = 0; i < KEYS; i += 7) {
        struct lsm_value value;
        DB_MUST(f, lsm_get(f->db, NULL, key, make_key(i, key), &value));
        expect(i, mark, value.data, value.size);
        lsm_value_release(&value);
    }
    for (unsigned from = 0; from < KEYS; from += BATCH) {
        struct lsm_key asked[BATCH];
        struct lsm_value values[BATCH];
        int status[BATCH];
        for (unsigned i = 0; i < BATCH; i++) {
            asked[i] = (struct lsm_key){keys[i], make_key(from + i, keys[i])};
        }
        DB_MUST(f, lsm_multi_get(f->db, NULL, asked, BATCH, values, status));
        for (unsigned i = 0; i < BATCH; i++) {
            assert_int_equal(status[i], 0);
            expect(from + i, mark, values[i].data, values[i].size);
            lsm_value_release(&values[i]);
        }
    }
    struct lsm_iter *iter = NULL;
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    unsigned i = 0;
    for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter), i++) {
        expect(i, mark, lsm_iter_value(iter).data, lsm_iter_value(iter).size);
    }
    assert_int_equal(i, KEYS);
    for (lsm_iter_last(iter); lsm_iter_valid(iter); lsm_iter_prev(iter), i--) {
        expect(i - 1, mark, lsm_iter_value(iter).data, lsm_iter_value(iter).size);
    }
    assert_int_equal(i, 0);
    assert_int_equal(lsm_iter_status(iter), 0);
    lsm_iter_destroy(iter);
}

static void compress(struct db_fixture *f, enum lsm_compression upper, enum lsm_compression rest) {
    for (unsigned l = 0; l < LSM_LEVELS_MAX; l++) {
        f->options.compression[l] = l < 2 ? upper : rest;
    }
}

static uint64_t table_bytes(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats.table_bytes;
}

static void tables_shrink_and_read_the_same(void **state) {
    struct db_fixture *f = *state;
    uint64_t plain = 0;
    for (unsigned c = 0; c < 3; c++) {
        compress(f, (enum lsm_compression)c, (enum lsm_compression)c);
        f->options.cache_bytes = c == 1 ? 0 : 1 << 20;
        db_open(f);
        fill(f, c);
        DB_MUST(f, lsm_compact_all(f->db));
        expect_all(f, c);
        db_reopen(f);
        expect_all(f, c);
        DB_MUST(f, lsm_verify(f->db));
        uint64_t bytes = table_bytes(f);
        DB_CHECK(c == 0 || bytes < plain * 3 / 4, "%u bytes of %u", (unsigned)bytes,
                 (unsigned)plain);
        plain = c == 0 ? bytes : plain;
        db_close(f);
        db_wipe(f);
    }
}

/* Whatever a database was written with, it can be opened with anything else. */
static void levels_and_opens_may_differ(void **state) {
    struct db_fixture *f = *state;
    static const enum lsm_compression turns[][2] = {
        {LSM_COMPRESSION_NONE, LSM_COMPRESSION_ZSTD},
        {LSM_COMPRESSION_LZ4, LSM_COMPRESSION_NONE},
        {LSM_COMPRESSION_ZSTD, LSM_COMPRESSION_LZ4},
        {LSM_COMPRESSION_NONE, LSM_COMPRESSION_NONE},
    };
    for (unsigned turn = 0; turn < 4; turn++) {
        compress(f, turns[turn][0], turns[turn][1]);
        db_open(f);
        if (turn > 0) {
            expect_all(f, turn - 1);
        }
        fill(f, turn);
        expect_all(f, turn);
        db_close(f);
    }
    f->options.compression[3] = (enum lsm_compression)3;
    char detail[256];
    assert_int_equal(lsm_open(f->path, &f->options, &f->db, detail), LSM_ERR_ARGUMENT);
    assert_non_null(strstr(detail, "compression is 3"));
}

static void damage_first_blocks(const struct db_fixture *f) {
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        size_t size = strlen(entry->d_name);
        if (size > 4 && strcmp(entry->d_name + size - 4, ".sst") == 0) {
            char path[400];
            snprintf(path, sizeof path, "%s/%s", f->path, entry->d_name);
            int fd = open(path, O_WRONLY | O_CLOEXEC);
            assert_true(fd >= 0);
            assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 20), 4);
            assert_int_equal(close(fd), 0);
        }
    }
    closedir(directory);
}

static void a_damaged_compressed_block_is_found(void **state) {
    struct db_fixture *f = *state;
    char key[16];
    struct lsm_value value;
    compress(f, LSM_COMPRESSION_ZSTD, LSM_COMPRESSION_ZSTD);
    db_open(f);
    fill(f, 1);
    DB_MUST(f, lsm_compact_all(f->db));
    db_close(f);
    damage_first_blocks(f);
    db_open(f);
    assert_int_equal(lsm_get(f->db, NULL, key, make_key(0, key), &value), LSM_ERR_CORRUPT);
    assert_int_equal(lsm_verify(f->db), LSM_ERR_CORRUPT);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(tables_shrink_and_read_the_same),
        DB_CASES_ON_ALL(levels_and_opens_may_differ),
        DB_CASES_ON_FILES(a_damaged_compressed_block_is_found),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
