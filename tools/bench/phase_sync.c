/* phase_sync.c: puts that are on the device before they are acknowledged, over what the device can
 * do: the raw loop of one thread, measured in the seconds before. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"

/* One record and a flush, again and again. Appending makes the file grow; overwriting goes through
 * blocks that were written before, which spares the file system its journal. */
static double raw_loop(const char *dir, bool overwrite, uint64_t time_ns) {
    enum { FILE_BYTES = 8 << 20 };
    char path[600];
    size_t record = bench_workload.key_size + bench_workload.value_size + 16;
    char *bytes = calloc(1, FILE_BYTES);
    uint64_t count = 0;
    double rate = NAN;
    (void)snprintf(path, sizeof path, "%s/raw-loop", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && bytes != NULL && record <= FILE_BYTES;
    if (good && overwrite) {
        good = pwrite(fd, bytes, FILE_BYTES, 0) == FILE_BYTES && fsync(fd) == 0;
    }
    uint64_t begin = bench_monotonic_ns();
    uint64_t now = begin;
    uint64_t at = 0;
    while (good && now - begin < time_ns) {
        if (overwrite && at + record > FILE_BYTES) {
            at = 0;
        }
        memcpy(bytes, &count, sizeof count);
        good = pwrite(fd, bytes, record, (off_t)at) == (ssize_t)record && fdatasync(fd) == 0;
        at += record;
        count++;
        now = bench_monotonic_ns();
    }
    if (good) {
        rate = 1e9 * (double)count / (double)(now - begin);
    }
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    free(bytes);
    return rate;
}

static int step_put(struct bench_client *client) {
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_client_put(client, id) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int fillsync(struct bench_run *run, uint64_t threads, struct bench_result *result) {
    uint64_t time_ns = run->args->seconds_ns;
    struct bench_drive drive = {.step = step_put, .threads = threads, .time_ns = time_ns};
    bench_run_wipe(run);
    double append = raw_loop(run->dir, false, time_ns / 5);
    double overwrite = raw_loop(run->dir, true, time_ns / 5);
    run->setup.sync = true;
    int status = bench_run_open(run, result);
    if (status == BENCH_OK) {
        bench_sampler_begin(run->sampler); /* without the raw loop */
        status = bench_drive(run, &drive, result);
    }
    bench_run_close(run);
    run->setup.sync = false;
    run->state = STATE_SPOILT;
    result->value[BENCH_RAW_APPEND] = append;
    result->value[BENCH_RAW_OVERWRITE] = overwrite;
    result->value[BENCH_OVER_RAW] = result->value[BENCH_OPS_S] / fmax(append, overwrite);
    return status;
}

int bench_phase_fillsync(struct bench_run *run, struct bench_result *result) {
    return fillsync(run, 1, result);
}

int bench_phase_fillsync8(struct bench_run *run, struct bench_result *result) {
    return fillsync(run, 8, result);
}
