/* Throughput: operations acknowledged per second, one line a kind. */
#include "panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "obs_check.h"
#include "units.h"

static const struct {
    uint32_t id;
    const char *name;
} kinds[] = {{SCOPE_M_OPS_PUT, "put"},
             {SCOPE_M_OPS_GET, "get"},
             {SCOPE_M_OPS_DELETE, "delete"},
             {SCOPE_M_OPS_SCAN, "scan"}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Kinds that a run never used would only lie on the axis. Puts are what the tree is about, so
 * their line is there from the start. */
static bool is_shown(const struct scene *scene, size_t kind) {
    double total = 0.0;
    if (!history_has(scene->history, kinds[kind].id) || !scene->has_newest) {
        return false;
    }
    return kind == 0 || (chart_value(scene, kinds[kind].id, HISTORY_LEVEL, scene->newest, &total) &&
                         total > 0.0);
}

static bool present(const struct scene *scene) {
    for (size_t i = 0; i < KINDS; i++) {
        if (history_has(scene->history, kinds[i].id)) {
            return true;
        }
    }
    return false;
}

static void measure(const struct scene *scene, struct panel_size *size) {
    size->left = canvas_text_width(scene->canvas, FONT_AXIS, true, "888 k/s");
    size->right = chart_label_width(scene, "delete", "88.8 k/s");
    size->lane = 20.0; /* causes of stalls and users' markers stand here, clear of the lines */
}

static double most(const struct scene *scene) {
    double found = 0.0, end = fmin(scene->t1, scene->until);
    for (size_t i = 0; i < KINDS; i++) {
        if (is_shown(scene, i)) {
            found =
                fmax(found, history_max(scene->history, kinds[i].id, HISTORY_RATE, scene->t0, end));
        }
    }
    return found;
}

static size_t values(const struct scene *scene, size_t index, struct panel_value *list) {
    size_t count = 0;
    for (size_t i = 0; i < KINDS; i++) {
        double rate;
        if (!is_shown(scene, i) || !chart_value(scene, kinds[i].id, HISTORY_RATE, index, &rate)) {
            continue;
        }
        struct panel_value *value = &list[count++];
        *value = (struct panel_value){
            .color = scene->theme->op[i], .at = rate, .dot = true, .rank = (int)i};
        snprintf(value->name, sizeof value->name, "%s", kinds[i].name);
        units_rate(rate, value->text, sizeof value->text);
    }
    OBS_ASSERT(count <= PANEL_VALUES_MAX);
    return count;
}

/* Puts and deletes per second from the oldest sample known to the newest one shown: what was
 * written before, by an earlier viewer's time or while a database was filled, is no part of it. */
static void corner(const struct scene *scene, char *text, size_t size, struct color *color) {
    uint64_t writes = 0;
    static const uint32_t ids[] = {SCOPE_M_OPS_PUT, SCOPE_M_OPS_DELETE};
    if (!scene->has_newest) {
        return;
    }
    double seconds = history_time(scene->history, scene->newest);
    double since = history_time(scene->history, 0);
    for (size_t i = 0; i < 2; i++) {
        uint64_t last = 0, first = 0;
        if (history_value_at(scene->history, ids[i], scene->newest, &last) &&
            history_value_at(scene->history, ids[i], 0, &first) && first <= last) {
            writes += last - first;
        }
    }
    if (seconds - since <= 0.0) {
        return;
    }
    char number[UNITS_TEXT];
    units_grouped((double)writes / (seconds - since), number, sizeof number);
    snprintf(text, size, "average write %s /s", number);
    *color = scene->theme->axis;
}

static void draw(const struct scene *scene, const struct panel_place *place, double top) {
    for (size_t i = KINDS; i-- > 0;) { /* puts last: they lie on top */
        if (is_shown(scene, i)) {
            struct chart_series series = {.id = kinds[i].id,
                                          .form = HISTORY_RATE,
                                          .color = scene->theme->op[i],
                                          .width = 1.5,
                                          .fill = i == 0 ? 0.08 : 0.0};
            chart_line(scene, place, top, &series);
        }
    }
}

static size_t events(const struct scene *scene, double t, struct panel_value *list) {
    for (size_t i = 0; i < scene->marks->stalls; i++) {
        const struct mark_span *stall = &scene->marks->stall[i];
        if (t < stall->t0 - scene->cursor_slack_s || t > stall->t1 + scene->cursor_slack_s) {
            continue;
        }
        list[0] = (struct panel_value){.color = scene->theme->stall, .at = NAN};
        snprintf(list[0].name, sizeof list[0].name, "stall: %s", scope_stall_name(stall->cause));
        units_duration(stall->t1 - stall->t0, list[0].text, sizeof list[0].text);
        return 1;
    }
    return 0;
}

const struct panel panel_throughput = {
    .name = "throughput",
    .title = "Throughput",
    .teaches = "operations the engine acknowledged",
    .help = "Operations a second of each kind, and the running average of writes: look for dips, "
            "and for what stands below them at the same time.",
    .absent = "this source does not publish operation counts",
    .unit = AXIS_RATE,
    .overlays = true,
    .weight = 1.0,
    .notes = true,
    .present = present,
    .measure = measure,
    .most = most,
    .draw = draw,
    .values = values,
    .events = events,
    .corner = corner,
};
