/* numbers.h: every metric as figures: what there is, in which order, and how it is written.
 *
 * Names come from the dictionary; so does what a figure means. A row's figures share one unit, the
 * one that suits the largest of them, so that they can be compared and do not change it often. A
 * counter is told as its rate, and as a total apart; what a source does not know has no row.
 *
 * Threads:    one thread. */
#ifndef OBS_NUMBERS_H
#define OBS_NUMBERS_H

#include "panel.h"

enum numbers_group {
    NUMBERS_OPERATIONS,
    NUMBERS_MEMTABLE,
    NUMBERS_WAL,
    NUMBERS_FLUSH,
    NUMBERS_COMPACTION,
    NUMBERS_STALLS,
    NUMBERS_IO,
    NUMBERS_CACHE,
    NUMBERS_SPACE,
    NUMBERS_LEVELS,
    NUMBERS_PROCESS,
    NUMBERS_WORKLOAD,
    NUMBERS_OTHER,
    NUMBERS_GROUPS
};

enum { NUMBERS_ROWS_MAX = 160 };

struct numbers_row {
    const struct scope_metric *metric;
    enum numbers_group group;
    int rank; /* when room is short the highest go first */
    /* NAN: not known. Of a counter rates, but the total. */
    double now, mean, most, total;
};

const char *numbers_group_name(enum numbers_group group);
/* The rows of what the history knows, by group; the levels' own table apart. Returns how many. */
size_t numbers_collect(const struct scene *scene, struct numbers_row *rows);
/* Adds mean and most over the time shown, which costs more than the rest. */
void numbers_row_span(const struct scene *scene, struct numbers_row *row);
/* The sample that `moment` speaks of; false: there is none yet. */
bool numbers_sample(const struct scene *scene, size_t *index);

/* "stall.l0_slow": "stall L0 slow"; without its first word when `bare` and something is left. */
void numbers_label(const char *name, bool bare, char *text, size_t size);
/* One step shorter, in place, for where it does not fit; false: as short as it gets. */
bool numbers_shorten(char *text);

/* One figure, apart at its decimal point, so that columns can line up. */
struct numbers_figure {
    char whole[24], fraction[8];
};
struct numbers_unit {
    double divisor;
    int decimals;
    char text[12];
};
/* The unit that suits figures up to `most`. */
struct numbers_unit numbers_unit_for(const struct scope_metric *metric, bool rate, double most);
/* Empty where the value is not a number. */
void numbers_figure(double value, const struct numbers_unit *unit, struct numbers_figure *figure);
/* What an enumerated value stands for; false: not one. */
bool numbers_word(const struct scope_metric *metric, double value, const char **word);

#endif
