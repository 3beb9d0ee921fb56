/* tree_run.h: a run made up by arithmetic that tells what a whole engine tells: jobs with their
 * bytes, levels with targets, stalls by cause, log, cache, filters, queue and process.
 *
 * It ends with one job that still runs and one that waits. Same seed, same run, on any machine.
 *
 * Threads:    one.
 * Ownership:  the history belongs to the caller. */
#ifndef TESTS_TREE_RUN_H
#define TESTS_TREE_RUN_H

#include "history.h"

struct tree_run_options {
    double seconds, interval_s;
    uint64_t seed;
    bool no_events; /* a publisher of counters alone */
    bool no_cache;  /* neither cache nor filters nor log */
};

/* Never NULL: a test without memory has nothing to say. */
struct history *tree_run(const struct tree_run_options *options);

#endif
