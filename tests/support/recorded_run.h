/* recorded_run.h: a run of random records, written and compared: what was given to a recorder is
 * what a recording gives back.
 *
 * Threads:    one.
 * Ownership:  the run's, until recorded_run_free. */
#ifndef TESTS_RECORDED_RUN_H
#define TESTS_RECORDED_RUN_H

#include "recording.h"

struct recorded_item {
    enum scope_record_kind kind;
    uint64_t time_ns;
    uint64_t number; /* of an event; of a gap: how many were lost */
    struct scope_sample sample;
    struct scope_event event;
    struct scope_histograms *histograms;
    struct scope_shape shape;
};

struct recorded_run {
    struct recorded_item *item;
    size_t count;
    struct scope_info info;
};

/* `count` records of every kind, their times growing by up to 100 ms; from `seed` alone. */
struct recorded_run recorded_run_make(uint64_t seed, size_t count);
void recorded_run_free(struct recorded_run *run);

/* Opens a recorder at `path` and begins it with the built-in dictionary. */
struct scope_recorder *recorded_run_begin(const struct recorded_run *run, const char *path);
int recorded_run_put(struct scope_recorder *recorder, const struct recorded_item *item);
/* All of it, in chunks of `chunk` records, closed in good order. */
void recorded_run_write(const struct recorded_run *run, const char *path, size_t chunk);
/* True when the record is the item, value for value. */
bool recorded_item_equal(const struct recorded_item *item, const struct scope_record *record);

#endif
