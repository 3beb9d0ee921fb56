/* suite.h: engines in turn, each in a process of its own, and what comes of it. Threads: one. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include "bench_args.h"
#include "results.h"

/* The program's exit status: 0, 1 when a phase failed, 2 when the options make no sense together or
 * no engine is there, 130 when it was interrupted. */
int bench_suite_main(const struct bench_args *args);

/* Runs every phase on every engine of the set, as often as set->args says, and adds the results.
 * False when it was interrupted or the machine refused something (which is then told). */
bool bench_suite_run(struct bench_set *set);

#endif
