#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "obs_check.h"
#include "recording.h"

struct record {
    char *asked; /* the path as it was given */
    char *path;  /* the file under way */
    unsigned files;
    struct scope_recorder *recorder; /* NULL: writing failed, or a CSV is done */
    struct scope_segment *segment;   /* our own attachment; NULL: not following */
    struct scope_follower *follower;
    struct scope_info info;
    bool begun, failed;
};

static bool told(struct record *record, const struct scope_error_detail *detail, char *error,
                 size_t error_size) {
    record->failed = true;
    snprintf(error, error_size, "%s", detail->text);
    return false;
}

/* "run.lsr", then "run-2.lsr", "run-3.lsr". */
static bool path_next(struct record *record) {
    size_t length = strlen(record->asked), room = length + 16;
    const char *ending = length > 4 && strcasecmp(record->asked + length - 4, ".lsr") == 0
                             ? record->asked + length - 4
                             : record->asked + length;
    char *path = malloc(room);
    if (path == NULL) {
        return false;
    }
    if (++record->files == 1) {
        snprintf(path, room, "%s", record->asked);
    } else {
        snprintf(path, room, "%.*s-%u%s", (int)(ending - record->asked), record->asked,
                 record->files, ending);
    }
    free(record->path);
    record->path = path;
    return true;
}

static bool file_take(struct record *record, char *error, size_t error_size) {
    struct scope_error_detail detail = {.text = "out of memory"};
    if (!path_next(record) ||
        scope_recorder_open(record->path, &record->recorder, &detail) != SCOPE_OK) {
        return told(record, &detail, error, error_size);
    }
    record->begun = false;
    return true;
}

struct record *record_open(const char *path, const struct source *source, char *error,
                           size_t error_size) {
    OBS_ASSERT(path != NULL && source != NULL);
    if (source->kind == SOURCE_RECORDING) {
        snprintf(error, error_size, "%s: what is shown is a recording already", path);
        return NULL;
    }
    if (source->kind == SOURCE_CSV && !source->static_data) {
        snprintf(error, error_size,
                 "%s: a CSV that is followed is recorded when it is whole, without --live", path);
        return NULL;
    }
    struct record *record = calloc(1, sizeof(*record));
    if (record == NULL || (record->asked = strdup(path)) == NULL) {
        free(record);
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    if (!file_take(record, error, error_size)) {
        (void)record_close(record, NULL, 0);
        return NULL;
    }
    return record;
}

const char *record_path(const struct record *record) {
    return record->path;
}

bool record_writes(const struct record *record) {
    return record->begun && !record->failed;
}

/* ---- one file ------------------------------------------------------------------------------- */

static bool follow_begin(struct record *record, const struct scope_segment *segment, char *error,
                         size_t error_size) {
    struct scope_error_detail detail = {0};
    int rc = scope_attach_same(segment, &record->segment, &detail);
    if (rc == SCOPE_OK) {
        scope_segment_info(record->segment, &record->info);
        rc = scope_follower_create(record->segment, record->recorder, &record->follower, &detail);
        record->begun = true;
    }
    return rc == SCOPE_OK || told(record, &detail, error, error_size);
}

static void wrote(const struct record *record, const struct scope_recorder_totals *totals) {
    printf("wrote %s: %llu samples, %llu events, %.1f KiB", record->path,
           (unsigned long long)totals->samples, (unsigned long long)totals->events,
           (double)totals->bytes / 1024);
    if (totals->lost > 0) {
        printf(", %llu records lost", (unsigned long long)totals->lost);
    }
    printf("\n");
    fflush(stdout);
}

/* Completes the file under way, and tells about it. */
static bool file_finish(struct record *record, char *error, size_t error_size) {
    struct scope_error_detail detail = {0};
    struct scope_recorder_totals totals = {0};
    enum scope_liveness end = SCOPE_CLOSED; /* a CSV's */
    if (record->follower != NULL) {
        end = scope_segment_liveness(record->segment);
        (void)scope_follower_finish(record->follower); /* the close below tells a failure */
        scope_follower_destroy(record->follower);
    }
    if (record->segment != NULL) {
        scope_detach(record->segment);
    }
    record->follower = NULL;
    record->segment = NULL;
    if (record->recorder == NULL) {
        return true;
    }
    bool begun = record->begun, failed = record->failed;
    int rc = scope_recorder_close(record->recorder, end, &totals, &detail);
    record->recorder = NULL;
    if (rc != SCOPE_OK) {
        return failed ? false : told(record, &detail, error, error_size);
    }
    if (begun) {
        wrote(record, &totals);
    }
    return true;
}

/* ---- while it goes on ----------------------------------------------------------------------- */

static bool csv_take(struct record *record, const struct source *source, const struct view *view,
                     char *error, size_t error_size) {
    struct scope_error_detail detail = {0};
    if (record->begun) {
        return true;
    }
    record->begun = true;
    return record_csv(record->recorder, source->history, &view->status, &detail) == SCOPE_OK ||
           told(record, &detail, error, error_size);
}

bool record_poll(struct record *record, const struct source *source, const struct view *view,
                 char *error, size_t error_size) {
    OBS_ASSERT(record != NULL && source != NULL && view != NULL);
    if (record->failed) {
        return true; /* told before */
    }
    if (source->kind == SOURCE_CSV) {
        return csv_take(record, source, view, error, error_size);
    }
    if (record->follower != NULL && source->segment != NULL) {
        struct scope_info info;
        scope_segment_info(source->segment, &info);
        if (info.instance_id != record->info.instance_id &&
            (!file_finish(record, error, error_size) || !file_take(record, error, error_size))) {
            return false;
        }
    }
    if (record->follower == NULL && source->segment != NULL &&
        !follow_begin(record, source->segment, error, error_size)) {
        return false;
    }
    if (record->follower != NULL && scope_follower_drain(record->follower) != SCOPE_OK) {
        return told(record, scope_recorder_error(record->recorder), error, error_size);
    }
    return true;
}

void record_mark(struct record *record, double seconds, const char *text) {
    if (record->failed || !record->begun) {
        return;
    }
    struct scope_event event = {.type = SCOPE_EVENT_MARKER};
    event.time_ns = record->info.start_mono_ns + (uint64_t)llround(fmax(seconds, 0) * 1e9);
    snprintf(event.u.text, sizeof(event.u.text), "%s", text);
    (void)scope_recorder_event(record->recorder, &event, SCOPE_EVENT_OWN); /* the next poll tells */
}

bool record_close(struct record *record, char *error, size_t error_size) {
    if (record == NULL) {
        return true;
    }
    bool done = file_finish(record, error, error_size) && !record->failed;
    free(record->path);
    free(record->asked);
    free(record);
    return done;
}
