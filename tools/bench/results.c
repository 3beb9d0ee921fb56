#include "results.h"

#include <stdlib.h>

#include "histogram.h"

enum { REPEATS_MAX = 1000 };

bool bench_set_add(struct bench_set *set, const struct bench_result *result) {
    if (set->count == set->capacity) {
        size_t capacity = set->capacity > 0 ? 2 * set->capacity : 64;
        struct bench_result *larger = realloc(set->result, capacity * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        set->result = larger;
        set->capacity = capacity;
    }
    set->result[set->count++] = *result;
    return true;
}

static const struct bench_result *find(const struct bench_set *set, size_t engine, size_t order,
                                       size_t repeat) {
    for (size_t i = 0; i < set->count; i++) {
        const struct bench_result *r = &set->result[i];
        if (r->engine == engine && r->order == order && r->repeat == repeat &&
            r->error[0] == '\0') {
            return r;
        }
    }
    return NULL;
}

static double value_of(const struct bench_set *set, size_t engine, size_t order, size_t repeat,
                       enum bench_metric metric) {
    const struct bench_result *r = find(set, engine, order, repeat);
    return r != NULL ? r->value[metric] : NAN;
}

double bench_set_median(const struct bench_set *set, size_t engine, size_t order,
                        enum bench_metric metric) {
    double values[REPEATS_MAX];
    size_t repeats = (size_t)set->args->repeat;
    for (size_t i = 0; i < repeats; i++) {
        values[i] = value_of(set, engine, order, i, metric);
    }
    return bench_median(values, repeats);
}

double bench_set_ratio(const struct bench_set *set, size_t engine, size_t order,
                       enum bench_metric metric) {
    double ratios[REPEATS_MAX];
    size_t repeats = (size_t)set->args->repeat;
    size_t baseline = 0;
    while (bench_engines[baseline] != bench_engine_find(set->args->baseline)) {
        baseline++;
    }
    for (size_t i = 0; i < repeats; i++) {
        double base = value_of(set, baseline, order, i, metric);
        ratios[i] = base > 0 ? value_of(set, engine, order, i, metric) / base : NAN;
    }
    return bench_median(ratios, repeats);
}

const char *bench_set_error(const struct bench_set *set, size_t engine, size_t order) {
    for (size_t i = 0; i < set->count; i++) {
        const struct bench_result *r = &set->result[i];
        if (r->engine == engine && r->order == order && r->error[0] != '\0') {
            return r->error;
        }
    }
    return NULL;
}

bool bench_set_failed(const struct bench_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        if (set->result[i].error[0] != '\0') {
            return true;
        }
    }
    return false;
}
