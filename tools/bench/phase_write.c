/* phase_write.c: the phases that fill and change the database. */
#include "client.h"
#include "files.h"

#include "clock.h"

static int step_in_order(struct bench_client *client) {
    return bench_client_put(client, client->next) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int step_shuffled(struct bench_client *client) {
    return bench_client_put(client, bench_permute(client->next, 1)) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int step_anywhere(struct bench_client *client) {
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    return bench_client_put(client, id) == BENCH_OK ? 1 : BENCH_FAILED;
}

static int step_mixed(struct bench_client *client) {
    uint64_t random = driver_random_next(&client->random);
    uint64_t id = driver_random_below(&client->random, bench_workload.num);
    int status = random >> 63 != 0 ? bench_client_put(client, id) : bench_client_get(client, id);
    return status == BENCH_OK ? 1 : BENCH_FAILED;
}

static int step_delete(struct bench_client *client) {
    struct bench_slice key = {client->key, bench_workload.key_size};
    bench_key_make(bench_permute(client->next, 2), client->key);
    client->user_bytes += key.size;
    if (client->run->engine->del(client->session, key) != BENCH_OK) {
        return bench_client_fail(client, "delete: %.200s", client->run->setup.error);
    }
    return 1;
}

static void measure_space(struct bench_run *run, double distinct, struct bench_result *result) {
    struct bench_files files;
    bench_files_measure(run->dir, run->engine->wal_suffix, &files);
    double tables =
        run->engine->table_bytes != NULL ? run->engine->table_bytes(run->db) : files.tables;
    result->value[BENCH_TABLES] = tables;
    result->value[BENCH_WAL_FILES] = files.log;
    result->value[BENCH_SPACE_AMP] = distinct > 0 ? tables / distinct : NAN;
}

static void measure_amplification(double user, double written, double wal,
                                  struct bench_result *result) {
    result->value[BENCH_WRITTEN] = written;
    result->value[BENCH_WAL_WRITTEN] = wal;
    if (user > 0) {
        result->value[BENCH_WRITE_AMP] = written / user;
        result->value[BENCH_WRITE_AMP_TABLES] = fmax(written - wal, 0) / user;
    }
}

/* Bytes of all keys and values that are there now. */
static double distinct_bytes(uint64_t keys) {
    return (double)keys * (double)(bench_workload.key_size + bench_workload.value_size);
}

/* Drives, then settles, and tells what both cost. `keys`: entries that are there afterwards. */
static int write_and_settle(struct bench_run *run, bench_step step, uint64_t steps, uint64_t keys,
                            struct bench_result *result) {
    struct bench_drive drive = {.step = step, .steps = steps};
    struct bench_stats before = {.wal_written = NAN, .debt = NAN, .stall_max_s = NAN};
    struct bench_stats after = before;
    struct bench_usage usage;
    run->engine->stats(run->db, &before);
    bench_sampler_begin(run->sampler);
    if (bench_drive(run, &drive, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    run->engine->stats(run->db, &after);
    result->value[BENCH_DEBT] = after.debt;
    double settle_s = bench_run_settle(run);
    run->engine->stats(run->db, &after);
    bench_sampler_read(run->sampler, &usage);

    double user = result->value[BENCH_USER];
    double wal = isnan(after.wal_written) ? usage.wal_seen : after.wal_written - before.wal_written;
    result->value[BENCH_SETTLE_S] = settle_s;
    result->value[BENCH_SETTLED_OPS_S] =
        result->value[BENCH_OPS] / (result->value[BENCH_SECONDS] + settle_s);
    result->value[BENCH_STALL_MAX] = after.stall_max_s;
    if (after.merge_s > before.merge_s) {
        result->value[BENCH_MERGE_S] =
            (after.merged_entries - before.merged_entries) / (after.merge_s - before.merge_s);
    }
    measure_amplification(user, usage.written, wal, result);
    measure_space(run, distinct_bytes(keys), result);
    run->user_since_fill += user;
    run->written_since_fill += usage.written;
    run->wal_since_fill += wal;
    return BENCH_OK;
}

static int fill(struct bench_run *run, bench_step step, struct bench_result *result) {
    uint64_t num = bench_workload.num;
    bench_workload.live = num;
    if (write_and_settle(run, step, num, num, result) != BENCH_OK) {
        return BENCH_FAILED;
    }
    run->state = STATE_FULL;
    return BENCH_OK;
}

int bench_phase_fillseq(struct bench_run *run, struct bench_result *result) {
    return fill(run, step_in_order, result);
}

int bench_phase_fillrandom(struct bench_run *run, struct bench_result *result) {
    return fill(run, step_shuffled, result);
}

int bench_phase_overwrite(struct bench_run *run, struct bench_result *result) {
    return write_and_settle(run, step_anywhere, bench_workload.num, bench_workload.live, result);
}

int bench_phase_mixed(struct bench_run *run, struct bench_result *result) {
    return write_and_settle(run, step_mixed, bench_workload.num, bench_workload.live, result);
}

int bench_phase_deleterandom(struct bench_run *run, struct bench_result *result) {
    uint64_t gone = bench_workload.num / 2;
    return write_and_settle(run, step_delete, gone, bench_workload.live - gone, result);
}

int bench_phase_settle(struct bench_run *run, struct bench_result *result) {
    result->value[BENCH_SETTLE_S] = bench_run_settle(run);
    if (run->user_since_fill > 0) {
        result->value[BENCH_USER] = run->user_since_fill;
        measure_amplification(run->user_since_fill, run->written_since_fill, run->wal_since_fill,
                              result);
    }
    if (run->state == STATE_FULL) {
        measure_space(run, distinct_bytes(bench_workload.live), result);
    }
    return BENCH_OK;
}
