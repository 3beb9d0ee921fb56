/* Background jobs: all run once, flushes are never kept waiting by compactions, ends are clean. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "sim_io.h"
#include "worker.h"

static uint64_t seed;
static struct lsm_fault fault;

static void must(int rc) {
    if (rc != 0) {
        fail_msg("%d: %s", rc, fault.text);
    }
}

static struct lsm_io *real_io(void) {
    struct lsm_io *io = NULL;
    char notice[256];
    must(lsm_io_create(LSM_IO_AUTO, &io, notice, &fault));
    return io;
}

/* What jobs share: a gate that holds them, and a log of what ran. */
struct scene {
    struct lsm_io *io;
    struct lsm_worker *worker;
    pthread_mutex_t mutex;
    struct lsm_cond changed;
    bool open;
    unsigned waiting, ran;
    unsigned log[64];
    unsigned more; /* jobs that a job is to add when it ends */
};

struct numbered {
    struct scene *scene;
    unsigned number;
};

static void scene_begin(struct scene *scene, struct lsm_io *io, unsigned threads) {
    memset(scene, 0, sizeof *scene);
    scene->io = io;
    pthread_mutex_init(&scene->mutex, NULL);
    lsm_cond_init(&scene->changed);
    must(lsm_worker_create(io, threads, &scene->worker, &fault));
}

static void scene_end(struct scene *scene) {
    lsm_worker_destroy(scene->worker);
    lsm_cond_destroy(&scene->changed);
    pthread_mutex_destroy(&scene->mutex);
    lsm_io_destroy(scene->io);
}

static void log_number(void *argument, struct lsm_queue *queue) {
    const struct numbered *job = argument;
    struct scene *scene = job->scene;
    assert_true(queue == NULL || lsm_queue_in_flight(queue) == 0);
    pthread_mutex_lock(&scene->mutex);
    assert_true(scene->ran < 64);
    scene->log[scene->ran++] = job->number;
    lsm_cond_broadcast(&scene->changed);
    pthread_mutex_unlock(&scene->mutex);
}

static void wait_at_gate(void *argument, struct lsm_queue *queue) {
    struct scene *scene = argument;
    (void)queue;
    pthread_mutex_lock(&scene->mutex);
    scene->waiting++;
    lsm_cond_broadcast(&scene->changed);
    while (!scene->open) {
        (void)lsm_cond_wait(scene->io, &scene->changed, &scene->mutex, 0);
    }
    pthread_mutex_unlock(&scene->mutex);
}

static void wait_for(struct scene *scene, const unsigned *value, unsigned at_least) {
    pthread_mutex_lock(&scene->mutex);
    while (*value < at_least) {
        (void)lsm_cond_wait(scene->io, &scene->changed, &scene->mutex, 0);
    }
    pthread_mutex_unlock(&scene->mutex);
}

static void open_gate(struct scene *scene) {
    pthread_mutex_lock(&scene->mutex);
    scene->open = true;
    lsm_cond_broadcast(&scene->changed);
    pthread_mutex_unlock(&scene->mutex);
}

static void destroy_runs_what_is_queued_once_each(void **state) {
    (void)state;
    enum { COUNT = 60 };
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct scene scene;
        struct numbered jobs[COUNT];
        scene_begin(&scene, real_io(), threads);
        for (unsigned i = 0; i < COUNT; i++) {
            jobs[i] = (struct numbered){&scene, i};
            enum lsm_job_class class = i % 3 == 0 ? LSM_JOB_FLUSH : LSM_JOB_COMPACT;
            lsm_worker_add(scene.worker, class, log_number, &jobs[i]);
        }
        lsm_worker_destroy(scene.worker);
        scene.worker = NULL;
        assert_int_equal(scene.ran, COUNT);
        bool seen[COUNT] = {false};
        for (unsigned i = 0; i < COUNT; i++) {
            assert_false(seen[scene.log[i]]);
            seen[scene.log[i]] = true;
        }
        scene_end(&scene);
    }
}

static void a_flush_runs_while_compactions_hold_every_other_thread(void **state) {
    (void)state;
    struct scene scene;
    scene_begin(&scene, real_io(), 3);
    struct numbered flush = {&scene, 7};
    for (int i = 0; i < 5; i++) {
        lsm_worker_add(scene.worker, LSM_JOB_COMPACT, wait_at_gate, &scene);
    }
    wait_for(&scene, &scene.waiting, 2); /* two threads of three: one is kept */
    lsm_worker_add(scene.worker, LSM_JOB_FLUSH, log_number, &flush);
    wait_for(&scene, &scene.ran, 1);
    assert_int_equal(scene.waiting, 2);
    open_gate(&scene);
    scene_end(&scene);
    assert_int_equal(scene.waiting, 5);
}

static void with_one_thread_flushes_go_first_and_each_kind_in_order(void **state) {
    (void)state;
    struct scene scene;
    struct numbered jobs[6];
    scene_begin(&scene, real_io(), 1);
    lsm_worker_add(scene.worker, LSM_JOB_COMPACT, wait_at_gate, &scene);
    wait_for(&scene, &scene.waiting, 1);
    for (unsigned i = 0; i < 6; i++) {
        jobs[i] = (struct numbered){&scene, i};
        enum lsm_job_class class = i % 2 == 0 ? LSM_JOB_COMPACT : LSM_JOB_FLUSH;
        lsm_worker_add(scene.worker, class, log_number, &jobs[i]);
    }
    open_gate(&scene);
    wait_for(&scene, &scene.ran, 6);
    const unsigned expected[6] = {1, 3, 5, 0, 2, 4};
    assert_memory_equal(scene.log, expected, sizeof expected);
    scene_end(&scene);
}

/* Flushes first; the others take turns, so that spares that never end keep no compaction waiting.
 */
static void spares_and_compactions_take_turns(void **state) {
    (void)state;
    struct scene scene;
    struct numbered jobs[6];
    static const enum lsm_job_class classes[6] = {LSM_JOB_SPARE,   LSM_JOB_COMPACT, LSM_JOB_SPARE,
                                                  LSM_JOB_COMPACT, LSM_JOB_FLUSH,   LSM_JOB_SPARE};
    scene_begin(&scene, real_io(), 1);
    lsm_worker_add(scene.worker, LSM_JOB_COMPACT, wait_at_gate, &scene);
    wait_for(&scene, &scene.waiting, 1);
    for (unsigned i = 0; i < 6; i++) {
        jobs[i] = (struct numbered){&scene, i};
        lsm_worker_add(scene.worker, classes[i], log_number, &jobs[i]);
    }
    open_gate(&scene);
    wait_for(&scene, &scene.ran, 6);
    const unsigned expected[6] = {4, 0, 1, 2, 3, 5};
    assert_memory_equal(scene.log, expected, sizeof expected);
    scene_end(&scene);
}

/* The thread that takes no compactions does; and where every thread has a long job, that job. */
static void a_spare_is_made_while_compactions_hold_every_other_thread(void **state) {
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        struct scene scene;
        scene_begin(&scene, real_io(), threads);
        struct numbered spare = {&scene, 7};
        unsigned held = threads == 1 ? 1 : threads - 1;
        for (unsigned i = 0; i < held; i++) {
            lsm_worker_add(scene.worker, LSM_JOB_COMPACT, wait_at_gate, &scene);
        }
        wait_for(&scene, &scene.waiting, held);
        lsm_worker_run_spare(scene.worker); /* there is none */
        assert_int_equal(scene.ran, 0);
        lsm_worker_add(scene.worker, LSM_JOB_SPARE, log_number, &spare);
        if (threads == 1) {
            lsm_worker_run_spare(scene.worker);
        }
        wait_for(&scene, &scene.ran, 1);
        assert_int_equal(scene.log[0], 7);
        assert_int_equal(scene.waiting, held);
        open_gate(&scene);
        scene_end(&scene);
    }
}

static void add_more(void *argument, struct lsm_queue *queue) {
    struct scene *scene = argument;
    (void)queue;
    pthread_mutex_lock(&scene->mutex);
    bool again = scene->more > 0;
    scene->more -= again ? 1 : 0;
    scene->ran++;
    enum lsm_job_class class = scene->more % 2 == 0 ? LSM_JOB_FLUSH : LSM_JOB_COMPACT;
    pthread_mutex_unlock(&scene->mutex);
    if (again) {
        lsm_worker_add(scene->worker, class, add_more, scene);
    }
}

static void jobs_that_jobs_add_run_even_while_it_ends(void **state) {
    (void)state;
    for (unsigned threads = 0; threads <= 3; threads++) {
        struct scene scene;
        scene_begin(&scene, real_io(), threads);
        scene.more = 40;
        lsm_worker_add(scene.worker, LSM_JOB_COMPACT, add_more, &scene);
        lsm_worker_destroy(scene.worker);
        assert_int_equal(scene.ran, 41);
        scene.worker = NULL;
        scene_end(&scene);
    }
}

static void add_late(void *argument, struct lsm_queue *queue) {
    struct numbered *last = argument;
    struct scene *scene = last->scene;
    (void)queue;
    pthread_mutex_lock(&scene->mutex);
    scene->waiting++;
    lsm_cond_broadcast(&scene->changed);
    pthread_mutex_unlock(&scene->mutex);
    lsm_io_sleep_ns(scene->io, 20000000); /* the other thread sees meanwhile that it has to end */
    lsm_worker_add(scene->worker, LSM_JOB_COMPACT, log_number, last);
}

static void a_compaction_added_by_the_last_flush_finds_a_thread(void **state) {
    (void)state;
    struct scene scene;
    scene_begin(&scene, real_io(), 2);
    struct numbered last = {&scene, 1};
    lsm_worker_add(scene.worker, LSM_JOB_COMPACT, wait_at_gate, &scene);
    wait_for(&scene, &scene.waiting, 1);
    lsm_worker_add(scene.worker, LSM_JOB_FLUSH, add_late, &last);
    wait_for(&scene, &scene.waiting, 2);
    open_gate(&scene);
    lsm_worker_destroy(scene.worker);
    scene.worker = NULL;
    assert_int_equal(scene.ran, 1);
    scene_end(&scene);
}

static void without_threads_the_caller_runs_jobs_one_at_a_time(void **state) {
    (void)state;
    struct scene scene;
    scene_begin(&scene, real_io(), 0);
    struct numbered jobs[3];
    for (unsigned i = 0; i < 3; i++) {
        jobs[i] = (struct numbered){&scene, i};
        enum lsm_job_class class = i == 2 ? LSM_JOB_FLUSH : LSM_JOB_COMPACT;
        lsm_worker_add(scene.worker, class, log_number, &jobs[i]);
    }
    assert_int_equal(scene.ran, 0);
    for (unsigned i = 1; i <= 3; i++) {
        assert_true(lsm_worker_run_one(scene.worker));
        assert_int_equal(scene.ran, i);
    }
    assert_false(lsm_worker_run_one(scene.worker));
    const unsigned expected[3] = {2, 0, 1};
    assert_memory_equal(scene.log, expected, sizeof expected);
    scene_end(&scene);
}

/* The job's queue is a ring that only its own thread may use: a wrong thread's submit is refused.
 */
static void read_through_queue(void *argument, struct lsm_queue *queue) {
    struct scene *scene = argument;
    struct lsm_file *file = NULL;
    struct lsm_fault own;
    char byte = 0;
    if (lsm_file_open(scene->io, "/proc/self/stat", LSM_FILE_READ, &file, &own) == 0) {
        struct lsm_request request = {.file = file, .buffer = &byte, .length = 1};
        lsm_queue_push(queue, &request);
        const struct lsm_request *done = lsm_queue_reap(queue, 1);
        pthread_mutex_lock(&scene->mutex);
        scene->ran += done == &request && request.result == 0 && byte != 0 ? 1 : 0;
        pthread_mutex_unlock(&scene->mutex);
        lsm_file_close(file);
    }
}

static void each_job_gets_a_queue_that_works_in_its_thread(void **state) {
    (void)state;
    for (unsigned threads = 0; threads <= 2; threads++) {
        struct scene scene;
        scene_begin(&scene, real_io(), threads);
        for (unsigned i = 0; i < 20; i++) {
            enum lsm_job_class class = i % 2 == 0 ? LSM_JOB_FLUSH : LSM_JOB_COMPACT;
            lsm_worker_add(scene.worker, class, read_through_queue, &scene);
        }
        lsm_worker_destroy(scene.worker);
        scene.worker = NULL;
        assert_int_equal(scene.ran, 20);
        scene_end(&scene);
    }
}

static void a_queue_that_cannot_be_made_fails_the_creation(void **state) {
    (void)state;
    struct lsm_io *io = real_io();
    if (lsm_io_backend(io) != LSM_IO_URING) {
        lsm_io_destroy(io);
        skip(); /* a queue of plain calls needs no descriptor */
    }
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(lowest >= 0);
    close(lowest);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit tight = {.rlim_cur = (rlim_t)lowest + 1, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct lsm_worker *worker = NULL;
    int rc = lsm_worker_create(io, 3, &worker, &fault); /* one of three rings can be made */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(rc, LSM_ERR_IO);
    assert_null(worker);
    assert_non_null(strstr(fault.text, "I/O queue"));
    must(lsm_worker_create(io, 3, &worker, &fault));
    lsm_worker_destroy(worker);
    lsm_io_destroy(io);
}

/* ---- by the seed ---- */

static void order_by_seed(uint64_t of_seed, unsigned order[8]) {
    struct scene scene;
    struct numbered jobs[8];
    scene_begin(&scene, sim_create(of_seed), 2);
    for (unsigned i = 0; i < 8; i++) {
        jobs[i] = (struct numbered){&scene, i};
        enum lsm_job_class class = i % 2 == 0 ? LSM_JOB_FLUSH : LSM_JOB_COMPACT;
        lsm_worker_add(scene.worker, class, log_number, &jobs[i]);
    }
    while (lsm_worker_run_one(scene.worker)) {
    }
    assert_int_equal(scene.ran, 8);
    memcpy(order, scene.log, 8 * sizeof order[0]);
    scene_end(&scene);
}

static void in_the_simulation_the_seed_orders_the_jobs(void **state) {
    (void)state;
    unsigned first[8];
    unsigned again[8];
    bool differs = false;
    order_by_seed(seed, first);
    order_by_seed(seed, again);
    assert_memory_equal(first, again, sizeof first);
    for (uint64_t i = 1; i < 8; i++) {
        order_by_seed(seed + i, again);
        differs = differs || memcmp(first, again, sizeof first) != 0;
    }
    assert_true(differs);
}

static void two_workers_on_one_simulation_each_serve_waits_again_after_the_other(void **state) {
    (void)state;
    struct scene outer;
    scene_begin(&outer, sim_create(seed), 1);
    struct lsm_worker *inner = NULL;
    must(lsm_worker_create(outer.io, 1, &inner, &fault));
    lsm_worker_destroy(inner);
    struct numbered job = {&outer, 1};
    lsm_worker_add(outer.worker, LSM_JOB_COMPACT, log_number, &job);
    wait_for(&outer, &outer.ran, 1);
    scene_end(&outer);
}

int main(void) {
    const char *given = getenv("LSM_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)getpid() * 2654435761u;
    printf("seed %" PRIu64 "; to repeat: LSM_TEST_SEED=%" PRIu64 " worker_test\n", seed, seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroy_runs_what_is_queued_once_each),
        cmocka_unit_test(a_flush_runs_while_compactions_hold_every_other_thread),
        cmocka_unit_test(with_one_thread_flushes_go_first_and_each_kind_in_order),
        cmocka_unit_test(spares_and_compactions_take_turns),
        cmocka_unit_test(a_spare_is_made_while_compactions_hold_every_other_thread),
        cmocka_unit_test(jobs_that_jobs_add_run_even_while_it_ends),
        cmocka_unit_test(a_compaction_added_by_the_last_flush_finds_a_thread),
        cmocka_unit_test(without_threads_the_caller_runs_jobs_one_at_a_time),
        cmocka_unit_test(each_job_gets_a_queue_that_works_in_its_thread),
        cmocka_unit_test(a_queue_that_cannot_be_made_fails_the_creation),
        cmocka_unit_test(in_the_simulation_the_seed_orders_the_jobs),
        cmocka_unit_test(two_workers_on_one_simulation_each_serve_waits_again_after_the_other),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
