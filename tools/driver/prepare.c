#include "prepare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver_check.h"

struct lsm_options driver_engine_options(const struct driver_args *args) {
    struct lsm_options o = lsm_options_default();
    o.durability = (enum lsm_durability)args->durability;
    o.async_compaction = args->async_compaction;
    o.max_levels = (uint32_t)args->max_levels;
    o.tombstone_retention_s = args->tombstone_retention_s;
    o.memtable_bytes = args->memtable_bytes;
    o.table_bytes = args->table_bytes;
    o.bloom_fpr = args->bloom_fpr;
    for (size_t l = 0; l < LSM_LEVELS_MAX; l++) {
        o.compression[l] = (enum lsm_compression)args->compression;
    }
    /* The limits keep their distance from the trigger, as in the engine's defaults. */
    uint32_t trigger = (uint32_t)args->l0_trigger;
    o.l0_slowdown = (uint32_t)((uint64_t)o.l0_slowdown * trigger / o.l0_trigger);
    o.l0_stop = (uint32_t)((uint64_t)o.l0_stop * trigger / o.l0_trigger);
    o.l0_trigger = trigger;
    o.level_ratio = (uint32_t)args->level_ratio;
    o.policy = (enum lsm_policy)args->policy;
    o.compaction_rate = args->compaction_rate;
    o.io_backend = (enum lsm_io_backend)args->io_backend;
    DRIVER_ASSERT(o.l0_trigger < o.l0_slowdown && o.l0_slowdown < o.l0_stop);
    return o;
}

static int name_is_free(const char *name, char error[512]) {
    struct scope_segment *segment = NULL;
    struct scope_error_detail detail = {.code = 0};
    int rc = scope_attach(name, true, &segment, &detail);
    if (rc != 0) {
        return DRIVER_OK; /* absent, or for lsm_publish_start to complain about */
    }
    enum scope_liveness liveness = scope_segment_liveness(segment);
    struct scope_info info;
    scope_segment_info(segment, &info);
    scope_detach(segment);
    if (liveness != SCOPE_LIVE && liveness != SCOPE_STALLED) {
        return DRIVER_OK;
    }
    (void)snprintf(error, 512,
                   "--name: '%s' is in use by process %llu (%.200s); choose another name", name,
                   (unsigned long long)info.pid, info.command);
    return DRIVER_USAGE;
}

/* The directory that must be writable: the database's, or the one it will be made in. */
static int directory_usable(const char *path, char error[512]) {
    struct stat st;
    if (stat(path, &st) == 0) {
        if (!S_ISDIR(st.st_mode)) {
            (void)snprintf(error, 512, "--data-dir: %.300s is not a directory", path);
            return DRIVER_USAGE;
        }
        if (access(path, R_OK | W_OK | X_OK) != 0) {
            (void)snprintf(error, 512, "--data-dir: %.300s: %s", path, strerror(errno));
            return DRIVER_USAGE;
        }
        return DRIVER_OK;
    }
    if (errno != ENOENT) {
        (void)snprintf(error, 512, "--data-dir: %.300s: %s", path, strerror(errno));
        return DRIVER_USAGE;
    }
    char parent[4096];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    (void)snprintf(parent, sizeof parent, "%.*s", length > 0 ? (int)length : 1,
                   length > 0 ? path : ".");
    if (access(parent, W_OK | X_OK) != 0) {
        (void)snprintf(error, 512, "--data-dir: cannot create %.200s in %.200s: %s", path, parent,
                       strerror(errno));
        return DRIVER_USAGE;
    }
    return DRIVER_OK;
}

static int probe(const struct driver_args *args, struct driver_prepared *p, char error[512]) {
    int rc = directory_usable(args->data_dir, error);
    if (rc != DRIVER_OK) {
        return rc;
    }
    rc = lsm_probe(args->data_dir);
    if (rc == LSM_ERR_NOT_A_DB) {
        (void)snprintf(error, 512,
                       "--data-dir: %.300s is not empty and not a database of ours; it is left "
                       "as it is",
                       args->data_dir);
        return DRIVER_USAGE;
    }
    if (rc < 0) {
        (void)snprintf(error, 512, "--data-dir: %.300s: %s", args->data_dir, lsm_strerror(rc));
        return DRIVER_USAGE;
    }
    p->existed = rc == 1;
    p->directory_existed = access(args->data_dir, F_OK) == 0;
    return DRIVER_OK;
}

/* Which codes of lsm_open are the command line's fault rather than the database's. */
static int open_status(int rc) {
    return rc == LSM_ERR_LOCKED || rc == LSM_ERR_NOT_A_DB || rc == LSM_ERR_ARGUMENT ||
                   rc == LSM_ERR_UNSUPPORTED
               ? DRIVER_USAGE
               : DRIVER_FAILED;
}

static int open_database(const struct driver_args *args, struct driver_events *events,
                         struct driver_prepared *p, char error[512]) {
    char detail[256] = "";
    int rc = 0;
    if (args->fresh && p->existed) {
        rc = lsm_destroy(args->data_dir, detail);
        p->existed = rc != 0;
    }
    if (rc == 0) {
        struct lsm_options options = driver_engine_options(args);
        options.listener = driver_events_listener;
        options.listener_context = events;
        rc = lsm_open(args->data_dir, &options, &p->db, detail);
    }
    if (rc == 0) {
        return DRIVER_OK;
    }
    if (rc == LSM_ERR_LOCKED) {
        (void)snprintf(error, 512, "--data-dir: %.200s is in use by another process%s%.200s",
                       args->data_dir, detail[0] != '\0' ? ": " : "", detail);
    } else {
        (void)snprintf(error, 512, "cannot open the database in %.120s: %s%s%.200s", args->data_dir,
                       lsm_strerror(rc), detail[0] != '\0' ? ": " : "", detail);
    }
    return open_status(rc);
}

int driver_segment_refused(const struct driver_args *args, int rc,
                           const struct scope_error_detail *detail, char error[512]) {
    DRIVER_ASSERT(rc != 0);
    (void)snprintf(error, 512, "--name %s: %s%s%.250s%s", args->name, scope_strerror(rc),
                   detail->text[0] != '\0' ? ": " : "", detail->text,
                   rc == SCOPE_ERR_NO_SPACE ? " (a smaller --history needs less)" : "");
    bool usage = rc == SCOPE_ERR_IN_USE || rc == SCOPE_ERR_PERMISSION || rc == SCOPE_ERR_NO_SPACE;
    return usage ? DRIVER_USAGE : DRIVER_FAILED;
}

/* Not made and taken away again: an observer that waits for this name would attach to that one. */
static int probe_segment(const struct driver_args *args, char error[512]) {
    struct scope_writer_options options = {.name = args->name,
                                           .engine_name = "lsm",
                                           .engine_version = LSM_VERSION,
                                           .sample_interval_ns = args->sample_ns};
    driver_history_slots(args, &options.samples, &options.events, &options.seconds);
    struct scope_error_detail detail = {.code = 0};
    int rc = scope_writer_probe(&options, &detail);
    return rc == 0 ? DRIVER_OK : driver_segment_refused(args, rc, &detail, error);
}

static int open_record(const struct driver_args *args, struct driver_prepared *p, char error[512]) {
    struct scope_error_detail detail = {.code = 0};
    if (driver_record_open(&p->record, args->record, &detail) == 0) {
        return DRIVER_OK;
    }
    (void)snprintf(error, 512, "--record: %s", detail.text); /* names the file */
    return DRIVER_USAGE;
}

int driver_prepare(const struct driver_args *args, struct driver_events *events,
                   struct driver_prepared *p, char error[512]) {
    *p = (struct driver_prepared){.csv.fd = -1, .markers = {.fd = -1, .wake = {-1, -1}}};
    int rc = name_is_free(args->name, error);
    if (rc == DRIVER_OK) {
        rc = probe(args, p, error);
    }
    if (rc != DRIVER_OK) {
        return rc;
    }
    int err = driver_markers_open(&p->markers, args->markers_from);
    if (err != 0) {
        (void)snprintf(error, 512, "--markers-from: %.300s: %s", args->markers_from, strerror(err));
        return DRIVER_USAGE;
    }
    if (args->out_csv != NULL) {
        err = driver_csv_open(&p->csv, args->out_csv);
        if (err != 0) {
            (void)snprintf(error, 512, "--out-csv: %.300s: %s", args->out_csv,
                           err == EWOULDBLOCK ? "another driver is writing it" : strerror(err));
            driver_markers_close(&p->markers);
            return DRIVER_USAGE;
        }
    }
    rc = open_record(args, p, error);
    if (rc == DRIVER_OK && (args->load || (args->fresh && p->existed))) {
        rc = probe_segment(args, error);
    }
    if (rc == DRIVER_OK) {
        rc = open_database(args, events, p, error);
    }
    if (rc != DRIVER_OK) {
        driver_record_close(&p->record);
        driver_csv_abandon(&p->csv);
        driver_markers_close(&p->markers);
    }
    return rc;
}

void driver_unprepare(const struct driver_args *args, struct driver_prepared *p) {
    char detail[256];
    driver_markers_close(&p->markers);
    driver_record_close(&p->record);
    driver_csv_abandon(&p->csv);
    if (p->db != NULL) {
        (void)lsm_close(p->db);
        p->db = NULL;
        if (!p->existed) {
            /* Made by us a moment ago and still empty. */
            int rc = lsm_destroy(args->data_dir, detail);
            if (rc == 0 && p->directory_existed) {
                (void)mkdir(args->data_dir, 0777);
            }
        }
    }
}
