#include "sink.h"

#include <stdlib.h>
#include <time.h>

#include "driver_check.h"

static uint64_t workers_ready(const struct driver_sink *sink) {
    /* Acquire: pairs with the release of the thread that started them. */
    return atomic_load_explicit(&sink->ready, memory_order_acquire);
}

static void fill(void *context, const struct scope_writer *writer, struct scope_sample *sample) {
    struct driver_sink *sink = context;
    static const uint32_t target[KINDS] = {SCOPE_M_TARGET_PUT, SCOPE_M_TARGET_GET,
                                           SCOPE_M_TARGET_DELETE, SCOPE_M_TARGET_SCAN};
    bool paced = false;
    for (unsigned k = 0; k < KINDS; k++) {
        uint64_t rate = sink->args->rate_milli[k];
        if (rate != DRIVER_RATE_MAX) {
            scope_sample_set(writer, sample, target[k], (rate + 500) / 1000);
            paced = paced || rate > 0;
        }
    }
    if (!paced) {
        return;
    }
    uint64_t now = driver_now_ns();
    uint64_t lag = 0;
    uint64_t count = workers_ready(sink);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t due = atomic_load_explicit(&sink->workers[i].pacer.due_ns, memory_order_relaxed);
        if (due < now && now - due > lag) {
            lag = now - due;
        }
    }
    scope_sample_set(writer, sample, SCOPE_M_SCHEDULE_LAG_NS, lag);
}

static bool response(void *context, enum scope_op op, uint64_t count[SCOPE_HIST_BUCKETS],
                     uint64_t *max_ns) {
    struct driver_sink *sink = context;
    _Static_assert((int)SCOPE_HIST_BUCKETS == (int)LSM_LATENCY_BUCKETS, "one set of buckets");
    _Static_assert((int)SCOPE_OPS == (int)KINDS && (int)SCOPE_OP_SCAN == (int)KIND_SCAN,
                   "one order of kinds");
    DRIVER_ASSERT((unsigned)op < KINDS);
    uint64_t rate = sink->args->rate_milli[op];
    if (rate == 0 || rate == DRIVER_RATE_MAX) {
        return false;
    }
    for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
        count[b] = 0;
    }
    *max_ns = 0;
    uint64_t ready = workers_ready(sink);
    for (uint64_t i = 0; i < ready; i++) {
        struct driver_latency *latency = &sink->workers[i].latency[op];
        for (unsigned b = 0; b < SCOPE_HIST_BUCKETS; b++) {
            count[b] += atomic_load_explicit(&latency->count[b], memory_order_relaxed);
        }
        uint64_t max = atomic_exchange_explicit(&latency->max_recent_ns, 0, memory_order_relaxed);
        *max_ns = max > *max_ns ? max : *max_ns;
    }
    return true;
}

static void sampled(void *context, const struct scope_writer *writer,
                    const struct scope_sample *sample, const struct lsm_stats *stats) {
    struct driver_sink *sink = context;
    (void)writer;
    uint64_t n = atomic_load_explicit(&sink->samples, memory_order_relaxed);
    atomic_store_explicit(&sink->samples, n + 1, memory_order_relaxed);
    if (n == 0) {
        /* Not before: until here the run might not have come about, and the old file was kept. */
        driver_csv_begin(sink->csv, (unsigned)sink->args->max_levels, &sink->base);
    }
    if (sink->csv->fd < 0) {
        return;
    }
    /* The sample's own moment on the wall clock: now, less how long ago it was taken. */
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t now = driver_now_ns();
    uint64_t age = now > sample->time_ns ? now - sample->time_ns : 0;
    uint64_t wall_ns = (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec;
    char *words = driver_events_take_csv(sink->events);
    driver_csv_row(sink->csv, (wall_ns - age) / 1000000u, stats, words);
    free(words);
}

void driver_sink_attach(struct driver_sink *sink, struct lsm_publish_options *options) {
    options->fill = fill;
    options->response = response;
    options->sampled = sampled;
    options->context = sink;
}
