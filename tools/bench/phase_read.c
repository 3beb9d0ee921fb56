/* phase_read.c: the phases that read what is in memory, each for as long as --seconds says. */
#include "client.h"

#include <string.h>

/* Entries between two readings of the clock in a walk: one reading costs as much as one step. */
enum { STRETCH = 64, SEEK_STEPS = 10 };

static int drive_for_seconds(struct bench_run *run, bench_step step, struct bench_result *result) {
    struct bench_drive drive = {.step = step, .time_ns = run->args->seconds_ns};
    return bench_drive(run, &drive, result);
}

static int step_get(struct bench_client *client) {
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_client_get(client, id) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int step_get_absent(struct bench_client *client) {
    size_t size;
    bench_key_make_absent(driver_random_below(&client->random, bench_workload.num), client->key);
    int status = client->run->engine->get(
        client->session, (struct bench_slice){client->key, bench_workload.key_size}, client->buffer,
        bench_workload.value_size, &size);
    if (status == BENCH_FAILED) {
        return bench_client_fail(client, "get: %.200s", client->run->setup.error);
    }
    return status == BENCH_ABSENT ? 1 : bench_client_fail(client, "an absent key was found");
}

int bench_step_multi_get(struct bench_client *client) {
    char keys[BENCH_BATCH][BENCH_KEY_MAX];
    struct bench_slice slices[BENCH_BATCH];
    uint64_t ids[BENCH_BATCH];
    size_t sizes[BENCH_BATCH];
    const struct bench_engine *engine = client->run->engine;
    size_t room = bench_workload.value_size;
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        ids[i] = driver_random_below(&client->random, bench_workload.num);
        bench_key_make(ids[i], keys[i]);
        slices[i] = (struct bench_slice){keys[i], bench_workload.key_size};
    }
    if (engine->multi_get == NULL) {
        for (size_t i = 0; i < BENCH_BATCH; i++) {
            if (bench_client_get(client, ids[i]) != BENCH_OK) {
                return BENCH_FAILED;
            }
        }
        return BENCH_BATCH;
    }
    if (engine->multi_get(client->session, slices, client->buffer, room, sizes) != BENCH_OK) {
        return bench_client_fail(client, "multi-get: %.200s", client->run->setup.error);
    }
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        if (sizes[i] == SIZE_MAX ||
            !bench_value_check(ids[i], client->buffer + i * room, sizes[i])) {
            return bench_client_fail(client, "multi-get: key %.40s is absent or wrong", keys[i]);
        }
    }
    return BENCH_BATCH;
}

int bench_scan(struct bench_client *client, uint64_t id, unsigned steps) {
    const struct bench_engine *engine = client->run->engine;
    void *iter = engine->iter_open(client->session);
    if (iter == NULL) {
        return bench_client_fail(client, "no iterator: %.200s", client->run->setup.error);
    }
    bench_key_make(id, client->key);
    int status = BENCH_OK;
    bool there =
        engine->iter_seek(iter, (struct bench_slice){client->key, bench_workload.key_size});
    if (!there) {
        status = bench_client_fail(client, "a seek to %.40s found nothing", client->key);
    }
    for (unsigned i = 0; there && status == BENCH_OK; i++) {
        status = bench_client_entry(client, iter);
        there = i < steps && engine->iter_next(iter);
    }
    engine->iter_close(iter);
    return status;
}

static int step_seek(struct bench_client *client) {
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_scan(client, id, SEEK_STEPS) == BENCH_OK ? 1 : BENCH_FAILED;
}

/* A walk over everything; at the end it begins again. Every pass must show every key. */
static int step_walk(struct bench_client *client, bool forwards) {
    const struct bench_engine *engine = client->run->engine;
    int count = 0;
    if (client->iter == NULL) {
        client->iter = engine->iter_open(client->session);
        client->first = 0; /* entries seen in this pass */
        if (client->iter == NULL ||
            !(forwards ? engine->iter_first(client->iter) : engine->iter_last(client->iter))) {
            return bench_client_fail(client, "nothing to walk over");
        }
    }
    for (bool there = true; there && count < STRETCH;) {
        if (bench_client_entry(client, client->iter) != BENCH_OK) {
            return BENCH_FAILED;
        }
        count++;
        there = forwards ? engine->iter_next(client->iter) : engine->iter_prev(client->iter);
        if (!there) {
            engine->iter_close(client->iter);
            client->iter = NULL;
        }
    }
    client->first += (uint64_t)count;
    if (client->iter == NULL && client->first != bench_workload.live) {
        return bench_client_fail(client, "%llu entries walked over, there are %llu",
                                 (unsigned long long)client->first,
                                 (unsigned long long)bench_workload.live);
    }
    return count;
}

static int step_forwards(struct bench_client *client) {
    return step_walk(client, true);
}

static int step_backwards(struct bench_client *client) {
    return step_walk(client, false);
}

/* Latencies are those of one entry, by the stretch: what a single slow step costs is spread. */
static int walk(struct bench_run *run, bench_step step, struct bench_result *result) {
    if (drive_for_seconds(run, step, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    result->value[BENCH_P50] /= STRETCH;
    result->value[BENCH_P99] /= STRETCH;
    result->value[BENCH_P999] /= STRETCH;
    result->value[BENCH_MAX] /= STRETCH;
    return BENCH_OK;
}

int bench_phase_readrandom(struct bench_run *run, struct bench_result *result) {
    return drive_for_seconds(run, step_get, result);
}

int bench_phase_readmissing(struct bench_run *run, struct bench_result *result) {
    return drive_for_seconds(run, step_get_absent, result);
}

int bench_phase_multireadrandom(struct bench_run *run, struct bench_result *result) {
    return drive_for_seconds(run, bench_step_multi_get, result);
}

int bench_phase_seekrandom(struct bench_run *run, struct bench_result *result) {
    return drive_for_seconds(run, step_seek, result);
}

int bench_phase_readseq(struct bench_run *run, struct bench_result *result) {
    return walk(run, step_forwards, result);
}

int bench_phase_readreverse(struct bench_run *run, struct bench_result *result) {
    return walk(run, step_backwards, result);
}
