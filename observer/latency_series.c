#include "latency_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

enum {
    FAN_SHIFT = 4, /* seconds of a block of level k: 16^(k + 1) */
    LEVELS = 4,
    BUCKET_BITS = 7,
    COUNT_BITS = 25, /* of a second's part; what does not fit takes several parts */
};
_Static_assert(SCOPE_HIST_BUCKETS <= 1 << BUCKET_BITS, "a bucket's number must fit into a part");
static const uint64_t PART_MAX = (1u << COUNT_BITS) - 1;

struct parts { /* of a second or a block: its buckets that are not empty */
    size_t first;
    uint32_t count;
};

struct block {
    struct parts parts; /* in its level's `part`: count << BUCKET_BITS | bucket */
    double covered_s;
    float low[LATENCY_STATS], high[LATENCY_STATS];
};

struct level {
    struct block *block;
    size_t count, capacity;
    uint64_t *part;
    size_t part_count, part_capacity;
};

struct row {
    struct latency_second second;
    struct parts parts;
};

struct latency_series {
    const struct history *history; /* only compared */
    unsigned kind;
    uint64_t version;
    struct row *row; /* one a second */
    size_t count, capacity;
    uint32_t *part; /* count << BUCKET_BITS | bucket */
    size_t part_count, part_capacity;
    struct level level[LEVELS];
    bool full; /* memory is out */
    /* To notice that a history was cleared, or is another one at the same address. */
    struct scope_histograms first, last;
    const struct history *tallied;
    size_t tally_count;
    struct scope_histograms tally_first, tally_last;
    uint64_t totals[SCOPE_HISTOGRAMS];
};

struct latency_series *latency_series_create(void) {
    return calloc(1, sizeof(struct latency_series));
}

void latency_series_destroy(struct latency_series *series) {
    if (series == NULL) {
        return;
    }
    for (size_t k = 0; k < LEVELS; k++) {
        free(series->level[k].block);
        free(series->level[k].part);
    }
    free(series->row);
    free(series->part);
    free(series);
}

static void series_clear(struct latency_series *series) {
    for (size_t k = 0; k < LEVELS; k++) {
        series->level[k].count = series->level[k].part_count = 0;
    }
    series->count = series->part_count = 0;
    series->full = false;
}

/* The array with room for `needed` elements of `size` bytes; NULL, and all as it was, when memory
 * is out. */
static void *room(void *array, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) {
        return array;
    }
    size_t more = *capacity + *capacity / 2 + 256;
    more = more > needed ? more : needed;
    void *grown = realloc(array, more * size);
    *capacity = grown != NULL ? more : *capacity;
    return grown;
}

/* ---- merging ------------------------------------------------------------------------------- */

static void summary_begin(struct latency_summary *summary) {
    memset(summary, 0, sizeof *summary);
    for (size_t s = 0; s < LATENCY_STATS; s++) {
        summary->low[s] = summary->high[s] = NAN;
    }
}

static void summary_range(struct latency_summary *summary, const float *low, const float *high) {
    for (size_t s = 0; s < LATENCY_STATS; s++) {
        summary->low[s] = fminf(summary->low[s], low[s]); /* fmin: a NAN gives way */
        summary->high[s] = fmaxf(summary->high[s], high[s]);
    }
}

static void add_second(const struct latency_series *series, size_t index,
                       struct latency_summary *summary) {
    const struct latency_second *second = &series->row[index].second;
    const struct parts *parts = &series->row[index].parts;
    for (uint32_t i = 0; i < parts->count; i++) {
        uint32_t part = series->part[parts->first + i];
        summary->count[part & ((1u << BUCKET_BITS) - 1)] += part >> BUCKET_BITS;
    }
    summary->covered_s += second->t1 - second->t0;
    summary_range(summary, second->stat, second->stat);
}

static void add_block(const struct level *level, size_t index, struct latency_summary *summary) {
    const struct block *block = &level->block[index];
    for (uint32_t i = 0; i < block->parts.count; i++) {
        uint64_t part = level->part[block->parts.first + i];
        summary->count[part & ((1u << BUCKET_BITS) - 1)] += part >> BUCKET_BITS;
    }
    summary->covered_s += block->covered_s;
    summary_range(summary, block->low, block->high);
}

void latency_series_merge(const struct latency_series *series, size_t from, size_t to,
                          struct latency_summary *summary) {
    OBS_ASSERT(series != NULL && from <= to && to <= series->count);
    summary_begin(summary);
    summary->seconds = to - from;
    for (size_t i = from; i < to;) {
        size_t span = 1, level = 0; /* the largest block that begins here and ends in time */
        while (level < LEVELS) {
            size_t larger = span << FAN_SHIFT;
            bool whole =
                i % larger == 0 && to - i >= larger && i / larger < series->level[level].count;
            if (!whole) {
                break;
            }
            span = larger;
            level++;
        }
        if (level == 0) {
            add_second(series, i, summary);
        } else {
            add_block(&series->level[level - 1], i / span, summary);
        }
        i += span;
    }
    for (size_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        summary->total += summary->count[b];
    }
}

/* ---- appending ----------------------------------------------------------------------------- */

static bool append_block(struct latency_series *series, size_t k) {
    struct level *level = &series->level[k];
    size_t span = (size_t)1 << FAN_SHIFT * (k + 1), end = (level->count + 1) * span;
    struct latency_summary sum;
    latency_series_merge(series, end - span, end, &sum);
    struct block *blocks =
        room(level->block, &level->capacity, level->count + 1, sizeof *level->block);
    level->block = blocks != NULL ? blocks : level->block;
    uint64_t *part = room(level->part, &level->part_capacity,
                          level->part_count + SCOPE_HIST_BUCKETS, sizeof *level->part);
    level->part = part != NULL ? part : level->part;
    if (blocks == NULL || part == NULL) {
        return false;
    }
    struct block block = {.parts.first = level->part_count, .covered_s = sum.covered_s};
    memcpy(block.low, sum.low, sizeof block.low);
    memcpy(block.high, sum.high, sizeof block.high);
    for (uint64_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        if (sum.count[b] > 0) {
            level->part[level->part_count++] = sum.count[b] << BUCKET_BITS | b;
            block.parts.count++;
        }
    }
    level->block[level->count++] = block;
    return true;
}

static bool append_blocks(struct latency_series *series) {
    for (size_t k = 0; k < LEVELS; k++) {
        size_t whole = series->count >> FAN_SHIFT * (k + 1);
        while (series->level[k].count < whole) {
            if (!append_block(series, k)) {
                return false;
            }
        }
    }
    return true;
}

double latency_quantile(const uint64_t count[SCOPE_HIST_BUCKETS], double q, double max_ns) {
    double ns = (double)scope_hist_quantile(count, q);
    double floor = (double)scope_bucket_floor(SCOPE_HIST_BUCKETS - 1);
    double top = (double)scope_bucket_floor(SCOPE_HIST_BUCKETS);
    if (max_ns > top && ns > floor) {
        return floor + (ns - floor) / (top - floor) * (max_ns - floor);
    }
    return max_ns > 0.0 ? fmin(ns, max_ns) : ns;
}

static void measure_second(const struct scope_histograms *from, unsigned kind, bool any,
                           struct latency_second *second) {
    static const double quantile[] = {0.5, 0.99, 0.999};
    uint64_t max_ns = from->max_ns[kind];
    for (size_t s = 0; s < LATENCY_MAX; s++) {
        second->stat[s] =
            any ? (float)latency_quantile(from->count[kind], quantile[s], (double)max_ns) : NAN;
    }
    second->stat[LATENCY_MAX] = any && max_ns > 0 ? (float)max_ns : NAN;
}

/* Room for one more second, and for its parts. */
static bool second_room(struct latency_series *series, const uint64_t *count) {
    size_t parts = 0;
    for (size_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        parts += (size_t)((count[b] + PART_MAX - 1) / PART_MAX);
    }
    struct row *row = room(series->row, &series->capacity, series->count + 1, sizeof *row);
    series->row = row != NULL ? row : series->row;
    uint32_t *part =
        room(series->part, &series->part_capacity, series->part_count + parts, sizeof *part);
    series->part = part != NULL ? part : series->part;
    return row != NULL && part != NULL;
}

static bool append_second(struct latency_series *series, double end,
                          const struct scope_histograms *from) {
    const uint64_t *count = from->count[series->kind];
    if (!second_room(series, count)) {
        return false;
    }
    double length = (double)from->interval_ns / 1e9;
    struct latency_second second = {.t0 = end - (length > 0.0 ? length : 1.0), .t1 = end};
    if (series->count > 0) { /* never over the one before */
        second.t0 = fmax(second.t0, series->row[series->count - 1].second.t1);
    }
    struct parts parts = {.first = series->part_count};
    for (uint32_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        for (uint64_t left = count[b]; left > 0;) {
            uint64_t part = left < PART_MAX ? left : PART_MAX;
            series->part[series->part_count++] = (uint32_t)part << BUCKET_BITS | b;
            parts.count++;
            left -= part;
        }
    }
    measure_second(from, series->kind, parts.count > 0, &second);
    series->row[series->count++] = (struct row){second, parts};
    return append_blocks(series);
}

/* ---- following a history ------------------------------------------------------------------- */

static bool same(const struct history *history, size_t index, const struct scope_histograms *seen) {
    const struct scope_histograms *now = history_histogram(history, index, NULL);
    return memcmp(now, seen, sizeof *seen) == 0;
}

/* Are the first `count` seconds of the history still those that were seen? */
static bool continues(const struct history *history, size_t count,
                      const struct scope_histograms *first, const struct scope_histograms *last) {
    return count <= history_histogram_count(history) &&
           (count == 0 || (same(history, 0, first) && same(history, count - 1, last)));
}

static void series_take(struct latency_series *series, double end,
                        const struct scope_histograms *from) {
    series->full = !append_second(series, end, from);
    if (!series->full) {
        series->first = series->count == 1 ? *from : series->first;
        series->last = *from;
        series->version++;
    }
}

bool latency_series_sync(struct latency_series *series, const struct history *history,
                         unsigned kind) {
    OBS_ASSERT(series != NULL && history != NULL && kind < SCOPE_HISTOGRAMS);
    bool anew = series->history != history || series->kind != kind ||
                !continues(history, series->count, &series->first, &series->last);
    if (anew) {
        series_clear(series);
        series->history = history;
        series->kind = kind;
    }
    size_t count = history_histogram_count(history);
    uint64_t before = series->version;
    series->version += anew ? 1 : 0;
    for (size_t i = series->count; i < count && !series->full; i++) {
        double end = 0.0;
        const struct scope_histograms *from = history_histogram(history, i, &end);
        series_take(series, end, from);
    }
    return series->version != before;
}

uint64_t latency_series_version(const struct latency_series *series) {
    return series->version;
}

static void tally(const struct scope_histograms *second, uint64_t *totals) {
    for (size_t h = 0; h < SCOPE_HISTOGRAMS; h++) {
        for (size_t b = 0; b < SCOPE_HIST_BUCKETS; b++) {
            totals[h] += second->count[h][b];
        }
    }
}

/* What will most likely be shown, from a few seconds of the history. */
static unsigned guess_kind(const struct history *history) {
    enum { PROBES = 16 };
    size_t count = history_histogram_count(history);
    uint64_t totals[SCOPE_HISTOGRAMS] = {0};
    unsigned kind = 0;
    for (size_t i = 0; i < PROBES; i++) {
        tally(history_histogram(history, i * (count - 1) / (PROBES - 1), NULL), totals);
    }
    return latency_kind_choose(totals, 0, &kind) ? kind : 0;
}

/* Counts what is new, and while at it appends it to the series: taking seconds out of the history
 * is what costs most. */
const uint64_t *latency_series_totals(struct latency_series *series,
                                      const struct history *history) {
    OBS_ASSERT(series != NULL && history != NULL);
    size_t count = history_histogram_count(history);
    if (series->tallied != history ||
        !continues(history, series->tally_count, &series->tally_first, &series->tally_last)) {
        memset(series->totals, 0, sizeof series->totals);
        series->tally_count = 0;
        series->tallied = history;
    }
    if (series->tally_count == count) {
        return series->totals;
    }
    if (series->tally_count == 0) {
        series_clear(series);
        series->history = history;
        series->kind = guess_kind(history);
        series->version++;
    }
    bool along = series->history == history && series->count == series->tally_count;
    for (size_t i = series->tally_count; i < count; i++) {
        double end = 0.0;
        const struct scope_histograms *second = history_histogram(history, i, &end);
        tally(second, series->totals);
        if (along && !series->full) {
            series_take(series, end, second);
        }
    }
    series->tally_first = *history_histogram(history, 0, NULL);
    series->tally_last = *history_histogram(history, count - 1, NULL);
    series->tally_count = count;
    return series->totals;
}

size_t latency_series_count(const struct latency_series *series) {
    return series->count;
}

const struct latency_second *latency_series_second(const struct latency_series *series,
                                                   size_t index) {
    OBS_ASSERT(index < series->count);
    return &series->row[index].second;
}

size_t latency_series_find(const struct latency_series *series, double t) {
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->row[middle].second.t1 > t) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* ---- kinds --------------------------------------------------------------------------------- */

bool latency_kind_choose(const uint64_t totals[SCOPE_HISTOGRAMS], unsigned wanted, unsigned *kind) {
    OBS_ASSERT(totals != NULL && kind != NULL);
    if (wanted > 0 && wanted <= SCOPE_HISTOGRAMS && totals[wanted - 1] > 0) {
        *kind = wanted - 1;
        return true;
    }
    uint64_t most = 0;
    for (unsigned op = 0; op < SCOPE_OPS; op++) {
        uint64_t service = totals[op];
        uint64_t response = totals[SCOPE_RESPONSE * SCOPE_OPS + op];
        uint64_t here = response > service ? response : service;
        if (here > most) {
            most = here;
            *kind = response > 0 ? (unsigned)SCOPE_RESPONSE * SCOPE_OPS + op : op;
        }
    }
    return most > 0;
}

unsigned latency_kind_next(const struct history *history, unsigned wanted) {
    OBS_ASSERT(history != NULL);
    /* By operation, what a user of the engine felt before what the engine spent. */
    static const unsigned order[SCOPE_HISTOGRAMS] = {4, 0, 5, 1, 6, 2, 7, 3};
    uint64_t totals[SCOPE_HISTOGRAMS] = {0};
    for (size_t i = 0; i < history_histogram_count(history); i++) {
        tally(history_histogram(history, i, NULL), totals);
    }
    size_t at = 0;
    for (size_t i = 0; i < SCOPE_HISTOGRAMS && wanted > 0; i++) {
        at = order[i] == wanted - 1 ? i + 1 : at;
    }
    unsigned automatic = SCOPE_HISTOGRAMS; /* its picture is the cycle's first: not twice */
    if (!latency_kind_choose(totals, 0, &automatic)) {
        return 0;
    }
    while (at < SCOPE_HISTOGRAMS && (totals[order[at]] == 0 || order[at] == automatic)) {
        at++;
    }
    return at < SCOPE_HISTOGRAMS ? 1 + order[at] : 0;
}
