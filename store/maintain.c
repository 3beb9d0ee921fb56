/* maintain.c: the maintenance calls: flush, compact, jobs, waiting. */
#include <stdlib.h>

#include "check.h"
#include "schedule.h"

/* When a wait of that length ends; 0, never, when that is beyond the clock. */
static uint64_t deadline_after(struct lsm_db *db, uint64_t timeout_ms) {
    uint64_t now = lsm_io_now_ns(db->io);
    return timeout_ms > (UINT64_MAX - now) / 1000000 ? 0 : now + timeout_ms * 1000000;
}

static int flush_all(struct lsm_db *db, struct lsm_fault *fault) {
    pthread_mutex_lock(&db->commit_lock);
    int rc = lsm_seal_active(db, fault);
    pthread_mutex_unlock(&db->commit_lock);
    if (rc == 0) {
        rc = lsm_flush_sealed(db, NULL, fault);
    }
    return rc;
}

/* After a manual step: what became due runs, here or in the background. */
static int settle(struct lsm_db *db, bool quiet, struct lsm_fault *fault) {
    if (db->worker == NULL) {
        return lsm_work_inline(db, quiet, fault);
    }
    pthread_mutex_lock(&db->lock);
    lsm_schedule(db);
    pthread_mutex_unlock(&db->lock);
    lsm_events_deliver(db);
    return 0;
}

int lsm_flush(struct lsm_db *db) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    rc = flush_all(db, &fault);
    if (rc == 0) {
        rc = settle(db, false, &fault);
    }
    return lsm_leave(db, &fault, rc);
}

static int compact_here(struct lsm_db *db, uint32_t level, struct lsm_fault *fault) {
    pthread_mutex_lock(&db->lock);
    struct lsm_job_record *record = lsm_job_record_add(db, level);
    if (record != NULL) {
        record->claimed = true;
        record->waiters++;
        db->manual_waiting++;
    }
    pthread_mutex_unlock(&db->lock);
    if (record == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a compaction");
    }
    struct lsm_queue *queue = lsm_queue_borrow(db->io);
    int rc = lsm_compact_manual(db, record, queue, fault);
    lsm_queue_return(db->io, queue);
    pthread_mutex_lock(&db->lock);
    record->waiters--;
    pthread_mutex_unlock(&db->lock);
    return rc;
}

static int check_level(const struct lsm_db *db, uint32_t level, struct lsm_fault *fault) {
    if (level < db->options.max_levels) {
        return 0;
    }
    return lsm_fail(fault, LSM_ERR_ARGUMENT, "level %u: the levels are 0 to %u", level,
                    db->options.max_levels - 1);
}

int lsm_compact_level(struct lsm_db *db, uint32_t level) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    rc = check_level(db, level, &fault);
    if (rc == 0) {
        rc = compact_here(db, level, &fault);
    }
    if (rc == 0) {
        rc = settle(db, false, &fault);
    }
    return lsm_leave(db, &fault, rc);
}

/* Must level `l` go down too, so that all ends in one level that stays as it is? */
static bool must_descend(struct lsm_db *db, uint32_t l) {
    pthread_mutex_lock(&db->lock);
    const struct lsm_version *version = db->view->version;
    bool deeper = l == 0 || lsm_level_score(db, version, l) >= 1.0;
    for (size_t i = 0; i < version->level[l].count && !deeper; i++) {
        deeper = version->level[l].tables[i]->busy; /* on its way down */
    }
    for (uint32_t below = l + 1; below < LSM_LEVELS_MAX && !deeper; below++) {
        deeper = version->level[below].count > 0;
    }
    pthread_mutex_unlock(&db->lock);
    return deeper;
}

int lsm_compact_all(struct lsm_db *db) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    rc = flush_all(db, &fault);
    /* Level by level, down to the deepest one, or where there is room for all. */
    for (uint32_t l = 0; rc == 0 && l + 1 < db->options.max_levels && must_descend(db, l); l++) {
        rc = compact_here(db, l, &fault);
    }
    if (rc == 0) {
        rc = settle(db, false, &fault);
    }
    return lsm_leave(db, &fault, rc);
}

int lsm_wait_idle(struct lsm_db *db, uint64_t timeout_ms) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    rc = settle(db, true, &fault);
    uint64_t deadline = deadline_after(db, timeout_ms);
    pthread_mutex_lock(&db->lock);
    while (rc == 0 && (lsm_work_pending(db) || lsm_schedule_quiet(db))) {
        if (!lsm_cond_wait(db->io, &db->changed, &db->lock, deadline)) {
            rc = lsm_fail(&fault, LSM_ERR_TIMEOUT, "still busy after %llu ms",
                          (unsigned long long)timeout_ms);
        }
    }
    if (rc == 0 && lsm_work_left(db)) {
        rc = lsm_check_writable(db, &fault);
    }
    pthread_mutex_unlock(&db->lock);
    lsm_obsolete_purge(db); /* whoever let go of a table last may have been a reader */
    lsm_events_deliver(db);
    return lsm_leave(db, &fault, rc);
}

/* ---- jobs ---- */

static struct lsm_job_record *find_job(const struct lsm_db *db, uint64_t id) {
    struct lsm_job_record *record = db->jobs;
    while (record != NULL && record->job.id != id) {
        record = record->next;
    }
    return record;
}

/* A manual compaction of the level that has not begun: a second one would do the same work. */
static struct lsm_job_record *find_pending(const struct lsm_db *db, uint32_t level) {
    for (struct lsm_job_record *r = db->jobs; r != NULL; r = r->next) {
        if (r->manual && r->job.state == LSM_JOB_PENDING && r->job.level == level) {
            return r;
        }
    }
    return NULL;
}

int lsm_job_schedule(struct lsm_db *db, uint32_t level, uint64_t *id) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    rc = check_level(db, level, &fault);
    if (rc == 0) {
        rc = lsm_check_writable(db, &fault);
    }
    if (rc != 0) {
        return lsm_leave(db, &fault, rc);
    }
    pthread_mutex_lock(&db->lock);
    struct lsm_job_record *record = find_pending(db, level);
    if (record == NULL && db->manual_waiting >= LSM_LEVELS_MAX * 2) {
        rc = lsm_fail(&fault, LSM_ERR_BUSY, "%u compactions wait already",
                      (unsigned)db->manual_waiting);
    } else if (record == NULL) {
        record = lsm_job_record_add(db, level);
        rc = record == NULL ? lsm_fail(&fault, LSM_ERR_MEMORY, "out of memory for a job") : 0;
        if (rc == 0) {
            record->manual = true;
            record->claimed = db->worker != NULL;
            db->manual_waiting++;
            rc = lsm_schedule_manual(db, record);
        }
        if (rc == 0) {
            uint32_t output = level + 1 < db->options.max_levels ? level + 1 : level;
            lsm_event_queue(db, &(struct lsm_event){.type = LSM_EVENT_COMPACT_SCHEDULED,
                                                    .job = record->job.id,
                                                    .level_from = level,
                                                    .level_to = output});
        } else if (record != NULL) {
            db->manual_waiting--;
            record->job.state = LSM_JOB_FAILED;
            record->job.error = rc;
        }
    }
    if (rc == 0) {
        *id = record->job.id;
    }
    pthread_mutex_unlock(&db->lock);
    lsm_events_deliver(db);
    return lsm_leave(db, &fault, rc);
}

int lsm_job_status(struct lsm_db *db, uint64_t id, struct lsm_job *job) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    pthread_mutex_lock(&db->lock);
    const struct lsm_job_record *record = find_job(db, id);
    rc = record == NULL ? LSM_NOT_FOUND : 0;
    if (rc == 0) {
        *job = record->job;
    }
    pthread_mutex_unlock(&db->lock);
    return rc;
}

int lsm_job_wait(struct lsm_db *db, uint64_t id, uint64_t timeout_ms, struct lsm_job *job) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    rc = settle(db, false, &fault);
    uint64_t deadline = deadline_after(db, timeout_ms);
    pthread_mutex_lock(&db->lock);
    struct lsm_job_record *record = find_job(db, id);
    rc = rc != 0 ? rc : record == NULL ? LSM_NOT_FOUND : 0;
    if (record != NULL) {
        record->waiters++; /* keeps it from being forgotten */
        while (rc == 0 &&
               (record->job.state == LSM_JOB_PENDING || record->job.state == LSM_JOB_RUNNING)) {
            if (!lsm_cond_wait(db->io, &db->changed, &db->lock, deadline)) {
                rc = lsm_fail(&fault, LSM_ERR_TIMEOUT, "job %llu goes on after %llu ms",
                              (unsigned long long)id, (unsigned long long)timeout_ms);
            }
        }
        *job = record->job;
        record->waiters--;
    }
    pthread_mutex_unlock(&db->lock);
    return lsm_leave(db, &fault, rc);
}

int lsm_job_list(struct lsm_db *db, struct lsm_job *jobs, size_t room, size_t *count) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    size_t n = 0;
    pthread_mutex_lock(&db->lock);
    for (const struct lsm_job_record *r = db->jobs; r != NULL; r = r->next, n++) {
        if (n < room) {
            jobs[n] = r->job;
        }
    }
    pthread_mutex_unlock(&db->lock);
    *count = n;
    return 0;
}
