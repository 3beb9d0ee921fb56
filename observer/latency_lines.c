#include "latency_lines.h"

#include <math.h>

#include "chart.h"
#include "obs_check.h"

static const double LINE_WIDTH = 1.5;
static const double CASING = 1.25; /* beyond the line, on each side */
static const double CASING_OPACITY = 0.55;
static const double VEIL_OPACITY = 0.22;

/* Logical pixels; anchored to time, so that dashes move with what they lie on. */
struct dash {
    double on, period; /* period 0: solid */
};
static const struct dash dashes[LATENCY_MAX] = {
    [LATENCY_P50] = {0.0, 0.0}, [LATENCY_P99] = {6.0, 9.0}, [LATENCY_P999] = {2.0, 4.0}};

/* One column of device pixels each. */
struct strip {
    double x; /* of the first */
    size_t count;
    double phase; /* device pixels between the run's start and the first */
};

static struct strip strip_of(const struct scene *scene, const struct panel_place *place) {
    double scale = canvas_scale(scene->canvas);
    double pixels = fmin(round(place->plot.w * scale), (double)scene->columns_max);
    double per_second = place->plot.w * scale / (scene->t1 - scene->t0);
    return (struct strip){place->plot.x, (size_t)pixels, round(scene->t0 * per_second)};
}

static const struct canvas_column nothing = {INFINITY, -INFINITY};

static double y_of(const struct panel_place *place, const struct heatmap_axis *axis, float ns) {
    double share = fmax(0.0, fmin(1.0, heatmap_share(axis, (double)ns)));
    return chart_y(place, 1.0, share);
}

struct pixels {
    size_t from, end;
};

static struct pixels pixels_of(const struct scene *scene, const struct strip *strip,
                               const struct heatmap_column *column) {
    double scale = canvas_scale(scene->canvas), most = (double)strip->count;
    double from = fmax(0.0, fmin(most, round((column->left - strip->x) * scale)));
    double end = fmax(from, fmin(most, round((column->right - strip->x) * scale)));
    return (struct pixels){(size_t)from, (size_t)end};
}

/* The highest of each column as a line with risers, and how far down its lowest lies. */
static void make_ranges(const struct scene *scene, const struct panel_place *place,
                        const struct strip *strip, const struct heatmap *heatmap,
                        const struct heatmap_axis *axis, enum latency_stat stat,
                        struct canvas_column *line, struct canvas_column *veil) {
    size_t count = 0;
    const struct heatmap_column *columns = heatmap_columns(heatmap, &count);
    for (size_t i = 0; i < strip->count; i++) {
        line[i] = veil[i] = nothing;
    }
    double before = NAN;
    for (size_t c = 0; c < count; c++) {
        float low, high;
        heatmap_range(heatmap, c, stat, &low, &high);
        bool touches = c > 0 && columns[c].left - columns[c - 1].right < 1e-6;
        before = touches ? before : NAN;
        if (isnan(high)) {
            before = NAN;
            continue;
        }
        struct pixels at = pixels_of(scene, strip, &columns[c]);
        double y = y_of(place, axis, high), foot = y_of(place, axis, low);
        for (size_t i = at.from; i < at.end; i++) {
            line[i] = (struct canvas_column){y, y};
            veil[i] = (struct canvas_column){y, foot};
        }
        if (!isnan(before) && at.from < at.end) { /* fmin: what is no number gives way */
            line[at.from] = (struct canvas_column){fmin(y, before), fmax(y, before)};
        }
        before = y;
    }
}

/* Ranges made wider by `by` all around. */
static void widen(const struct scene *scene, const struct strip *strip,
                  const struct canvas_column *range, double by, struct canvas_column *out) {
    size_t reach = (size_t)fmax(0.0, floor(by * canvas_scale(scene->canvas) - 0.25));
    for (size_t i = 0; i < strip->count; i++) {
        double top = INFINITY, bottom = -INFINITY;
        size_t from = i > reach ? i - reach : 0;
        for (size_t k = from; k <= i + reach && k < strip->count; k++) {
            top = fmin(top, range[k].top);
            bottom = fmax(bottom, range[k].bottom);
        }
        out[i] = (struct canvas_column){top - by, bottom + by};
    }
}

/* A riser is drawn whole: a spike must not fall between two dashes. */
static void cut_dashes(const struct scene *scene, const struct strip *strip,
                       const struct dash *dash, struct canvas_column *line) {
    double scale = canvas_scale(scene->canvas);
    for (size_t i = 0; i < strip->count && dash->period > 0.0; i++) {
        double at = fmod((strip->phase + (double)i) / scale, dash->period);
        at = at < 0.0 ? at + dash->period : at;
        if (at >= dash->on && line[i].bottom - line[i].top < LINE_WIDTH + 2.0) {
            line[i] = nothing;
        }
    }
}

static void draw_line(const struct scene *scene, const struct panel_place *place,
                      const struct strip *strip, const struct heatmap *heatmap,
                      const struct heatmap_axis *axis, enum latency_stat stat) {
    struct canvas_column *line = scene->columns, *veil = line + scene->columns_max;
    struct canvas_column *out = veil + scene->columns_max;
    make_ranges(scene, place, strip, heatmap, axis, stat, line, veil);
    canvas_columns(scene->canvas, strip->x, veil, strip->count,
                   theme_fade(scene->theme->text, VEIL_OPACITY));
    widen(scene, strip, line, LINE_WIDTH / 2.0 + CASING, out);
    canvas_columns(scene->canvas, strip->x, out, strip->count,
                   theme_fade(scene->theme->panel, CASING_OPACITY));
    widen(scene, strip, line, LINE_WIDTH / 2.0, out);
    cut_dashes(scene, strip, &dashes[stat], out);
    canvas_columns(scene->canvas, strip->x, out, strip->count, scene->theme->text);
}

/* Where columns are narrow dots would run into a line: every third stands for its neighbours, but
 * one that sticks out is always there. */
static bool is_dotted(const struct strip *strip, size_t pixel, double y, double before) {
    return isnan(before) || fabs(y - before) > 2.0 ||
           fmod(fabs(strip->phase + (double)pixel), 3.0) < 0.5;
}

/* A dot in the middle of each column, two pixels wide where there is room. */
static void draw_largest(const struct scene *scene, const struct panel_place *place,
                         const struct strip *strip, const struct heatmap *heatmap,
                         const struct heatmap_axis *axis) {
    struct canvas_column *dots = scene->columns, *casing = dots + scene->columns_max;
    size_t count = 0, half = (size_t)fmax(1.0, round(canvas_scale(scene->canvas)));
    const struct heatmap_column *columns = heatmap_columns(heatmap, &count);
    double before = NAN;
    for (size_t i = 0; i < strip->count; i++) {
        dots[i] = nothing;
    }
    for (size_t c = 0; c < count; c++) {
        float low, high;
        heatmap_range(heatmap, c, LATENCY_MAX, &low, &high);
        struct pixels at = pixels_of(scene, strip, &columns[c]);
        double y = isnan(high) ? (double)NAN : canvas_snap(scene->canvas, y_of(place, axis, high));
        bool narrow = at.end - at.from < 3 * half;
        if (isnan(y) || at.from == at.end || (narrow && !is_dotted(strip, at.from, y, before))) {
            before = y;
            continue;
        }
        before = y;
        size_t middle = (at.from + at.end) / 2;
        size_t from = middle > at.from + half ? middle - half : at.from;
        for (size_t i = from; i < middle + half && i < at.end; i++) {
            dots[i] = (struct canvas_column){y - 1.0, y + 1.0};
        }
    }
    widen(scene, strip, dots, 1.0, casing);
    canvas_columns(scene->canvas, strip->x, casing, strip->count,
                   theme_fade(scene->theme->panel, CASING_OPACITY));
    canvas_columns(scene->canvas, strip->x, dots, strip->count,
                   theme_mix(scene->theme->text, scene->theme->axis, 0.35));
}

void latency_lines_draw(const struct scene *scene, const struct panel_place *place,
                        const struct heatmap *heatmap, const struct heatmap_axis *axis) {
    struct strip strip = strip_of(scene, place);
    OBS_ASSERT(strip.count <= scene->columns_max);
    canvas_clip(scene->canvas, &place->plot);
    draw_largest(scene, place, &strip, heatmap, axis);
    for (int stat = LATENCY_P999; stat >= LATENCY_P50; stat--) {
        draw_line(scene, place, &strip, heatmap, axis, (enum latency_stat)stat);
    }
    canvas_clip(scene->canvas, NULL);
}
