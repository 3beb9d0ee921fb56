/* micro_files.c: what writes files: log append, table build. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "micro_parts.h"
#include "table.h"
#include "wal.h"
#include "workload.h"

/* Appends until the segment is full: no rotation, no sync. */
static uint64_t append_all(struct lsm_wal *wal, const char *key, const char *value, uint64_t most) {
    size_t key_size = bench_workload.key_size;
    size_t value_size = bench_workload.value_size;
    uint64_t bytes = lsm_op_bytes(key_size, value_size, LSM_TYPE_PUT);
    uint64_t count = 0;
    while (count < most && lsm_wal_fits(wal, bytes)) {
        const struct lsm_wal_group group = {
            .payload_bytes = bytes, .seq = ++count, .unix_s = 1, .count = 1};
        uint8_t *payload = lsm_wal_begin(wal, &group);
        (void)lsm_op_encode(payload, LSM_TYPE_PUT, (const uint8_t *)key, key_size,
                            (const uint8_t *)value, value_size);
        lsm_wal_commit(wal);
    }
    return count;
}

bool bench_micro_wal_append(struct bench_micro_context *context) {
    static char value[BENCH_VALUE_MAX];
    char key[BENCH_KEY_MAX];
    char notice[256];
    struct lsm_fault fault = {0};
    struct lsm_io *io;
    if (lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) != 0) {
        return bench_micro_fail(context, "%.200s", fault.text);
    }
    bench_key_make(1, key);
    bench_value_make(1, 0, value);
    bool good = true;
    for (int round = 0; good && round < BENCH_MICRO_ROUNDS; round++) {
        struct lsm_wal *wal;
        const struct lsm_wal_start start = {.number = (uint64_t)round + 1,
                                            .segment_bytes = context->args->memtable_bytes};
        good = lsm_wal_create(io, context->dir, &start, &wal, &fault) == 0;
        if (!good) {
            (void)bench_micro_fail(context, "%.200s", fault.text);
            break;
        }
        uint64_t begin = bench_ticks();
        uint64_t count = append_all(wal, key, value, context->entries);
        uint64_t ns = bench_ticks_ns(begin, bench_ticks());
        context->ns[round] = count > 0 ? (double)ns / (double)count : 0;
        lsm_wal_close(wal);
    }
    lsm_io_destroy(io);
    return good;
}

static bool build(struct bench_micro_context *context, struct lsm_io *io, struct lsm_queue *queue,
                  const struct bench_micro_entries *entries) {
    char path[600];
    struct lsm_fault fault = {0};
    struct lsm_table_meta meta = {.id = 1};
    struct lsm_table_writer *writer;
    struct lsm_options defaults = lsm_options_default();
    struct lsm_table_writer_options options = {.block_bytes = defaults.block_bytes,
                                               .bloom_fpr = context->args->bloom_fpr};
    (void)snprintf(path, sizeof path, "%s/000001.sst", context->dir);
    int code = lsm_table_writer_create(io, queue, path, &options, &writer, &fault);
    if (code != 0) {
        return bench_micro_fail(context, "%.200s", fault.text);
    }
    for (uint64_t i = 0; code == 0 && i < entries->count; i++) {
        code = lsm_table_writer_add(writer, &entries->entry[i], &fault);
    }
    if (code != 0) {
        lsm_table_writer_abandon(writer);
    } else {
        code = lsm_table_writer_finish(writer, &meta, &fault);
        free(meta.first_key);
        free(meta.last_key);
    }
    (void)unlink(path);
    return code == 0 || bench_micro_fail(context, "%.200s", fault.text);
}

/* CPU time, since the clock on the wall would measure the disk's last flush. */
bool bench_micro_table_build(struct bench_micro_context *context) {
    char notice[256];
    struct lsm_fault fault = {0};
    struct lsm_io *io;
    struct lsm_queue *queue;
    struct bench_micro_entries entries;
    if (!bench_micro_entries_make(&entries, 0, 1, context->entries)) {
        return bench_micro_fail(context, "out of memory");
    }
    bool good = lsm_io_create(LSM_IO_AUTO, &io, notice, &fault) == 0;
    if (!good || lsm_queue_create(io, 32, &queue, &fault) != 0) {
        bench_micro_entries_free(&entries);
        return bench_micro_fail(context, "%.200s", fault.text);
    }
    for (int round = 0; good && round < BENCH_MICRO_ROUNDS; round++) {
        double begin = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
        good = build(context, io, queue, &entries);
        double end = bench_cpu_s(CLOCK_PROCESS_CPUTIME_ID);
        context->ns[round] = 1e9 * (end - begin) / (double)entries.count;
    }
    lsm_queue_destroy(queue);
    lsm_io_destroy(io);
    bench_micro_entries_free(&entries);
    return good;
}
