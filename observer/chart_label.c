/* Labels at the lines' ends, and the box of values at the crosshair. */
#include "chart.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

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

/* The column at the right for what stands after the texts; nothing when no value has any. */
static double more_width(const struct scene *scene, const struct panel_value *const *values,
                         size_t count) {
    double width = 0.0;
    for (size_t i = 0; i < count; i++) {
        width = fmax(width, canvas_text_width(scene->canvas, FONT_AXIS, true, values[i]->more));
    }
    return width > 0.0 ? width + LABEL_GAP : 0.0;
}

static void draw_value(const struct scene *scene, const struct panel_value *value, double left,
                       double right, double more, double baseline) {
    canvas_text(scene->canvas, FONT_STRONG, left, baseline, TEXT_LEFT, false,
                theme_letters(scene->theme, value->color), value->name);
    canvas_text(scene->canvas, FONT_AXIS, right - more, baseline, TEXT_RIGHT, true,
                scene->theme->text, value->text);
    if (value->more[0] != '\0') {
        canvas_text(scene->canvas, FONT_AXIS, right, baseline, TEXT_RIGHT, true, scene->theme->axis,
                    value->more);
    }
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
    if (place->labels.w <= 0.0) {
        return;
    }
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
    double more = more_width(scene, chosen, n);
    for (size_t i = 0; i < n; i++) {
        double baseline = chart_baseline(canvas, FONT_STRONG, y[i]);
        if (fabs(y[i] - wanted[i]) > 2.0) { /* a parted label keeps a thread to its line */
            struct point thread[3] = {{place->plot.x + place->plot.w + 1.0, wanted[i]},
                                      {place->plot.x + place->plot.w + 3.0, wanted[i]},
                                      {left - 2.0, y[i]}};
            canvas_polyline(canvas, thread, 3, 1.0, theme_fade(chosen[i]->color, 0.6), NULL, 0);
        }
        draw_value(scene, chosen[i], left, right, more, baseline);
    }
}

/* ---- crosshair ----------------------------------------------------------------------------- */

enum { READOUT_COLUMNS_MAX = 4 };

/* A box for `count` values beside the crosshair: as many rows as the plot is high. */
struct readout {
    struct rect box;
    size_t rows, columns;
    double width[READOUT_COLUMNS_MAX];
    double more;
};

static bool measure_readout(const struct scene *scene, const struct rect *plot,
                            const struct panel_value *values, size_t count,
                            struct readout *readout) {
    memset(readout, 0, sizeof *readout);
    size_t fits = (size_t)fmax(0.0, floor((plot->h - 12.0) / LABEL_HEIGHT));
    if (fits == 0 || count == 0) {
        return false;
    }
    readout->columns = (count + fits - 1) / fits;
    if (readout->columns > READOUT_COLUMNS_MAX) {
        return false;
    }
    readout->rows = (count + readout->columns - 1) / readout->columns;
    for (size_t i = 0; i < count; i++) {
        const struct panel_value *value = &values[i];
        readout->more = fmax(readout->more, more_width(scene, &value, 1));
    }
    for (size_t i = 0; i < count; i++) {
        double *width = &readout->width[i / readout->rows];
        double label = chart_label_width(scene, values[i].name, values[i].text);
        *width = fmax(*width, label + readout->more);
    }
    for (size_t i = 0; i < readout->columns; i++) {
        readout->box.w += readout->width[i] + 16.0;
    }
    readout->box.h = (double)readout->rows * LABEL_HEIGHT + 8.0;
    return readout->box.w <= plot->w * 0.4; /* more would hide what it speaks of */
}

static void draw_rows(const struct scene *scene, const struct readout *readout,
                      const struct panel_value *values, size_t count) {
    double x = readout->box.x + 8.0;
    for (size_t i = 0; i < count; i++) {
        size_t column = i / readout->rows, row = i % readout->rows;
        if (row == 0 && column > 0) {
            x += readout->width[column - 1] + 16.0;
        }
        double y = readout->box.y + 4.0 + ((double)row + 0.5) * LABEL_HEIGHT;
        double baseline = chart_baseline(scene->canvas, FONT_AXIS, y);
        draw_value(scene, &values[i], x, x + readout->width[column], readout->more, baseline);
    }
}

static void draw_spots(const struct scene *scene, const struct panel_place *place, double top,
                       const struct panel_value *values, size_t count, double x) {
    for (size_t i = 0; i < count; i++) {
        if (values[i].dot && !isnan(values[i].at)) {
            struct point spot = {x, chart_y(place, top, values[i].at)};
            canvas_circle(scene->canvas, spot, 4.5, scene->theme->panel);
            canvas_circle(scene->canvas, spot, 3.0, values[i].color);
        }
    }
}

bool chart_readout_fits(const struct scene *scene, const struct panel_place *place,
                        const struct panel_value *values, size_t count) {
    struct readout readout;
    return measure_readout(scene, &place->plot, values, count, &readout);
}

struct rect chart_readout(const struct scene *scene, const struct panel_place *place, double top,
                          const struct panel_value *values, size_t count) {
    struct canvas *canvas = scene->canvas;
    struct readout readout;
    const struct rect *plot = &place->plot;
    if (!scene->has_cursor) {
        return (struct rect){0.0, 0.0, 0.0, 0.0};
    }
    double x = chart_x(scene, place, history_time(scene->history, scene->cursor));
    draw_spots(scene, place, top, values, count, x);
    if (!measure_readout(scene, plot, values, count, &readout)) {
        return (struct rect){0.0, 0.0, 0.0, 0.0};
    }
    /* On the side with more room; never outside the plot. */
    struct rect *box = &readout.box;
    bool right = x + 12.0 + box->w <= plot->x + plot->w - 4.0;
    box->x = canvas_snap(canvas, fmax(plot->x, right ? x + 12.0 : x - 12.0 - box->w));
    box->y = canvas_snap(canvas, fmin(plot->y + 6.0, plot->y + plot->h - box->h));
    canvas_fill_rect(canvas, *box, 5.0, theme_fade(scene->theme->card, 0.94));
    canvas_stroke_rect(canvas, *box, 5.0, 1.0, scene->theme->grid);
    draw_rows(scene, &readout, values, count);
    return *box;
}
