/* get.c: the read path of one key: active memtable, sealed ones from new to old, level 0 from new
 * to old, then one table a level. The first version found at or below the sequence is the newest:
 * data only ever moves down. */
#include "get.h"

#include "check.h"
#include "filter.h"
#include "table_index.h"

uint64_t lsm_read_seq(const struct lsm_db *db, const struct lsm_read_options *options) {
    if (options != NULL && options->snapshot != NULL) {
        return options->snapshot->seq;
    }
    /* Acquire pairs with the release of the writer's publish: the entries are there. */
    return atomic_load_explicit(&db->visible, memory_order_acquire);
}

bool lsm_find_in_memtables(const struct lsm_view *view, const uint8_t *key, size_t key_size,
                           uint64_t hash, uint64_t seq, struct lsm_entry *entry,
                           struct lsm_pin **pin) {
    struct lsm_memtable *found = NULL;
    if (lsm_memtable_may_hold(view->active, hash) &&
        lsm_memtable_get(view->active, key, key_size, hash, seq, entry)) {
        found = view->active;
    }
    for (uint32_t i = 0; found == NULL && i < view->sealed_count; i++) {
        if (lsm_memtable_may_hold(view->sealed[i], hash) &&
            lsm_memtable_get(view->sealed[i], key, key_size, hash, seq, entry)) {
            found = view->sealed[i];
        }
    }
    if (found == NULL) {
        return false;
    }
    lsm_memtable_ref(found);
    *pin = lsm_memtable_pin(found);
    return true;
}

struct lookup {
    struct lsm_db *db;
    const uint8_t *key;
    size_t key_size;
    uint64_t hash;
    uint64_t seq;
    bool fill_cache;
    struct lsm_counter_slot *slot;
    struct lsm_entry *entry;
    struct lsm_pin **pin;
    struct lsm_fault *fault;
};

static int find_in_table(const struct lookup *lookup, struct lsm_table_meta *meta,
                         const struct lsm_index_aim *aim) {
    struct lsm_table *pinned = lsm_table_pinned(meta);
    struct lsm_table *table = pinned;
    int rc = 0;
    if (__builtin_expect(pinned == NULL, 0)) {
        rc = lsm_tables_get(lookup->db->tables, meta, &table, lookup->fault);
        if (rc != 0) {
            return rc;
        }
        lsm_tables_pin(lookup->db->tables, meta, table);
    }
    rc = lsm_table_get_hashed(table, lookup->key, lookup->key_size, lookup->hash, aim, lookup->seq,
                              lookup->fill_cache, lookup->slot, lookup->entry, lookup->pin,
                              lookup->fault);
    if (__builtin_expect(pinned == NULL, 0)) {
        lsm_table_release(table);
    }
    return rc;
}

/* The next tables that may hold the key, in the order in which they are to be searched. */
struct candidates {
    size_t next, end; /* places */
    size_t count;
    struct lsm_table_meta *meta[8];
    bool aimed; /* at the key in the last one */
    struct lsm_index_aim aim;
};

/* Some at a time: what is read first of each is asked of memory before any is looked into. */
static void gather(const struct lookup *lookup, const struct lsm_version *version,
                   struct candidates *candidates) {
    size_t room = sizeof candidates->meta / sizeof candidates->meta[0];
    size_t place = candidates->next;
    size_t count = 0;
    for (; place < candidates->end && count < room; place++) {
        struct lsm_table_meta *meta = lsm_version_at(version, place, lookup->key, lookup->key_size);
        if (meta != NULL) {
            candidates->meta[count++] = meta;
        }
    }
    /* Most keys are in the last one, and its index takes longest: it does not wait for filters.
     * Random gets over 50 M entries, switched every 20 ms in one process: 1.71 us, 1.86 with the
     * filters first; over 2 M as fast. */
    candidates->aimed = false;
    for (size_t i = count; i-- > 0;) {
        const struct lsm_table *table = lsm_table_pinned(candidates->meta[i]);
        if (table != NULL) {
            if (i == count - 1) {
                lsm_table_aim(table, lookup->key, lookup->key_size, &candidates->aim);
                candidates->aimed = true;
            }
            lsm_table_prefetch(table, lookup->hash);
        }
    }
    /* Where nearly all keys are in the last level the block does not wait for memtables and filters
     * either. Over 50 M entries, 88 % of them there: 4 and 5 % less; over 2 M, 80 % of them there,
     * 2 to 4 % more. */
    if (candidates->aimed && place == lsm_version_places(version) && version->bottom_heavy) {
        lsm_table_prefetch_aimed(lsm_table_pinned(candidates->meta[count - 1]), &candidates->aim);
    }
    candidates->next = place;
    candidates->count = count;
}

int lsm_lookup(struct lsm_db *db, struct lsm_view *view, const uint8_t *key, size_t key_size,
               uint64_t seq, bool fill_cache, struct lsm_counter_slot *slot,
               struct lsm_entry *entry, struct lsm_pin **pin, struct lsm_fault *fault) {
    const struct lookup lookup = {db,  key,        key_size, lsm_filter_hash(key, key_size),
                                  seq, fill_cache, slot,     entry,
                                  pin, fault};
    /* Its filter only: gets of absent keys, over 2 M entries in five tables, 202 ns, 218 where the
     * map's line was asked for too; of present ones 2 % faster, of those in the memtable 1 %
     * slower. */
    lsm_memtable_prefetch_filter(view->active, lookup.hash);
    struct candidates candidates;
    candidates.next = 0;
    candidates.end = lsm_version_places(view->version);
    /* Before it is known whether a memtable has the key: most keys are in tables, and the wait for
     * the memtables' filters is that for the tables' too. */
    gather(&lookup, view->version, &candidates);
    if (lsm_find_in_memtables(view, key, key_size, lookup.hash, seq, entry, pin)) {
        return 0;
    }
    for (;;) {
        for (size_t i = 0; i < candidates.count; i++) {
            bool aimed = candidates.aimed && i == candidates.count - 1;
            int rc = find_in_table(&lookup, candidates.meta[i], aimed ? &candidates.aim : NULL);
            if (rc != LSM_NOT_FOUND) {
                return rc;
            }
        }
        if (candidates.next == candidates.end) {
            return LSM_NOT_FOUND;
        }
        gather(&lookup, view->version, &candidates);
    }
}

int lsm_check_read(const struct lsm_db *db, const struct lsm_read_options *options, const void *key,
                   size_t key_size, struct lsm_fault *fault) {
    if (key == NULL || key_size == 0 || key_size > LSM_KEY_MAX) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "a key of %zu bytes: 1 to %d are allowed",
                        key_size, LSM_KEY_MAX);
    }
    if (options != NULL && options->snapshot != NULL && options->snapshot->db != db) {
        return lsm_fail(fault, LSM_ERR_ARGUMENT, "the snapshot is another database's");
    }
    return 0;
}

void lsm_value_release(struct lsm_value *value) {
    struct lsm_pin *pin = value->pin;
    if (pin != NULL) {
        pin->release(pin);
    }
    *value = (struct lsm_value){.data = ""};
}

/* Reads of cached data are timed one in eight and stand for eight; one that read a file counts for
 * itself. */
static void note_latency(struct lsm_db *db, struct lsm_counter_slot *slot, uint64_t began_ns) {
    uint64_t from = began_ns != 0 ? began_ns : slot->io_began_ns;
    if (from != 0) {
        lsm_count_latency(slot, LSM_OP_GET, lsm_io_now_ns(db->io) - from,
                          slot->io_began_ns != 0 ? 1 : 8);
    }
}

int lsm_get(struct lsm_db *db, const struct lsm_read_options *options, const void *key,
            size_t key_size, struct lsm_value *value) {
    struct lsm_fault fault;
    lsm_fault_none(&fault);
    int rc = lsm_enter(db);
    if (rc == 0 && (rc = lsm_check_read(db, options, key, key_size, &fault)) != 0) {
        return lsm_leave(db, &fault, rc);
    }
    if (rc != 0) {
        return rc;
    }
    struct lsm_counter_slot *slot = lsm_counters_slot(db->counters);
    uint64_t began_ns = (slot->timing_tick[LSM_OP_GET]++ & 7) == 0 ? lsm_io_now_ns(db->io) : 0;
    slot->io_began_ns = 0;
    struct lsm_view *view = lsm_view_borrow(db, slot);
    struct lsm_entry entry;
    struct lsm_pin *pin = NULL;
    rc = lsm_lookup(db, view, key, key_size, lsm_read_seq(db, options),
                    options == NULL || !options->skip_cache_fill, slot, &entry, &pin, &fault);
    lsm_view_return(db, slot, view);
    if (rc == 0 && entry.type == LSM_TYPE_DELETE) {
        pin->release(pin);
        rc = LSM_NOT_FOUND;
    }
    if (rc == 0) {
        lsm_give_value(&entry, pin, value);
        lsm_count(slot, LSM_C_GET_HITS, 1);
        lsm_count(slot, LSM_C_USER_BYTES_READ, entry.value_size);
    }
    if (rc == 0 || rc == LSM_NOT_FOUND) {
        lsm_count(slot, LSM_C_GETS, 1);
        note_latency(db, slot, began_ns);
    }
    return lsm_leave(db, &fault, rc);
}

int lsm_get_meta(struct lsm_db *db, const struct lsm_read_options *options, const void *key,
                 size_t key_size, struct lsm_meta *meta) {
    struct lsm_fault fault = {0};
    int rc = lsm_enter(db);
    if (rc == 0 && (rc = lsm_check_read(db, options, key, key_size, &fault)) != 0) {
        return lsm_leave(db, &fault, rc);
    }
    if (rc != 0) {
        return rc;
    }
    struct lsm_counter_slot *slot = lsm_counters_slot(db->counters);
    struct lsm_view *view = lsm_view_borrow(db, slot);
    struct lsm_entry entry;
    struct lsm_pin *pin = NULL;
    rc = lsm_lookup(db, view, key, key_size, lsm_read_seq(db, options),
                    options == NULL || !options->skip_cache_fill, slot, &entry, &pin, &fault);
    lsm_view_return(db, slot, view);
    if (rc == 0) {
        uint64_t latest_s;
        *meta =
            (struct lsm_meta){.tombstone = entry.type == LSM_TYPE_DELETE, .sequence = entry.seq};
        lsm_time_map_bounds(&db->times, entry.seq, &meta->write_time_s, &latest_s);
        lsm_give_value(&entry, pin, &meta->value);
    }
    if (rc == 0 || rc == LSM_NOT_FOUND) {
        lsm_count(slot, LSM_C_GETS, 1);
        lsm_count(slot, LSM_C_GET_HITS, rc == 0 && entry.type == LSM_TYPE_PUT ? 1 : 0);
    }
    return lsm_leave(db, &fault, rc);
}
