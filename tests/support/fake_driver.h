/* fake_driver.h: a publisher without an engine: a small simulated tree, driven step by step.
 *
 * What it publishes follows from the number of the step alone, so that a test knows what a reader
 * must see: after step n (from 1) ops.put is n * FAKE_PUTS, ops.get n * FAKE_GETS. */
#ifndef TESTS_FAKE_DRIVER_H
#define TESTS_FAKE_DRIVER_H

#include "scope.h"

enum {
    FAKE_PUTS = 1000, /* per step */
    FAKE_GETS = 200,
    FAKE_PUT_BYTES = 160,
    FAKE_MEMTABLE = 1000000, /* flushed every 7th step */
    FAKE_L0_MAX = 4,         /* tables, then they are compacted into L1 */
};

struct fake_driver {
    struct scope_writer *writer;
    uint64_t interval_ns;
    uint64_t start_ns; /* of step 0, CLOCK_MONOTONIC */
    uint64_t step;
    uint64_t memtable, flushes, compactions;
    uint64_t tables[2], bytes[2]; /* L0, L1 */
    uint32_t job;
};

/* `slots`: of each ring, a power of two; 0 for the default. Returns scope_writer_create's status.
 */
int fake_driver_open(struct fake_driver *driver, const char *name, uint64_t interval_ms,
                     uint32_t slots, bool linger);
/* Publishes one sample, with the events and each second the histograms that go with it. Its time is
 * that of the step, not of the clock: steps may be published faster than they happened. */
void fake_driver_step(struct fake_driver *driver);
void fake_driver_close(struct fake_driver *driver);

#endif
