/* Fields of coloured cells: heatmaps. */
#include "canvas_internal.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

enum { PART = 256 }; /* columns at a time */

struct cell_span {
    int from, to; /* device pixels */
};

static struct cell_span span_of(const struct canvas *canvas, double from, double to, int least,
                                int most) {
    double a = fmax((double)least, fmin((double)most, floor(from * canvas->scale + 0.5)));
    double b = fmax((double)least, fmin((double)most, floor(to * canvas->scale + 0.5)));
    return (struct cell_span){(int)a, (int)b};
}

/* One row of cells over columns [first, end), whose spans are known. The first row of pixels is
 * made cell by cell; the others are copies of the stretches drawn in it. */
static void raster_row(const struct canvas *canvas, const struct canvas_cells *cells, size_t r,
                       size_t first, size_t end, const struct cell_span *span) {
    uint8_t *pixels = cairo_image_surface_get_data(canvas->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    struct cell_span y =
        span_of(canvas, cells->y[r], cells->y[r + 1], canvas->clip_y0, canvas->clip_y1);
    if (y.from >= y.to) {
        return;
    }
    uint32_t *line = (uint32_t *)(void *)(pixels + (size_t)y.from * stride);
    struct cell_span drawn[PART];
    size_t stretches = 0;
    for (size_t c = first; c < end; c++) {
        uint32_t argb = cells->argb[c * cells->rows + r];
        const struct cell_span *at = &span[c - first];
        if (argb == 0 || at->from >= at->to) {
            continue;
        }
        for (int x = at->from; x < at->to; x++) {
            line[x] = argb;
        }
        if (stretches > 0 && drawn[stretches - 1].to == at->from) {
            drawn[stretches - 1].to = at->to;
        } else {
            drawn[stretches++] = *at;
        }
    }
    for (int row = y.from + 1; row < y.to; row++) {
        uint32_t *copy = (uint32_t *)(void *)(pixels + (size_t)row * stride);
        for (size_t i = 0; i < stretches; i++) {
            size_t width = (size_t)(drawn[i].to - drawn[i].from);
            memcpy(copy + drawn[i].from, line + drawn[i].from, width * sizeof *copy);
        }
    }
}

/* Cells are opaque, so a cell is a fill and nothing is blended. Row by row, as pixels lie in
 * memory, in parts that stay in the cache. */
static void raster_cells(struct canvas *canvas, const struct canvas_cells *cells) {
    struct cell_span span[PART];
    cairo_surface_flush(canvas->surface);
    for (size_t first = 0; first < cells->columns; first += PART) {
        size_t end = cells->columns - first < PART ? cells->columns : first + PART;
        for (size_t c = first; c < end; c++) {
            span[c - first] =
                span_of(canvas, cells->left[c], cells->right[c], canvas->clip_x0, canvas->clip_x1);
        }
        for (size_t r = 0; r < cells->rows; r++) {
            raster_row(canvas, cells, r, first, end, span);
        }
    }
    cairo_surface_mark_dirty(canvas->surface);
}

/* On paper: one rectangle a stretch of cells of one row that touch and have one colour. */
static void vector_cells(struct canvas *canvas, const struct canvas_cells *cells) {
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_NONE); /* no seams between neighbours */
    for (size_t r = 0; r < cells->rows; r++) {
        for (size_t c = 0; c < cells->columns;) {
            uint32_t argb = cells->argb[c * cells->rows + r];
            size_t end = c + 1;
            while (end < cells->columns && cells->argb[end * cells->rows + r] == argb &&
                   cells->left[end] <= cells->right[end - 1] + 1e-9) {
                end++;
            }
            if (argb != 0) {
                cairo_set_source_rgb(canvas->cairo, (double)(argb >> 16 & 0xff) / 255.0,
                                     (double)(argb >> 8 & 0xff) / 255.0,
                                     (double)(argb & 0xff) / 255.0);
                cairo_rectangle(canvas->cairo, cells->left[c], cells->y[r],
                                cells->right[end - 1] - cells->left[c],
                                cells->y[r + 1] - cells->y[r]);
                cairo_fill(canvas->cairo);
            }
            c = end;
        }
    }
    cairo_set_antialias(canvas->cairo, CAIRO_ANTIALIAS_FAST);
}

void canvas_cells(struct canvas *canvas, const struct canvas_cells *cells) {
    OBS_ASSERT(canvas != NULL && cells != NULL);
    OBS_ASSERT(cells->columns == 0 || (cells->left != NULL && cells->right != NULL));
    if (canvas->kind == CANVAS_RASTER) {
        raster_cells(canvas, cells);
    } else {
        vector_cells(canvas, cells);
    }
}
