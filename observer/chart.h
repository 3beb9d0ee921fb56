/* chart.h: what charts are made of: frame, grid, lines, areas, labels, event marks.
 *
 * Lines and areas take their data from the history: sample by sample while there are few, min/max
 * per pixel column when there are many. Columns lie at multiples of their width in time, so a
 * picture that scrolls does not shimmer.
 *
 * Threads:    one thread.
 * Units:      logical pixels. */
#ifndef OBS_CHART_H
#define OBS_CHART_H

#include "panel.h"

/* Room above the top tick, so that a line on it is whole. */
#define CHART_HEADROOM 6.0

/* A run's line style: on, off, on, off. */
enum { CHART_DASHES = 4 };

double chart_x(const struct scene *scene, const struct panel_place *place, double t);
double chart_y(const struct panel_place *place, double top, double value);

void chart_frame(const struct scene *scene, const struct panel *panel,
                 const struct panel_place *place);
void chart_grid(const struct scene *scene, const struct panel *panel,
                const struct panel_place *place, double top);
void chart_absent(const struct scene *scene, const struct panel_place *place, const char *text);

/* A moment between samples at which a number is known to have changed at once. */
struct chart_step {
    double t, before, after;
};

struct chart_series {
    uint32_t id;
    uint32_t add; /* 0, or a metric to add to it: what the other is stacked upon */
    /* NULL, or what is drawn instead of the metric's own numbers: one a sample of the whole
     * history, NAN where there is none (derived.h). `id` then only tells where samples were lost.
     */
    const float *derived;
    enum history_form form;
    struct color color;
    double width;
    double fill;                   /* opacity of the area under the line; 0: none */
    const struct chart_step *step; /* in the order of time; borrowed during the call */
    size_t steps;
};
void chart_line(const struct scene *scene, const struct panel_place *place, double top,
                const struct chart_series *series);
/* Steps stacked on each other, ids[0] at the bottom. */
void chart_stack(const struct scene *scene, const struct panel_place *place, double top,
                 const uint32_t *ids, const struct color *colors, size_t count);

/* How a run's lines differ from the others' in the same plot: in brightness, towards the text's
 * colour or the panel's, and in style. A solid line has no dashes: returns 0, else how many
 * lengths, in logical pixels. */
struct color chart_run_color(const struct scene *scene, struct color color);
size_t chart_run_dash(const struct scene *scene, double dash[CHART_DASHES]);

/* The value of a metric at a sample, or of the nearest one before that has it. */
bool chart_value(const struct scene *scene, uint32_t id, enum history_form form, size_t index,
                 double *number);

/* Names and values right of the plot, parted where they would touch. */
void chart_labels(const struct scene *scene, const struct panel_place *place, double top,
                  const struct panel_value *values, size_t count);
double chart_label_width(const struct scene *scene, const char *name, const char *value);
/* Moves `y` (ascending, the middles of labels `height` high) apart within [lo, hi] with the least
 * movement. REQUIRES: count * height <= hi - lo. */
void chart_part(double *y, size_t count, double height, double lo, double hi);

/* A box with values beside the crosshair, and dots on the lines. Where the plot is too small for a
 * box only the dots: the labels at the right then tell the values of that moment. */
bool chart_readout_fits(const struct scene *scene, const struct panel_place *place,
                        const struct panel_value *values, size_t count);
/* Returns where the box is; no width: there is none. */
struct rect chart_readout(const struct scene *scene, const struct panel_place *place, double top,
                          const struct panel_value *values, size_t count);

/* Text that fits `room`, with an ellipsis where it was cut; false when nothing fits. */
bool chart_fit(struct canvas *canvas, enum font_role role, bool tabular, const char *text,
               double room, char *fitted, size_t size);
/* The baseline that centres a role's text on `middle`. */
double chart_baseline(struct canvas *canvas, enum font_role role, double middle);

#endif
