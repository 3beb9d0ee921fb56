/* What the panels of each run may look at in this frame. */
#include "view_frame.h"

#include <math.h>
#include <stdlib.h>

#include "obs_check.h"

static const double SILENT_S = 2.0;

/* Buffers of a frame, kept from frame to frame: touching fresh memory costs more than drawing. One
 * thread draws, as view.h says. */
static struct {
    struct marks marks[VIEW_RUNS_MAX];
    struct point *points;
    double *sums;
    struct canvas_column *spans;
    struct history_bin *bins;
    size_t columns;
} scratch;

static bool scratch_reserve(size_t columns) {
    if (columns <= scratch.columns) {
        return true;
    }
    free(scratch.points);
    free(scratch.sums);
    free(scratch.spans);
    free(scratch.bins);
    scratch.points = malloc((2 * columns + 8) * sizeof *scratch.points);
    scratch.sums = malloc(2 * columns * sizeof *scratch.sums);
    scratch.spans = malloc(3 * columns * sizeof *scratch.spans);
    scratch.bins = malloc(2 * columns * sizeof *scratch.bins);
    bool whole = scratch.points != NULL && scratch.sums != NULL && scratch.spans != NULL &&
                 scratch.bins != NULL;
    scratch.columns = whole ? columns : 0;
    return whole;
}

static double until_of(const struct view *view, unsigned run) {
    double until = view->until_s >= 0.0 ? view->until_s : INFINITY;
    if (view->paused && view->shown_end_s >= 0.0 && !view->frame_exact) {
        /* Panned to the right of where it stopped, a paused picture shows what came since. */
        until = fmin(until, fmax(view->shown_end_s, view->t1));
    }
    return fmin(until - view_run_offset(view, run), history_end(view_run_history(view, run)));
}

static void scene_samples(struct scene *scene) {
    const struct history *history = scene->history;
    size_t count = history_count(history);
    size_t first = history_find(history, scene->t0);
    size_t end = history_find(history, nextafter(scene->t1, INFINITY));
    scene->first = first > 0 ? first - 1 : 0;
    scene->end = end < count ? end + 1 : count;
    size_t newest = history_find(history, nextafter(fmin(scene->t1, scene->until), INFINITY));
    scene->has_newest = newest > 0;
    scene->newest = newest > 0 ? newest - 1 : 0;
    OBS_ASSERT(scene->first <= scene->end && scene->end <= count);
}

static void scene_fill(const struct view_frame *frame, unsigned run, struct scene *scene) {
    const struct view *view = frame->view;
    double t0, t1, offset = view_run_offset(view, run);
    view_span(view, &t0, &t1);
    *scene = (struct scene){.canvas = frame->canvas,
                            .theme = frame->theme,
                            .history = view_run_history(view, run),
                            .t0 = t0 - offset,
                            .t1 = t1 - offset,
                            .run = run,
                            .runs = frame->runs,
                            .every = frame->scene,
                            .clock_s = view->clock_s,
                            .latency_kind = view->latency_kind};
    scene->until = until_of(view, run);
    scene->marks = &scratch.marks[run];
    scene->points = scratch.points;
    scene->sums = scratch.sums;
    scene->columns = scratch.spans;
    scene->bins = scratch.bins;
    scene->columns_max = scratch.columns;
    const struct view_status *status = view_run_status(view, run);
    scene->live_s = fmax(status->elapsed_s, scene->until);
    /* A publisher that says nothing for long may be stopped in the middle of a job: nothing is
     * known to move. */
    bool silent = scene->live_s - scene->until > SILENT_S;
    scene->still = view->frame_exact || view->paused || status->state != VIEW_LIVE || silent;
    scene_samples(scene);
}

/* ---- crosshair ----------------------------------------------------------------------------- */

static bool inside(const struct rect *r, double x, double y) {
    return x >= r->x && x <= r->x + r->w && y >= r->y && y <= r->y + r->h;
}

/* The column with a timed panel under the pointer whose axis is over or under it, or -1. */
static int pointed_column(const struct view *view, const struct layout *layout) {
    for (size_t i = 0; i < layout->count; i++) {
        int c = layout->slot[i].column;
        const struct rect *axis = &layout->time_axis[c];
        if (!layout->slot[i].panel->timeless && axis->w > 0.0 && view->cursor_x >= axis->x &&
            view->cursor_x <= axis->x + axis->w &&
            inside(&layout->place[i].frame, view->cursor_x, view->cursor_y) &&
            !inside(&layout->place[i].header, view->cursor_x, view->cursor_y)) {
            return c; /* over a title one asks for the panel, not for a moment */
        }
    }
    return -1;
}

static size_t nearest_sample(const struct scene *scene, double t) {
    size_t index = history_find(scene->history, t);
    if (index > scene->newest) {
        index = scene->newest;
    }
    if (index > 0 &&
        t - history_time(scene->history, index - 1) < history_time(scene->history, index) - t) {
        index--;
    }
    return index;
}

/* A run that had ended or not begun at a time of another says nothing about it. */
static bool knows(const struct scene *scene, double t, double slack_s) {
    return scene->has_newest && history_count(scene->history) > 0 &&
           t >= history_start(scene->history) - slack_s &&
           t <= history_time(scene->history, scene->newest) + slack_s;
}

static void scene_cursor(struct scene *scene, double t, double per_pixel, bool clamp) {
    if (!scene->has_newest || (!clamp && !knows(scene, t, 2.0 * per_pixel))) {
        return;
    }
    scene->cursor = nearest_sample(scene, t);
    double at = history_time(scene->history, scene->cursor);
    scene->has_cursor = at >= scene->t0 && at <= scene->t1;
    scene->cursor_slack_s = 4.0 * per_pixel;
}

static void frame_cursor(struct view_frame *frame) {
    const struct view *view = frame->view;
    const struct layout *layout = &frame->layout;
    double t = view->cursor_s, width = layout->time_axis[0].w;
    int column = -1;
    if (!view->cursor_fixed) {
        column = pointed_column(view, layout);
        if (column < 0) {
            return;
        }
        const struct rect *axis = &layout->time_axis[column];
        width = axis->w;
        t = frame->scene[0].t0 +
            (view->cursor_x - axis->x) / axis->w * (frame->scene[0].t1 - frame->scene[0].t0);
    }
    double per_pixel = (frame->scene[0].t1 - frame->scene[0].t0) / fmax(1.0, width);
    /* The samples of the run that is pointed at, or else of the first that knows of the time. */
    bool beside = frame->runs > 1 && view->side_by_side;
    unsigned first = beside && column > 0 ? (unsigned)column : 0;
    for (unsigned k = 0; k < frame->runs && !beside && frame->runs > 1; k++) {
        if (knows(&frame->scene[k], t - view_run_offset(view, k), 2.0 * per_pixel)) {
            first = k;
            break;
        }
    }
    scene_cursor(&frame->scene[first], t - view_run_offset(view, first), per_pixel, true);
    if (!frame->scene[first].has_cursor) {
        return;
    }
    frame->has_cursor = true;
    frame->cursor_s = history_time(frame->scene[first].history, frame->scene[first].cursor) +
                      view_run_offset(view, first);
    for (unsigned k = 0; k < frame->runs; k++) {
        if (k != first) {
            scene_cursor(&frame->scene[k], frame->cursor_s - view_run_offset(view, k), per_pixel,
                         false);
        }
    }
}

/* ---- the frame ----------------------------------------------------------------------------- */

static void scene_finish(struct view_frame *frame, struct scene *scene) {
    const struct view *view = frame->view;
    double offset = view_run_offset(view, scene->run);
    scene->moving = &frame->moving;
    scene->has_pointer = view->cursor_x >= 0.0 && view->cursor_y >= 0.0;
    scene->pointer = (struct point){view->cursor_x, view->cursor_y};
    scene->moment = frame->has_cursor ? frame->cursor_s - offset : fmin(scene->t1, scene->until);
    double width = frame->layout.time_axis[0].w;
    width = width > 0.0 ? width : canvas_width(frame->canvas);
    double pixel_s = (scene->t1 - scene->t0) / (width * canvas_scale(frame->canvas));
    marks_collect(scene->history, scene->t0, scene->t1, scene->until, pixel_s,
                  &scratch.marks[scene->run]);
}

bool view_frame_make(struct view *view, struct canvas *canvas, struct view_frame *frame) {
    OBS_ASSERT(view->others < VIEW_RUNS_MAX);
    size_t columns = (size_t)ceil(canvas_width(canvas) * canvas_scale(canvas)) + 16;
    bool room = scratch_reserve(columns);
    frame->view = view;
    frame->canvas = canvas;
    frame->theme = theme_get(view->theme);
    frame->runs = view->others + 1;
    frame->has_cursor = frame->moving = false;
    frame->told_count = 0;
    for (unsigned k = 0; k < frame->runs; k++) {
        scene_fill(frame, k, &frame->scene[k]);
    }
    layout_make(view, &frame->scene[0], &frame->layout);
    frame_cursor(frame);
    for (unsigned k = 0; k < frame->runs && room; k++) {
        scene_finish(frame, &frame->scene[k]);
    }
    return room;
}
