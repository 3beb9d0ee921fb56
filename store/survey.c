/* survey.c: what a directory is before anything in it is touched. */
#include "survey.h"

#define SIGNATURE "lsmscope " /* of CURRENT: see manifest_format.h */

struct survey {
    bool current, tables, other;
};

static void survey_name(void *context, const char *name) {
    struct survey *survey = context;
    uint64_t number;
    switch (lsm_file_kind_of(name, &number)) {
    case LSM_NAME_OTHER:
        survey->other = true;
        break;
    case LSM_NAME_CURRENT:
        survey->current = true;
        break;
    case LSM_NAME_TABLE:
        survey->tables = true;
        break;
    case LSM_NAME_WAL: /* a creation that was cut short leaves these */
    case LSM_NAME_MANIFEST:
    case LSM_NAME_LOCK:
    case LSM_NAME_TEMP:
        break;
    }
}

/* LevelDB and RocksDB have a CURRENT too: ours begins with our name. */
static int check_current(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    char name[LSM_PATH_MAX], text[sizeof SIGNATURE - 1];
    struct lsm_file *file = NULL;
    uint64_t size = 0;
    lsm_file_name(name, path, LSM_NAME_CURRENT, 0);
    int rc = lsm_file_open(io, name, LSM_FILE_READ, &file, fault);
    if (rc == 0) {
        rc = lsm_file_size(file, &size, fault);
    }
    if (rc == 0 && size >= sizeof text) {
        rc = lsm_file_read(file, 0, text, sizeof text, fault);
    }
    if (rc == 0 && (size < sizeof text || memcmp(text, SIGNATURE, sizeof text) != 0)) {
        rc = lsm_fail(fault, LSM_ERR_NOT_A_DB,
                      "%s holds something else: its CURRENT is not this engine's", path);
    }
    lsm_file_close(file);
    return rc == 0 ? 1 : rc;
}

int lsm_survey(struct lsm_io *io, const char *path, struct lsm_fault *fault) {
    struct survey survey = {0};
    int rc = lsm_io_list(io, path, survey_name, &survey, fault);
    if (rc == LSM_NOT_FOUND) {
        return 0;
    }
    if (rc != 0) {
        return rc;
    }
    if (survey.current) {
        return check_current(io, path, fault);
    }
    if (survey.other) {
        return lsm_fail(fault, LSM_ERR_NOT_A_DB, "%s is not empty and not a database", path);
    }
    if (survey.tables) {
        return lsm_fail(fault, LSM_ERR_CORRUPT,
                        "%s: there are tables, but no CURRENT that says which manifest is theirs",
                        path);
    }
    return 0;
}

int lsm_path_check(const char *path, struct lsm_fault *fault) {
    if (path == NULL || path[0] == '\0') {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "the path is empty");
    }
    if (strlen(path) > LSM_PATH_MAX - 64) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "the path is longer than %d bytes",
                        LSM_PATH_MAX - 64);
    }
    return 0;
}

int lsm_probe(const char *path) {
    struct lsm_fault fault = {0};
    struct lsm_io *io = NULL;
    char notice[256];
    int rc = path == NULL ? LSM_ERR_ARGUMENT : lsm_io_create(LSM_IO_POSIX, &io, notice, &fault);
    if (rc == 0) {
        rc = lsm_survey(io, path, &fault);
        lsm_io_destroy(io);
    }
    return rc;
}
