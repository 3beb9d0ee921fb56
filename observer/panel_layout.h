/* panel_layout.h: where everything lies.
 *
 * Panels stand in columns. The panels of a column that have a time axis share their left and right
 * margins and the axis at the bottom, so their plots line up to the pixel.
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
    struct rect time_axis[LAYOUT_COLUMNS_MAX]; /* under each column's plots; no width: none */
};

/* Places the view's panels on the scene's canvas; reads only its canvas, history and times. */
void layout_make(const struct view *view, const struct scene *scene, struct layout *layout);

#endif
