/* frame.c: see frame.h. */
#include "frame.h"

#include <math.h>
#include <stdio.h>

#include "arrange.h"
#include "units.h"

static bool has_run(const struct frame_input *input) {
    return history_count(input->history) > 0 || history_event_count(input->history) > 0;
}

int frame_choices(const struct frame_input *input) {
    if (input->viewer->choosing) {
        return input->viewer->found.live_count;
    }
    return has_run(input) ? 0 : input->view->choice_count;
}

/* Where the moment lies in the whole run: the part the span covers is drawn thick. */
static void draw_map(const struct moment *moment, const struct pane *pane, int x, int end) {
    double start = fmin(0.0, history_start(moment->history));
    double length = fmax(1e-9, history_end(moment->history) - start);
    int columns = end - x;
    int from = (int)floor((moment->at - moment->span - start) / length * columns);
    int to = (int)ceil((moment->at - start) / length * columns);
    for (int i = 0; i < columns; i++) {
        bool inside = i >= from && i < (to > from ? to : from + 1);
        pane_glyph(pane, x + i, 0, inside ? HUE_FLUSH : HUE_FAINT, inside ? 0x2501 : 0x2500);
    }
}

static void draw_keys(const struct pane *pane, int x) {
    static const char *const hints[][2] = {
        {"?", "help"},    {"space", "pause"}, {"\u2190\u2192", "time"}, {"+-", "span"},
        {"1-9", "large"}, {"l", "events"},    {"c", "drivers"},         {"q", "quit"},
    };
    enum { HINTS = sizeof(hints) / sizeof(hints[0]) };
    for (size_t i = 0; i < HINTS; i++) {
        int width = text_columns(hints[i][0]) + 1 + text_columns(hints[i][1]);
        if (x + width > pane->w) {
            return;
        }
        x = pane_text(pane, x, 0, HUE_TEXT, hints[i][0]);
        x = pane_text(pane, x + 1, 0, HUE_DIM, hints[i][1]) + 2;
    }
}

/* Following: the keys. Looking back: where one is, and how to get back. */
static void draw_footer(const struct frame_input *input, const struct moment *moment,
                        const struct pane *pane) {
    if (moment->newest && !input->viewer->paused) {
        if (input->keys) {
            draw_keys(pane, 0);
        }
        return;
    }
    char at[UNITS_TEXT], end[UNITS_TEXT];
    units_clock(moment->at, 1, at, sizeof(at));
    units_clock(history_end(input->history), 0, end, sizeof(end));
    int x = pane_print(pane, 0, 0, HUE_FLUSH | STYLE_BOLD, "%s at %s",
                       input->viewer->paused ? "paused" : "looking back", at);
    int right = pane_right(pane, pane->w, 0, HUE_DIM,
                           input->viewer->paused ? "space resumes" : "End follows");
    right = pane_right(pane, right - 2, 0, HUE_DIM, end);
    draw_map(moment, pane, x + 1, right - 1);
}

static void draw_sections(const struct moment *moment, const struct viewer *viewer,
                          const struct pane *pane) {
    if (viewer->large != SECTION_NONE) {
        section_of((enum section_id)viewer->large)->draw(moment, pane);
        return;
    }
    struct arrangement arrangement;
    arrange(moment, pane->w, pane->h, &arrangement);
    for (int i = 0; i < arrangement.count; i++) {
        const struct place *place = &arrangement.place[i];
        struct pane part = pane_part(pane, place->x, place->y, place->w, place->h);
        section_of(place->id)->draw(moment, &part);
    }
}

void frame_draw(const struct frame_input *input, struct grid *grid) {
    static struct jobs jobs; /* one thread */
    struct pane whole = pane_whole(grid);
    const struct viewer *viewer = input->viewer;
    if (whole.w < TOP_COLUMNS_MIN || whole.h < TOP_ROWS_MIN) {
        message_draw_small(&whole);
        return;
    }
    struct moment moment = {.status = &input->view->status,
                            .tails = input->tails,
                            .jobs = &jobs,
                            .log_scroll = viewer->log_scroll};
    moment_set(&moment, input->history, viewer->at, viewer->span);
    jobs_collect(input->history, moment.at, &jobs);
    struct pane top = pane_part(&whole, 0, 0, whole.w, 1);
    struct pane body = pane_part(&whole, 0, 1, whole.w, whole.h - 2);
    struct pane foot = pane_part(&whole, 0, whole.h - 1, whole.w, 1);
    status_draw(input->view, &moment, viewer->paused, &top);
    if (viewer->help) {
        message_draw_help(&body);
    } else if (viewer->choosing) {
        message_draw_drivers(&viewer->found, viewer->selected, &body);
    } else if (!has_run(input)) {
        message_draw_waiting(input->view, viewer->selected, &body);
    } else {
        draw_sections(&moment, viewer, &body);
        draw_footer(input, &moment, &foot);
        return;
    }
    if (input->keys) {
        draw_keys(&foot, 0);
    }
}
