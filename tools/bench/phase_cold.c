/* phase_cold.c: what a start costs: reads with nothing in memory, reopening, reopening after a
 * kill. */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "clock.h"
#include "crash.h"
#include "files.h"

/* Gets of one round: few enough that most meet a page nobody has read yet. */
static uint64_t cold_gets(void) {
    uint64_t gets = bench_workload.num / 400 / BENCH_BATCH * BENCH_BATCH;
    return gets < BENCH_BATCH ? BENCH_BATCH : gets;
}

static int step_get(struct bench_client *client) {
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_client_get(client, id) == BENCH_OK ? 1 : BENCH_FAILED;
}

/* Closed, dropped, opened, read; again until the gets alone took --seconds. */
static int cold(struct bench_run *run, bench_step step, uint64_t steps,
                struct bench_result *result) {
    enum { ROUNDS_MAX = 50 };
    double ops = 0;
    double seconds = 0;
    double resident = 0;
    double latency[4][ROUNDS_MAX];
    static const enum bench_metric which[4] = {BENCH_P50, BENCH_P99, BENCH_P999, BENCH_MAX};
    size_t rounds = 0;
    run->cold = true;
    while (rounds < ROUNDS_MAX && seconds < 1e-9 * (double)run->args->seconds_ns) {
        struct bench_drive drive = {.step = step, .steps = steps};
        bench_run_close(run);
        double left = bench_files_drop(run->dir);
        resident = left < 0 || isnan(resident) ? NAN : left > resident ? left : resident;
        if (bench_run_open(run, result) != BENCH_OK ||
            bench_drive(run, &drive, result) != BENCH_OK) {
            return BENCH_FAILED;
        }
        ops += result->value[BENCH_OPS];
        seconds += result->value[BENCH_SECONDS];
        for (int i = 0; i < 4; i++) {
            latency[i][rounds] = result->value[which[i]];
        }
        rounds++;
    }
    result->value[BENCH_OPS] = ops;
    result->value[BENCH_SECONDS] = seconds;
    result->value[BENCH_OPS_S] = seconds > 0 ? ops / seconds : 0;
    result->value[BENCH_RESIDENT] = resident;
    for (int i = 0; i < 4; i++) {
        result->value[which[i]] = bench_quantile(latency[i], rounds, i < 3 ? 0.5 : 1.0);
    }
    return BENCH_OK;
}

int bench_phase_coldread(struct bench_run *run, struct bench_result *result) {
    return cold(run, step_get, cold_gets(), result);
}

int bench_phase_coldmulti(struct bench_run *run, struct bench_result *result) {
    return cold(run, bench_step_multi_get, cold_gets() / BENCH_BATCH, result);
}

static void only_open_time(struct bench_result *result, uint64_t begin) {
    bench_result_clear(result);
    result->value[BENCH_OPEN_S] = 1e-9 * (double)(bench_monotonic_ns() - begin);
}

/* Opening lasts until the first get is answered. */
int bench_phase_reopen(struct bench_run *run, struct bench_result *result) {
    struct bench_drive one = {.step = step_get, .steps = 1, .threads = 1};
    bench_run_close(run);
    uint64_t begin = bench_monotonic_ns();
    if (bench_run_open(run, result) != BENCH_OK || bench_drive(run, &one, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    only_open_time(result, begin);
    return BENCH_OK;
}

/* About what a memtable of each engine holds, short of its being full: 24 bytes an entry for what
 * surrounds key and value, and a sixteenth to spare. */
static uint64_t crash_puts(const struct bench_run *run) {
    uint64_t entry = bench_workload.key_size + bench_workload.value_size + 24;
    uint64_t puts = run->args->memtable_bytes / 16 * 15 / entry;
    return puts < bench_workload.num ? puts : bench_workload.num;
}

/* The keys that were acknowledged and are there, whole. */
static int count_recovered(struct bench_run *run, uint64_t acknowledged, uint64_t *found) {
    char key[BENCH_KEY_MAX];
    char *value = malloc(bench_workload.value_size);
    void *session = run->engine->session_open(run->db);
    int status = value != NULL && session != NULL ? BENCH_OK : BENCH_FAILED;
    *found = 0;
    for (uint64_t i = 0; i < acknowledged && status != BENCH_FAILED; i++) {
        uint64_t id = bench_permute(i, 3);
        size_t size = 0;
        bench_key_make(id, key);
        status = run->engine->get(session, (struct bench_slice){key, bench_workload.key_size},
                                  value, bench_workload.value_size, &size);
        *found += status == BENCH_OK && bench_value_check(id, value, size);
    }
    if (session != NULL) {
        run->engine->session_close(session);
    }
    free(value);
    return status == BENCH_FAILED ? BENCH_FAILED : BENCH_OK;
}

int bench_phase_crashreopen(struct bench_run *run, struct bench_result *result) {
    char why[BENCH_ERROR_TEXT];
    uint64_t found;
    bench_run_wipe(run);
    uint64_t acknowledged =
        run->crasher != NULL ? bench_crasher_crash(run->crasher, crash_puts(run), why) : 0;
    if (acknowledged == 0) {
        return bench_fail(result, "no crash: %.200s", run->crasher != NULL ? why : "no process");
    }
    uint64_t begin = bench_monotonic_ns();
    if (bench_run_open(run, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    only_open_time(result, begin);
    if (count_recovered(run, acknowledged, &found) != BENCH_OK) {
        return bench_fail(result, "get: %.200s", run->setup.error);
    }
    result->value[BENCH_ACKNOWLEDGED] = (double)acknowledged;
    result->value[BENCH_RECOVERED] = (double)found;
    run->state = STATE_SPOILT;
    if (found != acknowledged && run->engine != &bench_engine_null) {
        return bench_fail(result, "%llu of %llu acknowledged writes are lost",
                          (unsigned long long)(acknowledged - found),
                          (unsigned long long)acknowledged);
    }
    return BENCH_OK;
}
