/* history.h: everything an observer knows about one run, whatever source it came from.
 *
 * A run is a table of samples (one row a sample, one column a metric), a list of events, a list of
 * one-second histograms and the shape of the tree. Sources (a live segment, a CSV file, a
 * recording) append; panels ask. Times are seconds since the run's start, so that runs line up.
 *
 * Threads:    one thread at a time (the observer's main thread).
 * Ownership:  the history owns all it was given; pointers it returns stay valid until the next
 *             append.
 * Memory:     columns exist only for metrics that were ever present.
 * Absent:     a metric that a source does not know is absent, never zero: queries say so. */
#ifndef OBS_HISTORY_H
#define OBS_HISTORY_H

#include "scope.h"

struct history;

struct history *history_create(void); /* NULL when memory is out */
void history_destroy(struct history *history);
/* Forgets everything: the source was re-attached to another instance. */
void history_clear(struct history *history);

/* ---- append (sources) ---- */

/* One metric value of a sample being appended, by metric id (sample.def). */
struct history_value {
    uint32_t id;
    uint64_t value;
};
/* What a metric of the source's own is: one that sample.def does not have, whose meaning is fixed.
 * Copied; the first word on an id holds, until history_clear. */
void history_describe(struct history *history, const struct scope_metric *metric);
/* Adds a sample at `seconds` since the start. Not after the newest one: ignored, false. */
bool history_append(struct history *history, double seconds, const struct history_value *values,
                    size_t count);
void history_append_event(struct history *history, double seconds, const struct scope_event *event);
/* The number that the next event appended has in its publisher's event ring; those after it follow
 * on. A jump says that events were lost. Shapes are placed among the events by their event_head
 * once numbers are told, else by time. */
void history_number_events(struct history *history, uint64_t next);
void history_append_histograms(struct history *history, double seconds,
                               const struct scope_histograms *histograms);
/* Marks that `lost` samples are missing before the next one: lines break there. */
void history_append_gap(struct history *history, uint64_t lost);
/* The tree as it was published; any number of times, oldest first. Copied. */
void history_set_shape(struct history *history, const struct scope_shape *shape);

/* ---- ask (panels) ---- */

/* For who keeps what follows from a history. The samples before the newest stay what they were as
 * long as this number does; it changes when a history forgets its oldest part or is cleared, and no
 * two histories ever have the same. */
uint64_t history_generation(const struct history *history);
/* Likewise of the events; it also changes when a late one is sorted in among those before it. */
uint64_t history_event_generation(const struct history *history);
/* True when the first `count` events by time are what they were when that generation was told.
 * May say no when very many late ones have come since. */
bool history_events_kept(const struct history *history, uint64_t generation, size_t count);

size_t history_count(const struct history *history);
double history_time(const struct history *history, size_t index);
/* First index whose time is >= seconds; history_count when there is none. */
size_t history_find(const struct history *history, double seconds);
/* Newest time of anything known; 0 when empty. */
double history_end(const struct history *history);
double history_start(const struct history *history); /* oldest sample's time; 0 when empty */

/* The metrics that were described, in that order. Valid until history_clear. */
const struct scope_metric *history_own_metrics(const struct history *history, size_t *count);
bool history_has(const struct history *history, uint32_t id); /* ever present */
bool history_value_at(const struct history *history, uint32_t id, size_t index, uint64_t *value);
bool history_latest(const struct history *history, uint32_t id, uint64_t *value);

/* As a level (the value itself) or as a rate (difference to the previous sample over their distance
 * in seconds; a counter that steps back starts anew and counts from zero). */
enum history_form { HISTORY_LEVEL, HISTORY_RATE };
/* The number at a sample; false where it is absent (the first sample has no rate, nor has one after
 * a gap). */
bool history_number(const struct history *history, uint32_t id, enum history_form form,
                    size_t index, double *number);

/* The numbers from a sample on, for loops over many: `*count` of them lie side by side, NAN where
 * there is none. NULL when the metric is unknown. Valid until the next question. */
const double *history_run(const struct history *history, uint32_t id, enum history_form form,
                          size_t index, size_t *count);

/* What falls into one pixel column. Samples per column may be 0: `count` 0, draw through it. */
struct history_bin {
    double min, max, first, last, sum;
    uint32_t count;
    bool gap; /* samples were lost in here, or just before the first one */
};
/* Bins [t0, t1) into n columns; min/max-true: a spike one sample wide shows at any zoom. */
void history_bins(const struct history *history, uint32_t id, enum history_form form, double t0,
                  double t1, size_t n, struct history_bin *bins);
enum { HISTORY_COLUMNS_MAX = 8192 };
/* Which samples those are: column i has [rows[i], rows[i + 1]). At most HISTORY_COLUMNS_MAX of
 * them. Valid until the next question. */
const uint32_t *history_column_rows(const struct history *history, double t0, double t1, size_t n);
/* The largest number in [t0, t1]; 0 when there is none. */
double history_max(const struct history *history, uint32_t id, enum history_form form, double t0,
                   double t1);

/* Kept packed: a returned pointer stays valid until 64 others were asked for, or the next append.
 */
size_t history_event_count(const struct history *history);
const struct scope_event *history_event(const struct history *history, size_t index);
/* These cost nothing: no event is unpacked for them. */
struct history_event_brief {
    uint32_t job;
    float duration_s; /* of the end of a stall, a flush or a compaction */
    union {
        float bytes_in;         /* of a flush; below 0: it failed */
        enum scope_stall cause; /* of a stall; of anything else but a flush SCOPE_STALL_NONE */
    };
};
const struct history_event_brief *history_event_brief(const struct history *history, size_t index);
double history_event_time(const struct history *history, size_t index);
enum scope_event_type history_event_type(const struct history *history, size_t index);
size_t history_event_find(const struct history *history, double seconds); /* first at or after */
/* The first one at or after `index` whose type is in the mask, a bit 1 << type for each; the count
 * when there is none. Most events are of tables: passing them over this way is cheap. */
size_t history_event_next(const struct history *history, size_t index, uint32_t types);

/* Kept packed: a returned pointer stays valid until 16 others were asked for or the next append.
 */
size_t history_histogram_count(const struct history *history);
const struct scope_histograms *history_histogram(const struct history *history, size_t index,
                                                 double *seconds);

const struct scope_shape *
history_shape(const struct history *history); /* newest; NULL when unknown */

/* The tree as it was at `seconds`: the nearest known shape with the tables' events since applied,
 * or undone. NULL when that is not known: before history_shape_start, in a gap of the events, or
 * when no shape was ever told. `busy` follows from the compactions' events as far as they tell.
 * `event_head` is the same for the same tree. Valid until the next call and the next append; asking
 * for the same or a nearby moment costs only the events between. */
const struct scope_shape *history_shape_at(const struct history *history, double seconds);
/* The earliest time at which the tree is known; INFINITY when it never is. */
double history_shape_start(const struct history *history);
/* When a table of the last answer of history_shape_at, or of the newest shape, was made. False when
 * it is neither's, or older than the run. */
bool history_table_born(const struct history *history, uint64_t table, double *seconds);

/* Levels to show: 1 + the highest level that was ever known to the source (2..8). */
unsigned history_levels(const struct history *history);

#endif
