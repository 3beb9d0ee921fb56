/* history_shape.c: the shapes as they were told: their place among the events, and which of them
 * are worth keeping. A digest of the set of tables tells cheaply whether the events since the shape
 * before explain the next one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history_keyframes.h"
#include "obs_check.h"

/* ---- digests --------------------------------------------------------------------------------- */

static uint64_t table_digest(uint64_t id, uint8_t level) {
    uint64_t x = (id << 4 ^ level) + UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static uint64_t event_digest(const struct scope_event *event) {
    const struct scope_table *table = &event->u.table;
    if (event->type == SCOPE_EVENT_TABLE_ADD || event->type == SCOPE_EVENT_TABLE_REMOVE) {
        return table_digest(table->id, table->level);
    }
    if (event->type == SCOPE_EVENT_TABLE_MOVE) {
        return table_digest(table->id, event->level_from) ^ table_digest(table->id, table->level);
    }
    return 0;
}

static uint64_t shape_digest(const struct scope_shape *shape) {
    uint64_t digest = 0;
    for (size_t i = 0; i < shape->count; i++) {
        digest ^= table_digest(shape->tables[i].id, shape->tables[i].level);
    }
    return digest;
}

/* ---- placing the newest shape ---------------------------------------------------------------- */

enum placing { PLACE_FOUND, PLACE_LATER, PLACE_NEVER };

/* The position of a shape's event_head, and the epoch on the right side of a loss. */
static enum placing place_by_number(const struct history *history, uint64_t head,
                                    struct history_keyframe *at) {
    const struct history_events *events = &history->events;
    const struct history_shapes *shapes = history->shapes;
    size_t run = events->numbering_count;
    while (run > 0 && events->numbering[run - 1].number > head) {
        run--;
    }
    if (run == 0) {
        return PLACE_NEVER; /* older than the first event known */
    }
    const struct history_numbering *found = &events->numbering[run - 1];
    bool last = run == events->numbering_count;
    uint64_t end = last ? history_event_end(history) : found[1].position;
    uint64_t position = found->position + (head - found->number);
    if (position > end) {
        return last ? PLACE_LATER : PLACE_NEVER; /* or it lies within a loss */
    }
    size_t epoch = shapes->epoch_count;
    while (epoch > 0 && (shapes->epoch[epoch - 1].first > position ||
                         (!last && shapes->epoch[epoch - 1].serial >= found[1].epoch))) {
        epoch--;
    }
    if (epoch == 0) {
        return PLACE_NEVER;
    }
    *at = (struct history_keyframe){.epoch = shapes->epoch[epoch - 1].serial, .position = position};
    return PLACE_FOUND;
}

static double shape_seconds(const struct history *history, const struct scope_shape *shape) {
    return history->events.clock_known ? (double)shape->time_ns / 1e9 + history->events.clock_offset
                                       : history_end(history);
}

/* Do the events between the last placed shape and this one lead from the one to the other? */
static bool is_explained(const struct history *history, const struct history_keyframe *at,
                         uint64_t digest) {
    const struct history_shapes *shapes = history->shapes;
    if (!shapes->digest_known || shapes->at.epoch != at->epoch ||
        shapes->at.position < history->events.base || at->position < shapes->at.position) {
        return true;
    }
    uint64_t expected = shapes->digest;
    for (uint64_t i = shapes->at.position; i < at->position; i++) {
        expected ^= event_digest(&history_event_row(history, i)->event);
    }
    return expected == digest;
}

void history_newest_place(const struct history *history) {
    struct history_shapes *shapes = history->shapes;
    if (!shapes->known || shapes->placed) {
        return;
    }
    double seconds = shape_seconds(history, &shapes->newest);
    struct history_keyframe at = {.epoch = history_epoch_last(shapes)->serial};
    if (history->events.numbering_count == 0) {
        at.position = history_position_of(history, seconds);
    } else if (place_by_number(history, shapes->newest.event_head, &at) != PLACE_FOUND) {
        return;
    }
    bool whole = shapes->newest.total == shapes->newest.count;
    uint64_t digest = shape_digest(&shapes->newest);
    struct history_epoch *epoch = history_epoch_of(shapes, at.epoch);
    if (epoch == history_epoch_last(shapes) && whole && !is_explained(history, &at, digest)) {
        struct history_epoch *made = history_epoch_add(shapes, at.position, seconds);
        if (made != NULL) {
            made[-1].end = seconds;
            at.epoch = made->serial;
            epoch = made;
        }
    }
    if (at.position == epoch->first && seconds < epoch->start &&
        (epoch == shapes->epoch || seconds > epoch[-1].end)) {
        epoch->start = seconds;
    }
    if (shapes->cursor_epoch == at.epoch && shapes->cursor_position >= at.position) {
        shapes->cursor_valid = false; /* its marks of busy tables are news */
    }
    shapes->at = at;
    shapes->placed = true;
    shapes->digest = digest;
    shapes->digest_known = whole;
}

void history_set_shape(struct history *history, const struct scope_shape *shape) {
    OBS_ASSERT(history != NULL && shape != NULL);
    OBS_ASSERT(shape->count <= SCOPE_MAX_TABLES && (shape->tables != NULL || shape->count == 0));
    struct history_shapes *shapes = history->shapes;
    history_newest_place(history);
    if (shapes->known && shapes->placed &&
        history_keyframe_wanted(shapes, shapes->at.epoch, shapes->at.position,
                                HISTORY_KEYFRAME_EVENTS)) {
        history_keyframe_keep(shapes, shapes->at.epoch, shapes->at.position, &shapes->newest);
    }
    if (shape->count > shapes->newest_capacity) {
        size_t capacity = shape->count + shape->count / 2;
        struct scope_table *tables = realloc(shapes->newest.tables, capacity * sizeof(*tables));
        if (tables == NULL) {
            return; /* the older shape stays: stale is better than none */
        }
        shapes->newest.tables = tables;
        shapes->newest_capacity = capacity;
    }
    struct scope_table *tables = shapes->newest.tables;
    if (shape->count > 0) {
        memcpy(tables, shape->tables, shape->count * sizeof(*tables));
    }
    shapes->newest = *shape;
    shapes->newest.tables = tables;
    shapes->known = true;
    shapes->placed = false;
    for (size_t i = 0; i < shape->count; i++) {
        if (tables[i].level < SCOPE_MAX_LEVELS) {
            history_see_level(history, tables[i].level);
        }
    }
    history_newest_place(history);
}

const struct scope_shape *history_shape(const struct history *history) {
    return history->shapes->known ? &history->shapes->newest : NULL;
}

/* ---- what the events file tells -------------------------------------------------------------- */

void history_shapes_event(struct history *history, struct history_event_row *row) {
    struct history_shapes *shapes = history->shapes;
    uint64_t position = history_event_end(history) - 1;
    row->link = history_jobs_learn(&shapes->jobs, &row->event, position,
                                   (uint32_t)(position - history->events.base));
    struct history_epoch *epoch = history_epoch_last(shapes);
    if (position == epoch->first && row->until < epoch->start) {
        epoch->start = row->until;
    }
}

uint32_t history_shapes_break(struct history *history) {
    history_newest_place(history);
    struct history_epoch *made =
        history_epoch_add(history->shapes, history_event_end(history), INFINITY);
    if (made == NULL) {
        return history_epoch_last(history->shapes)->serial;
    }
    made[-1].end = history_event_until(history);
    return made->serial;
}

void history_shapes_numbered(struct history *history, uint64_t first) {
    struct history_shapes *shapes = history->shapes;
    if (first == 0) {
        shapes->epoch[0].start = -INFINITY; /* nothing happened before */
    }
    shapes->placed = false;
    shapes->digest_known = false;
}

/* ---- life ------------------------------------------------------------------------------------ */

void history_shapes_forget(struct history *history, size_t by) {
    struct history_shapes *shapes = history->shapes;
    uint64_t base = history->events.base + by;
    history_newest_place(history);
    size_t i = shapes->epoch_count - 1;
    while (i > 0 && shapes->epoch[i].first > base) {
        i--;
    }
    uint32_t epoch = shapes->epoch[i].serial;
    /* What is known before the cut is carried to it. */
    if (shapes->epoch[i].first < base && history_cursor_seek(history, epoch, base)) {
        struct scope_shape shape = {
            .total = shapes->cursor.count,
            .count = shapes->cursor.count,
            .tables = shapes->cursor.table,
        };
        history_keyframe_keep(shapes, epoch, base, &shape);
    }
    history_keyframes_forget(shapes, base);
    history_epochs_forget(shapes, base, history_event_row(history, base - 1)->until);
    shapes->cursor_valid = false;
}

void history_shapes_forgot(struct history *history) {
    struct history_shapes *shapes = history->shapes;
    const struct history_events *events = &history->events;
    history_jobs_clear(&shapes->jobs);
    for (size_t i = 0; i < events->count; i++) {
        const struct history_event_row *row = history_event_row(history, events->base + i);
        (void)history_jobs_learn(&shapes->jobs, &row->event, events->base + i, (uint32_t)i);
    }
}

void history_shapes_clear(struct history *history) {
    struct history_shapes *shapes = history->shapes;
    history_keyframes_forget(shapes, UINT64_MAX);
    history_jobs_clear(&shapes->jobs);
    shapes->epoch_count = 1;
    shapes->epoch[0] = (struct history_epoch){.start = INFINITY, .end = INFINITY};
    shapes->known = shapes->placed = shapes->digest_known = shapes->cursor_valid = false;
}

bool history_shapes_create(struct history *history) {
    history->shapes = calloc(1, sizeof(*history->shapes));
    return history->shapes != NULL && history_epoch_add(history->shapes, 0, INFINITY) != NULL;
}

void history_shapes_destroy(struct history *history) {
    struct history_shapes *shapes = history->shapes;
    if (shapes == NULL) {
        return;
    }
    history_keyframes_forget(shapes, UINT64_MAX);
    history_jobs_free(&shapes->jobs);
    history_tree_free(&shapes->cursor);
    free(shapes->keyframe);
    free(shapes->epoch);
    free(shapes->newest.tables);
    free(shapes);
    history->shapes = NULL;
}
