/* recording.h: a run in a file: what a segment published, kept after it is gone.
 *
 * A *recorder* writes samples, events, histograms and shapes into a compact file (.lsr), in chunks
 * that are each whole and checksummed, at least one a second: what a crash, a kill or a full disk
 * cuts short can be read up to there. A *follower* takes all of it from a segment. A *recording*
 * reads such a file, whole, cut short or still being written, in the order of time. The bytes are
 * described in recording_format.h.
 *
 * Threads:    a handle belongs to one thread at a time.
 * Ownership:  a handle returned through an out-parameter belongs to the caller until its close;
 *             pointers that a recording returns stay valid until the next call on it.
 * Errors:     as scope.h: 0 or a negative enum scope_error, and a detail that names the file and,
 *             where one is known, the offset.
 * Times:      nanoseconds of the recorded machine's CLOCK_MONOTONIC; struct scope_info pairs its
 *             start with the wall clock.
 * Trust:      a file is untrusted, any bytes may come: they give an error, never more memory than
 *             the file's size and a few MB.
 * Process:    nothing here prints, exits or starts threads. */
#ifndef SCOPE_RECORDING_H
#define SCOPE_RECORDING_H

#include "scope.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing ---- */

struct scope_recorder;

/* What stands in a recording before its records. */
struct scope_recorder_run {
    const struct scope_info *info; /* copied */
    const struct scope_metric *metrics;
    const uint16_t *words; /* the sample word of each metric; NULL: its index */
    size_t metric_count;
};

struct scope_recorder_totals {
    uint64_t samples, events, histograms, shapes;
    uint64_t lost;        /* told by scope_recorder_gap, all rings */
    uint64_t bytes;       /* of the file so far */
    uint64_t chunk_bytes; /* of these: heads, padding, index */
};

/* Opens, or makes, the file and takes it for itself; what is in it stays until _begin. IN_USE when
 * another recorder writes it, ARGUMENT when it is no regular file, or one that is neither empty nor
 * a recording: such a one is not written over. */
SCOPE_CHECKED int scope_recorder_open(const char *path, struct scope_recorder **recorder,
                                      struct scope_error_detail *error);
/* Empties the file and writes the run's description and dictionary. Once. */
SCOPE_CHECKED int scope_recorder_begin(struct scope_recorder *recorder,
                                       const struct scope_recorder_run *run,
                                       struct scope_error_detail *error);
/* Each of these fails for good when a write fails (the disk is full): what was whole before stays
 * in the file, and this and every later call returns that error; scope_recorder_error tells it.
 * REQUIRES: _begin. Records are best given in the order of their times: a reader puts right what is
 * out of order by less than a chunk. */
int scope_recorder_sample(struct scope_recorder *recorder, const struct scope_sample *sample);
/* `number`: of the event in its ring, for scope_shape.event_head; or SCOPE_EVENT_OWN for one that
 * the recorder's own user made, a viewer's marker. */
#define SCOPE_EVENT_OWN UINT64_MAX
int scope_recorder_event(struct scope_recorder *recorder, const struct scope_event *event,
                         uint64_t number);
int scope_recorder_histograms(struct scope_recorder *recorder,
                              const struct scope_histograms *histograms);
int scope_recorder_shape(struct scope_recorder *recorder, const struct scope_shape *shape);
/* `lost` records of a ring are missing before its next one. */
int scope_recorder_gap(struct scope_recorder *recorder, enum scope_ring ring, uint64_t lost,
                       uint64_t time_ns);
/* Writes out what is held when the oldest of it was given more than 0.8 s ago: to be called often.
 */
int scope_recorder_tick(struct scope_recorder *recorder);
/* Writes out what is held. */
int scope_recorder_flush(struct scope_recorder *recorder);
/* The failure that ended the writing; NULL: none. Valid until close. */
const struct scope_error_detail *scope_recorder_error(const struct scope_recorder *recorder);
void scope_recorder_totals(const struct scope_recorder *recorder,
                           struct scope_recorder_totals *totals);
/* Writes what is held and the index, and frees the handle, also on failure. `end`: what became of
 * the run, LIVE when it went on. `totals` may be NULL. Without a _begin the file stays as it was,
 * and goes if _open made it. NULL is ignored. */
int scope_recorder_close(struct scope_recorder *recorder, enum scope_liveness end,
                         struct scope_recorder_totals *totals, struct scope_error_detail *error);

/* ---- following a segment ---- */

struct scope_follower;

/* Begins the recorder with the segment's description. Both are borrowed until _destroy; the
 * segment should be the follower's own where another thread may detach it (scope_attach_same). */
SCOPE_CHECKED int scope_follower_create(const struct scope_segment *segment,
                                        struct scope_recorder *recorder,
                                        struct scope_follower **follower,
                                        struct scope_error_detail *error);
/* Takes over everything new, by its time, and the shape when it changed and enough else was written
 * since the last one that shapes do not swell the file. Records that the rings lost are told as
 * gaps. Calls scope_recorder_tick. To be called several times a second. 0, or the recorder's error.
 */
int scope_follower_drain(struct scope_follower *follower);
/* Drains to the end, the newest shape included. */
int scope_follower_finish(struct scope_follower *follower);
void scope_follower_destroy(struct scope_follower *follower);
/* Attaches once more to the segment of another handle, whether or not its name still leads there.
 */
SCOPE_CHECKED int scope_attach_same(const struct scope_segment *segment,
                                    struct scope_segment **again, struct scope_error_detail *error);

/* ---- reading ---- */

struct scope_recording;

/* What is known of the file as a whole. */
struct scope_recording_status {
    bool complete;           /* closed in good order: it has its index */
    bool writing;            /* not complete, and a recorder is at it */
    enum scope_liveness end; /* of a complete one: what became of the run */
    uint64_t bytes;          /* of the file */
    uint64_t chunks, records;
    uint64_t first_ns, last_ns; /* the stretch of time of its records; 0, 0 without any */
    uint64_t cut_at;            /* not complete: where the last whole chunk ends */
    uint64_t damaged;           /* places that could not be read so far */
    char problem[256];          /* the first of them: file, offset and what; "" none */
};

/* NOT_A_SEGMENT when the file is no recording or its description is damaged, VERSION when it is of
 * a later major version. */
SCOPE_CHECKED int scope_recording_open(const char *path, struct scope_recording **recording,
                                       struct scope_error_detail *error);
void scope_recording_close(struct scope_recording *recording);
/* True when these first bytes of a file are a recording's. */
bool scope_recording_is(const void *bytes, size_t size);

void scope_recording_info(const struct scope_recording *recording, struct scope_info *info);
void scope_recording_status(const struct scope_recording *recording,
                            struct scope_recording_status *status);
const struct scope_metric *scope_recording_metrics(const struct scope_recording *recording,
                                                   size_t *count);
/* The sample word of a metric id, or -1 when this recording does not have it. */
int scope_recording_word(const struct scope_recording *recording, uint32_t id);

enum scope_record_kind {
    SCOPE_RECORD_SAMPLE,
    SCOPE_RECORD_EVENT,
    SCOPE_RECORD_HISTOGRAMS,
    SCOPE_RECORD_SHAPE,
    SCOPE_RECORD_GAP,
};

/* Which members of `u` count is decided by `kind`. */
struct scope_record {
    enum scope_record_kind kind;
    uint64_t time_ns;
    union {
        const struct scope_sample *sample;
        struct {
            const struct scope_event *event;
            uint64_t number; /* in its ring, or SCOPE_EVENT_OWN */
        } event;
        const struct scope_histograms *histograms;
        const struct scope_shape *shape;
        struct {
            enum scope_ring ring;
            uint64_t lost;
        } gap;
    } u;
};

enum scope_next { SCOPE_NEXT_END = 0, SCOPE_NEXT_RECORD = 1 };

/* The next record in the order of time: SCOPE_NEXT_RECORD, SCOPE_NEXT_END, or a negative error. A
 * damaged place is an error once (NOT_A_SEGMENT; the detail says where); the call after it goes on
 * behind it. */
SCOPE_CHECKED int scope_recording_next(struct scope_recording *recording,
                                       struct scope_record *record,
                                       struct scope_error_detail *error);
/* The next record returned is the first one at or after `time_ns`. 0 is the beginning. */
void scope_recording_seek(struct scope_recording *recording, uint64_t time_ns);
/* Of a recording that is still being written: takes note of what came since. Then _next goes on
 * behind the last record it returned. 0, or an error. */
SCOPE_CHECKED int scope_recording_refresh(struct scope_recording *recording,
                                          struct scope_error_detail *error);

#ifdef __cplusplus
}
#endif

#endif
