/* latency_series.h: one run's one-second histograms of one kind, ready to be merged.
 *
 * A history keeps all eight histograms of a second packed together; a heatmap asks for one kind,
 * for hundreds of stretches of time, every frame. A series holds that kind alone, and sums of it
 * over 16, 256, 4 096 and 65 536 seconds, so that a stretch of any length is merged from a few
 * dozen parts. Merging adds counts: nothing is estimated.
 *
 * Threads:    one.
 * Ownership:  a series belongs to its maker and keeps nothing of the history.
 * Memory:     about 150 bytes a second. When it is out, what is known ends earlier. */
#ifndef OBS_LATENCY_SERIES_H
#define OBS_LATENCY_SERIES_H

#include "history.h"

/* What is told of a second beside its buckets. */
enum latency_stat { LATENCY_P50, LATENCY_P99, LATENCY_P999, LATENCY_MAX, LATENCY_STATS };

struct latency_second {
    double t0, t1;             /* seconds since the run's start */
    float stat[LATENCY_STATS]; /* ns; NAN: no operations, or not known */
};

/* Several seconds as one. */
struct latency_summary {
    size_t seconds;   /* how many */
    double covered_s; /* their length together */
    uint64_t total;   /* operations */
    uint64_t count[SCOPE_HIST_BUCKETS];
    /* The least and the largest of the seconds' own figures; NAN: none. */
    float low[LATENCY_STATS], high[LATENCY_STATS];
};

struct latency_series;

struct latency_series *latency_series_create(void); /* NULL when memory is out */
void latency_series_destroy(struct latency_series *series);

/* Takes over what is new in the history, or everything when it is another one, was cleared, or the
 * kind is another. `kind` as in scope.h: latency * SCOPE_OPS + op. True when anything changed. */
bool latency_series_sync(struct latency_series *series, const struct history *history,
                         unsigned kind);
/* Grows whenever sync changed anything: for caches. */
uint64_t latency_series_version(const struct latency_series *series);
/* Operations of every kind in the whole history. Brought up to date by asking. */
const uint64_t *latency_series_totals(struct latency_series *series, const struct history *history);

size_t latency_series_count(const struct latency_series *series);
const struct latency_second *latency_series_second(const struct latency_series *series,
                                                   size_t index);
/* First second that ends after t; the count when there is none. */
size_t latency_series_find(const struct latency_series *series, double t);
/* ns. A quantile lies within its bucket somewhere, but never beyond what was measured; the last
 * bucket, which takes everything beyond it, reaches up to that. `max_ns` 0 or NAN: not known. */
double latency_quantile(const uint64_t count[SCOPE_HIST_BUCKETS], double q, double max_ns);
/* Merges the seconds [from, to). */
void latency_series_merge(const struct latency_series *series, size_t from, size_t to,
                          struct latency_summary *summary);

/* Which kind is shown. `wanted` 0: the busiest operation's, with response time where it is
 * published; else 1 + kind. False: no operation was ever counted. */
bool latency_kind_choose(const uint64_t totals[SCOPE_HISTOGRAMS], unsigned wanted, unsigned *kind);
/* What follows `wanted` when a viewer goes through what there is; 0 after the last. The kind that 0
 * stands for does not come again. */
unsigned latency_kind_next(const struct history *history, unsigned wanted);

#endif
