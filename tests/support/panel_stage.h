/* panel_stage.h: one panel alone on a canvas, without a window around it.
 *
 * Threads:    one.
 * Ownership:  a stage borrows the history and owns everything else. */
#ifndef TESTS_PANEL_STAGE_H
#define TESTS_PANEL_STAGE_H

#include "panel.h"

struct panel_stage {
    struct canvas *canvas;
    struct scene scene; /* the whole history; change it before drawing */
    struct marks marks;
    bool moving;
};

/* REQUIRES: the font Inter. Fails the test when it is not there. */
void panel_stage_open(struct panel_stage *stage, const struct history *history, int width,
                      int height, double scale, enum theme_id theme);
void panel_stage_close(struct panel_stage *stage);
/* The times shown; what depends on them follows. */
void panel_stage_span(struct panel_stage *stage, double t0, double t1);
/* The panel over the whole canvas but a margin of 8. */
void panel_stage_place(struct panel_stage *stage, const struct panel *panel,
                       struct panel_place *place);
void panel_stage_draw(struct panel_stage *stage, const struct panel *panel);

#endif
