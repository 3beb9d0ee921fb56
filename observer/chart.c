#include "chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "obs_check.h"
#include "font.h"

double chart_x(const struct scene *scene, const struct panel_place *place, double t) {
    OBS_ASSERT(scene->t1 > scene->t0);
    return place->plot.x + (t - scene->t0) / (scene->t1 - scene->t0) * place->plot.w;
}

double chart_y(const struct panel_place *place, double top, double value) {
    double height = fmax(1.0, place->plot.h - CHART_HEADROOM);
    return place->plot.y + place->plot.h - value / top * height;
}

double chart_baseline(struct canvas *canvas, enum font_role role, double middle) {
    /* Capitals and figures are about 0.73 em high: centre those, not the whole line. */
    double capital = 0.727 * font_role_size(role);
    return canvas_snap(canvas, middle + capital / 2.0);
}

/* Bytes of the longest prefix of at most `length` bytes that ends with a whole character. */
static size_t whole_characters(const char *text, size_t length) {
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
        length--;
    }
    return length;
}

bool chart_fit(struct canvas *canvas, enum font_role role, bool tabular, const char *text,
               double room, char *fitted, size_t size) {
    OBS_ASSERT(size > 4);
    snprintf(fitted, size, "%s", text);
    fitted[whole_characters(fitted, strlen(fitted))] = '\0';
    if (room > 0.0 && canvas_text_width(canvas, role, tabular, fitted) <= room) {
        return true;
    }
    static const char ellipsis[] = "…";
    size_t low = 0, high = strlen(fitted); /* bytes that fit; bytes that do not */
    char attempt[512];
    bool any = false;
    while (high - low > 1 && high < sizeof attempt - sizeof ellipsis) {
        size_t middle = whole_characters(text, (low + high) / 2);
        if (middle <= low) {
            break;
        }
        size_t cut = middle;
        while (cut > 0 && text[cut - 1] == ' ') {
            cut--;
        }
        snprintf(attempt, sizeof attempt, "%.*s%s", (int)cut, text, ellipsis);
        if (canvas_text_width(canvas, role, tabular, attempt) <= room && strlen(attempt) < size) {
            snprintf(fitted, size, "%s", attempt);
            low = middle;
            any = true;
        } else {
            high = middle;
        }
    }
    if (!any) {
        fitted[0] = '\0';
    }
    return any;
}

/* The background, the title, what it teaches, and the corner text. */
void chart_frame(const struct scene *scene, const struct panel *panel,
                 const struct panel_place *place) {
    struct canvas *canvas = scene->canvas;
    canvas_fill_rect(canvas, place->frame, 6.0, scene->theme->panel);
    char corner[96] = "", text[160];
    struct color color = scene->theme->axis;
    if (panel->corner != NULL && (panel->present == NULL || panel->present(scene))) {
        panel->corner(scene, corner, sizeof corner, &color);
    }
    double left = place->header.x, right = left + place->header.w;
    double middle = place->header.y + place->header.h / 2.0;
    char name[96];
    snprintf(name, sizeof name, "%s", panel->title);
    if (panel->titled != NULL && (panel->present == NULL || panel->present(scene))) {
        panel->titled(scene, name, sizeof name);
    }
    double title = 0.0;
    if (chart_fit(canvas, FONT_TITLE, false, name, place->header.w, text, sizeof text)) {
        title = canvas_text_width(canvas, FONT_TITLE, false, text);
        canvas_text(canvas, FONT_TITLE, left, chart_baseline(canvas, FONT_TITLE, middle), TEXT_LEFT,
                    false, scene->theme->text, text);
    }
    double baseline = chart_baseline(canvas, FONT_AXIS, middle);
    double corner_width = canvas_text_width(canvas, FONT_STRONG, true, corner);
    if (corner[0] != '\0' && left + title + 24.0 + corner_width <= right) {
        canvas_text(canvas, FONT_STRONG, right, baseline, TEXT_RIGHT, true,
                    theme_letters(scene->theme, color), corner);
        right -= corner_width + 24.0;
    }
    double at = left + title + 10.0;
    if (panel->teaches != NULL &&
        chart_fit(canvas, FONT_AXIS, false, panel->teaches, right - at, text, sizeof text) &&
        strcmp(text, panel->teaches) == 0) {
        baseline = chart_baseline(canvas, FONT_TITLE, middle); /* one line of type */
        canvas_text(canvas, FONT_AXIS, at, baseline, TEXT_LEFT, false, scene->theme->axis, text);
    }
}

/* Labels of ticks lie this far apart. */
static const double TICK_LEAST = 13.0;

/* Faint lines at the ticks and their labels at the left. */
void chart_grid(const struct scene *scene, const struct panel *panel,
                const struct panel_place *place, double top) {
    struct canvas *canvas = scene->canvas;
    struct axis_ticks ticks;
    axis_value_ticks(panel->unit, top, axis_intervals(place->plot.h), &ticks);
    double pixel = canvas_pixel(canvas);
    double line = fmax(pixel, canvas_snap(canvas, 1.0));
    double highest = ticks.count > 0 ? chart_y(place, top, ticks.tick[ticks.count - 1].value) : 0.0;
    for (int i = 0; i < ticks.count; i++) {
        double y = canvas_snap(canvas, chart_y(place, top, ticks.tick[i].value));
        struct rect rule = {place->plot.x, y - (i == 0 ? 0.0 : line), place->plot.w, line};
        struct color color = scene->theme->grid;
        canvas_fill_rect(canvas, rule, 0.0,
                         i == 0 ? theme_mix(color, scene->theme->axis, 0.25) : color);
        if (i + 1 < ticks.count && y - highest < TICK_LEAST) {
            continue; /* too low for two: the one with the unit says more */
        }
        canvas_text(canvas, FONT_AXIS, place->plot.x - 8.0,
                    chart_baseline(canvas, FONT_AXIS, y - line / 2.0), TEXT_RIGHT, true,
                    scene->theme->axis, ticks.tick[i].label);
    }
}

static const double ABSENT_LINE = 16.0;

/* The bytes of the words that a line has room for; at least those of the first word. */
static size_t line_length(struct canvas *canvas, const char *text, double room) {
    size_t best = strcspn(text, " ");
    for (size_t end = best; text[end] != '\0';) {
        char tried[160];
        end += 1 + strcspn(text + end + 1, " ");
        snprintf(tried, sizeof tried, "%.*s", (int)end, text);
        if (canvas_text_width(canvas, FONT_AXIS, false, tried) > room) {
            break;
        }
        best = end;
    }
    return best;
}

/* Said in short, or on several lines, rather than cut off. */
void chart_absent(const struct scene *scene, const struct panel_place *place, const char *text) {
    enum { LINES_MAX = 3 };
    struct canvas *canvas = scene->canvas;
    struct rect room = place->plot;
    const char *more = strstr(text, ": ");
    char first[160], line[LINES_MAX][160];
    if (more != NULL && canvas_text_width(canvas, FONT_AXIS, false, text) > room.w - 16.0) {
        snprintf(first, sizeof first, "%.*s", (int)(more - text), text);
        text = first;
    }
    size_t high = (size_t)fmin(LINES_MAX, fmax(1.0, floor(room.h / ABSENT_LINE)));
    size_t lines = 0;
    for (; text[0] != '\0' && lines < high; lines++) {
        size_t length = lines + 1 < high ? line_length(canvas, text, room.w - 16.0) : strlen(text);
        snprintf(line[lines], sizeof line[lines], "%.*s", (int)length, text);
        text += length + (text[length] == ' ' ? 1 : 0);
    }
    for (size_t i = 0; i < lines; i++) {
        char fitted[160];
        double from_middle = ((double)i - ((double)lines - 1.0) / 2.0) * ABSENT_LINE;
        double y = chart_baseline(canvas, FONT_AXIS, room.y + room.h / 2.0 + from_middle);
        if (chart_fit(canvas, FONT_AXIS, false, line[i], room.w - 16.0, fitted, sizeof fitted)) {
            canvas_text(canvas, FONT_AXIS, room.x + room.w / 2.0, y, TEXT_CENTER, false,
                        scene->theme->axis, fitted);
        }
    }
}

struct color chart_run_color(const struct scene *scene, struct color color) {
    const struct theme *theme = scene->theme;
    switch (scene->shared ? scene->run : 0) {
    case 0:
        return color;
    case 1:
        return theme_mix(color, theme->text, 0.45);
    case 2:
        return theme_mix(color, theme->panel, 0.35);
    default:
        return theme_mix(color, theme->text, 0.75);
    }
}

size_t chart_run_dash(const struct scene *scene, double dash[CHART_DASHES]) {
    static const double dashes[VIEW_RUNS_MAX][CHART_DASHES] = {
        {0.0}, {6.0, 3.0, 6.0, 3.0}, {2.0, 3.0, 2.0, 3.0}, {10.0, 3.0, 2.0, 3.0}};
    unsigned run = scene->shared && scene->run < VIEW_RUNS_MAX ? scene->run : 0;
    memcpy(dash, dashes[run], sizeof dashes[run]);
    return run > 0 ? CHART_DASHES : 0;
}

bool chart_value(const struct scene *scene, uint32_t id, enum history_form form, size_t index,
                 double *number) {
    /* A sample may lack a metric that its neighbours have: look back a little, not for ever. */
    for (size_t back = 0; back < 16 && back <= index; back++) {
        if (history_number(scene->history, id, form, index - back, number)) {
            return true;
        }
    }
    return false;
}
