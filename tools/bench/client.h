/* client.h: client threads that repeat one operation, timed one by one.
 *
 * An operation's time runs from the end of the one before: what the bench does itself (choosing and
 * making the key, verifying) is in it, alike for every engine; the `null` engine shows how much.
 *
 * Threads:    bench_drive starts args->threads (or as many as asked) and joins them. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "histogram.h"
#include "random.h"
#include "worker.h"
#include "workload.h"

struct bench_client {
    struct bench_run *run;
    void *session;
    const void *plan; /* of the phase */
    uint64_t index;   /* of this client */
    uint64_t first;   /* of its operations, when they are numbered */
    uint64_t next;    /* number of the operation at hand */
    struct driver_random random;
    char key[BENCH_KEY_MAX];
    char *value;  /* what is put */
    char *buffer; /* what is got: BENCH_BATCH values */
    void *iter;   /* kept by phases that walk */
    struct bench_histogram hist;
    uint64_t units; /* operations done, as they are reported */
    uint64_t user_bytes;
    char error[BENCH_ERROR_TEXT];
};

/* One timed step; the operations it counts for, 0 to end this client early, or BENCH_FAILED (with
 * words in client->error, or in the setup's). */
typedef int (*bench_step)(struct bench_client *client);

struct bench_drive {
    bench_step step;
    const void *plan;
    uint64_t threads; /* 0: as the user said */
    uint64_t steps;   /* of all clients together; 0: until the time is up */
    uint64_t time_ns; /* with steps 0 */
};
/* Runs it and fills ops, seconds, rates, latencies and user bytes (added to what stands there). */
int bench_drive(struct bench_run *run, const struct bench_drive *drive,
                struct bench_result *result);

/* ---- for steps: each BENCH_OK or BENCH_FAILED ------------------------------------------------ */

int bench_client_put(struct bench_client *client, uint64_t id);
/* Gets, copies and verifies. */
int bench_client_get(struct bench_client *client, uint64_t id);
int bench_client_fail(struct bench_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Copies the entry the iterator stands on into the client's buffer and verifies it. */
int bench_client_entry(struct bench_client *client, void *iter);

/* BENCH_BATCH random keys at once: a step. */
int bench_step_multi_get(struct bench_client *client);
/* Seeks `id` and makes `steps` steps, or fewer where the keys end; every entry is verified. */
int bench_scan(struct bench_client *client, uint64_t id, unsigned steps);

/* Client `client->index` of `threads` does numbers [first, first + count) of `total`. */
void bench_share(uint64_t total, uint64_t threads, uint64_t index, uint64_t *first,
                 uint64_t *count);

#endif
