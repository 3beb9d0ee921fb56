/* args_table.c: the one table of options. */
#include "driver_args.h"

#include "lsm.h"

#define NS   1000000000ull
#define YEAR (366ull * 86400 * NS)

static const struct driver_choice dist_choices[] = {{"uniform", DIST_UNIFORM},
                                                    {"zipf", DIST_ZIPF},
                                                    {"sequential", DIST_SEQUENTIAL},
                                                    {"latest", DIST_LATEST},
                                                    {NULL, 0}};
static const struct driver_choice durability_choices[] = {
    {"buffered", LSM_BUFFERED}, {"process", LSM_PROCESS}, {"sync", LSM_SYNC}, {NULL, 0}};
static const struct driver_choice policy_choices[] = {{"leveled", LSM_LEVELED},
                                                      {"tiered", LSM_TIERED},
                                                      {"lazy-leveled", LSM_LAZY_LEVELED},
                                                      {NULL, 0}};
static const struct driver_choice compression_choices[] = {{"none", LSM_COMPRESSION_NONE},
                                                           {"lz4", LSM_COMPRESSION_LZ4},
                                                           {"zstd", LSM_COMPRESSION_ZSTD},
                                                           {NULL, 0}};
static const struct driver_choice backend_choices[] = {
    {"auto", LSM_IO_AUTO}, {"uring", LSM_IO_URING}, {"posix", LSM_IO_POSIX}, {NULL, 0}};

#define FIELD(member) offsetof(struct driver_args, member)
#define HEADING(text)                                                                              \
    { .help = text }
#define FLAG(option, member, text)                                                                 \
    { .name = option, .type = ARG_FLAG, .offset = FIELD(member), .help = text }
#define TEXT(option, member, value, meta, text)                                                    \
    {                                                                                              \
        .name = option, .type = ARG_TEXT, .offset = FIELD(member), .initial = value,               \
        .metavar = meta, .help = text                                                              \
    }
#define NUMBER(option, kind, member, lo, hi, words, value, meta, text)                             \
    {                                                                                              \
        .name = option, .type = kind, .offset = FIELD(member), .min = lo, .max = hi,               \
        .range = words, .initial = value, .metavar = meta, .help = text                            \
    }
#define RATE(option, member, value, text)                                                          \
    {                                                                                              \
        .name = option, .type = ARG_RATE, .offset = FIELD(member), .max = 1000000000000ull,        \
        .range = "0 to 1,000,000,000 a second, or max", .initial = value, .metavar = "N|max",      \
        .help = text                                                                               \
    }
#define CHOICE(option, member, list, value, meta, text)                                            \
    {                                                                                              \
        .name = option, .type = ARG_CHOICE, .offset = FIELD(member), .initial = value,             \
        .metavar = meta, .help = text, .choices = list                                             \
    }

const struct driver_arg driver_arg_table[] = {
    HEADING("Engine"),
    TEXT("data-dir", data_dir, "/tmp/lsm_demo", "DIR",
         "the database: created, or continued when there is one"),
    FLAG("fresh", fresh, "delete the database in --data-dir first; never anything else"),
    FLAG("async-compaction", async_compaction,
         "flush and compact in background threads, not in the writer's"),
    NUMBER("memtable-max-bytes", ARG_SIZE, memtable_bytes, 4096, 4ull << 30, "4 KiB to 4 GiB",
           "1000000", "BYTES", "memtable size at which it is flushed"),
    NUMBER("sstable-max-bytes", ARG_SIZE, table_bytes, 4096, 4ull << 30, "4 KiB to 4 GiB",
           "8000000", "BYTES", "table size at which compaction begins the next one"),
    NUMBER("bloom-fpr", ARG_FRACTION, bloom_fpr, 0, 0, "0 for no filter, or 0.000001 to 0.5",
           "0.01", "P", "false positive rate of the bloom filters"),
    NUMBER("max-levels", ARG_COUNT, max_levels, 2, LSM_LEVELS_MAX, "2 to 8", "6", "N",
           "levels of the tree, L0 counted"),
    NUMBER("l0-trigger", ARG_COUNT, l0_trigger, 1, 200, "1 to 200", "4", "N",
           "tables in L0 that start a compaction"),
    NUMBER("level-ratio", ARG_COUNT, level_ratio, 2, 100, "2 to 100", "10", "N",
           "how much larger each level is than the one above"),
    CHOICE("policy", policy, policy_choices, "leveled", "NAME",
           "what is merged when: leveled, tiered or lazy-leveled"),
    NUMBER("compaction-rate", ARG_SIZE, compaction_rate, 0, 1ull << 40, "0 to 1 TiB", "0", "BYTES",
           "a second that background compactions read and write at most; 0 is no limit"),
    CHOICE("compression", compression, compression_choices, "none", "NAME",
           "how blocks of tables are stored: none, lz4 or zstd"),
    FLAG("wal-flush-every-write", wal_flush_every_write,
         "flush the log to the device for every write: --durability sync"),
    CHOICE("durability", durability, durability_choices, "process", "LEVEL",
           "what a write survives: buffered, process (kill -9) or sync (power loss)"),
    NUMBER("tombstone-retention-seconds", ARG_COUNT, tombstone_retention_s, 0, 3153600000ull,
           "0 to 3,153,600,000", "86400", "N", "how long deletes are remembered at least"),
    CHOICE("io-backend", io_backend, backend_choices, "auto", "NAME",
           "auto, uring or posix; auto takes io_uring where the kernel allows it"),
    HEADING("Workload (rates per second; 2.5k and 1M are understood, max is unpaced)"),
    NUMBER("duration-seconds", ARG_SECONDS, duration_ns, 1000000, YEAR, "1 ms to 366 days", "60",
           "N", "length of the run; 90s, 5m and 2h are understood"),
    RATE("write-rate", rate_milli[KIND_PUT], "2000", "puts"),
    RATE("read-rate", rate_milli[KIND_GET], "0", "gets"),
    RATE("delete-rate", rate_milli[KIND_DELETE], "0", "deletes"),
    RATE("scan-rate", rate_milli[KIND_SCAN], "0", "scans: one seek and up to 50 steps"),
    NUMBER("key-space-size", ARG_COUNT, key_space, 1, 1000000000000ull, "1 to 10^12", "100000", "N",
           "number of distinct keys"),
    NUMBER("value-size-bytes", ARG_SIZE, value_bytes, 0, LSM_VALUE_MAX, "0 to 64 MiB", "128",
           "BYTES", "size of each value; half of it is random"),
    CHOICE("key-dist", key_dist, dist_choices, "uniform", "NAME",
           "uniform, zipf, sequential or latest"),
    NUMBER("zipf-skew", ARG_FRACTION, zipf_skew, 0, 0, "0.01 to 5", "0.99", "THETA",
           "skew of zipf and latest"),
    NUMBER("threads", ARG_COUNT, threads, 1, 256, "1 to 256", "1", "N",
           "worker threads; each rate is split evenly among them"),
    NUMBER("seed", ARG_COUNT, seed, 0, UINT64_MAX, "0 to 2^64 - 1", "42", "N",
           "same seed, same keys and values"),
    FLAG("load", load, "fill an empty database with the key space before the clock starts"),
    TEXT("preset", preset, NULL, "NAME", "a ready-made workload, see below; other options win"),
    HEADING("Watching"),
    NUMBER("sample-ms", ARG_MILLIS, sample_ns, 1000000, 3600 * NS, "1 to 3,600,000", "500", "N",
           "sampling interval"),
    {.name = "out-csv",
     .type = ARG_CSV,
     .offset = FIELD(out_csv),
     .metavar = "[FILE]",
     .help = "also write the samples as CSV (without FILE: " DRIVER_DEFAULT_CSV ")"},
    TEXT("record", record, NULL, "FILE.lsr",
         "record the run: samples, events, latencies and the tree"),
    TEXT("name", name, "demo", "NAME", "segment name that observers attach to"),
    {.name = "history",
     .type = ARG_HISTORY,
     .offset = 0,
     .min = 16,
     .max = 1u << 20,
     .range = "16 to 1,048,576 samples",
     .metavar = "N|TIME",
     .help = "how far back late observers see: samples, or a time such as 2h"},
    FLAG("linger", linger, "leave the segment readable after the end (lsm-ls --clean frees it)"),
    TEXT("markers-from", markers_from, NULL, "FILE|-",
         "each line that arrives becomes a named marker (a terminal's lines always do)"),
    FLAG("explain", explain, "after the run, say in a few sentences what happened"),
    FLAG("quiet", quiet, "only the summary and errors"),
    HEADING("Other"),
    FLAG("help", help, "this text"),
    FLAG("version", version, "the version"),
};
const size_t driver_arg_count = sizeof driver_arg_table / sizeof driver_arg_table[0];
_Static_assert(sizeof driver_arg_table / sizeof driver_arg_table[0] <= 64,
               "args.given has a bit each");

static const char *choice_name(const struct driver_choice *choices, unsigned value) {
    for (; choices->name != NULL; choices++) {
        if (choices->value == value) {
            return choices->name;
        }
    }
    return "?";
}

const char *driver_dist_name(unsigned dist) {
    return choice_name(dist_choices, dist);
}

const char *driver_durability_name(unsigned durability) {
    return choice_name(durability_choices, durability);
}
