/* source_open.h: a file, whatever it is: a recording, a copy of a segment or a black box, or a
 * metrics CSV. What it is, its first bytes say; its name does not count.
 *
 * Threads:    one thread.
 * Ownership:  the source borrows the history. */
#ifndef OBS_SOURCE_OPEN_H
#define OBS_SOURCE_OPEN_H

#include "source.h"

struct source_file_options {
    bool live;         /* follow a CSV, also one that is not there yet */
    double interval_s; /* how often to look then */
    bool verbose;
};

/* NULL, and in `error` which file and why: what it is not, or what is wrong with it. */
struct source *source_file_open(const char *path, const struct source_file_options *options,
                                struct history *history, char *error, size_t error_size);

#endif
