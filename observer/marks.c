#include "marks.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

/* Jobs that began and have not ended. An engine runs a handful at once; with more, the oldest are
 * shown only when they end. */
enum { OPEN_MAX = 64 };

struct open_jobs {
    struct {
        double t;
        uint32_t job;
        enum scope_stall cause;
        size_t index;
    } job[OPEN_MAX];
    size_t count;
};

struct collector {
    struct marks *marks;
    double t0, t1, until, pixel_s;
    struct open_jobs compactions, stalls;
};

static void add_span(struct mark_span *spans, size_t *count, const struct mark_span *span,
                     double pixel_s) {
    if (*count > 0) {
        struct mark_span *last = &spans[*count - 1];
        bool close = span->t0 - last->t1 < pixel_s && span->t1 >= last->t0 - pixel_s;
        bool alike = last->cause == span->cause;
        bool both_thin = last->t1 - last->t0 < 3 * pixel_s && span->t1 - span->t0 < 3 * pixel_s;
        if (*count == MARKS_SPANS_MAX || (close && alike && both_thin)) {
            last->t0 = fmin(last->t0, span->t0);
            last->t1 = fmax(last->t1, span->t1);
            last->open = last->open || span->open;
            last->count += span->count;
            last->busy_s += span->t1 - span->t0;
            last->event = span->event;
            return;
        }
    }
    spans[*count] = *span;
    spans[(*count)++].busy_s = span->t1 - span->t0;
}

static void add_point(struct mark_point *points, size_t *count, size_t room, double t, size_t event,
                      double pixel_s) {
    if (*count > 0 && (t - points[*count - 1].t < pixel_s || *count == room)) {
        points[*count - 1].count++;
        points[*count - 1].event = event;
        return;
    }
    points[(*count)++] = (struct mark_point){.t = t, .count = 1, .event = event};
}

static void open_push(struct open_jobs *open, double t, const struct history_event_brief *event,
                      size_t index) {
    if (open->count == OPEN_MAX) {
        memmove(&open->job[0], &open->job[1], sizeof open->job[0] * (OPEN_MAX - 1));
        open->count--;
    }
    open->job[open->count].t = t;
    open->job[open->count].job = event->job;
    open->job[open->count].cause = event->cause;
    open->job[open->count++].index = index;
}

/* Takes the newest begin that belongs to `end` and gives its time; false when it was not seen. */
static bool open_take(struct open_jobs *open, uint32_t job, bool by_job, double *t) {
    for (size_t i = open->count; i-- > 0;) {
        if (!by_job || open->job[i].job == job) {
            *t = open->job[i].t;
            memmove(&open->job[i], &open->job[i + 1], sizeof open->job[0] * (open->count - i - 1));
            open->count--;
            return true;
        }
    }
    return false;
}

static void take_end(struct collector *c, double t, const struct history_event_brief *event,
                     bool stall, size_t index) {
    double began = t - (double)event->duration_s;
    double opened;
    bool paired = open_take(stall ? &c->stalls : &c->compactions, event->job, !stall, &opened);
    if (paired && event->duration_s <= 0) {
        began = opened;
    }
    /* A pair that is cut off by `until` is still going on there. */
    bool open = t > c->until;
    struct mark_span span = {.t0 = began,
                             .t1 = open ? c->until : t,
                             .open = open,
                             .count = 1,
                             .cause = event->cause,
                             .event = index};
    if (span.t1 < c->t0 || span.t0 > c->t1 || span.t0 > c->until) {
        return;
    }
    struct marks *m = c->marks;
    if (stall) {
        add_span(m->stall, &m->stalls, &span, c->pixel_s);
    } else {
        add_span(m->compaction, &m->compactions, &span, c->pixel_s);
    }
}

static void take_note(struct marks *marks, double t, size_t event) {
    if (marks->notes == MARKS_NOTES_MAX) {
        memmove(&marks->note[0], &marks->note[1], sizeof marks->note[0] * (MARKS_NOTES_MAX - 1));
        marks->notes--;
    }
    marks->note[marks->notes++] = (struct mark_point){.t = t, .count = 1, .event = event};
}

static void take(struct collector *c, const struct history *history, size_t index) {
    double t = history_event_time(history, index);
    bool shown = t >= c->t0 && t <= c->t1 && t <= c->until;
    enum scope_event_type type = history_event_type(history, index);
    switch (type) {
    case SCOPE_EVENT_FLUSH_END:
        if (shown) {
            add_point(c->marks->flush, &c->marks->flushes, MARKS_FLUSHES_MAX, t, index, c->pixel_s);
        }
        break;
    case SCOPE_EVENT_COMPACT_BEGIN:
        open_push(&c->compactions, t, history_event_brief(history, index), index);
        break;
    case SCOPE_EVENT_STALL_BEGIN:
        open_push(&c->stalls, t, history_event_brief(history, index), index);
        break;
    case SCOPE_EVENT_COMPACT_END:
    case SCOPE_EVENT_STALL_END:
        take_end(c, t, history_event_brief(history, index), type == SCOPE_EVENT_STALL_END, index);
        break;
    case SCOPE_EVENT_ERROR:
    case SCOPE_EVENT_MARKER:
        if (shown) {
            take_note(c->marks, t, index);
        }
        break;
    case SCOPE_EVENT_COMPACT_SCHEDULED:
    case SCOPE_EVENT_FLUSH_BEGIN:
    case SCOPE_EVENT_WAL_ROTATE:
    case SCOPE_EVENT_TABLE_ADD:
    case SCOPE_EVENT_TABLE_MOVE:
    case SCOPE_EVENT_TABLE_REMOVE:
    case SCOPE_EVENT_NONE:
        break;
    }
}

static void take_open(struct collector *c, bool stall) {
    const struct open_jobs *open = stall ? &c->stalls : &c->compactions;
    for (size_t i = 0; i < open->count; i++) {
        if (open->job[i].t > c->t1 || open->job[i].t > c->until) {
            continue;
        }
        struct mark_span span = {.t0 = open->job[i].t,
                                 .t1 = c->until,
                                 .open = true,
                                 .count = 1,
                                 .cause = open->job[i].cause,
                                 .event = open->job[i].index};
        if (stall) {
            add_span(c->marks->stall, &c->marks->stalls, &span, c->pixel_s);
        } else {
            add_span(c->marks->compaction, &c->marks->compactions, &span, c->pixel_s);
        }
    }
}

void marks_collect(const struct history *history, double t0, double t1, double until,
                   double pixel_s, struct marks *marks) {
    OBS_ASSERT(history != NULL && marks != NULL && pixel_s >= 0.0);
    marks->compactions = marks->stalls = marks->flushes = marks->notes = 0;
    struct collector c = {.marks = marks, .t0 = t0, .t1 = t1, .until = until, .pixel_s = pixel_s};
    /* Ends carry their duration, so spans that began before t0 need no look back; those that end
     * after t1 are found by reading on to the newest event. */
    size_t count = history_event_count(history);
    const uint32_t types = 1u << SCOPE_EVENT_FLUSH_END | 1u << SCOPE_EVENT_COMPACT_BEGIN |
                           1u << SCOPE_EVENT_COMPACT_END | 1u << SCOPE_EVENT_STALL_BEGIN |
                           1u << SCOPE_EVENT_STALL_END | 1u << SCOPE_EVENT_ERROR |
                           1u << SCOPE_EVENT_MARKER;
    for (size_t i = history_event_next(history, history_event_find(history, t0), types); i < count;
         i = history_event_next(history, i + 1, types)) {
        take(&c, history, i);
    }
    take_open(&c, true);
    take_open(&c, false);
    OBS_ASSERT(marks->stalls <= MARKS_SPANS_MAX && marks->compactions <= MARKS_SPANS_MAX);
}

size_t marks_count(const struct history *history, enum scope_event_type type, double until) {
    size_t end = history_event_find(history, nextafter(until, INFINITY)), found = 0;
    for (size_t i = history_event_next(history, 0, 1u << type); i < end;
         i = history_event_next(history, i + 1, 1u << type)) {
        found++;
    }
    return found;
}
