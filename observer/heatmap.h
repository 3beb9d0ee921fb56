/* heatmap.h: one-second histograms as a field of colours over time and logarithmic latency.
 *
 * Rows are latency buckets, or 2, 4, 8 of them where they would be thinner than a pixel. Columns
 * are seconds while a second is a device pixel or wider; when it is narrower they are stretches of
 * time of one device pixel, at multiples of their length, into which whole seconds fall: their
 * histograms are added up, so the sum of the columns is the sum of the seconds. Colour is
 * operations a second of a cell on a logarithmic scale: the same at any zoom.
 *
 * Threads:    one.
 * Ownership:  a heatmap belongs to its maker; the series is borrowed for a call. */
#ifndef OBS_HEATMAP_H
#define OBS_HEATMAP_H

#include "latency_series.h"
#include "panel.h"

enum { HEATMAP_SHADES = 64 };

/* From few operations to many, at even distances to the eye; 0xFFRRGGBB. On dark it grows lighter,
 * from violet to yellow; on light darker, from next to the panel's colour to indigo. */
const uint32_t *heatmap_ramp(enum theme_id theme);

/* The vertical axis: powers of ten of a second. */
struct heatmap_axis {
    double low, high; /* log10 of seconds at the plot's foot and top */
};
/* Whole decades around what is there, three at least, within 100 ns to 10 s. */
struct heatmap_axis heatmap_axis_for(const struct latency_summary *summary);
/* 0 at the foot, 1 at the top; beyond for what lies beyond. */
double heatmap_share(const struct heatmap_axis *axis, double ns);

struct heatmap_column {
    size_t first, end;  /* seconds of the series */
    double left, right; /* logical pixels, on whole device pixels */
};

struct heatmap;

struct heatmap *heatmap_create(void); /* NULL when memory is out */
void heatmap_destroy(struct heatmap *heatmap);

/* Makes columns and colours for a place, unless they are made already. False when memory is out. */
bool heatmap_make(struct heatmap *heatmap, const struct scene *scene,
                  const struct panel_place *place, const struct latency_series *series,
                  const struct heatmap_axis *axis);
void heatmap_draw(const struct heatmap *heatmap, const struct scene *scene,
                  const struct panel_place *place);

const struct heatmap_column *heatmap_columns(const struct heatmap *heatmap, size_t *count);
/* The column's own figures, its seconds' least and largest. */
void heatmap_range(const struct heatmap *heatmap, size_t column, enum latency_stat stat, float *low,
                   float *high);
/* The column and the buckets [*from, *end) that lie under a point; false: none. */
bool heatmap_at(const struct heatmap *heatmap, struct point point, size_t *column, unsigned *from,
                unsigned *end, struct rect *cell);

#endif
