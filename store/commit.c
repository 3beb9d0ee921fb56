/* commit.c: the write path. Log, memtable, visible; then, where asked, the device.
 *
 * One writer at a time holds the commit lock: it makes room, reserves memory, copies the group into
 * the log's mapping and the memtable, and gives the lock up. None of that makes a system call. A
 * synchronous writer then waits for the device outside the lock, so that writers who come meanwhile
 * are covered by one flush.
 *
 * Visibility follows the log's order: a sequence becomes visible when its own durability and that
 * of everything before it is reached. So a write behind a synchronous one waits with it. */
#include "batch.h"
#include "check.h"
#include "db.h"
#include "filter.h"
#include "memtable_load.h"

struct group {
    const struct lsm_entry *single; /* or NULL: the batch */
    const struct lsm_batch *batch;
    uint64_t payload_bytes; /* in the log */
    uint64_t bytes;         /* of keys and values */
    uint32_t count;
    bool large; /* an entry above a quarter of the memtable: it gets its own */
};

static void publish(struct lsm_db *db, uint64_t seq) {
    uint64_t now = atomic_load_explicit(&db->visible, memory_order_relaxed);
    /* Release pairs with the acquire load of readers: who sees the number finds the entries. */
    while (now < seq && !atomic_compare_exchange_weak_explicit(
                            &db->visible, &now, seq, memory_order_release, memory_order_relaxed)) {
    }
}

int lsm_settle_unlogged(struct lsm_db *db, struct lsm_fault *fault) {
    if (!db->unlogged) {
        return 0;
    }
    int rc = lsm_seal_active(db, fault);
    if (rc == 0) {
        rc = lsm_flush_sealed(db, NULL, fault);
    }
    if (rc == 0) {
        db->unlogged = false;
    }
    return rc;
}

/* Tells of a new segment, and has the next one made ready. REQUIRES: lock held. */
static void note_rotation(struct lsm_db *db, uint64_t number) {
    lsm_event_queue(db, &(struct lsm_event){.type = LSM_EVENT_WAL_ROTATE, .wal_segment = number});
    if (db->worker != NULL) {
        lsm_schedule(db);
    }
}

/* The first write since the open has the first spare made; who only reads needs none. */
static void note_use(struct lsm_db *db) {
    if (!db->log_used) {
        pthread_mutex_lock(&db->lock);
        db->log_used = true;
        if (db->worker != NULL) {
            lsm_schedule(db);
        }
        pthread_mutex_unlock(&db->lock);
    }
}

/* Makes room for the group in the log, and for what the memtable will need: nothing after this can
 * fail. */
static int reserve_logged(struct lsm_db *db, const struct group *group, struct lsm_fault *fault) {
    struct lsm_memtable *table = db->active.table;
    bool added = false;
    bool fits = lsm_wal_fits(db->wal, group->payload_bytes);
    if (!fits || lsm_wal_misfits(db->wal)) {
        struct lsm_fault ignored;
        uint64_t number = atomic_fetch_add_explicit(&db->next_file, 1, memory_order_relaxed);
        int rc = lsm_wal_rotate(db->wal, number, group->payload_bytes, fits ? &ignored : fault);
        if (rc == 0) {
            pthread_mutex_lock(&db->lock);
            note_rotation(db, lsm_wal_number(db->wal));
            pthread_mutex_unlock(&db->lock);
        } else if (!fits) {
            return rc;
        }
    }
    struct lsm_pin *pin = lsm_wal_current_pin(db->wal);
    int rc = lsm_memtable_keep(table, pin, &added, fault);
    if (added && rc == 0) {
        lsm_wal_ref(pin);
        note_use(db);
    }
    return rc == 0 ? lsm_memtable_reserve(table, group->count, 0, fault) : rc;
}

/* Writes the group into the log; the memtable then refers to it there. */
static void log_and_insert(struct lsm_db *db, const struct group *group, uint64_t seq,
                           uint64_t unix_s, bool synced) {
    struct lsm_memtable *table = db->active.table;
    const struct lsm_wal_group head = {.payload_bytes = group->payload_bytes,
                                       .seq = seq,
                                       .unix_s = unix_s,
                                       .count = group->count,
                                       .synced = synced};
    uint8_t *payload = lsm_wal_begin(db->wal, &head);
    if (group->single != NULL) {
        const struct lsm_entry *e = group->single;
        /* What filter and map have of the key is seldom in a cache: it comes while the copy is
         * made. */
        uint64_t hash = lsm_filter_hash(e->key, e->key_size);
        lsm_memtable_prefetch(table, hash);
        (void)lsm_op_encode(payload, e->type, e->key, e->key_size, e->value, e->value_size);
        lsm_wal_commit(db->wal);
        lsm_memtable_refer(table, seq, payload, hash);
        return;
    }
    memcpy(payload, lsm_batch_payload(group->batch), group->payload_bytes);
    lsm_wal_commit(db->wal);
    struct lsm_load load; /* nobody sees any of it before all is there */
    lsm_load_begin(&load, table);
    const uint8_t *p = payload, *end = payload + group->payload_bytes;
    for (uint32_t i = 0; i < group->count; i++) {
        struct lsm_entry entry;
        const uint8_t *op = p;
        p = lsm_op_decode(p, end, &entry);
        LSM_ASSERT(p != NULL); /* the batch encoded it itself */
        lsm_load_refer(&load, seq + i, op, &entry);
    }
    LSM_ASSERT(p == end);
    lsm_load_finish(&load);
}

/* Without a log the memtable has the only copy. */
static void insert_copied(struct lsm_db *db, const struct group *group, uint64_t seq) {
    db->unlogged = true;
    db->active.unlogged = true;
    if (group->single != NULL) {
        struct lsm_entry entry = *group->single;
        entry.seq = seq;
        lsm_memtable_insert(db->active.table, &entry);
        return;
    }
    const uint8_t *p = lsm_batch_payload(group->batch);
    const uint8_t *end = p + group->payload_bytes;
    for (uint32_t i = 0; i < group->count; i++) {
        struct lsm_entry entry;
        p = lsm_op_decode(p, end, &entry);
        LSM_ASSERT(p != NULL);
        entry.seq = seq + i;
        lsm_memtable_insert(db->active.table, &entry);
    }
    LSM_ASSERT(p == end);
}

/* Under the commit lock. *wait_for: the log position to be on the device before the group may be
 * seen; 0: none. */
static int append(struct lsm_db *db, enum lsm_durability durability, const struct group *group,
                  uint64_t *slow_ns, uint64_t *last_seq, uint64_t *wait_for,
                  struct lsm_fault *fault) {
    bool logged = durability != LSM_BUFFERED;
    int rc = lsm_make_room(db, group->bytes, group->large, slow_ns, fault);
    if (rc == 0 && logged) {
        rc = lsm_settle_unlogged(db, fault);
    }
    if (rc == 0) {
        rc = logged ? reserve_logged(db, group, fault)
                    : lsm_memtable_reserve(db->active.table, group->count, group->bytes, fault);
    }
    if (rc != 0) {
        return rc;
    }
    uint64_t seq = db->last_seq + 1, unix_s = lsm_io_unix_s(db->io);
    LSM_ASSERT(seq + group->count <= LSM_SEQ_MAX);
    lsm_time_map_note(&db->times, seq, unix_s);
    if (logged) {
        log_and_insert(db, group, seq, unix_s, durability == LSM_SYNC);
    } else {
        insert_copied(db, group, seq);
    }
    db->active_own = group->large;
    db->last_seq += group->count;
    *last_seq = db->last_seq;
    if (durability == LSM_SYNC) {
        db->sync_required = lsm_wal_position(db->wal);
    }
    *wait_for = 0;
    if (db->sync_required > 0) {
        if (lsm_wal_synced(db->wal) >= db->sync_required) {
            db->sync_required = 0;
        } else {
            *wait_for = db->sync_required;
        }
    }
    if (*wait_for == 0) {
        publish(db, db->last_seq);
    }
    return 0;
}

static enum lsm_durability durability_of(const struct lsm_db *db,
                                         const struct lsm_write_options *options) {
    enum lsm_durability d = options != NULL ? options->durability : LSM_DURABILITY_DEFAULT;
    return d == LSM_DURABILITY_DEFAULT ? db->options.durability : d;
}

static int commit(struct lsm_db *db, const struct lsm_write_options *options,
                  const struct group *group, uint64_t *slow_ns, struct lsm_fault *fault) {
    enum lsm_durability durability = durability_of(db, options);
    if (durability < LSM_BUFFERED || durability > LSM_SYNC) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "durability %d is none of buffered, process, sync",
                        (int)durability);
    }
    uint64_t last_seq = 0, wait_for = 0;
    pthread_mutex_lock(&db->commit_lock);
    int rc = append(db, durability, group, slow_ns, &last_seq, &wait_for, fault);
    pthread_mutex_unlock(&db->commit_lock);
    if (rc == 0 && wait_for != 0) {
        if (*slow_ns == 0) {
            *slow_ns = lsm_io_now_ns(db->io);
        }
        rc = lsm_wal_sync(db->wal, wait_for, fault);
        if (rc == 0) {
            publish(db, last_seq);
        } else {
            lsm_background_failed(db, fault); /* a failed sync is final */
        }
    }
    return rc;
}

int lsm_seal(struct lsm_db *db, struct lsm_fault *fault) {
    LSM_ASSERT(db->sealed_count < LSM_MEMTABLES_LIMIT);
    struct lsm_memtable *next = NULL;
    int rc = lsm_memtable_create(db->page_pool, db->options.memtable_bytes, &next, fault);
    if (rc != 0) {
        return rc;
    }
    uint64_t number = atomic_fetch_add_explicit(&db->next_file, 1, memory_order_relaxed);
    rc = lsm_wal_rotate(db->wal, number, 0, fault);
    if (rc != 0) {
        lsm_memtable_unref(next);
        return rc;
    }
    struct lsm_view *old = NULL;
    pthread_mutex_lock(&db->lock);
    struct lsm_mem sealed = db->active;
    sealed.seq_last = db->last_seq;
    db->sealed[db->sealed_count++] = sealed;
    db->active = (struct lsm_mem){.table = next, .log_number = lsm_wal_number(db->wal)};
    rc = lsm_view_install(db, NULL, &old, fault);
    if (rc != 0) { /* back as it was; the log merely has one more segment */
        db->active = db->sealed[--db->sealed_count];
    } else {
        note_rotation(db, db->active.log_number);
    }
    pthread_mutex_unlock(&db->lock);
    if (rc != 0) {
        lsm_memtable_unref(next);
        return rc;
    }
    db->active_own = false;
    lsm_view_release(db, old);
    return 0;
}

int lsm_seal_active(struct lsm_db *db, struct lsm_fault *fault) {
    int rc = lsm_check_writable(db, fault);
    if (rc == 0 && db->sealed_count + 1 >= db->options.memtables_max) {
        rc = lsm_flush_sealed(db, NULL, fault);
    }
    return rc == 0 && lsm_memtable_entries(db->active.table) > 0 ? lsm_seal(db, fault) : rc;
}

/* ---- the public calls ---- */

static int check_sizes(const void *key, size_t key_size, const void *value, size_t value_size,
                       struct lsm_fault *fault) {
    if (key == NULL || key_size == 0 || key_size > LSM_KEY_MAX) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "a key of %zu bytes: 1 to %d are allowed",
                        key_size, LSM_KEY_MAX);
    }
    if (value_size > LSM_VALUE_MAX || (value == NULL && value_size > 0)) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "a value of %zu bytes: 0 to %d are allowed",
                        value_size, LSM_VALUE_MAX);
    }
    return 0;
}

/* Fast writes are timed one in eight and stand for eight; one that waited is timed from the wait
 * on, as itself. */
static void note_latency(struct lsm_db *db, struct lsm_counter_slot *slot, enum lsm_op op,
                         uint64_t began_ns, uint64_t slow_ns) {
    if (began_ns == 0 && slow_ns == 0) {
        return;
    }
    uint64_t from = began_ns != 0 ? began_ns : slow_ns;
    lsm_count_latency(slot, op, lsm_io_now_ns(db->io) - from, slow_ns != 0 ? 1 : 8);
}

static int write_one(struct lsm_db *db, const struct lsm_write_options *options,
                     const struct lsm_entry *entry, enum lsm_op op) {
    struct lsm_fault fault = {0};
    struct lsm_counter_slot *slot = lsm_counters_slot(db->counters);
    uint64_t began_ns = (slot->timing_tick[op]++ & 7) == 0 ? lsm_io_now_ns(db->io) : 0;
    uint64_t slow_ns = 0;
    struct group group = {
        .single = entry,
        .payload_bytes = lsm_op_bytes(entry->key_size, entry->value_size, entry->type),
        .bytes = entry->key_size + entry->value_size,
        .count = 1,
        .large = entry->key_size + entry->value_size > db->options.memtable_bytes / 4,
    };
    int rc = commit(db, options, &group, &slow_ns, &fault);
    if (rc == 0) {
        lsm_count(slot, op == LSM_OP_PUT ? LSM_C_PUTS : LSM_C_DELETES, 1);
        lsm_count(slot, LSM_C_USER_BYTES_WRITTEN, group.bytes);
        note_latency(db, slot, op, began_ns, slow_ns);
    }
    if (slow_ns != 0) {
        lsm_events_deliver(db);
    }
    return lsm_leave(db, &fault, rc);
}

int lsm_put(struct lsm_db *db, const struct lsm_write_options *options, const void *key,
            size_t key_size, const void *value, size_t value_size) {
    struct lsm_fault fault = {0};
    int rc = lsm_enter(db);
    if (rc == 0 && (rc = check_sizes(key, key_size, value, value_size, &fault)) != 0) {
        return lsm_leave(db, &fault, rc);
    }
    if (rc != 0) {
        return rc;
    }
    struct lsm_entry entry = {.key = key,
                              .key_size = (uint32_t)key_size,
                              .type = LSM_TYPE_PUT,
                              .value = value_size > 0 ? value : (const uint8_t *)"",
                              .value_size = value_size};
    return write_one(db, options, &entry, LSM_OP_PUT);
}

int lsm_delete(struct lsm_db *db, const struct lsm_write_options *options, const void *key,
               size_t key_size) {
    struct lsm_fault fault = {0};
    int rc = lsm_enter(db);
    if (rc == 0 && (rc = check_sizes(key, key_size, "", 0, &fault)) != 0) {
        return lsm_leave(db, &fault, rc);
    }
    if (rc != 0) {
        return rc;
    }
    struct lsm_entry entry = {.key = key,
                              .key_size = (uint32_t)key_size,
                              .type = LSM_TYPE_DELETE,
                              .value = (const uint8_t *)""};
    return write_one(db, options, &entry, LSM_OP_DELETE);
}

int lsm_write(struct lsm_db *db, const struct lsm_write_options *options,
              const struct lsm_batch *batch) {
    int rc = lsm_enter(db);
    if (rc != 0 || batch == NULL) {
        return rc != 0 ? rc : LSM_ERR_ARGUMENT;
    }
    if (lsm_batch_count(batch) == 0) {
        return 0;
    }
    struct lsm_fault fault = {0};
    struct lsm_counter_slot *slot = lsm_counters_slot(db->counters);
    uint64_t began_ns = lsm_io_now_ns(db->io), slow_ns = 0;
    struct group group = {
        .batch = batch,
        .payload_bytes = lsm_batch_payload_bytes(batch),
        .bytes = lsm_batch_bytes(batch),
        .count = (uint32_t)lsm_batch_count(batch),
        .large = lsm_batch_largest(batch) > db->options.memtable_bytes / 4,
    };
    rc = commit(db, options, &group, &slow_ns, &fault);
    if (rc == 0) {
        lsm_count(slot, LSM_C_PUTS, lsm_batch_puts(batch));
        lsm_count(slot, LSM_C_DELETES, lsm_batch_count(batch) - lsm_batch_puts(batch));
        lsm_count(slot, LSM_C_USER_BYTES_WRITTEN, group.bytes);
        lsm_count_latency(slot, LSM_OP_PUT, lsm_io_now_ns(db->io) - began_ns, 1);
    }
    if (slow_ns != 0) {
        lsm_events_deliver(db);
    }
    return lsm_leave(db, &fault, rc);
}

int lsm_sync(struct lsm_db *db) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_fault fault = {0};
    pthread_mutex_lock(&db->commit_lock);
    rc = lsm_check_writable(db, &fault);
    if (rc == 0) {
        rc = lsm_settle_unlogged(db, &fault);
    }
    uint64_t position = lsm_wal_position(db->wal);
    pthread_mutex_unlock(&db->commit_lock);
    if (rc == 0) {
        rc = lsm_wal_sync(db->wal, position, &fault);
        if (rc != 0) {
            lsm_background_failed(db, &fault);
        }
    }
    return lsm_leave(db, &fault, rc);
}
