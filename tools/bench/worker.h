/* worker.h: one engine in a process of its own, going through the phases.
 *
 * Threads:    a run belongs to the worker's main thread; clients (client.h) read it. */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <sys/types.h>

#include "bench_args.h"
#include "engine.h"
#include "phase.h"
#include "sampler.h"

enum bench_state { STATE_EMPTY, STATE_FULL, STATE_SPOILT };

struct bench_run {
    const struct bench_args *args;
    const struct bench_engine *engine;
    struct bench_setup setup;
    void *db; /* NULL: closed */
    enum bench_state state;
    char dir[512]; /* the engine's, below the run's directory */
    struct bench_sampler *sampler;
    bool cold;           /* the files are not all in the page cache */
    uint64_t generation; /* of the next values */
    uint64_t rounds;     /* of random streams used so far: no phase repeats another's */
    double user_since_fill, written_since_fill, wal_since_fill; /* for the settle phase */
    struct bench_watchers *watchers;                            /* watchers.h; NULL: not needed */
    struct bench_crasher *crasher;                              /* crash.h; NULL: not needed */
};

/* What a worker is to do, and where its results go (struct bench_result each). */
struct bench_job {
    const struct bench_args *args;
    size_t engine;        /* index */
    const size_t *phases; /* indices, in the order to run */
    size_t phase_count;
    uint32_t repeat;
    const char *dir; /* exists; removed by the caller */
    int results;     /* descriptor */
};
/* Runs in a forked child; returns its exit status: 0, or 3 when the engine is left out. The first
 * message tells its settings, or why it is left out. */
int bench_worker(const struct bench_job *job);

/* ---- for phases ---- */

/* Opens run->dir with run->setup. A failure is told in result->error. */
int bench_run_open(struct bench_run *run, struct bench_result *result);
void bench_run_close(struct bench_run *run);
/* Empties the directory. REQUIRES: closed. */
void bench_run_wipe(struct bench_run *run);
/* Waits until background work is done; the seconds that took. */
double bench_run_settle(struct bench_run *run);
int bench_fail(struct bench_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
