/* A panel in its place: grid, data, labels, what is told of the crosshair and of the pointer. */
#include "view_frame.h"

#include <math.h>
#include <string.h>

#include "chart.h"
#include "hover.h"
#include "obs_check.h"
#include "view_time.h"

static const double YOUNG_S = 2.0; /* what a run lacks so early it may have soon */
static const double REST_S = 0.4;  /* the pointer rests this long before a title explains itself */

static const struct scene *slot_scene(const struct view_frame *frame, size_t slot) {
    return &frame->scene[frame->layout.slot[slot].run];
}

/* ---- the panel ----------------------------------------------------------------------------- */

/* All runs have the same vertical axis, wherever they are drawn. Leaves it in the limits. */
static double move_limit(struct view_frame *frame, size_t slot, double height) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    struct axis_limit *limit = &frame->view->limits.axis[frame->layout.slot[slot].index];
    if (panel->most == NULL) {
        limit->top = 1.0;
        return limit->top;
    }
    double most = 0.0;
    for (unsigned k = 0; k < frame->runs; k++) {
        const struct scene *scene = &frame->scene[k];
        if (scene->has_newest && panel->present(scene)) {
            most = fmax(most, panel->most(scene));
        }
    }
    double wanted = axis_value_top(panel->unit, most, axis_intervals(height));
    frame->moving =
        axis_limit_move(limit, wanted, frame->view->clock_s, frame->view->frame_exact) ||
        frame->moving;
    return limit->top;
}

/* What a panel says at the crosshair, else at the newest sample. */
static size_t scene_values(const struct scene *scene, const struct panel *panel, bool at_cursor,
                           struct panel_value *values) {
    if (panel->values == NULL) {
        return 0;
    }
    if (!scene->has_cursor || !at_cursor) {
        return panel->values(scene, scene->newest, values);
    }
    size_t count = panel->values(scene, scene->cursor, values);
    if (panel->events != NULL && count + PANEL_EVENTS_MAX <= PANEL_VALUES_MAX) {
        count += panel->events(scene, history_time(scene->history, scene->cursor), values + count);
    }
    return count;
}

static size_t place_values(const struct view_frame *frame, size_t slot, const struct scene *scene,
                           bool at_cursor, struct panel_value *values) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    return view_runs_share(frame, slot) ? view_runs_values(frame, panel, at_cursor, values)
                                        : scene_values(scene, panel, at_cursor, values);
}

static void draw_labels(struct view_frame *frame, size_t slot, const struct scene *scene,
                        const struct panel_place *place, double top) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    if (panel->values == NULL) {
        return;
    }
    struct panel_value values[PANEL_VALUES_MAX];
    size_t count = place_values(frame, slot, scene, true, values);
    bool boxed = scene->has_cursor && chart_readout_fits(scene, place, values, count);
    if (!scene->has_cursor || boxed) {
        count = place_values(frame, slot, scene, false, values);
    }
    chart_labels(scene, place, top, values, count);
}

static bool has_data(const struct scene *scene, const struct panel *panel) {
    return scene->has_newest && panel->present(scene);
}

static void draw_absent(const struct scene *scene, const struct panel *panel,
                        const struct panel_place *place) {
    bool young = history_end(scene->history) - history_start(scene->history) < YOUNG_S;
    const char *text = !scene->has_newest ? "no samples yet"
                       : young            ? "nothing measured yet"
                                          : panel->absent;
    struct panel_place room = *place;
    if (panel->timeless && canvas_text_width(scene->canvas, FONT_AXIS, false, text) > room.plot.w) {
        room.plot.x = place->frame.x; /* no axis to be over, and nothing beside it */
        room.plot.w = place->frame.w;
    }
    chart_absent(scene, &room, text);
}

/* One run, with grid and bands of its own. */
static void draw_one(struct view_frame *frame, size_t slot, const struct scene *scene,
                     const struct panel_place *place) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    if (!has_data(scene, panel)) {
        draw_absent(scene, panel, place);
        return;
    }
    double top = move_limit(frame, slot, place->plot.h);
    if (panel->most != NULL) {
        chart_grid(scene, panel, place, top);
    }
    if (!panel->timeless) {
        view_time_bands(scene, place);
    }
    panel->draw(scene, place, top);
    draw_labels(frame, slot, scene, place, top);
}

/* Every run in the same plot; the first on top. */
static void draw_shared(struct view_frame *frame, size_t slot) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    const struct panel_place *place = &frame->layout.place[slot];
    const struct scene *told = NULL;
    for (unsigned k = 0; k < frame->runs && told == NULL; k++) {
        told = has_data(&frame->scene[k], panel) ? &frame->scene[k] : NULL;
    }
    if (told == NULL) {
        draw_absent(&frame->scene[0], panel, place);
        return;
    }
    double top = move_limit(frame, slot, place->plot.h);
    if (panel->most != NULL) {
        chart_grid(told, panel, place, top);
    }
    for (unsigned k = frame->runs; k-- > 0;) {
        if (has_data(&frame->scene[k], panel)) {
            struct scene shared = frame->scene[k];
            shared.shared = true;
            view_time_bands(&shared, place);
            panel->draw(&shared, place, top);
        }
    }
    draw_labels(frame, slot, told, place, top);
}

void view_panel_draw(struct view_frame *frame, size_t slot) {
    OBS_ASSERT(slot < frame->layout.count);
    const struct panel *panel = frame->layout.slot[slot].panel;
    const struct panel_place *place = &frame->layout.place[slot];
    if (!view_runs_share(frame, slot) && !view_runs_divide(frame, slot)) {
        chart_frame(slot_scene(frame, slot), panel, place);
        draw_one(frame, slot, slot_scene(frame, slot), place);
        return;
    }
    struct panel bare = *panel; /* one corner for all runs is drawn instead */
    bare.corner = NULL;
    bare.teaches = NULL;
    chart_frame(&frame->scene[0], &bare, place);
    view_runs_corners(frame, panel, place);
    if (view_runs_share(frame, slot)) {
        draw_shared(frame, slot);
        return;
    }
    for (unsigned k = 0; k < frame->runs; k++) {
        struct panel_place part;
        layout_part(frame->canvas, &frame->layout, slot, k, frame->runs, &part);
        draw_one(frame, slot, &frame->scene[k], &part);
        view_runs_letter(frame, panel, k, &part.plot);
    }
}

/* ---- the pointer --------------------------------------------------------------------------- */

static bool within(const struct rect *r, struct point p) {
    return p.x >= r->x && p.x <= r->x + r->w && p.y >= r->y && p.y <= r->y + r->h;
}

/* What is under the pointer in this slot, asked of the run it belongs to. */
static bool slot_hover(const struct view_frame *frame, size_t slot, struct panel_hover *hover) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    const struct scene *scene = slot_scene(frame, slot);
    if (panel->hover == NULL || !scene->has_pointer || frame->view->cursor_fixed ||
        frame->view->grab != VIEW_GRAB_NONE ||
        !within(&frame->layout.place[slot].frame, scene->pointer)) {
        return false;
    }
    memset(hover, 0, sizeof *hover);
    if (view_runs_share(frame, slot)) {
        for (unsigned k = 0; k < frame->runs; k++) {
            struct scene shared = frame->scene[k];
            shared.shared = true;
            if (has_data(&shared, panel) &&
                panel->hover(&shared, &frame->layout.place[slot], hover)) {
                return true;
            }
        }
        return false;
    }
    if (!view_runs_divide(frame, slot)) {
        return has_data(scene, panel) && panel->hover(scene, &frame->layout.place[slot], hover);
    }
    for (unsigned k = 0; k < frame->runs; k++) {
        struct panel_place part;
        const struct scene *own = &frame->scene[k];
        layout_part(frame->canvas, &frame->layout, slot, k, frame->runs, &part);
        bool over = panel->timeless ? within(&part.frame, own->pointer)
                                    : own->pointer.y >= part.lane.y &&
                                          own->pointer.y <= part.plot.y + part.plot.h;
        if (over && has_data(own, panel) && panel->hover(own, &part, hover)) {
            return true;
        }
    }
    return false;
}

void view_panel_readout(struct view_frame *frame, size_t slot) {
    const struct panel *panel = frame->layout.slot[slot].panel;
    double top = frame->view->limits.axis[frame->layout.slot[slot].index].top;
    struct panel_hover hover;
    if (panel->values == NULL || panel->timeless || slot_hover(frame, slot, &hover)) {
        return; /* what the pointer is on is told already */
    }
    unsigned parts = view_runs_divide(frame, slot) ? frame->runs : 1;
    for (unsigned k = 0; k < parts; k++) {
        struct panel_place part = frame->layout.place[slot];
        const struct scene *scene = slot_scene(frame, slot);
        if (parts > 1) {
            scene = &frame->scene[k];
            layout_part(frame->canvas, &frame->layout, slot, k, parts, &part);
        }
        if (scene->has_cursor && has_data(scene, panel)) {
            struct panel_value values[PANEL_VALUES_MAX];
            size_t count = place_values(frame, slot, scene, true, values);
            view_frame_told(frame, chart_readout(scene, &part, top, values, count));
        }
    }
}

/* The help of a panel whose title the pointer rests on, or of all. */
static bool explained(struct view_frame *frame, size_t slot) {
    struct view *view = frame->view;
    const struct panel_place *place = &frame->layout.place[slot];
    if (view->explain) {
        return true;
    }
    if (!frame->scene[0].has_pointer || !within(&place->header, frame->scene[0].pointer)) {
        return false;
    }
    if (view->rest_since_s < 0.0) {
        view->rest_since_s = view->clock_s;
    }
    if (view->clock_s - view->rest_since_s >= REST_S || view->frame_exact) {
        return true;
    }
    frame->moving = true;
    return false;
}

void view_panel_hover(struct view_frame *frame) {
    for (size_t slot = 0; slot < frame->layout.count; slot++) {
        const struct panel *panel = frame->layout.slot[slot].panel;
        struct panel_hover hover;
        if (slot_hover(frame, slot, &hover)) {
            hover_draw(frame->canvas, frame->theme, &hover, frame->scene[0].pointer, frame->told,
                       frame->told_count);
        }
        if (explained(frame, slot) && panel->help != NULL) {
            hover_explain(frame->canvas, frame->theme, panel,
                          (unsigned)frame->layout.slot[slot].index + 1, &frame->layout.place[slot]);
        }
    }
}
