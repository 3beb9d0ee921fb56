/* The stretch of time on screen, and how keys and the mouse move it. */
#include "view_span.h"

#include <math.h>

#include "obs_check.h"
#include "overlay.h"
#include "view_frame.h"

static const double LIVE_SPAN_MIN_S = 10.0; /* a run just begun is not stretched over the screen */
static const double SPAN_MIN_S = 0.02;
static const double MARGIN_SHARE = 0.05; /* how far beyond the data one may look */

double view_data_end(const struct view *view) {
    double end = history_end(view->history);
    for (unsigned k = 1; k <= view->others; k++) {
        end = fmax(end, history_end(view_run_history(view, k)) + view_run_offset(view, k));
    }
    return view->until_s >= 0.0 ? fmin(end, view->until_s) : end;
}

/* A run's beginning is its second 0 unless the source came late and has forgotten it. */
static double run_start(const struct history *history) {
    double start = history_start(history);
    return start <= fmax(2.0, 0.02 * history_end(history)) ? fmin(0.0, start) : start;
}

double view_data_start(const struct view *view) {
    double start = run_start(view->history);
    for (unsigned k = 1; k <= view->others; k++) {
        start = fmin(start, run_start(view_run_history(view, k)) + view_run_offset(view, k));
    }
    return start;
}

static void whole_until(const struct view *view, double end, double *t0, double *t1) {
    double least = view->status.state == VIEW_FILE && view->until_s < 0.0 ? 1.0 : LIVE_SPAN_MIN_S;
    *t0 = view_data_start(view);
    *t1 = fmax(end, *t0 + least);
}

void view_span(const struct view *view, double *t0, double *t1) {
    OBS_ASSERT(view != NULL && t0 != NULL && t1 != NULL);
    double end = view_data_end(view);
    bool held = view->paused && view->shown_end_s >= 0.0 && view->t1 > view->t0;
    if (held || (!view->fit && !view->follow && view->t1 > view->t0)) {
        *t0 = view->t0;
        *t1 = view->t1;
    } else if (!view->fit && view->t1 > view->t0) {
        double length = view->t1 - view->t0;
        *t1 = fmax(end, view_data_start(view) + length);
        *t0 = *t1 - length;
    } else {
        whole_until(view, end, t0, t1);
    }
    OBS_ASSERT(*t1 > *t0);
}

void view_whole(const struct view *view, double *t0, double *t1) {
    whole_until(view, view_data_end(view), t0, t1);
}

/* Where the plots were in the last frame, in the column that `x` lies in: that is what the mouse
 * points at. */
static struct rect plot_of(const struct view *view, const struct canvas *canvas, double x) {
    const struct view_drawn *drawn = &view->drawn;
    size_t column = 0;
    while (column + 1 < drawn->axes && x >= drawn->axis[column + 1].x) {
        column++;
    }
    if (drawn->axes > 0) {
        return drawn->axis[column];
    }
    return (struct rect){0.0, 0.0, canvas_width(canvas), canvas_height(canvas)};
}

/* Within what exists plus a margin. */
void view_take_span(struct view *view, double t0, double t1) {
    double start = view_data_start(view), end = view_data_end(view), whole0, whole1;
    whole_until(view, end, &whole0, &whole1);
    double length = fmax(SPAN_MIN_S, fmin(t1 - t0, whole1 - whole0));
    double margin = MARGIN_SHARE * length;
    double middle = (t0 + t1) / 2.0;
    t0 = fmax(start - margin, fmin(middle - length / 2.0, end + margin - length));
    if (length >= whole1 - whole0) {
        view_fit(view);
        return;
    }
    view->fit = false;
    view->follow = !view->paused && t0 + length >= end - 1e-9 && end > start;
    view->t0 = t0;
    view->t1 = t0 + length;
}

void view_zoom(struct view *view, const struct canvas *canvas, double x, double factor) {
    OBS_ASSERT(view != NULL && canvas != NULL);
    if (!(factor > 0.0) || !isfinite(factor)) {
        return;
    }
    double t0, t1;
    struct rect plot = plot_of(view, canvas, x);
    view_span(view, &t0, &t1);
    bool following = (view->follow || view->fit) && !view->paused;
    double share = x < 0.0 ? (following ? 1.0 : 0.5) : (x - plot.x) / fmax(1.0, plot.w);
    share = fmax(0.0, fmin(1.0, share));
    if (following && share > 0.9) {
        share = 1.0; /* near the newest edge one means the newest data */
    }
    double fixed = t0 + share * (t1 - t0);
    view_take_span(view, fixed - (fixed - t0) * factor, fixed + (t1 - fixed) * factor);
}

void view_pan(struct view *view, const struct canvas *canvas, double dx) {
    OBS_ASSERT(view != NULL && canvas != NULL);
    double t0, t1;
    struct rect plot = plot_of(view, canvas, view->cursor_x);
    view_span(view, &t0, &t1);
    double shift = -dx / fmax(1.0, plot.w) * (t1 - t0);
    double length = t1 - t0, whole0, whole1;
    whole_until(view, view_data_end(view), &whole0, &whole1);
    if (!isfinite(shift) || length >= whole1 - whole0) {
        return; /* everything is in view: there is nowhere to go */
    }
    view_take_span(view, t0 + shift, t1 + shift);
}

void view_reveal(struct view *view, double t) {
    double t0, t1;
    view_span(view, &t0, &t1);
    if (t >= t0 && t <= t1) {
        return;
    }
    double length = t1 - t0, margin = 0.1 * length;
    double from = t < t0 ? t - margin : t + margin - length;
    view_take_span(view, from, from + length);
}

void view_fit(struct view *view) {
    OBS_ASSERT(view != NULL);
    view->fit = view->follow = true;
    if (view->paused) {
        whole_until(view, fmin(view_data_end(view), fmax(0.0, view->shown_end_s)), &view->t0,
                    &view->t1);
    }
}

void view_follow(struct view *view) {
    OBS_ASSERT(view != NULL);
    double t0, t1;
    view_span(view, &t0, &t1);
    view->follow = true;
    view->paused = false;
    if (!view->fit) {
        view->t0 = t0;
        view->t1 = t1;
    }
}

int view_choice_at(const struct view *view, const struct canvas *canvas, double x, double y) {
    struct rect room = layout_room(canvas);
    if (view->headline[0] == '\0' || view->drawn_choices.w <= 0.0) {
        return -1;
    }
    for (int i = 0; i < view->choice_count; i++) {
        struct rect row = overlay_choice_rect(&view->drawn_choices, i);
        bool shown = row.y + row.h <= room.y + room.h;
        if (shown && x >= row.x && x < row.x + row.w && y >= row.y && y < row.y + row.h) {
            return i;
        }
    }
    return -1;
}
