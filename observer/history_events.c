/* history_events.c: events, in blocks. The newest block is open, in the clear; one that is full is
 * packed, and unpacked into one of a few slots when it is asked for. */
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

enum { ROWS = HISTORY_EVENT_ROWS, FORGET = HISTORY_EVENTS_MAX / 8 };
_Static_assert(FORGET % ROWS == 0, "whole blocks are forgotten");

/* ---- room ------------------------------------------------------------------------------------ */

/* Every array may grow alone: when one fails the others are merely larger than needed. */
static bool order_grow(struct history_events *events) {
    size_t capacity = events->capacity + events->capacity / 2 + 2 * ROWS;
    capacity = capacity < HISTORY_EVENTS_MAX ? capacity : HISTORY_EVENTS_MAX;
    uint32_t *order = realloc(events->order, capacity * sizeof(*order));
    events->order = order != NULL ? order : events->order;
    double *time = realloc(events->time, capacity * sizeof(*time));
    events->time = time != NULL ? time : events->time;
    uint8_t *type = realloc(events->type, capacity * sizeof(*type));
    events->type = type != NULL ? type : events->type;
    struct history_event_brief *brief = realloc(events->brief, capacity * sizeof(*brief));
    events->brief = brief != NULL ? brief : events->brief;
    if (order == NULL || time == NULL || type == NULL || brief == NULL) {
        return false;
    }
    events->capacity = capacity;
    return true;
}

/* Packs the open block, which is full. */
static bool block_seal(struct history_events *events) {
    if (events->sealed == events->block_capacity) {
        size_t capacity = events->block_capacity == 0 ? 16 : 2 * events->block_capacity;
        struct history_event_block *block = realloc(events->block, capacity * sizeof(*block));
        if (block == NULL) {
            return false;
        }
        events->block = block;
        events->block_capacity = capacity;
    }
    uint8_t *packed = history_events_pack(events->open);
    if (packed == NULL) {
        return false;
    }
    events->block[events->sealed++] =
        (struct history_event_block){.packed = packed, .until = events->open[ROWS - 1].until};
    return true;
}

static bool room(struct history_events *events) {
    if (events->open == NULL) {
        events->open = calloc(ROWS, sizeof(*events->open));
    }
    if (events->open == NULL || (events->count == events->capacity && !order_grow(events))) {
        return false;
    }
    return events->count < (events->sealed + 1) * ROWS || block_seal(events);
}

/* ---- blocks in the clear --------------------------------------------------------------------- */

static void slots_clear(struct history_event_slots *slots) {
    for (unsigned i = 0; i < HISTORY_EVENT_SLOTS; i++) {
        slots->block[i] = SIZE_MAX;
    }
    slots->last = slots->next = 0;
}

static void slot_fill(const struct history_events *events, size_t block) {
    struct history_event_slots *slots = events->slots;
    struct history_event_row *row = slots->row[slots->next];
    double until = block > 0 ? events->block[block - 1].until : events->until_base;
    for (unsigned i = 0; i < ROWS; i++) {
        history_event_unpack(events->block[block].packed, i, &row[i]);
        until = until > row[i].seconds ? until : row[i].seconds;
        row[i].until = until;
    }
    slots->block[slots->next] = block;
    slots->last = slots->next;
    slots->next = (slots->next + 1) % HISTORY_EVENT_SLOTS;
}

static const struct history_event_row *block_rows(const struct history_events *events,
                                                  size_t block) {
    struct history_event_slots *slots = events->slots;
    if (block == events->sealed) {
        return events->open;
    }
    for (unsigned i = 0; i < HISTORY_EVENT_SLOTS && slots->block[slots->last] != block; i++) {
        if (slots->block[i] == block) {
            slots->last = i;
        }
    }
    if (slots->block[slots->last] != block) {
        slot_fill(events, block);
    }
    return slots->row[slots->last];
}

static const struct history_event_row *row_at(const struct history_events *events, size_t index) {
    OBS_ASSERT(index < events->count);
    return &block_rows(events, index / ROWS)[index % ROWS];
}

const struct history_event_row *history_event_row(const struct history *history,
                                                  uint64_t position) {
    OBS_ASSERT(position >= history->events.base);
    return row_at(&history->events, (size_t)(position - history->events.base));
}

uint64_t history_position_of(const struct history *history, double seconds) {
    const struct history_events *events = &history->events;
    size_t low = 0, high = events->sealed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (events->block[middle].until > seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    size_t first = low * ROWS, rows = events->count - first;
    const struct history_event_row *row = rows > 0 ? block_rows(events, low) : NULL;
    low = 0;
    high = rows < ROWS ? rows : ROWS;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row[middle].until > seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return events->base + first + low;
}

/* ---- generations ----------------------------------------------------------------------------- */

static void turn(struct history_events *events, size_t index) {
    struct history_event_turn *oldest = &events->turn[events->turn_next];
    events->turn_forgotten = oldest->generation;
    *oldest = (struct history_event_turn){history_generation_next(), index};
    events->turn_next = (events->turn_next + 1) % HISTORY_EVENT_TURNS;
}

uint64_t history_event_generation(const struct history *history) {
    const struct history_events *events = &history->events;
    return events->turn[(events->turn_next + HISTORY_EVENT_TURNS - 1) % HISTORY_EVENT_TURNS]
        .generation;
}

bool history_events_kept(const struct history *history, uint64_t generation, size_t count) {
    const struct history_events *events = &history->events;
    if (history_event_generation(history) == generation) {
        return true;
    }
    bool kept = generation >= events->turn_forgotten && count <= events->count;
    bool known = false; /* or it is another history's */
    for (unsigned i = 0; i < HISTORY_EVENT_TURNS; i++) {
        const struct history_event_turn *one = &events->turn[i];
        known = known || one->generation == generation;
        kept = kept && (one->generation <= generation || one->index >= count);
    }
    return kept && (known || generation == events->turn_forgotten);
}

/* ---- appending and forgetting ---------------------------------------------------------------- */

/* The oldest eighth, in the order they came in. */
static void events_forget(struct history *history) {
    struct history_events *events = &history->events;
    size_t blocks = FORGET / ROWS;
    OBS_ASSERT(events->sealed >= blocks);
    history_shapes_forget(history, FORGET);
    events->until_base = events->block[blocks - 1].until;
    for (size_t i = 0; i < blocks; i++) {
        free(events->block[i].packed);
    }
    events->sealed -= blocks;
    memmove(events->block, events->block + blocks, events->sealed * sizeof(*events->block));
    slots_clear(events->slots);
    size_t kept = 0;
    for (size_t i = 0; i < events->count; i++) {
        if (events->order[i] >= FORGET) {
            events->order[kept] = events->order[i] - (uint32_t)FORGET;
            events->type[kept] = events->type[i];
            events->brief[kept] = events->brief[i];
            events->time[kept++] = events->time[i];
        }
    }
    OBS_ASSERT(kept == events->count - FORGET);
    events->count = kept;
    events->base += FORGET;
    turn(events, 0);
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

static struct history_event_brief brief_of(const struct scope_event *event) {
    struct history_event_brief brief = {.job = event->job};
    if (event->type == SCOPE_EVENT_STALL_BEGIN || event->type == SCOPE_EVENT_STALL_END) {
        brief.cause = event->u.stall.cause;
        brief.duration_s = (float)((double)event->u.stall.duration_ns * 1e-9);
    } else if (event->type == SCOPE_EVENT_FLUSH_BEGIN || event->type == SCOPE_EVENT_FLUSH_END) {
        bool failed = event->u.job_info.status != 0;
        brief.duration_s = (float)((double)event->u.job_info.duration_ns * 1e-9);
        brief.bytes_in = failed ? -1.0f : (float)event->u.job_info.bytes_in;
    } else if (event->type == SCOPE_EVENT_COMPACT_END) {
        brief.duration_s = (float)((double)event->u.job_info.duration_ns * 1e-9);
    }
    return brief;
}

/* By time. Displacements are tiny, so is the walk. */
static void order_add(struct history_events *events, double seconds,
                      const struct scope_event *event) {
    size_t index = events->count, at = index;
    while (at > 0 && events->time[at - 1] > seconds) {
        at--;
    }
    memmove(events->order + at + 1, events->order + at, (index - at) * sizeof(*events->order));
    memmove(events->time + at + 1, events->time + at, (index - at) * sizeof(*events->time));
    memmove(events->type + at + 1, events->type + at, (index - at) * sizeof(*events->type));
    memmove(events->brief + at + 1, events->brief + at, (index - at) * sizeof(*events->brief));
    if (at < index) {
        turn(events, at);
    }
    events->order[at] = (uint32_t)index;
    events->type[at] = (uint8_t)event->type;
    events->brief[at] = brief_of(event);
    events->time[at] = seconds;
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
    if (!room(events)) {
        return;
    }
    double until = events->count > 0 ? history_event_until(history) : seconds;
    struct history_event_row *row = &events->open[events->count % ROWS];
    *row = (struct history_event_row){
        .event = *event, .seconds = seconds, .until = until > seconds ? until : seconds};
    order_add(events, seconds, event);
    events->until_base = events->count == 0 && events->base == 0 ? seconds : events->until_base;
    events->count++;
    history_see_clock(history, seconds, event->time_ns);
    history_shapes_event(history, row);
}

double history_event_until(const struct history *history) {
    const struct history_events *events = &history->events;
    OBS_ASSERT(events->count > 0);
    return row_at(events, events->count - 1)->until;
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

/* ---- asking ---------------------------------------------------------------------------------- */

uint64_t history_event_end(const struct history *history) {
    return history->events.base + history->events.count;
}

size_t history_event_count(const struct history *history) {
    return history->events.count;
}

const struct scope_event *history_event(const struct history *history, size_t index) {
    const struct history_events *events = &history->events;
    OBS_ASSERT(index < events->count);
    size_t at = events->order[index], block = at / ROWS;
    if (block == events->sealed) {
        return &events->open[at % ROWS].event;
    }
    /* Alone: who walks over the events of some types asks for few of a block. */
    struct history_event_slots *slots = events->slots;
    struct history_event_row *row = &slots->single[slots->single_next];
    slots->single_next = (slots->single_next + 1) % HISTORY_EVENT_SINGLES;
    history_event_unpack(events->block[block].packed, at % ROWS, row);
    return &row->event;
}

double history_event_time(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->events.count);
    return history->events.time[index];
}

enum scope_event_type history_event_type(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->events.count);
    return (enum scope_event_type)history->events.type[index];
}

const struct history_event_brief *history_event_brief(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->events.count);
    return &history->events.brief[index];
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

/* ---- life ------------------------------------------------------------------------------------ */

bool history_events_create(struct history *history) {
    struct history_events *events = &history->events;
    events->slots = calloc(1, sizeof(*events->slots));
    if (events->slots != NULL) {
        slots_clear(events->slots);
        turn(events, 0);
    }
    return events->slots != NULL;
}

void history_events_clear(struct history *history) {
    struct history_events *events = &history->events;
    for (size_t i = 0; i < events->sealed; i++) {
        free(events->block[i].packed);
    }
    slots_clear(events->slots);
    events->count = events->sealed = events->numbering_count = 0;
    turn(events, 0);
    events->base = 0;
    events->clock_known = false;
    events->clock_offset = 0;
}

void history_events_destroy(struct history *history) {
    struct history_events *events = &history->events;
    if (events->slots == NULL) {
        return;
    }
    history_events_clear(history);
    free(events->slots);
    free(events->block);
    free(events->open);
    free(events->order);
    free(events->time);
    free(events->type);
    free(events->brief);
    free(events->numbering);
}
