#include "check.h"
#include "checksum.h"
#include "wal_internal.h"

enum { GATHER_MAX_NS = 1000 * 1000 };

/* Notes that everything before `offset` of the segment is durable: in the room behind the group
 * that ends there, or in the segment's page. There only whoever flushes comes, and the two marks
 * are written in turn, so a torn one never hides the one before. */
static void write_mark(const struct lsm_wal *wal, struct lsm_segment *s, uint64_t offset,
                       bool has_room) {
    uint64_t at = LSM_WAL_MARK_STEP * (1 + (uint64_t)(s->marks % LSM_WAL_MARKS));
    LSM_ASSERT(offset >= LSM_WAL_PAGE_BYTES && offset <= s->size);
    if (has_room) {
        at = offset - LSM_MARK_BYTES;
        LSM_ASSERT(at > LSM_WAL_PAGE_BYTES && at % LSM_MARK_ALIGN == 0);
    } else {
        s->marks++;
        LSM_ASSERT(at + LSM_MARK_BYTES <= LSM_WAL_PAGE_BYTES);
    }
    uint8_t *mark = s->map + at;
    lsm_store64(mark + LSM_MARK_AT_SEGMENT, s->number);
    lsm_store64(mark + LSM_MARK_AT_OFFSET, offset);
    lsm_store64(mark + LSM_MARK_AT_FIRST, wal->first);
    uint64_t sum = lsm_checksum(lsm_wal_domain(s->number, at), mark + LSM_MARK_AT_SEGMENT,
                                LSM_MARK_BYTES - LSM_MARK_AT_SEGMENT);
    atomic_store_explicit((_Atomic uint64_t *)(void *)mark, sum, memory_order_release);
}

/* Oldest first, so that what is durable is always a prefix. The list up to `last` does not change
 * meanwhile, because `flushing` is set. */
static int flush_segments(struct lsm_wal *wal, struct lsm_segment *head, struct lsm_segment *last,
                          struct lsm_fault *fault) {
    bool named = true;
    int rc = lsm_wal_old_sync(wal->old, fault);
    for (struct lsm_segment *s = head;; s = s->next) {
        named = named && s->named;
        if (rc == 0 && !s->synced) {
            rc = lsm_file_sync_here(s->file, fault);
        }
        if (rc != 0 || s == last) {
            break;
        }
    }
    if (rc == 0 && !named) {
        rc = lsm_io_sync_dir(wal->io, wal->directory, fault);
    }
    return rc;
}

/* Flushes all that is written now; the caller wakes who waits for it. REQUIRES: the mutex is held,
 * nobody flushes. */
static void flush(struct lsm_wal *wal) {
    struct lsm_segment *head = wal->head, *last = wal->tail;
    struct lsm_fault fault = {0};
    /* Rotation is kept out by the mutex, so this position lies in `last`. */
    uint64_t target = atomic_load_explicit(&wal->position, memory_order_acquire);
    bool has_room = atomic_load_explicit(&wal->mark_end, memory_order_relaxed) == target;
    LSM_ASSERT(target >= last->base + LSM_WAL_PAGE_BYTES);
    uint32_t group = wal->waiting; /* all of them: their bytes lie before the target */
    wal->waiting = 0;
    wal->turn++;
    wal->flushing = true;
    wal->gathering = false;
    pthread_mutex_unlock(&wal->mutex);
    uint64_t began = lsm_io_now_ns(wal->io);

    int rc = flush_segments(wal, head, last, &fault);
    if (rc == 0) {
        write_mark(wal, last, target - last->base, has_room);
        atomic_fetch_add_explicit(&wal->syncs, 1, memory_order_relaxed);
    }

    uint64_t ended = lsm_io_now_ns(wal->io);
    pthread_mutex_lock(&wal->mutex);
    wal->flush_ns = ended - began;
    wal->expected = group + wal->waiting;
    struct lsm_wal_old *old = NULL;
    if (rc == 0) {
        old = wal->old;
        wal->old = NULL;
        for (struct lsm_segment *s = head;; s = s->next) {
            s->named = true;
            s->synced = s != last; /* the last one may have grown, or been sealed, meanwhile */
            if (s == last) {
                break;
            }
        }
        if (++last->flushes > LSM_WAL_FEW_FLUSHES && last == wal->tail) {
            atomic_store_explicit(&wal->often_synced, true, memory_order_relaxed);
        }
        /* Pairs with lsm_wal_synced. */
        atomic_store_explicit(&wal->synced, target, memory_order_release);
    } else {
        wal->poison = fault;
    }
    wal->flushing = false;
    lsm_wal_old_free(old); /* it is on the device; memtables may still refer to it */
}

/* The threads that the last flush served come back together: who is first waits for the others, so
 * that one flush serves all again, but no longer than half a flush takes; who comes last flushes at
 * once, without waking the first. Those the last flush served do not count as waiting, though they
 * may not have run since: else one that came too late for it would flush alone. Eight threads, 5.7
 * writers a flush with them counted, 8.0 without, medians of four alternating runs: 17.4 k puts a
 * second, 20.7 k, with a quarter less CPU. When fewer come, fewer are expected the next time; a
 * single writer waits for nobody. Returns until when to wait. REQUIRES: the mutex is held. */
static uint64_t gather(struct lsm_wal *wal) {
    uint64_t most = wal->flush_ns / 2 < GATHER_MAX_NS ? wal->flush_ns / 2 : GATHER_MAX_NS;
    wal->gathering = true;
    return lsm_io_now_ns(wal->io) + most;
}

int lsm_wal_sync(struct lsm_wal *wal, uint64_t position, struct lsm_fault *fault) {
    LSM_ASSERT(position <= lsm_wal_position(wal));
    uint64_t deadline = 0; /* of the others' coming; 0: somebody else minds it */
    bool late = false, flushed = false;
    int rc = 0;
    pthread_mutex_lock(&wal->mutex);
    wal->waiting++;
    uint64_t turn = wal->turn;
    while ((rc = wal->poison.code) == 0 &&
           atomic_load_explicit(&wal->synced, memory_order_relaxed) < position) {
        if (wal->flushing) {
            /* It may have begun before our bytes were there; then one of us does the next. */
            (void)lsm_cond_wait(wal->io, &wal->flushed, &wal->mutex, 0);
            deadline = 0;
        } else if (late || wal->waiting >= wal->expected) {
            flush(wal);
            flushed = true;
        } else {
            if (!wal->gathering) {
                deadline = gather(wal);
            }
            late = !lsm_cond_wait(wal->io, &wal->flushed, &wal->mutex, deadline);
        }
    }
    if (rc != 0) {
        *fault = wal->poison;
    }
    if (turn == wal->turn) { /* served by a flush that had begun before */
        wal->waiting--;
    }
    pthread_mutex_unlock(&wal->mutex);
    if (flushed) { /* not before: who is woken wants the mutex */
        lsm_cond_broadcast(&wal->flushed);
    }
    return rc;
}
