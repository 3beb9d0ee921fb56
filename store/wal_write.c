#include "check.h"
#include "wal_internal.h"

void lsm_frame_finish(struct lsm_segment *segment, uint64_t offset, enum lsm_frame_kind kind,
                      uint64_t length, uint64_t seq, uint32_t count, uint64_t unix_s) {
    uint8_t *frame = segment->map + offset;
    LSM_ASSERT(offset % LSM_FRAME_ALIGN == 0 && length <= LSM_FRAME_PAYLOAD_MAX);
    LSM_ASSERT(offset + lsm_frame_size(length) <= segment->size && seq <= LSM_SEQ_MAX);
    lsm_store32(frame + LSM_FRAME_AT_LENGTH, (uint32_t)length);
    lsm_store32(frame + LSM_FRAME_AT_COUNT, count);
    lsm_store64(frame + LSM_FRAME_AT_SEQ, seq | (uint64_t)kind << 56);
    lsm_store64(frame + LSM_FRAME_AT_TIME, unix_s);
    memset(frame + LSM_FRAME_BYTES + length, 0, lsm_frame_size(length) - LSM_FRAME_BYTES - length);
    uint64_t sum = lsm_frame_sum(segment->number, offset, frame, length);
    /* Last, and not before the rest: a process killed on any instruction before this one leaves a
     * frame without a checksum. Pairs with nothing in memory: recovery is the reader. */
    atomic_store_explicit((_Atomic uint64_t *)(void *)frame, sum, memory_order_release);
}

bool lsm_wal_fits(const struct lsm_wal *wal, uint64_t payload_bytes) {
    uint64_t left = wal->tail->size - wal->offset; /* the seal's place is never given away */
    LSM_ASSERT(left >= LSM_FRAME_BYTES);
    return payload_bytes <= LSM_FRAME_PAYLOAD_MAX &&
           lsm_frame_size(payload_bytes) <= left - LSM_FRAME_BYTES;
}

uint8_t *lsm_wal_begin(struct lsm_wal *wal, uint64_t payload_bytes) {
    LSM_ASSERT(lsm_wal_fits(wal, payload_bytes));
    LSM_ASSERT(!wal->open_frame);
    wal->pending = payload_bytes;
    wal->open_frame = true;
    return wal->tail->map + wal->offset + LSM_FRAME_BYTES;
}

void lsm_wal_commit(struct lsm_wal *wal, uint64_t seq, uint32_t count) {
    LSM_ASSERT(wal->open_frame);
    LSM_ASSERT(seq > 0 && count > 0);
    uint64_t size = lsm_frame_size(wal->pending);
    lsm_frame_finish(wal->tail, wal->offset, LSM_FRAME_GROUP, wal->pending, seq, count,
                     lsm_io_unix_s(wal->io));
    wal->offset += size;
    wal->open_frame = false;
    /* Pairs with the load in lsm_wal_sync: who sees the position, flushes the frame's bytes. */
    atomic_store_explicit(&wal->position, wal->tail->base + wal->offset, memory_order_release);
    uint64_t bytes = atomic_load_explicit(&wal->bytes, memory_order_relaxed);
    atomic_store_explicit(&wal->bytes, bytes + size, memory_order_relaxed);
}

uint64_t lsm_wal_number(const struct lsm_wal *wal) {
    return wal->tail->number;
}

uint64_t lsm_wal_position(const struct lsm_wal *wal) {
    return atomic_load_explicit(&wal->position, memory_order_acquire);
}

uint64_t lsm_wal_synced(const struct lsm_wal *wal) {
    return atomic_load_explicit(&wal->synced, memory_order_acquire);
}

void lsm_wal_stats(const struct lsm_wal *wal, struct lsm_wal_stats *stats) {
    *stats = (struct lsm_wal_stats){
        .bytes = atomic_load_explicit(&wal->bytes, memory_order_relaxed),
        .syncs = atomic_load_explicit(&wal->syncs, memory_order_relaxed),
        .rotations = atomic_load_explicit(&wal->rotations, memory_order_relaxed),
        .live_bytes = atomic_load_explicit(&wal->live_bytes, memory_order_relaxed),
    };
}
