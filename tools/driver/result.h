/* result.h: what is known at the end of a run, and what is said about it.
 *
 * Threads:    after everything has ended. The functions are pure: the same result, the same
 *             text. */
#ifndef DRIVER_RESULT_H
#define DRIVER_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "driver_args.h"
#include "lsm.h"
#include "recording.h"
#include "text.h"

struct driver_result {
    const struct driver_args *args;
    uint64_t start_ns;   /* CLOCK_MONOTONIC */
    uint64_t elapsed_ns; /* until the last worker ended, the load not counted; > 0 */
    bool interrupted;
    struct lsm_stats base, end; /* counters at the start and at the end of the run */
    uint64_t done[KINDS];
    uint64_t refused;                   /* writes refused for want of space */
    struct lsm_latency service[KINDS];  /* of the run only */
    struct lsm_latency response[KINDS]; /* paced kinds */
    struct lsm_event longest_stall;     /* duration_ns 0: none */
    /* Where the workers' time went, all together. */
    uint64_t worker_cpu_ns, worker_runqueue_ns, worker_waited_ns, worker_switches;
    /* What being watched cost. */
    uint64_t watch_ns, samples;
    uint64_t csv_rows;
    int csv_error; /* errno */
    struct scope_recorder_totals recorded;
    const char *record_error; /* NULL: the recording is complete */
};

void driver_report(struct driver_page *page, const struct driver_result *result);
/* A paced kind fell behind by more than 1 %. */
bool driver_missed(const struct driver_result *result, enum driver_kind kind);
/* For each rate that was missed: by how much, why, and what to do. Nothing when none was. */
void driver_diagnose(struct driver_page *page, const struct driver_result *result);
/* --explain: what happened, in a few sentences. */
void driver_explain(struct driver_page *page, const struct driver_result *result);

/* after - before of a histogram; the max is `after`'s. */
void driver_latency_subtract(struct lsm_latency *after, const struct lsm_latency *before);
uint64_t driver_latency_total(const struct lsm_latency *latency);
/* The option to turn against a cause of stalls. */
const char *driver_stall_remedy(enum lsm_stall cause);

#endif
