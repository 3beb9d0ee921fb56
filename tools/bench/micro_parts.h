/* micro_parts.h: what the microbenchmarks share. Threads: one. */
#ifndef BENCH_MICRO_PARTS_H
#define BENCH_MICRO_PARTS_H

#include "entry.h"
#include "micro.h"

/* `count` entries in key order, ids first, first + step, ... Keys and values lie in one block.
 * NULL: out of memory. free() both. */
struct bench_micro_entries {
    struct lsm_entry *entry;
    uint64_t count;
    char *bytes;
};
bool bench_micro_entries_make(struct bench_micro_entries *entries, uint64_t first, uint64_t step,
                              uint64_t count);
void bench_micro_entries_free(struct bench_micro_entries *entries);

/* False, with the words in context->error. */
bool bench_micro_fail(struct bench_micro_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
