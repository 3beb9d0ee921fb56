#include "worker.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "crash.h"
#include "files.h"
#include "watchers.h"
#include "workload.h"

int bench_fail(struct bench_result *result, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result->error, sizeof result->error, format, arguments);
    va_end(arguments);
    return BENCH_FAILED;
}

int bench_run_open(struct bench_run *run, struct bench_result *result) {
    run->setup.error[0] = '\0';
    run->db = run->engine->open(&run->setup);
    if (run->db == NULL) {
        return bench_fail(result, "open: %.200s", run->setup.error);
    }
    return BENCH_OK;
}

void bench_run_close(struct bench_run *run) {
    if (run->db != NULL) {
        run->engine->close(run->db);
        run->db = NULL;
    }
}

void bench_run_wipe(struct bench_run *run) {
    (void)bench_files_remove(run->dir, false);
    run->state = STATE_EMPTY;
    run->user_since_fill = run->written_since_fill = run->wal_since_fill = 0;
}

/* Three tenths of a second with less than 2 % of a core used count as idle, and are not counted. */
static double fall_idle(void) {
    enum { STEPS = 3 };
    struct timespec pause = {.tv_nsec = 100000000};
    uint64_t begin = bench_monotonic_ns();
    double before = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
    for (int quiet = 0; quiet < STEPS;) {
        (void)nanosleep(&pause, NULL);
        double now = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
        quiet = now - before < 0.002 ? quiet + 1 : 0;
        before = now;
    }
    double waited = 1e-9 * (double)(bench_monotonic_ns() - begin) - 0.1 * STEPS;
    return waited > 0.01 ? waited : 0;
}

double bench_run_settle(struct bench_run *run) {
    if (run->engine->settle == NULL) {
        return fall_idle();
    }
    uint64_t begin = bench_monotonic_ns();
    if (run->engine->settle(run->db) != BENCH_OK) {
        return NAN;
    }
    return 1e-9 * (double)(bench_monotonic_ns() - begin);
}

/* Brings the database into the state that the phase wants. What it does is not measured. */
static int prepare(struct bench_run *run, const struct bench_phase *phase,
                   struct bench_result *result) {
    struct bench_result unmeasured;
    if (phase->need == NEED_NOTHING) {
        bench_run_close(run);
        return BENCH_OK;
    }
    if (phase->need == NEED_EMPTY || (phase->need == NEED_FULL && run->state != STATE_FULL)) {
        bench_run_close(run);
        bench_run_wipe(run);
    }
    if (run->db == NULL && bench_run_open(run, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    if (run->cold && phase->need == NEED_FULL) {
        bench_files_warm(run->dir);
        run->cold = false;
    }
    if (phase->need == NEED_FULL && run->state != STATE_FULL) {
        bench_result_clear(&unmeasured);
        if (bench_phase_fillrandom(run, &unmeasured) != BENCH_OK) {
            return bench_fail(result, "filling it first: %.200s", unmeasured.error);
        }
    }
    return BENCH_OK;
}

static void run_phase(struct bench_run *run, const struct bench_phase *phase,
                      struct bench_result *result) {
    struct bench_usage usage;
    if (prepare(run, phase, result) != BENCH_OK) {
        return;
    }
    run->generation++;
    bench_sampler_begin(run->sampler);
    if (phase->run(run, result) != BENCH_OK) {
        return;
    }
    bench_sampler_read(run->sampler, &usage);
    if (!phase->own_engine_only) { /* watch: what rests between the legs is no cost of theirs */
        result->value[BENCH_CPU_S] = usage.cpu_s;
        result->value[BENCH_ANON] = usage.anon_peak;
        result->value[BENCH_MAPPED] = usage.mapped_peak;
    }
    if (isnan(result->value[BENCH_WRITTEN])) {
        result->value[BENCH_WRITTEN] = usage.written;
    }
    if (phase->spoils) {
        run->state = STATE_SPOILT;
    }
}

static bool send_result(const struct bench_job *job, const struct bench_result *result) {
    return write(job->results, result, sizeof *result) == (ssize_t)sizeof *result;
}

/* Helpers are forked before there are threads or libraries, and only when a phase wants them. */
static void start_helpers(struct bench_run *run, const struct bench_job *job) {
    for (size_t i = 0; i < job->phase_count; i++) {
        const struct bench_phase *phase = &bench_phases[job->phases[i]];
        if (phase->run == bench_phase_crashreopen && run->crasher == NULL) {
            run->crasher = bench_crasher_start(run->engine, &run->setup);
        }
        if (phase->own_engine_only && run->engine == &bench_engine_lsm && run->watchers == NULL) {
            run->watchers = bench_watchers_start();
        }
    }
}

static void stop_helpers(struct bench_run *run) {
    bench_crasher_stop(run->crasher);
    bench_watchers_stop(run->watchers);
}

static bool set_up(struct bench_run *run, const struct bench_job *job) {
    const struct bench_args *args = job->args;
    run->args = args;
    run->engine = bench_engines[job->engine];
    (void)snprintf(run->dir, sizeof run->dir, "%s/%s", job->dir, run->engine->name);
    run->setup = (struct bench_setup){
        .dir = run->dir,
        .memtable_bytes = args->memtable_bytes,
        .cache_bytes = args->cache_bytes,
        .bloom_fpr = args->bloom_fpr,
        .compression = (enum bench_compression)bench_compression_find(args->compression),
        .data_bytes = args->num * (args->key_size + args->value_size),
        .threads = args->threads,
    };
    if (mkdir(run->dir, 0700) != 0) {
        return false;
    }
    start_helpers(run, job);
    return true;
}

static void run_phases(struct bench_run *run, const struct bench_job *job) {
    for (size_t i = 0; i < job->phase_count; i++) {
        const struct bench_phase *phase = &bench_phases[job->phases[i]];
        struct bench_result result = {.phase = (uint32_t)job->phases[i],
                                      .order = (uint32_t)i,
                                      .engine = (uint32_t)job->engine,
                                      .repeat = job->repeat};
        if ((phase->own_engine_only && run->engine != &bench_engine_lsm) ||
            (phase->disk && run->engine == &bench_engine_null)) {
            continue;
        }
        bench_result_clear(&result);
        run_phase(run, phase, &result);
        if (!send_result(job, &result)) {
            return; /* the parent is gone */
        }
    }
}

static int refuse(const struct bench_job *job, struct bench_run *run,
                  struct bench_result *message) {
    stop_helpers(run);
    message->phase = BENCH_RESULT_ABSENT;
    (void)send_result(job, message);
    return 3;
}

int bench_worker(const struct bench_job *job) {
    struct bench_run run = {0};
    struct bench_result message = {.engine = (uint32_t)job->engine, .repeat = job->repeat};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    bench_result_clear(&message);
    if (!set_up(&run, job)) {
        (void)bench_fail(&message, "%.200s cannot be made", run.dir);
        return refuse(job, &run, &message);
    }
    if (!run.engine->load(message.error)) {
        return refuse(job, &run, &message);
    }
    run.sampler = bench_sampler_start(run.dir, run.engine->wal_suffix);
    if (run.sampler == NULL) {
        (void)bench_fail(&message, "no thread to be had");
        return refuse(job, &run, &message);
    }
    message.phase = BENCH_RESULT_SETTINGS;
    run.engine->describe(&run.setup, message.error, sizeof message.error);
    if (send_result(job, &message)) {
        run_phases(&run, job);
    }
    bench_run_close(&run);
    bench_sampler_stop(run.sampler);
    stop_helpers(&run);
    return 0;
}
