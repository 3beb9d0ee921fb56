/* The status line: what is watched and how it fares at the left, what watching costs at the right.
 * When room is short the least important things go first; nothing ever overlaps. */
#include "overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"
#include "view_span.h"

enum { ITEMS_MAX = 16 };
static const double ITEM_GAP = 16.0;
static const double STROKE = 30.0; /* a sample of a run's line, before its name */

struct item {
    char text[288];
    struct color color;
    enum font_role role;
    int rank;     /* the highest go first */
    bool may_cut; /* shorten instead of dropping */
    double width;
    int run; /* compared runs: a stroke of its line's style stands before it; below 0: none */
};
struct items {
    struct item item[ITEMS_MAX];
    size_t count;
};

static void add(struct items *items, const char *text, struct color color, enum font_role role,
                int rank, bool may_cut) {
    if (text[0] == '\0' || items->count == ITEMS_MAX) {
        return;
    }
    struct item *item = &items->item[items->count++];
    snprintf(item->text, sizeof item->text, "%s", text);
    item->color = color;
    item->role = role;
    item->rank = rank;
    item->may_cut = may_cut;
    item->run = -1;
}

static struct color state_color(enum view_state state, const struct theme *theme) {
    switch (state) {
    case VIEW_LIVE:
    case VIEW_FOLLOW:
        return theme->live;
    case VIEW_STALLED:
        return theme->flush;
    case VIEW_CRASHED:
    case VIEW_LOST:
        return theme->stall;
    case VIEW_WAITING:
    case VIEW_CLOSED:
    case VIEW_FILE:
        break;
    }
    return theme->axis;
}

/* Which part of the run is on screen, when it is not the newest. */
static bool place_item(const struct view *view, const struct theme *theme, struct items *items) {
    char at[UNITS_TEXT], of[UNITS_TEXT], text[2 * UNITS_TEXT + 32];
    double t0, t1, end = view_data_end(view);
    view_span(view, &t0, &t1);
    if (view->follow || view->until_s >= 0.0) {
        return false;
    }
    units_clock(fmin(t1, end), 0, at, sizeof at);
    units_clock(end, 0, of, sizeof of);
    snprintf(text, sizeof text, "%s of %s, End follows", at, of);
    add(items, text, theme->flush, FONT_STRONG, 2, false);
    return true;
}

/* Compared runs: letter and name of each, with the style of its lines. */
static void run_items(const struct view *view, const struct theme *theme, struct items *items) {
    for (unsigned k = 0; k <= view->others; k++) {
        char text[96];
        const struct view_status *s = k == 0 ? &view->status : &view->other[k - 1].status;
        snprintf(text, sizeof text, "%c  %s", (char)('A' + k), s->name);
        add(items, text, theme->text, FONT_TITLE, 0, true);
        items->item[items->count - 1].run = (int)k;
    }
}

static void left_items(const struct view *view, const struct theme *theme, struct items *items) {
    const struct view_status *s = &view->status;
    struct color color = state_color(s->state, theme);
    bool alarm = s->state == VIEW_CRASHED || s->state == VIEW_LOST || s->state == VIEW_STALLED;
    char elapsed[UNITS_TEXT] = "";
    if (s->elapsed_s >= 0.0 && s->state != VIEW_WAITING) {
        units_clock(s->elapsed_s, 0, elapsed, sizeof elapsed);
    }
    if (view->others > 0) {
        run_items(view, theme, items);
    } else {
        add(items, s->name, theme->text, FONT_TITLE, 0, true);
    }
    add(items, view_state_name(s->state), alarm ? color : theme->axis,
        alarm ? FONT_STRONG : FONT_AXIS, 1, false);
    add(items, view->paused ? "paused" : "", theme->flush, FONT_STRONG, 1, false);
    bool placed = place_item(view, theme, items); /* says how long the run is */
    add(items, placed ? "" : elapsed, theme->text, FONT_AXIS, 3, false);
    if (s->state == VIEW_WAITING) {
        add(items, s->notice, theme->flush, FONT_AXIS, 4, true);
        return;
    }
    add(items, s->engine, theme->axis, FONT_AXIS, 7, false);
    if (s->notice[0] != '\0') {
        add(items, s->notice, theme->flush, FONT_AXIS, 4, true);
    } else {
        add(items, s->description, theme->axis, FONT_AXIS, 8, true);
    }
}

static void cost_item(const struct view_status *s, bool interactive, const struct theme *theme,
                      struct items *items) {
    char text[160], sampler[UNITS_TEXT] = "", each[UNITS_TEXT] = "", viewer[UNITS_TEXT] = "";
    if (s->sampler_cpu >= 0.0) {
        units_percent(s->sampler_cpu, sampler, sizeof sampler);
    }
    if (s->sampler_ns >= 0.0) {
        units_duration(s->sampler_ns * 1e-9, each, sizeof each);
    }
    if (s->viewer_cpu >= 0.0 && interactive) {
        units_percent(s->viewer_cpu, viewer, sizeof viewer);
        snprintf(text, sizeof text, "viewer %s", viewer);
        add(items, text, theme->axis, FONT_AXIS, 10, false);
    }
    if (sampler[0] != '\0' || each[0] != '\0') {
        snprintf(text, sizeof text, "sampling %s%s%s%s", sampler,
                 sampler[0] != '\0' && each[0] != '\0' ? ", " : "", each,
                 each[0] != '\0' ? " each" : "");
        add(items, text, theme->axis, FONT_AXIS, 9, false);
    }
}

/* Right to left. */
static void right_items(const struct view *view, const struct theme *theme, struct items *items) {
    const struct view_status *s = &view->status;
    char text[160], number[UNITS_TEXT];
    if (view->interactive) { /* on paper and in a video there are no keys */
        add(items, "? help", theme->axis, FONT_AXIS, 6, false);
    }
    if (view->interactive && view->drawn.hidden > 0 && view->headline[0] == '\0') {
        snprintf(text, sizeof text, "%zu more with Tab", view->drawn.hidden);
        add(items, text, theme->axis, FONT_AXIS, 7, false);
    }
    if (s->recording) {
        add(items, "● rec", theme->stall, FONT_STRONG, 2, false);
    }
    if (s->frames_repeated > 0.0) {
        units_grouped(s->frames_repeated, number, sizeof number);
        snprintf(text, sizeof text, "%s frames repeated", number);
        add(items, text, theme->flush, FONT_AXIS, 5, false);
    }
    if (s->state == VIEW_WAITING) {
        return; /* nothing is watched: nothing is lost and nothing costs */
    }
    if (s->samples_lost >= 0.0) {
        units_grouped(s->samples_lost, number, sizeof number);
        snprintf(text, sizeof text, "%s samples lost", number);
        bool lost = s->samples_lost > 0.0;
        add(items, text, lost ? theme->flush : theme->axis, lost ? FONT_STRONG : FONT_AXIS,
            lost ? 4 : 8, false);
    }
    cost_item(s, view->interactive, theme, items);
}

static double widths(struct canvas *canvas, struct items *items) {
    double sum = 0.0;
    for (size_t i = 0; i < items->count; i++) {
        struct item *item = &items->item[i];
        item->width = canvas_text_width(canvas, item->role, true, item->text) +
                      (item->run >= 0 ? STROKE : 0.0);
        sum += item->width + ITEM_GAP;
    }
    return sum;
}

static struct item *worst(struct items *items) {
    struct item *found = NULL;
    for (size_t i = 0; i < items->count; i++) {
        if (found == NULL || items->item[i].rank > found->rank) {
            found = &items->item[i];
        }
    }
    return found;
}

static void drop(struct items *items, const struct item *item) {
    size_t index = (size_t)(item - items->item);
    OBS_ASSERT(index < items->count);
    memmove(&items->item[index], &items->item[index + 1],
            sizeof *item * (items->count - index - 1));
    items->count--;
}

/* Shortens or drops until both groups fit. */
static void fit(struct canvas *canvas, struct items *left, struct items *right, double room) {
    for (int round = 0; round < 3 * ITEMS_MAX; round++) {
        double over = widths(canvas, left) + widths(canvas, right) - room;
        if (over <= 0.0) {
            return;
        }
        struct item *l = worst(left), *r = worst(right);
        bool from_left = r == NULL || (l != NULL && l->rank >= r->rank);
        struct item *victim = from_left ? l : r;
        if (victim == NULL) {
            return;
        }
        char shorter[sizeof victim->text];
        if (victim->may_cut && victim->width - over > 48.0 &&
            chart_fit(canvas, victim->role, true, victim->text,
                      victim->width - over - (victim->run >= 0 ? STROKE : 0.0), shorter,
                      sizeof shorter) &&
            strcmp(shorter, victim->text) != 0) {
            snprintf(victim->text, sizeof victim->text, "%s", shorter);
        } else {
            drop(from_left ? left : right, victim);
        }
    }
}

static void draw_stroke(struct canvas *canvas, const struct theme *theme, double x, double y,
                        unsigned run) {
    const struct scene scene = {.theme = theme, .run = run, .shared = true};
    double dash[CHART_DASHES];
    size_t dashes = chart_run_dash(&scene, dash);
    struct point line[2] = {{x, y}, {x + STROKE - 8.0, y}};
    canvas_polyline(canvas, line, 2, 2.0, chart_run_color(&scene, theme->op[0]),
                    dashes > 0 ? dash : NULL, dashes);
}

void status_line_draw(const struct view *view, struct canvas *canvas, const struct theme *theme,
                      struct rect room) {
    OBS_ASSERT(view != NULL && canvas != NULL && theme != NULL);
    struct items left = {.count = 0}, right = {.count = 0};
    left_items(view, theme, &left);
    right_items(view, theme, &right);
    double x = room.x + PANEL_PAD, end = room.x + room.w - PANEL_PAD;
    double middle = room.y + room.h / 2.0;
    const double dot = 5.0;
    x += 2.0 * dot + 8.0;
    fit(canvas, &left, &right, end - x);
    struct color state = state_color(view->status.state, theme);
    canvas_circle(canvas, (struct point){room.x + PANEL_PAD + dot, canvas_snap(canvas, middle)},
                  dot, state);
    double baseline = chart_baseline(canvas, FONT_TITLE, middle); /* one line of type */
    for (size_t i = 0; i < left.count; i++) {
        const struct item *item = &left.item[i];
        if (item->run >= 0) {
            draw_stroke(canvas, theme, x, canvas_snap(canvas, middle), (unsigned)item->run);
        }
        double text_x = x + (item->run >= 0 ? STROKE : 0.0);
        canvas_text(canvas, item->role, text_x, baseline, TEXT_LEFT, true,
                    theme_letters(theme, item->color), item->text);
        x += item->width + ITEM_GAP;
    }
    for (size_t i = 0; i < right.count; i++) {
        const struct item *item = &right.item[i];
        canvas_text(canvas, item->role, end, baseline, TEXT_RIGHT, true,
                    theme_letters(theme, item->color), item->text);
        end -= item->width + ITEM_GAP;
    }
}
