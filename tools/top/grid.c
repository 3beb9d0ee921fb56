/* grid.c: see grid.h. */
#include "grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "top_check.h"

enum { GLYPH_UNKNOWN = '?', BRAILLE = 0x2800, BRAILLE_END = 0x2900, ELLIPSIS = 0x2026 };

/* ---- characters ------------------------------------------------------------------------------ */

/* Takes one character; malformed bytes count as one unknown character each. */
static uint32_t next_glyph(const char **text) {
    const unsigned char *p = (const unsigned char *)*text;
    TOP_ASSERT(*p != 0);
    unsigned length = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    if (length == 0 || *p > 0xf4) {
        (*text)++;
        return GLYPH_UNKNOWN;
    }
    uint32_t glyph = length == 1 ? *p : *p & (0xffu >> (length + 1));
    for (unsigned i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            (*text)++;
            return GLYPH_UNKNOWN;
        }
        glyph = glyph << 6 | (p[i] & 0x3fu);
    }
    *text += length;
    return glyph < 0x20 || glyph == 0x7f ? GLYPH_UNKNOWN : glyph;
}

/* 0: it joins the character before it, and is left out. */
static int glyph_columns(uint32_t glyph) {
    if (glyph >= 0x20 && glyph < 0x7f) {
        return 1;
    }
    int columns = wcwidth((wchar_t)glyph);
    return columns < 0 ? 1 : columns;
}

static bool between(uint32_t glyph, uint32_t low, uint32_t high) {
    return glyph >= low && glyph <= high;
}

/* The nearest character that every terminal has. */
static uint32_t ascii_of(uint32_t glyph) {
    static const char heights[] = "_.-=+*##", dots[] = " ..::++##";
    if (glyph < 0x80) {
        return glyph;
    }
    if (between(glyph, 0x2581, 0x2588)) { /* a block from below, one to eight eighths */
        return (uint32_t)heights[glyph - 0x2581];
    }
    if (between(glyph, BRAILLE, BRAILLE_END - 1)) {
        return (uint32_t)dots[__builtin_popcount(glyph - BRAILLE)];
    }
    static const struct {
        uint32_t from;
        char to;
    } table[] = {
        {0x00b5, 'u'}, {0x03bc, 'u'}, {0x00b7, '-'}, {0x2009, ' '}, {0x2026, '~'}, {0x2500, '-'},
        {0x2501, '='}, {0x2502, '|'}, {0x25cf, '*'}, {0x25cb, 'o'}, {0x25b6, '>'}, {0x25c0, '<'},
        {0x2190, '<'}, {0x2192, '>'}, {0x2191, '^'}, {0x2193, 'v'}, {0x00d7, 'x'}, {0x2248, '~'},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].from == glyph) {
            return (uint32_t)table[i].to;
        }
    }
    return GLYPH_UNKNOWN;
}

int text_columns(const char *text) {
    int columns = 0;
    while (*text != '\0') {
        columns += glyph_columns(next_glyph(&text));
    }
    return columns;
}

/* ---- the grid -------------------------------------------------------------------------------- */

void grid_clear(struct grid *grid) {
    for (size_t i = 0; i < (size_t)grid->columns * (size_t)grid->rows; i++) {
        grid->cell[i] = (struct grid_cell){' ', HUE_TEXT};
    }
}

bool grid_resize(struct grid *grid, int columns, int rows) {
    TOP_ASSERT(columns > 0 && rows > 0);
    if (grid->cell == NULL || columns != grid->columns || rows != grid->rows) {
        struct grid_cell *cell = calloc((size_t)columns * (size_t)rows, sizeof(*cell));
        if (cell == NULL) {
            return false;
        }
        free(grid->cell);
        grid->cell = cell;
        grid->columns = columns;
        grid->rows = rows;
    }
    grid_clear(grid);
    return true;
}

void grid_free(struct grid *grid) {
    free(grid->cell);
    *grid = (struct grid){0};
}

const struct grid_cell *grid_at(const struct grid *grid, int x, int y) {
    TOP_ASSERT(x >= 0 && x < grid->columns && y >= 0 && y < grid->rows);
    return &grid->cell[(size_t)y * (size_t)grid->columns + (size_t)x];
}

static size_t utf8_put(uint32_t glyph, char bytes[4]) {
    if (glyph < 0x80) {
        bytes[0] = (char)glyph;
        return 1;
    }
    size_t length = glyph < 0x800 ? 2 : glyph < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (glyph & 0x3f));
        glyph >>= 6;
    }
    bytes[0] = (char)((0xf00u >> length & 0xffu) | glyph);
    return length;
}

size_t grid_row_text(const struct grid *grid, int y, char *text, size_t size) {
    TOP_ASSERT(size > 0);
    size_t used = 0, kept = 0;
    for (int x = 0; x < grid->columns; x++) {
        uint32_t glyph = grid_at(grid, x, y)->glyph;
        if (glyph == 0) {
            continue;
        }
        char bytes[4];
        size_t length = utf8_put(glyph, bytes);
        if (used + length >= size) {
            break;
        }
        memcpy(text + used, bytes, length);
        used += length;
        kept = glyph != ' ' ? used : kept;
    }
    text[kept] = '\0';
    return kept;
}

/* ---- panes ----------------------------------------------------------------------------------- */

struct pane pane_whole(struct grid *grid) {
    return (struct pane){grid, 0, 0, grid->columns, grid->rows};
}

struct pane pane_part(const struct pane *pane, int x, int y, int w, int h) {
    int x0 = x < 0 ? 0 : x, y0 = y < 0 ? 0 : y;
    int x1 = x + w < pane->w ? x + w : pane->w, y1 = y + h < pane->h ? y + h : pane->h;
    return (struct pane){pane->grid, pane->x + x0, pane->y + y0, x1 > x0 ? x1 - x0 : 0,
                         y1 > y0 ? y1 - y0 : 0};
}

/* A wide character that would be cut in half is left out. */
static void put(const struct pane *pane, int x, int y, style_bits style, uint32_t glyph,
                int columns) {
    if (x < 0 || y < 0 || x + columns > pane->w || y >= pane->h) {
        return;
    }
    const struct grid *grid = pane->grid;
    size_t at = (size_t)(pane->y + y) * (size_t)grid->columns + (size_t)(pane->x + x);
    TOP_ASSERT(pane->x + x + columns <= grid->columns && pane->y + y < grid->rows);
    grid->cell[at] = (struct grid_cell){glyph, style};
    if (columns == 2) {
        grid->cell[at + 1] = (struct grid_cell){0, style};
    }
}

void pane_glyph(const struct pane *pane, int x, int y, style_bits style, uint32_t glyph) {
    TOP_ASSERT(glyph != 0);
    put(pane, x, y, style, pane->grid->ascii ? ascii_of(glyph) : glyph, 1);
}

int pane_text(const struct pane *pane, int x, int y, style_bits style, const char *text) {
    while (*text != '\0' && x < pane->w) {
        uint32_t glyph = next_glyph(&text);
        int columns = glyph_columns(glyph);
        if (pane->grid->ascii) {
            glyph = ascii_of(glyph);
        }
        if (columns > 0) {
            put(pane, x, y, style, glyph, pane->grid->ascii ? 1 : columns);
        }
        x += pane->grid->ascii && columns > 1 ? 1 : columns;
    }
    return x;
}

int pane_print(const struct pane *pane, int x, int y, style_bits style, const char *format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    return pane_text(pane, x, y, style, text);
}

int pane_right(const struct pane *pane, int end, int y, style_bits style, const char *text) {
    int x = end - text_columns(text);
    pane_text(pane, x, y, style, text);
    return x;
}

int pane_fitted(const struct pane *pane, int x, int y, int room, style_bits style,
                const char *text) {
    room = x + room < pane->w ? room : pane->w - x;
    if (room <= 0) {
        return x;
    }
    bool cut = text_columns(text) > room;
    int end = x + room - (cut ? 1 : 0);
    while (*text != '\0') {
        const char *next = text;
        uint32_t glyph = next_glyph(&next);
        if (x + glyph_columns(glyph) > end) {
            break;
        }
        char one[8];
        snprintf(one, sizeof(one), "%.*s", (int)(next - text), text);
        x = pane_text(pane, x, y, style, one);
        text = next;
    }
    if (cut) {
        pane_glyph(pane, x, y, style, ELLIPSIS);
        x++;
    }
    return x;
}

void pane_rule(const struct pane *pane, int x, int end, int y) {
    for (int i = x < 0 ? 0 : x; i < end && i < pane->w; i++) {
        pane_glyph(pane, i, y, HUE_FAINT, 0x2500);
    }
}
