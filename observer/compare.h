/* compare.h: the runs beside the first one: their sources and histories, and where their second 0
 * lies on the first run's time axis.
 *
 * Threads:    one thread.
 * Ownership:  owns its histories and sources; the view borrows the histories.
 * Times:      a steady clock in seconds. */
#ifndef OBS_COMPARE_H
#define OBS_COMPARE_H

#include "args.h"
#include "source.h"

struct compare_run {
    struct history *history;
    struct source *source;
    double next_poll_s;
    unsigned generation;
    struct view described; /* what its source says of it */
};

struct compare {
    struct compare_run run[VIEW_RUNS_MAX - 1];
    unsigned count;
    enum args_align align;
};

/* Opens a source of the command line. NULL, and why in `error`. */
struct source *compare_source_open(const struct args *args, const struct args_source *wanted,
                                   struct history *history, char *error, size_t error_size);

/* Opens every source but the first, for the view to draw. False, and why in `error`. */
bool compare_open(struct compare *compare, const struct args *args, struct view *view, char *error,
                  size_t error_size);
void compare_close(struct compare *compare);

/* Polls the sources that are due and brings the view's other runs up to date. True when anything
 * worth a new picture changed; *next_s is lowered to when the next one is due. */
bool compare_poll(struct compare *compare, struct view *view, double now_s, double *next_s);

/* Of all its runs: nothing more will ever come; nothing more is expected. */
bool compare_static(const struct compare *compare);
bool compare_ended(const struct compare *compare);
/* The newest moment of any run, on the first one's axis; 0 when there is none. */
double compare_end(const struct view *view);

#endif
