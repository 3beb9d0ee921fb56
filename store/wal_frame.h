/* wal_frame.h: reading the frames of a segment that lies in memory: for recovery, and for who asks
 * whether the log still holds what was put into it.
 *
 * Threads:    any, on bytes that nobody writes meanwhile. Nothing in them is believed before its
 *             checksum is right. */
#ifndef LSM_WAL_FRAME_H
#define LSM_WAL_FRAME_H

#include "wal_format.h"

/* A frame: its head, where its payload lies, and the size of it all. */
struct lsm_frame_place {
    struct lsm_frame frame;
    const uint8_t *payload;
    uint64_t size; /* 0: no intact frame here */
};

/* Reads the frame at `offset` of the `size` bytes of segment `number`. `place` comes with what the
 * frame before it said: lsm_frame_next. */
void lsm_frame_read(const uint8_t *bytes, uint64_t size, uint64_t number, uint64_t offset,
                    struct lsm_frame_place *place);
/* What the frame after this one goes on from. */
static inline void lsm_frame_next(struct lsm_frame_place *place) {
    place->frame.seq += place->frame.count;
}

#endif
