/* micro.c: the list of parts, and the report. */
#include "micro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "histogram.h"
#include "results.h"
#include "workload.h"

#define MICRO(function, words)                                                                     \
    { .name = #function, .help = words, .run = bench_micro_##function }

const struct bench_micro bench_micros[] = {
    MICRO(memtable_insert, "one entry into a memtable, keys in random order"),
    MICRO(memtable_order, "one entry of a full memtable sorted, into a tree"),
    MICRO(memtable_find, "a key that is there, in a full memtable"),
    MICRO(memtable_miss, "a key that is absent, in a full memtable"),
    MICRO(wal_append, "one put appended to a mapped log segment"),
    MICRO(block_search, "a key in a block of 4 KiB, one of many"),
    MICRO(bloom_probe, "an absent key in a filter, hashing included"),
    MICRO(merge, "one entry out of a merge of 4 runs in memory"),
    MICRO(table_build, "one entry into a table: blocks, filter, index, checksums; CPU time"),
    MICRO(ring_publish, "one sample with every metric into the shared memory"),
};
const size_t bench_micro_count = sizeof bench_micros / sizeof bench_micros[0];

static bool is_asked_for(const struct bench_micro *micro, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], micro->name) == 0) {
            return true;
        }
    }
    return count == 0;
}

static const char *unknown_name(const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t m = 0; m < bench_micro_count; m++) {
            known = known || strcmp(names[i], bench_micros[m].name) == 0;
        }
        if (!known) {
            return names[i];
        }
    }
    return NULL;
}

static void report(const struct bench_micro *micro, struct bench_micro_context *context, bool json,
                   bool first) {
    double median = bench_quantile(context->ns, BENCH_MICRO_ROUNDS, 0.5); /* sorts */
    double low = context->ns[0];
    double high = context->ns[BENCH_MICRO_ROUNDS - 1];
    if (json) {
        printf("%s\n  {\"part\": \"%s\", \"ns\": %.2f, \"min_ns\": %.2f, \"max_ns\": %.2f}",
               first ? "[" : ",", micro->name, median, low, high);
    } else {
        if (first) {
            printf("%-18s %10s %10s %10s   %s\n", "part", "ns", "min", "max", "one operation is");
        }
        printf("%-18s %10.1f %10.1f %10.1f   %s\n", micro->name, median, low, high, micro->help);
    }
    (void)fflush(stdout);
}

static bool run_all(const struct bench_args *args, const char *dir, const char *const *names,
                    size_t count) {
    /* As many as fill the memtable. */
    uint64_t entry = args->key_size + args->value_size + 40;
    uint64_t entries = args->memtable_bytes / entry;
    bool first = true;
    bool good = true;
    entries = entries < args->num ? entries : args->num;
    for (size_t i = 0; i < bench_micro_count; i++) {
        struct bench_micro_context context = {.args = args, .dir = dir, .entries = entries};
        if (!is_asked_for(&bench_micros[i], names, count)) {
            continue;
        }
        if (bench_micros[i].run(&context)) {
            report(&bench_micros[i], &context, args->json, first);
            first = false;
        } else {
            fprintf(stderr, "lsm-bench: %s: %s\n", bench_micros[i].name, context.error);
            good = false;
        }
    }
    if (args->json && !first) {
        printf("\n]\n");
    }
    return good;
}

int bench_micro_main(const struct bench_args *args) {
    char text[512];
    char dir[512];
    const char *names[BENCH_LIST_MAX];
    size_t count = 0;
    if (args->micro_names != NULL) {
        count = bench_args_split(args->micro_names, text, sizeof text, names);
        const char *unknown = count > 0 ? unknown_name(names, count) : args->micro_names;
        if (unknown != NULL) {
            fprintf(stderr,
                    "lsm-bench: --micro: there is no '%.60s'; lsm-bench --help tells more\n",
                    unknown);
            return 2;
        }
    }
    (void)snprintf(dir, sizeof dir, "%.400s/lsm-bench.XXXXXX", args->dir);
    if (mkdtemp(dir) == NULL) {
        fprintf(stderr, "lsm-bench: %s: %s\n", dir, strerror(errno));
        return 2;
    }
    bool good = bench_workload_init(args->num, (size_t)args->key_size, (size_t)args->value_size,
                                    args->seed) &&
                run_all(args, dir, names, count);
    (void)bench_files_remove(dir, true);
    return good ? 0 : 1;
}
