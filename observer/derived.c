#include "derived.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gantt.h"
#include "obs_check.h"

enum { CACHES = 4, TERMS_MAX = 6 };

/* A ratio of sums of counters. */
struct ratio {
    uint32_t over[TERMS_MAX + 1], under[TERMS_MAX + 1]; /* metric ids, ended by 0 */
    bool recent;
    double scale;  /* of the result */
    bool per_time; /* `under` is the time that passed */
};

static const struct ratio ratios[DERIVED_SERIES] = {
    [DERIVED_WRITE_AMP] = {{SCOPE_M_WAL_BYTES, SCOPE_M_FLUSH_BYTES,
                            SCOPE_M_COMPACTION_BYTES_WRITTEN},
                           {SCOPE_M_USER_BYTES_WRITTEN},
                           .scale = 1.0},
    [DERIVED_WRITE_AMP_RECENT] = {{SCOPE_M_WAL_BYTES, SCOPE_M_FLUSH_BYTES,
                                   SCOPE_M_COMPACTION_BYTES_WRITTEN},
                                  {SCOPE_M_USER_BYTES_WRITTEN},
                                  .recent = true,
                                  .scale = 1.0},
    [DERIVED_READ_AMP] = {{SCOPE_M_TABLE_PROBES}, {SCOPE_M_OPS_GET}, .recent = true, .scale = 1.0},
    [DERIVED_CACHE_HIT] = {{SCOPE_M_CACHE_HITS},
                           {SCOPE_M_CACHE_HITS, SCOPE_M_CACHE_MISSES},
                           .recent = true,
                           .scale = 1.0},
    [DERIVED_BLOOM_SPARED] = {{SCOPE_M_BLOOM_NEGATIVES},
                              {SCOPE_M_BLOOM_CHECKS},
                              .recent = true,
                              .scale = 1.0},
    [DERIVED_BLOOM_FALSE] = {{SCOPE_M_BLOOM_FALSE_POSITIVES},
                             {SCOPE_M_BLOOM_FALSE_POSITIVES, SCOPE_M_BLOOM_NEGATIVES},
                             .recent = true,
                             .scale = 1.0},
    [DERIVED_SYNC_RATE] = {{SCOPE_M_IO_SYNCS}, {0}, .recent = true, .scale = 1.0, .per_time = true},
    [DERIVED_STALLED] = {{SCOPE_M_STALL_NS_L0_SLOW, SCOPE_M_STALL_NS_L0_STOP,
                          SCOPE_M_STALL_NS_MEMTABLE, SCOPE_M_STALL_NS_DEBT_SLOW,
                          SCOPE_M_STALL_NS_DEBT_STOP, SCOPE_M_STALL_NS_INLINE},
                         {0},
                         .recent = true,
                         .scale = 1e-9,
                         .per_time = true},
    [DERIVED_INLINE] =
        {{SCOPE_M_STALL_NS_INLINE}, {0}, .recent = true, .scale = 1e-9, .per_time = true},
    [DERIVED_CPU] =
        {{SCOPE_M_PROCESS_CPU_NS}, {0}, .recent = true, .scale = 1e-9, .per_time = true},
};

/* What is spread over the time of jobs, and the counter that stands in without events. */
static const struct {
    enum derived series;
    uint32_t counter;
} spreads[] = {{DERIVED_FLUSH_RATE, SCOPE_M_FLUSH_BYTES},
               {DERIVED_COMPACT_OUT_RATE, SCOPE_M_COMPACTION_BYTES_WRITTEN},
               {DERIVED_COMPACT_IN_RATE, SCOPE_M_COMPACTION_BYTES_READ}};
enum { SPREADS = sizeof spreads / sizeof spreads[0] };

struct cache {
    const struct history *history; /* NULL: unused */
    uint64_t asked;                /* when last, on a clock of calls */
    uint64_t generation, event_generation;
    size_t rows; /* the most that any series has */
    size_t capacity;
    size_t known[DERIVED_SERIES];
    float *number[DERIVED_SERIES];
    /* Of the spreads: */
    size_t events; /* seen so far */
    bool told;     /* an event told bytes: else the counters are believed */
};

static struct cache caches[CACHES];
static uint64_t calls;

/* ---- one sample ------------------------------------------------------------------------------ */

static bool sum_at(const struct history *history, const uint32_t *ids, size_t index, double *sum) {
    *sum = 0.0;
    for (size_t i = 0; ids[i] != 0; i++) {
        uint64_t value;
        if (!history_value_at(history, ids[i], index, &value)) {
            return false;
        }
        *sum += (double)value;
    }
    return true;
}

/* How far a sum moved from one sample to another. A counter that steps back began anew. */
static bool step_between(const struct history *history, const uint32_t *ids, size_t from, size_t to,
                         double *step) {
    double before, now;
    if (!sum_at(history, ids, to, &now) || !sum_at(history, ids, from, &before)) {
        return false;
    }
    *step = now >= before ? now - before : now;
    return true;
}

/* The newest sample that is at least DERIVED_RECENT_S older, or the oldest. */
static size_t recent_from(const struct history *history, size_t index) {
    double since = history_time(history, index) - DERIVED_RECENT_S;
    size_t at = history_find(history, nextafter(since, INFINITY));
    return at > 0 ? at - 1 : 0;
}

static double ratio_at(const struct history *history, const struct ratio *ratio,
                       const uint32_t *over_ids, size_t index) {
    double over, under;
    if (!ratio->recent) {
        if (!sum_at(history, over_ids, index, &over) ||
            !sum_at(history, ratio->under, index, &under)) {
            return NAN;
        }
        return under > 0.0 ? over / under * ratio->scale : NAN;
    }
    size_t from = recent_from(history, index);
    if (!step_between(history, over_ids, from, index, &over)) {
        return NAN;
    }
    if (ratio->per_time) {
        under = history_time(history, index) - history_time(history, from);
    } else if (!step_between(history, ratio->under, from, index, &under)) {
        return NAN;
    }
    return under > 0.0 ? over / under * ratio->scale : NAN;
}

static double space_at(const struct history *history, size_t index) {
    uint64_t total, bytes;
    double sum = 0.0, largest = 0.0;
    for (unsigned level = 0; level < history_levels(history); level++) {
        if (history_value_at(history, SCOPE_M_LEVEL_BYTES + level, index, &bytes)) {
            sum += (double)bytes;
            largest = level > 0 ? fmax(largest, (double)bytes) : largest;
        }
    }
    if (history_value_at(history, SCOPE_M_TABLE_BYTES, index, &total)) {
        sum = (double)total;
    }
    return largest > 0.0 ? sum / largest : NAN;
}

bool derived_level_score(const struct history *history, unsigned level, size_t index,
                         double *score) {
    OBS_ASSERT(level < SCOPE_MAX_LEVELS && score != NULL);
    uint32_t id = (level == 0 ? SCOPE_M_LEVEL_TABLES : SCOPE_M_LEVEL_BYTES) + level;
    uint64_t size, target;
    if (!history_value_at(history, id, index, &size) ||
        !history_value_at(history, SCOPE_M_LEVEL_TARGET + level, index, &target) || target == 0) {
        return false;
    }
    *score = (double)size / (double)target;
    return true;
}

static double score_at(const struct history *history, size_t index, bool which) {
    double highest = NAN, level_of = NAN, score;
    for (unsigned level = 0; level < history_levels(history); level++) {
        if (derived_level_score(history, level, index, &score) &&
            (isnan(highest) || score > highest)) {
            highest = score;
            level_of = level;
        }
    }
    return which ? level_of : highest;
}

static double rate_at(const struct history *history, uint32_t id, size_t index) {
    double number;
    return history_number(history, id, HISTORY_RATE, index, &number) ? number : NAN;
}

/* The sum above the line. A publisher without a log still has a write amplification. */
static const uint32_t *over_of(const struct history *history, enum derived series) {
    static const uint32_t wal_syncs[] = {SCOPE_M_WAL_SYNCS, 0};
    const uint32_t *over = ratios[series].over;
    if (series == DERIVED_SYNC_RATE && !history_has(history, SCOPE_M_IO_SYNCS)) {
        return wal_syncs;
    }
    return over[0] == SCOPE_M_WAL_BYTES && !history_has(history, SCOPE_M_WAL_BYTES) ? over + 1
                                                                                    : over;
}

static double number_at(const struct history *history, enum derived series, size_t index) {
    switch (series) {
    case DERIVED_SPACE_AMP:
        return space_at(history, index);
    case DERIVED_SCORE:
    case DERIVED_SCORE_LEVEL:
        return score_at(history, index, series == DERIVED_SCORE_LEVEL);
    case DERIVED_SYNC_RATE:
    case DERIVED_WRITE_AMP:
    case DERIVED_WRITE_AMP_RECENT:
    case DERIVED_READ_AMP:
    case DERIVED_CACHE_HIT:
    case DERIVED_BLOOM_SPARED:
    case DERIVED_BLOOM_FALSE:
    case DERIVED_CPU:
        return ratio_at(history, &ratios[series], over_of(history, series), index);
    case DERIVED_STALLED:
    case DERIVED_INLINE: {
        /* Waits are counted when they are over: then it may be more than the time that passed. */
        double share = ratio_at(history, &ratios[series], over_of(history, series), index);
        return share > 1.0 ? 1.0 : share;
    }
    case DERIVED_FLUSH_RATE:
    case DERIVED_COMPACT_OUT_RATE:
    case DERIVED_COMPACT_IN_RATE:
    case DERIVED_SERIES:
        break;
    }
    OBS_ASSERT(false);
    return NAN;
}

/* ---- bytes of jobs, spread over their time --------------------------------------------------- */

/* Adds `bytes` that were moved in [t0, t1] to the rates of the samples whose intervals that
 * touches.
 */
static void spread(const struct history *history, float *numbers, size_t rows, double t0, double t1,
                   double bytes) {
    if (!(t1 > t0)) {
        t0 = nextafter(t1, -INFINITY); /* a moment: all of it falls into one interval */
    }
    size_t first = history_find(history, nextafter(t0, INFINITY));
    for (size_t i = first > 0 ? first : 1; i < rows; i++) {
        double from = history_time(history, i - 1), to = history_time(history, i);
        if (from >= t1) {
            break;
        }
        double part = fmin(to, t1) - fmax(from, t0);
        if (part > 0.0 && !isnan(numbers[i])) {
            numbers[i] += (float)(bytes * part / (t1 - t0) / (to - from));
        }
    }
}

static void spread_event(const struct cache *cache, const struct scope_event *event, double t) {
    bool flush = event->type == SCOPE_EVENT_FLUSH_END;
    if ((!flush && event->type != SCOPE_EVENT_COMPACT_END) || event->u.job_info.status != 0 ||
        (!flush && gantt_is_move(event))) {
        return;
    }
    double began = t - (double)event->u.job_info.duration_ns * 1e-9;
    size_t rows = cache->rows;
    if (flush) {
        spread(cache->history, cache->number[DERIVED_FLUSH_RATE], rows, began, t,
               (double)event->u.job_info.bytes_out);
        return;
    }
    spread(cache->history, cache->number[DERIVED_COMPACT_OUT_RATE], rows, began, t,
           (double)event->u.job_info.bytes_out);
    spread(cache->history, cache->number[DERIVED_COMPACT_IN_RATE], rows, began, t,
           (double)event->u.job_info.bytes_in);
}

static bool tells_bytes(const struct scope_event *event) {
    return (event->type == SCOPE_EVENT_FLUSH_END || event->type == SCOPE_EVENT_COMPACT_END) &&
           event->u.job_info.bytes_out > 0;
}

static void spread_forget(struct cache *cache) {
    cache->events = 0;
    cache->told = false;
    for (size_t s = 0; s < SPREADS; s++) {
        cache->known[spreads[s].series] = 0;
    }
}

/* What is in a sample before any event is added: nothing, or what the counters say. */
static void spread_base(struct cache *cache, size_t rows) {
    const struct history *history = cache->history;
    double since = cache->told ? history_event_time(history, 0) : INFINITY;
    for (size_t s = 0; s < SPREADS; s++) {
        float *numbers = cache->number[spreads[s].series];
        for (size_t i = cache->known[spreads[s].series]; i < rows; i++) {
            uint64_t counted;
            bool known = i > 0 && history_value_at(history, spreads[s].counter, i, &counted);
            bool before = history_time(history, i) < since;
            numbers[i] = !known   ? NAN
                         : before ? (float)rate_at(history, spreads[s].counter, i)
                                  : 0.0f;
        }
        cache->known[spreads[s].series] = rows;
    }
}

/* Events that are newer than the newest sample wait for the next one: their time is whole then. */
static void spread_update(struct cache *cache, size_t rows) {
    const struct history *history = cache->history;
    double newest = history_time(history, rows - 1);
    size_t end = history_event_find(history, nextafter(newest, INFINITY));
    if (!history_events_kept(history, cache->event_generation, cache->events)) {
        spread_forget(cache);
    }
    cache->event_generation = history_event_generation(history);
    for (size_t i = cache->events; i < end && !cache->told; i++) {
        if (tells_bytes(history_event(history, i))) {
            spread_forget(cache);
            cache->told = true;
        }
    }
    spread_base(cache, rows);
    for (size_t i = cache->events; i < end; i++) {
        const struct scope_event *event = history_event(history, i);
        if (cache->told) {
            spread_event(cache, event, history_event_time(history, i));
        }
    }
    cache->events = end;
}

/* ---- keeping --------------------------------------------------------------------------------- */

static void cache_reset(struct cache *cache, const struct history *history) {
    cache->history = history;
    cache->generation = history_generation(history);
    cache->rows = cache->events = 0;
    cache->told = false;
    memset(cache->known, 0, sizeof cache->known);
}

static struct cache *cache_of(const struct history *history) {
    struct cache *oldest = &caches[0];
    for (size_t i = 0; i < CACHES; i++) {
        if (caches[i].history == history) {
            caches[i].asked = ++calls;
            return &caches[i];
        }
        if (caches[i].asked < oldest->asked) {
            oldest = &caches[i];
        }
    }
    cache_reset(oldest, history);
    oldest->asked = ++calls;
    return oldest;
}

static bool cache_grow(struct cache *cache, enum derived series, size_t rows) {
    if (rows > cache->capacity) {
        size_t capacity = rows + rows / 4 + 1024;
        for (int i = 0; i < DERIVED_SERIES; i++) {
            if (cache->number[i] != NULL) {
                float *grown = realloc(cache->number[i], capacity * sizeof *grown);
                if (grown == NULL) {
                    return false; /* those that did grow are merely larger than needed */
                }
                cache->number[i] = grown;
            }
        }
        cache->capacity = capacity;
    }
    if (cache->number[series] == NULL) {
        cache->number[series] = malloc(cache->capacity * sizeof(float));
    }
    return cache->number[series] != NULL;
}

static bool is_spread(enum derived series) {
    return series == DERIVED_FLUSH_RATE || series == DERIVED_COMPACT_OUT_RATE ||
           series == DERIVED_COMPACT_IN_RATE;
}

static void update_plain(struct cache *cache, enum derived series, size_t rows) {
    const struct history *history = cache->history;
    float *numbers = cache->number[series];
    size_t *known = &cache->known[series];
    for (; *known < rows; ++*known) {
        numbers[*known] = (float)number_at(history, series, *known);
    }
}

const float *derived_numbers(const struct history *history, enum derived series) {
    OBS_ASSERT(history != NULL && series < DERIVED_SERIES);
    size_t rows = history_count(history);
    struct cache *cache = cache_of(history);
    if (cache->generation != history_generation(history)) {
        cache_reset(cache, history);
    }
    bool whole = cache_grow(cache, series, rows > 0 ? rows : 1);
    for (size_t s = 0; s < SPREADS && is_spread(series); s++) {
        whole = whole && cache_grow(cache, spreads[s].series, rows > 0 ? rows : 1);
    }
    if (!whole) {
        return NULL;
    }
    if (rows == 0) {
        return cache->number[series];
    }
    cache->rows = rows;
    if (is_spread(series)) {
        spread_update(cache, rows);
    } else {
        update_plain(cache, series, rows);
    }
    return cache->number[series];
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool has_all(const struct history *history, const uint32_t *ids) {
    for (size_t i = 0; ids[i] != 0; i++) {
        if (!history_has(history, ids[i])) {
            return false;
        }
    }
    return true;
}

static bool has_levels(const struct history *history, uint32_t first) {
    for (uint32_t level = 0; level < SCOPE_MAX_LEVELS; level++) {
        if (history_has(history, first + level)) {
            return true;
        }
    }
    return false;
}

bool derived_known(const struct history *history, enum derived series) {
    OBS_ASSERT(series < DERIVED_SERIES);
    for (size_t s = 0; s < SPREADS; s++) {
        if (spreads[s].series == series) {
            return history_has(history, spreads[s].counter);
        }
    }
    if (series == DERIVED_SPACE_AMP) {
        return has_levels(history, SCOPE_M_LEVEL_BYTES);
    }
    if (series == DERIVED_SCORE || series == DERIVED_SCORE_LEVEL) {
        return has_levels(history, SCOPE_M_LEVEL_TARGET);
    }
    return has_all(history, over_of(history, series)) && has_all(history, ratios[series].under);
}

bool derived_at(const struct history *history, enum derived series, size_t index, double *number) {
    const float *numbers = derived_numbers(history, series);
    for (size_t back = 0; numbers != NULL && back < 16 && back <= index; back++) {
        if (!isnan(numbers[index - back])) {
            *number = (double)numbers[index - back];
            return true;
        }
    }
    return false;
}

double derived_max(const struct history *history, enum derived series, size_t first, size_t end,
                   double until) {
    const float *numbers = derived_numbers(history, series);
    float most = 0.0f;
    size_t known = history_find(history, nextafter(until, INFINITY));
    for (size_t i = first; numbers != NULL && i < end && i < known; i++) {
        most = numbers[i] > most ? numbers[i] : most;
    }
    return (double)most;
}
