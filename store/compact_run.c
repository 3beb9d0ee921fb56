/* compact_run.c: carries a compaction out: merge, leave out, write, install.
 *
 * Outputs are cut at the table size, but never between two versions of a key, and earlier when a
 * table would overlap too much of the level beneath: its own compaction would then be large. What
 * comes out in level 0 is one table, which has one place in its order of age. */
#include <stdlib.h>

#include "check.h"
#include "compact.h"
#include "level_source.h"
#include "schedule.h"

enum {
    OVERLAP_TABLES_MAX = 10, /* tables' worth of bytes beneath one output */
    CHECK_EVERY = 1024,      /* entries between looks at closing and at waiting flushes */
    PAY_EVERY = 256 << 10,   /* bytes at most between payments to the rate limit */
};

struct run {
    struct lsm_compaction *c;
    struct lsm_db *db;
    struct lsm_queue *queue;
    struct lsm_source *merge;
    struct lsm_drop drop;
    struct lsm_table_writer *writer; /* NULL: between outputs */
    uint64_t writer_id;
    struct lsm_table_meta **outputs;
    size_t output_count;
    uint64_t bytes_out, entries_out;
    size_t beneath;         /* index of the table beneath that the output has reached */
    uint64_t beneath_bytes; /* overlapped so far */
    double file_bytes;      /* of the inputs, for a byte of their keys and values */
    uint64_t unsized_bytes; /* of entries written since the output's size was looked at */
    uint64_t unpaid;        /* bytes of entries read and written since the last payment */
    struct lsm_fault *fault;
};

static int no_memory(struct run *run) {
    return lsm_fail(run->fault, LSM_ERR_MEMORY, "out of memory for a compaction");
}

static struct lsm_source *table_source(struct run *run, struct lsm_table_meta *meta, int *rc) {
    struct lsm_table *table = NULL;
    *rc = lsm_tables_get(run->db->tables, meta, &table, run->fault);
    if (*rc != 0) {
        return NULL;
    }
    struct lsm_source *source =
        lsm_table_source(table, run->queue, false, lsm_counters_slot(run->db->counters));
    *rc = source == NULL ? no_memory(run) : 0;
    return source;
}

/* Overlapping tables of level 0 each on their own; a sorted level as one. */
static int open_inputs(struct run *run) {
    struct lsm_compaction *c = run->c;
    size_t room = c->side[0].count + LSM_LEVELS_MAX, count = 0;
    struct lsm_source **sources = calloc(room, sizeof *sources);
    int rc = sources == NULL ? no_memory(run) : 0;
    for (uint32_t s = 0; s < c->side_count && rc == 0; s++) {
        const struct lsm_compact_side *side = &c->side[s];
        bool overlapping = side->level == 0;
        for (size_t i = 0; overlapping && i < side->count && rc == 0; i++) {
            sources[count] = table_source(run, side->metas[i], &rc);
            count += rc == 0;
        }
        if (!overlapping) {
            sources[count] = lsm_level_source(run->db->tables, side->metas, side->count, run->queue,
                                              false, lsm_counters_slot(run->db->counters));
            rc = sources[count] == NULL ? no_memory(run) : 0;
            count += rc == 0;
        }
    }
    if (rc == 0) {
        LSM_ASSERT(count > 0 && count <= room);
        run->merge = lsm_merge_create(sources, count); /* takes them over */
        rc = run->merge == NULL ? no_memory(run) : 0;
    } else {
        for (size_t i = 0; i < count; i++) {
            sources[i]->ops->destroy(sources[i]);
        }
    }
    free(sources);
    return rc;
}

static int open_output(struct run *run) {
    struct lsm_db *db = run->db;
    char path[LSM_PATH_MAX];
    run->writer_id = atomic_fetch_add(&db->next_file, 1);
    lsm_file_name(path, db->path, LSM_NAME_TABLE, run->writer_id);
    uint64_t hint =
        run->c->bytes_in < db->options.table_bytes ? run->c->bytes_in : db->options.table_bytes;
    struct lsm_table_writer_options options = {
        .block_bytes = db->options.block_bytes,
        .bloom_fpr = db->options.bloom_fpr,
        .codec = (enum lsm_codec)db->options.compression[run->c->output],
        .direct_io = db->options.direct_io,
        .size_hint = hint,
        .pool = db->page_pool,
    };
    return lsm_table_writer_create(db->io, run->queue, path, &options, &run->writer, run->fault);
}

static int close_output(struct run *run) {
    struct lsm_table_meta **grown = realloc(run->outputs, (run->output_count + 1) * sizeof *grown);
    struct lsm_table_meta *meta = lsm_table_meta_create();
    if (grown != NULL) {
        run->outputs = grown;
    }
    if (grown == NULL || meta == NULL) {
        free(meta);
        return no_memory(run);
    }
    int rc = lsm_table_writer_finish(run->writer, meta, run->fault);
    run->writer = NULL;
    meta->id = run->writer_id;
    meta->level = run->c->output;
    meta->gathered = run->c->output == 0;
    meta->created_unix_ms = lsm_io_unix_ms(run->db->io);
    run->outputs[run->output_count++] = meta; /* also on failure: its file is to be removed */
    run->bytes_out += meta->bytes;
    run->entries_out += meta->entries;
    if (rc == 0) {
        rc = lsm_tables_prove(run->db->tables, meta, run->fault);
    }
    return rc;
}

/* Would the output, with this key, overlap too much beneath? Advances over the tables beneath that
 * the keys have passed. */
static bool overlaps_too_much(struct run *run, const struct lsm_entry *entry) {
    uint32_t below = run->c->output + 1;
    if (!run->c->bound_overlap || below >= LSM_LEVELS_MAX) {
        return false;
    }
    const struct lsm_level *level = &run->c->base->level[below];
    while (run->beneath < level->count) {
        const struct lsm_table_meta *meta = level->tables[run->beneath];
        if (lsm_key_compare(meta->last_key, meta->last_key_size, entry->key, entry->key_size) >=
            0) {
            break;
        }
        run->beneath_bytes += meta->bytes;
        run->beneath++;
    }
    return run->beneath_bytes > OVERLAP_TABLES_MAX * run->db->options.table_bytes;
}

/* Has the output reached the size of a table? What it would be takes a moment to work out, so the
 * answer may come an eighth of a table, or a block, late. */
static bool is_full(struct run *run, const struct lsm_entry *entry) {
    uint64_t table_bytes = run->c->output == 0 ? UINT64_MAX : run->db->options.table_bytes;
    run->unsized_bytes += entry->key_size + entry->value_size;
    if (run->unsized_bytes < 4096 && run->unsized_bytes < table_bytes / 8) {
        return false;
    }
    run->unsized_bytes = 0;
    return lsm_table_writer_bytes(run->writer) >= table_bytes;
}

static int write_entry(struct run *run, const struct lsm_entry *entry, bool same_key) {
    int rc = 0;
    bool cut = overlaps_too_much(run, entry);
    if (run->writer != NULL && !same_key && (cut || is_full(run, entry))) {
        rc = close_output(run);
    }
    if (rc == 0 && run->writer == NULL) {
        run->beneath_bytes = 0;
        rc = open_output(run);
    }
    return rc == 0 ? lsm_table_writer_add(run->writer, entry, run->fault) : rc;
}

/* REQUIRES: lock held. */
static bool must_flush(struct lsm_db *db) {
    return db->options.async_compaction && db->options.background_threads == 1 &&
           db->sealed_count > 0 && !db->flush_running && atomic_load(&db->passing_error) == 0;
}

/* What was moved since the last time: when the next may be. REQUIRES: lock held. */
static uint64_t pay(struct run *run) {
    struct lsm_db *db = run->db;
    uint64_t bytes = (uint64_t)((double)run->unpaid * run->file_bytes);
    run->unpaid = 0;
    return lsm_rate_pay(&db->compaction_rate, lsm_io_now_ns(db->io), bytes);
}

/* A writer that compacts itself is not held back: others would not be either. REQUIRES: lock held.
 */
static void keep_to_rate(struct run *run) {
    struct lsm_db *db = run->db;
    uint64_t began = lsm_io_now_ns(db->io), now = began, until = pay(run);
    while (db->options.async_compaction && now < until && !db->closing && !must_flush(db)) {
        (void)lsm_cond_wait(db->io, &db->changed, &db->lock, until);
        now = lsm_io_now_ns(db->io);
    }
    atomic_fetch_add_explicit(&db->compaction_wait_ns, now - began, memory_order_relaxed);
}

/* With a single background thread a long compaction must not keep a full memtable waiting; nor
 * with a single one for compactions, a filling level 0. */
static int let_others_in(struct run *run) {
    struct lsm_db *db = run->db;
    pthread_mutex_lock(&db->lock);
    if (db->compaction_rate.bytes_per_s > 0) {
        keep_to_rate(run);
    }
    run->unpaid = 0;
    bool closing = db->closing;
    bool flush = must_flush(db);
    pthread_mutex_unlock(&db->lock);
    if (closing) {
        return lsm_fail(run->fault, LSM_ERR_CLOSED, "the database is being closed");
    }
    int rc = flush ? lsm_flush_sealed(db, NULL, run->fault) : 0;
    if (db->worker != NULL) {
        lsm_worker_run_spare(db->worker);
    }
    if (rc == 0 && db->options.async_compaction) {
        lsm_compact_between(run->c);
    }
    return rc;
}

/* The merge went backwards, so one of the inputs does, though its checksums are right: says which,
 * and where. The merge is over: the queue is free to read them anew. */
static int out_of_order(struct run *run) {
    struct lsm_compaction *c = run->c;
    run->merge->ops->destroy(run->merge);
    run->merge = NULL;
    for (uint32_t s = 0; s < c->side_count; s++) {
        for (size_t i = 0; i < c->side[s].count; i++) {
            struct lsm_table *table = NULL;
            int rc = lsm_tables_get(run->db->tables, c->side[s].metas[i], &table, run->fault);
            if (rc == 0) {
                rc = lsm_table_verify_by(table, run->queue, c->side[s].metas[i], run->fault);
                lsm_table_release(table);
            }
            if (rc != 0) {
                return rc;
            }
        }
    }
    return lsm_fail(run->fault, LSM_ERR_CORRUPT, "tables of levels %u to %u are not in order",
                    c->level, c->output);
}

static int merge_all(struct run *run) {
    int rc = open_inputs(run);
    uint64_t n = 0;
    if (rc == 0) {
        run->merge->ops->first(run->merge);
    }
    bool key_written = false; /* a version of the current key is in the open output */
    while (rc == 0 && run->merge->valid) {
        bool dropped, same_key;
        rc = lsm_drop_decide(&run->drop, run->merge->entry, &dropped, &same_key);
        if (rc != 0) {
            return rc == LSM_ERR_MEMORY ? no_memory(run) : out_of_order(run);
        }
        key_written = key_written && same_key;
        if (!dropped) {
            rc = write_entry(run, run->merge->entry, key_written);
            key_written = true;
        }
        run->unpaid +=
            (dropped ? 1u : 2u) * (run->merge->entry->key_size + run->merge->entry->value_size);
        if (rc == 0 && (++n % CHECK_EVERY == 0 || run->unpaid >= PAY_EVERY)) {
            rc = let_others_in(run);
        }
        if (rc == 0) {
            run->merge->ops->next(run->merge);
        }
    }
    if (rc == 0 && run->merge->status != 0 && run->merge->fault != NULL) {
        *run->fault = *run->merge->fault;
        rc = run->merge->status;
    } else if (rc == 0 && run->merge->status != 0) {
        rc = lsm_fail(run->fault, run->merge->status,
                      "a table of levels %u to %u could not be read: %s", run->c->level,
                      run->c->output, lsm_strerror(run->merge->status));
    }
    if (rc == 0 && run->writer != NULL) {
        rc = close_output(run);
    }
    pthread_mutex_lock(&run->db->lock);
    (void)pay(run); /* the next compaction waits for it */
    pthread_mutex_unlock(&run->db->lock);
    return rc;
}

static int install(struct run *run) {
    struct lsm_compaction *c = run->c;
    struct lsm_edit edit;
    lsm_edit_init(&edit);
    edit.job = c->record->job.id;
    int rc = 0;
    for (uint32_t s = 0; s < c->side_count; s++) {
        const struct lsm_compact_side *side = &c->side[s];
        bool stays = c->trivial && side->level == c->output;
        for (size_t i = 0; i < side->count && rc == 0 && !stays; i++) {
            rc = c->trivial ? lsm_edit_move(&edit, side->level, c->output, side->metas[i]->id)
                            : lsm_edit_remove(&edit, side->level, side->metas[i]->id);
        }
    }
    for (size_t i = 0; i < run->output_count && rc == 0; i++) {
        rc = lsm_edit_add(&edit, c->output, run->outputs[i]);
    }
    if (rc != 0) {
        no_memory(run);
    } else if (run->output_count > 0) {
        rc = lsm_io_sync_dir(run->db->io, run->db->path, run->fault);
    }
    if (rc == 0) {
        rc = lsm_install(run->db, &edit, false, run->fault);
    }
    lsm_edit_free(&edit, false);
    return rc;
}

static void remove_outputs(struct run *run) {
    if (run->writer != NULL) {
        lsm_table_writer_abandon(run->writer);
        lsm_remove_file(run->db, LSM_NAME_TABLE, run->writer_id);
    }
    for (size_t i = 0; i < run->output_count; i++) {
        lsm_remove_file(run->db, LSM_NAME_TABLE, run->outputs[i]->id);
    }
}

static void count(struct run *run) {
    struct lsm_db *db = run->db;
    atomic_fetch_add_explicit(&db->compactions, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&db->tombstones_dropped, run->drop.tombstones_dropped,
                              memory_order_relaxed);
    if (!run->c->trivial) {
        atomic_fetch_add_explicit(&db->compaction_bytes_read, run->c->bytes_in,
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&db->compaction_bytes_written, run->bytes_out,
                                  memory_order_relaxed);
    }
    run->c->bytes_out = run->c->trivial ? run->c->bytes_in : run->bytes_out;
}

static void announce(struct run *run, enum lsm_event_type type, uint64_t duration_ns, int status) {
    const struct lsm_compaction *c = run->c;
    size_t inputs = lsm_compact_inputs(c);
    struct lsm_event event = {
        .type = type,
        .job = c->record->job.id,
        .level_from = c->level,
        .level_to = c->output,
        .inputs = (uint32_t)inputs,
        .bytes_in = c->bytes_in,
        .entries_in = c->entries_in,
        .duration_ns = duration_ns,
        .status = status,
    };
    if (type == LSM_EVENT_COMPACT_END && status == 0) {
        event.outputs = c->trivial ? (uint32_t)inputs : (uint32_t)run->output_count;
        event.bytes_out = c->trivial ? c->bytes_in : run->bytes_out;
        event.entries_out = c->trivial ? c->entries_in : run->entries_out;
    }
    pthread_mutex_lock(&run->db->lock);
    lsm_event_queue(run->db, &event);
    pthread_mutex_unlock(&run->db->lock);
    lsm_events_deliver(run->db);
}

/* What blocks, filters and indexes add to keys and values. */
static double file_bytes(const struct lsm_compaction *c) {
    uint64_t raw = 0;
    for (uint32_t s = 0; s < c->side_count; s++) {
        for (size_t i = 0; i < c->side[s].count; i++) {
            raw += c->side[s].metas[i]->key_bytes + c->side[s].metas[i]->value_bytes;
        }
    }
    return raw > 0 ? (double)c->bytes_in / (double)raw : 1; /* 0: the manifest's word */
}

int lsm_compact_run(struct lsm_compaction *c, struct lsm_queue *queue, struct lsm_fault *fault) {
    struct run run = {.c = c, .db = c->db, .queue = queue, .fault = fault};
    LSM_ASSERT(c->record != NULL && c->side_count > 0);
    uint64_t began = lsm_io_now_ns(c->db->io);
    run.file_bytes = file_bytes(c);
    lsm_drop_init(&run.drop, c, c->snapshots, c->snapshot_count);
    announce(&run, LSM_EVENT_COMPACT_BEGIN, 0, 0);
    int rc = c->trivial ? 0 : merge_all(&run);
    if (run.merge != NULL) {
        run.merge->ops->destroy(run.merge);
    }
    bool installing = rc == 0;
    if (installing && (rc = install(&run)) == 0) {
        count(&run);
    } else if (!installing || rc == LSM_ERR_NO_SPACE) {
        remove_outputs(&run); /* an edit that found the disk full is not in the manifest */
    } /* else it may be: the next open knows, and removes the outputs if it is not */
    announce(&run, LSM_EVENT_COMPACT_END, lsm_io_now_ns(c->db->io) - began, rc);
    for (size_t i = 0; i < run.output_count; i++) {
        lsm_meta_unref(&c->db->meta_sink, run.outputs[i]);
    }
    free(run.outputs);
    lsm_drop_free(&run.drop);
    return rc;
}
