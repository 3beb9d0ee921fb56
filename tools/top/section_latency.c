/* section_latency.c: quantiles of the last ten seconds, by kind, inside the engine and from the
 * moment an operation was meant to start; and how the p99 of each second went. */
#include <stdio.h>

#include "section.h"
#include "units.h"

enum { KIND_COLUMNS = 6, LONG_KIND_COLUMNS = 17, CELL_COLUMNS = 8, CELLS = 4, TREND_MIN = 8 };
static const double WINDOW_S = 10.0;
static const char *const names[SCOPE_OPS] = {"put", "get", "delete", "scan"};

static bool latency_known(const struct moment *moment) {
    return moment->tails->count > 0;
}

/* The histograms with something in them, service and response of a kind together. */
static int rows_of(const struct tail tail[SCOPE_HISTOGRAMS], unsigned row[SCOPE_HISTOGRAMS]) {
    int count = 0;
    for (unsigned op = 0; op < SCOPE_OPS; op++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            unsigned h = kind * SCOPE_OPS + op;
            if (tail[h].count > 0.0) {
                row[count++] = h;
            }
        }
    }
    return count;
}

static struct section_rows latency_measure(const struct moment *moment, int columns) {
    struct tail tail[SCOPE_HISTOGRAMS];
    unsigned row[SCOPE_HISTOGRAMS];
    tails_window(moment->history, moment->tails, moment->at, WINDOW_S, tail);
    int count = rows_of(tail, row);
    count = count > 0 ? count : 1;
    bool trend = columns >= LONG_KIND_COLUMNS + CELLS * CELL_COLUMNS + 2 + TREND_MIN;
    return (struct section_rows){1 + count, 1 + count, 1 + (trend ? 4 : 1) * count};
}

static void draw_name(const struct pane *pane, unsigned h, int y, bool wide, bool begins) {
    unsigned op = h % SCOPE_OPS;
    enum hue hue = (enum hue)(HUE_PUT + op);
    bool response = h / SCOPE_OPS == SCOPE_RESPONSE;
    if (wide) {
        pane_text(pane, 0, y, hue | STYLE_BOLD, names[op]);
        pane_text(pane, 7, y, HUE_DIM, response ? "response" : "service");
    } else if (begins) {
        /* The kind's first row has its name; the second says which of the two it is. */
        pane_print(pane, 0, y, hue | STYLE_BOLD, "%.5s", op == SCOPE_OP_DELETE ? "del" : names[op]);
    } else {
        pane_text(pane, 0, y, HUE_DIM, " resp");
    }
}

static void draw_trend(const struct moment *moment, unsigned h, const struct pane *pane) {
    static struct spark_point point[SPARK_POINTS_MAX]; /* one thread */
    int count = pane->h > 1 ? 2 * pane->w : pane->w;
    count = count < SPARK_POINTS_MAX ? count : SPARK_POINTS_MAX;
    moment_tail_trend(moment, h, point, count);
    double top = spark_top(spark_largest(point, count));
    enum hue hue = (enum hue)(HUE_PUT + h % SCOPE_OPS);
    if (pane->h > 1) {
        spark_graph(pane, 0, 0, pane->h, hue, point, count, top);
    } else {
        spark_row(pane, 0, 0, hue, point, count, top);
    }
}

static void latency_draw(const struct moment *moment, const struct pane *pane) {
    static const char *const heads[CELLS] = {"p50", "p99", "p99.9", "max"};
    struct tail tail[SCOPE_HISTOGRAMS];
    unsigned row[SCOPE_HISTOGRAMS];
    tails_window(moment->history, moment->tails, moment->at, WINDOW_S, tail);
    int count = rows_of(tail, row);
    bool wide = pane->w >= LONG_KIND_COLUMNS + CELLS * CELL_COLUMNS;
    int first = wide ? LONG_KIND_COLUMNS : KIND_COLUMNS;
    int table = first + CELLS * CELL_COLUMNS, room = pane->w - table - 2;
    bool trend = room >= TREND_MIN;
    section_title(pane, SECTION_LATENCY, trend ? "p99 trend" : "");
    for (int i = 0; i < CELLS; i++) {
        section_heading(pane, first + (i + 1) * CELL_COLUMNS, heads[i]);
    }
    if (count == 0) {
        pane_text(pane, 0, 1, HUE_DIM,
                  latency_known(moment) ? "No operation in the last 10 s."
                                        : "This source does not tell.");
        return;
    }
    int each = (pane->h - 1) / count;
    each = each < 1 ? 1 : trend ? each : 1;
    for (int i = 0; i < count; i++) {
        unsigned h = row[i];
        int y = 1 + i * each;
        const double figures[CELLS] = {tail[h].p50, tail[h].p99, tail[h].p999, tail[h].max};
        draw_name(pane, h, y, wide, i == 0 || row[i - 1] % SCOPE_OPS != h % SCOPE_OPS);
        for (int c = 0; c < CELLS; c++) {
            char text[UNITS_TEXT];
            units_duration(figures[c], text, sizeof(text));
            bool key = c == 1; /* one figure of the row is the one to look at */
            pane_right(pane, first + (c + 1) * CELL_COLUMNS, y, HUE_TEXT | (key ? STYLE_BOLD : 0u),
                       text);
        }
        if (trend) {
            struct pane part = pane_part(pane, table + 2, y, room, each > 2 ? each - 1 : each);
            draw_trend(moment, h, &part);
        }
    }
}

const struct section section_latency = {"Latency",
                                        "last 10 s: service in the engine, response since due",
                                        latency_known, latency_measure, latency_draw};
