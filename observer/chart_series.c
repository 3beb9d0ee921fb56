/* Lines, areas and stacks: data to pixels.
 *
 * While there are few samples, a line goes through each of them. When there are many, and for
 * stacks always, a picture is made column by column of device pixels: the least and the largest
 * value of each, so that a spike one sample wide shows at any zoom. */
#include "chart.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

/* As fmin and fmax, of numbers that are none: in place, where those would be calls. */
static inline double least(double a, double b) {
    return a < b ? a : b;
}
static inline double most(double a, double b) {
    return a > b ? a : b;
}

/* Columns are one device pixel wide and begin at multiples of their width in time: the same samples
 * share a column from frame to frame, and a picture that scrolls does not shimmer. */
struct columns {
    double t0, width;
    double x; /* of the first one */
    size_t count;
};

static struct columns align_columns(const struct scene *scene, const struct panel_place *place) {
    double pixels = fmax(8.0, round(place->plot.w * canvas_scale(scene->canvas)));
    struct columns c;
    c.count = (size_t)pixels < scene->columns_max - 2 ? (size_t)pixels : scene->columns_max - 2;
    c.width = (scene->t1 - scene->t0) / (double)c.count;
    c.t0 = floor(scene->t0 / c.width) * c.width;
    c.x = canvas_snap(scene->canvas, chart_x(scene, place, c.t0));
    c.count += 2;
    OBS_ASSERT(c.count <= scene->columns_max && c.width > 0.0);
    return c;
}

/* Bins of a metric; data after `until` is left out. */
static void fetch_bins(const struct scene *scene, const struct columns *c, uint32_t id,
                       enum history_form form, struct history_bin *bins) {
    double end = fmin(c->t0 + c->width * (double)c->count, nextafter(scene->until, INFINITY));
    double needed = end <= c->t0 ? 0.0 : ceil((end - c->t0) / c->width - 1e-9);
    size_t count = needed < (double)c->count ? (size_t)needed : c->count;
    memset(bins, 0, sizeof *bins * c->count);
    if (count > 0) {
        /* The last column may reach beyond `until`, so it is asked for apart. */
        double last = c->t0 + c->width * (double)(count - 1);
        if (count > 1) {
            history_bins(scene->history, id, form, c->t0, last, count - 1, bins);
        }
        history_bins(scene->history, id, form, last, fmin(end, last + c->width), 1,
                     bins + count - 1);
    }
}

static bool any_gap(const struct history_bin *bins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bins[i].gap) {
            return true;
        }
    }
    return false;
}

/* ---- sample by sample ---------------------------------------------------------------------- */

/* The area under a line: each column as high as the line is on average over it. */
static void fill_under(const struct scene *scene, const struct panel_place *place, size_t count,
                       struct color color) {
    double pixel = canvas_pixel(scene->canvas), left = place->plot.x;
    size_t columns = (size_t)fmin((double)scene->columns_max, ceil(place->plot.w / pixel));
    struct canvas_column *column = scene->columns;
    double *weight = scene->sums;
    for (size_t i = 0; i < columns; i++) {
        column[i] = (struct canvas_column){0.0, place->plot.y + place->plot.h};
        weight[i] = 0.0;
    }
    for (size_t s = 0; s + 1 < count; s++) {
        struct point a = scene->points[s], b = scene->points[s + 1];
        if (b.x <= a.x) {
            continue;
        }
        double slope = (b.y - a.y) / (b.x - a.x);
        double from = fmax(a.x, left), end = fmin(b.x, left + pixel * (double)columns);
        for (size_t i = (size_t)((from - left) / pixel); i < columns && from < end; i++) {
            double to = fmin(end, left + pixel * (double)(i + 1));
            column[i].top += (a.y + slope * ((from + to) / 2.0 - a.x)) * (to - from);
            weight[i] += to - from;
            from = fmax(from, to);
        }
    }
    for (size_t i = 0; i < columns; i++) {
        column[i].top = weight[i] > 0.4 * pixel ? column[i].top / weight[i] : INFINITY;
    }
    canvas_columns(scene->canvas, left, column, columns, color);
}

static void end_run(const struct scene *scene, const struct panel_place *place, size_t count,
                    const struct chart_series *series) {
    double dash[CHART_DASHES];
    size_t dashes = chart_run_dash(scene, dash);
    if (count > 1 && series->fill > 0.0) {
        fill_under(scene, place, count, theme_fade(series->color, series->fill));
    }
    canvas_polyline(scene->canvas, scene->points, count, series->width, series->color,
                    dashes > 0 ? dash : NULL, dashes);
}

static bool number_of(const struct scene *scene, const struct chart_series *series, size_t index,
                      double *number) {
    double more = 0.0;
    if (series->derived != NULL) {
        *number = (double)series->derived[index];
        return !isnan(*number);
    }
    if (!history_number(scene->history, series->id, series->form, index, number)) {
        return false;
    }
    if (series->add != 0 &&
        history_number(scene->history, series->add, series->form, index, &more)) {
        *number += more;
    }
    return true;
}

/* There, and straight on, for each step up to a time; how many there were. */
static size_t step_points(const struct scene *scene, const struct panel_place *place, double top,
                          const struct chart_series *series, size_t next, double until,
                          size_t *count) {
    size_t taken = 0;
    for (; next + taken < series->steps && series->step[next + taken].t <= until; taken++) {
        const struct chart_step *step = &series->step[next + taken];
        double x = chart_x(scene, place, step->t);
        if (*count > 0) { /* the line has begun */
            scene->points[(*count)++] = (struct point){x, chart_y(place, top, step->before)};
            scene->points[(*count)++] = (struct point){x, chart_y(place, top, step->after)};
        }
    }
    return taken;
}

static void line_by_sample(const struct scene *scene, const struct panel_place *place, double top,
                           const struct chart_series *series) {
    size_t count = 0, step = 0;
    for (size_t i = scene->first; i < scene->end; i++) {
        double number, t = history_time(scene->history, i);
        if (t > scene->until) {
            break;
        }
        step += step_points(scene, place, top, series, step, t, &count);
        if (!number_of(scene, series, i, &number)) {
            end_run(scene, place, count, series);
            count = 0;
            continue;
        }
        OBS_ASSERT(count < 2 * scene->columns_max + 8);
        scene->points[count++] =
            (struct point){chart_x(scene, place, t), chart_y(place, top, number)};
    }
    end_run(scene, place, count, series);
}

/* ---- column by column ---------------------------------------------------------------------- */

static void bin_take(struct history_bin *bin, double number) {
    if (bin->count == 0) {
        bin->first = bin->min = bin->max = number;
    }
    bin->min = least(bin->min, number);
    bin->max = most(bin->max, number);
    bin->last = number;
    bin->count++;
}

enum { RUN_MAX = 256 };

/* A series' numbers from a sample on, at most `*count` and RUN_MAX of them; NAN where there is
 * none.
 */
static void run_of(const struct scene *scene, const struct chart_series *series, size_t index,
                   size_t *count, double numbers[RUN_MAX]) {
    size_t wanted = *count < RUN_MAX ? *count : RUN_MAX, there = wanted;
    for (size_t i = 0; series->derived != NULL && i < wanted; i++) {
        numbers[i] = (double)series->derived[index + i];
    }
    if (series->derived == NULL) {
        const double *run = history_run(scene->history, series->id, series->form, index, &there);
        wanted = there < wanted ? there : wanted;
        for (size_t i = 0; i < wanted; i++) {
            numbers[i] = run == NULL ? (double)NAN : run[i];
        }
        run = series->add == 0
                  ? NULL
                  : history_run(scene->history, series->add, series->form, index, &there);
        for (size_t i = 0; run != NULL && i < wanted; i++) {
            numbers[i] += isnan(run[i]) ? 0.0 : run[i];
        }
    }
    *count = wanted;
}

/* The sum of two metrics peaks where neither does, so it is binned sample by sample, as are derived
 * numbers. Gaps stay. */
static void bin_sums(const struct scene *scene, const struct chart_series *series,
                     const struct columns *c, struct history_bin *bins) {
    for (size_t i = 0; i < c->count; i++) {
        bins[i] = (struct history_bin){.gap = bins[i].gap};
    }
    const struct history *history = scene->history;
    if (history_count(history) == 0) {
        return;
    }
    double end = c->t0 + c->width * (double)c->count;
    const uint32_t *rows = history_column_rows(history, c->t0, end, c->count);
    size_t until = history_find(history, nextafter(scene->until, INFINITY));
    until = until < scene->end ? until : scene->end;
    size_t column = 0;
    for (size_t s = rows[0] > scene->first ? rows[0] : scene->first; s < until;) {
        size_t count = until - s;
        double number[RUN_MAX];
        run_of(scene, series, s, &count, number);
        for (size_t k = 0; k < count; k++, s++) {
            while (column < c->count && rows[column + 1] <= s) {
                column++;
            }
            if (column == c->count) {
                return;
            }
            if (!isnan(number[k])) {
                bin_take(&bins[column], number[k]);
            }
        }
    }
}

/* Is this so dense that a line through it would fill the plot? A saw-tooth of `p` columns a tooth
 * spans 2 / p of its height in each column on average; under seven columns a tooth the eye sees the
 * envelope anyway. */
static bool is_dense(const struct history_bin *bins, size_t count) {
    double lowest = INFINITY, highest = -INFINITY, ranges = 0.0, used = 0.0, samples = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (bins[i].count > 0) {
            lowest = least(lowest, bins[i].min);
            highest = most(highest, bins[i].max);
            ranges += bins[i].max - bins[i].min;
            samples += bins[i].count;
            used += 1.0;
        }
    }
    return used > 0.0 && samples > 2.0 * used && ranges / used > 0.3 * (highest - lowest);
}

/* Two neighbours meet half way between where one ends and the other begins. */
static void join_ranges(struct canvas_column *left, struct canvas_column *right, double y_left,
                        double y_right) {
    double middle = (y_left + y_right) / 2.0;
    left->top = least(left->top, middle);
    left->bottom = most(left->bottom, middle);
    right->top = least(right->top, middle);
    right->bottom = most(right->bottom, middle);
}

/* The stretch of each column that the line passes; top = INFINITY where there is no line. Columns
 * without a sample between two with one are passed in a straight line. `crest`: the maxima only. */
static void make_ranges(const struct panel_place *place, double top, const struct history_bin *bins,
                        size_t count, bool crest, struct canvas_column *range) {
    bool any = false;
    size_t last = 0;
    double y_last = 0.0;
    for (size_t i = 0; i < count; i++) {
        range[i] = (struct canvas_column){INFINITY, 0.0};
        any = any && !bins[i].gap;
        if (bins[i].count == 0) {
            continue;
        }
        double y_max = chart_y(place, top, bins[i].max);
        double y_first = crest ? y_max : chart_y(place, top, bins[i].first);
        range[i] = (struct canvas_column){y_max, crest ? y_max : chart_y(place, top, bins[i].min)};
        if (any) {
            double steps = (double)(i - last), rise = (y_first - y_last) / steps;
            for (size_t k = last + 1; k < i; k++) {
                double y = y_last + rise * (double)(k - last);
                range[k] = (struct canvas_column){y, y};
                join_ranges(&range[k - 1], &range[k], y - rise, y);
            }
            join_ranges(&range[i - 1], &range[i], y_first - rise, y_first);
        }
        any = true;
        last = i;
        y_last = crest ? y_max : chart_y(place, top, bins[i].last);
    }
}

/* A later run's line has gaps. They lie at multiples of their width in time, like the columns. */
static void dash_columns(const struct scene *scene, const struct columns *c,
                         struct canvas_column *out) {
    double dash[CHART_DASHES], end[CHART_DASHES], period = 0.0;
    size_t dashes = chart_run_dash(scene, dash);
    for (size_t i = 0; i < dashes; i++) {
        period += most(1.0, round(dash[i] * canvas_scale(scene->canvas)));
        end[i] = period;
    }
    double first = round(c->t0 / c->width);
    for (size_t i = 0; i < c->count && dashes > 0; i++) {
        double phase = fmod(first + (double)i, period);
        phase += phase < 0.0 ? period : 0.0;
        size_t part = 0;
        while (phase >= end[part]) {
            part++;
        }
        if (part % 2 == 1) {
            out[i].top = INFINITY;
        }
    }
}

/* Draws ranges as a line. On a fine screen a line is several columns wide also where it is steep.
 */
static void stroke_ranges(const struct scene *scene, const struct columns *c, double width,
                          struct color color, const struct canvas_column *range,
                          struct canvas_column *out) {
    size_t reach = (size_t)most(0.0, floor(width * canvas_scale(scene->canvas) / 2.0 - 0.25));
    for (size_t i = 0; i < c->count; i++) {
        double top = INFINITY, bottom = -INFINITY;
        size_t from = i > reach ? i - reach : 0;
        for (size_t k = from; k <= i + reach && k < c->count; k++) {
            if (range[k].top <= range[k].bottom) {
                top = least(top, range[k].top);
                bottom = most(bottom, range[k].bottom);
            }
        }
        out[i] = (struct canvas_column){top - width / 2.0, bottom + width / 2.0};
    }
    dash_columns(scene, c, out);
    canvas_columns(scene->canvas, c->x, out, c->count, color);
}

/* Steps into the columns they fall into. Where a column has no sample before or behind one, the
 * line enters or leaves it as the step tells. */
static void bin_steps(const struct scene *scene, const struct chart_series *series,
                      const struct columns *c, struct history_bin *bins) {
    const struct history *history = scene->history;
    size_t count = history_count(history), entered = SIZE_MAX;
    for (size_t i = 0; i < series->steps; i++) {
        const struct chart_step *step = &series->step[i];
        double begin = floor((step->t - c->t0) / c->width);
        if (begin < 0.0 || begin >= (double)c->count) {
            continue;
        }
        size_t column = (size_t)begin, next = history_find(history, step->t);
        double from = c->t0 + c->width * begin;
        struct history_bin *bin = &bins[column];
        if (bin->count == 0) {
            *bin = (struct history_bin){
                .min = step->before, .max = step->before, .gap = bin->gap, .count = 1};
        }
        bin->min = least(bin->min, least(step->before, step->after));
        bin->max = most(bin->max, most(step->before, step->after));
        if (entered != column && (next == 0 || history_time(history, next - 1) < from)) {
            bin->first = step->before;
        }
        entered = column;
        if (next == count || history_time(history, next) >= from + c->width) {
            bin->last = step->after;
        }
    }
}

static void line_by_column(const struct scene *scene, const struct panel_place *place, double top,
                           const struct chart_series *series, const struct columns *c) {
    struct canvas_column *range = scene->columns, *fill = range + scene->columns_max;
    bool dense = is_dense(scene->bins, c->count);
    double foot = place->plot.y + place->plot.h;
    make_ranges(place, top, scene->bins, c->count, false, range);
    for (size_t i = 0; i < c->count && series->fill > 0.0; i++) {
        fill[i] = (struct canvas_column){range[i].top, foot};
    }
    if (series->fill > 0.0) {
        canvas_columns(scene->canvas, c->x, fill, c->count,
                       theme_fade(series->color, series->fill));
    }
    if (dense) {
        canvas_columns(scene->canvas, c->x, range, c->count, theme_fade(series->color, 0.45));
        make_ranges(place, top, scene->bins, c->count, true, range);
    }
    stroke_ranges(scene, c, series->width, series->color, range, fill);
}

void chart_line(const struct scene *scene, const struct panel_place *place, double top,
                const struct chart_series *asked) {
    OBS_ASSERT(top > 0.0 && asked != NULL);
    struct chart_series own = *asked; /* as this run's lines look */
    const struct chart_series *series = &own;
    own.color = chart_run_color(scene, asked->color);
    own.fill = scene->shared && scene->run > 0 ? asked->fill * 0.4 : asked->fill;
    struct columns c = align_columns(scene, place);
    /* Gaps are known to columns only, so a stretch with one is drawn by column. */
    fetch_bins(scene, &c, series->id, series->form, scene->bins);
    canvas_clip(scene->canvas, &place->plot);
    if (scene->end - scene->first + 2 * series->steps <= c.count &&
        !any_gap(scene->bins, c.count)) {
        line_by_sample(scene, place, top, series);
    } else {
        if (series->add != 0 || series->derived != NULL) {
            bin_sums(scene, series, &c, scene->bins);
        }
        bin_steps(scene, series, &c, scene->bins);
        line_by_column(scene, place, top, series, &c);
    }
    canvas_clip(scene->canvas, NULL);
}

/* ---- stacks -------------------------------------------------------------------------------- */

/* Raises `high` by a level's numbers and leaves in `low` where it began. A column without a sample
 * repeats the one before. */
static void raise_layer(const struct scene *scene, const struct columns *c, uint32_t id,
                        double *low, double *high) {
    fetch_bins(scene, c, id, HISTORY_LEVEL, scene->bins);
    double number = 0.0;
    if (scene->first < scene->end && history_time(scene->history, scene->first) <= c->t0) {
        history_number(scene->history, id, HISTORY_LEVEL, scene->first, &number);
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct history_bin *bin = &scene->bins[i];
        low[i] = high[i];
        high[i] += bin->count > 0 ? bin->max : number; /* a spike one sample wide must show */
        number = bin->count > 0 ? bin->last : number;
    }
}

static void draw_layer(const struct scene *scene, const struct panel_place *place, double top,
                       const struct columns *c, const double *low, const double *high,
                       struct color color) {
    struct canvas_column *fill = scene->columns, *edge = fill + scene->columns_max;
    struct canvas_column *out = edge + scene->columns_max;
    size_t end = c->count;
    double until = (least(scene->until, scene->t1) - c->t0) / c->width;
    if (until < (double)end - 1.0) {
        end = until < 0.0 ? 0 : (size_t)floor(until) + 1;
    }
    for (size_t i = 0; i < c->count; i++) {
        bool filled = i < end && high[i] > low[i];
        double y = chart_y(place, top, high[i]);
        /* Edges between layers lie on whole pixels, or two half covered pixels would show through.
         */
        fill[i] =
            filled ? (struct canvas_column){canvas_snap(scene->canvas, y),
                                            canvas_snap(scene->canvas, chart_y(place, top, low[i]))}
                   : (struct canvas_column){INFINITY, 0.0};
        edge[i] = filled ? (struct canvas_column){y, y} : fill[i];
        if (filled && i > 0 && edge[i - 1].top <= edge[i - 1].bottom) { /* the riser of a step */
            double before = chart_y(place, top, high[i - 1]);
            edge[i] = (struct canvas_column){least(y, before), most(y, before)};
        }
    }
    canvas_columns(scene->canvas, c->x, fill, c->count,
                   theme_fade(color, (double)scene->theme->area));
    stroke_ranges(scene, c, 1.5, color, edge, out);
}

void chart_stack(const struct scene *scene, const struct panel_place *place, double top,
                 const uint32_t *ids, const struct color *colors, size_t count) {
    OBS_ASSERT(top > 0.0 && count <= SCOPE_MAX_LEVELS);
    struct columns c = align_columns(scene, place);
    double *low = scene->sums, *high = scene->sums + scene->columns_max;
    memset(high, 0, sizeof *high * c.count);
    canvas_clip(scene->canvas, &place->plot);
    for (size_t level = 0; level < count; level++) {
        raise_layer(scene, &c, ids[level], low, high);
        draw_layer(scene, place, top, &c, low, high, colors[level]);
    }
    canvas_clip(scene->canvas, NULL);
}
