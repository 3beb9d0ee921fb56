/* view.h: what is on screen: which history, which stretch of time, which theme, what is said.
 *
 * The program (window.c, video.c, export.c) fills a view and calls view_draw; keys and the mouse
 * change it through the functions below. Drawing reads the history and never changes it; the only
 * thing it changes is the view's own `limits`, which move calmly from frame to frame.
 *
 * Threads:    one thread. Ownership: the view borrows the history. */
#ifndef OBS_VIEW_H
#define OBS_VIEW_H

#include "axis.h"
#include "canvas.h"
#include "history.h"

enum theme_id { THEME_DARK, THEME_LIGHT };

enum view_state {
    VIEW_WAITING, /* no source yet */
    VIEW_LIVE,
    VIEW_STALLED,
    VIEW_CLOSED,
    VIEW_CRASHED,
    VIEW_FILE,   /* a finished CSV or recording */
    VIEW_FOLLOW, /* a CSV that is followed */
    VIEW_LOST,   /* the segment was damaged or taken away */
};

/* The status line. Numbers below 0 are unknown and not shown. */
struct view_status {
    enum view_state state;
    char name[80];         /* segment name or file name */
    char engine[72];       /* "lsm 0.1" */
    char description[256]; /* the run's own line: mode and rates */
    char notice[160];      /* something to tell: "no new rows for 5 s: ..." */
    double elapsed_s;
    double start_real_s; /* wall clock of second 0, Unix time; below 0 unknown */
    double samples_lost;
    double sampler_cpu;     /* share of one core, 0..1 */
    double sampler_ns;      /* per sample */
    double viewer_cpu;      /* share of one core */
    double frames_repeated; /* video: frames the encoder was too slow for */
    bool recording;         /* video is on */
};

enum { VIEW_PANELS_MAX = 9, VIEW_CHOICES_MAX = 16, VIEW_RUNS_MAX = 4 };

/* Limits of the vertical axes, moved calmly by view_draw. */
struct view_limits {
    struct axis_limit axis[VIEW_PANELS_MAX];
};

enum view_layout {
    VIEW_OVERVIEW,  /* two columns: what happened, and what is */
    VIEW_STACK,     /* one column */
    VIEW_PRESENTER, /* one column in large type, for the back of the room */
};

struct panel;

/* Another run beside the first one. */
struct view_run {
    const struct history *history;
    struct view_status status;
    double offset_s; /* its second 0 on the first run's time axis */
};

struct view {
    const struct history *history; /* never NULL */
    struct view_status status;
    struct view_run other[VIEW_RUNS_MAX - 1]; /* compared with the first */
    unsigned others;
    enum view_layout layout;
    const struct panel *panel[VIEW_PANELS_MAX]; /* shown, in this order */
    size_t panels;
    int solo; /* index of the panel that fills the window; below 0: all are shown */
    enum theme_id theme;
    double t0, t1; /* seconds shown, when not following the whole run */
    bool follow;   /* t1 sticks to the newest data */
    bool fit;      /* t0..t1 is the whole run */
    bool paused;   /* the picture stands still; data goes on arriving */
    bool help;
    bool frame_exact;          /* no easing: limits jump to where they belong (video, pictures) */
    /* Which latency is shown: 0 the busiest operation's, else 1 + index of scope.h's histograms. */
    unsigned latency_kind;
    double clock_s;            /* set before each view_draw: a steady clock for easing */
    double cursor_x, cursor_y; /* crosshair in logical pixels; below 0 none */
    double until_s;            /* data after this time is not shown (offline video); below 0: all */
    /* Instead of panels: a headline, an explanation, and a list to choose from (live drivers). */
    char headline[128], detail[256];
    char choices[VIEW_CHOICES_MAX][160];
    int choice_count, choice_selected;
    char toast[160]; /* a short notice at the bottom: "saved screenshot ..." ; empty: none */
    struct view_limits limits;
    /* Left by view_draw for what follows a frame; not for others. */
    double shown_end_s; /* newest time shown when last drawn unpaused: a pause holds it; < 0 none */
    struct rect drawn_axis;    /* the time axis */
    struct rect drawn_choices; /* the first choice's row; the others follow below it */
};

void view_init(struct view *view, const struct history *history, enum theme_id theme);
/* Draws everything. True while an easing is under way: draw again soon (at most 30 frames/s). */
bool view_draw(struct view *view, struct canvas *canvas);

/* The stretch of time that view_draw would show now. */
void view_span(const struct view *view, double *t0, double *t1);
/* Zooms by `factor` (< 1 closer) around the time under x. Keeps to what exists plus a margin. With
 * x below 0 (the keyboard) around the newest edge when following, else around the middle. */
void view_zoom(struct view *view, const struct canvas *canvas, double x, double factor);
/* Moves the picture by `dx` logical pixels to the right: to earlier times. */
void view_pan(struct view *view, const struct canvas *canvas, double dx);
void view_fit(struct view *view);    /* the whole run, following */
void view_follow(struct view *view); /* keep the span's length, stick to the newest */
/* Index of the choice under (x, y), or -1. */
int view_choice_at(const struct view *view, const struct canvas *canvas, double x, double y);

/* The keys, for the help overlay, --help and the manual: one table. */
struct view_key {
    const char *keys; /* "Space" */
    const char *does; /* "pause and resume the picture" */
};
const struct view_key *view_keys(size_t *count);

#endif
