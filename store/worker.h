/* worker.h: background threads and their job queue.
 *
 * A job is a function and its argument. Flush jobs go before all others, which go in the order they
 * came in; and one thread takes no compactions, so that a long one never keeps a full memtable
 * waiting. Where the seam has no threads (sim) a job runs when somebody waits, or when
 * lsm_worker_run_one is called: in which order is the seed's choice.
 *
 * Threads:    any. Jobs run without any lock held.
 * Ownership:  the argument stays the caller's. */
#ifndef LSM_WORKER_H
#define LSM_WORKER_H

#include "io.h"

struct lsm_worker;
/* SPARE: short ones that serve writes, if not at once. */
enum lsm_job_class { LSM_JOB_FLUSH, LSM_JOB_SPARE, LSM_JOB_COMPACT };

LSM_CHECKED int lsm_worker_create(struct lsm_io *io, unsigned threads, struct lsm_worker **worker,
                                  struct lsm_fault *fault);
/* Runs what is queued, then ends the threads. */
void lsm_worker_destroy(struct lsm_worker *worker);
/* Never fails: jobs live in a ring that grows at create time only; at most LSM_WORKER_JOBS_MAX may
 * be queued. */
enum { LSM_WORKER_JOBS_MAX = 256 };
void lsm_worker_add(struct lsm_worker *worker, enum lsm_job_class job_class,
                    void (*job)(void *argument, struct lsm_queue *queue), void *argument);
/* Runs the oldest spare that is queued, if any, in the calling thread, which runs a job itself: for
 * long ones, where all threads may have such. The spare gets no queue. Nothing without threads. */
void lsm_worker_run_spare(struct lsm_worker *worker);
/* Runs one queued job in the calling thread; false when none is queued. For the seam without
 * threads. */
bool lsm_worker_run_one(struct lsm_worker *worker);

#endif
