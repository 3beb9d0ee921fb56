/* phases.c: the list of phases, in the order in which they run. */
#include "phase.h"

#define PHASE(function, state, words)                                                              \
    { .name = #function, .help = words, .need = state, .run = bench_phase_##function }

#define DISK_PHASE(function, state, words)                                                         \
    { .name = #function, .help = words, .need = state, .disk = true, .run = bench_phase_##function }

#define YCSB_PHASE(function, state, words)                                                         \
    {                                                                                              \
        .name = #function, .group = "ycsb", .help = words, .need = state,                          \
        .run = bench_phase_##function                                                              \
    }
#define WATCH_PHASE(function, words)                                                               \
    {                                                                                              \
        .name = #function, .group = "watch", .help = words, .need = NEED_NOTHING,                  \
        .on_request = true, .own_engine_only = true, .run = bench_phase_##function                 \
    }

const struct bench_phase bench_phases[] = {
    PHASE(fillseq, NEED_EMPTY, "puts every key, in order, into an empty database"),
    PHASE(fillrandom, NEED_EMPTY, "puts every key once, in random order, into an empty database"),
    PHASE(overwrite, NEED_FULL, "puts random keys again"),
    DISK_PHASE(settle, NEED_OPEN,
               "waits until background work is done; reports the amplifications"),
    PHASE(readrandom, NEED_FULL, "gets random keys, all there"),
    PHASE(readmissing, NEED_FULL, "gets keys that are absent, among those that are there"),
    PHASE(multireadrandom, NEED_FULL, "gets random keys 64 at once, where the engine can"),
    PHASE(seekrandom, NEED_FULL, "seeks a random key and makes 10 steps"),
    PHASE(readseq, NEED_FULL, "reads everything forwards"),
    PHASE(readreverse, NEED_FULL, "reads everything backwards"),
    PHASE(mixed, NEED_FULL, "puts and gets of random keys, half and half"),
    YCSB_PHASE(ycsb_a, NEED_FULL, "YCSB A: half gets, half puts, zipfian"),
    YCSB_PHASE(ycsb_b, NEED_FULL, "YCSB B: 95 % gets, 5 % puts, zipfian"),
    YCSB_PHASE(ycsb_c, NEED_FULL, "YCSB C: gets, zipfian"),
    YCSB_PHASE(ycsb_d, NEED_FULL, "YCSB D: 95 % gets of the latest, 5 % new keys"),
    YCSB_PHASE(ycsb_e, NEED_FULL, "YCSB E: 95 % scans of up to 100 entries, 5 % new keys"),
    YCSB_PHASE(ycsb_f, NEED_FULL, "YCSB F: half gets, half read-modify-writes, zipfian"),
    DISK_PHASE(readcompact, NEED_FULL,
               "gets while everything is compacted after a quarter was written again, then idle"),
    DISK_PHASE(coldread, NEED_FULL,
               "gets with nothing of the files in memory, one after the other"),
    DISK_PHASE(coldmulti, NEED_FULL, "the same 64 at once"),
    DISK_PHASE(reopen, NEED_FULL, "closes and opens"),
    {.name = "deleterandom",
     .help = "deletes half of the keys, in random order",
     .need = NEED_FULL,
     .spoils = true,
     .run = bench_phase_deleterandom},
    DISK_PHASE(fillsync, NEED_NOTHING,
               "1 thread puts, each on the device first; the raw loop before it"),
    DISK_PHASE(fillsync8, NEED_NOTHING, "the same with 8 threads"),
    DISK_PHASE(crashreopen, NEED_NOTHING,
               "kill -9 with an almost full memtable, then open and count"),
    WATCH_PHASE(watch250, "lsm: what 4 watchers cost, samples every 250 ms (watch: both)"),
    WATCH_PHASE(watch10, "lsm: the same with samples every 10 ms"),
};
const size_t bench_phase_count = sizeof bench_phases / sizeof bench_phases[0];

const struct bench_metric_info bench_metrics[BENCH_METRIC_COUNT] = {
#define INFO(symbol, name, unit) {name, unit},
    BENCH_METRICS(INFO)
#undef INFO
};
