#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "axis.h"
#include "chart.h"
#include "units.h"

enum { LABELS = 8 };

struct plot {
    struct canvas *canvas;
    const struct theme *theme;
    const struct curve *curve;
    size_t phase;
    struct rect rect; /* of the plot itself */
    double top;
};

/* An engine keeps its colour in every chart, and in every picture. */
static struct color engine_color(const struct theme *theme, const char *engine) {
    static const char *const names[] = {"lsm", "rocksdb", "leveldb", "lmdb"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(engine, names[i]) == 0) {
            return theme->op[i];
        }
    }
    return theme->axis;
}

/* Sizes double: a doubling takes the same room everywhere. */
static double x_of(const struct plot *plot, double bytes) {
    double span = log2(plot->curve->bytes_max / plot->curve->bytes_min);
    double share = span > 0 ? log2(bytes / plot->curve->bytes_min) / span : 0.5;
    return plot->rect.x + share * plot->rect.w;
}

static double y_of(const struct plot *plot, double ops_s) {
    return plot->rect.y + plot->rect.h * (1 - ops_s / plot->top);
}

static void draw_frame(const struct plot *plot) {
    struct canvas *canvas = plot->canvas;
    struct color axis = plot->theme->axis;
    struct axis_ticks ticks;
    double pixel = canvas_snap(canvas, 1.0);
    axis_value_ticks(AXIS_RATE, plot->top, axis_intervals(plot->rect.h), &ticks);
    for (int i = 0; i < ticks.count; i++) {
        double y = canvas_snap(canvas, y_of(plot, ticks.tick[i].value));
        canvas_fill_rect(canvas, (struct rect){plot->rect.x, y, plot->rect.w, pixel}, 0,
                         i == 0 ? theme_mix(plot->theme->grid, axis, 0.25f) : plot->theme->grid);
        canvas_text(canvas, FONT_AXIS, plot->rect.x - 8, chart_baseline(canvas, FONT_AXIS, y),
                    TEXT_RIGHT, true, axis, ticks.tick[i].label);
    }
    canvas_text(canvas, FONT_TITLE, plot->rect.x, plot->rect.y - 16, TEXT_LEFT, false,
                plot->theme->text, plot->curve->phase[plot->phase]);
}

/* The first size, the last, and those between that have room. */
static void draw_sizes(const struct plot *plot, const struct curve_line *line) {
    double free_from = plot->rect.x - 40;
    double baseline = plot->rect.y + plot->rect.h + 20;
    char text[UNITS_TEXT];
    units_bytes(line->bytes[line->count - 1], text, sizeof text);
    double width = canvas_text_width(plot->canvas, FONT_AXIS, true, text);
    double last_left = x_of(plot, line->bytes[line->count - 1]) - width / 2;
    for (size_t i = 0; i < line->count; i++) {
        units_bytes(line->bytes[i], text, sizeof text);
        double x = x_of(plot, line->bytes[i]);
        width = canvas_text_width(plot->canvas, FONT_AXIS, true, text);
        if (x - width / 2 < free_from || (i + 1 < line->count && x + width / 2 + 12 > last_left)) {
            continue;
        }
        canvas_text(plot->canvas, FONT_AXIS, x, baseline, TEXT_CENTER, true, plot->theme->axis,
                    text);
        free_from = x + width / 2 + 12;
    }
}

static void draw_line(const struct plot *plot, const struct curve_line *line) {
    struct point points[CURVE_POINTS_MAX];
    struct color color = engine_color(plot->theme, line->engine);
    for (size_t i = 0; i < line->count; i++) {
        points[i] = (struct point){x_of(plot, line->bytes[i]), y_of(plot, line->ops_s[i])};
    }
    canvas_polyline(plot->canvas, points, line->count, 2, color, NULL, 0);
    for (size_t i = 0; i < line->count; i++) {
        canvas_circle(plot->canvas, points[i], 3, color);
    }
}

/* Names right of the last points, parted where they would touch. */
static void draw_names(const struct plot *plot, const struct curve_line *const *lines,
                       size_t count) {
    enum { HEIGHT = 18 };
    const struct curve_line *sorted[LABELS];
    double y[LABELS];
    count = count < LABELS ? count : LABELS;
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        double last = lines[i]->ops_s[lines[i]->count - 1];
        for (; at > 0 && sorted[at - 1]->ops_s[sorted[at - 1]->count - 1] < last; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = lines[i];
    }
    for (size_t i = 0; i < count; i++) {
        y[i] = y_of(plot, sorted[i]->ops_s[sorted[i]->count - 1]);
    }
    double low = plot->rect.y - 2;
    double high = plot->rect.y + plot->rect.h + 2;
    if (HEIGHT * (double)count <= high - low) {
        chart_part(y, count, HEIGHT, low, high);
    }
    for (size_t i = 0; i < count; i++) {
        char text[CURVE_NAME + UNITS_TEXT];
        char rate[UNITS_TEXT];
        double x = plot->rect.x + plot->rect.w + 14;
        double baseline = chart_baseline(plot->canvas, FONT_AXIS, y[i]);
        units_rate(sorted[i]->ops_s[sorted[i]->count - 1], rate, sizeof rate);
        canvas_text(plot->canvas, FONT_STRONG, x, baseline, TEXT_LEFT, false,
                    engine_color(plot->theme, sorted[i]->engine), sorted[i]->engine);
        (void)snprintf(text, sizeof text, "%s", rate);
        canvas_text(plot->canvas, FONT_AXIS, x + 62, baseline, TEXT_LEFT, true, plot->theme->axis,
                    text);
    }
}

/* The bench's own floor is far above any engine: beside one it would only flatten the others. */
static bool has_more_than_null(const struct curve *curve, size_t phase) {
    for (size_t i = 0; i < curve->line_count; i++) {
        if (curve->line[i].phase == phase && strcmp(curve->line[i].engine, "null") != 0) {
            return true;
        }
    }
    return false;
}

static void draw_phase(struct plot *plot) {
    bool has_engines = has_more_than_null(plot->curve, plot->phase);
    const struct curve_line *lines[CURVE_LINES_MAX];
    size_t count = 0;
    double most = 0;
    for (size_t i = 0; i < plot->curve->line_count; i++) {
        const struct curve_line *line = &plot->curve->line[i];
        if (line->phase != plot->phase || (has_engines && strcmp(line->engine, "null") == 0)) {
            continue;
        }
        lines[count++] = line;
        for (size_t j = 0; j < line->count; j++) {
            most = fmax(most, line->ops_s[j]);
        }
    }
    plot->top = axis_value_top(AXIS_RATE, most, axis_intervals(plot->rect.h));
    draw_frame(plot);
    draw_sizes(plot, lines[0]);
    for (size_t i = 0; i < count; i++) {
        draw_line(plot, lines[i]);
    }
    draw_names(plot, lines, count);
}

void draw_curve(struct canvas *canvas, const struct theme *theme, const struct curve *curve) {
    enum { MARGIN = 24, HEAD = 56, TITLE = 44, LEFT = 72, RIGHT = 150, BELOW = 36 };
    size_t columns = (size_t)ceil(sqrt((double)curve->phase_count));
    size_t rows = (curve->phase_count + columns - 1) / columns;
    double width = (canvas_width(canvas) - 2 * MARGIN) / (double)columns;
    double height = (canvas_height(canvas) - HEAD - MARGIN) / (double)rows;
    canvas_clear(canvas, theme->panel);
    canvas_text(canvas, FONT_FIGURE, MARGIN, 40, TEXT_LEFT, false, theme->text,
                "Operations per second against bytes of keys and values");
    for (size_t i = 0; i < curve->phase_count; i++) {
        struct plot plot = {.canvas = canvas, .theme = theme, .curve = curve, .phase = i};
        double x = MARGIN + width * (double)(i % columns);
        double y = HEAD + height * (double)(i / columns);
        plot.rect =
            (struct rect){x + LEFT, y + TITLE, width - LEFT - RIGHT, height - TITLE - BELOW};
        draw_phase(&plot);
    }
}
