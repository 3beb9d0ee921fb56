/* watchers.h: processes that watch a segment as viewers do, and draw nothing.
 *
 * Each attaches, and 60 times a second copies whatever is new in every ring, and the shape. Like
 * the viewers they let the engine go first. They are forked while the worker has no threads yet.
 *
 * Threads:    one. */
#ifndef BENCH_WATCHERS_H
#define BENCH_WATCHERS_H

#include <stdbool.h>

struct bench_watchers;

enum { BENCH_WATCHERS = 4, BENCH_WATCH_HZ = 60 };

/* NULL: no processes to be had. */
struct bench_watchers *bench_watchers_start(void);
/* All attach to /dev/shm/lsmscope.NAME (at most 48 bytes); false: one could not, none is. */
bool bench_watchers_attach(struct bench_watchers *watchers, const char *name);
/* All detach. The CPU seconds they used since they attached, together, and the records they copied;
 * false when one did not answer. */
bool bench_watchers_detach(struct bench_watchers *watchers, double *cpu_s, double *records);
void bench_watchers_stop(struct bench_watchers *watchers); /* NULL is ignored */

#endif
