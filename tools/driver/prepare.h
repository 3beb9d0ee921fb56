/* prepare.h: everything that can be wrong is found before anything is changed.
 *
 * In this order: the name is free, the directory is ours or empty, the marker source, the CSV and
 * the recording can be opened, the segment fits (tried where it would otherwise be too late to find
 * out: before a load, and before --fresh); only then is an old database deleted (--fresh) and the
 * database opened.
 *
 * Threads:    one.
 * Ownership:  what is open afterwards is closed by driver_unprepare. */
#ifndef DRIVER_PREPARE_H
#define DRIVER_PREPARE_H

#include <stdbool.h>

#include "driver_args.h"
#include "csv.h"
#include "events.h"
#include "lsm.h"
#include "markers.h"
#include "driver_record.h"
#include "scope.h"

struct driver_prepared {
    struct lsm_db *db;
    struct driver_csv csv;
    struct driver_markers markers;
    struct driver_record record;
    bool existed;           /* the database was there before, and is continued */
    bool directory_existed; /* with or without a database in it */
};

enum { DRIVER_OK = 0, DRIVER_FAILED = 1, DRIVER_USAGE = 2 }; /* exit status */

/* DRIVER_OK, or the exit status and one line in `error`; nothing is open then. */
int driver_prepare(const struct driver_args *args, struct driver_events *events,
                   struct driver_prepared *prepared, char error[512]);
/* Takes back what driver_prepare made: for a run that does not come about. */
void driver_unprepare(const struct driver_args *args, struct driver_prepared *prepared);
/* Why the segment could not be made, in one line. Returns the exit status. */
int driver_segment_refused(const struct driver_args *args, int rc,
                           const struct scope_error_detail *detail, char error[512]);
struct lsm_options driver_engine_options(const struct driver_args *args);

#endif
