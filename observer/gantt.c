#include "gantt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

/* A few jobs are under way at once; of more, the oldest are taken for dropped. */
enum { CACHES = 4, OPEN_MAX = 64 };

struct cache {
    const struct history *history;
    uint64_t asked;
    struct gantt_job *job;
    size_t capacity;
    struct gantt gantt;
    size_t open[OPEN_MAX]; /* indices of jobs without an end, oldest first */
    size_t open_count;
    double row_end[2][SCOPE_MAX_LEVELS][SCOPE_MAX_LEVELS][GANTT_ROWS_MAX];
    size_t events; /* where reading stopped */
    uint64_t generation;
};

static struct cache caches[CACHES];
static uint64_t calls;

bool gantt_is_move(const struct scope_event *end) {
    return end->type == SCOPE_EVENT_COMPACT_END && end->level_to > end->level_from &&
           end->u.job_info.status == 0 && end->u.job_info.inputs > 0 &&
           end->u.job_info.inputs == end->u.job_info.outputs &&
           end->u.job_info.bytes_in == end->u.job_info.bytes_out &&
           end->u.job_info.entries_in == end->u.job_info.entries_out;
}

/* ---- pairing --------------------------------------------------------------------------------- */

static struct gantt_job *job_add(struct cache *cache, const struct scope_event *event, double t) {
    if (cache->gantt.count == cache->capacity) {
        size_t capacity = cache->capacity == 0 ? 256 : cache->capacity * 2;
        struct gantt_job *grown = realloc(cache->job, capacity * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        cache->job = grown;
        cache->gantt.job = grown;
        cache->capacity = capacity;
    }
    struct gantt_job *job = &cache->job[cache->gantt.count++];
    *job = (struct gantt_job){.scheduled = NAN, .begin = NAN, .end = NAN, .known = t};
    job->job = event->job;
    job->flush = event->type == SCOPE_EVENT_FLUSH_BEGIN || event->type == SCOPE_EVENT_FLUSH_END;
    return job;
}

static void tell(struct cache *cache, struct gantt_job *job, const struct scope_event *event) {
    uint32_t inputs = event->u.job_info.inputs;
    job->from = event->level_from < SCOPE_MAX_LEVELS ? event->level_from : SCOPE_MAX_LEVELS - 1;
    job->to = event->level_to < SCOPE_MAX_LEVELS ? event->level_to : SCOPE_MAX_LEVELS - 1;
    job->inputs = inputs > 0 ? inputs : job->inputs;
    job->outputs = event->u.job_info.outputs;
    job->bytes_in = event->u.job_info.bytes_in > 0 ? event->u.job_info.bytes_in : job->bytes_in;
    job->bytes_out = event->u.job_info.bytes_out;
    job->entries_in = event->u.job_info.entries_in;
    job->entries_out = event->u.job_info.entries_out;
    job->status = event->u.job_info.status;
    double *known = &cache->gantt.kind_known[job->flush][job->from][job->to];
    *known = fmin(*known, job->known);
}

static void open_remove(struct cache *cache, size_t place) {
    memmove(&cache->open[place], &cache->open[place + 1],
            (cache->open_count - place - 1) * sizeof cache->open[0]);
    cache->open_count--;
}

static void open_push(struct cache *cache, size_t index) {
    if (cache->open_count == OPEN_MAX) {
        cache->job[cache->open[0]].dropped = true;
        open_remove(cache, 0);
    }
    cache->open[cache->open_count++] = index;
}

/* The open job that an event speaks of, newest first; NULL: none. */
static struct gantt_job *open_find(struct cache *cache, const struct scope_event *event, bool flush,
                                   size_t *place) {
    for (size_t i = cache->open_count; i-- > 0;) {
        struct gantt_job *job = &cache->job[cache->open[i]];
        if (job->flush == flush && job->job == event->job) {
            *place = i;
            return job;
        }
    }
    return NULL;
}

/* The first row that is free when a job begins. */
static void choose_row(struct cache *cache, struct gantt_job *job) {
    double *ends = cache->row_end[job->flush][job->from][job->to];
    uint8_t row = 0;
    while (row + 1 < GANTT_ROWS_MAX && ends[row] > job->begin) {
        row++;
    }
    job->row = row;
    ends[row] = INFINITY;
}

static void begin(struct cache *cache, const struct scope_event *event, double t, bool flush) {
    size_t place;
    struct gantt_job *job = open_find(cache, event, flush, &place);
    if (job == NULL) {
        job = job_add(cache, event, t);
        if (job == NULL) {
            return;
        }
        open_push(cache, cache->gantt.count - 1);
    }
    tell(cache, job, event);
    job->begin = t;
    choose_row(cache, job);
}

static void end(struct cache *cache, const struct scope_event *event, double t, bool flush) {
    size_t place;
    struct gantt_job *job = open_find(cache, event, flush, &place);
    double took = (double)event->u.job_info.duration_ns * 1e-9;
    bool begun = job != NULL && !isnan(job->begin);
    if (job != NULL) {
        open_remove(cache, place);
    } else if ((job = job_add(cache, event, t)) == NULL) {
        return;
    }
    tell(cache, job, event);
    job->end = t;
    job->moved = gantt_is_move(event);
    if (!begun) {
        job->begin = fmin(t, t - took);
        choose_row(cache, job);
    }
    cache->row_end[job->flush][job->from][job->to][job->row] = t;
    struct gantt *gantt = &cache->gantt;
    gantt->longest_after = fmax(gantt->longest_after, t - job->known);
    gantt->longest_before = fmax(gantt->longest_before, job->known - job->begin);
}

static void take(struct cache *cache, const struct scope_event *event, double t) {
    switch (event->type) {
    case SCOPE_EVENT_COMPACT_SCHEDULED: {
        struct gantt_job *job = job_add(cache, event, t);
        if (job != NULL) {
            tell(cache, job, event);
            job->scheduled = t;
            open_push(cache, cache->gantt.count - 1);
        }
        break;
    }
    case SCOPE_EVENT_FLUSH_BEGIN:
    case SCOPE_EVENT_COMPACT_BEGIN:
        begin(cache, event, t, event->type == SCOPE_EVENT_FLUSH_BEGIN);
        break;
    case SCOPE_EVENT_FLUSH_END:
    case SCOPE_EVENT_COMPACT_END:
        end(cache, event, t, event->type == SCOPE_EVENT_FLUSH_END);
        break;
    case SCOPE_EVENT_STALL_BEGIN:
    case SCOPE_EVENT_STALL_END:
    case SCOPE_EVENT_ERROR:
    case SCOPE_EVENT_MARKER:
    case SCOPE_EVENT_WAL_ROTATE:
    case SCOPE_EVENT_TABLE_ADD:
    case SCOPE_EVENT_TABLE_MOVE:
    case SCOPE_EVENT_TABLE_REMOVE:
    case SCOPE_EVENT_NONE:
        break;
    }
}

/* ---- keeping --------------------------------------------------------------------------------- */

static void reset(struct cache *cache, const struct history *history) {
    cache->history = history;
    cache->gantt = (struct gantt){.job = cache->job};
    cache->open_count = cache->events = 0;
    for (size_t i = 0; i < sizeof cache->row_end / sizeof(double); i++) {
        (&cache->row_end[0][0][0][0])[i] = -INFINITY;
    }
    for (size_t i = 0; i < sizeof cache->gantt.kind_known / sizeof(double); i++) {
        (&cache->gantt.kind_known[0][0][0])[i] = INFINITY;
    }
}

static struct cache *cache_of(const struct history *history) {
    struct cache *oldest = &caches[0];
    for (size_t i = 0; i < CACHES; i++) {
        if (caches[i].history == history) {
            caches[i].asked = ++calls;
            return &caches[i];
        }
        if (caches[i].asked < oldest->asked) {
            oldest = &caches[i];
        }
    }
    reset(oldest, history);
    oldest->asked = ++calls;
    return oldest;
}

const struct gantt *gantt_jobs(const struct history *history) {
    OBS_ASSERT(history != NULL);
    struct cache *cache = cache_of(history);
    size_t count = history_event_count(history);
    if (!history_events_kept(history, cache->generation, cache->events)) {
        reset(cache, history);
    }
    cache->generation = history_event_generation(history);
    for (size_t i = cache->events; i < count; i++) {
        take(cache, history_event(history, i), history_event_time(history, i));
    }
    cache->events = count;
    cache->gantt.open = cache->open;
    cache->gantt.open_count = cache->open_count;
    return &cache->gantt;
}

/* ---- a frame --------------------------------------------------------------------------------- */

bool gantt_state_at(const struct gantt_job *job, double until, enum gantt_state *state) {
    if (job->known > until) {
        return false;
    }
    if (job->end <= until) {
        *state = GANTT_DONE;
    } else if (job->begin <= until) {
        *state = GANTT_RUNNING;
    } else {
        *state = GANTT_WAITING;
    }
    return *state == GANTT_DONE || !job->dropped;
}

struct collector {
    const struct gantt *gantt;
    double t0, t1, until, pixel_s, per_two_pixels;
    struct gantt_frame *frame;
    uint8_t lane_of[2][SCOPE_MAX_LEVELS][SCOPE_MAX_LEVELS];
    size_t last[GANTT_LANES_MAX][GANTT_ROWS_MAX]; /* 1 + the newest bar of a row */
};

static void make_lanes(struct collector *c) {
    struct gantt_frame *frame = c->frame;
    frame->lanes = 0;
    for (int flush = 1; flush >= 0; flush--) {
        for (uint8_t from = 0; from < SCOPE_MAX_LEVELS; from++) {
            for (uint8_t to = 0; to < SCOPE_MAX_LEVELS; to++) {
                if (c->gantt->kind_known[flush][from][to] > c->until) {
                    continue;
                }
                if (frame->lanes < GANTT_LANES_MAX) { /* stranger kinds share the last lane */
                    frame->lane[frame->lanes++] =
                        (struct gantt_lane){.flush = flush, .from = from, .to = to, .rows = 1};
                }
                c->lane_of[flush][from][to] = (uint8_t)(frame->lanes - 1);
            }
        }
    }
}

static void add_waiting(struct collector *c, const struct gantt_job *job, size_t index,
                        size_t lane) {
    double began = job->begin <= c->until ? job->begin : c->until;
    bool seen = began - job->scheduled >= 2.0 * c->pixel_s && began >= c->t0;
    if (seen && job->scheduled <= c->t1 && c->frame->bars < c->frame->bars_max) {
        c->frame->bar[c->frame->bars++] = (struct gantt_bar){.t0 = job->scheduled,
                                                             .t1 = began,
                                                             .count = 1,
                                                             .longest = (uint32_t)index,
                                                             .lane = (uint8_t)lane,
                                                             .row = job->row,
                                                             .open = !(job->begin <= c->until),
                                                             .waiting = true};
    }
}

/* Twice the middle is as good as the middle, and a division less a job. */
static double pixel_of(const struct collector *c, double t0, double t1) {
    return floor((t0 + t1) * c->per_two_pixels);
}

static void add_bar(struct collector *c, size_t lane, const struct gantt_job *job,
                    const struct gantt_bar *bar) {
    struct gantt_frame *frame = c->frame;
    size_t *last = &c->last[lane][bar->row];
    if (*last > 0) {
        struct gantt_bar *before = &frame->bar[*last - 1];
        bool thin = bar->t1 - bar->t0 < c->pixel_s && before->t1 - before->t0 < 2.0 * c->pixel_s;
        bool close =
            thin && !bar->open && !before->open &&
            fabs(pixel_of(c, bar->t0, bar->t1) - pixel_of(c, before->t0, before->t1)) < 0.5;
        if (close || frame->bars == frame->bars_max) {
            const struct gantt_job *longest = &c->gantt->job[before->longest];
            bool longer = job->end - job->begin > longest->end - longest->begin;
            before->t0 = fmin(before->t0, bar->t0);
            before->t1 = fmax(before->t1, bar->t1);
            before->longest = longer ? bar->longest : before->longest;
            before->busy_s += bar->busy_s;
            before->open = before->open || bar->open;
            before->count++;
            return;
        }
    }
    /* The first bars of all rows find room: see the requirement on bars_max. */
    if (frame->bars < frame->bars_max) {
        frame->bar[frame->bars++] = *bar;
        *last = frame->bars;
    }
}

static void add_job(struct collector *c, size_t index) {
    const struct gantt_job *job = &c->gantt->job[index];
    enum gantt_state state;
    if (!gantt_state_at(job, c->until, &state)) {
        return;
    }
    size_t at = c->lane_of[job->flush][job->from][job->to];
    struct gantt_lane *lane = &c->frame->lane[at];
    if (!isnan(job->scheduled)) {
        add_waiting(c, job, index, at);
    }
    lane->waiting += state == GANTT_WAITING && job->scheduled <= c->t1;
    double end = state == GANTT_DONE ? job->end : c->until;
    if (state == GANTT_WAITING || end < c->t0 || job->begin > c->t1) {
        return;
    }
    double inside = fmax(0.0, fmin(end, c->t1) - fmax(job->begin, c->t0));
    double part = end > job->begin ? inside / (end - job->begin) : 1.0;
    lane->jobs++;
    lane->running += state == GANTT_RUNNING;
    lane->moves += state == GANTT_DONE && job->moved;
    lane->measured = lane->measured || end > job->begin || job->bytes_in > 0 || job->bytes_out > 0;
    lane->rows = job->row + 1 > lane->rows ? (uint8_t)(job->row + 1) : lane->rows;
    lane->busy_s += inside;
    if (state == GANTT_DONE && !job->moved) {
        lane->bytes_in += part * (double)job->bytes_in;
        lane->bytes_out += part * (double)job->bytes_out;
    }
    struct gantt_bar bar = {.t0 = job->begin,
                            .t1 = end,
                            .count = 1,
                            .longest = (uint32_t)index,
                            .busy_s = (float)inside,
                            .lane = (uint8_t)at,
                            .row = job->row,
                            .open = state == GANTT_RUNNING};
    add_bar(c, at, job, &bar);
}

static size_t find_known(const struct gantt *gantt, double t) {
    size_t low = 0, high = gantt->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gantt->job[middle].known >= t) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void gantt_collect(const struct gantt *gantt, double t0, double t1, double until, double pixel_s,
                   struct gantt_frame *frame) {
    OBS_ASSERT(gantt != NULL && frame->bar != NULL && pixel_s > 0.0);
    OBS_ASSERT(frame->bars_max > GANTT_LANES_MAX * GANTT_ROWS_MAX);
    struct collector c = {
        .gantt = gantt, .t0 = t0, .t1 = t1, .until = until, .pixel_s = pixel_s, .frame = frame};
    c.per_two_pixels = 0.5 / pixel_s;
    frame->bars = 0;
    make_lanes(&c);
    size_t end = find_known(gantt, nextafter(t1 + gantt->longest_before, INFINITY));
    for (size_t i = find_known(gantt, t0 - gantt->longest_after); i < end; i++) {
        if (!isnan(gantt->job[i].end)) {
            add_job(&c, i);
        }
    }
    for (size_t i = 0; i < gantt->open_count; i++) {
        add_job(&c, gantt->open[i]);
    }
}

double gantt_lost_until(const struct history *history) {
    static const uint32_t counters[] = {SCOPE_M_FLUSHES, SCOPE_M_COMPACTIONS};
    if (history_event_count(history) == 0 || history_count(history) == 0) {
        return -INFINITY;
    }
    double first = history_event_time(history, 0);
    size_t before = history_find(history, first); /* the sample before it tells no more than it */
    for (size_t i = 0; i < 2 && before > 0; i++) {
        uint64_t then = 0, now = 0;
        if (history_value_at(history, counters[i], 0, &then) &&
            history_value_at(history, counters[i], before - 1, &now) && now > then) {
            return first;
        }
    }
    return -INFINITY;
}
