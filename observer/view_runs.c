/* Comparing runs: whose data, when in the first run's time, and which letter. */
#include "view_frame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"

const struct history *view_run_history(const struct view *view, unsigned run) {
    OBS_ASSERT(run <= view->others);
    return run == 0 ? view->history : view->other[run - 1].history;
}

double view_run_offset(const struct view *view, unsigned run) {
    OBS_ASSERT(run <= view->others);
    return run == 0 ? 0.0 : view->other[run - 1].offset_s;
}

const struct view_status *view_run_status(const struct view *view, unsigned run) {
    OBS_ASSERT(run <= view->others);
    return run == 0 ? &view->status : &view->other[run - 1].status;
}

bool view_runs_share(const struct view_frame *frame, size_t slot) {
    return frame->runs > 1 && !frame->view->side_by_side &&
           frame->layout.slot[slot].panel->overlays;
}

bool view_runs_divide(const struct view_frame *frame, size_t slot) {
    return frame->runs > 1 && !frame->view->side_by_side &&
           !frame->layout.slot[slot].panel->overlays;
}

/* ---- values -------------------------------------------------------------------------------- */

static size_t run_values(const struct scene *scene, const struct panel *panel, bool at_cursor,
                         struct panel_value *values) {
    if (!scene->has_newest || !panel->present(scene) || (at_cursor && !scene->has_cursor)) {
        return 0;
    }
    return panel->values(scene, at_cursor ? scene->cursor : scene->newest, values);
}

static const struct panel_value *named(const struct panel_value *values, size_t count,
                                       const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(values[i].name, name) == 0) {
            return &values[i];
        }
    }
    return NULL;
}

/* Else it is told in words, as "running". */
static bool has_figure(const struct panel_value *value) {
    return strpbrk(value->text, "0123456789") != NULL;
}

/* "−18 %": against the first run's. Nothing where that would divide by nothing. */
static void tell_difference(struct panel_value *value, const struct panel_value *first) {
    if (first == NULL || isnan(first->at) || isnan(value->at) ||
        !(fabs(first->at - first->below) > 0.0) || !has_figure(value) || !has_figure(first)) {
        return;
    }
    double times = (value->at - value->below) / (first->at - first->below);
    double percent = round((times - 1.0) * 100.0);
    if (fabs(percent) >= 1000.0) {
        bool told = times < 999.5; /* beyond, digits say nothing that an order does not */
        snprintf(value->more, sizeof value->more, told ? "× %.3g" : "× 1000+", times);
    } else {
        const char *sign = percent < 0.0 ? "−" : percent > 0.0 ? "+" : "±";
        snprintf(value->more, sizeof value->more, "%s%.0f %%", sign, fabs(percent));
    }
}

static void push(struct panel_value *values, size_t *count, const struct panel_value *value,
                 const struct scene *scene, const struct panel_value *first) {
    if (*count == PANEL_VALUES_MAX) {
        return;
    }
    struct panel_value *own = &values[(*count)++];
    *own = *value;
    snprintf(own->name, sizeof own->name, "%.36s %c", value->name, (char)('A' + scene->run));
    struct scene lined = *scene;
    lined.shared = true;
    own->color = chart_run_color(&lined, value->color);
    own->rank = value->rank * VIEW_RUNS_MAX + (int)scene->run;
    if (scene->run > 0) {
        tell_difference(own, first);
    }
}

size_t view_runs_values(const struct view_frame *frame, const struct panel *panel, bool at_cursor,
                        struct panel_value *values) {
    struct panel_value list[VIEW_RUNS_MAX][PANEL_VALUES_MAX];
    size_t counts[VIEW_RUNS_MAX], count = 0;
    at_cursor = at_cursor && frame->has_cursor;
    for (unsigned k = 0; k < frame->runs; k++) {
        counts[k] = run_values(&frame->scene[k], panel, at_cursor, list[k]);
    }
    /* The same value of every run together, those the first run lacks at the end. */
    for (unsigned k = 0; k < frame->runs; k++) {
        for (size_t i = 0; i < counts[k]; i++) {
            if (k > 0 && named(list[0], counts[0], list[k][i].name) != NULL) {
                continue;
            }
            push(values, &count, &list[k][i], &frame->scene[k], NULL);
            for (unsigned other = 1; k == 0 && other < frame->runs; other++) {
                const struct panel_value *same = named(list[other], counts[other], list[0][i].name);
                if (same != NULL) {
                    push(values, &count, same, &frame->scene[other], &list[0][i]);
                }
            }
        }
    }
    return count;
}

/* ---- letters and names --------------------------------------------------------------------- */

void view_runs_letter(const struct view_frame *frame, const struct panel *panel, unsigned run,
                      const struct rect *plot) {
    struct canvas *canvas = frame->canvas;
    char text[2] = {(char)('A' + run), '\0'};
    struct rect chip = {canvas_snap(canvas, plot->x + 4.0), canvas_snap(canvas, plot->y + 2.0),
                        20.0, fmin(18.0, plot->h)};
    if (panel->timeless) { /* it has the corner of its plot in use, but a row above it */
        chip.x = canvas_snap(canvas, plot->x);
        chip.y = canvas_snap(canvas, plot->y - 20.0);
    }
    canvas_fill_rect(canvas, chip, 4.0,
                     panel->timeless ? frame->theme->grid : theme_fade(frame->theme->card, 0.9));
    canvas_text(canvas, FONT_STRONG, chip.x + chip.w / 2.0,
                chart_baseline(canvas, FONT_STRONG, chip.y + chip.h / 2.0), TEXT_CENTER, true,
                frame->theme->text, text);
}

struct corners {
    char text[VIEW_RUNS_MAX][96];
    struct color color[VIEW_RUNS_MAX];
};

/* "A  average write 5 499 /s", "B  7 985 /s": the words that figures share are said once. */
static void shorten_corners(const struct view_frame *frame, struct corners *corners) {
    size_t words = strcspn(corners->text[0], "0123456789");
    for (unsigned k = 1; k < frame->runs; k++) {
        char *text = corners->text[k];
        if (strcspn(text, "0123456789") == words && text[words] != '\0' && words > 0 &&
            text[words - 1] == ' ' && strncmp(text, corners->text[0], words) == 0) {
            memmove(text, text + words, strlen(text + words) + 1);
        }
    }
}

static double corners_width(const struct view_frame *frame, const struct corners *corners) {
    double width = 0.0;
    for (unsigned k = 0; k < frame->runs; k++) {
        char text[112];
        snprintf(text, sizeof text, "%c  %s", (char)('A' + k), corners->text[k]);
        bool empty = corners->text[k][0] == '\0';
        width += empty ? 0.0 : canvas_text_width(frame->canvas, FONT_STRONG, true, text) + 24.0;
    }
    return width - 24.0;
}

/* What every run's corner would say, each after its letter. */
void view_runs_corners(const struct view_frame *frame, const struct panel *panel,
                       const struct panel_place *place) {
    struct canvas *canvas = frame->canvas;
    double right = place->header.x + place->header.w;
    double least =
        place->header.x + 24.0 + canvas_text_width(canvas, FONT_TITLE, false, panel->title);
    double baseline = chart_baseline(canvas, FONT_AXIS, place->header.y + place->header.h / 2.0);
    struct corners corners = {0};
    for (unsigned k = 0; k < frame->runs && panel->corner != NULL; k++) {
        const struct scene *scene = &frame->scene[k];
        corners.color[k] = frame->theme->axis;
        if (scene->has_newest && panel->present(scene)) {
            panel->corner(scene, corners.text[k], sizeof corners.text[k], &corners.color[k]);
        }
    }
    if (right - corners_width(frame, &corners) < least) {
        struct corners shorter = corners;
        shorten_corners(frame, &shorter);
        corners = right - corners_width(frame, &shorter) >= least ? shorter : corners;
    }
    for (unsigned k = frame->runs; k-- > 0;) {
        char text[112];
        snprintf(text, sizeof text, "%c  %s", (char)('A' + k), corners.text[k]);
        double width = canvas_text_width(canvas, FONT_STRONG, true, text);
        if (corners.text[k][0] == '\0' || right - width < least) {
            continue;
        }
        canvas_text(canvas, FONT_STRONG, right, baseline, TEXT_RIGHT, true,
                    theme_letters(frame->theme, corners.color[k]), text);
        right -= width + 24.0;
    }
}

void view_runs_headings(const struct view_frame *frame) {
    struct canvas *canvas = frame->canvas;
    for (unsigned k = 0; k < frame->runs; k++) {
        const struct rect *at = &frame->layout.heading[k];
        char text[160], fitted[160];
        if (at->w <= 0.0) {
            continue;
        }
        snprintf(text, sizeof text, "%c   %s", (char)('A' + k),
                 view_run_status(frame->view, k)->name);
        if (chart_fit(canvas, FONT_TITLE, false, text, at->w - 2.0 * PANEL_PAD, fitted,
                      sizeof fitted)) {
            double baseline = chart_baseline(canvas, FONT_TITLE, at->y + at->h / 2.0 - 2.0);
            canvas_text(canvas, FONT_TITLE, at->x + PANEL_PAD, baseline, TEXT_LEFT, false,
                        frame->theme->text, fitted);
        }
    }
}
