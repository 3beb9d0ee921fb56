#include "gantt_lanes.h"

#include <math.h>

#include "chart.h"
#include "obs_check.h"

static const double BARS_HIGH = 56.0; /* the most that the bars of a lane take of it */

enum { BARS_MAX = 1 << 14 };
static struct gantt_bar bars[BARS_MAX];

static bool stalls_known(const struct scene *scene) {
    uint64_t stalls = 0;
    return scene->marks->stalls > 0 ||
           (scene->has_newest &&
            history_value_at(scene->history, SCOPE_M_STALLS, scene->newest, &stalls) && stalls > 0);
}

bool gantt_lanes_make(const struct scene *scene, const struct panel_place *place,
                      struct gantt_lanes *lanes) {
    const struct gantt *gantt = gantt_jobs(scene->history);
    double pixel_s = (scene->t1 - scene->t0) / (place->plot.w * canvas_scale(scene->canvas));
    lanes->frame.bar = bars;
    lanes->frame.bars_max = BARS_MAX;
    gantt_collect(gantt, scene->t0, fmin(scene->t1, scene->until), scene->until, pixel_s,
                  &lanes->frame);
    lanes->stalls = stalls_known(scene);
    lanes->count = lanes->frame.lanes + (lanes->stalls ? 1 : 0);
    lanes->height = place->plot.h / fmax(1.0, (double)lanes->count);
    return lanes->count > 0;
}

struct rect gantt_row_rect(const struct panel_place *place, const struct gantt_lanes *lanes,
                           size_t lane, size_t row, size_t rows) {
    double gap = fmax(fmin(8.0, lanes->height * 0.28), lanes->height - BARS_HIGH);
    double height = (lanes->height - gap) / (double)rows;
    double y = place->plot.y + lanes->height * (double)lane + gap / 2.0 + height * (double)row;
    return (struct rect){place->plot.x, y, place->plot.w, height - (rows > 1 ? 1.0 : 0.0)};
}

struct rect gantt_bar_rect(const struct scene *scene, const struct panel_place *place,
                           const struct gantt_lanes *lanes, const struct gantt_bar *bar) {
    const struct gantt_lane *lane = &lanes->frame.lane[bar->lane];
    size_t at = bar->lane + (lanes->stalls ? 1u : 0u);
    struct rect rect = gantt_row_rect(place, lanes, at, bar->row, lane->rows);
    double left = place->plot.x, right = left + place->plot.w;
    double x0 = fmax(left - 4.0, chart_x(scene, place, bar->t0));
    double x1 = fmin(right, chart_x(scene, place, bar->t1));
    rect.x = canvas_snap(scene->canvas, x0);
    rect.w = fmax(GANTT_TICK, canvas_snap(scene->canvas, x1) - rect.x);
    rect.y = canvas_snap(scene->canvas, rect.y);
    if (rect.x + rect.w > right) {
        rect.x = right - rect.w;
    }
    return rect;
}

void gantt_lanes_at(const struct scene *scene, double t0, double t1, struct gantt_frame *frame) {
    *frame = (struct gantt_frame){.bar = bars, .bars_max = BARS_MAX};
    gantt_collect(gantt_jobs(scene->history), t0, t1, scene->until, 1e-9, frame);
}

void gantt_write(const struct scene *scene, const struct rect *bar, double room,
                 char text[GANTT_WORDS][GANTT_WORDS_SIZE], size_t count, struct color inside,
                 struct color beside) {
    struct canvas *canvas = scene->canvas;
    double baseline = chart_baseline(canvas, FONT_AXIS, bar->y + bar->h / 2.0);
    for (size_t i = 0; i < 2 * count; i++) {
        const char *words = text[i % count];
        double width = canvas_text_width(canvas, FONT_AXIS, true, words);
        if (i < count && width + 10.0 <= bar->w) {
            canvas_text(canvas, FONT_AXIS, bar->x + 5.0, baseline, TEXT_LEFT, true, inside, words);
            return;
        }
        if (i >= count && width + 12.0 <= room) {
            canvas_text(canvas, FONT_AXIS, bar->x + bar->w + 5.0, baseline, TEXT_LEFT, true, beside,
                        words);
            return;
        }
    }
}
