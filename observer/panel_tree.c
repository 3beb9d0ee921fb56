/* The tree: every table of every level across its key range, and what moves between them. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "tree_draw.h"
#include "units.h"

static const double LINE = 17.0;       /* from a line of axis text to the next */
static const double FOOT_FROM = 250.0; /* plots at least this high say what the ends are */
static const double RECENT_S = 4.0;    /* a compaction that ended is told this long */
static const double AGES_LEAST_S = 30.0;

/* What one frame needs; kept from frame to frame, for it is large. One thread draws. */
static struct {
    struct tree_layout layout;
    struct tree_motion motion;
} kept;

static bool present(const struct scene *scene) {
    return history_shape(scene->history) != NULL;
}

/* The memtable's bar may be lower than its name: so much keeps the name clear of the title. */
static const double MEM_CLEAR = 6.0;

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_STRONG, false, "mem");
    size->right = canvas_text_width(scene->canvas, FONT_AXIS, true, "8 888 tables");
    size->lane = MEM_CLEAR;
}

/* ---- what there is at the moment ------------------------------------------------------------- */

static bool sample_at(const struct scene *scene, size_t *index) {
    size_t after = history_find(scene->history, nextafter(scene->moment, INFINITY));
    *index = after > 0 ? after - 1 : 0;
    return after > 0;
}

/* Live tables, also those that the publisher had no room for. */
static double all_tables(const struct scene *scene, const struct scope_shape *shape) {
    const struct scope_shape *newest = history_shape(scene->history);
    double all = (double)shape->total, counted = 0.0;
    size_t index;
    if (newest->total > newest->count) {
        all = fmax(all, (double)newest->total);
        if (sample_at(scene, &index) &&
            chart_value(scene, SCOPE_M_TABLES, HISTORY_LEVEL, index, &counted)) {
            all = fmax((double)shape->count, counted);
        }
    }
    return all;
}

static struct tree_memtables memtables_at(const struct scene *scene) {
    struct tree_memtables memtables = {.known = false};
    size_t index;
    double sealed = 0.0;
    if (!sample_at(scene, &index)) {
        return memtables;
    }
    memtables.known =
        chart_value(scene, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, index, &memtables.bytes);
    chart_value(scene, SCOPE_M_MEMTABLE_LIMIT, HISTORY_LEVEL, index, &memtables.limit);
    chart_value(scene, SCOPE_M_SEALED_BYTES, HISTORY_LEVEL, index, &memtables.sealed_bytes);
    if (!chart_value(scene, SCOPE_M_SEALED_COUNT, HISTORY_LEVEL, index, &sealed)) {
        sealed = memtables.sealed_bytes > 0.0 ? 1.0 : 0.0;
    }
    memtables.sealed = (unsigned)fmin(1e6, sealed);
    return memtables;
}

/* Levels that held something in the stretch of time shown have a row, so that rows do not come and
 * go while one scrubs through it. */
static unsigned deepest_level(const struct scene *scene, const struct scope_shape *shape,
                              const struct tree_motion *motion) {
    unsigned deepest = 1;
    for (size_t i = 0; i < shape->count; i++) {
        unsigned level = shape->tables[i].level;
        deepest = level > deepest && level < SCOPE_MAX_LEVELS ? level : deepest;
    }
    for (size_t i = 0; i < motion->jobs; i++) {
        deepest = motion->job[i].to > deepest ? motion->job[i].to : deepest;
    }
    for (unsigned level = SCOPE_MAX_LEVELS - 1; level > deepest; level--) {
        if (history_max(scene->history, SCOPE_M_LEVEL_TABLES + level, HISTORY_LEVEL, scene->t0,
                        fmin(scene->t1, scene->until)) > 0.0) {
            return level;
        }
    }
    return deepest;
}

/* On screen the run's own clock goes on between what is told; anywhere else time is the moment. */
static double time_shown(const struct scene *scene) {
    bool following = !scene->has_cursor && scene->moment >= scene->until - 1e-9;
    return scene->still || !following ? scene->moment : fmax(scene->moment, scene->live_s);
}

struct area {
    struct rect plot, labels; /* labels of no width: no room for them */
    bool left, foot;
};

/* The place, without what a small one has no room for. */
static struct area area_of(const struct panel_place *place, bool more_than_shown) {
    struct area area = {.plot = place->plot, .labels = place->labels, .left = true};
    double right = place->frame.x + place->frame.w - PANEL_PAD;
    if (place->plot.w < 150.0) {
        area.plot.w = fmax(8.0, right - area.plot.x);
        area.labels.w = 0.0;
    }
    if (area.plot.w < 44.0) {
        area.left = false;
        area.plot.x = fmin(place->frame.x + PANEL_PAD, right - 8.0);
        area.plot.w = fmax(8.0, right - area.plot.x);
    }
    double foot = place->frame.y + place->frame.h - 6.0;
    area.plot.h = fmax(16.0, fmin(area.plot.h, foot - area.plot.y));
    area.foot = area.plot.h >= FOOT_FROM || (more_than_shown && area.plot.h >= 90.0);
    area.plot.h -= area.foot ? LINE + 3.0 : 0.0;
    return area;
}

static void mark_moving(struct tree_picture *picture) {
    const struct tree_motion *motion = picture->motion;
    for (size_t i = 0; i < motion->changes; i++) {
        size_t index = motion->change[i].index;
        if (index != SIZE_MAX) {
            picture->layout->item[index].moving = true;
        }
    }
}

/* False when the tree of this moment is not known. */
static bool picture_make(const struct scene *scene, const struct panel_place *place,
                         struct tree_picture *picture, struct area *area) {
    const struct scope_shape *shape = history_shape_at(scene->history, scene->moment);
    if (shape == NULL) {
        return false;
    }
    *picture = (struct tree_picture){.scene = scene,
                                     .shape = shape,
                                     .layout = &kept.layout,
                                     .motion = &kept.motion,
                                     .memtables = memtables_at(scene),
                                     .now = time_shown(scene)};
    tree_motion_read(scene->history, shape, scene->moment, picture->now, scene->still,
                     &kept.motion);
    *area = area_of(place, all_tables(scene, shape) > (double)shape->count);
    struct tree_input input = {
        .shape = shape,
        .plot = area->plot,
        .pixel = canvas_pixel(scene->canvas),
        .memtables = picture->memtables.known,
        .deepest = deepest_level(scene, shape, &kept.motion),
        .l0_slots = 4.0,
        .moment_ns = shape->time_ns,
        .age_oldest_s = fmax(AGES_LEAST_S, scene->moment - history_start(scene->history)),
    };
    size_t index;
    if (sample_at(scene, &index)) {
        chart_value(scene, SCOPE_M_LEVEL_TARGET, HISTORY_LEVEL, index, &input.l0_slots);
    }
    for (size_t i = 0; i < kept.motion.jobs; i++) {
        input.into |= 1u << kept.motion.job[i].to;
    }
    tree_layout_make(&input, &kept.layout);
    mark_moving(picture);
    return true;
}

/* ---- what is said beside the rows ------------------------------------------------------------ */

static struct color label_color(const struct scene *scene, unsigned level) {
    return theme_letters(scene->theme, scene->theme->level[level]);
}

static void draw_names(const struct tree_picture *picture) {
    const struct scene *scene = picture->scene;
    const struct tree_layout *layout = picture->layout;
    double above = -INFINITY, x = layout->plot.x - 8.0;
    if (layout->active.h > 0.0) {
        double middle = layout->active.y + layout->active.h / 2.0;
        canvas_text(scene->canvas, FONT_STRONG, x,
                    chart_baseline(scene->canvas, FONT_STRONG, middle), TEXT_RIGHT, false,
                    theme_letters(scene->theme, scene->theme->op[0]), "mem");
        above = middle;
    }
    for (unsigned level = 0; level < layout->rows; level++) {
        char name[16];
        const struct tree_row *row = &layout->row[level];
        double middle = row->box.y + row->box.h / 2.0;
        if (middle < above + 14.0) {
            continue; /* no text on text */
        }
        above = middle;
        snprintf(name, sizeof name, "L%u", level);
        struct color color = label_color(scene, level);
        canvas_text(scene->canvas, FONT_STRONG, x,
                    chart_baseline(scene->canvas, FONT_STRONG, middle), TEXT_RIGHT, false,
                    row->thin ? scene->theme->axis : color, name);
    }
}

/* How full a level is: 1 is where a compaction begins. Below 0: not known. */
static double fill_of(const struct tree_picture *picture, unsigned level) {
    const struct tree_row *row = &picture->layout->row[level];
    size_t index;
    double target = 0.0;
    if (!sample_at(picture->scene, &index) ||
        !chart_value(picture->scene, SCOPE_M_LEVEL_TARGET + level, HISTORY_LEVEL, index, &target) ||
        target <= 0.0) {
        return -1.0;
    }
    return (level == 0 ? (double)row->tables : (double)row->bytes) / target;
}

/* A thin bar; what is above the target is in the compactions' colour, for one is due. */
static void draw_fill(const struct tree_picture *picture, struct rect track, unsigned level) {
    const struct scene *scene = picture->scene;
    double fill = fill_of(picture, level), whole = fmax(1.0, fill);
    if (fill < 0.0) {
        return;
    }
    double pixel = canvas_pixel(scene->canvas);
    canvas_fill_rect(scene->canvas, track, 0.0,
                     theme_mix(scene->theme->panel, scene->theme->grid, 0.9));
    struct rect part = track;
    part.w = canvas_snap(scene->canvas, track.w * fmin(1.0, fill) / whole);
    canvas_fill_rect(scene->canvas, part, 0.0, scene->theme->level[level]);
    if (fill > 1.0) {
        struct rect over = {part.x + part.w + pixel, track.y, track.w - part.w - pixel, track.h};
        canvas_fill_rect(scene->canvas, over, 0.0, scene->theme->compaction);
    }
}

static void text_right(const struct scene *scene, const struct rect *labels, double middle,
                       struct color color, const char *text) {
    canvas_text(scene->canvas, FONT_AXIS, labels->x + labels->w,
                chart_baseline(scene->canvas, FONT_AXIS, middle), TEXT_RIGHT, true, color, text);
}

static void draw_row_figures(const struct tree_picture *picture, const struct rect *labels,
                             unsigned level) {
    const struct scene *scene = picture->scene;
    const struct tree_row *row = &picture->layout->row[level];
    char number[UNITS_TEXT], text[UNITS_TEXT + 16];
    double middle = row->box.y + row->box.h / 2.0;
    units_grouped((double)row->tables, number, sizeof number);
    snprintf(text, sizeof text, "%s %s", number, row->tables == 1 ? "table" : "tables");
    if (row->thin) {
        return; /* nothing is said best by nothing */
    }
    bool two = row->box.h >= 2.0 * LINE, bar = row->box.h >= (two ? 2.0 : 1.0) * LINE + 9.0;
    double high = (two ? 2.0 : 1.0) * LINE + (bar ? 9.0 : 0.0);
    double y = middle - high / 2.0 + LINE / 2.0;
    text_right(scene, labels, y, scene->theme->text, text);
    if (two) {
        y += LINE;
        units_bytes((double)row->bytes, text, sizeof text);
        text_right(scene, labels, y, scene->theme->axis, text);
    }
    if (bar) {
        double width = fmin(labels->w, 72.0);
        double top = canvas_snap(scene->canvas, y + LINE / 2.0 + 3.0);
        draw_fill(picture, (struct rect){labels->x + labels->w - width, top, width, 4.0}, level);
    }
}

static void draw_figures(const struct tree_picture *picture, const struct rect *labels) {
    const struct scene *scene = picture->scene;
    const struct tree_layout *layout = picture->layout;
    double above = -INFINITY;
    if (layout->active.h > 0.0) {
        char text[UNITS_TEXT + 16];
        double top = layout->active.y, bottom = layout->sealed.y + layout->sealed.h;
        bool two = bottom - top >= 2.0 * LINE - 4.0;
        above = layout->active.y + layout->active.h / 2.0;
        units_bytes(picture->memtables.bytes, text, sizeof text);
        text_right(scene, labels, above, scene->theme->text, text);
        if (two && picture->memtables.sealed > 0) {
            above += LINE;
            snprintf(text, sizeof text, "+ %u sealed", picture->memtables.sealed);
            text_right(scene, labels, above, scene->theme->axis, text);
        }
    }
    for (unsigned level = 0; level < layout->rows; level++) {
        const struct rect *box = &layout->row[level].box;
        double middle = box->y + box->h / 2.0;
        double half = box->h >= 2.0 * LINE ? LINE : LINE / 2.0;
        if (middle - half >= above + LINE / 2.0 - 3.0) {
            draw_row_figures(picture, labels, level);
            above = layout->row[level].thin ? above : middle + half - LINE / 2.0;
        }
    }
}

static void draw_foot(const struct tree_picture *picture) {
    const struct scene *scene = picture->scene;
    const struct rect *plot = &picture->layout->plot;
    const struct scope_shape *shape = picture->shape;
    char text[2 * UNITS_TEXT + 24], fitted[96], shown[UNITS_TEXT], all[UNITS_TEXT];
    double middle = plot->y + plot->h + 3.0 + LINE / 2.0, room = plot->w;
    double total = all_tables(scene, shape);
    double y = chart_baseline(scene->canvas, FONT_AXIS, middle);
    if (plot->w >= 420.0) {
        canvas_text(scene->canvas, FONT_AXIS, plot->x, y, TEXT_LEFT, false, scene->theme->axis,
                    "smallest key");
        canvas_text(scene->canvas, FONT_AXIS, plot->x + plot->w, y, TEXT_RIGHT, false,
                    scene->theme->axis, "largest key");
        room -= 190.0;
    }
    if (total > (double)shape->count) {
        units_grouped((double)shape->count, shown, sizeof shown);
        units_grouped(total, all, sizeof all);
        snprintf(text, sizeof text, "showing %s of %s tables", shown, all);
        if (chart_fit(scene->canvas, FONT_AXIS, true, text, room, fitted, sizeof fitted)) {
            canvas_text(scene->canvas, FONT_AXIS, plot->x + plot->w / 2.0, y, TEXT_CENTER, true,
                        scene->theme->text, fitted);
        }
    }
}

/* ---- the panel ------------------------------------------------------------------------------- */

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    (void)top;
    struct tree_picture picture;
    struct area area;
    if (!picture_make(scene, place, &picture, &area)) {
        chart_absent(scene, place, "the tree of this moment is not known");
        return;
    }
    canvas_clip(scene->canvas, &place->frame);
    tree_draw_memtables(&picture);
    tree_draw_tables(&picture);
    tree_draw_flows(&picture);
    tree_draw_changes(&picture);
    if (picture.shape->count == 0 && picture.motion->changes == 0) {
        struct panel_place row = *place; /* where the first one will be */
        row.plot = picture.layout->row[0].box;
        chart_absent(scene, &row, "no tables yet: the first flush makes one");
    }
    if (area.left) {
        draw_names(&picture);
    }
    if (area.labels.w > 0.0) {
        draw_figures(&picture, &area.labels);
    }
    if (area.foot) {
        draw_foot(&picture);
    }
    canvas_clip(scene->canvas, NULL);
    if (!scene->still && (picture.motion->jobs > 0 || picture.motion->changes > 0)) {
        *scene->moving = true;
    }
}

static void job_text(const struct tree_job *job, size_t others, char *text, size_t size) {
    char part[96] = "", bytes[UNITS_TEXT];
    if (!job->running && job->duration_ns > 0 && job->bytes_in + job->bytes_out > 0) {
        double per_second = (double)job->bytes_in / ((double)job->duration_ns * 1e-9);
        units_bytes(per_second, bytes, sizeof bytes);
        snprintf(part, sizeof part, "  %u in, %u out, %s/s", job->inputs, job->outputs, bytes);
    } else if (!job->running && job->inputs > 0) {
        snprintf(part, sizeof part, "  %u in, %u out", job->inputs, job->outputs);
    } else if (job->inputs > 0 && job->bytes_in > 0) {
        units_bytes((double)job->bytes_in, bytes, sizeof bytes);
        snprintf(part, sizeof part, "  %u in, %s", job->inputs, bytes);
    }
    snprintf(text, size, "L%u → L%u%s", job->from, job->to, part);
    size_t used = strlen(text);
    if (others > 0 && used < size) {
        snprintf(text + used, size - used, ", %zu more", others);
    }
}

static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    const struct scope_shape *shape = history_shape_at(scene->history, scene->moment);
    if (shape == NULL || !scene->has_newest) {
        return;
    }
    tree_motion_read(scene->history, shape, scene->moment, scene->moment, true, &kept.motion);
    const struct tree_job *shown = NULL;
    size_t running = 0;
    for (size_t i = 0; i < kept.motion.jobs; i++) {
        if (!kept.motion.job[i].flush) {
            shown = &kept.motion.job[i]; /* the newest */
            running++;
        }
    }
    *color = scene->theme->compaction;
    const struct tree_job *last = &kept.motion.last;
    if (shown != NULL) {
        job_text(shown, running - 1, text, size);
    } else if (kept.motion.has_last && scene->moment - last->ended < RECENT_S) {
        job_text(last, 0, text, size);
        *color = theme_mix(scene->theme->compaction, scene->theme->axis, 0.5);
    } else {
        snprintf(text, size, "idle");
        *color = scene->theme->axis;
    }
}

static bool hover(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *found) {
    struct tree_picture picture;
    struct area area;
    return present(scene) && picture_make(scene, place, &picture, &area) &&
           tree_hover(&picture, found);
}

const struct panel panel_tree = {
    .name = "tree",
    .title = "The tree",
    .teaches = "every table across its key range",
    .help = "A row a level, a rectangle a table: wide is many keys, high is many bytes, bright is "
            "young, hollow is deleted, outlined is being compacted into the level below.",
    .absent = "this source does not publish its tables",
    .unit = AXIS_COUNT,
    .weight = 3.6,
    .least = 94.0,
    .side = 1,
    .timeless = true,
    .present = present,
    .measure = measure,
    .draw = draw,
    .corner = corner,
    .hover = hover,
};
