/* destroy.c: deletes a database, and nothing that is not one. */
#include <stdio.h>
#include <stdlib.h>

#include "survey.h"

struct doomed {
    struct lsm_io *io;
    const char *path;
    struct lsm_fault *fault;
    char (*names)[64];
    size_t count, room;
    int rc;
};

static void collect_name(void *context, const char *name) {
    struct doomed *doomed = context;
    uint64_t number;
    enum lsm_file_kind kind = lsm_file_kind_of(name, &number);
    if (doomed->rc != 0 || kind == LSM_NAME_OTHER || kind == LSM_NAME_LOCK ||
        kind == LSM_NAME_CURRENT || strlen(name) >= 64) {
        return;
    }
    if (doomed->count == doomed->room) {
        size_t room = doomed->room == 0 ? 64 : 2 * doomed->room;
        char(*grown)[64] = realloc(doomed->names, room * sizeof *grown);
        if (grown == NULL) {
            doomed->rc = LSM_ERR_MEMORY;
            return;
        }
        doomed->names = grown;
        doomed->room = room;
    }
    snprintf(doomed->names[doomed->count++], 64, "%s", name);
}

/* CURRENT goes last: what a crash leaves is still a database's, and can be destroyed again. */
static int remove_files(struct doomed *doomed) {
    char path[LSM_PATH_MAX + 64];
    int rc = 0;
    for (size_t i = 0; i < doomed->count && rc == 0; i++) {
        snprintf(path, sizeof path, "%s/%s", doomed->path, doomed->names[i]);
        rc = lsm_io_unlink(doomed->io, path, doomed->fault);
    }
    if (rc == 0) {
        lsm_file_name(path, doomed->path, LSM_NAME_CURRENT, 0);
        rc = lsm_io_unlink(doomed->io, path, doomed->fault);
    }
    return rc;
}

static int destroy_locked(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    struct doomed doomed = {.io = io, .path = path, .fault = fault};
    int rc = lsm_io_list(io, path, collect_name, &doomed, fault);
    if (rc == 0 && doomed.rc != 0) {
        rc = lsm_fail(fault, doomed.rc, "out of memory listing %s", path);
    }
    if (rc == 0) {
        rc = remove_files(&doomed);
    }
    free(doomed.names);
    return rc;
}

int lsm_destroy(const char *path, char detail[256]) {
    struct lsm_fault fault = {0}, ignored = {0};
    struct lsm_io *io = NULL;
    struct lsm_file *lock = NULL;
    char notice[256], lock_path[LSM_PATH_MAX];
    int rc = lsm_path_check(path, &fault);
    if (rc == 0) {
        rc = lsm_io_create(LSM_IO_POSIX, &io, notice, &fault);
    }
    if (rc == 0) {
        rc = lsm_survey(io, path, &fault);
        rc = rc == 0  ? lsm_fail(&fault, LSM_ERR_NOT_A_DB, "%s holds no database", path)
             : rc > 0 ? 0
                      : rc;
    }
    if (rc == 0) {
        lsm_file_name(lock_path, path, LSM_NAME_LOCK, 0);
        rc = lsm_io_lock(io, lock_path, &lock, &fault);
    }
    if (rc == 0) {
        rc = destroy_locked(io, path, &fault);
        int unlinked = rc == 0 ? lsm_io_unlink(io, lock_path, &fault) : rc;
        lsm_io_unlock(io, lock);
        rc = unlinked;
        /* Other files keep the directory: that is theirs to say. */
        int emptied = rc == 0 ? lsm_io_rmdir(io, path, &ignored) : rc;
        (void)emptied;
    }
    if (io != NULL) {
        lsm_io_destroy(io);
    }
    if (detail != NULL) {
        snprintf(detail, 256, "%s", rc == 0 ? "" : fault.text);
    }
    return rc;
}
