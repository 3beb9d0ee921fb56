/* phase_compact.c: gets while everything is compacted, beside gets while nothing is.
 *
 * A part of the keys is written again first, so that there is something to merge. The compaction
 * runs in a thread of its own until it is done, and the clients read as long; then they read the
 * idle store. An engine that compacts nothing shows the idle half alone. */
#include "client.h"

#include <pthread.h>
#include <stdatomic.h>

enum { REWRITTEN_PART = 4 }; /* of the keys: a quarter */

struct compactor {
    struct bench_run *run;
    pthread_t thread;
    int status;
    _Atomic bool done;
};

static int step_rewrite(struct bench_client *client) {
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_client_put(client, id) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int step_get_meanwhile(struct bench_client *client) {
    const struct compactor *compactor = client->plan;
    if (compactor != NULL && atomic_load_explicit(&compactor->done, memory_order_acquire)) {
        return 0;
    }
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_client_get(client, id) == BENCH_OK ? 1 : BENCH_FAILED;
}

static void *compact_body(void *argument) {
    struct compactor *compactor = argument;
    compactor->status = compactor->run->engine->compact(compactor->run->db);
    atomic_store_explicit(&compactor->done, true, memory_order_release);
    return NULL;
}

static int read_during(struct bench_run *run, struct bench_result *result) {
    struct compactor compactor = {.run = run};
    struct bench_drive drive = {
        .step = step_get_meanwhile, .plan = &compactor, .time_ns = UINT64_MAX};
    if (pthread_create(&compactor.thread, NULL, compact_body, &compactor) != 0) {
        return bench_fail(result, "no thread to be had");
    }
    int status = bench_drive(run, &drive, result);
    (void)pthread_join(compactor.thread, NULL);
    if (status == BENCH_OK && compactor.status != BENCH_OK) {
        return bench_fail(result, "compact: %.200s", run->setup.error);
    }
    return status;
}

int bench_phase_readcompact(struct bench_run *run, struct bench_result *result) {
    struct bench_result rewrite, idle;
    struct bench_drive writes = {
        .step = step_rewrite, .steps = (bench_workload.num + REWRITTEN_PART - 1) / REWRITTEN_PART};
    struct bench_drive reads = {.step = step_get_meanwhile, .time_ns = run->args->seconds_ns};
    bench_result_clear(&rewrite);
    bench_result_clear(&idle);
    if (bench_drive(run, &writes, &rewrite) != BENCH_OK) {
        return bench_fail(result, "%s", rewrite.error);
    }
    (void)bench_run_settle(run);
    if (run->engine->compact != NULL && read_during(run, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    (void)bench_run_settle(run);
    if (bench_drive(run, &reads, &idle) != BENCH_OK) {
        return bench_fail(result, "%s", idle.error);
    }
    result->value[BENCH_IDLE_P999] = idle.value[BENCH_P999];
    result->value[BENCH_OVER_IDLE] = result->value[BENCH_P999] / idle.value[BENCH_P999];
    return BENCH_OK;
}
