/* sim_io.h: the simulated backend of the engine's I/O seam.
 *
 * One thread, its own clock, and a disk in memory that forgets what was not synced when its power
 * is cut. Everything left to chance (the order in which requests complete, short transfers, which
 * job runs, what a power cut spares) follows from the seed, so that a failure can be repeated.
 *
 *     struct lsm_io *io = sim_create(seed);
 *     ... work; sim_power_cut(io) or sim_kill(io), or sim_cut_at(io, n) beforehand ...
 *     struct lsm_io *after = sim_restart(io);
 *     lsm_io_destroy(io);                        after its handles are closed, they only give -EIO
 *
 * What the disk keeps: a file's bytes and size by lsm_file_sync, a directory's entries by
 * lsm_io_sync_dir (a file that was synced, but not its name, is lost). Stores into a mapped file
 * are in the page cache at once: they survive sim_kill, and a power cut once synced.
 *
 * The tree begins with the directories "/" and "." (names without a slash); parents must exist.
 * A mapped file cannot grow beyond the pages it was mapped with.
 *
 * Threads:    one.
 * Errors:     a test's misuse, and a wait that nothing can end, abort with the seed. */
#ifndef SIM_IO_H
#define SIM_IO_H

#include "io.h"

struct lsm_io *sim_create(uint64_t seed); /* until lsm_io_destroy; aborts when memory is out */

/* What a power cut does to bytes and directory changes that were not synced. */
enum sim_cut_mode {
    SIM_CUT_RANDOM, /* default. A random subset of sectors (512 B or 4 KiB) is kept; of each
                       directory's changes, a random first part */
    SIM_CUT_DROP,   /* all of it is lost */
    SIM_CUT_KEEP,   /* nothing is lost: only the process died */
};
void sim_set_cut_mode(struct lsm_io *io, enum sim_cut_mode mode);

/* Ends this io: every later call gives -EIO and has no effect on the disk. */
void sim_power_cut(struct lsm_io *io); /* by the cut mode */
void sim_kill(struct lsm_io *io);      /* the process dies, the page cache survives */
bool sim_is_dead(const struct lsm_io *io);
/* A new io on what the disk kept. REQUIRES: dead, and not restarted before. The new one continues
 * the random numbers and the clock, and has no failures planned, no capacity limit. */
struct lsm_io *sim_restart(struct lsm_io *io);

/* Operations so far: each request, and each open, allocate, map, rename, sync_dir and the like. */
uint64_t sim_operations(const struct lsm_io *io);
/* The operation with number n (the first is 1) fails with this errno, and has no effect. One at a
 * time is planned; n = 0 cancels. */
void sim_fail_at(struct lsm_io *io, uint64_t n, int errno_value);
/* The power is cut, or with SIM_CUT_KEEP the process killed, at operation n: before it, or after it
 * but before its answer. n = 0 cancels. */
void sim_cut_at(struct lsm_io *io, uint64_t n);
/* Files together may hold this many bytes; 0: no limit. Beyond it writing gives -ENOSPC. */
void sim_set_capacity(struct lsm_io *io, uint64_t bytes);
uint64_t sim_used(const struct lsm_io *io);

#endif
