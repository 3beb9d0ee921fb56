/* db.h: an open database, from the inside.
 *
 * Locks, in the order they are taken (a later one never holds while an earlier one is acquired):
 *   commit_lock    one writer at a time: log append, memtable insert, sealing. May be held across a
 * stall. manifest_lock  one change of the tree at a time: the manifest append, which does I/O, and
 * its installation. lock           short: the current view, jobs, busy flags, snapshots, the event
 * queue. Never across I/O. (inner ones: time map, error text, obsolete list, caches) purge_lock
 * stands before these inner ones, across the removal of files; deliver_lock
 * stands apart: held while listeners run, taken with no other lock held.
 *
 * Readers take `lock` only to reference the current view, gets not even then; what a view holds is
 * immutable or safe to read. */
#ifndef LSM_DB_H
#define LSM_DB_H

#include "io.h"
#include "lsm.h"
#include "memtable.h"
#include "rate.h"
#include "table.h"
#include "time_map.h"
#include "version.h"
#include "wal.h"
#include "worker.h"

enum {
    LSM_MEMTABLES_LIMIT = 16, /* options.memtables_max at most */
    LSM_JOBS_KEPT = 256,      /* finished jobs that lsm_job_status still knows */
    LSM_LISTENERS_MAX = 8,
};

/* A memtable and the log segments it needs. */
struct lsm_mem {
    struct lsm_memtable *table;
    uint64_t log_number; /* first segment with entries of this memtable */
    uint64_t seq_last;   /* set when sealed */
    bool unlogged;       /* holds LSM_BUFFERED writes: only a flush makes them last */
};

/* What a reader sees: immutable, but for the active memtable's growth. */
struct lsm_view {
    _Atomic uint32_t refs;
    struct lsm_version *version;
    struct lsm_memtable *active;
    struct lsm_memtable *sealed[LSM_MEMTABLES_LIMIT]; /* newest first */
    uint32_t sealed_count;
};

struct lsm_compaction; /* compact.h */

struct lsm_job_record { /* guarded by lock */
    struct lsm_job job;
    bool manual;
    bool claimed;     /* some thread will run it */
    uint32_t waiters; /* threads that look at it: not to be forgotten */
    struct lsm_job_record *next;
};

struct lsm_snapshot {
    struct lsm_db *db;
    uint64_t seq;
    struct lsm_snapshot *prev, *next; /* guarded by db->lock */
};

struct lsm_queued_event {
    struct lsm_event event;
    char text[256];
    struct lsm_queued_event *next;
};

struct lsm_stall_state {
    enum lsm_stall active;
    uint64_t began_ns;
    enum lsm_stall waiting;   /* what a writer waits for at this moment; guarded by lock */
    uint64_t waiting_from_ns; /* not in `ns` yet; guarded by lock */
    _Atomic uint64_t count, ns[LSM_STALL_COUNT], ns_max[LSM_STALL_COUNT];
    uint64_t delay_owed_ns; /* guarded by commit_lock: slowdown not yet slept */
};

struct lsm_db {
    struct lsm_options options; /* effective: zeros resolved */
    char *path;
    struct lsm_io *io;
    bool io_owned;
    uint32_t fork_generation;
    struct lsm_file *lock_file;
    struct lsm_meta_sink meta_sink;

    struct lsm_counters *counters;
    struct lsm_page_pool *page_pool;
    struct lsm_block_cache *cache;
    struct lsm_tables *tables;
    struct lsm_worker *worker; /* NULL when async_compaction is off */
    struct lsm_time_map times;

    pthread_mutex_t commit_lock;
    struct lsm_wal *wal;
    uint64_t last_seq; /* guarded by commit_lock */
    bool unlogged;     /* guarded by commit_lock: LSM_BUFFERED writes since the last flush of all */
    bool active_own;   /* guarded by commit_lock: a large entry has the active memtable to itself */
    /* Guarded by commit_lock: log position that must be on the device before later writes show. */
    uint64_t sync_required;
    _Atomic uint64_t
        visible; /* newest sequence that reads may see: stored (release) after the insert */

    pthread_mutex_t manifest_lock;
    struct lsm_manifest *manifest; /* guarded by manifest_lock */
    bool manifest_full;            /* guarded by manifest_lock: an append found the disk full */
    uint64_t log_number; /* guarded by manifest_lock: oldest segment the tree still needs */
    /* Guarded by manifest_lock: every sequence up to this one is in the tree, or superseded there.
     * The log may go further: recovery replays what is above. */
    uint64_t flushed_seq;
    _Atomic uint64_t next_file;

    pthread_mutex_t lock;
    struct lsm_cond changed; /* with lock: anything below changed */
    struct lsm_view *view;
    struct lsm_mem active;                      /* changed under commit_lock and lock */
    struct lsm_mem sealed[LSM_MEMTABLES_LIMIT]; /* oldest first */
    _Atomic uint32_t sealed_count;              /* changed under lock */
    bool flush_queued, flush_running;
    bool flush_failed; /* the last one */
    bool log_used;     /* something was written since the open; changed under commit_lock too */
    bool spare_queued;
    bool spare_failed;  /* until the next tick: a full disk is not asked again at every turn */
    uint32_t warm_left; /* tables that may still be opened ahead of readers; 0: done. warm.c */
    uint32_t compactions_queued, compactions_running;
    struct lsm_rate compaction_rate; /* of all compactions together */
    struct lsm_compaction *picked;   /* queued or running ones */
    _Atomic uint32_t manual_waiting; /* changed under lock; manual compactions that wait for busy
                                        tables: no new automatic ones */
    struct lsm_job_record *jobs, **jobs_tail; /* oldest first */
    size_t jobs_count;
    uint64_t next_job;
    struct lsm_snapshot snapshots; /* list head; oldest first */
    uint64_t snapshot_count;
    struct lsm_queued_event *events, **events_tail;
    uint64_t tick_seq; /* newest sequence at the last tick: nothing was written since, or was */
    bool closing;
    _Atomic int background_error; /* final: the database is read-only */
    _Atomic int passing_error;    /* NO_SPACE, or MEMORY of a flush, in the background: heals when a
                                     retry succeeds */
    _Atomic int pressure;         /* enum lsm_stall that the tree asks of writers now; stall.c */
    struct lsm_stall_state stall;

    pthread_mutex_t deliver_lock;
    struct {
        lsm_listener listener;
        void *context;
    } listeners[LSM_LISTENERS_MAX]; /* guarded by deliver_lock */

    pthread_mutex_t purge_lock; /* held while files are removed; outside obsolete_lock */
    pthread_mutex_t obsolete_lock;
    struct lsm_table_meta **obsolete; /* metas whose files are to be removed */
    size_t obsolete_count, obsolete_room;
    _Atomic uint64_t obsolete_bytes;

    pthread_mutex_t error_lock;
    struct lsm_fault error;       /* newest failure, for lsm_error_detail; guarded by error_lock */
    struct lsm_fault final_error; /* what background_error stands for; guarded by error_lock */

    pthread_t ticker; /* once a second: retries after a full disk, idle work */
    bool ticker_started;

    _Atomic uint64_t flushes, flush_bytes, compactions, compaction_bytes_read,
        compaction_bytes_written;
    _Atomic uint64_t tombstones_dropped, compaction_wait_ns, iterators;
    uint64_t recovered_bytes, recovery_cut_bytes;
    uint64_t
        *recovered_logs; /* segments of earlier incarnations that still wait for a flush; flush.c */
    size_t recovered_log_count;

    /* Positions of keys for the shape (shape.c); guarded by lock. */
    struct lsm_key_space {
        uint8_t prefix[64];
        uint32_t prefix_size;
        uint8_t low, high;
        bool known;
    } key_space;
};

/* ---- handle.c: every public call begins here ---- */

/* Raised in every forked child: handles opened before the fork have an older number. */
extern _Atomic uint32_t lsm_forks;
/* The handle is the parent process's: its locks may be held, its mappings are not there. */
static inline bool lsm_is_inherited(const struct lsm_db *db) {
    return db->fork_generation != atomic_load_explicit(&lsm_forks, memory_order_relaxed);
}
/* 0, FORKED, or ARGUMENT for NULL. */
LSM_CHECKED int lsm_enter(const struct lsm_db *db);
/* Notes the newest failure for lsm_error_detail and returns its code. */
int lsm_leave(struct lsm_db *db, const struct lsm_fault *fault, int rc);
uint32_t lsm_fork_generation(void);

/* ---- view.c ---- */

struct lsm_view *lsm_view_acquire(struct lsm_db *db);
void lsm_view_release(struct lsm_db *db, struct lsm_view *view);
/* The same for one read of the calling thread, without a lock: not two at a time. */
struct lsm_view *lsm_view_borrow(struct lsm_db *db, struct lsm_counter_slot *slot);
void lsm_view_return(struct lsm_db *db, struct lsm_counter_slot *slot, struct lsm_view *view);
/* Lets go of what threads keep between reads. */
void lsm_view_forget(struct lsm_db *db);
/* Makes `version` (its reference is taken over; NULL: the same as now), and the memtables as they
 * stand, the current view. The caller releases the returned old one after unlocking. NULL: out of
 * memory, nothing changed, the reference not taken. REQUIRES: lock held. */
LSM_CHECKED int lsm_view_install(struct lsm_db *db, struct lsm_version *version,
                                 struct lsm_view **old, struct lsm_fault *fault);

/* ---- commit.c, stall.c ---- */

/* Seals the active memtable and begins another with a new log segment. REQUIRES: commit_lock held,
 * room among the sealed. */
LSM_CHECKED int lsm_seal(struct lsm_db *db, struct lsm_fault *fault);
/* Seals the active memtable if it holds anything; flushes first when there is no room among the
 * sealed. REQUIRES: commit_lock held. */
LSM_CHECKED int lsm_seal_active(struct lsm_db *db, struct lsm_fault *fault);
/* LSM_BUFFERED writes are in no log: what must not be lost after them, or a clean close, makes them
 * tables first. REQUIRES: commit_lock held. */
LSM_CHECKED int lsm_settle_unlogged(struct lsm_db *db, struct lsm_fault *fault);
/* Waits until a write may go in, or seals, flushes and compacts to make it so. `large`: the group
 * wants a memtable for itself. *slow_ns is set to now when it had to wait and was 0. REQUIRES:
 * commit_lock held. */
LSM_CHECKED int lsm_make_room(struct lsm_db *db, uint64_t bytes, bool large, uint64_t *slow_ns,
                              struct lsm_fault *fault);
/* The database's final error as a fault, if there is one. */
LSM_CHECKED int lsm_check_writable(struct lsm_db *db, struct lsm_fault *fault);
/* Recomputes what the tree asks of writers; wakes them. REQUIRES: lock held. */
void lsm_pressure_update(struct lsm_db *db);
/* Time that writers have been held by `cause`, the wait that lasts included. REQUIRES: lock held.
 */
uint64_t lsm_stall_ns(const struct lsm_db *db, enum lsm_stall cause);
/* Bytes that wait for a compaction, and tables of level 0 that do, by the policy; compact_pick.c.
 * REQUIRE: lock held. */
uint64_t lsm_debt(const struct lsm_db *db, const struct lsm_version *version);
uint64_t lsm_level0_waiting(const struct lsm_db *db, const struct lsm_version *version);

/* ---- flush.c ---- */

/* Flushes until nothing is sealed, unless another thread does: then waits for it. */
LSM_CHECKED int lsm_flush_sealed(struct lsm_db *db, struct lsm_queue *queue,
                                 struct lsm_fault *fault);

/* ---- install.c: changing the tree ---- */

/* Appends the edit to the manifest and makes the changed tree current. `drop_sealed`: the oldest
 * sealed memtable is in the edit's table. Table events follow the edit. A failed append is final.
 */
LSM_CHECKED int lsm_install(struct lsm_db *db, struct lsm_edit *edit, bool drop_sealed,
                            struct lsm_fault *fault);
/* The whole tree as one edit, to begin a manifest with. */
LSM_CHECKED int lsm_tree_snapshot(struct lsm_db *db, const struct lsm_version *version,
                                  struct lsm_edit *edit, struct lsm_fault *fault);
/* Begins a new manifest with `version`; the old one, if any, is removed. REQUIRES: manifest_lock
 * held. */
LSM_CHECKED int lsm_manifest_roll(struct lsm_db *db, const struct lsm_version *version,
                                  struct lsm_fault *fault);
/* A failure that cannot be undone: the database is read-only from here on. */
void lsm_background_failed(struct lsm_db *db, const struct lsm_fault *fault);

/* ---- schedule.c ---- */

/* Queues the flush and compactions that are due. REQUIRES: lock held; async. */
void lsm_schedule(struct lsm_db *db);
/* Queues what is worth it when nothing is due or written; true: something is queued. REQUIRES: lock
 * held. */
bool lsm_schedule_quiet(struct lsm_db *db);
/* Does in the calling thread what is due; `quiet`: and what is worth it when nothing is written.
 * REQUIRES: no lock but commit_lock held. */
LSM_CHECKED int lsm_work_inline(struct lsm_db *db, bool quiet, struct lsm_fault *fault);
/* Is a flush or compaction due, queued or running? REQUIRES: lock held. */
bool lsm_work_pending(struct lsm_db *db);
/* Is a flush or compaction due that nobody will do, as the database is read-only? REQUIRES: lock
 * held, and nothing pending. */
bool lsm_work_left(const struct lsm_db *db);
/* Once a second. */
void lsm_tick(struct lsm_db *db);
LSM_CHECKED int lsm_ticker_start(struct lsm_db *db, struct lsm_fault *fault);
void lsm_ticker_stop(struct lsm_db *db);

/* ---- event.c ---- */

/* Queues an event in the order things happen. REQUIRES: lock held. Dropped when memory is out. */
void lsm_event_queue(struct lsm_db *db, const struct lsm_event *event);
/* Calls the listeners. REQUIRES: no lock but commit_lock held. */
void lsm_events_deliver(struct lsm_db *db);
void lsm_event_text(struct lsm_db *db, enum lsm_event_type type, int status, const char *text);

/* ---- obsolete.c ---- */

/* Removes one file that nothing needs. A failure is a notice: the next open removes it. */
void lsm_remove_file(struct lsm_db *db, enum lsm_file_kind kind, uint64_t number);

void lsm_obsolete_gone(void *db, struct lsm_table_meta *meta); /* the version sink */
/* Removes the files of tables that nothing holds any more. REQUIRES: no lock but commit_lock held.
 */
void lsm_obsolete_purge(struct lsm_db *db);
/* After recovery: removes files in the directory that the tree does not know. */
LSM_CHECKED int lsm_obsolete_sweep(struct lsm_db *db, const struct lsm_version *version,
                                   uint64_t log_number, uint64_t manifest_number,
                                   struct lsm_fault *fault);

/* ---- shape.c ---- */

uint64_t lsm_key_position(const struct lsm_key_space *space, const uint8_t *key, size_t key_size);
/* Widens the space so that the meta's keys have distinct positions where they can. REQUIRES: lock
 * held. */
void lsm_key_space_add(struct lsm_key_space *space, const struct lsm_table_meta *meta);
/* REQUIRES: lock held. */
void lsm_table_describe(const struct lsm_db *db, const struct lsm_table_meta *meta, uint32_t level,
                        struct lsm_table_info *info);

/* ---- open.c, recover.c ---- */

LSM_CHECKED int lsm_options_check(const struct lsm_options *options, struct lsm_options *effective,
                                  struct lsm_fault *fault);
LSM_CHECKED int lsm_recover(struct lsm_db *db, struct lsm_fault *fault);

#endif
