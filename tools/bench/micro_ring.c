/* micro_ring.c: publishing one sample with every metric set. */
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "micro_parts.h"
#include "scope.h"

bool bench_micro_ring_publish(struct bench_micro_context *context) {
    char name[40];
    struct scope_writer *writer;
    struct scope_error_detail error;
    size_t metrics;
    uint64_t count = 100000;
    (void)snprintf(name, sizeof name, "lsm-bench-%ld", (long)getpid());
    struct scope_writer_options options = {.name = name,
                                           .engine_name = "lsm-bench",
                                           .engine_version = SCOPE_VERSION,
                                           .sample_interval_ns = 250000000};
    if (scope_writer_create(&options, &writer, &error) != 0) {
        return bench_micro_fail(context, "%.200s", error.text);
    }
    const struct scope_metric *metric = scope_builtin_metrics(&metrics);
    struct scope_sample sample = {.time_ns = bench_monotonic_ns()};
    for (size_t i = 0; i < metrics; i++) {
        scope_sample_set(writer, &sample, metric[i].id, i);
    }
    for (int round = 0; round < BENCH_MICRO_ROUNDS; round++) {
        uint64_t begin = bench_ticks();
        for (uint64_t i = 0; i < count; i++) {
            sample.time_ns++;
            scope_publish_sample(writer, &sample);
        }
        context->ns[round] = (double)bench_ticks_ns(begin, bench_ticks()) / (double)count;
    }
    scope_writer_close(writer);
    return true;
}
