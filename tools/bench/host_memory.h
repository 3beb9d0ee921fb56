/* host_memory.h: keeps what a virtual machine's memory costs out of a comparison.
 *
 * A guest kernel with free page reporting (Linux, mm/page_reporting.c) gives memory to the host
 * when it has been free for some two seconds. Whoever uses it next pays for getting it back: some
 * 4 us a page, seen as a slower machine and in no counter. A run that begins right after another
 * has left its memory is hit or not by the time of day. With this before each run none is that is
 * over within two seconds; without a host it costs only the time.
 *
 * Threads: any. */
#ifndef BENCH_HOST_MEMORY_H
#define BENCH_HOST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Takes `bytes`, touches them, holds them until `ns` have passed since the call, and frees them. By
 * then the kernel has reported what else was freed lately, and pages freed last are those it gives
 * out first. At most half of what is free is taken, and at most 2 GiB: what fills more takes longer
 * than those two seconds anyway. Returns the bytes that were held. */
size_t bench_host_memory_hold(size_t bytes, uint64_t ns);

#endif
