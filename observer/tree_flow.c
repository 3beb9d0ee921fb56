/* tree_flow.c: what moves: the memtables that fill, jobs that flow, changes that settle. */
#include "tree_draw.h"

#include <math.h>

#include "obs_check.h"

enum { SIDE_POINTS = 14, STREAKS_MAX = 96 };

static const double STREAK_EVERY = 8.0; /* logical pixels between falling streaks */
static const double FALL_S = 1.1;       /* from the inputs to the outputs */

static double ease(double t) {
    t = fmax(0.0, fmin(1.0, t));
    return t * t * (3.0 - 2.0 * t);
}

static double between(double a, double b, double t) {
    return a + (b - a) * t;
}

static struct rect rect_between(struct rect a, struct rect b, double t) {
    return (struct rect){between(a.x, b.x, t), between(a.y, b.y, t), between(a.w, b.w, t),
                         between(a.h, b.h, t)};
}

/* ---- memtables ------------------------------------------------------------------------------- */

static struct rect sealed_bar(const struct tree_picture *picture, unsigned number) {
    const struct rect *room = &picture->layout->sealed;
    double pixel = picture->layout->pixel;
    unsigned shown = picture->memtables.sealed > 2 ? picture->memtables.sealed : 2;
    double each = fmax(pixel, floor(room->h / shown / pixel) * pixel);
    double gap = each >= 3.0 * pixel ? pixel : 0.0;
    double y = room->y + room->h - each * (number + 1);
    return (struct rect){room->x, fmax(room->y, y) + gap, room->w, each - gap};
}

void tree_draw_memtables(const struct tree_picture *picture) {
    const struct scene *scene = picture->scene;
    const struct tree_memtables *memtables = &picture->memtables;
    struct rect track = picture->layout->active;
    if (track.h <= 0.0 || !memtables->known) {
        return;
    }
    double round = fmin(3.0, track.h / 2.0);
    double share = memtables->limit > 0.0 ? fmin(1.0, memtables->bytes / memtables->limit) : 1.0;
    canvas_fill_rect(scene->canvas, track, round,
                     theme_mix(scene->theme->panel, scene->theme->grid, 0.9));
    track.w *= share;
    canvas_fill_rect(scene->canvas, track, round, scene->theme->op[0]);
    struct color waiting = theme_mix(scene->theme->op[0], scene->theme->axis, 0.65);
    for (unsigned i = 0; i < memtables->sealed && i < 64; i++) {
        canvas_fill_rect(scene->canvas, sealed_bar(picture, i), 0.0, waiting);
    }
}

/* ---- flows ----------------------------------------------------------------------------------- */

/* A band between two levels: from [x0, x1] at the top to [x2, x3] at the bottom. */
struct band {
    double y0, y1;
    double x0, x1, x2, x3;
    double bend0, bend1; /* heights between which it widens */
    struct color color;
    double alpha;
};

static double band_x(const struct band *band, double across, double y) {
    double t = ease((y - band->bend0) / fmax(1.0, band->bend1 - band->bend0));
    return between(between(band->x0, band->x1, across), between(band->x2, band->x3, across), t);
}

static void draw_band(const struct tree_picture *picture, const struct band *band) {
    struct point path[2 * SIDE_POINTS];
    for (int i = 0; i < SIDE_POINTS; i++) {
        double y = between(band->bend0, band->bend1, (double)i / (SIDE_POINTS - 1));
        path[i] = (struct point){band_x(band, 0.0, y), y};
        path[2 * SIDE_POINTS - 1 - i] = (struct point){band_x(band, 1.0, y), y};
    }
    struct canvas *canvas = picture->scene->canvas;
    canvas_polygon(canvas, path, 2 * SIDE_POINTS, theme_fade(band->color, 0.30 * band->alpha));
    struct color edge = theme_fade(band->color, 0.70 * band->alpha);
    canvas_polyline(canvas, path, SIDE_POINTS, 1.0, edge, NULL, 0);
    canvas_polyline(canvas, path + SIDE_POINTS, SIDE_POINTS, 1.0, edge, NULL, 0);
}

static double scattered(unsigned number) { /* 0 .. 1, even but without a pattern */
    double x = (double)number * 0.6180339887498949;
    return x - floor(x);
}

/* Short streaks fall through the band, faint where they leave and where they arrive. */
static void draw_streaks(const struct tree_picture *picture, const struct band *band,
                         double began) {
    double widest = fmax(band->x1 - band->x0, band->x3 - band->x2);
    double tall = band->y1 - band->y0;
    unsigned count = (unsigned)fmax(8.0, fmin(STREAKS_MAX, widest / STREAK_EVERY));
    struct color bright = theme_mix(band->color, picture->scene->theme->text, 0.35);
    double long_s = fmin(0.14, 9.0 / fmax(1.0, tall));
    for (unsigned i = 0; i < count; i++) {
        double across = ((double)i + 0.5) / count;
        double t = (picture->now - began) / FALL_S + scattered(i + 1);
        t -= floor(t);
        double from = band->y0 + tall * fmax(0.0, t - long_s), to = band->y0 + tall * t;
        struct point a = {band_x(band, across, from), from}, b = {band_x(band, across, to), to};
        double alpha = sin(M_PI * t) * band->alpha;
        canvas_line(picture->scene->canvas, a, b, 2.0, theme_fade(bright, alpha));
    }
}

/* The range that the outputs will cover: a bracket under the row, as the compactions' brackets in
 * time. */
static void draw_range(const struct tree_picture *picture, const struct band *band,
                       const struct rect *box) {
    struct canvas *canvas = picture->scene->canvas;
    double line = fmax(canvas_pixel(canvas), canvas_snap(canvas, 2.0));
    double foot = canvas_snap(canvas, box->y + box->h + 1.0);
    double x0 = canvas_snap(canvas, band->x2), x1 = canvas_snap(canvas, band->x3);
    struct color color = theme_fade(band->color, band->alpha);
    x1 = fmax(x1, x0 + 2.0 * line);
    canvas_fill_rect(canvas, (struct rect){x0, box->y, x1 - x0, foot - box->y}, 0.0,
                     theme_fade(band->color, 0.12 * band->alpha));
    canvas_fill_rect(canvas, (struct rect){x0, foot, x1 - x0, line}, 0.0, color);
    if (box->h >= 12.0) {
        canvas_fill_rect(canvas, (struct rect){x0, foot - 4.0, line, 4.0}, 0.0, color);
        canvas_fill_rect(canvas, (struct rect){x1 - line, foot - 4.0, line, 4.0}, 0.0, color);
    }
}

static double fading(const struct tree_picture *picture, const struct tree_job *job) {
    return job->running ? 1.0 : fmax(0.0, 1.0 - (picture->now - job->ended) / TREE_SETTLE_S);
}

static void draw_compaction(const struct tree_picture *picture, size_t index) {
    const struct tree_layout *layout = picture->layout;
    const struct tree_job *job = &picture->motion->job[index];
    struct tree_flow flow;
    if (job->to >= layout->rows || job->from >= layout->rows ||
        !tree_motion_flow(picture->motion, index, picture->shape, &flow)) {
        return;
    }
    const struct rect *from = &layout->row[job->from].box, *to = &layout->row[job->to].box;
    struct band band = {
        .y0 = from->y + from->h * 0.6,
        .y1 = to->y + to->h * 0.4,
        .x0 = tree_layout_x(layout, flow.from_lo),
        .x1 = tree_layout_x(layout, flow.from_hi),
        .x2 = tree_layout_x(layout, flow.to_lo),
        .x3 = tree_layout_x(layout, flow.to_hi),
        .bend0 = from->y + from->h + 1.0,
        .bend1 = to->y,
        .color = picture->scene->theme->compaction,
        .alpha = fading(picture, job),
    };
    if (layout->positions <= 0.0) {
        band.x1 = band.x3 = layout->plot.x + layout->plot.w;
    }
    band.x1 = fmax(band.x1, band.x0 + 2.0);
    band.x3 = fmax(band.x3, band.x2 + 2.0);
    if (job->to <= job->from) { /* within a level: marked, nothing falls */
        return;
    }
    draw_band(picture, &band);
    draw_range(picture, &band, to);
    draw_streaks(picture, &band, job->began);
}

static void draw_flush(const struct tree_picture *picture, const struct tree_job *job) {
    const struct tree_layout *layout = picture->layout;
    if (!job->running || layout->sealed.h <= 0.0 || layout->row[0].piled) {
        return;
    }
    struct rect bar = sealed_bar(picture, 0);
    double foot = layout->row[0].box.y + layout->row[0].box.h;
    for (size_t i = 0; i < layout->count; i++) {
        if (picture->shape->tables[i].level == 0) {
            foot = fmin(foot, layout->item[i].y0);
        }
    }
    struct band band = {.y0 = bar.y,
                        .y1 = fmax(foot, bar.y + bar.h + 4.0),
                        .x0 = bar.x,
                        .x1 = bar.x + bar.w,
                        .x2 = bar.x,
                        .x3 = bar.x + bar.w,
                        .bend0 = bar.y + bar.h,
                        .bend1 = fmax(foot, bar.y + bar.h + 4.0),
                        .color = picture->scene->theme->flush,
                        .alpha = 1.0};
    canvas_fill_rect(picture->scene->canvas, bar, 0.0, band.color);
    draw_streaks(picture, &band, job->began);
}

void tree_draw_flows(const struct tree_picture *picture) {
    for (size_t i = 0; i < picture->motion->jobs; i++) {
        const struct tree_job *job = &picture->motion->job[i];
        if (job->flush) {
            draw_flush(picture, job);
        } else {
            draw_compaction(picture, i);
        }
    }
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Where the memtable was that became this table. */
static struct rect origin_of(const struct tree_picture *picture, struct rect place) {
    const struct tree_layout *layout = picture->layout;
    double top = layout->sealed.h > 0.0 ? layout->sealed.y : layout->plot.y;
    return (struct rect){layout->plot.x, top, layout->plot.w, place.h};
}

static void draw_arrival(const struct tree_picture *picture, const struct tree_change *change) {
    const struct tree_item *item = &picture->layout->item[change->index];
    const struct scope_table *table = &picture->shape->tables[change->index];
    struct rect place = {item->x0, item->y0, item->x1 - item->x0, item->y1 - item->y0};
    double t = change->progress, alpha = 1.0;
    if (change->kind == TREE_DROPPED) { /* falls as things fall */
        place = rect_between(origin_of(picture, place), place, t * t);
    } else if (change->kind == TREE_MOVED && change->from < picture->layout->rows) {
        struct scope_table before = *table;
        before.level = (uint8_t)change->from;
        place = rect_between(tree_layout_alone(picture->layout, &before), place, ease(t));
    } else {
        alpha = ease(t);
        place.y -= 8.0 * (1.0 - ease(t));
    }
    tree_draw_table(picture, table, place, (double)item->youth, alpha);
    struct color glow = change->kind == TREE_DROPPED ? picture->scene->theme->flush
                                                     : picture->scene->theme->compaction;
    canvas_fill_rect(picture->scene->canvas, place, 2.0,
                     theme_fade(glow, 0.5 * (1.0 - t) * (1.0 - t)));
}

void tree_draw_changes(const struct tree_picture *picture) {
    const struct tree_motion *motion = picture->motion;
    double pile = 0.0; /* of what left L0: the oldest, from the bottom */
    for (size_t i = motion->changes; i-- > 0;) {
        const struct tree_change *change = &motion->change[i];
        if (change->table.level >= picture->layout->rows) {
            continue;
        }
        if (change->kind != TREE_REMOVED) {
            if (picture->layout->item[change->index].moving) {
                draw_arrival(picture, change);
            }
            continue;
        }
        struct rect place = tree_layout_alone(picture->layout, &change->table);
        if (change->table.level == 0) {
            place.y -= pile;
            pile += place.h;
        }
        if (place.y >= picture->layout->row[change->table.level].box.y - 1.0) {
            tree_draw_table(picture, &change->table, place, 0.4,
                            0.8 * (1.0 - ease(change->progress)));
        }
    }
}
