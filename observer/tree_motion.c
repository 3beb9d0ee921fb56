#include "tree_motion.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

/* How far back a job that still runs is looked for. One that began before that is concluded from
 * the marks of its inputs. */
enum { EVENTS_BACK = 1024 };

static bool is_end(enum scope_event_type type) {
    return type == SCOPE_EVENT_FLUSH_END || type == SCOPE_EVENT_COMPACT_END;
}

static bool is_begin(enum scope_event_type type) {
    return type == SCOPE_EVENT_FLUSH_BEGIN || type == SCOPE_EVENT_COMPACT_BEGIN;
}

static struct tree_job job_of(const struct scope_event *event, double seconds) {
    struct tree_job job = {
        .flush = event->type == SCOPE_EVENT_FLUSH_BEGIN || event->type == SCOPE_EVENT_FLUSH_END,
        .running = is_begin(event->type),
        .told = true,
        .number = event->job,
        .from = event->level_from,
        .to = event->level_to,
        .began = seconds,
        .ended = seconds,
        .inputs = event->u.job_info.inputs,
        .outputs = event->u.job_info.outputs,
        .bytes_in = event->u.job_info.bytes_in,
        .bytes_out = event->u.job_info.bytes_out,
        .duration_ns = event->u.job_info.duration_ns,
    };
    if (!job.running) {
        job.began = seconds - (double)job.duration_ns * 1e-9;
    }
    return job;
}

static void take_away(struct tree_motion *motion, uint32_t number) {
    for (size_t i = motion->jobs; i-- > 0;) {
        if (motion->job[i].number == number && motion->job[i].running) {
            memmove(&motion->job[i], &motion->job[i + 1],
                    sizeof motion->job[0] * (motion->jobs - i - 1));
            motion->jobs--;
            return;
        }
    }
}

static void add_job(struct tree_motion *motion, const struct tree_job *job) {
    if (motion->jobs == TREE_JOBS_MAX) { /* the oldest is the one least likely to run still */
        memmove(&motion->job[0], &motion->job[1], sizeof motion->job[0] * (TREE_JOBS_MAX - 1));
        motion->jobs--;
    }
    motion->job[motion->jobs++] = *job;
}

static void read_jobs(const struct history *history, size_t end, double now, bool settled,
                      struct tree_motion *motion) {
    for (size_t i = end > EVENTS_BACK ? end - EVENTS_BACK : 0; i < end; i++) {
        const struct scope_event *event = history_event(history, i);
        if (!is_begin(event->type) && !is_end(event->type)) {
            continue;
        }
        struct tree_job job = job_of(event, history_event_time(history, i));
        if (job.from >= SCOPE_MAX_LEVELS || job.to >= SCOPE_MAX_LEVELS) {
            continue;
        }
        if (job.running) {
            add_job(motion, &job);
            continue;
        }
        take_away(motion, job.number);
        if (!job.flush) {
            motion->has_last = true;
            motion->last = job;
        }
        if (!settled && now - job.ended < TREE_SETTLE_S && event->u.job_info.status == 0) {
            add_job(motion, &job);
        }
    }
}

static bool any_running(const struct tree_motion *motion, unsigned level) {
    for (size_t i = 0; i < motion->jobs; i++) {
        const struct tree_job *job = &motion->job[i];
        if (job->running && !job->flush && (job->from == level || job->to == level)) {
            return true;
        }
    }
    return false;
}

/* Tables that are marked although no job is known to take them: one began before our events do. */
static void conclude_jobs(const struct scope_shape *shape, struct tree_motion *motion) {
    uint32_t marked = 0;
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->tables[i].busy && shape->tables[i].level < SCOPE_MAX_LEVELS) {
            marked |= 1u << shape->tables[i].level;
        }
    }
    for (unsigned level = 0; level < SCOPE_MAX_LEVELS && marked >> level != 0; level++) {
        if ((marked >> level & 1u) == 0 || any_running(motion, level)) {
            continue;
        }
        unsigned to = level + 1 < SCOPE_MAX_LEVELS ? level + 1 : level;
        add_job(motion, &(struct tree_job){.running = true, .from = level, .to = to});
        level++; /* inputs at both ends of one job */
    }
}

static size_t index_of(const struct scope_shape *shape, uint64_t id) {
    for (size_t i = shape->count; i-- > 0;) { /* new ones tend to be at the end */
        if (shape->tables[i].id == id) {
            return i;
        }
    }
    return SIZE_MAX;
}

static bool is_flush(const struct tree_motion *motion, const struct scope_event *event) {
    for (size_t i = 0; i < motion->jobs; i++) {
        if (motion->job[i].number == event->job) {
            return motion->job[i].flush;
        }
    }
    return event->u.table.level == 0;
}

static void read_changes(const struct history *history, const struct scope_shape *shape, size_t end,
                         double now, struct tree_motion *motion) {
    for (size_t i = end; i-- > 0 && motion->changes < TREE_CHANGES_MAX;) {
        double age = now - history_event_time(history, i);
        const struct scope_event *event = history_event(history, i);
        if (age >= TREE_SETTLE_S) {
            break;
        }
        if (event->type < SCOPE_EVENT_TABLE_ADD || event->type > SCOPE_EVENT_TABLE_REMOVE ||
            event->u.table.level >= SCOPE_MAX_LEVELS || event->level_from >= SCOPE_MAX_LEVELS) {
            continue;
        }
        struct tree_change *change = &motion->change[motion->changes];
        *change = (struct tree_change){.progress = fmax(0.0, age / TREE_SETTLE_S),
                                       .index = index_of(shape, event->u.table.id),
                                       .from = event->level_from,
                                       .job = event->job,
                                       .table = event->u.table};
        bool there = change->index != SIZE_MAX;
        change->kind = event->type == SCOPE_EVENT_TABLE_REMOVE ? TREE_REMOVED
                       : event->type == SCOPE_EVENT_TABLE_MOVE ? TREE_MOVED
                       : is_flush(motion, event)               ? TREE_DROPPED
                                                               : TREE_ADDED;
        /* A shape may be older or newer than an event: only what fits it moves. */
        motion->changes += there == (change->kind != TREE_REMOVED) ? 1 : 0;
    }
}

void tree_motion_read(const struct history *history, const struct scope_shape *shape, double moment,
                      double now, bool settled, struct tree_motion *motion) {
    OBS_ASSERT(history != NULL && shape != NULL && now >= moment);
    *motion = (struct tree_motion){0};
    size_t end = history_event_find(history, nextafter(moment, INFINITY));
    read_jobs(history, end, now, settled, motion);
    conclude_jobs(shape, motion);
    if (!settled) {
        read_changes(history, shape, end, now, motion);
    }
}

/* ---- where a job takes from and puts --------------------------------------------------------- */

const struct tree_job *tree_motion_job_of(const struct tree_motion *motion,
                                          const struct scope_table *table) {
    const struct tree_job *found = NULL;
    for (size_t i = 0; i < motion->jobs && table->busy; i++) {
        const struct tree_job *job = &motion->job[i];
        if (!job->running || job->flush) {
            continue;
        }
        if (job->from == table->level) {
            return job;
        }
        if (job->to == table->level && found == NULL) {
            found = job;
        }
    }
    return found;
}

static void widen(uint64_t *lo, uint64_t *hi, const struct scope_table *table) {
    *lo = table->lo < *lo ? table->lo : *lo;
    *hi = table->hi > *hi ? table->hi : *hi;
}

bool tree_motion_flow(const struct tree_motion *motion, size_t job, const struct scope_shape *shape,
                      struct tree_flow *flow) {
    OBS_ASSERT(job < motion->jobs);
    const struct tree_job *j = &motion->job[job];
    *flow = (struct tree_flow){.from_lo = UINT64_MAX, .to_lo = UINT64_MAX};
    size_t sources = 0;
    size_t count = j->running ? shape->count : motion->changes;
    for (size_t i = 0; i < count; i++) {
        const struct scope_table *table = j->running ? &shape->tables[i] : &motion->change[i].table;
        bool input = j->running ? table->busy && tree_motion_job_of(motion, table) == j
                                : motion->change[i].kind == TREE_REMOVED &&
                                      motion->change[i].job == j->number;
        if (!input || (table->level != j->from && table->level != j->to)) {
            continue;
        }
        widen(&flow->to_lo, &flow->to_hi, table);
        flow->inputs++;
        if (table->level == j->from) {
            widen(&flow->from_lo, &flow->from_hi, table);
            sources++;
        }
    }
    return sources > 0;
}
