/* history.c: rows and columns of samples. A column holds the raw 64-bit values of one metric and a
 * bit a row that says whether the source knew it. Rates are not stored: they are two loads and a
 * division away, and the pyramid of history_bins.c keeps their summaries. */
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "history_store.h"

enum { BITS = 64 };

static size_t words_of(size_t rows) {
    return (rows + BITS - 1) / BITS;
}

static bool bit_get(const uint64_t *bits, size_t index) {
    return (bits[index / BITS] >> (index % BITS)) & 1u;
}

static void bit_set(uint64_t *bits, size_t index) {
    bits[index / BITS] |= (uint64_t)1 << (index % BITS);
}

struct history *history_create(void) {
    struct history *history = calloc(1, sizeof(*history));
    if (history == NULL) {
        return NULL;
    }
    history->column_of_id = calloc(HISTORY_DIRECT_IDS, sizeof(uint32_t));
    history->expanded = calloc(1, sizeof(*history->expanded));
    if (history->column_of_id == NULL || history->expanded == NULL ||
        !history_shapes_create(history)) {
        history_destroy(history);
        return NULL;
    }
    return history;
}

static void columns_free(struct history *history) {
    for (size_t i = 0; i < history->column_count; i++) {
        struct history_column *column = &history->column[i];
        free(column->value);
        free(column->present);
        for (int form = 0; form < HISTORY_FORMS; form++) {
            history_pyramid_free(&column->pyramid[form]);
        }
        free(column->pyramid);
    }
    history->column_count = 0;
}

void history_destroy(struct history *history) {
    if (history == NULL) {
        return;
    }
    columns_free(history);
    history_shapes_destroy(history);
    history_events_destroy(history);
    free(history->column);
    free(history->column_of_id);
    free(history->expanded);
    free(history->time);
    free(history->gap);
    free(history);
}

void history_clear(struct history *history) {
    OBS_ASSERT(history != NULL);
    columns_free(history);
    history_shapes_clear(history);
    history_events_clear(history);
    memset(history->column_of_id, 0, HISTORY_DIRECT_IDS * sizeof(uint32_t));
    if (history->gap != NULL) {
        memset(history->gap, 0, words_of(history->capacity) * sizeof(uint64_t));
    }
    history->count = 0;
    history->gap_next = false;
    history->levels = 0;
}

/* ---- room ------------------------------------------------------------------------------------ */

/* Grows a bitmap and zeroes what is new. */
static bool bits_grow(uint64_t **bits, size_t old_rows, size_t new_rows) {
    size_t old_words = words_of(old_rows), new_words = words_of(new_rows);
    uint64_t *grown = realloc(*bits, new_words * sizeof(uint64_t));
    if (grown == NULL) {
        return false;
    }
    memset(grown + old_words, 0, (new_words - old_words) * sizeof(uint64_t));
    *bits = grown;
    return true;
}

/* Every array may grow alone: when one fails the others are merely larger than needed. */
static bool rows_grow(struct history *history) {
    size_t capacity = history->capacity == 0 ? HISTORY_ROWS_FIRST : history->capacity * 2;
    double *time = realloc(history->time, capacity * sizeof(*time));
    if (time == NULL) {
        return false;
    }
    history->time = time;
    for (size_t i = 0; i < history->column_count; i++) {
        struct history_column *column = &history->column[i];
        uint64_t *value = realloc(column->value, capacity * sizeof(*value));
        if (value == NULL) {
            return false;
        }
        column->value = value;
        if (!bits_grow(&column->present, history->capacity, capacity)) {
            return false;
        }
    }
    if (!bits_grow(&history->gap, history->capacity, capacity)) {
        return false;
    }
    history->capacity = capacity;
    return true;
}

static void bits_shift(uint64_t *bits, size_t rows, size_t by) {
    OBS_ASSERT(by % BITS == 0);
    size_t words = words_of(rows), shift = by / BITS;
    memmove(bits, bits + shift, (words - shift) * sizeof(uint64_t));
    memset(bits + (words - shift), 0, shift * sizeof(uint64_t));
}

/* Forgets the oldest eighth. A multiple of 64 rows, so that bitmaps move by whole words. */
static void rows_forget(struct history *history) {
    size_t by = HISTORY_ROWS_MAX / 8;
    OBS_ASSERT(history->count > by);
    size_t keep = history->count - by;
    memmove(history->time, history->time + by, keep * sizeof(*history->time));
    bits_shift(history->gap, history->capacity, by);
    for (size_t i = 0; i < history->column_count; i++) {
        struct history_column *column = &history->column[i];
        memmove(column->value, column->value + by, keep * sizeof(*column->value));
        bits_shift(column->present, history->capacity, by);
        for (int form = 0; form < HISTORY_FORMS; form++) {
            history_pyramid_free(&column->pyramid[form]);
        }
    }
    history->count = keep;
}

/* ---- columns --------------------------------------------------------------------------------- */

const struct history_column *history_column_of(const struct history *history, uint32_t id) {
    if (id < HISTORY_DIRECT_IDS) {
        uint32_t at = history->column_of_id[id];
        return at == 0 ? NULL : &history->column[at - 1];
    }
    for (size_t i = 0; i < history->column_count; i++) {
        if (history->column[i].id == id) {
            return &history->column[i];
        }
    }
    return NULL;
}

static struct history_column *column_add(struct history *history, uint32_t id) {
    OBS_ASSERT(history->capacity > 0);
    if (history->column_count == history->column_capacity) {
        size_t capacity = history->column_capacity == 0 ? 32 : history->column_capacity * 2;
        struct history_column *column = realloc(history->column, capacity * sizeof(*column));
        if (column == NULL) {
            return NULL;
        }
        history->column = column;
        history->column_capacity = capacity;
    }
    struct history_column *column = &history->column[history->column_count];
    column->id = id;
    column->value = calloc(history->capacity, sizeof(uint64_t));
    column->present = calloc(words_of(history->capacity), sizeof(uint64_t));
    column->pyramid = calloc(HISTORY_FORMS, sizeof(*column->pyramid));
    if (column->value == NULL || column->present == NULL || column->pyramid == NULL) {
        free(column->value);
        free(column->present);
        free(column->pyramid);
        return NULL;
    }
    history->column_count++;
    if (id < HISTORY_DIRECT_IDS) {
        history->column_of_id[id] = (uint32_t)history->column_count;
    }
    return column;
}

static struct history_column *column_for(struct history *history, uint32_t id) {
    const struct history_column *known = history_column_of(history, id);
    if (known != NULL) {
        return &history->column[known - history->column];
    }
    if (id >= SCOPE_M_LEVEL_TABLES && id < SCOPE_M_LEVEL_TARGET + SCOPE_MAX_LEVELS) {
        history_see_level(history, (id - SCOPE_M_LEVEL_TABLES) % SCOPE_MAX_LEVELS);
    }
    return column_add(history, id);
}

bool history_append(struct history *history, double seconds, const struct history_value *values,
                    size_t count) {
    OBS_ASSERT(history != NULL && (values != NULL || count == 0));
    /* Written so that a NaN is refused too. */
    bool newer = history->count == 0
                     ? seconds > -1e18 && seconds < 1e18
                     : seconds > history->time[history->count - 1] && seconds < 1e18;
    if (!newer) {
        return false;
    }
    if (history->count == HISTORY_ROWS_MAX) {
        rows_forget(history);
    }
    if (history->count == history->capacity && !rows_grow(history)) {
        return false;
    }
    size_t row = history->count;
    history->time[row] = seconds;
    for (size_t i = 0; i < count; i++) {
        struct history_column *column = column_for(history, values[i].id);
        if (column != NULL) {
            column->value[row] = values[i].value;
            bit_set(column->present, row);
        }
    }
    if (history->gap_next) {
        bit_set(history->gap, row);
        history->gap_next = false;
    }
    history->count = row + 1;
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
    return history->time[index];
}

size_t history_find(const struct history *history, double seconds) {
    size_t low = 0, high = history->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (history->time[middle] >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

double history_end(const struct history *history) {
    double end = history->count == 0 ? 0 : history->time[history->count - 1];
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
    return history->count == 0 ? 0 : history->time[0];
}

bool history_has(const struct history *history, uint32_t id) {
    return history_column_of(history, id) != NULL;
}

bool history_gap_at(const struct history *history, size_t index) {
    OBS_ASSERT(index < history->count);
    return bit_get(history->gap, index);
}

bool history_value_at(const struct history *history, uint32_t id, size_t index, uint64_t *value) {
    OBS_ASSERT(index < history->count);
    const struct history_column *column = history_column_of(history, id);
    if (column == NULL || !bit_get(column->present, index)) {
        return false;
    }
    *value = column->value[index];
    return true;
}

bool history_latest(const struct history *history, uint32_t id, uint64_t *value) {
    return history->count > 0 && history_value_at(history, id, history->count - 1, value);
}

/* A run ends with a sample for the totals, perhaps just after the one before it: a rate over so
 * little time would be chance, and look like a dip. */
static bool is_sliver(const struct history *history, size_t index) {
    if (index + 1 != history->count || index < 2 || bit_get(history->gap, index - 1)) {
        return false;
    }
    double last = history->time[index] - history->time[index - 1];
    double usual = history->time[index - 1] - history->time[index - 2];
    return last < usual / 4;
}

bool history_column_number(const struct history *history, const struct history_column *column,
                           enum history_form form, size_t index, double *number) {
    if (!bit_get(column->present, index)) {
        return false;
    }
    uint64_t value = column->value[index];
    if (form == HISTORY_LEVEL) {
        *number = (double)value;
        return true;
    }
    if (index == 0 || !bit_get(column->present, index - 1) || bit_get(history->gap, index)) {
        return false;
    }
    if (is_sliver(history, index)) {
        return false;
    }
    uint64_t before = column->value[index - 1];
    /* A counter that steps back began anew: what it shows now is what happened since. */
    uint64_t step = value >= before ? value - before : value;
    *number = (double)step / (history->time[index] - history->time[index - 1]);
    return true;
}

bool history_number(const struct history *history, uint32_t id, enum history_form form,
                    size_t index, double *number) {
    OBS_ASSERT(index < history->count);
    const struct history_column *column = history_column_of(history, id);
    return column != NULL && history_column_number(history, column, form, index, number);
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
