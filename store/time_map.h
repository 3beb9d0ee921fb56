/* time_map.h: when a sequence number was written, to about a second, without a time in every entry.
 *
 * Points (sequence, Unix second) are noted when the second changes and a write comes; seconds never
 * step back, even when the wall clock does. A write in a later second than the newest point's makes
 * a point of its own, so a write lies within the second of the last point at or before it. When
 * there are too many points the older half is thinned; there it lies between two points: bounds
 * widen, they never lie.
 *
 * Threads:    note by one thread at a time (the commit lock), lookups by any; a mutex inside. */
#ifndef LSM_TIME_MAP_H
#define LSM_TIME_MAP_H

#include <pthread.h>
#include "manifest.h"

enum { LSM_TIME_POINTS_MAX = 65536 };

struct lsm_time_map {
    pthread_mutex_t lock;
    struct lsm_time_point *points; /* guarded by lock; sequences and seconds rise strictly */
    size_t count, room;
    uint64_t last_s;       /* of the newest point; read by the noting thread without the lock */
    uint64_t coarse_until; /* below this sequence points may be missing */
    bool gap;              /* a point could not be kept: none is exact from the newest one on */
    uint64_t persisted;    /* points with a sequence at or below are in the manifest */
};

void lsm_time_map_init(struct lsm_time_map *map);
void lsm_time_map_free(struct lsm_time_map *map);
/* The write of `seq` happens at `unix_s`. Cheap when the second is the same. Forgets the point when
 * memory is out. */
void lsm_time_map_note(struct lsm_time_map *map, uint64_t seq, uint64_t unix_s);
/* The points noted so far come from a manifest: they may have been thinned by whoever wrote it. */
void lsm_time_map_recovered(struct lsm_time_map *map);
/* Not written before *earliest_s (0: unknown), nor after *latest_s (UINT64_MAX: no later point
 * yet). */
void lsm_time_map_bounds(struct lsm_time_map *map, uint64_t seq, uint64_t *earliest_s,
                         uint64_t *latest_s);
/* Adds the points that the manifest lacks (all: every point) up to `seq` to an edit. */
LSM_CHECKED int lsm_time_map_export(struct lsm_time_map *map, uint64_t seq, bool all,
                                    struct lsm_edit *edit);

#endif
