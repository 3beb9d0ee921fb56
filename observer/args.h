/* args.h: the command line: which source, which output.
 *
 * Threads:    none of it keeps state.
 * Ownership:  strings point into argv. */
#ifndef OBS_ARGS_H
#define OBS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "encoder_codec.h"
#include "view.h"

enum { ARGS_ERROR_MAX = 240 };

#define ARGS_CSV_DEFAULT "/tmp/lsm_metrics.csv"

enum args_kind { ARGS_DRIVER, ARGS_SEGMENT_FILE, ARGS_CSV, ARGS_FILE /* by its content */ };
struct args_source {
    enum args_kind kind;
    const char *name; /* a driver's name or a file's path; NULL: the only live driver */
};
/* Where the second 0 of a compared run lies on the first one's axis. */
enum args_align { ARGS_ALIGN_START, ARGS_ALIGN_WALL };
enum args_result { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_WRONG };

struct args {
    struct args_source source[VIEW_RUNS_MAX]; /* the first, and those it is compared with */
    unsigned sources;                         /* at least 1 */
    enum args_align align;
    bool side_by_side;
    bool any_owner;
    bool live; /* follow the CSVs */
    long interval_ms;
    const char *record;     /* NULL: none */
    const char *output;     /* NULL: none */
    const char *save_video; /* NULL: none */
    double fps;             /* 0: 2 for a video of a CSV, else 30 */
    double speed;           /* seconds of a finished run per second of its video; 0: a frame a row
                               for a CSV, else 1 */
    const char *codec;      /* NULL: the ending's default */
    enum video_quality quality;
    bool headless;
    double duration_s; /* 0: no limit */
    int width, height;
    bool size_given, theme_given; /* rather than what the last window left */
    enum theme_id theme;
    const struct panel *panel[VIEW_PANELS_MAX]; /* in the order asked for */
    size_t panels;                              /* 0: all of them */
    enum view_layout layout;
    bool layout_given;
    bool no_config;
    const char *caption; /* NULL: none */
    bool show_command;
    const char *font; /* NULL: the default family */
    double scale;     /* 0: from the display */
    bool verbose;
};

/* WRONG: `error` holds one line that says what is wrong and what would be right. */
enum args_result args_parse(int argc, char **argv, struct args *args, char error[ARGS_ERROR_MAX]);
void args_help(FILE *out);
void args_version(FILE *out);

#endif
