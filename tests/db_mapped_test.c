/* Tables read in place: the same answers as by requests, values that outlive their table, and a
 * file that is cut short under the mapping. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_fixture.h"
#include "quiet_fork.h"
#include "table_format.h"

enum { KEYS = 4000 };

static void fill(struct db_fixture *f, char mark) {
    char key[32], value[100];
    memset(value, mark, sizeof(value));
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key%06d", i);
        DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, sizeof(value)));
    }
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
}

static int get(struct db_fixture *f, int i, struct lsm_value *value) {
    char key[32];
    snprintf(key, sizeof(key), "key%06d", i);
    return lsm_get(f->db, NULL, key, strlen(key), value);
}

static void expect_all(struct db_fixture *f, char mark) {
    for (int i = 0; i < KEYS; i++) {
        struct lsm_value value;
        DB_MUST(f, get(f, i, &value));
        const char *bytes = value.data;
        DB_CHECK(value.size == 100 && bytes[0] == mark && bytes[99] == mark, "key %d is wrong", i);
        lsm_value_release(&value);
    }
}

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

/* What this process wrote is read without a single request; what it finds, after a first one. */
static void blocks_are_read_in_place_once_seen(void **state) {
    struct db_fixture *f = *state;
    db_open(f);
    fill(f, 'a');
    uint64_t before = stats_of(f).cache_misses;
    expect_all(f, 'a');
    DB_CHECK(stats_of(f).cache_misses == before, "a table of our own was read by requests");
    db_reopen(f);
    before = stats_of(f).cache_misses;
    expect_all(f, 'a');
    uint64_t first = stats_of(f).cache_misses - before;
    DB_CHECK(first > 10, "only %llu blocks were requested", (unsigned long long)first);
    expect_all(f, 'a');
    DB_CHECK(stats_of(f).cache_misses - before == first, "a block was requested twice");
    DB_CHECK(stats_of(f).cache_bytes == 0, "blocks are kept twice");
}

static void a_value_outlives_its_table(void **state) {
    struct db_fixture *f = *state;
    db_open(f);
    fill(f, 'a');
    struct lsm_value held;
    DB_MUST(f, get(f, 17, &held));
    fill(f, 'b');
    DB_MUST(f, lsm_compact_all(f->db));
    expect_all(f, 'b');
    assert_int_equal(held.size, 100);
    assert_int_equal(((const char *)held.data)[99], 'a');
    lsm_value_release(&held);
}

/* The framework takes the signal back with each case; the engine puts its handler in once. */
static void install_handler(void) {
    static struct sigaction handler;
    if ((handler.sa_flags & SA_SIGINFO) == 0) {
        assert_int_equal(lsm_sigbus_guard(), 0);
        assert_int_equal(lsm_sigbus_guard(), 0); /* twice is once */
        assert_int_equal(sigaction(SIGBUS, NULL, &handler), 0);
    }
    assert_int_equal(sigaction(SIGBUS, &handler, NULL), 0);
}

enum place { CUT_ALL, CUT_RECORDS, CUT_KEYS };

static uint64_t place_of(const char *path, enum place place) {
    if (place == CUT_ALL) {
        return 0;
    }
    struct lsm_table_footer footer;
    struct lsm_table_stat stat;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, -(long)sizeof(footer), SEEK_END), 0);
    assert_int_equal(fread(&footer, sizeof(footer), 1, file), 1);
    assert_int_equal(fseek(file, (long)footer.info.offset, SEEK_SET), 0);
    assert_int_equal(fread(&stat, sizeof(stat), 1, file), 1);
    assert_int_equal(fclose(file), 0);
    const struct lsm_section *section = place == CUT_RECORDS ? &stat.records : &stat.keys;
    return section->offset + section->length / 2;
}

static void cut_tables(const struct db_fixture *f, enum place place) {
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    const struct dirent *entry;
    unsigned cut = 0;
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", f->path, entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".sst") == 0) {
            assert_int_equal(truncate(path, (off_t)place_of(path, place)), 0);
            cut++;
        }
    }
    closedir(directory);
    assert_true(cut > 0);
}

static void a_file_cut_short_is_an_error_of_the_read(void **state) {
    struct db_fixture *f = *state;
    install_handler();
    db_open(f);
    fill(f, 'a');
    expect_all(f, 'a');
    cut_tables(f, CUT_ALL);
    for (int i = 0; i < KEYS; i++) {
        struct lsm_value value;
        int rc = get(f, i, &value);
        DB_CHECK(rc == LSM_ERR_IO || rc == LSM_ERR_CORRUPT, "key %d: %d", i, rc);
    }
    struct lsm_iter *iter = NULL;
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    lsm_iter_first(iter);
    DB_CHECK(!lsm_iter_valid(iter) && lsm_iter_status(iter) < 0, "an iterator walks over zeros");
    lsm_iter_destroy(iter);
}

/* ---- a file cut within its index ---- */

enum { TIED = 3000, TIED_BATCH = 100 };

/* Keys that differ late: the search for each ends among separators. */
static struct lsm_key tied_key(int i, char room[40]) {
    return (struct lsm_key){
        room, (size_t)snprintf(room, 40, "%c-long-in-the-middle-%06d", 'a' + i % 2, i / 2)};
}

static void fill_tied(struct db_fixture *f) {
    char room[40], value[100];
    memset(value, 'v', sizeof(value));
    for (int i = 0; i < TIED; i++) {
        struct lsm_key key = tied_key(i, room);
        DB_MUST(f, lsm_put(f->db, NULL, key.data, key.size, value, sizeof(value)));
    }
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_compact_all(f->db));
}

static int size_of_half(struct db_fixture *f) {
    char from[40], to[40];
    struct lsm_key a = tied_key(TIED / 4, from), b = tied_key(TIED / 4 * 3 + 1, to);
    struct lsm_range range = {a.data, a.size, b.data, b.size};
    uint64_t bytes;
    return lsm_approximate_size(f->db, &range, 1, &bytes);
}

static void get_tied(struct db_fixture *f) {
    char rooms[TIED_BATCH][40];
    struct lsm_key keys[TIED_BATCH];
    struct lsm_value values[TIED_BATCH];
    int status[TIED_BATCH];
    for (int i = 0; i < TIED; i += TIED_BATCH) {
        for (int k = 0; k < TIED_BATCH; k++) {
            keys[k] = tied_key(i + k, rooms[k]);
            int rc = lsm_get(f->db, NULL, keys[k].data, keys[k].size, &values[k]);
            DB_CHECK(rc == LSM_ERR_IO, "key %d: %d", i + k, rc);
        }
        int rc = lsm_multi_get(f->db, NULL, keys, TIED_BATCH, values, status);
        DB_CHECK(rc == LSM_ERR_IO, "a batch from key %d: %d", i, rc);
        for (int k = 0; k < TIED_BATCH; k++) {
            DB_CHECK(status[k] == LSM_ERR_IO, "key %d in a batch: %d", i + k, status[k]);
        }
    }
}

/* To the end or to an error, but nothing is missing on the way. */
static void iterate_tied(struct db_fixture *f, bool backward, bool all_seen) {
    char room[40];
    struct lsm_iter *iter = NULL;
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    int n = 0;
    (backward ? lsm_iter_last : lsm_iter_first)(iter);
    for (; lsm_iter_valid(iter); n++) {
        int at = backward ? TIED - 1 - n : n; /* all of a, then all of b */
        struct lsm_key wanted = tied_key(at % (TIED / 2) * 2 + at / (TIED / 2), room);
        struct lsm_key key = lsm_iter_key(iter);
        DB_CHECK(key.size == wanted.size && memcmp(key.data, wanted.data, key.size) == 0,
                 "key %d of the walk is another", n);
        (backward ? lsm_iter_prev : lsm_iter_next)(iter);
    }
    int rc = lsm_iter_status(iter);
    DB_CHECK(rc == LSM_ERR_IO || (all_seen && rc == 0 && n == TIED), "%d after %d keys", rc, n);
    struct lsm_key sought = tied_key(TIED / 3, room);
    lsm_iter_seek(iter, sought.data, sought.size);
    DB_CHECK(!lsm_iter_valid(iter) && lsm_iter_status(iter) == LSM_ERR_IO, "a seek found its way");
    lsm_iter_seek_for_prev(iter, sought.data, sought.size);
    DB_CHECK(!lsm_iter_valid(iter) && lsm_iter_status(iter) == LSM_ERR_IO, "a seek found its way");
    lsm_iter_destroy(iter);
}

static void check_cut_index(struct db_fixture *f, enum place place, bool all_seen) {
    db_open(f);
    fill_tied(f);
    db_reopen(f);
    DB_MUST(f, size_of_half(f)); /* opens the tables and reads no block */
    if (all_seen) {
        struct lsm_iter *iter = NULL;
        DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
        for (lsm_iter_first(iter); lsm_iter_valid(iter);) {
            lsm_iter_next(iter);
        }
        DB_MUST(f, lsm_iter_status(iter));
        lsm_iter_destroy(iter);
    }
    cut_tables(f, place);
    int rc = size_of_half(f);
    DB_CHECK(rc == LSM_ERR_IO, "the size of a range: %d", rc);
    get_tied(f);
    iterate_tied(f, false, all_seen);
    iterate_tied(f, true, all_seen);
    rc = lsm_verify(f->db);
    DB_CHECK(rc == LSM_ERR_IO, "verifying: %d", rc);
    db_put(f, "a-long-in-the-middle-000100", "new");
    db_put(f, "b-long-in-the-middle-000100", "new");
    DB_MUST(f, lsm_flush(f->db));
    rc = lsm_compact_all(f->db);
    DB_CHECK(rc == LSM_ERR_IO, "compacting: %d", rc);
    db_close(f);
    db_wipe(f);
}

static void a_file_cut_within_its_index_is_an_error_of_every_operation(void **state) {
    struct db_fixture *f = *state;
    install_handler();
    for (unsigned i = 0; i < 8; i++) {
        f->options.bloom_fpr = (i & 1) != 0 ? 0 : 0.01;
        f->options.table_bytes = 1 << 20;
        f->options.memtable_bytes = 1 << 20;
        check_cut_index(f, (i & 2) != 0 ? CUT_RECORDS : CUT_KEYS, (i & 4) != 0);
    }
}

/* The handler answers for the engine's mappings only. */
static void another_fault_still_kills(void **state) {
    (void)state;
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGBUS, SIG_DFL);
        if (lsm_sigbus_guard() == 0) {
            (void)raise(SIGBUS);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

#define CASE(name)       cmocka_unit_test_setup_teardown(name, db_setup_posix, db_teardown)
#define CASE_URING(name) cmocka_unit_test_setup_teardown(name, db_setup_uring, db_teardown)

int main(int argc, char **argv) {
    db_test_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_fault_still_kills), /* before anybody installs the handler */
        CASE(blocks_are_read_in_place_once_seen),
        CASE_URING(blocks_are_read_in_place_once_seen),
        CASE(a_value_outlives_its_table),
        CASE(a_file_cut_short_is_an_error_of_the_read),
        CASE(a_file_cut_within_its_index_is_an_error_of_every_operation),
        CASE_URING(a_file_cut_within_its_index_is_an_error_of_every_operation),
    };
    return db_test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
