/* history_tree.h: a set of tables that events change, forward and backward.
 *
 * Applying what the set has already, or undoing what it never had, changes nothing: a shape and the
 * events around it may overlap.
 *
 * Which tables a compaction reads is told only when it ends, by the events that take them away; of
 * one that still runs, or failed, the marks in the newest shape tell. So busy marks are made for an
 * answer, from the jobs as they are known by then, and mean nothing in between.
 *
 * Threads:    one at a time.
 * Ownership:  a set and the jobs own their memory; out of memory a change is left out. */
#ifndef OBS_HISTORY_TREE_H
#define OBS_HISTORY_TREE_H

#include "history_store.h"

struct history_tree {
    struct scope_table *table;
    size_t count, capacity;
    uint32_t *slot; /* 1 + index of the table, by id; a power of two of them */
    size_t slots;
};

struct history_job {
    uint32_t job;        /* 0: empty */
    uint32_t chain;      /* 1 + index of the last event that took a table; 0: none */
    uint64_t begin, end; /* 1 + position of the events; 0: not seen */
    uint8_t level_from, level_to;
    bool failed;
};

struct history_jobs {
    struct history_job *job; /* by number */
    size_t count, slots;
};

void history_tree_free(struct history_tree *tree);
/* The tables of a shape; false when memory is out. */
bool history_tree_load(struct history_tree *tree, const struct scope_shape *shape);
/* Index of a table, or `count`. */
size_t history_tree_find(const struct history_tree *tree, uint64_t id);

/* Learns a job from an event at `position`, the `index`th that is kept. Returns the event's link
 * (history_event_pack.h). */
uint32_t history_jobs_learn(struct history_jobs *jobs, const struct scope_event *event,
                            uint64_t position, uint32_t index);
void history_jobs_clear(struct history_jobs *jobs);
void history_jobs_free(struct history_jobs *jobs);

/* What marking may look at. */
struct history_replay {
    const struct history *history;
    const struct history_jobs *jobs;
    const struct scope_shape *newest; /* for jobs whose inputs no event tells; may be NULL */
    uint64_t newest_position;
};
/* Carries the set across an event. */
void history_tree_apply(struct history_tree *tree, const struct scope_event *event);
void history_tree_undo(struct history_tree *tree, const struct scope_event *event);
/* Marks the tables that are busy where the set stands. */
void history_tree_mark(struct history_tree *tree, const struct history_replay *replay,
                       uint64_t position);

#endif
