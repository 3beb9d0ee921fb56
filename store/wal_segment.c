#include "check.h"
#include "checksum.h"
#include "wal_internal.h"

#include <stdlib.h>

static uint64_t round_page(uint64_t bytes) {
    return (bytes + LSM_WAL_PAGE_BYTES - 1) & ~(uint64_t)(LSM_WAL_PAGE_BYTES - 1);
}

uint64_t lsm_segment_room(uint64_t payload_bytes) {
    return round_page(LSM_WAL_PAGE_BYTES + lsm_frame_size_max(payload_bytes) +
                      LSM_FRAME_SEAL_BYTES);
}

static void release_pin(struct lsm_pin *pin) {
    struct lsm_segment *segment = (struct lsm_segment *)(void *)pin;
    /* Release: our reads are done. Pairs with lsm_segment_referred. */
    uint32_t refs = atomic_fetch_sub_explicit(&segment->hold.refs, 1, memory_order_release);
    LSM_ASSERT(refs > 0);
}

static struct lsm_wal_extent extent_of(const struct lsm_wal_hold *hold) {
    const struct lsm_segment *s = (const struct lsm_segment *)(const void *)hold;
    LSM_ASSERT(s->end > LSM_WAL_PAGE_BYTES && s->end <= s->size);
    return (struct lsm_wal_extent){s->file, s->map, s->number, s->end};
}

bool lsm_segment_referred(const struct lsm_segment *segment) {
    return atomic_load_explicit(&segment->hold.refs, memory_order_acquire) > 0;
}

enum lsm_map_pieces lsm_segment_pieces(const struct lsm_wal *wal, uint64_t size) {
    bool often = atomic_load_explicit(&wal->often_synced, memory_order_relaxed);
    return often || size < wal->huge_from ? LSM_MAP_SMALL : LSM_MAP_HUGE;
}

int lsm_segment_make(struct lsm_wal *wal, uint64_t number, uint64_t size,
                     struct lsm_segment **segment, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    LSM_ASSERT(size >= lsm_segment_room(0) && size % LSM_WAL_PAGE_BYTES == 0);
    lsm_file_name(path, wal->directory, LSM_NAME_WAL, number);
    struct lsm_segment *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for a log segment", path);
    }
    s->hold.pin.release = release_pin;
    s->hold.extent = extent_of;
    s->number = number;
    s->size = size;
    s->pieces = lsm_segment_pieces(wal, size);
    int rc = lsm_file_open(wal->io, path, LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE,
                           &s->file, fault);
    if (rc != 0) {
        free(s);
        return rc;
    }
    rc = lsm_file_allocate(s->file, size, fault);
    if (rc == 0) {
        rc = lsm_file_map(s->file, size, s->pieces, &s->map, fault);
    }
    atomic_fetch_add_explicit(&wal->live_bytes, size, memory_order_relaxed);
    if (rc != 0) {
        struct lsm_fault ignored; /* the first failure is the one to report */
        int dropped = lsm_segment_drop(wal, s, &ignored);
        (void)dropped;
        return rc;
    }
    *segment = s;
    return 0;
}

void lsm_segment_free(struct lsm_segment *segment) {
    LSM_ASSERT(!lsm_segment_referred(segment));
    if (segment->map != NULL) {
        lsm_file_unmap(segment->file, segment->map, segment->size);
    }
    lsm_file_close(segment->file);
    free(segment);
}

int lsm_segment_drop(struct lsm_wal *wal, struct lsm_segment *segment, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    lsm_file_name(path, wal->directory, LSM_NAME_WAL, segment->number);
    atomic_fetch_sub_explicit(&wal->live_bytes, segment->size, memory_order_relaxed);
    if (lsm_segment_referred(segment)) { /* a value in it is still held */
        pthread_mutex_lock(&wal->mutex);
        segment->next = wal->gone;
        wal->gone = segment;
        pthread_mutex_unlock(&wal->mutex);
    } else {
        lsm_segment_free(segment);
    }
    return lsm_io_unlink(wal->io, path, fault);
}

void lsm_segment_begin(const struct lsm_wal *wal, const struct lsm_segment *segment,
                       uint64_t previous) {
    uint8_t *header = segment->map;
    LSM_ASSERT(lsm_load64(header) == 0 && previous < segment->number);
    memcpy(header, LSM_WAL_MAGIC, 8);
    lsm_store16(header + LSM_WAL_AT_MAJOR, LSM_WAL_MAJOR);
    lsm_store16(header + LSM_WAL_AT_MINOR, LSM_WAL_MINOR);
    lsm_store32(header + LSM_WAL_AT_ZERO, 0);
    lsm_store64(header + LSM_WAL_AT_NUMBER, segment->number);
    lsm_store64(header + LSM_WAL_AT_FIRST, wal->first);
    lsm_store64(header + LSM_WAL_AT_PREVIOUS, previous);
    lsm_store64(header + LSM_WAL_AT_CREATED, lsm_io_unix_s(wal->io));
    lsm_store64(header + LSM_WAL_AT_CAPACITY, segment->size);
    lsm_store64(header + LSM_WAL_AT_AFTER, wal->after);
    lsm_store64(header + LSM_WAL_AT_CHECKSUM,
                lsm_checksum(lsm_wal_domain(segment->number, 0), header, LSM_WAL_AT_CHECKSUM));
}

int lsm_segment_reuse(struct lsm_wal *wal, struct lsm_segment *s, uint64_t number,
                      struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    LSM_ASSERT(number > s->number && s->end != 0 && !lsm_segment_referred(s));
    /* Under the old name: if the process dies meanwhile nobody misses it. */
    memset(s->map, 0, s->end);
    lsm_file_name(path, wal->directory, LSM_NAME_WAL, number);
    int rc = lsm_file_rename(s->file, path, fault);
    if (rc == 0) {
        s->number = number;
        s->base = s->end = 0;
        s->next = NULL;
        s->marks = s->flushes = 0;
        s->named = s->synced = false;
    }
    return rc;
}

int lsm_segment_enlarge(struct lsm_wal *wal, struct lsm_segment *s, uint64_t size,
                        struct lsm_fault *fault) {
    LSM_ASSERT(size > s->size && lsm_load64(s->map) == 0);
    lsm_file_unmap(s->file, s->map, s->size);
    s->map = NULL;
    int rc = lsm_file_allocate(s->file, size, fault);
    if (rc == 0) {
        atomic_fetch_add_explicit(&wal->live_bytes, size - s->size, memory_order_relaxed);
        s->size = size;
        rc = lsm_file_map(s->file, size, s->pieces, &s->map, fault);
    }
    return rc;
}
