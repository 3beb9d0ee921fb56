/* history_store.h: what the files of the history share and nobody else sees.
 *
 *   history.c         rows and columns of samples, gaps, forgetting
 *   history_bins.c    numbers per pixel column, through a pyramid of summaries
 *   history_events.c  events and histograms
 *   history_shape.c   the shapes as they were told, and their place among the events
 *   history_shape_at.c   the tree at any moment
 *   history_keyframes.c  the trees that are kept for that
 *   history_tree.c    a set of tables that events change, forward and backward
 *
 * Threads: as history.h says, one at a time. The pyramids grow while they are asked, so two threads
 * must not even read one history together. */
#ifndef OBS_HISTORY_STORE_H
#define OBS_HISTORY_STORE_H

#include "history.h"

enum {
    /* 18 hours at 250 ms. Beyond it the oldest eighth is forgotten: a viewer left open for weeks
     * must not eat the machine it watches. */
    HISTORY_ROWS_MAX = 1 << 18,
    HISTORY_EVENTS_MAX = 1 << 17,
    HISTORY_SECONDS_MAX = 1 << 17,
    HISTORY_ROWS_FIRST = 1024,

    HISTORY_FORMS = 2,
    /* Rows summarised by a block of pyramid level k: FAN^(k+1). Four levels reach 65536 rows. */
    HISTORY_FAN = 16,
    HISTORY_FAN_SHIFT = 4,
    HISTORY_PYRAMID_LEVELS = 4,

    /* Expanded histograms that stay valid side by side. */
    HISTORY_EXPANDED = 16,
};

struct history_pyramid {
    struct history_bin *block[HISTORY_PYRAMID_LEVELS];
    size_t count[HISTORY_PYRAMID_LEVELS]; /* blocks that are whole */
    size_t capacity[HISTORY_PYRAMID_LEVELS];
};

struct history_column {
    uint32_t id;
    uint64_t *value;   /* `capacity` of the history */
    uint64_t *present; /* one bit a row */
    /* Behind a pointer because asking a const history builds it. */
    struct history_pyramid *pyramid; /* HISTORY_FORMS of them */
};

/* Non-empty buckets only: count << 10 | histogram * SCOPE_HIST_BUCKETS + bucket. */
struct history_second {
    double seconds;
    uint64_t time_ns, interval_ns;
    uint64_t max_ns[SCOPE_HISTOGRAMS];
    uint64_t *packed;
    uint32_t packed_count;
};

struct history_expanded {
    struct scope_histograms slot[HISTORY_EXPANDED];
    unsigned next;
};

/* Where the numbers of the publisher's ring jump. */
struct history_numbering {
    uint64_t position, number;
    uint32_t epoch; /* the epoch (history_keyframes.h) that begins there */
};

/* Events stand in the order of their numbers: a tree is changed in that order. Beside it they are
 * sorted by time: two threads of a publisher may stamp in one order and publish in another.
 * A *position* counts events from the first one ever appended, so forgetting does not change it. */
struct history_events {
    struct scope_event *event;
    double *until; /* the latest time of this event and all before it */
    uint32_t
        *chain; /* 1 + index of the previous event that took a table in the same job; 0: none */
    uint32_t *order; /* by time: index into `event` */
    double *time;    /* by time */
    size_t count, capacity;
    uint64_t base; /* position of event[0] */
    struct history_numbering *numbering;
    size_t numbering_count;
    bool clock_known;
    double clock_offset; /* seconds since the run's start less seconds of the publisher's clock */
};

struct history_shapes;

struct history {
    size_t count, capacity; /* rows */
    double *time;
    uint64_t *gap; /* one bit a row: samples were lost just before it */
    bool gap_next; /* the next row gets it */
    struct history_column *column;
    size_t column_count, column_capacity;
    uint32_t *column_of_id; /* index + 1 by id, for ids below HISTORY_DIRECT_IDS */
    unsigned levels;        /* 1 + highest level seen, 0 when none */

    struct history_events events;

    struct history_second *second;
    size_t second_count, second_capacity;
    struct history_expanded *expanded;

    struct history_shapes *shapes; /* behind a pointer because asking moves its cursor */
};

enum { HISTORY_DIRECT_IDS = 256 };

/* The column of a metric, or NULL. */
const struct history_column *history_column_of(const struct history *history, uint32_t id);
bool history_column_number(const struct history *history, const struct history_column *column,
                           enum history_form form, size_t index, double *number);
bool history_gap_at(const struct history *history, size_t index);
void history_pyramid_free(struct history_pyramid *pyramid);
/* Raises what history_levels tells. */
void history_see_level(struct history *history, unsigned level);
void history_events_clear(struct history *history);
void history_events_destroy(struct history *history);
/* Learns how the publisher's clock relates to the run's seconds. */
void history_see_clock(struct history *history, double seconds, uint64_t time_ns);
/* One past the newest event. */
uint64_t history_event_end(const struct history *history);
const struct scope_event *history_event_at(const struct history *history, uint64_t position);

bool history_shapes_create(struct history *history);
void history_shapes_clear(struct history *history);
void history_shapes_destroy(struct history *history);
/* What the events file tells the shapes: a new event, a loss before the next one, forgetting. */
void history_shapes_event(struct history *history, uint64_t position);
/* Returns the epoch that begins. */
uint32_t history_shapes_break(struct history *history);
/* Before the oldest `by` events go. */
void history_shapes_forget(struct history *history, size_t by);
/* After it: their indices have changed. */
void history_shapes_forgot(struct history *history);
/* Numbers begin to be told with the very first event. */
void history_shapes_numbered(struct history *history, uint64_t first);

#endif
