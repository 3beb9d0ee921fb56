#include "panel_scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "view_time.h"

static void *take(size_t bytes) {
    void *memory = calloc(1, bytes);
    if (memory == NULL) {
        fprintf(stderr, "panel scene: out of memory\n");
        abort();
    }
    return memory;
}

void panel_scene_make(struct panel_scene *made, const struct history *history, enum theme_id theme,
                      double width, double height, double t0, double t1, double until) {
    char error[256];
    memset(made, 0, sizeof *made);
    struct scene *s = &made->scene;
    s->canvas = canvas_raster_create((int)width, (int)height, 1.0, "Inter", error, sizeof error);
    if (s->canvas == NULL) {
        fprintf(stderr, "%s (the package fonts-inter is needed)\n", error);
        abort();
    }
    made->marks = take(sizeof *made->marks);
    s->theme = theme_get(theme);
    s->history = history;
    s->marks = made->marks;
    s->t0 = t0;
    s->t1 = t1;
    s->until = until;
    size_t count = history_count(history), first = history_find(history, t0);
    size_t end = history_find(history, nextafter(t1, INFINITY));
    size_t newest = history_find(history, nextafter(fmin(t1, until), INFINITY));
    s->first = first > 0 ? first - 1 : 0;
    s->end = end < count ? end + 1 : count;
    s->has_newest = newest > 0;
    s->newest = newest > 0 ? newest - 1 : 0;
    s->moment = fmin(t1, until);
    s->live_s = until;
    s->still = true;
    s->moving = &made->moving;
    s->runs = 1;
    s->columns_max = (size_t)width + 16;
    s->points = take((2 * s->columns_max + 8) * sizeof *s->points);
    s->sums = take(2 * s->columns_max * sizeof *s->sums);
    s->columns = take(3 * s->columns_max * sizeof *s->columns);
    s->bins = take(2 * s->columns_max * sizeof *s->bins);
    marks_collect(history, t0, t1, until, (t1 - t0) / width, made->marks);
}

void panel_scene_place(struct panel_scene *made, const struct panel *panel) {
    struct scene *s = &made->scene;
    struct panel_size size;
    const double header = 34.0, foot = 12.0;
    double w = canvas_width(s->canvas), h = canvas_height(s->canvas);
    panel->measure(s, &size);
    double left = PANEL_PAD + size.left + 8.0, right = w - PANEL_PAD - size.right - 12.0;
    double top = header + size.lane;
    made->place = (struct panel_place){
        .frame = {0.0, 0.0, w, h},
        .header = {PANEL_PAD, 0.0, w - 2.0 * PANEL_PAD, header},
        .lane = {left, header - 4.0, right - left, size.lane + (size.lane > 0.0 ? 4.0 : 0.0)},
        .plot = {round(left), round(top), round(right - left), round(h - top - foot)},
        .labels = {round(right) + 12.0, top, size.right, h - top - foot}};
    made->top = 1.0;
    if (panel->most != NULL) {
        made->top = axis_value_top(panel->unit, panel->most(s), axis_intervals(made->place.plot.h));
    }
}

void panel_scene_draw(struct panel_scene *made, const struct panel *panel) {
    struct scene *s = &made->scene;
    struct panel_value values[PANEL_VALUES_MAX];
    panel_scene_place(made, panel);
    canvas_clear(s->canvas, s->theme->window);
    chart_frame(s, panel, &made->place);
    if (!panel->present(s)) {
        chart_absent(s, &made->place, panel->absent);
        return;
    }
    if (panel->most != NULL) {
        chart_grid(s, panel, &made->place, made->top);
    }
    view_time_bands(s, &made->place);
    panel->draw(s, &made->place, made->top);
    if (panel->values != NULL) {
        size_t count = panel->values(s, s->newest, values);
        chart_labels(s, &made->place, made->top, values, count);
    }
}

void panel_scene_free(struct panel_scene *made) {
    canvas_destroy(made->scene.canvas);
    free(made->scene.points);
    free(made->scene.sums);
    free(made->scene.columns);
    free(made->scene.bins);
    free(made->marks);
}
