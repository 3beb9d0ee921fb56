/* stall.c: when writes must be held back, and why: every delay is counted with its cause.
 *
 * The tree's state asks for one of five kinds of restraint (lsm_pressure_update, at each change of
 * the tree); the write path pays for it here. Before each limit lies a zone of slowdown, in which
 * a byte's delay grows from nothing with the square of the distance gone: so writes settle at the
 * rate that flushes and compactions can follow, in steps of a few milliseconds, and seldom stop. */
#include "check.h"
#include "compact.h"
#include "db.h"

enum {
    DELAY_STEP_NS = 500 * 1000, /* sleeps shorter than this are saved up */
    /* The commit lock is held for so long at most: who comes meanwhile waits little longer. */
    DELAY_MAX_NS = 4 * 1000 * 1000,
    OWED_MAX_NS = 1000 * 1000 * 1000,
};
/* Nanoseconds a byte at the end of the slowdown zone: 1 MiB a second before the tree stops writes,
 * 16 before the memtables do, which a flush frees within a fraction of a second. */
#define SLOWEST_NS_TREE     (1e9 / (1 << 20))
#define SLOWEST_NS_MEMTABLE (1e9 / (16 << 20))

static enum lsm_stall pressure_of(const struct lsm_db *db, const struct lsm_version *version) {
    uint64_t l0 = lsm_level0_waiting(db, version), debt = lsm_debt(db, version);
    if (l0 >= db->options.l0_stop) {
        return LSM_STALL_L0_STOP;
    }
    if (debt >= db->options.debt_stop_bytes) {
        return LSM_STALL_DEBT_STOP;
    }
    if (l0 >= db->options.l0_slowdown) {
        return LSM_STALL_L0_SLOW;
    }
    if (debt >= db->options.debt_slowdown_bytes) {
        return LSM_STALL_DEBT_SLOW;
    }
    /* The active memtable is the last one: it had better not be full before a flush ends. */
    bool last = db->sealed_count > 0 && db->sealed_count + 1 >= db->options.memtables_max;
    return last ? LSM_STALL_MEMTABLE : LSM_STALL_NONE;
}

static void add_ns(struct lsm_db *db, enum lsm_stall cause, uint64_t ns) {
    atomic_fetch_add_explicit(&db->stall.ns[cause], ns, memory_order_relaxed);
    uint64_t max = atomic_load_explicit(&db->stall.ns_max[cause], memory_order_relaxed);
    if (ns > max) { /* writers hold the commit lock: no one else raises it */
        atomic_store_explicit(&db->stall.ns_max[cause], ns, memory_order_relaxed);
    }
}

/* Ends the stall in force and begins `cause`, if they differ. REQUIRES: lock held. */
static void stall_set(struct lsm_db *db, enum lsm_stall cause) {
    if (db->stall.active == cause) {
        return;
    }
    uint64_t now = lsm_io_now_ns(db->io);
    if (db->stall.active != LSM_STALL_NONE) {
        lsm_event_queue(db, &(struct lsm_event){.type = LSM_EVENT_STALL_END,
                                                .stall = db->stall.active,
                                                .duration_ns = now - db->stall.began_ns});
    }
    db->stall.active = cause;
    if (cause != LSM_STALL_NONE) {
        db->stall.began_ns = now;
        atomic_fetch_add_explicit(&db->stall.count, 1, memory_order_relaxed);
        lsm_event_queue(db, &(struct lsm_event){.type = LSM_EVENT_STALL_BEGIN, .stall = cause});
    }
}

void lsm_pressure_update(struct lsm_db *db) {
    enum lsm_stall asked =
        db->options.async_compaction ? pressure_of(db, db->view->version) : LSM_STALL_NONE;
    atomic_store_explicit(&db->pressure, asked, memory_order_relaxed);
    /* A slowdown ends with the tree's state; a stop is ended by the writer it held. */
    if (db->stall.waiting == LSM_STALL_NONE && asked != db->stall.active) {
        stall_set(db, LSM_STALL_NONE);
    }
    lsm_cond_broadcast(&db->changed);
}

int lsm_check_writable(struct lsm_db *db, struct lsm_fault *fault) {
    int error = atomic_load_explicit(&db->background_error, memory_order_acquire);
    if (error == 0) {
        return 0;
    }
    pthread_mutex_lock(&db->error_lock);
    lsm_fail(fault, LSM_ERR_READ_ONLY, "read-only since an earlier failure: %.200s",
             db->final_error.text);
    pthread_mutex_unlock(&db->error_lock);
    return LSM_ERR_READ_ONLY;
}

/* Why a write cannot go in now; NONE: it can. REQUIRES: lock held. */
static enum lsm_stall stop_cause(const struct lsm_db *db, bool must_seal) {
    int pressure = atomic_load_explicit(&db->pressure, memory_order_relaxed);
    if (pressure == LSM_STALL_L0_STOP || pressure == LSM_STALL_DEBT_STOP) {
        return (enum lsm_stall)pressure;
    }
    bool full = must_seal && db->sealed_count + 1 >= db->options.memtables_max;
    return full ? LSM_STALL_MEMTABLE : LSM_STALL_NONE;
}

/* A writer begins to wait, and stops waiting: what lasts is counted as it lasts. REQUIRE: lock
 * held.
 */
static void wait_begin(struct lsm_db *db, enum lsm_stall cause) {
    db->stall.waiting = cause;
    db->stall.waiting_from_ns = lsm_io_now_ns(db->io);
}

static void wait_end(struct lsm_db *db) {
    add_ns(db, db->stall.waiting, lsm_io_now_ns(db->io) - db->stall.waiting_from_ns);
    db->stall.waiting = LSM_STALL_NONE;
}

uint64_t lsm_stall_ns(const struct lsm_db *db, enum lsm_stall cause) {
    uint64_t ns = atomic_load_explicit(&db->stall.ns[cause], memory_order_relaxed);
    if (cause != LSM_STALL_NONE && db->stall.waiting == cause) {
        ns += lsm_io_now_ns(db->io) - db->stall.waiting_from_ns;
    }
    return ns;
}

/* Waits while writes are stopped. */
static int wait_stopped(struct lsm_db *db, bool must_seal, uint64_t *slow_ns,
                        struct lsm_fault *fault) {
    int rc = 0;
    pthread_mutex_lock(&db->lock);
    enum lsm_stall cause = stop_cause(db, must_seal);
    if (cause != LSM_STALL_NONE && *slow_ns == 0) {
        *slow_ns = lsm_io_now_ns(db->io);
    }
    while (cause != LSM_STALL_NONE && rc == 0) {
        wait_begin(db, cause);
        stall_set(db, cause);
        lsm_schedule(db);
        pthread_mutex_unlock(&db->lock);
        lsm_events_deliver(db);
        pthread_mutex_lock(&db->lock);
        if (stop_cause(db, must_seal) == cause && !db->background_error && !db->passing_error) {
            (void)lsm_cond_wait(db->io, &db->changed, &db->lock, 0);
        }
        wait_end(db);
        cause = stop_cause(db, must_seal);
        rc = atomic_load(&db->background_error) != 0 ? LSM_ERR_READ_ONLY
                                                     : atomic_load(&db->passing_error);
    }
    if ((int)db->stall.active != atomic_load_explicit(&db->pressure, memory_order_relaxed)) {
        stall_set(db, LSM_STALL_NONE);
    }
    pthread_mutex_unlock(&db->lock);
    if (rc == LSM_ERR_READ_ONLY) {
        return lsm_check_writable(db, fault);
    }
    return rc == 0
               ? 0
               : lsm_fail(fault, rc, "%s: writes wait until it is otherwise, reads go on",
                          rc == LSM_ERR_NO_SPACE ? "the disk is full" : "no memory for a flush");
}

/* How far into the slowdown zone the tree is, 0 to 1. Between two flushes the active memtable's
 * filling counts as part of a table of level 0, so that the way is even. REQUIRES: lock held. */
static double slowdown_depth(const struct lsm_db *db, enum lsm_stall cause) {
    double filled =
        (double)lsm_memtable_bytes(db->active.table) / (double)db->options.memtable_bytes;
    double at, from, to;
    if (cause == LSM_STALL_L0_SLOW) {
        at = (double)lsm_level0_waiting(db, db->view->version) + (filled < 1 ? filled : 1);
        from = db->options.l0_slowdown;
        to = db->options.l0_stop;
    } else if (cause == LSM_STALL_MEMTABLE) { /* the second half of the last memtable */
        at = filled;
        from = 0.5;
        to = 1;
    } else {
        at = (double)lsm_debt(db, db->view->version);
        from = (double)db->options.debt_slowdown_bytes;
        to = (double)db->options.debt_stop_bytes;
    }
    double depth = to > from ? (at - from) / (to - from) : 1.0;
    return depth < 0 ? 0 : depth > 1 ? 1 : depth;
}

static void delay(struct lsm_db *db, enum lsm_stall cause, uint64_t bytes, uint64_t *slow_ns) {
    pthread_mutex_lock(&db->lock);
    double depth = slowdown_depth(db, cause);
    /* The tree may have changed since the caller looked: then nothing would end what begins here.
     */
    bool asked = atomic_load_explicit(&db->pressure, memory_order_relaxed) == (int)cause;
    if (asked && depth > 0) {
        stall_set(db, cause);
    }
    pthread_mutex_unlock(&db->lock);
    if (!asked) {
        db->stall.delay_owed_ns = 0;
        return;
    }
    double slowest = cause == LSM_STALL_MEMTABLE ? SLOWEST_NS_MEMTABLE : SLOWEST_NS_TREE;
    db->stall.delay_owed_ns += (uint64_t)((double)bytes * slowest * depth * depth);
    if (db->stall.delay_owed_ns < DELAY_STEP_NS) {
        return;
    }
    /* A huge value pays in part now; the writes behind it pay the rest, up to a bound. */
    uint64_t owed = db->stall.delay_owed_ns;
    uint64_t pause = owed < DELAY_MAX_NS ? owed : DELAY_MAX_NS;
    uint64_t rest = owed - pause;
    uint64_t began = lsm_io_now_ns(db->io);
    *slow_ns = *slow_ns == 0 ? began : *slow_ns;
    lsm_io_sleep_ns(db->io, pause);
    db->stall.delay_owed_ns = rest < OWED_MAX_NS ? rest : OWED_MAX_NS;
    add_ns(db, cause, lsm_io_now_ns(db->io) - began);
}

/* Synchronous mode: the writer's own thread does what is due, and its puts pay for it. */
static int work_in_line(struct lsm_db *db, bool must_seal, uint64_t *slow_ns,
                        struct lsm_fault *fault) {
    /* Sealed: a flush that found the disk full is tried again. Waiting: a scheduled job. */
    if (!must_seal && db->sealed_count == 0 && db->manual_waiting == 0) {
        return 0;
    }
    pthread_mutex_lock(&db->lock);
    wait_begin(db, LSM_STALL_INLINE);
    stall_set(db, LSM_STALL_INLINE);
    pthread_mutex_unlock(&db->lock);
    lsm_events_deliver(db);
    *slow_ns = *slow_ns == 0 ? db->stall.waiting_from_ns : *slow_ns;
    int rc =
        must_seal && db->sealed_count + 1 < db->options.memtables_max ? lsm_seal(db, fault) : 0;
    if (rc == 0) {
        rc = lsm_work_inline(db, false, fault);
    }
    pthread_mutex_lock(&db->lock);
    wait_end(db);
    stall_set(db, LSM_STALL_NONE);
    pthread_mutex_unlock(&db->lock);
    lsm_events_deliver(db);
    return rc;
}

/* A sealed memtable may leave the active one as the last. */
static int seal_and_look(struct lsm_db *db, struct lsm_fault *fault) {
    int rc = lsm_seal(db, fault);
    pthread_mutex_lock(&db->lock);
    lsm_pressure_update(db);
    pthread_mutex_unlock(&db->lock);
    return rc;
}

int lsm_make_room(struct lsm_db *db, uint64_t bytes, bool large, uint64_t *slow_ns,
                  struct lsm_fault *fault) {
    int rc = lsm_check_writable(db, fault);
    if (rc != 0) {
        return rc;
    }
    uint64_t used =
        lsm_memtable_entries(db->active.table) > 0 ? lsm_memtable_bytes(db->active.table) : 0;
    bool must_seal = used >= db->options.memtable_bytes || (used > 0 && (large || db->active_own));
    if (!db->options.async_compaction) {
        return work_in_line(db, must_seal, slow_ns, fault);
    }
    int pressure = atomic_load_explicit(&db->pressure, memory_order_relaxed);
    bool soon = pressure == LSM_STALL_MEMTABLE && used > db->options.memtable_bytes / 2;
    bool free_way = pressure == LSM_STALL_NONE || (pressure == LSM_STALL_MEMTABLE && !soon);
    if (__builtin_expect(free_way && !must_seal, 1)) {
        return 0;
    }
    rc = wait_stopped(db, must_seal, slow_ns, fault);
    if (rc != 0) {
        return rc;
    }
    pressure = atomic_load_explicit(&db->pressure, memory_order_relaxed);
    if (pressure != LSM_STALL_NONE) {
        delay(db, (enum lsm_stall)pressure, bytes, slow_ns);
    }
    return must_seal ? seal_and_look(db, fault) : 0;
}

const char *lsm_stall_name(enum lsm_stall stall) {
    switch (stall) {
    case LSM_STALL_NONE:
        return "none";
    case LSM_STALL_L0_SLOW:
        return "L0 filling up";
    case LSM_STALL_L0_STOP:
        return "L0 full";
    case LSM_STALL_MEMTABLE:
        return "memtables full";
    case LSM_STALL_DEBT_SLOW:
        return "compaction debt";
    case LSM_STALL_DEBT_STOP:
        return "compaction debt at its limit";
    case LSM_STALL_INLINE:
        return "flushing in the writer's thread";
    case LSM_STALL_COUNT:
        break;
    }
    return "unknown";
}
