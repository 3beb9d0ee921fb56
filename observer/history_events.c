/* history_events.c: events, one-second histograms and the shape of the tree.
 *
 * Histograms are kept packed (7 KB each would be 100 MB for four hours, nearly all of it zeros) and
 * expanded into a few slots, in turn, when they are asked for. */
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

enum { BUCKET_BITS = 10, CELLS = SCOPE_HISTOGRAMS * SCOPE_HIST_BUCKETS };
_Static_assert(CELLS <= 1 << BUCKET_BITS, "a cell's number must fit beside its count");

/* ---- events ---------------------------------------------------------------------------------- */

static bool events_grow(struct history *history) {
    size_t capacity = history->event_capacity == 0 ? 256 : history->event_capacity * 2;
    struct scope_event *event = realloc(history->event, capacity * sizeof(*event));
    if (event == NULL) {
        return false;
    }
    history->event = event;
    double *time = realloc(history->event_time, capacity * sizeof(*time));
    if (time == NULL) {
        return false;
    }
    history->event_time = time;
    history->event_capacity = capacity;
    return true;
}

static void events_forget(struct history *history) {
    size_t by = HISTORY_EVENTS_MAX / 8, keep = history->event_count - by;
    memmove(history->event, history->event + by, keep * sizeof(*history->event));
    memmove(history->event_time, history->event_time + by, keep * sizeof(*history->event_time));
    history->event_count = keep;
}

void history_append_event(struct history *history, double seconds,
                          const struct scope_event *event) {
    OBS_ASSERT(history != NULL && event != NULL);
    if (!(seconds > -1e18 && seconds < 1e18)) {
        return;
    }
    if (history->event_count == HISTORY_EVENTS_MAX) {
        events_forget(history);
    }
    if (history->event_count == history->event_capacity && !events_grow(history)) {
        return;
    }
    /* Two threads of a publisher may stamp and publish in different orders: keep the list sorted.
     * Displacements are tiny, so is the walk. */
    size_t at = history->event_count;
    while (at > 0 && history->event_time[at - 1] > seconds) {
        at--;
    }
    size_t after = history->event_count - at;
    memmove(history->event + at + 1, history->event + at, after * sizeof(*event));
    memmove(history->event_time + at + 1, history->event_time + at, after * sizeof(double));
    history->event[at] = *event;
    history->event_time[at] = seconds;
    history->event_count++;
}

size_t history_event_count(const struct history *history) {
    return history->event_count;
}

const struct scope_event *history_event(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->event_count);
    return &history->event[index];
}

double history_event_time(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->event_count);
    return history->event_time[index];
}

size_t history_event_find(const struct history *history, double seconds) {
    size_t low = 0, high = history->event_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (history->event_time[middle] >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* ---- histograms ------------------------------------------------------------------------------ */

static void seconds_free(struct history *history, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        free(history->second[i].packed);
    }
}

static bool seconds_room(struct history *history) {
    if (history->second_count == HISTORY_SECONDS_MAX) {
        size_t by = HISTORY_SECONDS_MAX / 8, keep = history->second_count - by;
        seconds_free(history, 0, by);
        memmove(history->second, history->second + by, keep * sizeof(*history->second));
        history->second_count = keep;
    }
    if (history->second_count < history->second_capacity) {
        return true;
    }
    size_t capacity = history->second_capacity == 0 ? 64 : history->second_capacity * 2;
    struct history_second *second = realloc(history->second, capacity * sizeof(*second));
    if (second == NULL) {
        return false;
    }
    history->second = second;
    history->second_capacity = capacity;
    return true;
}

static bool second_pack(struct history_second *second, const struct scope_histograms *from) {
    uint64_t packed[CELLS];
    uint32_t used = 0;
    const uint64_t limit = UINT64_MAX >> BUCKET_BITS;
    for (uint64_t cell = 0; cell < CELLS; cell++) {
        uint64_t count = from->count[cell / SCOPE_HIST_BUCKETS][cell % SCOPE_HIST_BUCKETS];
        if (count > 0) {
            packed[used++] = (count > limit ? limit : count) << BUCKET_BITS | cell;
        }
    }
    if (used > 0) {
        second->packed = malloc(used * sizeof(uint64_t));
        if (second->packed == NULL) {
            return false;
        }
        memcpy(second->packed, packed, used * sizeof(uint64_t));
    }
    second->packed_count = used;
    return true;
}

void history_append_histograms(struct history *history, double seconds,
                               const struct scope_histograms *histograms) {
    OBS_ASSERT(history != NULL && histograms != NULL);
    bool newer =
        history->second_count == 0
            ? seconds > -1e18 && seconds < 1e18
            : seconds > history->second[history->second_count - 1].seconds && seconds < 1e18;
    if (!newer || !seconds_room(history)) {
        return;
    }
    struct history_second second = {
        .seconds = seconds,
        .time_ns = histograms->time_ns,
        .interval_ns = histograms->interval_ns,
    };
    memcpy(second.max_ns, histograms->max_ns, sizeof(second.max_ns));
    if (second_pack(&second, histograms)) {
        history->second[history->second_count++] = second;
    }
}

size_t history_histogram_count(const struct history *history) {
    return history->second_count;
}

const struct scope_histograms *history_histogram(const struct history *history, size_t index,
                                                 double *seconds) {
    OBS_ASSERT(index < history->second_count);
    const struct history_second *second = &history->second[index];
    struct history_expanded *expanded = history->expanded;
    struct scope_histograms *slot = &expanded->slot[expanded->next];
    expanded->next = (expanded->next + 1) % HISTORY_EXPANDED;
    *slot = (struct scope_histograms){
        .time_ns = second->time_ns,
        .interval_ns = second->interval_ns,
    };
    memcpy(slot->max_ns, second->max_ns, sizeof(slot->max_ns));
    for (uint32_t i = 0; i < second->packed_count; i++) {
        uint64_t cell = second->packed[i] & ((1u << BUCKET_BITS) - 1);
        OBS_ASSERT(cell < CELLS);
        slot->count[cell / SCOPE_HIST_BUCKETS][cell % SCOPE_HIST_BUCKETS] =
            second->packed[i] >> BUCKET_BITS;
    }
    if (seconds != NULL) {
        *seconds = second->seconds;
    }
    return slot;
}

/* ---- shape ----------------------------------------------------------------------------------- */

void history_set_shape(struct history *history, const struct scope_shape *shape) {
    OBS_ASSERT(history != NULL && shape != NULL);
    OBS_ASSERT(shape->count <= SCOPE_MAX_TABLES && (shape->tables != NULL || shape->count == 0));
    if (shape->count > history->shape_capacity) {
        size_t capacity = shape->count + shape->count / 2;
        struct scope_table *tables = realloc(history->shape.tables, capacity * sizeof(*tables));
        if (tables == NULL) {
            return; /* the older shape stays: stale is better than none */
        }
        history->shape.tables = tables;
        history->shape_capacity = capacity;
    }
    struct scope_table *tables = history->shape.tables;
    if (shape->count > 0) {
        memcpy(tables, shape->tables, shape->count * sizeof(*tables));
    }
    history->shape = *shape;
    history->shape.tables = tables;
    history->shape_known = true;
    for (size_t i = 0; i < shape->count; i++) {
        if (tables[i].level < SCOPE_MAX_LEVELS) {
            history_see_level(history, tables[i].level);
        }
    }
}

const struct scope_shape *history_shape(const struct history *history) {
    return history->shape_known ? &history->shape : NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

void history_events_clear(struct history *history) {
    seconds_free(history, 0, history->second_count);
    history->second_count = 0;
    history->event_count = 0;
    history->shape_known = false;
}

void history_events_destroy(struct history *history) {
    history_events_clear(history);
    free(history->event);
    free(history->event_time);
    free(history->second);
    free(history->shape.tables);
}
