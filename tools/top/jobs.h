/* jobs.h: flushes, compactions and stalls up to a moment, begins and ends joined.
 *
 * Made once a frame from the newest events, so that its cost does not depend on the run's length: a
 * job that began longer ago than JOBS_EVENTS_MAX events is not seen to run.
 *
 * Threads:    one thread. */
#ifndef TOP_JOBS_H
#define TOP_JOBS_H

#include "history.h"

enum { JOBS_EVENTS_MAX = 4096, JOBS_RUNNING_MAX = 16, JOBS_DONE_MAX = 64, JOBS_STALLS_MAX = 512 };

struct job {
    double t0, t1;            /* begin; end, or the moment while it runs */
    struct scope_event event; /* its end, or its begin while it runs */
};
struct job_stall {
    double t0, t1;
    bool open; /* still going on */
    enum scope_stall cause;
};
struct jobs {
    struct job running[JOBS_RUNNING_MAX]; /* the newest first, in all three */
    struct job done[JOBS_DONE_MAX];
    struct job_stall stall[JOBS_STALLS_MAX];
    size_t running_count, done_count, stall_count;
};

void jobs_collect(const struct history *history, double at, struct jobs *jobs);

/* Is it a flush, rather than a compaction? */
bool job_is_flush(const struct scope_event *event);
/* Bytes written a second; below 0 when it is not known. */
double job_speed(const struct job *job);

#endif
