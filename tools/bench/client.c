#include "client.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

struct team {
    const struct bench_drive *drive;
    pthread_barrier_t start;
    _Atomic bool stop; /* one has failed */
};

struct member {
    struct bench_client *client; /* first for its size: kept apart from the others' */
    struct team *team;
    pthread_t thread;
    uint64_t steps;
    uint64_t begin_ticks, end_ticks;
    double cpu_s;
    int status;
};

int bench_client_fail(struct bench_client *client, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(client->error, sizeof client->error, format, arguments);
    va_end(arguments);
    return BENCH_FAILED;
}

int bench_client_put(struct bench_client *client, uint64_t id) {
    struct bench_slice key = {client->key, bench_workload.key_size};
    struct bench_slice value = {client->value, bench_workload.value_size};
    bench_key_make(id, client->key);
    bench_value_make(id, client->run->generation, client->value);
    client->user_bytes += key.size + value.size;
    if (client->run->engine->put(client->session, key, value) == BENCH_OK) {
        return BENCH_OK;
    }
    return bench_client_fail(client, "put: %.200s", client->run->setup.error);
}

int bench_client_get(struct bench_client *client, uint64_t id) {
    size_t size = 0;
    bench_key_make(id, client->key);
    int status = client->run->engine->get(
        client->session, (struct bench_slice){client->key, bench_workload.key_size}, client->buffer,
        bench_workload.value_size, &size);
    if (status == BENCH_FAILED) {
        return bench_client_fail(client, "get: %.200s", client->run->setup.error);
    }
    if (status == BENCH_ABSENT) {
        return bench_client_fail(client, "key %.40s is not found", client->key);
    }
    if (!bench_value_check(id, client->buffer, size)) {
        return bench_client_fail(client, "key %.40s has a wrong value", client->key);
    }
    return BENCH_OK;
}

int bench_client_entry(struct bench_client *client, void *iter) {
    struct bench_slice key;
    struct bench_slice value;
    uint64_t id;
    client->run->engine->iter_entry(iter, &key, &value);
    if (key.size != bench_workload.key_size || value.size != bench_workload.value_size ||
        !bench_key_parse(key.data, &id)) {
        return bench_client_fail(client, "the iterator shows a key that was never put");
    }
    memcpy(client->buffer, value.data, value.size);
    if (!bench_value_check(id, client->buffer, value.size)) {
        return bench_client_fail(client, "the iterator shows a wrong value");
    }
    return BENCH_OK;
}

void bench_share(uint64_t total, uint64_t threads, uint64_t index, uint64_t *first,
                 uint64_t *count) {
    *first = total / threads * index + (index < total % threads ? index : total % threads);
    *count = total / threads + (index < total % threads);
}

static int work(struct member *m) {
    struct bench_client *client = m->client;
    const struct bench_drive *drive = m->team->drive;
    uint64_t from = bench_ticks();
    m->begin_ticks = from;
    m->end_ticks = from;
    for (uint64_t i = 0; drive->steps == 0 || i < m->steps; i++) {
        client->next = client->first + i;
        int units = drive->step(client);
        if (units <= 0) {
            return units;
        }
        uint64_t now = bench_ticks();
        bench_hist_add(&client->hist, bench_ticks_ns(from, now));
        client->units += (uint64_t)units;
        from = now;
        m->end_ticks = now;
        if (drive->steps == 0 && bench_ticks_ns(m->begin_ticks, now) >= drive->time_ns) {
            break;
        }
        if ((i & 1023) == 0 && atomic_load_explicit(&m->team->stop, memory_order_relaxed)) {
            break;
        }
    }
    return BENCH_OK;
}

static void *body(void *argument) {
    struct member *m = argument;
    (void)pthread_barrier_wait(&m->team->start);
    double cpu = bench_cpu_s(CLOCK_THREAD_CPUTIME_ID);
    m->status = work(m);
    m->cpu_s = bench_cpu_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
    if (m->status == BENCH_FAILED) {
        atomic_store_explicit(&m->team->stop, true, memory_order_relaxed);
    }
    return NULL;
}

static struct bench_client *client_create(struct bench_run *run, const struct bench_drive *drive,
                                          uint64_t threads, uint64_t index) {
    struct bench_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    client->run = run;
    client->plan = drive->plan;
    client->index = index;
    driver_random_init(&client->random, bench_workload.seed, run->rounds * 1000 + index);
    client->value = malloc(bench_workload.value_size);
    client->buffer = malloc(bench_workload.value_size * BENCH_BATCH);
    client->session = run->engine->session_open(run->db);
    uint64_t count;
    bench_share(drive->steps, threads, index, &client->first, &count);
    return client;
}

static void client_destroy(struct bench_client *client) {
    if (client->iter != NULL) {
        client->run->engine->iter_close(client->iter);
    }
    if (client->session != NULL) {
        client->run->engine->session_close(client->session);
    }
    free(client->value);
    free(client->buffer);
    free(client);
}

static void report(const struct member *members, uint64_t threads, struct bench_result *result) {
    static struct bench_histogram all; /* too large for a stack; one drive at a time */
    uint64_t begin = members[0].begin_ticks;
    uint64_t end = members[0].end_ticks;
    uint64_t units = 0;
    uint64_t user = 0;
    double cpu = 0;
    memset(&all, 0, sizeof all);
    for (uint64_t i = 0; i < threads; i++) {
        const struct member *m = &members[i];
        begin = m->begin_ticks < begin ? m->begin_ticks : begin;
        end = m->end_ticks > end ? m->end_ticks : end;
        units += m->client->units;
        user += m->client->user_bytes;
        cpu += m->cpu_s;
        bench_hist_merge(&all, &m->client->hist);
    }
    double *value = result->value;
    value[BENCH_OPS] = (double)units;
    value[BENCH_SECONDS] = 1e-9 * (double)bench_ticks_ns(begin, end);
    value[BENCH_OPS_S] = value[BENCH_SECONDS] > 0 ? (double)units / value[BENCH_SECONDS] : 0;
    value[BENCH_CLIENT_CPU] = units > 0 ? 1e9 * cpu / (double)units : NAN;
    value[BENCH_P50] = bench_hist_quantile(&all, 0.5);
    value[BENCH_P99] = bench_hist_quantile(&all, 0.99);
    value[BENCH_P999] = bench_hist_quantile(&all, 0.999);
    value[BENCH_MAX] = (double)all.max_ns;
    if (user > 0) {
        value[BENCH_USER] = (isnan(value[BENCH_USER]) ? 0 : value[BENCH_USER]) + (double)user;
    }
}

/* Starts what can be started; a client that lacks something fails the drive before it begins. */
static int run_team(struct bench_run *run, struct team *team, struct member *members,
                    uint64_t threads, struct bench_result *result) {
    for (uint64_t i = 0; i < threads; i++) {
        struct member *m = &members[i];
        uint64_t first;
        m->team = team;
        m->client = client_create(run, team->drive, threads, i);
        bench_share(team->drive->steps, threads, i, &first, &m->steps);
        if (m->client == NULL || m->client->value == NULL || m->client->buffer == NULL ||
            m->client->session == NULL) {
            return bench_fail(result, "a client cannot be made: %.200s", run->setup.error);
        }
    }
    (void)pthread_barrier_init(&team->start, NULL, (unsigned)threads);
    for (uint64_t i = 1; i < threads; i++) {
        if (pthread_create(&members[i].thread, NULL, body, &members[i]) != 0) {
            /* The others already wait at the barrier for one that will never come. */
            fprintf(stderr, "lsm-bench: no thread to be had\n");
            _exit(1);
        }
    }
    (void)body(&members[0]);
    for (uint64_t i = 1; i < threads; i++) {
        (void)pthread_join(members[i].thread, NULL);
    }
    (void)pthread_barrier_destroy(&team->start);
    for (uint64_t i = 0; i < threads; i++) {
        if (members[i].status == BENCH_FAILED) {
            return bench_fail(result, "%s", members[i].client->error);
        }
    }
    report(members, threads, result);
    return BENCH_OK;
}

int bench_drive(struct bench_run *run, const struct bench_drive *drive,
                struct bench_result *result) {
    uint64_t threads = drive->threads != 0 ? drive->threads : run->args->threads;
    struct team team = {.drive = drive};
    struct member *members = calloc(threads, sizeof *members);
    if (members == NULL) {
        return bench_fail(result, "out of memory");
    }
    run->rounds++;
    int status = run_team(run, &team, members, threads, result);
    for (uint64_t i = 0; i < threads; i++) {
        if (members[i].client != NULL) {
            client_destroy(members[i].client);
        }
    }
    free(members);
    return status;
}
