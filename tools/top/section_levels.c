/* section_levels.c: a bar for each level: how full it is against its target, what it holds, and
 * what a running compaction takes from it. Full bars are compacted next. */
#include <stdio.h>

#include "section.h"
#include "units.h"

enum {
    NAME_COLUMNS = 5, /* "L0 " and the marks of running jobs */
    TABLES_COLUMNS = 6,
    BYTES_COLUMNS = 10,
    SCORE_COLUMNS = 6,
    TOMBSTONE_COLUMNS = 7,
    WIDE = 50,
    TREND_FROM = 78, /* columns from which a trend of bytes has room */
};

struct level {
    bool has_tables, has_bytes, has_score, has_tombstones;
    double tables, bytes, score, tombstones; /* tombstones: share of the entries */
    bool gives, takes;                       /* a running compaction's */
};

static bool levels_known(const struct moment *moment) {
    for (uint32_t l = 0; l < SCOPE_MAX_LEVELS; l++) {
        if (history_has(moment->history, SCOPE_M_LEVEL_TABLES + l)) {
            return true;
        }
    }
    return false;
}

static void read_shape(const struct moment *moment, struct level level[SCOPE_MAX_LEVELS]) {
    const struct scope_shape *shape = moment->newest
                                          ? history_shape(moment->history)
                                          : history_shape_at(moment->history, moment->at);
    double entries[SCOPE_MAX_LEVELS] = {0}, tombstones[SCOPE_MAX_LEVELS] = {0};
    for (uint64_t i = 0; shape != NULL && i < shape->count; i++) {
        unsigned l = shape->tables[i].level;
        if (l < SCOPE_MAX_LEVELS) {
            entries[l] += (double)shape->tables[i].entries;
            tombstones[l] += (double)shape->tables[i].tombstones;
        }
    }
    for (unsigned l = 0; l < SCOPE_MAX_LEVELS; l++) {
        level[l].has_tombstones = entries[l] > 0.0;
        level[l].tombstones = entries[l] > 0.0 ? tombstones[l] / entries[l] : 0.0;
    }
}

static void read_levels(const struct moment *moment, struct level level[SCOPE_MAX_LEVELS]) {
    for (uint32_t l = 0; l < SCOPE_MAX_LEVELS; l++) {
        struct level *now = &level[l];
        double target = 0.0;
        *now = (struct level){.gives = false};
        now->has_tables = moment_value(moment, SCOPE_M_LEVEL_TABLES + l, &now->tables);
        now->has_bytes = moment_value(moment, SCOPE_M_LEVEL_BYTES + l, &now->bytes);
        bool has_target = moment_value(moment, SCOPE_M_LEVEL_TARGET + l, &target) && target > 0.0;
        /* Level 0's target is a number of tables. */
        now->has_score = has_target && (l == 0 ? now->has_tables : now->has_bytes);
        now->score = now->has_score ? (l == 0 ? now->tables : now->bytes) / target : 0.0;
    }
    for (size_t i = 0; i < moment->jobs->running_count; i++) {
        const struct scope_event *event = &moment->jobs->running[i].event;
        if (event->level_from < SCOPE_MAX_LEVELS && !job_is_flush(event)) {
            level[event->level_from].gives = true;
        }
        if (event->level_to < SCOPE_MAX_LEVELS) {
            level[event->level_to].takes = true;
        }
    }
    read_shape(moment, level);
}

static struct section_rows levels_measure(const struct moment *moment, int columns) {
    int levels = (int)history_levels(moment->history);
    int most = columns >= TREND_FROM ? 3 * levels : levels;
    return (struct section_rows){1 + levels, 1 + levels, 1 + most};
}

/* Where the columns end, from the right. */
struct table {
    int bar, tables, bytes, score, tombstones, width;
};

static struct table table_of(int columns, bool scores) {
    int right = columns;
    struct table table = {.width = columns};
    if (columns >= TREND_FROM) {
        right = table.width = columns * 3 / 5;
    }
    if (columns >= WIDE) {
        table.tombstones = right;
        right -= TOMBSTONE_COLUMNS;
    }
    if (scores) {
        table.score = right;
        right -= SCORE_COLUMNS;
    }
    table.bytes = right;
    table.tables = right - BYTES_COLUMNS;
    table.bar = table.tables - TABLES_COLUMNS;
    return table;
}

static void draw_figures(const struct pane *pane, const struct table *table,
                         const struct level *level, int y) {
    char text[UNITS_TEXT];
    if (level->has_tables) {
        snprintf(text, sizeof(text), "%.0f", level->tables);
        pane_right(pane, table->tables, y, HUE_TEXT | STYLE_BOLD, text);
    }
    if (level->has_bytes) {
        units_bytes(level->bytes, text, sizeof(text));
        pane_right(pane, table->bytes, y, HUE_TEXT, text);
    }
    if (level->has_score && table->score > 0) {
        snprintf(text, sizeof(text), level->score < 99.95 ? "%.2f" : "%.0f", level->score);
        pane_right(pane, table->score, y, level->score >= 1.0 ? HUE_COMPACTION : HUE_DIM, text);
    }
    if (level->has_tombstones && table->tombstones > 0 && level->tombstones > 0.0) {
        units_percent(level->tombstones, text, sizeof(text));
        pane_right(pane, table->tombstones, y, HUE_DELETE, text);
    }
}

static void draw_level(const struct moment *moment, const struct pane *pane,
                       const struct table *table, const struct level *level, unsigned number,
                       double largest) {
    static struct spark_point point[SPARK_POINTS_MAX]; /* one thread */
    style_bits hue = HUE_LEVEL + number;
    pane_print(pane, 0, 0, hue | STYLE_BOLD, "L%u", number);
    if (level->takes) {
        pane_glyph(pane, 2, 0, HUE_COMPACTION | STYLE_BOLD, 0x2190); /* into it */
    }
    if (level->gives) {
        pane_glyph(pane, 3, 0, HUE_COMPACTION | STYLE_BOLD, 0x2193); /* down from it */
    }
    double share = level->has_score ? level->score : largest > 0.0 ? level->bytes / largest : 0.0;
    spark_bar(pane, NAME_COLUMNS, 0, table->bar - NAME_COLUMNS, hue, share);
    draw_figures(pane, table, level, 0);
    int room = pane->w - table->width - 2;
    if (room > 8 && level->has_bytes) {
        int count = pane->h > 1 ? 2 * room : room;
        count = count < SPARK_POINTS_MAX ? count : SPARK_POINTS_MAX;
        moment_trend(moment, SCOPE_M_LEVEL_BYTES + number, HISTORY_LEVEL, point, count);
        double top = spark_top_bytes(spark_largest(point, count));
        if (pane->h > 1) {
            int rows = pane->h > 2 ? pane->h - 1 : pane->h;
            spark_graph(pane, table->width + 2, 0, rows, hue, point, count, top);
        } else {
            spark_row(pane, table->width + 2, 0, hue, point, count, top);
        }
    }
}

static void levels_draw(const struct moment *moment, const struct pane *pane) {
    struct level level[SCOPE_MAX_LEVELS];
    bool trend = pane->w >= TREND_FROM;
    section_title(pane, SECTION_LEVELS, trend ? "bytes" : "");
    if (!levels_known(moment)) {
        section_absent(pane);
        return;
    }
    read_levels(moment, level);
    unsigned levels = history_levels(moment->history);
    double largest = 0.0;
    bool scores = false, bytes = false, tombstones = false;
    for (unsigned l = 0; l < levels; l++) {
        largest = level[l].bytes > largest ? level[l].bytes : largest;
        scores = scores || level[l].has_score;
        bytes = bytes || level[l].has_bytes;
        tombstones = tombstones || level[l].tombstones > 0.0;
    }
    struct table table = table_of(pane->w, scores);
    section_heading(pane, table.tables, "tables");
    if (bytes) {
        section_heading(pane, table.bytes, "bytes");
    }
    if (table.score > 0) {
        section_heading(pane, table.score, "score");
    }
    if (table.tombstones > 0 && tombstones) {
        section_heading(pane, table.tombstones, "dead");
    }
    int each = (pane->h - 1) / (int)levels;
    each = each < 1 || !trend ? 1 : each;
    for (unsigned l = 0; l < levels; l++) {
        struct pane row = pane_part(pane, 0, 1 + (int)l * each, pane->w, each);
        draw_level(moment, &row, &table, &level[l], l, largest);
    }
}

const struct section section_levels = {"Levels",
                                       "bar: filled against its target; arrows: jobs at work",
                                       levels_known, levels_measure, levels_draw};
