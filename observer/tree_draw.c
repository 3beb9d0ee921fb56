#include "tree_draw.h"

#include <math.h>

#include "obs_check.h"

enum { SHADE_COLUMNS = 6 };

static const double ROUND = 2.0;
static const double OUTLINE = 2.0;
static const double FAINTEST = 0.40; /* how much of its level's colour the oldest table keeps */

static struct tree_bin bins[TREE_BINS_MAX]; /* of one row at a time */

static double clamp01(double share) {
    return share < 1.0 ? (share > 0.0 ? share : 0.0) : 1.0;
}

struct color tree_level_color(const struct scene *scene, unsigned level, double youth) {
    OBS_ASSERT(level < THEME_LEVELS);
    double strength = FAINTEST + (1.0 - FAINTEST) * youth;
    return theme_mix(scene->theme->panel, scene->theme->level[level], strength);
}

double tree_hollow(const struct scope_table *table) {
    return table->entries > 0 ? fmin(1.0, (double)table->tombstones / (double)table->entries) : 0.0;
}

/* ---- one table ------------------------------------------------------------------------------- */

/* A gravestone: the mark of a table that is mostly deletes. */
static void draw_stone(const struct tree_picture *picture, struct rect at, double alpha) {
    struct canvas *canvas = picture->scene->canvas;
    double w = 8.0, h = 10.0;
    if (at.w < w + 6.0 || at.h < h + 8.0) {
        return;
    }
    struct color ink = theme_fade(picture->scene->theme->window, 0.85 * alpha);
    double x = canvas_snap(canvas, at.x + (at.w - w) / 2.0);
    double y = canvas_snap(canvas, at.y + 5.0);
    canvas_fill_rect(canvas, (struct rect){x, y, w, h - 3.0}, w / 2.0, ink);
    canvas_fill_rect(canvas, (struct rect){x, y + 4.0, w, h - 4.0}, 0.0, ink);
    canvas_fill_rect(canvas, (struct rect){x - 2.0, y + h, w + 4.0, 1.5}, 0.0, ink);
}

/* The part of a table that is tombstones is hollow: nothing will be left of it. Hatched only where
 * it is much, or the hatching would be all one sees. */
static void draw_hollow(const struct tree_picture *picture, struct rect at, struct color color,
                        double share, double alpha) {
    struct canvas *canvas = picture->scene->canvas;
    double line = canvas_pixel(canvas);
    double high = canvas_snap(canvas, fmax(2.0, share * at.h));
    if (at.h < 4.0 * line || at.w < 2.0 * line || share < 0.005) {
        return;
    }
    bool heavy = share >= TREE_HEAVY;
    double inset = heavy && at.w >= 6.0 && at.h >= 8.0 ? fmax(line, 1.0) : 0.0;
    struct rect foot = {at.x + inset, at.y + at.h - high - inset, at.w - 2.0 * inset, high};
    canvas_fill_rect(canvas, foot, 0.0,
                     theme_fade(picture->scene->theme->panel, (heavy ? 0.80 : 0.45) * alpha));
    if (heavy && at.w >= 8.0 && high >= 5.0) {
        canvas_hatch(canvas, foot, 6.0, 1.0, theme_fade(color, 0.75 * alpha));
    }
}

void tree_draw_table(const struct tree_picture *picture, const struct scope_table *table,
                     struct rect at, double youth, double alpha) {
    struct canvas *canvas = picture->scene->canvas;
    struct color color = tree_level_color(picture->scene, table->level, youth);
    bool large = at.w >= 8.0 && at.h >= 5.0;
    canvas_fill_rect(canvas, at, large ? ROUND : 0.0, theme_fade(color, alpha));
    if (table->tombstones > 0) {
        double share = tree_hollow(table);
        draw_hollow(picture, at, color, share, alpha);
        if (share >= TREE_HEAVY) {
            draw_stone(picture, at, alpha);
        }
    }
}

/* Inside its edge, so that neighbours stay apart; a dark line parts it from any fill. */
static void draw_outline(const struct tree_picture *picture, struct rect at) {
    struct canvas *canvas = picture->scene->canvas;
    struct color color = picture->scene->theme->compaction;
    canvas_fill_rect(canvas, at, ROUND, theme_fade(color, 0.22));
    double line = fmin(OUTLINE, fmin(at.w, at.h) / 3.0);
    if (at.w < 5.0 || at.h < 5.0) { /* too small for an outline: its upper edge */
        at.h = fmin(at.h, OUTLINE);
        canvas_fill_rect(canvas, at, 0.0, color);
        return;
    }
    struct rect edge = {at.x + line / 2.0, at.y + line / 2.0, at.w - line, at.h - line};
    canvas_stroke_rect(canvas, edge, ROUND, line, color);
    if (at.w >= 12.0 && at.h >= 12.0) {
        struct rect gap = {edge.x + line, edge.y + line, edge.w - 2.0 * line, edge.h - 2.0 * line};
        struct color dark = theme_fade(picture->scene->theme->panel, 0.7);
        canvas_stroke_rect(canvas, gap, 1.0, 1.0, dark);
    }
}

/* ---- tables told by columns ------------------------------------------------------------------ */

static struct canvas_column column_of(const struct tree_picture *picture, unsigned level,
                                      const struct tree_bin *bin, uint32_t deepest) {
    const struct tree_row *row = &picture->layout->row[level];
    double foot = row->box.y + row->box.h, high;
    if (row->piled) {
        high = row->box.h * bin->depth / deepest;
    } else {
        high = tree_layout_height(picture->layout, level, (uint64_t)(bin->bytes / bin->depth),
                                  row->box.h);
    }
    return (struct canvas_column){foot - high, foot};
}

/* Columns of one shade: neighbours, a few at a time. Finer differences of age would be noise. */
static size_t shade_run(size_t first, size_t columns, double *youth) {
    size_t end = first;
    double sum = 0.0, depth = 0.0;
    while (end < columns && end - first < SHADE_COLUMNS && bins[end].depth > 0) {
        sum += bins[end].youth;
        depth += bins[end].depth;
        end++;
    }
    *youth = depth > 0.0 ? fmax(0.0, sum / depth) : 0.0;
    return end;
}

static void draw_shades(const struct tree_picture *picture, unsigned level, size_t columns,
                        const struct canvas_column *column) {
    double pixel = picture->layout->pixel, youth;
    for (size_t i = 0; i < columns;) {
        size_t end = shade_run(i, columns, &youth);
        if (end > i) {
            canvas_columns(picture->scene->canvas, picture->layout->plot.x + (double)i * pixel,
                           column + i, end - i, tree_level_color(picture->scene, level, youth));
        }
        i = end > i ? end : i + 1;
    }
}

/* A pile's layers: a line every 1, 2, 5, 10 ... tables, so that its height can be counted. */
static void draw_layers(const struct tree_picture *picture, unsigned level, uint32_t deepest) {
    struct canvas *canvas = picture->scene->canvas;
    const struct rect *box = &picture->layout->row[level].box;
    double line = fmax(canvas_pixel(canvas), canvas_snap(canvas, 1.0));
    double each = 1.0;
    for (int i = 0; each * box->h / deepest < 7.0 && i < 30; i++) {
        each *= i % 3 == 1 ? 2.5 : 2.0;
    }
    struct color color = theme_fade(picture->scene->theme->panel, 0.45);
    for (double n = each; n < deepest; n += each) {
        double y = canvas_snap(canvas, box->y + box->h * (1.0 - n / deepest));
        canvas_fill_rect(canvas, (struct rect){box->x, y, box->w, line}, 0.0, color);
    }
}

static void draw_columns(const struct tree_picture *picture, unsigned level) {
    const struct scene *scene = picture->scene;
    size_t columns = tree_layout_bins(picture->layout, picture->shape, level, bins);
    if (columns > scene->columns_max) {
        columns = scene->columns_max;
    }
    struct canvas_column *column = scene->columns, *foot = column + scene->columns_max,
                         *input = foot + scene->columns_max;
    uint32_t deepest = 1;
    for (size_t i = 0; i < columns; i++) {
        deepest = bins[i].depth > deepest ? bins[i].depth : deepest;
    }
    bool any = false, hollow = false, busy = false;
    for (size_t i = 0; i < columns; i++) {
        const struct tree_bin *bin = &bins[i];
        column[i] = foot[i] = input[i] = (struct canvas_column){0.0, 0.0};
        if (bin->depth == 0) {
            continue;
        }
        any = true;
        column[i] = column_of(picture, level, bin, deepest);
        input[i] = bin->busy > 0 ? column[i] : input[i];
        busy = busy || bin->busy > 0;
        double high = (column[i].bottom - column[i].top) * clamp01(bin->hollow / bin->depth);
        if (high >= 0.5) {
            foot[i] = (struct canvas_column){column[i].bottom - high, column[i].bottom};
            column[i].bottom -= high;
            hollow = true;
        }
    }
    double x = picture->layout->plot.x;
    if (any) {
        draw_shades(picture, level, columns, column);
    }
    if (any && picture->layout->row[level].piled) {
        draw_layers(picture, level, deepest);
    }
    if (hollow) {
        struct color color =
            theme_mix(scene->theme->panel, tree_level_color(scene, level, 0.4), 0.5);
        canvas_columns(scene->canvas, x, foot, columns, color);
    }
    if (busy) {
        canvas_columns(scene->canvas, x, input, columns, theme_fade(scene->theme->compaction, 0.7));
    }
}

/* Where the next flushes will land, up to the number that starts a compaction. */
static void draw_slots(const struct tree_picture *picture) {
    const struct scene *scene = picture->scene;
    const struct tree_row *row = &picture->layout->row[0];
    double pixel = picture->layout->pixel, slot = floor(row->box.h / row->lanes / pixel) * pixel;
    if (row->piled || slot < 8.0) {
        return;
    }
    double gap = canvas_snap(scene->canvas, 2.0), foot = row->box.y + row->box.h;
    struct color color = theme_mix(scene->theme->panel, scene->theme->grid, 0.42);
    for (size_t i = 0; i < row->lanes; i++) {
        struct rect at = {row->box.x, foot - slot * (double)(i + 1) + gap, row->box.w, slot - gap};
        canvas_fill_rect(scene->canvas, at, ROUND, color);
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void draw_rows(const struct tree_picture *picture) {
    const struct scene *scene = picture->scene;
    double line = fmax(canvas_pixel(scene->canvas), canvas_snap(scene->canvas, 1.0));
    for (unsigned level = 0; level < picture->layout->rows; level++) {
        const struct rect *box = &picture->layout->row[level].box;
        struct rect rule = {box->x, box->y + box->h, box->w, line};
        if (picture->layout->row[level].thin) {
            rule.y = canvas_snap(scene->canvas, box->y + box->h / 2.0);
        }
        if (level > 0) {
            canvas_fill_rect(scene->canvas, rule, 0.0, scene->theme->grid);
        }
    }
    draw_slots(picture);
}

static bool by_itself(const struct tree_picture *picture, size_t i) {
    unsigned level = picture->shape->tables[i].level;
    return level < picture->layout->rows && !picture->layout->row[level].piled &&
           !picture->layout->item[i].narrow && !picture->layout->item[i].moving;
}

static struct rect item_rect(const struct tree_item *item) {
    return (struct rect){item->x0, item->y0, item->x1 - item->x0, item->y1 - item->y0};
}

void tree_draw_tables(const struct tree_picture *picture) {
    const struct scope_shape *shape = picture->shape;
    OBS_ASSERT(shape->count == picture->layout->count);
    draw_rows(picture);
    for (unsigned level = 0; level < picture->layout->rows; level++) {
        if (picture->layout->row[level].tables > 0) {
            draw_columns(picture, level);
        }
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (by_itself(picture, i)) {
            const struct tree_item *item = &picture->layout->item[i];
            tree_draw_table(picture, &shape->tables[i], item_rect(item), (double)item->youth, 1.0);
        }
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->tables[i].busy && by_itself(picture, i)) {
            draw_outline(picture, item_rect(&picture->layout->item[i]));
        }
    }
}
