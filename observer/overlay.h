/* overlay.h: what lies above the panels or stands in their place, and the status line.
 *
 * Threads: one thread. */
#ifndef OBS_OVERLAY_H
#define OBS_OVERLAY_H

#include "theme.h"
#include "view.h"

void status_line_draw(const struct view *view, struct canvas *canvas, const struct theme *theme,
                      struct rect room);

/* The help card, above a scrim over everything. */
void overlay_help(struct canvas *canvas, const struct theme *theme);
/* A short notice at the bottom. */
void overlay_toast(struct canvas *canvas, const struct theme *theme, const char *text);
/* Instead of panels: emblem, headline, detail, and the choices, if any. Leaves where the first
 * choice lies in the view. */
void overlay_waiting(struct view *view, struct canvas *canvas, const struct theme *theme,
                     struct rect room);
/* The row of a choice, from the first one's. */
struct rect overlay_choice_rect(const struct rect *first, int index);

#endif
