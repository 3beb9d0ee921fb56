/* Flushes and compactions: each job a bar from its begin to its end, a lane for each pair of
 * levels, and the stalls that they explain above them. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "gantt_lanes.h"
#include "gantt_stalls.h"
#include "obs_check.h"
#include "units.h"

enum { LABELLED_MAX = 400 }; /* more bars than that have no room for words */

/* ---- colours --------------------------------------------------------------------------------- */

static struct color lane_color(const struct scene *scene, const struct gantt_lane *lane) {
    return lane->flush ? scene->theme->flush : scene->theme->level[lane->from];
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static bool is_thin(const struct scene *scene, const struct panel_place *place,
                    const struct gantt_bar *bar) {
    return (bar->t1 - bar->t0) / (scene->t1 - scene->t0) * place->plot.w < GANTT_TICK && !bar->open;
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
            crowds->row[lane][row] = thin[lane][row] * 2.0 * GANTT_TICK > place->plot.w;
        }
    }
}

static void draw_strip(const struct scene *scene, const struct panel_place *place,
                       const struct gantt_lanes *lanes, size_t lane, size_t row) {
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
    struct rect rect = gantt_row_rect(place, lanes, place_of, row, frame->lane[lane].rows);
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

static void draw_job_bar(const struct scene *scene, const struct gantt_lanes *lanes,
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
                      const struct gantt_lanes *lanes) {
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
        struct rect rect = gantt_bar_rect(scene, place, lanes, bar);
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
        struct color inside = bar->open ? scene->theme->text : theme_letters_on(color);
        size_t count = gantt_job_words(&gantt->job[bar->longest], scene->until, text);
        struct color beside = theme_mix(scene->theme->axis, scene->theme->text, 0.4);
        gantt_write(scene, &rect, room, text, count, inside, beside);
    }
}

/* ---- names and figures beside the lanes ------------------------------------------------------ */

static void draw_label(const struct scene *scene, const struct panel_place *place, double middle,
                       double height, const char *name, const char *const figure[4],
                       struct color color) {
    struct canvas *canvas = scene->canvas;
    struct color strong = theme_letters(scene->theme, color);
    double line = height >= 32.0 && figure[3][0] != '\0' ? 16.0 : 0.0;
    double right = place->labels.x + place->labels.w;
    double first = chart_baseline(canvas, FONT_STRONG, middle - line / 2.0);
    canvas_text(canvas, FONT_AXIS, place->plot.x - 8.0, chart_baseline(canvas, FONT_AXIS, middle),
                TEXT_RIGHT, false, strong, name);
    if (place->labels.w <= 0.0) {
        return;
    }
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

/* The cause stands in the panels already: where it would reach the figure a word will do. */
static const char *stall_words(const struct scene *scene, const struct panel_place *place,
                               enum scope_stall cause, const char *figure) {
    double room = place->labels.w - canvas_text_width(scene->canvas, FONT_AXIS, true, figure) - 8.0;
    const char *name = scope_stall_name(cause);
    bool fits = canvas_text_width(scene->canvas, FONT_AXIS, false, name) <= room;
    return fits ? name : "stalled";
}

static void draw_labels(const struct scene *scene, const struct panel_place *place,
                        const struct gantt_lanes *lanes) {
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
            double stalled = gantt_stalled_s(scene, &cause);
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
            if (!lane->measured) { /* how many there were is all that a CSV tells */
                rate[0] = busy[0] = '\0';
            }
            gantt_lane_name(lane, name, sizeof name);
        }
        bool stall = lanes->stalls && i == 0;
        const char *const figure[4] = {
            jobs, rate, stall ? stall_words(scene, place, cause, busy) : "busy", busy};
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

/* What looks idle before the first event that is known was not: who comes late is told of numbers
 * that go back further than the jobs. */
static void draw_unknown(const struct scene *scene, const struct panel_place *place) {
    struct canvas *canvas = scene->canvas;
    const struct theme *theme = scene->theme;
    double until = gantt_lost_until(scene->history);
    struct panel_place unknown = *place;
    double end = canvas_snap(canvas, chart_x(scene, place, until));
    unknown.plot.w = fmin(place->plot.w, end - place->plot.x);
    if (unknown.plot.w < 4.0) {
        return;
    }
    canvas_hatch(canvas, unknown.plot, 8.0, 1.0, theme_mix(theme->panel, theme->axis, 0.28));
    if (unknown.plot.w < place->plot.w) {
        struct rect border = {end, place->plot.y, fmax(1.0, canvas_pixel(canvas)), place->plot.h};
        canvas_fill_rect(canvas, border, 0.0, theme_mix(theme->grid, theme->axis, 0.6));
    }
    char text[2][96], from[UNITS_TEXT];
    units_clock(until, 0, from, sizeof from);
    snprintf(text[0], sizeof text[0], "jobs before %s are not known", from);
    snprintf(text[1], sizeof text[1], "not known");
    for (int i = 0; i < 2; i++) {
        double width = canvas_text_width(canvas, FONT_AXIS, false, text[i]) + 16.0;
        if (width <= unknown.plot.w) { /* on a plate: no letter can be read on hatching */
            struct rect plate = {unknown.plot.x + (unknown.plot.w - width) / 2.0,
                                 place->plot.y + place->plot.h / 2.0 - 9.0, width, 18.0};
            canvas_fill_rect(canvas, plate, 4.0, theme->panel);
            chart_absent(scene, &unknown, text[i]);
            return;
        }
    }
}

static bool jobs_counted(const struct scene *scene) {
    uint64_t flushes = 0, compactions = 0;
    return scene->has_newest &&
           (history_value_at(scene->history, SCOPE_M_FLUSHES, scene->newest, &flushes) ||
            history_value_at(scene->history, SCOPE_M_COMPACTIONS, scene->newest, &compactions)) &&
           flushes + compactions > 0;
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    struct gantt_lanes lanes;
    (void)top;
    if (!gantt_lanes_make(scene, place, &lanes)) {
        chart_absent(scene, place,
                     jobs_counted(scene) ? "jobs were counted, but none is known by its events"
                                         : "nothing was flushed or compacted yet");
        return;
    }
    struct canvas *canvas = scene->canvas;
    double line = fmax(canvas_pixel(canvas), canvas_snap(canvas, 1.0));
    for (size_t i = 1; i <= lanes.count; i++) {
        double y = canvas_snap(canvas, place->plot.y + lanes.height * (double)i);
        canvas_fill_rect(canvas, (struct rect){place->plot.x, y - line, place->plot.w, line}, 0.0,
                         theme_fade(scene->theme->grid, 0.6));
    }
    canvas_clip(canvas, &place->plot);
    draw_unknown(scene, place);
    draw_jobs(scene, place, &lanes);
    if (lanes.stalls) {
        gantt_stalls_draw(scene, place, &lanes);
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
    struct gantt_frame frame;
    const struct gantt *gantt = gantt_jobs(scene->history);
    gantt_lanes_at(scene, t - slack, t + slack, &frame);
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
        *value = (struct panel_value){.color = color, .at = NAN};
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
                                      const struct gantt_lanes *lanes, struct rect *at) {
    const struct gantt_bar *best = NULL;
    double least = 4.0, x = scene->pointer.x, y = scene->pointer.y;
    for (size_t i = 0; i < lanes->frame.bars; i++) {
        const struct gantt_bar *bar = &lanes->frame.bar[i];
        struct rect rect = gantt_bar_rect(scene, place, lanes, bar);
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
    struct gantt_lanes lanes;
    memset(hover, 0, sizeof *hover);
    double x = scene->pointer.x, y = scene->pointer.y;
    if (x < place->plot.x || x > place->plot.x + place->plot.w || y < place->plot.y ||
        !gantt_lanes_make(scene, place, &lanes)) {
        return false;
    }
    if (lanes.stalls && y < place->plot.y + lanes.height) {
        for (size_t i = 0; i < scene->marks->stalls; i++) {
            struct rect rect = gantt_stall_rect(scene, place, &lanes, &scene->marks->stall[i]);
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
