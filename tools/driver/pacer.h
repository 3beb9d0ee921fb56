/* pacer.h: when each operation is due.
 *
 * Operation i of a kind with rate r is due at start + i / r, whatever happened before: an open
 * loop. A worker that falls behind runs operations back to back until it has caught up, and their
 * latency counts from when they were due, so that a stall is not hidden by the waiting it caused.
 * With N threads, thread t has the operations t, t + N, t + 2N, ...: together exactly the schedule.
 *
 * Threads:    one pacer per worker; `due_ns` alone may be read by others.
 * Times:      CLOCK_MONOTONIC ns. */
#ifndef DRIVER_PACER_H
#define DRIVER_PACER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver_args.h"

struct driver_pacer {
    uint64_t start_ns;
    uint64_t rate_milli[KINDS]; /* 0: not paced by us */
    uint64_t index[KINDS];      /* of the next operation of this thread */
    uint64_t due_kind_ns[KINDS];
    uint64_t step;           /* threads */
    unsigned paced;          /* number of paced kinds */
    uint64_t margin_ns;      /* spin this long before a due time: as timers here need it */
    _Atomic uint64_t due_ns; /* the earliest due time; UINT64_MAX when nothing is paced */
};

/* Kinds with rate 0 or DRIVER_RATE_MAX are left out. REQUIRES: thread < threads. */
void driver_pacer_init(struct driver_pacer *pacer, uint64_t start_ns,
                       const uint64_t rate_milli[KINDS], uint64_t thread, uint64_t threads);
/* The kind due first. REQUIRES: paced > 0. */
enum driver_kind driver_pacer_next(const struct driver_pacer *pacer, uint64_t *due_ns);
/* That operation is done: the kind's next one takes its place. */
void driver_pacer_advance(struct driver_pacer *pacer, enum driver_kind kind);
/* Returns at `due_ns` or a little later, with the time; sooner only when *stop became true. Sleeps,
 * and spins for at most the last 50 us. */
uint64_t driver_pacer_wait(struct driver_pacer *pacer, uint64_t now_ns, uint64_t due_ns,
                           const _Atomic bool *stop);

/* The due time of operation `index`, relative to the start. Saturates after 584 years. */
uint64_t driver_due_ns(uint64_t index, uint64_t rate_milli);
/* How many operations are due before `elapsed_ns`: what a schedule asks for. */
uint64_t driver_due_count(uint64_t elapsed_ns, uint64_t rate_milli);

uint64_t driver_now_ns(void);

#endif
