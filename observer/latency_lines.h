/* latency_lines.h: percentiles and largest latencies over a heatmap.
 *
 * Threads:    one thread.
 * Units:      logical pixels. */
#ifndef OBS_LATENCY_LINES_H
#define OBS_LATENCY_LINES_H

#include "heatmap.h"

/* p50 solid, p99 dashed, p99.9 dotted, and a dot for each largest one, each on a casing of the
 * panel's colour, for no one colour stands out from every shade. Where a column holds several
 * seconds the line is their highest and a veil reaches down to their lowest. Uses the scene's
 * columns. */
void latency_lines_draw(const struct scene *scene, const struct panel_place *place,
                        const struct heatmap *heatmap, const struct heatmap_axis *axis);

#endif
