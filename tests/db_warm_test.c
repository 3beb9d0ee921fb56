/* db_warm_test.c: after an open the background opens table after table, and batches that come at
 * once open others meanwhile: right answers, whoever is faster. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_fixture.h"
#include "table_kit.h"

enum { KEYS = 40000, VALUE = 300, BATCH = 64, ROUNDS = 6, THREADS = 3 };

static void value_of(unsigned key, unsigned round, char value[VALUE]) {
    memset(value, 'a' + (int)(key % 26), VALUE);
    snprintf(value, VALUE, "%u-%u", key, round);
}

/* How often a key was written: all once, every third again, every ninth a third time. */
static unsigned round_of(unsigned key) {
    return key % 9 == 0 ? 2 : key % 3 == 0 ? 1 : 0;
}

/* Tables of more than a megabyte, on several levels. */
static void open_filled(struct db_fixture *f) {
    char key[16], value[VALUE];
    f->options = lsm_options_default();
    f->options.memtable_bytes = 4 << 20;
    f->options.table_bytes = 2 << 20;
    db_open(f);
    for (unsigned round = 0, step = 1; round < 3; round++, step *= 3) {
        for (unsigned i = 0; i < KEYS; i += step) {
            int size = snprintf(key, sizeof key, "key%06u", i);
            value_of(i, round, value);
            DB_MUST(f, lsm_put(f->db, NULL, key, (size_t)size, value, VALUE));
        }
        DB_MUST(f, lsm_flush(f->db));
        if (round == 1) { /* the last ones stay above */
            DB_MUST(f, lsm_wait_idle(f->db, 60000));
        }
    }
    assert_true(db_count_files(f, ".sst") > 4);
}

static const char *check_batch(struct lsm_db *db, struct kit_rng *rng) {
    char room[BATCH][16], expected[VALUE];
    struct lsm_key keys[BATCH];
    struct lsm_value values[BATCH];
    unsigned which[BATCH];
    int status[BATCH];
    const char *wrong = NULL;
    for (unsigned i = 0; i < BATCH; i++) {
        which[i] = (unsigned)kit_below(rng, KEYS);
        snprintf(room[i], sizeof room[i], "key%06u", which[i]);
        keys[i] = (struct lsm_key){room[i], strlen(room[i])};
    }
    if (lsm_multi_get(db, NULL, keys, BATCH, values, status) != 0) {
        return "a batch failed";
    }
    for (unsigned i = 0; i < BATCH; i++) {
        value_of(which[i], round_of(which[i]), expected);
        if (status[i] != 0) {
            wrong = "a key is missing";
            continue;
        }
        if (values[i].size != VALUE || memcmp(values[i].data, expected, VALUE) != 0) {
            wrong = "a key has another value";
        }
        lsm_value_release(&values[i]);
    }
    return wrong;
}

/* Of the database's tables that are too large to be opened in no time, those that this process has
 * mapped, and those that there are. */
static void count_tables(const struct db_fixture *f, unsigned *mapped, unsigned *large) {
    static char maps[1 << 20];
    char path[400];
    FILE *file = fopen("/proc/self/maps", "r");
    DIR *directory = opendir(f->path);
    struct stat stat_of;
    assert_true(file != NULL && directory != NULL);
    maps[fread(maps, 1, sizeof maps - 1, file)] = '\0';
    fclose(file);
    *mapped = *large = 0;
    for (const struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        snprintf(path, sizeof path, "%s/%s", f->path, e->d_name);
        if (strstr(e->d_name, ".sst") != NULL && stat(path, &stat_of) == 0 &&
            stat_of.st_size >= 1 << 20) {
            *large += 1;
            *mapped += strstr(maps, path) != NULL;
        }
    }
    closedir(directory);
}

static void tables_are_opened_without_a_reader(void **state) {
    struct db_fixture *f = *state;
    unsigned mapped = 0, large = 1;
    open_filled(f);
    DB_MUST(f, lsm_wait_idle(f->db, 60000)); /* a merge would open them too */
    db_reopen(f);
    for (unsigned i = 0; i < 1000 && mapped < large; i++) {
        usleep(10000);
        count_tables(f, &mapped, &large);
    }
    DB_CHECK(mapped == large && large > 3, "%u of %u tables are open", mapped, large);
}

struct reader {
    pthread_t thread;
    struct lsm_db *db;
    struct kit_rng rng;
    const char *wrong;
};

static void *read_some(void *argument) {
    struct reader *reader = argument;
    for (unsigned i = 0; i < 4 && reader->wrong == NULL; i++) {
        reader->wrong = check_batch(reader->db, &reader->rng);
    }
    return NULL;
}

static void drop_tables(const struct db_fixture *f) {
    char path[400];
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    for (const struct dirent *e = readdir(directory); e != NULL; e = readdir(directory)) {
        snprintf(path, sizeof path, "%s/%s", f->path, e->d_name);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            (void)fsync(fd);
            (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            close(fd);
        }
    }
    closedir(directory);
}

static void batches_that_come_at_once_are_right(void **state) {
    struct db_fixture *f = *state;
    open_filled(f);
    for (unsigned round = 0; round < db_scaled(ROUNDS); round++) {
        struct reader readers[THREADS];
        db_close(f);
        if (round % 2 == 0) {
            drop_tables(f);
        }
        db_open(f);
        for (unsigned i = 0; i < THREADS; i++) {
            readers[i] = (struct reader){.db = f->db, .rng = {db_seed + round * THREADS + i}};
            assert_int_equal(pthread_create(&readers[i].thread, NULL, read_some, &readers[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
            DB_CHECK(readers[i].wrong == NULL, "%s", readers[i].wrong);
        }
    }
}

static void a_close_may_come_in_the_middle(void **state) {
    struct db_fixture *f = *state;
    open_filled(f);
    for (unsigned i = 0; i < 10; i++) {
        db_reopen(f); /* leaks and lost files are the sanitizers' and the next open's to find */
    }
    struct kit_rng rng = {db_seed};
    const char *wrong = check_batch(f->db, &rng);
    DB_CHECK(wrong == NULL, "%s", wrong);
}

int main(int argc, char **argv) {
    db_test_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_are_opened_without_a_reader, db_setup_posix,
                                        db_teardown),
        cmocka_unit_test_setup_teardown(batches_that_come_at_once_are_right, db_setup_posix,
                                        db_teardown),
        cmocka_unit_test_setup_teardown(a_close_may_come_in_the_middle, db_setup_posix,
                                        db_teardown),
    };
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
