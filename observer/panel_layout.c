#include "panel_layout.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

static const double column_share[LAYOUT_COLUMNS_MAX] = {0.6, 0.4};

static const double MARGIN = 8.0;
static const double STATUS = 36.0;
static const double PAD = PANEL_PAD;
static const double AXIS = 26.0; /* the time axis under the last plot */

/* What shrinks when the window is low. */
struct density {
    double gap, header, foot;
};

static struct density density_for(double height) {
    if (height < 560.0) {
        return (struct density){.gap = 4.0, .header = 26.0, .foot = 8.0};
    }
    return (struct density){.gap = 8.0, .header = 34.0, .foot = 12.0};
}

static struct rect snapped(const struct canvas *canvas, struct rect r) {
    double x1 = canvas_snap(canvas, r.x + r.w), y1 = canvas_snap(canvas, r.y + r.h);
    r.x = canvas_snap(canvas, r.x);
    r.y = canvas_snap(canvas, r.y);
    r.w = fmax(0.0, x1 - r.x);
    r.h = fmax(0.0, y1 - r.y);
    return r;
}

struct column {
    struct rect area;
    struct panel_size size[VIEW_PANELS_MAX]; /* by slot */
    double left, right;                      /* widest margins of its panels */
    double fixed, weight;                    /* heights that do not stretch; shares of the rest */
    int panels;
    int last_timed; /* slot under which the time axis lies; below 0: none */
};

static void measure_column(const struct scene *scene, const struct layout *layout, int number,
                           const struct density *density, struct column *column) {
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->slot[i].column != number) {
            continue;
        }
        const struct panel *panel = layout->slot[i].panel;
        panel->measure(scene, &column->size[i]);
        if (!panel->timeless) {
            column->left = fmax(column->left, column->size[i].left);
            column->right = fmax(column->right, column->size[i].right);
            column->last_timed = (int)i;
        }
        column->fixed += density->header + column->size[i].lane + density->foot;
        column->weight += panel->weight;
        column->panels++;
    }
    column->fixed += density->gap * (column->panels - 1);
    if (column->last_timed >= 0) {
        column->fixed += AXIS - density->foot;
    }
}

static void place_panel(const struct canvas *canvas, const struct column *column, size_t slot,
                        const struct density *density, double y, double plot_height, bool timeless,
                        struct panel_place *place) {
    const struct panel_size *size = &column->size[slot];
    double foot = (int)slot == column->last_timed ? AXIS : density->foot;
    double lane = size->lane;
    double x = column->area.x, w = column->area.w;
    double left = timeless ? size->left : column->left;
    double right = timeless ? size->right : column->right;
    double plot_left = canvas_snap(canvas, x + PAD + left + (left > 0.0 ? 8.0 : 0.0));
    double labels_right = x + w - PAD;
    double plot_right = canvas_snap(canvas, labels_right - right - (right > 0.0 ? 12.0 : 0.0));
    double plot_top = y + density->header + lane;
    place->frame =
        snapped(canvas, (struct rect){x, y, w, density->header + lane + plot_height + foot});
    place->header = (struct rect){x + PAD, y, w - 2.0 * PAD, density->header};
    place->lane = (struct rect){plot_left, y + density->header - 4.0, plot_right - plot_left,
                                lane + (lane > 0.0 ? 4.0 : 0.0)};
    place->plot = snapped(canvas, (struct rect){plot_left, plot_top,
                                                fmax(16.0, plot_right - plot_left), plot_height});
    place->labels = (struct rect){plot_right + 12.0, plot_top, right, plot_height};
}

static void place_column(const struct scene *scene, struct layout *layout, int number,
                         const struct density *density, struct column *column) {
    measure_column(scene, layout, number, density, column);
    double stretch = fmax(0.0, column->area.h - column->fixed);
    double y = column->area.y, bottom = column->area.y + column->area.h;
    int placed = 0;
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->slot[i].column != number) {
            continue;
        }
        const struct panel *panel = layout->slot[i].panel;
        double foot = (int)i == column->last_timed ? AXIS : density->foot;
        double plot = floor(stretch * panel->weight / column->weight);
        if (++placed == column->panels) { /* what rounding left over */
            plot = bottom - y - density->header - column->size[i].lane - foot;
        }
        plot = fmax(16.0, plot);
        place_panel(scene->canvas, column, i, density, y, plot, panel->timeless, &layout->place[i]);
        if ((int)i == column->last_timed) {
            const struct rect *p = &layout->place[i].plot;
            layout->time_axis[number] = (struct rect){p->x, p->y + p->h, p->w, AXIS};
        }
        y += density->header + column->size[i].lane + plot + foot + density->gap;
    }
}

static void choose_slots(const struct view *view, struct layout *layout) {
    for (size_t i = 0; i < view->panels; i++) {
        if (view->solo >= 0 && view->solo != (int)i) {
            continue;
        }
        int side = view->solo < 0 && view->layout == VIEW_OVERVIEW ? view->panel[i]->side : 0;
        layout->slot[layout->count++] = (struct layout_slot){view->panel[i], side};
    }
    bool used[LAYOUT_COLUMNS_MAX] = {false};
    for (size_t i = 0; i < layout->count; i++) {
        used[layout->slot[i].column] = true;
    }
    layout->columns = used[0] && used[1] ? 2 : 1;
    for (size_t i = 0; i < layout->count && !used[0]; i++) {
        layout->slot[i].column = 0; /* only what is: it has the window for itself */
    }
}

void layout_make(const struct view *view, const struct scene *scene, struct layout *layout) {
    OBS_ASSERT(view != NULL && scene != NULL && layout != NULL);
    memset(layout, 0, sizeof *layout);
    double width = canvas_width(scene->canvas), height = canvas_height(scene->canvas);
    struct density density = density_for(height);
    layout->status = (struct rect){MARGIN, 4.0, fmax(0.0, width - 2.0 * MARGIN), STATUS};
    choose_slots(view, layout);
    double top = layout->status.y + STATUS + 4.0, x = MARGIN;
    double room = fmax(0.0, width - 2.0 * MARGIN - density.gap * (layout->columns - 1));
    for (int c = 0; c < layout->columns; c++) {
        struct column column = {.last_timed = -1};
        double share = layout->columns == 1 ? 1.0 : column_share[c];
        column.area = (struct rect){x, top, room * share, fmax(0.0, height - MARGIN - top)};
        place_column(scene, layout, c, &density, &column);
        x += column.area.w + density.gap;
    }
}
