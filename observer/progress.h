/* progress.h: a bar on a terminal's last line, for work whose length is known.
 *
 * Shown only where stderr is a terminal, and at most ten times a second.
 * Threads:    one thread.
 * Times:      a steady clock in seconds. */
#ifndef OBS_PROGRESS_H
#define OBS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { PROGRESS_LINE_MAX = 320 };

struct progress {
    bool shown; /* stderr is a terminal */
    size_t total;
    double began_s, told_s;
};

void progress_begin(struct progress *progress, size_t total, double now_s);
void progress_tell(struct progress *progress, size_t done, double now_s);
/* Wipes the bar: what is told next stands in its place. */
void progress_end(const struct progress *progress);

/* The line for a terminal so many columns wide: "  42 %  ####.....  1260 of 3000  164/s  11 s
 * left", the bar in block elements unless `ascii`. */
void progress_line(size_t done, size_t total, double elapsed_s, int columns, bool ascii,
                   char line[PROGRESS_LINE_MAX]);

#endif
