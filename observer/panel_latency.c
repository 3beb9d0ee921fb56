/* Latency: how long operations took, every one of them, over time. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "heatmap.h"
#include "latency_lines.h"
#include "latency_series.h"
#include "obs_check.h"
#include "units.h"

static const char *const op_names[SCOPE_OPS] = {"Put", "Get", "Delete", "Scan"};
static const char *const stat_names[LATENCY_STATS] = {"p50", "p99", "p99.9", "max"};
/* When room is short: the tail, the middle, the far tail, the single worst. */
static const int stat_ranks[LATENCY_STATS] = {1, 0, 2, 3};

static const double TICK_SPACING = 17.0; /* between labels */

/* What was shown last of each run, kept from frame to frame. One thread draws, as view.h says. */
static struct shown {
    struct latency_series *series;
    struct heatmap *heatmap;
} shown_of[VIEW_RUNS_MAX];

/* Of all runs: they can be compared only on one axis, and only operations of one kind. */
static struct {
    const struct history *history; /* the first run's that is shown */
    unsigned kind;
    struct heatmap_axis axis;
    struct axis_limit low, high;
} common;

static bool present(const struct scene *scene) {
    return history_histogram_count(scene->history) > 0;
}

static unsigned runs_of(const struct scene *scene) {
    return scene->every != NULL ? scene->runs : 1;
}

static const struct scene *run_of(const struct scene *scene, unsigned k) {
    return scene->every != NULL ? &scene->every[k] : scene;
}

/* NULL: memory is out. */
static struct shown *shown_by(const struct scene *scene) {
    struct shown *shown = &shown_of[scene->run < VIEW_RUNS_MAX ? scene->run : 0];
    shown->series = shown->series != NULL ? shown->series : latency_series_create();
    shown->heatmap = shown->heatmap != NULL ? shown->heatmap : heatmap_create();
    return shown->series != NULL && shown->heatmap != NULL ? shown : NULL;
}

/* The kind that was asked for, else what all runs together are busiest with. False: no operation
 * was ever counted. */
static bool kind_now(const struct scene *scene, unsigned *kind) {
    uint64_t sum[SCOPE_HISTOGRAMS] = {0};
    for (unsigned k = 0; k < runs_of(scene); k++) {
        const struct scene *run = run_of(scene, k);
        struct shown *shown = shown_by(run);
        if (shown != NULL && present(run)) {
            const uint64_t *totals = latency_series_totals(shown->series, run->history);
            for (unsigned i = 0; i < SCOPE_HISTOGRAMS; i++) {
                sum[i] += totals[i];
            }
        }
    }
    return latency_kind_choose(sum, scene->latency_kind, kind);
}

/* The series of what is to be shown, up to date; NULL: none of its operations was ever counted. */
static struct shown *shown_now(const struct scene *scene) {
    struct shown *shown = shown_by(scene);
    unsigned kind = 0;
    if (shown == NULL || !present(scene) || !kind_now(scene, &kind) ||
        latency_series_totals(shown->series, scene->history)[kind] == 0) {
        return NULL;
    }
    latency_series_sync(shown->series, scene->history, kind);
    return shown;
}

/* Why nothing is shown: an unpaced run has no response times, for no operation was due. */
static const char *nothing(const struct scene *scene) {
    struct shown *shown = shown_by(scene);
    unsigned kind = 0;
    if (shown != NULL && kind_now(scene, &kind) && kind / SCOPE_OPS == SCOPE_RESPONSE) {
        const uint64_t *totals = latency_series_totals(shown->series, scene->history);
        if (totals[SCOPE_SERVICE * SCOPE_OPS + kind % SCOPE_OPS] > 0) {
            return "no response times: this run is not paced";
        }
    }
    return "no such operations yet";
}

static void titled(const struct scene *scene, char *text, size_t size) {
    unsigned kind;
    if (kind_now(scene, &kind)) {
        snprintf(text, size, "%s latency", op_names[kind % SCOPE_OPS]);
    }
}

static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    unsigned kind;
    if (kind_now(scene, &kind)) {
        snprintf(text, size, "%s time",
                 kind / SCOPE_OPS == SCOPE_RESPONSE ? "response" : "service");
        *color = scene->theme->axis;
    }
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, true, "100 ms");
    size->right = chart_label_width(scene, "p99.9", "88.8 ms");
    size->lane = 0.0;
}

/* ---- the axis ------------------------------------------------------------------------------ */

/* Seconds that the view reaches into. */
static void seconds_shown(const struct scene *scene, const struct latency_series *series,
                          size_t *first, size_t *end) {
    *first = latency_series_find(series, scene->t0);
    *end = latency_series_find(series, nextafter(fmin(scene->until, scene->t1), INFINITY));
    *first = *first < *end ? *first : *end;
}

/* The axis that has room for every run; false when another run has worked it out in this frame. */
static bool wanted_axis(const struct scene *scene, struct heatmap_axis *wanted) {
    *wanted = (struct heatmap_axis){INFINITY, -INFINITY};
    for (unsigned k = 0; k < runs_of(scene); k++) {
        const struct scene *run = run_of(scene, k);
        const struct shown *shown = shown_now(run);
        if (shown == NULL || (scene->every != NULL && !run->has_newest)) {
            continue;
        }
        if (wanted->low > wanted->high && run->run != scene->run) {
            return false; /* the first run shown is drawn first */
        }
        struct latency_summary summary;
        size_t first, end;
        seconds_shown(run, shown->series, &first, &end);
        latency_series_merge(shown->series, first, end, &summary);
        struct heatmap_axis own = heatmap_axis_for(&summary);
        *wanted = (struct heatmap_axis){fmin(wanted->low, own.low), fmax(wanted->high, own.high)};
    }
    return wanted->high > wanted->low;
}

/* Both ends move as limits of other axes do: outwards at once, inwards calmly. */
static void move_axis(const struct scene *scene) {
    struct heatmap_axis wanted;
    unsigned kind = 0;
    if (!kind_now(scene, &kind) || !wanted_axis(scene, &wanted)) {
        return;
    }
    if (common.history != scene->history || common.kind != kind) {
        common.low = common.high = (struct axis_limit){.top = 0.0};
        common.history = scene->history;
        common.kind = kind;
    }
    const double beyond = 16.0; /* limits are above zero */
    bool low = axis_limit_move(&common.low, beyond - wanted.low, scene->clock_s, scene->still);
    bool high = axis_limit_move(&common.high, beyond + wanted.high, scene->clock_s, scene->still);
    common.axis = (struct heatmap_axis){beyond - common.low.top, common.high.top - beyond};
    if ((low || high) && scene->moving != NULL) {
        *scene->moving = true;
    }
}

static void decade_label(int decade, char *text, size_t size) {
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    int thousand = (decade + 9) / 3, rest = (decade + 9) % 3;
    OBS_ASSERT(thousand >= 0 && thousand <= 3);
    snprintf(text, size, "%d %s", rest == 0 ? 1 : rest == 1 ? 10 : 100, units[thousand]);
}

/* Every decade, or every second or third one: then those with a unit of their own. */
static void draw_ticks(const struct scene *scene, const struct panel_place *place,
                       const struct heatmap_axis *axis) {
    struct canvas *canvas = scene->canvas;
    double decade = (place->plot.h - CHART_HEADROOM) / (axis->high - axis->low);
    int step = 1;
    while (step < 6 && decade * step < TICK_SPACING) {
        step = step < 3 ? step + 1 : 6;
    }
    int lowest = (int)ceil(axis->low - 1e-9), highest = (int)floor(axis->high + 1e-9);
    double line = fmax(canvas_pixel(canvas), canvas_snap(canvas, 1.0));
    for (int d = lowest; d <= highest; d++) {
        bool labelled = step == 2 ? (highest - d) % 2 == 0 : (d + 9) % step == 0;
        if (!labelled && d != lowest) {
            continue;
        }
        char text[16];
        double share = (d - axis->low) / (axis->high - axis->low);
        double y = canvas_snap(canvas, chart_y(place, 1.0, share));
        bool foot = d == lowest;
        struct rect rule = {place->plot.x, y - (foot ? 0.0 : line), place->plot.w, line};
        canvas_fill_rect(canvas, rule, 0.0,
                         foot ? theme_mix(scene->theme->grid, scene->theme->axis, 0.25)
                              : scene->theme->grid);
        if (labelled) {
            decade_label(d, text, sizeof text);
            canvas_text(canvas, FONT_AXIS, place->plot.x - 8.0,
                        chart_baseline(canvas, FONT_AXIS, y - line / 2.0), TEXT_RIGHT, true,
                        scene->theme->axis, text);
        }
    }
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    (void)top; /* of an axis that is not this panel's */
    struct shown *shown = shown_now(scene);
    if (shown == NULL) {
        chart_absent(scene, place, nothing(scene));
        return;
    }
    move_axis(scene);
    draw_ticks(scene, place, &common.axis);
    if (heatmap_make(shown->heatmap, scene, place, shown->series, &common.axis)) {
        heatmap_draw(shown->heatmap, scene, place);
        latency_lines_draw(scene, place, shown->heatmap, &common.axis);
    }
}

/* ---- what it says -------------------------------------------------------------------------- */

static void duration_text(double ns, char *text, size_t size) {
    units_duration(ns / 1e9, text, size);
}

/* The last record of a run that ended may be a fraction of a second: too little to speak for it. */
static bool is_stub(const struct latency_series *series, size_t index) {
    if (index == 0 || index + 1 < latency_series_count(series)) {
        return false;
    }
    const struct latency_second *last = latency_series_second(series, index);
    const struct latency_second *before = latency_series_second(series, index - 1);
    return last->t1 - last->t0 < 0.5 * (before->t1 - before->t0);
}

/* The second at a time, or the one that ended just before; false: none near. */
static bool second_at(const struct latency_series *series, double t, double until, size_t *index) {
    size_t count = latency_series_count(series), at = latency_series_find(series, t);
    bool inside = at < count && latency_series_second(series, at)->t0 <= t &&
                  latency_series_second(series, at)->t1 <= until;
    if (!inside && at == 0) {
        return false;
    }
    at -= inside ? 0 : 1;
    at -= is_stub(series, at) ? 1 : 0;
    const struct latency_second *found = latency_series_second(series, at);
    *index = at;
    return t - found->t1 <= 2.0 * (found->t1 - found->t0);
}

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    const struct shown *shown = shown_now(scene);
    size_t at = 0, count = 0;
    double t = history_time(scene->history, index);
    if (shown == NULL || !second_at(shown->series, t, scene->until, &at)) {
        return 0;
    }
    const struct latency_second *second = latency_series_second(shown->series, at);
    for (size_t s = LATENCY_STATS; s-- > 0;) { /* where two are equal the larger name is above */
        double ns = (double)second->stat[s];
        if (isnan(ns)) {
            continue;
        }
        bool drawn = common.axis.high > common.axis.low;
        struct panel_value *value = &list[count++];
        *value = (struct panel_value){
            .color = scene->theme->text,
            .at = drawn ? fmax(0.0, fmin(1.0, heatmap_share(&common.axis, ns))) : (double)NAN,
            .dot = s != LATENCY_MAX,
            .rank = stat_ranks[s]};
        snprintf(value->name, sizeof value->name, "%s", stat_names[s]);
        duration_text(ns, value->text, sizeof value->text);
    }
    OBS_ASSERT(count <= PANEL_VALUES_MAX);
    return count;
}

static void hover_line(struct panel_hover *hover, const char *name, const char *text) {
    OBS_ASSERT(hover->lines < PANEL_HOVER_LINES);
    snprintf(hover->line[hover->lines].name, sizeof hover->line[0].name, "%s", name);
    snprintf(hover->line[hover->lines++].text, sizeof hover->line[0].text, "%s", text);
}

static void hover_title(unsigned from, unsigned end, struct panel_hover *hover) {
    char low[32], high[32];
    duration_text((double)scope_bucket_floor(from), low, sizeof low);
    duration_text((double)scope_bucket_floor(end), high, sizeof high);
    if (end == SCOPE_HIST_BUCKETS) {
        snprintf(hover->title, sizeof hover->title, "%s or longer", low);
    } else if (from == 0) {
        snprintf(hover->title, sizeof hover->title, "shorter than %s", high);
    } else {
        snprintf(hover->title, sizeof hover->title, "%s to %s", low, high);
    }
}

static void hover_column(const struct latency_series *series, const struct heatmap_column *column,
                         unsigned from, unsigned end, struct panel_hover *hover) {
    static const double quantile[] = {0.5, 0.99, 0.999};
    struct latency_summary sum;
    latency_series_merge(series, column->first, column->end, &sum);
    char text[2 * UNITS_TEXT + 8], one[UNITS_TEXT], other[UNITS_TEXT];
    uint64_t here = 0;
    for (unsigned b = from; b < end; b++) {
        here += sum.count[b];
    }
    units_clock(latency_series_second(series, column->first)->t0, 1, one, sizeof one);
    units_clock(latency_series_second(series, column->end - 1)->t1, 1, other, sizeof other);
    snprintf(text, sizeof text, "%s to %s", one, other);
    hover_line(hover, "time", text);
    units_grouped((double)here, one, sizeof one);
    units_grouped((double)sum.total, other, sizeof other);
    snprintf(text, sizeof text, "%s of %s", one, other);
    hover_line(hover, "operations", text);
    units_percent(sum.total > 0 ? (double)here / (double)sum.total : 0.0, text, sizeof text);
    hover_line(hover, "share", text);
    for (size_t s = 0; s < LATENCY_MAX && sum.total > 0; s++) {
        double ns = latency_quantile(sum.count, quantile[s], (double)sum.high[LATENCY_MAX]);
        duration_text(ns, text, sizeof text);
        hover_line(hover, stat_names[s], text);
    }
    if (!isnan(sum.high[LATENCY_MAX])) {
        duration_text((double)sum.high[LATENCY_MAX], text, sizeof text);
        hover_line(hover, stat_names[LATENCY_MAX], text);
    }
}

static bool hover(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *told) {
    const struct shown *shown = shown_now(scene);
    size_t column = 0, count = 0;
    unsigned from = 0, end = 0;
    if (shown == NULL || common.axis.high <= common.axis.low ||
        !heatmap_make(shown->heatmap, scene, place, shown->series, &common.axis)) {
        return false;
    }
    memset(told, 0, sizeof *told);
    if (!heatmap_at(shown->heatmap, scene->pointer, &column, &from, &end, &told->at)) {
        return false;
    }
    const struct heatmap_column *columns = heatmap_columns(shown->heatmap, &count);
    hover_title(from, end, told);
    hover_column(shown->series, &columns[column], from, end, told);
    return true;
}

const struct panel panel_latency = {
    .name = "latency",
    .title = "Latency",
    .titled = titled,
    .teaches = "where the time goes",
    .help =
        "Every operation by how long it took, brighter where there were more, on a logarithmic "
        "scale: look for a second band above the first, and for tails that rise with stalls. "
        "Response time counts from when an operation was due, service time from when the engine "
        "was asked.",
    .absent = "this source does not publish latency histograms",
    .unit = AXIS_COUNT,
    .weight = 1.25,
    .present = present,
    .measure = measure,
    .draw = draw,
    .values = values,
    .corner = corner,
    .hover = hover,
};
