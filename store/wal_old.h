/* wal_old.h: a log segment of an earlier process, to be read: memtables refer to what it holds, and
 * the next log has it synced before its own first sync.
 *
 * Threads:    references from any thread; the rest one at a time. */
#ifndef LSM_WAL_OLD_H
#define LSM_WAL_OLD_H

#include "wal.h"

/* What memtables keep while they refer to bytes of a log. First in what holds them. */
struct lsm_wal_hold {
    struct lsm_pin pin; /* first: releasing it gives a reference back */
    _Atomic uint32_t refs;
    struct lsm_wal_extent (*extent)(const struct lsm_wal_hold *hold);
};

struct lsm_wal_old {
    struct lsm_wal_hold hold; /* one reference is the list's */
    struct lsm_file *file;
    uint8_t *bytes;
    uint64_t size;
    uint64_t number, end; /* what was replayed ends there */
    bool mapped;          /* else the bytes are a copy */
    struct lsm_wal_old *next;
};

LSM_CHECKED int lsm_wal_old_open(struct lsm_io *io, const char *path, struct lsm_wal_old **old,
                                 struct lsm_fault *fault);

/* Oldest first. */
LSM_CHECKED int lsm_wal_old_sync(struct lsm_wal_old *list, struct lsm_fault *fault);

#endif
