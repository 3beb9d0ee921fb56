#include "bench_args.h"

#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "engine.h"
#include "micro.h"
#include "number.h"
#include "phase.h"
#include "workload.h"

enum option_type { FLAG, TEXT, COUNT, SIZE, SECONDS, FRACTION, NAMES };

struct option_row {
    const char *name; /* NULL: a heading */
    enum option_type type;
    size_t offset;
    uint64_t min, max;
    const char *range;
    const char *initial;
    const char *metavar, *help;
};

#define FIELD(member) offsetof(struct bench_args, member)
#define SECOND        1000000000ull
#define GIB           (1ull << 30)
#define KEY_RANGE     "12 to 256"
#define VALUE_RANGE   "16 to 1 MiB"

static const struct option_row rows[] = {
    {.help = "What to run"},
    {"engine", TEXT, FIELD(engine), 0, 0, NULL, NULL, "LIST",
     "engines, comma between: lsm, rocksdb, leveldb, lmdb, null (default all)"},
    {"phases", TEXT, FIELD(phases), 0, 0, NULL, NULL, "LIST",
     "phases, in the order given (default all but watch); see below"},
    {"repeat", COUNT, FIELD(repeat), 1, 1000, "1 to 1000", "1", "N",
     "runs of each engine, interleaved A B A B; medians are reported"},
    {"baseline", TEXT, FIELD(baseline), 0, 0, NULL, "lmdb", "ENGINE",
     "engine that the ratios refer to"},
    {"micro", NAMES, FIELD(micro), 0, 0, NULL, NULL, "[LIST]",
     "measure parts of the engine instead: all, or those named; see below"},
    {.help = "Workload"},
    {"num", COUNT, FIELD(num), 100, BENCH_IDS_MAX, "100 to 400,000,000", "2000000", "N",
     "keys, and operations of a phase that writes"},
    {"key-size", SIZE, FIELD(key_size), BENCH_KEY_MIN, BENCH_KEY_MAX, KEY_RANGE, "16", "BYTES",
     "size of a key"},
    {"value-size", SIZE, FIELD(value_size), BENCH_VALUE_MIN, BENCH_VALUE_MAX, VALUE_RANGE, "128",
     "BYTES", "size of a value; half of it is random"},
    {"threads", COUNT, FIELD(threads), 1, 256, "1 to 256", "1", "N", "client threads"},
    {"seconds", SECONDS, FIELD(seconds_ns), 1000000, 3600 * SECOND, "1 ms to 1 hour", "5", "N",
     "how long a phase that reads goes on at least"},
    {"seed", COUNT, FIELD(seed), 0, UINT64_MAX, "0 to 2^64 - 1", "1", "N",
     "the same seed makes the same keys in the same order"},
    {"pairs", COUNT, FIELD(pairs), 1, 1000, "1 to 1000", "20", "N",
     "watch: pairs of runs, A B B A, with and without watchers, at each interval"},
    {.help = "Engines"},
    {"memtable", SIZE, FIELD(memtable_bytes), 65536, 4 * GIB, "64 KiB to 4 GiB", "64MiB", "BYTES",
     "memtable (write buffer) of each engine that has one"},
    {"cache", SIZE, FIELD(cache_bytes), 0, 1024 * GIB, "0 to 1 TiB", "128MiB", "BYTES",
     "block cache of each engine that has one"},
    {"bloom-fpr", FRACTION, FIELD(bloom_fpr), 0, 0, "0.000001 to 0.5", "0.01", "P",
     "false positive rate of the filters of each engine that has them"},
    {"policy", TEXT, FIELD(policy), 0, 0, NULL, NULL, "LIST",
     "lsm: compaction policies leveled, tiered, lazy-leveled (default leveled); several run as\n"
     "                         engines lsm, lsm-tiered and lsm-lazy"},
    {"compression", TEXT, FIELD(compression), 0, 0, NULL, "none", "NAME",
     "none, lz4 or zstd, in the engines that have it: lsm and rocksdb"},
    {.help = "Output"},
    {"dir", TEXT, FIELD(dir), 0, 0, NULL, "/tmp", "DIR",
     "where a directory for the data is made, and removed at the end"},
    {"json", FLAG, FIELD(json), 0, 0, NULL, NULL, NULL, "print JSON instead of tables"},
    {"curve", TEXT, FIELD(curve), 0, 0, NULL, NULL, "FILE.csv",
     "run the phases at a row of sizes up to --num, throughput into FILE.csv"},
    {"help", FLAG, FIELD(help), 0, 0, NULL, NULL, NULL, "this text"},
    {"version", FLAG, FIELD(version), 0, 0, NULL, NULL, NULL, "the program's version"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* The field of a row: the offsets come from offsetof, so the alignment is the field's own. */
static void *field(struct bench_args *args, const struct option_row *row) {
    return (unsigned char *)args + row->offset;
}

static bool number(const struct option_row *row, const char *text, uint64_t *value) {
    switch (row->type) {
    case COUNT:
        return driver_parse_count(text, value);
    case SIZE:
        return driver_parse_size(text, value);
    case SECONDS:
        return driver_parse_seconds(text, value);
    case FLAG:
    case TEXT:
    case FRACTION:
    case NAMES:
        break;
    }
    return false;
}

static bool refuse(char error[256], const struct option_row *row, const char *text) {
    (void)snprintf(error, 256, "--%s: '%.60s' is not in %s", row->name, text, row->range);
    return false;
}

static bool set(struct bench_args *args, const struct option_row *row, const char *text,
                char error[256]) {
    uint64_t value;
    double fraction;
    switch (row->type) {
    case FLAG:
        *(bool *)field(args, row) = true;
        return true;
    case TEXT:
        if (text[0] == '\0') {
            (void)snprintf(error, 256, "--%s: a value is missing", row->name);
            return false;
        }
        *(const char **)field(args, row) = text;
        return true;
    case NAMES:
        args->micro = true;
        args->micro_names = text;
        return true;
    case FRACTION:
        if (!driver_parse_fraction(text, &fraction) || fraction < 0.000001 || fraction > 0.5) {
            return refuse(error, row, text);
        }
        *(double *)field(args, row) = fraction;
        return true;
    case COUNT:
    case SIZE:
    case SECONDS:
        if (!number(row, text, &value) || value < row->min || value > row->max) {
            return refuse(error, row, text);
        }
        *(uint64_t *)field(args, row) = value;
        return true;
    }
    return false;
}

static void make_options(struct option options[ROWS + 1]) {
    size_t n = 0;
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].name != NULL) {
            enum option_type type = rows[i].type;
            options[n++] = (struct option){
                .name = rows[i].name,
                .has_arg = type == FLAG    ? no_argument
                           : type == NAMES ? optional_argument
                                           : required_argument,
                .val = i,
            };
        }
    }
    options[n] = (struct option){0};
}

/* What one option alone cannot tell. */
static bool check(const struct bench_args *args, char error[256]) {
    if (bench_compression_find(args->compression) < 0) {
        (void)snprintf(error, 256, "--compression: '%.60s' is not none, lz4 or zstd",
                       args->compression);
        return false;
    }
    if (bench_engine_find(args->baseline) == NULL) {
        (void)snprintf(error, 256, "--baseline: no engine '%.60s'", args->baseline);
        return false;
    }
    return true;
}

bool bench_args_parse(int argc, char **argv, struct bench_args *args, char error[256]) {
    struct option options[ROWS + 1];
    *args = (struct bench_args){0};
    for (int i = 0; i < ROWS; i++) {
        if (rows[i].initial != NULL && !set(args, &rows[i], rows[i].initial, error)) {
            return false;
        }
    }
    make_options(options);
    opterr = 0;
    optind = 0;
    for (;;) {
        int index = optind == 0 ? 1 : optind;
        int c = getopt_long(argc, argv, "h", options, NULL);
        if (c == -1) {
            break;
        }
        if (c == 'h') {
            args->help = true;
        } else if (c == '?') {
            (void)snprintf(error, 256, "unknown option, or its value is missing: '%.60s'",
                           index < argc ? argv[index] : "");
            return false;
        } else {
            const char *text = optarg;
            if (rows[c].type == NAMES && text == NULL && optind < argc && argv[optind][0] != '-') {
                text = argv[optind++]; /* "--micro a,b" as well as "--micro=a,b" */
            }
            if (!set(args, &rows[c], text, error)) {
                return false;
            }
        }
    }
    if (optind < argc) {
        (void)snprintf(error, 256, "'%.60s' is not an option", argv[optind]);
        return false;
    }
    return args->help || args->version || check(args, error);
}

void bench_args_help(FILE *out) {
    fprintf(out, "Usage: lsm-bench [OPTIONS]\n\n"
                 "Runs one workload on several storage engines, one process each, and compares.\n");
    for (int i = 0; i < ROWS; i++) {
        const struct option_row *row = &rows[i];
        if (row->name == NULL) {
            fprintf(out, "\n%s:\n", row->help);
            continue;
        }
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->metavar != NULL ? " " : "",
                       row->metavar != NULL ? row->metavar : "");
        fprintf(out, "  %-22s %s", left, row->help);
        if (row->range != NULL && row->initial != NULL) {
            fprintf(out, " (%s; default %s)", row->range, row->initial);
        } else if (row->initial != NULL) {
            fprintf(out, " (default %s)", row->initial);
        }
        fputc('\n', out);
    }
    fprintf(out, "\nPhases:\n");
    for (size_t i = 0; i < bench_phase_count; i++) {
        fprintf(out, "  %-22s %s\n", bench_phases[i].name, bench_phases[i].help);
    }
    fprintf(out, "ycsb and watch each stand for all phases whose names begin so.\n");
    fprintf(out, "\nParts that --micro measures:\n");
    for (size_t i = 0; i < bench_micro_count; i++) {
        fprintf(out, "  %-22s %s\n", bench_micros[i].name, bench_micros[i].help);
    }
}

size_t bench_args_split(const char *list, char *text, size_t room, const char *names[]) {
    size_t count = 0;
    if ((size_t)snprintf(text, room, "%s", list) >= room) {
        return 0;
    }
    for (char *next = text; next != NULL;) {
        char *name = next;
        next = strchr(name, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (name[0] == '\0' || count == BENCH_LIST_MAX) {
            return 0;
        }
        names[count++] = name;
    }
    return count;
}
