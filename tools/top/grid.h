/* grid.h: a picture made of characters, apart from any terminal.
 *
 * Sections draw into panes of one grid; screen.c puts it on a terminal, once.c prints it. Whatever
 * does not fit into a pane is cut off, so nothing ever overlaps its neighbour. In an ASCII grid
 * every character is replaced by the nearest one that any terminal has, in one place: here.
 *
 * Threads:    one thread.
 * Ownership:  a pane borrows its grid. Coordinates: columns and rows from the pane's top left
 *             corner. Text is UTF-8; a character two columns wide takes two cells. */
#ifndef TOP_GRID_H
#define TOP_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a colour means; hues.h knows what it looks like. */
enum hue {
    HUE_TEXT,
    HUE_DIM,   /* labels */
    HUE_FAINT, /* rules, empty parts of bars */
    HUE_PUT,   /* the operations are in the order of enum scope_op */
    HUE_GET,
    HUE_DELETE,
    HUE_SCAN,
    HUE_FLUSH,
    HUE_COMPACTION,
    HUE_STALL,
    HUE_LIVE,
    HUE_LEVEL, /* the level's number is added */
    HUES = HUE_LEVEL + 8
};
enum { STYLE_BOLD = 0x100, STYLE_REVERSE = 0x200, STYLE_HUE = 0xff };
typedef unsigned style_bits; /* a hue, with attributes added */

struct grid_cell {
    uint32_t glyph; /* 0: the right half of a wide character */
    style_bits style;
};
struct grid {
    int columns, rows;
    bool ascii;
    struct grid_cell *cell; /* row by row */
};

/* False when memory is out; the grid is then as it was. Everything is blank afterwards. */
bool grid_resize(struct grid *grid, int columns, int rows);
void grid_clear(struct grid *grid);
void grid_free(struct grid *grid);
const struct grid_cell *grid_at(const struct grid *grid, int x, int y);
/* One row as UTF-8 without blanks at its end. Returns the bytes written, without the NUL. */
size_t grid_row_text(const struct grid *grid, int y, char *text, size_t size);

struct pane {
    struct grid *grid;
    int x, y, w, h;
};

struct pane pane_whole(struct grid *grid);
/* A part of a pane, cut to it. */
struct pane pane_part(const struct pane *pane, int x, int y, int w, int h);
void pane_glyph(const struct pane *pane, int x, int y, style_bits style, uint32_t glyph);
/* Return the column after the text. */
int pane_text(const struct pane *pane, int x, int y, style_bits style, const char *text);
__attribute__((format(printf, 5, 6))) int pane_print(const struct pane *pane, int x, int y,
                                                     style_bits style, const char *format, ...);
/* Ends before column `end`. Returns the column it begins at. */
int pane_right(const struct pane *pane, int end, int y, style_bits style, const char *text);
/* At most `room` columns; what is longer ends in dots. Returns the column after it. */
int pane_fitted(const struct pane *pane, int x, int y, int room, style_bits style,
                const char *text);
/* A horizontal rule over the columns [x, end). */
void pane_rule(const struct pane *pane, int x, int end, int y);

/* Columns that a text takes. */
int text_columns(const char *text);

#endif
