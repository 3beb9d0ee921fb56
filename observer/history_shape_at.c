/* history_shape_at.c: the tree at any moment, by replay from the nearest known one. A cursor stays
 * where it was last asked, so that following a run, or scrubbing, costs only the events between. */
#include <math.h>

#include "history_keyframes.h"
#include "obs_check.h"

/* ---- the tree at a moment -------------------------------------------------------------------- */

/* Carries the cursor to `position`, leaving keyframes on a long way. */
static void cursor_walk(const struct history *history, uint64_t position) {
    struct history_shapes *shapes = history->shapes;
    while (shapes->cursor_position != position) {
        if (shapes->cursor_position < position) {
            history_tree_apply(&shapes->cursor,
                               &history_event_row(history, shapes->cursor_position++)->event);
        } else {
            history_tree_undo(&shapes->cursor,
                              &history_event_row(history, --shapes->cursor_position)->event);
        }
        if (shapes->cursor_position % HISTORY_KEYFRAME_EVENTS == 0 &&
            history_keyframe_wanted(shapes, shapes->cursor_epoch, shapes->cursor_position,
                                    HISTORY_KEYFRAME_EVENTS / 2)) {
            struct scope_shape shape = {
                .total = shapes->cursor.count,
                .count = shapes->cursor.count,
                .tables = shapes->cursor.table,
            };
            history_keyframe_keep(shapes, shapes->cursor_epoch, shapes->cursor_position, &shape);
        }
    }
}

/* The known tree of the epoch that is nearest to a position; NULL when it has none. */
static const struct scope_shape *nearest(const struct history *history, uint32_t epoch,
                                         uint64_t position, uint64_t *from) {
    const struct history_shapes *shapes = history->shapes;
    const struct scope_shape *best = NULL;
    if (history_newest_in(shapes, epoch)) {
        best = &shapes->newest;
        *from = shapes->at.position;
    }
    size_t after = history_keyframe_find(shapes, epoch, position);
    for (size_t i = after > 0 ? after - 1 : 0; i <= after; i++) {
        if (history_keyframe_in(shapes, i, epoch) &&
            (best == NULL || history_distance(shapes->keyframe[i].position, position) <
                                 history_distance(*from, position))) {
            best = &shapes->keyframe[i].shape;
            *from = shapes->keyframe[i].position;
        }
    }
    if (best == NULL && shapes->known && !shapes->placed && shapes->keyframe_count == 0 &&
        epoch == history_epoch_last(shapes)->serial) {
        best = &shapes->newest; /* events that it holds are still to come: none to apply */
        *from = history_event_end(history);
    }
    return best;
}

bool history_cursor_seek(const struct history *history, uint32_t epoch, uint64_t position) {
    struct history_shapes *shapes = history->shapes;
    uint64_t from = 0;
    const struct scope_shape *base = nearest(history, epoch, position, &from);
    if (base == NULL) {
        return false;
    }
    bool stay = shapes->cursor_valid && shapes->cursor_epoch == epoch &&
                history_distance(shapes->cursor_position, position) <=
                    history_distance(from, position) + base->count / 4;
    if (!stay) {
        shapes->cursor_valid = history_tree_load(&shapes->cursor, base);
        shapes->cursor_epoch = epoch;
        shapes->cursor_position = from;
    }
    if (shapes->cursor_valid) {
        cursor_walk(history, position);
        struct history_replay replay = {
            .history = history,
            .jobs = &shapes->jobs,
            .newest = history_newest_in(shapes, epoch) ? &shapes->newest : NULL,
            .newest_position = shapes->at.position,
        };
        history_tree_mark(&shapes->cursor, &replay, position);
    }
    return shapes->cursor_valid;
}

/* The number that the event at a position has, or would have. */
static uint64_t number_of(const struct history *history, uint64_t position) {
    const struct history_events *events = &history->events;
    for (size_t i = events->numbering_count; i > 0; i--) {
        const struct history_numbering *run = &events->numbering[i - 1];
        if (run->position <= position) {
            return run->number + (position - run->position);
        }
    }
    return position;
}

const struct scope_shape *history_shape_at(const struct history *history, double seconds) {
    OBS_ASSERT(history != NULL);
    struct history_shapes *shapes = history->shapes;
    history_newest_place(history);
    size_t low = 0, high = shapes->epoch_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shapes->epoch[middle].start <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || shapes->epoch[low - 1].end < seconds) {
        return NULL;
    }
    const struct history_epoch *epoch = &shapes->epoch[low - 1];
    uint64_t position = history_position_of(history, seconds);
    position = position < epoch->first ? epoch->first : position;
    if (low < shapes->epoch_count && position > epoch[1].first) {
        position = epoch[1].first;
    }
    if (!history_cursor_seek(history, epoch->serial, position)) {
        return NULL;
    }
    const struct history_tree *tree = &shapes->cursor;
    double clock = (seconds - history->events.clock_offset) * 1e9;
    shapes->answer = (struct scope_shape){
        .time_ns = clock > 0 && clock < 1e19 ? (uint64_t)clock : 0,
        .event_head = number_of(history, position),
        .total = tree->count,
        .count = tree->count < SCOPE_MAX_TABLES ? tree->count : SCOPE_MAX_TABLES,
        .tables = tree->table,
    };
    return &shapes->answer;
}

double history_shape_start(const struct history *history) {
    const struct history_shapes *shapes = history->shapes;
    history_newest_place(history);
    for (size_t i = 0; i < shapes->epoch_count; i++) {
        const struct history_epoch *epoch = &shapes->epoch[i];
        uint64_t from = 0;
        if (nearest(history, epoch->serial, epoch->first, &from) != NULL) {
            return epoch->start == -INFINITY ? fmin(0, history_start(history)) : epoch->start;
        }
    }
    return INFINITY;
}

static const struct scope_table *table_find(const struct history_shapes *shapes, uint64_t id) {
    if (shapes->cursor_valid) {
        size_t at = history_tree_find(&shapes->cursor, id);
        if (at < shapes->cursor.count) {
            return &shapes->cursor.table[at];
        }
    }
    for (size_t i = 0; shapes->known && i < shapes->newest.count; i++) {
        if (shapes->newest.tables[i].id == id) {
            return &shapes->newest.tables[i];
        }
    }
    return NULL;
}

bool history_table_born(const struct history *history, uint64_t table, double *seconds) {
    const struct scope_table *found = table_find(history->shapes, table);
    if (found == NULL || !history->events.clock_known) {
        return false;
    }
    double born = (double)found->created_ns / 1e9 + history->events.clock_offset;
    if (born <= 0) {
        return false;
    }
    *seconds = born;
    return true;
}
