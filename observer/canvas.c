#include "canvas_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

/* cairo 1.16 writes one span past its buffer when, with ANTIALIAS_FAST, every pixel column of a row
 * has a coverage of its own. Up to 62 columns are safe, for there its buffer has 64 places; so is a
 * path of few points, for an edge changes the coverage in 16 columns of a row at most. Everything
 * else is drawn in pieces (lines) or at full quality (polygons). */
enum { FAST_WIDTH_MAX = 56, FAST_POINTS_MAX = 4 };

void canvas_prepare(struct canvas *canvas) {
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_FAST);
    cairo_set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_BUTT);
    /* A tenth of a device pixel is the default; saw-tooths of thousands of points need no more. */
    cairo_set_tolerance(canvas->cairo, 0.25);
    if (canvas->kind == CANVAS_RASTER) {
        cairo_scale(canvas->cairo, canvas->scale, canvas->scale);
    }
    canvas_clip(canvas, NULL);
}

void canvas_destroy(struct canvas *canvas) {
    if (canvas == NULL) {
        return;
    }
    if (canvas->kind == CANVAS_RASTER) {
        raster_destroy(canvas);
    } else {
        vector_destroy(canvas);
    }
    if (canvas->cairo != NULL) {
        cairo_destroy(canvas->cairo);
    }
    if (canvas->surface != NULL) {
        cairo_surface_destroy(canvas->surface);
    }
    svg_destroy(&canvas->svg); /* after the surface: destroying that may still write to it */
    free(canvas);
}

bool canvas_finish(struct canvas *canvas, char *error, size_t error_size) {
    OBS_ASSERT(canvas != NULL);
    return canvas->kind == CANVAS_RASTER || vector_finish(canvas, error, error_size);
}

double canvas_width(const struct canvas *canvas) {
    return canvas->width / canvas->scale;
}

double canvas_height(const struct canvas *canvas) {
    return canvas->height / canvas->scale;
}

double canvas_scale(const struct canvas *canvas) {
    return canvas->scale;
}

double canvas_pixel(const struct canvas *canvas) {
    return 1.0 / canvas->scale;
}

double canvas_snap(const struct canvas *canvas, double coordinate) {
    return floor(coordinate * canvas->scale + 0.5) / canvas->scale;
}

static void set_color(struct canvas *canvas, struct color color) {
    cairo_set_source_rgba(canvas->cairo, (double)color.r, (double)color.g, (double)color.b,
                          (double)color.a);
}

void canvas_clear(struct canvas *canvas, struct color color) {
    OBS_ASSERT(canvas != NULL);
    canvas_clip(canvas, NULL);
    cairo_set_operator(canvas->cairo, CAIRO_OPERATOR_SOURCE);
    set_color(canvas, color);
    cairo_paint(canvas->cairo);
    cairo_set_operator(canvas->cairo, CAIRO_OPERATOR_OVER);
}

/* Clips lie on whole device pixels: shapes and text then end at the same place. */
void canvas_clip(struct canvas *canvas, const struct rect *rect) {
    cairo_reset_clip(canvas->cairo);
    canvas->clip_x0 = canvas->clip_y0 = 0;
    canvas->clip_x1 = canvas->width;
    canvas->clip_y1 = canvas->height;
    if (rect == NULL) {
        return;
    }
    OBS_ASSERT(rect->w >= 0.0 && rect->h >= 0.0);
    double x0 = canvas_snap(canvas, rect->x), y0 = canvas_snap(canvas, rect->y);
    double x1 = canvas_snap(canvas, rect->x + rect->w), y1 = canvas_snap(canvas, rect->y + rect->h);
    cairo_new_path(canvas->cairo);
    cairo_rectangle(canvas->cairo, x0, y0, x1 - x0, y1 - y0);
    cairo_clip(canvas->cairo);
    canvas->clip_x0 = (int)fmax(0.0, round(x0 * canvas->scale));
    canvas->clip_y0 = (int)fmax(0.0, round(y0 * canvas->scale));
    canvas->clip_x1 = (int)fmin(canvas->width, round(x1 * canvas->scale));
    canvas->clip_y1 = (int)fmin(canvas->height, round(y1 * canvas->scale));
}

static void rounded_path(cairo_t *cr, struct rect rect, double radius) {
    cairo_new_path(cr);
    double most = fmin(rect.w, rect.h) / 2.0;
    radius = fmin(radius, most);
    if (radius <= 0.0) {
        cairo_rectangle(cr, rect.x, rect.y, rect.w, rect.h);
        return;
    }
    const double quarter = M_PI / 2.0;
    cairo_arc(cr, rect.x + rect.w - radius, rect.y + radius, radius, -quarter, 0.0);
    cairo_arc(cr, rect.x + rect.w - radius, rect.y + rect.h - radius, radius, 0.0, quarter);
    cairo_arc(cr, rect.x + radius, rect.y + rect.h - radius, radius, quarter, 2.0 * quarter);
    cairo_arc(cr, rect.x + radius, rect.y + radius, radius, 2.0 * quarter, 3.0 * quarter);
    cairo_close_path(cr);
}

void canvas_fill_rect(struct canvas *canvas, struct rect rect, double radius, struct color color) {
    if (rect.w <= 0.0 || rect.h <= 0.0) {
        return;
    }
    rounded_path(canvas->cairo, rect, radius);
    set_color(canvas, color);
    cairo_fill(canvas->cairo);
}

void canvas_stroke_rect(struct canvas *canvas, struct rect rect, double radius, double width,
                        struct color color) {
    if (rect.w <= 0.0 || rect.h <= 0.0) {
        return;
    }
    rounded_path(canvas->cairo, rect, radius);
    set_color(canvas, color);
    cairo_set_line_width(canvas->cairo, width);
    cairo_stroke(canvas->cairo);
}

void canvas_line(struct canvas *canvas, struct point a, struct point b, double width,
                 struct color color) {
    cairo_new_path(canvas->cairo);
    cairo_move_to(canvas->cairo, a.x, a.y);
    cairo_line_to(canvas->cairo, b.x, b.y);
    set_color(canvas, color);
    cairo_set_line_width(canvas->cairo, width);
    cairo_stroke(canvas->cairo);
}

/* One stroke. `first`..`last` are indices of points, both in it. */
static void stroke_piece(struct canvas *canvas, const struct point *points, size_t first,
                         size_t last) {
    cairo_new_path(canvas->cairo);
    cairo_move_to(canvas->cairo, points[first].x, points[first].y);
    for (size_t i = first + 1; i <= last; i++) {
        cairo_line_to(canvas->cairo, points[i].x, points[i].y);
    }
    cairo_stroke(canvas->cairo);
}

/* Solid opaque lines may overlap where pieces meet. */
static void stroke_pieces(struct canvas *canvas, const struct point *points, size_t count,
                          double width) {
    double room = FAST_WIDTH_MAX / canvas->scale - 2.0 * width;
    size_t first = 0;
    while (first + 1 < count) {
        size_t last = first + 1;
        double least = fmin(points[first].x, points[last].x);
        double most = fmax(points[first].x, points[last].x);
        while (last + 1 < count) {
            least = fmin(least, points[last + 1].x);
            most = fmax(most, points[last + 1].x);
            if (most - least > room) {
                break;
            }
            last++;
        }
        stroke_piece(canvas, points, first, last);
        first = last;
    }
}

void canvas_polyline(struct canvas *canvas, const struct point *points, size_t count, double width,
                     struct color color, const double *dash, size_t dash_count) {
    if (count == 0) {
        return;
    }
    OBS_ASSERT(points != NULL && dash_count <= 8);
    set_color(canvas, color);
    cairo_set_line_width(canvas->cairo, width);
    bool solid = dash == NULL && color.a >= 1.0f && canvas->kind == CANVAS_RASTER;
    if (count == 1) { /* a lone sample is a dot, not nothing */
        canvas_circle(canvas, points[0], width / 2.0 + 0.5, color);
    } else if (solid) {
        /* Round ends, or the joints between pieces would gape. */
        cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_ROUND);
        stroke_pieces(canvas, points, count, width);
        cairo_set_line_cap(canvas->cairo, CAIRO_LINE_CAP_BUTT);
    } else {
        cairo_set_dash(canvas->cairo, dash, (int)(dash != NULL ? dash_count : 0), 0.0);
        cairo_set_antialias(canvas->cairo, count > FAST_POINTS_MAX ? CAIRO_ANTIALIAS_DEFAULT
                                                                   : CAIRO_ANTIALIAS_FAST);
        stroke_piece(canvas, points, 0, count - 1);
        cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_FAST);
        cairo_set_dash(canvas->cairo, NULL, 0, 0.0);
    }
}

void canvas_polygon(struct canvas *canvas, const struct point *points, size_t count,
                    struct color color) {
    if (count < 3) {
        return;
    }
    OBS_ASSERT(points != NULL);
    cairo_new_path(canvas->cairo);
    cairo_move_to(canvas->cairo, points[0].x, points[0].y);
    for (size_t i = 1; i < count; i++) {
        cairo_line_to(canvas->cairo, points[i].x, points[i].y);
    }
    cairo_close_path(canvas->cairo);
    set_color(canvas, color);
    bool few = count <= FAST_POINTS_MAX;
    cairo_set_antialias(canvas->cairo, few ? CAIRO_ANTIALIAS_FAST : CAIRO_ANTIALIAS_DEFAULT);
    cairo_fill(canvas->cairo);
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_FAST);
}

void canvas_circle(struct canvas *canvas, struct point center, double radius, struct color color) {
    cairo_new_path(canvas->cairo);
    cairo_arc(canvas->cairo, center.x, center.y, radius, 0.0, 2.0 * M_PI);
    set_color(canvas, color);
    cairo_fill(canvas->cairo);
}

/* Lines that rise to the right. They stand still in x + y, so neighbouring bands match and a band
 * that grows does not crawl. Ends are computed instead of clipped: the caller's clip stays. */
void canvas_hatch(struct canvas *canvas, struct rect rect, double spacing, double width,
                  struct color color) {
    if (rect.w <= 0.0 || rect.h <= 0.0 || spacing <= 0.0) {
        return;
    }
    double x1 = rect.x + rect.w, y1 = rect.y + rect.h;
    double first = ceil((rect.x + rect.y) / spacing), last = floor((x1 + y1) / spacing);
    cairo_new_path(canvas->cairo);
    for (double k = first; k <= last; k += 1.0) {
        double sum = k * spacing;
        double left = fmax(rect.x, sum - y1), right = fmin(x1, sum - rect.y);
        if (right > left) {
            cairo_move_to(canvas->cairo, left, sum - left);
            cairo_line_to(canvas->cairo, right, sum - right);
        }
    }
    set_color(canvas, color);
    cairo_set_line_width(canvas->cairo, width);
    cairo_stroke(canvas->cairo);
}

/* On paper: one polygon a stretch of columns that touch. */
static void vector_columns(struct canvas *canvas, double x, const struct canvas_column *columns,
                           size_t count, struct color color) {
    double step = canvas_pixel(canvas);
    set_color(canvas, color);
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && columns[end].top < columns[end].bottom) {
            end++;
        }
        cairo_new_path(canvas->cairo);
        for (size_t k = i; k < end; k++) {
            bool run = k > i && k + 1 < end && fabs(columns[k].top - columns[k - 1].top) < 1e-6 &&
                       fabs(columns[k].top - columns[k + 1].top) < 1e-6;
            if (!run) { /* a level stretch needs its ends only */
                cairo_line_to(canvas->cairo, x + (double)k * step, columns[k].top);
                cairo_line_to(canvas->cairo, x + (double)(k + 1) * step, columns[k].top);
            }
        }
        for (size_t k = end; k-- > i;) {
            bool run = k > i && k + 1 < end &&
                       fabs(columns[k].bottom - columns[k - 1].bottom) < 1e-6 &&
                       fabs(columns[k].bottom - columns[k + 1].bottom) < 1e-6;
            if (!run) {
                cairo_line_to(canvas->cairo, x + (double)(k + 1) * step, columns[k].bottom);
                cairo_line_to(canvas->cairo, x + (double)k * step, columns[k].bottom);
            }
        }
        if (end > i) {
            cairo_close_path(canvas->cairo);
            cairo_fill(canvas->cairo);
        }
        i = end > i ? end : i + 1;
    }
}

void canvas_columns(struct canvas *canvas, double x, const struct canvas_column *columns,
                    size_t count, struct color color) {
    OBS_ASSERT(canvas != NULL && (columns != NULL || count == 0));
    if (canvas->kind == CANVAS_RASTER) {
        raster_columns(canvas, x, columns, count, color);
    } else {
        vector_columns(canvas, x, columns, count, color);
    }
}

/* ---- text ---------------------------------------------------------------------------------- */

void canvas_text(struct canvas *canvas, enum font_role role, double x, double y,
                 enum text_align align, bool tabular, struct color color, const char *utf8) {
    OBS_ASSERT(canvas != NULL && utf8 != NULL && (int)role < FONT_ROLES);
    if (utf8[0] == '\0') {
        return;
    }
    if (canvas->kind == CANVAS_RASTER) {
        raster_text(canvas, role, x, y, align, tabular, color, utf8);
    } else {
        vector_text(canvas, role, x, y, align, tabular, color, utf8);
    }
}

double canvas_text_width(struct canvas *canvas, enum font_role role, bool tabular,
                         const char *utf8) {
    OBS_ASSERT(canvas != NULL && utf8 != NULL && (int)role < FONT_ROLES);
    return canvas->kind == CANVAS_RASTER ? raster_text_width(canvas, role, tabular, utf8)
                                         : vector_text_width(canvas, role, tabular, utf8);
}

double canvas_text_ascent(struct canvas *canvas, enum font_role role) {
    return canvas->kind == CANVAS_RASTER ? raster_text_ascent(canvas, role)
                                         : vector_text_ascent(canvas, role);
}

double canvas_text_descent(struct canvas *canvas, enum font_role role) {
    return canvas->kind == CANVAS_RASTER ? raster_text_descent(canvas, role)
                                         : vector_text_descent(canvas, role);
}
