/* section_memory.c: the active memtable against its limit, the sealed ones behind it, and the log
 * that stands for both. */
#include <stdio.h>

#include "meters.h"
#include "section.h"
#include "units.h"

enum { GRAPH_ROWS_MOST = 8, LABEL_COLUMNS = 9, SIZE_COLUMNS = 20 };

static bool memory_known(const struct moment *moment) {
    return history_has(moment->history, SCOPE_M_MEMTABLE_BYTES);
}

static void collect(const struct moment *moment, struct meters *meters) {
    double sealed = 0.0, bytes = 0.0;
    *meters = (struct meters){.count = 0};
    if (moment_value(moment, SCOPE_M_SEALED_COUNT, &sealed)) {
        char size[UNITS_TEXT];
        struct meter *meter = meters_add(meters, "sealed", HUE_FLUSH);
        bool known = sealed > 0.0 && moment_value(moment, SCOPE_M_SEALED_BYTES, &bytes);
        units_bytes(bytes, size, sizeof(size));
        snprintf(meter->value, sizeof(meter->value), known ? "%.0f, %s" : "%.0f", sealed, size);
        meter->trend = true;
        meter->id = SCOPE_M_SEALED_BYTES;
        meter->form = HISTORY_LEVEL;
    }
    meters_count(meters, moment, "entries", HUE_DIM, SCOPE_M_MEMTABLE_ENTRIES);
    meters_bandwidth(meters, moment, "log", HUE_PUT, SCOPE_M_WAL_BYTES);
    meters_bytes(meters, moment, "log live", HUE_PUT, SCOPE_M_WAL_LIVE_BYTES);
    meters_rate(meters, moment, "log syncs", HUE_PUT, SCOPE_M_WAL_SYNCS);
}

static struct section_rows memory_measure(const struct moment *moment, int columns) {
    struct meters meters;
    collect(moment, &meters);
    int least = meters_rows_least(&meters, columns);
    return (struct section_rows){2 + (least > 0 ? 1 : 0), 2 + least,
                                 1 + GRAPH_ROWS_MOST + meters.count};
}

/* The bar, and under it, where there is room, how the memtable filled and flushed. */
static int draw_memtable(const struct moment *moment, const struct pane *pane, int rows) {
    static struct spark_point point[SPARK_POINTS_MAX]; /* one thread */
    double bytes = 0.0, limit = 0.0;
    char size[UNITS_TEXT], most[UNITS_TEXT], text[2 * UNITS_TEXT + 4];
    if (!moment_value(moment, SCOPE_M_MEMTABLE_BYTES, &bytes)) {
        pane_text(pane, 0, 1, HUE_DIM, "-");
        return 2;
    }
    bool limited = moment_value(moment, SCOPE_M_MEMTABLE_LIMIT, &limit) && limit > 0.0;
    units_bytes(bytes, size, sizeof(size));
    units_bytes(limit, most, sizeof(most));
    snprintf(text, sizeof(text), limited ? "%s / %s" : "%s", size, most);
    pane_text(pane, 0, 1, HUE_DIM, "active");
    int room = pane->w - LABEL_COLUMNS - SIZE_COLUMNS;
    double top = limited ? limit
                         : spark_top_bytes(history_max(moment->history, SCOPE_M_MEMTABLE_BYTES,
                                                       HISTORY_LEVEL, 0.0, moment->at));
    spark_bar(pane, LABEL_COLUMNS, 1, room, HUE_FLUSH, bytes / top);
    pane_right(pane, pane->w, 1, HUE_TEXT | STYLE_BOLD, text);
    int graph = rows - 1 < GRAPH_ROWS_MOST * 2 ? rows - 1 : GRAPH_ROWS_MOST * 2;
    if (graph < 2) {
        return 2;
    }
    int count = 2 * pane->w < SPARK_POINTS_MAX ? 2 * pane->w : SPARK_POINTS_MAX;
    moment_trend(moment, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, point, count);
    double largest = spark_largest(point, count);
    spark_graph(pane, 0, 2, graph, HUE_FLUSH, point, count, largest > top ? largest : top);
    return 2 + graph;
}

static void memory_draw(const struct moment *moment, const struct pane *pane) {
    char note[64] = "";
    double flushes = 0.0;
    if (moment_value(moment, SCOPE_M_FLUSHES, &flushes)) {
        char number[UNITS_TEXT];
        units_grouped(flushes, number, sizeof(number));
        snprintf(note, sizeof(note), "%s flush%s", number, flushes == 1.0 ? "" : "es");
    }
    section_title(pane, SECTION_MEMORY, note);
    if (!memory_known(moment)) {
        section_absent(pane);
        return;
    }
    struct meters meters;
    collect(moment, &meters);
    int least = meters_rows_least(&meters, pane->w), room = pane->h - 1;
    /* The memtable's graph comes first, then a row for each figure. */
    int memtable = room - least;
    if (memtable > 5) {
        int more = memtable - 5 < meters.count - least ? memtable - 5 : 0;
        more = memtable - 5 >= meters.count - least ? meters.count - least : more;
        memtable -= more;
    }
    int y = draw_memtable(moment, pane, memtable);
    struct pane rest = pane_part(pane, 0, y, pane->w, pane->h - y);
    meters_draw(&meters, moment, &rest);
}

const struct section section_memory = {"Memtable and log",
                                       "the memtable fills, is sealed, and flushed to L0",
                                       memory_known, memory_measure, memory_draw};
