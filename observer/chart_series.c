/* Lines, areas and stacks: data to pixels. */
#include "chart.h"

#include <math.h>
#include <string.h>

#include "check.h"

/* With up to two samples a column every sample is drawn where it lies. */
static bool few_samples(const struct scene *scene, size_t columns) {
    return scene->end - scene->first <= 2 * columns;
}

static size_t columns_of(const struct scene *scene, const struct panel_place *place) {
    double pixels = ceil(place->plot.w * canvas_scale(scene->canvas));
    size_t columns = pixels < 8.0 ? 8 : (size_t)pixels;
    return columns < scene->columns_max - 2 ? columns : scene->columns_max - 2;
}

/* Columns at multiples of their width: the same samples share a column from frame to frame. */
struct columns {
    double t0, width;
    size_t count;
};

static struct columns align_columns(const struct scene *scene, const struct panel_place *place) {
    struct columns c;
    c.count = columns_of(scene, place);
    c.width = (scene->t1 - scene->t0) / (double)c.count;
    c.t0 = floor(scene->t0 / c.width) * c.width;
    c.count += 1;
    OBS_ASSERT(c.count < scene->columns_max && c.width > 0.0);
    return c;
}

/* Bins of a metric; data after `until` is left out. */
static void fetch_bins(const struct scene *scene, const struct columns *c, uint32_t id,
                       enum history_form form, struct history_bin *bins) {
    double end = fmin(c->t0 + c->width * (double)c->count, nextafter(scene->until, INFINITY));
    size_t count = end <= c->t0 ? 0 : (size_t)ceil((end - c->t0) / c->width - 1e-9);
    count = count < c->count ? count : c->count;
    memset(bins, 0, sizeof *bins * c->count);
    if (count > 0) {
        history_bins(scene->history, id, form, c->t0, c->t0 + c->width * (double)count, count,
                     bins);
    }
}

/* ---- lines and areas ----------------------------------------------------------------------- */

static void flush_run(const struct scene *scene, const struct panel_place *place, size_t count,
                      const struct chart_series *series) {
    if (count == 0) {
        return;
    }
    struct point *points = scene->points;
    if (series->fill > 0.0) {
        double foot = place->plot.y + place->plot.h;
        points[count] = (struct point){points[count - 1].x, foot};
        points[count + 1] = (struct point){points[0].x, foot};
        canvas_polygon(scene->canvas, points, count + 2, theme_fade(series->color, series->fill));
    }
    if (series->width > 0.0) {
        canvas_polyline(scene->canvas, points, count, series->width, series->color, NULL, 0);
    }
}

static bool number_of(const struct scene *scene, const struct chart_series *series, size_t index,
                      double *number) {
    double more = 0.0;
    if (!history_number(scene->history, series->id, series->form, index, number)) {
        return false;
    }
    if (series->add != 0 &&
        history_number(scene->history, series->add, series->form, index, &more)) {
        *number += more;
    }
    return true;
}

static void line_by_sample(const struct scene *scene, const struct panel_place *place, double top,
                           const struct chart_series *series) {
    size_t count = 0;
    for (size_t i = scene->first; i < scene->end; i++) {
        double number, t = history_time(scene->history, i);
        if (t > scene->until) {
            break;
        }
        if (!number_of(scene, series, i, &number)) {
            flush_run(scene, place, count, series);
            count = 0;
            continue;
        }
        scene->points[count++] =
            (struct point){chart_x(scene, place, t), chart_y(place, top, number)};
    }
    flush_run(scene, place, count, series);
}

static void add_bins(struct history_bin *bins, const struct history_bin *more, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (more[i].count > 0) {
            bins[i].min += more[i].min;
            bins[i].max += more[i].max;
            bins[i].first += more[i].first;
            bins[i].last += more[i].last;
        }
    }
}

static void line_by_column(const struct scene *scene, const struct panel_place *place, double top,
                           const struct chart_series *series, const struct columns *c) {
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct history_bin *bin = &scene->bins[i];
        if (bin->gap) {
            flush_run(scene, place, count, series);
            count = 0;
        }
        if (bin->count == 0) {
            continue;
        }
        /* One x for all of a column: rising columns go through min first, falling ones last. */
        double x = chart_x(scene, place, c->t0 + ((double)i + 0.5) * c->width);
        bool rising = bin->last >= bin->first;
        double level[4] = {bin->first, rising ? bin->min : bin->max, rising ? bin->max : bin->min,
                           bin->last};
        for (int k = 0; k < 4; k++) {
            double y = chart_y(place, top, level[k]);
            /* Equal numbers in a row are one point. */
            bool same = count > 0 && fabs(scene->points[count - 1].y - y) < 1e-9 &&
                        fabs(scene->points[count - 1].x - x) < 1e-9;
            if (!same) {
                scene->points[count++] = (struct point){x, y};
            }
        }
    }
    flush_run(scene, place, count, series);
}

static bool any_gap(const struct history_bin *bins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bins[i].gap) {
            return true;
        }
    }
    return false;
}

void chart_line(const struct scene *scene, const struct panel_place *place, double top,
                const struct chart_series *series) {
    OBS_ASSERT(top > 0.0 && series != NULL);
    struct columns c = align_columns(scene, place);
    /* Gaps are known to columns only, so a stretch with one is drawn by column. */
    fetch_bins(scene, &c, series->id, series->form, scene->bins);
    canvas_clip(scene->canvas, &place->plot);
    if (few_samples(scene, c.count) && !any_gap(scene->bins, c.count)) {
        line_by_sample(scene, place, top, series);
    } else {
        if (series->add != 0) {
            struct history_bin *more = scene->bins + scene->columns_max;
            fetch_bins(scene, &c, series->add, series->form, more);
            add_bins(scene->bins, more, c.count);
        }
        line_by_column(scene, place, top, series, &c);
    }
    canvas_clip(scene->canvas, NULL);
}

/* ---- stacks -------------------------------------------------------------------------------- */

/* Steps: `count` levels, each from its x to the next one's. */
struct steps {
    double *x;    /* count + 1 */
    double *low;  /* where this layer begins: the sum of those beneath */
    double *high; /* where it ends */
    size_t count;
};

static void draw_layer(const struct scene *scene, const struct panel_place *place, double top,
                       const struct steps *steps, struct color color) {
    struct point *p = scene->points;
    size_t n = 0;
    for (size_t i = 0; i < steps->count; i++) {
        double y = chart_y(place, top, steps->high[i]);
        if (n == 0 || fabs(p[n - 1].y - y) > 1e-9) {
            p[n++] = (struct point){steps->x[i], y};
            p[n++] = (struct point){steps->x[i + 1], y};
        } else {
            p[n - 1].x = steps->x[i + 1];
        }
    }
    size_t upper = n;
    for (size_t i = steps->count; i-- > 0;) {
        double y = chart_y(place, top, steps->low[i]);
        if (n == upper || fabs(p[n - 1].y - y) > 1e-9) {
            p[n++] = (struct point){steps->x[i + 1], y};
            p[n++] = (struct point){steps->x[i], y};
        } else {
            p[n - 1].x = steps->x[i];
        }
    }
    canvas_polygon(scene->canvas, p, n, theme_fade(color, (double)scene->theme->area));
    /* The line only where there is something under it: an empty layer has no edge. */
    size_t run = 0;
    for (size_t i = 0; i <= steps->count; i++) {
        bool filled = i < steps->count && steps->high[i] > steps->low[i];
        if (filled) {
            double y = chart_y(place, top, steps->high[i]);
            p[run++] = (struct point){steps->x[i], y};
            p[run++] = (struct point){steps->x[i + 1], y};
        } else if (run > 0) {
            canvas_polyline(scene->canvas, p, run, 1.5, color, NULL, 0);
            run = 0;
        }
    }
}

static size_t steps_by_sample(const struct scene *scene, const struct panel_place *place,
                              double *x) {
    size_t n = 0;
    for (size_t i = scene->first; i < scene->end; i++) {
        double t = history_time(scene->history, i);
        if (t > scene->until) {
            break;
        }
        x[n++] = chart_x(scene, place, t);
    }
    if (n > 0) {
        double end = chart_x(scene, place, fmin(scene->until, scene->t1));
        x[n] = fmax(end, x[n - 1]);
    }
    return n;
}

/* Adds a level's numbers; a sample without one repeats the one before. */
static void raise_by_sample(const struct scene *scene, uint32_t id, struct steps *steps) {
    double number = 0.0;
    for (size_t i = 0; i < steps->count; i++) {
        history_number(scene->history, id, HISTORY_LEVEL, scene->first + i, &number);
        steps->low[i] = steps->high[i];
        steps->high[i] += number;
    }
}

static void raise_by_column(const struct scene *scene, uint32_t id, const struct columns *c,
                            struct steps *steps) {
    fetch_bins(scene, c, id, HISTORY_LEVEL, scene->bins);
    double number = 0.0;
    for (size_t i = 0; i < steps->count; i++) {
        if (scene->bins[i].count > 0) {
            number = scene->bins[i].max; /* a spike one sample wide must show */
        }
        steps->low[i] = steps->high[i];
        steps->high[i] += number;
        if (scene->bins[i].count > 0) {
            number = scene->bins[i].last;
        }
    }
}

void chart_stack(const struct scene *scene, const struct panel_place *place, double top,
                 const uint32_t *ids, const struct color *colors, size_t count) {
    OBS_ASSERT(top > 0.0 && count <= SCOPE_MAX_LEVELS);
    struct columns c = align_columns(scene, place);
    bool samples = few_samples(scene, c.count);
    size_t room = 2 * scene->columns_max + 2;
    struct steps steps = {
        .x = scene->sums, .low = scene->sums + room, .high = scene->sums + 2 * room, .count = 0};
    if (samples) {
        steps.count = steps_by_sample(scene, place, steps.x);
    } else {
        for (size_t i = 0; i <= c.count; i++) {
            double t = fmin(c.t0 + c.width * (double)i, scene->until);
            steps.x[i] = chart_x(scene, place, t);
        }
        steps.count = c.count;
    }
    if (steps.count == 0) {
        return;
    }
    memset(steps.high, 0, sizeof *steps.high * steps.count);
    canvas_clip(scene->canvas, &place->plot);
    for (size_t level = 0; level < count; level++) {
        if (samples) {
            raise_by_sample(scene, ids[level], &steps);
        } else {
            raise_by_column(scene, ids[level], &c, &steps);
        }
        draw_layer(scene, place, top, &steps, colors[level]);
    }
    canvas_clip(scene->canvas, NULL);
}
