#include "memtable_steps.h"

#include <math.h>

#define EVENTS                                                                                     \
    (1u << SCOPE_EVENT_FLUSH_BEGIN | 1u << SCOPE_EVENT_FLUSH_END | 1u << SCOPE_EVENT_STALL_END)

/* What is followed from event to event. */
struct walk {
    const struct scene *scene;
    size_t sample;  /* the first one after the event */
    double waiting; /* memtables sealed before the sample before it whose flush is still to begin */
    double running; /* flushes */
    double sealed;  /* bytes */
    double limit;
    double apart_s; /* steps nearer than that are one */
};

/* Takes over what the samples up to `t` say. */
static void move(struct walk *walk, double t) {
    const struct history *history = walk->scene->history;
    size_t count = history_count(history);
    double sealed = 0.0;
    bool moved = false;
    while (walk->sample < count && history_time(history, walk->sample) <= t) {
        walk->sample++;
        moved = true;
    }
    if (!moved) {
        return;
    }
    if (history_number(history, SCOPE_M_SEALED_COUNT, HISTORY_LEVEL, walk->sample - 1, &sealed)) {
        walk->waiting = fmax(0.0, sealed - walk->running);
    }
    if (history_number(history, SCOPE_M_SEALED_BYTES, HISTORY_LEVEL, walk->sample - 1, &sealed)) {
        walk->sealed = sealed;
    }
}

/* False: there is no room. */
static bool add(const struct walk *walk, struct chart_step *steps, size_t *count, size_t room,
                struct chart_step step) {
    if (*count > 0 && step.t - steps[*count - 1].t < walk->apart_s) {
        struct chart_step *last = &steps[*count - 1];
        last->before = fmax(last->before, step.before);
        last->after = step.after;
        return true;
    }
    if (*count == room) {
        return false;
    }
    steps[(*count)++] = step;
    return true;
}

/* Begins at the sample left of the stretch of time: what is known there does not change when the
 * stretch moves. Returns the first event. */
static size_t begin_walk(const struct scene *scene, double limit, double apart_s,
                         struct walk *walk) {
    const struct history *history = scene->history;
    *walk =
        (struct walk){.scene = scene, .sample = scene->first, .limit = limit, .apart_s = apart_s};
    double from = scene->t0;
    if (scene->first < history_count(history)) {
        from = fmin(from, history_time(history, scene->first));
    }
    return history_event_next(history, history_event_find(history, from), EVENTS);
}

/* The next event up to the right edge; NULL: there is none. */
static const struct scope_event *next_event(struct walk *walk, size_t *i, double *t) {
    const struct history *history = walk->scene->history;
    if (*i >= history_event_count(history)) {
        return NULL;
    }
    *t = history_event_time(history, *i);
    if (*t > fmin(walk->scene->t1, walk->scene->until)) {
        return NULL;
    }
    move(walk, *t);
    const struct scope_event *event = history_event(history, *i);
    *i = history_event_next(history, *i + 1, EVENTS);
    return event;
}

static double size_of(const struct walk *walk, const struct scope_event *flush) {
    double bytes = (double)flush->u.job_info.bytes_in;
    return walk->limit > 0.0 && (bytes <= 0.0 || bytes > walk->limit) ? walk->limit : bytes;
}

/* How large the memtable was that this flush took from the writers; 0: that was before, and samples
 * have told of it. */
static double sealed_by(struct walk *walk, const struct scope_event *begin) {
    walk->running += 1.0;
    if (walk->waiting > 0.0) {
        walk->waiting -= 1.0;
        return 0.0;
    }
    return size_of(walk, begin);
}

/* How much this flush has brought into a table; 0: nothing, it failed and will be tried again. */
static double flushed_by(struct walk *walk, const struct scope_event *end) {
    if (walk->running > 0.0) {
        walk->running -= 1.0;
    } else {
        walk->waiting = fmax(0.0, walk->waiting - 1.0); /* it began before the first sample */
    }
    if (end->u.job_info.status != 0) {
        walk->waiting += 1.0;
        return 0.0;
    }
    /* What a sample has seen of the last one may have grown while it was sorted. */
    return walk->running + walk->waiting > 0.0 ? size_of(walk, end) : walk->sealed;
}

/* The writer flushed this memtable itself until now: it wrote nothing into the next one. */
static bool has_held(const struct scope_event *stall_end, double t, const struct chart_step *last) {
    return stall_end->u.stall.cause == SCOPE_STALL_INLINE &&
           last->t >= t - (double)stall_end->u.stall.duration_ns * 1e-9;
}

static bool find_active(const struct scene *scene, double limit, double apart_s,
                        struct memtable_steps *steps) {
    struct walk walk;
    double t;
    size_t i = begin_walk(scene, limit, apart_s, &walk);
    for (const struct scope_event *event; (event = next_event(&walk, &i, &t)) != NULL;) {
        struct chart_step step = {.t = t};
        if (event->type == SCOPE_EVENT_FLUSH_BEGIN) {
            step.before = sealed_by(&walk, event);
            if (step.before <= 0.0) {
                continue;
            }
        } else if (event->type == SCOPE_EVENT_FLUSH_END) {
            (void)flushed_by(&walk, event);
            continue;
        } else if (steps->actives == 0 || !has_held(event, t, &steps->active[steps->actives - 1])) {
            continue;
        }
        if (!add(&walk, steps->active, &steps->actives, 2 * MEMTABLE_FLUSHES_MAX, step)) {
            return false;
        }
    }
    return true;
}

/* What is known of the active memtable at a moment. */
struct known {
    double t, bytes;
};

/* The active memtable at `t`, between what is known of it before and after: samples, and its own
 * steps, of which `next` is the first one at or behind `t`. */
static double active_at(const struct walk *walk, const struct memtable_steps *steps, size_t next,
                        double t) {
    const struct history *history = walk->scene->history;
    struct known from = {-INFINITY, 0.0}, to = {INFINITY, 0.0};
    double bytes;
    if (walk->sample > 0 &&
        history_number(history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, walk->sample - 1, &bytes)) {
        from = (struct known){history_time(history, walk->sample - 1), bytes};
    }
    if (next > 0 && steps->active[next - 1].t >= from.t) {
        from = (struct known){steps->active[next - 1].t, steps->active[next - 1].after};
    }
    if (walk->sample < history_count(history) &&
        history_number(history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, walk->sample, &bytes)) {
        to = (struct known){history_time(history, walk->sample), bytes};
    }
    if (next < steps->actives && steps->active[next].t < to.t) {
        to = (struct known){steps->active[next].t, steps->active[next].before};
    }
    if (isinf(from.t) || isinf(to.t) || to.t <= from.t) {
        return isinf(from.t) ? to.bytes : from.bytes;
    }
    if (walk->apart_s > 0.0) { /* not all is known of what lies between */
        return fmin(from.bytes, to.bytes);
    }
    return from.bytes + (to.bytes - from.bytes) * (t - from.t) / (to.t - from.t);
}

static bool find_total(const struct scene *scene, double limit, double apart_s,
                       struct memtable_steps *steps) {
    struct walk walk;
    double t;
    size_t next = 0, i = begin_walk(scene, limit, apart_s, &walk);
    for (const struct scope_event *event; (event = next_event(&walk, &i, &t)) != NULL;) {
        while (next < steps->actives && steps->active[next].t < t) {
            next++;
        }
        struct chart_step step = {.t = t};
        if (event->type == SCOPE_EVENT_FLUSH_BEGIN) {
            double peak = sealed_by(&walk, event);
            step.before = step.after = walk.sealed + peak;
            walk.sealed += peak;
            if (peak <= 0.0) {
                continue;
            }
        } else if (event->type == SCOPE_EVENT_STALL_END) {
            if (next == steps->actives || steps->active[next].t > t) {
                continue;
            }
            step.before = step.after = active_at(&walk, steps, next, t) + walk.sealed;
        } else {
            double flushed = flushed_by(&walk, event);
            if (flushed <= 0.0) {
                continue;
            }
            double active = active_at(&walk, steps, next, t);
            step.before = active + walk.sealed;
            walk.sealed = fmax(0.0, walk.sealed - flushed);
            step.after = active + walk.sealed;
        }
        if (!add(&walk, steps->total, &steps->totals, 3 * MEMTABLE_FLUSHES_MAX, step)) {
            return false;
        }
    }
    return true;
}

static bool find(const struct scene *scene, double limit, double apart_s,
                 struct memtable_steps *steps) {
    steps->actives = steps->totals = 0;
    return find_active(scene, limit, apart_s, steps) && find_total(scene, limit, apart_s, steps);
}

void memtable_steps_find(const struct scene *scene, double limit, double apart_s,
                         struct memtable_steps *steps) {
    /* Too few columns may still be too many steps: then larger ones. */
    for (double apart = 0.0; !find(scene, limit, apart, steps);
         apart = fmax(apart_s, 2.0 * apart)) {
    }
}
