/* db_files_test.c: checkpoints are databases of their own; damage to a directory is found and told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>
#include <fcntl.h>

#include <cmocka.h>

#include "lsm.h"

static char directory[] = "/tmp/lsm-checkpoint-XXXXXX";
static char path_a[64], path_b[64];

static int set_up(void **state) {
    (void)state;
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path_a, sizeof path_a, "%s/a", directory);
    snprintf(path_b, sizeof path_b, "%s/b", directory);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    int rc = lsm_destroy(path_a, NULL);
    rc = lsm_destroy(path_b, NULL); /* not every case makes one */
    (void)rc;
    return rmdir(directory);
}

static struct lsm_db *open_at(const char *path) {
    struct lsm_options options = lsm_options_default();
    struct lsm_db *db = NULL;
    char why[256];
    options.memtable_bytes = 65536;
    options.table_bytes = 65536;
    options.cache_bytes = 0;
    if (lsm_open(path, &options, &db, why) != 0) {
        fail_msg("open %s: %s", path, why);
    }
    return db;
}

static void put_range(struct lsm_db *db, int from, int to, const char *value) {
    for (int i = from; i < to; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%06d", i);
        assert_int_equal(lsm_put(db, NULL, key, strlen(key), value, strlen(value)), 0);
    }
}

static int count_with(struct lsm_db *db, const char *value) {
    struct lsm_iter *iter = NULL;
    int n = 0;
    assert_int_equal(lsm_iter_create(db, NULL, &iter), 0);
    for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter)) {
        struct lsm_key v = lsm_iter_value(iter);
        n += v.size == strlen(value) && memcmp(v.data, value, v.size) == 0;
    }
    assert_int_equal(lsm_iter_status(iter), 0);
    lsm_iter_destroy(iter);
    return n;
}

static void a_checkpoint_holds_what_was_written_before_it(void **state) {
    (void)state;
    struct lsm_db *db = open_at(path_a);
    put_range(db, 0, 5000, "before");
    assert_int_equal(lsm_checkpoint(db, path_b), 0);
    put_range(db, 0, 2500, "after");
    assert_int_equal(lsm_compact_all(db), 0);
    struct lsm_db *copy = open_at(path_b);
    assert_int_equal(count_with(copy, "before"), 5000);
    assert_int_equal(count_with(copy, "after"), 0);
    assert_int_equal(count_with(db, "after"), 2500);
    assert_int_equal(lsm_verify(copy), 0);
    put_range(copy, 5000, 6000, "before"); /* it is a database like any other */
    assert_int_equal(lsm_close(copy), 0);
    assert_int_equal(count_with(db, "before"), 2500);
    assert_int_equal(lsm_close(db), 0);
    copy = open_at(path_b);
    assert_int_equal(count_with(copy, "before"), 6000);
    assert_int_equal(lsm_close(copy), 0);
}

static void an_empty_database_can_be_checkpointed(void **state) {
    (void)state;
    struct lsm_db *db = open_at(path_a);
    assert_int_equal(lsm_checkpoint(db, path_b), 0);
    assert_int_equal(lsm_close(db), 0);
    db = open_at(path_b);
    assert_int_equal(count_with(db, "x"), 0);
    assert_int_equal(lsm_close(db), 0);
}

static void what_is_there_already_is_not_touched(void **state) {
    (void)state;
    struct lsm_db *db = open_at(path_a);
    char why[256];
    put_range(db, 0, 10, "x");
    assert_int_equal(mkdir(path_b, 0700), 0);
    assert_int_equal(lsm_checkpoint(db, path_b), LSM_ERR_ARGUMENT);
    lsm_error_detail(db, why, sizeof why);
    assert_non_null(strstr(why, path_b));
    assert_int_equal(rmdir(path_b), 0); /* still empty */
    assert_int_equal(lsm_checkpoint(db, "/nonexistent/parent/x"), LSM_ERR_IO);
    assert_int_equal(lsm_close(db), 0);
}

/* Flips one byte in the middle of a table. */
static void damage_a_table(const char *path) {
    DIR *dir = opendir(path);
    char name[512] = "";
    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strstr(e->d_name, ".sst") != NULL) {
            snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        }
    }
    closedir(dir);
    assert_true(name[0] != '\0');
    int fd = open(name, O_RDWR | O_CLOEXEC);
    unsigned char byte;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, 100), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 100), 1);
    close(fd);
}

static void verify_names_the_damaged_file(void **state) {
    (void)state;
    struct lsm_db *db = open_at(path_a);
    char why[256];
    put_range(db, 0, 3000, "value");
    assert_int_equal(lsm_compact_all(db), 0);
    assert_int_equal(lsm_verify(db), 0);
    damage_a_table(path_a);
    assert_int_equal(lsm_verify(db), LSM_ERR_CORRUPT);
    lsm_error_detail(db, why, sizeof why);
    assert_non_null(strstr(why, ".sst"));
    assert_int_equal(lsm_close(db), 0);
}

/* The detail names the file and the place, whoever came across the damage. */
static void check_named(struct lsm_db *db) {
    char why[256];
    lsm_error_detail(db, why, sizeof why);
    assert_non_null(strstr(why, ".sst"));
    assert_non_null(strstr(why, "offset"));
    assert_int_equal(lsm_put(db, NULL, "", 0, "", 0), LSM_ERR_ARGUMENT); /* other words */
}

static void iterators_and_compactions_name_the_damaged_file(void **state) {
    (void)state;
    struct lsm_db *db = open_at(path_a);
    struct lsm_iter *iter = NULL;
    put_range(db, 0, 3000, "value");
    assert_int_equal(lsm_compact_all(db), 0);
    damage_a_table(path_a);
    assert_int_equal(lsm_iter_create(db, NULL, &iter), 0);
    lsm_iter_first(iter);
    assert_false(lsm_iter_valid(iter));
    assert_int_equal(lsm_iter_status(iter), LSM_ERR_CORRUPT);
    check_named(db);
    lsm_iter_last(iter);
    while (lsm_iter_valid(iter)) {
        lsm_iter_prev(iter);
    }
    assert_int_equal(lsm_iter_status(iter), LSM_ERR_CORRUPT);
    check_named(db);
    lsm_iter_destroy(iter);
    put_range(db, 0, 1, "value");
    assert_int_equal(lsm_compact_all(db), LSM_ERR_CORRUPT);
    check_named(db);
    assert_int_equal(lsm_close(db), 0);
}

static void a_log_without_current_is_not_taken_for_a_new_database(void **state) {
    (void)state;
    char name[128], why[256];
    struct lsm_options options = lsm_options_default();
    struct lsm_db *db = open_at(path_a);
    put_range(db, 0, 10, "x"); /* in the log only */
    assert_int_equal(lsm_close(db), 0);
    snprintf(name, sizeof name, "%s/CURRENT", path_a);
    char *kept = strdup(name);
    assert_non_null(kept);
    snprintf(name, sizeof name, "%s/kept", directory);
    assert_int_equal(rename(kept, name), 0);
    assert_int_equal(lsm_open(path_a, &options, &db, why), LSM_ERR_CORRUPT);
    assert_non_null(strstr(why, "CURRENT"));
    assert_int_equal(rename(name, kept), 0);
    free(kept);
    db = open_at(path_a);
    assert_int_equal(count_with(db, "x"), 10);
    assert_int_equal(lsm_close(db), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_checkpoint_holds_what_was_written_before_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_database_can_be_checkpointed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_there_already_is_not_touched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_without_current_is_not_taken_for_a_new_database,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(verify_names_the_damaged_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(iterators_and_compactions_name_the_damaged_file, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
