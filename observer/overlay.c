#include "overlay.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"

static const double CHOICE_ROW = 36.0;

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

/* ---- a line to type into, and lines under the picture --------------------------------------- */

void overlay_prompt(const struct view *view, struct canvas *canvas, const struct theme *theme) {
    char when[UNITS_TEXT], label[UNITS_TEXT + 16], shown[VIEW_PROMPT_MAX + 8];
    units_clock(view->prompt_s, 1, when, sizeof when);
    snprintf(label, sizeof label, "Marker at %s", when);
    double width = fmin(560.0, canvas_width(canvas) - 32.0);
    struct rect card = {canvas_snap(canvas, (canvas_width(canvas) - width) / 2.0),
                        canvas_snap(canvas, canvas_height(canvas) - 84.0), width, 44.0};
    canvas_fill_rect(canvas, card, 8.0, theme->card);
    canvas_stroke_rect(canvas, card, 8.0, 1.5, theme->op[0]);
    double middle = card.y + card.h / 2.0, x = card.x + 16.0;
    double baseline = chart_baseline(canvas, FONT_LABEL, middle);
    canvas_text(canvas, FONT_AXIS, x, baseline, TEXT_LEFT, true, theme->axis, label);
    x += canvas_text_width(canvas, FONT_AXIS, true, label) + 14.0;
    const char *keys = "Enter: keep   Esc: drop";
    double keys_width = canvas_text_width(canvas, FONT_AXIS, false, keys);
    double room = card.x + card.w - 16.0 - keys_width - 14.0 - x;
    canvas_text(canvas, FONT_AXIS, card.x + card.w - 16.0, baseline, TEXT_RIGHT, false, theme->axis,
                keys);
    const char *text = view->prompt; /* the end of a long name is what is being typed */
    while (text[0] != '\0' && canvas_text_width(canvas, FONT_LABEL, false, text) > room - 6.0) {
        text++;
        while (((unsigned char)text[0] & 0xc0) == 0x80) {
            text++;
        }
    }
    bool empty = view->prompt[0] == '\0';
    snprintf(shown, sizeof shown, "%s", empty ? "its name" : text);
    if (canvas_text_width(canvas, FONT_LABEL, false, shown) <= room) {
        canvas_text(canvas, FONT_LABEL, x, baseline, TEXT_LEFT, false,
                    empty ? theme_fade(theme->axis, 0.7) : theme->text, shown);
    }
    x += empty ? -3.0 : canvas_text_width(canvas, FONT_LABEL, false, text) + 2.0;
    canvas_fill_rect(canvas, (struct rect){canvas_snap(canvas, x), middle - 10.0, 1.5, 20.0}, 0.0,
                     theme->op[0]);
}

void overlay_caption(const struct view *view, struct canvas *canvas, const struct theme *theme,
                     struct rect at) {
    char text[1040], fitted[1040];
    double room = at.w - 2.0 * PANEL_PAD, middle = at.y + 12.0;
    if (at.w <= 0.0) {
        return;
    }
    if (view->caption[0] != '\0') {
        if (chart_fit(canvas, FONT_LABEL, false, view->caption, room, fitted, sizeof fitted)) {
            canvas_text(canvas, FONT_LABEL, at.x + PANEL_PAD,
                        chart_baseline(canvas, FONT_LABEL, middle), TEXT_LEFT, false, theme->text,
                        fitted);
        }
        middle += 24.0;
    }
    snprintf(text, sizeof text, "$ %s", view->status.command);
    if (view->show_command && view->status.command[0] != '\0' &&
        chart_fit(canvas, FONT_AXIS, false, text, room, fitted, sizeof fitted)) {
        canvas_text(canvas, FONT_AXIS, at.x + PANEL_PAD, chart_baseline(canvas, FONT_AXIS, middle),
                    TEXT_LEFT, false, theme->axis, fitted);
    }
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
static size_t wrap(struct canvas *canvas, enum font_role role, const char *text, double room,
                   char lines[][256], size_t most) {
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
            if (best > 0 && canvas_text_width(canvas, role, false, attempt) > room) {
                break;
            }
            best = word;
            at = word + strspn(text + word, " ");
        }
        if (best == 0) {
            best = length < sizeof attempt ? length : sizeof attempt - 1;
        }
        snprintf(attempt, sizeof attempt, "%.*s", (int)best, text);
        if (!chart_fit(canvas, role, false, attempt, room, lines[count], 256)) {
            break;
        }
        count++;
        text += best;
        text += strspn(text, " ");
    }
    return count;
}

size_t overlay_wrap(struct canvas *canvas, enum font_role role, const char *text, double room,
                    char lines[][256], size_t most) {
    size_t count = wrap(canvas, role, text, room, lines, most);
    double narrow = room;
    while (count > 1 && narrow > room / 2.0 &&
           wrap(canvas, role, text, narrow - 12.0, lines, most) == count) {
        narrow -= 12.0;
    }
    /* `most` lines may be too few for the rest of a text: then every pixel of the room counts. */
    return wrap(canvas, role, text, count == most ? room : narrow, lines, most);
}

struct waiting_size {
    double top, width, list_top;
    size_t lines;
    bool emblem;
};

static struct waiting_size measure_waiting(const struct view *view, struct canvas *canvas,
                                           struct rect room, char lines[][256]) {
    struct waiting_size size = {.width = fmin(560.0, room.w - 48.0)};
    size.lines = overlay_wrap(canvas, FONT_LABEL, view->detail, size.width, lines, 4);
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
