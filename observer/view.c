#include "view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "panel_layout.h"
#include "overlay.h"
#include "view_span.h"
#include "view_time.h"

/* Buffers of a frame, kept from frame to frame: touching fresh memory costs more than drawing. One
 * thread draws, as view.h says. */
static struct {
    struct marks marks;
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

static double until_of(const struct view *view) {
    double until = view->until_s >= 0.0 ? view->until_s : INFINITY;
    double end = history_end(view->history);
    if (view->paused && view->shown_end_s >= 0.0 && !view->frame_exact) {
        /* Panned to the right of where it stopped, a paused picture shows what came since. */
        until = fmin(until, fmax(view->shown_end_s, view->t1));
    }
    return fmin(until, end);
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

static bool over_timed_panel(const struct view *view, const struct layout *layout, int column) {
    for (size_t i = 0; i < layout->count; i++) {
        const struct rect *frame = &layout->place[i].frame;
        if (layout->slot[i].column == column && !layout->slot[i].panel->timeless &&
            view->cursor_y >= frame->y && view->cursor_y <= frame->y + frame->h) {
            return true;
        }
    }
    return false;
}

static void scene_cursor(const struct view *view, const struct layout *layout,
                         struct scene *scene) {
    size_t count = history_count(scene->history);
    const struct rect *axis = NULL;
    scene->has_pointer = view->cursor_x >= 0.0 && view->cursor_y >= 0.0;
    scene->pointer = (struct point){view->cursor_x, view->cursor_y};
    for (int c = 0; c < layout->columns; c++) {
        const struct rect *at = &layout->time_axis[c];
        if (view->cursor_x >= at->x && view->cursor_x <= at->x + at->w &&
            over_timed_panel(view, layout, c)) {
            axis = at;
        }
    }
    if (axis == NULL || !scene->has_newest || count == 0) {
        return;
    }
    double per_pixel = (scene->t1 - scene->t0) / axis->w;
    double t = scene->t0 + (view->cursor_x - axis->x) * per_pixel;
    size_t index = history_find(scene->history, t);
    if (index > scene->newest) {
        index = scene->newest;
    }
    if (index > 0 &&
        t - history_time(scene->history, index - 1) < history_time(scene->history, index) - t) {
        index--;
    }
    double at = history_time(scene->history, index);
    scene->has_cursor = at >= scene->t0 && at <= scene->t1;
    scene->cursor = index;
    scene->cursor_slack_s = 4.0 * per_pixel;
}

/* What a panel says at the crosshair, else at the newest sample. */
static size_t panel_values(const struct scene *scene, const struct panel *panel,
                           struct panel_value *values) {
    if (panel->values == NULL) {
        return 0;
    }
    if (!scene->has_cursor) {
        return panel->values(scene, scene->newest, values);
    }
    size_t count = panel->values(scene, scene->cursor, values);
    if (panel->events != NULL && count + PANEL_EVENTS_MAX <= PANEL_VALUES_MAX) {
        count += panel->events(scene, history_time(scene->history, scene->cursor), values + count);
    }
    return count;
}

/* True while its axis is easing. */
static bool draw_panel(struct view *view, const struct scene *scene, const struct layout *layout,
                       size_t slot) {
    const struct panel *panel = layout->slot[slot].panel;
    const struct panel_place *place = &layout->place[slot];
    chart_frame(scene, panel, place);
    if (!scene->has_newest) {
        chart_absent(scene, place, "no samples yet");
        return false;
    }
    if (!panel->present(scene)) {
        chart_absent(scene, place, panel->absent);
        return false;
    }
    struct axis_limit *limit = &view->limits.axis[slot];
    bool easing = false;
    if (panel->most == NULL) {
        limit->top = 1.0;
    } else {
        double wanted =
            axis_value_top(panel->unit, panel->most(scene), axis_intervals(place->plot.h));
        easing = axis_limit_move(limit, wanted, view->clock_s, view->frame_exact);
        chart_grid(scene, panel, place, limit->top);
    }
    if (!panel->timeless) {
        view_time_bands(scene, place);
    }
    panel->draw(scene, place, limit->top);
    if (panel->values == NULL) {
        return easing;
    }
    struct panel_value values[PANEL_VALUES_MAX];
    size_t count = panel_values(scene, panel, values);
    bool boxed = scene->has_cursor && chart_readout_fits(scene, place, values, count);
    if (!scene->has_cursor || boxed) {
        count = panel->values(scene, scene->newest, values);
    }
    chart_labels(scene, place, limit->top, values, count);
    return easing;
}

static void draw_readouts(const struct view *view, const struct scene *scene,
                          const struct layout *layout) {
    if (!scene->has_cursor) {
        return;
    }
    for (size_t i = 0; i < layout->count; i++) {
        const struct panel *panel = layout->slot[i].panel;
        if (panel->values != NULL && !panel->timeless && panel->present(scene)) {
            struct panel_value values[PANEL_VALUES_MAX];
            size_t count = panel_values(scene, panel, values);
            chart_readout(scene, &layout->place[i], view->limits.axis[i].top, values, count);
        }
    }
}

static bool draw_panels(struct view *view, struct canvas *canvas, const struct theme *theme,
                        struct scene *scene, struct layout *layout) {
    bool easing = false;
    scene->marks = &scratch.marks;
    scene->points = scratch.points;
    scene->sums = scratch.sums;
    scene->columns = scratch.spans;
    scene->bins = scratch.bins;
    scene->columns_max = scratch.columns;
    scene->until = until_of(view);
    scene_samples(scene);
    scene_cursor(view, layout, scene);
    scene->moment = scene->has_cursor ? history_time(scene->history, scene->cursor)
                                      : fmin(scene->t1, scene->until);
    scene->clock_s = view->clock_s;
    scene->live_s = fmax(view->status.elapsed_s, scene->until);
    scene->still = view->frame_exact || view->paused || view->status.state != VIEW_LIVE;
    scene->moving = &easing;
    scene->latency_kind = view->latency_kind;
    scene->runs = 1;
    double pixel_s = (scene->t1 - scene->t0) / canvas_width(canvas) / canvas_scale(canvas);
    if (layout->time_axis[0].w > 0.0) {
        pixel_s = (scene->t1 - scene->t0) / (layout->time_axis[0].w * canvas_scale(canvas));
    }
    marks_collect(view->history, scene->t0, scene->t1, scene->until, pixel_s, &scratch.marks);
    for (size_t i = 0; i < layout->count; i++) {
        easing = draw_panel(view, scene, layout, i) || easing;
    }
    view_time_axis(view, scene, layout);
    view_time_notes(scene, layout);
    view_time_cursor(scene, layout);
    draw_readouts(view, scene, layout);
    OBS_ASSERT(theme == scene->theme);
    return easing;
}

void view_init(struct view *view, const struct history *history, enum theme_id theme) {
    OBS_ASSERT(view != NULL && history != NULL);
    memset(view, 0, sizeof *view);
    view->history = history;
    view->theme = theme;
    view->follow = view->fit = true;
    view->cursor_x = view->cursor_y = -1.0;
    view->solo = -1;
    const struct panel *const *panels = panel_list(&view->panels);
    memcpy(view->panel, panels, view->panels * sizeof *panels);
    view->until_s = view->shown_end_s = -1.0;
    struct view_status *s = &view->status;
    s->state = VIEW_WAITING;
    s->elapsed_s = s->start_real_s = s->samples_lost = -1.0;
    s->sampler_cpu = s->sampler_ns = s->viewer_cpu = s->frames_repeated = -1.0;
}

bool view_draw(struct view *view, struct canvas *canvas) {
    OBS_ASSERT(view != NULL && canvas != NULL && view->history != NULL);
    const struct theme *theme = theme_get(view->theme);
    struct scene scene = {.canvas = canvas, .theme = theme, .history = view->history};
    struct layout layout;
    bool easing = false;
    view_span(view, &scene.t0, &scene.t1);
    layout_make(view, &scene, &layout);
    view->drawn_axis = layout.time_axis[0];
    canvas_clear(canvas, theme->window);
    if (!view->paused) { /* a pause then has something to hold on to */
        view->t0 = scene.t0;
        view->t1 = scene.t1;
        view->shown_end_s = history_end(view->history);
    }
    size_t columns = (size_t)ceil(canvas_width(canvas) * canvas_scale(canvas)) + 16;
    if (view->headline[0] != '\0') {
        overlay_waiting(view, canvas, theme, view_room(canvas));
    } else if (scratch_reserve(columns)) {
        easing = draw_panels(view, canvas, theme, &scene, &layout);
    }
    status_line_draw(view, canvas, theme, layout.status);
    if (view->toast[0] != '\0') {
        overlay_toast(canvas, theme, view->toast);
    }
    if (view->help) {
        overlay_help(canvas, theme);
    }
    return easing;
}
