/* wal_rotate.c: the row of a log's segments: the current one, older ones that memtables still need,
 * spares ahead, and used ones that become spares again. */
#include "check.h"
#include "page_pool.h"
#include "wal_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- begin and end ---- */

int lsm_wal_create(struct lsm_io *io, const char *directory, const struct lsm_wal_start *start,
                   struct lsm_wal **wal, struct lsm_fault *fault) {
    LSM_ASSERT(start->number > 0);
    struct lsm_wal *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory for the log", directory);
    }
    int length = snprintf(w->directory, sizeof w->directory, "%s", directory);
    LSM_ASSERT(length > 0 && (size_t)length < sizeof w->directory);
    uint64_t least = lsm_segment_room(0);
    w->io = io;
    w->first = start->number;
    w->after = start->after;
    w->keep = start->keep;
    w->old = start->old;
    w->huge_from = start->huge_from != 0 ? start->huge_from : LSM_HUGE_PAGE;
    w->mostly_synced = start->synced;
    atomic_init(&w->often_synced, start->synced);
    w->segment_bytes = start->segment_bytes > least ? start->segment_bytes : least;
    w->segment_bytes += -w->segment_bytes % LSM_WAL_PAGE_BYTES;
    int rc = lsm_segment_make(w, start->number, w->segment_bytes, &w->tail, fault);
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
    lsm_segment_seal(s, wal->offset, wal->next_seq);
    lsm_file_unmap(s->file, s->map, s->size);
    s->map = NULL;
    int rc = lsm_file_truncate(s->file, wal->offset + LSM_FRAME_SEAL_BYTES, &ignored);
    (void)rc;
}

/* Frees a list of segments and removes their files, in its order; the first failure counts. */
static int drop_list(struct lsm_wal *wal, struct lsm_segment *list, struct lsm_fault *fault) {
    int rc = 0;
    while (list != NULL) {
        struct lsm_segment *next = list->next;
        struct lsm_fault failed;
        int one = lsm_segment_drop(wal, list, &failed);
        if (one != 0 && rc == 0) {
            rc = one;
            *fault = failed;
        }
        list = next;
    }
    return rc;
}

static void free_list(struct lsm_segment *list) {
    while (list != NULL) {
        struct lsm_segment *next = list->next;
        lsm_segment_free(list);
        list = next;
    }
}

void lsm_wal_close(struct lsm_wal *wal) {
    struct lsm_fault ignored;
    if (wal == NULL) {
        return;
    }
    LSM_ASSERT(!wal->flushing && !wal->preparing && !lsm_segment_referred(wal->tail));
    finish_tail(wal);
    int rc = drop_list(wal, wal->spare, &ignored); /* recovery passes over them too */
    rc = drop_list(wal, wal->used, &ignored);
    (void)rc;
    lsm_wal_old_free(wal->old);
    free_list(wal->gone);
    free_list(wal->head);
    lsm_cond_destroy(&wal->flushed);
    pthread_mutex_destroy(&wal->mutex);
    free(wal);
}

/* ---- spares ---- */

/* Where many segments are kept they are small, and those who make spares may be busy with a flush
 * while the writers fill most of a memtable. Until the first is full, one: who writes little needs
 * no more, and to make them all costs two cores some 20 ms. */
static uint32_t spares_wanted(const struct lsm_wal *wal) {
    bool written = atomic_load_explicit(&wal->rotations, memory_order_relaxed) > 0;
    return written && wal->keep > 2 ? wal->keep - 2 : 1;
}

bool lsm_wal_has_spare(const struct lsm_wal *wal) {
    return atomic_load_explicit(&wal->spares, memory_order_relaxed) >= spares_wanted(wal);
}

/* A used one made zero, or a new one: in place of a used one too, if that suits no longer and a new
 * one may be made. */
static int make_zero(struct lsm_wal *wal, struct lsm_segment *used, bool only_used, uint64_t number,
                     struct lsm_segment **made, struct lsm_fault *fault) {
    struct lsm_fault ignored;
    if (used == NULL) {
        return lsm_segment_make(wal, number, wal->segment_bytes, made, fault);
    }
    if (!only_used && used->pieces != lsm_segment_pieces(wal, used->size) &&
        lsm_segment_make(wal, number, wal->segment_bytes, made, &ignored) == 0) {
        int dropped = lsm_segment_drop(wal, used, &ignored);
        (void)dropped;
        return 0;
    }
    *made = used; /* pieces that do not suit are only slow */
    return lsm_segment_reuse(wal, used, number, fault);
}

static int make_spare(struct lsm_wal *wal, struct lsm_segment *used, bool only_used,
                      uint64_t number, struct lsm_segment **made, struct lsm_fault *fault) {
    struct lsm_fault ignored;
    int rc = make_zero(wal, used, only_used, number, made, fault);
    if (rc == 0 && atomic_load_explicit(&wal->syncs, memory_order_relaxed) > 0) {
        /* Now, rather than by the first sync of a group in it. */
        rc = lsm_file_sync((*made)->file, fault);
    }
    if (rc != 0 && *made != NULL) {
        int dropped = lsm_segment_drop(wal, *made, &ignored);
        (void)dropped;
        *made = NULL;
    }
    return rc;
}

/* Appends to the spares. REQUIRES: the mutex; a number above theirs. */
static void add_spare(struct lsm_wal *wal, struct lsm_segment *made) {
    struct lsm_segment **link = &wal->spare;
    while (*link != NULL) {
        LSM_ASSERT((*link)->number < made->number);
        link = &(*link)->next;
    }
    made->next = NULL;
    *link = made;
    atomic_fetch_add_explicit(&wal->spares, 1, memory_order_relaxed);
}

static struct lsm_segment *take_spare(struct lsm_wal *wal) {
    struct lsm_segment *s = wal->spare;
    if (s != NULL) {
        wal->spare = s->next;
        s->next = NULL;
        atomic_fetch_sub_explicit(&wal->spares, 1, memory_order_relaxed);
    }
    return s;
}

/* Takes those that nothing refers to off a list, at most `most`. REQUIRES: the mutex. */
static struct lsm_segment *take_unreferred(struct lsm_segment **link, unsigned most) {
    struct lsm_segment *taken = NULL;
    while (*link != NULL && most > 0) {
        struct lsm_segment *s = *link;
        if (lsm_segment_referred(s)) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        s->next = taken;
        taken = s;
        most--;
    }
    return taken;
}

/* *made_one: a spare was made, of a used segment if `only_used`. */
static int prepare(struct lsm_wal *wal, uint64_t number, bool only_used, bool *made_one,
                   struct lsm_fault *fault) {
    struct lsm_segment *made = NULL, *used = NULL;
    pthread_mutex_lock(&wal->mutex);
    bool needed = !lsm_wal_has_spare(wal) && !wal->preparing && wal->poison.code == 0 &&
                  number > wal->tail->number;
    if (needed) {
        used = take_unreferred(&wal->used, 1);
        wal->used_count -= used != NULL;
        needed = used != NULL || !only_used;
        wal->preparing = needed;
    }
    struct lsm_segment *gone = take_unreferred(&wal->gone, UINT_MAX);
    pthread_mutex_unlock(&wal->mutex);
    free_list(gone);
    *made_one = needed;
    if (!needed) {
        return 0;
    }
    int rc = make_spare(wal, used, only_used, number, &made, fault);
    pthread_mutex_lock(&wal->mutex);
    wal->preparing = false;
    /* A rotation that could not wait may have taken a later number meanwhile: segments are in the
     * order of their numbers, so this one cannot follow it. */
    if (rc == 0 && number > wal->tail->number) {
        add_spare(wal, made);
        made = NULL;
    }
    pthread_mutex_unlock(&wal->mutex);
    if (rc == 0 && made != NULL) {
        rc = lsm_segment_drop(wal, made, fault);
    }
    return rc;
}

int lsm_wal_prepare(struct lsm_wal *wal, uint64_t number, struct lsm_fault *fault) {
    bool made_one;
    return prepare(wal, number, false, &made_one, fault);
}

int lsm_wal_recycle(struct lsm_wal *wal, _Atomic uint64_t *next_number, struct lsm_fault *fault) {
    bool made_one;
    int rc;
    do {
        uint64_t number = atomic_fetch_add_explicit(next_number, 1, memory_order_relaxed);
        rc = prepare(wal, number, true, &made_one, fault);
    } while (rc == 0 && made_one);
    return rc;
}

/* ---- rotation ---- */

/* Whether segments in small pieces are wanted after the current one: it was flushed often, or the
 * one before it, so that a workload on the edge does not have spares made in vain, one way and the
 * other. REQUIRES: the mutex. */
static bool often_synced_after(const struct lsm_wal *wal) {
    bool often = atomic_load_explicit(&wal->often_synced, memory_order_relaxed);
    return wal->mostly_synced || wal->tail->flushes > LSM_WAL_FEW_FLUSHES ||
           (often && wal->quiet == 0);
}

/* A new segment in place of a spare in huge pieces where small ones are wanted. The spare goes only
 * when the other is there: huge ones are only slow. */
static int replace_spare(struct lsm_wal *wal, uint64_t number, uint64_t size,
                         struct lsm_segment **spare) {
    struct lsm_segment *made = NULL;
    struct lsm_fault ignored;
    int rc = lsm_segment_make(wal, number, size, &made, &ignored);
    if (rc == 0) {
        int dropped = lsm_segment_drop(wal, *spare, &ignored);
        (void)dropped;
        *spare = made;
    }
    return rc;
}

/* The next segment, big enough: a spare or a new one. */
static int next_segment(struct lsm_wal *wal, uint64_t number, uint64_t size,
                        struct lsm_segment **segment, struct lsm_fault *fault) {
    struct lsm_fault ignored;
    pthread_mutex_lock(&wal->mutex);
    int rc = wal->poison.code;
    if (rc != 0) {
        *fault = wal->poison;
    }
    bool often = often_synced_after(wal);
    atomic_store_explicit(&wal->often_synced, often, memory_order_relaxed);
    struct lsm_segment *s = rc == 0 ? take_spare(wal) : NULL;
    pthread_mutex_unlock(&wal->mutex);
    if (rc != 0) {
        return rc;
    }
    if (s == NULL) {
        return lsm_segment_make(wal, number, size, segment, fault);
    }
    if (often && s->pieces == LSM_MAP_HUGE && replace_spare(wal, number, size, &s) == 0) {
        *segment = s;
        return 0;
    }
    if (s->size < size) {
        rc = lsm_segment_enlarge(wal, s, size, fault);
    }
    if (rc != 0) {
        int dropped = lsm_segment_drop(wal, s, &ignored);
        (void)dropped;
        return rc;
    }
    *segment = s;
    return 0;
}

/* Makes `s` the current segment; returns the spares that cannot follow it. REQUIRES: the mutex. */
static struct lsm_segment *make_current(struct lsm_wal *wal, struct lsm_segment *s) {
    struct lsm_segment *old = wal->tail, *late = NULL;
    old->end = wal->offset + LSM_FRAME_SEAL_BYTES;
    old->next = s;
    wal->quiet = old->flushes > LSM_WAL_FEW_FLUSHES ? 0 : wal->quiet + 1;
    /* In huge pieces though small ones are wanted: nothing better was to be had. */
    wal->stays = s->pieces == LSM_MAP_HUGE && lsm_segment_pieces(wal, s->size) == LSM_MAP_SMALL;
    s->base = old->base + old->end;
    wal->tail = s;
    wal->offset = LSM_WAL_PAGE_BYTES;
    wal->next_seq = wal->unix_s = 0; /* its first frame says them */
    atomic_store_explicit(&wal->position, s->base + wal->offset, memory_order_release);
    /* A spare that became ready while this segment was being made may have the smaller number:
     * segments are in the order of their numbers. */
    while (wal->spare != NULL && wal->spare->number < s->number) {
        struct lsm_segment *spare = take_spare(wal);
        spare->next = late;
        late = spare;
    }
    return late;
}

int lsm_wal_rotate(struct lsm_wal *wal, uint64_t number, uint64_t payload_bytes,
                   struct lsm_fault *fault) {
    struct lsm_segment *old = wal->tail, *s = NULL;
    struct lsm_fault ignored;
    LSM_ASSERT(!wal->open_frame && number > old->number);
    if (payload_bytes > LSM_FRAME_PAYLOAD_MAX) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "%s: a group of %llu bytes is too large",
                        wal->directory, (unsigned long long)payload_bytes);
    }
    uint64_t size = lsm_segment_room(payload_bytes);
    size = size > wal->segment_bytes ? size : wal->segment_bytes;
    int rc = next_segment(wal, number, size, &s, fault);
    if (rc != 0) {
        wal->stays = true;
        return rc;
    }
    LSM_ASSERT(s->number > old->number && s->size >= size);
    lsm_segment_seal(old, wal->offset, wal->next_seq);
    lsm_segment_begin(wal, s, old->number);
    pthread_mutex_lock(&wal->mutex);
    struct lsm_segment *late = make_current(wal, s);
    pthread_mutex_unlock(&wal->mutex);
    atomic_fetch_add_explicit(&wal->rotations, 1, memory_order_relaxed);
    rc = drop_list(wal, late, &ignored); /* empty: recovery passes over them */
    (void)rc;
    return 0;
}

/* ---- removal ---- */

/* Takes the segments below `number` off the row: those of the usual size are kept, up to the limit,
 * the others are returned, oldest first. REQUIRES: the mutex. */
static struct lsm_segment *take_unneeded(struct lsm_wal *wal, uint64_t number) {
    struct lsm_segment *removed = NULL, **link = &removed;
    while (wal->head != wal->tail && wal->head->number < number) {
        struct lsm_segment *s = wal->head;
        uint32_t kept = wal->used_count + atomic_load_explicit(&wal->spares, memory_order_relaxed);
        wal->head = s->next;
        s->next = NULL;
        if (kept < wal->keep && s->size == wal->segment_bytes && wal->poison.code == 0) {
            s->next = wal->used;
            wal->used = s;
            wal->used_count++;
        } else {
            *link = s;
            link = &s->next;
        }
    }
    return removed;
}

int lsm_wal_remove_before(struct lsm_wal *wal, uint64_t number, struct lsm_fault *fault) {
    pthread_mutex_lock(&wal->mutex);
    while (wal->flushing) {
        (void)lsm_cond_wait(wal->io, &wal->flushed, &wal->mutex, 0);
    }
    struct lsm_segment *removed = take_unneeded(wal, number);
    struct lsm_wal_old *old = number >= wal->first ? wal->old : NULL;
    wal->old = old != NULL ? NULL : wal->old;
    pthread_mutex_unlock(&wal->mutex);
    lsm_wal_old_free(old);
    return drop_list(wal, removed, fault); /* oldest first: what a crash leaves has no hole */
}
