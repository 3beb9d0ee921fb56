/* Fields of coloured cells: heatmaps. */
#include "canvas_internal.h"

#include <math.h>

#include "obs_check.h"

struct cell_span {
    int from, to; /* device pixels */
};

static struct cell_span span_of(const struct canvas *canvas, double from, double to, int least,
                                int most) {
    double a = fmax((double)least, fmin((double)most, floor(from * canvas->scale + 0.5)));
    double b = fmax((double)least, fmin((double)most, floor(to * canvas->scale + 0.5)));
    return (struct cell_span){(int)a, (int)b};
}

/* Cells are opaque, so a cell is a fill and nothing is blended. */
static void raster_cells(struct canvas *canvas, const struct canvas_cells *cells) {
    cairo_surface_flush(canvas->surface);
    uint8_t *pixels = cairo_image_surface_get_data(canvas->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    for (size_t c = 0; c < cells->columns; c++) {
        struct cell_span x =
            span_of(canvas, cells->left[c], cells->right[c], canvas->clip_x0, canvas->clip_x1);
        const uint32_t *argb = cells->argb + c * cells->rows;
        for (size_t r = 0; r < cells->rows && x.from < x.to; r++) {
            if (argb[r] == 0) {
                continue;
            }
            struct cell_span y =
                span_of(canvas, cells->y[r], cells->y[r + 1], canvas->clip_y0, canvas->clip_y1);
            for (int row = y.from; row < y.to; row++) {
                uint32_t *line = (uint32_t *)(void *)(pixels + (size_t)row * stride);
                for (int column = x.from; column < x.to; column++) {
                    line[column] = argb[r];
                }
            }
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
