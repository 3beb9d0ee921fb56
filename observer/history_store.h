/* history_store.h: what the files of the history share and nobody else sees.
 *
 *   history.c            rows and columns of samples, gaps, forgetting
 *   history_pack.c       a block of a column, packed
 *   history_dictionary.c what the source's own metrics are
 *   history_numbers.c    blocks unpacked again: times, levels and rates, through small caches
 *   history_bins.c       numbers per pixel column, through a pyramid of summaries
 *   history_events.c     events, by number and by time
 *   history_event_pack.c a block of events, packed
 *   history_histograms.c histograms
 *   history_shape.c      the shapes as they were told, and their place among the events
 *   history_shape_at.c   the tree at any moment
 *   history_keyframes.c  the trees that are kept for that
 *   history_tree.c       a set of tables that events change, forward and backward
 *
 * Threads:    as history.h says, one at a time. Caches and pyramids grow while they are asked,
 *             so two threads must not even read one history together. */
#ifndef OBS_HISTORY_STORE_H
#define OBS_HISTORY_STORE_H

#include "history.h"
#include "history_event_pack.h"
#include "history_pack.h"

enum {
    /* Packed samples. Ten million rows of a metrics CSV take about a third. Beyond it the oldest
     * eighth is forgotten: a viewer left open for weeks must not eat the machine it watches. */
    HISTORY_BYTES_MAX = 400 << 20,
    /* Some 30 MB when full; a tree of tiny tables makes some hundred a second. */
    HISTORY_EVENTS_MAX = 1 << 19,
    /* The newest places where the order of events changed. */
    HISTORY_EVENT_TURNS = 64,
    /* Blocks of events unpacked side by side, and events alone. */
    HISTORY_EVENT_SLOTS = 16,
    HISTORY_EVENT_SINGLES = 64,
    HISTORY_SECONDS_MAX = 1 << 17,

    HISTORY_FORMS = 2,

    /* Unpacked blocks kept of one metric in one form: 16384 rows, more than an hour at 250 ms. */
    HISTORY_LANE_SLOTS = 64,
    HISTORY_TIME_SLOTS = 256,
    /* And of its values as they were published: two places a little way apart are often asked for
     * in turn. */
    HISTORY_VALUE_SLOTS = 4,

    /* Summaries of 32, 256, 4096, 65536 and a million rows; the first only while it is small. */
    HISTORY_PYRAMID_LEVELS = 5,
    HISTORY_FINE_ROWS_MAX = 1 << 20,

    /* Where pixel columns begin, remembered for so many axes, of so many columns. */
    HISTORY_EDGES = 16,
    HISTORY_EDGES_MAX = HISTORY_COLUMNS_MAX,

    /* Expanded histograms that stay valid side by side. */
    HISTORY_EXPANDED = 16,
};

#define HISTORY_SECONDS_LIMIT 9e9 /* times fit 64 bits of nanoseconds */

/* The numbers of a block, NAN where there is none. */
struct history_numbers {
    size_t block;
    unsigned rows; /* 0: empty; of the open block: how many were there; a sealed one: one more than
                      it has */
    double number[HISTORY_BLOCK_ROWS];
};

struct history_values {
    size_t block; /* SIZE_MAX: empty */
    uint64_t value[HISTORY_BLOCK_ROWS];
};

struct history_summary {
    double min, max, first, last, sum;
    uint32_t count;
};

struct history_pyramid {
    struct history_summary *level[HISTORY_PYRAMID_LEVELS];
    size_t count[HISTORY_PYRAMID_LEVELS]; /* summaries that are whole */
    size_t capacity[HISTORY_PYRAMID_LEVELS];
};

/* One metric in one form, as it is drawn. */
struct history_lane {
    struct history_numbers *slot[HISTORY_LANE_SLOTS];
    struct history_pyramid pyramid;
};

struct history_column {
    uint32_t id;
    struct history_block *block; /* sealed; as many as the history has */
    size_t capacity;
    /* The newest rows, in the clear: a block is sealed when the row after it comes. */
    uint64_t open[HISTORY_BLOCK_ROWS];
    uint64_t present[HISTORY_BLOCK_WORDS];
    struct history_values *values[HISTORY_VALUE_SLOTS]; /* NULL until asked for */
    struct history_lane *lane[HISTORY_FORMS];           /* likewise */
};

/* Which row begins each pixel column of an axis. */
struct history_edges {
    double t0, t1;
    size_t n, rows; /* rows: of the history then; n 0: empty */
    uint32_t edge[HISTORY_EDGES_MAX + 1];
};

struct history_second {
    double seconds;
    uint8_t *packed; /* history_histograms.c */
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

struct history_event_block {
    uint8_t *packed;
    double until; /* the latest time of its events and all before */
};

/* Blocks unpacked again, in turn. */
struct history_event_slots {
    size_t block[HISTORY_EVENT_SLOTS]; /* SIZE_MAX: empty */
    unsigned next, last;               /* the slot to fill next, and the one asked for last */
    struct history_event_row row[HISTORY_EVENT_SLOTS][HISTORY_EVENT_ROWS];
    struct history_event_row single[HISTORY_EVENT_SINGLES]; /* filled in turn */
    unsigned single_next;
};

/* Events from `index` on, by time, are others than before this generation. */
struct history_event_turn {
    uint64_t generation;
    size_t index;
};

/* Events stand in the order of their numbers: a tree is changed in that order. Beside it they are
 * sorted by time: two threads of a publisher may stamp in one order and publish in another.
 * A *position* counts events from the first one ever appended, so forgetting does not change it. */
struct history_events {
    struct history_event_block *block; /* sealed */
    size_t sealed, block_capacity;
    struct history_event_row *open;    /* the newest: sealed when the event after it comes */
    struct history_event_slots *slots; /* behind a pointer because asking fills them */
    uint32_t *order;                   /* by time: which event, from `base` on */
    double *time;                      /* by time */
    uint8_t *type;                     /* by time */
    struct history_event_brief *brief; /* by time */
    size_t count, capacity;
    uint64_t base;     /* position of the oldest event kept */
    double until_base; /* the latest time before it; of the first one ever its own */
    struct history_event_turn turn[HISTORY_EVENT_TURNS]; /* in a ring */
    unsigned turn_next;
    uint64_t turn_forgotten; /* the newest generation that fell out of it */
    struct history_numbering *numbering;
    size_t numbering_count;
    bool clock_known;
    double clock_offset; /* seconds since the run's start less seconds of the publisher's clock */
};

struct history_cache {
    struct history_numbers time[HISTORY_TIME_SLOTS];
    struct history_edges edges[HISTORY_EDGES];
    unsigned edges_next;
};

struct history_shapes;
struct history_dictionary;

struct history {
    uint64_t generation;              /* of the samples */
    size_t count;                     /* rows */
    size_t sealed;                    /* blocks; the rows after them are open */
    struct history_block *time_block; /* nanoseconds */
    size_t time_capacity;
    uint64_t time_open[HISTORY_BLOCK_ROWS];
    size_t bytes, bytes_max; /* of sealed blocks */

    size_t *gap; /* rows before which samples were lost, ascending */
    size_t gap_count, gap_capacity;
    bool gap_next; /* the next row gets it */

    struct history_column **column;
    size_t column_count, column_capacity;
    uint32_t *column_of_id; /* index + 1 by id, for ids below HISTORY_DIRECT_IDS */
    unsigned levels;        /* 1 + highest level seen, 0 when none */

    struct history_dictionary *dictionary; /* history_dictionary.c; NULL: none of its own */

    struct history_cache *cache; /* behind a pointer because asking fills it */

    struct history_events events;

    struct history_second *second;
    size_t second_count, second_capacity;
    struct history_expanded *expanded;

    struct history_shapes *shapes; /* behind a pointer because asking moves its cursor */
};

enum { HISTORY_DIRECT_IDS = 256 };

/* The column of a metric, or NULL. */
struct history_column *history_column_of(const struct history *history, uint32_t id);
/* How many rows lie before a row that follows a gap: the index into `gap` of the first one at or
 * after `index`. */
size_t history_gap_find(const struct history *history, size_t index);
bool history_gap_at(const struct history *history, size_t index);
/* The row that ends a run just after the one before it: a rate over so little time is chance. */
bool history_is_sliver(const struct history *history, size_t index);
/* Rows of a block: of the open one, those that are there. */
unsigned history_block_rows(const struct history *history, size_t block);

/* A block's times in seconds. Valid until another block is asked for that shares its slot: use it
 * before asking on. */
const double *history_times(const struct history *history, size_t block);
/* A block's numbers, likewise. NULL when memory is out. */
const double *history_numbers(const struct history *history, struct history_column *column,
                              enum history_form form, size_t block);
/* A sealed block's values, likewise. NULL when memory is out. */
const uint64_t *history_values(struct history_column *column, size_t block);
/* The lane of a form, made when it is not there; NULL when memory is out. */
struct history_lane *history_lane_of(struct history_column *column, enum history_form form);
/* What a column keeps unpacked. */
void history_lanes_free(struct history_column *column);
/* Another bound than HISTORY_BYTES_MAX, for tests. */
void history_set_bytes_max(struct history *history, size_t bytes);
/* Nothing in the caches is true any more. */
void history_cache_clear(struct history_cache *cache);
void history_pyramid_free(struct history_pyramid *pyramid);
/* Raises what history_levels tells. */
void history_see_level(struct history *history, unsigned level);
void history_dictionary_clear(struct history *history);
/* A number that no history had before. */
uint64_t history_generation_next(void);
bool history_events_create(struct history *history);
void history_events_clear(struct history *history);
void history_events_destroy(struct history *history);
void history_histograms_clear(struct history *history);
void history_histograms_destroy(struct history *history);
/* Learns how the publisher's clock relates to the run's seconds. */
void history_see_clock(struct history *history, double seconds, uint64_t time_ns);
/* One past the newest event. */
uint64_t history_event_end(const struct history *history);
/* Valid until events of HISTORY_EVENT_SLOTS other blocks were asked for, or the next append. */
const struct history_event_row *history_event_row(const struct history *history, uint64_t position);
/* How many events have happened at a time, as a position. */
uint64_t history_position_of(const struct history *history, double seconds);
/* The latest time of any event. REQUIRES: there is one. */
double history_event_until(const struct history *history);

bool history_shapes_create(struct history *history);
void history_shapes_clear(struct history *history);
void history_shapes_destroy(struct history *history);
/* What the events file tells the shapes: a new event, the newest one, whose link is then filled in;
 * a loss before the next one; forgetting. */
void history_shapes_event(struct history *history, struct history_event_row *row);
/* Returns the epoch that begins. */
uint32_t history_shapes_break(struct history *history);
/* Before the oldest `by` events go. */
void history_shapes_forget(struct history *history, size_t by);
/* After it: their indices have changed. */
void history_shapes_forgot(struct history *history);
/* Numbers begin to be told with the very first event. */
void history_shapes_numbered(struct history *history, uint64_t first);

#endif
