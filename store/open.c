/* open.c: a database's life: open and close. */
#include <stdlib.h>

#include "check.h"
#include "compact.h"
#include "survey.h"
#include "warm.h"

/* ---- open ---- */

static void init_locks(struct lsm_db *db) {
    pthread_mutex_init(&db->commit_lock, NULL);
    pthread_mutex_init(&db->manifest_lock, NULL);
    pthread_mutex_init(&db->lock, NULL);
    pthread_mutex_init(&db->deliver_lock, NULL);
    pthread_mutex_init(&db->obsolete_lock, NULL);
    pthread_mutex_init(&db->purge_lock, NULL);
    pthread_mutex_init(&db->error_lock, NULL);
    lsm_cond_init(&db->changed);
    lsm_time_map_init(&db->times);
    db->snapshots.next = db->snapshots.prev = &db->snapshots;
    db->events_tail = &db->events;
    db->jobs_tail = &db->jobs;
    db->next_job = 1;
    db->fork_generation = lsm_fork_generation();
    db->meta_sink = (struct lsm_meta_sink){.gone = lsm_obsolete_gone, .context = db};
}

/* A new directory lasts once the one above it is synced. */
static int make_directory(struct lsm_db *db, struct lsm_fault *fault) {
    char parent[LSM_PATH_MAX];
    size_t end = strlen(db->path);
    while (end > 1 && db->path[end - 1] == '/') {
        end--;
    }
    while (end > 0 && db->path[end - 1] != '/') {
        end--;
    }
    while (end > 1 && db->path[end - 1] == '/') {
        end--;
    }
    LSM_ASSERT(end < sizeof parent); /* check_path */
    snprintf(parent, sizeof parent, "%.*s", (int)end, db->path);
    int rc = lsm_io_mkdir(db->io, db->path, fault);
    return rc == 0 ? lsm_io_sync_dir(db->io, end > 0 ? parent : ".", fault) : rc;
}

static int open_directory(struct lsm_db *db, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    int found = lsm_survey(db->io, db->path, fault);
    if (found < 0) {
        return found;
    }
    if (found == 0 && !db->options.create_if_missing) {
        return lsm_fail(fault, LSM_NOT_FOUND, "%s holds no database", db->path);
    }
    if (found == 1 && db->options.error_if_exists) {
        return lsm_fail(fault, LSM_ERR_BUSY, "%s holds a database already", db->path);
    }
    int rc = found == 1 ? 0 : make_directory(db, fault);
    if (rc == 0) {
        lsm_file_name(path, db->path, LSM_NAME_LOCK, 0);
        rc = lsm_io_lock(db->io, path, &db->lock_file, fault);
    }
    return rc;
}

static int make_parts(struct lsm_db *db, struct lsm_fault *fault) {
    db->counters = lsm_counters_create();
    db->page_pool = lsm_page_pool_create(db->options.memtable_bytes);
    db->cache = lsm_block_cache_create(db->options.cache_bytes);
    if (db->counters == NULL || db->page_pool == NULL || db->cache == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for the caches");
    }
    int rc = lsm_tables_create(db->io, db->path, db->options.tables_open_max, db->cache,
                               &db->tables, fault);
    if (rc == 0) {
        lsm_tables_use_pool(db->tables, db->page_pool);
    }
    return rc;
}

static int start_work(struct lsm_db *db, struct lsm_fault *fault) {
    if (!db->options.async_compaction) {
        return db->sealed_count > 0 ? lsm_work_inline(db, false, fault) : 0;
    }
    int rc = lsm_worker_create(db->io, db->options.background_threads, &db->worker, fault);
    if (rc == 0) {
        rc = lsm_ticker_start(db, fault);
    }
    if (rc == 0) {
        pthread_mutex_lock(&db->lock);
        lsm_pressure_update(db);
        lsm_schedule(db);
        pthread_mutex_unlock(&db->lock);
        lsm_warm_begin(db);
    }
    return rc;
}

static int open_io(struct lsm_db *db, char notice[256], struct lsm_fault *fault) {
    notice[0] = '\0';
    if (db->options.io != NULL) {
        db->io = db->options.io;
        return 0;
    }
    db->io_owned = true;
    return lsm_io_create(db->options.io_backend, &db->io, notice, fault);
}

/* ---- close ---- */

static void free_records(struct lsm_db *db) {
    while (db->jobs != NULL) {
        struct lsm_job_record *next = db->jobs->next;
        free(db->jobs);
        db->jobs = next;
    }
    while (db->events != NULL) {
        struct lsm_queued_event *next = db->events->next;
        free(db->events);
        db->events = next;
    }
}

static void free_tree(struct lsm_db *db) {
    if (db->counters != NULL) {
        lsm_view_forget(db);
    }
    lsm_view_release(db, db->view);
    db->view = NULL;
    if (db->active.table != NULL) {
        lsm_memtable_unref(db->active.table);
    }
    for (uint32_t i = 0; i < db->sealed_count; i++) {
        lsm_memtable_unref(db->sealed[i].table);
    }
    if (db->tables != NULL) {
        if (db->io != NULL) {
            lsm_obsolete_purge(db);
        }
        lsm_tables_destroy(db->tables);
    }
    free(db->obsolete);
    free(db->recovered_logs);
}

/* Frees whatever an open, complete or not, has made. */
static void dismantle(struct lsm_db *db) {
    free_tree(db); /* memtables refer to the log */
    lsm_wal_close(db->wal);
    if (db->manifest != NULL) {
        lsm_manifest_close(db->manifest);
    }
    if (db->cache != NULL) {
        lsm_block_cache_destroy(db->cache);
    }
    if (db->page_pool != NULL) {
        lsm_page_pool_destroy(db->page_pool);
    }
    if (db->counters != NULL) {
        lsm_counters_destroy(db->counters);
    }
    free_records(db);
    lsm_time_map_free(&db->times);
    if (db->lock_file != NULL) {
        lsm_io_unlock(db->io, db->lock_file);
    }
    if (db->io_owned && db->io != NULL) {
        lsm_io_destroy(db->io);
    }
    lsm_cond_destroy(&db->changed);
    pthread_mutex_destroy(&db->commit_lock);
    pthread_mutex_destroy(&db->manifest_lock);
    pthread_mutex_destroy(&db->lock);
    pthread_mutex_destroy(&db->deliver_lock);
    pthread_mutex_destroy(&db->obsolete_lock);
    pthread_mutex_destroy(&db->purge_lock);
    pthread_mutex_destroy(&db->error_lock);
    free(db->path);
    free(db);
}

static void stop_work(struct lsm_db *db) {
    pthread_mutex_lock(&db->lock);
    db->closing = true;
    lsm_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
    lsm_ticker_stop(db);
    if (db->worker != NULL) {
        lsm_worker_destroy(db->worker); /* what is queued ends at once: closing is set */
        db->worker = NULL;
    }
}

int lsm_close(struct lsm_db *db) {
    if (db == NULL) {
        return 0;
    }
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc; /* a forked child: the parent's threads and locks are not ours to take apart */
    }
    struct lsm_fault fault = {0};
    pthread_mutex_lock(&db->commit_lock);
    rc = lsm_settle_unlogged(db, &fault);
    pthread_mutex_unlock(&db->commit_lock);
    stop_work(db);
    lsm_events_deliver(db);
    dismantle(db);
    return rc;
}

/* ---- the public open ---- */

static int open_all(struct lsm_db *db, char notice[256], struct lsm_fault *fault) {
    int rc = open_io(db, notice, fault);
    if (rc == 0) {
        rc = open_directory(db, fault);
    }
    if (rc == 0) {
        rc = make_parts(db, fault);
    }
    if (rc == 0) {
        rc = lsm_recover(db, fault);
    }
    if (rc == 0 && db->options.map_tables && !db->options.direct_io) {
        lsm_tables_map(db->tables, atomic_load(&db->next_file));
    }
    if (rc == 0 && notice[0] != '\0') {
        lsm_event_text(db, LSM_EVENT_NOTICE, 0, notice);
    }
    if (rc == 0) {
        rc = start_work(db, fault);
    }
    return rc;
}

int lsm_open(const char *path, const struct lsm_options *options, struct lsm_db **db,
             char detail[256]) {
    struct lsm_fault fault = {0};
    struct lsm_options effective;
    char notice[256];
    struct lsm_db *made = NULL;
    int rc = lsm_path_check(path, &fault);
    if (rc == 0) {
        rc = lsm_options_check(options, &effective, &fault);
    }
    if (rc == 0) {
        made = calloc(1, sizeof *made);
        rc = made == NULL ? lsm_fail(&fault, LSM_ERR_MEMORY, "out of memory for a database") : 0;
    }
    if (rc == 0) {
        made->options = effective;
        made->compaction_rate.bytes_per_s = effective.compaction_rate;
        made->path = strdup(path);
        init_locks(made);
        if (effective.listener != NULL) {
            made->listeners[0].listener = effective.listener;
            made->listeners[0].context = effective.listener_context;
        }
        rc = made->path == NULL ? lsm_fail(&fault, LSM_ERR_MEMORY, "out of memory for a path")
                                : open_all(made, notice, &fault);
    }
    if (rc == 0) {
        lsm_events_deliver(made);
        *db = made;
    } else if (made != NULL) {
        stop_work(made);
        dismantle(made);
    }
    if (detail != NULL) {
        snprintf(detail, 256, "%s", rc == 0 ? "" : fault.text);
    }
    return rc;
}
