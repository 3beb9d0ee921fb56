/* crash.h: processes that fill a database and are killed with SIGKILL.
 *
 * They come from a forker, which is started while the worker has neither threads nor libraries and
 * never gets any: what an engine's library starts in a process does not survive a later fork.
 *
 * Threads:    one. */
#ifndef BENCH_CRASH_H
#define BENCH_CRASH_H

#include "engine.h"

struct bench_crasher;

/* NULL: no process to be had. `engine` and `setup` are borrowed. */
struct bench_crasher *bench_crasher_start(const struct bench_engine *engine,
                                          const struct bench_setup *setup);
/* Lets a process open setup->dir and put ids 0, 1, 2 ... in a shuffled order until `count` are
 * acknowledged, then kills it. The number acknowledged by then, or 0 with words in `error`. */
uint64_t bench_crasher_crash(struct bench_crasher *crasher, uint64_t count,
                             char error[BENCH_ERROR_TEXT]);
/* Ends the forker. NULL is ignored. */
void bench_crasher_stop(struct bench_crasher *crasher);

#endif
