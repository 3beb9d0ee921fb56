/* panel_layout.h: where everything lies.
 *
 * Panels stand in columns. The panels of a column that have a time axis share their left and right
 * margins and the axis at the bottom, so their plots line up to the pixel. What finds no room is
 * left out, the panel of the highest rank first; a column's last panel always stays.
 *
 * Threads:    any.
 * Units:      logical pixels, edges on whole device pixels. */
#ifndef OBS_LAYOUT_H
#define OBS_LAYOUT_H

#include "panel.h"
#include "view.h"

enum { LAYOUT_COLUMNS_MAX = VIEW_RUNS_MAX, LAYOUT_SLOTS_MAX = VIEW_PANELS_MAX * VIEW_RUNS_MAX };

struct layout_slot {
    const struct panel *panel;
    size_t index; /* of the view's panels */
    int column;
    unsigned run;           /* side by side: whose column it is */
    struct panel_size size; /* what it asked for */
};

struct layout {
    struct rect status;
    struct rect minimap; /* no width: none */
    struct rect caption; /* no width: none; the command line lies under the caption */
    size_t count, hidden;
    struct layout_slot slot[LAYOUT_SLOTS_MAX];
    struct panel_place place[LAYOUT_SLOTS_MAX];
    int columns;
    struct rect heading[LAYOUT_COLUMNS_MAX];   /* side by side: the run's name; else no width */
    struct rect time_axis[LAYOUT_COLUMNS_MAX]; /* under each column's plots; no width: none */
    struct rect notes[LAYOUT_COLUMNS_MAX];     /* for markers' texts; no width: none */
};

/* Where a plot would be too narrow its labels have no width: none are drawn. Places the view's
 * panels on the scene's canvas; reads only its canvas, history and times. */
void layout_make(const struct view *view, const struct scene *scene, struct layout *layout);

/* The share of a slot that a run gets in a panel that does not overlay: bands over each other, or,
 * without a time axis, side by side. */
void layout_part(const struct canvas *canvas, const struct layout *layout, size_t slot,
                 unsigned run, unsigned runs, struct panel_place *part);

/* Where the waiting screen lies: everything under the status line. */
struct rect layout_room(const struct canvas *canvas);

#endif
