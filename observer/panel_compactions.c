/* Flushes and compactions: each job a bar from its begin to its end, a lane for each pair of
 * levels, and the stalls that they explain above them. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "gantt.h"
#include "gantt_words.h"
#include "obs_check.h"
#include "units.h"

static const double BARS_HIGH = 56.0; /* the most that the bars of a lane take of it */
static const double TICK = 2.0;       /* the narrowest bar */
static const double THIN_STALL = 8.0; /* narrower ones are not hatched */

enum { BARS_MAX = 1 << 14, LABELLED_MAX = 400 };
static struct gantt_bar bars[BARS_MAX];

/* ---- where things lie ------------------------------------------------------------------------ */

struct lanes {
    struct gantt_frame frame;
    bool stalls; /* a lane for them, above the others */
    size_t count;
    double height;
};

static bool stalls_known(const struct scene *scene) {
    uint64_t stalls = 0;
    return scene->marks->stalls > 0 ||
           (scene->has_newest &&
            history_value_at(scene->history, SCOPE_M_STALLS, scene->newest, &stalls) && stalls > 0);
}

static bool make_lanes(const struct scene *scene, const struct panel_place *place,
                       struct lanes *lanes) {
    const struct gantt *gantt = gantt_jobs(scene->history);
    double pixel_s = (scene->t1 - scene->t0) / (place->plot.w * canvas_scale(scene->canvas));
    lanes->frame.bar = bars;
    lanes->frame.bars_max = BARS_MAX;
    gantt_collect(gantt, scene->t0, fmin(scene->t1, scene->until), scene->until, pixel_s,
                  &lanes->frame);
    lanes->stalls = stalls_known(scene);
    lanes->count = lanes->frame.lanes + (lanes->stalls ? 1 : 0);
    lanes->height = place->plot.h / fmax(1.0, (double)lanes->count);
    return lanes->count > 0;
}

/* The part of a lane in which bars are drawn. `rows`: how many lie above each other. */
static struct rect row_rect(const struct panel_place *place, const struct lanes *lanes, size_t lane,
                            size_t row, size_t rows) {
    double gap = fmax(fmin(8.0, lanes->height * 0.28), lanes->height - BARS_HIGH);
    double height = (lanes->height - gap) / (double)rows;
    double y = place->plot.y + lanes->height * (double)lane + gap / 2.0 + height * (double)row;
    return (struct rect){place->plot.x, y, place->plot.w, height - (rows > 1 ? 1.0 : 0.0)};
}

static struct rect bar_rect(const struct scene *scene, const struct panel_place *place,
                            const struct lanes *lanes, const struct gantt_bar *bar) {
    const struct gantt_lane *lane = &lanes->frame.lane[bar->lane];
    size_t at = bar->lane + (lanes->stalls ? 1u : 0u);
    struct rect rect = row_rect(place, lanes, at, bar->row, lane->rows);
    double left = place->plot.x, right = left + place->plot.w;
    double x0 = fmax(left - 4.0, chart_x(scene, place, bar->t0));
    double x1 = fmin(right, chart_x(scene, place, bar->t1));
    rect.x = canvas_snap(scene->canvas, x0);
    rect.w = fmax(TICK, canvas_snap(scene->canvas, x1) - rect.x);
    rect.y = canvas_snap(scene->canvas, rect.y);
    if (rect.x + rect.w > right) {
        rect.x = right - rect.w;
    }
    return rect;
}

/* ---- colours --------------------------------------------------------------------------------- */

static struct color lane_color(const struct scene *scene, const struct gantt_lane *lane) {
    return lane->flush ? scene->theme->flush : scene->theme->level[lane->from];
}

/* Letters need more contrast than areas: towards the text's colour, keeping the hue. */
static struct color letters(const struct scene *scene, struct color color) {
    return theme_mix(color, scene->theme->text, 0.3);
}

static bool is_bright(struct color color) {
    return 0.30 * (double)color.r + 0.59 * (double)color.g + 0.11 * (double)color.b > 0.55;
}

/* Writes the longest of the texts that fits into a bar, else that fits into `room` right of it. */
static void write_beside(const struct scene *scene, const struct rect *bar, double room,
                         char text[GANTT_WORDS][GANTT_WORDS_SIZE], size_t count,
                         struct color inside, struct color beside) {
    struct canvas *canvas = scene->canvas;
    double baseline = chart_baseline(canvas, FONT_AXIS, bar->y + bar->h / 2.0);
    for (size_t i = 0; i < 2 * count; i++) {
        const char *words = text[i % count];
        double width = canvas_text_width(canvas, FONT_AXIS, true, words);
        if (i < count && width + 10.0 <= bar->w) {
            canvas_text(canvas, FONT_AXIS, bar->x + 5.0, baseline, TEXT_LEFT, true, inside, words);
            return;
        }
        if (i >= count && width + 12.0 <= room) {
            canvas_text(canvas, FONT_AXIS, bar->x + bar->w + 5.0, baseline, TEXT_LEFT, true, beside,
                        words);
            return;
        }
    }
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static bool is_thin(const struct scene *scene, const struct panel_place *place,
                    const struct gantt_bar *bar) {
    return (bar->t1 - bar->t0) / (scene->t1 - scene->t0) * place->plot.w < TICK && !bar->open;
}

/* Rows in which ticks would touch each other: they are drawn as a strip, higher where more of the
 * time was worked. */
struct crowds {
    bool row[GANTT_LANES_MAX][GANTT_ROWS_MAX];
};

static void find_crowds(const struct scene *scene, const struct panel_place *place,
                        const struct gantt_frame *frame, struct crowds *crowds) {
    unsigned thin[GANTT_LANES_MAX][GANTT_ROWS_MAX] = {{0}};
    for (size_t i = 0; i < frame->bars; i++) {
        const struct gantt_bar *bar = &frame->bar[i];
        thin[bar->lane][bar->row] += !bar->waiting && is_thin(scene, place, bar);
    }
    for (size_t lane = 0; lane < GANTT_LANES_MAX; lane++) {
        for (size_t row = 0; row < GANTT_ROWS_MAX; row++) {
            crowds->row[lane][row] = thin[lane][row] * 2.0 * TICK > place->plot.w;
        }
    }
}

static void draw_strip(const struct scene *scene, const struct panel_place *place,
                       const struct lanes *lanes, size_t lane, size_t row) {
    const struct gantt_frame *frame = &lanes->frame;
    double pixel_s = (scene->t1 - scene->t0) / (place->plot.w * canvas_scale(scene->canvas));
    double first = floor(scene->t0 / pixel_s);
    size_t count =
        (size_t)fmin((double)scene->columns_max, place->plot.w * canvas_scale(scene->canvas) + 2.0);
    double *busy = scene->sums;
    struct canvas_column *column = scene->columns;
    for (size_t i = 0; i < count; i++) {
        busy[i] = -1.0;
    }
    for (size_t i = 0; i < frame->bars; i++) {
        const struct gantt_bar *bar = &frame->bar[i];
        double at = floor((bar->t0 + bar->t1) / 2.0 / pixel_s) - first;
        if (bar->lane == lane && bar->row == row && !bar->waiting && is_thin(scene, place, bar) &&
            at >= 0.0 && at < (double)count) {
            busy[(size_t)at] = fmax(0.0, busy[(size_t)at]) + (double)bar->busy_s / pixel_s;
        }
    }
    size_t place_of = lane + (lanes->stalls ? 1u : 0u);
    struct rect rect = row_rect(place, lanes, place_of, row, frame->lane[lane].rows);
    for (size_t i = 0; i < count; i++) {
        double share = 0.35 + 0.65 * fmin(1.0, busy[i]);
        double top = rect.y + rect.h * (1.0 - share);
        column[i] = busy[i] < 0.0 ? (struct canvas_column){INFINITY, 0.0}
                                  : (struct canvas_column){top, rect.y + rect.h};
    }
    double x = canvas_snap(scene->canvas, chart_x(scene, place, first * pixel_s));
    canvas_columns(scene->canvas, x, column, count,
                   theme_fade(lane_color(scene, &frame->lane[lane]), 0.85));
}

static void draw_job_bar(const struct scene *scene, const struct lanes *lanes,
                         const struct gantt_bar *bar, struct rect rect) {
    struct canvas *canvas = scene->canvas;
    struct color color = lane_color(scene, &lanes->frame.lane[bar->lane]);
    const struct gantt_job *job = &gantt_jobs(scene->history)->job[bar->longest];
    double radius = rect.w >= 8.0 && rect.h >= 8.0 ? 2.0 : 0.0;
    if (bar->waiting) {
        struct rect thread = {rect.x, canvas_snap(canvas, rect.y + rect.h * 0.4), rect.w,
                              fmax(2.0, rect.h * 0.2)};
        canvas_fill_rect(canvas, thread, 0.0, theme_fade(color, 0.35));
    } else if (bar->open) { /* no right edge: it is not over */
        canvas_fill_rect(canvas, rect, 0.0, theme_fade(color, 0.35));
        struct point edge[4] = {{rect.x + rect.w, rect.y + 0.75},
                                {rect.x + 0.75, rect.y + 0.75},
                                {rect.x + 0.75, rect.y + rect.h - 0.75},
                                {rect.x + rect.w, rect.y + rect.h - 0.75}};
        canvas_polyline(canvas, edge, 4, 1.5, color, NULL, 0);
    } else if (job->moved && bar->count == 1) {
        canvas_fill_rect(canvas, rect, radius, theme_fade(color, 0.45));
    } else {
        /* Bars that touch are told apart by a gap. */
        rect.w -= rect.w > 4.0 ? 1.0 : 0.0;
        canvas_fill_rect(canvas, rect, radius, color);
        if (job->status != 0) {
            canvas_hatch(canvas, rect, 5.0, 1.5, scene->theme->stall);
        }
    }
}

/* Right to left: a text then knows where its room ends. */
static void draw_jobs(const struct scene *scene, const struct panel_place *place,
                      const struct lanes *lanes) {
    const struct gantt_frame *frame = &lanes->frame;
    const struct gantt *gantt = gantt_jobs(scene->history);
    struct crowds crowds;
    double next[GANTT_LANES_MAX][GANTT_ROWS_MAX];
    find_crowds(scene, place, frame, &crowds);
    for (size_t lane = 0; lane < frame->lanes; lane++) {
        for (size_t row = 0; row < GANTT_ROWS_MAX; row++) {
            next[lane][row] = place->plot.x + place->plot.w;
            if (crowds.row[lane][row]) {
                draw_strip(scene, place, lanes, lane, row);
            }
        }
    }
    for (size_t i = frame->bars; i-- > 0;) {
        const struct gantt_bar *bar = &frame->bar[i];
        if (crowds.row[bar->lane][bar->row] && is_thin(scene, place, bar)) {
            continue;
        }
        struct rect rect = bar_rect(scene, place, lanes, bar);
        draw_job_bar(scene, lanes, bar, rect);
        double room = next[bar->lane][bar->row] - rect.x - rect.w;
        next[bar->lane][bar->row] = fmin(rect.x, next[bar->lane][bar->row]);
        bool worth = !bar->waiting && bar->count == 1 && !crowds.row[bar->lane][bar->row] &&
                     frame->bars < LABELLED_MAX;
        if (!worth || rect.h < 12.0 || (rect.w < 40.0 && room < 40.0)) {
            continue;
        }
        char text[GANTT_WORDS][GANTT_WORDS_SIZE];
        struct color color = lane_color(scene, &frame->lane[bar->lane]);
        struct color inside = bar->open          ? scene->theme->text
                              : is_bright(color) ? (struct color){0.05f, 0.06f, 0.08f, 1.0f}
                                                 : (struct color){1.0f, 1.0f, 1.0f, 1.0f};
        size_t count = gantt_job_words(&gantt->job[bar->longest], scene->until, text);
        struct color beside = theme_mix(scene->theme->axis, scene->theme->text, 0.4);
        write_beside(scene, &rect, room, text, count, inside, beside);
    }
}

/* ---- stalls ---------------------------------------------------------------------------------- */

static struct rect stall_rect(const struct scene *scene, const struct panel_place *place,
                              const struct lanes *lanes, const struct mark_span *stall) {
    struct rect rect = row_rect(place, lanes, 0, 0, 1);
    double left = place->plot.x, right = left + place->plot.w;
    rect.x = canvas_snap(scene->canvas, fmax(left, chart_x(scene, place, stall->t0)));
    double end = canvas_snap(scene->canvas, fmin(right, chart_x(scene, place, stall->t1)));
    rect.w = fmin(right, fmax(rect.x + TICK, end)) - rect.x;
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
    write_beside(scene, &rect, room, text, 2, scene->theme->stall, scene->theme->stall);
}

static struct color stall_color(const struct scene *scene, bool slow) {
    return theme_fade(scene->theme->stall, slow ? 0.28 : 0.6);
}

/* All thin ones at once: an hour may have thousands. */
static void draw_thin_stalls(const struct scene *scene, const struct panel_place *place,
                             const struct lanes *lanes, bool slow) {
    double scale = canvas_scale(scene->canvas);
    struct rect row = row_rect(place, lanes, 0, 0, 1);
    size_t count = (size_t)fmin((double)scene->columns_max, floor(place->plot.w * scale));
    for (size_t i = 0; i < count; i++) {
        scene->columns[i] = (struct canvas_column){INFINITY, 0.0};
    }
    for (size_t s = 0; s < scene->marks->stalls; s++) {
        const struct mark_span *stall = &scene->marks->stall[s];
        struct rect rect = stall_rect(scene, place, lanes, stall);
        if (rect.w >= THIN_STALL || is_slowdown(stall->cause) != slow) {
            continue;
        }
        double from = fmax(0.0, (rect.x - place->plot.x) * scale), to = from + rect.w * scale;
        for (size_t i = (size_t)from; i < count && (double)i < to; i++) {
            scene->columns[i] = (struct canvas_column){row.y, row.y + row.h};
        }
    }
    canvas_columns(scene->canvas, place->plot.x, scene->columns, count, stall_color(scene, slow));
}

static void draw_stalls(const struct scene *scene, const struct panel_place *place,
                        const struct lanes *lanes) {
    double next = place->plot.x + place->plot.w;
    draw_thin_stalls(scene, place, lanes, true);
    draw_thin_stalls(scene, place, lanes, false);
    for (size_t i = scene->marks->stalls; i-- > 0;) {
        const struct mark_span *stall = &scene->marks->stall[i];
        struct rect rect = stall_rect(scene, place, lanes, stall);
        bool slow = is_slowdown(stall->cause);
        if (rect.w >= THIN_STALL) {
            canvas_fill_rect(scene->canvas, rect, 0.0, stall_color(scene, slow));
        }
        if (rect.w >= THIN_STALL && !slow) {
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

/* Time in stalls within the stretch shown, by the counters where the publisher has them, and the
 * cause that took most of it. */
static double stalled_s(const struct scene *scene, enum scope_stall *cause) {
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

/* ---- names and figures beside the lanes ------------------------------------------------------ */

static void draw_label(const struct scene *scene, const struct panel_place *place, double middle,
                       double height, const char *name, const char *const figure[4],
                       struct color color) {
    struct canvas *canvas = scene->canvas;
    struct color strong = letters(scene, color);
    double line = height >= 32.0 ? 16.0 : 0.0, right = place->labels.x + place->labels.w;
    double first = chart_baseline(canvas, FONT_STRONG, middle - line / 2.0);
    canvas_text(canvas, FONT_AXIS, place->plot.x - 8.0, chart_baseline(canvas, FONT_AXIS, middle),
                TEXT_RIGHT, false, strong, name);
    canvas_text(canvas, FONT_STRONG, place->labels.x, first, TEXT_LEFT, true, strong, figure[0]);
    canvas_text(canvas, FONT_AXIS, right, first, TEXT_RIGHT, true, scene->theme->text, figure[1]);
    if (line > 0.0) {
        double second = chart_baseline(canvas, FONT_AXIS, middle + line / 2.0);
        canvas_text(canvas, FONT_AXIS, place->labels.x, second, TEXT_LEFT, false,
                    scene->theme->axis, figure[2]);
        canvas_text(canvas, FONT_AXIS, right, second, TEXT_RIGHT, true, scene->theme->axis,
                    figure[3]);
    }
}

/* "2 753×", "11.2 k×": beside it stands a speed. */
static void count_text(unsigned count, char *text, size_t size) {
    char number[UNITS_TEXT];
    units_grouped(count, number, sizeof number);
    if (count >= 10000) {
        snprintf(number, sizeof number, "%.*f k", count < 99950 ? 1 : 0, count / 1000.0);
    }
    snprintf(text, size, "%s×", number);
}

static void draw_labels(const struct scene *scene, const struct panel_place *place,
                        const struct lanes *lanes) {
    double shown = fmin(scene->t1, scene->until) - scene->t0, last = -INFINITY;
    enum scope_stall cause = SCOPE_STALL_NONE;
    char name[40], jobs[UNITS_TEXT + 4], rate[UNITS_TEXT + 4], busy[UNITS_TEXT];
    for (size_t i = 0; i < lanes->count && shown > 0.0; i++) {
        double middle = place->plot.y + lanes->height * ((double)i + 0.5);
        if (middle - last < 14.0) {
            continue; /* lanes lower than a line of type: what fits is named */
        }
        last = middle;
        if (lanes->stalls && i == 0) {
            unsigned count = 0;
            for (size_t s = 0; s < scene->marks->stalls; s++) {
                count += scene->marks->stall[s].count;
            }
            double stalled = stalled_s(scene, &cause);
            count_text(count, jobs, sizeof jobs);
            units_duration(stalled, rate, sizeof rate);
            units_percent(stalled / shown, busy, sizeof busy);
            snprintf(name, sizeof name, "stall");
        } else {
            const struct gantt_lane *lane = &lanes->frame.lane[i - (lanes->stalls ? 1 : 0)];
            count_text(lane->jobs, jobs, sizeof jobs);
            units_bytes(lane->bytes_out / shown, rate, sizeof rate - 2);
            strncat(rate, "/s", sizeof rate - strlen(rate) - 1);
            if (lane->moves > 0 && lane->moves == lane->jobs) {
                snprintf(rate, sizeof rate, "moved");
            }
            units_percent(lane->busy_s / shown, busy, sizeof busy);
            gantt_lane_name(lane, name, sizeof name);
        }
        bool stall = lanes->stalls && i == 0;
        const char *const figure[4] = {jobs, rate, stall ? scope_stall_name(cause) : "busy", busy};
        struct color color =
            stall ? scene->theme->stall : lane_color(scene, &lanes->frame.lane[i - lanes->stalls]);
        draw_label(scene, place, middle, lanes->height, name, figure, color);
    }
}

/* ---- the panel ------------------------------------------------------------------------------- */

static bool present(const struct scene *scene) {
    return gantt_jobs(scene->history)->count > 0 || history_has(scene->history, SCOPE_M_FLUSHES) ||
           history_has(scene->history, SCOPE_M_COMPACTIONS);
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, false, "L8 → L8");
    size->right = chart_label_width(scene, "88.8 k×", "888 MiB/s");
    size->lane = 0.0;
}

static const char OLDER[] = "older jobs are no longer kept";

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    struct lanes lanes;
    (void)top;
    if (!make_lanes(scene, place, &lanes)) {
        chart_absent(scene, place, "nothing was flushed or compacted yet");
        return;
    }
    struct canvas *canvas = scene->canvas;
    double line = fmax(canvas_pixel(canvas), canvas_snap(canvas, 1.0));
    for (size_t i = 1; i <= lanes.count; i++) {
        double y = canvas_snap(canvas, place->plot.y + lanes.height * (double)i);
        canvas_fill_rect(canvas, (struct rect){place->plot.x, y - line, place->plot.w, line}, 0.0,
                         theme_fade(scene->theme->grid, 0.6));
    }
    struct panel_place lost = *place; /* what looks idle there was not */
    double until = chart_x(scene, place, gantt_lost_until(scene->history)) - lost.plot.x;
    lost.plot.w = fmin(lost.plot.w, until);
    lost.plot.h = lanes.height;
    if (lost.plot.w > canvas_text_width(canvas, FONT_AXIS, false, OLDER) + 60.0) {
        chart_absent(scene, &lost, OLDER);
    }
    canvas_clip(canvas, &place->plot);
    draw_jobs(scene, place, &lanes);
    if (lanes.stalls) {
        draw_stalls(scene, place, &lanes);
    }
    canvas_clip(canvas, NULL);
    draw_labels(scene, place, &lanes);
}

static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    const struct gantt *gantt = gantt_jobs(scene->history);
    const struct gantt_job *running = NULL;
    unsigned count = 0;
    /* With the past on screen some that are open now had not begun, and some were that ended. */
    for (size_t i = 0; i < gantt->open_count; i++) {
        const struct gantt_job *job = &gantt->job[gantt->open[i]];
        enum gantt_state state;
        if (gantt_state_at(job, scene->until, &state) && state == GANTT_RUNNING) {
            running = job;
            count++;
        }
    }
    *color = scene->theme->compaction;
    if (count > 0) {
        gantt_running_words(running, count, scene->until, text, size);
        return;
    }
    uint64_t flushes = 0, compactions = 0;
    char number[UNITS_TEXT];
    if (scene->has_newest &&
        history_value_at(scene->history, SCOPE_M_FLUSHES, scene->newest, &flushes) &&
        history_value_at(scene->history, SCOPE_M_COMPACTIONS, scene->newest, &compactions)) {
        units_grouped((double)(flushes + compactions), number, sizeof number);
        snprintf(text, size, "%s jobs", number);
    }
}

/* ---- what runs under the crosshair, and what lies under the mouse ---------------------------- */

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    double t = history_time(scene->history, index), slack = scene->cursor_slack_s;
    struct gantt_frame frame = {.bar = bars, .bars_max = BARS_MAX};
    const struct gantt *gantt = gantt_jobs(scene->history);
    gantt_collect(gantt, t - slack, t + slack, scene->until, 1e-9, &frame);
    size_t count = 0;
    bool told[GANTT_LANES_MAX] = {false};
    for (size_t i = frame.bars; i-- > 0 && count < PANEL_VALUES_MAX;) {
        const struct gantt_bar *bar = &frame.bar[i];
        if (told[bar->lane] || bar->waiting) {
            continue; /* the newest of each lane */
        }
        told[bar->lane] = true;
        struct panel_value *value = &list[count++];
        struct color color = lane_color(scene, &frame.lane[bar->lane]);
        *value = (struct panel_value){.color = letters(scene, color), .at = NAN};
        char text[GANTT_WORDS][GANTT_WORDS_SIZE], took[UNITS_TEXT];
        size_t words = gantt_job_words(&gantt->job[bar->longest], scene->until, text);
        gantt_lane_name(&frame.lane[bar->lane], value->name, sizeof value->name);
        units_duration(bar->t1 - bar->t0, took, sizeof took);
        bool plain = words == 0 || bar->open;
        snprintf(value->text, sizeof value->text, "%s%s%s", words > 0 ? text[words > 2] : "",
                 words == 0 || plain ? "" : " in ", words > 0 && plain ? "" : took);
    }
    return count;
}

/* Of the bars under the mouse the one nearest to it, waiting ones last. */
static const struct gantt_bar *bar_at(const struct scene *scene, const struct panel_place *place,
                                      const struct lanes *lanes, struct rect *at) {
    const struct gantt_bar *best = NULL;
    double least = 4.0, x = scene->pointer.x, y = scene->pointer.y;
    for (size_t i = 0; i < lanes->frame.bars; i++) {
        const struct gantt_bar *bar = &lanes->frame.bar[i];
        struct rect rect = bar_rect(scene, place, lanes, bar);
        double away = fmax(0.0, fmax(rect.x - x, x - rect.x - rect.w)) + (bar->waiting ? 2.0 : 0.0);
        if (y >= rect.y - 2.0 && y <= rect.y + rect.h + 2.0 && away < least) {
            best = bar;
            least = away;
            *at = rect;
        }
    }
    return best;
}

static bool hover(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *hover) {
    struct lanes lanes;
    memset(hover, 0, sizeof *hover);
    double x = scene->pointer.x, y = scene->pointer.y;
    if (x < place->plot.x || x > place->plot.x + place->plot.w || y < place->plot.y ||
        !make_lanes(scene, place, &lanes)) {
        return false;
    }
    if (lanes.stalls && y < place->plot.y + lanes.height) {
        for (size_t i = 0; i < scene->marks->stalls; i++) {
            struct rect rect = stall_rect(scene, place, &lanes, &scene->marks->stall[i]);
            if (x >= rect.x - 3.0 && x <= rect.x + rect.w + 3.0) {
                hover->at = rect;
                gantt_hover_stall(&scene->marks->stall[i], hover);
                return true;
            }
        }
        return false;
    }
    const struct gantt_bar *bar = bar_at(scene, place, &lanes, &hover->at);
    if (bar == NULL) {
        return false;
    }
    gantt_hover_bar(gantt_jobs(scene->history), bar, &lanes.frame.lane[bar->lane], scene->until,
                    hover);
    return true;
}

const struct panel panel_compactions = {
    .name = "compactions",
    .title = "Flushes and compactions",
    .teaches = "who works when, and who waits for it",
    .help = "Every flush and compaction from its begin to its end, a lane for each pair of levels, "
            "write stalls above them: look for the lane that is busy while writes are held up.",
    .absent = "this source tells of no flushes and compactions",
    .unit = AXIS_COUNT,
    .weight = 1.25,
    .least = 52.0,
    .present = present,
    .measure = measure,
    .draw = draw,
    .values = values,
    .corner = corner,
    .hover = hover,
};
