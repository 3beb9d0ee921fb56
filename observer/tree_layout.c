#include "tree_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

static const double NARROW_PX = 6.0;   /* device pixels below which a table is told by columns */
static const double GAP_FROM_PX = 2.5; /* from here on a gap parts it from its neighbour */
static const double LANE_LEAST = 3.0;  /* lower lanes make a pile */
static const double TABLE_LEAST = 2.0; /* height of a table of no bytes */
static const double ROW_SHARE_MOST = 0.30;

/* Scratch of one layout at a time; one thread draws. */
static struct {
    int32_t edge[TREE_BINS_MAX + 2];
    uint32_t order[SCOPE_MAX_TABLES];
    uint8_t lane[SCOPE_MAX_TABLES]; /* by index in the shape */
    const struct scope_shape *sorting;
    const struct tree_layout *sorting_layout;
} scratch;

/* Written out: the library's functions mind NANs, and here they are called for every table. */
static double clamp(double value, double least, double most) {
    value = value < most ? value : most;
    return value > least ? value : least;
}

/* REQUIRES: a coordinate on a screen: from 0 up. */
static double snap(double pixel, double coordinate) {
    return (double)(int64_t)(coordinate / pixel + 0.5) * pixel;
}

/* ---- across: keys ---------------------------------------------------------------------------- */

double tree_layout_x(const struct tree_layout *layout, uint64_t position) {
    if (layout->positions <= 0.0) {
        return layout->plot.x;
    }
    double along = position > layout->lo ? (double)(position - layout->lo) : 0.0;
    return layout->plot.x + clamp(along / layout->positions, 0.0, 1.0) * layout->plot.w;
}

static void span_of(const struct scope_shape *shape, struct tree_layout *layout) {
    uint64_t lo = UINT64_MAX, hi = 0;
    for (size_t i = 0; i < shape->count; i++) {
        lo = shape->tables[i].lo < lo ? shape->tables[i].lo : lo;
        hi = shape->tables[i].hi > hi ? shape->tables[i].hi : hi;
    }
    layout->lo = lo;
    layout->positions = hi > lo ? (double)(hi - lo) : 0.0;
}

/* Left and right edge, a device pixel apart at least and inside the plot. */
static void table_edges(const struct tree_layout *layout, const struct scope_table *table,
                        double *x0, double *x1) {
    double left = layout->plot.x, right = left + layout->plot.w;
    *x0 = left;
    *x1 = right;
    if (layout->positions > 0.0) {
        double from = tree_layout_x(layout, table->lo);
        double to = table->hi > table->lo ? tree_layout_x(layout, table->hi) : from;
        *x0 = clamp(snap(layout->pixel, from), left, right - layout->pixel);
        *x1 = clamp(snap(layout->pixel, to), *x0 + layout->pixel, right);
    }
}

static void place_across(const struct tree_input *input, struct tree_layout *layout) {
    const struct scope_shape *shape = input->shape;
    float scale = 1.0f / logf(1.0f + (float)fmax(1.0, input->age_oldest_s));
    for (size_t i = 0; i < shape->count; i++) {
        const struct scope_table *table = &shape->tables[i];
        struct tree_item *item = &layout->item[i];
        *item = (struct tree_item){0};
        table_edges(layout, table, &item->x0, &item->x1);
        double wide = (item->x1 - item->x0) / layout->pixel;
        item->narrow = wide < NARROW_PX - 0.5;
        if (wide > GAP_FROM_PX) {
            item->x1 -= layout->pixel; /* neighbours are told apart */
        }
        uint64_t born = table->created_ns;
        float age = born < input->moment_ns ? (float)(input->moment_ns - born) * 1e-9f : 0.0f;
        float youth = 1.0f - logf(1.0f + age) * scale;
        item->youth = youth > 0.0f ? youth : 0.0f;
    }
}

static size_t column_of(const struct tree_layout *layout, double x) {
    double column = (x - layout->plot.x) / layout->pixel;
    return (size_t)clamp(column, 0.0, TREE_BINS_MAX - 1);
}

/* ---- down: rows ------------------------------------------------------------------------------ */

static void count_rows(const struct scope_shape *shape, struct tree_layout *layout) {
    for (size_t i = 0; i < shape->count; i++) {
        unsigned level = shape->tables[i].level;
        if (level < layout->rows) {
            struct tree_row *row = &layout->row[level];
            row->tables++;
            row->bytes += shape->tables[i].bytes;
            row->bytes_top = fmax(row->bytes_top, (double)shape->tables[i].bytes);
        }
    }
    size_t next[SCOPE_MAX_LEVELS], first = 0;
    for (unsigned level = 0; level < layout->rows; level++) {
        /* The scale moves in steps, so that a row does not breathe with its largest table. */
        struct tree_row *row = &layout->row[level];
        row->bytes_top = exp2(ceil(log2(fmax(1.0, row->bytes_top)) * 4.0) / 4.0);
        next[level] = row->first = first;
        first += row->tables;
    }
    for (size_t i = 0; i < shape->count; i++) {
        unsigned level = shape->tables[i].level;
        if (level < layout->rows) {
            layout->member[next[level]++] = (uint32_t)i;
        }
    }
}

static void place_rows(const struct tree_input *input, struct tree_layout *layout) {
    double pixel = layout->pixel, y = input->plot.y, high = input->plot.h;
    double gap = snap(pixel, clamp(high * fmin(0.045, 0.18 / layout->rows), 4.0, 30.0));
    double thin = snap(pixel, clamp(high * 0.04, 5.0, 16.0));
    if (input->memtables) {
        double active = snap(pixel, clamp(high * 0.035, 5.0, 18.0));
        y += snap(pixel, clamp(high * 0.012, 2.0, 8.0));
        double sealed = snap(pixel, clamp(high * 0.03, 4.0, 14.0));
        layout->active = (struct rect){input->plot.x, y, input->plot.w, active};
        layout->sealed = (struct rect){input->plot.x, y + active + 2.0, input->plot.w, sealed};
        y += active + 2.0 + sealed + gap;
    }
    unsigned full = 0;
    for (unsigned level = 0; level < layout->rows; level++) {
        struct tree_row *row = &layout->row[level];
        row->thin = row->tables == 0 && level > 0 && (input->into >> level & 1u) == 0;
        full += row->thin ? 0 : 1;
    }
    double left = input->plot.y + high - y - gap * (layout->rows - 1);
    double each = (left - thin * (layout->rows - full)) / fmax(1.0, full);
    each = floor(clamp(each, 2.0 * pixel, high * ROW_SHARE_MOST) / pixel) * pixel;
    for (unsigned level = 0; level < layout->rows; level++) {
        struct tree_row *row = &layout->row[level];
        double bottom = input->plot.y + high;
        row->box = (struct rect){input->plot.x, fmin(y, bottom - pixel), input->plot.w,
                                 row->thin ? thin : each};
        row->box.h = fmin(row->box.h, bottom - row->box.y);
        y += row->box.h + gap;
    }
}

double tree_layout_height(const struct tree_layout *layout, unsigned level, uint64_t bytes,
                          double room) {
    OBS_ASSERT(level < SCOPE_MAX_LEVELS);
    double share = (double)bytes / layout->row[level].bytes_top;
    double least = TABLE_LEAST < room ? TABLE_LEAST : room;
    return snap(layout->pixel, clamp(share * room, least, room));
}

struct rect tree_layout_alone(const struct tree_layout *layout, const struct scope_table *table) {
    OBS_ASSERT(table->level < layout->rows);
    const struct rect *box = &layout->row[table->level].box;
    double x0, x1;
    table_edges(layout, table, &x0, &x1);
    double room = box->h / layout->row[table->level].lanes;
    double high = tree_layout_height(layout, table->level, table->bytes, room);
    return (struct rect){x0, box->y + box->h - high, x1 - x0, high};
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static uint32_t member_of(const struct tree_layout *layout, unsigned level, size_t i) {
    return layout->member[layout->row[level].first + i];
}

/* The most tables over one pixel. What only touches does not overlap. */
static unsigned depth_of(const struct tree_layout *layout, unsigned level) {
    size_t columns = column_of(layout, layout->plot.x + layout->plot.w) + 1;
    memset(scratch.edge, 0, (columns + 1) * sizeof scratch.edge[0]);
    for (size_t i = 0; i < layout->row[level].tables; i++) {
        const struct tree_item *item = &layout->item[member_of(layout, level, i)];
        if (!item->narrow) {
            scratch.edge[column_of(layout, item->x0 + 0.5 * layout->pixel)]++;
            scratch.edge[column_of(layout, item->x1 + 0.5 * layout->pixel)]--;
        }
    }
    int32_t depth = 0, most = 0;
    for (size_t i = 0; i < columns; i++) {
        depth += scratch.edge[i];
        most = depth > most ? depth : most;
    }
    return (unsigned)most;
}

static int by_age(const void *a, const void *b) {
    const struct scope_table *s = &scratch.sorting->tables[*(const uint32_t *)a];
    const struct scope_table *t = &scratch.sorting->tables[*(const uint32_t *)b];
    if (s->created_ns != t->created_ns) {
        return s->created_ns < t->created_ns ? -1 : 1;
    }
    return s->id < t->id ? -1 : s->id > t->id;
}

static int by_key(const void *a, const void *b) {
    const struct tree_item *s = &scratch.sorting_layout->item[*(const uint32_t *)a];
    const struct tree_item *t = &scratch.sorting_layout->item[*(const uint32_t *)b];
    if (s->x0 < t->x0 || s->x0 > t->x0) {
        return s->x0 < t->x0 ? -1 : 1;
    }
    return by_age(a, b);
}

static size_t sort_level(const struct tree_layout *layout, const struct scope_shape *shape,
                         unsigned level, int (*order)(const void *, const void *)) {
    const struct tree_row *row = &layout->row[level];
    memcpy(scratch.order, layout->member + row->first, row->tables * sizeof scratch.order[0]);
    scratch.sorting = shape;
    scratch.sorting_layout = layout;
    qsort(scratch.order, row->tables, sizeof scratch.order[0], order);
    return row->tables;
}

/* Oldest at the bottom; each as high as its bytes, so the pile grows as L0 fills. */
static void pile_up(const struct tree_input *input, struct tree_layout *layout) {
    struct tree_row *row = &layout->row[0];
    double slots = fmax(input->l0_slots, fmax(2.0, (double)row->tables));
    double slot = floor(row->box.h / slots / layout->pixel) * layout->pixel;
    row->lanes = (unsigned)slots;
    if (slot < LANE_LEAST * layout->pixel) {
        row->piled = true;
        return;
    }
    double gap = slot >= 4.0 * layout->pixel ? fmin(slot / 4.0, 2.0) : 0.0;
    gap = snap(layout->pixel, gap);
    double y = row->box.y + row->box.h;
    size_t n = sort_level(layout, input->shape, 0, by_age);
    for (size_t i = 0; i < n; i++) {
        uint32_t index = scratch.order[i];
        struct tree_item *item = &layout->item[index];
        double high = tree_layout_height(layout, 0, input->shape->tables[index].bytes, slot - gap);
        item->narrow = false; /* it has a line to itself */
        item->y1 = item->lane_y1 = y;
        item->y0 = item->lane_y0 = y - high;
        y -= high + gap;
    }
}

/* First the lanes that are free at a table's left edge; of these the one whose last table was made
 * at the most similar time, so that a sorted run stays on one lane. False: too many would be
 * needed. */
static bool choose_lanes(const struct tree_layout *layout, const struct scope_shape *shape,
                         size_t n, unsigned lanes_most, unsigned *lanes) {
    double end[TREE_LANES_MAX];
    uint64_t made[TREE_LANES_MAX];
    *lanes = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t index = scratch.order[i];
        const struct tree_item *item = &layout->item[index];
        uint64_t born = shape->tables[index].created_ns, nearest = UINT64_MAX;
        unsigned best = *lanes;
        for (unsigned lane = 0; lane < *lanes; lane++) {
            uint64_t apart = born > made[lane] ? born - made[lane] : made[lane] - born;
            if (end[lane] <= item->x0 + 1e-6 && apart < nearest) {
                best = lane;
                nearest = apart;
            }
        }
        if (best == *lanes && ++*lanes > lanes_most) {
            return false;
        }
        end[best] = item->x1;
        made[best] = born;
        scratch.lane[index] = (uint8_t)best;
    }
    return true;
}

static void place_on_lanes(const struct tree_input *input, struct tree_layout *layout,
                           unsigned level) {
    struct tree_row *row = &layout->row[level];
    row->lanes = 1;
    row->depth = depth_of(layout, level);
    bool several = row->depth > 1;
    if (several) {
        double most = fmin(TREE_LANES_MAX, row->box.h / (LANE_LEAST * layout->pixel));
        if (row->tables > TREE_BINS_MAX / 8 || row->depth > most) {
            row->piled = true;
            return;
        }
        size_t n = sort_level(layout, input->shape, level, by_key);
        row->piled = !choose_lanes(layout, input->shape, n, (unsigned)most, &row->lanes);
        if (row->piled) {
            row->lanes = 1;
            return;
        }
    }
    double room = floor(row->box.h / row->lanes / layout->pixel) * layout->pixel;
    double gap = row->lanes > 1 && room >= 5.0 * layout->pixel ? layout->pixel : 0.0;
    for (size_t i = 0; i < row->tables; i++) {
        uint32_t index = member_of(layout, level, i);
        struct tree_item *item = &layout->item[index];
        uint64_t bytes = input->shape->tables[index].bytes;
        double high = tree_layout_height(layout, level, bytes, room - gap);
        item->lane_y1 = row->box.y + row->box.h - (several ? scratch.lane[index] * room : 0.0);
        item->lane_y0 = item->lane_y1 - room;
        item->y1 = item->lane_y1;
        item->y0 = item->y1 - high;
    }
}

void tree_layout_make(const struct tree_input *input, struct tree_layout *layout) {
    const struct scope_shape *shape = input->shape;
    OBS_ASSERT(shape != NULL && shape->count <= SCOPE_MAX_TABLES && input->pixel > 0.0);
    OBS_ASSERT(input->deepest < SCOPE_MAX_LEVELS);
    memset(layout, 0, offsetof(struct tree_layout, item));
    layout->plot = input->plot;
    layout->pixel = input->pixel;
    layout->rows = input->deepest + 1;
    layout->count = shape->count;
    for (unsigned level = 0; level < layout->rows; level++) {
        layout->row[level].lanes = 1;
    }
    span_of(shape, layout);
    count_rows(shape, layout);
    place_rows(input, layout);
    place_across(input, layout);
    layout->row[0].depth = depth_of(layout, 0);
    pile_up(input, layout);
    for (unsigned level = 1; level < layout->rows; level++) {
        if (layout->row[level].tables > 0) {
            place_on_lanes(input, layout, level);
        }
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

static bool told_by_column(const struct tree_layout *layout, unsigned level, size_t table) {
    const struct tree_item *item = &layout->item[table];
    return (layout->row[level].piled || item->narrow) && !item->moving;
}

static void first_and_last(const struct tree_layout *layout, const struct tree_item *item,
                           size_t columns, size_t *first, size_t *last) {
    *first = column_of(layout, item->x0 + 0.5 * layout->pixel);
    *last = column_of(layout, item->x1 - 0.5 * layout->pixel);
    *first = *first < columns ? *first : columns - 1;
    *last = *last < columns ? *last : columns - 1;
    *last = *last < *first ? *first : *last;
}

size_t tree_layout_bins(const struct tree_layout *layout, const struct scope_shape *shape,
                        unsigned level, struct tree_bin *bins) {
    OBS_ASSERT(level < layout->rows && shape->count == layout->count);
    size_t columns = (size_t)clamp(ceil(layout->plot.w / layout->pixel), 1.0, TREE_BINS_MAX);
    memset(bins, 0, columns * sizeof *bins);
    for (size_t i = 0; i < layout->row[level].tables; i++) {
        uint32_t index = member_of(layout, level, i);
        if (!told_by_column(layout, level, index)) {
            continue;
        }
        const struct scope_table *table = &shape->tables[index];
        size_t first, last;
        first_and_last(layout, &layout->item[index], columns, &first, &last);
        double youth = (double)layout->item[index].youth;
        double hollow = table->entries > 0 ? (double)table->tombstones / (double)table->entries : 0;
        bins[first].begun++;
        for (size_t end = 0; end < 2; end++) { /* enters at the first, leaves after the last */
            size_t at = end == 0 ? first : last + 1;
            double sign = end == 0 ? 1.0 : -1.0;
            if (at < columns) {
                bins[at].depth += end == 0 ? 1u : -1u;
                bins[at].busy += table->busy ? (end == 0 ? 1u : -1u) : 0u;
                bins[at].bytes += sign * (double)table->bytes;
                bins[at].youth += sign * youth;
                bins[at].hollow += sign * hollow;
            }
        }
    }
    for (size_t i = 1; i < columns; i++) {
        bins[i].depth += bins[i - 1].depth;
        bins[i].busy += bins[i - 1].busy;
        bins[i].bytes += bins[i - 1].bytes;
        bins[i].youth += bins[i - 1].youth;
        bins[i].hollow += bins[i - 1].hollow;
    }
    return columns;
}

/* ---- what lies under a point ----------------------------------------------------------------- */

static bool inside(double value, double least, double most) {
    return value >= least && value < most;
}

bool tree_layout_hits(const struct tree_layout *layout, const struct scope_shape *shape,
                      const struct tree_hit *hit, size_t table) {
    const struct tree_item *item = &layout->item[table];
    double middle = hit->at.x + layout->pixel / 2.0;
    return shape->tables[table].level == hit->level && told_by_column(layout, hit->level, table) &&
           item->x1 > middle && item->x0 < middle;
}

struct tree_hit tree_layout_hit(const struct tree_layout *layout, const struct scope_shape *shape,
                                struct point point) {
    OBS_ASSERT(shape->count == layout->count);
    struct tree_hit hit = {.kind = TREE_HIT_NONE};
    const struct rect *plot = &layout->plot;
    if (!inside(point.x, plot->x, plot->x + plot->w)) {
        return hit;
    }
    if (layout->active.h > 0.0 &&
        inside(point.y, plot->y, layout->sealed.y + layout->sealed.h + 2.0)) {
        double bottom = layout->sealed.y + layout->sealed.h;
        hit.kind = TREE_HIT_ACTIVE;
        hit.at = (struct rect){plot->x, layout->active.y, plot->w, bottom - layout->active.y};
        return hit;
    }
    for (size_t i = 0; i < shape->count; i++) {
        unsigned level = shape->tables[i].level;
        const struct tree_item *item = &layout->item[i];
        if (level < layout->rows && !layout->row[level].piled && !item->narrow &&
            inside(point.x, item->x0, item->x1 + layout->pixel) &&
            inside(point.y, item->lane_y0, item->lane_y1)) {
            return (struct tree_hit){
                TREE_HIT_TABLE,
                level,
                i,
                1,
                {item->x0, item->y0, item->x1 - item->x0, item->y1 - item->y0}};
        }
    }
    for (unsigned level = 0; level < layout->rows; level++) {
        const struct rect *box = &layout->row[level].box;
        if (!inside(point.y, box->y, box->y + box->h)) {
            continue;
        }
        hit.level = level;
        double x = plot->x + floor((point.x - plot->x) / layout->pixel) * layout->pixel;
        hit.at = (struct rect){x, box->y, layout->pixel, box->h};
        for (size_t i = 0; i < shape->count; i++) {
            if (tree_layout_hits(layout, shape, &hit, i) && hit.tables++ == 0) {
                hit.table = i;
            }
        }
        hit.kind = hit.tables > 1 ? TREE_HIT_TABLES : TREE_HIT_NONE;
        if (hit.tables == 1) {
            const struct tree_item *item = &layout->item[hit.table];
            hit.kind = TREE_HIT_TABLE;
            hit.at.x = item->x0;
            hit.at.w = item->x1 - item->x0;
        }
        return hit;
    }
    return hit;
}
