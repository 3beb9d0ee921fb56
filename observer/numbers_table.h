/* numbers_table.h: which rows of figures fit into a place, and where.
 *
 * All rows if they fit, with as many figures each as fit then; else the most important ones, and
 * how many are missing.
 *
 * Threads:    one.
 * Units:      logical pixels. */
#ifndef OBS_NUMBERS_TABLE_H
#define OBS_NUMBERS_TABLE_H

#include "numbers.h"

#define NUMBERS_LINE       17.0
#define NUMBERS_GAP        8.0  /* between figures */
#define NUMBERS_UNIT_GAP   7.0  /* between a figure and its unit */
#define NUMBERS_COLUMN_GAP 28.0 /* between columns of rows */

enum numbers_tier {
    NUMBERS_NOW,    /* the value */
    NUMBERS_SPANS,  /* and mean and most of the time shown */
    NUMBERS_TOTALS, /* and what counters have counted */
};

enum numbers_kind { NUMBERS_HEADING, NUMBERS_ROW, NUMBERS_LEVEL, NUMBERS_MORE };

struct numbers_item {
    enum numbers_kind kind;
    enum numbers_group group;
    size_t row; /* of `row`; the level; how many more */
    bool bare;  /* the heading says its first word */
    size_t column;
    double y; /* from the place's top */
};

enum { NUMBERS_ITEMS_MAX = NUMBERS_ROWS_MAX + NUMBERS_GROUPS + SCOPE_MAX_LEVELS + 1 };

struct numbers_table {
    struct numbers_row row[NUMBERS_ROWS_MAX];
    size_t rows;
    size_t sample; /* what the figures are of */
    enum numbers_tier tier;
    struct numbers_item item[NUMBERS_ITEMS_MAX];
    size_t items;
    size_t captions;         /* lines above the rows that name the figures: 0 or 1 */
    double width;            /* of a column of rows */
    double label;            /* room for names */
    double whole, fraction;  /* room before and after a decimal point */
    double now_at, total_at; /* where decimal points lie, from a column's left */
};

void numbers_table_make(const struct scene *scene, const struct panel_place *place,
                        struct numbers_table *table);

#endif
