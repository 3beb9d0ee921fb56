/* overlay.h: what lies above the panels or stands in their place, and the status line.
 *
 * Threads:    one thread. */
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
/* Where a marker's name is typed, at the bottom. */
void overlay_prompt(const struct view *view, struct canvas *canvas, const struct theme *theme);
/* Under the picture: the caption, and the run's command line where it is asked for. */
void overlay_caption(const struct view *view, struct canvas *canvas, const struct theme *theme,
                     struct rect at);
/* Breaks a text at spaces into as few lines as fit `room`, about equally long. Returns their
 * number, at most `most`. */
size_t overlay_wrap(struct canvas *canvas, enum font_role role, const char *text, double room,
                    char lines[][256], size_t most);
/* Instead of panels: emblem, headline, detail, and the choices, if any. Leaves where the first
 * choice lies in the view. */
void overlay_waiting(struct view *view, struct canvas *canvas, const struct theme *theme,
                     struct rect room);
/* The row of a choice, from the first one's. */
struct rect overlay_choice_rect(const struct rect *first, int index);

#endif
