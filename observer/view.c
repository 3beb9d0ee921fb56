#include "view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "minimap.h"
#include "obs_check.h"
#include "overlay.h"
#include "view_frame.h"
#include "view_span.h"
#include "view_time.h"

void view_init(struct view *view, const struct history *history, enum theme_id theme) {
    OBS_ASSERT(view != NULL && history != NULL);
    memset(view, 0, sizeof *view);
    view->history = history;
    view->theme = theme;
    view->follow = view->fit = true;
    view->cursor_x = view->cursor_y = view->rest_since_s = -1.0;
    view->solo = -1;
    const struct panel *const *panels = panel_list(&view->panels);
    memcpy(view->panel, panels, view->panels * sizeof *panels);
    view->until_s = view->shown_end_s = -1.0;
    struct view_status *s = &view->status;
    s->state = VIEW_WAITING;
    s->elapsed_s = s->start_real_s = s->samples_lost = -1.0;
    s->sampler_cpu = s->sampler_ns = s->viewer_cpu = s->frames_repeated = -1.0;
}

static const char *const layout_names[] = {"overview", "stack", "presenter"};

const char *view_layout_name(enum view_layout layout) {
    return layout_names[layout];
}

bool view_layout_parse(const char *name, enum view_layout *layout) {
    for (int i = VIEW_OVERVIEW; i <= VIEW_PRESENTER; i++) {
        if (strcmp(layout_names[i], name) == 0) {
            *layout = (enum view_layout)i;
            return true;
        }
    }
    return false;
}

double view_scale(const struct view *view, double scale, int width, int height) {
    double wanted = view->layout == VIEW_PRESENTER ? 2.0 * scale : scale;
    /* Letters so large that nothing else fits are no help. */
    double room = fmin(width / (double)VIEW_WIDTH_LEAST, height / (double)VIEW_HEIGHT_LEAST);
    return fmin(wanted, fmax(fmin(scale, 1.0), room));
}

static const double COLUMN_LEAST = 150.0; /* of a run that stands beside another */

/* What the mouse may point at until the next frame. */
static void leave_drawn(struct view *view, const struct layout *layout) {
    struct view_drawn *drawn = &view->drawn;
    drawn->axes = drawn->headers = 0;
    for (int c = 0; c < layout->columns; c++) {
        if (layout->time_axis[c].w > 0.0) {
            drawn->axis[drawn->axes++] = layout->time_axis[c];
        }
    }
    for (size_t i = 0; i < layout->count; i++) {
        drawn->header[drawn->headers].at = layout->place[i].header;
        drawn->header[drawn->headers].frame = layout->place[i].frame;
        drawn->header[drawn->headers].timed = !layout->slot[i].panel->timeless;
        drawn->header[drawn->headers++].panel = (int)layout->slot[i].index;
    }
    drawn->minimap.w = 0.0; /* minimap_draw says where it is */
    drawn->hidden = layout->hidden;
    view->drawn_axis = layout->time_axis[0];
}

static void draw_panels(struct view_frame *frame) {
    for (size_t i = 0; i < frame->layout.count; i++) {
        view_panel_draw(frame, i);
    }
    view_runs_headings(frame);
    view_time_axis(frame);
    view_time_notes(frame);
    view_time_cursor(frame);
    minimap_draw(frame);
    for (size_t i = 0; i < frame->layout.count; i++) {
        view_panel_readout(frame, i);
    }
    view_panel_hover(frame);
}

static void draw_above(struct view *view, struct canvas *canvas, const struct theme *theme) {
    if (view->prompting) {
        overlay_prompt(view, canvas, theme);
    } else if (view->toast[0] != '\0') {
        overlay_toast(canvas, theme, view->toast);
    }
    if (view->help) {
        overlay_help(canvas, theme);
    }
}

static bool draw_frame(struct view *view, struct canvas *canvas) {
    struct view_frame frame;
    bool room = view_frame_make(view, canvas, &frame);
    leave_drawn(view, &frame.layout);
    canvas_clear(canvas, frame.theme->window);
    if (!view->paused) { /* a pause then has something to hold on to */
        view->t0 = frame.scene[0].t0;
        view->t1 = frame.scene[0].t1;
        view->shown_end_s = view_data_end(view);
    }
    if (view->headline[0] != '\0') {
        overlay_waiting(view, canvas, frame.theme, layout_room(canvas));
    } else if (room) {
        draw_panels(&frame);
    }
    status_line_draw(view, canvas, frame.theme, frame.layout.status);
    overlay_caption(view, canvas, frame.theme, frame.layout.caption);
    draw_above(view, canvas, frame.theme);
    return frame.moving;
}

bool view_draw(struct view *view, struct canvas *canvas) {
    OBS_ASSERT(view != NULL && canvas != NULL && view->history != NULL);
    /* In columns too narrow for a plot the runs would leave them: there they share their plots. */
    bool wanted = view->side_by_side;
    view->side_by_side = wanted && canvas_width(canvas) / (view->others + 1.0) >= COLUMN_LEAST;
    bool moving = draw_frame(view, canvas);
    view->side_by_side = wanted;
    return moving;
}
