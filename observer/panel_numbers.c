/* Numbers: everything the source publishes, as figures. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "numbers_table.h"
#include "obs_check.h"
#include "units.h"

static bool present(const struct scene *scene) {
    return history_count(scene->history) > 0;
}

static void measure(const struct scene *scene, struct panel_size *size) {
    (void)scene;
    *size = (struct panel_size){.left = 0.0};
}

/* ---- drawing ------------------------------------------------------------------------------- */

/* A figure whose decimal point lies at x. */
static void draw_figure(const struct scene *scene, double x, double baseline, double value,
                        const struct numbers_unit *unit, struct color color) {
    struct numbers_figure figure;
    numbers_figure(value, unit, &figure);
    canvas_text(scene->canvas, FONT_AXIS, x, baseline, TEXT_RIGHT, true, color, figure.whole);
    canvas_text(scene->canvas, FONT_AXIS, x, baseline, TEXT_LEFT, true, color, figure.fraction);
}

/* What is not happening steps back. */
static struct color figure_color(const struct scene *scene, double value) {
    return value > 0.0 || value < 0.0 ? scene->theme->text : scene->theme->axis;
}

static void draw_label(const struct scene *scene, double x, double baseline, double room,
                       char *text) {
    char fitted[64];
    while (canvas_text_width(scene->canvas, FONT_AXIS, false, text) > room &&
           numbers_shorten(text)) {
    }
    if (chart_fit(scene->canvas, FONT_AXIS, false, text, room, fitted, sizeof fitted)) {
        canvas_text(scene->canvas, FONT_AXIS, x, baseline, TEXT_LEFT, false, scene->theme->axis,
                    fitted);
    }
}

/* A state in words, right-aligned like the figures above it, as far as the label leaves room. */
static void draw_word(const struct scene *scene, double left, double right, double baseline,
                      struct color color, const char *word) {
    char fitted[64];
    if (chart_fit(scene->canvas, FONT_AXIS, false, word, right - left, fitted, sizeof fitted)) {
        canvas_text(scene->canvas, FONT_AXIS, right, baseline, TEXT_RIGHT, false, color, fitted);
    }
}

static void draw_total(const struct scene *scene, const struct numbers_table *table,
                       const struct numbers_row *row, double x, double baseline) {
    if (table->tier < NUMBERS_TOTALS || !isfinite(row->total)) {
        return;
    }
    struct numbers_unit unit = numbers_unit_for(row->metric, false, row->total);
    double point = x + table->total_at;
    draw_figure(scene, point, baseline, row->total, &unit, figure_color(scene, row->total));
    canvas_text(scene->canvas, FONT_AXIS, point + table->fraction + NUMBERS_UNIT_GAP, baseline,
                TEXT_LEFT, false, scene->theme->axis, unit.text);
}

static void draw_row(const struct scene *scene, const struct numbers_table *table,
                     const struct numbers_item *item, double x, double baseline) {
    const struct numbers_row *row = &table->row[item->row];
    char label[64];
    const char *word = NULL;
    numbers_label(row->metric->name, item->bare, label, sizeof label);
    draw_label(scene, x, baseline, table->label, label);
    double point = x + table->now_at;
    if (numbers_word(row->metric, row->now, &word)) {
        double width = canvas_text_width(scene->canvas, FONT_AXIS, false, label);
        draw_word(scene, x + fmin(width, table->label) + NUMBERS_GAP, point + table->fraction,
                  baseline, figure_color(scene, row->now), word);
        return;
    }
    bool counter = row->metric->kind == SCOPE_KIND_COUNTER;
    double most =
        fmax(row->now, fmax(row->mean, row->most)); /* fmax: what is no number gives way */
    struct numbers_unit unit = numbers_unit_for(row->metric, counter, most);
    draw_figure(scene, point, baseline, row->now, &unit, figure_color(scene, row->now));
    if (table->tier >= NUMBERS_SPANS) {
        double step = table->whole + table->fraction + NUMBERS_GAP;
        draw_figure(scene, point + step, baseline, row->mean, &unit,
                    figure_color(scene, row->mean));
        draw_figure(scene, point + 2.0 * step, baseline, row->most, &unit,
                    figure_color(scene, row->most));
        point += 2.0 * step;
    }
    canvas_text(scene->canvas, FONT_AXIS, point + table->fraction + NUMBERS_UNIT_GAP, baseline,
                TEXT_LEFT, false, scene->theme->axis, unit.text);
    draw_total(scene, table, row, x, baseline);
}

/* ---- levels -------------------------------------------------------------------------------- */

enum { MATRIX_TABLES, MATRIX_BYTES, MATRIX_TARGET, MATRIX_SCORE, MATRIX_COLUMNS };
static const double MATRIX_NAME = 24.0, MATRIX_LEAST = 54.0; /* widths */

/* Right edge of a column of the levels' table; 0: there is no room for it. */
static double matrix_at(const struct numbers_table *table, int column) {
    static const double share[MATRIX_COLUMNS] = {0.75, 1.1, 1.15, 0.8}; /* of a step */
    double room = table->width - MATRIX_NAME, steps = 0.0, all = 0.0;
    bool target = room >= MATRIX_COLUMNS * MATRIX_LEAST;
    if (!target && column == MATRIX_TARGET) {
        return 0.0;
    }
    for (int i = 0; i < MATRIX_COLUMNS; i++) {
        double here = i == MATRIX_TARGET && !target ? 0.0 : share[i];
        all += here;
        steps += i <= column ? here : 0.0;
    }
    return MATRIX_NAME + fmin(room / all, 84.0) * steps;
}

static void draw_matrix_head(const struct scene *scene, const struct numbers_table *table, double x,
                             double baseline) {
    static const char *const names[] = {"tables", "bytes", "target", "score"};
    for (int column = 0; column < MATRIX_COLUMNS; column++) {
        double right = matrix_at(table, column);
        bool beside = column > 0 || right > 82.0; /* clear of the heading */
        if (right > 0.0 && beside) {
            canvas_text(scene->canvas, FONT_AXIS, x + right, baseline, TEXT_RIGHT, false,
                        scene->theme->axis, names[column]);
        }
    }
}

static void draw_matrix_cell(const struct scene *scene, const struct numbers_table *table,
                             int column, const char *text, struct color color, double x,
                             double baseline) {
    double right = matrix_at(table, column);
    if (right > 0.0) {
        canvas_text(scene->canvas, FONT_AXIS, x + right, baseline, TEXT_RIGHT, true, color, text);
    }
}

static void draw_matrix_row(const struct scene *scene, const struct numbers_table *table,
                            unsigned level, double x, double baseline) {
    char text[UNITS_TEXT + 8];
    double tables = NAN, bytes = NAN, target = NAN;
    struct color ink = theme_letters(scene->theme, scene->theme->level[level]);
    snprintf(text, sizeof text, "L%u", level);
    canvas_text(scene->canvas, FONT_STRONG, x, baseline, TEXT_LEFT, false, ink, text);
    if (chart_value(scene, SCOPE_M_LEVEL_TABLES + level, HISTORY_LEVEL, table->sample, &tables)) {
        units_grouped(tables, text, sizeof text);
        draw_matrix_cell(scene, table, MATRIX_TABLES, text, figure_color(scene, tables), x,
                         baseline);
    }
    if (chart_value(scene, SCOPE_M_LEVEL_BYTES + level, HISTORY_LEVEL, table->sample, &bytes)) {
        units_bytes(bytes, text, sizeof text);
        draw_matrix_cell(scene, table, MATRIX_BYTES, text, figure_color(scene, bytes), x, baseline);
    }
    if (!chart_value(scene, SCOPE_M_LEVEL_TARGET + level, HISTORY_LEVEL, table->sample, &target) ||
        target <= 0.0) {
        return;
    }
    if (level == 0) {
        snprintf(text, sizeof text, "%.0f tables", target);
    } else {
        units_bytes(target, text, sizeof text);
    }
    draw_matrix_cell(scene, table, MATRIX_TARGET, text, scene->theme->axis, x, baseline);
    double score = (level == 0 ? tables : bytes) / target;
    if (isfinite(score)) {
        snprintf(text, sizeof text, "%.2f", score);
        struct color color =
            score >= 1.0 ? scene->theme->compaction : figure_color(scene, score); /* is due */
        draw_matrix_cell(scene, table, MATRIX_SCORE, text, color, x, baseline);
    }
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void draw_captions(const struct scene *scene, const struct numbers_table *table, double x,
                          double baseline) {
    static const char *const names[] = {"now", "mean", "max"};
    double step = table->whole + table->fraction + NUMBERS_GAP;
    for (int i = 0; i < 3; i++) {
        canvas_text(scene->canvas, FONT_AXIS, x + table->now_at + table->fraction + step * i,
                    baseline, TEXT_RIGHT, false, scene->theme->axis, names[i]);
    }
    if (table->tier >= NUMBERS_TOTALS) {
        canvas_text(scene->canvas, FONT_AXIS, x + table->total_at + table->fraction, baseline,
                    TEXT_RIGHT, false, scene->theme->axis, "total");
    }
}

static void draw_item(const struct scene *scene, const struct numbers_table *table,
                      const struct numbers_item *item, double x, double baseline) {
    char text[32];
    switch (item->kind) {
    case NUMBERS_HEADING:
        canvas_text(scene->canvas, FONT_STRONG, x, baseline, TEXT_LEFT, false, scene->theme->text,
                    numbers_group_name(item->group));
        if (item->group == NUMBERS_LEVELS) {
            draw_matrix_head(scene, table, x, baseline);
        }
        break;
    case NUMBERS_ROW:
        draw_row(scene, table, item, x, baseline);
        break;
    case NUMBERS_LEVEL:
        draw_matrix_row(scene, table, (unsigned)item->row, x, baseline);
        break;
    case NUMBERS_MORE:
        snprintf(text, sizeof text, "+ %zu more", item->row);
        draw_label(scene, x, baseline, table->width, text);
        break;
    }
}

static struct rect item_rect(const struct numbers_table *table, const struct panel_place *place,
                             const struct numbers_item *item) {
    return (struct rect){place->plot.x + (table->width + NUMBERS_COLUMN_GAP) * (double)item->column,
                         place->plot.y + item->y, table->width, NUMBERS_LINE};
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    (void)top; /* of an axis that is not this panel's */
    struct numbers_table table;
    numbers_table_make(scene, place, &table);
    if (table.rows == 0) {
        chart_absent(scene, place, "nothing is known of this moment");
        return;
    }
    canvas_clip(scene->canvas, &place->frame);
    size_t captioned = 0;
    for (size_t i = 0; i < table.items; i++) {
        const struct numbers_item *item = &table.item[i];
        struct rect at = item_rect(&table, place, item);
        double baseline = chart_baseline(scene->canvas, FONT_AXIS, at.y + at.h / 2.0);
        draw_item(scene, &table, item, at.x, baseline);
        if (table.captions && captioned <= item->column) {
            double above = place->plot.y + NUMBERS_LINE / 2.0;
            draw_captions(scene, &table, at.x, chart_baseline(scene->canvas, FONT_AXIS, above));
            captioned = item->column + 1;
        }
    }
    canvas_clip(scene->canvas, NULL);
}

/* ---- hover --------------------------------------------------------------------------------- */

static void hover_line(struct panel_hover *told, const char *name, double value,
                       const struct numbers_row *row, bool rate) {
    if (!isfinite(value)) {
        return;
    }
    struct numbers_unit unit = numbers_unit_for(row->metric, rate, value);
    struct numbers_figure figure;
    numbers_figure(value, &unit, &figure);
    OBS_ASSERT(told->lines < PANEL_HOVER_LINES);
    snprintf(told->line[told->lines].name, sizeof told->line[0].name, "%s", name);
    snprintf(told->line[told->lines++].text, sizeof told->line[0].text, "%s%s %s", figure.whole,
             figure.fraction, unit.text);
}

static void hover_row(const struct numbers_row *row, struct panel_hover *told) {
    const char *word = NULL;
    bool counter = row->metric->kind == SCOPE_KIND_COUNTER;
    snprintf(told->title, sizeof told->title, "%s", row->metric->name);
    snprintf(told->line[told->lines++].text, sizeof told->line[0].text, "%s", row->metric->help);
    if (numbers_word(row->metric, row->now, &word)) {
        snprintf(told->line[told->lines].name, sizeof told->line[0].name, "now");
        snprintf(told->line[told->lines++].text, sizeof told->line[0].text, "%s", word);
        return;
    }
    hover_line(told, "now", row->now, row, counter);
    hover_line(told, "mean of what is shown", row->mean, row, counter);
    hover_line(told, "max of what is shown", row->most, row, counter);
    hover_line(told, "total", row->total, row, false);
}

static bool hover(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *told) {
    struct numbers_table table;
    numbers_table_make(scene, place, &table);
    memset(told, 0, sizeof *told);
    for (size_t i = 0; i < table.items; i++) {
        const struct numbers_item *item = &table.item[i];
        struct rect at = item_rect(&table, place, item);
        if (item->kind == NUMBERS_ROW && scene->pointer.x >= at.x &&
            scene->pointer.x < at.x + at.w && scene->pointer.y >= at.y &&
            scene->pointer.y < at.y + at.h) {
            struct numbers_row row = table.row[item->row];
            numbers_row_span(scene, &row);
            told->at = at;
            hover_row(&row, told);
            return true;
        }
    }
    return false;
}

const struct panel panel_numbers = {
    .name = "numbers",
    .title = "Numbers",
    .teaches = "everything that is published",
    .help =
        "Every metric at the crosshair, or now: counters as rates, with mean and largest of the "
        "time shown where there is room; a level whose score reaches 1 is due for compaction.",
    .absent = "this source publishes no metrics",
    .unit = AXIS_COUNT,
    .weight = 0.9,
    .least = 84.0,
    .side = 1,
    .timeless = true,
    .rows = true,
    .present = present,
    .measure = measure,
    .draw = draw,
    .hover = hover,
};
