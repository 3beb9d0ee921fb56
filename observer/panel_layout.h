/* panel_layout.h: where everything lies.
 *
 * Panels stand in columns. The panels of a column share their left and right margins and one time
 * axis at the bottom, so their plots line up to the pixel. More panels, or a second column, change
 * the table in layout.c and nothing else.
 *
 * Threads: any. Units: logical pixels, edges on whole device pixels. */
#ifndef OBS_LAYOUT_H
#define OBS_LAYOUT_H

#include "panel.h"
#include "view.h"

enum { LAYOUT_COLUMNS_MAX = 2 };

struct layout_slot {
    const struct panel *panel;
    int column;
};

struct layout {
    struct rect status;
    size_t count;
    struct layout_slot slot[VIEW_PANELS_MAX];
    struct panel_place place[VIEW_PANELS_MAX];
    int columns;
    struct rect time_axis[LAYOUT_COLUMNS_MAX]; /* under each column's plots */
};

/* Places all panels on the scene's canvas; reads only its canvas, history and times. */
void layout_make(const struct scene *scene, struct layout *layout);

#endif
