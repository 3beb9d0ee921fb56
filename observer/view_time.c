#include "view_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"

static const double TICK_SPACING = 90.0;
static const double LABEL_GAP = 8.0;

/* A cell of a stall's band: wide enough to be seen, narrow enough to be where it was. */
static const double BAND_CELL = 2.0;
enum { BAND_CELLS_MAX = 4096 };

/* Which share of each cell's time was stalled. */
static size_t stalled_shares(const struct scene *scene, const struct panel_place *place,
                             float shares[BAND_CELLS_MAX]) {
    double cells = ceil(place->plot.w / BAND_CELL);
    size_t count = cells < BAND_CELLS_MAX ? (size_t)cells : BAND_CELLS_MAX;
    memset(shares, 0, count * sizeof *shares);
    for (size_t i = 0; i < scene->marks->stalls; i++) {
        const struct mark_span *stall = &scene->marks->stall[i];
        double begin = (chart_x(scene, place, stall->t0) - place->plot.x) / BAND_CELL;
        double end = (chart_x(scene, place, stall->t1) - place->plot.x) / BAND_CELL;
        double length = stall->t1 - stall->t0;
        double dense = length > 0.0 ? fmin(1.0, stall->busy_s / length) : 1.0;
        begin = fmax(begin, 0.0);
        for (size_t cell = (size_t)begin; cell < count && (double)cell <= end; cell++) {
            double part = fmin(end, (double)cell + 1.0) - fmax(begin, (double)cell);
            /* The shortest stall is still seen. */
            shares[cell] = fmaxf(0.15F, fminf(1.0F, shares[cell] + (float)(dense * part)));
        }
    }
    return count;
}

/* As strong as the share of time that was stalled: many short ones do not look like a long one. */
void view_time_bands(const struct scene *scene, const struct panel_place *place) {
    static float shares[BAND_CELLS_MAX]; /* one thread draws */
    struct canvas *canvas = scene->canvas;
    double right = place->plot.x + place->plot.w;
    size_t count = scene->marks->stalls > 0 ? stalled_shares(scene, place, shares) : 0;
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && shares[end] == shares[first];) {
            end++;
        }
        if (shares[first] <= 0.0F) {
            continue;
        }
        double x0 = canvas_snap(canvas, place->plot.x + (double)first * BAND_CELL);
        double x1 = canvas_snap(canvas, place->plot.x + (double)end * BAND_CELL);
        struct rect band = {x0, place->plot.y, fmin(x1, right) - x0, place->plot.h};
        canvas_fill_rect(canvas, band, 0.0,
                         theme_fade(scene->theme->stall, 0.16 * (double)shares[first]));
        if (band.w >= 6.0 && shares[first] >= 1.0F) {
            canvas_hatch(canvas, band, 6.0, 1.0, theme_fade(scene->theme->stall, 0.40));
        }
    }
}

/* The time under the crosshair, on the axis; no width without a crosshair. */
struct pill {
    char text[2 * UNITS_TEXT + 8];
    struct rect rect;
};

static void make_pill(const struct view_frame *frame, unsigned run, const struct rect *axis,
                      struct pill *pill) {
    memset(pill, 0, sizeof *pill);
    const struct view_status *status = view_run_status(frame->view, run);
    const struct scene *scene = &frame->scene[0];
    if (!frame->has_cursor) {
        return;
    }
    struct panel_place place = {.plot = *axis};
    double t = frame->cursor_s;
    char elapsed[UNITS_TEXT], wall[UNITS_TEXT] = "";
    units_clock(t, scene->t1 - scene->t0 < 5.0 ? 3 : 2, elapsed, sizeof elapsed);
    if (status->start_real_s >= 0.0) {
        double own = t - view_run_offset(frame->view, run);
        units_wall_clock(status->start_real_s + own, wall, sizeof wall);
    }
    snprintf(pill->text, sizeof pill->text, "%s%s%s", elapsed, wall[0] != '\0' ? "   " : "", wall);
    double width = canvas_text_width(scene->canvas, FONT_STRONG, true, pill->text) + 16.0;
    double x = chart_x(scene, &place, t) - width / 2.0;
    /* Beside the plot stand labels, some a little below its foot. */
    x = fmax(axis->x, fmin(x, axis->x + axis->w - width));
    pill->rect = (struct rect){canvas_snap(scene->canvas, x),
                               canvas_snap(scene->canvas, axis->y + 4.0), width, 20.0};
}

static void draw_ticks(const struct scene *scene, const struct rect *axis,
                       const struct pill *pill) {
    struct canvas *canvas = scene->canvas;
    struct panel_place place = {.plot = *axis};
    struct axis_ticks ticks;
    axis_time_ticks(scene->t0, scene->t1, (int)fmax(1.0, floor(axis->w / TICK_SPACING)), &ticks);
    double baseline = chart_baseline(canvas, FONT_AXIS, axis->y + 14.0);
    double width = fmax(canvas_pixel(canvas), canvas_snap(canvas, 1.0));
    for (int i = 0; i < ticks.count; i++) {
        double x = canvas_snap(canvas, chart_x(scene, &place, ticks.tick[i].value));
        struct rect tick = {fmin(x, axis->x + axis->w - width), axis->y, width, 4.0};
        canvas_fill_rect(canvas, tick, 0.0, theme_mix(scene->theme->grid, scene->theme->axis, 0.5));
        double half = canvas_text_width(canvas, FONT_AXIS, true, ticks.tick[i].label) / 2.0;
        double middle = fmin(x, axis->x + axis->w + 8.0 - half);
        bool covered = pill->rect.w > 0.0 && middle + half > pill->rect.x - LABEL_GAP &&
                       middle - half < pill->rect.x + pill->rect.w + LABEL_GAP;
        if (!covered) {
            canvas_text(canvas, FONT_AXIS, middle, baseline, TEXT_CENTER, true, scene->theme->axis,
                        ticks.tick[i].label);
        }
    }
}

void view_time_axis(struct view_frame *frame) {
    struct canvas *canvas = frame->canvas;
    for (int c = 0; c < frame->layout.columns; c++) {
        const struct rect *axis = &frame->layout.time_axis[c];
        struct pill pill;
        if (axis->w <= 0.0) {
            continue; /* nothing in this column goes by time */
        }
        bool beside = frame->runs > 1 && frame->view->side_by_side;
        make_pill(frame, beside ? (unsigned)c : 0, axis, &pill);
        draw_ticks(&frame->scene[0], axis, &pill);
        if (pill.rect.w > 0.0) {
            view_frame_told(frame, pill.rect);
            canvas_fill_rect(canvas, pill.rect, 4.0, frame->theme->text);
            double middle = pill.rect.y + pill.rect.h / 2.0;
            canvas_text(canvas, FONT_STRONG, pill.rect.x + 8.0,
                        chart_baseline(canvas, FONT_STRONG, middle), TEXT_LEFT, true,
                        frame->theme->panel, pill.text);
        }
    }
}

/* ---- notes --------------------------------------------------------------------------------- */

enum { PLACED_MAX = 64 };
struct placed {
    struct {
        double x0, x1;
    } span[PLACED_MAX];
    size_t count;
    bool cause[SCOPE_STALLS]; /* said already */
};

static bool take_room(struct placed *placed, double x0, double x1) {
    for (size_t i = 0; i < placed->count; i++) {
        if (x0 < placed->span[i].x1 + LABEL_GAP && x1 > placed->span[i].x0 - LABEL_GAP) {
            return false;
        }
    }
    if (placed->count == PLACED_MAX) {
        return false;
    }
    placed->span[placed->count].x0 = x0;
    placed->span[placed->count++].x1 = x1;
    return true;
}

/* Is this slot's plot one that shows this run over time? */
static bool shows(const struct view_frame *frame, size_t slot, unsigned run) {
    const struct layout_slot *at = &frame->layout.slot[slot];
    bool beside = frame->runs > 1 && frame->view->side_by_side;
    return !at->panel->timeless && (!beside || at->run == run);
}

/* The plot of a run in a slot: all of it, or the run's band. */
static void plot_of(const struct view_frame *frame, size_t slot, unsigned run,
                    struct panel_place *place) {
    *place = frame->layout.place[slot];
    if (view_runs_divide(frame, slot)) {
        layout_part(frame->canvas, &frame->layout, slot, run, frame->runs, place);
    }
}

/* Text at `x`, on the side of it with room, in the row for notes. */
static void write_note(const struct scene *scene, const struct rect *row, double x,
                       const char *text, struct color color, struct placed *placed) {
    struct canvas *canvas = scene->canvas;
    char fitted[128];
    double left = row->x, right = row->x + row->w;
    double room = fmin(240.0, fmax(right - x, x - left) - 6.0);
    if (row->w <= 0.0 ||
        !chart_fit(canvas, FONT_STRONG, false, text, room, fitted, sizeof fitted)) {
        return;
    }
    double width = canvas_text_width(canvas, FONT_STRONG, false, fitted);
    double baseline = chart_baseline(canvas, FONT_STRONG, row->y + row->h / 2.0 - 1.0);
    bool to_right = x + 5.0 + width <= right;
    double at = to_right ? x + 5.0 : x - 5.0 - width;
    if (take_room(placed, at, at + width)) {
        canvas_text(canvas, FONT_STRONG, at, baseline, TEXT_LEFT, false, color, fitted);
    }
}

static void draw_note(const struct view_frame *frame, const struct scene *scene,
                      const struct rect *row, const struct mark_point *note,
                      struct placed *placed) {
    struct canvas *canvas = frame->canvas;
    const struct scope_event event = *history_event(scene->history, note->event);
    bool error = event.type == SCOPE_EVENT_ERROR;
    struct color color = error ? frame->theme->stall : frame->theme->marker;
    double pixel = canvas_pixel(canvas), x = -1.0;
    for (size_t i = 0; i < frame->layout.count; i++) {
        struct panel_place place;
        if (!shows(frame, i, scene->run)) {
            continue;
        }
        plot_of(frame, i, scene->run, &place);
        double at = canvas_snap(canvas, chart_x(scene, &place, note->t)) + pixel / 2.0;
        bool first = row->w > 0.0 && x < 0.0 && place.plot.x >= row->x - 1.0 &&
                     place.plot.x <= row->x + row->w;
        double top = first ? row->y + 4.0 : place.plot.y;
        x = first ? at : x;
        const double dash[2] = {4.0, 3.0};
        struct point line[2] = {{at, top}, {at, place.plot.y + place.plot.h}};
        canvas_polyline(canvas, line, 2, fmax(1.0, pixel), theme_fade(color, error ? 0.9 : 0.55),
                        scene->run > 0 ? dash : NULL, scene->run > 0 ? 2 : 0);
    }
    char text[128];
    snprintf(text, sizeof text, "%s%s", error ? "error: " : "", event.u.text);
    if (x >= 0.0) {
        write_note(scene, row, x, text, color, placed);
    }
}

/* False: there is no room for it. */
static bool draw_cause(const struct scene *scene, const struct rect *row,
                       const struct mark_span *stall, struct placed *placed) {
    struct canvas *canvas = scene->canvas;
    char text[96];
    snprintf(text, sizeof text, "stall: %s", scope_stall_name(stall->cause));
    double width = canvas_text_width(canvas, FONT_STRONG, false, text);
    if (width > row->w) {
        return false;
    }
    struct panel_place place = {.plot = *row};
    double t = (fmax(stall->t0, scene->t0) + fmin(stall->t1, scene->t1)) / 2.0;
    double x = chart_x(scene, &place, t) - width / 2.0;
    x = fmax(row->x, fmin(x, row->x + row->w - width));
    if (!take_room(placed, x, x + width)) {
        return false;
    }
    double baseline = chart_baseline(canvas, FONT_STRONG, row->y + row->h / 2.0 - 1.0);
    canvas_text(canvas, FONT_STRONG, x, baseline, TEXT_LEFT, false, scene->theme->stall, text);
    return true;
}

/* The longest stall of each cause has its name: the others look like it, and a name over each
 * would be louder than the data. */
static void draw_causes(const struct scene *scene, const struct rect *row, struct placed *placed) {
    const struct marks *marks = scene->marks;
    bool named[MARKS_SPANS_MAX] = {false};
    for (int round = 0; round < 16; round++) {
        size_t longest = marks->stalls;
        for (size_t i = 0; i < marks->stalls; i++) {
            if (!named[i] && !placed->cause[marks->stall[i].cause] &&
                (longest == marks->stalls ||
                 marks->stall[i].t1 - marks->stall[i].t0 >
                     marks->stall[longest].t1 - marks->stall[longest].t0)) {
                longest = i;
            }
        }
        if (longest == marks->stalls) {
            break;
        }
        named[longest] = true;
        const struct mark_span *stall = &marks->stall[longest];
        placed->cause[stall->cause] = draw_cause(scene, row, stall, placed);
    }
}

void view_time_notes(const struct view_frame *frame) {
    struct placed placed = {.count = 0};
    bool beside = frame->runs > 1 && frame->view->side_by_side;
    for (unsigned k = 0; k < frame->runs; k++) {
        const struct scene *scene = &frame->scene[k];
        const struct rect *row = &frame->layout.notes[beside ? k : 0];
        placed = beside ? (struct placed){.count = 0} : placed;
        for (size_t i = scene->marks->notes; i-- > 0;) { /* the newest keep their text */
            draw_note(frame, scene, row, &scene->marks->note[i], &placed);
        }
        if (row->w > 0.0) {
            draw_causes(scene, row, &placed);
        }
    }
}

/* ---- crosshair ----------------------------------------------------------------------------- */

void view_time_cursor(const struct view_frame *frame) {
    double pixel = canvas_pixel(frame->canvas);
    for (size_t i = 0; i < frame->layout.count && frame->has_cursor; i++) {
        const struct panel_place *place = &frame->layout.place[i];
        if (frame->layout.slot[i].panel->timeless) {
            continue;
        }
        double at = chart_x(&frame->scene[0], place, frame->cursor_s);
        double x = canvas_snap(frame->canvas, at) + pixel / 2.0;
        canvas_line(frame->canvas, (struct point){x, place->plot.y},
                    (struct point){x, place->plot.y + place->plot.h}, fmax(1.0, pixel),
                    theme_fade(frame->theme->text, 0.45));
    }
}
