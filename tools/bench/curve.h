/* curve.h: throughput against data size. Threads: one. */
#ifndef BENCH_CURVE_H
#define BENCH_CURVE_H

#include "results.h"

/* Runs the set at sizes that double up to --num; writes --curve and draws --plot. The program's
 * exit status. */
int bench_curve_main(struct bench_set *set);

#endif
