/* checkpoint.c: a second database made of hard links, and a check of everything on disk. */
#include <stdlib.h>

#include "check.h"
#include "db.h"

struct checkpoint {
    struct lsm_db *db;
    const char *path;
    struct lsm_view *view; /* keeps the tables' files */
    uint64_t number;       /* of the manifest */
    struct lsm_edit edit;
    bool made; /* the directory */
};

/* The tree as it is, and the edit that describes it, at one moment. */
static int freeze(struct checkpoint *c, struct lsm_fault *fault) {
    struct lsm_db *db = c->db;
    pthread_mutex_lock(&db->manifest_lock);
    c->view = lsm_view_acquire(db);
    c->number = atomic_fetch_add(&db->next_file, 1);
    int rc = lsm_tree_snapshot(db, c->view->version, &c->edit, fault);
    c->edit.log_number = c->edit.next_file; /* no log goes along: all of it is in tables */
    pthread_mutex_unlock(&db->manifest_lock);
    return rc;
}

static int link_tables(struct checkpoint *c, struct lsm_fault *fault) {
    char from[LSM_PATH_MAX], to[LSM_PATH_MAX];
    int rc = 0;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX && rc == 0; l++) {
        const struct lsm_level *level = &c->view->version->level[l];
        for (size_t i = 0; i < level->count && rc == 0; i++) {
            lsm_file_name(from, c->db->path, LSM_NAME_TABLE, level->tables[i]->id);
            lsm_file_name(to, c->path, LSM_NAME_TABLE, level->tables[i]->id);
            rc = lsm_io_link(c->db->io, from, to, fault);
        }
    }
    return rc;
}

static int write_manifest(struct checkpoint *c, struct lsm_fault *fault) {
    struct lsm_manifest *manifest = NULL;
    int rc = lsm_manifest_create(c->db->io, c->path, c->number, &c->edit, &manifest, fault);
    if (rc == 0) {
        lsm_manifest_close(manifest);
        rc = lsm_io_sync_dir(c->db->io, c->path, fault);
    }
    return rc;
}

/* Best effort: what cannot be removed is told as a notice. */
static void undo(struct checkpoint *c) {
    char path[LSM_PATH_MAX];
    struct lsm_fault fault = {0};
    int rc = 0;
    lsm_file_name(path, c->path, LSM_NAME_CURRENT, 0);
    rc |= lsm_io_unlink(c->db->io, path, &fault);
    lsm_file_name(path, c->path, LSM_NAME_TEMP, c->number);
    rc |= lsm_io_unlink(c->db->io, path, &fault);
    lsm_file_name(path, c->path, LSM_NAME_MANIFEST, c->number);
    rc |= lsm_io_unlink(c->db->io, path, &fault);
    for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
        const struct lsm_level *level = &c->view->version->level[l];
        for (size_t i = 0; i < level->count; i++) {
            lsm_file_name(path, c->path, LSM_NAME_TABLE, level->tables[i]->id);
            rc |= lsm_io_unlink(c->db->io, path, &fault);
        }
    }
    rc |= lsm_io_rmdir(c->db->io, c->path, &fault);
    if (rc != 0) {
        lsm_event_text(c->db, LSM_EVENT_NOTICE, fault.code, fault.text);
    }
}

static void ignore_name(void *context, const char *name) {
    (void)context;
    (void)name;
}

/* There must be nothing at the path, not even an empty directory that is somebody's. */
static int make_directory(struct checkpoint *c, struct lsm_fault *fault) {
    int rc = lsm_io_list(c->db->io, c->path, ignore_name, NULL, fault);
    if (rc != LSM_NOT_FOUND) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "%s is there already", c->path);
    }
    rc = lsm_io_mkdir(c->db->io, c->path, fault);
    c->made = rc == 0;
    return rc;
}

int lsm_checkpoint(struct lsm_db *db, const char *path) {
    int rc = lsm_enter(db);
    if (rc != 0 || path == NULL || path[0] == '\0') {
        return rc != 0 ? rc : LSM_ERR_ARGUMENT;
    }
    struct lsm_fault fault = {0};
    struct checkpoint c = {.db = db, .path = path};
    if (strlen(path) > LSM_PATH_MAX - 64) {
        rc = lsm_fail(&fault, LSM_ERR_ARGUMENT, "the path is longer than %d bytes",
                      LSM_PATH_MAX - 64);
        return lsm_leave(db, &fault, rc);
    }
    lsm_edit_init(&c.edit);
    rc = make_directory(&c, &fault);
    if (rc == 0) {
        rc = lsm_flush(db);
        if (rc != 0) {
            lsm_error_detail(db, fault.text, sizeof fault.text);
        }
    }
    if (rc == 0) {
        rc = freeze(&c, &fault);
    }
    if (rc == 0) {
        rc = link_tables(&c, &fault);
    }
    if (rc == 0) {
        rc = write_manifest(&c, &fault);
    }
    if (rc != 0 && c.view != NULL) {
        undo(&c);
    } else if (rc != 0 && c.made) {
        struct lsm_fault ignored = {0};
        int removed = lsm_io_rmdir(db->io, path, &ignored);
        (void)removed;
    }
    lsm_edit_free(&c.edit, false);
    lsm_view_release(db, c.view);
    return lsm_leave(db, &fault, rc);
}

int lsm_verify(struct lsm_db *db) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    struct lsm_view *view = lsm_view_acquire(db);
    for (uint32_t l = 0; l < LSM_LEVELS_MAX && rc == 0; l++) {
        const struct lsm_level *level = &view->version->level[l];
        for (size_t i = 0; i < level->count && rc == 0; i++) {
            struct lsm_table *table = NULL;
            rc = lsm_tables_get(db->tables, level->tables[i], &table, &fault);
            if (rc == 0) {
                rc = lsm_table_verify(table, level->tables[i], &fault);
                lsm_table_release(table);
            }
        }
    }
    lsm_view_release(db, view);
    return lsm_leave(db, &fault, rc);
}
