/* arrange.h: which section goes where, for a size of the terminal. Pure arithmetic.
 *
 * Threads:    any; no state. */
#ifndef TOP_ARRANGE_H
#define TOP_ARRANGE_H

#include "section.h"

enum { TOP_COLUMNS_MIN = 80, TOP_ROWS_MIN = 24 };

struct place {
    enum section_id id;
    int x, y, w, h;
};
struct arrangement {
    struct place place[SECTIONS];
    int count;
};

/* Gives `room` rows to `count` parts. Everyone has its least, as long as the room lasts, first come
 * first served; then what it wants, then the rest in turn up to its most. rows[i] 0: left out. */
void arrange_rows(const struct section_rows *need, int count, int room, int *rows);
/* The overview in columns x rows cells. */
void arrange(const struct moment *moment, int columns, int rows, struct arrangement *arrangement);

#endif
