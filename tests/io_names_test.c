/* What the seam promises of names, locks and time holds on each of its backends. */
#include "io_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- names ---- */

static void names_are_made_moved_linked_listed_and_removed(void **state) {
    const struct io_fixture *f = *state;
    must(lsm_io_mkdir(f->io, f->directory, &io_fault)); /* there already */
    struct lsm_file *file = create(f, "a");
    must(lsm_file_write(file, 0, "A", 1, &io_fault));
    lsm_file_close(file);
    lsm_file_close(create(f, "b"));
    must(
        lsm_io_rename(f->io, path_of(f, "a"), path_of(f, "b"), &io_fault)); /* over what is there */
    must(lsm_io_link(f->io, path_of(f, "b"), path_of(f, "c"), &io_fault));
    assert_int_equal(lsm_io_link(f->io, path_of(f, "b"), path_of(f, "c"), &io_fault), LSM_ERR_IO);
    must(lsm_io_unlink(f->io, path_of(f, "b"), &io_fault));
    must(lsm_io_unlink(f->io, path_of(f, "b"), &io_fault)); /* absent: fine */
    must(lsm_io_sync_dir(f->io, f->directory, &io_fault));
    struct names names = {.count = 0};
    must(lsm_io_list(f->io, f->directory, gather, &names, &io_fault));
    assert_int_equal(names.count, 1);
    assert_string_equal(names.name[0], "c");
    file = open_with(f, "c", LSM_FILE_READ);
    char byte = 0;
    must(lsm_file_read(file, 0, &byte, 1, &io_fault));
    assert_int_equal(byte, 'A');
    lsm_file_close(file);
    assert_int_equal(lsm_io_rename(f->io, path_of(f, "a"), path_of(f, "d"), &io_fault), LSM_ERR_IO);
    assert_non_null(strstr(io_fault.text, "/d"));
}

static void missing_and_wrong_directories_are_told_apart(void **state) {
    const struct io_fixture *f = *state;
    struct names names = {.count = 0};
    assert_int_equal(lsm_io_list(f->io, path_of(f, "no"), gather, &names, &io_fault),
                     LSM_NOT_FOUND);
    lsm_file_close(create(f, "file"));
    const char *file = path_of(f, "file");
    assert_int_equal(lsm_io_list(f->io, file, gather, &names, &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_io_mkdir(f->io, file, &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_io_sync_dir(f->io, path_of(f, "no"), &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_io_rmdir(f->io, f->directory, &io_fault), LSM_ERR_IO); /* not empty */
    assert_int_equal(names.count, 0);
}

static void a_lock_excludes_a_second_one_in_the_same_process(void **state) {
    const struct io_fixture *f = *state;
    struct lsm_file *lock = NULL;
    struct lsm_file *second = NULL;
    const char *path = path_of(f, "LOCK");
    must(lsm_io_lock(f->io, path, &lock, &io_fault));
    assert_int_equal(lsm_io_lock(f->io, path, &second, &io_fault), LSM_ERR_LOCKED);
    char words[64];
    snprintf(words, sizeof words, "held by process %ld", (long)getpid());
    assert_non_null(strstr(io_fault.text, words));
    assert_int_equal(lsm_io_lock(f->io, path, &second, &io_fault), LSM_ERR_LOCKED);
    lsm_io_unlock(f->io, lock);
    must(lsm_io_lock(f->io, path, &lock, &io_fault));
    lsm_io_unlock(f->io, lock);
}

/* A child of a process that held the lock and died lives on: the lock is free all the same. */
static void a_forked_child_does_not_keep_the_lock(void **state) {
    const struct io_fixture *f = *state;
    const char *path = path_of(f, "LOCK");
    int locked[2];
    int release[2];
    assert_int_equal(pipe(locked), 0);
    assert_int_equal(pipe(release), 0);
    pid_t holder = fork();
    assert_true(holder >= 0);
    if (holder == 0) {
        struct lsm_file *lock = NULL;
        if (lsm_io_lock(f->io, path, &lock, &io_fault) != 0) {
            _exit(1);
        }
        pid_t grandchild = fork();
        if (grandchild == 0) {
            close(release[1]);
            (void)!write(locked[1], "x", 1);
            char byte;
            (void)!read(release[0], &byte, 1); /* until the test has seen that the lock is free */
            _exit(0);
        }
        close(release[1]);
        pause();
        _exit(0);
    }
    close(release[0]);
    char byte;
    assert_int_equal(read(locked[0], &byte, 1), 1);
    struct lsm_file *lock = NULL;
    assert_int_equal(lsm_io_lock(f->io, path, &lock, &io_fault), LSM_ERR_LOCKED);
    char words[64];
    snprintf(words, sizeof words, "process %ld", (long)holder);
    assert_non_null(strstr(io_fault.text, words));
    kill(holder, SIGKILL);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    must(lsm_io_lock(f->io, path, &lock, &io_fault));
    lsm_io_unlock(f->io, lock);
    close(release[1]);
    close(locked[0]);
    close(locked[1]);
}

/* ---- time ---- */

static void clocks_move_forward_and_sleep_sleeps(void **state) {
    const struct io_fixture *f = *state;
    uint64_t before = lsm_io_now_ns(f->io);
    lsm_io_sleep_ns(f->io, 2000000);
    assert_true(lsm_io_now_ns(f->io) - before >= 2000000);
    uint64_t s = lsm_io_unix_s(f->io);
    uint64_t ms = lsm_io_unix_ms(f->io);
    assert_true(s > 1600000000 && ms / 1000 >= s && ms / 1000 <= s + 1);
}

static void a_timed_wait_ends_at_its_deadline(void **state) {
    const struct io_fixture *f = *state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct lsm_cond cond;
    lsm_cond_init(&cond);
    pthread_mutex_lock(&mutex);
    uint64_t deadline = lsm_io_now_ns(f->io) + 3000000;
    while (lsm_cond_wait(f->io, &cond, &mutex, deadline)) {
    }
    assert_true(lsm_io_now_ns(f->io) >= deadline);
    pthread_mutex_unlock(&mutex);
    lsm_cond_destroy(&cond);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        CASES_ON_ALL(names_are_made_moved_linked_listed_and_removed),
        CASES_ON_ALL(missing_and_wrong_directories_are_told_apart),
        CASES_ON_ALL(a_lock_excludes_a_second_one_in_the_same_process),
        CASES_ON_FILES(a_forked_child_does_not_keep_the_lock),
        CASES_ON_ALL(clocks_move_forward_and_sleep_sleeps),
        CASES_ON_ALL(a_timed_wait_ends_at_its_deadline),
    };
    return io_fixture_run("io_names_test", tests, sizeof tests / sizeof tests[0]);
}
