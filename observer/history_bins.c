/* history_bins.c: what falls into each pixel column, min/max-true and in time that depends on the
 * width of the picture, not on the length of the run.
 *
 * A pyramid per column and form keeps summaries of 16, 256, 4096 and 65536 rows. Rows never change
 * once appended, so a block is computed once, when it is whole and first asked for. A bin is
 * covered greedily by the largest aligned blocks that fit; at most 2 * 15 pieces a level. */
#include <math.h>
#include <stdlib.h>

#include "obs_check.h"
#include "history_store.h"

void history_pyramid_free(struct history_pyramid *pyramid) {
    for (int level = 0; level < HISTORY_PYRAMID_LEVELS; level++) {
        free(pyramid->block[level]);
    }
    *pyramid = (struct history_pyramid){0};
}

static void bin_join(struct history_bin *bin, const struct history_bin *next) {
    bin->gap = bin->gap || next->gap;
    if (next->count == 0) {
        return;
    }
    if (bin->count == 0) {
        bool gap = bin->gap;
        *bin = *next;
        bin->gap = gap;
        return;
    }
    bin->min = next->min < bin->min ? next->min : bin->min;
    bin->max = next->max > bin->max ? next->max : bin->max;
    bin->last = next->last;
    bin->sum += next->sum;
    bin->count += next->count;
}

static void bin_add_row(struct history_bin *bin, const struct history *history,
                        const struct history_column *column, enum history_form form, size_t index) {
    struct history_bin row = {.gap = history_gap_at(history, index)};
    double number = 0;
    if (history_column_number(history, column, form, index, &number)) {
        row.min = row.max = row.first = row.last = row.sum = number;
        row.count = 1;
    }
    bin_join(bin, &row);
}

/* Room for one more block; the pyramid just stays shorter when memory is out. */
static bool pyramid_room(struct history_pyramid *pyramid, int level) {
    if (pyramid->count[level] < pyramid->capacity[level]) {
        return true;
    }
    size_t capacity = pyramid->capacity[level] == 0 ? 64 : pyramid->capacity[level] * 2;
    struct history_bin *block = realloc(pyramid->block[level], capacity * sizeof(*block));
    if (block == NULL) {
        return false;
    }
    pyramid->block[level] = block;
    pyramid->capacity[level] = capacity;
    return true;
}

static void pyramid_extend(struct history_pyramid *pyramid, const struct history *history,
                           const struct history_column *column, enum history_form form) {
    size_t whole = history->count >> HISTORY_FAN_SHIFT;
    while (pyramid->count[0] < whole && pyramid_room(pyramid, 0)) {
        struct history_bin bin = {0};
        size_t from = pyramid->count[0] << HISTORY_FAN_SHIFT;
        for (size_t i = from; i < from + HISTORY_FAN; i++) {
            bin_add_row(&bin, history, column, form, i);
        }
        pyramid->block[0][pyramid->count[0]++] = bin;
    }
    for (int level = 1; level < HISTORY_PYRAMID_LEVELS; level++) {
        whole = pyramid->count[level - 1] >> HISTORY_FAN_SHIFT;
        while (pyramid->count[level] < whole && pyramid_room(pyramid, level)) {
            struct history_bin bin = {0};
            size_t from = pyramid->count[level] << HISTORY_FAN_SHIFT;
            for (size_t i = from; i < from + HISTORY_FAN; i++) {
                bin_join(&bin, &pyramid->block[level - 1][i]);
            }
            pyramid->block[level][pyramid->count[level]++] = bin;
        }
    }
}

/* The summary of rows [from, to). */
static struct history_bin rows_bin(const struct history *history,
                                   const struct history_column *column, enum history_form form,
                                   size_t from, size_t to) {
    OBS_ASSERT(from <= to && to <= history->count);
    const struct history_pyramid *pyramid = &column->pyramid[form];
    struct history_bin bin = {0};
    while (from < to) {
        int best = -1;
        for (int level = 0; level < HISTORY_PYRAMID_LEVELS; level++) {
            unsigned shift = (unsigned)(level + 1) * HISTORY_FAN_SHIFT;
            size_t rows = (size_t)1 << shift;
            if ((from & (rows - 1)) != 0 || from + rows > to ||
                (from >> shift) >= pyramid->count[level]) {
                break;
            }
            best = level;
        }
        if (best < 0) {
            bin_add_row(&bin, history, column, form, from);
            from++;
        } else {
            unsigned shift = (unsigned)(best + 1) * HISTORY_FAN_SHIFT;
            bin_join(&bin, &pyramid->block[best][from >> shift]);
            from += (size_t)1 << shift;
        }
    }
    return bin;
}

/* First row at or after `seconds`, known to be at or after `from`: doubling steps, then halving, so
 * that neighbouring edges cost little however long the run is. */
static size_t find_from(const struct history *history, size_t from, double seconds) {
    size_t step = 1, low = from, high = from;
    while (high < history->count && history->time[high] < seconds) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    if (high > history->count) {
        high = history->count;
    }
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

void history_bins(const struct history *history, uint32_t id, enum history_form form, double t0,
                  double t1, size_t n, struct history_bin *bins) {
    OBS_ASSERT(history != NULL && (bins != NULL || n == 0));
    OBS_ASSERT(form == HISTORY_LEVEL || form == HISTORY_RATE);
    for (size_t i = 0; i < n; i++) {
        bins[i] = (struct history_bin){0};
    }
    const struct history_column *column = history_column_of(history, id);
    if (column == NULL || n == 0 || !(t1 > t0)) {
        return;
    }
    pyramid_extend(&column->pyramid[form], history, column, form);
    size_t from = history_find(history, t0);
    for (size_t i = 0; i < n && from < history->count; i++) {
        double edge = i + 1 == n ? t1 : t0 + (t1 - t0) * ((double)(i + 1) / (double)n);
        size_t to = find_from(history, from, edge);
        bins[i] = rows_bin(history, column, form, from, to);
        from = to;
    }
}

double history_max(const struct history *history, uint32_t id, enum history_form form, double t0,
                   double t1) {
    const struct history_column *column = history_column_of(history, id);
    if (column == NULL || !(t1 >= t0)) {
        return 0;
    }
    pyramid_extend(&column->pyramid[form], history, column, form);
    size_t from = history_find(history, t0);
    /* Closed at t1: the first row strictly later ends it. */
    size_t to = find_from(history, from, nextafter(t1, INFINITY));
    struct history_bin bin = rows_bin(history, column, form, from, to);
    return bin.count > 0 ? bin.max : 0;
}
