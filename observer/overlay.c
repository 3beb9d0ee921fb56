#include "overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"

static const double ROW = 22.0;
static const double CHOICE_ROW = 36.0;
static const double CARD_PAD = 24.0;

static void floating_card(struct canvas *canvas, const struct theme *theme, struct rect card) {
    canvas_fill_rect(canvas, card, 8.0, theme->card);
    canvas_stroke_rect(canvas, card, 8.0, 1.0, theme->grid);
}

/* ---- help ---------------------------------------------------------------------------------- */

/* How to read the picture: each mark as it is drawn, and its meaning. */
enum legend { LEGEND_FLUSH, LEGEND_COMPACTION, LEGEND_STALL, LEGEND_MARKER, LEGENDS };
static const char *const legend_text[LEGENDS] = {
    "flush: a memtable became a table in L0",
    "compaction: tables merged and moved down",
    "stall: writes were delayed or stopped",
    "marker: a note typed at the driver",
};

static void draw_legend(struct canvas *canvas, const struct theme *theme, enum legend which,
                        double x, double middle) {
    const double w = 24.0, h = 12.0;
    double top = canvas_snap(canvas, middle - h / 2.0);
    switch (which) {
    case LEGEND_FLUSH:
        canvas_fill_rect(canvas, (struct rect){x + w / 2.0 - 1.0, top + 2.0, 2.0, h - 2.0}, 0.0,
                         theme->flush);
        canvas_fill_rect(canvas, (struct rect){x, top + h, w, 1.0}, 0.0, theme->axis);
        break;
    case LEGEND_COMPACTION: {
        struct point bracket[4] = {{x + 3.0, top + 8.0},
                                   {x + 3.0, top + 3.0},
                                   {x + w - 3.0, top + 3.0},
                                   {x + w - 3.0, top + 8.0}};
        canvas_polyline(canvas, bracket, 4, 1.5, theme->compaction, NULL, 0);
        break;
    }
    case LEGEND_STALL: {
        struct rect band = {x + 3.0, top - 1.0, w - 6.0, h + 2.0};
        canvas_fill_rect(canvas, band, 0.0, theme_fade(theme->stall, 0.16));
        canvas_hatch(canvas, band, 6.0, 1.0, theme_fade(theme->stall, 0.55));
        break;
    }
    case LEGEND_MARKER:
        canvas_line(canvas, (struct point){x + w / 2.0, top - 1.0},
                    (struct point){x + w / 2.0, top + h + 1.0}, 1.0, theme->marker);
        break;
    case LEGENDS:
        OBS_ASSERT(false);
    }
}

struct help_size {
    double keys, does, legend, row;
    bool with_legend;
    struct rect card;
};

static struct help_size measure_help(struct canvas *canvas) {
    struct help_size size = {.keys = 0.0};
    size_t count;
    const struct view_key *keys = view_keys(&count);
    for (size_t i = 0; i < count; i++) {
        size.keys = fmax(size.keys, canvas_text_width(canvas, FONT_STRONG, false, keys[i].keys));
        size.does = fmax(size.does, canvas_text_width(canvas, FONT_AXIS, false, keys[i].does));
    }
    for (size_t i = 0; i < LEGENDS; i++) {
        size.legend =
            fmax(size.legend, 36.0 + canvas_text_width(canvas, FONT_AXIS, false, legend_text[i]));
    }
    double width = canvas_width(canvas), height = canvas_height(canvas);
    size.card.w = 2.0 * CARD_PAD + size.keys + 20.0 + size.does;
    size.with_legend = size.card.w + 40.0 + size.legend <= width - 32.0;
    size.card.w += size.with_legend ? 40.0 + size.legend : 0.0;
    double rows = (double)count;
    size.row = fmin(ROW, (height - 16.0 - 2.0 * CARD_PAD - 28.0) / rows);
    size.card.h = 2.0 * CARD_PAD + 28.0 + rows * size.row;
    size.card.x = canvas_snap(canvas, fmax(0.0, (width - size.card.w) / 2.0));
    size.card.y = canvas_snap(canvas, fmax(0.0, (height - size.card.h) / 2.0));
    return size;
}

void overlay_help(struct canvas *canvas, const struct theme *theme) {
    OBS_ASSERT(canvas != NULL && theme != NULL);
    struct help_size size = measure_help(canvas);
    canvas_fill_rect(canvas, (struct rect){0.0, 0.0, canvas_width(canvas), canvas_height(canvas)},
                     0.0, theme->scrim);
    floating_card(canvas, theme, size.card);
    double x = size.card.x + CARD_PAD, top = size.card.y + CARD_PAD;
    size_t count;
    const struct view_key *keys = view_keys(&count);
    double title = chart_baseline(canvas, FONT_TITLE, top + 6.0);
    canvas_text(canvas, FONT_TITLE, x, title, TEXT_LEFT, false, theme->text, "Keys");
    for (size_t i = 0; i < count; i++) {
        double y = chart_baseline(canvas, FONT_AXIS, top + 28.0 + ((double)i + 0.5) * size.row);
        canvas_text(canvas, FONT_STRONG, x, y, TEXT_LEFT, false, theme->text, keys[i].keys);
        canvas_text(canvas, FONT_AXIS, x + size.keys + 20.0, y, TEXT_LEFT, false, theme->axis,
                    keys[i].does);
    }
    if (!size.with_legend) {
        return;
    }
    x += size.keys + 20.0 + size.does + 40.0;
    canvas_text(canvas, FONT_TITLE, x, title, TEXT_LEFT, false, theme->text,
                "How to read the picture");
    for (int i = 0; i < LEGENDS; i++) {
        double middle = top + 28.0 + (i + 0.5) * size.row;
        draw_legend(canvas, theme, (enum legend)i, x, middle);
        canvas_text(canvas, FONT_AXIS, x + 36.0, chart_baseline(canvas, FONT_AXIS, middle),
                    TEXT_LEFT, false, theme->axis, legend_text[i]);
    }
}

/* ---- toast --------------------------------------------------------------------------------- */

void overlay_toast(struct canvas *canvas, const struct theme *theme, const char *text) {
    char fitted[192];
    double room = canvas_width(canvas) - 64.0;
    if (!chart_fit(canvas, FONT_AXIS, false, text, room - 32.0, fitted, sizeof fitted)) {
        return;
    }
    double width = canvas_text_width(canvas, FONT_AXIS, false, fitted) + 32.0;
    struct rect card = {canvas_snap(canvas, (canvas_width(canvas) - width) / 2.0),
                        canvas_snap(canvas, canvas_height(canvas) - 72.0), width, 32.0};
    canvas_fill_rect(canvas, card, 16.0, theme->card);
    canvas_stroke_rect(canvas, card, 16.0, 1.0, theme_mix(theme->grid, theme->axis, 0.3));
    canvas_text(canvas, FONT_AXIS, card.x + 16.0,
                chart_baseline(canvas, FONT_AXIS, card.y + card.h / 2.0), TEXT_LEFT, false,
                theme->text, fitted);
}

/* ---- waiting and choosing ------------------------------------------------------------------ */

/* A small tree: levels that widen downwards, in the levels' own colours. */
static void draw_emblem(struct canvas *canvas, const struct theme *theme, double center,
                        double top) {
    static const int tables[4] = {1, 2, 4, 8};
    static const int color[4] = {0, 1, 2, 3};
    const double w = 14.0, h = 8.0, gap = 4.0;
    for (int level = 0; level < 4; level++) {
        double width = tables[level] * w + (tables[level] - 1) * gap;
        double y = canvas_snap(canvas, top + level * (h + gap));
        for (int i = 0; i < tables[level]; i++) {
            double x = canvas_snap(canvas, center - width / 2.0 + i * (w + gap));
            canvas_fill_rect(canvas, (struct rect){x, y, w, h}, 2.0,
                             theme_fade(theme->level[color[level]], 0.85));
        }
    }
}

static const double EMBLEM = 44.0;

/* Breaks at spaces. Returns the number of lines. */
static size_t wrap(struct canvas *canvas, const char *text, double room, char lines[][256],
                   size_t most) {
    size_t count = 0;
    while (*text != '\0' && count < most) {
        size_t best = 0, length = strlen(text), at = 0;
        char attempt[256];
        while (at < length) {
            size_t word = at + strcspn(text + at, " ");
            if (word >= sizeof attempt) {
                break;
            }
            snprintf(attempt, sizeof attempt, "%.*s", (int)word, text);
            if (best > 0 && canvas_text_width(canvas, FONT_LABEL, false, attempt) > room) {
                break;
            }
            best = word;
            at = word + strspn(text + word, " ");
        }
        if (best == 0) {
            best = length < sizeof attempt ? length : sizeof attempt - 1;
        }
        snprintf(attempt, sizeof attempt, "%.*s", (int)best, text);
        if (!chart_fit(canvas, FONT_LABEL, false, attempt, room, lines[count], 256)) {
            break;
        }
        count++;
        text += best;
        text += strspn(text, " ");
    }
    return count;
}

/* As few lines as possible, about equally long: no word stands alone on the last one. */
static size_t wrap_evenly(struct canvas *canvas, const char *text, double room, char lines[][256],
                          size_t most) {
    size_t count = wrap(canvas, text, room, lines, most);
    double narrow = room;
    while (count > 1 && narrow > room / 2.0 &&
           wrap(canvas, text, narrow - 12.0, lines, most) == count) {
        narrow -= 12.0;
    }
    /* `most` lines may be too few for the rest of a text: then every pixel of the room counts. */
    return wrap(canvas, text, count == most ? room : narrow, lines, most);
}

struct waiting_size {
    double top, width, list_top;
    size_t lines;
    bool emblem;
};

static struct waiting_size measure_waiting(const struct view *view, struct canvas *canvas,
                                           struct rect room, char lines[][256]) {
    struct waiting_size size = {.width = fmin(560.0, room.w - 48.0)};
    size.lines = wrap_evenly(canvas, view->detail, size.width, lines, 4);
    double list = view->choice_count > 0 ? 20.0 + view->choice_count * CHOICE_ROW : 0.0;
    double text = 28.0 + 22.0 * (double)size.lines + list;
    size.emblem = text + EMBLEM + 28.0 <= room.h;
    double height = text + (size.emblem ? EMBLEM + 28.0 : 0.0);
    /* A little above the middle: that looks centred. */
    size.top = room.y + fmax(0.0, (room.h - height) * 0.45);
    size.list_top = size.top + height - list + 20.0;
    return size;
}

struct rect overlay_choice_rect(const struct rect *first, int index) {
    OBS_ASSERT(first != NULL && index >= 0 && index < VIEW_CHOICES_MAX);
    struct rect row = *first;
    row.y += index * CHOICE_ROW;
    return row;
}

static void draw_choice(const struct view *view, struct canvas *canvas, const struct theme *theme,
                        struct rect row, int index) {
    bool selected = index == view->choice_selected;
    char number[16], fitted[192];
    canvas_fill_rect(canvas, row, 6.0, theme_fade(theme->panel, 1.0));
    if (selected) {
        canvas_fill_rect(canvas, row, 6.0, theme_fade(theme->op[0], 0.16));
        canvas_stroke_rect(canvas, row, 6.0, 1.5, theme->op[0]);
    }
    double baseline = chart_baseline(canvas, FONT_LABEL, row.y + row.h / 2.0);
    if (index < 9) {
        snprintf(number, sizeof number, "%d", index + 1);
        canvas_text(canvas, FONT_TITLE, row.x + 20.0, baseline, TEXT_CENTER, true, theme->axis,
                    number);
    }
    if (chart_fit(canvas, FONT_LABEL, true, view->choices[index], row.w - 56.0, fitted,
                  sizeof fitted)) {
        canvas_text(canvas, FONT_LABEL, row.x + 40.0, baseline, TEXT_LEFT, true, theme->text,
                    fitted);
    }
}

void overlay_waiting(struct view *view, struct canvas *canvas, const struct theme *theme,
                     struct rect room) {
    OBS_ASSERT(view->choice_count >= 0 && view->choice_count <= VIEW_CHOICES_MAX);
    char lines[4][256], headline[160];
    struct waiting_size size = measure_waiting(view, canvas, room, lines);
    double center = room.x + room.w / 2.0, y = size.top;
    if (size.emblem) {
        draw_emblem(canvas, theme, center, y);
        y += EMBLEM + 28.0;
    }
    if (chart_fit(canvas, FONT_FIGURE, false, view->headline, room.w - 32.0, headline,
                  sizeof headline)) {
        canvas_text(canvas, FONT_FIGURE, center, chart_baseline(canvas, FONT_FIGURE, y + 10.0),
                    TEXT_CENTER, false, theme->text, headline);
    }
    y += 28.0;
    for (size_t i = 0; i < size.lines; i++) {
        canvas_text(canvas, FONT_LABEL, center, chart_baseline(canvas, FONT_LABEL, y + 11.0),
                    TEXT_CENTER, false, theme->axis, lines[i]);
        y += 22.0;
    }
    view->drawn_choices =
        (struct rect){center - size.width / 2.0, size.list_top, size.width, CHOICE_ROW - 4.0};
    for (int i = 0; i < view->choice_count; i++) {
        struct rect row = overlay_choice_rect(&view->drawn_choices, i);
        if (row.y + row.h > room.y + room.h) {
            break; /* what does not fit is still reached with Up and Down */
        }
        draw_choice(view, canvas, theme, row, i);
    }
}
