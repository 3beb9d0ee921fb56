/* history_keyframes.h: the known trees along the path of events, and the stretches of that path.
 *
 * The events in the order of their numbers are a path; a shape is the tree at one position of it.
 * From there the tree at any other position follows, event by event, forward or back. Some of the
 * shapes told are kept as *keyframes*, and more are made when a long way is replayed, so that no
 * way is much longer than HISTORY_KEYFRAME_EVENTS.
 *
 * Where the path is broken, by lost events or by a shape that the events before it do not explain
 * (a publisher that tells no table events), another *epoch* begins. Trees are replayed within one
 * epoch only.
 *
 * Threads:    one at a time.
 * Ownership:  struct history_shapes owns all of it. */
#ifndef OBS_HISTORY_KEYFRAMES_H
#define OBS_HISTORY_KEYFRAMES_H

#include "history_tree.h"

enum {
    HISTORY_KEYFRAME_EVENTS = 4096,
    /* Beyond it they are thinned: half a million events of 8192 tables then leave 22000 events
     * between two, of which at most half are replayed, in some milliseconds. */
    HISTORY_KEYFRAME_BYTES = 12 << 20,
};

struct history_epoch {
    uint32_t serial;
    uint64_t first;    /* position where it begins */
    double start, end; /* the tree is known from `start` to the next epoch's start, or to `end` */
};

struct history_keyframe {
    uint32_t epoch;
    uint64_t position;
    struct scope_shape shape;
};

struct history_shapes {
    struct history_epoch *epoch;
    size_t epoch_count, epoch_capacity;
    struct history_keyframe
        *keyframe; /* sorted by epoch, then position; the newest shape is not in it */
    size_t keyframe_count, keyframe_capacity, keyframe_bytes;
    struct history_jobs jobs;

    struct scope_shape newest;
    size_t newest_capacity;
    bool known;                 /* there is a newest shape */
    bool placed;                /* its position is known: all events before it are here */
    struct history_keyframe at; /* where; its `shape` is not used */
    uint64_t digest;            /* of the last placed one, which stood at `at` */
    bool digest_known;

    struct history_tree cursor;
    uint32_t cursor_epoch;
    uint64_t cursor_position;
    bool cursor_valid;
    struct scope_shape answer;
};

/* NULL when memory is out. */
struct history_epoch *history_epoch_add(struct history_shapes *shapes, uint64_t first,
                                        double start);
struct history_epoch *history_epoch_last(const struct history_shapes *shapes);
/* By serial; NULL when it was merged or forgotten. */
struct history_epoch *history_epoch_of(const struct history_shapes *shapes, uint32_t serial);
/* Forgets what lies before a position; `until` is the time of the last event there. */
void history_epochs_forget(struct history_shapes *shapes, uint64_t position, double until);

/* The first keyframe at or after a place; keyframe_count when there is none. */
size_t history_keyframe_find(const struct history_shapes *shapes, uint32_t epoch,
                             uint64_t position);
bool history_keyframe_in(const struct history_shapes *shapes, size_t index, uint32_t epoch);
/* True when no keyframe of the epoch is nearer than `within` events. */
bool history_keyframe_wanted(const struct history_shapes *shapes, uint32_t epoch, uint64_t position,
                             uint64_t within);
/* Keeps a copy of a shape; out of memory it is left out, and ways are longer. */
void history_keyframe_keep(struct history_shapes *shapes, uint32_t epoch, uint64_t position,
                           const struct scope_shape *shape);
/* Forgets those before a position. */
void history_keyframes_forget(struct history_shapes *shapes, uint64_t position);

/* The newest shape is placed, and in this epoch. */
bool history_newest_in(const struct history_shapes *shapes, uint32_t epoch);
static inline uint64_t history_distance(uint64_t a, uint64_t b) {
    return a > b ? a - b : b - a;
}

/* Places the newest shape among the events, once all events before it are here. */
void history_newest_place(const struct history *history);
/* Moves the cursor to a position of an epoch; false when no tree of that epoch is known. */
bool history_cursor_seek(const struct history *history, uint32_t epoch, uint64_t position);

#endif
