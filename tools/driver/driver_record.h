/* driver_record.h: --record: the driver's own run in a file, taken from its segment as any observer
 * would take it, by a thread of low priority. Nothing of it is on the path of a put.
 *
 * Threads:    all of it from one thread; the recording itself in a thread of its own.
 * Ownership:  the path is borrowed and must live until the close.
 * Errors:     a disk that fills up ends the recording, not the run: `failed` turns true, once
 *             and for all, and what was written before stays. */
#ifndef DRIVER_RECORD_H
#define DRIVER_RECORD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "recording.h"

struct driver_record {
    const char *path;                /* NULL: none */
    struct scope_recorder *recorder; /* NULL: none, or closed */
    struct scope_segment *segment;
    struct scope_follower *follower;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* guarded by lock */
    atomic_bool failed;
    struct scope_error_detail error;     /* why; written before `failed` is set (release) */
    struct scope_recorder_totals totals; /* after the close */
};

/* Takes the file without changing it. `path` may be NULL: then there is nothing to do, here or
 * below. 0, or enum scope_error with `error` filled. */
int driver_record_open(struct driver_record *record, const char *path,
                       struct scope_error_detail *error);
/* Begins to follow the segment of that name. */
int driver_record_start(struct driver_record *record, const char *name,
                        struct scope_error_detail *error);
/* After the segment was closed: takes what is left, and completes the file. Without a start the
 * file stays as it was. */
void driver_record_close(struct driver_record *record);

#endif
