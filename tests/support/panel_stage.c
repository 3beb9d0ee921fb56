#include "panel_stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"

static void *need(void *memory) {
    if (memory == NULL) {
        fprintf(stderr, "panel stage: out of memory\n");
        abort();
    }
    return memory;
}

void panel_stage_open(struct panel_stage *stage, const struct history *history, int width,
                      int height, double scale, enum theme_id theme) {
    char error[256];
    memset(stage, 0, sizeof *stage);
    stage->canvas = canvas_raster_create(width, height, scale, "Inter", error, sizeof error);
    if (stage->canvas == NULL) {
        fprintf(stderr, "%s (the tests of panels need the package fonts-inter)\n", error);
        abort();
    }
    size_t columns = (size_t)width + 16;
    struct scene *s = &stage->scene;
    *s = (struct scene){.canvas = stage->canvas,
                        .theme = theme_get(theme),
                        .history = history,
                        .marks = &stage->marks,
                        .still = true,
                        .moving = &stage->moving,
                        .runs = 1,
                        .columns_max = columns};
    s->points = need(calloc(2 * columns + 8, sizeof *s->points));
    s->sums = need(calloc(2 * columns, sizeof *s->sums));
    s->columns = need(calloc(3 * columns, sizeof *s->columns));
    s->bins = need(calloc(2 * columns, sizeof *s->bins));
    double end = history_end(history);
    panel_stage_span(stage, 0.0, end > 0.0 ? end : 1.0);
}

void panel_stage_close(struct panel_stage *stage) {
    free(stage->scene.points);
    free(stage->scene.sums);
    free(stage->scene.columns);
    free(stage->scene.bins);
    canvas_destroy(stage->canvas);
}

void panel_stage_span(struct panel_stage *stage, double t0, double t1) {
    struct scene *s = &stage->scene;
    size_t count = history_count(s->history);
    s->t0 = t0;
    s->t1 = t1;
    s->until = history_end(s->history);
    s->moment = fmin(t1, s->until);
    size_t first = history_find(s->history, t0), end = history_find(s->history, t1);
    size_t after = history_find(s->history, nextafter(s->moment, INFINITY));
    s->first = first > 0 ? first - 1 : 0;
    s->end = end < count ? end + 1 : count;
    s->has_newest = after > 0;
    s->newest = after > 0 ? after - 1 : 0;
}

void panel_stage_place(struct panel_stage *stage, const struct panel *panel,
                       struct panel_place *place) {
    struct canvas *canvas = stage->canvas;
    struct panel_size size = {.left = 0.0};
    panel->measure(&stage->scene, &size);
    const double margin = 8.0, header = 34.0, foot = 12.0;
    struct rect frame = {margin, margin, canvas_width(canvas) - 2.0 * margin,
                         canvas_height(canvas) - 2.0 * margin};
    double left = frame.x + PANEL_PAD + size.left + (size.left > 0.0 ? 8.0 : 0.0);
    double right = frame.x + frame.w - PANEL_PAD - size.right - (size.right > 0.0 ? 12.0 : 0.0);
    left = canvas_snap(canvas, left);
    right = canvas_snap(canvas, right);
    double top = canvas_snap(canvas, frame.y + header);
    double bottom = canvas_snap(canvas, frame.y + frame.h - foot);
    place->frame = frame;
    place->header = (struct rect){frame.x + PANEL_PAD, frame.y, frame.w - 2.0 * PANEL_PAD, header};
    place->lane = (struct rect){left, top, fmax(16.0, right - left), 0.0};
    place->plot = (struct rect){left, top, fmax(16.0, right - left), fmax(16.0, bottom - top)};
    place->labels = (struct rect){right + 12.0, top, size.right, place->plot.h};
}

void panel_stage_draw(struct panel_stage *stage, const struct panel *panel) {
    struct panel_place place;
    struct scene *scene = &stage->scene;
    panel_stage_place(stage, panel, &place);
    canvas_clear(stage->canvas, scene->theme->window);
    chart_frame(scene, panel, &place);
    if (!panel->present(scene)) {
        chart_absent(scene, &place, panel->absent);
        return;
    }
    panel->draw(scene, &place, 1.0);
    if (panel->values != NULL && scene->has_newest) {
        struct panel_value values[PANEL_VALUES_MAX];
        size_t count = panel->values(scene, scene->newest, values);
        chart_labels(scene, &place, 1.0, values, count);
    }
}
