/* meters.c: see meters.h. */
#include "meters.h"

#include <stdio.h>

#include "top_check.h"
#include "units.h"

enum { CELL_COLUMNS = 18, CELL_GAP = 2, TREND_MIN_COLUMNS = 6 };

struct meter *meters_add(struct meters *meters, const char *label, enum hue hue) {
    TOP_ASSERT(meters->count < METERS_MAX);
    struct meter *meter = &meters->meter[meters->count++];
    *meter = (struct meter){.label = label, .hue = hue};
    return meter;
}

static struct meter *add_trend(struct meters *meters, const char *label, enum hue hue, uint32_t id,
                               enum history_form form) {
    struct meter *meter = meters_add(meters, label, hue);
    meter->trend = true;
    meter->id = id;
    meter->form = form;
    return meter;
}

static void per_second(char *text, size_t size, double bytes) {
    char number[UNITS_TEXT];
    units_bytes(bytes, number, sizeof(number));
    snprintf(text, size, "%s/s", number);
}

void meters_bandwidth(struct meters *meters, const struct moment *moment, const char *label,
                      enum hue hue, uint32_t id) {
    double rate = 0.0;
    if (moment_now(moment, id, &rate)) {
        struct meter *meter = add_trend(meters, label, hue, id, HISTORY_RATE);
        per_second(meter->value, sizeof(meter->value), rate);
    }
}

void meters_rate(struct meters *meters, const struct moment *moment, const char *label,
                 enum hue hue, uint32_t id) {
    double rate = 0.0;
    if (moment_now(moment, id, &rate)) {
        struct meter *meter = add_trend(meters, label, hue, id, HISTORY_RATE);
        units_rate(rate, meter->value, sizeof(meter->value));
    }
}

void meters_bytes(struct meters *meters, const struct moment *moment, const char *label,
                  enum hue hue, uint32_t id) {
    double bytes = 0.0;
    if (moment_value(moment, id, &bytes)) {
        struct meter *meter = add_trend(meters, label, hue, id, HISTORY_LEVEL);
        units_bytes(bytes, meter->value, sizeof(meter->value));
    }
}

void meters_count(struct meters *meters, const struct moment *moment, const char *label,
                  enum hue hue, uint32_t id) {
    double count = 0.0;
    if (moment_value(moment, id, &count)) {
        struct meter *meter = add_trend(meters, label, hue, id, HISTORY_LEVEL);
        units_grouped(count, meter->value, sizeof(meter->value));
    }
}

/* ---- drawing --------------------------------------------------------------------------------- */

static int across(int columns) {
    int cells = (columns + CELL_GAP) / (CELL_COLUMNS + CELL_GAP);
    return cells > 0 ? cells : 1;
}

int meters_rows_least(const struct meters *meters, int columns) {
    int cells = across(columns);
    return (meters->count + cells - 1) / cells;
}

static void draw_side_by_side(const struct meters *meters, const struct pane *pane) {
    int cells = across(pane->w), rows = meters_rows_least(meters, pane->w);
    while (cells > 1 && (meters->count + cells - 2) / (cells - 1) <= rows) {
        cells--; /* no more columns than these rows need */
    }
    int width = (pane->w + CELL_GAP) / cells - CELL_GAP;
    for (int i = 0; i < meters->count; i++) {
        const struct meter *meter = &meters->meter[i];
        int x = i % cells * (width + CELL_GAP), y = i / cells;
        struct pane cell = pane_part(pane, x, y, width, 1);
        pane_text(&cell, 0, 0, HUE_DIM, meter->label);
        pane_right(&cell, width, 0, HUE_TEXT, meter->value);
    }
}

static void draw_trend(const struct meter *meter, const struct moment *moment,
                       const struct pane *pane) {
    static struct spark_point point[SPARK_POINTS_MAX]; /* one thread */
    int count = pane->h > 1 ? 2 * pane->w : pane->w;
    count = count < SPARK_POINTS_MAX ? count : SPARK_POINTS_MAX;
    moment_trend(moment, meter->id, meter->form, point, count);
    double top = meter->top > 0.0 ? meter->top : spark_top(spark_largest(point, count));
    if (pane->h > 1) {
        spark_graph(pane, 0, 0, pane->h, meter->hue, point, count, top);
    } else {
        spark_row(pane, 0, 0, meter->hue, point, count, top);
    }
}

void meters_draw(const struct meters *meters, const struct moment *moment,
                 const struct pane *pane) {
    if (meters->count == 0 || pane->h <= 0) {
        return;
    }
    int gutter = METER_LABEL_COLUMNS + METER_VALUE_COLUMNS;
    if (pane->h < meters->count || pane->w < gutter + 2) {
        draw_side_by_side(meters, pane);
        return;
    }
    int trends = 0, drawn = 0, y = 0;
    for (int i = 0; i < meters->count; i++) {
        trends += meters->meter[i].trend ? 1 : 0;
    }
    /* A figure without a trend has no use for more than its row. */
    int room = pane->h - (meters->count - trends);
    for (int i = 0; i < meters->count; i++) {
        const struct meter *meter = &meters->meter[i];
        int h = meter->trend ? room / trends + (drawn < room % trends ? 1 : 0) : 1;
        drawn += meter->trend ? 1 : 0;
        pane_text(pane, 0, y, HUE_DIM, meter->label);
        pane_right(pane, gutter, y, HUE_TEXT, meter->value);
        if (meter->trend && pane->w >= gutter + 1 + TREND_MIN_COLUMNS) {
            struct pane right = pane_part(pane, gutter + 1, y, pane->w - gutter - 1,
                                          h > 2 ? h - 1 : h); /* a blank row parts graphs */
            draw_trend(meter, moment, &right);
        }
        y += h;
    }
}
