/* The simulated backend keeps what was synced, loses what was not, and repeats itself by its seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "io.h"
#include "sim_io.h"
#include "worker.h"

static uint64_t seed;
static struct lsm_fault fault;

static void must(int rc) {
    if (rc != 0) {
        fail_msg("%d: %s", rc, fault.text);
    }
}

static struct lsm_file *create(struct lsm_io *io, const char *path) {
    struct lsm_file *file = NULL;
    must(lsm_file_open(io, path, LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE, &file, &fault));
    return file;
}

static void write_text(struct lsm_file *file, uint64_t offset, const char *text) {
    must(lsm_file_write(file, offset, text, strlen(text), &fault));
}

static bool exists(struct lsm_io *io, const char *path) {
    struct lsm_file *file = NULL;
    int rc = lsm_file_open(io, path, LSM_FILE_READ, &file, &fault);
    lsm_file_close(rc == 0 ? file : NULL);
    return rc == 0;
}

/* The file's bytes; "" when it is absent. */
static const char *content(struct lsm_io *io, const char *path) {
    static char text[65536];
    struct lsm_file *file = NULL;
    text[0] = '\0';
    if (lsm_file_open(io, path, LSM_FILE_READ, &file, &fault) != 0) {
        return text;
    }
    uint64_t size = 0;
    must(lsm_file_size(file, &size, &fault));
    assert_true(size < sizeof text);
    must(lsm_file_read(file, 0, text, size, &fault));
    text[size] = '\0';
    lsm_file_close(file);
    return text;
}

static struct lsm_io *after_cut(struct lsm_io *io, enum sim_cut_mode mode) {
    sim_set_cut_mode(io, mode);
    sim_power_cut(io);
    struct lsm_io *after = sim_restart(io);
    lsm_io_destroy(io);
    return after;
}

/* ---- what a power cut takes ---- */

static void synced_bytes_survive_a_power_cut_and_unsynced_ones_do_not(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    struct lsm_file *file = create(io, "/f");
    write_text(file, 0, "synced");
    must(lsm_file_sync(file, &fault));
    must(lsm_io_sync_dir(io, "/", &fault));
    write_text(file, 0, "SYNCED and more");
    lsm_file_close(file);
    assert_string_equal(content(io, "/f"), "SYNCED and more");
    io = after_cut(io, SIM_CUT_DROP);
    assert_string_equal(content(io, "/f"), "synced");
    lsm_io_destroy(io);
}

static void a_synced_file_is_lost_when_its_name_was_not_synced(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    struct lsm_file *file = create(io, "/f");
    write_text(file, 0, "synced");
    must(lsm_file_sync(file, &fault));
    lsm_file_close(file);
    io = after_cut(io, SIM_CUT_DROP);
    assert_false(exists(io, "/f"));
    lsm_io_destroy(io);
}

static void rename_unlink_and_link_need_a_directory_sync(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    const char *const names[] = {"/a", "/b", "/c"};
    for (size_t i = 0; i < 3; i++) {
        struct lsm_file *file = create(io, names[i]);
        write_text(file, 0, names[i]);
        must(lsm_file_sync(file, &fault));
        lsm_file_close(file);
    }
    must(lsm_io_sync_dir(io, "/", &fault));
    must(lsm_io_rename(io, "/a", "/b", &fault));
    must(lsm_io_unlink(io, "/c", &fault));
    must(lsm_io_link(io, "/b", "/d", &fault));
    assert_string_equal(content(io, "/b"), "/a");
    assert_string_equal(content(io, "/d"), "/a");
    assert_false(exists(io, "/c"));
    io = after_cut(io, SIM_CUT_DROP);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(content(io, names[i]), names[i]);
    }
    assert_false(exists(io, "/d"));

    must(lsm_io_rename(io, "/a", "/b", &fault));
    must(lsm_io_sync_dir(io, "/", &fault));
    io = after_cut(io, SIM_CUT_DROP);
    assert_false(exists(io, "/a"));
    assert_string_equal(content(io, "/b"), "/a");
    lsm_io_destroy(io);
}

static void a_cut_rename_leaves_the_old_name_or_the_new_one(void **state) {
    (void)state;
    unsigned renamed = 0;
    for (uint64_t i = 0; i < 64; i++) {
        struct lsm_io *io = sim_create(seed + i);
        struct lsm_file *file = create(io, "/tmp");
        write_text(file, 0, "x");
        must(lsm_file_sync(file, &fault));
        lsm_file_close(file);
        must(lsm_io_sync_dir(io, "/", &fault));
        must(lsm_io_rename(io, "/tmp", "/CURRENT", &fault));
        io = after_cut(io, SIM_CUT_RANDOM);
        assert_int_equal(exists(io, "/tmp") + exists(io, "/CURRENT"), 1);
        renamed += exists(io, "/CURRENT") ? 1 : 0;
        lsm_io_destroy(io);
    }
    assert_in_range(renamed, 1, 63);
}

static void a_random_cut_keeps_some_unsynced_sectors_and_no_foreign_bytes(void **state) {
    (void)state;
    enum { BYTES = 16 * 4096 };
    static char bytes[BYTES];
    unsigned torn = 0;
    for (uint64_t i = 0; i < 64; i++) {
        struct lsm_io *io = sim_create(seed + i);
        struct lsm_file *file = create(io, "/f");
        memset(bytes, 'a', BYTES);
        must(lsm_file_write(file, 0, bytes, BYTES, &fault));
        must(lsm_file_sync(file, &fault));
        must(lsm_io_sync_dir(io, "/", &fault));
        memset(bytes, 'b', BYTES);
        must(lsm_file_write(file, 0, bytes, BYTES, &fault));
        lsm_file_close(file);
        io = after_cut(io, SIM_CUT_RANDOM);
        must(lsm_file_open(io, "/f", LSM_FILE_READ, &file, &fault));
        must(lsm_file_read(file, 0, bytes, BYTES, &fault));
        size_t new_ones = 0;
        for (size_t at = 0; at < BYTES; at++) {
            assert_true(bytes[at] == 'a' || bytes[at] == 'b');
            assert_true(at % 512 == 0 || bytes[at] == bytes[at - 1]);
            new_ones += bytes[at] == 'b' ? 1 : 0;
        }
        torn += new_ones > 0 && new_ones < BYTES ? 1 : 0;
        lsm_file_close(file);
        lsm_io_destroy(io);
    }
    assert_true(torn > 0);
}

static void stores_into_a_mapping_are_lost_until_synced_but_survive_the_process(void **state) {
    (void)state;
    const char *const expected[3] = {[SIM_CUT_KEEP] = "twothr", [SIM_CUT_DROP] = "two"};
    const enum sim_cut_mode modes[2] = {SIM_CUT_KEEP, SIM_CUT_DROP};
    for (size_t i = 0; i < 2; i++) {
        struct lsm_io *io = sim_create(seed);
        struct lsm_file *file = create(io, "/log");
        must(lsm_file_allocate(file, 8192, &fault));
        must(lsm_io_sync_dir(io, "/", &fault));
        uint8_t *map = NULL;
        must(lsm_file_map(file, 8192, LSM_MAP_SMALL, &map, &fault));
        memcpy(map, "two", 3);
        must(lsm_file_sync(file, &fault));
        memcpy(map + 3, "thr", 3);
        sim_set_cut_mode(io, modes[i]);
        sim_power_cut(io);
        memcpy(map, "late", 4); /* a dead process's memory is not the disk's */
        struct lsm_io *after = sim_restart(io);
        lsm_file_unmap(file, map, 8192);
        lsm_file_close(file);
        lsm_io_destroy(io);
        assert_string_equal(content(after, "/log"), expected[modes[i]]);
        lsm_io_destroy(after);
    }
}

static void a_kill_keeps_everything_and_a_cut_after_it_only_what_was_synced(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    must(lsm_io_mkdir(io, "/db", &fault));
    must(lsm_io_sync_dir(io, "/", &fault));
    struct lsm_file *file = create(io, "/db/f");
    write_text(file, 0, "x");
    lsm_file_close(file);
    sim_kill(io);
    struct lsm_io *after = sim_restart(io);
    lsm_io_destroy(io);
    assert_string_equal(content(after, "/db/f"), "x");
    after = after_cut(after, SIM_CUT_DROP);
    assert_false(exists(after, "/db/f"));
    assert_true(lsm_io_mkdir(after, "/db", &fault) == 0);
    lsm_io_destroy(after);
}

static void dead_handles_give_errors_and_the_lock_is_free_again(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    struct lsm_file *lock = NULL;
    struct lsm_file *second = NULL;
    must(lsm_io_lock(io, "/LOCK", &lock, &fault));
    assert_int_equal(lsm_io_lock(io, "/LOCK", &second, &fault), LSM_ERR_LOCKED);
    struct lsm_file *file = create(io, "/f");
    sim_kill(io);
    assert_true(sim_is_dead(io));
    char byte = 'x';
    assert_int_equal(lsm_file_write(file, 0, &byte, 1, &fault), LSM_ERR_IO);
    assert_int_equal(lsm_file_sync(file, &fault), LSM_ERR_IO);
    assert_int_equal(lsm_io_unlink(io, "/f", &fault), LSM_ERR_IO);
    struct lsm_io *after = sim_restart(io);
    must(lsm_io_lock(after, "/LOCK", &second, &fault));
    lsm_io_unlock(after, second);
    lsm_io_unlock(io, lock);
    lsm_file_close(file);
    lsm_io_destroy(io);
    assert_true(exists(after, "/f"));
    lsm_io_destroy(after);
}

/* ---- planned failures ---- */

static void the_planned_operation_fails_once(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    struct lsm_file *file = create(io, "/f");
    sim_fail_at(io, sim_operations(io) + 2, EIO);
    write_text(file, 0, "a");
    assert_int_equal(lsm_file_sync(file, &fault), LSM_ERR_IO);
    assert_non_null(strstr(fault.text, "/f: sync"));
    must(lsm_file_sync(file, &fault));
    lsm_file_close(file);
    lsm_io_destroy(io);
}

static void a_failed_sync_is_final_even_when_the_disk_is_full(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    struct lsm_file *file = create(io, "/f");
    sim_fail_at(io, sim_operations(io) + 2, ENOSPC);
    write_text(file, 0, "a");
    assert_int_equal(lsm_file_sync(file, &fault), LSM_ERR_IO);
    assert_int_equal(fault.code, LSM_ERR_IO);
    sim_fail_at(io, sim_operations(io) + 1, ENOSPC);
    assert_int_equal(lsm_io_sync_dir(io, "/", &fault), LSM_ERR_IO);
    lsm_file_close(file);
    lsm_io_destroy(io);
}

static void a_planned_cut_ends_the_io_at_that_operation(void **state) {
    (void)state;
    unsigned done = 0;
    for (uint64_t i = 0; i < 32; i++) {
        struct lsm_io *io = sim_create(seed + i);
        struct lsm_file *file = create(io, "/f");
        write_text(file, 0, "a");
        must(lsm_file_sync(file, &fault));
        sim_set_cut_mode(io, SIM_CUT_DROP);
        sim_cut_at(io, sim_operations(io) + 1);
        assert_int_equal(lsm_io_sync_dir(io, "/", &fault), LSM_ERR_IO);
        assert_true(sim_is_dead(io));
        lsm_file_close(file);
        struct lsm_io *after = sim_restart(io);
        lsm_io_destroy(io);
        done += exists(after, "/f") ? 1 : 0; /* done, but nobody heard of it */
        lsm_io_destroy(after);
    }
    assert_in_range(done, 1, 31);
}

static void a_full_disk_refuses_and_takes_again_when_there_is_room(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    sim_set_capacity(io, 10000);
    struct lsm_file *first = create(io, "/a");
    struct lsm_file *second = create(io, "/b");
    must(lsm_file_allocate(first, 8000, &fault));
    assert_int_equal(lsm_file_allocate(second, 8000, &fault), LSM_ERR_NO_SPACE);
    static char bytes[4000];
    assert_int_equal(lsm_file_write(second, 0, bytes, sizeof bytes, &fault), LSM_ERR_NO_SPACE);
    lsm_file_close(first);
    must(lsm_io_unlink(io, "/a", &fault));
    must(lsm_file_write(second, 0, bytes, sizeof bytes, &fault));
    assert_true(sim_used(io) == 4000);
    lsm_file_close(second);
    lsm_io_destroy(io);
}

/* ---- chance, time and waiting ---- */

/* The order in which 16 reads complete, as a number. */
static uint64_t order_of_completions(uint64_t of_seed) {
    struct lsm_io *io = sim_create(of_seed);
    struct lsm_file *file = create(io, "/f");
    static char bytes[16][512];
    must(lsm_file_write(file, 0, bytes, sizeof bytes, &fault));
    struct lsm_queue *queue = lsm_queue_borrow(io);
    struct lsm_request requests[16];
    for (size_t i = 0; i < 16; i++) {
        requests[i] = (struct lsm_request){
            .file = file, .offset = i * 512, .buffer = bytes[i], .length = 512};
        lsm_queue_push(queue, &requests[i]);
    }
    uint64_t order = 0;
    for (size_t i = 0; i < 16; i++) {
        const struct lsm_request *request = lsm_queue_reap(queue, 1);
        assert_non_null(request);
        assert_int_equal(request->result, 0);
        order = order * 16 + (uint64_t)(request - requests);
    }
    lsm_queue_return(io, queue);
    lsm_file_close(file);
    order ^= lsm_io_now_ns(io) << 32;
    lsm_io_destroy(io);
    return order;
}

static void one_seed_gives_one_history_and_another_seed_another(void **state) {
    (void)state;
    uint64_t first = order_of_completions(seed);
    assert_true(first == order_of_completions(seed));
    bool differs = false;
    for (uint64_t i = 1; i < 8; i++) {
        differs = differs || order_of_completions(seed + i) != first;
    }
    assert_true(differs);
}

static void the_clock_moves_by_sleeping_and_by_working_only(void **state) {
    (void)state;
    struct lsm_io *io = sim_create(seed);
    uint64_t before = lsm_io_now_ns(io);
    uint64_t unix_before = lsm_io_unix_ms(io);
    lsm_io_sleep_ns(io, UINT64_C(3600) * 1000000000);
    assert_in_range(lsm_io_now_ns(io) - before, UINT64_C(3600000000000), UINT64_C(3600000001000));
    assert_true(lsm_io_unix_ms(io) - unix_before == 3600000);
    assert_true(lsm_io_unix_s(io) == lsm_io_unix_ms(io) / 1000);
    before = lsm_io_now_ns(io);
    must(lsm_io_mkdir(io, "/d", &fault));
    assert_true(lsm_io_now_ns(io) - before >= 1000);
    lsm_io_destroy(io);
}

struct waited {
    pthread_mutex_t mutex;
    struct lsm_cond cond;
    struct lsm_io *io;
    struct lsm_worker *worker;
    unsigned done, order[8];
};

static void note_job(void *argument, struct lsm_queue *queue) {
    struct waited *waited = argument;
    assert_int_equal(lsm_queue_in_flight(queue), 0);
    pthread_mutex_lock(&waited->mutex);
    waited->done++;
    pthread_mutex_unlock(&waited->mutex);
}

static void nesting_job(void *argument, struct lsm_queue *queue) {
    struct waited *waited = argument;
    (void)queue;
    pthread_mutex_lock(&waited->mutex);
    while (waited->done < 3) {
        (void)lsm_cond_wait(waited->io, &waited->cond, &waited->mutex, 0);
    }
    waited->done++;
    pthread_mutex_unlock(&waited->mutex);
}

static void a_wait_runs_pending_jobs_and_jobs_may_wait_themselves(void **state) {
    (void)state;
    struct waited waited = {.io = sim_create(seed), .mutex = PTHREAD_MUTEX_INITIALIZER};
    lsm_cond_init(&waited.cond);
    must(lsm_worker_create(waited.io, 2, &waited.worker, &fault));
    lsm_worker_add(waited.worker, LSM_JOB_COMPACT, nesting_job, &waited);
    for (int i = 0; i < 3; i++) {
        lsm_worker_add(waited.worker, LSM_JOB_FLUSH, note_job, &waited);
    }
    pthread_mutex_lock(&waited.mutex);
    while (waited.done < 4) {
        assert_true(lsm_cond_wait(waited.io, &waited.cond, &waited.mutex, 0));
    }
    /* Nothing is pending: a deadline is simply reached. */
    uint64_t deadline = lsm_io_now_ns(waited.io) + 5000000;
    assert_false(lsm_cond_wait(waited.io, &waited.cond, &waited.mutex, deadline));
    assert_true(lsm_io_now_ns(waited.io) >= deadline);
    pthread_mutex_unlock(&waited.mutex);
    lsm_worker_destroy(waited.worker);
    lsm_cond_destroy(&waited.cond);
    lsm_io_destroy(waited.io);
}

static void a_wait_that_nothing_can_end_aborts(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(1);
        }
        signal(SIGABRT, SIG_DFL);
        struct lsm_io *io = sim_create(seed);
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        struct lsm_cond cond;
        lsm_cond_init(&cond);
        pthread_mutex_lock(&mutex);
        (void)lsm_cond_wait(io, &cond, &mutex, 0);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void) {
    const char *given = getenv("LSM_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)getpid() * 2654435761u;
    printf("seed %" PRIu64 "; to repeat: LSM_TEST_SEED=%" PRIu64 " sim_test\n", seed, seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_bytes_survive_a_power_cut_and_unsynced_ones_do_not),
        cmocka_unit_test(a_synced_file_is_lost_when_its_name_was_not_synced),
        cmocka_unit_test(rename_unlink_and_link_need_a_directory_sync),
        cmocka_unit_test(a_cut_rename_leaves_the_old_name_or_the_new_one),
        cmocka_unit_test(a_random_cut_keeps_some_unsynced_sectors_and_no_foreign_bytes),
        cmocka_unit_test(stores_into_a_mapping_are_lost_until_synced_but_survive_the_process),
        cmocka_unit_test(a_kill_keeps_everything_and_a_cut_after_it_only_what_was_synced),
        cmocka_unit_test(dead_handles_give_errors_and_the_lock_is_free_again),
        cmocka_unit_test(the_planned_operation_fails_once),
        cmocka_unit_test(a_failed_sync_is_final_even_when_the_disk_is_full),
        cmocka_unit_test(a_planned_cut_ends_the_io_at_that_operation),
        cmocka_unit_test(a_full_disk_refuses_and_takes_again_when_there_is_room),
        cmocka_unit_test(one_seed_gives_one_history_and_another_seed_another),
        cmocka_unit_test(the_clock_moves_by_sleeping_and_by_working_only),
        cmocka_unit_test(a_wait_runs_pending_jobs_and_jobs_may_wait_themselves),
        cmocka_unit_test(a_wait_that_nothing_can_end_aborts),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
