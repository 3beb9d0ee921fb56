#include "minimap.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"
#include "view_span.h"

enum { COLUMNS_MAX = 4096 };
enum { MARKER = 1, ERROR = 2 };
static const double EDGE = 7.0; /* so near to an edge of the frame one means the edge */
static const double PAD_Y = 4.0;
static const double LETTER = 20.0;     /* a run's, before its strip */
static const double STALL_LEAST = 5.0; /* so high is the shortest stall */

/* A run's strip as it was last worked out; one window, one strip a run. */
static struct strip {
    const struct history *history;
    size_t columns, samples, events;
    double t0, t1, until;
    double low[COLUMNS_MAX], high[COLUMNS_MAX]; /* operations a second; high below 0: no sample */
    double most;
    double stalled[COLUMNS_MAX]; /* the share of the column's time in which writes stood still */
    unsigned char flags[COLUMNS_MAX];
} strips[VIEW_RUNS_MAX];

/* ---- the data ------------------------------------------------------------------------------ */

static void add_rates(struct strip *strip, const struct history *history, uint32_t id,
                      struct history_bin *bins) {
    if (!history_has(history, id)) {
        return;
    }
    history_bins(history, id, HISTORY_RATE, strip->t0, strip->t1, strip->columns, bins);
    for (size_t i = 0; i < strip->columns; i++) {
        if (bins[i].count > 0) {
            strip->low[i] = fmax(0.0, strip->low[i]) + bins[i].min;
            strip->high[i] = fmax(0.0, strip->high[i]) + bins[i].max;
        }
    }
}

static size_t column_at(const struct strip *strip, double t) {
    double at = floor((t - strip->t0) / (strip->t1 - strip->t0) * (double)strip->columns);
    return (size_t)fmax(0.0, fmin(at, (double)strip->columns - 1.0));
}

/* Types of events that the strip tells of, as history_event_next takes them. */
static const uint32_t NOTABLE = 1u << SCOPE_EVENT_STALL_BEGIN | 1u << SCOPE_EVENT_STALL_END |
                                1u << SCOPE_EVENT_MARKER | 1u << SCOPE_EVENT_ERROR;

/* A column is a stretch of time: many short stalls in it are not one long one. */
static void add_stall(struct strip *strip, double t0, double t1) {
    double column_s = (strip->t1 - strip->t0) / (double)strip->columns;
    for (size_t i = column_at(strip, t0), end = column_at(strip, t1); i <= end; i++) {
        double from = strip->t0 + (double)i * column_s;
        double share = (fmin(t1, from + column_s) - fmax(t0, from)) / column_s;
        strip->stalled[i] = fmin(1.0, strip->stalled[i] + fmax(share, 1e-9));
    }
}

static void add_events(struct strip *strip, const struct history *history, double until) {
    size_t count = history_event_count(history);
    double begun = -1.0;
    for (size_t i = history_event_next(history, 0, NOTABLE);
         i < count && history_event_time(history, i) <= until;
         i = history_event_next(history, i + 1, NOTABLE)) {
        const struct scope_event *event = history_event(history, i);
        double t = history_event_time(history, i);
        if (event->type == SCOPE_EVENT_STALL_BEGIN) {
            begun = t;
        } else if (event->type == SCOPE_EVENT_STALL_END) {
            add_stall(strip, t - (double)event->u.stall.duration_ns * 1e-9, t);
            begun = -1.0;
        } else if (event->type == SCOPE_EVENT_MARKER) {
            strip->flags[column_at(strip, t)] |= MARKER;
        } else if (event->type == SCOPE_EVENT_ERROR) {
            strip->flags[column_at(strip, t)] |= ERROR;
        }
    }
    if (begun >= 0.0) {
        add_stall(strip, begun, until);
    }
}

/* Did anything happen since that the strip tells of? A marker set far back shows a little later. */
static bool notable_since(const struct strip *strip, const struct history *history) {
    size_t count = history_event_count(history);
    if (strip->events < count && history_event_next(history, strip->events, NOTABLE) < count) {
        return true;
    }
    return count < strip->events;
}

static bool is_current(const struct strip *strip, const struct history *history, size_t columns,
                       double t0, double t1, double until) {
    double pixel_s = (t1 - t0) / (double)columns;
    return strip->history == history && strip->columns == columns &&
           strip->samples <= history_count(history) && fabs(strip->t0 - t0) < pixel_s &&
           fabs(strip->t1 - t1) < pixel_s && fabs(strip->until - until) < pixel_s &&
           !notable_since(strip, history);
}

static void work_out(struct strip *strip, const struct scene *scene, double t0, double t1,
                     size_t columns) {
    const struct history *history = scene->history;
    double until = scene->until;
    if (is_current(strip, history, columns, t0, t1, until)) {
        return;
    }
    strip->history = history;
    strip->columns = columns;
    strip->samples = history_count(history);
    strip->events = history_event_count(history);
    strip->t0 = t0;
    strip->t1 = t1;
    strip->until = until;
    strip->most = 0.0;
    memset(strip->flags, 0, sizeof strip->flags);
    memset(strip->stalled, 0, sizeof strip->stalled);
    for (size_t i = 0; i < columns; i++) {
        strip->low[i] = strip->high[i] = -1.0;
    }
    static const uint32_t kinds[] = {SCOPE_M_OPS_PUT, SCOPE_M_OPS_GET, SCOPE_M_OPS_DELETE,
                                     SCOPE_M_OPS_SCAN};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        add_rates(strip, history, kinds[k], scene->bins);
    }
    double low = -1.0, high = -1.0; /* fewer samples than pixels: each lasts until the next */
    for (size_t i = 0; i < columns; i++) {
        double t = t0 + (t1 - t0) * (double)i / (double)columns;
        if (strip->high[i] >= 0.0) {
            low = strip->low[i];
            high = strip->high[i];
            strip->most = fmax(strip->most, high);
        } else if (t <= until) {
            strip->low[i] = low;
            strip->high[i] = high;
        }
    }
    add_events(strip, history, until);
}

/* ---- drawing ------------------------------------------------------------------------------- */

static void draw_silhouette(const struct strip *strip, const struct view_frame *frame,
                            const struct rect *at) {
    struct canvas *canvas = frame->canvas;
    struct canvas_column *peak = frame->scene[0].columns;
    struct canvas_column *body = peak + strip->columns;
    double foot = at->y + at->h, most = 1.0; /* as high as another run's strip */
    for (unsigned k = 0; k < frame->runs; k++) {
        most = fmax(most, strips[k].history != NULL ? strips[k].most * 1.15 : 0.0);
    }
    for (size_t i = 0; i < strip->columns; i++) {
        bool known = strip->high[i] >= 0.0;
        double high = foot - fmax(1.0, strip->high[i] / most * at->h);
        double low = foot - strip->low[i] / most * at->h;
        peak[i] =
            known ? (struct canvas_column){high, foot} : (struct canvas_column){INFINITY, 0.0};
        body[i] = known ? (struct canvas_column){low, foot} : (struct canvas_column){INFINITY, 0.0};
    }
    struct color color = frame->theme->op[0];
    canvas_columns(canvas, at->x, peak, strip->columns, theme_fade(color, 0.22));
    canvas_columns(canvas, at->x, body, strip->columns, theme_fade(color, 0.26));
}

/* Stalls hang from the top, as long as they were: what was operated stays visible below. */
static void draw_stalls(const struct strip *strip, const struct view_frame *frame,
                        const struct rect *at) {
    struct canvas_column *band = frame->scene[0].columns;
    double before = 0.0;
    for (size_t i = 0; i < strip->columns; i++) {
        double share = fmax(before, strip->stalled[i]); /* two pixels wide at least */
        double height = fmax(STALL_LEAST, share * at->h);
        band[i] = share > 0.0 ? (struct canvas_column){at->y, at->y + height}
                              : (struct canvas_column){INFINITY, 0.0};
        before = strip->stalled[i];
    }
    canvas_columns(frame->canvas, at->x, band, strip->columns,
                   theme_fade(frame->theme->stall, 0.75));
}

static void draw_flags(const struct strip *strip, const struct view_frame *frame,
                       const struct rect *at, double width, unsigned char flag, struct color color,
                       double top) {
    double pixel = canvas_pixel(frame->canvas);
    for (size_t i = 0; i < strip->columns; i++) {
        size_t end = i;
        while (end < strip->columns && (strip->flags[end] & flag) != 0) {
            end++;
        }
        if (end > i) {
            double x = at->x + (double)i * pixel;
            double w = fmax(width, (double)(end - i) * pixel);
            canvas_fill_rect(frame->canvas, (struct rect){x, top, w, at->y + at->h - top}, 0.0,
                             color);
            i = end;
        }
    }
}

/* What is not shown lies in the shade; the frame has two grips. */
static void draw_frame(const struct view_frame *frame, double t0, double t1, const struct rect *at,
                       const struct rect *card) {
    struct canvas *canvas = frame->canvas;
    const struct theme *theme = frame->theme;
    double x0 = at->x + fmax(0.0, (frame->scene[0].t0 - t0) / (t1 - t0)) * at->w;
    double x1 = at->x + fmin(1.0, (frame->scene[0].t1 - t0) / (t1 - t0)) * at->w;
    x0 = canvas_snap(canvas, x0);
    x1 = fmax(x0 + 4.0, canvas_snap(canvas, x1));
    struct color shade = theme_fade(theme->panel, 0.72);
    canvas_fill_rect(canvas, (struct rect){at->x, card->y, x0 - at->x, card->h}, 0.0, shade);
    canvas_fill_rect(canvas, (struct rect){x1, card->y, at->x + at->w - x1, card->h}, 0.0, shade);
    struct rect box = {x0, card->y + 1.0, x1 - x0, card->h - 2.0};
    struct color line = theme_mix(theme->grid, theme->axis, 0.8);
    canvas_stroke_rect(canvas, box, 3.0, 1.0, line);
    for (int side = 0; side < 2; side++) {
        double x = side == 0 ? x0 : x1;
        struct rect grip = {x - 2.0, card->y + card->h / 2.0 - 7.0, 4.0, 14.0};
        canvas_fill_rect(canvas, grip, 2.0, theme->text);
    }
}

/* Where the strip begins and ends is told at its sides; returns what lies between. */
static struct rect draw_ends(const struct view_frame *frame, const struct rect *card, double t0,
                             double t1) {
    struct canvas *canvas = frame->canvas;
    char from[UNITS_TEXT], to[UNITS_TEXT];
    units_clock(fmax(0.0, t0), 0, from, sizeof from);
    units_clock(t1, 0, to, sizeof to);
    double baseline = chart_baseline(canvas, FONT_AXIS, card->y + card->h / 2.0);
    double left = canvas_text_width(canvas, FONT_AXIS, true, from) + 12.0;
    double right = canvas_text_width(canvas, FONT_AXIS, true, to) + 12.0;
    canvas_text(canvas, FONT_AXIS, card->x + PANEL_PAD, baseline, TEXT_LEFT, true,
                frame->theme->axis, from);
    canvas_text(canvas, FONT_AXIS, card->x + card->w - PANEL_PAD, baseline, TEXT_RIGHT, true,
                frame->theme->axis, to);
    left += frame->runs > 1 ? LETTER : 0.0;
    struct rect at = {canvas_snap(canvas, card->x + PANEL_PAD + left), card->y + PAD_Y, 0.0,
                      card->h - 2.0 * PAD_Y};
    at.w = fmax(16.0, canvas_snap(canvas, card->x + card->w - PANEL_PAD - right) - at.x);
    return at;
}

/* Runs lie above each other on one axis of time, each after its letter. */
static void draw_strips(const struct view_frame *frame, const struct rect *whole, double t0,
                        double t1, size_t columns) {
    const struct theme *theme = frame->theme;
    struct canvas *canvas = frame->canvas;
    double high = whole->h / frame->runs;
    for (unsigned k = 0; k < frame->runs; k++) {
        double offset = view_run_offset(frame->view, k);
        if (history_count(frame->scene[k].history) > 0) {
            work_out(&strips[k], &frame->scene[k], t0 - offset, t1 - offset, columns);
        } else {
            strips[k].history = NULL;
        }
    }
    for (unsigned k = 0; k < frame->runs; k++) {
        const struct strip *strip = &strips[k];
        struct rect at = *whole;
        at.y = canvas_snap(canvas, whole->y + high * k + (k > 0 ? 1.0 : 0.0));
        at.h = canvas_snap(canvas, whole->y + high * (k + 1)) - at.y;
        if (frame->runs > 1) {
            char letter[2] = {(char)('A' + k), '\0'};
            canvas_text(canvas, FONT_STRONG, whole->x - LETTER + 4.0,
                        chart_baseline(canvas, FONT_STRONG, at.y + at.h / 2.0), TEXT_LEFT, true,
                        theme->axis, letter);
        }
        if (strip->history != NULL) {
            double top = frame->runs > 1 ? at.y : at.y - PAD_Y + 2.0;
            draw_silhouette(strip, frame, &at);
            draw_stalls(strip, frame, &at);
            draw_flags(strip, frame, &at, 1.0, MARKER, theme->marker, top);
            draw_flags(strip, frame, &at, 2.0, ERROR, theme->stall, top);
        }
    }
}

void minimap_draw(struct view_frame *frame) {
    const struct rect *card = &frame->layout.minimap;
    struct view *view = frame->view;
    double t0, t1;
    view->drawn.minimap.w = 0.0;
    if (card->w <= 0.0) {
        return;
    }
    struct canvas *canvas = frame->canvas;
    view_whole(view, &t0, &t1);
    canvas_fill_rect(canvas, *card, 6.0, frame->theme->panel);
    struct rect at = draw_ends(frame, card, t0, t1);
    size_t columns = (size_t)fmax(8.0, round(at.w * canvas_scale(canvas)));
    columns = columns < COLUMNS_MAX ? columns : COLUMNS_MAX;
    at.w = (double)columns * canvas_pixel(canvas);
    bool any = false;
    for (unsigned k = 0; k < frame->runs; k++) {
        any = any || history_count(frame->scene[k].history) > 0;
    }
    if (any) {
        draw_strips(frame, &at, t0, t1, columns);
        draw_frame(frame, t0, t1, &at, card);
    }
    view->drawn.minimap = at;
    view->drawn.minimap.y = card->y;
    view->drawn.minimap.h = card->h;
    view->drawn.minimap_t0 = t0;
    view->drawn.minimap_t1 = t1;
}

/* ---- the mouse ----------------------------------------------------------------------------- */

static double time_at(const struct view *view, double x) {
    const struct view_drawn *drawn = &view->drawn;
    double share = (x - drawn->minimap.x) / fmax(1.0, drawn->minimap.w);
    return drawn->minimap_t0 +
           fmax(0.0, fmin(1.0, share)) * (drawn->minimap_t1 - drawn->minimap_t0);
}

bool view_minimap_press(struct view *view, double x, double y) {
    const struct rect *map = &view->drawn.minimap;
    if (map->w <= 0.0 || y < map->y || y > map->y + map->h || x < map->x - EDGE ||
        x > map->x + map->w + EDGE) {
        return false;
    }
    double t0, t1, t = time_at(view, x);
    view_span(view, &t0, &t1);
    double near_s = EDGE / map->w * (view->drawn.minimap_t1 - view->drawn.minimap_t0);
    bool whole = view->fit;
    if (fabs(t - t0) <= near_s) {
        view->grab = VIEW_GRAB_LEFT;
    } else if (fabs(t - t1) <= near_s) {
        view->grab = VIEW_GRAB_RIGHT;
    } else if (whole) {
        view->grab = VIEW_GRAB_NEW; /* there is no frame to move: draw one */
        view->grab_s = t;
    } else {
        if (t < t0 || t > t1) {
            double length = t1 - t0;
            view_take_span(view, t - length / 2.0, t + length / 2.0);
            view_span(view, &t0, &t1);
        }
        view->grab = VIEW_GRAB_FRAME;
        view->grab_s = t - t0;
    }
    return true;
}

void view_minimap_drag(struct view *view, double x) {
    double t0, t1, t = time_at(view, x);
    view_span(view, &t0, &t1);
    double least =
        3.0 / fmax(1.0, view->drawn.minimap.w) * (view->drawn.minimap_t1 - view->drawn.minimap_t0);
    switch (view->grab) {
    case VIEW_GRAB_FRAME:
        view_take_span(view, t - view->grab_s, t - view->grab_s + (t1 - t0));
        break;
    case VIEW_GRAB_LEFT:
        view_take_span(view, fmin(t, t1 - least), t1);
        break;
    case VIEW_GRAB_RIGHT:
        view_take_span(view, t0, fmax(t, t0 + least));
        break;
    case VIEW_GRAB_NEW:
        if (fabs(t - view->grab_s) >= 2.0 * least) {
            view_take_span(view, fmin(t, view->grab_s), fmax(t, view->grab_s));
        }
        break;
    case VIEW_GRAB_NONE:
        break;
    }
}
