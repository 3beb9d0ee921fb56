/* sampler.h: what the process uses while a phase runs: memory ten times a second, CPU time, bytes
 * written.
 *
 * Memory is that of /proc/self/status: anonymous (the heap, stacks, private pages), and apart from
 * it the resident pages of mapped files and shared memory, which the kernel can take back. The
 * kernel keeps these counts anyway, to within some pages; smaps_rollup counts anew by walking every
 * page, which for a mapped database took a sixth of the CPU time of a whole run, at ten times a
 * second. Bytes written are those of /proc/self/io that went, or will go, to the disk: dirtied
 * pages of mapped and written files, direct writes. The log's share is what the engine tells, or
 * else the sizes that its files have been seen to reach.
 *
 * Threads:    a thread of its own; begin and end from the worker's. Its own CPU time is taken
 *             out of what end reports. */
#ifndef BENCH_SAMPLER_H
#define BENCH_SAMPLER_H

#include <stdint.h>

struct bench_sampler;

/* Watches the log files (names ending in `wal_suffix`, "" none) in `dir`. NULL: out of memory or
 * threads. */
struct bench_sampler *bench_sampler_start(const char *dir, const char *wal_suffix);
void bench_sampler_stop(struct bench_sampler *sampler);

struct bench_usage {
    double cpu_s;
    double anon_peak, mapped_peak; /* bytes */
    double written;                /* bytes */
    double wal_seen;               /* bytes by which log files grew, as seen */
};
/* Begins a stretch: peaks start again. */
void bench_sampler_begin(struct bench_sampler *sampler);
/* Since begin. May be called more than once. */
void bench_sampler_read(struct bench_sampler *sampler, struct bench_usage *usage);

#endif
