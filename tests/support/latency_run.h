/* latency_run.h: one-second histograms made up by arithmetic, the same on every machine: puts with
 * a fast band and a slow one, tails that rise in a stall, gets that are fewer, a stretch that is
 * lost.
 *
 * Threads:    one. */
#ifndef TESTS_LATENCY_RUN_H
#define TESTS_LATENCY_RUN_H

#include "history.h"

/* Appends `seconds` of them. The stall lies where canned_run has its own. */
void latency_run(struct history *history, unsigned seconds);

#endif
