/* view.h: what is on screen: which history, which stretch of time, which theme, what is said.
 *
 * The program (window.c, video.c, export.c) fills a view and calls view_draw; keys and the mouse
 * change it through the functions below. Drawing reads the history and never changes it; the only
 * thing it changes is the view's own `limits`, which move calmly from frame to frame.
 *
 * Threads:    one thread.
 * Ownership:  the view borrows the history. */
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
const char *view_state_name(enum view_state state); /* as every viewer says it: "not responding" */

/* The status line. Numbers below 0 are unknown and not shown. */
struct view_status {
    enum view_state state;
    char name[80];         /* segment name or file name */
    char engine[72];       /* "lsm 0.1" */
    char description[256]; /* the run's own line: mode and rates */
    char command[1024];    /* the command line that started the run; empty: unknown */
    char notice[160];      /* something to tell: "no new rows for 5 s: ..." */
    double elapsed_s;
    double start_real_s; /* wall clock of second 0, Unix time; below 0 unknown */
    double samples_lost;
    double sampler_cpu;     /* share of one core, 0..1 */
    double sampler_ns;      /* per sample */
    double viewer_cpu;      /* share of one core */
    double frames_repeated; /* video: frames the encoder was too slow for */
    bool recording;         /* a video, or a recording of the run, is on */
};

enum { VIEW_PANELS_MAX = 9, VIEW_CHOICES_MAX = 16, VIEW_RUNS_MAX = 4, VIEW_PROMPT_MAX = 80 };

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

/* What of the mini-map's frame the mouse holds. */
enum view_grab { VIEW_GRAB_NONE, VIEW_GRAB_FRAME, VIEW_GRAB_LEFT, VIEW_GRAB_RIGHT, VIEW_GRAB_NEW };

/* Left by view_draw for what follows a frame: where things are that the mouse may point at. */
struct view_drawn {
    size_t axes, headers;
    struct rect axis[VIEW_RUNS_MAX]; /* a time axis for each column that has one */
    struct {
        struct rect at, frame; /* the title's row; all of the panel */
        int panel;
        bool timed; /* it has a crosshair */
    } header[VIEW_PANELS_MAX * VIEW_RUNS_MAX];
    struct rect minimap; /* no width: none */
    double minimap_t0, minimap_t1;
    size_t hidden; /* panels that found no room */
};

struct view {
    const struct history *history; /* never NULL */
    struct view_status status;
    struct view_run other[VIEW_RUNS_MAX - 1]; /* compared with the first */
    unsigned others;
    bool side_by_side; /* a column for each run, instead of all in the same plots */
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
    bool frame_exact; /* no easing: limits jump to where they belong (video, pictures) */
    /* Which latency is shown: 0 the busiest operation's, else 1 + index of scope.h's histograms. */
    unsigned latency_kind;
    double clock_s;            /* set before each view_draw: a steady clock for easing */
    double cursor_x, cursor_y; /* crosshair in logical pixels; below 0 none */
    bool cursor_fixed;         /* the crosshair was put by keys, at cursor_s of the first run */
    double cursor_s;
    double rest_since_s; /* when the pointer came to rest; below 0: not yet known */
    bool explain;        /* every panel says what it shows */
    bool interactive;    /* a window: the mini-map, hints at keys, what the viewer costs */
    enum view_grab grab;
    double grab_s;     /* the time that was grabbed, or where the frame began then */
    char caption[200]; /* a line under the picture; empty: none */
    bool show_command; /* the run's command line under the picture */
    bool prompting;    /* a marker's name is being typed */
    char prompt[VIEW_PROMPT_MAX];
    double prompt_s;     /* where the marker goes */
    unsigned marks_made; /* by this viewer: those without a name get a number */
    double until_s;      /* data after this time is not shown (offline video); below 0: all */
    /* Instead of panels: a headline, an explanation, and a list to choose from (live drivers). */
    char headline[128], detail[256];
    char choices[VIEW_CHOICES_MAX][160];
    int choice_count, choice_selected;
    char toast[160]; /* a short notice at the bottom: "saved screenshot ..." ; empty: none */
    struct view_limits limits;
    /* Left by view_draw for what follows a frame; not for others. */
    double shown_end_s; /* newest time shown when last drawn unpaused: a pause holds it; < 0 none */
    struct rect drawn_axis;    /* the first time axis */
    struct rect drawn_choices; /* the first choice's row; the others follow below it */
    struct view_drawn drawn;
};

void view_init(struct view *view, const struct history *history, enum theme_id theme);
/* "overview", "stack", "presenter". False: no such layout. */
bool view_layout_parse(const char *name, enum view_layout *layout);
const char *view_layout_name(enum view_layout layout);
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

/* The least window, in units of the layout. */
enum { VIEW_WIDTH_LEAST = 320, VIEW_HEIGHT_LEAST = 200 };

/* The presenter layout draws everything up to twice as large: what a canvas of this view, of so
 * many pixels, needs. */
double view_scale(const struct view *view, double scale, int width, int height);

/* ---- keys and the mouse (view_act.c, view_cursor.c, minimap.c) ---- */

/* The mouse is here now; it takes the crosshair back from the keys. Below 0: it left. */
void view_pointer(struct view *view, double x, double y);
/* Index of the panel whose title lies under (x, y), or -1. */
int view_title_at(const struct view *view, double x, double y);
/* One panel fills the window; the same again, or an index that there is not: all of them. */
void view_solo(struct view *view, int index);
void view_solo_step(struct view *view, int by); /* the next panel; after the last all of them */
/* Closes what lies on top: a prompt, the help, a full-screen panel. False: nothing was open. */
bool view_back(struct view *view);

/* Moves the crosshair by so many samples; puts one at the newest when there is none. */
void view_cursor_step(struct view *view, int by);
/* To the next stall, marker or error (by 1) or the one before (by -1). False: there is none. */
bool view_event_step(struct view *view, int by);
/* The time under the crosshair; false without one. */
bool view_cursor_time(const struct view *view, double *seconds);

/* True when the press was on the mini-map, which then follows the drag until the release. */
bool view_minimap_press(struct view *view, double x, double y);
void view_minimap_drag(struct view *view, double x);

/* Asks for a marker's name, for the crosshair or else the newest moment. */
void view_prompt_begin(struct view *view);
void view_prompt_type(struct view *view, const char *utf8);
void view_prompt_rub(struct view *view); /* takes the last character away */

/* The keys, for the help overlay, --help and the manual: one table. */
struct view_key {
    const char *keys;  /* "Space" */
    const char *does;  /* "pause and resume the picture" */
    const char *group; /* of the help card: "Time"; the keys of a group follow each other */
};
const struct view_key *view_keys(size_t *count);

#endif
