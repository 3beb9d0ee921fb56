/* view_span.h: what view.c and view_span.c share: the parts of the window.
 *
 * Threads: one thread. */
#ifndef OBS_VIEW_SPAN_H
#define OBS_VIEW_SPAN_H

#include "view.h"

/* Where the waiting screen lies: everything under the status line. */
struct rect view_room(const struct canvas *canvas);

#endif
