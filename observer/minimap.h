/* minimap.h: the whole run in a strip under the panels: how much was done when, where it stalled,
 * where the markers are, and which part of it the panels show.
 *
 * Threads:    one thread. The strip is worked out anew only when a pixel of it would change. */
#ifndef OBS_MINIMAP_H
#define OBS_MINIMAP_H

#include "view_frame.h"

/* Draws into the layout's place for it, if there is one, and leaves in the view where it is. */
void minimap_draw(struct view_frame *frame);

#endif
