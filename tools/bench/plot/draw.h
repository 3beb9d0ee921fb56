/* draw.h: throughput against data size: a chart for each phase, a line for each engine.
 *
 * Threads:    one. */
#ifndef PLOT_DRAW_H
#define PLOT_DRAW_H

#include "canvas.h"
#include "curve_file.h"
#include "theme.h"

void draw_curve(struct canvas *canvas, const struct theme *theme, const struct curve *curve);

#endif
