/* history_keyframes.c: epochs and keyframes: kept in order, thinned when they grow too large. */
#include "history_keyframes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

/* ---- epochs ---------------------------------------------------------------------------------- */

struct history_epoch *history_epoch_add(struct history_shapes *shapes, uint64_t first,
                                        double start) {
    if (shapes->epoch_count == shapes->epoch_capacity) {
        size_t capacity = shapes->epoch_capacity == 0 ? 8 : 2 * shapes->epoch_capacity;
        struct history_epoch *epoch = realloc(shapes->epoch, capacity * sizeof(*epoch));
        if (epoch == NULL) {
            return NULL;
        }
        shapes->epoch = epoch;
        shapes->epoch_capacity = capacity;
    }
    struct history_epoch *made = &shapes->epoch[shapes->epoch_count];
    uint32_t serial = shapes->epoch_count == 0 ? 0 : made[-1].serial + 1;
    *made =
        (struct history_epoch){.serial = serial, .first = first, .start = start, .end = INFINITY};
    shapes->epoch_count++;
    return made;
}

struct history_epoch *history_epoch_last(const struct history_shapes *shapes) {
    OBS_ASSERT(shapes->epoch_count > 0);
    return &shapes->epoch[shapes->epoch_count - 1];
}

size_t history_keyframe_find(const struct history_shapes *shapes, uint32_t epoch,
                             uint64_t position) {
    size_t low = 0, high = shapes->keyframe_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct history_keyframe *keyframe = &shapes->keyframe[middle];
        if (keyframe->epoch > epoch ||
            (keyframe->epoch == epoch && keyframe->position >= position)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool history_keyframe_in(const struct history_shapes *shapes, size_t index, uint32_t epoch) {
    return index < shapes->keyframe_count && shapes->keyframe[index].epoch == epoch;
}

bool history_newest_in(const struct history_shapes *shapes, uint32_t epoch) {
    return shapes->known && shapes->placed && shapes->at.epoch == epoch;
}

void history_epochs_forget(struct history_shapes *shapes, uint64_t position, double until) {
    size_t by = 0;
    while (by + 1 < shapes->epoch_count && shapes->epoch[by + 1].first <= position) {
        by++;
    }
    shapes->epoch_count -= by;
    memmove(shapes->epoch, shapes->epoch + by, shapes->epoch_count * sizeof(*shapes->epoch));
    if (shapes->epoch[0].first < position) {
        shapes->epoch[0].first = position;
        shapes->epoch[0].start = fmax(shapes->epoch[0].start, until);
    }
}

struct history_epoch *history_epoch_of(const struct history_shapes *shapes, uint32_t serial) {
    size_t i = shapes->epoch_count;
    while (i > 0 && shapes->epoch[i - 1].serial > serial) {
        i--;
    }
    return i > 0 && shapes->epoch[i - 1].serial == serial ? &shapes->epoch[i - 1] : NULL;
}

/* ---- keeping keyframes ----------------------------------------------------------------------- */

static size_t bytes_of(const struct scope_shape *shape) {
    return sizeof(struct history_keyframe) + shape->count * sizeof(struct scope_table);
}

static void keyframe_free(struct history_shapes *shapes, struct history_keyframe *keyframe) {
    shapes->keyframe_bytes -= bytes_of(&keyframe->shape);
    free(keyframe->shape.tables);
}

void history_keyframes_forget(struct history_shapes *shapes, uint64_t position) {
    size_t kept = 0;
    for (size_t i = 0; i < shapes->keyframe_count; i++) {
        if (shapes->keyframe[i].position < position) {
            keyframe_free(shapes, &shapes->keyframe[i]);
        } else {
            shapes->keyframe[kept++] = shapes->keyframe[i];
        }
    }
    shapes->keyframe_count = kept;
}

/* An epoch without a keyframe in which nothing happened is as good as the one before it; one in
 * which something did stays, and is unknown. */
static void epochs_merge(struct history_shapes *shapes) {
    size_t kept = 0;
    for (size_t i = 0; i < shapes->epoch_count; i++) {
        const struct history_epoch *epoch = &shapes->epoch[i];
        bool empty = kept > 0 && i + 1 < shapes->epoch_count && epoch->first == epoch[1].first &&
                     shapes->epoch[kept - 1].end == epoch->start && epoch->end == epoch[1].start;
        if (empty && !history_newest_in(shapes, epoch->serial) &&
            !history_keyframe_in(shapes, history_keyframe_find(shapes, epoch->serial, 0),
                                 epoch->serial)) {
            shapes->epoch[kept - 1].end = epoch->end;
        } else {
            shapes->epoch[kept++] = *epoch;
        }
    }
    shapes->epoch_count = kept;
}

/* How far along a keyframe is; a new epoch counts like a long way. */
static uint64_t progress(const struct history_keyframe *keyframe) {
    return keyframe->position + (uint64_t)keyframe->epoch * HISTORY_KEYFRAME_EVENTS;
}

/* Drops those that leave the smallest holes, so that what remains is spread evenly. */
static void keyframes_thin(struct history_shapes *shapes, size_t bytes) {
    while (shapes->keyframe_count > 2 && shapes->keyframe_bytes > bytes) {
        size_t best = 1;
        uint64_t hole = UINT64_MAX;
        for (size_t i = 1; i + 1 < shapes->keyframe_count; i++) {
            uint64_t left = progress(&shapes->keyframe[i + 1]) - progress(&shapes->keyframe[i - 1]);
            if (left < hole) {
                hole = left;
                best = i;
            }
        }
        keyframe_free(shapes, &shapes->keyframe[best]);
        shapes->keyframe_count--;
        memmove(shapes->keyframe + best, shapes->keyframe + best + 1,
                (shapes->keyframe_count - best) * sizeof(*shapes->keyframe));
    }
    epochs_merge(shapes);
}

void history_keyframe_keep(struct history_shapes *shapes, uint32_t epoch, uint64_t position,
                           const struct scope_shape *shape) {
    if (shapes->keyframe_bytes + bytes_of(shape) > HISTORY_KEYFRAME_BYTES) {
        keyframes_thin(shapes, HISTORY_KEYFRAME_BYTES / 8 * 7);
    }
    if (shapes->keyframe_count == shapes->keyframe_capacity) {
        size_t capacity = shapes->keyframe_capacity == 0 ? 16 : 2 * shapes->keyframe_capacity;
        struct history_keyframe *grown = realloc(shapes->keyframe, capacity * sizeof(*grown));
        if (grown == NULL) {
            return;
        }
        shapes->keyframe = grown;
        shapes->keyframe_capacity = capacity;
    }
    struct history_keyframe made = {.epoch = epoch, .position = position, .shape = *shape};
    made.shape.tables = malloc((shape->count + 1) * sizeof(struct scope_table));
    if (made.shape.tables == NULL) {
        return;
    }
    if (shape->count > 0) {
        memcpy(made.shape.tables, shape->tables, shape->count * sizeof(struct scope_table));
    }
    size_t at = history_keyframe_find(shapes, epoch, position);
    memmove(shapes->keyframe + at + 1, shapes->keyframe + at,
            (shapes->keyframe_count - at) * sizeof(made));
    shapes->keyframe[at] = made;
    shapes->keyframe_count++;
    shapes->keyframe_bytes += bytes_of(shape);
}

bool history_keyframe_wanted(const struct history_shapes *shapes, uint32_t epoch, uint64_t position,
                             uint64_t within) {
    size_t at = history_keyframe_find(shapes, epoch, position);
    if (history_keyframe_in(shapes, at, epoch) &&
        history_distance(shapes->keyframe[at].position, position) < within) {
        return false;
    }
    return at == 0 || !history_keyframe_in(shapes, at - 1, epoch) ||
           history_distance(shapes->keyframe[at - 1].position, position) >= within;
}
