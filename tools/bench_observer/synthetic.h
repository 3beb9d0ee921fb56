/* synthetic.h: a publisher without an engine, as busy as a large one: every metric, a histogram a
 * second, and a tree of many tables that flushes and compactions change, event by event.
 *
 * What it publishes follows from its seed and the number of the step alone. Times are those of the
 * steps, not of the clock: an hour may be published in a second.
 *
 * Threads:    one.
 * Ownership:  the writer is the publisher's. */
#ifndef BENCH_SYNTHETIC_H
#define BENCH_SYNTHETIC_H

#include "scope.h"

enum { SYNTHETIC_TABLES_MAX = 4096, SYNTHETIC_INPUTS = 10, SYNTHETIC_METRICS_MAX = 512 };

struct synthetic_job {
    uint32_t job; /* 0: none runs */
    uint8_t from;
    uint64_t begin_ns, end_ns;
    uint64_t input[2 * SYNTHETIC_INPUTS];
    uint32_t inputs;
};

struct synthetic {
    struct scope_writer *writer;
    uint64_t interval_ns, start_ns;
    uint64_t step;
    uint64_t random;
    size_t tables_wanted;
    struct scope_table table[SYNTHETIC_TABLES_MAX];
    size_t tables;
    uint64_t next_table;
    uint32_t next_job;
    struct synthetic_job job[2]; /* out of level 0, and out of a deeper one */
    bool settling;               /* no job begins */
    uint64_t memtable, flushes, compactions;
    uint64_t value[SYNTHETIC_METRICS_MAX]; /* by place in the built-in table */
};

/* 0, or scope_writer_create's error. */
int synthetic_open(struct synthetic *synthetic, const char *name, uint64_t interval_ms,
                   size_t tables);
/* One sample, with what happened since the one before it. */
void synthetic_step(struct synthetic *synthetic);
/* Goes on, without beginning anything, until no job runs. */
void synthetic_settle(struct synthetic *synthetic);
void synthetic_close(struct synthetic *synthetic);

#endif
