/* Tables per level: flushes add to L0, compactions carry tables down. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"

static const double BRACKET_HEIGHT = 5.0;
static const double BRACKET_SPACING = 6.0; /* on average; closer ones are crowded */

static bool present(const struct scene *scene) {
    for (uint32_t level = 0; level < SCOPE_MAX_LEVELS; level++) {
        if (history_has(scene->history, SCOPE_M_LEVEL_TABLES + level)) {
            return true;
        }
    }
    return false;
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, true, "88 888");
    size->right = chart_label_width(scene, "L8", "88 888");
    size->lane = 12.0; /* the brackets of compactions */
}

static unsigned levels_of(const struct scene *scene) {
    unsigned levels = history_levels(scene->history);
    return levels < SCOPE_MAX_LEVELS ? levels : SCOPE_MAX_LEVELS;
}

/* The tallest stack. Levels do not peak together, so the sum of their maxima would be too much. */
static double most(const struct scene *scene) {
    double found = 0.0;
    unsigned levels = levels_of(scene);
    if (history_has(scene->history, SCOPE_M_TABLES)) { /* the publisher's own sum */
        return history_max(scene->history, SCOPE_M_TABLES, HISTORY_LEVEL, scene->t0,
                           fmin(scene->t1, scene->until));
    }
    for (size_t i = scene->first; i < scene->end; i++) {
        double t = history_time(scene->history, i), sum = 0.0;
        if (t > scene->until) {
            break;
        }
        for (uint32_t level = 0; level < levels; level++) {
            double number = 0.0;
            history_number(scene->history, SCOPE_M_LEVEL_TABLES + level, HISTORY_LEVEL, i, &number);
            sum += number;
        }
        found = fmax(found, sum);
    }
    return found;
}

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    double below = 0.0;
    size_t count = 0;
    unsigned levels = levels_of(scene);
    for (unsigned level = 0; level < levels; level++) {
        double number = 0.0;
        if (!chart_value(scene, SCOPE_M_LEVEL_TABLES + level, HISTORY_LEVEL, index, &number)) {
            continue;
        }
        uint64_t ever = 0;
        bool used = number > 0.0 ||
                    (history_value_at(scene->history, SCOPE_M_LEVEL_TABLES + level, index, &ever) &&
                     history_max(scene->history, SCOPE_M_LEVEL_TABLES + level, HISTORY_LEVEL,
                                 scene->t0, fmin(scene->t1, scene->until)) > 0.0);
        if (level > 0 && !used) {
            continue; /* a level that holds nothing in this stretch needs no label */
        }
        struct panel_value *value = &list[count++];
        *value = (struct panel_value){.color = scene->theme->level[level],
                                      .at = below + number / 2.0,
                                      .rank = number > 0.0 ? (int)level : 100 + (int)level};
        snprintf(value->name, sizeof value->name, "L%u", level);
        units_grouped(number, value->text, sizeof value->text);
        below += number;
    }
    OBS_ASSERT(count <= PANEL_VALUES_MAX);
    return count;
}

static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    uint64_t done = 0;
    char number[UNITS_TEXT];
    if (!scene->has_newest) {
        return;
    }
    if (!history_value_at(scene->history, SCOPE_M_COMPACTIONS, scene->newest, &done)) {
        done = marks_count(scene->history, SCOPE_EVENT_COMPACT_END, scene->until);
        if (done == 0) {
            done = marks_count(scene->history, SCOPE_EVENT_COMPACT_SCHEDULED, scene->until);
        }
    }
    units_grouped((double)done, number, sizeof number);
    snprintf(text, size, "%s %s", done == 1 ? "compaction" : "compactions", number);
    *color = scene->theme->compaction;
}

/* A compaction is a bracket over the time it took; one that runs has no right leg yet. Crowded
 * ones are strokes without legs, which would close the gaps between them. */
static void draw_brackets(const struct scene *scene, const struct panel_place *place) {
    struct canvas *canvas = scene->canvas;
    struct rect clip = {place->plot.x - 2.0, place->lane.y, place->plot.w + 4.0, place->lane.h};
    double y = canvas_snap(canvas, place->lane.y + 3.0) + 0.75;
    double left_edge = place->plot.x, right_edge = place->plot.x + place->plot.w;
    bool crowded = (double)scene->marks->compactions * BRACKET_SPACING > place->plot.w;
    canvas_clip(canvas, &clip);
    for (size_t i = 0; i < scene->marks->compactions; i++) {
        const struct mark_span *span = &scene->marks->compaction[i];
        double x0 = chart_x(scene, place, span->t0), x1 = chart_x(scene, place, span->t1);
        if (crowded) {
            struct rect stroke = {x0, y, fmax(2.0, x1 - x0), 2.0};
            canvas_fill_rect(canvas, stroke, 0.0, scene->theme->compaction);
            continue;
        }
        if (x1 - x0 < 4.0) { /* legs must stay two legs */
            double middle = (x0 + x1) / 2.0;
            x0 = middle - 2.0;
            x1 = middle + 2.0;
        }
        struct point path[4] = {
            {x0, y + BRACKET_HEIGHT}, {x0, y}, {x1, y}, {x1, y + BRACKET_HEIGHT}};
        size_t first = x0 < left_edge - 4.0 ? 1 : 0;
        size_t end = span->open || x1 > right_edge + 4.0 ? 3 : 4;
        canvas_polyline(canvas, path + first, end - first, 1.5, scene->theme->compaction, NULL, 0);
    }
    canvas_clip(canvas, NULL);
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    uint32_t ids[SCOPE_MAX_LEVELS];
    unsigned levels = levels_of(scene);
    for (unsigned level = 0; level < levels; level++) {
        ids[level] = SCOPE_M_LEVEL_TABLES + level;
    }
    chart_stack(scene, place, top, ids, scene->theme->level, levels);
    draw_brackets(scene, place);
}

static size_t events(const struct scene *scene, double t, struct panel_value *list) {
    size_t count = 0;
    for (size_t i = 0; i < scene->marks->compactions && count < PANEL_EVENTS_MAX; i++) {
        const struct mark_span *span = &scene->marks->compaction[i];
        if (t < span->t0 - scene->cursor_slack_s || t > span->t1 + scene->cursor_slack_s) {
            continue;
        }
        const struct scope_event *event = history_event(scene->history, span->event);
        struct panel_value *value = &list[count++];
        *value = (struct panel_value){.color = scene->theme->compaction, .at = NAN};
        unsigned from = event->level_from, to = event->level_to;
        snprintf(value->name, sizeof value->name, "L%u → L%u", from, to);
        char took[UNITS_TEXT];
        units_duration(span->t1 - span->t0, took, sizeof took);
        if (span->open) {
            snprintf(value->text, sizeof value->text, "running, %s", took);
        } else if (event->u.job_info.inputs > 0) {
            snprintf(value->text, sizeof value->text, "%u in, %u out, %s", event->u.job_info.inputs,
                     event->u.job_info.outputs, took);
        } else {
            snprintf(value->text, sizeof value->text, "%s", took);
        }
    }
    return count;
}

const struct panel panel_levels = {
    .name = "levels",
    .title = "Tables per level",
    .teaches = "flushes add to L0, compactions carry them down",
    .help =
        "Tables of every level on top of each other, compactions as brackets: look for a level 0 "
        "that grows between brackets.",
    .absent = "this source does not publish tables per level",
    .unit = AXIS_COUNT,
    .weight = 1.15,
    .present = present,
    .measure = measure,
    .most = most,
    .draw = draw,
    .values = values,
    .events = events,
    .corner = corner,
};
