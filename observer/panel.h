/* panel.h: what a panel is, and what it may look at.
 *
 * A panel says how much room its margins need, what its vertical axis must reach, and draws itself
 * into the place the layout gave it. All panels of a column share the time axis and the margins,
 * so that their plots line up to the pixel. A panel knows neither the window nor its neighbours: a
 * new one is a file panel_<x>.c, a line in panel_list and, if it wants, a column of its own.
 *
 * Threads:    one thread.
 * Ownership:  a scene and what it points to last one frame. */
#ifndef OBS_PANEL_H
#define OBS_PANEL_H

#include "axis.h"
#include "canvas.h"
#include "history.h"
#include "marks.h"
#include "theme.h"

/* Free room left and right inside a panel. */
#define PANEL_PAD 16.0

struct scene {
    struct canvas *canvas;
    const struct theme *theme;
    const struct history *history;
    const struct marks *marks;
    double t0, t1;     /* the stretch of time shown */
    double until;      /* nothing newer may be shown */
    size_t first, end; /* samples of the stretch and one to each side: [first, end) */
    bool has_newest;   /* is there a sample to speak of at the right edge? */
    size_t newest;     /* it: what the values at the lines' ends are taken from */
    bool has_cursor;
    size_t cursor;         /* sample under the crosshair */
    double cursor_slack_s; /* events this close to the crosshair are told of */
    /* What panels without a time axis show: the crosshair's time, else the right edge's. */
    double moment;
    bool has_pointer; /* the mouse is over the panels */
    struct point pointer;
    /* Motion. `clock_s` is a steady clock; `live_s` the run's own time now, which moves on between
     * samples; `still`: nothing may move (a picture, a video of a finished run, a pause). A panel
     * in which something moves sets *moving and is drawn again soon. */
    double clock_s, live_s;
    bool still;
    bool *moving;
    unsigned latency_kind; /* view.h */
    /* Comparing: which run this is of how many; panels that overlay are drawn once a run into the
     * same plot, the others get a part of the plot each. */
    unsigned run, runs;
    const struct scene *every; /* of each run, this one's too; NULL: there is only this one */
    bool shared;               /* another run is in the same plot: lines differ in style, too */
    /* Scratch for lines, areas and stacks. */
    size_t columns_max;            /* the widest plot, in pixels, and some more */
    struct point *points;          /* 2 * columns_max + 8 */
    double *sums;                  /* 2 * columns_max */
    struct canvas_column *columns; /* 3 * columns_max */
    struct history_bin *bins;      /* 2 * columns_max */
};

/* Where a panel lies, in logical pixels. */
struct panel_place {
    struct rect frame;  /* the whole panel */
    struct rect header; /* title and corner text */
    struct rect lane;   /* between header and plot, as high as the panel asked for */
    struct rect plot;
    struct rect labels; /* right of the plot: names and values */
};

struct panel_size {
    double left;  /* axis labels */
    double right; /* labels at the lines' ends */
    double lane;
};

/* One line of what a panel has to say at a moment: a label at the right, a row at the crosshair. */
struct panel_value {
    char name[40];
    char text[112];
    struct color color;
    double at;     /* on the vertical axis; NAN: nowhere */
    double below;  /* where it begins, of what is stacked on something else */
    bool dot;      /* mark the spot under the crosshair */
    int rank;      /* when room is short the highest go first */
    char more[16]; /* after the text, in a column of its own: "+18 %" */
};
enum { PANEL_VALUES_MAX = 16, PANEL_EVENTS_MAX = 3, PANEL_HOVER_LINES = 8 };

/* What a panel says of the thing under the mouse: one table, one cell of a heatmap, one job. */
struct panel_hover {
    struct rect at; /* the thing: outlined */
    char title[96];
    struct {
        char name[40], text[112];
    } line[PANEL_HOVER_LINES];
    size_t lines;
};

struct panel {
    const char *name;  /* "memtable": as --panels knows it */
    const char *title; /* "Memtable" */
    /* Instead of `title`, where that changes with what is shown. May be NULL. */
    void (*titled)(const struct scene *scene, char *text, size_t size);
    const char *teaches; /* "fills, then flushes to L0": shown where there is room */
    const char *help;    /* one sentence: what it shows and what to look for */
    const char *absent;  /* said when the source has nothing for it */
    enum axis_unit unit;
    double weight; /* share of the height */
    double least;  /* the lowest plot that still says something; 0: 44 */
    bool notes;    /* its lane is for the texts of markers and stalls */
    int side;      /* of the overview: 0 what happened, 1 what is and what it costs */
    bool timeless; /* no time axis: shows `moment` */
    bool rows;     /* of text: narrower it needs to be higher */
    bool overlays; /* lines of several runs may share its plot */
    bool (*present)(const struct scene *scene);
    void (*measure)(const struct scene *scene, struct panel_size *size);
    /* The largest value shown. NULL: the panel draws its own vertical axis, no grid is drawn for
     * it, and the `at` of its values is a share of the plot's height: its `top` is 1. */
    double (*most)(const struct scene *scene);
    void (*draw)(const struct scene *scene, const struct panel_place *place, double top);
    /* Values at a sample, and events near the time of the crosshair, at most PANEL_EVENTS_MAX.
     * Return how many. Both may be NULL. */
    size_t (*values)(const struct scene *scene, size_t index, struct panel_value *values);
    size_t (*events)(const struct scene *scene, double t, struct panel_value *values);
    /* A short text for the corner; its colour is the event's. May be NULL. */
    void (*corner)(const struct scene *scene, char *text, size_t size, struct color *color);
    /* What lies under scene->pointer, which is inside the frame; false: nothing to tell. May be
     * NULL. */
    bool (*hover)(const struct scene *scene, const struct panel_place *place,
                  struct panel_hover *hover);
};

extern const struct panel panel_throughput;
extern const struct panel panel_memtable;
extern const struct panel panel_levels;
extern const struct panel panel_latency;
extern const struct panel panel_compactions;
extern const struct panel panel_tree;
extern const struct panel panel_amplification;
extern const struct panel panel_io;
extern const struct panel panel_numbers;

/* Every panel, in the order in which the overview shows them. */
const struct panel *const *panel_list(size_t *count);
const struct panel *panel_find(const char *name, size_t length); /* NULL: no such panel */
/* Reads "tree,latency" into list, which has room for VIEW_PANELS_MAX. False, and why: a name that
 * there is not, or twice. */
bool panel_parse(const char *text, const struct panel **chosen, size_t *count, char *why,
                 size_t why_size);
/* Where there is no room for all, those with the highest rank go first. */
int panel_rank(const struct panel *panel);

#endif
