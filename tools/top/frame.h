/* frame.h: the whole picture: status line, sections, footer; or what there is to say instead.
 *
 * Threads:    one thread. */
#ifndef TOP_FRAME_H
#define TOP_FRAME_H

#include "tails.h"
#include "viewer.h"

struct frame_input {
    const struct history *history;
    const struct view *view;     /* what the source says of itself */
    const struct viewer *viewer; /* what the user wants to see */
    const struct tails *tails;
    bool keys; /* somebody can press them: show which */
};

void frame_draw(const struct frame_input *input, struct grid *grid);
/* True when the frame shows a list to choose from; how long it is. */
int frame_choices(const struct frame_input *input);

/* The status line (status.c), over the pane's first row. */
void status_draw(const struct view *view, const struct moment *moment, bool paused,
                 const struct pane *pane);
/* The screens that stand for the sections (message.c). */
void message_draw_help(const struct pane *pane);
void message_draw_waiting(const struct view *view, int selected, const struct pane *pane);
void message_draw_drivers(const struct attach_found *found, int selected, const struct pane *pane);
void message_draw_small(const struct pane *pane);

#endif
