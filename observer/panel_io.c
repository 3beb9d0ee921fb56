/* I/O and cache: who moves how many bytes, and the figures that tell whether it was the cache, the
 * stall or the compaction. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "derived.h"
#include "gantt.h"
#include "obs_check.h"
#include "units.h"

/* ---- lines ----------------------------------------------------------------------------------- */

enum line { LINE_COMPACT_OUT, LINE_COMPACT_IN, LINE_FLUSH, LINE_READS, LINE_WAL, LINES };

static const struct {
    const char *name;
    uint32_t id;     /* the counter of the bytes */
    bool is_derived; /* spread over the time of jobs */
    enum derived series;
    double width, fill;
    int rank;
} lines[LINES] = {
    [LINE_COMPACT_OUT] = {"compact", SCOPE_M_COMPACTION_BYTES_WRITTEN, true,
                          DERIVED_COMPACT_OUT_RATE, 1.5, 0.30, 0},
    [LINE_COMPACT_IN] = {"compact in", SCOPE_M_COMPACTION_BYTES_READ, true, DERIVED_COMPACT_IN_RATE,
                         1.0, 0.0, 4},
    [LINE_FLUSH] = {"flush", SCOPE_M_FLUSH_BYTES, true, DERIVED_FLUSH_RATE, 1.5, 0.0, 2},
    [LINE_READS] = {"reads", SCOPE_M_IO_READ_BYTES, false, DERIVED_SERIES, 1.5, 0.0, 1},
    [LINE_WAL] = {"WAL", SCOPE_M_WAL_BYTES, false, DERIVED_SERIES, 1.5, 0.0, 3},
};

static struct color line_color(const struct scene *scene, enum line line) {
    const struct theme *theme = scene->theme;
    switch (line) {
    case LINE_COMPACT_OUT:
        return theme->compaction;
    case LINE_COMPACT_IN:
        return theme_mix(theme->compaction, theme->axis, 0.55);
    case LINE_FLUSH:
        return theme->flush;
    case LINE_READS:
        return theme->op[1];
    case LINE_WAL:
        return theme->op[0];
    case LINES:
        break;
    }
    OBS_ASSERT(false);
    return theme->axis;
}

/* What never moved a byte would only lie on the axis. */
static bool is_shown(const struct scene *scene, enum line line) {
    double total = 0.0;
    return scene->has_newest &&
           chart_value(scene, lines[line].id, HISTORY_LEVEL, scene->newest, &total) && total > 0.0;
}

static bool rate_of(const struct scene *scene, enum line line, size_t index, double *rate) {
    return lines[line].is_derived ? derived_at(scene->history, lines[line].series, index, rate)
                                  : chart_value(scene, lines[line].id, HISTORY_RATE, index, rate);
}

static double most(const struct scene *scene) {
    double found = 0.0, end = fmin(scene->t1, scene->until);
    for (int i = 0; i < LINES; i++) {
        if (!is_shown(scene, (enum line)i)) {
            continue;
        }
        double rate = lines[i].is_derived
                          ? derived_max(scene->history, lines[i].series,
                                        history_find(scene->history, scene->t0), scene->end, end)
                          : history_max(scene->history, lines[i].id, HISTORY_RATE, scene->t0, end);
        found = fmax(found, rate);
    }
    return found;
}

/* A job's bytes are told when it ends: under one that still runs the line tells nothing. */
static bool is_unknown_yet(const struct scene *scene, enum line line, size_t index) {
    const struct gantt *gantt = gantt_jobs(scene->history);
    double t = history_time(scene->history, index);
    for (size_t i = 0; i < gantt->open_count && lines[line].is_derived; i++) {
        const struct gantt_job *job = &gantt->job[gantt->open[i]];
        if (job->flush == (line == LINE_FLUSH) && job->begin <= t && !job->dropped) {
            return true;
        }
    }
    return false;
}

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    size_t count = 0;
    for (int i = 0; i < LINES; i++) {
        double rate;
        if (!is_shown(scene, (enum line)i) || !rate_of(scene, (enum line)i, index, &rate)) {
            continue;
        }
        struct panel_value *value = &list[count++];
        *value = (struct panel_value){.color = line_color(scene, (enum line)i),
                                      .at = rate,
                                      .dot = true,
                                      .rank = lines[i].rank};
        char bytes[UNITS_TEXT];
        snprintf(value->name, sizeof value->name, "%s", lines[i].name);
        if (is_unknown_yet(scene, (enum line)i, index)) {
            snprintf(value->text, sizeof value->text, "running");
            continue;
        }
        units_bytes(rate, bytes, sizeof bytes);
        snprintf(value->text, sizeof value->text, "%s/s", bytes);
    }
    OBS_ASSERT(count <= PANEL_VALUES_MAX);
    return count;
}

/* ---- figures --------------------------------------------------------------------------------- */

enum figure {
    FIGURE_CACHE,
    FIGURE_CPU,
    FIGURE_QUEUE,
    FIGURE_BLOOM,
    FIGURE_SYNCS,
    FIGURE_MEMORY,
    FIGURES
};

enum { FIGURE_TEXT = 112 };
struct figures {
    struct {
        const char *name;
        char text[FIGURE_TEXT];
        struct rect at;
        enum figure which;
    } cell[FIGURES]; /* those with room, in this order */
    size_t count;
};

static void percent(double share, char *text, size_t size) {
    /* 99.96 % is not all: three figures, and never rounded up to all of them. */
    double p = share * 100.0;
    if (p > 99.9 && p < 100.0) {
        snprintf(text, size, "%.2f %%", fmin(p, 99.99));
    } else {
        snprintf(text, size, p < 99.9 ? "%.1f %%" : "%.0f %%", p);
    }
}

static bool number_at(const struct scene *scene, uint32_t id, size_t index, double *number) {
    return chart_value(scene, id, HISTORY_LEVEL, index, number);
}

/* A figure's text at a sample; false when the source does not tell it. `wide`: with what goes with
 * it. */
static bool figure_text(const struct scene *scene, enum figure figure, size_t index, bool wide,
                        char *text, size_t size) {
    const struct history *history = scene->history;
    double number, more;
    char first[UNITS_TEXT], second[UNITS_TEXT];
    switch (figure) {
    case FIGURE_CACHE:
        if (!derived_at(history, DERIVED_CACHE_HIT, index, &number)) {
            return false;
        }
        percent(number, text, size);
        return true;
    case FIGURE_CPU:
        if (!derived_at(history, DERIVED_CPU, index, &number)) {
            return false;
        }
        snprintf(text, size, "%.0f %%", number * 100.0);
        return true;
    case FIGURE_QUEUE:
        if (!number_at(scene, SCOPE_M_IO_DEPTH, index, &number)) {
            return false;
        }
        snprintf(text, size, "%.0f", number);
        if (wide && number_at(scene, SCOPE_M_IO_DEPTH_MAX, index, &more)) {
            snprintf(text, size, "%.0f, most %.0f", number, more);
        }
        return true;
    case FIGURE_BLOOM:
        if (!derived_at(history, DERIVED_BLOOM_SPARED, index, &number)) {
            return false;
        }
        percent(number, first, sizeof first);
        snprintf(text, size, "%s", first);
        if (wide && derived_at(history, DERIVED_BLOOM_FALSE, index, &more)) {
            units_percent(more, second, sizeof second);
            snprintf(text, size, "%s, %s false", first, second);
        }
        return true;
    case FIGURE_SYNCS:
        if (!derived_at(history, DERIVED_SYNC_RATE, index, &number)) {
            return false;
        }
        units_rate(number, text, size);
        return true;
    case FIGURE_MEMORY:
        if (!number_at(scene, SCOPE_M_PROCESS_RSS, index, &number)) {
            return false;
        }
        units_bytes(number, text, size);
        return true;
    case FIGURES:
        break;
    }
    OBS_ASSERT(false);
    return false;
}

static const char *const figure_names[FIGURES] = {"cache", "CPU",   "queue",
                                                  "bloom", "fsync", "memory"};
static const double FIGURE_GAP = 18.0, NAME_GAP = 6.0;
static const double FIGURE_ROW = 18.0; /* where several runs share the plot each has a row */
static const double LETTER = 18.0;     /* before it */

static double text_width(const struct scene *scene, const char *text) {
    return canvas_text_width(scene->canvas, FONT_STRONG, true, text);
}

/* What a figure's text takes in the widest of the rows: they stand below each other. Below 0: no
 * run tells it. */
static double figure_width(const struct scene *scene, enum figure figure) {
    double width = -1.0;
    char text[FIGURE_TEXT];
    bool rows = scene->shared && scene->every != NULL;
    for (unsigned k = 0; k < (rows ? scene->runs : 1); k++) {
        const struct scene *run = rows ? &scene->every[k] : scene;
        size_t index = run->has_cursor ? run->cursor : run->newest;
        if (run->has_newest && figure_text(run, figure, index, false, text, sizeof text)) {
            width = fmax(width, text_width(scene, text));
        }
    }
    return width;
}

/* As many figures as have room in their short form, the first ones first, then as many of them as
 * can be written out. */
static void make_figures(const struct scene *scene, const struct panel_place *place,
                         struct figures *figures) {
    size_t index = scene->has_cursor ? scene->cursor : scene->newest;
    double left = scene->shared ? LETTER : 0.0, top = place->lane.y;
    double room = place->header.w - left, used = 0.0, width[FIGURES];
    top += scene->shared ? FIGURE_ROW * scene->run : 0.0;
    figures->count = 0;
    for (int i = 0; i < FIGURES; i++) {
        char text[FIGURE_TEXT];
        double wanted = figure_width(scene, (enum figure)i);
        if (wanted < 0.0) {
            continue;
        }
        if (!figure_text(scene, (enum figure)i, index, false, text, sizeof text)) {
            snprintf(text, sizeof text, "–");
        }
        wanted += canvas_text_width(scene->canvas, FONT_AXIS, false, figure_names[i]) + NAME_GAP;
        if (used + wanted > room) {
            break;
        }
        size_t at = figures->count++;
        figures->cell[at].name = figure_names[i];
        figures->cell[at].which = (enum figure)i;
        snprintf(figures->cell[at].text, sizeof figures->cell[at].text, "%s", text);
        width[at] = wanted;
        used += wanted + FIGURE_GAP;
    }
    double x = place->header.x + left;
    for (size_t i = 0; i < figures->count; i++) {
        char text[FIGURE_TEXT];
        if (!scene->shared &&
            figure_text(scene, figures->cell[i].which, index, true, text, sizeof text)) {
            double more = text_width(scene, text) - text_width(scene, figures->cell[i].text);
            if (more > 0.0 && used - FIGURE_GAP + more <= room) {
                memcpy(figures->cell[i].text, text, sizeof text);
                width[i] += more;
                used += more;
            }
        }
        figures->cell[i].at = (struct rect){x, top, width[i], FIGURE_ROW};
        x += width[i] + FIGURE_GAP;
    }
}

static void draw_figures(const struct scene *scene, const struct panel_place *place) {
    struct canvas *canvas = scene->canvas;
    struct figures figures;
    make_figures(scene, place, &figures);
    if (scene->shared && figures.count > 0) {
        const struct rect *first = &figures.cell[0].at;
        const char letter[2] = {(char)('A' + scene->run), '\0'};
        canvas_text(canvas, FONT_STRONG, place->header.x,
                    chart_baseline(canvas, FONT_STRONG, first->y + first->h / 2.0), TEXT_LEFT, true,
                    scene->theme->axis, letter);
    }
    for (size_t i = 0; i < figures.count; i++) {
        const struct rect *at = &figures.cell[i].at;
        double baseline = chart_baseline(canvas, FONT_AXIS, at->y + at->h / 2.0);
        canvas_text(canvas, FONT_AXIS, at->x, baseline, TEXT_LEFT, false, scene->theme->axis,
                    figures.cell[i].name);
        canvas_text(canvas, FONT_STRONG, at->x + at->w, baseline, TEXT_RIGHT, true,
                    scene->theme->text, figures.cell[i].text);
    }
}

/* ---- the panel ------------------------------------------------------------------------------- */

static bool present(const struct scene *scene) {
    for (int i = 0; i < LINES; i++) {
        if (history_has(scene->history, lines[i].id)) {
            return true;
        }
    }
    return derived_known(scene->history, DERIVED_CACHE_HIT) ||
           derived_known(scene->history, DERIVED_CPU);
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, true, "888 MiB/s");
    size->right = chart_label_width(scene, "compact in", "88.8 MiB/s");
    size->lane = 24.0; /* the figures, clear of the top tick */
    size->lane += scene->shared ? FIGURE_ROW * (scene->runs - 1.0) : 0.0;
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    for (int i = 0; i < LINES; i++) {
        if (!is_shown(scene, (enum line)i)) {
            continue;
        }
        struct chart_series series = {.id = lines[i].id,
                                      .form = HISTORY_RATE,
                                      .color = line_color(scene, (enum line)i),
                                      .width = lines[i].width,
                                      .fill = lines[i].fill};
        if (lines[i].is_derived) {
            series.derived = derived_numbers(scene->history, lines[i].series);
        }
        chart_line(scene, place, top, &series);
    }
    draw_figures(scene, place);
}

/* The answer to the title's question at the newest sample shown: what holds writers up comes before
 * what makes reads slow, and that before what merely is busy. */
static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    const struct history *history = scene->history;
    double number, out, in;
    char share[UNITS_TEXT];
    if (!scene->has_newest) {
        return;
    }
    if (derived_at(history, DERIVED_STALLED, scene->newest, &number) && number >= 0.01) {
        /* Who compacts in the writer's thread waits for no one: no band shows it, and no stall. */
        bool own = derived_at(history, DERIVED_INLINE, scene->newest, &in) && in >= number / 2.0;
        units_percent(fmin(1.0, own ? in : number), share, sizeof share);
        snprintf(text, size,
                 own ? "writers flush, merge %s of the time" : "writes stalled %s of the time",
                 share);
        *color = own ? scene->theme->compaction : scene->theme->stall;
    } else if (derived_at(history, DERIVED_CACHE_HIT, scene->newest, &number) && number < 0.8) {
        percent(1.0 - number, share, sizeof share);
        snprintf(text, size, "cache misses %s", share);
        *color = scene->theme->op[1];
    } else if (derived_at(history, DERIVED_COMPACT_OUT_RATE, scene->newest, &out) &&
               derived_at(history, DERIVED_COMPACT_IN_RATE, scene->newest, &in) && out + in > 0.0) {
        units_bytes(out + in, share, sizeof share);
        snprintf(text, size, "compaction moves %s/s", share);
        *color = scene->theme->compaction;
    }
}

/* ---- under the mouse ------------------------------------------------------------------------- */

static const struct {
    const char *title, *means, *look;
} told[FIGURES] = {
    [FIGURE_CACHE] = {"block cache", "table blocks found in memory, last 10 s",
                      "low while reads are high: the working set is larger than the cache"},
    [FIGURE_CPU] = {"CPU of the driver", "cores in use, last 10 s; 100 % is one",
                    "at the number of cores: the machine is the limit, not the disk"},
    [FIGURE_QUEUE] = {"I/O queue", "requests in flight now, and the most ever",
                      "0 nearly always: the device answers at once, or the page cache does"},
    [FIGURE_BLOOM] = {"bloom filters", "probes that spared a table, last 10 s",
                      "false: of keys a table lacked, those its filter let through"},
    [FIGURE_SYNCS] = {"fsync", "flushes to the device a second, last 10 s",
                      "each waits for the device: durability has this price"},
    [FIGURE_MEMORY] = {"memory of the driver", "resident now",
                       "memtables, cache, filters and indexes of open tables"},
};

static bool hover(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *hover) {
    struct figures figures;
    memset(hover, 0, sizeof *hover);
    make_figures(scene, place, &figures);
    for (size_t i = 0; i < figures.count; i++) {
        const struct rect *at = &figures.cell[i].at;
        enum figure which = figures.cell[i].which;
        if (scene->pointer.x < at->x - 4.0 || scene->pointer.x > at->x + at->w + 4.0 ||
            scene->pointer.y < at->y - 2.0 || scene->pointer.y > at->y + at->h + 2.0) {
            continue;
        }
        hover->at = *at;
        size_t index = scene->has_cursor ? scene->cursor : scene->newest;
        snprintf(hover->title, sizeof hover->title, "%s", told[which].title);
        snprintf(hover->line[0].name, sizeof hover->line[0].name, "now");
        figure_text(scene, which, index, true, hover->line[0].text, sizeof hover->line[0].text);
        snprintf(hover->line[1].name, sizeof hover->line[1].name, "is");
        snprintf(hover->line[1].text, sizeof hover->line[1].text, "%s", told[which].means);
        snprintf(hover->line[2].name, sizeof hover->line[2].name, "look for");
        snprintf(hover->line[2].text, sizeof hover->line[2].text, "%s", told[which].look);
        hover->lines = 3;
        return true;
    }
    return false;
}

const struct panel panel_io = {
    .name = "io",
    .title = "I/O",
    .teaches = "was it the cache, the stall or the compaction?",
    .help =
        "Bytes a second of the log, flushes, compactions and all reads, with cache, filters and "
        "the driver's own load: look for what rises when throughput falls.",
    .absent = "this source does not publish its input and output",
    .unit = AXIS_BYTE_RATE,
    .weight = 1.0,
    .side = 1,
    .overlays = true,
    .present = present,
    .measure = measure,
    .most = most,
    .draw = draw,
    .values = values,
    .corner = corner,
    .hover = hover,
};
