/* worker.c: background threads and their job queue. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "io_backend.h"

/* Requests a job can keep in flight: beyond 32 a disk answers no faster (design: 64 for 4 KiB
 * reads, but jobs move blocks of hundreds of KiB). */
enum { WORKER_QUEUE_DEPTH = 32, WORKER_THREADS_MAX = 64 };
/* Without threads a job that waits runs others inside itself, each with a borrowed queue: so deep
 * may it go that queues are left for the work of the jobs themselves. */
enum { WORKER_NEST_MAX = LSM_BORROWED_MAX / 2 };

struct job {
    enum lsm_job_class job_class;
    void (*run)(void *argument, struct lsm_queue *queue);
    void *argument;
};

struct worker_thread {
    struct lsm_worker *worker;
    pthread_t thread;
    bool no_compactions;
};

struct lsm_worker {
    struct lsm_io *io;
    pthread_mutex_t mutex; /* guards all below */
    struct lsm_cond changed;
    struct job jobs[LSM_WORKER_JOBS_MAX]; /* oldest first */
    unsigned queued, running;
    unsigned thread_count, started;
    int start_rc; /* the first failure of a starting thread */
    struct lsm_fault start_fault;
    bool stopping;
    bool runner_set;
    bool (*outer_run)(void *context); /* the runner there was before */
    void *outer_context;
    struct worker_thread threads[WORKER_THREADS_MAX];
};

/* ---- the queue of jobs; all REQUIRE the mutex ---- */

static struct job take_at(struct lsm_worker *worker, unsigned index) {
    LSM_ASSERT(index < worker->queued);
    struct job job = worker->jobs[index];
    worker->queued--;
    memmove(&worker->jobs[index], &worker->jobs[index + 1],
            (worker->queued - index) * sizeof worker->jobs[0]);
    worker->running++;
    return job;
}

/* The oldest job of the class. */
static bool take_class(struct lsm_worker *worker, enum lsm_job_class job_class, struct job *job) {
    for (unsigned i = 0; i < worker->queued; i++) {
        if (worker->jobs[i].job_class == job_class) {
            *job = take_at(worker, i);
            return true;
        }
    }
    return false;
}

/* The oldest flush, else the oldest job of any kind; false when there is none to take. Spares take
 * their turn: while writers use them up as fast as they are made, a compaction would never begin
 * behind them. */
static bool take_next(struct lsm_worker *worker, bool no_compactions, struct job *job) {
    if (take_class(worker, LSM_JOB_FLUSH, job)) {
        return true;
    }
    if (no_compactions) {
        return take_class(worker, LSM_JOB_SPARE, job);
    }
    if (worker->queued == 0) {
        return false;
    }
    *job = take_at(worker, 0);
    return true;
}

/* As threads would have it, but by the seed: any job may come first, for any may be the one that a
 * thread happened to take and finish early. */
static bool take_by_seed(struct lsm_worker *worker, struct job *job) {
    if (worker->queued == 0) {
        return false;
    }
    *job = take_at(worker, lsm_io_choose(worker->io, worker->queued));
    return true;
}

static void job_ended(struct lsm_worker *worker) {
    LSM_ASSERT(worker->running > 0);
    worker->running--;
    if (worker->stopping) {
        lsm_cond_broadcast(&worker->changed); /* the threads that wait for the last job's end */
    }
}

/* ---- threads ---- */

static void run_jobs(struct lsm_worker *worker, bool no_compactions, struct lsm_queue *queue) {
    pthread_mutex_lock(&worker->mutex);
    for (;;) {
        struct job job;
        if (take_next(worker, no_compactions, &job)) {
            pthread_mutex_unlock(&worker->mutex);
            job.run(job.argument, queue);
            LSM_ASSERT(lsm_queue_in_flight(queue) == 0);
            pthread_mutex_lock(&worker->mutex);
            job_ended(worker);
        } else if (worker->stopping && worker->running == 0 && worker->queued == 0) {
            break; /* a running job may still add others: until then all stay */
        } else {
            (void)lsm_cond_wait(worker->io, &worker->changed, &worker->mutex, 0);
        }
    }
    pthread_mutex_unlock(&worker->mutex);
}

static void *thread_body(void *argument) {
    struct worker_thread *self = argument;
    struct lsm_worker *worker = self->worker;
    struct lsm_queue *queue = NULL;
    struct lsm_fault fault;
    /* Made here: a ring of an engine thread may be used by the thread that made it only. */
    int rc = lsm_queue_create(worker->io, WORKER_QUEUE_DEPTH, &queue, &fault);
    pthread_mutex_lock(&worker->mutex);
    if (rc != 0 && worker->start_rc == 0) {
        worker->start_rc = rc;
        worker->start_fault = fault;
    }
    worker->started++;
    lsm_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    if (rc == 0) {
        run_jobs(worker, self->no_compactions, queue);
        lsm_queue_destroy(queue);
    }
    return NULL;
}

static int start_threads(struct lsm_worker *worker, unsigned threads, struct lsm_fault *fault) {
    int rc = 0;
    while (worker->thread_count < threads && rc == 0) {
        struct worker_thread *thread = &worker->threads[worker->thread_count];
        thread->worker = worker;
        thread->no_compactions = worker->thread_count == 0 && threads >= 2;
        char name[16];
        snprintf(name, sizeof name, thread->no_compactions ? "lsm-flush" : "lsm-worker-%u",
                 worker->thread_count);
        rc = lsm_io_spawn(worker->io, name, thread_body, thread, &thread->thread, fault);
        if (rc == 0) {
            worker->thread_count++;
        }
    }
    pthread_mutex_lock(&worker->mutex);
    while (worker->started < worker->thread_count) {
        (void)lsm_cond_wait(worker->io, &worker->changed, &worker->mutex, 0);
    }
    if (rc == 0 && worker->start_rc != 0) {
        rc = worker->start_rc;
        *fault = worker->start_fault;
    }
    pthread_mutex_unlock(&worker->mutex);
    return rc;
}

static void stop_threads(struct lsm_worker *worker) {
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    lsm_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    for (unsigned i = 0; i < worker->thread_count; i++) {
        int rc = pthread_join(worker->threads[i].thread, NULL);
        LSM_ASSERT(rc == 0);
    }
}

/* ---- the public part ---- */

static bool run_one_for_io(void *context) {
    return lsm_worker_run_one(context);
}

static void free_worker(struct lsm_worker *worker) {
    LSM_ASSERT(worker->queued == 0 && worker->running == 0);
    if (worker->runner_set) {
        lsm_io_set_runner(worker->io, worker->outer_run, worker->outer_context);
    }
    lsm_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

int lsm_worker_create(struct lsm_io *io, unsigned threads, struct lsm_worker **worker,
                      struct lsm_fault *fault) {
    LSM_ASSERT(threads <= WORKER_THREADS_MAX);
    struct lsm_worker *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "no memory for the background worker");
    }
    made->io = io;
    int rc = pthread_mutex_init(&made->mutex, NULL);
    LSM_ASSERT(rc == 0);
    lsm_cond_init(&made->changed);
    if (lsm_io_has_threads(io)) {
        rc = start_threads(made, threads, fault);
    } else {
        made->outer_run = io->run_one;
        made->outer_context = io->run_context;
        made->runner_set = true;
        lsm_io_set_runner(io, run_one_for_io, made);
    }
    if (rc != 0) {
        stop_threads(made);
        free_worker(made);
        return rc;
    }
    *worker = made;
    return 0;
}

void lsm_worker_destroy(struct lsm_worker *worker) {
    if (worker == NULL) {
        return;
    }
    stop_threads(worker);
    while (lsm_worker_run_one(worker)) { /* without threads nobody else has */
    }
    free_worker(worker);
}

void lsm_worker_add(struct lsm_worker *worker, enum lsm_job_class job_class,
                    void (*job)(void *argument, struct lsm_queue *queue), void *argument) {
    LSM_ASSERT(job != NULL);
    pthread_mutex_lock(&worker->mutex);
    LSM_ASSERT(worker->queued < LSM_WORKER_JOBS_MAX);
    worker->jobs[worker->queued++] =
        (struct job){.job_class = job_class, .run = job, .argument = argument};
    /* To all: the one woken might be the thread that takes no compactions. */
    lsm_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void lsm_worker_run_spare(struct lsm_worker *worker) {
    struct job job;
    bool taken = false;
    if (lsm_io_has_threads(worker->io)) {
        pthread_mutex_lock(&worker->mutex);
        taken = take_class(worker, LSM_JOB_SPARE, &job);
        pthread_mutex_unlock(&worker->mutex);
    }
    if (taken) {
        job.run(job.argument, NULL);
        pthread_mutex_lock(&worker->mutex);
        job_ended(worker);
        pthread_mutex_unlock(&worker->mutex);
    }
}

bool lsm_worker_run_one(struct lsm_worker *worker) {
    pthread_mutex_lock(&worker->mutex);
    struct job job;
    bool threads = lsm_io_has_threads(worker->io);
    bool taken = false;
    if (threads) {
        taken = take_next(worker, false, &job);
    } else if (worker->running < WORKER_NEST_MAX) {
        taken = take_by_seed(worker, &job);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (!taken) {
        return false;
    }
    /* One of its own for each level of jobs inside jobs: the outer one's has requests in flight. */
    struct lsm_queue *queue = lsm_queue_borrow(worker->io);
    job.run(job.argument, queue);
    lsm_queue_return(worker->io, queue);
    pthread_mutex_lock(&worker->mutex);
    job_ended(worker);
    pthread_mutex_unlock(&worker->mutex);
    return true;
}
