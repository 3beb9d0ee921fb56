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

static void cut_tables(const struct db_fixture *f) {
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    const struct dirent *entry;
    unsigned cut = 0;
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", f->path, entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".sst") == 0) {
            assert_int_equal(truncate(path, 0), 0);
            cut++;
        }
    }
    closedir(directory);
    assert_true(cut > 0);
}

static void a_file_cut_short_is_an_error_of_the_read(void **state) {
    struct db_fixture *f = *state;
    assert_int_equal(lsm_sigbus_guard(), 0);
    assert_int_equal(lsm_sigbus_guard(), 0); /* twice is once */
    db_open(f);
    fill(f, 'a');
    expect_all(f, 'a');
    cut_tables(f);
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
    };
    return db_test_run(tests, sizeof(tests) / sizeof(tests[0]));
}
