/* history_events.c: events and one-second histograms.
 *
 * Histograms are kept packed (7 KB each would be 100 MB for four hours, nearly all of it zeros) and
 * expanded into a few slots, in turn, when they are asked for. */
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

enum {
    CELLS = SCOPE_HISTOGRAMS * SCOPE_HIST_BUCKETS,
    NUMBER_MAX = 10, /* bytes of a number */
    PACKED_MAX = (2 + SCOPE_HISTOGRAMS) * NUMBER_MAX + 1 + CELLS * (2 + 1 + 1 + NUMBER_MAX),
    COUNT_LONG = 15, /* in place of an exponent: a number follows */
};

/* ---- events ---------------------------------------------------------------------------------- */

/* Every array may grow alone: when one fails the others are merely larger than needed. */
static bool events_grow(struct history_events *events) {
    size_t capacity = events->capacity == 0 ? 256 : events->capacity * 2;
    struct scope_event *event = realloc(events->event, capacity * sizeof(*event));
    events->event = event != NULL ? event : events->event;
    double *until = realloc(events->until, capacity * sizeof(*until));
    events->until = until != NULL ? until : events->until;
    uint32_t *chain = realloc(events->chain, capacity * sizeof(*chain));
    events->chain = chain != NULL ? chain : events->chain;
    uint32_t *order = realloc(events->order, capacity * sizeof(*order));
    events->order = order != NULL ? order : events->order;
    double *time = realloc(events->time, capacity * sizeof(*time));
    events->time = time != NULL ? time : events->time;
    uint8_t *type = realloc(events->type, capacity * sizeof(*type));
    events->type = type != NULL ? type : events->type;
    if (event == NULL || until == NULL || chain == NULL || order == NULL || time == NULL ||
        type == NULL) {
        return false;
    }
    events->capacity = capacity;
    return true;
}

/* The oldest eighth, in the order they came in. */
static void events_forget(struct history *history) {
    struct history_events *events = &history->events;
    size_t by = HISTORY_EVENTS_MAX / 8, keep = events->count - by;
    history_shapes_forget(history, by);
    memmove(events->event, events->event + by, keep * sizeof(*events->event));
    memmove(events->until, events->until + by, keep * sizeof(*events->until));
    size_t kept = 0;
    for (size_t i = 0; i < events->count; i++) {
        if (events->order[i] >= by) {
            events->order[kept] = events->order[i] - (uint32_t)by;
            events->type[kept] = events->type[i];
            events->time[kept++] = events->time[i];
        }
    }
    OBS_ASSERT(kept == keep);
    events->count = keep;
    events->base += by;
    while (events->numbering_count > 1 && events->numbering[1].position <= events->base) {
        events->numbering_count--;
        memmove(events->numbering, events->numbering + 1,
                events->numbering_count * sizeof(*events->numbering));
    }
    history_shapes_forgot(history);
}

void history_see_clock(struct history *history, double seconds, uint64_t time_ns) {
    if (!history->events.clock_known) {
        history->events.clock_known = true;
        history->events.clock_offset = seconds - (double)time_ns / 1e9;
    }
}

void history_append_event(struct history *history, double seconds,
                          const struct scope_event *event) {
    OBS_ASSERT(history != NULL && event != NULL);
    struct history_events *events = &history->events;
    if (!(seconds > -1e18 && seconds < 1e18)) {
        return;
    }
    if (events->count == HISTORY_EVENTS_MAX) {
        events_forget(history);
    }
    if (events->count == events->capacity && !events_grow(events)) {
        return;
    }
    size_t index = events->count, at = index;
    double until = index > 0 ? events->until[index - 1] : seconds;
    events->event[index] = *event;
    events->until[index] = until > seconds ? until : seconds;
    /* Displacements are tiny, so is the walk. */
    while (at > 0 && events->time[at - 1] > seconds) {
        at--;
    }
    memmove(events->order + at + 1, events->order + at, (index - at) * sizeof(*events->order));
    memmove(events->time + at + 1, events->time + at, (index - at) * sizeof(*events->time));
    memmove(events->type + at + 1, events->type + at, (index - at) * sizeof(*events->type));
    events->order[at] = (uint32_t)index;
    events->type[at] = (uint8_t)event->type;
    events->time[at] = seconds;
    events->count++;
    history_see_clock(history, seconds, event->time_ns);
    history_shapes_event(history, events->base + index);
}

void history_number_events(struct history *history, uint64_t next) {
    OBS_ASSERT(history != NULL);
    struct history_events *events = &history->events;
    uint64_t position = history_event_end(history);
    if (events->numbering_count > 0) {
        const struct history_numbering *last = &events->numbering[events->numbering_count - 1];
        if (last->number + (position - last->position) == next) {
            return;
        }
    }
    /* Losses are rare, so is this. */
    size_t count = events->numbering_count + 1;
    struct history_numbering *numbering =
        realloc(events->numbering, count * sizeof(*events->numbering));
    if (numbering == NULL) {
        return;
    }
    events->numbering = numbering;
    uint32_t epoch = 0;
    if (events->numbering_count == 0) {
        history_shapes_numbered(history, next);
    } else if (events->count > 0) {
        epoch = history_shapes_break(history);
    }
    numbering[events->numbering_count++] =
        (struct history_numbering){.position = position, .number = next, .epoch = epoch};
}

uint64_t history_event_end(const struct history *history) {
    return history->events.base + history->events.count;
}

const struct scope_event *history_event_at(const struct history *history, uint64_t position) {
    const struct history_events *events = &history->events;
    OBS_ASSERT(position >= events->base && position - events->base < events->count);
    return &events->event[position - events->base];
}

size_t history_event_count(const struct history *history) {
    return history->events.count;
}

const struct scope_event *history_event(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->events.count);
    return &history->events.event[history->events.order[index]];
}

double history_event_time(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->events.count);
    return history->events.time[index];
}

size_t history_event_find(const struct history *history, double seconds) {
    size_t low = 0, high = history->events.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (history->events.time[middle] >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

size_t history_event_next(const struct history *history, size_t index, uint32_t types) {
    const struct history_events *events = &history->events;
    while (index < events->count &&
           (events->type[index] >= 32 || !(types >> events->type[index] & 1u))) {
        index++;
    }
    return index;
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

/* A number, seven bits a byte, the lowest first. */
static uint8_t *number_write(uint8_t *at, uint64_t number) {
    for (; number >= 0x80; number >>= 7) {
        *at++ = (uint8_t)(number | 0x80);
    }
    *at++ = (uint8_t)number;
    return at;
}

static const uint8_t *number_read(const uint8_t *at, uint64_t *number) {
    *number = 0;
    for (unsigned shift = 0;; shift += 7) {
        OBS_ASSERT(shift < 70);
        *number |= (uint64_t)(*at & 0x7F) << shift;
        if ((*at++ & 0x80) == 0) {
            return at;
        }
    }
}

/* A count of four significant bits, as a segment rounds them, is one byte: exponent, mantissa. */
static uint8_t *count_write(uint8_t *at, uint64_t count) {
    unsigned bits = 64 - (unsigned)__builtin_clzll(count);
    unsigned exponent = bits > 4 ? bits - 4 : 0;
    if (exponent < COUNT_LONG && count >> exponent << exponent == count) {
        *at++ = (uint8_t)(exponent << 4 | count >> exponent);
        return at;
    }
    *at++ = COUNT_LONG << 4;
    return number_write(at, count);
}

static const uint8_t *count_read(const uint8_t *at, uint64_t *count) {
    unsigned exponent = *at >> 4;
    *count = (uint64_t)(*at++ & 0xF) << exponent;
    return exponent == COUNT_LONG ? number_read(at, count) : at;
}

static uint64_t cell_of(const struct scope_histograms *histograms, unsigned cell) {
    return histograms->count[cell / SCOPE_HIST_BUCKETS][cell % SCOPE_HIST_BUCKETS];
}

/* time, interval, the maxima; then for each run of buckets that are not empty: how many empty ones
 * lie before it, plus 1; its length; its counts; at the end 0. */
static bool second_pack(struct history_second *second, const struct scope_histograms *from) {
    uint8_t packed[PACKED_MAX], *at = packed;
    at = number_write(at, from->time_ns);
    at = number_write(at, from->interval_ns);
    for (unsigned i = 0; i < SCOPE_HISTOGRAMS; i++) {
        at = number_write(at, from->max_ns[i]);
    }
    for (unsigned cell = 0, before = 0; cell < CELLS; cell++) {
        unsigned end = cell;
        while (end < CELLS && cell_of(from, end) > 0) {
            end++;
        }
        if (end == cell) {
            continue;
        }
        at = number_write(at, cell - before + 1);
        at = number_write(at, end - cell);
        for (; cell < end; cell++) {
            at = count_write(at, cell_of(from, cell));
        }
        before = end;
    }
    *at++ = 0;
    size_t size = (size_t)(at - packed);
    OBS_ASSERT(size <= PACKED_MAX);
    second->packed = malloc(size);
    if (second->packed == NULL) {
        return false;
    }
    memcpy(second->packed, packed, size);
    return true;
}

static void second_unpack(const struct history_second *second, struct scope_histograms *to) {
    const uint8_t *at = second->packed;
    *to = (struct scope_histograms){0};
    at = number_read(at, &to->time_ns);
    at = number_read(at, &to->interval_ns);
    for (unsigned i = 0; i < SCOPE_HISTOGRAMS; i++) {
        at = number_read(at, &to->max_ns[i]);
    }
    uint64_t skip;
    unsigned cell = 0;
    for (at = number_read(at, &skip); skip > 0; at = number_read(at, &skip)) {
        uint64_t length;
        at = number_read(at, &length);
        cell += (unsigned)skip - 1;
        OBS_ASSERT(cell + length <= CELLS);
        for (uint64_t end = cell + length; cell < end; cell++) {
            at = count_read(at, &to->count[cell / SCOPE_HIST_BUCKETS][cell % SCOPE_HIST_BUCKETS]);
        }
    }
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
    struct history_second second = {.seconds = seconds};
    if (second_pack(&second, histograms)) {
        history->second[history->second_count++] = second;
        history_see_clock(history, seconds, histograms->time_ns);
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
    second_unpack(second, slot);
    if (seconds != NULL) {
        *seconds = second->seconds;
    }
    return slot;
}

/* ---- life ------------------------------------------------------------------------------------ */

void history_events_clear(struct history *history) {
    struct history_events *events = &history->events;
    seconds_free(history, 0, history->second_count);
    history->second_count = 0;
    events->count = events->numbering_count = 0;
    events->base = 0;
    events->clock_known = false;
    events->clock_offset = 0;
}

void history_events_destroy(struct history *history) {
    struct history_events *events = &history->events;
    history_events_clear(history);
    free(events->event);
    free(events->until);
    free(events->chain);
    free(events->order);
    free(events->time);
    free(events->type);
    free(events->numbering);
    free(history->second);
}
