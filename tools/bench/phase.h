/* phase.h: the phases: what they do, in which state they want the database, what they report.
 *
 * A phase runs in the engine's own process (worker.h) and fills a result: numbers by name, NAN
 * where a number does not apply. Threads: one, which starts the clients (client.h). */
#ifndef BENCH_PHASE_H
#define BENCH_PHASE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(symbol, name in JSON, unit): ops are operations, a batch of keys counts each key. */
#define BENCH_METRICS(X)                                                                           \
    X(OPS, "ops", "operations")                                                                    \
    X(SECONDS, "seconds", "s")                                                                     \
    X(OPS_S, "ops_per_s", "1/s")                                                                   \
    X(P50, "p50_ns", "ns")                                                                         \
    X(P99, "p99_ns", "ns")                                                                         \
    X(P999, "p999_ns", "ns")                                                                       \
    X(MAX, "max_ns", "ns")                                                                         \
    X(CPU_S, "cpu_s", "s, of the phase and of what it left to settle")                             \
    X(ANON, "anonymous_peak_bytes", "bytes")                                                       \
    X(MAPPED, "mapped_peak_bytes", "bytes")                                                        \
    X(USER, "user_bytes", "bytes of keys and values written")                                      \
    X(WRITTEN, "written_bytes", "bytes sent to the disk, log included")                            \
    X(WAL_WRITTEN, "wal_written_bytes", "bytes of log among them")                                 \
    X(WRITE_AMP, "write_amplification", "written over user")                                       \
    X(WRITE_AMP_TABLES, "write_amplification_without_wal", "without the log")                      \
    X(SPACE_AMP, "space_amplification", "live table bytes over distinct user bytes")               \
    X(TABLES, "table_bytes", "bytes")                                                              \
    X(WAL_FILES, "wal_file_bytes", "bytes of log and preallocation on disk")                       \
    X(SETTLE_S, "settle_s", "s")                                                                   \
    X(DEBT, "debt_bytes", "bytes to compact at the end of the fill")                               \
    X(SETTLED_OPS_S, "ops_per_s_settled", "1/s over fill and settle")                              \
    X(STALL_MAX, "stall_max_s", "s, longest wait for background work")                             \
    X(RAW_APPEND, "raw_append_per_s", "1/s")                                                       \
    X(RAW_OVERWRITE, "raw_overwrite_per_s", "1/s")                                                 \
    X(OVER_RAW, "over_raw", "ops over the better raw loop")                                        \
    X(IDLE_P999, "idle_p999_ns", "ns, of gets while nothing runs")                                 \
    X(OVER_IDLE, "over_idle", "p99.9 while everything is compacted over p99.9 while nothing is")   \
    X(MERGE_S, "merged_entries_per_s", "1/s, entries that compactions read, over their time")      \
    X(RESIDENT, "resident_before", "fraction of the files in the page cache")                      \
    X(OPEN_S, "open_s", "s")                                                                       \
    X(ACKNOWLEDGED, "acknowledged", "writes before the kill")                                      \
    X(RECOVERED, "recovered", "of them found again")                                               \
    X(CLIENT_CPU, "client_cpu_ns", "ns of the clients' CPU time, an operation")                    \
    X(WATCH_LOST, "watched_lost", "fraction of the rate that watched runs lost")                   \
    X(WATCH_LOW, "watched_lost_low", "of its 95 % interval")                                       \
    X(WATCH_HIGH, "watched_lost_high", "of its 95 % interval")                                     \
    X(WATCH_CPU_NS, "unwatched_put_cpu_ns", "ns of the writer's CPU time, a put")                  \
    X(WATCH_CPU_LOST, "watched_put_cpu_more", "fraction by which that grew, watched")              \
    X(WATCH_SAMPLER, "sampler_cpu", "fraction of a core")                                          \
    X(WATCH_READERS, "watchers_cpu", "fraction of a core, all of them")                            \
    X(WATCH_PAIRS, "pairs", "pairs of runs, A B B A")

enum bench_metric {
#define ENUM(symbol, name, unit) BENCH_##symbol,
    BENCH_METRICS(ENUM)
#undef ENUM
        BENCH_METRIC_COUNT
};
struct bench_metric_info {
    const char *name, *unit;
};
extern const struct bench_metric_info bench_metrics[BENCH_METRIC_COUNT];

/* Instead of a phase: `error` says why the engine is left out, or holds its settings. */
#define BENCH_RESULT_ABSENT   UINT32_MAX
#define BENCH_RESULT_SETTINGS (UINT32_MAX - 1)

/* Crosses a pipe in one write: smaller than PIPE_BUF. */
struct bench_result {
    uint32_t phase;  /* index into bench_phases */
    uint32_t order;  /* place among the phases that were asked for */
    uint32_t engine; /* index into bench_engines */
    uint32_t repeat;
    double value[BENCH_METRIC_COUNT];
    char error[512]; /* "": it ran through */
};

static inline void bench_result_clear(struct bench_result *result) {
    for (int i = 0; i < BENCH_METRIC_COUNT; i++) {
        result->value[i] = NAN;
    }
    result->error[0] = '\0';
}

struct bench_run; /* worker.h */

enum bench_need {
    NEED_NOTHING, /* makes what it wants itself; the database is closed meanwhile */
    NEED_EMPTY,   /* a fresh database */
    NEED_FULL,    /* every key there, settled */
    NEED_OPEN,    /* as it is */
};

struct bench_phase {
    const char *name;
    const char *group; /* a name for several phases; NULL none */
    const char *help;
    enum bench_need need;
    bool spoils; /* afterwards not every key is there */
    bool on_request;
    bool own_engine_only;
    bool disk; /* says nothing of an engine that keeps nothing */
    /* 0, or BENCH_FAILED with words in result->error. */
    int (*run)(struct bench_run *run, struct bench_result *result);
};
extern const struct bench_phase bench_phases[];
extern const size_t bench_phase_count;

int bench_phase_fillseq(struct bench_run *run, struct bench_result *result);
int bench_phase_fillrandom(struct bench_run *run, struct bench_result *result);
int bench_phase_overwrite(struct bench_run *run, struct bench_result *result);
int bench_phase_settle(struct bench_run *run, struct bench_result *result);
int bench_phase_mixed(struct bench_run *run, struct bench_result *result);
int bench_phase_deleterandom(struct bench_run *run, struct bench_result *result);

int bench_phase_readrandom(struct bench_run *run, struct bench_result *result);
int bench_phase_readmissing(struct bench_run *run, struct bench_result *result);
int bench_phase_multireadrandom(struct bench_run *run, struct bench_result *result);
int bench_phase_seekrandom(struct bench_run *run, struct bench_result *result);
int bench_phase_readseq(struct bench_run *run, struct bench_result *result);
int bench_phase_readreverse(struct bench_run *run, struct bench_result *result);

int bench_phase_readcompact(struct bench_run *run, struct bench_result *result);

int bench_phase_coldread(struct bench_run *run, struct bench_result *result);
int bench_phase_coldmulti(struct bench_run *run, struct bench_result *result);
int bench_phase_reopen(struct bench_run *run, struct bench_result *result);
int bench_phase_crashreopen(struct bench_run *run, struct bench_result *result);

int bench_phase_fillsync(struct bench_run *run, struct bench_result *result);
int bench_phase_fillsync8(struct bench_run *run, struct bench_result *result);

int bench_phase_watch250(struct bench_run *run, struct bench_result *result);
int bench_phase_watch10(struct bench_run *run, struct bench_result *result);

int bench_phase_ycsb_a(struct bench_run *run, struct bench_result *result);
int bench_phase_ycsb_b(struct bench_run *run, struct bench_result *result);
int bench_phase_ycsb_c(struct bench_run *run, struct bench_result *result);
int bench_phase_ycsb_d(struct bench_run *run, struct bench_result *result);
int bench_phase_ycsb_e(struct bench_run *run, struct bench_result *result);
int bench_phase_ycsb_f(struct bench_run *run, struct bench_result *result);

#endif
