/* view_frame.h: one frame under way, as the files of the view share it.
 *
 *   view.c         what is drawn, in which order
 *   view_scene.c   what each run's panels may look at: times, samples, crosshair, marks
 *   view_panel.c   a panel in its place: grid, data, labels, readout, hover
 *   view_runs.c    what comparing adds: offsets, letters, differences, headings
 *   view_time.c    axis, bands, notes, crosshair
 *   view_span.c    which stretch of time is shown, and moving it
 *   view_cursor.c  the crosshair by keys; view_act.c  the other keys and the mouse
 *   minimap.c      the whole run under the panels
 *
 * Times:      a run's own times are those of its history; the view's times are the first run's.
 * Threads:    one thread. */
#ifndef OBS_VIEW_FRAME_H
#define OBS_VIEW_FRAME_H

#include "panel_layout.h"

enum { VIEW_TOLD_MAX = LAYOUT_SLOTS_MAX + LAYOUT_COLUMNS_MAX };

struct view_frame {
    struct view *view;
    struct canvas *canvas;
    const struct theme *theme;
    unsigned runs;
    struct scene scene[VIEW_RUNS_MAX];
    struct layout layout;
    bool has_cursor;
    double cursor_s;                 /* view time under the crosshair */
    bool moving;                     /* draw again soon */
    struct rect told[VIEW_TOLD_MAX]; /* boxes about the crosshair, which others should not cover */
    size_t told_count;
};

static inline void view_frame_told(struct view_frame *frame, struct rect box) {
    if (box.w > 0.0 && frame->told_count < VIEW_TOLD_MAX) {
        frame->told[frame->told_count++] = box;
    }
}

/* Fills everything but the layout, which it makes on the way. False when memory is out. */
bool view_frame_make(struct view *view, struct canvas *canvas, struct view_frame *frame);

/* A panel with everything in it, and, above all panels, what is told of the crosshair. */
void view_panel_draw(struct view_frame *frame, size_t slot);
void view_panel_readout(struct view_frame *frame, size_t slot);
/* The box about what is under the pointer, and the panels' help. */
void view_panel_hover(struct view_frame *frame);

/* ---- comparing ---- */

const struct history *view_run_history(const struct view *view, unsigned run);
double view_run_offset(const struct view *view, unsigned run);
const struct view_status *view_run_status(const struct view *view, unsigned run);
/* Do runs share this slot's plot, or divide it? */
bool view_runs_share(const struct view_frame *frame, size_t slot);
bool view_runs_divide(const struct view_frame *frame, size_t slot);
/* The values of all runs for one plot, lettered, the later runs' with their difference. */
size_t view_runs_values(const struct view_frame *frame, const struct panel *panel, bool at_cursor,
                        struct panel_value *values);
/* The letter of a run in the corner of its part of a plot, and all runs' corner texts. */
void view_runs_letter(const struct view_frame *frame, const struct panel *panel, unsigned run,
                      const struct rect *plot);
void view_runs_corners(const struct view_frame *frame, const struct panel *panel,
                       const struct panel_place *place);
/* The runs' names above their columns. */
void view_runs_headings(const struct view_frame *frame);

#endif
