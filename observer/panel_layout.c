#include "panel_layout.h"

#include <math.h>
#include <string.h>

#include "obs_check.h"

static const double column_share[2] = {0.6, 0.4};

static const double MARGIN = 8.0;
static const double STATUS = 36.0;
static const double PAD = PANEL_PAD;
static const double AXIS = 26.0;    /* the time axis under the last plot */
static const double NOTES = 20.0;   /* a row for texts above a plot that has none of its own */
static const double HEADING = 24.0; /* a run's name above its column */
static const double LINE = 24.0;    /* caption, command line */
static const double LEAST = 44.0;   /* the lowest plot */
static const double LEAST_PRESENTED = 72.0;
static const double TWO_COLUMNS = 900.0; /* the least width for them */
static const double MAP_WINDOW = 460.0;  /* the lowest window with a mini-map */
static const double MAP_RUN = 16.0;      /* the least height of a run's strip in it */
static const double LETTER = 20.0;       /* a run's letter above its part */
static const double BAND_LEAST = 16.0;   /* a run's band */
static const double BAND_GAP = 10.0;     /* between two */
static const double NARROW = 72.0;       /* a plot less wide has no labels beside it */
static const double MORE_GAP = 10.0;
static const double ALIGN = 56.0; /* columns' edges closer than this become one */

/* What shrinks when the window is low. */
struct density {
    double gap, header, foot;
};
static const struct density roomy = {.gap = 8.0, .header = 34.0, .foot = 12.0};
static const struct density tight = {.gap = 4.0, .header = 26.0, .foot = 8.0};

static struct rect snapped(const struct canvas *canvas, struct rect r) {
    double x1 = canvas_snap(canvas, r.x + r.w), y1 = canvas_snap(canvas, r.y + r.h);
    r.x = canvas_snap(canvas, r.x);
    r.y = canvas_snap(canvas, r.y);
    r.w = fmax(0.0, x1 - r.x);
    r.h = fmax(0.0, y1 - r.y);
    return r;
}

/* ---- a column ------------------------------------------------------------------------------ */

struct column {
    struct rect area;
    size_t slot[VIEW_PANELS_MAX]; /* its panels, from the top */
    double plot[VIEW_PANELS_MAX]; /* their plots' heights */
    size_t count;
    double left, right; /* widest margins of its panels */
    double fixed;       /* heights that do not stretch */
    size_t noted;       /* the panel above whose plot notes stand; `count`: none */
    double notes;       /* height to be made for them */
    size_t last_timed;  /* the panel under which the time axis lies; `count`: none */
};

/* Do runs stand beside each other in this panel, each in a part of its width? */
static bool is_divided(const struct view *view, const struct panel *panel) {
    return view->others > 0 && !view->side_by_side && panel->timeless;
}

/* A part of the width is enough for a picture at less height; rows of text need more. */
static double weight_of(const struct view *view, const struct panel *panel) {
    double runs = view->others + 1.0;
    return !is_divided(view, panel) ? panel->weight
                                    : panel->weight * (panel->rows ? fmin(2.0, runs) : 0.75);
}

/* In bands over each other each run needs room for a line of type, and for its lane. */
static double least_in_bands(const struct view *view, const struct layout_slot *slot) {
    double runs = view->others + 1.0;
    bool bands =
        view->others > 0 && !view->side_by_side && !slot->panel->timeless && !slot->panel->overlays;
    return bands ? runs * BAND_LEAST + (runs - 1.0) * (slot->size.lane + BAND_GAP) : 0.0;
}

static double least_of(const struct view *view, const struct layout_slot *slot) {
    const struct panel *panel = slot->panel;
    double least = panel->least > 0.0 ? panel->least : LEAST;
    least = fmax(least, least_in_bands(view, slot));
    least += is_divided(view, panel) ? LETTER : 0.0;
    return view->layout == VIEW_PRESENTER && view->solo < 0 ? fmax(LEAST_PRESENTED, least) : least;
}

static void measure_column(const struct layout *layout, int number, const struct density *density,
                           struct column *column) {
    column->count = 0;
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->slot[i].column == number) {
            column->slot[column->count++] = i;
        }
    }
    column->noted = column->last_timed = column->count;
    column->left = column->right = column->notes = 0.0;
    column->fixed = density->gap * ((double)column->count - 1.0);
    for (size_t k = 0; k < column->count; k++) {
        const struct layout_slot *slot = &layout->slot[column->slot[k]];
        if (!slot->panel->timeless) {
            column->left = fmax(column->left, slot->size.left);
            column->right = fmax(column->right, slot->size.right);
            column->noted = column->noted == column->count ? k : column->noted;
            column->last_timed = k;
        }
        column->fixed += density->header + slot->size.lane + density->foot;
    }
    if (column->last_timed < column->count) {
        column->fixed += AXIS - density->foot;
        bool own = layout->slot[column->slot[column->noted]].panel->notes;
        bool wanted = number == 0 || layout->heading[number].w > 0.0;
        column->notes = own || !wanted ? 0.0 : NOTES;
        column->noted = wanted ? column->noted : column->count;
        column->fixed += column->notes;
    }
}

/* Shares what stretches by weight; who would get less than its least gets that. */
static void share_heights(const struct view *view, const struct layout *layout,
                          struct column *column) {
    double stretch = fmax(0.0, column->area.h - column->fixed);
    bool low[VIEW_PANELS_MAX] = {false};
    for (size_t round = 0; round <= column->count; round++) {
        double weight = 0.0, room = stretch;
        for (size_t k = 0; k < column->count; k++) {
            const struct layout_slot *slot = &layout->slot[column->slot[k]];
            weight += low[k] ? 0.0 : weight_of(view, slot->panel);
            room -= low[k] ? least_of(view, slot) : 0.0;
        }
        bool again = false;
        for (size_t k = 0; k < column->count; k++) {
            const struct layout_slot *slot = &layout->slot[column->slot[k]];
            const struct panel *panel = slot->panel;
            double least = least_of(view, slot);
            double fair =
                weight > 0.0 ? floor(fmax(0.0, room) * weight_of(view, panel) / weight) : 0.0;
            column->plot[k] = low[k] ? least : fair;
            if (!low[k] && fair < least) {
                low[k] = again = true;
            }
        }
        if (!again) {
            break;
        }
    }
    double used = 0.0;
    for (size_t k = 0; k + 1 < column->count; k++) {
        used += column->plot[k];
    }
    if (column->count > 0) { /* what rounding left over, and never more than there is */
        column->plot[column->count - 1] = fmax(16.0, stretch - used);
    }
}

static double panel_height(const struct layout *layout, const struct column *column,
                           const struct density *density, size_t k) {
    double foot = k == column->last_timed ? AXIS : density->foot;
    double notes = k == column->noted ? column->notes : 0.0;
    return density->header + notes + layout->slot[column->slot[k]].size.lane + column->plot[k] +
           foot;
}

/* Edges between panels that almost meet across the columns do meet: the eye sees rows. */
static void align_edges(const struct view *view, const struct layout *layout,
                        const struct density *density, const struct column *left,
                        struct column *right) {
    double bottom = right->area.y;
    for (size_t k = 0; k + 1 < right->count; k++) {
        bottom += panel_height(layout, right, density, k);
        double best = ALIGN, y = left->area.y;
        for (size_t i = 0; i + 1 < left->count; i++) {
            y += panel_height(layout, left, density, i);
            double by =
                y - bottom; /* growing is better than shrinking: the upper panel counts more */
            double cost = by < 0.0 ? -2.0 * by : by;
            best = cost < (best < 0.0 ? -2.0 * best : best) ? by : best;
            y += density->gap;
        }
        const struct layout_slot *above = &layout->slot[right->slot[k]];
        const struct layout_slot *below = &layout->slot[right->slot[k + 1]];
        if (best < ALIGN && right->plot[k] + best >= least_of(view, above) &&
            right->plot[k + 1] - best >= least_of(view, below)) {
            right->plot[k] += best;
            right->plot[k + 1] -= best;
            bottom += best;
        }
        bottom += density->gap;
    }
}

/* The plot and its margins within a frame's width. */
static void place_across(const struct canvas *canvas, double x, double w, double left, double right,
                         struct panel_place *place) {
    double plot_left = canvas_snap(canvas, x + PAD + left + (left > 0.0 ? 8.0 : 0.0));
    double labels_right = x + w - PAD;
    if (labels_right - right - 12.0 - plot_left < NARROW) {
        right = 0.0;
    }
    double plot_right = canvas_snap(canvas, labels_right - right - (right > 0.0 ? 12.0 : 0.0));
    place->header.x = x + PAD;
    place->header.w = fmax(0.0, w - 2.0 * PAD);
    place->plot.x = plot_left;
    place->plot.w = fmax(16.0, plot_right - plot_left);
    place->lane.x = plot_left;
    place->lane.w = plot_right - plot_left;
    place->labels.x = plot_right + 12.0;
    place->labels.w = right;
}

static void place_panel(const struct canvas *canvas, struct layout *layout,
                        const struct column *column, size_t k, const struct density *density,
                        double y) {
    size_t i = column->slot[k];
    const struct layout_slot *slot = &layout->slot[i];
    struct panel_place *place = &layout->place[i];
    double x = column->area.x, w = column->area.w, lane = slot->size.lane;
    double notes = k == column->noted ? column->notes : 0.0;
    bool timeless = slot->panel->timeless;
    double plot_top = y + density->header + notes + lane;
    *place = (struct panel_place){.header = {0.0, y, 0.0, density->header}};
    place_across(canvas, x, w, timeless ? slot->size.left : column->left,
                 timeless ? slot->size.right : column->right, place);
    place->frame =
        snapped(canvas, (struct rect){x, y, w, panel_height(layout, column, density, k)});
    place->lane.y = y + density->header + notes - 4.0;
    place->lane.h = lane + (lane > 0.0 ? 4.0 : 0.0);
    place->plot.y = plot_top;
    place->plot.h = column->plot[k];
    place->plot = snapped(canvas, place->plot);
    place->labels.y = plot_top;
    place->labels.h = column->plot[k];
}

static void place_column(const struct canvas *canvas, struct layout *layout, int number,
                         const struct density *density, const struct column *column) {
    double y = column->area.y;
    for (size_t k = 0; k < column->count; k++) {
        place_panel(canvas, layout, column, k, density, y);
        const struct panel_place *place = &layout->place[column->slot[k]];
        const struct rect *p = &place->plot;
        if (k == column->last_timed) {
            layout->time_axis[number] = (struct rect){p->x, p->y + p->h, p->w, AXIS};
        }
        if (k == column->noted) {
            layout->notes[number] =
                column->notes > 0.0
                    ? (struct rect){p->x, y + density->header - 4.0, p->w, column->notes + 4.0}
                    : place->lane;
        }
        y += panel_height(layout, column, density, k) + density->gap;
    }
}

/* ---- which panels, and where --------------------------------------------------------------- */

static bool side_by_side(const struct view *view) {
    return view->others > 0 && view->side_by_side;
}

static void choose_slots(const struct view *view, double width, struct layout *layout) {
    bool beside = side_by_side(view), used[2] = {false};
    bool sides = view->solo < 0 && view->layout == VIEW_OVERVIEW && width >= TWO_COLUMNS && !beside;
    for (unsigned run = 0; run < (beside ? view->others + 1 : 1); run++) {
        for (size_t i = 0; i < view->panels; i++) {
            if (view->solo >= 0 && view->solo != (int)i) {
                continue;
            }
            struct layout_slot *slot = &layout->slot[layout->count++];
            *slot = (struct layout_slot){.panel = view->panel[i], .index = i, .run = run};
            slot->column = beside ? (int)run : sides ? view->panel[i]->side : 0;
            used[slot->column & 1] = true;
        }
    }
    layout->columns = beside ? (int)view->others + 1 : used[0] && used[1] ? 2 : 1;
    for (size_t i = 0; i < layout->count && !used[0]; i++) {
        layout->slot[i].column = 0; /* only what is: it has the window for itself */
    }
}

static void drop_slot(struct layout *layout, size_t slot) {
    memmove(&layout->slot[slot], &layout->slot[slot + 1],
            sizeof layout->slot[0] * (layout->count - slot - 1));
    layout->count--;
    layout->hidden++;
}

/* Leaves out what would become too low, the highest rank first. */
static void fit_column(const struct view *view, struct layout *layout, int number,
                       const struct density *density, struct column *column) {
    for (;;) {
        measure_column(layout, number, density, column);
        double needed = column->fixed;
        size_t worst = 0;
        for (size_t k = 0; k < column->count; k++) {
            const struct panel *panel = layout->slot[column->slot[k]].panel;
            needed += least_of(view, &layout->slot[column->slot[k]]);
            worst = panel_rank(panel) >= panel_rank(layout->slot[column->slot[worst]].panel)
                        ? k
                        : worst;
        }
        if (needed <= column->area.h || column->count <= 1) {
            return;
        }
        drop_slot(layout, column->slot[worst]);
    }
}

/* Tight spacing in low windows, and where roomy spacing would make plots low. */
static const struct density *choose_density(const struct layout *layout, double window,
                                            double room) {
    double plots = 1.0;
    for (int c = 0; c < layout->columns; c++) {
        double count = 0.0;
        for (size_t i = 0; i < layout->count; i++) {
            count += layout->slot[i].column == c;
        }
        plots = fmax(plots, count);
    }
    return window < 560.0 || room / plots < 130.0 ? &tight : &roomy;
}

/* In one plot each run's values stand with its letter, and the difference beside them. */
static void measure_slots(const struct view *view, const struct scene *scene,
                          struct layout *layout) {
    bool shared = view->others > 0 && !view->side_by_side;
    double more = !shared ? 0.0
                          : canvas_text_width(scene->canvas, FONT_STRONG, false, " B") + MORE_GAP +
                                canvas_text_width(scene->canvas, FONT_AXIS, true, "+888 %");
    for (size_t i = 0; i < layout->count; i++) {
        struct layout_slot *slot = &layout->slot[i];
        slot->size = (struct panel_size){0};
        for (unsigned k = 0; k < (scene->every != NULL ? scene->runs : 1); k++) {
            /* One run may know what another does not: there is room for what any of them shows. */
            struct scene measured = scene->every != NULL ? scene->every[k] : *scene;
            struct panel_size size;
            measured.shared = shared && slot->panel->overlays;
            slot->panel->measure(&measured, &size);
            slot->size.left = fmax(slot->size.left, size.left);
            slot->size.right = fmax(slot->size.right, size.right);
            slot->size.lane = fmax(slot->size.lane, size.lane);
        }
        slot->size.right += slot->panel->overlays ? more : 0.0;
    }
}

/* What lies under the panels. Returns the bottom of the panels' room. */
static double place_foot(const struct view *view, double width, double height,
                         struct layout *layout) {
    double bottom = height - MARGIN;
    double lines = (view->caption[0] != '\0') +
                   (view->show_command && view->status.command[0] != '\0' ? 1.0 : 0.0);
    if (lines > 0.0) {
        bottom -= lines * LINE - 4.0;
        layout->caption =
            (struct rect){MARGIN, bottom, fmax(0.0, width - 2.0 * MARGIN), lines * LINE};
    }
    if (view->interactive && height >= MAP_WINDOW && width >= MAP_WINDOW) {
        double map = height >= 700.0 ? 44.0 : 36.0, gap = height >= 700.0 ? 8.0 : 4.0;
        map = fmax(map, 8.0 + MAP_RUN * (view->others + 1.0));
        layout->minimap = (struct rect){MARGIN, bottom - map, width - 2.0 * MARGIN, map};
        bottom -= map + gap;
    }
    return bottom;
}

void layout_make(const struct view *view, const struct scene *scene, struct layout *layout) {
    OBS_ASSERT(view != NULL && scene != NULL && layout != NULL);
    memset(layout, 0, sizeof *layout);
    double width = canvas_width(scene->canvas), height = canvas_height(scene->canvas);
    layout->status = (struct rect){MARGIN, 4.0, fmax(0.0, width - 2.0 * MARGIN), STATUS};
    double bottom = place_foot(view, width, height, layout);
    double top = layout->status.y + STATUS + 4.0, x = MARGIN;
    choose_slots(view, width, layout);
    measure_slots(view, scene, layout);
    const struct density *density = choose_density(layout, height, bottom - top);
    double room = fmax(0.0, width - 2.0 * MARGIN - density->gap * (layout->columns - 1));
    struct column column[LAYOUT_COLUMNS_MAX];
    for (int c = 0; c < layout->columns; c++) {
        bool beside = side_by_side(view);
        double share = layout->columns == 1 ? 1.0
                       : beside             ? 1.0 / layout->columns
                                            : column_share[c];
        double heading = beside ? HEADING : 0.0;
        if (beside) {
            layout->heading[c] = (struct rect){x, top, room * share, HEADING};
        }
        column[c].area =
            (struct rect){x, top + heading, room * share, fmax(0.0, bottom - top - heading)};
        fit_column(view, layout, c, density, &column[c]);
        x += column[c].area.w + density->gap;
    }
    layout->hidden /= side_by_side(view) ? (size_t)layout->columns : 1;
    for (int c = 0; c < layout->columns; c++) {
        measure_column(layout, c, density, &column[c]); /* slots moved up when others went */
        share_heights(view, layout, &column[c]);
        if (c == 1 && !side_by_side(view)) {
            align_edges(view, layout, density, &column[0], &column[1]);
        }
        place_column(scene->canvas, layout, c, density, &column[c]);
    }
}

void layout_part(const struct canvas *canvas, const struct layout *layout, size_t slot,
                 unsigned run, unsigned runs, struct panel_place *part) {
    OBS_ASSERT(slot < layout->count && run < runs);
    const struct panel_place *whole = &layout->place[slot];
    const struct panel_size *size = &layout->slot[slot].size;
    *part = *whole;
    if (layout->slot[slot].panel->timeless) {
        double w = whole->frame.w / runs;
        place_across(canvas, whole->frame.x + w * run, w, size->left, size->right, part);
        part->frame.x = whole->frame.x + w * run;
        part->frame.w = w;
        double letter = fmin(LETTER, whole->plot.h / 2.0); /* which run it is stands above */
        part->plot.y += letter;
        part->plot.h -= letter;
        part->labels.y += letter;
        part->labels.h -= letter;
        part->plot = snapped(canvas, part->plot);
        return;
    }
    double between = size->lane + BAND_GAP;
    double h = fmax(8.0, floor((whole->plot.h - between * (runs - 1)) / runs));
    double y = canvas_snap(canvas, whole->plot.y + run * (h + between));
    part->lane.y = y - (whole->plot.y - whole->lane.y);
    part->plot.y = part->labels.y = y;
    part->plot.h = part->labels.h = h;
    part->plot = snapped(canvas, part->plot);
}

struct rect layout_room(const struct canvas *canvas) {
    return (struct rect){MARGIN, STATUS + MARGIN, fmax(0.0, canvas_width(canvas) - 2.0 * MARGIN),
                         fmax(0.0, canvas_height(canvas) - STATUS - 2.0 * MARGIN)};
}
