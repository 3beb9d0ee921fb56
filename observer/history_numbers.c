/* history_numbers.c: blocks unpacked again, as the numbers that are drawn. What a picture shows
 * stays unpacked in a few slots, so that the next picture finds it there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

enum { SEALED = HISTORY_BLOCK_ROWS + 1 };

unsigned history_block_rows(const struct history *history, size_t block) {
    OBS_ASSERT(block <= history->sealed);
    return block < history->sealed
               ? HISTORY_BLOCK_ROWS
               : (unsigned)(history->count - (history->sealed << HISTORY_BLOCK_SHIFT));
}

/* Gives a slot to a block; true when that block as it is now is in it already. */
static bool slot_take(struct history_numbers *slot, const struct history *history, size_t block) {
    unsigned rows = block < history->sealed ? SEALED : history_block_rows(history, block);
    bool fresh = slot->block == block && slot->rows == rows;
    slot->block = block;
    slot->rows = rows;
    return fresh;
}

const double *history_times(const struct history *history, size_t block) {
    struct history_numbers *slot = &history->cache->time[block % HISTORY_TIME_SLOTS];
    if (slot_take(slot, history, block)) {
        return slot->number;
    }
    uint64_t unpacked[HISTORY_BLOCK_ROWS];
    const uint64_t *ns = history->time_open;
    if (block < history->sealed) {
        history_block_unpack(&history->time_block[block], unpacked);
        ns = unpacked;
    }
    unsigned rows = history_block_rows(history, block);
    for (unsigned i = 0; i < rows; i++) {
        slot->number[i] = (double)(int64_t)ns[i] / 1e9;
    }
    return slot->number;
}

const uint64_t *history_values(struct history_column *column, size_t block) {
    struct history_values **slot = &column->values[block % HISTORY_VALUE_SLOTS];
    if (*slot == NULL) {
        *slot = malloc(sizeof(**slot));
        if (*slot == NULL) {
            return NULL;
        }
        (*slot)->block = SIZE_MAX;
    }
    if ((*slot)->block != block) {
        history_block_unpack(&column->block[block], (*slot)->value);
        (*slot)->block = block;
    }
    return (*slot)->value;
}

/* ---- levels and rates ------------------------------------------------------------------------ */

/* A block of a column in the clear, with the row before it. */
struct rows {
    const uint64_t *value;
    uint64_t present[HISTORY_BLOCK_WORDS];
    bool before_present;
    uint64_t before;
    double before_s;
};

static bool present_at(const struct rows *rows, unsigned row) {
    return (rows->present[row / 64] >> (row % 64)) & 1u;
}

static void rows_load(const struct history *history, const struct history_column *column,
                      size_t block, struct rows *rows, uint64_t unpacked[HISTORY_BLOCK_ROWS]) {
    rows->value = column->open;
    memcpy(rows->present, column->present, sizeof(rows->present));
    if (block < history->sealed) {
        const struct history_block *packed = &column->block[block];
        history_block_unpack(packed, unpacked);
        rows->value = unpacked;
        memset(rows->present, packed->presence == HISTORY_PRESENT ? 0xFF : 0,
               sizeof(rows->present));
        if (packed->presence == HISTORY_MIXED) {
            memcpy(rows->present, packed->data, sizeof(rows->present));
        }
    }
    rows->before_present = false;
    if (block > 0) {
        const struct history_block *before = &column->block[block - 1];
        rows->before_present = history_block_present(before, HISTORY_BLOCK_ROWS - 1);
        rows->before = before->last;
        rows->before_s = (double)(int64_t)history->time_block[block - 1].last / 1e9;
    }
}

static void levels_of(const struct rows *rows, unsigned count, double *number) {
    for (unsigned i = 0; i < count; i++) {
        number[i] = (double)rows->value[i];
    }
    for (unsigned i = 0; i < count; i++) {
        if (!present_at(rows, i)) {
            number[i] = NAN;
        }
    }
}

static double rate_of(uint64_t before, uint64_t value, double seconds) {
    /* A counter that steps back began anew: what it shows now is what happened since. */
    uint64_t step = value >= before ? value - before : value;
    return (double)step / seconds;
}

static void rates_of(const struct history *history, const struct rows *rows, size_t block,
                     unsigned count, double *number) {
    const double *time = history_times(history, block);
    size_t first = block << HISTORY_BLOCK_SHIFT;
    number[0] = rows->before_present && present_at(rows, 0)
                    ? rate_of(rows->before, rows->value[0], time[0] - rows->before_s)
                    : NAN;
    for (unsigned i = 1; i < count; i++) {
        number[i] = rate_of(rows->value[i - 1], rows->value[i], time[i] - time[i - 1]);
    }
    for (unsigned i = 1; i < count; i++) {
        if (!present_at(rows, i) || !present_at(rows, i - 1)) {
            number[i] = NAN;
        }
    }
    for (size_t i = history_gap_find(history, first);
         i < history->gap_count && history->gap[i] < first + count; i++) {
        number[history->gap[i] - first] = NAN;
    }
    if (history_is_sliver(history, first + count - 1)) {
        number[count - 1] = NAN;
    }
}

struct history_lane *history_lane_of(struct history_column *column, enum history_form form) {
    if (column->lane[form] == NULL) {
        column->lane[form] = calloc(1, sizeof(*column->lane[form]));
    }
    return column->lane[form];
}

const double *history_numbers(const struct history *history, struct history_column *column,
                              enum history_form form, size_t block) {
    struct history_lane *lane = history_lane_of(column, form);
    if (lane == NULL) {
        return NULL;
    }
    struct history_numbers **slot = &lane->slot[block % HISTORY_LANE_SLOTS];
    if (*slot == NULL) {
        *slot = malloc(sizeof(**slot));
        if (*slot == NULL) {
            return NULL;
        }
        (*slot)->rows = 0;
    }
    if (slot_take(*slot, history, block)) {
        return (*slot)->number;
    }
    uint64_t unpacked[HISTORY_BLOCK_ROWS];
    struct rows rows;
    rows_load(history, column, block, &rows, unpacked);
    unsigned count = history_block_rows(history, block);
    if (form == HISTORY_LEVEL) {
        levels_of(&rows, count, (*slot)->number);
    } else {
        rates_of(history, &rows, block, count, (*slot)->number);
    }
    return (*slot)->number;
}

const double *history_run(const struct history *history, uint32_t id, enum history_form form,
                          size_t index, size_t *count) {
    OBS_ASSERT(index < history->count);
    struct history_column *column = history_column_of(history, id);
    size_t block = index >> HISTORY_BLOCK_SHIFT, row = index % HISTORY_BLOCK_ROWS;
    const double *numbers = column == NULL ? NULL : history_numbers(history, column, form, block);
    *count = history_block_rows(history, block) - row;
    return numbers == NULL ? NULL : numbers + row;
}

void history_lanes_free(struct history_column *column) {
    for (size_t i = 0; i < HISTORY_VALUE_SLOTS; i++) {
        free(column->values[i]);
        column->values[i] = NULL;
    }
    for (int form = 0; form < HISTORY_FORMS; form++) {
        struct history_lane *lane = column->lane[form];
        if (lane == NULL) {
            continue;
        }
        for (size_t i = 0; i < HISTORY_LANE_SLOTS; i++) {
            free(lane->slot[i]);
        }
        history_pyramid_free(&lane->pyramid);
        free(lane);
        column->lane[form] = NULL;
    }
}

void history_cache_clear(struct history_cache *cache) {
    for (size_t i = 0; i < HISTORY_TIME_SLOTS; i++) {
        cache->time[i].rows = 0;
    }
    for (size_t i = 0; i < HISTORY_EDGES; i++) {
        cache->edges[i].n = 0;
    }
}
