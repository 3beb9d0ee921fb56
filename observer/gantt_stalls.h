/* gantt_stalls.h: the lane of write stalls above the jobs that explain them.
 *
 * Threads:    one.
 * Units:      logical pixels, seconds. */
#ifndef OBS_GANTT_STALLS_H
#define OBS_GANTT_STALLS_H

#include "gantt_lanes.h"

struct rect gantt_stall_rect(const struct scene *scene, const struct panel_place *place,
                             const struct gantt_lanes *lanes, const struct mark_span *stall);
void gantt_stalls_draw(const struct scene *scene, const struct panel_place *place,
                       const struct gantt_lanes *lanes);
/* Time in stalls within the stretch shown, by the counters where the publisher has them, and the
 * cause that took most of it. */
double gantt_stalled_s(const struct scene *scene, enum scope_stall *cause);

#endif
