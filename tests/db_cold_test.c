/* Batches of keys of a cold table: read past the page cache at first, and then no longer. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_fixture.h"
#include "random.h"

enum { KEYS = 12000, VALUE = 1000, BATCH = 64, PAGE = 4096 };

/* The one table's path; false: there is none. */
static bool table_path(const struct db_fixture *f, char path[400]) {
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    const struct dirent *entry;
    bool found = false;
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".sst") == 0) {
            assert_false(found);
            snprintf(path, 400, "%s/%s", f->path, entry->d_name);
            found = true;
        }
    }
    closedir(directory);
    return found;
}

static void put_all(struct db_fixture *f) {
    char key[16], value[VALUE];
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%06u", i);
        value_fill((uint8_t *)value, i, sizeof value);
        DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, sizeof value));
    }
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
}

/* Pages of the first `bytes` of the file that are in the page cache. */
static size_t present(const char *path, size_t bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    size_t pages = bytes / PAGE, count = 0;
    unsigned char *vector = malloc(pages);
    assert_non_null(vector);
    assert_int_equal(mincore(map, pages * PAGE, vector), 0);
    for (size_t i = 0; i < pages; i++) {
        count += vector[i] & 1;
    }
    free(vector);
    munmap(map, bytes);
    close(fd);
    return count;
}

/* Closes, drops the table from the page cache, opens. Skips where a file system does not drop. */
static void start_cold(struct db_fixture *f, const char *path, size_t bytes) {
    db_close(f);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsync(fd), 0);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    if (present(path, bytes) > 0) {
        print_message("pages stay in memory here: nothing is cold\n");
        skip();
    }
    db_open(f);
}

/* A batch of random keys; `wrong`: as many may be damaged. */
static void get_batch(struct db_fixture *f, struct driver_random *random, unsigned wrong) {
    char room[BATCH][16];
    struct lsm_key keys[BATCH];
    struct lsm_value values[BATCH];
    int status[BATCH];
    unsigned which[BATCH], bad = 0;
    for (unsigned i = 0; i < BATCH; i++) {
        which[i] = (unsigned)(driver_random_below(random, KEYS));
        snprintf(room[i], sizeof room[i], "key%06u", which[i]);
        keys[i] = (struct lsm_key){room[i], strlen(room[i])};
    }
    int rc = lsm_multi_get(f->db, NULL, keys, BATCH, values, status);
    DB_CHECK(rc == 0 || wrong > 0, "a batch: %s", lsm_strerror(rc));
    for (unsigned i = 0; i < BATCH; i++) {
        uint8_t expected[VALUE];
        value_fill(expected, which[i], sizeof expected);
        bad += status[i] != 0;
        DB_CHECK(status[i] == 0 || status[i] == LSM_ERR_CORRUPT, "key %u: %d", which[i], status[i]);
        DB_CHECK(status[i] != 0 ||
                     (values[i].size == VALUE && memcmp(values[i].data, expected, VALUE) == 0),
                 "key %u has another value", which[i]);
        if (status[i] == 0) {
            lsm_value_release(&values[i]);
        }
    }
    DB_CHECK(bad <= wrong, "%u keys of %d are damaged", bad, BATCH);
}

static void open_filled(struct db_fixture *f, enum lsm_compression compression, char path[400]) {
    f->options = lsm_options_default();
    for (unsigned i = 0; i < LSM_LEVELS_MAX; i++) {
        f->options.compression[i] = compression;
    }
    db_open(f);
    put_all(f);
    assert_true(table_path(f, path));
}

static void a_cold_table_comes_into_memory_after_an_eighth(void **state) {
    struct db_fixture *f = *state;
    char path[400];
    struct driver_random random;
    driver_random_init(&random, db_seed, 0);
    open_filled(f, LSM_COMPRESSION_NONE, path);
    size_t bytes = 10 << 20; /* blocks only: filter and index lie behind */
    start_cold(f, path, bytes);
    for (unsigned i = 0; i < 4; i++) {
        get_batch(f, &random, 0);
    }
    size_t some = present(path, bytes);
    DB_CHECK(some < BATCH, "%zu pages are in the page cache after four batches", some);
    for (unsigned i = 0; i < 60; i++) {
        get_batch(f, &random, 0);
    }
    size_t many = present(path, bytes);
    DB_CHECK(many > (size_t)4 * BATCH, "only %zu pages came into memory", many);
}

static void what_is_in_memory_is_not_read_from_the_disk(void **state) {
    struct db_fixture *f = *state;
    char path[400];
    struct driver_random random;
    driver_random_init(&random, db_seed, 0);
    open_filled(f, LSM_COMPRESSION_NONE, path);
    db_reopen(f);
    get_batch(f, &random, 0);
    /* Once seen, in place: a direct read would be repeated. */
    struct lsm_stats before, after;
    lsm_stats_read(f->db, &before);
    driver_random_init(&random, db_seed, 0);
    get_batch(f, &random, 0);
    lsm_stats_read(f->db, &after);
    DB_CHECK(after.cache_misses == before.cache_misses, "%llu blocks were read again",
             (unsigned long long)(after.cache_misses - before.cache_misses));
}

static void cold_compressed_blocks_are_unpacked(void **state) {
    struct db_fixture *f = *state;
    char path[400];
    struct driver_random random;
    driver_random_init(&random, db_seed, 0);
    open_filled(f, LSM_COMPRESSION_LZ4, path);
    start_cold(f, path, 1 << 20);
    for (unsigned i = 0; i < 60; i++) {
        get_batch(f, &random, 0);
    }
}

static void a_damaged_cold_block_is_the_error_of_its_keys(void **state) {
    struct db_fixture *f = *state;
    char path[400];
    struct driver_random random;
    driver_random_init(&random, db_seed, 0);
    open_filled(f, LSM_COMPRESSION_NONE, path);
    db_close(f);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 5 << 20), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 5 << 20), 1);
    close(fd);
    db_open(f);
    start_cold(f, path, 10 << 20);
    for (unsigned i = 0; i < 60; i++) {
        get_batch(f, &random, 8);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASE(a_cold_table_comes_into_memory_after_an_eighth, uring),
        DB_CASE(a_cold_table_comes_into_memory_after_an_eighth, posix),
        DB_CASE(what_is_in_memory_is_not_read_from_the_disk, uring),
        DB_CASE(cold_compressed_blocks_are_unpacked, uring),
        DB_CASE(a_damaged_cold_block_is_the_error_of_its_keys, uring),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
