/* section_ops.c: operations a second, by kind: now, on average, and over the span. */
#include <stdio.h>

#include "section.h"
#include "units.h"

struct kind {
    const char *name;
    enum hue hue;
    uint32_t id, target;
};
static const struct kind kinds[SCOPE_OPS] = {
    {"put", HUE_PUT, SCOPE_M_OPS_PUT, SCOPE_M_TARGET_PUT},
    {"get", HUE_GET, SCOPE_M_OPS_GET, SCOPE_M_TARGET_GET},
    {"delete", HUE_DELETE, SCOPE_M_OPS_DELETE, SCOPE_M_TARGET_DELETE},
    {"scan", HUE_SCAN, SCOPE_M_OPS_SCAN, SCOPE_M_TARGET_SCAN},
};
enum {
    NAME_COLUMNS = 7,
    RATE_COLUMNS = 9,
    AVERAGE_COLUMNS = 14, /* with "avg" */
    AXIS_COLUMNS = 9,
    GRAPH_ROWS_MOST = 8,
};

static bool is_shown(const struct moment *moment, const struct kind *kind) {
    double target = 0.0;
    return moment_ever(moment, kind->id) ||
           (moment_value(moment, kind->target, &target) && target > 0.0);
}

static int shown_count(const struct moment *moment) {
    int count = 0;
    for (int i = 0; i < SCOPE_OPS; i++) {
        count += is_shown(moment, &kinds[i]) ? 1 : 0;
    }
    return count;
}

static bool ops_known(const struct moment *moment) {
    (void)moment;
    return true;
}

static struct section_rows ops_measure(const struct moment *moment, int columns) {
    (void)columns;
    int count = shown_count(moment);
    count = count > 0 ? count : 1;
    return (struct section_rows){1 + count, 1 + 2 * count, 1 + GRAPH_ROWS_MOST * count};
}

typedef bool ask_rate(const struct moment *moment, uint32_t id, double *rate);

static void rate_text(const struct moment *moment, uint32_t id, ask_rate *ask, char *text,
                      size_t size) {
    double rate = 0.0;
    if (ask(moment, id, &rate)) {
        units_rate(rate, text, size);
    } else {
        snprintf(text, size, "-");
    }
}

/* What stands beside the trend. Returns its columns. */
static int draw_figures(const struct moment *moment, const struct kind *kind,
                        const struct pane *pane) {
    char now[UNITS_TEXT], mean[UNITS_TEXT], target[UNITS_TEXT];
    double asked = 0.0;
    rate_text(moment, kind->id, moment_now, now, sizeof(now));
    rate_text(moment, kind->id, moment_mean, mean, sizeof(mean));
    pane_text(pane, 0, 0, kind->hue | STYLE_BOLD, kind->name);
    pane_right(pane, NAME_COLUMNS + RATE_COLUMNS, 0, HUE_TEXT | STYLE_BOLD, now);
    if (pane->h == 1) {
        int end = NAME_COLUMNS + RATE_COLUMNS + AVERAGE_COLUMNS;
        pane_text(pane, NAME_COLUMNS + RATE_COLUMNS + 2, 0, HUE_DIM, "avg");
        pane_right(pane, end, 0, HUE_DIM, mean);
        return end + 1;
    }
    pane_text(pane, 0, 1, HUE_DIM, "avg");
    pane_right(pane, NAME_COLUMNS + RATE_COLUMNS, 1, HUE_DIM, mean);
    if (pane->h > 3 && moment_value(moment, kind->target, &asked) && asked > 0.0) {
        units_rate(asked, target, sizeof(target));
        pane_text(pane, 0, 2, HUE_DIM, "target");
        pane_right(pane, NAME_COLUMNS + RATE_COLUMNS, 2, HUE_DIM, target);
    }
    return NAME_COLUMNS + RATE_COLUMNS + 1 + (pane->h > 2 ? AXIS_COLUMNS : 1);
}

/* `last`: nothing follows that a blank row would have to part it from. */
static void draw_kind(const struct moment *moment, const struct kind *kind, const struct pane *pane,
                      bool last) {
    static struct spark_point point[SPARK_POINTS_MAX]; /* one thread */
    int x = draw_figures(moment, kind, pane), room = pane->w - x;
    if (room <= 0) {
        return;
    }
    int count = pane->h > 1 ? 2 * room : room;
    count = count < SPARK_POINTS_MAX ? count : SPARK_POINTS_MAX;
    moment_trend(moment, kind->id, HISTORY_RATE, point, count);
    double top = spark_top(spark_largest(point, count));
    if (pane->h == 1) {
        spark_row(pane, x, 0, kind->hue, point, count, top);
        return;
    }
    int rows = pane->h > 2 && !last ? pane->h - 1 : pane->h;
    spark_graph(pane, x, 0, rows, kind->hue, point, count, top);
    if (pane->h > 2) {
        char axis[UNITS_TEXT];
        units_rate(top, axis, sizeof(axis));
        pane_right(pane, x - 1, 0, HUE_DIM, axis);
        pane_right(pane, x - 1, rows - 1, HUE_DIM, "0");
    }
}

static void ops_draw(const struct moment *moment, const struct pane *pane) {
    char length[UNITS_TEXT], note[UNITS_TEXT + 16];
    units_clock(moment->span, 0, length, sizeof(length));
    snprintf(note, sizeof(note), moment->whole ? "the whole run, %s" : "last %s", length);
    section_title(pane, SECTION_OPS, note);
    int count = shown_count(moment), y = 1, drawn = 0;
    if (count == 0) {
        pane_text(pane, 0, 1, HUE_DIM, "No operation yet.");
        return;
    }
    int each = (pane->h - 1) / count, spare = (pane->h - 1) % count;
    each = each > 0 ? each : 1;
    for (int i = 0; i < SCOPE_OPS; i++) {
        if (is_shown(moment, &kinds[i])) {
            int h = each + (each > 1 && drawn < spare ? 1 : 0);
            struct pane room = pane_part(pane, 0, y, pane->w, h);
            drawn++;
            draw_kind(moment, &kinds[i], &room, drawn == count);
            y += h;
        }
    }
}

const struct section section_ops = {"Operations",
                                    "rates, now and on average; red: writes stood still", ops_known,
                                    ops_measure, ops_draw};
