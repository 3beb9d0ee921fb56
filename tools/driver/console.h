/* console.h: stdout: lines, and on a terminal one progress line redrawn in place below them.
 *
 * Threads:    the main thread only.
 * Errors:     when stdout is closed, full or gone, output is dropped and the run goes on;
 *             SIGPIPE is expected to be ignored. A reader that stands still may hold up the main
 *             thread, never the workers. */
#ifndef DRIVER_CONSOLE_H
#define DRIVER_CONSOLE_H

#include <stdbool.h>

struct driver_console {
    int fd;
    bool terminal; /* progress can be redrawn */
    bool drawn;    /* a progress line is on screen */
    bool dead;     /* writing failed for good */
    bool quiet;    /* neither log nor progress */
};

void driver_console_init(struct driver_console *console, bool quiet);
void driver_console_line(struct driver_console *console, const char *text);
/* Redrawn in place on a terminal, a line of its own elsewhere. */
void driver_console_progress(struct driver_console *console, const char *text);
/* Text as it is, newlines and all, quiet or not; takes a progress line away first. */
void driver_console_text(struct driver_console *console, const char *text);

#endif
