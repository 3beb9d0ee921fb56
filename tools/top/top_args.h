/* top_args.h: the command line of lsm-top.
 *
 * Ownership:  strings point into argv. */
#ifndef TOP_ARGS_H
#define TOP_ARGS_H

#include <stdbool.h>
#include <stdio.h>

#include "hues.h"

enum { TOP_ARGS_ERROR = 256 };

struct top_args {
    const char *attach;  /* --attach NAME */
    const char *segment; /* --segment FILE */
    const char *csv;     /* --csv [FILE], --live */
    const char *word;    /* NAME or FILE; at most one of these four is not NULL */
    bool any_owner, live, once, ascii, no_color;
    bool has_span, has_theme;
    enum hues_theme theme;
    int columns, rows; /* --size; 0: not given */
    long interval_ms;
    double span; /* seconds; 0: the whole run */
};

enum top_args_result { TOP_ARGS_RUN, TOP_ARGS_HELP, TOP_ARGS_VERSION, TOP_ARGS_WRONG };

/* WRONG: `error` says in one line what would be right. */
enum top_args_result top_args_parse(int argc, char **argv, struct top_args *args,
                                    char error[TOP_ARGS_ERROR]);
void top_args_help(FILE *out);

#endif
