/* marks.h: the events of the stretch of time on screen, joined into spans and thinned to pixels.
 *
 * Made once a frame and read by every panel: a stall is then the same band in all of them. What
 * lies closer together than a pixel is joined, so that an hour with sixty thousand events costs no
 * more to draw than a minute.
 *
 * Threads:    one thread.
 * Ownership:  events are borrowed from the history. */
#ifndef OBS_MARKS_H
#define OBS_MARKS_H

#include "history.h"

/* More than one per two pixels on the widest screens we draw on. */
enum { MARKS_SPANS_MAX = 2048, MARKS_FLUSHES_MAX = 4096, MARKS_NOTES_MAX = 128 };

struct mark_span {
    double t0, t1;
    bool open;      /* still going on at the newest time shown */
    unsigned count; /* how many were joined into this one */
    double busy_s;  /* what they took together: less than t1 - t0, for there are gaps between */
    enum scope_stall cause;
    size_t event; /* index in the history of the newest in it: its end, or its begin when open */
};
struct mark_point {
    double t;
    unsigned count;
    size_t event; /* index in the history */
};

struct marks {
    struct mark_span compaction[MARKS_SPANS_MAX];
    struct mark_span stall[MARKS_SPANS_MAX];
    struct mark_point flush[MARKS_FLUSHES_MAX];
    struct mark_point
        note[MARKS_NOTES_MAX]; /* markers and errors; the newest when there are more */
    size_t compactions, stalls, flushes, notes;
};

/* Events of [t0, t1] that are not newer than `until`. `pixel_s`: seconds a pixel. */
void marks_collect(const struct history *history, double t0, double t1, double until,
                   double pixel_s, struct marks *marks);

/* Events of a type in the whole run up to `until`: for sources that publish no counter. */
size_t marks_count(const struct history *history, enum scope_event_type type, double until);

#endif
