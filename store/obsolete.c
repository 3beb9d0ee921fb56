/* obsolete.c: removes the files that the tree no longer needs, also those a crash left behind. */
#include <stdlib.h>

#include "check.h"
#include "db.h"

void lsm_remove_file(struct lsm_db *db, enum lsm_file_kind kind, uint64_t number) {
    char path[LSM_PATH_MAX];
    struct lsm_fault fault = {0};
    if (kind == LSM_NAME_TABLE) {
        lsm_tables_evict(db->tables, number);
    }
    lsm_file_name(path, db->path, kind, number);
    if (lsm_io_unlink(db->io, path, &fault) != 0) {
        lsm_event_text(db, LSM_EVENT_NOTICE, fault.code, fault.text);
    }
}

/* The last reference to a meta went. If its table left the tree the file is to be removed, but not
 * here: this may be a reader that let go of an old view. */
void lsm_obsolete_gone(void *context, struct lsm_table_meta *meta) {
    struct lsm_db *db = context;
    if (db->tables != NULL) {
        lsm_tables_unpin(db->tables, meta);
    }
    if (!atomic_load_explicit(&meta->obsolete, memory_order_acquire)) {
        lsm_table_meta_free(meta);
        return;
    }
    pthread_mutex_lock(&db->obsolete_lock);
    if (db->obsolete_count == db->obsolete_room) {
        size_t room = db->obsolete_room == 0 ? 64 : 2 * db->obsolete_room;
        struct lsm_table_meta **grown = realloc(db->obsolete, room * sizeof *grown);
        if (grown != NULL) {
            db->obsolete = grown;
            db->obsolete_room = room;
        }
    }
    bool kept = db->obsolete_count < db->obsolete_room;
    if (kept) {
        db->obsolete[db->obsolete_count++] = meta;
    }
    pthread_mutex_unlock(&db->obsolete_lock);
    if (!kept) { /* the file stays until the sweep of the next open */
        lsm_table_meta_free(meta);
    }
}

static struct lsm_table_meta *take_one(struct lsm_db *db) {
    pthread_mutex_lock(&db->obsolete_lock);
    struct lsm_table_meta *meta =
        db->obsolete_count > 0 ? db->obsolete[--db->obsolete_count] : NULL;
    pthread_mutex_unlock(&db->obsolete_lock);
    return meta;
}

void lsm_obsolete_purge(struct lsm_db *db) {
    char path[LSM_PATH_MAX];
    /* One thread at a time: whoever comes second returns when nothing is left, rather than while
     * the first still removes a file that the counts below tell of. */
    pthread_mutex_lock(&db->purge_lock);
    for (struct lsm_table_meta *meta = take_one(db); meta != NULL; meta = take_one(db)) {
        struct lsm_fault fault = {0};
        lsm_tables_evict(db->tables, meta->id);
        lsm_file_name(path, db->path, LSM_NAME_TABLE, meta->id);
        if (lsm_io_unlink(db->io, path, &fault) != 0) {
            lsm_event_text(db, LSM_EVENT_ERROR, fault.code, fault.text);
        }
        atomic_fetch_sub_explicit(&db->obsolete_bytes, meta->bytes, memory_order_relaxed);
        lsm_table_meta_free(meta);
    }
    pthread_mutex_unlock(&db->purge_lock);
}

struct sweep {
    struct lsm_db *db;
    const struct lsm_version *version;
    uint64_t log_number, manifest_number;
    struct name_list {
        char (*names)[64];
        size_t count, room;
    } doomed;
    int rc;
};

static bool is_live(const struct lsm_version *version, uint64_t id) {
    for (size_t l = 0; l < LSM_LEVELS_MAX; l++) {
        for (size_t i = 0; i < version->level[l].count; i++) {
            if (version->level[l].tables[i]->id == id) {
                return true;
            }
        }
    }
    return false;
}

static bool is_doomed(const struct sweep *sweep, const char *name) {
    uint64_t number = 0;
    switch (lsm_file_kind_of(name, &number)) {
    case LSM_NAME_WAL:
        return number < sweep->log_number;
    case LSM_NAME_TABLE:
        return !is_live(sweep->version, number);
    case LSM_NAME_MANIFEST:
        return number != sweep->manifest_number;
    case LSM_NAME_TEMP:
        return true;
    case LSM_NAME_OTHER:
    case LSM_NAME_CURRENT:
    case LSM_NAME_LOCK:
        return false;
    }
    return false;
}

static void visit_name(void *context, const char *name) {
    struct sweep *sweep = context;
    if (sweep->rc != 0 || !is_doomed(sweep, name) || strlen(name) >= 64) {
        return;
    }
    struct name_list *list = &sweep->doomed;
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : 2 * list->room;
        char(*grown)[64] = realloc(list->names, room * sizeof *grown);
        if (grown == NULL) {
            sweep->rc = LSM_ERR_MEMORY;
            return;
        }
        list->names = grown;
        list->room = room;
    }
    snprintf(list->names[list->count++], 64, "%s", name);
}

int lsm_obsolete_sweep(struct lsm_db *db, const struct lsm_version *version, uint64_t log_number,
                       uint64_t manifest_number, struct lsm_fault *fault) {
    struct sweep sweep = {
        .db = db, .version = version, .log_number = log_number, .manifest_number = manifest_number};
    /* Collected first: removing names while listing them is not portable. */
    int rc = lsm_io_list(db->io, db->path, visit_name, &sweep, fault);
    if (rc == 0 && sweep.rc != 0) {
        rc = lsm_fail(fault, sweep.rc, "out of memory listing %s", db->path);
    }
    char path[LSM_PATH_MAX + 64];
    for (size_t i = 0; i < sweep.doomed.count && rc == 0; i++) {
        snprintf(path, sizeof path, "%s/%s", db->path, sweep.doomed.names[i]);
        rc = lsm_io_unlink(db->io, path, fault);
    }
    free(sweep.doomed.names);
    return rc;
}
