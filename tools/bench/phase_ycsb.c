/* phase_ycsb.c: the six core workloads of YCSB, each for as long as --seconds says.
 *
 * Zipfian with skew 0.99, the ranks strewn over the keys; D prefers what was inserted last. New
 * keys lie behind the others. */
#include <stdatomic.h>

#include "client.h"
#include "keys.h"

struct ycsb {
    unsigned get, put, insert, scan, modify; /* per cent */
    bool latest;
};

struct plan {
    struct ycsb mix;
    struct driver_zipf zipf;
    _Atomic uint64_t *head;  /* ids below are being put, or there */
    _Atomic uint64_t *there; /* ids below are there */
};

enum { SCAN_MAX = 100 };

static uint64_t choose(struct bench_client *client, const struct plan *plan) {
    uint64_t rank = driver_zipf_next(&plan->zipf, &client->random);
    if (plan->mix.latest) {
        return atomic_load_explicit(plan->there, memory_order_acquire) - 1 - rank;
    }
    return bench_permute(rank, 4);
}

/* Ids become visible to the others in order, as YCSB's acknowledged counter does it. */
static int insert(struct bench_client *client, const struct plan *plan) {
    uint64_t id = atomic_fetch_add_explicit(plan->head, 1, memory_order_relaxed);
    int status = bench_client_put(client, id);
    uint64_t expected = id;
    while (status == BENCH_OK &&
           !atomic_compare_exchange_weak_explicit(plan->there, &expected, id + 1,
                                                  memory_order_release, memory_order_relaxed)) {
        expected = id;
    }
    return status;
}

static int step(struct bench_client *client) {
    const struct plan *plan = client->plan;
    const struct ycsb *mix = &plan->mix;
    unsigned die = (unsigned)driver_random_below(&client->random, 100);
    int status;
    if (die < mix->get) {
        status = bench_client_get(client, choose(client, plan));
    } else if (die < mix->get + mix->put) {
        status = bench_client_put(client, choose(client, plan));
    } else if (die < mix->get + mix->put + mix->insert) {
        status = insert(client, plan);
    } else if (die < mix->get + mix->put + mix->insert + mix->scan) {
        unsigned length = (unsigned)driver_random_below(&client->random, SCAN_MAX);
        status = bench_scan(client, choose(client, plan), length);
    } else {
        uint64_t id = choose(client, plan);
        status = bench_client_get(client, id);
        if (status == BENCH_OK) {
            status = bench_client_put(client, id);
        }
    }
    return status == BENCH_OK ? 1 : BENCH_FAILED;
}

static int ycsb(struct bench_run *run, struct ycsb mix, struct bench_result *result) {
    _Atomic uint64_t head = bench_workload.live;
    _Atomic uint64_t there = bench_workload.live;
    struct plan plan = {.mix = mix, .head = &head, .there = &there};
    struct bench_drive drive = {.step = step, .plan = &plan, .time_ns = run->args->seconds_ns};
    driver_zipf_init(&plan.zipf, bench_workload.num, 0.99);
    int status = bench_drive(run, &drive, result);
    bench_workload.live = atomic_load(&there);
    return status;
}

int bench_phase_ycsb_a(struct bench_run *run, struct bench_result *result) {
    return ycsb(run, (struct ycsb){.get = 50, .put = 50}, result);
}

int bench_phase_ycsb_b(struct bench_run *run, struct bench_result *result) {
    return ycsb(run, (struct ycsb){.get = 95, .put = 5}, result);
}

int bench_phase_ycsb_c(struct bench_run *run, struct bench_result *result) {
    return ycsb(run, (struct ycsb){.get = 100}, result);
}

int bench_phase_ycsb_d(struct bench_run *run, struct bench_result *result) {
    return ycsb(run, (struct ycsb){.get = 95, .insert = 5, .latest = true}, result);
}

int bench_phase_ycsb_e(struct bench_run *run, struct bench_result *result) {
    return ycsb(run, (struct ycsb){.scan = 95, .insert = 5}, result);
}

int bench_phase_ycsb_f(struct bench_run *run, struct bench_result *result) {
    return ycsb(run, (struct ycsb){.get = 50, .modify = 50}, result);
}
