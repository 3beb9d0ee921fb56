/* record.h: a recording made by the viewer: of the driver it watches, of a copy of a segment, or of
 * a CSV that was read whole.
 *
 * What goes into it is taken from the segment itself, through a mapping and cursors of its own: a
 * slow or paused picture loses nothing. A recording holds one run: when another one takes the
 * name's place, the next file begins, FILE-2.lsr.
 *
 * Threads:    one thread, the source's.
 * Ownership:  the path is copied; the source is borrowed for the call.
 * Errors:     false, and why in `error`, which names the file. */
#ifndef OBS_RECORD_H
#define OBS_RECORD_H

#include "source.h"

struct record;

/* Takes the file at once, so that a path that cannot be written is told at once; it is emptied when
 * there is something to record. NULL when it cannot be, or when there is nothing to record in what
 * `source` is. */
struct record *record_open(const char *path, const struct source *source, char *error,
                           size_t error_size);
/* To be called after each poll of the source. False once, when writing failed: nothing more is
 * recorded then. */
bool record_poll(struct record *record, const struct source *source, const struct view *view,
                 char *error, size_t error_size);
/* Puts a marker of the viewer's own at `seconds` of the run. Before the first sample it is dropped.
 */
void record_mark(struct record *record, double seconds, const char *text);
/* The file being written now. */
const char *record_path(const struct record *record);
/* A run is in the file and markers still go there. */
bool record_writes(const struct record *record);
/* Completes the file, tells about it on stdout, and frees the record. False when it failed, now or
 * before; only a failure now fills `error`. NULL is ignored. */
bool record_close(struct record *record, char *error, size_t error_size);

/* A CSV's rows and events as records: metrics by their ids of sample.def. 0, or the recorder's
 * error. REQUIRES: a recorder that was not begun. (record_csv.c) */
struct scope_recorder;
int record_csv(struct scope_recorder *recorder, const struct history *history,
               const struct view_status *status, struct scope_error_detail *error);

#endif
