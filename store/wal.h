/* wal.h: the write-ahead log: segments NNNNNN.wal, mapped and appended to by memcpy. The bytes are
 * in wal_format.h.
 *
 * A segment is allocated, mapped and populated before it is needed; an append is a copy into the
 * mapping and so survives the death of the process. A frame holds one atomic group of operations.
 *
 * Threads:    append, rotate and prepare under the commit lock (one at a time); sync from any
 *             thread, many at once: one of them flushes for all. lsm_wal_stats from any thread.
 *             Rules: a frame's checksum covers segment number and sequence; an all-zero frame is
 *             invalid; each sync records the position it covered, so that recovery can tell a
 *             torn tail from damage. After a failed sync the log refuses everything: it is never
 *             retried. */
#ifndef LSM_WAL_H
#define LSM_WAL_H

#include "io.h"
#include "wal_op.h"

struct lsm_wal;
struct lsm_wal_old; /* segments of earlier processes, replayed: a list */

struct lsm_wal_start {
    uint64_t number; /* of the first segment */
    uint64_t segment_bytes;
    uint64_t after;     /* newest sequence that recovery found: what this log goes on from */
    uint32_t keep;      /* segments no longer needed that are kept, to be used again; 0: none */
    bool synced;        /* most groups will be: see lsm_wal_misfits */
    uint64_t huge_from; /* bytes of a segment that may be mapped in huge pieces; 0: a huge page's */
    struct lsm_wal_old *old; /* what replay left: its ownership goes over, unless create fails. It
                                is synced before anything of this log, or let go of when that needs
                                it no more */
};
/* Starts a new log in `directory`: recovery never appends to one of an earlier incarnation. A frame
 * that does not fit into a segment gets one made for it. */
LSM_CHECKED int lsm_wal_create(struct lsm_io *io, const char *directory,
                               const struct lsm_wal_start *start, struct lsm_wal **wal,
                               struct lsm_fault *fault);
/* Clean close: cuts the allocation's unused tail off. Does not sync. NULL is ignored. */
void lsm_wal_close(struct lsm_wal *wal);

/* True when `payload_bytes` fit the current segment: then append cannot fail for want of space. */
bool lsm_wal_fits(const struct lsm_wal *wal, uint64_t payload_bytes);
/* True when the current segment suits ill what is done with it: it is mapped in huge pieces, which
 * make appends cheap, but syncs are frequent, and each writes such a piece. Better begin the next;
 * where that has failed it is no longer said. Commit lock.
 * Measured with segments of 8 MiB (ext4, Linux 6.18), fillrandom of lsm-bench, medians of five
 * alternating runs: 2.99 M puts a second without syncs instead of 1.63 M in small pieces; but 600
 * synchronous puts a second instead of 2 500. Who writes little pays as well: what the kernel
 * writes back of the log from time to time are whole pieces. */
bool lsm_wal_misfits(const struct lsm_wal *wal);
/* Spare segments are ready (allocated, mapped): rotation costs nothing, if they suit. Background
 * threads call lsm_wal_prepare with the number of the next file; it may be called beside appends.
 * It makes one spare, out of a segment no longer needed if there is one that suits: then nothing is
 * allocated. Where syncs are in use the spare is on the device, so that a sync later writes what
 * was appended alone. */
bool lsm_wal_has_spare(const struct lsm_wal *wal);
LSM_CHECKED int lsm_wal_prepare(struct lsm_wal *wal, uint64_t number, struct lsm_fault *fault);
/* For who has no background threads: makes as many spares as segments no longer needed and the
 * limit allow, and nothing new; takes the numbers of their files from `next_number`. */
LSM_CHECKED int lsm_wal_recycle(struct lsm_wal *wal, _Atomic uint64_t *next_number,
                                struct lsm_fault *fault);
/* Begins the next segment: a spare one, or `number` made now; at least `payload_bytes` will fit.
 * REQUIRES: `number` above that of every segment so far. A failure leaves the log as it was: when
 * room on the disk was lacking, it can be tried again.
 * The earlier segment stays on disk until lsm_wal_remove_before. */
LSM_CHECKED int lsm_wal_rotate(struct lsm_wal *wal, uint64_t number, uint64_t payload_bytes,
                               struct lsm_fault *fault);
uint64_t lsm_wal_number(const struct lsm_wal *wal); /* of the current segment */

/* An atomic group of `count` operations from sequence `seq` on. */
struct lsm_wal_group {
    uint64_t payload_bytes, seq, unix_s;
    uint32_t count;
    bool synced; /* a sync will follow at once: its mark has a place behind the group */
};
/* Begins a frame. Returns where the group's payload goes, so that it is encoded in place. REQUIRES:
 * fits. */
uint8_t *lsm_wal_begin(struct lsm_wal *wal, const struct lsm_wal_group *group);
/* Completes it: the payload is there. */
void lsm_wal_commit(struct lsm_wal *wal);
/* What holds the current segment's bytes in memory, for who refers to payloads in it. Commit lock.
 * Released by any thread, before the log is closed. */
struct lsm_pin *lsm_wal_current_pin(const struct lsm_wal *wal); /* no reference yet */
void lsm_wal_ref(struct lsm_pin *pin);
/* The frames of a segment in memory: from its page to `end`. */
struct lsm_wal_extent {
    struct lsm_file *file;
    const uint8_t *bytes;
    uint64_t number, end;
};
/* What was written to the segment under that pin. REQUIRES: a reference, and a later segment. */
struct lsm_wal_extent lsm_wal_extent(const struct lsm_pin *pin);
/* Whether it is still there: LSM_ERR_CORRUPT with file and offset if not. A page of a mapping is
 * not kept for ever: the kernel may fail to write it back, drop it, and read other bytes in its
 * place. */
LSM_CHECKED int lsm_wal_check(const struct lsm_wal_extent *extent, struct lsm_fault *fault);

/* Position of the next byte over all segments of this log's life: grows for ever. */
uint64_t lsm_wal_position(const struct lsm_wal *wal);
/* Returns when everything before `position` is on the device. Many threads: one flushes for all,
 * and waits a moment for those that the flush before has just let go. */
LSM_CHECKED int lsm_wal_sync(struct lsm_wal *wal, uint64_t position, struct lsm_fault *fault);
uint64_t lsm_wal_synced(const struct lsm_wal *wal); /* position on the device */

struct lsm_wal_stats {
    uint64_t bytes, syncs, rotations, live_bytes;
};
void lsm_wal_stats(const struct lsm_wal *wal, struct lsm_wal_stats *stats);
/* The segments of this log below `number` are no longer needed: they are kept to be used again, or
 * removed. */
LSM_CHECKED int lsm_wal_remove_before(struct lsm_wal *wal, uint64_t number,
                                      struct lsm_fault *fault);

/* ---- reading (recovery) ---- */

struct lsm_wal_recovered {
    uint64_t frames, operations, bytes;
    uint64_t cut_bytes; /* written, but after the first bad frame or in segments after it */
    uint64_t last_seq;
    uint64_t time_s;         /* newest write time seen, Unix seconds; 0 none */
    struct lsm_wal_old *old; /* the segments that were visited, oldest first; the caller's */
};
void lsm_wal_old_free(struct lsm_wal_old *list);
typedef int (*lsm_wal_visit)(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload,
                             uint64_t size, uint32_t count, struct lsm_pin *pin,
                             struct lsm_fault *fault);
/* Replays the segments `numbers` (ascending; those below `from` are passed over) as one log:
 * visit(context, unix_s, first_seq, payload, size, count, pin) for each intact frame in order;
 * non-zero ends the replay with that code. The payload stays where it is as long as
 * `recovered->old` or a reference to the pin (lsm_wal_ref). All of the log's segments must be given
 * at once, since only the later ones can tell whether an earlier one is whole:
 *   - A bad frame before a position that a sync has recorded is LSM_ERR_CORRUPT, and so is a
 * missing segment there.
 *   - Any other bad or missing frame ends the log of the process that wrote it: what it wrote
 *     after that, newer segments included, is counted in cut_bytes. Segments of a later process,
 *     which began from what was recovered then, go on, if that much is there now: in the log, or
 *     in tables, which hold every sequence up to `known_seq`.
 * Sequences must rise. A frame's write time is to about a second. Nothing on disk is changed, and
 * nothing is synced: that is left to the next log, see struct lsm_wal_start. */
LSM_CHECKED int lsm_wal_replay(struct lsm_io *io, const char *directory, const uint64_t *numbers,
                               size_t count, uint64_t from, uint64_t known_seq, lsm_wal_visit visit,
                               void *context, struct lsm_wal_recovered *recovered,
                               struct lsm_fault *fault);

#endif
