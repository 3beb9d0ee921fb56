/* Memtable: the active one fills to its limit, is sealed, and is flushed to level 0. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "memtable_steps.h"
#include "obs_check.h"
#include "units.h"

static bool present(const struct scene *scene) {
    return history_has(scene->history, SCOPE_M_MEMTABLE_BYTES);
}

static bool has_sealed(const struct scene *scene) {
    return history_has(scene->history, SCOPE_M_SEALED_BYTES) &&
           history_max(scene->history, SCOPE_M_SEALED_BYTES, HISTORY_LEVEL, scene->t0,
                       fmin(scene->t1, scene->until)) > 0.0;
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, true, "1000 KiB");
    size->right = chart_label_width(scene, "sealed", "888 KiB");
    size->lane = 0.0;
}

static bool limit_at(const struct scene *scene, size_t index, double *limit) {
    return chart_value(scene, SCOPE_M_MEMTABLE_LIMIT, HISTORY_LEVEL, index, limit) && *limit > 0.0;
}

static double most(const struct scene *scene) {
    double end = fmin(scene->t1, scene->until), limit = 0.0;
    double active =
        history_max(scene->history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, scene->t0, end);
    double found = active;
    if (scene->has_newest && limit_at(scene, scene->newest, &limit)) {
        found = fmax(found, limit);
    } else {
        limit = 0.0;
    }
    if (has_sealed(scene)) {
        size_t count = 0, past = history_find(scene->history, nextafter(end, INFINITY));
        for (size_t i = scene->first; i < scene->end && i < past; i += count) {
            const double *a =
                history_run(scene->history, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, i, &count);
            const double *s =
                history_run(scene->history, SCOPE_M_SEALED_BYTES, HISTORY_LEVEL, i, &count);
            for (size_t k = 0; a != NULL && s != NULL && k < count && i + k < past; k++) {
                double sum = a[k] + s[k];
                found = sum > found ? sum : found; /* false when either is none */
            }
        }
        /* Of very many the samples will have seen the largest. */
        struct memtable_steps steps;
        bool all = memtable_steps_find_all(scene, limit, &steps);
        for (size_t i = 0; all && i < steps.totals; i++) {
            found = fmax(found, fmax(steps.total[i].before, steps.total[i].after));
        }
    }
    return found;
}

static struct color sealed_color(const struct scene *scene) {
    return theme_mix(scene->theme->op[0], scene->theme->axis, 0.65);
}

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    double active = 0.0, sealed = 0.0, limit = 0.0;
    size_t count = 0;
    if (chart_value(scene, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, index, &active)) {
        list[count] = (struct panel_value){
            .name = "active", .color = scene->theme->op[0], .at = active, .dot = true, .rank = 0};
        units_bytes(active, list[count].text, sizeof list[count].text);
        count++;
    }
    if (has_sealed(scene) &&
        chart_value(scene, SCOPE_M_SEALED_BYTES, HISTORY_LEVEL, index, &sealed)) {
        list[count] = (struct panel_value){.name = "sealed",
                                           .color = sealed_color(scene),
                                           .at = active + sealed,
                                           .below = active,
                                           .dot = sealed > 0.0,
                                           .rank = 2};
        units_bytes(sealed, list[count].text, sizeof list[count].text);
        count++;
    }
    if (limit_at(scene, index, &limit)) {
        list[count] = (struct panel_value){
            .name = "limit", .color = scene->theme->axis, .at = limit, .rank = 1};
        units_bytes(limit, list[count].text, sizeof list[count].text);
        count++;
    }
    OBS_ASSERT(count <= PANEL_VALUES_MAX);
    return count;
}

static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    uint64_t flushes = 0;
    char number[UNITS_TEXT];
    if (!scene->has_newest) {
        return;
    }
    if (!history_value_at(scene->history, SCOPE_M_FLUSHES, scene->newest, &flushes)) {
        flushes = marks_count(scene->history, SCOPE_EVENT_FLUSH_END, scene->until);
    }
    units_grouped((double)flushes, number, sizeof number);
    snprintf(text, size, "%s %s", flushes == 1 ? "flush" : "flushes", number);
    *color = scene->theme->flush;
}

/* A flush is a tick that stands on the axis: its shape tells it from everything else. */
static void draw_flushes(const struct scene *scene, const struct panel_place *place) {
    /* Crowded ticks would hide the data they stand for: they become shorter, then a faint strip. */
    size_t count = scene->marks->flushes;
    double spacing = place->plot.w / fmax(1.0, (double)count);
    bool crowded = spacing < 8.0, dense = spacing < 3.0;
    double height = fmin(dense ? 4.0 : crowded ? 6.0 : 10.0, place->plot.h / 4.0);
    struct color color = theme_fade(scene->theme->flush, dense ? 0.7 : 1.0);
    double foot = place->plot.y + place->plot.h;
    double width = fmax(canvas_pixel(scene->canvas), canvas_snap(scene->canvas, dense ? 1.0 : 2.0));
    canvas_clip(scene->canvas, &place->plot);
    for (size_t i = 0; i < count; i++) {
        double x = chart_x(scene, place, scene->marks->flush[i].t) - width / 2.0;
        struct rect tick = {canvas_snap(scene->canvas, x), foot - height, width, height};
        canvas_fill_rect(scene->canvas, tick, 0.0, color);
    }
    canvas_clip(scene->canvas, NULL);
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    double limit = 0.0;
    bool limited = scene->has_newest && limit_at(scene, scene->newest, &limit);
    double pixel_s =
        (scene->t1 - scene->t0) / fmax(1.0, place->plot.w / canvas_pixel(scene->canvas));
    struct memtable_steps steps;
    memtable_steps_find(scene, limited ? limit : 0.0, pixel_s, &steps);
    struct chart_series active = {.id = SCOPE_M_MEMTABLE_BYTES,
                                  .form = HISTORY_LEVEL,
                                  .color = scene->theme->op[0],
                                  .width = 1.5,
                                  .fill = 0.22};
    if (has_sealed(scene)) {
        struct chart_series sealed = active;
        sealed.id = SCOPE_M_MEMTABLE_BYTES;
        sealed.add = SCOPE_M_SEALED_BYTES;
        sealed.color = sealed_color(scene);
        sealed.width = 1.0;
        sealed.fill = 0.30;
        sealed.step = steps.total;
        sealed.steps = steps.totals;
        chart_line(scene, place, top, &sealed);
    }
    if (limited) {
        double y = canvas_snap(scene->canvas, chart_y(place, top, limit)) -
                   canvas_pixel(scene->canvas) / 2.0;
        struct point line[2] = {{place->plot.x, y}, {place->plot.x + place->plot.w, y}};
        const double dash[2] = {6.0, 4.0};
        canvas_polyline(scene->canvas, line, 2, 1.0, theme_fade(scene->theme->axis, 0.7), dash, 2);
    }
    active.step = steps.active;
    active.steps = steps.actives;
    chart_line(scene, place, top, &active);
    draw_flushes(scene, place);
}

/* ---- what is told ---------------------------------------------------------------------------- */

static size_t events(const struct scene *scene, double t, struct panel_value *list) {
    const struct mark_point *nearest = NULL;
    for (size_t i = 0; i < scene->marks->flushes; i++) {
        const struct mark_point *flush = &scene->marks->flush[i];
        if (fabs(flush->t - t) <= scene->cursor_slack_s &&
            (nearest == NULL || fabs(flush->t - t) < fabs(nearest->t - t))) {
            nearest = flush;
        }
    }
    if (nearest == NULL) {
        return 0;
    }
    char bytes[UNITS_TEXT] = "", took[UNITS_TEXT] = "";
    list[0] = (struct panel_value){.name = "flush", .color = scene->theme->flush, .at = NAN};
    if (nearest->count > 1) {
        snprintf(list[0].name, sizeof list[0].name, "%u flushes, last", nearest->count);
    }
    const struct scope_event *event = history_event(scene->history, nearest->event);
    if (event->u.job_info.bytes_out > 0) {
        units_bytes((double)event->u.job_info.bytes_out, bytes, sizeof bytes);
    }
    if (event->u.job_info.duration_ns > 0) {
        units_duration((double)event->u.job_info.duration_ns * 1e-9, took, sizeof took);
    }
    snprintf(list[0].text, sizeof list[0].text, "%s%s%s", bytes,
             bytes[0] != '\0' && took[0] != '\0' ? " in " : "", took);
    return 1;
}

const struct panel panel_memtable = {
    .name = "memtable",
    .title = "Memtable",
    .teaches = "fills, then flushes to L0",
    .help = "Bytes in memory until the next flush, each flush a tick: a flat top means that writes "
            "wait for it.",
    .absent = "this source does not publish the memtable's size",
    .unit = AXIS_BYTES,
    .overlays = true,
    .weight = 0.85,
    .present = present,
    .measure = measure,
    .most = most,
    .draw = draw,
    .values = values,
    .events = events,
    .corner = corner,
};
