/* driver_worker.h: the threads that put, get, delete and scan.
 *
 * Each worker follows its own pacer and draws its own keys. Paced kinds are timed from when they
 * were due (response time); unpaced ones take what time the paced leave and are not timed here: the
 * engine's own service times stand for them.
 *
 * Threads:    the struct is written by its thread; members marked _Atomic may be read by others
 *             while it runs, the rest after driver_worker_join.
 * Ownership:  borrows the workload, which must outlive it. */
#ifndef DRIVER_WORKER_H
#define DRIVER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver_args.h"
#include "events.h"
#include "keys.h"
#include "lsm.h"
#include "pacer.h"

/* What all workers of a run share. */
struct driver_workload {
    const struct driver_args *args;
    struct lsm_db *db;
    struct driver_events *events; /* told when the disk is full, and when no longer */
    struct driver_keys_shared keys;
    uint64_t start_ns, end_ns;
    _Atomic bool stop;           /* set by anyone: finish the operation at hand, then end */
    _Atomic uint64_t running;    /* workers that have not ended */
    _Atomic bool full;           /* writes are refused for want of space, and the log has said so */
    _Atomic bool refusing;       /* no write went in since the newest refusal */
    _Atomic uint64_t refused_ns; /* when that was */
    _Atomic bool failed;         /* the first worker to fail sets it, then writes `failure` */
    char failure[400];           /* read after the workers are joined */
};

/* Response times of one kind in one worker, buckets as in lsm.h. Written by one thread with relaxed
 * loads and stores; a reader sees each count whole, though not all of one moment. */
struct driver_latency {
    _Atomic uint64_t count[LSM_LATENCY_BUCKETS];
    _Atomic uint64_t max_ns;
    _Atomic uint64_t max_recent_ns; /* the sampler takes it each second; one overlapping value may
                                       be lost with it */
};

struct driver_worker {
    struct driver_workload *load;
    uint64_t index;
    pthread_t thread;
    bool started;
    struct driver_pacer pacer;
    struct driver_random random;
    struct driver_keys keys;
    unsigned char *value; /* args->value_bytes, the second half constant */
    _Atomic uint64_t done[KINDS];
    _Atomic uint64_t refused; /* writes refused for want of space */
    struct driver_latency latency[KINDS];
    /* Where this thread's time went, filled in at its end. */
    uint64_t ended_ns, cpu_ns, runqueue_ns, waited_ns, switches;
};

/* 0, or an errno value; nothing is left behind then. The clock of load->start_ns may lie ahead. */
int driver_worker_start(struct driver_worker *worker, struct driver_workload *load, uint64_t index);
void driver_worker_join(struct driver_worker *worker); /* also frees */

void driver_latency_add(struct driver_latency *latency, uint64_t ns);
/* Fills `size` bytes: the first half random, the rest 'v': values compress to about half. */
void driver_value_fill(unsigned char *value, uint64_t size, struct driver_random *random);
void driver_value_prepare(unsigned char *value, uint64_t size);

#endif
