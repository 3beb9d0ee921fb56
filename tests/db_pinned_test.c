/* Values held for long: they lie in the log, whose segments are used again and again. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db_fixture.h"

enum { ROUNDS = 12, PUTS = 120, VALUE_BYTES = 90 };

static void fill_value(char value[VALUE_BYTES], int round) {
    memset(value, 'a' + round % 26, VALUE_BYTES);
}

static void put_round(struct db_fixture *f, int round) {
    char key[16], value[VALUE_BYTES];
    fill_value(value, round);
    for (int i = 0; i < PUTS; i++) {
        int size = snprintf(key, sizeof key, "key%04d", i);
        DB_MUST(f, lsm_put(f->db, NULL, key, (size_t)size, value, sizeof value));
    }
}

static void check_value(const struct lsm_value *held, int round) {
    char value[VALUE_BYTES];
    fill_value(value, round);
    assert_int_equal(held->size, sizeof value);
    assert_memory_equal(held->data, value, sizeof value);
}

/* Each round's segment is done with when its memtable is flushed; the held values of all rounds
 * stay what they were. */
static void a_value_held_is_whole_when_its_log_segment_is_done_with(void **state) {
    struct db_fixture *f = *state;
    struct lsm_value held[ROUNDS];
    f->options.memtable_bytes = 64 << 10;
    db_open(f);
    for (int round = 0; round < ROUNDS; round++) {
        put_round(f, round);
        DB_MUST(f, lsm_get(f->db, NULL, "key0007", 7, &held[round]));
        DB_MUST(f, lsm_flush(f->db));
        DB_MUST(f, lsm_wait_idle(f->db, 60000));
        if (round >= ROUNDS / 2) { /* let go of some: their segments can be used again */
            check_value(&held[round - ROUNDS / 2], round - ROUNDS / 2);
            lsm_value_release(&held[round - ROUNDS / 2]);
        }
    }
    for (int round = ROUNDS / 2; round < ROUNDS; round++) {
        check_value(&held[round], round);
        lsm_value_release(&held[round]);
    }
    db_reopen(f);
    assert_int_equal(db_get(f, "key0119")[0], 'a' + (ROUNDS - 1) % 26);
}

static void an_iterator_outlives_the_log_of_what_it_shows(void **state) {
    struct db_fixture *f = *state;
    struct lsm_iter *iter = NULL;
    f->options.memtable_bytes = 64 << 10;
    db_open(f);
    put_round(f, 0);
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    for (int round = 1; round < 5; round++) {
        DB_MUST(f, lsm_flush(f->db));
        put_round(f, round);
    }
    unsigned seen = 0;
    for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter)) {
        struct lsm_key value = lsm_iter_value(iter);
        assert_int_equal(value.size, VALUE_BYTES);
        assert_int_equal(((const char *)value.data)[VALUE_BYTES - 1], 'a');
        seen++;
    }
    assert_int_equal(seen, PUTS);
    lsm_iter_destroy(iter);
}

/* ---- the writer flushes itself ---- */

/* Files of the log seen so far. They stay open, so that no other gets an inode of theirs. */
struct seen_files {
    int fd[64];
    ino_t inode[64];
    unsigned count;
};

static void see_logs(const struct db_fixture *f, struct seen_files *seen) {
    char path[400];
    struct stat status;
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    for (const struct dirent *d = readdir(directory); d != NULL; d = readdir(directory)) {
        size_t length = strlen(d->d_name);
        if (length < 4 || strcmp(d->d_name + length - 4, ".wal") != 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", f->path, d->d_name);
        assert_int_equal(stat(path, &status), 0);
        unsigned i = 0;
        while (i < seen->count && seen->inode[i] != status.st_ino) {
            i++;
        }
        if (i == seen->count) {
            assert_true(seen->count < 64);
            seen->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
            assert_true(seen->fd[i] >= 0);
            seen->inode[i] = status.st_ino;
            seen->count++;
        }
    }
    closedir(directory);
}

static void a_writer_that_flushes_itself_uses_log_segments_again(void **state) {
    struct db_fixture *f = *state;
    struct seen_files seen = {.count = 0};
    f->options.memtable_bytes = 64 << 10;
    f->options.async_compaction = false;
    db_open(f);
    for (int round = 0; round < ROUNDS; round++) {
        put_round(f, round);
        see_logs(f, &seen);
        DB_MUST(f, lsm_flush(f->db));
        see_logs(f, &seen);
    }
    DB_CHECK(seen.count <= 4, "%d rounds took %u files", ROUNDS, seen.count);
    for (unsigned i = 0; i < seen.count; i++) {
        close(seen.fd[i]);
    }
    db_reopen(f);
    assert_int_equal(db_get(f, "key0119")[0], 'a' + (ROUNDS - 1) % 26);
}

static unsigned mapped_logs(void) {
    char line[512];
    unsigned count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, ".wal") != NULL;
    }
    fclose(maps);
    return count;
}

/* Segments that values are held in when their turn to go comes are given back later, not never. */
static void segments_once_held_go_before_the_close(void **state) {
    struct db_fixture *f = *state;
    struct lsm_value held[ROUNDS];
    f->options.memtable_bytes = 64 << 10;
    f->options.async_compaction = false;
    db_open(f);
    for (int round = 0; round < ROUNDS; round++) {
        put_round(f, round);
        DB_MUST(f, lsm_get(f->db, NULL, "key0007", 7, &held[round]));
        DB_MUST(f, lsm_flush(f->db));
    }
    assert_true(mapped_logs() >= ROUNDS);
    for (int round = 0; round < ROUNDS; round++) {
        check_value(&held[round], round);
        lsm_value_release(&held[round]);
    }
    put_round(f, 0);
    DB_MUST(f, lsm_flush(f->db));
    DB_CHECK(mapped_logs() <= 4, "%u segments are still mapped", mapped_logs());
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(a_value_held_is_whole_when_its_log_segment_is_done_with),
        DB_CASES_ON_ALL(an_iterator_outlives_the_log_of_what_it_shows),
        DB_CASES_ON_FILES(a_writer_that_flushes_itself_uses_log_segments_again),
        DB_CASES_ON_FILES(segments_once_held_go_before_the_close),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
