/* flush.c: a sealed memtable becomes a table of level 0.
 *
 * Memtables are flushed in the order of their age, one at a time: what survives is always a prefix
 * of what was written. Their log segments go once the manifest names the table. */
#include <stdlib.h>

#include "check.h"
#include "compact.h"
#include "flush_log.h"
#include "shadow.h"

struct flush {
    struct lsm_db *db;
    bool in_background; /* in a thread of the worker, with no lock held */
    uint64_t job, id, log_number, seq_last;
    struct lsm_memtable *memtable;
    uint64_t bytes_in;         /* of the memtable as it came: its order takes more */
    struct lsm_version *older; /* the tree at the start: everything older */
    struct lsm_shadow shadow;
    uint64_t *snapshots;
    size_t snapshot_count;
    struct lsm_table_meta *meta;
    uint64_t began_ns;
};

static int begin(struct flush *flush, struct lsm_fault *fault) {
    struct lsm_db *db = flush->db;
    pthread_mutex_lock(&db->lock);
    LSM_ASSERT(db->sealed_count > 0 && db->flush_running);
    int rc = lsm_snapshots_list(db, &flush->snapshots, &flush->snapshot_count);
    if (rc == 0) {
        flush->memtable = db->sealed[0].table;
        lsm_memtable_ref(flush->memtable);
        flush->bytes_in = lsm_memtable_bytes(flush->memtable);
        flush->older = db->view->version;
        lsm_version_ref(flush->older);
        flush->seq_last = db->sealed[0].seq_last;
        flush->job = db->next_job++;
        flush->log_number = db->sealed_count > 1 ? db->sealed[1].log_number : db->active.log_number;
        lsm_event_queue(db,
                        &(struct lsm_event){.type = LSM_EVENT_FLUSH_BEGIN,
                                            .job = flush->job,
                                            .inputs = 1,
                                            .bytes_in = flush->bytes_in,
                                            .entries_in = lsm_memtable_entries(flush->memtable)});
    }
    pthread_mutex_unlock(&db->lock);
    flush->began_ns = lsm_io_now_ns(db->io);
    flush->id = atomic_fetch_add(&db->next_file, 1);
    return rc == 0 ? 0 : lsm_fail(fault, rc, "out of memory for a flush");
}

/* Bytes between two looks for what the log needs: a small part of a segment, as writers at full
 * speed fill it meanwhile. */
enum { SPARE_EVERY = 512 << 10 };

static int copy_entries(struct flush *flush, struct lsm_source *source,
                        struct lsm_table_writer *writer, struct lsm_fault *fault) {
    struct lsm_drop drop;
    lsm_drop_init(&drop, NULL, flush->snapshots, flush->snapshot_count);
    lsm_shadow_begin(&flush->shadow, flush->db, flush->older,
                     lsm_memtable_entries(flush->memtable));
    int rc = 0;
    uint64_t done = 0;
    for (source->ops->first(source); rc == 0 && source->valid; source->ops->next(source)) {
        bool dropped, same_key;
        done += source->entry->key_size + source->entry->value_size;
        if (done >= SPARE_EVERY && flush->in_background && flush->db->worker != NULL) {
            lsm_worker_run_spare(flush->db->worker);
            done = 0;
        }
        rc = lsm_drop_decide(&drop, source->entry, &dropped, &same_key);
        if (rc != 0) {
            lsm_fail(fault, rc, "a memtable could not be copied: %s", lsm_strerror(rc));
        } else if (!dropped) {
            rc = lsm_table_writer_add(writer, source->entry, fault);
        }
        if (rc == 0 && !same_key) {
            lsm_shadow_note(&flush->shadow, source->entry);
        }
    }
    if (rc == 0 && source->status != 0) {
        rc = lsm_fail(fault, source->status, "a memtable holds what is no operation");
    }
    lsm_drop_free(&drop);
    return rc;
}

/* What was copied counts if the log is whole. Where it is not, that is the failure to report: of
 * what came of it nothing says where. */
static int copy_checked(struct flush *flush, struct lsm_table_writer *writer,
                        struct lsm_fault *fault) {
    struct lsm_flush_log log;
    struct lsm_source *source = NULL;
    int rc = lsm_flush_log_open(&log, flush->memtable, fault);
    if (rc == 0) {
        source = lsm_memtable_sorted(flush->memtable, &log.reader);
        rc = source == NULL ? lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a flush") : 0;
    }
    if (rc == 0) {
        rc = copy_entries(flush, source, writer, fault);
        source->ops->destroy(source);
    }
    if (rc == 0 || rc == LSM_ERR_CORRUPT) {
        int checked = lsm_flush_log_check(&log, fault);
        rc = checked != 0 ? checked : rc;
    }
    lsm_flush_log_close(&log);
    return rc;
}

static int write_table(struct flush *flush, struct lsm_queue *queue, struct lsm_fault *fault) {
    struct lsm_db *db = flush->db;
    char path[LSM_PATH_MAX];
    lsm_file_name(path, db->path, LSM_NAME_TABLE, flush->id);
    struct lsm_table_writer_options options = {
        .block_bytes = db->options.block_bytes,
        .bloom_fpr = db->options.bloom_fpr,
        .codec = (enum lsm_codec)db->options.compression[0],
        .direct_io = db->options.direct_io,
        .size_hint = flush->bytes_in,
        .pool = db->page_pool,
    };
    struct lsm_table_writer *writer = NULL;
    flush->meta = lsm_table_meta_create();
    if (flush->meta == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a flush");
    }
    int rc = lsm_table_writer_create(db->io, queue, path, &options, &writer, fault);
    if (rc == 0) {
        rc = copy_checked(flush, writer, fault);
        if (rc == 0) {
            rc = lsm_table_writer_finish(writer, flush->meta, fault);
        } else {
            lsm_table_writer_abandon(writer);
        }
    }
    flush->meta->id = flush->id;
    flush->meta->level = 0;
    flush->meta->fresh = lsm_shadow_fresh(&flush->shadow, flush->meta->entries);
    flush->meta->created_unix_ms = lsm_io_unix_ms(db->io);
    if (rc == 0) {
        rc = lsm_tables_prove(db->tables, flush->meta, fault);
    }
    return rc;
}

static int install(struct flush *flush, struct lsm_fault *fault) {
    struct lsm_edit edit;
    lsm_edit_init(&edit);
    edit.job = flush->job;
    edit.log_number = flush->log_number;
    edit.last_seq = flush->seq_last;
    int rc = lsm_edit_add(&edit, 0, flush->meta);
    if (rc == 0) {
        /* A table's name must last as long as the edit that names it. */
        rc = lsm_io_sync_dir(flush->db->io, flush->db->path, fault);
    } else {
        lsm_fail(fault, rc, "out of memory for a flush");
    }
    if (rc == 0) {
        rc = lsm_install(flush->db, &edit, true, fault);
    }
    lsm_edit_free(&edit, false);
    return rc;
}

/* Segments that an earlier process left, once the last memtable recovered from them is a table. */
static int remove_recovered_logs(struct lsm_db *db, uint64_t log_number, struct lsm_fault *fault) {
    char path[LSM_PATH_MAX];
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; i < db->recovered_log_count; i++) {
        uint64_t number = db->recovered_logs[i];
        if (number >= log_number) {
            db->recovered_logs[kept++] = number;
            continue;
        }
        lsm_file_name(path, db->path, LSM_NAME_WAL, number);
        int one = lsm_io_unlink(db->io, path, fault); /* gone already: 0 */
        rc = rc == 0 ? one : rc;
    }
    db->recovered_log_count = kept; /* flush_running: one flush at a time */
    return rc;
}

static void remove_logs(struct lsm_db *db, uint64_t log_number) {
    struct lsm_fault fault = {0};
    int rc = lsm_wal_remove_before(db->wal, log_number, &fault);
    if (rc == 0) {
        rc = remove_recovered_logs(db, log_number, &fault);
    }
    if (rc != 0) { /* the next open removes them */
        lsm_event_text(db, LSM_EVENT_NOTICE, fault.code, fault.text);
    }
}

/* `passing`: nothing has changed by the failure, and it is tried again. */
static void finish(struct flush *flush, int rc, bool passing, struct lsm_fault *fault) {
    struct lsm_db *db = flush->db;
    const struct lsm_table_meta *meta = flush->meta;
    struct lsm_event event = {.type = LSM_EVENT_FLUSH_END,
                              .job = flush->job,
                              .inputs = 1,
                              .status = rc,
                              .duration_ns = lsm_io_now_ns(db->io) - flush->began_ns};
    if (flush->memtable != NULL) {
        event.bytes_in = flush->bytes_in;
        event.entries_in = lsm_memtable_entries(flush->memtable);
    }
    if (rc == 0) {
        event.outputs = 1;
        event.bytes_out = meta->bytes;
        event.entries_out = meta->entries;
        atomic_fetch_add_explicit(&db->flushes, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&db->flush_bytes, meta->bytes, memory_order_relaxed);
        lsm_memtable_unref(flush->memtable); /* it refers to the log */
        flush->memtable = NULL;
        remove_logs(db, flush->log_number);
    } else if (!passing) {
        lsm_background_failed(db, fault);
    }
    pthread_mutex_lock(&db->lock);
    lsm_event_queue(db, &event);
    pthread_mutex_unlock(&db->lock);
    if (flush->meta != NULL) {
        lsm_meta_unref(&db->meta_sink, flush->meta);
    }
    if (flush->memtable != NULL) {
        lsm_memtable_unref(flush->memtable);
    }
    if (flush->older != NULL) {
        lsm_version_unref(flush->older);
    }
    free(flush->snapshots);
}

/* Writes the oldest sealed memtable to level 0. REQUIRES: flush_running set by the caller, no lock
 * held. */
static int flush_oldest(struct lsm_db *db, struct lsm_queue *queue, bool in_background,
                        struct lsm_fault *fault) {
    struct flush flush = {.db = db, .in_background = in_background};
    int rc = begin(&flush, fault);
    if (rc == 0) {
        rc = write_table(&flush, queue, fault);
    }
    bool installing = rc == 0;
    if (installing) {
        rc = install(&flush, fault);
    }
    /* An edit that found the disk full is not in the manifest; after another failure it may be. */
    if (rc != 0 && flush.meta != NULL && (!installing || rc == LSM_ERR_NO_SPACE)) {
        lsm_remove_file(db, LSM_NAME_TABLE, flush.id);
    }
    bool passing = rc == LSM_ERR_NO_SPACE || (rc == LSM_ERR_MEMORY && !installing);
    finish(&flush, rc, passing, fault);
    lsm_obsolete_purge(
        db); /* the view that this one replaced may have been the last to hold some */
    lsm_events_deliver(db);
    return rc;
}

/* Waits until nobody else flushes, to its very end: counters, events and the removal of the log
 * belong to it. Then, if something is sealed, the flush is ours. */
static bool claim(struct lsm_db *db) {
    pthread_mutex_lock(&db->lock);
    while (db->flush_running && atomic_load(&db->background_error) == 0) {
        (void)lsm_cond_wait(db->io, &db->changed, &db->lock, 0);
    }
    /* Not after a failure: what the manifest holds of it may not be known. */
    bool ours =
        !db->flush_running && db->sealed_count > 0 && atomic_load(&db->background_error) == 0;
    db->flush_running = db->flush_running || ours;
    pthread_mutex_unlock(&db->lock);
    return ours;
}

static void give_up_claim(struct lsm_db *db, int rc) {
    pthread_mutex_lock(&db->lock);
    db->flush_running = false;
    db->flush_failed = rc != 0;
    bool passes = rc == LSM_ERR_NO_SPACE || rc == LSM_ERR_MEMORY;
    atomic_store(&db->passing_error, passes ? rc : 0);
    lsm_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
}

int lsm_flush_sealed(struct lsm_db *db, struct lsm_queue *queue, struct lsm_fault *fault) {
    int rc = lsm_check_writable(db, fault);
    while (rc == 0 && claim(db)) {
        struct lsm_queue *borrowed = queue == NULL ? lsm_queue_borrow(db->io) : NULL;
        rc = flush_oldest(db, queue != NULL ? queue : borrowed, queue != NULL, fault);
        if (borrowed != NULL) {
            lsm_queue_return(db->io, borrowed);
        }
        give_up_claim(db, rc);
    }
    return rc == 0 ? lsm_check_writable(db, fault) : rc;
}
