/* micro.h: the parts of the engine on their own, so that a regression has an address.
 *
 * Each measures one operation of one part many times over data like the bench's, at least five
 * rounds; the report is the median of the rounds, and their range. Threads: one. */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stdint.h>

#include "bench_args.h"

enum { BENCH_MICRO_ROUNDS = 7 };

struct bench_micro_context {
    const struct bench_args *args;
    const char *dir;               /* for files */
    uint64_t entries;              /* how many the part is to hold */
    double ns[BENCH_MICRO_ROUNDS]; /* of one operation, by round */
    char error[256];
};

struct bench_micro {
    const char *name;
    const char *help;
    /* False and words in `error`. */
    bool (*run)(struct bench_micro_context *context);
};
extern const struct bench_micro bench_micros[];
extern const size_t bench_micro_count;

/* The program's exit status. */
int bench_micro_main(const struct bench_args *args);

bool bench_micro_memtable_insert(struct bench_micro_context *context);
bool bench_micro_memtable_order(struct bench_micro_context *context);
bool bench_micro_memtable_find(struct bench_micro_context *context);
bool bench_micro_memtable_miss(struct bench_micro_context *context);
bool bench_micro_wal_append(struct bench_micro_context *context);
bool bench_micro_block_search(struct bench_micro_context *context);
bool bench_micro_bloom_probe(struct bench_micro_context *context);
bool bench_micro_merge(struct bench_micro_context *context);
bool bench_micro_table_build(struct bench_micro_context *context);
bool bench_micro_ring_publish(struct bench_micro_context *context);

#endif
