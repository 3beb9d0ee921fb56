/* tree_motion.h: what moves in the tree at a moment, read from the run's events alone.
 *
 * A job that runs *flows*: from its inputs down to the range its outputs will cover. A change that
 * has just happened *settles* for TREE_SETTLE_S: a flushed table drops from the memtables onto L0,
 * outputs appear, inputs fade, a table moved to the next level sinks there. Everything is a
 * function of the run's own time, so the same moment always gives the same picture.
 *
 * Threads:    any.
 * Ownership:  nothing is kept but copies.
 * Times:      seconds since the run's start. */
#ifndef OBS_TREE_MOTION_H
#define OBS_TREE_MOTION_H

#include "history.h"
#include "tree_layout.h"

#define TREE_SETTLE_S 0.18

enum { TREE_JOBS_MAX = 16, TREE_CHANGES_MAX = 128 };

struct tree_job {
    bool flush;
    bool running;
    bool told; /* begin or end was seen; false: concluded from the tables' marks */
    uint32_t number;
    unsigned from, to;
    double began, ended; /* `ended`: only when not running */
    uint32_t inputs, outputs;
    uint64_t bytes_in, bytes_out;
    uint64_t duration_ns;
};

enum tree_change_kind { TREE_ADDED, TREE_DROPPED, TREE_MOVED, TREE_REMOVED };
struct tree_change {
    enum tree_change_kind kind;
    double progress; /* 0 just now .. 1 settled */
    size_t index;    /* of the table in the shape; of a removed one SIZE_MAX */
    unsigned from;   /* MOVED: the level it left */
    uint32_t job;
    struct scope_table table;
};

struct tree_motion {
    size_t jobs; /* running ones first by level, then those that ended TREE_SETTLE_S ago */
    struct tree_job job[TREE_JOBS_MAX];
    size_t changes;
    struct tree_change change[TREE_CHANGES_MAX];
    bool has_last;
    struct tree_job last; /* the newest compaction that has ended */
};

/* What is under way at `moment`, of which `now` is the time on screen, `moment` or later. `shape`
 * is the tree at `moment`. `settled`: nothing settles, changes are done at once. */
void tree_motion_read(const struct history *history, const struct scope_shape *shape, double moment,
                      double now, bool settled, struct tree_motion *motion);

/* Where a job takes from and where it puts: positions of keys. */
struct tree_flow {
    uint64_t from_lo, from_hi, to_lo, to_hi;
    size_t inputs; /* tables found */
};
/* From the marks of the shape's tables, or, of a job that has just ended, from what it took away.
 * False when no input is known. */
bool tree_motion_flow(const struct tree_motion *motion, size_t job, const struct scope_shape *shape,
                      struct tree_flow *flow);

/* The compaction that a table is an input of; NULL: none that is known. */
const struct tree_job *tree_motion_job_of(const struct tree_motion *motion,
                                          const struct scope_table *table);

#endif
