/* memtable_steps.h: what the memtables did between samples, as their flushes tell.
 *
 * A flush that begins tells that a full memtable gave way to an empty one and is sealed now; one
 * that ends, that what was sealed is gone; a writer that flushes itself writes nothing until it is
 * done. Memtables fill and are flushed faster than samples come: the samples alone would show
 * saw-teeth and slopes that never were.
 *
 * Threads:    one thread.
 * Units:      seconds, bytes. */
#ifndef OBS_MEMTABLE_STEPS_H
#define OBS_MEMTABLE_STEPS_H

#include "chart.h"

enum { MEMTABLE_FLUSHES_MAX = 1024 };

struct memtable_steps {
    size_t actives, totals;
    struct chart_step active[2 * MEMTABLE_FLUSHES_MAX];
    struct chart_step total[3 * MEMTABLE_FLUSHES_MAX]; /* of the active one and all sealed ones */
};

/* Finds those of the scene's stretch of time; false: there are too many. `limit`: of one memtable,
 * 0 where it is not known. */
bool memtable_steps_find_all(const struct scene *scene, double limit, struct memtable_steps *steps);
/* The same, and where there are too many, those less than `apart_s` apart are one. */
void memtable_steps_find(const struct scene *scene, double limit, double apart_s,
                         struct memtable_steps *steps);

#endif
