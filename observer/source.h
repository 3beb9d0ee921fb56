/* source.h: where the data comes from, behind one interface: a live segment, a copy of one, a
 * recording, a CSV file, whole or followed.
 *
 * The program polls; a source appends what is new to the history and describes itself in the view
 * (status line, or headline and choices while there is nothing to show). A source never blocks.
 *
 * Threads:    one thread.
 * Ownership:  the source borrows the history.
 * Times:      `now_s` is a steady clock in seconds (CLOCK_MONOTONIC). */
#ifndef OBS_SOURCE_H
#define OBS_SOURCE_H

#include "history.h"
#include "view.h"

struct source;

struct source_ops {
    /* Takes over what is new. True when anything worth a new picture changed. */
    bool (*poll)(struct source *source, double now_s);
    /* Fills what it knows of the status, and headline, detail, choices. Leaves the rest alone. */
    void (*describe)(struct source *source, struct view *view, double now_s);
    /* The user chose an entry of view.choices. */
    void (*choose)(struct source *source, int index);
    void (*close)(struct source *source);
};

enum source_kind { SOURCE_SEGMENT, SOURCE_CSV, SOURCE_RECORDING };

struct source {
    const struct source_ops *ops;
    enum source_kind kind;
    struct history *history;
    double poll_s;        /* how often it is worth polling */
    unsigned generation;  /* grows whenever the history was cleared for another run */
    size_t first_row;     /* the first history row that is a row of the source's own */
    bool verbose;         /* tell on stderr what happens */
    bool static_data;     /* everything is there after the first poll */
    bool rows_are_frames; /* its video has a frame a row unless another pace is asked for */
    bool ended;           /* nothing more is expected: file read, driver closed or crashed */
    const struct scope_segment *segment; /* attached now; borrowed, until the next poll */
};

/* Follows a driver by name; NULL: the only live one, or a choice. Attaches when polled.
 * `any_owner`: also to another user's. NULL when memory is out. */
struct source *source_shm_open(const char *name, bool any_owner, struct history *history,
                               bool verbose);
/* A segment file by its path: a black box, or a plain copy. NULL, and why in `error`. */
struct source *source_shm_open_file(const char *path, struct history *history, bool verbose,
                                    char *error, size_t error_size);
/* A metrics CSV. Not followed: it is read here, whole, and bad rows are reported on stderr. NULL,
 * and why in `error`. Followed: waits for the file. `interval_s`: how often to look. */
struct source *source_csv_open(const char *path, bool follow, double interval_s,
                               struct history *history, bool verbose, char *error,
                               size_t error_size);

/* A recording, whole, cut short, or still being written: that one is followed. NULL, and why in
 * `error`. */
struct source *source_recording_open(const char *path, struct history *history, bool verbose,
                                     char *error, size_t error_size);

/* Share of a core that publishing took over the last seconds of the history; below 0 unknown. */
double source_sampler_share(const struct history *history);

static inline bool source_poll(struct source *source, double now_s) {
    return source->ops->poll(source, now_s);
}
static inline void source_describe(struct source *source, struct view *view, double now_s) {
    source->ops->describe(source, view, now_s);
}
static inline void source_choose(struct source *source, int index) {
    source->ops->choose(source, index);
}
static inline void source_close(struct source *source) {
    if (source != NULL) {
        source->ops->close(source);
    }
}

#endif
