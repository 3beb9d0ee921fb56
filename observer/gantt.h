/* gantt.h: flush and compaction jobs, paired from their events, in lanes and bars.
 *
 * A job is scheduled, begins and ends; any of the three may be unknown: a publisher may tell the
 * ends alone, and the first events of a run may be gone. Jobs are paired once and kept; a frame
 * picks those of its stretch of time and joins what is narrower than a pixel.
 *
 * Threads:    one thread, the one that draws.
 * Ownership:  kept for the four histories asked last; what gantt_jobs returns is valid until the
 *             next call and the next append. */
#ifndef OBS_GANTT_H
#define OBS_GANTT_H

#include "history.h"

enum {
    GANTT_LANES_MAX = 2 * SCOPE_MAX_LEVELS, /* flush, and one per pair of levels */
    GANTT_ROWS_MAX = 4,                     /* jobs of one lane side by side; more share the last */
};

struct gantt_job {
    double scheduled, begin, end; /* NAN: not told, or not yet */
    double known;                 /* when it was first told of: jobs are in this order */
    bool flush;
    bool moved;   /* no byte was rewritten */
    bool dropped; /* it is not known to have gone on */
    uint8_t from, to, row;
    uint32_t job, inputs, outputs;
    int32_t status;
    uint64_t bytes_in, bytes_out, entries_in, entries_out;
};

struct gantt {
    const struct gantt_job *job;
    size_t count;
    const size_t *open; /* indices of those without an end, oldest first */
    size_t open_count;
    /* When a kind of job was first told of, by flush, source and target; INFINITY: never. */
    double kind_known[2][SCOPE_MAX_LEVELS][SCOPE_MAX_LEVELS];
    /* How long after a job was first told of it may still run, and how long before it may have
     * begun: those of a stretch are found between. */
    double longest_after, longest_before;
};

/* Every job the history tells of, by the time it was first told of. NULL: memory is out. */
const struct gantt *gantt_jobs(const struct history *history);
/* Until then there were jobs of which only their number is known, because their events were gone
 * when the viewer came; minus infinity: all are told. */
double gantt_lost_until(const struct history *history);

/* Did a compaction only carry its tables down? The end of a merge that happens to have as many
 * tables, bytes and entries as its inputs would look the same; it would have changed nothing. */
bool gantt_is_move(const struct scope_event *end);

/* ---- a frame ---- */

enum gantt_state { GANTT_WAITING, GANTT_RUNNING, GANTT_DONE };
/* What a job was at a time; false when nobody knew of it yet or it never began. */
bool gantt_state_at(const struct gantt_job *job, double until, enum gantt_state *state);

/* What is drawn in one place: a job, or several that lie closer than a pixel. */
struct gantt_bar {
    double t0, t1;
    uint32_t count;   /* jobs in it */
    uint32_t longest; /* index of the one that took longest */
    float busy_s;     /* time in which they ran */
    uint8_t lane, row;
    bool open;    /* still runs, or waits, at the newest time shown */
    bool waiting; /* scheduled, and not begun until t1: beside the bars of the jobs themselves */
};

struct gantt_lane {
    bool flush;
    uint8_t from, to;
    uint8_t rows; /* used in the stretch shown, at least 1 */
    uint32_t jobs, moves, running, waiting;
    /* Of its jobs, as far as they lie in the stretch: moves have no bytes, nor has what runs. */
    double busy_s, bytes_in, bytes_out;
    bool measured; /* of one job at least more is known than that it was */
};

struct gantt_frame {
    struct gantt_lane lane[GANTT_LANES_MAX];
    size_t lanes;
    struct gantt_bar *bar; /* the caller's */
    size_t bars, bars_max;
};

/* The jobs of [t0, t1] as they were known at `until`. Lanes in the order flush, then by source and
 * target level: one for every kind that was known by then, in the stretch or not, so that lanes
 * keep their places. Jobs shorter than `pixel_s` that lie in the same pixel are joined (pixels lie
 * at multiples of their width in time), and every job is in exactly one bar that is not waiting.
 * REQUIRES: frame->bar and frame->bars_max > GANTT_LANES_MAX * GANTT_ROWS_MAX are set. */
void gantt_collect(const struct gantt *gantt, double t0, double t1, double until, double pixel_s,
                   struct gantt_frame *frame);

#endif
