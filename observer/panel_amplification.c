/* Amplification and debt: what each byte and each read cost, and which level is behind. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "derived.h"
#include "obs_check.h"
#include "units.h"

static const double STRIP = 34.0;     /* the lane of level scores */
static const double STRIP_RUN = 24.0; /* of each run, where several share the plot */
static const double LOW_WINDOW = 420; /* below this height the lines need the lane's room */

/* ---- lines ----------------------------------------------------------------------------------- */

enum line { LINE_WRITE, LINE_RECENT, LINE_READ, LINE_SPACE, LINES };

static const struct {
    const char *name;
    enum derived series;
    uint32_t id; /* tells where samples were lost */
    unsigned op; /* whose colour it has */
    double width;
    int rank;
} lines[LINES] = {
    [LINE_WRITE] = {"write", DERIVED_WRITE_AMP, SCOPE_M_USER_BYTES_WRITTEN, 0, 2.0, 0},
    [LINE_RECENT] = {"last 10 s", DERIVED_WRITE_AMP_RECENT, SCOPE_M_USER_BYTES_WRITTEN, 0, 1.0, 3},
    [LINE_READ] = {"read", DERIVED_READ_AMP, SCOPE_M_OPS_GET, 1, 1.5, 1},
    [LINE_SPACE] = {"space", DERIVED_SPACE_AMP, SCOPE_M_LEVEL_BYTES + 1, 3, 1.5, 2},
};

static struct color line_color(const struct scene *scene, enum line line) {
    struct color color = scene->theme->op[lines[line].op];
    return line == LINE_RECENT ? theme_mix(color, scene->theme->axis, 0.55) : color;
}

static void factor(double number, char *text, size_t size) {
    int decimals = number < 9.995 ? 2 : number < 99.95 ? 1 : 0;
    snprintf(text, size, "%.*f ×", decimals, number);
}

static double most(const struct scene *scene) {
    double found = 0.0;
    size_t first = history_find(scene->history, scene->t0);
    for (int i = 0; i < LINES; i++) {
        found = fmax(found, derived_max(scene->history, lines[i].series, first, scene->end,
                                        fmin(scene->t1, scene->until)));
    }
    return found;
}

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    size_t count = 0;
    for (int i = 0; i < LINES; i++) {
        double number;
        if (!derived_known(scene->history, lines[i].series) ||
            !derived_at(scene->history, lines[i].series, index, &number)) {
            continue;
        }
        struct panel_value *value = &list[count++];
        *value = (struct panel_value){.color = line_color(scene, (enum line)i),
                                      .at = number,
                                      .dot = true,
                                      .rank = lines[i].rank};
        snprintf(value->name, sizeof value->name, "%s", lines[i].name);
        factor(number, value->text, sizeof value->text);
    }
    OBS_ASSERT(count <= PANEL_VALUES_MAX);
    return count;
}

static void draw_lines(const struct scene *scene, const struct panel_place *place, double top) {
    for (int i = LINES; i-- > 0;) { /* writes last: they lie on top */
        const float *numbers = derived_known(scene->history, lines[i].series)
                                   ? derived_numbers(scene->history, lines[i].series)
                                   : NULL;
        if (numbers == NULL) {
            continue;
        }
        struct chart_series series = {.id = lines[i].id,
                                      .form = HISTORY_LEVEL,
                                      .color = line_color(scene, (enum line)i),
                                      .width = lines[i].width,
                                      .derived = numbers};
        chart_line(scene, place, top, &series);
    }
}

/* ---- scores ---------------------------------------------------------------------------------- */

static struct rect strip_rect(const struct scene *scene, const struct panel_place *place) {
    struct rect strip = {place->plot.x, place->lane.y + 4.0, place->plot.w, place->lane.h - 12.0};
    if (scene->shared) {
        strip.y += STRIP_RUN * scene->run;
        strip.h = STRIP_RUN - 8.0;
    }
    strip.y = canvas_snap(scene->canvas, strip.y);
    strip.h = canvas_snap(scene->canvas, strip.h);
    return strip;
}

/* The highest score of each column of pixels, and the level that has it. A column without a sample
 * repeats the one before; a loss of samples or the end leaves it empty. Returns the columns. */
static size_t score_columns(const struct scene *scene, size_t columns, double *score,
                            double *level) {
    const struct history *history = scene->history;
    const float *scores = derived_numbers(history, DERIVED_SCORE);
    double width = (scene->t1 - scene->t0) / (double)columns;
    double end = fmin(scene->t1, scene->until);
    for (size_t i = 0; i < columns; i++) {
        score[i] = -1.0;
    }
    for (size_t s = scene->first; scores != NULL && s < scene->end; s++) {
        double t = history_time(history, s);
        double at = fmax(0.0, floor((t - scene->t0) / width));
        if (t > end || at >= (double)columns || isnan(scores[s])) {
            continue;
        }
        if ((double)scores[s] > score[(size_t)at]) {
            score[(size_t)at] = (double)scores[s];
            level[(size_t)at] = (double)s; /* the sample, until all are known */
        }
    }
    const float *levels = derived_numbers(history, DERIVED_SCORE_LEVEL);
    size_t filled = (size_t)fmax(0.0, fmin((double)columns, ceil((end - scene->t0) / width)));
    for (size_t i = 0; i < columns && levels != NULL; i++) {
        if (score[i] >= 0.0) {
            level[i] = (double)levels[(size_t)level[i]];
        } else if (i > 0 && i < filled && score[i - 1] >= 0.0) {
            score[i] = score[i - 1];
            level[i] = level[i - 1];
        }
    }
    return columns;
}

/* The target is half way up, twice the target two thirds, three times three quarters: a strip this
 * low has no room for a scale, and no score may leave it. */
static double score_share(double score) {
    return score / (1.0 + score);
}

/* Each level's columns in its colour: faint up to the target, at full strength beyond. */
static void draw_score_level(const struct scene *scene, const struct rect *strip, size_t columns,
                             const double *score, const double *level, unsigned which) {
    struct canvas_column *below = scene->columns, *above = below + scene->columns_max;
    double foot = strip->y + strip->h, target = foot - strip->h * score_share(1.0);
    bool any = false;
    for (size_t i = 0; i < columns; i++) {
        below[i] = above[i] = (struct canvas_column){INFINITY, 0.0};
        if (score[i] < 0.0 || (unsigned)level[i] != which) {
            continue;
        }
        double top = foot - strip->h * score_share(score[i]);
        below[i] = (struct canvas_column){fmax(top, target), foot};
        above[i] = top < target ? (struct canvas_column){top, target} : above[i];
        any = true;
    }
    if (any) {
        struct color color = scene->theme->level[which];
        canvas_columns(scene->canvas, strip->x, below, columns, theme_fade(color, 0.38));
        canvas_columns(scene->canvas, strip->x, above, columns, color);
    }
}

static void draw_strip(const struct scene *scene, const struct panel_place *place) {
    struct canvas *canvas = scene->canvas;
    struct rect strip = strip_rect(scene, place);
    size_t columns =
        (size_t)fmin((double)scene->columns_max, round(strip.w * canvas_scale(canvas)));
    double *score = scene->sums, *level = scene->sums + scene->columns_max;
    score_columns(scene, columns, score, level);
    for (unsigned i = 0; i < SCOPE_MAX_LEVELS; i++) {
        draw_score_level(scene, &strip, columns, score, level, i);
    }
    double line = fmax(canvas_pixel(canvas), canvas_snap(canvas, 1.0));
    double target = canvas_snap(canvas, strip.y + strip.h * (1.0 - score_share(1.0)));
    struct color rule = theme_mix(scene->theme->grid, scene->theme->axis, 0.5);
    canvas_fill_rect(canvas, (struct rect){strip.x, target, strip.w, line}, 0.0, rule);
    canvas_fill_rect(canvas, (struct rect){strip.x, strip.y + strip.h, strip.w, line}, 0.0,
                     scene->theme->grid);
    double baseline = chart_baseline(canvas, FONT_AXIS, target);
    canvas_text(canvas, FONT_AXIS, strip.x - 8.0, baseline, TEXT_RIGHT, false, scene->theme->axis,
                "target");
    double highest, of;
    if (place->labels.w > 0.0 &&
        derived_at(scene->history, DERIVED_SCORE, scene->newest, &highest) &&
        derived_at(scene->history, DERIVED_SCORE_LEVEL, scene->newest, &of)) {
        char name[32], number[32];
        unsigned which = (unsigned)of;
        const char run[3] = {' ', (char)('A' + scene->run), '\0'};
        snprintf(name, sizeof name, "L%u score%s", which, scene->shared ? run : "");
        factor(highest, number, sizeof number);
        canvas_text(canvas, FONT_STRONG, place->labels.x, baseline, TEXT_LEFT, false,
                    theme_letters(scene->theme, scene->theme->level[which]), name);
        canvas_text(canvas, FONT_AXIS, place->labels.x + place->labels.w, baseline, TEXT_RIGHT,
                    true, scene->theme->text, number);
    }
}

/* ---- the panel ------------------------------------------------------------------------------- */

static bool present(const struct scene *scene) {
    for (int i = 0; i < LINES; i++) {
        if (derived_known(scene->history, lines[i].series)) {
            return true;
        }
    }
    return false;
}

static bool has_strip(const struct scene *scene) {
    return canvas_height(scene->canvas) >= LOW_WINDOW &&
           derived_known(scene->history, DERIVED_SCORE);
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, true, "88.8 ×");
    size->right = chart_label_width(scene, "last 10 s", "88.88 ×");
    double strips = scene->shared ? 4.0 + STRIP_RUN * scene->runs : STRIP;
    size->lane = has_strip(scene) ? strips : 0.0;
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    draw_lines(scene, place, top);
    if (has_strip(scene)) {
        draw_strip(scene, place);
    }
}

static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    double pending;
    char bytes[UNITS_TEXT];
    if (!scene->has_newest || !chart_value(scene, SCOPE_M_COMPACTION_PENDING_BYTES, HISTORY_LEVEL,
                                           scene->newest, &pending)) {
        return;
    }
    units_bytes(pending, bytes, sizeof bytes);
    snprintf(text, size, pending > 0.0 ? "debt %s" : "no debt", bytes);
    *color = pending > 0.0 ? scene->theme->compaction : scene->theme->axis;
}

/* ---- under the mouse ------------------------------------------------------------------------- */

static size_t sample_at(const struct scene *scene, const struct panel_place *place) {
    double share = (scene->pointer.x - place->plot.x) / place->plot.w;
    double t = scene->t0 + share * (scene->t1 - scene->t0);
    size_t index = history_find(scene->history, t);
    return index > scene->newest ? scene->newest : index;
}

static bool hover_scores(const struct scene *scene, const struct panel_place *place,
                         struct panel_hover *hover) {
    const struct history *history = scene->history;
    size_t index = sample_at(scene, place);
    char size[UNITS_TEXT], target[UNITS_TEXT], clock[UNITS_TEXT];
    double score;
    units_clock(history_time(history, index), 1, clock, sizeof clock);
    snprintf(hover->title, sizeof hover->title, "levels against their targets at %s", clock);
    for (unsigned level = 0; level < history_levels(history); level++) {
        uint64_t has = 0, wants = 0;
        if (hover->lines == PANEL_HOVER_LINES ||
            !derived_level_score(history, level, index, &score) || !(score > 0.0)) {
            continue;
        }
        uint32_t id = (level == 0 ? SCOPE_M_LEVEL_TABLES : SCOPE_M_LEVEL_BYTES) + level;
        history_value_at(history, id, index, &has);
        history_value_at(history, SCOPE_M_LEVEL_TARGET + level, index, &wants);
        units_bytes((double)has, size, sizeof size);
        units_bytes((double)wants, target, sizeof target);
        if (level == 0) {
            snprintf(size, sizeof size, "%.0f", (double)has);
            snprintf(target, sizeof target, "%.0f tables", (double)wants);
        }
        snprintf(hover->line[hover->lines].name, sizeof hover->line[0].name, "L%u", level);
        snprintf(hover->line[hover->lines].text, sizeof hover->line[0].text, "%s of %s: %.2f", size,
                 target, score);
        hover->lines++;
    }
    hover->at = strip_rect(scene, place);
    return hover->lines > 0;
}

static const char *const told[LINES][3] = {
    [LINE_WRITE] = {"write amplification", "log, flush and compaction bytes per byte written",
                    "grows with each level; fewer levels or larger memtables lower it"},
    [LINE_RECENT] = {"write amplification, last 10 s", "the same for the last ten seconds",
                     "above the line since the start: writing costs more than it did"},
    [LINE_READ] = {"read amplification", "tables searched per get, last 10 s",
                   "rises with the tables in L0 and without bloom filters"},
    [LINE_SPACE] = {"space amplification", "table bytes over those of the largest level: at most",
                    "falls when compactions drop what was overwritten"},
};

static bool hover(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *hover) {
    double x = scene->pointer.x, y = scene->pointer.y, least = 10.0, number;
    memset(hover, 0, sizeof *hover);
    if (!scene->has_newest || x < place->plot.x || x > place->plot.x + place->plot.w) {
        return false;
    }
    if (y < place->plot.y) {
        return has_strip(scene) && y >= place->lane.y && hover_scores(scene, place, hover);
    }
    size_t index = sample_at(scene, place);
    double top = axis_value_top(AXIS_FACTOR, most(scene), axis_intervals(place->plot.h));
    double at_x = chart_x(scene, place, history_time(scene->history, index));
    for (int i = 0; i < LINES; i++) {
        if (!derived_known(scene->history, lines[i].series) ||
            !derived_at(scene->history, lines[i].series, index, &number)) {
            continue;
        }
        double at_y = chart_y(place, top, number);
        if (fabs(at_y - y) < least) {
            least = fabs(at_y - y);
            hover->at = (struct rect){at_x - 4.0, at_y - 4.0, 8.0, 8.0};
            snprintf(hover->title, sizeof hover->title, "%s", told[i][0]);
            snprintf(hover->line[0].name, sizeof hover->line[0].name, "here");
            factor(number, hover->line[0].text, sizeof hover->line[0].text);
            snprintf(hover->line[1].name, sizeof hover->line[1].name, "is");
            snprintf(hover->line[1].text, sizeof hover->line[1].text, "%s", told[i][1]);
            snprintf(hover->line[2].name, sizeof hover->line[2].name, "look for");
            snprintf(hover->line[2].text, sizeof hover->line[2].text, "%s", told[i][2]);
            hover->lines = 3;
        }
    }
    return hover->lines > 0;
}

const struct panel panel_amplification = {
    .name = "amplification",
    .title = "Amplification",
    .teaches = "what a byte, a read and the space cost",
    .help = "Bytes written per byte given, tables searched per get, space per live byte, and above "
            "them how far the worst level is over its target: look for what grows together.",
    .absent = "this source does not publish what amplification follows from",
    .unit = AXIS_FACTOR,
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
