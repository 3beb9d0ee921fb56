/* markers.h: lines that arrive while the run goes on, from a terminal, a pipe or a growing file.
 *
 * Each non-empty line is handed to a function, without its newline, control characters made spaces,
 * at most DRIVER_MARKER_MAX bytes of it. A regular file is read from its beginning and followed; a
 * FIFO may be written by one process after another.
 *
 * Threads:    a thread of its own reads, and calls `marker` there. start and stop from one
 *             thread. */
#ifndef DRIVER_MARKERS_H
#define DRIVER_MARKERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { DRIVER_MARKER_MAX = 87 };

struct driver_markers {
    int fd;      /* -1: none */
    int wake[2]; /* closing the write end ends the thread */
    bool owned;  /* fd is ours to close */
    bool started;
    pthread_t thread;
    void (*marker)(void *context, const char *text);
    void *context;
    char line[DRIVER_MARKER_MAX + 1];
    size_t used;
};

/* Opens the source: a path, "-" for stdin, or NULL: stdin if it is a terminal, else none. 0 or
 * errno. */
int driver_markers_open(struct driver_markers *markers, const char *from);
/* 0 or errno. Without a source it does nothing. */
int driver_markers_start(struct driver_markers *markers,
                         void (*marker)(void *context, const char *text), void *context);
void driver_markers_close(struct driver_markers *markers);
/* Feeds bytes, calls `marker` for each line that ends in them. */
void driver_markers_feed(struct driver_markers *markers, const char *bytes, size_t size);

#endif
