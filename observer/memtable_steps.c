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

struct event {
    double t;
    enum scope_event_type type;
    const struct history_event_brief *brief;
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

/* The next event up to the right edge; false: there is none. */
static bool next_event(struct walk *walk, size_t *i, struct event *event) {
    const struct history *history = walk->scene->history;
    if (*i >= history_event_count(history)) {
        return false;
    }
    event->t = history_event_time(history, *i);
    if (event->t > fmin(walk->scene->t1, walk->scene->until)) {
        return false;
    }
    move(walk, event->t);
    event->type = history_event_type(history, *i);
    event->brief = history_event_brief(history, *i);
    *i = history_event_next(history, *i + 1, EVENTS);
    return true;
}

static double size_of(const struct walk *walk, const struct event *flush) {
    double bytes = (double)flush->brief->bytes_in;
    return walk->limit > 0.0 && (bytes <= 0.0 || bytes > walk->limit) ? walk->limit : bytes;
}

/* How large the memtable was that this flush took from the writers; 0: that was before, and samples
 * have told of it. */
static double sealed_by(struct walk *walk, const struct event *begin) {
    walk->running += 1.0;
    if (walk->waiting > 0.0) {
        walk->waiting -= 1.0;
        return 0.0;
    }
    return size_of(walk, begin);
}

/* How much this flush has brought into a table; 0: nothing, it failed and will be tried again. */
static double flushed_by(struct walk *walk, const struct event *end) {
    if (walk->running > 0.0) {
        walk->running -= 1.0;
    } else {
        walk->waiting = fmax(0.0, walk->waiting - 1.0); /* it began before the first sample */
    }
    if (end->brief->bytes_in < 0.0f) {
        walk->waiting += 1.0;
        return 0.0;
    }
    /* What a sample has seen of the last one may have grown while it was sorted. */
    return walk->running + walk->waiting > 0.0 ? size_of(walk, end) : walk->sealed;
}

/* The writer flushed this memtable itself until now: it wrote nothing into the next one. */
static bool has_held(const struct event *stall_end, const struct chart_step *last) {
    return stall_end->brief->cause == SCOPE_STALL_INLINE &&
           last->t >= stall_end->t - (double)stall_end->brief->duration_s;
}

/* Takes the steps of an event: of the active memtable, and of the sealed ones into `total`. */
static bool take(struct walk *walk, const struct event *event, struct memtable_steps *steps) {
    struct chart_step active = {.t = event->t}, sealed = {.t = event->t, .before = walk->sealed};
    bool changed = true;
    if (event->type == SCOPE_EVENT_FLUSH_BEGIN) {
        active.before = sealed_by(walk, event);
        walk->sealed += active.before;
        changed = active.before > 0.0;
    } else if (event->type == SCOPE_EVENT_FLUSH_END) {
        double flushed = flushed_by(walk, event);
        walk->sealed = fmax(0.0, walk->sealed - flushed);
        sealed.after = walk->sealed;
        return flushed <= 0.0 ||
               add(walk, steps->total, &steps->totals, 3 * MEMTABLE_FLUSHES_MAX, sealed);
    } else {
        changed = steps->actives > 0 && has_held(event, &steps->active[steps->actives - 1]);
    }
    sealed.after = walk->sealed;
    return !changed ||
           (add(walk, steps->active, &steps->actives, 2 * MEMTABLE_FLUSHES_MAX, active) &&
            add(walk, steps->total, &steps->totals, 3 * MEMTABLE_FLUSHES_MAX, sealed));
}

/* What is known of the active memtable at a moment. */
struct known {
    double t, bytes;
};

static void know_sample(const struct scene *scene, size_t sample, struct known *known) {
    double bytes;
    if (sample < history_count(scene->history) &&
        history_number(scene->history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, sample, &bytes)) {
        *known = (struct known){history_time(scene->history, sample), bytes};
    }
}

/* The active memtable at `t`, between what is known of it before and behind: samples, and its own
 * steps, of which `next` is the first one behind `t`. */
static double active_at(const struct walk *walk, const struct memtable_steps *steps, size_t next,
                        double t) {
    struct known from = {-INFINITY, 0.0}, to = {INFINITY, 0.0};
    size_t sample = history_find(walk->scene->history, nextafter(t, INFINITY));
    know_sample(walk->scene, sample - 1, &from); /* SIZE_MAX: there is none */
    know_sample(walk->scene, sample, &to);
    if (next > 0 && steps->active[next - 1].t >= from.t) {
        from = (struct known){steps->active[next - 1].t, steps->active[next - 1].after};
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

/* The sealed ones' steps are to stand on the active one. */
static void stack(const struct walk *walk, struct memtable_steps *steps) {
    size_t next = 0;
    for (size_t i = 0; i < steps->totals; i++) {
        struct chart_step *step = &steps->total[i];
        while (next < steps->actives && steps->active[next].t <= step->t) {
            next++;
        }
        if (next > 0 && steps->active[next - 1].t == step->t) {
            step->before += steps->active[next - 1].before;
            step->after += steps->active[next - 1].after;
        } else {
            double active = active_at(walk, steps, next, step->t);
            step->before += active;
            step->after += active;
        }
    }
}

static bool find(const struct scene *scene, double limit, double apart_s,
                 struct memtable_steps *steps) {
    struct walk walk;
    struct event event;
    size_t i = begin_walk(scene, limit, apart_s, &walk);
    steps->actives = steps->totals = 0;
    while (next_event(&walk, &i, &event)) {
        if (!take(&walk, &event, steps)) {
            return false;
        }
    }
    stack(&walk, steps);
    return true;
}

bool memtable_steps_find_all(const struct scene *scene, double limit,
                             struct memtable_steps *steps) {
    return find(scene, limit, 0.0, steps);
}

void memtable_steps_find(const struct scene *scene, double limit, double apart_s,
                         struct memtable_steps *steps) {
    /* Too few columns may still be too many steps: then larger ones. */
    for (double apart = 0.0; !find(scene, limit, apart, steps);
         apart = fmax(apart_s, 2.0 * apart)) {
    }
}
