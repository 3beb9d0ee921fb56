/* phase_watch.c: what watchers cost the writer.
 *
 * A leg is fillrandom into a fresh database that publishes; with watchers or without. Two legs of
 * each, A B B A, are one value: what drifts over minutes falls on both alike. What a leg leaves to
 * the next is kept from it, see host_memory.h: before that, every second or third leg took 0.8
 * instead of 0.6 s, just those in which the kernel had reported 200 MB, and 20 values gave a median
 * to within 10 %; since, to within 3 %. The report is the median of the values, with the interval
 * in which the true median lies with 95 % confidence: an interval around zero says that nothing was
 * to be seen. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"
#include "engine_lsm.h"
#include "host_memory.h"
#include "publish.h"
#include "watchers.h"

#define REST_NS UINT64_C(2300000000) /* longer than a kernel waits before it reports free memory */

/* Seconds of a leg, or of several together. */
struct leg {
    double wall;
    double writer; /* CPU of the writer's thread */
    double sampler;
    double watchers; /* together */
};

static int step_put(struct bench_client *client) {
    return bench_client_put(client, bench_permute(client->next, 1)) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int drive_leg(struct bench_run *run, struct lsm_publish *publish, const char *name,
                     bool watched, struct leg *leg, struct bench_result *result) {
    struct bench_drive drive = {.step = step_put, .steps = bench_workload.num, .threads = 1};
    double watchers_cpu = 0;
    double records = 0;
    if (watched && !bench_watchers_attach(run->watchers, name)) {
        return bench_fail(result, "a watcher cannot attach");
    }
    double sampler = (double)lsm_publish_cpu_ns(publish);
    double cpu = bench_cpu_s(CLOCK_THREAD_CPUTIME_ID);
    int status = bench_drive(run, &drive, result);
    cpu = bench_cpu_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
    sampler = (double)lsm_publish_cpu_ns(publish) - sampler;
    if (watched && !bench_watchers_detach(run->watchers, &watchers_cpu, &records)) {
        return bench_fail(result, "a watcher does not answer");
    }
    double seconds = result->value[BENCH_SECONDS];
    /* The first sample, at least, is there at once. */
    if (watched && status == BENCH_OK && seconds > 0.2 && records < BENCH_WATCHERS) {
        return bench_fail(result, "the watchers saw nothing");
    }
    leg->wall += seconds;
    leg->writer += cpu;
    leg->sampler += 1e-9 * sampler;
    leg->watchers += watchers_cpu;
    return status;
}

/* A fill takes as much as its log, its tables and its memtables. */
static void rest(const struct bench_run *run) {
    const struct bench_setup *setup = &run->setup;
    (void)bench_host_memory_hold(2 * setup->data_bytes + 4 * setup->memtable_bytes, REST_NS);
}

static int run_leg(struct bench_run *run, uint64_t interval_ns, bool watched, struct leg *leg,
                   struct bench_result *result) {
    char name[40];
    struct lsm_publish *publish;
    struct scope_error_detail error;
    struct lsm_publish_options options = lsm_publish_options_default();
    (void)snprintf(name, sizeof name, "lsm-bench-%ld", (long)getpid());
    options.sample_interval_ns = interval_ns;
    bench_run_close(run);
    bench_run_wipe(run);
    rest(run);
    if (bench_run_open(run, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    if (lsm_publish_start(bench_engine_lsm_db(run->db), name, &options, &publish, &error) != 0) {
        return bench_fail(result, "publish: %.200s", error.text);
    }
    int status = drive_leg(run, publish, name, watched, leg, result);
    lsm_publish_stop(publish);
    return status;
}

struct series {
    double *lost, *cpu_lost, *cpu, *sampler, *watchers; /* a value a pair */
};

static void report(struct series *s, size_t pairs, struct bench_result *result) {
    bench_result_clear(result);
    double *value = result->value;
    value[BENCH_WATCH_LOST] = bench_median(s->lost, pairs);
    bench_median_interval(s->lost, pairs, &value[BENCH_WATCH_LOW], &value[BENCH_WATCH_HIGH]);
    value[BENCH_WATCH_CPU_LOST] = bench_median(s->cpu_lost, pairs);
    value[BENCH_WATCH_CPU_NS] = bench_median(s->cpu, pairs);
    value[BENCH_WATCH_SAMPLER] = bench_median(s->sampler, pairs);
    value[BENCH_WATCH_READERS] = bench_median(s->watchers, pairs);
    value[BENCH_WATCH_PAIRS] = (double)pairs;
}

static int watch_pairs(struct bench_run *run, uint64_t interval_ns, struct series *s,
                       struct bench_result *result) {
    static const bool order[] = {false, true, true, false};
    size_t pairs = (size_t)run->args->pairs;
    for (size_t i = 0; i < pairs; i++) {
        struct leg alone = {0};
        struct leg watched = {0};
        for (size_t j = 0; j < sizeof order / sizeof order[0]; j++) {
            struct leg *leg = order[j] ? &watched : &alone;
            if (run_leg(run, interval_ns, order[j], leg, result) != BENCH_OK) {
                return BENCH_FAILED;
            }
        }
        s->lost[i] = 1 - alone.wall / watched.wall;
        s->cpu_lost[i] = watched.writer / alone.writer - 1;
        s->cpu[i] = 1e9 * alone.writer / (2 * (double)bench_workload.num);
        s->sampler[i] = watched.sampler / watched.wall;
        s->watchers[i] = watched.watchers / watched.wall;
    }
    report(s, pairs, result);
    return BENCH_OK;
}

static int watch(struct bench_run *run, uint64_t interval_ns, struct bench_result *result) {
    size_t pairs = (size_t)run->args->pairs;
    double *values = calloc(5 * pairs, sizeof *values);
    if (values == NULL || run->watchers == NULL) {
        free(values);
        return bench_fail(result, "no watchers to be had");
    }
    struct series s = {values, values + pairs, values + 2 * pairs, values + 3 * pairs,
                       values + 4 * pairs};
    int status = watch_pairs(run, interval_ns, &s, result);
    bench_run_close(run);
    run->state = STATE_SPOILT;
    free(values);
    return status;
}

int bench_phase_watch250(struct bench_run *run, struct bench_result *result) {
    return watch(run, 250000000, result);
}

int bench_phase_watch10(struct bench_run *run, struct bench_result *result) {
    return watch(run, 10000000, result);
}
