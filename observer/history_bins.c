/* history_bins.c: what falls into each pixel column, min/max-true and in time that depends on the
 * width of the picture, not on the length of the run.
 *
 * A pyramid per metric and form keeps summaries of ever more rows. Sealed rows never change, so a
 * summary is computed once, when it is whole and first asked for. A bin is covered greedily by the
 * largest aligned summaries that fit, and row by row at its ends. Where the columns of an axis
 * begin is looked up once and remembered: all metrics of a picture share it. */
#include <math.h>
#include <stdlib.h>

#include "obs_check.h"
#include "history_store.h"

/* Rows in a summary of each level, as shifts. Level BLOCKS has a block each. */
static const unsigned level_shift[HISTORY_PYRAMID_LEVELS] = {5, HISTORY_BLOCK_SHIFT, 12, 16, 20};
enum { FINE = 0, BLOCKS = 1 };

void history_pyramid_free(struct history_pyramid *pyramid) {
    for (int level = 0; level < HISTORY_PYRAMID_LEVELS; level++) {
        free(pyramid->level[level]);
    }
    *pyramid = (struct history_pyramid){0};
}

static void summary_join(struct history_summary *to, const struct history_summary *next) {
    if (next->count == 0) {
        return;
    }
    if (to->count == 0) {
        *to = *next;
        return;
    }
    to->min = next->min < to->min ? next->min : to->min;
    to->max = next->max > to->max ? next->max : to->max;
    to->last = next->last;
    to->sum += next->sum;
    to->count += next->count;
}

static void summary_add(struct history_summary *to, const double *number, unsigned from,
                        unsigned end) {
    while (to->count == 0 && from < end) {
        double n = number[from++];
        if (!isnan(n)) {
            *to = (struct history_summary){n, n, n, n, n, 1};
        }
    }
    double min = to->min, max = to->max, last = to->last, sum = to->sum;
    uint32_t count = to->count;
    for (; from < end; from++) {
        double n = number[from];
        if (!isnan(n)) {
            min = n < min ? n : min;
            max = n > max ? n : max;
            last = n;
            sum += n;
            count++;
        }
    }
    *to = (struct history_summary){min, max, to->first, last, sum, count};
}

/* ---- the pyramid ----------------------------------------------------------------------------- */

/* False when memory is out; the pyramid just stays shorter. */
static bool push(struct history_pyramid *pyramid, int level, struct history_summary summary) {
    if (pyramid->count[level] == pyramid->capacity[level]) {
        size_t capacity = pyramid->capacity[level] == 0 ? 16 : pyramid->capacity[level] * 2;
        struct history_summary *grown = realloc(pyramid->level[level], capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        pyramid->level[level] = grown;
        pyramid->capacity[level] = capacity;
    }
    pyramid->level[level][pyramid->count[level]++] = summary;
    return true;
}

/* Summarises one more block. */
static bool block_summarise(const struct history *history, struct history_column *column,
                            enum history_form form, struct history_pyramid *pyramid) {
    size_t block = pyramid->count[BLOCKS];
    const double *number = history_numbers(history, column, form, block);
    if (number == NULL) {
        return false;
    }
    struct history_summary whole = {0};
    bool fine = (block << HISTORY_BLOCK_SHIFT) < HISTORY_FINE_ROWS_MAX;
    unsigned step = 1u << level_shift[FINE];
    for (unsigned from = 0; from < HISTORY_BLOCK_ROWS; from += step) {
        struct history_summary part = {0};
        summary_add(&part, number, from, from + step);
        if (fine && !push(pyramid, FINE, part)) {
            return false;
        }
        summary_join(&whole, &part);
    }
    return push(pyramid, BLOCKS, whole);
}

static void pyramid_extend(const struct history *history, struct history_column *column,
                           enum history_form form, struct history_pyramid *pyramid) {
    while (pyramid->count[BLOCKS] < history->sealed &&
           block_summarise(history, column, form, pyramid)) {
    }
    for (int level = BLOCKS + 1; level < HISTORY_PYRAMID_LEVELS; level++) {
        size_t fan = (size_t)1 << (level_shift[level] - level_shift[level - 1]);
        while ((pyramid->count[level] + 1) * fan <= pyramid->count[level - 1]) {
            struct history_summary summary = {0};
            size_t from = pyramid->count[level] * fan;
            for (size_t i = from; i < from + fan; i++) {
                summary_join(&summary, &pyramid->level[level - 1][i]);
            }
            if (!push(pyramid, level, summary)) {
                return;
            }
        }
    }
}

/* The highest level with a whole summary that begins at `from` and ends by `to`, or -1. */
static int level_fitting(const struct history_pyramid *pyramid, size_t from, size_t to) {
    int best = -1;
    for (int level = 0; level < HISTORY_PYRAMID_LEVELS; level++) {
        size_t rows = (size_t)1 << level_shift[level];
        if ((from & (rows - 1)) != 0 || from + rows > to) {
            break;
        }
        if (from >> level_shift[level] < pyramid->count[level]) {
            best = level;
        }
    }
    return best;
}

/* The summary of rows [from, to). */
static struct history_summary summarise(const struct history *history,
                                        struct history_column *column, enum history_form form,
                                        size_t from, size_t to) {
    const struct history_pyramid *pyramid = &column->lane[form]->pyramid;
    struct history_summary summary = {0};
    while (from < to) {
        int level = level_fitting(pyramid, from, to);
        if (level >= 0) {
            summary_join(&summary, &pyramid->level[level][from >> level_shift[level]]);
            from += (size_t)1 << level_shift[level];
            continue;
        }
        size_t block = from >> HISTORY_BLOCK_SHIFT;
        unsigned fine = 1u << level_shift[FINE];
        size_t end = (from / fine + 1) * fine;
        end = end < to ? end : to;
        const double *number = history_numbers(history, column, form, block);
        if (number != NULL) {
            size_t first = block << HISTORY_BLOCK_SHIFT;
            summary_add(&summary, number, (unsigned)(from - first), (unsigned)(end - first));
        }
        from = end;
    }
    return summary;
}

/* ---- pixel columns --------------------------------------------------------------------------- */

/* First row at or after `seconds`, known to be at or after `from`: doubling steps from block to
 * block, then halving, so that neighbouring edges cost little however long the run is. */
static size_t find_from(const struct history *history, size_t from, double seconds) {
    size_t block = from >> HISTORY_BLOCK_SHIFT, step = 1, low = block, high = block;
    while (high < history->sealed &&
           (double)(int64_t)history->time_block[high].last / 1e9 < seconds) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    high = high < history->sealed ? high : history->sealed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((double)(int64_t)history->time_block[middle].last / 1e9 >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    block = low;
    const double *time = history_times(history, block);
    size_t first = block << HISTORY_BLOCK_SHIFT, rows = history_block_rows(history, block);
    low = from > first ? from - first : 0;
    for (step = 1, high = low; high < rows && time[high] < seconds; step *= 2) {
        low = high + 1;
        high += step;
    }
    high = high < rows ? high : rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (time[middle] >= seconds) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return first + low;
}

/* The rows at which n columns of [t0, t1) begin, and where the last one ends. */
static void edges_find(const struct history *history, double t0, double t1, size_t n,
                       uint32_t *edge) {
    size_t from = history_find(history, t0);
    edge[0] = (uint32_t)from;
    for (size_t i = 0; i < n; i++) {
        double at = i + 1 == n ? t1 : t0 + (t1 - t0) * ((double)(i + 1) / (double)n);
        from = from < history->count ? find_from(history, from, at) : from;
        edge[i + 1] = (uint32_t)from;
    }
}

static const uint32_t *edges_of(const struct history *history, double t0, double t1, size_t n) {
    struct history_cache *cache = history->cache;
    for (size_t i = 0; i < HISTORY_EDGES; i++) {
        const struct history_edges *known = &cache->edges[i];
        if (known->n == n && known->rows == history->count && known->t0 == t0 && known->t1 == t1) {
            return known->edge;
        }
    }
    struct history_edges *edges = &cache->edges[cache->edges_next];
    cache->edges_next = (cache->edges_next + 1) % HISTORY_EDGES;
    edges->t0 = t0;
    edges->t1 = t1;
    edges->n = n;
    edges->rows = history->count;
    edges_find(history, t0, t1, n, edges->edge);
    return edges->edge;
}

const uint32_t *history_column_rows(const struct history *history, double t0, double t1, size_t n) {
    OBS_ASSERT(n > 0 && n <= HISTORY_EDGES_MAX && t1 > t0);
    return edges_of(history, t0, t1, n);
}

static struct history_bin bin_of(const struct history *history, struct history_column *column,
                                 enum history_form form, size_t from, size_t to) {
    struct history_summary summary = summarise(history, column, form, from, to);
    struct history_bin bin = {
        .min = summary.min,
        .max = summary.max,
        .first = summary.first,
        .last = summary.last,
        .sum = summary.sum,
        .count = summary.count,
    };
    if (history->gap_count > 0) {
        size_t gap = history_gap_find(history, from);
        bin.gap = gap < history->gap_count && history->gap[gap] < to;
    }
    return bin;
}

void history_bins(const struct history *history, uint32_t id, enum history_form form, double t0,
                  double t1, size_t n, struct history_bin *bins) {
    OBS_ASSERT(history != NULL && (bins != NULL || n == 0));
    OBS_ASSERT(form == HISTORY_LEVEL || form == HISTORY_RATE);
    for (size_t i = 0; i < n; i++) {
        bins[i] = (struct history_bin){0};
    }
    struct history_column *column = history_column_of(history, id);
    if (column == NULL || !(t1 > t0) || history->count == 0) {
        return;
    }
    struct history_lane *lane = history_lane_of(column, form);
    if (lane == NULL) {
        return;
    }
    pyramid_extend(history, column, form, &lane->pyramid);
    for (size_t done = 0; done < n; done += HISTORY_EDGES_MAX) {
        /* More columns than any screen has are done in pieces. */
        size_t part = n - done < HISTORY_EDGES_MAX ? n - done : HISTORY_EDGES_MAX;
        double from = t0 + (t1 - t0) * ((double)done / (double)n);
        double to = done + part == n ? t1 : t0 + (t1 - t0) * ((double)(done + part) / (double)n);
        const uint32_t *edge = edges_of(history, from, to, part);
        for (size_t i = 0; i < part; i++) {
            if (edge[i] < edge[i + 1]) {
                bins[done + i] = bin_of(history, column, form, edge[i], edge[i + 1]);
            }
        }
    }
}

double history_max(const struct history *history, uint32_t id, enum history_form form, double t0,
                   double t1) {
    struct history_column *column = history_column_of(history, id);
    struct history_lane *lane = column == NULL ? NULL : history_lane_of(column, form);
    if (lane == NULL || !(t1 >= t0) || history->count == 0) {
        return 0;
    }
    pyramid_extend(history, column, form, &lane->pyramid);
    size_t from = history_find(history, t0);
    /* Closed at t1: the first row strictly later ends it. */
    size_t to = from < history->count ? find_from(history, from, nextafter(t1, INFINITY)) : from;
    struct history_summary summary = summarise(history, column, form, from, to);
    return summary.count > 0 ? summary.max : 0;
}
