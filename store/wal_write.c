#include "check.h"
#include "wal_internal.h"

/* Stores the checksum: last, and not before the rest. A process killed on any instruction before
 * this one leaves a frame without a checksum. Pairs with nothing in memory: recovery reads it. */
static void store_sum(struct lsm_segment *segment, uint64_t offset, uint64_t seq, uint64_t bytes) {
    uint8_t *frame = segment->map + offset;
    LSM_ASSERT(offset % LSM_FRAME_ALIGN == 0 && offset + bytes <= segment->size);
    LSM_ASSERT(seq <= LSM_SEQ_MAX);
    uint32_t sum = lsm_frame_sum(segment->number, offset, seq, frame, bytes);
    atomic_store_explicit((_Atomic uint32_t *)(void *)frame, sum, memory_order_release);
}

void lsm_segment_seal(struct lsm_segment *segment, uint64_t offset, uint64_t seq) {
    const struct lsm_frame seal = {.flags = LSM_FRAME_SEAL};
    uint8_t *frame = segment->map + offset;
    const uint8_t *end = lsm_frame_put_head(frame, &seal);
    store_sum(segment, offset, seq, (uint64_t)(end - frame));
}

bool lsm_wal_fits(const struct lsm_wal *wal, uint64_t payload_bytes) {
    uint64_t left = wal->tail->size - wal->offset; /* the seal's place is never given away */
    LSM_ASSERT(left >= LSM_FRAME_SEAL_BYTES);
    return payload_bytes <= LSM_FRAME_PAYLOAD_MAX &&
           lsm_frame_size_max(payload_bytes) <= left - LSM_FRAME_SEAL_BYTES;
}

bool lsm_wal_misfits(const struct lsm_wal *wal) {
    return wal->tail->pieces == LSM_MAP_HUGE && !wal->stays &&
           atomic_load_explicit(&wal->often_synced, memory_order_relaxed);
}

uint8_t *lsm_wal_begin(struct lsm_wal *wal, const struct lsm_wal_group *group) {
    LSM_ASSERT(lsm_wal_fits(wal, group->payload_bytes) && !wal->open_frame);
    LSM_ASSERT(group->seq > 0 && group->count > 0);
    struct lsm_frame *frame = &wal->frame;
    *frame = (struct lsm_frame){.length = group->payload_bytes,
                                .seq = group->seq,
                                .unix_s = group->unix_s,
                                .count = group->count};
    frame->flags = (group->seq != wal->next_seq ? LSM_FRAME_SEQ : 0u) |
                   (group->unix_s != wal->unix_s ? LSM_FRAME_TIME : 0u) |
                   (group->count != 1 ? LSM_FRAME_COUNT : 0u) |
                   (group->synced ? LSM_FRAME_MARK : 0u);
    uint8_t *at = wal->tail->map + wal->offset;
    uint8_t *payload = lsm_frame_put_head(at, frame);
    wal->head_bytes = (uint64_t)(payload - at);
    wal->open_frame = true;
    return payload;
}

void lsm_wal_commit(struct lsm_wal *wal) {
    const struct lsm_frame *frame = &wal->frame;
    LSM_ASSERT(wal->open_frame);
    uint64_t size = lsm_frame_size(wal->offset, wal->head_bytes, frame->length, frame->flags);
    store_sum(wal->tail, wal->offset, frame->seq, wal->head_bytes + frame->length);
    wal->next_seq = frame->seq + frame->count;
    wal->unix_s = frame->unix_s;
    wal->offset += size;
    wal->open_frame = false;
    uint64_t position = wal->tail->base + wal->offset;
    if ((frame->flags & LSM_FRAME_MARK) != 0) {
        atomic_store_explicit(&wal->mark_end, position, memory_order_relaxed);
    }
    /* Pairs with the load in lsm_wal_sync: who sees the position, flushes the frame's bytes. */
    atomic_store_explicit(&wal->position, position, memory_order_release);
    uint64_t bytes = atomic_load_explicit(&wal->bytes, memory_order_relaxed);
    atomic_store_explicit(&wal->bytes, bytes + size, memory_order_relaxed);
}

struct lsm_pin *lsm_wal_current_pin(const struct lsm_wal *wal) {
    return &wal->tail->hold.pin;
}

void lsm_wal_ref(struct lsm_pin *pin) {
    struct lsm_wal_hold *hold = (struct lsm_wal_hold *)(void *)pin;
    atomic_fetch_add_explicit(&hold->refs, 1, memory_order_relaxed);
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
