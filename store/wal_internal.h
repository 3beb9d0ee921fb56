/* wal_internal.h: what the files of the log's writer share: wal_write.c (append), wal_segment.c
 * (one file), wal_rotate.c (the row of them: create, prepare, rotate, remove) and wal_sync.c
 * (flush). Nobody else includes it.
 *
 * Threads:    fields say what guards them. The commit lock is the caller's; the mutex is ours
 *             and is held briefly, never during I/O. Whoever holds the commit lock may take the
 *             mutex, not the other way round. */
#ifndef LSM_WAL_INTERNAL_H
#define LSM_WAL_INTERNAL_H

#include "manifest.h"
#include "wal_format.h"
#include "wal_old.h"

struct lsm_segment {
    struct lsm_wal_hold hold; /* first: of memtables that refer to its bytes */
    struct lsm_file *file;
    uint8_t *map;
    uint64_t number, size;
    uint64_t base;            /* position of the file's first byte */
    uint64_t end;             /* after the seal; mutex; 0 while it is the current one */
    struct lsm_segment *next; /* the next newer one, or in the list that has it; mutex */
    enum lsm_map_pieces pieces;
    uint32_t flushes; /* that ended in it; mutex */
    unsigned marks;   /* written so far; whoever flushes */
    bool named;       /* its name is on the device; mutex */
    bool synced;      /* all of it is on the device, and it is complete; mutex */
};

struct lsm_wal {
    struct lsm_io *io;
    uint64_t segment_bytes;
    uint64_t first; /* number of the first segment: names the chain */
    uint64_t after;
    uint64_t huge_from;
    uint32_t keep;
    bool mostly_synced; /* as the start has told */

    /* Commit lock. */
    uint64_t offset;          /* in the current segment, of the next frame */
    uint64_t next_seq;        /* after the frame before; 0: a segment begins */
    uint64_t unix_s;          /* of the frame before */
    struct lsm_frame frame;   /* between begin and commit */
    uint64_t head_bytes;      /* its checksum and head */
    bool open_frame;          /* between begin and commit */
    struct lsm_segment *tail; /* the current segment; changed under the mutex too */
    bool stays;               /* no better one was to be had: not to be tried without need */

    _Atomic uint64_t position, synced; /* stores: commit lock; whoever flushes */
    _Atomic uint64_t mark_end; /* position after the newest room for a mark; stores: commit lock */
    _Atomic uint64_t bytes, syncs, rotations, live_bytes;
    _Atomic uint32_t spares;   /* stores: mutex */
    _Atomic bool often_synced; /* segments in small pieces are wanted; stores: mutex */
    uint32_t quiet;            /* segments in a row with few flushes; mutex */

    pthread_mutex_t mutex;
    struct lsm_cond flushed;   /* a flush has ended */
    uint32_t waiting;          /* threads that no flush begun as yet serves; mutex */
    uint32_t expected;         /* so many the last flush served, or left waiting; mutex */
    uint64_t turn;             /* flushes begun; mutex */
    uint64_t flush_ns;         /* duration of the last flush; mutex */
    bool gathering;            /* somebody waits for others before a flush; mutex */
    struct lsm_wal_old *old;   /* to be synced first; mutex; whoever flushes */
    struct lsm_segment *head;  /* oldest first, up to tail; mutex */
    struct lsm_segment *spare; /* zero, with numbers of their own that ascend; mutex */
    struct lsm_segment *used;  /* no longer needed, under their old names and with what they hold,
                                  to be spares again; mutex */
    struct lsm_segment
        *gone;               /* without a file any more; freed once nothing refers to them; mutex */
    uint32_t used_count;     /* mutex */
    bool flushing;           /* somebody flushes, and may use any segment of the list; mutex */
    bool preparing;          /* mutex */
    struct lsm_fault poison; /* the failed sync, code 0 if none; mutex */

    char directory[LSM_PATH_MAX];
};

/* More flushes of one segment are many. To make one in small pieces costs some 14 ms more of CPU
 * than in huge ones, puts into it included; a flush of 2 MiB, 1 to 1.5 ms more than one of a few
 * KiB: measured as told at lsm_wal_misfits. */
enum { LSM_WAL_FEW_FLUSHES = 8 };
/* In what pieces a segment of that size is best mapped now. */
enum lsm_map_pieces lsm_segment_pieces(const struct lsm_wal *wal, uint64_t size);
/* Bytes of a segment that holds a frame of `payload_bytes` and the seal. */
uint64_t lsm_segment_room(uint64_t payload_bytes);
/* Allocates and maps a segment file; nothing is left of it on failure. */
LSM_CHECKED int lsm_segment_make(struct lsm_wal *wal, uint64_t number, uint64_t size,
                                 struct lsm_segment **segment, struct lsm_fault *fault);
/* Makes a segment that nobody needs a spare with that number. On failure it is still what it was,
 * or zero. */
LSM_CHECKED int lsm_segment_reuse(struct lsm_wal *wal, struct lsm_segment *segment, uint64_t number,
                                  struct lsm_fault *fault);
/* Makes a spare that is too small larger; it is still unused. */
LSM_CHECKED int lsm_segment_enlarge(struct lsm_wal *wal, struct lsm_segment *segment, uint64_t size,
                                    struct lsm_fault *fault);
/* Something in memory refers to its bytes. */
bool lsm_segment_referred(const struct lsm_segment *segment);
/* Unmaps and closes; the file stays. REQUIRES: not referred to. */
void lsm_segment_free(struct lsm_segment *segment);
/* Removes the segment's file, and frees it as soon as nothing refers to it. No lock held. */
LSM_CHECKED int lsm_segment_drop(struct lsm_wal *wal, struct lsm_segment *segment,
                                 struct lsm_fault *fault);
/* Makes an unused segment the current one's successor in bytes: writes its header. */
void lsm_segment_begin(const struct lsm_wal *wal, const struct lsm_segment *segment,
                       uint64_t previous);
/* Writes the seal at `offset`. */
void lsm_segment_seal(struct lsm_segment *segment, uint64_t offset, uint64_t seq);

#endif
