#include "hover.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "overlay.h"

static const double ROW = 18.0;
static const double PAD = 10.0;
static const double GAP = 10.0;     /* between the thing and its box */
static const double BORDER = 4.0;   /* least distance to the window's edge */
static const double COLUMNS = 14.0; /* between a name and its value */

static double between(double value, double low, double high) {
    return fmax(low, fmin(value, fmax(low, high)));
}

static double covered(const struct rect *box, const struct hover_room *room) {
    double area = 0.0;
    for (size_t i = 0; i < room->told_count; i++) {
        const struct rect *told = &room->told[i];
        double w = fmin(box->x + box->w, told->x + told->w) - fmax(box->x, told->x);
        double h = fmin(box->y + box->h, told->y + told->h) - fmax(box->y, told->y);
        area += fmax(0.0, w) * fmax(0.0, h);
    }
    return area;
}

/* Below the thing, above it, right or left of it: the first that fits and covers nothing that is
 * told elsewhere, else what covers least. A thing that fills the window leaves no place; then
 * beside the pointer. */
struct rect hover_place(double width, double height, const struct hover_room *room, struct rect at,
                        struct point pointer) {
    double right = room->width - BORDER - width, bottom = room->height - BORDER - height;
    double after = between(pointer.x + 14.0, BORDER, right);
    double before = between(pointer.x - 14.0 - width, BORDER, right);
    double beside = between(pointer.y - height / 2.0, BORDER, bottom);
    const struct rect places[] = {
        {after, at.y + at.h + GAP, width, height},   {before, at.y + at.h + GAP, width, height},
        {after, at.y - GAP - height, width, height}, {before, at.y - GAP - height, width, height},
        {at.x + at.w + GAP, beside, width, height},  {at.x - GAP - width, beside, width, height},
    };
    double least = INFINITY;
    struct rect best = {pointer.x + 16.0 <= right ? pointer.x + 16.0 : pointer.x - 16.0 - width,
                        beside, width, height};
    best.x = between(best.x, BORDER, right);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const struct rect *box = &places[i];
        bool fits = box->x >= BORDER && box->x <= right && box->y >= BORDER && box->y <= bottom;
        double covers = fits ? covered(box, room) : INFINITY;
        if (covers < least) {
            least = covers;
            best = *box;
        }
    }
    return best;
}

static void card(struct canvas *canvas, const struct theme *theme, struct rect box) {
    canvas_fill_rect(canvas, box, 6.0, theme_fade(theme->card, 0.97));
    canvas_stroke_rect(canvas, box, 6.0, 1.0, theme_mix(theme->grid, theme->axis, 0.35));
}

/* The part of the thing that may be outlined: a thing half out of its plot is cut off there. */
static void outline(struct canvas *canvas, const struct theme *theme, struct rect at) {
    at.x = canvas_snap(canvas, at.x);
    at.y = canvas_snap(canvas, at.y);
    canvas_stroke_rect(canvas, at, 2.0, 2.0, theme->text);
}

void hover_draw(struct canvas *canvas, const struct theme *theme, const struct panel_hover *hover,
                struct point pointer, const struct rect *told, size_t told_count) {
    OBS_ASSERT(hover->lines <= PANEL_HOVER_LINES);
    char title[96], text[PANEL_HOVER_LINES][112];
    double room = canvas_width(canvas) - 2.0 * (BORDER + PAD), names = 0.0, values = 0.0;
    double height = canvas_height(canvas);
    size_t lines = hover->lines;
    while (lines > 0 && 2.0 * PAD + ROW * (double)(lines + 1) > height - 2.0 * BORDER) {
        lines--;
    }
    for (size_t i = 0; i < lines; i++) {
        names = fmax(names, canvas_text_width(canvas, FONT_AXIS, false, hover->line[i].name));
    }
    names += names > 0.0 ? COLUMNS : 0.0;
    for (size_t i = 0; i < lines; i++) {
        if (!chart_fit(canvas, FONT_STRONG, true, hover->line[i].text, room - names, text[i],
                       sizeof text[i])) {
            text[i][0] = '\0';
        }
        values = fmax(values, canvas_text_width(canvas, FONT_STRONG, true, text[i]));
    }
    if (!chart_fit(canvas, FONT_TITLE, false, hover->title, room, title, sizeof title)) {
        title[0] = '\0';
    }
    double width = fmax(names + values, canvas_text_width(canvas, FONT_TITLE, false, title));
    struct hover_room window = {canvas_width(canvas), height, told, told_count};
    struct rect box =
        hover_place(width + 2.0 * PAD, 2.0 * PAD + ROW * (double)(lines + (title[0] != '\0')) - 2.0,
                    &window, hover->at, pointer);
    box.x = canvas_snap(canvas, box.x);
    box.y = canvas_snap(canvas, box.y);
    outline(canvas, theme, hover->at);
    card(canvas, theme, box);
    double y = box.y + PAD + ROW / 2.0 - 1.0;
    if (title[0] != '\0') {
        canvas_text(canvas, FONT_TITLE, box.x + PAD, chart_baseline(canvas, FONT_TITLE, y),
                    TEXT_LEFT, true, theme->text, title);
        y += ROW;
    }
    for (size_t i = 0; i < lines; i++, y += ROW) {
        double baseline = chart_baseline(canvas, FONT_AXIS, y);
        canvas_text(canvas, FONT_AXIS, box.x + PAD, baseline, TEXT_LEFT, false, theme->axis,
                    hover->line[i].name);
        canvas_text(canvas, FONT_STRONG, box.x + PAD + names, baseline, TEXT_LEFT, true,
                    theme->text, text[i]);
    }
}

void hover_explain(struct canvas *canvas, const struct theme *theme, const struct panel *panel,
                   unsigned number, const struct panel_place *place) {
    enum { LINES = 5 };
    char lines[LINES][256], key[64];
    double room = fmin(560.0, place->frame.w - 16.0 - 2.0 * PAD);
    size_t count = overlay_wrap(canvas, FONT_AXIS, panel->help, room, lines, LINES);
    snprintf(key, sizeof key, "%u: this panel alone", number);
    double width = number <= 9 ? canvas_text_width(canvas, FONT_STRONG, false, key) : 0.0;
    for (size_t i = 0; i < count; i++) {
        width = fmax(width, canvas_text_width(canvas, FONT_AXIS, false, lines[i]));
    }
    double height = 2.0 * PAD + ROW * (double)(count + (number <= 9)) - 2.0;
    struct rect box = {place->header.x - PAD / 2.0, place->header.y + place->header.h - 4.0,
                       width + 2.0 * PAD, height};
    box.x = canvas_snap(canvas, between(box.x, BORDER, canvas_width(canvas) - BORDER - box.w));
    box.y = canvas_snap(canvas, between(box.y, BORDER, canvas_height(canvas) - BORDER - box.h));
    card(canvas, theme, box);
    double y = box.y + PAD + ROW / 2.0 - 1.0;
    for (size_t i = 0; i < count; i++, y += ROW) {
        canvas_text(canvas, FONT_AXIS, box.x + PAD, chart_baseline(canvas, FONT_AXIS, y), TEXT_LEFT,
                    false, theme->text, lines[i]);
    }
    if (number <= 9) {
        canvas_text(canvas, FONT_STRONG, box.x + PAD, chart_baseline(canvas, FONT_STRONG, y),
                    TEXT_LEFT, false, theme->axis, key);
    }
}
