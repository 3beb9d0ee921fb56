/* canned_run.h: a run made up by arithmetic, the same on every machine: 5 000 puts a second beside
 * gets and deletes, a memtable that fills and flushes, compactions, one stall and one marker.
 *
 * Threads:    one.
 * Ownership:  the history belongs to the caller. */
#ifndef TESTS_CANNED_RUN_H
#define TESTS_CANNED_RUN_H

#include "history.h"

enum canned_source {
    CANNED_SEGMENT, /* everything a segment publishes */
    CANNED_CSV,     /* only what the columns of a CSV file say, with fewer levels */
};

struct canned_options {
    double seconds;    /* length of the run */
    double interval_s; /* between samples */
    enum canned_source source;
};

/* Never NULL: a test without memory has nothing to say. */
struct history *canned_run(const struct canned_options *options);

#endif
