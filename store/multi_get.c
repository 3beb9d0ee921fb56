/* multi_get.c: the read path of a batch of keys: memtables, then tables, as get.c goes for one.
 *
 * The keys go in rounds. In a round every unanswered key walks down, from level 0's newest table
 * on, past the tables whose filters rule it out, to the first one that may hold it; then all of
 * them are looked up together, whatever their tables. So cold keys cost one wait for as many as
 * there are. Filters let some through in vain: for a few keys of a batch that waits for the disk
 * the next table that may hold them is looked for at once, and its block read with the others.
 * Batches of 64 of 2 M keys in six tables on three levels, cold, 5 000 keys in all: 51 ms; 55 when
 * such keys waited a second time (medians of 24, alternating; the first batch 9 of them). */
#include "check.h"
#include "get.h"
#include "table_batch.h"

struct batch {
    struct lsm_db *db;
    const struct lsm_view *view;
    struct lsm_batch_read read;
    struct lsm_fault *fault; /* of the first error */

    size_t count;
    struct lsm_probe probe[LSM_BATCH_MAX];
    uint32_t place[LSM_BATCH_MAX]; /* where the key goes on: level 0's tables, then the levels */
    uint8_t open[LSM_BATCH_MAX];   /* keys without an answer */
    size_t open_count;
};

static void note_fault(struct batch *batch, const struct lsm_fault *fault) {
    if (fault->code != 0 && batch->fault->code == 0) {
        *batch->fault = *fault;
    }
}

/* The next table that covers the key, from its place on, which moves behind it; NULL: none does. */
static struct lsm_table_meta *next_meta(const struct batch *batch, size_t k, uint32_t *place) {
    const struct lsm_version *version = batch->view->version;
    const struct lsm_probe *probe = &batch->probe[k];
    size_t places = lsm_version_places(version);
    struct lsm_table_meta *meta = NULL;
    while (*place < places && meta == NULL) {
        meta = lsm_version_at(version, (*place)++, probe->key, probe->key_size);
    }
    return meta;
}

/* While somebody else opens a table, this opens others that may be wanted, rather than wait. After
 * a cold start warm.c goes through the same tables in the same order, and the first batch waited
 * for it at each. */
static void open_meanwhile(struct batch *batch, const struct lsm_table_meta *awaited,
                           const uint8_t *keys, size_t count) {
    struct lsm_tables *tables = batch->db->tables;
    for (size_t j = 0; j < count; j++) {
        uint32_t place = batch->place[keys[j]];
        struct lsm_table_meta *meta = next_meta(batch, keys[j], &place);
        for (; meta != NULL; meta = next_meta(batch, keys[j], &place)) {
            if (lsm_table_pinned(meta) == NULL && !lsm_tables_is_opening(tables, meta->id) &&
                lsm_tables_open_ahead(tables, meta) &&
                !lsm_tables_is_opening(tables, awaited->id)) {
                return;
            }
        }
    }
}

/* Puts the table of `meta` into the probe. One that is pinned stays as long as the view: it needs
 * neither lock nor reference. */
static int use_table(struct batch *batch, struct lsm_probe *probe, struct lsm_table_meta *meta) {
    struct lsm_fault fault = {0};
    probe->table = lsm_table_pinned(meta);
    probe->held = probe->table == NULL;
    if (!probe->held) {
        return 0;
    }
    int rc = lsm_tables_get(batch->db->tables, meta, &probe->table, &fault);
    if (rc == 0) {
        lsm_tables_pin(batch->db->tables, meta, probe->table);
    }
    note_fault(batch, &fault);
    return rc;
}

static void leave_table(const struct lsm_probe *probe) {
    if (probe->held) {
        lsm_table_release(probe->table);
    }
}

/* Opens the next table that covers the key; `rest` go through the same after it. 0, LSM_NOT_FOUND:
 * there is none, or an error. */
static int next_table(struct batch *batch, size_t k, const uint8_t *rest, size_t rest_count) {
    struct lsm_table_meta *meta = next_meta(batch, k, &batch->place[k]);
    if (meta == NULL) {
        return LSM_NOT_FOUND;
    }
    if (__builtin_expect(lsm_table_pinned(meta) == NULL, 0) &&
        lsm_tables_is_opening(batch->db->tables, meta->id)) {
        open_meanwhile(batch, meta, rest, rest_count);
    }
    return use_table(batch, &batch->probe[k], meta);
}

/* Takes every open key to a table that may hold it; those are in *found. The others are answered.
 */
static size_t walk(struct batch *batch, struct lsm_probe **found) {
    size_t count = 0;
    uint8_t *walking = batch->open;
    size_t left = batch->open_count;
    while (left > 0) {
        size_t here = 0;
        for (size_t j = 0; j < left; j++) {
            struct lsm_probe *probe = &batch->probe[walking[j]];
            probe->rc = next_table(batch, walking[j], walking + j + 1, left - j - 1);
            if (probe->rc == 0) {
                lsm_table_prefetch(probe->table, probe->hash);
                walking[here++] = walking[j];
            }
        }
        left = 0;
        for (size_t j = 0; j < here; j++) {
            struct lsm_probe *probe = &batch->probe[walking[j]];
            if (lsm_probe_may_hold(probe, batch->read.slot)) {
                found[count++] = probe;
            } else {
                leave_table(probe);
                walking[left++] = walking[j];
            }
        }
    }
    return count;
}

/* A key that waits for a block, on its way further down. */
struct waiting {
    const struct lsm_probe *probe;
    uint32_t place;
    struct lsm_table *table;
};

/* Takes each on to the next table that is open and may hold it; those that there is none for are
 * left out. Their number. */
static size_t walk_on(const struct batch *batch, struct waiting *all, size_t count) {
    struct waiting found[LSM_BATCH_MAX];
    size_t found_count = 0;
    while (count > 0) {
        size_t here = 0;
        for (size_t j = 0; j < count; j++) {
            struct waiting w = all[j];
            struct lsm_table_meta *meta =
                next_meta(batch, (size_t)(w.probe - batch->probe), &w.place);
            w.table = meta != NULL ? lsm_table_pinned(meta) : NULL;
            if (w.table != NULL) {
                lsm_table_prefetch(w.table, w.probe->hash);
                all[here++] = w;
            }
        }
        count = 0;
        for (size_t j = 0; j < here; j++) {
            if (lsm_table_may_hold(all[j].table, all[j].probe->hash)) {
                found[found_count++] = all[j];
            } else {
                all[count++] = all[j];
            }
        }
    }
    memcpy(all, found, found_count * sizeof found[0]);
    return found_count;
}

static void add_ahead(struct lsm_ahead *ahead, size_t *count, struct lsm_ahead one) {
    for (size_t k = 0; k < *count; k++) {
        if (ahead[k].table == one.table && ahead[k].i == one.i) {
            return;
        }
    }
    ahead[(*count)++] = one;
}

/* What to read for those that wait for a block which a filter may have promised in vain: a block of
 * the next table that may hold the key. About as many as filters err are worth it. Where more keys
 * go on, they were written more than once, and what lies below is of no use. */
static size_t look_ahead(const struct batch *batch, struct lsm_probe *const *missing, size_t count,
                         struct lsm_ahead ahead[LSM_AHEAD_MAX]) {
    struct waiting waiting[LSM_BATCH_MAX];
    size_t filtered = 0, found = 0;
    double vain = 0; /* so many, as filters promise */
    for (size_t j = 0; j < count; j++) {
        if (missing[j]->table->filtered) {
            vain += (double)missing[j]->table->stat.bloom_fpr_billionths * 1e-9;
            waiting[filtered++] = (struct waiting){
                .probe = missing[j], .place = batch->place[missing[j] - batch->probe]};
        }
    }
    size_t most = count / 4 > (size_t)(3 * vain) ? count / 4 : (size_t)(3 * vain);
    most = most < LSM_AHEAD_MAX ? most : LSM_AHEAD_MAX;
    size_t going_on = most > 0 ? walk_on(batch, waiting, filtered) : 0;
    if ((double)going_on > 3 + 3 * vain) {
        return 0;
    }
    for (size_t j = 0; j < going_on && found < most; j++) {
        const struct lsm_probe *probe = waiting[j].probe;
        struct lsm_ahead one = {.table = waiting[j].table};
        struct lsm_fault unused; /* who needs it will tell */
        struct lsm_index_aim aim;
        lsm_index_aim(&one.table->index, probe->key, probe->key_size, &aim);
        if (lsm_table_find_block(one.table, &aim, probe->key, probe->key_size, batch->read.seq_max,
                                 NULL, &one.i, &unused) == 0 &&
            lsm_ahead_pays(&one)) {
            add_ahead(ahead, &found, one);
        }
    }
    return found;
}

/* The keys of the batch into the tables, until each has an answer in its probe. */
static void search_tables(struct batch *batch) {
    while (batch->open_count > 0) {
        struct lsm_probe *found[LSM_BATCH_MAX];
        size_t count = walk(batch, found);
        batch->open_count = 0;
        if (count == 0) {
            break;
        }
        struct lsm_fault fault = {0};
        struct lsm_probe *missing[LSM_BATCH_MAX];
        size_t misses = lsm_batch_find(found, count, &batch->read, missing, &fault);
        if (misses > 0) {
            struct lsm_ahead ahead[LSM_AHEAD_MAX];
            size_t more = look_ahead(batch, missing, misses, ahead);
            lsm_batch_find_by_requests(missing, misses, ahead, more, &batch->read, &fault);
        }
        note_fault(batch, &fault);
        for (size_t j = 0; j < count; j++) {
            leave_table(found[j]);
            if (found[j]->rc == LSM_NOT_FOUND) {
                batch->open[batch->open_count++] = (uint8_t)(found[j] - batch->probe);
            }
        }
    }
}

static void begin(struct batch *batch, const struct lsm_key *keys, size_t count) {
    batch->count = count;
    batch->open_count = 0;
    for (size_t k = 0; k < count; k++) {
        struct lsm_probe *probe = &batch->probe[k];
        probe->key = keys[k].data;
        probe->key_size = keys[k].size;
        probe->pin = NULL;
        probe->hash = lsm_filter_hash(probe->key, probe->key_size);
        lsm_memtable_prefetch(batch->view->active, probe->hash);
    }
    for (size_t k = 0; k < count; k++) {
        struct lsm_probe *probe = &batch->probe[k];
        probe->rc = lsm_find_in_memtables(batch->view, probe->key, probe->key_size, probe->hash,
                                          batch->read.seq_max, &probe->entry, &probe->pin)
                        ? 0
                        : LSM_NOT_FOUND;
        if (probe->rc == LSM_NOT_FOUND) {
            batch->place[k] = 0;
            batch->open[batch->open_count++] = (uint8_t)k;
        }
    }
}

static void answer(const struct batch *batch, struct lsm_value *values, int *status) {
    uint64_t hits = 0, bytes = 0;
    for (size_t k = 0; k < batch->count; k++) {
        const struct lsm_probe *probe = &batch->probe[k];
        status[k] = probe->rc;
        if (probe->rc == 0 && probe->entry.type == LSM_TYPE_DELETE) {
            probe->pin->release(probe->pin);
            status[k] = LSM_NOT_FOUND;
        } else if (probe->rc == 0) {
            lsm_give_value(&probe->entry, probe->pin, &values[k]);
            hits++;
            bytes += probe->entry.value_size;
        }
    }
    lsm_count(batch->read.slot, LSM_C_GETS, batch->count);
    lsm_count(batch->read.slot, LSM_C_GET_HITS, hits);
    lsm_count(batch->read.slot, LSM_C_USER_BYTES_READ, bytes);
}

int lsm_multi_get(struct lsm_db *db, const struct lsm_read_options *options,
                  const struct lsm_key *keys, size_t count, struct lsm_value *values, int *status) {
    struct lsm_fault fault = {0};
    int rc = lsm_enter(db);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if ((rc = lsm_check_read(db, options, keys[i].data, keys[i].size, &fault)) != 0) {
            return lsm_leave(db, &fault, rc);
        }
    }
    if (rc != 0) {
        return rc;
    }
    struct lsm_counter_slot *slot = lsm_counters_slot(db->counters);
    struct lsm_view *view = lsm_view_borrow(db, slot);
    struct batch batch;
    batch.db = db;
    batch.view = view;
    batch.fault = &fault;
    batch.read = (struct lsm_batch_read){
        .io = db->io,
        .seq_max = lsm_read_seq(db, options),
        .fill_cache = options == NULL || !options->skip_cache_fill,
        .slot = slot,
    };
    for (size_t at = 0; at < count; at += LSM_BATCH_MAX) {
        begin(&batch, keys + at, count - at < LSM_BATCH_MAX ? count - at : LSM_BATCH_MAX);
        search_tables(&batch);
        answer(&batch, values + at, status + at);
    }
    lsm_view_return(db, slot, view);
    return lsm_leave(db, &fault, fault.code);
}
