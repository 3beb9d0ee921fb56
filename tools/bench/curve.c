#include "curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum { SIZES_MAX = 8 };

/* Each size twice the one before, the last is --num; none is so small that it fits in caches. */
static size_t choose_sizes(uint64_t num, uint64_t sizes[SIZES_MAX]) {
    size_t count = 1;
    while (count < SIZES_MAX && num >> count >= 1000) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        sizes[i] = num >> (count - 1 - i);
    }
    return count;
}

static double entry_bytes(const struct bench_args *args) {
    return (double)(args->key_size + args->value_size);
}

static bool write_csv(const struct bench_set *set, const char *path, const uint64_t *sizes,
                      size_t size_count, const double *ops_s) {
    FILE *out = fopen(path, "we");
    if (out == NULL) {
        return false;
    }
    fprintf(out, "num,user_bytes,engine,phase,ops_per_s\n");
    for (size_t s = 0; s < size_count; s++) {
        for (size_t l = 0; l < set->phase_count * set->engine_count; l++) {
            double value = ops_s[l * SIZES_MAX + s];
            if (!isnan(value)) {
                fprintf(out, "%llu,%.0f,%s,%s,%.1f\n", (unsigned long long)sizes[s],
                        (double)sizes[s] * entry_bytes(set->args),
                        bench_engines[set->engines[l % set->engine_count]]->name,
                        bench_phases[set->phases[l / set->engine_count]].name, value);
            }
        }
    }
    bool good = ferror(out) == 0;
    return fclose(out) == 0 && good;
}

/* ops_s[(phase * engines + engine) * SIZES_MAX + size] */
static bool run_sizes(struct bench_set *set, const uint64_t *sizes, size_t size_count,
                      double *ops_s) {
    const struct bench_args *asked = set->args;
    bool good = true;
    for (size_t s = 0; s < size_count && good; s++) {
        struct bench_args args = *asked;
        args.num = sizes[s];
        set->args = &args;
        set->count = 0;
        fprintf(stderr, "-- %llu keys\n", (unsigned long long)args.num);
        good = bench_suite_run(set) && !bench_set_failed(set);
        for (size_t l = 0; l < set->phase_count * set->engine_count; l++) {
            ops_s[l * SIZES_MAX + s] = bench_set_median(set, set->engines[l % set->engine_count],
                                                        l / set->engine_count, BENCH_OPS_S);
        }
    }
    set->args = asked;
    return good;
}

int bench_curve_main(struct bench_set *set) {
    uint64_t sizes[SIZES_MAX];
    size_t size_count = choose_sizes(set->args->num, sizes);
    size_t cells = set->phase_count * set->engine_count * SIZES_MAX;
    double *ops_s = malloc(cells * sizeof *ops_s);
    if (ops_s == NULL) {
        return 1;
    }
    for (size_t i = 0; i < cells; i++) {
        ops_s[i] = NAN;
    }
    int status = run_sizes(set, sizes, size_count, ops_s) ? 0 : 1;
    if (status == 0 && !write_csv(set, set->args->curve, sizes, size_count, ops_s)) {
        fprintf(stderr, "lsm-bench: %s: %s\n", set->args->curve, strerror(errno));
        status = 1;
    }
    free(ops_s);
    return status;
}
