/* The crosshair by keys: sample by sample, and from event to event. */
#include "view_frame.h"

#include <math.h>

#include "obs_check.h"
#include "view_span.h"

/* The newest time that is shown at all. */
static double newest_shown(const struct view *view) {
    double end = view_data_end(view);
    return view->paused && view->shown_end_s >= 0.0 ? fmin(end, fmax(view->shown_end_s, view->t1))
                                                    : end;
}

static bool inside(const struct rect *r, double x, double y) {
    return x >= r->x && x <= r->x + r->w && y >= r->y && y <= r->y + r->h;
}

/* Over a panel that goes by time, and not over its title: what has a crosshair. */
static bool points_at_time(const struct view *view) {
    for (size_t i = 0; i < view->drawn.headers; i++) {
        if (inside(&view->drawn.header[i].frame, view->cursor_x, view->cursor_y)) {
            return view->drawn.header[i].timed &&
                   !inside(&view->drawn.header[i].at, view->cursor_x, view->cursor_y);
        }
    }
    return false;
}

bool view_cursor_time(const struct view *view, double *seconds) {
    OBS_ASSERT(view != NULL && seconds != NULL);
    if (view->cursor_fixed) {
        *seconds = view->cursor_s;
        return true;
    }
    for (size_t i = 0; i < view->drawn.axes && points_at_time(view); i++) {
        const struct rect *axis = &view->drawn.axis[i];
        if (view->cursor_x >= axis->x && view->cursor_x <= axis->x + axis->w) {
            double t0, t1;
            view_span(view, &t0, &t1);
            *seconds = t0 + (view->cursor_x - axis->x) / axis->w * (t1 - t0);
            return true;
        }
    }
    return false;
}

static void put_cursor(struct view *view, double t) {
    view->cursor_fixed = true;
    view->cursor_s = t;
    view_reveal(view, t);
}

void view_cursor_step(struct view *view, int by) {
    const struct history *history = view->history;
    size_t count = history_find(history, nextafter(newest_shown(view), INFINITY));
    double t;
    if (count == 0) {
        return;
    }
    size_t at = count - 1;
    if (view_cursor_time(view, &t)) {
        size_t after = history_find(history, t);
        bool on = after < count && !(history_time(history, after) > t);
        /* From between two samples a step goes to the neighbour on that side. */
        size_t from = on || by < 0 ? after : after > 0 ? after - 1 : 0;
        size_t least = by < 0 ? (size_t)-by : 0;
        at = by < 0 ? (from > least ? from - least : 0) : from + (size_t)by;
        at = at < count ? at : count - 1;
    }
    put_cursor(view, history_time(history, at));
}

static bool is_worth_a_stop(const struct scope_event *event) {
    return event->type == SCOPE_EVENT_STALL_BEGIN || event->type == SCOPE_EVENT_MARKER ||
           event->type == SCOPE_EVENT_ERROR;
}

bool view_event_step(struct view *view, int by) {
    OBS_ASSERT(by == 1 || by == -1);
    double from = newest_shown(view) + 1e-9, best = NAN;
    if (!view_cursor_time(view, &from) && by > 0) {
        double t1;
        view_span(view, &from, &t1); /* without a crosshair: the first one shown */
    }
    for (unsigned k = 0; k <= view->others; k++) {
        const struct history *history = view_run_history(view, k);
        double offset = view_run_offset(view, k), end = newest_shown(view) - offset;
        size_t count = history_event_count(history);
        size_t i = history_event_find(history, from - offset);
        while (by > 0 ? i < count : i > 0) {
            const struct scope_event *event = history_event(history, by > 0 ? i : i - 1);
            double t = history_event_time(history, by > 0 ? i : i - 1);
            bool past = by > 0 ? t > from - offset + 1e-6 : t < from - offset - 1e-6;
            if (past && t <= end && is_worth_a_stop(event)) {
                bool nearer = isnan(best) || (by > 0 ? t + offset < best : t + offset > best);
                best = nearer ? t + offset : best;
                break;
            }
            i = by > 0 ? i + 1 : i - 1;
        }
    }
    if (isnan(best)) {
        return false;
    }
    put_cursor(view, best);
    return true;
}
