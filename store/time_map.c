#include "time_map.h"

#include <stdlib.h>

#include "check.h"

void lsm_time_map_init(struct lsm_time_map *map) {
    *map = (struct lsm_time_map){0};
    pthread_mutex_init(&map->lock, NULL);
}

void lsm_time_map_free(struct lsm_time_map *map) {
    pthread_mutex_destroy(&map->lock);
    free(map->points);
}

/* Keeps every second point of the older half. */
static void thin(struct lsm_time_map *map) {
    size_t half = map->count / 2, out = 0;
    for (size_t i = 0; i < half; i += 2) {
        map->points[out++] = map->points[i];
    }
    for (size_t i = half; i < map->count; i++) {
        map->points[out++] = map->points[i];
    }
    LSM_ASSERT(out < map->count);
    if (map->points[out - (map->count - half)].seq > map->coarse_until) {
        map->coarse_until = map->points[out - (map->count - half)].seq;
    }
    map->count = out;
}

void lsm_time_map_note(struct lsm_time_map *map, uint64_t seq, uint64_t unix_s) {
    if (__builtin_expect(unix_s <= map->last_s, 1)) {
        return;
    }
    pthread_mutex_lock(&map->lock);
    if (map->count == LSM_TIME_POINTS_MAX) {
        thin(map);
    }
    if (map->count == map->room) {
        size_t room = map->room == 0 ? 64 : 2 * map->room;
        struct lsm_time_point *points = realloc(map->points, room * sizeof *points);
        if (points != NULL) {
            map->points = points;
            map->room = room;
        }
    }
    bool newer = map->count == 0 || seq > map->points[map->count - 1].seq;
    if (newer && map->count < map->room) {
        map->points[map->count++] = (struct lsm_time_point){.seq = seq, .unix_s = unix_s};
        map->last_s = unix_s;
        map->coarse_until = map->gap ? seq : map->coarse_until;
        map->gap = false;
    } else if (newer) {
        map->gap = true;
    }
    pthread_mutex_unlock(&map->lock);
}

void lsm_time_map_recovered(struct lsm_time_map *map) {
    pthread_mutex_lock(&map->lock);
    /* A map that was ever thinned keeps three quarters of the limit. */
    if (map->count > LSM_TIME_POINTS_MAX / 4) {
        map->coarse_until = map->points[map->count - 1].seq;
    }
    pthread_mutex_unlock(&map->lock);
}

/* Number of points with a sequence at or below seq. */
static size_t points_until(const struct lsm_time_map *map, uint64_t seq) {
    size_t lo = 0, hi = map->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (map->points[mid].seq <= seq) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

void lsm_time_map_bounds(struct lsm_time_map *map, uint64_t seq, uint64_t *earliest_s,
                         uint64_t *latest_s) {
    pthread_mutex_lock(&map->lock);
    size_t n = points_until(map, seq);
    *earliest_s = n > 0 ? map->points[n - 1].unix_s : 0;
    bool coarse = seq < map->coarse_until || (map->gap && n == map->count) || n == 0;
    *latest_s = !coarse          ? map->points[n - 1].unix_s + 1
                : n < map->count ? map->points[n].unix_s
                                 : UINT64_MAX;
    pthread_mutex_unlock(&map->lock);
}

int lsm_time_map_export(struct lsm_time_map *map, uint64_t seq, bool all, struct lsm_edit *edit) {
    int rc = 0;
    pthread_mutex_lock(&map->lock);
    size_t end = points_until(map, seq);
    size_t begin = all ? 0 : points_until(map, map->persisted);
    for (size_t i = begin; i < end && rc == 0; i++) {
        rc = lsm_edit_time(edit, map->points[i].seq, map->points[i].unix_s);
    }
    if (rc == 0 && end > 0 && map->points[end - 1].seq > map->persisted) {
        map->persisted = map->points[end - 1].seq;
    }
    pthread_mutex_unlock(&map->lock);
    return rc;
}
