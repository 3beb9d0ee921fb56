/* canvas_internal.h: what the files of the canvas share and nobody else sees.
 *
 * Shapes are the same cairo calls on every surface (canvas.c). What differs is text and what
 * happens to the finished picture: canvas_raster.c and canvas_vector.c.
 *
 * Threads, ownership, units: as canvas.h says. */
#ifndef OBS_CANVAS_INTERNAL_H
#define OBS_CANVAS_INTERNAL_H

#include <cairo.h>

#include "canvas.h"
#include "font.h"
#include "text_cache.h"

enum canvas_kind { CANVAS_RASTER, CANVAS_SVG, CANVAS_PDF };

/* One string of an SVG: put into the file as a text element when it is finished. */
struct svg_text {
    double x, y; /* device units, baseline */
    enum font_role role;
    enum text_align align;
    bool tabular;
    struct color color;
    char *utf8;
};

struct svg_page {
    char *data;
    size_t size, room;
    struct svg_text *texts;
    size_t text_count, text_room;
    bool failed; /* memory ran out: the file would not be whole */
};

struct canvas {
    enum canvas_kind kind;
    int width, height; /* device pixels */
    double scale;
    cairo_surface_t *surface;
    cairo_t *cairo;
    struct font_files fonts;

    /* raster */
    struct text_cache *texts;
    int clip_x0, clip_y0, clip_x1, clip_y1; /* device pixels, for text */

    /* vector */
    cairo_scaled_font_t *vector_fonts[FONT_ROLES];
    struct svg_page svg;
    char path[4096];
};

/* canvas.c: sets a fresh cairo context up the way all shapes expect it. */
void canvas_prepare(struct canvas *canvas);

/* canvas_raster.c */
void raster_text(struct canvas *canvas, enum font_role role, double x, double y,
                 enum text_align align, bool tabular, struct color color, const char *utf8);
void raster_columns(struct canvas *canvas, double x, const struct canvas_column *columns,
                    size_t count, struct color color);
double raster_text_width(struct canvas *canvas, enum font_role role, bool tabular,
                         const char *utf8);
double raster_text_ascent(struct canvas *canvas, enum font_role role);
double raster_text_descent(struct canvas *canvas, enum font_role role);
void raster_destroy(struct canvas *canvas);

/* canvas_vector.c */
void vector_text(struct canvas *canvas, enum font_role role, double x, double y,
                 enum text_align align, bool tabular, struct color color, const char *utf8);
double vector_text_width(struct canvas *canvas, enum font_role role, bool tabular,
                         const char *utf8);
double vector_text_ascent(struct canvas *canvas, enum font_role role);
double vector_text_descent(struct canvas *canvas, enum font_role role);
bool vector_finish(struct canvas *canvas, char *error, size_t error_size);
void vector_destroy(struct canvas *canvas);

/* canvas_svg.c: real text in an SVG. */
void svg_text_mark(struct canvas *canvas, const struct svg_text *text);
bool svg_write(struct canvas *canvas, char *error, size_t error_size);
void svg_destroy(struct svg_page *page);
cairo_status_t svg_collect(void *closure, const unsigned char *data, unsigned int length);

#endif
