#include "gantt_stalls.h"

#include <math.h>
#include <stdio.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"

static const double THIN_STALL = 8.0; /* narrower ones are not hatched */

struct rect gantt_stall_rect(const struct scene *scene, const struct panel_place *place,
                             const struct gantt_lanes *lanes, const struct mark_span *stall) {
    struct rect rect = gantt_row_rect(place, lanes, 0, 0, 1);
    double left = place->plot.x, right = left + place->plot.w;
    rect.x = canvas_snap(scene->canvas, fmax(left, chart_x(scene, place, stall->t0)));
    double end = canvas_snap(scene->canvas, fmin(right, chart_x(scene, place, stall->t1)));
    rect.w = fmin(right, fmax(rect.x + GANTT_TICK, end)) - rect.x;
    return rect;
}

/* Writes went on, with pauses: lighter than where they stood still. */
static bool is_slowdown(enum scope_stall cause) {
    return cause == SCOPE_STALL_L0_SLOW || cause == SCOPE_STALL_DEBT_SLOW;
}

/* Inside on a plate, as no letter can be read on hatching, else beside. */
static void write_stall(const struct scene *scene, struct rect rect, double room,
                        char text[GANTT_WORDS][GANTT_WORDS_SIZE]) {
    for (size_t i = 0; i < 2; i++) {
        double width = canvas_text_width(scene->canvas, FONT_AXIS, true, text[i]);
        if (width + 10.0 <= rect.w) {
            struct rect plate = {rect.x + 2.0, rect.y + rect.h / 2.0 - 8.0, width + 8.0, 16.0};
            canvas_fill_rect(scene->canvas, plate, 3.0, theme_fade(scene->theme->panel, 0.88));
            break;
        }
    }
    gantt_write(scene, &rect, room, text, 2, scene->theme->stall, scene->theme->stall);
}

static struct color stall_color(const struct scene *scene, bool slow) {
    return theme_fade(scene->theme->stall, slow ? 0.28 : 0.6);
}

static bool is_thin(const struct rect *rect) {
    return rect->w < THIN_STALL;
}

/* So many thin ones that they touch: higher where more of the time was stalled, as for jobs. */
static bool is_crowded(const struct scene *scene, const struct panel_place *place,
                       const struct gantt_lanes *lanes) {
    size_t thin = 0;
    for (size_t s = 0; s < scene->marks->stalls; s++) {
        struct rect rect = gantt_stall_rect(scene, place, lanes, &scene->marks->stall[s]);
        thin += is_thin(&rect);
    }
    return (double)thin * 2.0 * GANTT_TICK > place->plot.w;
}

/* All thin ones at once: an hour may have thousands. */
static void draw_thin_stalls(const struct scene *scene, const struct panel_place *place,
                             const struct gantt_lanes *lanes, bool slow) {
    double scale = canvas_scale(scene->canvas);
    struct rect row = gantt_row_rect(place, lanes, 0, 0, 1);
    size_t count = (size_t)fmin((double)scene->columns_max, floor(place->plot.w * scale));
    bool crowded = is_crowded(scene, place, lanes);
    double pixel_s = (scene->t1 - scene->t0) / (place->plot.w * scale);
    double *busy = scene->sums; /* of each column: how much of its time, or less than nothing */
    for (size_t i = 0; i < count; i++) {
        busy[i] = -1.0;
    }
    for (size_t s = 0; s < scene->marks->stalls; s++) {
        const struct mark_span *stall = &scene->marks->stall[s];
        struct rect rect = gantt_stall_rect(scene, place, lanes, stall);
        if (!is_thin(&rect) || is_slowdown(stall->cause) != slow) {
            continue;
        }
        double from = fmax(0.0, (rect.x - place->plot.x) * scale), to = from + rect.w * scale;
        double part = crowded ? stall->busy_s / pixel_s / fmax(1.0, to - from) : 1.0;
        for (size_t i = (size_t)from; i < count && (double)i < to; i++) {
            busy[i] = fmin(1.0, fmax(0.0, busy[i]) + part);
        }
    }
    for (size_t i = 0; i < count; i++) {
        double top = row.y + row.h * 0.65 * (1.0 - busy[i]);
        scene->columns[i] = busy[i] < 0.0 ? (struct canvas_column){INFINITY, 0.0}
                                          : (struct canvas_column){top, row.y + row.h};
    }
    canvas_columns(scene->canvas, place->plot.x, scene->columns, count, stall_color(scene, slow));
}

void gantt_stalls_draw(const struct scene *scene, const struct panel_place *place,
                       const struct gantt_lanes *lanes) {
    double next = place->plot.x + place->plot.w;
    draw_thin_stalls(scene, place, lanes, true);
    draw_thin_stalls(scene, place, lanes, false);
    for (size_t i = scene->marks->stalls; i-- > 0;) {
        const struct mark_span *stall = &scene->marks->stall[i];
        struct rect rect = gantt_stall_rect(scene, place, lanes, stall);
        bool slow = is_slowdown(stall->cause);
        if (!is_thin(&rect)) {
            canvas_fill_rect(scene->canvas, rect, 0.0, stall_color(scene, slow));
        }
        if (!is_thin(&rect) && !slow) {
            canvas_hatch(scene->canvas, rect, 6.0, 1.5, theme_fade(scene->theme->stall, 0.9));
        }
        double room = next - rect.x - rect.w;
        next = fmin(next, rect.x);
        if (rect.h < 12.0 || (room < 24.0 && rect.w < 24.0)) {
            continue;
        }
        char text[GANTT_WORDS][GANTT_WORDS_SIZE], took[UNITS_TEXT];
        const char *cause = scope_stall_name(stall->cause);
        units_duration(stall->t1 - stall->t0, took, sizeof took);
        if (stall->count > 1) {
            snprintf(text[0], GANTT_WORDS_SIZE, "%s, %u×", cause, stall->count);
        } else {
            snprintf(text[0], GANTT_WORDS_SIZE, "%s, %s", cause, took);
        }
        snprintf(text[1], GANTT_WORDS_SIZE, "%s", cause);
        write_stall(scene, rect, room, text);
    }
}

double gantt_stalled_s(const struct scene *scene, enum scope_stall *cause) {
    double sum = 0.0, end = fmin(scene->t1, scene->until), of[SCOPE_STALLS] = {0.0};
    bool counted = false;
    size_t from = history_find(scene->history, scene->t0);
    for (uint32_t id = SCOPE_M_STALL_NS_L0_SLOW; id <= SCOPE_M_STALL_NS_INLINE; id++) {
        uint64_t before, now;
        if (from <= scene->newest && history_value_at(scene->history, id, from, &before) &&
            history_value_at(scene->history, id, scene->newest, &now)) {
            of[id - SCOPE_M_STALL_NS_L0_SLOW + 1] =
                (double)(now >= before ? now - before : now) * 1e-9;
            counted = true;
        }
    }
    for (size_t i = 0; i < scene->marks->stalls && !counted; i++) {
        const struct mark_span *stall = &scene->marks->stall[i];
        of[stall->cause] += fmax(0.0, fmin(stall->t1, end) - fmax(stall->t0, scene->t0));
    }
    *cause = SCOPE_STALL_NONE;
    for (int i = 0; i < SCOPE_STALLS; i++) {
        sum += of[i];
        *cause = of[i] > of[*cause] ? (enum scope_stall)i : *cause;
    }
    return sum;
}
