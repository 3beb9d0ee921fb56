/* moment.h: what a frame shows: a run, up to a moment, over a span of time before it; and the
 * questions sections ask of it. A metric the source does not know is absent: answers say so.
 *
 * Threads:    one thread.
 * Ownership:  everything is borrowed.
 * Times:      seconds since the run's start. */
#ifndef TOP_MOMENT_H
#define TOP_MOMENT_H

#include "history.h"
#include "jobs.h"
#include "spark.h"
#include "tails.h"
#include "view.h"

struct moment {
    const struct history *history;
    const struct view_status *status;
    const struct tails *tails;
    const struct jobs *jobs;
    double at;      /* the newest time shown */
    double span;    /* seconds of the trends */
    bool whole;     /* the span is the whole run */
    bool newest;    /* `at` is the newest there is */
    bool any;       /* there is a sample at or before `at` */
    size_t index;   /* that sample, when there is any */
    int log_scroll; /* events of the log that are scrolled past */
};

/* Finds the sample. `at` below 0: the newest. `span` 0: the whole run. */
void moment_set(struct moment *moment, const struct history *history, double at, double span);

/* A gauge, or a counter's total. */
bool moment_value(const struct moment *moment, uint32_t id, double *value);
/* A counter's increase a second over the last second, or over the last sample when that is longer:
 * what an eye takes for "now". */
bool moment_now(const struct moment *moment, uint32_t id, double *rate);
/* The same over the whole span; less where the run is younger. */
bool moment_mean(const struct moment *moment, uint32_t id, double *rate);
/* A counter's increase over the span. */
bool moment_growth(const struct moment *moment, uint32_t id, double *growth);
/* True when the metric is known and above 0 anywhere up to the moment. */
bool moment_ever(const struct moment *moment, uint32_t id);

/* `count` points of the span for a metric. Columns keep their edges from frame to frame, so that
 * the picture moves in whole steps. */
void moment_trend(const struct moment *moment, uint32_t id, enum history_form form,
                  struct spark_point *point, int count);
/* The same for a latency, by `h` = latency * SCOPE_OPS + op; the peak is the worst p99. Seconds. */
void moment_tail_trend(const struct moment *moment, unsigned h, struct spark_point *point,
                       int count);
double spark_largest(const struct spark_point *point, int count);

#endif
