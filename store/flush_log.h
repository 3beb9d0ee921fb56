/* flush_log.h: what a flush reads out of the log's mapping, and that it was what had been put.
 *
 * A page of a mapping is not kept for ever: where the kernel fails to write one back it may drop
 * it, and read in its place what the disk has. So a flush reads operations like those of a file:
 * none that does not end where the log's frames do. After it has copied all of them it checks the
 * frames: those that are right now were right before, since nobody puts lost bytes back. Of
 * the 1 350 instructions of an entry of 144 bytes the check takes 280, the careful reading 100.
 *
 * Threads:    one. */
#ifndef LSM_FLUSH_LOG_H
#define LSM_FLUSH_LOG_H

#include "memtable.h"
#include "wal.h"

struct lsm_flush_log {
    struct lsm_op_reader reader;    /* first: of lsm_memtable_sorted */
    struct lsm_wal_extent *extents; /* by address */
    size_t count;
};
/* REQUIRES: the memtable is sealed, and stays. */
LSM_CHECKED int lsm_flush_log_open(struct lsm_flush_log *log, const struct lsm_memtable *memtable,
                                   struct lsm_fault *fault);
LSM_CHECKED int lsm_flush_log_check(const struct lsm_flush_log *log, struct lsm_fault *fault);
void lsm_flush_log_close(struct lsm_flush_log *log);

#endif
