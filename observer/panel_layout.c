#include "panel_layout.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

/* The order on screen. Shares of the width by column follow. */
static const struct layout_slot slots[] = {
    {&panel_throughput, 0},
    {&panel_memtable, 0},
    {&panel_levels, 0},
};
enum { SLOTS = sizeof slots / sizeof slots[0] };
_Static_assert((int)SLOTS <= (int)VIEW_PANELS_MAX, "every panel needs a place");
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
};

static void measure_column(const struct scene *scene, const struct layout *layout, int number,
                           const struct density *density, struct column *column) {
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->slot[i].column != number) {
            continue;
        }
        const struct panel *panel = layout->slot[i].panel;
        panel->measure(scene, &column->size[i]);
        column->left = fmax(column->left, column->size[i].left);
        column->right = fmax(column->right, column->size[i].right);
        column->fixed += density->header + column->size[i].lane + density->foot;
        column->weight += panel->weight;
        column->panels++;
    }
    column->fixed += density->gap * (column->panels - 1) + AXIS - density->foot;
}

static void place_panel(const struct canvas *canvas, const struct column *column, size_t slot,
                        const struct density *density, double y, double plot_height, bool last,
                        struct panel_place *place) {
    double foot = last ? AXIS : density->foot;
    double lane = column->size[slot].lane;
    double x = column->area.x, w = column->area.w;
    double plot_left = canvas_snap(canvas, x + PAD + column->left + 8.0);
    double labels_right = x + w - PAD;
    double plot_right = canvas_snap(canvas, labels_right - column->right - 12.0);
    double plot_top = y + density->header + lane;
    place->frame =
        snapped(canvas, (struct rect){x, y, w, density->header + lane + plot_height + foot});
    place->header = (struct rect){x + PAD, y, w - 2.0 * PAD, density->header};
    place->lane = (struct rect){plot_left, y + density->header - 4.0, plot_right - plot_left,
                                lane + (lane > 0.0 ? 4.0 : 0.0)};
    place->plot = snapped(canvas, (struct rect){plot_left, plot_top,
                                                fmax(16.0, plot_right - plot_left), plot_height});
    place->labels = (struct rect){plot_right + 12.0, plot_top, column->right, plot_height};
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
        bool last = ++placed == column->panels;
        double plot = floor(stretch * layout->slot[i].panel->weight / column->weight);
        if (last) { /* what rounding left over */
            plot = bottom - y - density->header - column->size[i].lane - AXIS;
        }
        plot = fmax(16.0, plot);
        place_panel(scene->canvas, column, i, density, y, plot, last, &layout->place[i]);
        if (last) {
            const struct rect *p = &layout->place[i].plot;
            layout->time_axis[number] = (struct rect){p->x, p->y + p->h, p->w, AXIS};
        }
        y += density->header + column->size[i].lane + plot + density->foot + density->gap;
    }
}

void layout_make(const struct scene *scene, struct layout *layout) {
    OBS_ASSERT(scene != NULL && layout != NULL);
    memset(layout, 0, sizeof *layout);
    double width = canvas_width(scene->canvas), height = canvas_height(scene->canvas);
    struct density density = density_for(height);
    layout->status = (struct rect){MARGIN, 4.0, fmax(0.0, width - 2.0 * MARGIN), STATUS};
    layout->count = SLOTS;
    memcpy(layout->slot, slots, sizeof slots);
    for (size_t i = 0; i < layout->count; i++) {
        OBS_ASSERT(slots[i].column < LAYOUT_COLUMNS_MAX);
        layout->columns =
            slots[i].column + 1 > layout->columns ? slots[i].column + 1 : layout->columns;
    }
    double top = layout->status.y + STATUS + 4.0, x = MARGIN;
    double room = fmax(0.0, width - 2.0 * MARGIN - density.gap * (layout->columns - 1));
    for (int c = 0; c < layout->columns; c++) {
        struct column column = {.weight = 0.0};
        double share = layout->columns == 1 ? 1.0 : column_share[c];
        column.area = (struct rect){x, top, room * share, fmax(0.0, height - MARGIN - top)};
        place_column(scene, layout, c, &density, &column);
        x += column.area.w + density.gap;
    }
}
