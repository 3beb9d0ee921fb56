/* report.c: the tables. */
#include "results.h"

#include <string.h>

void bench_format_count(double value, char *text, size_t size) {
    static const char *const unit[] = {"", " k", " M", " G", " T"};
    size_t i = 0;
    if (isnan(value)) {
        (void)snprintf(text, size, "-");
        return;
    }
    while (value >= 999.5 && i + 1 < sizeof unit / sizeof unit[0]) {
        value /= 1000;
        i++;
    }
    int decimals = value >= 99.95 || (i == 0 && value == (double)(long)value) ? 0
                   : value >= 9.995                                           ? 1
                                                                              : 2;
    (void)snprintf(text, size, "%.*f%s", decimals, value, unit[i]);
}

void bench_format_ns(double ns, char *text, size_t size) {
    static const char *const unit[] = {" ns", " us", " ms", " s"};
    size_t i = 0;
    if (isnan(ns)) {
        (void)snprintf(text, size, "-");
        return;
    }
    while (ns >= 999.5 && i + 1 < sizeof unit / sizeof unit[0]) {
        ns /= 1000;
        i++;
    }
    int decimals = i == 0 || ns >= 99.95 ? 0 : ns >= 9.995 ? 1 : 2;
    (void)snprintf(text, size, "%.*f%s", decimals, ns, unit[i]);
}

enum cell_kind {
    CELL_COUNT,
    CELL_NS,
    CELL_SECONDS,
    CELL_MIB,
    CELL_PLAIN,
    CELL_RATIO,
    CELL_PERCENT
};

struct column {
    const char *title;
    enum bench_metric metric;
    enum cell_kind kind;
    int width;
};

static void print_cell(double value, enum cell_kind kind, int width, FILE *out) {
    char text[32] = "-";
    if (isnan(value)) {
        fprintf(out, " %*s", width, text);
        return;
    }
    switch (kind) {
    case CELL_COUNT:
        bench_format_count(value, text, sizeof text);
        break;
    case CELL_NS:
        bench_format_ns(value, text, sizeof text);
        break;
    case CELL_SECONDS:
        (void)snprintf(text, sizeof text, "%.*f", value < 10 ? 2 : 1, value);
        break;
    case CELL_MIB:
        (void)snprintf(text, sizeof text, "%.0f", value / (1 << 20));
        break;
    case CELL_PERCENT:
        value *= 100;
        /* fall through */
    case CELL_PLAIN:
    case CELL_RATIO:
        (void)snprintf(text, sizeof text, "%.2f", value);
        break;
    }
    fprintf(out, " %*s", width, text);
}

static bool row_has(const struct bench_set *set, size_t engine, size_t order,
                    const struct column *columns, size_t count) {
    for (size_t c = 0; c < count; c++) {
        if (!isnan(bench_set_median(set, engine, order, columns[c].metric))) {
            return true;
        }
    }
    return false;
}

/* A row for each phase and engine that has something to say in one of the columns. `needed`: the
 * metric without which a row has no place in this table. */
static void print_table(const struct bench_set *set, const char *title, enum bench_metric needed,
                        const struct column *columns, size_t count, FILE *out) {
    bool begun = false;
    for (size_t p = 0; p < set->phase_count; p++) {
        for (size_t e = 0; e < set->engine_count; e++) {
            size_t engine = set->engines[e];
            if (isnan(bench_set_median(set, engine, p, needed)) ||
                !row_has(set, engine, p, columns, count)) {
                continue;
            }
            if (!begun) {
                fprintf(out, "\n%s\n%-16s %-8s", title, "phase", "engine");
                for (size_t c = 0; c < count; c++) {
                    fprintf(out, " %*s", columns[c].width, columns[c].title);
                }
                fputc('\n', out);
                begun = true;
            }
            fprintf(out, "%-16s %-8s", bench_phases[set->phases[p]].name,
                    bench_engines[engine]->name);
            for (size_t c = 0; c < count; c++) {
                const struct column *column = &columns[c];
                double value = column->kind == CELL_RATIO
                                   ? bench_set_ratio(set, engine, p, column->metric)
                                   : bench_set_median(set, engine, p, column->metric);
                print_cell(value, column->kind, column->width, out);
            }
            fputc('\n', out);
        }
    }
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void print_speed(const struct bench_set *set, FILE *out) {
    char ratio[32];
    (void)snprintf(ratio, sizeof ratio, "x %s", set->args->baseline);
    const struct column columns[] = {
        {"ops/s", BENCH_OPS_S, CELL_COUNT, 8},    {ratio, BENCH_OPS_S, CELL_RATIO, 9},
        {"p50", BENCH_P50, CELL_NS, 8},           {"p99", BENCH_P99, CELL_NS, 8},
        {"p99.9", BENCH_P999, CELL_NS, 8},        {"max", BENCH_MAX, CELL_NS, 8},
        {"cpu/op", BENCH_CLIENT_CPU, CELL_NS, 8}, {"CPU s", BENCH_CPU_S, CELL_SECONDS, 6},
        {"anon MiB", BENCH_ANON, CELL_MIB, 8},    {"mapped MiB", BENCH_MAPPED, CELL_MIB, 10},
    };
    print_table(set,
                "Speed (cpu/op: of the client alone; CPU s: of the process, what is left to settle "
                "included;"
                "\nmemory: the peak of the phase)",
                BENCH_OPS_S, columns, COUNT_OF(columns), out);
}

static void print_writes(const struct bench_set *set, FILE *out) {
    const struct column columns[] = {
        {"user MiB", BENCH_USER, CELL_MIB, 8},
        {"written", BENCH_WRITTEN, CELL_MIB, 8},
        {"of it log", BENCH_WAL_WRITTEN, CELL_MIB, 9},
        {"amp.", BENCH_WRITE_AMP, CELL_PLAIN, 5},
        {"w/o log", BENCH_WRITE_AMP_TABLES, CELL_PLAIN, 7},
        {"space amp.", BENCH_SPACE_AMP, CELL_PLAIN, 10},
        {"log files", BENCH_WAL_FILES, CELL_MIB, 9},
        {"debt MiB", BENCH_DEBT, CELL_MIB, 8},
        {"settle s", BENCH_SETTLE_S, CELL_SECONDS, 8},
        {"ops/s incl.", BENCH_SETTLED_OPS_S, CELL_COUNT, 11},
        {"stall s", BENCH_STALL_MAX, CELL_SECONDS, 7},
        {"merged/s", BENCH_MERGE_S, CELL_COUNT, 8},
    };
    print_table(set,
                "Writes, MiB (space: live table bytes over distinct user bytes; log files and "
                "preallocation apart)",
                BENCH_WRITE_AMP, columns, COUNT_OF(columns), out);
}

static void print_rest(const struct bench_set *set, FILE *out) {
    const struct column sync[] = {
        {"ops/s", BENCH_OPS_S, CELL_COUNT, 8},
        {"raw append", BENCH_RAW_APPEND, CELL_COUNT, 10},
        {"raw overwrite", BENCH_RAW_OVERWRITE, CELL_COUNT, 13},
        {"over the better", BENCH_OVER_RAW, CELL_PLAIN, 15},
    };
    const struct column cold[] = {
        {"ops/s", BENCH_OPS_S, CELL_COUNT, 8},
        {"still in memory", BENCH_RESIDENT, CELL_PLAIN, 15},
    };
    const struct column busy[] = {
        {"ops/s", BENCH_OPS_S, CELL_COUNT, 8},
        {"p99", BENCH_P99, CELL_NS, 8},
        {"p99.9", BENCH_P999, CELL_NS, 8},
        {"idle p99.9", BENCH_IDLE_P999, CELL_NS, 10},
        {"over idle", BENCH_OVER_IDLE, CELL_PLAIN, 9},
    };
    const struct column open[] = {
        {"seconds", BENCH_OPEN_S, CELL_SECONDS, 8},
        {"acknowledged", BENCH_ACKNOWLEDGED, CELL_COUNT, 12},
        {"found again", BENCH_RECOVERED, CELL_COUNT, 11},
    };
    const struct column watch[] = {
        {"pairs", BENCH_WATCH_PAIRS, CELL_COUNT, 6},
        {"lost %", BENCH_WATCH_LOST, CELL_PERCENT, 7},
        {"from", BENCH_WATCH_LOW, CELL_PERCENT, 7},
        {"to", BENCH_WATCH_HIGH, CELL_PERCENT, 7},
        {"cpu/put", BENCH_WATCH_CPU_NS, CELL_NS, 8},
        {"more %", BENCH_WATCH_CPU_LOST, CELL_PERCENT, 7},
        {"sampler %", BENCH_WATCH_SAMPLER, CELL_PERCENT, 9},
        {"watchers %", BENCH_WATCH_READERS, CELL_PERCENT, 10},
    };
    print_table(
        set,
        "Watched by 4 readers: what fillrandom lost (median of A B B A pairs, 95 % "
        "interval), the writer's\nCPU time a put, by how much that grew, and shares of a core",
        BENCH_WATCH_LOST, watch, COUNT_OF(watch), out);
    print_table(set, "Synchronous puts over the raw loop of the same minute", BENCH_OVER_RAW, sync,
                COUNT_OF(sync), out);
    print_table(set, "Gets while everything is compacted, and while nothing is", BENCH_IDLE_P999,
                busy, COUNT_OF(busy), out);
    print_table(set, "Cold reads: fraction of the files' pages that could not be dropped before",
                BENCH_RESIDENT, cold, COUNT_OF(cold), out);
    print_table(set, "Opening", BENCH_OPEN_S, open, COUNT_OF(open), out);
}

static void print_notes(const struct bench_set *set, FILE *out) {
    bool asserting = false;
    for (size_t e = 0; e < set->engine_count; e++) {
        size_t engine = set->engines[e];
        for (size_t p = 0; p < set->phase_count; p++) {
            const char *error = bench_set_error(set, engine, p);
            if (error != NULL) {
                fprintf(out, "FAILED: %s, %s: %s\n", bench_engines[engine]->name,
                        bench_phases[set->phases[p]].name, error);
            }
        }
        asserting = asserting || (set->absent[engine][0] == '\0' &&
                                  (bench_engines[engine] == &bench_engine_rocksdb ||
                                   bench_engines[engine] == &bench_engine_leveldb));
    }
    fprintf(out,
            "\nLatencies include making the key and verifying the value, as `null` shows; in "
            "walks they are\nthose of stretches of 64 entries, per entry; in cold reads medians "
            "of the rounds. 1 thread of\nfillsync is 1 put at a time.\n");
    if (asserting) {
        fprintf(out, "Debian builds RocksDB and LevelDB with their assertions on; without them "
                     "they are faster.\n");
    }
}

/* Breaks at spaces so that no line is longer than 100 columns; the later ones are indented. */
static void print_wrapped(const char *name, const char *text, FILE *out) {
    enum { WIDTH = 100, INDENT = 4 };
    size_t column = (size_t)fprintf(out, "%s:", name);
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column + 1 + word > WIDTH) {
            fprintf(out, "\n%*s", INDENT, "");
            column = INDENT;
        } else {
            fputc(' ', out);
            column++;
        }
        column += (size_t)fprintf(out, "%.*s", (int)word, text);
        text += word + strspn(text + word, " ");
    }
    fputc('\n', out);
}

void bench_print_settings(const struct bench_set *set, FILE *out) {
    const struct bench_args *a = set->args;
    fprintf(out,
            "%llu keys of %llu bytes, values of %llu bytes (half random), %llu client thread%s, "
            "seed %llu,\nreads for at least %.3g s, %llu run%s of each engine\n\n",
            (unsigned long long)a->num, (unsigned long long)a->key_size,
            (unsigned long long)a->value_size, (unsigned long long)a->threads,
            a->threads == 1 ? "" : "s", (unsigned long long)a->seed, 1e-9 * (double)a->seconds_ns,
            (unsigned long long)a->repeat, a->repeat == 1 ? "" : "s");
    for (size_t e = 0; e < set->engine_count; e++) {
        size_t engine = set->engines[e];
        const char *absent = set->absent[engine];
        if (absent[0] != '\0') {
            fprintf(out, "%s: left out: %s\n", bench_engines[engine]->name, absent);
        } else {
            print_wrapped(bench_engines[engine]->name, set->settings[engine], out);
        }
    }
}

void bench_print_tables(const struct bench_set *set, FILE *out) {
    print_speed(set, out);
    print_writes(set, out);
    print_rest(set, out);
    print_notes(set, out);
}
