#include "wal_frame.h"

#include "entry.h"
#include "wal_old.h"

#include <inttypes.h>

void lsm_frame_read(const uint8_t *bytes, uint64_t size, uint64_t number, uint64_t offset,
                    struct lsm_frame_place *place) {
    struct lsm_frame *frame = &place->frame;
    uint64_t left = offset < size ? size - offset : 0;
    place->size = 0;
    if (left < LSM_FRAME_SEAL_BYTES) {
        return;
    }
    const uint8_t *p = bytes + offset;
    const uint8_t *payload = lsm_load32(p) != 0 ? lsm_frame_get_head(p, p + left, frame) : NULL;
    uint64_t head_bytes = payload != NULL ? (uint64_t)(payload - p) : 0;
    if (payload == NULL || frame->length > left - head_bytes || frame->seq > LSM_SEQ_MAX) {
        return;
    }
    uint64_t sum_bytes = head_bytes + frame->length;
    uint64_t whole = lsm_frame_size(offset, head_bytes, frame->length, frame->flags);
    if (whole <= left && lsm_frame_sum(number, offset, frame->seq, p, sum_bytes) == lsm_load32(p)) {
        place->payload = payload;
        place->size = whole;
    }
}

struct lsm_wal_extent lsm_wal_extent(const struct lsm_pin *pin) {
    const struct lsm_wal_hold *hold = (const struct lsm_wal_hold *)(const void *)pin;
    return hold->extent(hold);
}

int lsm_wal_check(const struct lsm_wal_extent *extent, struct lsm_fault *fault) {
    struct lsm_frame_place place = {0};
    uint64_t offset = LSM_WAL_PAGE_BYTES;
    while (offset < extent->end) {
        lsm_frame_read(extent->bytes, extent->end, extent->number, offset, &place);
        if (place.size == 0) {
            return lsm_fail(fault, LSM_ERR_CORRUPT,
                            "%s: offset %" PRIu64 ": the log gives back other bytes than were put",
                            lsm_file_path(extent->file), offset);
        }
        offset += place.size;
        lsm_frame_next(&place);
    }
    return 0;
}
