/* moment.c: see moment.h. */
#include "moment.h"

#include <math.h>

#include "top_check.h"

static const double NOW_S = 1.0;        /* how far back "now" reaches */
static const double WHOLE_MIN_S = 10.0; /* a run just begun is not stretched */
static const double STALLED_SHARE = 0.5;
static const double JITTER_S = 0.01; /* samples come a little early or late */
static const double SAME_TIME_S = 1e-9;

void moment_set(struct moment *moment, const struct history *history, double at, double span) {
    TOP_ASSERT(moment != NULL && history != NULL);
    double end = history_end(history);
    moment->history = history;
    moment->newest = at < 0.0 || at >= end;
    moment->at = moment->newest ? end : at;
    moment->whole = span <= 0.0;
    double run = moment->at - fmin(0.0, history_start(history));
    moment->span = moment->whole ? fmax(WHOLE_MIN_S, run) : span;
    /* A young run has the whole width; it is pressed together in a few steps, not all the time. */
    for (double step = WHOLE_MIN_S; !moment->whole && step < span; step *= 2.0) {
        if (run <= step) {
            moment->span = step;
            break;
        }
    }
    size_t after = history_find(history, moment->at + SAME_TIME_S);
    moment->any = after > 0;
    moment->index = moment->any ? after - 1 : 0;
}

bool moment_value(const struct moment *moment, uint32_t id, double *value) {
    uint64_t raw = 0;
    if (!moment->any || !history_value_at(moment->history, id, moment->index, &raw)) {
        return false;
    }
    *value = (double)raw;
    return true;
}

/* The increase from a sample to the one shown; what a counter that began anew shows is what
 * happened since. */
static bool growth_from(const struct moment *moment, uint32_t id, size_t from, double *growth,
                        double *seconds) {
    uint64_t before = 0, after = 0;
    if (from >= moment->index || !history_value_at(moment->history, id, from, &before) ||
        !history_value_at(moment->history, id, moment->index, &after)) {
        return false;
    }
    *growth = (double)(after >= before ? after - before : after);
    *seconds = history_time(moment->history, moment->index) - history_time(moment->history, from);
    return *seconds > 0.0;
}

/* The sample that lies `seconds` before the one shown, or the nearest with one in between. */
static bool sample_before(const struct moment *moment, double seconds, size_t *from) {
    if (!moment->any || moment->index == 0) {
        return false;
    }
    double wanted = history_time(moment->history, moment->index) - seconds;
    size_t found = history_find(moment->history, wanted - JITTER_S);
    *from = found < moment->index ? found : moment->index - 1;
    return true;
}

static bool rate_over(const struct moment *moment, uint32_t id, double window, double *rate) {
    size_t from = 0;
    double growth = 0.0, seconds = 0.0;
    if (!sample_before(moment, window, &from) ||
        !growth_from(moment, id, from, &growth, &seconds)) {
        return false;
    }
    *rate = growth / seconds;
    return true;
}

bool moment_now(const struct moment *moment, uint32_t id, double *rate) {
    return rate_over(moment, id, NOW_S, rate);
}

bool moment_mean(const struct moment *moment, uint32_t id, double *rate) {
    return rate_over(moment, id, moment->span, rate);
}

bool moment_growth(const struct moment *moment, uint32_t id, double *growth) {
    size_t from = 0;
    double seconds = 0.0;
    return sample_before(moment, moment->span, &from) &&
           growth_from(moment, id, from, growth, &seconds);
}

bool moment_ever(const struct moment *moment, uint32_t id) {
    double value = 0.0;
    return moment_value(moment, id, &value) && value > 0.0;
}

/* ---- trends ---------------------------------------------------------------------------------- */

/* The edges of `count` columns that end with the one `at` lies in. */
static void trend_edges(const struct moment *moment, int count, double *t0, double *t1) {
    TOP_ASSERT(count > 0 && moment->span > 0.0);
    if (moment->whole) {
        *t1 = moment->at;
        *t0 = moment->at - moment->span;
        return;
    }
    double column = moment->span / count;
    *t1 = ceil(moment->at / column - 1e-6) * column;
    *t0 = *t1 - moment->span;
}

/* A column in which writes stood still for most of its time. */
static void mark_stalls(const struct moment *moment, double t0, double t1,
                        struct spark_point *point, int count) {
    static double stood[SPARK_POINTS_MAX]; /* one thread */
    const struct jobs *jobs = moment->jobs;
    double column = (t1 - t0) / count;
    for (int i = 0; i < count; i++) {
        stood[i] = 0.0;
    }
    for (size_t i = 0; jobs != NULL && i < jobs->stall_count; i++) {
        const struct job_stall *stall = &jobs->stall[i];
        double from = fmax(stall->t0, t0), to = fmin(stall->t1, t1);
        for (int c = (int)floor((from - t0) / column); c < count && t0 + c * column < to; c++) {
            double begin = t0 + c * column;
            stood[c] += fmin(to, begin + column) - fmax(from, begin);
        }
    }
    for (int i = 0; i < count; i++) {
        point[i].stalled = stood[i] > STALLED_SHARE * column;
    }
}

/* A column without a sample of its own, between two that have one. A rate holds for the time before
 * its sample, a level for the time after. */
static void fill_holes(struct spark_point *point, int count, enum history_form form, int last) {
    for (int i = 1; i <= last && form == HISTORY_LEVEL; i++) {
        if (!point[i].known && point[i - 1].known) {
            point[i] = point[i - 1];
        }
    }
    bool begun = false;
    int first = 0;
    while (first < count && !point[first].known) {
        first++;
    }
    for (int i = count - 2; i > first && form == HISTORY_RATE; i--) {
        begun = begun || point[i + 1].known;
        if (!point[i].known && begun && point[i + 1].known) {
            point[i] = point[i + 1];
        }
    }
    for (int i = first + 1; i <= last && i < count; i++) {
        if (!point[i].known && point[i - 1].known) {
            point[i] = point[i - 1]; /* the newest sample is a little older than `at` */
        }
    }
}

void moment_trend(const struct moment *moment, uint32_t id, enum history_form form,
                  struct spark_point *point, int count) {
    TOP_ASSERT(count > 0 && count <= SPARK_POINTS_MAX);
    static struct history_bin bins[SPARK_POINTS_MAX]; /* one thread; too large for a stack frame */
    double t0 = 0.0, t1 = 0.0;
    trend_edges(moment, count, &t0, &t1);
    /* The end is exclusive, the newest sample is not; and nothing newer than the moment is shown.
     */
    double end = nextafter(moment->at, INFINITY);
    history_bins(moment->history, id, form, t0, fmax(t1, end), (size_t)count, bins);
    int last = (int)floor((moment->at - t0) / (t1 - t0) * count - 1e-6);
    last = last < count ? last : count - 1;
    for (int i = 0; i < count; i++) {
        const struct history_bin *bin = &bins[i];
        bool known = bin->count > 0 && i <= last;
        /* Of what fills and empties within a column the mean would say nothing. */
        double mean = !known ? 0.0 : form == HISTORY_LEVEL ? bin->max : bin->sum / bin->count;
        point[i] =
            (struct spark_point){.known = known, .mean = mean, .peak = known ? bin->max : 0.0};
    }
    fill_holes(point, count, form, last);
    mark_stalls(moment, t0, t1, point, count);
}

void moment_tail_trend(const struct moment *moment, unsigned h, struct spark_point *point,
                       int count) {
    TOP_ASSERT(count > 0 && count <= SPARK_POINTS_MAX && h < SCOPE_HISTOGRAMS);
    double t0 = 0.0, t1 = 0.0;
    trend_edges(moment, count, &t0, &t1);
    for (int i = 0; i < count; i++) {
        point[i] = (struct spark_point){.known = false};
    }
    for (size_t i = tails_find(moment->tails, t0); i < moment->tails->count; i++) {
        const struct tail_second *second = &moment->tails->second[i];
        int column = (int)floor((second->seconds - t0) / (t1 - t0) * count);
        if (second->seconds > moment->at + SAME_TIME_S) {
            break;
        }
        if (second->p99[h] <= 0.0f) {
            continue;
        }
        column = column < count ? column : count - 1;
        double p99 = (double)second->p99[h];
        point[column].mean = point[column].peak = fmax(point[column].peak, p99);
        point[column].known = true;
    }
    fill_holes(point, count, HISTORY_RATE, count - 1);
    mark_stalls(moment, t0, t1, point, count);
}

double spark_largest(const struct spark_point *point, int count) {
    double largest = 0.0;
    for (int i = 0; i < count; i++) {
        largest = point[i].known ? fmax(largest, point[i].peak) : largest;
    }
    return largest;
}
