/* Labels at the lines' ends, and the box of values at the crosshair. */
#include "chart.h"

#include <math.h>
#include <string.h>

#include "check.h"

static const double LABEL_HEIGHT = 16.0;
static const double LABEL_GAP = 10.0; /* least distance between a name and its value */

/* Labels that touch are merged into blocks, and a block lies where its members move least: at the
 * mean of where they wanted to be. (Pool adjacent violators.) */
void chart_part(double *y, size_t count, double height, double lo, double hi) {
    OBS_ASSERT(count <= PANEL_VALUES_MAX && (double)count * height <= hi - lo + 1e-6);
    struct block {
        double sum; /* of the wanted places of first members */
        size_t count;
        double at; /* middle of the first label */
    } blocks[PANEL_VALUES_MAX];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct block block = {.sum = y[i], .count = 1, .at = y[i]};
        while (true) {
            double least = lo + height / 2.0;
            double most = hi - height * ((double)block.count - 0.5);
            block.at = fmax(least, fmin(most, block.sum / (double)block.count));
            if (used == 0) {
                break;
            }
            const struct block *above = &blocks[used - 1];
            if (above->at + height * (double)above->count <= block.at + 1e-9) {
                break;
            }
            block.sum = above->sum + block.sum - height * (double)(above->count * block.count);
            block.count += above->count;
            used--;
        }
        blocks[used++] = block;
    }
    size_t next = 0;
    for (size_t b = 0; b < used; b++) {
        for (size_t i = 0; i < blocks[b].count; i++) {
            y[next++] = blocks[b].at + height * (double)i;
        }
    }
    OBS_ASSERT(next == count);
}

double chart_label_width(const struct scene *scene, const char *name, const char *value) {
    return canvas_text_width(scene->canvas, FONT_STRONG, false, name) + LABEL_GAP +
           canvas_text_width(scene->canvas, FONT_AXIS, true, value);
}

/* Drops the values that matter least until the rest fits. */
static size_t choose(const struct panel_value *values, size_t count, size_t most,
                     const struct panel_value **chosen) {
    size_t n = 0;
    for (size_t i = 0; i < count && n < PANEL_VALUES_MAX; i++) {
        if (!isnan(values[i].at)) {
            chosen[n++] = &values[i];
        }
    }
    while (n > most) {
        size_t worst = 0;
        for (size_t i = 1; i < n; i++) {
            if (chosen[i]->rank >= chosen[worst]->rank) {
                worst = i;
            }
        }
        memmove(&chosen[worst], &chosen[worst + 1], sizeof *chosen * (n - worst - 1));
        n--;
    }
    return n;
}

static void sort_by_place(const struct panel_value **values, size_t count) {
    for (size_t i = 1; i < count; i++) { /* a handful: insertion keeps equals in order */
        const struct panel_value *value = values[i];
        size_t at = i;
        while (at > 0 && values[at - 1]->at < value->at) {
            values[at] = values[at - 1];
            at--;
        }
        values[at] = value;
    }
}

void chart_labels(const struct scene *scene, const struct panel_place *place, double top,
                  const struct panel_value *values, size_t count) {
    struct canvas *canvas = scene->canvas;
    const struct panel_value *chosen[PANEL_VALUES_MAX];
    double wanted[PANEL_VALUES_MAX], y[PANEL_VALUES_MAX];
    /* Half a label may stand below the axis and half above the plot. */
    double lo = place->plot.y - LABEL_HEIGHT / 2.0 + CHART_HEADROOM;
    double hi = place->plot.y + place->plot.h + LABEL_HEIGHT / 2.0;
    double fits = floor((hi - lo) / LABEL_HEIGHT);
    size_t n = choose(values, count, fits < 0.0 ? 0 : (size_t)fits, chosen);
    sort_by_place(chosen, n);
    for (size_t i = 0; i < n; i++) {
        wanted[i] = fmax(place->plot.y,
                         fmin(chart_y(place, top, chosen[i]->at), place->plot.y + place->plot.h));
        y[i] = wanted[i];
    }
    chart_part(y, n, LABEL_HEIGHT, lo, hi);
    double left = place->labels.x, right = left + place->labels.w;
    for (size_t i = 0; i < n; i++) {
        double baseline = chart_baseline(canvas, FONT_STRONG, y[i]);
        if (fabs(y[i] - wanted[i]) > 2.0) { /* a parted label keeps a thread to its line */
            struct point thread[3] = {{place->plot.x + place->plot.w + 1.0, wanted[i]},
                                      {place->plot.x + place->plot.w + 3.0, wanted[i]},
                                      {left - 2.0, y[i]}};
            canvas_polyline(canvas, thread, 3, 1.0, theme_fade(chosen[i]->color, 0.6), NULL, 0);
        }
        canvas_text(canvas, FONT_STRONG, left, baseline, TEXT_LEFT, false, chosen[i]->color,
                    chosen[i]->name);
        canvas_text(canvas, FONT_AXIS, right, baseline, TEXT_RIGHT, true, scene->theme->text,
                    chosen[i]->text);
    }
}

/* ---- crosshair ----------------------------------------------------------------------------- */

static void readout_rows(const struct scene *scene, struct rect box,
                         const struct panel_value *values, size_t rows, size_t count,
                         double column) {
    for (size_t i = 0; i < count; i++) {
        double x = box.x + 8.0 + (double)(i / rows) * (column + 16.0);
        double y = box.y + 4.0 + ((double)(i % rows) + 0.5) * LABEL_HEIGHT;
        double baseline = chart_baseline(scene->canvas, FONT_AXIS, y);
        canvas_text(scene->canvas, FONT_STRONG, x, baseline, TEXT_LEFT, false, values[i].color,
                    values[i].name);
        canvas_text(scene->canvas, FONT_AXIS, x + column, baseline, TEXT_RIGHT, true,
                    scene->theme->text, values[i].text);
    }
}

void chart_readout(const struct scene *scene, const struct panel_place *place, double top,
                   const struct panel_value *values, size_t count) {
    struct canvas *canvas = scene->canvas;
    if (!scene->has_cursor || count == 0) {
        return;
    }
    double x = chart_x(scene, place, history_time(scene->history, scene->cursor));
    for (size_t i = 0; i < count; i++) {
        if (values[i].dot && !isnan(values[i].at)) {
            struct point spot = {x, chart_y(place, top, values[i].at)};
            canvas_circle(canvas, spot, 4.5, scene->theme->panel);
            canvas_circle(canvas, spot, 3.0, values[i].color);
        }
    }
    struct rect plot = place->plot;
    size_t rows = (size_t)fmax(1.0, floor((plot.h - 8.0) / LABEL_HEIGHT));
    rows = rows < count ? rows : count;
    size_t columns = (count + rows - 1) / rows;
    rows = (count + columns - 1) / columns;
    double column = 0.0;
    for (size_t i = 0; i < count; i++) {
        column = fmax(column, chart_label_width(scene, values[i].name, values[i].text));
    }
    struct rect box = {.w = (double)columns * (column + 16.0), .h = (double)rows * 16.0 + 8.0};
    if (box.w > plot.w || box.h > plot.h) {
        return;
    }
    /* On the side with more room; never outside the plot. */
    box.x = x + 12.0 + box.w <= plot.x + plot.w ? x + 12.0 : x - 12.0 - box.w;
    box.x = canvas_snap(canvas, fmax(plot.x, fmin(box.x, plot.x + plot.w - box.w)));
    box.y = canvas_snap(canvas, fmin(plot.y + 6.0, plot.y + plot.h - box.h));
    canvas_fill_rect(canvas, box, 5.0, theme_fade(scene->theme->card, 0.94));
    canvas_stroke_rect(canvas, box, 5.0, 1.0, scene->theme->grid);
    readout_rows(scene, box, values, rows, count, column);
}
