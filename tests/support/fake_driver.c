#include <string.h>
#include <time.h>

#include "fake_driver.h"

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int fake_driver_open(struct fake_driver *driver, const char *name, uint64_t interval_ms,
                     uint32_t slots, bool linger) {
    *driver = (struct fake_driver){.interval_ns = interval_ms * 1000000u, .start_ns = now_ns()};
    struct scope_writer_options options = {
        .name = name,
        .engine_name = "fake",
        .engine_version = "1.0",
        .command = "fake-driver",
        .description = "a simulated tree: 1000 puts and 200 gets a step",
        .sample_interval_ns = driver->interval_ns,
        .samples = slots,
        .events = slots,
        .seconds = slots,
        .linger = linger,
    };
    struct scope_error_detail error;
    return scope_writer_create(&options, &driver->writer, &error);
}

static void job_event(struct fake_driver *driver, uint64_t time_ns, enum scope_event_type type,
                      uint8_t from, uint8_t to, uint64_t bytes) {
    struct scope_event event = {
        .time_ns = time_ns, .type = type, .job = driver->job, .level_from = from, .level_to = to};
    event.u.job_info.inputs = 1;
    event.u.job_info.outputs = 1;
    event.u.job_info.bytes_in = bytes;
    event.u.job_info.bytes_out = bytes;
    event.u.job_info.duration_ns = driver->interval_ns / 2;
    scope_publish_event(driver->writer, &event);
}

static void tree_advance(struct fake_driver *driver, uint64_t time_ns) {
    driver->memtable += (uint64_t)FAKE_PUTS * FAKE_PUT_BYTES;
    if (driver->memtable < FAKE_MEMTABLE) {
        return;
    }
    driver->job++;
    job_event(driver, time_ns - driver->interval_ns / 2, SCOPE_EVENT_FLUSH_BEGIN, 0, 0,
              driver->memtable);
    job_event(driver, time_ns, SCOPE_EVENT_FLUSH_END, 0, 0, driver->memtable);
    driver->tables[0]++;
    driver->bytes[0] += driver->memtable;
    driver->memtable = 0;
    driver->flushes++;
    if (driver->tables[0] < FAKE_L0_MAX) {
        return;
    }
    driver->job++;
    job_event(driver, time_ns - driver->interval_ns / 2, SCOPE_EVENT_COMPACT_BEGIN, 0, 1,
              driver->bytes[0]);
    job_event(driver, time_ns, SCOPE_EVENT_COMPACT_END, 0, 1, driver->bytes[0]);
    driver->tables[1]++;
    driver->bytes[1] += driver->bytes[0];
    driver->tables[0] = driver->bytes[0] = 0;
    driver->compactions++;
}

static void sample_publish(struct fake_driver *driver, uint64_t time_ns) {
    const struct scope_writer *writer = driver->writer;
    struct scope_sample sample = {.time_ns = time_ns};
    scope_sample_set(writer, &sample, SCOPE_M_OPS_PUT, driver->step * FAKE_PUTS);
    scope_sample_set(writer, &sample, SCOPE_M_OPS_GET, driver->step * FAKE_GETS);
    scope_sample_set(writer, &sample, SCOPE_M_OPS_DELETE, 0);
    scope_sample_set(writer, &sample, SCOPE_M_MEMTABLE_BYTES, driver->memtable);
    scope_sample_set(writer, &sample, SCOPE_M_MEMTABLE_LIMIT, FAKE_MEMTABLE);
    scope_sample_set(writer, &sample, SCOPE_M_FLUSHES, driver->flushes);
    scope_sample_set(writer, &sample, SCOPE_M_COMPACTIONS, driver->compactions);
    for (uint32_t level = 0; level < 2; level++) {
        scope_sample_set(writer, &sample, SCOPE_M_LEVEL_TABLES + level, driver->tables[level]);
        scope_sample_set(writer, &sample, SCOPE_M_LEVEL_BYTES + level, driver->bytes[level]);
    }
    scope_sample_set(writer, &sample, SCOPE_M_SAMPLER_CPU_NS, driver->step * 20000);
    scope_sample_set(writer, &sample, SCOPE_M_SAMPLER_LAST_NS, 4200);
    scope_publish_sample(driver->writer, &sample);
}

static void shape_publish(struct fake_driver *driver, uint64_t time_ns) {
    struct scope_table tables[2] = {
        {.id = driver->flushes, .level = 0, .bytes = driver->bytes[0], .hi = UINT64_MAX},
        {.id = 1000000 + driver->compactions,
         .level = 1,
         .bytes = driver->bytes[1],
         .hi = UINT64_MAX},
    };
    struct scope_shape shape = {.time_ns = time_ns, .total = 2, .count = 2, .tables = tables};
    scope_publish_shape(driver->writer, &shape);
}

void fake_driver_step(struct fake_driver *driver) {
    driver->step++;
    uint64_t time_ns = driver->start_ns + driver->step * driver->interval_ns;
    uint64_t second = 1000000000u;
    tree_advance(driver, time_ns);
    sample_publish(driver, time_ns);
    shape_publish(driver, time_ns);
    if ((time_ns - driver->start_ns) / second !=
        (time_ns - driver->start_ns - driver->interval_ns) / second) {
        struct scope_histograms histograms = {.time_ns = time_ns, .interval_ns = second};
        histograms.count[SCOPE_OP_PUT][scope_bucket_of(500)] = 4;
        histograms.max_ns[SCOPE_OP_PUT] = 512;
        scope_publish_histograms(driver->writer, &histograms);
    }
}

void fake_driver_close(struct fake_driver *driver) {
    scope_writer_close(driver->writer);
    driver->writer = NULL;
}
