/* install.c: changes the tree: first in the manifest, then for readers.
 *
 * One change at a time holds the manifest lock across the append. The database's lock is taken only
 * for the moment in which the new version becomes the current one. */
#include "check.h"
#include "db.h"

enum { MANIFEST_ROLL_BYTES = 64 << 20 };

void lsm_background_failed(struct lsm_db *db, const struct lsm_fault *fault) {
    pthread_mutex_lock(&db->error_lock);
    bool first = atomic_load(&db->background_error) == 0;
    if (first) {
        db->error = db->final_error = *fault;
        atomic_store_explicit(&db->background_error, fault->code, memory_order_release);
    }
    pthread_mutex_unlock(&db->error_lock);
    if (first) {
        lsm_event_text(db, LSM_EVENT_ERROR, fault->code, fault->text);
    }
    pthread_mutex_lock(&db->lock);
    lsm_cond_broadcast(&db->changed);
    pthread_mutex_unlock(&db->lock);
}

int lsm_tree_snapshot(struct lsm_db *db, const struct lsm_version *version, struct lsm_edit *edit,
                      struct lsm_fault *fault) {
    int rc = 0;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX && rc == 0; l++) {
        for (size_t i = 0; i < version->level[l].count && rc == 0; i++) {
            rc = lsm_edit_add(edit, l, version->level[l].tables[i]);
        }
    }
    if (rc == 0) {
        rc = lsm_time_map_export(&db->times, LSM_SEQ_MAX, true, edit);
    }
    edit->unix_ms = lsm_io_unix_ms(db->io);
    edit->max_levels = db->options.max_levels;
    edit->log_number = db->log_number;
    edit->last_seq = db->flushed_seq;
    edit->next_file = atomic_load(&db->next_file);
    return rc == 0 ? 0 : lsm_fail(fault, rc, "out of memory for a manifest");
}

int lsm_manifest_roll(struct lsm_db *db, const struct lsm_version *version,
                      struct lsm_fault *fault) {
    struct lsm_edit edit;
    struct lsm_manifest *next = NULL;
    uint64_t number = atomic_fetch_add(&db->next_file, 1);
    lsm_edit_init(&edit);
    int rc = lsm_tree_snapshot(db, version, &edit, fault);
    if (rc == 0) {
        rc = lsm_manifest_create(db->io, db->path, number, &edit, &next, fault);
    }
    lsm_edit_free(&edit, false);
    if (rc != 0) {
        if (rc == LSM_ERR_NO_SPACE) { /* CURRENT does not name it, and the attempt is repeated */
            lsm_remove_file(db, LSM_NAME_TEMP, number);
            lsm_remove_file(db, LSM_NAME_MANIFEST, number);
        }
        return rc;
    }
    if (db->manifest != NULL) {
        uint64_t old = lsm_manifest_number(db->manifest);
        lsm_manifest_close(db->manifest);
        lsm_remove_file(db, LSM_NAME_MANIFEST, old);
    }
    db->manifest = next;
    db->manifest_full = false;
    return 0;
}

static int append(struct lsm_db *db, const struct lsm_version *base, struct lsm_edit *edit,
                  struct lsm_fault *fault) {
    edit->unix_ms = lsm_io_unix_ms(db->io);
    edit->next_file = atomic_load(&db->next_file);
    /* A flushed memtable may hold writes that are not visible yet. */
    uint64_t visible = atomic_load(&db->visible);
    int rc = lsm_time_map_export(&db->times, visible > edit->last_seq ? visible : edit->last_seq,
                                 false, edit);
    if (rc != 0) {
        return lsm_fail(fault, rc, "out of memory for an edit");
    }
    /* An append that found the disk full left a torn edit behind: the next one begins a new file.
     */
    if (db->manifest_full && (rc = lsm_manifest_roll(db, base, fault)) != 0) {
        return rc;
    }
    rc = lsm_manifest_append(db->manifest, edit, fault);
    if (rc == LSM_ERR_NO_SPACE) {
        db->manifest_full = true;
    } else if (rc != 0) {
        lsm_background_failed(db, fault);
    }
    return rc;
}

static const struct lsm_table_meta *find(const struct lsm_version *version, uint32_t level,
                                         uint64_t id) {
    for (size_t i = 0; i < version->level[level].count; i++) {
        if (version->level[level].tables[i]->id == id) {
            return version->level[level].tables[i];
        }
    }
    return NULL;
}

static void queue_table_event(struct lsm_db *db, enum lsm_event_type type,
                              const struct lsm_table_meta *meta, uint32_t from, uint32_t to,
                              uint64_t job) {
    struct lsm_event event = {.type = type, .job = job, .level_from = from, .level_to = to};
    lsm_table_describe(db, meta, to, &event.table);
    lsm_event_queue(db, &event);
}

/* Tells listeners and marks what is no longer in the tree. REQUIRES: lock held. */
static void announce(struct lsm_db *db, const struct lsm_version *base,
                     const struct lsm_edit *edit) {
    for (size_t i = 0; i < edit->added_count; i++) {
        lsm_key_space_add(&db->key_space, edit->added[i].meta);
    }
    for (size_t i = 0; i < edit->removed_count; i++) {
        const struct lsm_edit_removal *r = &edit->removed[i];
        const struct lsm_table_meta *meta = find(base, r->level, r->id);
        LSM_ASSERT(meta != NULL);
        queue_table_event(db, LSM_EVENT_TABLE_REMOVE, meta, r->level, r->level, edit->job);
        /* const in the search only: the mark is what the tree keeps of it */
        struct lsm_table_meta *mark = (struct lsm_table_meta *)(uintptr_t)meta;
        atomic_store_explicit(&mark->obsolete, true, memory_order_release);
        atomic_fetch_add_explicit(&db->obsolete_bytes, meta->bytes, memory_order_relaxed);
    }
    for (size_t i = 0; i < edit->moved_count; i++) {
        const struct lsm_edit_move *m = &edit->moved[i];
        const struct lsm_table_meta *meta = find(base, m->from, m->id);
        LSM_ASSERT(meta != NULL);
        queue_table_event(db, LSM_EVENT_TABLE_MOVE, meta, m->from, m->to, edit->job);
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        queue_table_event(db, LSM_EVENT_TABLE_ADD, edit->added[i].meta, edit->added[i].level,
                          edit->added[i].level, edit->job);
    }
}

/* The manifest has the edit; now readers get it. A failure here leaves memory behind the disk:
 * final. */
static int make_current(struct lsm_db *db, struct lsm_version *base, struct lsm_version *next,
                        const struct lsm_edit *edit, bool drop_sealed, struct lsm_fault *fault) {
    struct lsm_view *old = NULL;
    struct lsm_memtable *flushed = NULL;
    pthread_mutex_lock(&db->lock);
    if (drop_sealed) {
        LSM_ASSERT(db->sealed_count > 0);
        flushed = db->sealed[0].table;
        db->sealed_count--;
        memmove(&db->sealed[0], &db->sealed[1], db->sealed_count * sizeof db->sealed[0]);
    }
    int rc = lsm_view_install(db, next, &old, fault);
    if (rc == 0) {
        announce(db, base, edit);
        lsm_schedule(db); /* what is picked at once holds no writer back */
        lsm_pressure_update(db);
    }
    pthread_mutex_unlock(&db->lock);
    if (rc != 0) {
        lsm_version_unref(next);
        lsm_background_failed(db, fault);
    }
    if (flushed != NULL) {
        lsm_memtable_unref(flushed);
    }
    lsm_view_release(db, old);
    return rc;
}

int lsm_install(struct lsm_db *db, struct lsm_edit *edit, bool drop_sealed,
                struct lsm_fault *fault) {
    struct lsm_version *next = NULL;
    pthread_mutex_lock(&db->manifest_lock);
    pthread_mutex_lock(&db->lock);
    struct lsm_version *base = db->view->version;
    lsm_version_ref(base);
    pthread_mutex_unlock(&db->lock);
    int rc = lsm_check_writable(db, fault);
    if (rc == 0) {
        rc = lsm_version_apply(base, edit, &next, fault);
    }
    if (rc == 0) {
        rc = append(db, base, edit, fault);
        if (rc != 0) {
            lsm_version_unref(next);
        }
    }
    if (rc == 0) {
        db->log_number = edit->log_number != 0 ? edit->log_number : db->log_number;
        db->flushed_seq = edit->last_seq != 0 ? edit->last_seq : db->flushed_seq;
        rc = make_current(db, base, next, edit, drop_sealed, fault);
    }
    if (rc == 0 && lsm_manifest_bytes(db->manifest) > MANIFEST_ROLL_BYTES) {
        struct lsm_fault failed = {0};
        int rolled = lsm_manifest_roll(db, next, &failed);
        if (rolled == LSM_ERR_NO_SPACE || rolled == LSM_ERR_MEMORY) { /* the old one goes on */
            lsm_event_text(db, LSM_EVENT_NOTICE, failed.code, failed.text);
        } else if (rolled != 0) { /* CURRENT may name the new one, or will after a power cut */
            lsm_background_failed(db, &failed);
        }
    }
    pthread_mutex_unlock(&db->manifest_lock);
    lsm_version_unref(base);
    return rc;
}
