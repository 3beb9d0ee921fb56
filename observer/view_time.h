/* view_time.h: what all panels have in common because they share time: the axis, stall bands,
 * markers and the crosshair.
 *
 * Threads:    one thread. */
#ifndef OBS_VIEW_TIME_H
#define OBS_VIEW_TIME_H

#include "view_frame.h"

/* Under a panel's data: a stall is one band through all panels. */
void view_time_bands(const struct scene *scene, const struct panel_place *place);
void view_time_axis(struct view_frame *frame);
/* Above the data: users' markers and errors as lines, their texts and the causes of stalls in the
 * row for notes of the run's first column, where they never meet each other. */
void view_time_notes(const struct view_frame *frame);
void view_time_cursor(const struct view_frame *frame);

#endif
