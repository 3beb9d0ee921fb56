/* view_time.h: what all panels have in common because they share time: the axis, stall bands,
 * markers and the crosshair.
 *
 * Threads: one thread. */
#ifndef OBS_VIEW_TIME_H
#define OBS_VIEW_TIME_H

#include "chart.h"
#include "panel_layout.h"

/* Under a panel's data: a stall is one band through all panels. */
void view_time_bands(const struct scene *scene, const struct panel_place *place);
void view_time_axis(const struct view *view, const struct scene *scene,
                    const struct layout *layout);
/* Above the data: users' markers and errors as lines, their texts and the causes of stalls in the
 * first panel's lane, where they never meet each other. */
void view_time_notes(const struct scene *scene, const struct layout *layout);
void view_time_cursor(const struct scene *scene, const struct layout *layout);

#endif
