/* canvas.h: a small drawing vocabulary that panels use without knowing where it ends up.
 *
 * Shapes are cairo's on every surface. `raster` is an ARGB buffer whose text comes from SDL2_ttf
 * through a glyph cache; the same pixels serve the window, PNG and video. `vector` writes SVG or
 * PDF with text by cairo from the same font file.
 *
 * Units:       logical pixels: 1.0 is one pixel at scale 1. (0, 0) is the top left corner.
 * Threads:     one canvas belongs to one thread at a time.
 * Determinism: the same calls give the same pixels, on any machine with the same font and cairo. */
#ifndef OBS_CANVAS_H
#define OBS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canvas;

struct color {
    float r, g, b, a;
};
struct rect {
    double x, y, w, h;
};
struct point {
    double x, y;
};

enum font_role {
    FONT_AXIS,
    FONT_LABEL,
    FONT_TITLE,
    FONT_FIGURE,
    FONT_STRONG
}; /* 13, 15, 15 bold, 20 bold, 13 bold at scale 1 */
enum text_align { TEXT_LEFT, TEXT_CENTER, TEXT_RIGHT };

/* Font file found through fontconfig: `family` or a path, NULL for Inter, else DejaVu Sans, else
 * any sans. On failure NULL, and `error` says what to do. */
struct canvas *canvas_raster_create(int width, int height, double scale, const char *family,
                                    char *error, size_t error_size);
/* By the file's ending: .svg or .pdf. */
struct canvas *canvas_vector_create(const char *path, int width, int height, double scale,
                                    const char *family, char *error, size_t error_size);
/* Finishes the file of a vector canvas; false when it could not be written whole. */
bool canvas_finish(struct canvas *canvas, char *error, size_t error_size);
void canvas_destroy(struct canvas *canvas);
/* Raster only. Keeps the font and the glyph cache when the scale stays the same. */
bool canvas_resize(struct canvas *canvas, int width, int height, double scale);

/* Raster only: premultiplied ARGB32, native-endian, `stride` in bytes. Valid until resize or
 * destroy. */
const uint32_t *canvas_pixels(struct canvas *canvas, int *width, int *height, int *stride);
bool canvas_write_png(struct canvas *canvas, const char *path, char *error, size_t error_size);

double canvas_width(const struct canvas *canvas); /* logical */
double canvas_height(const struct canvas *canvas);
double canvas_scale(const struct canvas *canvas);
/* One device pixel in logical units: for hairlines and for snapping. */
double canvas_pixel(const struct canvas *canvas);
double canvas_snap(const struct canvas *canvas, double coordinate);

void canvas_clear(struct canvas *canvas, struct color color);
void canvas_clip(struct canvas *canvas,
                 const struct rect *rect); /* NULL: none. Clips do not nest. */
void canvas_fill_rect(struct canvas *canvas, struct rect rect, double radius, struct color color);
void canvas_stroke_rect(struct canvas *canvas, struct rect rect, double radius, double width,
                        struct color color);
void canvas_line(struct canvas *canvas, struct point a, struct point b, double width,
                 struct color color);
/* dash: NULL solid, else on/off lengths in pairs. */
void canvas_polyline(struct canvas *canvas, const struct point *points, size_t count, double width,
                     struct color color, const double *dash, size_t dash_count);
void canvas_polygon(struct canvas *canvas, const struct point *points, size_t count,
                    struct color color);
void canvas_circle(struct canvas *canvas, struct point center, double radius, struct color color);
void canvas_hatch(struct canvas *canvas, struct rect rect, double spacing, double width,
                  struct color color);

/* Columns of one device pixel each, side by side from x on: column i is filled from column[i].top
 * down to column[i].bottom, and not at all where top is not above bottom. For dense data; costs a
 * fraction of a polygon. */
struct canvas_column {
    double top, bottom;
};
void canvas_columns(struct canvas *canvas, double x, const struct canvas_column *columns,
                    size_t count, struct color color);

/* A field of opaque cells, for heatmaps: cell (c, r) lies between left[c] and right[c], y[r] and
 * y[r + 1], on whole device pixels. */
struct canvas_cells {
    const double *left, *right; /* of each column */
    const double *y;            /* rows + 1 edges, downward */
    size_t columns, rows;
    const uint32_t *argb; /* [c * rows + r]: 0xFFRRGGBB, or 0 where nothing is drawn */
};
void canvas_cells(struct canvas *canvas, const struct canvas_cells *cells);

/* Baseline at y. `tabular`: all digits take the same width, so that numbers do not jitter. */
void canvas_text(struct canvas *canvas, enum font_role role, double x, double y,
                 enum text_align align, bool tabular, struct color color, const char *utf8);
double canvas_text_width(struct canvas *canvas, enum font_role role, bool tabular,
                         const char *utf8);
double canvas_text_ascent(struct canvas *canvas, enum font_role role);  /* above the baseline */
double canvas_text_descent(struct canvas *canvas, enum font_role role); /* below it, positive */

#endif
