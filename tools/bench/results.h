/* results.h: all results of an invocation, their medians, and how they are shown.
 *
 * Threads:    one.
 * Ownership:  the set owns its results; names are borrowed. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdio.h>

#include "bench_args.h"
#include "engine.h"
#include "phase.h"

struct bench_set {
    const struct bench_args *args;
    const size_t *engines, *phases; /* as asked for, in order */
    size_t engine_count, phase_count;
    struct bench_result *result;
    size_t count, capacity;
    char (*absent)[256];   /* by engine index: why it is left out; "" it is there */
    char (*settings)[512]; /* by engine index */
};

/* False: out of memory. */
bool bench_set_add(struct bench_set *set, const struct bench_result *result);
/* The median of a metric over the repeats; NAN when there is none. `order`: place of the phase. */
double bench_set_median(const struct bench_set *set, size_t engine, size_t order,
                        enum bench_metric metric);
/* The median of the ratios to the baseline, taken repeat by repeat. */
double bench_set_ratio(const struct bench_set *set, size_t engine, size_t order,
                       enum bench_metric metric);
/* The first error of a phase; NULL: none. */
const char *bench_set_error(const struct bench_set *set, size_t engine, size_t order);
bool bench_set_failed(const struct bench_set *set);

void bench_print_settings(const struct bench_set *set, FILE *out);
void bench_print_tables(const struct bench_set *set, FILE *out);
void bench_print_json(const struct bench_set *set, FILE *out);

/* A JSON string with its quotes. */
void bench_json_text(FILE *out, const char *text);
/* A number, or null when it is NAN or infinite. */
void bench_json_number(FILE *out, double number);

/* "1.02 M", "340 k", "17.2"; "-" for NAN. Three figures. */
void bench_format_count(double value, char *text, size_t size);
/* "85 ns", "1.20 us", "3.4 ms", "2.10 s". */
void bench_format_ns(double ns, char *text, size_t size);

#endif
