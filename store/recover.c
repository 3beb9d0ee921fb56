/* recover.c: from what lies in the directory to a tree: the manifest's edits, then the log segments
 * behind them.
 *
 * Recovered entries go into memtables that are then sealed like any other; their segments stay
 * until the flush. A new segment and a new manifest begin: nothing of an earlier incarnation is
 * appended to, since a dead process's writes may still be landing. */
#include <stdlib.h>

#include "check.h"
#include "db.h"
#include "memtable_load.h"

/* ---- the manifest ---- */

struct replay {
    struct lsm_db *db;
    struct lsm_version *version;
    uint64_t log_number, next_file, edits;
    uint64_t flushed_seq; /* all up to here is in tables */
    uint64_t last_seq;    /* newest one known to have been given out */
};

static void note_numbers(struct replay *replay, const struct lsm_edit *edit) {
    if (edit->log_number > replay->log_number) {
        replay->log_number = edit->log_number;
    }
    if (edit->next_file > replay->next_file) {
        replay->next_file = edit->next_file;
    }
    if (edit->last_seq > replay->flushed_seq) {
        replay->flushed_seq = edit->last_seq;
    }
    for (size_t i = 0; i < edit->times_count; i++) {
        const struct lsm_time_point *point = &edit->times[i];
        lsm_time_map_note(&replay->db->times, point->seq, point->unix_s);
        /* A lost write may have left its time behind: its sequence is not given out again. */
        replay->last_seq = point->seq > replay->last_seq ? point->seq : replay->last_seq;
    }
    for (size_t i = 0; i < edit->added_count; i++) {
        const struct lsm_table_meta *meta = edit->added[i].meta;
        if (meta->seq_max > replay->flushed_seq) {
            replay->flushed_seq = meta->seq_max;
        }
    }
    if (replay->flushed_seq > replay->last_seq) {
        replay->last_seq = replay->flushed_seq;
    }
}

static int apply_edit(void *context, struct lsm_edit *edit, struct lsm_fault *fault) {
    struct replay *replay = context;
    struct lsm_version *next = NULL;
    note_numbers(replay, edit);
    int rc = lsm_version_apply(replay->version, edit, &next, fault);
    if (rc == 0) {
        lsm_version_unref(replay->version);
        replay->version = next;
        replay->edits++;
    }
    for (size_t i = 0; i < edit->added_count; i++) { /* the version has references of its own */
        lsm_meta_unref(&replay->db->meta_sink, edit->added[i].meta);
    }
    return rc;
}

/* A database may be opened with more levels than before, but not with fewer than it uses. */
static int check_levels(const struct lsm_db *db, const struct lsm_version *version,
                        struct lsm_fault *fault) {
    for (uint32_t l = db->options.max_levels; l < LSM_LEVELS_MAX; l++) {
        if (version->level[l].count > 0) {
            return lsm_fail(fault, LSM_ERR_ARGUMENT,
                            "max_levels is %u, but the database has tables in level %u",
                            db->options.max_levels, l);
        }
    }
    return 0;
}

/* ---- the directory ---- */

struct listing {
    uint64_t *segments; /* log segments */
    size_t count, room;
    uint64_t highest; /* number of any file */
    int rc;
};

static void visit_name(void *context, const char *name) {
    struct listing *list = context;
    uint64_t number = 0;
    enum lsm_file_kind kind = lsm_file_kind_of(name, &number);
    if (kind == LSM_NAME_WAL || kind == LSM_NAME_TABLE || kind == LSM_NAME_MANIFEST) {
        list->highest = number > list->highest ? number : list->highest;
    }
    if (kind != LSM_NAME_WAL || list->rc != 0) {
        return;
    }
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 16 : 2 * list->room;
        uint64_t *grown = realloc(list->segments, room * sizeof *grown);
        if (grown == NULL) {
            list->rc = LSM_ERR_MEMORY;
            return;
        }
        list->segments = grown;
        list->room = room;
    }
    list->segments[list->count++] = number;
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* ---- the log ---- */

struct log_replay {
    struct lsm_db *db;
    uint64_t
        skip_until; /* entries up to this sequence are in tables: memtables are flushed in order */
    uint64_t seq;   /* newest one replayed */
    struct lsm_load load; /* into the active memtable */
};

/* A fresh active memtable; the log number of recovered ones is the oldest segment: all are needed
 * until the last of them is flushed. */
static int begin_memtable(struct lsm_db *db, struct lsm_fault *fault) {
    struct lsm_memtable *table = NULL;
    int rc = lsm_memtable_create(db->page_pool, db->options.memtable_bytes, &table, fault);
    if (rc == 0) {
        db->active = (struct lsm_mem){.table = table, .log_number = db->log_number};
    }
    return rc;
}

static int seal_recovered(struct log_replay *replay, struct lsm_fault *fault) {
    struct lsm_db *db = replay->db;
    lsm_load_finish(&replay->load);
    struct lsm_mem full = db->active;
    full.seq_last = replay->seq;
    int rc = begin_memtable(db, fault);
    if (rc == 0) {
        LSM_ASSERT(db->sealed_count < LSM_MEMTABLES_LIMIT);
        db->sealed[db->sealed_count++] = full;
        lsm_load_begin(&replay->load, db->active.table);
    }
    return rc;
}

static int bad_group(const struct lsm_pin *pin, const uint8_t *payload, uint64_t seq,
                     struct lsm_fault *fault) {
    const struct lsm_wal_extent extent = lsm_wal_extent(pin);
    return lsm_fail(fault, LSM_ERR_CORRUPT,
                    "%s: offset %llu: the group of operations at sequence %llu is damaged",
                    lsm_file_path(extent.file), (unsigned long long)(payload - extent.bytes),
                    (unsigned long long)seq);
}

/* Decodes a group's operations and adds those that are in no table. False: it is damaged. */
static bool replay_group(struct log_replay *replay, uint64_t seq, const uint8_t *payload,
                         uint64_t size, uint32_t count) {
    const uint8_t *p = payload, *end = payload + size;
    for (uint32_t i = 0; i < count; i++) {
        struct lsm_entry entry;
        const uint8_t *op = p;
        p = lsm_op_decode(p, end, &entry);
        if (p == NULL) {
            return false;
        }
        if (seq + i > replay->skip_until) {
            lsm_load_refer(&replay->load, seq + i, op, &entry);
        }
    }
    return p == end;
}

static int replay_frame(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload,
                        uint64_t size, uint32_t count, struct lsm_pin *pin,
                        struct lsm_fault *fault) {
    struct log_replay *replay = context;
    struct lsm_db *db = replay->db;
    bool added = false;
    enum { OP_BYTES_MIN = 2 };         /* a delete of a key of one byte */
    if (count > size / OP_BYTES_MIN) { /* before room is made for so many */
        return bad_group(pin, payload, seq, fault);
    }
    int rc = lsm_memtable_keep(db->active.table, pin, &added, fault);
    if (added && rc == 0) {
        lsm_wal_ref(pin);
    }
    if (rc == 0) {
        /* Those that the load still has are not in the memtable yet. */
        rc = lsm_memtable_reserve(db->active.table, count + LSM_LOAD_PENDING, 0, fault);
    }
    if (rc == 0 && !replay_group(replay, seq, payload, size, count)) {
        rc = bad_group(pin, payload, seq, fault);
    }
    if (rc != 0) {
        return rc;
    }
    replay->seq = seq + count - 1;
    if (replay->seq > db->last_seq) {
        db->last_seq = replay->seq;
    }
    lsm_time_map_note(&db->times, seq, unix_s);
    /* One place stays free for the last memtable. */
    if (lsm_load_bytes(&replay->load) >= db->options.memtable_bytes &&
        db->sealed_count + 2 < db->options.memtables_max) {
        rc = seal_recovered(replay, fault);
    }
    return rc;
}

/* start->after: the newest sequence that is there, in a table or the log. */
static int replay_log(struct lsm_db *db, const struct listing *list, struct lsm_wal_start *start,
                      struct lsm_fault *fault) {
    struct log_replay replay = {.db = db, .skip_until = db->flushed_seq};
    struct lsm_wal_recovered recovered = {0};
    lsm_load_begin(&replay.load, db->active.table);
    int rc = lsm_wal_replay(db->io, db->path, list->segments, list->count, db->log_number,
                            db->flushed_seq, replay_frame, &replay, &recovered, fault);
    if (rc == 0 && replay.load.count > 0) {
        rc = seal_recovered(&replay, fault);
    }
    uint64_t found = recovered.last_seq;
    start->after = found > db->flushed_seq ? found : db->flushed_seq;
    start->old = recovered.old;
    db->recovered_bytes = recovered.bytes;
    db->recovery_cut_bytes = recovered.cut_bytes;
    if (rc == 0 && recovered.cut_bytes > 0) {
        char text[160];
        snprintf(text, sizeof text,
                 "the log ended torn: %llu bytes after the last whole group were cut off",
                 (unsigned long long)recovered.cut_bytes);
        lsm_event_text(db, LSM_EVENT_NOTICE, 0, text);
    }
    return rc;
}

static int refuse_frame(void *context, uint64_t unix_s, uint64_t seq, const uint8_t *payload,
                        uint64_t size, uint32_t count, struct lsm_pin *pin,
                        struct lsm_fault *fault) {
    const struct lsm_db *db = context;
    (void)unix_s, (void)payload, (void)size, (void)count, (void)pin;
    return lsm_fail(fault, LSM_ERR_CORRUPT,
                    "%s: there are logged writes (sequence %llu), but no CURRENT that says where "
                    "the tables are",
                    db->path, (unsigned long long)seq);
}

/* Without CURRENT only a creation that was cut short is taken for a new database: its log is empty.
 */
static int refuse_orphans(struct lsm_db *db, const struct listing *list, struct lsm_fault *fault) {
    struct lsm_wal_recovered recovered = {0};
    /* No table is known, so whatever a log goes on from has to be taken as there. */
    int rc = lsm_wal_replay(db->io, db->path, list->segments, list->count, 0, LSM_SEQ_MAX,
                            refuse_frame, db, &recovered, fault);
    lsm_wal_old_free(recovered.old); /* of segments that hold nothing but their seal */
    return rc;
}

/* ---- all of it ---- */

static int replay_manifest(struct lsm_db *db, struct replay *replay, bool *exists,
                           struct lsm_fault *fault) {
    uint64_t number = 0;
    int rc = lsm_manifest_current(db->io, db->path, &number, fault);
    *exists = rc == 0;
    if (rc == LSM_NOT_FOUND) {
        return 0;
    }
    if (rc == 0) {
        rc = lsm_manifest_read(db->io, db->path, number, apply_edit, replay, fault);
    }
    lsm_time_map_recovered(&db->times);
    if (rc == 0 && replay->edits == 0) {
        rc = lsm_fail(fault, LSM_ERR_CORRUPT, "%s: manifest %llu holds no edit", db->path,
                      (unsigned long long)number);
    }
    return rc == 0 ? check_levels(db, replay->version, fault) : rc;
}

/* Segments of a few MiB: little to allocate at the start, and the same few are used again and
 * again. A small memtable has one of its own, with room for what frames add; a group that does not
 * fit gets one that is as large as it. */
static void size_log(struct lsm_db *db, struct lsm_wal_start *start) {
    enum { SEGMENT_BYTES = 8 << 20, BESIDE = 64 << 10 };
    uint64_t memtable = db->options.memtable_bytes;
    uint64_t whole = memtable + memtable / 2 + BESIDE;
    start->number = atomic_fetch_add(&db->next_file, 1);
    start->segment_bytes = whole < SEGMENT_BYTES ? whole : SEGMENT_BYTES;
    uint64_t keep = memtable / start->segment_bytes + 2;
    start->synced = db->options.durability == LSM_SYNC;
    start->keep = keep < 16 ? (uint32_t)keep : 16;
}

/* The new log and manifest begin; what the tree does not need goes. */
static int begin_incarnation(struct lsm_db *db, struct lsm_version *version,
                             struct lsm_wal_start *start, struct lsm_fault *fault) {
    size_log(db, start);
    int rc = lsm_wal_create(db->io, db->path, start, &db->wal, fault);
    if (rc != 0) {
        return rc;
    }
    start->old = NULL; /* the log's now */
    db->active.log_number = start->number;
    if (db->sealed_count == 0) {
        db->log_number = start->number;
        db->flushed_seq = db->last_seq;
    }
    rc = lsm_manifest_roll(db, version, fault);
    if (rc == 0) {
        rc = lsm_obsolete_sweep(db, version, db->log_number, lsm_manifest_number(db->manifest),
                                fault);
    }
    return rc;
}

static void settle_numbers(struct lsm_db *db, const struct replay *replay,
                           const struct listing *list) {
    uint64_t next = replay->next_file > list->highest + 1 ? replay->next_file : list->highest + 1;
    atomic_store(&db->next_file, next > 0 ? next : 1);
    db->last_seq = replay->last_seq;
    db->flushed_seq = replay->flushed_seq;
    db->log_number = replay->log_number;
}

int lsm_recover(struct lsm_db *db, struct lsm_fault *fault) {
    struct replay replay = {.db = db, .version = lsm_version_create(&db->meta_sink)};
    struct listing list = {0};
    struct lsm_view *old = NULL;
    struct lsm_wal_start start = {0};
    bool exists = false;
    int rc =
        replay.version == NULL ? lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a version") : 0;
    if (rc == 0) {
        rc = replay_manifest(db, &replay, &exists, fault);
    }
    if (rc == 0) {
        rc = lsm_io_list(db->io, db->path, visit_name, &list, fault);
    }
    if (rc == 0 && list.rc != 0) {
        rc = lsm_fail(fault, list.rc, "out of memory listing %s", db->path);
    }
    if (rc == 0) {
        if (list.count > 1) {
            qsort(list.segments, list.count, sizeof *list.segments, compare_numbers);
        }
        settle_numbers(db, &replay, &list);
        rc = begin_memtable(db, fault);
    }
    if (rc == 0) {
        rc = exists ? replay_log(db, &list, &start, fault) : refuse_orphans(db, &list, fault);
    }
    if (rc == 0) {
        atomic_store(&db->visible, db->last_seq);
        rc = begin_incarnation(db, replay.version, &start, fault);
    }
    if (rc == 0) {
        pthread_mutex_lock(&db->lock);
        for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
            for (size_t i = 0; i < replay.version->level[l].count; i++) {
                lsm_key_space_add(&db->key_space, replay.version->level[l].tables[i]);
            }
        }
        rc = lsm_view_install(db, replay.version, &old, fault);
        pthread_mutex_unlock(&db->lock);
    }
    if (rc != 0 && replay.version != NULL) {
        lsm_version_unref(replay.version);
    }
    LSM_ASSERT(old == NULL);
    lsm_wal_old_free(start.old);
    if (rc == 0) { /* their memtables are sealed: the flush of the last one removes them */
        db->recovered_logs = list.segments;
        db->recovered_log_count = list.count;
    } else {
        free(list.segments);
    }
    return rc;
}
