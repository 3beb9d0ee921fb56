/* panel_scene.h: one panel on a canvas of its own, without a view around it.
 *
 * Threads:    one.
 * Ownership:  the history is borrowed; the rest is freed by panel_scene_free. */
#ifndef TESTS_PANEL_SCENE_H
#define TESTS_PANEL_SCENE_H

#include "panel.h"

struct panel_scene {
    struct scene scene;
    struct panel_place place;
    struct marks *marks;
    bool moving;
    double top; /* of the axis, set by panel_scene_place */
};

/* The stretch [t0, t1] up to `until`, on a canvas of width x height logical pixels in Inter. */
void panel_scene_make(struct panel_scene *made, const struct history *history, enum theme_id theme,
                      double width, double height, double t0, double t1, double until);
/* Where the panel lies, as a window with this panel alone would have it. */
void panel_scene_place(struct panel_scene *made, const struct panel *panel);
/* Everything but the time axis. */
void panel_scene_draw(struct panel_scene *made, const struct panel *panel);
void panel_scene_free(struct panel_scene *made);

#endif
