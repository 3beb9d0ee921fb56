/* jobs.c: see jobs.h. The events are read backwards: an end comes before its begin, and a begin
 * whose end was not met is still going on. */
#include "jobs.h"

#include <string.h>

#include "top_check.h"

struct ended {
    struct {
        uint32_t job;
        bool flush;
    } end[JOBS_EVENTS_MAX];
    size_t count;
    bool stall[SCOPE_STALLS]; /* an end met, its begin not yet */
};

bool job_is_flush(const struct scope_event *event) {
    return event->type == SCOPE_EVENT_FLUSH_BEGIN || event->type == SCOPE_EVENT_FLUSH_END;
}

double job_speed(const struct job *job) {
    double seconds = job->t1 - job->t0;
    double bytes = (double)job->event.u.job_info.bytes_out;
    return seconds > 0.0 && bytes > 0.0 ? bytes / seconds : -1.0;
}

/* Takes the end that belongs to a begin; false when there is none. Ends lie close to their begins,
 * so the newest met is looked at first. */
static bool take_end(struct ended *ended, uint32_t job, bool flush) {
    for (size_t i = ended->count; i-- > 0;) {
        if (ended->end[i].job == job && ended->end[i].flush == flush) {
            ended->end[i] = ended->end[--ended->count];
            return true;
        }
    }
    return false;
}

static void job_ended(struct jobs *jobs, struct ended *ended, double t,
                      const struct scope_event *event) {
    bool flush = job_is_flush(event);
    TOP_ASSERT(ended->count < JOBS_EVENTS_MAX);
    ended->end[ended->count].job = event->job;
    ended->end[ended->count++].flush = flush;
    if (jobs->done_count < JOBS_DONE_MAX) {
        double began = t - (double)event->u.job_info.duration_ns * 1e-9;
        jobs->done[jobs->done_count++] = (struct job){began, t, *event};
    }
}

static void stall_ended(struct jobs *jobs, struct ended *ended, double t,
                        const struct scope_event *event) {
    enum scope_stall cause = event->u.stall.cause;
    if (cause < SCOPE_STALLS) {
        ended->stall[cause] = true;
    }
    if (jobs->stall_count < JOBS_STALLS_MAX) {
        double began = t - (double)event->u.stall.duration_ns * 1e-9;
        jobs->stall[jobs->stall_count++] = (struct job_stall){began, t, false, cause};
    }
}

static void stall_begun(struct jobs *jobs, struct ended *ended, double t, double at,
                        const struct scope_event *event) {
    enum scope_stall cause = event->u.stall.cause;
    bool over = cause >= SCOPE_STALLS || ended->stall[cause];
    if (cause < SCOPE_STALLS) {
        ended->stall[cause] = false;
    }
    /* One at a time is in force: an open one is the newest. */
    if (!over && jobs->stall_count == 0) {
        jobs->stall[jobs->stall_count++] = (struct job_stall){t, at, true, cause};
    }
}

void jobs_collect(const struct history *history, double at, struct jobs *jobs) {
    static struct ended ended; /* one thread; too large for a stack frame */
    ended.count = 0;
    memset(ended.stall, 0, sizeof(ended.stall));
    jobs->running_count = jobs->done_count = jobs->stall_count = 0;
    size_t end = history_event_find(history, at + 1e-9);
    size_t begin = end > JOBS_EVENTS_MAX ? end - JOBS_EVENTS_MAX : 0;
    for (size_t i = end; i-- > begin;) {
        const struct scope_event *event = history_event(history, i);
        double t = history_event_time(history, i);
        switch (event->type) {
        case SCOPE_EVENT_FLUSH_END:
        case SCOPE_EVENT_COMPACT_END:
            job_ended(jobs, &ended, t, event);
            break;
        case SCOPE_EVENT_FLUSH_BEGIN:
        case SCOPE_EVENT_COMPACT_BEGIN:
            if (!take_end(&ended, event->job, job_is_flush(event)) &&
                jobs->running_count < JOBS_RUNNING_MAX) {
                jobs->running[jobs->running_count++] = (struct job){t, at, *event};
            }
            break;
        case SCOPE_EVENT_STALL_END:
            stall_ended(jobs, &ended, t, event);
            break;
        case SCOPE_EVENT_STALL_BEGIN:
            stall_begun(jobs, &ended, t, at, event);
            break;
        case SCOPE_EVENT_NONE:
        case SCOPE_EVENT_COMPACT_SCHEDULED:
        case SCOPE_EVENT_WAL_ROTATE:
        case SCOPE_EVENT_ERROR:
        case SCOPE_EVENT_MARKER:
        case SCOPE_EVENT_TABLE_ADD:
        case SCOPE_EVENT_TABLE_MOVE:
        case SCOPE_EVENT_TABLE_REMOVE:
            break;
        }
    }
}
