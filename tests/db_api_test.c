/* Life cycle, durability, jobs and maintenance as lsm.h promises them: limits, errors and their
 * words, edges. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_fixture.h"
#include "io.h"
#include "quiet_fork.h"

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

static void expect_detail(struct db_fixture *f, const char *words) {
    char detail[256];
    lsm_error_detail(f->db, detail, sizeof detail);
    DB_CHECK(strstr(detail, words) != NULL, "'%s' does not say '%s'", detail, words);
}

/* ---- life cycle ---- */

static void open_says_what_is_wrong_with_an_option(void **state) {
    struct db_fixture *f = *state;
    const struct {
        const char *words;
        size_t offset;
        uint32_t value;
    } wrong[] = {
        {"max_levels", offsetof(struct lsm_options, max_levels), 1},
        {"max_levels", offsetof(struct lsm_options, max_levels), 9},
        {"memtables_max", offsetof(struct lsm_options, memtables_max), 1},
        {"memtables_max", offsetof(struct lsm_options, memtables_max), 17},
        {"block_bytes", offsetof(struct lsm_options, block_bytes), 511},
        {"block_bytes", offsetof(struct lsm_options, block_bytes), (1 << 20) + 1},
        {"l0_trigger", offsetof(struct lsm_options, l0_trigger), 0},
        {"level_ratio", offsetof(struct lsm_options, level_ratio), 1},
        {"background_threads", offsetof(struct lsm_options, background_threads), 0},
        {"tables_open_max", offsetof(struct lsm_options, tables_open_max), 15},
        {"l0_stop", offsetof(struct lsm_options, l0_stop), 11},
        {"durability", offsetof(struct lsm_options, durability), 4},
        {"io_backend", offsetof(struct lsm_options, io_backend), 3},
    };
    char detail[256];
    struct lsm_db *db = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct lsm_options o = lsm_options_default();
        memcpy((char *)&o + wrong[i].offset, &wrong[i].value, 4);
        assert_int_equal(lsm_open(f->path, &o, &db, detail), LSM_ERR_ARGUMENT);
        assert_non_null(strstr(detail, wrong[i].words));
    }
    struct lsm_options o = lsm_options_default();
    o.bloom_fpr = 0.6;
    assert_int_equal(lsm_open(f->path, &o, &db, detail), LSM_ERR_ARGUMENT);
    o = lsm_options_default();
    o.memtable_bytes = 4095;
    assert_int_equal(lsm_open(f->path, &o, &db, detail), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_open(NULL, NULL, &db, detail), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_open("", NULL, &db, detail), LSM_ERR_ARGUMENT);
    assert_null(db);
    assert_int_equal(access(f->path, F_OK), -1); /* nothing was touched */
}

static void open_creates_or_refuses_as_asked(void **state) {
    struct db_fixture *f = *state;
    struct lsm_db *db = NULL;
    struct lsm_options o = f->options;
    char detail[256];
    o.create_if_missing = false;
    assert_int_equal(lsm_open(f->path, &o, &db, detail), LSM_NOT_FOUND);
    assert_int_equal(lsm_probe(f->path), 0);
    db_open(f);
    db_put(f, "a", "1");
    db_close(f);
    assert_int_equal(lsm_probe(f->path), 1);
    o = f->options;
    o.error_if_exists = true;
    assert_int_equal(lsm_open(f->path, &o, &db, detail), LSM_ERR_BUSY);
    assert_non_null(strstr(detail, f->path));
    f->options.create_if_missing = false;
    db_open(f);
    assert_string_equal(db_get(f, "a"), "1");
    char deep[160];
    snprintf(deep, sizeof deep, "%s/no/parent", f->path);
    assert_int_equal(lsm_open(deep, &o, &db, detail), LSM_ERR_IO);
    assert_null(db);
}

static void a_directory_is_open_once(void **state) {
    struct db_fixture *f = *state;
    struct lsm_db *second = NULL;
    char detail[256];
    db_open(f);
    assert_int_equal(lsm_open(f->path, &f->options, &second, detail), LSM_ERR_LOCKED);
    assert_int_equal(lsm_destroy(f->path, detail), LSM_ERR_LOCKED);
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        int rc = lsm_open(f->path, &f->options, &second, detail);
        _exit(rc == LSM_ERR_LOCKED && strstr(detail, f->path) != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    db_put(f, "still", "fine");
    db_reopen(f);
    assert_string_equal(db_get(f, "still"), "fine");
}

static void a_foreign_directory_is_left_alone(void **state) {
    struct db_fixture *f = *state;
    char name[160], detail[256];
    struct lsm_db *db = NULL;
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(lsm_probe(f->path), 0);
    snprintf(name, sizeof name, "%s/letter.txt", f->path);
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(lsm_probe(f->path), LSM_ERR_NOT_A_DB);
    assert_int_equal(lsm_open(f->path, &f->options, &db, detail), LSM_ERR_NOT_A_DB);
    assert_non_null(strstr(detail, f->path));
    assert_int_equal(lsm_destroy(f->path, detail), LSM_ERR_NOT_A_DB);
    assert_int_equal(db_count_files(f, NULL), 1);
}

static void destroy_takes_the_database_s_files_only(void **state) {
    struct db_fixture *f = *state;
    char name[160], detail[256];
    db_open(f);
    for (unsigned i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "key%u", i);
        db_put(f, name, "some value to fill a memtable with, and then another");
    }
    db_close(f);
    snprintf(name, sizeof name, "%s/letter.txt", f->path);
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(lsm_destroy(f->path, detail), 0);
    assert_int_equal(db_count_files(f, NULL), 1);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(lsm_probe(f->path), 0);
    assert_int_equal(lsm_destroy(f->path, detail), LSM_ERR_NOT_A_DB);
    db_open(f);
    assert_null(db_get(f, "key1"));
    db_close(f);
    assert_int_equal(lsm_destroy(f->path, NULL), 0);
    assert_int_equal(access(f->path, F_OK), -1);
}

/* A database of the child's own. */
static bool open_in_child(const struct db_fixture *f) {
    char path[128];
    struct lsm_db *db = NULL;
    struct lsm_value value = {.size = 0};
    struct lsm_options o = f->options;
    o.async_compaction = false; /* sanitizers allow no threads here */
    snprintf(path, sizeof path, "%s.child", f->path);
    bool fine = lsm_open(path, &o, &db, NULL) == 0 && lsm_put(db, NULL, "a", 1, "2", 1) == 0 &&
                lsm_flush(db) == 0 && lsm_get(db, NULL, "a", 1, &value) == 0 && value.size == 1;
    lsm_value_release(&value);
    return lsm_close(db) == 0 && lsm_destroy(path, NULL) == 0 && fine;
}

static int use_in_child(struct db_fixture *f, struct lsm_snapshot *snapshot,
                        struct lsm_iter *iter) {
    struct lsm_value value;
    struct lsm_stats stats;
    struct lsm_iter *other = NULL;
    uint64_t id = 0;
    bool fine = lsm_put(f->db, NULL, "a", 1, "2", 1) == LSM_ERR_FORKED &&
                lsm_get(f->db, NULL, "a", 1, &value) == LSM_ERR_FORKED &&
                lsm_delete(f->db, NULL, "a", 1) == LSM_ERR_FORKED &&
                lsm_iter_create(f->db, NULL, &other) == LSM_ERR_FORKED &&
                lsm_flush(f->db) == LSM_ERR_FORKED && lsm_sync(f->db) == LSM_ERR_FORKED &&
                lsm_job_schedule(f->db, 0, &id) == LSM_ERR_FORKED &&
                lsm_compact_all(f->db) == LSM_ERR_FORKED &&
                lsm_wait_idle(f->db, 0) == LSM_ERR_FORKED;
    /* It stood on an entry; what that lay in is not mapped here. */
    fine = fine && !lsm_iter_valid(iter) && lsm_iter_status(iter) == LSM_ERR_FORKED;
    lsm_iter_next(iter);
    lsm_iter_prev(iter);
    lsm_iter_first(iter);
    lsm_iter_last(iter);
    lsm_iter_seek(iter, "a", 1);
    lsm_iter_seek_for_prev(iter, "a", 1);
    fine = fine && !lsm_iter_valid(iter) && lsm_iter_status(iter) == LSM_ERR_FORKED;
    lsm_snapshot_release(snapshot);
    lsm_iter_destroy(iter);
    lsm_stats_read(f->db, &stats);
    fine = fine && stats.puts == 0 && lsm_close(f->db) == LSM_ERR_FORKED;
    fine = fine && open_in_child(f);
    return fine ? 0 : 1;
}

static void a_forked_child_is_told_and_does_no_harm(void **state) {
    struct db_fixture *f = *state;
    struct lsm_snapshot *snapshot = NULL;
    struct lsm_iter *iter = NULL;
    db_open(f);
    db_put(f, "a", "1");
    DB_MUST(f, lsm_snapshot_create(f->db, &snapshot));
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    lsm_iter_first(iter);
    assert_true(lsm_iter_valid(iter));
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(use_in_child(f, snapshot, iter));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(lsm_iter_valid(iter));
    lsm_iter_destroy(iter);
    lsm_snapshot_release(snapshot);
    db_put(f, "b", "2");
    db_reopen(f);
    assert_string_equal(db_get(f, "a"), "1");
    assert_string_equal(db_get(f, "b"), "2");
}

static void fewer_levels_than_are_in_use_are_refused(void **state) {
    struct db_fixture *f = *state;
    char detail[256];
    struct lsm_db *db = NULL;
    db_open(f);
    db_put(f, "a", "1");
    DB_MUST(f, lsm_compact_all(f->db));
    DB_MUST(f, lsm_compact_level(f->db, 1));
    DB_MUST(f, lsm_compact_level(f->db, 2));
    db_close(f);
    struct lsm_options o = f->options;
    o.max_levels = 3;
    o.io = f->io;
    assert_int_equal(lsm_open(f->path, &o, &db, detail), LSM_ERR_ARGUMENT);
    assert_non_null(strstr(detail, "level 3"));
    f->options.max_levels = 8;
    db_open(f);
    assert_string_equal(db_get(f, "a"), "1");
}

/* ---- durability ---- */

static void a_stronger_write_makes_buffered_ones_last(void **state) {
    struct db_fixture *f = *state;
    struct lsm_write_options buffered = {LSM_BUFFERED}, process = {LSM_PROCESS}, sync = {LSM_SYNC};
    db_open(f);
    DB_MUST(f, lsm_put(f->db, &buffered, "a", 1, "1", 1));
    assert_int_equal(stats_of(f).wal_bytes, 0); /* in no log */
    assert_int_equal(stats_of(f).flushes, 0);
    DB_MUST(f, lsm_put(f->db, &process, "b", 1, "2", 1));
    assert_int_equal(stats_of(f).flushes, 1);
    uint64_t logged = stats_of(f).wal_bytes, syncs = stats_of(f).wal_syncs;
    assert_true(logged > 0);
    DB_MUST(f, lsm_put(f->db, &sync, "c", 1, "3", 1));
    assert_true(stats_of(f).wal_syncs > syncs);
    assert_int_equal(stats_of(f).flushes, 1); /* nothing buffered since */
    DB_MUST(f, lsm_delete(f->db, &buffered, "b", 1));
    DB_MUST(f, lsm_sync(f->db));
    assert_int_equal(stats_of(f).flushes, 2);
    DB_MUST(f, lsm_put(f->db, &buffered, "d", 1, "4", 1));
    db_reopen(f); /* a clean close keeps buffered writes too */
    assert_string_equal(db_get(f, "a"), "1");
    assert_null(db_get(f, "b"));
    assert_string_equal(db_get(f, "c"), "3");
    assert_string_equal(db_get(f, "d"), "4");
}

/* ---- jobs, maintenance ---- */

static void jobs_are_scheduled_awaited_and_listed(void **state) {
    struct db_fixture *f = *state;
    struct lsm_job job, jobs[300];
    uint64_t id = 0, none = 0;
    size_t count = 0;
    for (int async = 0; async < 2; async++) {
        f->options.async_compaction = async != 0;
        db_open(f);
        db_put(f, "a", "1");
        DB_MUST(f, lsm_flush(f->db));
        assert_int_equal(lsm_job_schedule(f->db, 99, &none), LSM_ERR_ARGUMENT);
        expect_detail(f, "level 99");
        assert_int_equal(lsm_compact_level(f->db, f->options.max_levels), LSM_ERR_ARGUMENT);
        assert_int_equal(lsm_job_status(f->db, 12345, &job), LSM_NOT_FOUND);
        assert_int_equal(lsm_job_wait(f->db, 12345, 0, &job), LSM_NOT_FOUND);
        DB_MUST(f, lsm_job_schedule(f->db, 0, &id));
        DB_MUST(f, lsm_job_status(f->db, id, &job));
        assert_true(async != 0 || job.state == LSM_JOB_PENDING);
        DB_MUST(f, lsm_job_wait(f->db, id, UINT64_MAX, &job)); /* for ever */
        assert_int_equal(job.state, LSM_JOB_COMPLETED);
        assert_int_equal(job.level, 0);
        assert_true(job.bytes_in > 0 && job.bytes_out > 0);
        assert_int_equal(stats_of(f).level[0].tables, 0);
        for (unsigned i = 0; i < 300; i++) { /* of an empty level: done at once */
            DB_MUST(f, lsm_job_schedule(f->db, 3, &none));
            DB_MUST(f, lsm_job_wait(f->db, none, 60000, &job));
            assert_int_equal(job.state, LSM_JOB_COMPLETED);
        }
        DB_MUST(f, lsm_job_list(f->db, jobs, 300, &count));
        assert_true(count > 100 && count <= 300);
        for (size_t i = 1; i < count; i++) {
            assert_true(jobs[i - 1].id < jobs[i].id);
        }
        assert_int_equal(lsm_job_status(f->db, id, &job), LSM_NOT_FOUND); /* long past */
        DB_MUST(f, lsm_job_status(f->db, none, &job));
        db_close(f);
        db_wipe(f);
    }
}

static void in_line_a_scheduled_job_runs_at_the_next_write(void **state) {
    struct db_fixture *f = *state;
    struct lsm_job job;
    uint64_t id = 0;
    f->options.async_compaction = false;
    db_open(f);
    db_put(f, "a", "1");
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_job_schedule(f->db, 0, &id));
    db_put(f, "b", "2");
    DB_MUST(f, lsm_job_status(f->db, id, &job));
    assert_int_equal(job.state, LSM_JOB_COMPLETED);
}

static void compact_all_leaves_one_level(void **state) {
    struct db_fixture *f = *state;
    db_open(f);
    for (unsigned i = 0; i < 4000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%06u", i * 7919 % 4000);
        db_put(f, key, "a value of some length, so that there will be several tables");
    }
    DB_MUST(f, lsm_compact_all(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    struct lsm_stats stats = stats_of(f);
    unsigned used = 0;
    for (uint32_t l = 0; l < stats.levels; l++) {
        used += stats.level[l].tables > 0;
    }
    assert_int_equal(used, 1);
    assert_int_equal(stats.level[0].tables, 0);
    assert_int_equal(stats.memtable_entries, 0);
    assert_int_equal(stats.sealed_count, 0);
    assert_int_equal(stats.obsolete_bytes, 0);
    assert_int_equal(db_count_files(f, ".sst"), stats.tables);
    assert_int_equal(lsm_wait_idle(f->db, UINT64_MAX), 0);
}

static void put_and_move_down(struct db_fixture *f, const char *first, const char *last) {
    db_put(f, first, "x");
    db_put(f, last, "x");
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_compact_level(f->db, 0));
}

/* Holds a compaction that begins until another runs too, or will not for a while. */
static void meet(void *context, const struct lsm_event *event) {
    const struct db_fixture *f = context;
    for (unsigned i = 0; event->type == LSM_EVENT_COMPACT_BEGIN && i < 200; i++) {
        struct lsm_stats stats;
        lsm_stats_read(f->db, &stats);
        if (stats.compactions_running >= 2) {
            return;
        }
        usleep(1000);
    }
}

/* The last level is compacted into itself while a table from above, whose keys lie between its
 * tables, comes down: the two must not both take the gap. */
static void a_level_rewritten_in_place_spares_the_gap_another_job_fills(void **state) {
    struct db_fixture *f = *state;
    f->options.async_compaction = true;
    f->options.background_threads = 4;
    f->options.max_levels = 2;
    f->options.l0_trigger = 4;
    for (uint32_t first = 0; first < 2; first++) {
        db_open(f);
        put_and_move_down(f, "a", "b");
        put_and_move_down(f, "y", "z");
        db_put(f, "m", "x");
        db_put(f, "n", "x");
        DB_MUST(f, lsm_flush(f->db));
        DB_MUST(f, lsm_listener_add(f->db, meet, f));
        uint64_t id[2];
        DB_MUST(f, lsm_job_schedule(f->db, first, &id[0]));
        DB_MUST(f, lsm_job_schedule(f->db, 1 - first, &id[1]));
        for (unsigned i = 0; i < 2; i++) {
            struct lsm_job job;
            DB_MUST(f, lsm_job_wait(f->db, id[i], 60000, &job));
            DB_CHECK(job.state == LSM_JOB_COMPLETED, "job %u: %s", i, lsm_strerror(job.error));
        }
        lsm_listener_remove(f->db, meet, f);
        db_put(f, "a", "x");
        DB_MUST(f, lsm_verify(f->db));
        for (const char *key = "abmnyz"; *key != '\0'; key++) {
            assert_string_equal(db_get(f, (char[]){*key, '\0'}), "x");
        }
        db_close(f);
        db_wipe(f);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_FILES(open_says_what_is_wrong_with_an_option),
        DB_CASES_ON_FILES(open_creates_or_refuses_as_asked),
        DB_CASES_ON_FILES(a_directory_is_open_once),
        DB_CASE(a_foreign_directory_is_left_alone, posix),
        DB_CASES_ON_FILES(destroy_takes_the_database_s_files_only),
        DB_CASES_ON_FILES(a_forked_child_is_told_and_does_no_harm),
        DB_CASES_ON_ALL(fewer_levels_than_are_in_use_are_refused),
        DB_CASES_ON_ALL(jobs_are_scheduled_awaited_and_listed),
        DB_CASES_ON_ALL(in_line_a_scheduled_job_runs_at_the_next_write),
        DB_CASES_ON_ALL(compact_all_leaves_one_level),
        DB_CASES_ON_FILES(a_level_rewritten_in_place_spares_the_gap_another_job_fills),
        DB_CASES_ON_ALL(a_stronger_write_makes_buffered_ones_last),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
