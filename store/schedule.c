/* schedule.c: decides when flushes and compactions run, and runs them: in background threads, or in
 * the caller's.
 *
 * Automatic compactions are picked when they are queued, so that a viewer sees what is coming; a
 * manual one waits until its tables are free, and no automatic one is begun meanwhile. */
#include "schedule.h"

#include <stdlib.h>

#include "check.h"
#include "io_backend.h"

/* One thread is kept for flushes and spares. */
static uint32_t compaction_slots(const struct lsm_db *db) {
    uint32_t threads = db->options.background_threads;
    return threads > 1 ? threads - 1 : 1;
}

/* ---- job records ---- */

struct lsm_job_record *lsm_job_record_add(struct lsm_db *db, uint32_t level) {
    struct lsm_job_record *record = calloc(1, sizeof *record);
    if (record == NULL) {
        return NULL;
    }
    record->job = (struct lsm_job){.id = db->next_job++, .state = LSM_JOB_PENDING, .level = level};
    *db->jobs_tail = record;
    db->jobs_tail = &record->next;
    db->jobs_count++;
    /* Forget the oldest finished ones. */
    struct lsm_job_record **link = &db->jobs;
    while (db->jobs_count > LSM_JOBS_KEPT && *link != NULL) {
        struct lsm_job_record *old = *link;
        bool finished = old->job.state == LSM_JOB_COMPLETED || old->job.state == LSM_JOB_FAILED;
        if (finished && old->waiters == 0 && old->next != NULL) {
            *link = old->next;
            free(old);
            db->jobs_count--;
        } else {
            link = &old->next;
        }
    }
    return record;
}

static void finish_record(struct lsm_db *db, struct lsm_job_record *record, int rc) {
    record->job.state = rc == 0 ? LSM_JOB_COMPLETED : LSM_JOB_FAILED;
    record->job.error = rc;
    lsm_cond_broadcast(&db->changed);
}

/* ---- running ---- */

/* Runs a picked compaction and settles its record. REQUIRES: no lock but commit_lock held. */
static int run_picked(struct lsm_compaction *c, struct lsm_queue *queue, struct lsm_fault *fault) {
    struct lsm_db *db = c->db;
    struct lsm_job_record *record = c->record;
    pthread_mutex_lock(&db->lock);
    record->job.state = LSM_JOB_RUNNING;
    record->job.bytes_in = c->bytes_in;
    db->compactions_running++;
    pthread_mutex_unlock(&db->lock);
    int rc = lsm_compact_run(c, queue, fault);
    if (rc != 0 && rc != LSM_ERR_CLOSED && rc != LSM_ERR_NO_SPACE && rc != LSM_ERR_MEMORY) {
        lsm_background_failed(db, fault);
    }
    pthread_mutex_lock(&db->lock);
    db->compactions_running--;
    record->job.bytes_out = c->bytes_out;
    lsm_compact_release(c);
    if (rc == LSM_ERR_NO_SPACE) {
        atomic_store(&db->passing_error, rc);
    }
    finish_record(db, record, rc);
    pthread_mutex_unlock(&db->lock);
    lsm_obsolete_purge(db);
    return rc;
}

static void announce_scheduled(struct lsm_db *db, const struct lsm_compaction *c) {
    lsm_event_queue(db, &(struct lsm_event){.type = LSM_EVENT_COMPACT_SCHEDULED,
                                            .job = c->record->job.id,
                                            .level_from = c->level,
                                            .level_to = c->output,
                                            .inputs = (uint32_t)lsm_compact_inputs(c),
                                            .bytes_in = c->bytes_in,
                                            .entries_in = c->entries_in});
}

/* Gives an automatic compaction its record. NULL: there was none, or memory is out. REQUIRES: lock
 * held. */
static struct lsm_compaction *record_picked(struct lsm_compaction *c) {
    if (c == NULL) {
        return NULL;
    }
    c->record = lsm_job_record_add(c->db, c->level);
    if (c->record == NULL) {
        lsm_compact_release(c);
        return NULL;
    }
    return c;
}

/* What may be picked: what is due; else what is worth it; and that with nothing being written. */
enum occasion { DUE, IDLE, QUIET };

static struct lsm_compaction *pick_recorded(struct lsm_db *db, enum occasion occasion) {
    return record_picked(occasion == DUE ? lsm_compact_pick(db)
                                         : lsm_compact_pick_idle(db, occasion == QUIET));
}

/* A compaction inside another borrows a queue: some are always left, so that none waits for one
 * that waits for it. */
enum { BETWEEN_MAX = LSM_BORROWED_MAX / 2 };

void lsm_compact_between(const struct lsm_compaction *longer) {
    struct lsm_db *db = longer->db;
    struct lsm_compaction *c = NULL;
    struct lsm_fault fault = {0};
    pthread_mutex_lock(&db->lock);
    bool allowed = !db->closing && atomic_load(&db->background_error) == 0 &&
                   atomic_load(&db->passing_error) == 0;
    if (allowed && db->compactions_running < BETWEEN_MAX) {
        c = record_picked(lsm_compact_pick_between(db, longer->bytes_in / 2));
    }
    if (c != NULL) {
        announce_scheduled(db, c);
    }
    pthread_mutex_unlock(&db->lock);
    if (c == NULL) {
        return;
    }
    /* The longer one may have requests in flight in its own. */
    struct lsm_queue *queue = lsm_queue_borrow(db->io);
    if (run_picked(c, queue, &fault) != 0) {
        lsm_event_text(db, LSM_EVENT_ERROR, fault.code, fault.text);
    }
    lsm_queue_return(db->io, queue);
    lsm_events_deliver(db);
}

static void compact_job(void *argument, struct lsm_queue *queue) {
    struct lsm_compaction *c = argument;
    struct lsm_db *db = c->db;
    struct lsm_fault fault = {0};
    if (run_picked(c, queue, &fault) != 0) {
        lsm_event_text(db, LSM_EVENT_ERROR, fault.code, fault.text);
    }
    pthread_mutex_lock(&db->lock);
    db->compactions_queued--;
    lsm_schedule(db);
    lsm_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
    lsm_events_deliver(db);
}

static void flush_job(void *argument, struct lsm_queue *queue) {
    struct lsm_db *db = argument;
    struct lsm_fault fault = {0};
    if (lsm_flush_sealed(db, queue, &fault) != 0) {
        lsm_event_text(db, LSM_EVENT_ERROR, fault.code, fault.text);
    }
    pthread_mutex_lock(&db->lock);
    db->flush_queued = false;
    lsm_schedule(db);
    lsm_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
    lsm_events_deliver(db);
}

static void spare_job(void *argument, struct lsm_queue *queue) {
    (void)queue;
    struct lsm_db *db = argument;
    struct lsm_fault fault = {0};
    uint64_t number = atomic_fetch_add(&db->next_file, 1);
    int rc = lsm_wal_prepare(db->wal, number, &fault);
    if (rc != 0) { /* a rotation makes its segment itself, and reports what stands in its way */
        lsm_event_text(db, LSM_EVENT_NOTICE, fault.code, fault.text);
    }
    pthread_mutex_lock(&db->lock);
    db->spare_queued = false;
    db->spare_failed = rc != 0;
    lsm_schedule(db); /* there may be more to make */
    lsm_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
}

static void schedule_compactions(struct lsm_db *db, enum occasion occasion) {
    while (db->manual_waiting == 0 && db->compactions_queued < compaction_slots(db)) {
        struct lsm_compaction *c = pick_recorded(db, occasion);
        if (c == NULL) {
            return;
        }
        db->compactions_queued++;
        announce_scheduled(db, c);
        lsm_worker_add(db->worker, LSM_JOB_COMPACT, compact_job, c);
    }
}

void lsm_schedule(struct lsm_db *db) {
    if (db->worker == NULL || db->closing || atomic_load(&db->background_error) != 0) {
        return;
    }
    if (db->log_used && !db->spare_queued && !db->spare_failed && !lsm_wal_has_spare(db->wal)) {
        db->spare_queued = true;
        lsm_worker_add(db->worker, LSM_JOB_SPARE, spare_job, db);
    }
    if (atomic_load(&db->passing_error) != 0) {
        return; /* the ticker tries again */
    }
    if (db->sealed_count > 0 && !db->flush_queued) {
        db->flush_queued = true;
        lsm_worker_add(db->worker, LSM_JOB_FLUSH, flush_job, db);
    }
    schedule_compactions(db, DUE);
}

/* The same for what is worth it when nothing is due. REQUIRES: lock held. */
static void schedule_idle(struct lsm_db *db, enum occasion occasion) {
    if (db->worker != NULL && !db->closing && !lsm_work_pending(db) &&
        atomic_load(&db->background_error) == 0 && atomic_load(&db->passing_error) == 0) {
        schedule_compactions(db, occasion);
    }
}

bool lsm_schedule_quiet(struct lsm_db *db) {
    schedule_idle(db, QUIET);
    return db->compactions_queued > 0;
}

bool lsm_work_pending(struct lsm_db *db) {
    if (atomic_load(&db->background_error) != 0) { /* what runs ends, and nothing else begins */
        return db->flush_running || db->compactions_running > 0;
    }
    if (db->sealed_count > 0 || db->flush_running || db->flush_queued ||
        db->compactions_queued > 0 || db->compactions_running > 0 || db->manual_waiting > 0 ||
        db->warm_left > 0) {
        return true;
    }
    return lsm_compact_due(db, db->view->version);
}

bool lsm_work_left(const struct lsm_db *db) {
    return db->sealed_count > 0 || lsm_compact_due(db, db->view->version);
}

/* ---- manual compactions ---- */

int lsm_compact_manual(struct lsm_db *db, struct lsm_job_record *record, struct lsm_queue *queue,
                       struct lsm_fault *fault) {
    int rc;
    struct lsm_compaction *c = NULL;
    pthread_mutex_lock(&db->lock);
    for (;;) {
        rc = db->closing ? LSM_ERR_CLOSED : lsm_check_writable(db, fault);
        c = rc == 0 ? lsm_compact_pick_level(db, record->job.level, &rc) : NULL;
        if (rc != LSM_ERR_BUSY) {
            break;
        }
        (void)lsm_cond_wait(db->io, &db->changed, &db->lock, 0);
    }
    LSM_ASSERT(db->manual_waiting > 0);
    db->manual_waiting--;
    if (c != NULL) {
        c->record = record;
    } else {
        finish_record(db, record, rc);
    }
    pthread_mutex_unlock(&db->lock);
    if (c != NULL) {
        return run_picked(c, queue, fault);
    }
    return rc == 0 || fault->code == rc ? rc : lsm_fail(fault, rc, "%s", lsm_strerror(rc));
}

struct manual_job {
    struct lsm_db *db;
    struct lsm_job_record *record;
};

static void manual_job(void *argument, struct lsm_queue *queue) {
    struct manual_job job = *(struct manual_job *)argument;
    free(argument);
    struct lsm_fault fault = {0};
    if (lsm_compact_manual(job.db, job.record, queue, &fault) != 0) {
        lsm_event_text(job.db, LSM_EVENT_ERROR, fault.code, fault.text);
    }
    pthread_mutex_lock(&job.db->lock);
    lsm_schedule(job.db);
    pthread_mutex_unlock(&job.db->lock);
    lsm_events_deliver(job.db);
}

int lsm_schedule_manual(struct lsm_db *db, struct lsm_job_record *record) {
    if (db->worker == NULL) {
        return 0; /* the next write or wait finds it pending */
    }
    struct manual_job *job = malloc(sizeof *job);
    if (job == NULL) {
        return LSM_ERR_MEMORY;
    }
    *job = (struct manual_job){.db = db, .record = record};
    lsm_worker_add(db->worker, LSM_JOB_COMPACT, manual_job, job);
    return 0;
}

/* ---- in the caller's thread ---- */

static struct lsm_job_record *next_pending(struct lsm_db *db) {
    for (struct lsm_job_record *r = db->jobs; r != NULL; r = r->next) {
        if (r->job.state == LSM_JOB_PENDING && !r->claimed) {
            r->claimed = true;
            return r;
        }
    }
    return NULL;
}

static int run_pending_manual(struct lsm_db *db, struct lsm_queue *queue, struct lsm_fault *fault) {
    for (;;) {
        pthread_mutex_lock(&db->lock);
        struct lsm_job_record *record = db->manual_waiting > 0 ? next_pending(db) : NULL;
        pthread_mutex_unlock(&db->lock);
        if (record == NULL) {
            return 0;
        }
        int rc = lsm_compact_manual(db, record, queue, fault);
        if (rc != 0) {
            return rc;
        }
    }
}

/* Nobody else makes spares here. A failure costs only that the next segment is a new one. */
static void recycle_log(struct lsm_db *db) {
    struct lsm_fault fault = {0};
    if (lsm_wal_recycle(db->wal, &db->next_file, &fault) != 0) {
        lsm_event_text(db, LSM_EVENT_NOTICE, fault.code, fault.text);
    }
}

int lsm_work_inline(struct lsm_db *db, bool quiet, struct lsm_fault *fault) {
    struct lsm_queue *queue = lsm_queue_borrow(db->io);
    int rc = lsm_flush_sealed(db, queue, fault);
    if (rc == 0) {
        rc = run_pending_manual(db, queue, fault);
    }
    while (rc == 0) {
        pthread_mutex_lock(&db->lock);
        struct lsm_compaction *c = pick_recorded(db, DUE);
        if (c == NULL) {
            c = pick_recorded(db, quiet ? QUIET : IDLE);
        }
        if (c != NULL) {
            c->record->claimed = true;
        }
        pthread_mutex_unlock(&db->lock);
        if (c == NULL) {
            break;
        }
        rc = run_picked(c, queue, fault);
    }
    lsm_queue_return(db->io, queue);
    if (rc == 0) {
        recycle_log(db);
    }
    lsm_obsolete_purge(db);
    lsm_events_deliver(db);
    return rc;
}

/* ---- the ticker ---- */

void lsm_tick(struct lsm_db *db) {
    pthread_mutex_lock(&db->lock);
    db->spare_failed = false;
    /* A full disk is tried again; if it is still full, the flush says so again. */
    if (atomic_exchange(&db->passing_error, 0) != 0) {
        lsm_cond_broadcast(&db->changed);
    }
    lsm_schedule(db);
    uint64_t newest = atomic_load(&db->visible);
    schedule_idle(db, newest == db->tick_seq ? QUIET : IDLE);
    db->tick_seq = newest;
    pthread_mutex_unlock(&db->lock);
    lsm_obsolete_purge(db);
    lsm_events_deliver(db);
}

static void *ticker_body(void *argument) {
    struct lsm_db *db = argument;
    pthread_mutex_lock(&db->lock);
    uint64_t due = lsm_io_now_ns(db->io);
    while (!db->closing) {
        due += UINT64_C(1000000000);
        while (!db->closing && lsm_cond_wait(db->io, &db->changed, &db->lock, due)) {
        }
        if (!db->closing) {
            pthread_mutex_unlock(&db->lock);
            lsm_tick(db);
            pthread_mutex_lock(&db->lock);
        }
    }
    pthread_mutex_unlock(&db->lock);
    return NULL;
}

int lsm_ticker_start(struct lsm_db *db, struct lsm_fault *fault) {
    if (db->worker == NULL || !lsm_io_has_threads(db->io)) {
        return 0;
    }
    int rc = lsm_io_spawn(db->io, "lsm-tick", ticker_body, db, &db->ticker, fault);
    db->ticker_started = rc == 0;
    return rc;
}

void lsm_ticker_stop(struct lsm_db *db) {
    if (db->ticker_started) { /* closing is set */
        pthread_join(db->ticker, NULL);
        db->ticker_started = false;
    }
}
