/* view_span.h: which stretch of time is shown, for the files of the view.
 *
 * Threads:    one thread. */
#ifndef OBS_VIEW_SPAN_H
#define OBS_VIEW_SPAN_H

#include "view.h"

/* The newest and the oldest time of any run, in the first run's time. */
double view_data_end(const struct view *view);
double view_data_start(const struct view *view);
/* What `fit` shows. */
void view_whole(const struct view *view, double *t0, double *t1);
/* Shows this stretch, or the nearest one that exists; the newest data in view means to follow. */
void view_take_span(struct view *view, double t0, double t1);
/* Moves the stretch, as little as needed, until `t` is in it. */
void view_reveal(struct view *view, double t);

#endif
