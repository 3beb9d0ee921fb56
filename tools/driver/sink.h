/* sink.h: what the driver adds to each published sample, and what it takes from it.
 *
 * Threads:    the callbacks run in the publisher's sampler thread.
 * Ownership:  all is borrowed, and must live until lsm_publish_stop has returned. */
#ifndef DRIVER_SINK_H
#define DRIVER_SINK_H

#include <stdatomic.h>
#include <stdint.h>

#include "csv.h"
#include "events.h"
#include "publish.h"
#include "driver_worker.h"

struct driver_sink {
    const struct driver_args *args;
    struct driver_csv *csv;
    struct lsm_stats base; /* counters at the start: where the first CSV row counts from */
    struct driver_events *events;
    struct driver_worker *workers;
    _Atomic uint64_t ready; /* workers that exist: none is looked at before */
    _Atomic uint64_t samples;
};

/* Sets the callbacks and their context. */
void driver_sink_attach(struct driver_sink *sink, struct lsm_publish_options *options);

#endif
