/* history.c: rows and columns of samples. Rows are gathered in blocks; the newest block is open, in
 * the clear, and is packed when the row after it comes. Rates are not stored: they follow from two
 * values and their times. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

uint64_t history_generation_next(void) {
    static _Atomic uint64_t last; /* histories of several threads */
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

uint64_t history_generation(const struct history *history) {
    return history->generation;
}

struct history *history_create(void) {
    struct history *history = calloc(1, sizeof(*history));
    if (history == NULL) {
        return NULL;
    }
    history->generation = history_generation_next();
    history->bytes_max = HISTORY_BYTES_MAX;
    history->column_of_id = calloc(HISTORY_DIRECT_IDS, sizeof(uint32_t));
    history->expanded = calloc(1, sizeof(*history->expanded));
    history->cache = calloc(1, sizeof(*history->cache));
    if (history->column_of_id == NULL || history->expanded == NULL || history->cache == NULL ||
        !history_events_create(history) || !history_shapes_create(history)) {
        history_destroy(history);
        return NULL;
    }
    return history;
}

static void blocks_free(struct history_block *block, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        history_block_free(&block[i]);
    }
}

static void columns_free(struct history *history) {
    for (size_t i = 0; i < history->column_count; i++) {
        struct history_column *column = history->column[i];
        blocks_free(column->block, 0, history->sealed);
        history_lanes_free(column);
        free(column->block);
        free(column);
    }
    history->column_count = 0;
}

void history_destroy(struct history *history) {
    if (history == NULL) {
        return;
    }
    columns_free(history);
    blocks_free(history->time_block, 0, history->sealed);
    history_shapes_destroy(history);
    history_events_destroy(history);
    history_histograms_destroy(history);
    history_dictionary_clear(history);
    free(history->column);
    free(history->column_of_id);
    free(history->expanded);
    free(history->time_block);
    free(history->gap);
    free(history->cache);
    free(history);
}

void history_clear(struct history *history) {
    OBS_ASSERT(history != NULL);
    columns_free(history);
    blocks_free(history->time_block, 0, history->sealed);
    history_shapes_clear(history);
    history_events_clear(history);
    history_histograms_clear(history);
    history_dictionary_clear(history);
    history_cache_clear(history->cache);
    memset(history->column_of_id, 0, HISTORY_DIRECT_IDS * sizeof(uint32_t));
    history->count = history->sealed = history->gap_count = history->bytes = 0;
    history->gap_next = false;
    history->levels = 0;
    history->generation = history_generation_next();
}

/* ---- sealing and forgetting ------------------------------------------------------------------ */

static bool blocks_room(struct history_block **block, size_t *capacity, size_t count) {
    if (count < *capacity) {
        return true;
    }
    size_t larger = *capacity == 0 ? 16 : *capacity + *capacity / 2;
    larger = larger > count ? larger : count + 1;
    struct history_block *grown = realloc(*block, larger * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    *block = grown;
    *capacity = larger;
    return true;
}

/* Packs the open block, which is full. What does not fit memory is absent from then on; without
 * memory for the times nothing can be sealed. */
static bool open_seal(struct history *history) {
    size_t at = history->sealed;
    OBS_ASSERT(history->count == (at + 1) << HISTORY_BLOCK_SHIFT);
    if (!blocks_room(&history->time_block, &history->time_capacity, at)) {
        return false;
    }
    for (size_t i = 0; i < history->column_count; i++) {
        if (!blocks_room(&history->column[i]->block, &history->column[i]->capacity, at)) {
            return false;
        }
    }
    uint64_t all[HISTORY_BLOCK_WORDS];
    memset(all, 0xFF, sizeof(all));
    if (!history_block_pack(&history->time_block[at], history->time_open, all)) {
        return false;
    }
    history->bytes += sizeof(struct history_block) + history_block_bytes(&history->time_block[at]);
    for (size_t i = 0; i < history->column_count; i++) {
        struct history_column *column = history->column[i];
        (void)history_block_pack(&column->block[at], column->open, column->present);
        history->bytes += sizeof(struct history_block) + history_block_bytes(&column->block[at]);
        memset(column->present, 0, sizeof(column->present));
    }
    history->sealed++;
    return true;
}

static size_t blocks_forget(struct history_block *block, size_t count, size_t by) {
    size_t bytes = by * sizeof(*block);
    for (size_t i = 0; i < by; i++) {
        bytes += history_block_bytes(&block[i]);
    }
    blocks_free(block, 0, by);
    memmove(block, block + by, (count - by) * sizeof(*block));
    return bytes;
}

/* Forgets the oldest eighth, in whole blocks. */
static void rows_forget(struct history *history) {
    size_t by = history->sealed / 8 + 1;
    OBS_ASSERT(by <= history->sealed);
    history->bytes -= blocks_forget(history->time_block, history->sealed, by);
    for (size_t i = 0; i < history->column_count; i++) {
        history->bytes -= blocks_forget(history->column[i]->block, history->sealed, by);
        history_lanes_free(history->column[i]);
    }
    size_t rows = by << HISTORY_BLOCK_SHIFT, gone = history_gap_find(history, rows);
    for (size_t i = gone; i < history->gap_count; i++) {
        history->gap[i - gone] = history->gap[i] - rows;
    }
    history->gap_count -= gone;
    history->sealed -= by;
    history->count -= rows;
    history->generation = history_generation_next();
    history_cache_clear(history->cache);
}

void history_set_bytes_max(struct history *history, size_t bytes) {
    history->bytes_max = bytes;
}

/* ---- columns --------------------------------------------------------------------------------- */

struct history_column *history_column_of(const struct history *history, uint32_t id) {
    if (id < HISTORY_DIRECT_IDS) {
        uint32_t at = history->column_of_id[id];
        return at == 0 ? NULL : history->column[at - 1];
    }
    for (size_t i = 0; i < history->column_count; i++) {
        if (history->column[i]->id == id) {
            return history->column[i];
        }
    }
    return NULL;
}

static struct history_column *column_add(struct history *history, uint32_t id) {
    if (history->column_count == history->column_capacity) {
        size_t capacity = history->column_capacity == 0 ? 32 : history->column_capacity * 2;
        struct history_column **grown =
            realloc(history->column, capacity * sizeof(struct history_column *));
        if (grown == NULL) {
            return NULL;
        }
        history->column = grown;
        history->column_capacity = capacity;
    }
    struct history_column *column = calloc(1, sizeof(*column));
    if (column == NULL) {
        return NULL;
    }
    if (history->sealed > 0) { /* absent in all that is sealed */
        column->block = calloc(history->sealed, sizeof(*column->block));
        if (column->block == NULL) {
            free(column);
            return NULL;
        }
        column->capacity = history->sealed;
        history->bytes += history->sealed * sizeof(*column->block);
    }
    column->id = id;
    history->column[history->column_count++] = column;
    if (id < HISTORY_DIRECT_IDS) {
        history->column_of_id[id] = (uint32_t)history->column_count;
    }
    return column;
}

static struct history_column *column_for(struct history *history, uint32_t id) {
    struct history_column *known = history_column_of(history, id);
    if (known != NULL) {
        return known;
    }
    if (id >= SCOPE_M_LEVEL_TABLES && id < SCOPE_M_LEVEL_TARGET + SCOPE_MAX_LEVELS) {
        history_see_level(history, (id - SCOPE_M_LEVEL_TABLES) % SCOPE_MAX_LEVELS);
    }
    return column_add(history, id);
}

/* ---- appending ------------------------------------------------------------------------------- */

static void gap_add(struct history *history, size_t row) {
    if (history->gap_count == history->gap_capacity) {
        size_t capacity = history->gap_capacity == 0 ? 16 : 2 * history->gap_capacity;
        size_t *gap = realloc(history->gap, capacity * sizeof(*gap));
        if (gap == NULL) {
            return;
        }
        history->gap = gap;
        history->gap_capacity = capacity;
    }
    history->gap[history->gap_count++] = row;
}

bool history_append(struct history *history, double seconds, const struct history_value *values,
                    size_t count) {
    OBS_ASSERT(history != NULL && (values != NULL || count == 0));
    /* Written so that a NaN is refused too. */
    if (!(seconds > -HISTORY_SECONDS_LIMIT && seconds < HISTORY_SECONDS_LIMIT)) {
        return false;
    }
    int64_t ns = llround(seconds * 1e9);
    unsigned row = history_block_rows(history, history->sealed);
    if (history->count > 0 && ns <= (int64_t)history->time_open[row - 1]) {
        return false;
    }
    if (row == HISTORY_BLOCK_ROWS) {
        if (!open_seal(history)) {
            return false;
        }
        if (history->bytes > history->bytes_max) {
            rows_forget(history);
        }
        row = 0;
    }
    history->time_open[row] = (uint64_t)ns;
    for (size_t i = 0; i < count; i++) {
        struct history_column *column = column_for(history, values[i].id);
        if (column != NULL) {
            column->open[row] = values[i].value;
            column->present[row / 64] |= (uint64_t)1 << (row % 64);
        }
    }
    if (history->gap_next) {
        gap_add(history, history->count);
        history->gap_next = false;
    }
    history->count++;
    return true;
}

void history_append_gap(struct history *history, uint64_t lost) {
    OBS_ASSERT(history != NULL);
    if (lost > 0) {
        history->gap_next = true;
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

size_t history_count(const struct history *history) {
    return history->count;
}

double history_time(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->count);
    size_t block = index >> HISTORY_BLOCK_SHIFT, row = index % HISTORY_BLOCK_ROWS;
    if (block == history->sealed) {
        return (double)(int64_t)history->time_open[row] / 1e9;
    }
    return history_times(history, block)[row];
}

size_t history_find(const struct history *history, double seconds) {
    if (history->count == 0) {
        return 0;
    }
    /* The last block that begins before it, then the row in there. */
    size_t low = 0, high = history->sealed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((double)(int64_t)history->time_block[middle].last / 1e9 >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    size_t block = low;
    const double *time = history_times(history, block);
    low = 0;
    high = history_block_rows(history, block);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (time[middle] >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return (block << HISTORY_BLOCK_SHIFT) + low;
}

double history_end(const struct history *history) {
    double end = history->count == 0 ? 0 : history_time(history, history->count - 1);
    const struct history_events *events = &history->events;
    if (events->count > 0 && events->time[events->count - 1] > end) {
        end = events->time[events->count - 1];
    }
    if (history->second_count > 0 && history->second[history->second_count - 1].seconds > end) {
        end = history->second[history->second_count - 1].seconds;
    }
    return end;
}

double history_start(const struct history *history) {
    return history->count == 0 ? 0 : history_time(history, 0);
}

bool history_has(const struct history *history, uint32_t id) {
    return history_column_of(history, id) != NULL;
}

size_t history_gap_find(const struct history *history, size_t index) {
    size_t low = 0, high = history->gap_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (history->gap[middle] >= index) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

bool history_gap_at(const struct history *history, size_t index) {
    size_t at = history_gap_find(history, index);
    return at < history->gap_count && history->gap[at] == index;
}

bool history_value_at(const struct history *history, uint32_t id, size_t index, uint64_t *value) {
    OBS_ASSERT(index < history->count);
    struct history_column *column = history_column_of(history, id);
    size_t block = index >> HISTORY_BLOCK_SHIFT;
    unsigned row = (unsigned)(index % HISTORY_BLOCK_ROWS);
    if (column == NULL) {
        return false;
    }
    if (block == history->sealed) {
        if (!((column->present[row / 64] >> (row % 64)) & 1u)) {
            return false;
        }
        *value = column->open[row];
        return true;
    }
    if (!history_block_present(&column->block[block], row)) {
        return false;
    }
    const uint64_t *values = history_values(column, block);
    if (values == NULL) {
        return false;
    }
    *value = values[row];
    return true;
}

bool history_latest(const struct history *history, uint32_t id, uint64_t *value) {
    return history->count > 0 && history_value_at(history, id, history->count - 1, value);
}

/* Only the newest row, which is always in the open block, can be one. */
bool history_is_sliver(const struct history *history, size_t index) {
    if (index + 1 != history->count || index < 2 || history_gap_at(history, index - 1)) {
        return false;
    }
    double last = history_time(history, index) - history_time(history, index - 1);
    double usual = history_time(history, index - 1) - history_time(history, index - 2);
    return last < usual / 4;
}

bool history_number(const struct history *history, uint32_t id, enum history_form form,
                    size_t index, double *number) {
    OBS_ASSERT(index < history->count);
    struct history_column *column = history_column_of(history, id);
    if (column == NULL) {
        return false;
    }
    const double *numbers = history_numbers(history, column, form, index >> HISTORY_BLOCK_SHIFT);
    if (numbers == NULL || isnan(numbers[index % HISTORY_BLOCK_ROWS])) {
        return false;
    }
    *number = numbers[index % HISTORY_BLOCK_ROWS];
    return true;
}

void history_see_level(struct history *history, unsigned level) {
    OBS_ASSERT(level < SCOPE_MAX_LEVELS);
    if (level + 1 > history->levels) {
        history->levels = level + 1;
    }
}

unsigned history_levels(const struct history *history) {
    return history->levels < 2 ? 2 : history->levels;
}
