/* viewer.c: see viewer.h. */
#include "viewer.h"

#include <math.h>

#include "top_check.h"

static const double spans[] = {10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 0};
enum { SPANS = sizeof(spans) / sizeof(spans[0]), STEPS_A_SPAN = 12 };

void viewer_init(struct viewer *viewer, double span) {
    *viewer = (struct viewer){.at = -1.0, .span = span, .large = SECTION_NONE};
}

void viewer_restart(struct viewer *viewer) {
    viewer->at = -1.0;
    viewer->paused = false;
    viewer->log_scroll = 0;
}

static double span_seconds(const struct viewer *viewer, const struct history *history) {
    double run = history_end(history) - history_start(history);
    return viewer->span > 0.0 ? viewer->span : fmax(run, 1.0);
}

/* Moves the moment by some seconds; beyond the newest it follows again. */
static void scrub(struct viewer *viewer, const struct history *history, double seconds) {
    double end = history_end(history), start = history_start(history);
    double at = (viewer->at < 0.0 ? end : viewer->at) + seconds;
    viewer->paused = false;
    viewer->at = at >= end ? -1.0 : fmax(at, start);
}

/* One step to a shorter (-1) or longer (+1) span. A span of the command line lies in between. */
static void change_span(struct viewer *viewer, int step) {
    int at = SPANS - 1;
    while (at > 0 && viewer->span > 0.0 && (spans[at] <= 0.0 || spans[at] > viewer->span)) {
        at--;
    }
    bool beyond = viewer->span > 0.0 && spans[at] > viewer->span; /* shorter than the first */
    bool between = viewer->span > 0.0 && fabs(spans[at] - viewer->span) > 1e-9;
    int to = between && !beyond && step < 0 ? at : beyond && step > 0 ? at : at + step;
    if (to >= 0) {
        viewer->span = spans[to < SPANS ? to : SPANS - 1];
    }
}

static void pause_or_resume(struct viewer *viewer, const struct history *history) {
    bool resume = viewer->paused;
    viewer->at = resume ? -1.0 : viewer->at < 0.0 ? history_end(history) : viewer->at;
    viewer->paused = !resume;
}

static void enlarge(struct viewer *viewer, int section) {
    viewer->large = viewer->large == section ? SECTION_NONE : section;
    viewer->log_scroll = 0;
}

static void cycle(struct viewer *viewer, int step) {
    int next = viewer->large + step;
    viewer->large = next < SECTION_NONE ? SECTIONS - 1 : next >= SECTIONS ? SECTION_NONE : next;
    viewer->log_scroll = 0;
}

static void scroll_log(struct viewer *viewer, const struct history *history, int by) {
    int most = (int)fmin((double)history_event_count(history), 1e6);
    int scroll = viewer->log_scroll + by;
    viewer->log_scroll = scroll < 0 ? 0 : scroll > most ? most : scroll;
}

/* A list is on screen: keys that move in it. True when the key was one of them. */
static bool take_choice(struct viewer *viewer, int key, int choices, enum viewer_wish *wish) {
    *wish = WISH_REDRAW;
    if (key == TOP_KEY_UP || key == 'k') {
        viewer->selected = viewer->selected > 0 ? viewer->selected - 1 : choices - 1;
    } else if (key == TOP_KEY_DOWN || key == 'j') {
        viewer->selected = viewer->selected + 1 < choices ? viewer->selected + 1 : 0;
    } else if (key == TOP_KEY_ENTER) {
        *wish = WISH_CHOSEN;
    } else if (key >= '1' && key <= '9' && key - '1' < choices) {
        viewer->selected = key - '1';
        *wish = WISH_CHOSEN;
    } else {
        return false;
    }
    return true;
}

static bool close_what_is_open(struct viewer *viewer) {
    if (viewer->help) {
        viewer->help = false;
    } else if (viewer->choosing) {
        viewer->choosing = false;
    } else if (viewer->large != SECTION_NONE) {
        viewer->large = SECTION_NONE;
    } else {
        return false;
    }
    return true;
}

static enum viewer_wish take_time(struct viewer *viewer, const struct history *history, int key) {
    double span = span_seconds(viewer, history);
    switch (key) {
    case ' ':
    case 'p':
        pause_or_resume(viewer, history);
        return WISH_REDRAW;
    case TOP_KEY_LEFT:
        scrub(viewer, history, -span / STEPS_A_SPAN);
        return WISH_REDRAW;
    case TOP_KEY_RIGHT:
        scrub(viewer, history, span / STEPS_A_SPAN);
        return WISH_REDRAW;
    case TOP_KEY_PAGE_UP:
        scrub(viewer, history, -span);
        return WISH_REDRAW;
    case TOP_KEY_PAGE_DOWN:
        scrub(viewer, history, span);
        return WISH_REDRAW;
    case TOP_KEY_HOME:
        viewer->at = history_start(history);
        viewer->paused = false;
        return WISH_REDRAW;
    case TOP_KEY_END:
    case 'f':
        viewer_restart(viewer);
        return WISH_REDRAW;
    case '+':
    case '=':
        change_span(viewer, -1);
        return WISH_REDRAW;
    case '-':
    case '_':
        change_span(viewer, 1);
        return WISH_REDRAW;
    default:
        return WISH_NOTHING;
    }
}

enum viewer_wish viewer_take(struct viewer *viewer, const struct history *history, int key,
                             int choices) {
    enum viewer_wish wish;
    if (choices > 0 && !viewer->help && take_choice(viewer, key, choices, &wish)) {
        return wish;
    }
    if (key >= '1' && key <= '9') {
        enlarge(viewer, key - '1');
        return WISH_REDRAW;
    }
    switch (key) {
    case 'q':
    case 'Q':
        return WISH_QUIT;
    case TOP_KEY_ESCAPE:
    case TOP_KEY_BACKSPACE:
        return close_what_is_open(viewer) ? WISH_REDRAW : WISH_NOTHING;
    case '0':
        viewer->large = SECTION_NONE;
        return WISH_REDRAW;
    case '?':
    case 'h':
    case TOP_KEY_F1:
        viewer->help = !viewer->help;
        return WISH_REDRAW;
    case 'l':
        enlarge(viewer, SECTION_LOG);
        return WISH_REDRAW;
    case 'c':
        return WISH_DRIVERS;
    case '\t':
        cycle(viewer, 1);
        return WISH_REDRAW;
    case TOP_KEY_BACK_TAB:
        cycle(viewer, -1);
        return WISH_REDRAW;
    case TOP_KEY_UP:
        scroll_log(viewer, history, -1);
        return WISH_REDRAW;
    case TOP_KEY_DOWN:
        scroll_log(viewer, history, 1);
        return WISH_REDRAW;
    default:
        return take_time(viewer, history, key);
    }
}

const struct viewer_key_help *viewer_keys(size_t *count) {
    static const struct viewer_key_help keys[] = {
        {"Space", "pause and resume the picture; the driver goes on"},
        {"Left, Right", "back and forth through the run, a twelfth of the span"},
        {"PgUp, PgDn", "the same by a whole span; Home: the beginning"},
        {"End", "follow the newest data again"},
        {"+, -", "a shorter, a longer span of the trends, up to the whole run"},
        {"1 to 9", "one section on the whole screen, and back; 0, Esc: back"},
        {"Tab", "the next section on the whole screen; Shift-Tab: the one before"},
        {"l", "the events; Up, Down scroll in them"},
        {"c", "choose a driver"},
        {"?", "this help"},
        {"q", "quit"},
    };
    *count = sizeof(keys) / sizeof(keys[0]);
    return keys;
}
