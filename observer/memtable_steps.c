#include "memtable_steps.h"

#include <math.h>

#define FLUSHES (1u << SCOPE_EVENT_FLUSH_BEGIN | 1u << SCOPE_EVENT_FLUSH_END)

/* What is followed from event to event. */
struct walk {
    const struct scene *scene;
    size_t sample;  /* the first one after the event */
    double waiting; /* memtables sealed before the sample before it whose flush is still to begin */
    double running; /* flushes */
    double sealed;  /* bytes */
    double limit;
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

static void add(struct chart_step *steps, size_t *count, struct chart_step step, double apart_s) {
    if (*count > 0 && (step.t - steps[*count - 1].t < apart_s || *count == MEMTABLE_STEPS_MAX)) {
        struct chart_step *last = &steps[*count - 1];
        last->before = fmax(last->before, step.before);
        last->after = step.after;
        return;
    }
    steps[(*count)++] = step;
}

/* How large the memtable was that this flush took from the writers; 0: the samples have told of it
 * already. */
static double sealed_by(struct walk *walk, const struct scope_event *begin) {
    walk->running += 1.0;
    if (walk->waiting > 0.0) {
        walk->waiting -= 1.0;
        return 0.0;
    }
    double bytes = (double)begin->u.job_info.bytes_in;
    return walk->limit > 0.0 && (bytes <= 0.0 || bytes > walk->limit) ? walk->limit : bytes;
}

static struct walk begin_walk(const struct scene *scene, double limit) {
    return (struct walk){.scene = scene, .sample = scene->first, .limit = limit};
}

static void find_active(const struct scene *scene, double limit, double apart_s,
                        struct memtable_steps *steps) {
    const struct history *history = scene->history;
    double end = fmin(scene->t1, scene->until);
    struct walk walk = begin_walk(scene, limit);
    size_t count = history_event_count(history);
    size_t i = history_event_next(history, history_event_find(history, scene->t0), FLUSHES);
    for (; i < count && history_event_time(history, i) <= end;
         i = history_event_next(history, i + 1, FLUSHES)) {
        double t = history_event_time(history, i);
        move(&walk, t);
        if (history_event_type(history, i) == SCOPE_EVENT_FLUSH_END) {
            walk.running = fmax(0.0, walk.running - 1.0);
            continue;
        }
        double peak = sealed_by(&walk, history_event(history, i));
        if (peak > 0.0) {
            add(steps->active, &steps->actives, (struct chart_step){t, peak, 0.0}, apart_s);
        }
    }
}

/* The active memtable at `t`, between what is known of it before and after: samples, and its own
 * steps, of which `next` is the first one behind `t`. */
static double active_at(const struct walk *walk, const struct memtable_steps *steps, size_t next,
                        double t) {
    const struct history *history = walk->scene->history;
    double t0 = -INFINITY, from = 0.0, t1 = INFINITY, to = 0.0, number;
    if (walk->sample > 0 &&
        history_number(history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, walk->sample - 1, &number)) {
        t0 = history_time(history, walk->sample - 1);
        from = number;
    }
    if (next > 0 && steps->active[next - 1].t >= t0) {
        t0 = steps->active[next - 1].t;
        from = steps->active[next - 1].after;
    }
    if (walk->sample < history_count(history) &&
        history_number(history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, walk->sample, &number)) {
        t1 = history_time(history, walk->sample);
        to = number;
    }
    if (next < steps->actives && steps->active[next].t < t1) {
        t1 = steps->active[next].t;
        to = steps->active[next].before;
    }
    return isinf(t0) || isinf(t1) || t1 <= t0 ? from : from + (to - from) * (t - t0) / (t1 - t0);
}

static void find_total(const struct scene *scene, double limit, double apart_s,
                       struct memtable_steps *steps) {
    const struct history *history = scene->history;
    double end = fmin(scene->t1, scene->until);
    struct walk walk = begin_walk(scene, limit);
    size_t next = 0, count = history_event_count(history);
    size_t i = history_event_next(history, history_event_find(history, scene->t0), FLUSHES);
    for (; i < count && history_event_time(history, i) <= end;
         i = history_event_next(history, i + 1, FLUSHES)) {
        double t = history_event_time(history, i);
        const struct scope_event *event = history_event(history, i);
        move(&walk, t);
        while (next < steps->actives && steps->active[next].t < t) {
            next++;
        }
        struct chart_step step = {.t = t};
        if (event->type == SCOPE_EVENT_FLUSH_BEGIN) {
            double peak = sealed_by(&walk, event);
            if (peak <= 0.0) {
                continue;
            }
            step.before = step.after = walk.sealed + peak;
            walk.sealed += peak;
        } else {
            double active = active_at(&walk, steps, next, t);
            walk.running = fmax(0.0, walk.running - 1.0);
            step.before = active + walk.sealed;
            walk.sealed = fmax(0.0, walk.sealed - (double)event->u.job_info.bytes_in);
            step.after = active + walk.sealed;
        }
        add(steps->total, &steps->totals, step, apart_s);
    }
}

void memtable_steps_find(const struct scene *scene, double limit, double apart_s,
                         struct memtable_steps *steps) {
    steps->actives = steps->totals = 0;
    find_active(scene, limit, apart_s, steps);
    find_total(scene, limit, apart_s, steps);
}
