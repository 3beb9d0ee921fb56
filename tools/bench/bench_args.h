/* bench_args.h: what the user asked for. One table (args.c) makes the parser, the range checks and
 * --help. Threads: parse once, then read-only. Ownership: strings point into argv. */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { BENCH_LIST_MAX = 64 };

struct bench_args {
    const char *engine; /* names, comma between; NULL: all */
    const char *phases; /* NULL: all that run by default */
    uint64_t num;
    uint64_t key_size, value_size;
    uint64_t threads;
    uint64_t seconds_ns; /* shortest time of a phase that reads */
    uint64_t seed;
    uint64_t memtable_bytes, cache_bytes;
    double bloom_fpr;
    const char *compression;
    const char *policy; /* names of our engine's compaction policies; NULL: leveled */
    const char *dir;
    uint64_t repeat;
    const char *baseline;
    uint64_t pairs;
    bool json;
    bool micro;
    const char *micro_names; /* NULL: all */
    const char *curve;       /* CSV file; NULL: none */
    bool help, version;
};

/* True, or false and one line (without newline) in `error`. */
bool bench_args_parse(int argc, char **argv, struct bench_args *args, char error[256]);
void bench_args_help(FILE *out);

/* Cuts "a,b,c" into at most BENCH_LIST_MAX names, in `room` bytes of `text` (a copy is kept there).
 * The number of names; 0 when there is none, one is empty, or they do not fit. */
size_t bench_args_split(const char *list, char *text, size_t room, const char *names[]);

#endif
