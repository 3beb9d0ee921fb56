/* wal_kit.h: logs of known frames, for the tests of the log: frame `seq` holds one operation with a
 * payload made of its number. */
#ifndef WAL_KIT_H
#define WAL_KIT_H

#include "io_fixture.h"

#include "manifest.h"
#include "wal.h"
#include "wal_format.h"

enum { SEGMENT_BYTES = 64 << 10, KIT_TIME_S = 1700000000, KIT_FILES_MAX = 64 };

struct lsm_wal *kit_wal(const struct io_fixture *f, const struct lsm_wal_start *start);
struct lsm_wal *new_wal(const struct io_fixture *f, uint64_t number, uint64_t bytes);

/* Appends one frame of `size` bytes; rotates to *next when it does not fit. Both return the frame's
 * offset in its segment. */
uint64_t append_sized(struct lsm_wal *wal, uint64_t seq, uint64_t size, uint64_t *next);
uint64_t append(struct lsm_wal *wal, uint64_t seq, uint64_t *next);
/* The same with room for a mark behind it; then a sync. */
uint64_t append_and_sync_one(struct lsm_wal *wal, uint64_t seq, uint64_t size, uint64_t *next);

/* Replayed sequences, which must be 1, 2, 3, ... with their payloads. */
struct seen {
    uint64_t next;
    uint64_t stop_at; /* the visitor fails there; 0 never */
};
int see(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload, uint64_t size,
        uint32_t count, struct lsm_pin *pin, struct lsm_fault *fault);

struct files {
    uint64_t number[KIT_FILES_MAX];
    size_t count;
};
struct files list(const struct io_fixture *f);

int replay(const struct io_fixture *f, uint64_t from, struct seen *seen,
           struct lsm_wal_recovered *recovered);
/* Replays all; returns how many frames there were. */
uint64_t count_of(const struct io_fixture *f, uint64_t *cut);
/* Replays all, which must end in LSM_ERR_CORRUPT with words that hold `place`. */
void must_be_damaged(const struct io_fixture *f, const char *place);

/* Changes a byte of a segment, as a decaying disk would. */
void damage(const struct io_fixture *f, uint64_t number, uint64_t offset);

#endif
