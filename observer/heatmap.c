#include "heatmap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"

enum { ROWS_MAX = SCOPE_HIST_BUCKETS };

static const double AXIS_LOW = -7.0, AXIS_HIGH = 1.0; /* 100 ns .. 10 s */
static const double AXIS_LEAST = 3.0;                 /* decades */

/* Everything a made heatmap depends on. Compared as bytes: filled into zeroed memory. */
struct key {
    const struct latency_series *series;
    uint64_t version;
    double t0, t1, until;
    struct rect plot;
    double scale;
    struct heatmap_axis axis;
    size_t theme;
};

struct heatmap {
    struct key key;
    struct heatmap_column *column;
    double *left, *right; /* of the columns once more, as canvas_cells takes them */
    float *rate;          /* [column * rows + row]: operations a second */
    uint32_t *argb;       /* the same cells */
    float *low, *high;    /* [column * LATENCY_STATS + stat] */
    size_t count, capacity;
    size_t rows;
    unsigned row_of[SCOPE_HIST_BUCKETS];
    unsigned from[ROWS_MAX], end[ROWS_MAX]; /* buckets of each row, the highest row first */
    double y[ROWS_MAX + 1];
    double densest;
};

struct heatmap *heatmap_create(void) {
    return calloc(1, sizeof(struct heatmap));
}

static void cells_free(struct heatmap *map) {
    free(map->column);
    free(map->left);
    free(map->right);
    free(map->rate);
    free(map->argb);
    free(map->low);
    free(map->high);
    map->column = NULL;
    map->left = map->right = NULL;
    map->rate = map->low = map->high = NULL;
    map->argb = NULL;
    map->capacity = map->count = 0;
}

void heatmap_destroy(struct heatmap *heatmap) {
    if (heatmap != NULL) {
        cells_free(heatmap);
        free(heatmap);
    }
}

static bool reserve(struct heatmap *map, size_t columns) {
    if (columns <= map->capacity) {
        return true;
    }
    cells_free(map);
    map->column = malloc(columns * sizeof *map->column);
    map->left = malloc(columns * sizeof *map->left);
    map->right = malloc(columns * sizeof *map->right);
    map->rate = malloc(columns * ROWS_MAX * sizeof *map->rate);
    map->argb = malloc(columns * ROWS_MAX * sizeof *map->argb);
    map->low = malloc(columns * LATENCY_STATS * sizeof *map->low);
    map->high = malloc(columns * LATENCY_STATS * sizeof *map->high);
    if (map->column == NULL || map->left == NULL || map->right == NULL || map->rate == NULL ||
        map->argb == NULL || map->low == NULL || map->high == NULL) {
        cells_free(map);
        return false;
    }
    map->capacity = columns;
    return true;
}

/* ---- the vertical axis --------------------------------------------------------------------- */

struct heatmap_axis heatmap_axis_for(const struct latency_summary *summary) {
    double least = INFINITY, most = 0.0;
    for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        if (summary->count[b] > 0) {
            least = fmin(least, (double)scope_bucket_floor(b));
            most = fmax(most, (double)scope_bucket_floor(b + 1));
        }
    }
    /* The largest is exact, its bucket reaches further. */
    most = summary->high[LATENCY_MAX] > 0.0f ? (double)summary->high[LATENCY_MAX] : most;
    if (most <= 0.0) {
        return (struct heatmap_axis){AXIS_LOW, AXIS_LOW + AXIS_LEAST};
    }
    struct heatmap_axis axis = {
        .low = fmax(AXIS_LOW, fmin(floor(log10(fmax(1.0, least)) - 9.0), AXIS_HIGH - AXIS_LEAST)),
        .high = fmin(AXIS_HIGH, ceil(log10(most) - 9.0 - 1e-9)),
    };
    axis.high = fmax(axis.high, axis.low + AXIS_LEAST);
    return axis;
}

double heatmap_share(const struct heatmap_axis *axis, double ns) {
    return (log10(fmax(ns, 1.0)) - 9.0 - axis->low) / (axis->high - axis->low);
}

/* Buckets below the axis belong to its lowest row, those above to its highest: nothing is lost. */
static void make_rows(struct heatmap *map, const struct scene *scene,
                      const struct panel_place *place, const struct heatmap_axis *axis) {
    unsigned lowest = scope_bucket_of((uint64_t)pow(10.0, axis->low + 9.0));
    unsigned highest = scope_bucket_of((uint64_t)pow(10.0, axis->high + 9.0) - 1);
    double pixels = fmax(1.0, place->plot.h - CHART_HEADROOM) * canvas_scale(scene->canvas);
    double thinnest = log10(8.0 / 7.0) / (axis->high - axis->low) * pixels;
    unsigned group = 1;
    while (group < 16 && thinnest < 1.0) {
        group *= 2;
        thinnest *= 2.0;
    }
    map->rows = (highest - lowest) / group + 1;
    OBS_ASSERT(map->rows <= ROWS_MAX);
    for (size_t r = 0; r < map->rows; r++) {
        unsigned from = lowest + (unsigned)(map->rows - 1 - r) * group;
        map->from[r] = from;
        map->end[r] = from + group <= highest + 1 ? from + group : highest + 1;
        double share = heatmap_share(axis, (double)scope_bucket_floor(map->end[r]));
        map->y[r] = canvas_snap(scene->canvas, chart_y(place, 1.0, fmin(1.0, share)));
    }
    map->y[map->rows] = place->plot.y + place->plot.h;
    map->from[map->rows - 1] = 0;
    map->end[0] = SCOPE_HIST_BUCKETS;
    for (size_t r = 0; r < map->rows; r++) {
        for (unsigned b = map->from[r]; b < map->end[r]; b++) {
            map->row_of[b] = (unsigned)r;
        }
    }
}

/* ---- columns ------------------------------------------------------------------------------- */

static void add_column(struct heatmap *map, size_t first, size_t end, double left, double right) {
    OBS_ASSERT(map->count < map->capacity);
    map->left[map->count] = left;
    map->right[map->count] = right;
    map->column[map->count++] = (struct heatmap_column){first, end, left, right};
}

/* Each second a cell as wide as it lasted. */
static void columns_by_second(struct heatmap *map, const struct scene *scene,
                              const struct panel_place *place, const struct latency_series *series,
                              size_t first, size_t end) {
    double pixel = canvas_pixel(scene->canvas), before = -INFINITY, edge = 0.0;
    for (size_t i = first; i < end; i++) {
        const struct latency_second *second = latency_series_second(series, i);
        bool touches = second->t0 - before < 0.25 * (second->t1 - second->t0);
        double left =
            touches ? edge : canvas_snap(scene->canvas, chart_x(scene, place, second->t0));
        edge = canvas_snap(scene->canvas, chart_x(scene, place, second->t1));
        edge = fmax(edge, left + pixel);
        before = second->t1;
        add_column(map, i, i + 1, left, edge);
    }
}

/* Columns of one device pixel; a second belongs to the one its middle lies in. */
static void columns_by_pixel(struct heatmap *map, const struct scene *scene,
                             const struct panel_place *place, const struct latency_series *series,
                             size_t first, size_t end, size_t pixels) {
    double width = (scene->t1 - scene->t0) / (double)pixels, pixel = canvas_pixel(scene->canvas);
    double t0 = floor(scene->t0 / width) * width;
    double x = canvas_snap(scene->canvas, chart_x(scene, place, t0));
    size_t at = first;
    for (size_t c = 0; c < pixels + 2; c++) {
        double from = t0 + width * (double)c, to = from + width;
        size_t begun = at;
        const struct latency_second *second = NULL;
        while (at < end) {
            second = latency_series_second(series, at);
            if ((second->t0 + second->t1) / 2.0 >= to) {
                break;
            }
            at++;
        }
        double left = x + pixel * (double)c;
        if (at > begun) {
            add_column(map, begun, at, left, left + pixel);
        } else if (at < end && second != NULL && second->t0 < from + width / 2.0) {
            add_column(map, at, at + 1, left, left + pixel); /* in the midst of a second */
        }
    }
}

static bool make_columns(struct heatmap *map, const struct scene *scene,
                         const struct panel_place *place, const struct latency_series *series) {
    double scale = canvas_scale(scene->canvas);
    size_t pixels = (size_t)fmax(8.0, round(place->plot.w * scale));
    size_t first = latency_series_find(series, scene->t0);
    size_t end = latency_series_find(series, nextafter(scene->until, INFINITY));
    while (end > first && latency_series_second(series, end - 1)->t0 >= scene->t1) {
        size_t past = latency_series_find(series, scene->t1);
        end = past < end - 1 ? past + 1 : end - 1;
    }
    map->count = 0;
    if (end <= first) {
        return true;
    }
    const struct latency_second *middle = latency_series_second(series, first + (end - first) / 2);
    double per_second = (double)pixels / (scene->t1 - scene->t0);
    bool wide = (middle->t1 - middle->t0) * per_second >= 1.0 && end - first <= 2 * pixels;
    if (!reserve(map, wide ? end - first : pixels + 2)) {
        return false;
    }
    if (wide) {
        columns_by_second(map, scene, place, series, first, end);
    } else {
        columns_by_pixel(map, scene, place, series, first, end, pixels);
    }
    return true;
}

/* ---- colours ------------------------------------------------------------------------------- */

static void count_column(struct heatmap *map, const struct latency_series *series, size_t c) {
    struct latency_summary sum;
    float *rate = map->rate + c * map->rows;
    latency_series_merge(series, map->column[c].first, map->column[c].end, &sum);
    memcpy(map->low + c * LATENCY_STATS, sum.low, sizeof sum.low);
    memcpy(map->high + c * LATENCY_STATS, sum.high, sizeof sum.high);
    memset(rate, 0, map->rows * sizeof *rate);
    for (unsigned b = 0; b < SCOPE_HIST_BUCKETS && sum.total > 0; b++) {
        rate[map->row_of[b]] += (float)sum.count[b];
    }
    for (size_t r = 0; r < map->rows; r++) {
        rate[r] = sum.covered_s > 0.0 ? rate[r] / (float)sum.covered_s : 0.0f;
        map->densest = fmax(map->densest, (double)rate[r]);
    }
}

static void color_cells(struct heatmap *map, enum theme_id theme) {
    const uint32_t *ramp = heatmap_ramp(theme);
    /* Half decades: what the last shade stands for changes seldom. */
    map->densest = pow(10.0, ceil(2.0 * log10(fmax(10.0, map->densest)) - 1e-9) / 2.0);
    float scale = 1.0f / log2f((float)map->densest);
    size_t cells = map->count * map->rows;
    for (size_t i = 0; i < cells; i++) {
        float rate = map->rate[i];
        float share = rate > 1.0f ? fminf(1.0f, log2f(rate) * scale) : 0.0f;
        /* Bent a little: most cells are of middling density, and what stands out should. */
        size_t index = (size_t)(share * sqrtf(sqrtf(share)) * (float)(HEATMAP_SHADES - 1) + 0.5f);
        map->argb[i] = rate > 0.0f ? ramp[index] : 0;
    }
}

bool heatmap_make(struct heatmap *heatmap, const struct scene *scene,
                  const struct panel_place *place, const struct latency_series *series,
                  const struct heatmap_axis *axis) {
    OBS_ASSERT(heatmap != NULL && series != NULL && axis->high > axis->low);
    enum theme_id theme = scene->theme == theme_get(THEME_LIGHT) ? THEME_LIGHT : THEME_DARK;
    struct key key;
    memset(&key, 0, sizeof key);
    key.series = series;
    key.version = latency_series_version(series);
    key.t0 = scene->t0;
    key.t1 = scene->t1;
    key.until = scene->until;
    key.plot = place->plot;
    key.scale = canvas_scale(scene->canvas);
    key.axis = *axis;
    key.theme = theme;
    if (memcmp(&key, &heatmap->key, sizeof key) == 0) {
        return true;
    }
    memset(&heatmap->key, 0, sizeof heatmap->key);
    heatmap->densest = 0.0;
    make_rows(heatmap, scene, place, axis);
    if (!make_columns(heatmap, scene, place, series)) {
        return false;
    }
    for (size_t c = 0; c < heatmap->count; c++) {
        count_column(heatmap, series, c);
    }
    color_cells(heatmap, theme);
    heatmap->key = key;
    return true;
}

void heatmap_draw(const struct heatmap *heatmap, const struct scene *scene,
                  const struct panel_place *place) {
    struct canvas_cells cells = {
        .left = heatmap->left,
        .right = heatmap->right,
        .y = heatmap->y,
        .columns = heatmap->count,
        .rows = heatmap->rows,
        .argb = heatmap->argb,
    };
    canvas_clip(scene->canvas, &place->plot);
    canvas_cells(scene->canvas, &cells);
    canvas_clip(scene->canvas, NULL);
}

/* ---- asking -------------------------------------------------------------------------------- */

const struct heatmap_column *heatmap_columns(const struct heatmap *heatmap, size_t *count) {
    *count = heatmap->count;
    return heatmap->column;
}

void heatmap_range(const struct heatmap *heatmap, size_t column, enum latency_stat stat, float *low,
                   float *high) {
    OBS_ASSERT(column < heatmap->count && stat < LATENCY_STATS);
    *low = heatmap->low[column * LATENCY_STATS + stat];
    *high = heatmap->high[column * LATENCY_STATS + stat];
}

bool heatmap_at(const struct heatmap *heatmap, struct point point, size_t *column, unsigned *from,
                unsigned *end, struct rect *cell) {
    size_t r = 0;
    while (r < heatmap->rows && point.y >= heatmap->y[r + 1]) {
        r++;
    }
    if (r == heatmap->rows || point.y < heatmap->y[0]) {
        return false;
    }
    for (size_t c = 0; c < heatmap->count; c++) {
        const struct heatmap_column *at = &heatmap->column[c];
        if (point.x >= at->left && point.x < at->right) {
            *column = c;
            *from = heatmap->from[r];
            *end = heatmap->end[r];
            *cell = (struct rect){at->left, heatmap->y[r], at->right - at->left,
                                  heatmap->y[r + 1] - heatmap->y[r]};
            return true;
        }
    }
    return false;
}
