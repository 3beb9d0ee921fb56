#include "check.h"
#include "checksum.h"
#include "wal_internal.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t round_page(uint64_t bytes) {
    return (bytes + LSM_WAL_PAGE_BYTES - 1) & ~(uint64_t)(LSM_WAL_PAGE_BYTES - 1);
}

/* Bytes of a segment that holds a frame of `payload_bytes` and the seal. */
static uint64_t room_for(uint64_t payload_bytes) {
    return round_page(LSM_WAL_PAGE_BYTES + lsm_frame_size(payload_bytes) + LSM_FRAME_BYTES);
}

/* ---- one segment ---- */

int lsm_segment_make(struct lsm_wal *wal, uint64_t number, uint64_t size,
                     struct lsm_segment **segment, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    LSM_ASSERT(size >= room_for(0) && size % LSM_WAL_PAGE_BYTES == 0);
    lsm_file_name(path, wal->directory, LSM_NAME_WAL, number);
    struct lsm_segment *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for a log segment", path);
    }
    s->number = number;
    s->size = size;
    int rc = lsm_file_open(wal->io, path, LSM_FILE_READ | LSM_FILE_WRITE | LSM_FILE_CREATE,
                           &s->file, fault);
    if (rc != 0) {
        free(s);
        return rc;
    }
    rc = lsm_file_allocate(s->file, size, fault);
    if (rc == 0) {
        rc = lsm_file_map(s->file, size, &s->map, fault);
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
    lsm_segment_free(segment);
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
    lsm_store64(header + LSM_WAL_AT_CHECKSUM,
                lsm_checksum(lsm_wal_domain(segment->number, 0), header, LSM_WAL_AT_CHECKSUM));
}

/* Makes a spare that is too small larger; it is still unused. */
static int enlarge(struct lsm_wal *wal, struct lsm_segment *s, uint64_t size,
                   struct lsm_fault *fault) {
    LSM_ASSERT(size > s->size && lsm_load64(s->map) == 0);
    lsm_file_unmap(s->file, s->map, s->size);
    s->map = NULL;
    int rc = lsm_file_allocate(s->file, size, fault);
    if (rc == 0) {
        atomic_fetch_add_explicit(&wal->live_bytes, size - s->size, memory_order_relaxed);
        s->size = size;
        rc = lsm_file_map(s->file, size, &s->map, fault);
    }
    return rc;
}

/* ---- the log ---- */

int lsm_wal_create(struct lsm_io *io, const char *directory, uint64_t number,
                   uint64_t segment_bytes, struct lsm_wal **wal, struct lsm_fault *fault) {
    LSM_ASSERT(number > 0);
    struct lsm_wal *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for the log", directory);
    }
    int length = snprintf(w->directory, sizeof w->directory, "%s", directory);
    LSM_ASSERT(length > 0 && (size_t)length < sizeof w->directory);
    w->io = io;
    w->first = number;
    w->segment_bytes = round_page(segment_bytes > room_for(0) ? segment_bytes : room_for(0));
    int rc = lsm_segment_make(w, number, w->segment_bytes, &w->tail, fault);
    if (rc != 0) {
        free(w);
        return rc;
    }
    pthread_mutex_init(&w->mutex, NULL);
    lsm_cond_init(&w->flushed);
    lsm_segment_begin(w, w->tail, 0);
    w->head = w->tail;
    w->offset = LSM_WAL_PAGE_BYTES;
    atomic_init(&w->position, w->offset);
    *wal = w;
    return 0;
}

/* Seals the current segment and cuts what is not used of it. A failure to cut costs only room. */
static void finish_tail(struct lsm_wal *wal) {
    struct lsm_segment *s = wal->tail;
    struct lsm_fault ignored;
    if (wal->poison.code != 0 || wal->open_frame) {
        return;
    }
    lsm_frame_finish(s, wal->offset, LSM_FRAME_SEAL, 0, 0, 0, lsm_io_unix_s(wal->io));
    lsm_file_unmap(s->file, s->map, s->size);
    s->map = NULL;
    int rc = lsm_file_truncate(s->file, wal->offset + LSM_FRAME_BYTES, &ignored);
    (void)rc;
}

void lsm_wal_close(struct lsm_wal *wal) {
    struct lsm_fault ignored;
    if (wal == NULL) {
        return;
    }
    LSM_ASSERT(!wal->flushing && !wal->preparing);
    finish_tail(wal);
    if (wal->spare != NULL) {
        int rc = lsm_segment_drop(wal, wal->spare, &ignored); /* recovery passes over it too */
        (void)rc;
    }
    while (wal->head != NULL) {
        struct lsm_segment *s = wal->head;
        wal->head = s->next;
        lsm_segment_free(s);
    }
    lsm_cond_destroy(&wal->flushed);
    pthread_mutex_destroy(&wal->mutex);
    free(wal);
}

bool lsm_wal_has_spare(const struct lsm_wal *wal) {
    return atomic_load_explicit(&wal->has_spare, memory_order_relaxed);
}

int lsm_wal_prepare(struct lsm_wal *wal, uint64_t number, struct lsm_fault *fault) {
    struct lsm_segment *made = NULL;
    pthread_mutex_lock(&wal->mutex);
    bool needed = wal->spare == NULL && !wal->preparing && wal->poison.code == 0 &&
                  number > wal->tail->number;
    wal->preparing = wal->preparing || needed;
    pthread_mutex_unlock(&wal->mutex);
    if (!needed) {
        return 0;
    }
    int rc = lsm_segment_make(wal, number, wal->segment_bytes, &made, fault);
    pthread_mutex_lock(&wal->mutex);
    wal->preparing = false;
    /* A rotation that could not wait may have taken a later number meanwhile: segments are in the
     * order of their numbers, so this one cannot follow it. */
    if (rc == 0 && number > wal->tail->number) {
        LSM_ASSERT(wal->spare == NULL);
        wal->spare = made;
        atomic_store_explicit(&wal->has_spare, true, memory_order_relaxed);
        made = NULL;
    }
    pthread_mutex_unlock(&wal->mutex);
    if (rc == 0 && made != NULL) {
        rc = lsm_segment_drop(wal, made, fault);
    }
    return rc;
}

/* The next segment, big enough: the spare or a new one. */
static int next_segment(struct lsm_wal *wal, uint64_t number, uint64_t size,
                        struct lsm_segment **segment, struct lsm_fault *fault) {
    struct lsm_fault ignored;
    pthread_mutex_lock(&wal->mutex);
    int rc = wal->poison.code;
    if (rc != 0) {
        *fault = wal->poison;
    }
    struct lsm_segment *s = rc == 0 ? wal->spare : NULL;
    if (s != NULL) {
        wal->spare = NULL;
        atomic_store_explicit(&wal->has_spare, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&wal->mutex);
    if (rc != 0) {
        return rc;
    }
    if (s == NULL) {
        return lsm_segment_make(wal, number, size, segment, fault);
    }
    if (s->size < size) {
        rc = enlarge(wal, s, size, fault);
    }
    if (rc != 0) {
        int dropped = lsm_segment_drop(wal, s, &ignored);
        (void)dropped;
        return rc;
    }
    *segment = s;
    return 0;
}

int lsm_wal_rotate(struct lsm_wal *wal, uint64_t number, uint64_t payload_bytes,
                   struct lsm_fault *fault) {
    struct lsm_segment *old = wal->tail, *s = NULL;
    LSM_ASSERT(!wal->open_frame && number > old->number);
    if (payload_bytes > LSM_FRAME_PAYLOAD_MAX) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "%s: a group of %llu bytes is too large",
                        wal->directory, (unsigned long long)payload_bytes);
    }
    uint64_t size = room_for(payload_bytes);
    size = size > wal->segment_bytes ? size : wal->segment_bytes;
    int rc = next_segment(wal, number, size, &s, fault);
    if (rc != 0) {
        return rc;
    }
    LSM_ASSERT(s->number > old->number && s->size >= size);
    lsm_frame_finish(old, wal->offset, LSM_FRAME_SEAL, 0, 0, 0, lsm_io_unix_s(wal->io));
    lsm_segment_begin(wal, s, old->number);
    pthread_mutex_lock(&wal->mutex);
    old->end = wal->offset + LSM_FRAME_BYTES;
    old->next = s;
    s->base = old->base + old->end;
    wal->tail = s;
    wal->offset = LSM_WAL_PAGE_BYTES;
    atomic_store_explicit(&wal->position, s->base + wal->offset, memory_order_release);
    /* A spare that became ready while this segment was being made may have the smaller number:
     * segments are in the order of their numbers, so it cannot follow. */
    struct lsm_segment *late = NULL;
    if (wal->spare != NULL && wal->spare->number < s->number) {
        late = wal->spare;
        wal->spare = NULL;
        atomic_store_explicit(&wal->has_spare, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&wal->mutex);
    atomic_fetch_add_explicit(&wal->rotations, 1, memory_order_relaxed);
    if (late != NULL) {
        struct lsm_fault ignored; /* an empty segment: recovery passes over it */
        int dropped = lsm_segment_drop(wal, late, &ignored);
        (void)dropped;
    }
    return 0;
}

int lsm_wal_remove_before(struct lsm_wal *wal, uint64_t number, struct lsm_fault *fault) {
    int rc = 0;
    pthread_mutex_lock(&wal->mutex);
    while (wal->flushing) {
        (void)lsm_cond_wait(wal->io, &wal->flushed, &wal->mutex, 0);
    }
    struct lsm_segment *removed = wal->head, *last = NULL;
    while (wal->head != wal->tail && wal->head->number < number) {
        last = wal->head;
        wal->head = last->next;
    }
    pthread_mutex_unlock(&wal->mutex);
    if (last == NULL) {
        return 0;
    }
    last->next = NULL;
    while (removed != NULL) { /* oldest first: what a crash leaves has no hole */
        struct lsm_segment *s = removed;
        struct lsm_fault failed;
        removed = s->next;
        int one = lsm_segment_drop(wal, s, &failed);
        if (one != 0 && rc == 0) {
            rc = one;
            *fault = failed;
        }
    }
    return rc;
}
