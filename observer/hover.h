/* hover.h: boxes that name what the pointer is on. They never leave the window and never cover what
 * they speak of.
 *
 * Threads:    one thread. */
#ifndef OBS_HOVER_H
#define OBS_HOVER_H

#include "panel.h"

/* Outlines the thing and tells of it beside it, where it covers least of what is `told` already. */
void hover_draw(struct canvas *canvas, const struct theme *theme, const struct panel_hover *hover,
                struct point pointer, const struct rect *told, size_t told_count);
/* What a panel shows, under its title. `number`: of the key that shows it alone. */
void hover_explain(struct canvas *canvas, const struct theme *theme, const struct panel *panel,
                   unsigned number, const struct panel_place *place);
struct hover_room {
    double width, height;    /* of the window */
    const struct rect *told; /* what had better not be covered */
    size_t told_count;
};
/* Where a box of this size goes: beside `at`, near the pointer, within the window. */
struct rect hover_place(double width, double height, const struct hover_room *room, struct rect at,
                        struct point pointer);

#endif
