#include "numbers_table.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

/* Room for names: what is comfortable, what will do for another column, the least, the most. */
static const double LABEL = 132.0, LABEL_TIGHT = 92.0, LABEL_LEAST = 40.0, LABEL_MOST = 200.0;
static const double SPACE = 7.0; /* above a heading, where there is room */
enum {
    HEADINGS_FROM = 24, /* lines: with fewer every one is for a figure */
    LEVELS_RANK = 10,   /* the levels' table among the rows */
};

/* ---- widths -------------------------------------------------------------------------------- */

static void make_widths(const struct scene *scene, double room, size_t columns,
                        enum numbers_tier tier, struct numbers_table *table) {
    struct canvas *canvas = scene->canvas;
    double unit = canvas_text_width(canvas, FONT_AXIS, false, "MiB/s") + NUMBERS_UNIT_GAP;
    table->tier = tier;
    table->whole = canvas_text_width(canvas, FONT_AXIS, true, "88 888");
    table->fraction = canvas_text_width(canvas, FONT_AXIS, true, ".88");
    double figure = table->whole + table->fraction;
    double figures = figure + unit;
    figures += tier >= NUMBERS_SPANS ? 2.0 * (figure + NUMBERS_GAP) : 0.0;
    double total = figure + unit + NUMBERS_GAP;
    double all = figures + (tier >= NUMBERS_TOTALS ? total : 0.0);
    double own = (room - NUMBERS_COLUMN_GAP * (double)(columns - 1)) / (double)columns;
    table->label = fmax(LABEL_LEAST, fmin(LABEL_MOST, own - all - NUMBERS_GAP));
    table->now_at = table->label + NUMBERS_GAP + table->whole;
    table->total_at = table->label + NUMBERS_GAP + figures + NUMBERS_GAP + table->whole;
    table->width = table->label + NUMBERS_GAP + all;
    table->captions = tier >= NUMBERS_SPANS;
}

/* ---- which rows, in which order ------------------------------------------------------------ */

static unsigned levels_of(const struct scene *scene) {
    unsigned known = 0;
    for (unsigned level = 0; level < history_levels(scene->history) && level < SCOPE_MAX_LEVELS;
         level++) {
        bool any = history_has(scene->history, SCOPE_M_LEVEL_TABLES + level) ||
                   history_has(scene->history, SCOPE_M_LEVEL_BYTES + level);
        known = any ? level + 1 : known;
    }
    return known;
}

/* How many rows are more important than this one. */
static size_t place_of(const struct numbers_table *table, size_t row) {
    size_t before = 0;
    for (size_t i = 0; i < table->rows; i++) {
        before += table->row[i].rank < table->row[row].rank ? 1 : 0;
    }
    return before;
}

static void add(struct numbers_table *table, enum numbers_kind kind, enum numbers_group group,
                size_t row) {
    OBS_ASSERT(table->items < NUMBERS_ITEMS_MAX);
    table->item[table->items++] = (struct numbers_item){.kind = kind, .group = group, .row = row};
}

static void add_group(struct numbers_table *table, enum numbers_group group, size_t keep,
                      bool headings, const size_t *place) {
    const char *first = NULL;
    size_t begun = table->items;
    bool one_word = true;
    for (size_t i = 0; i < table->rows; i++) {
        if (table->row[i].group != group || place[i] >= keep) {
            continue;
        }
        const char *name = table->row[i].metric->name;
        if (first == NULL && headings) {
            add(table, NUMBERS_HEADING, group, 0);
        }
        first = first != NULL ? first : name;
        size_t length = strcspn(first, ".");
        one_word = one_word && first[length] == '.' && strncmp(name, first, length + 1) == 0;
        add(table, NUMBERS_ROW, group, i);
    }
    for (size_t i = begun; i < table->items; i++) { /* "memtable" need not stand in each row */
        table->item[i].bare = headings && one_word && table->item[i].kind == NUMBERS_ROW;
    }
}

/* The `keep` most important rows; without headings the levels' table has no place. */
static void make_items(struct numbers_table *table, size_t keep, bool headings, unsigned levels,
                       const size_t *place) {
    bool matrix = headings && levels > 0 && (keep > LEVELS_RANK || keep == table->rows);
    size_t missing = table->rows - keep + (matrix ? 0 : levels);
    table->items = 0;
    for (int group = 0; group < NUMBERS_GROUPS; group++) {
        if (group == NUMBERS_LEVELS && matrix) {
            add(table, NUMBERS_HEADING, NUMBERS_LEVELS, 0);
            for (unsigned level = 0; level < levels; level++) {
                add(table, NUMBERS_LEVEL, NUMBERS_LEVELS, level);
            }
        }
        add_group(table, (enum numbers_group)group, keep, headings, place);
    }
    if (missing > 0) {
        add(table, NUMBERS_MORE, NUMBERS_OTHER, missing);
    }
}

/* ---- where --------------------------------------------------------------------------------- */

/* Lines that must stand together from this item on: a heading and what it heads. */
static size_t block_of(const struct numbers_table *table, size_t item) {
    size_t lines = 1;
    if (table->item[item].kind == NUMBERS_HEADING) {
        bool whole = table->item[item].group == NUMBERS_LEVELS;
        while (item + lines < table->items &&
               table->item[item + lines].group == table->item[item].group && (whole || lines < 2)) {
            lines++;
        }
    }
    return lines;
}

/* Down one column and on in the next, with space above headings if asked. False: it does not fit.
 */
static bool flow(struct numbers_table *table, size_t columns, double height, bool spaced) {
    double top = table->captions ? NUMBERS_LINE : 0.0, y = top;
    size_t column = 0;
    if (height < top + NUMBERS_LINE) {
        return false;
    }
    for (size_t i = 0; i < table->items; i++) {
        double block = NUMBERS_LINE * (double)block_of(table, i);
        bool heading = table->item[i].kind == NUMBERS_HEADING;
        y += spaced && heading && y > top ? SPACE : 0.0;
        if (y + fmin(block, height - top) > height) {
            column++;
            y = top;
        }
        if (column >= columns) {
            return false;
        }
        table->item[i].column = column;
        table->item[i].y = y;
        y += NUMBERS_LINE;
    }
    return true;
}

/* Columns that leave at least `label` for names. */
static size_t columns_in(const struct scene *scene, double room, enum numbers_tier tier,
                         double label, struct numbers_table *table) {
    size_t columns = 1;
    while (columns < 16) {
        make_widths(scene, room, columns + 1, tier, table);
        if (table->label < label) {
            break;
        }
        columns++;
    }
    make_widths(scene, room, columns, tier, table);
    return columns;
}

/* Every row, with as many figures each as fit then. */
static bool fit_all(const struct scene *scene, double room, double height, unsigned levels,
                    const size_t *before, struct numbers_table *table) {
    for (int tier = NUMBERS_TOTALS; tier >= NUMBERS_NOW; tier--) {
        size_t most = columns_in(scene, room, (enum numbers_tier)tier, LABEL, table);
        if (table->label < LABEL) {
            continue;
        }
        make_items(table, table->rows, true, levels, before);
        for (size_t columns = 1; columns <= most; columns++) {
            make_widths(scene, room, columns, (enum numbers_tier)tier, table);
            if (flow(table, columns, height, true) || flow(table, columns, height, false)) {
                return true;
            }
        }
    }
    return false;
}

void numbers_table_make(const struct scene *scene, const struct panel_place *place,
                        struct numbers_table *table) {
    size_t before[NUMBERS_ROWS_MAX];
    double room = place->plot.w, height = place->plot.h + 2.0;
    table->items = 0;
    if (!numbers_sample(scene, &table->sample)) {
        table->rows = 0;
        return;
    }
    table->rows = numbers_collect(scene, table->row);
    unsigned levels = levels_of(scene);
    for (size_t i = 0; i < table->rows; i++) {
        before[i] = place_of(table, i);
    }
    if (fit_all(scene, room, height, levels, before, table)) {
        for (size_t i = 0; i < table->rows && table->tier >= NUMBERS_SPANS; i++) {
            numbers_row_span(scene, &table->row[i]);
        }
        return;
    }
    size_t columns = columns_in(scene, room, NUMBERS_NOW, LABEL_TIGHT, table);
    bool headings = (double)columns * floor(height / NUMBERS_LINE) >= HEADINGS_FROM;
    for (size_t keep = table->rows; keep > 0; keep--) {
        make_items(table, keep, headings, levels, before);
        if (flow(table, columns, height, false)) {
            return;
        }
    }
    table->items = 0;
    if (height >= NUMBERS_LINE) { /* one line: for a figure, not for what is missing */
        make_items(table, 1, false, 0, before);
        table->items = table->items > 1 ? 1 : table->items;
        flow(table, 1, height, false);
    }
}
