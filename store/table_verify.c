/* table_verify.c: reads a whole table and checks everything that can be checked. */
#include <stdlib.h>

#include "check.h"
#include "table_readahead.h"

/* What the walk has seen so far. */
struct seen {
    uint64_t entries, tombstones, seq_min, seq_max, key_bytes, value_bytes;
    struct lsm_block_iter iter;
    uint8_t last_key[LSM_KEY_SIZE_MAX];
    uint32_t last_key_size;
    uint64_t last_seq;
};

static int complain(const struct lsm_table *table, size_t i, const char *what,
                    struct lsm_fault *fault) {
    size_t length;
    return lsm_fail(fault, LSM_ERR_CORRUPT, "%s: block at offset %llu: %s",
                    lsm_file_path(table->file),
                    (unsigned long long)lsm_index_offset(&table->index, i, &length), what);
}

/* Whether the entry stands after the separator of the block before, and not after its own's. */
static int check_place(const struct lsm_table *table, size_t i, const struct lsm_entry *entry,
                       struct lsm_fault *fault) {
    const struct lsm_index *index = &table->index;
    int before = -1, own = 0;
    if ((i > 0 &&
         !lsm_index_compare(index, i - 1, entry->key, entry->key_size, entry->seq, &before)) ||
        !lsm_index_compare(index, i, entry->key, entry->key_size, entry->seq, &own)) {
        return lsm_table_index_fault(table, fault);
    }
    return before < 0 && own >= 0
               ? 0
               : complain(table, i, "an entry lies outside its block's separators", fault);
}

/* Whether a search leads to the entry: it looks at windows, of which the walk only copies bytes. */
static bool is_found(const struct lsm_block_view *view, const struct lsm_entry *entry) {
    struct lsm_entry found;
    return lsm_block_find(view, entry->key, entry->key_size, entry->seq, &found) ==
               LSM_BLOCK_FOUND &&
           found.seq == entry->seq && found.value == entry->value;
}

static int check_entry(const struct lsm_table *table, size_t i, struct seen *seen,
                       struct lsm_fault *fault) {
    const struct lsm_entry *entry = &seen->iter.entry;
    if (seen->entries != 0) {
        struct lsm_entry last = {
            .key = seen->last_key, .key_size = seen->last_key_size, .seq = seen->last_seq};
        if (lsm_entry_compare(&last, entry) >= 0) {
            return complain(table, i, "entries out of order", fault);
        }
    } else if (lsm_key_compare(entry->key, entry->key_size, table->first_key,
                               table->stat.first_key_size) != 0) {
        return complain(table, i, "the first key is not the one in the table info", fault);
    }
    int rc = check_place(table, i, entry, fault);
    if (rc != 0) {
        return rc;
    }
    if (!is_found(&seen->iter.view, entry)) {
        return complain(table, i, "an entry is not found by its key", fault);
    }
    if (table->filtered &&
        !lsm_filter_probe(&table->filter, lsm_filter_hash(entry->key, entry->key_size))) {
        rc = table->map != NULL ? lsm_table_settle_mapped(table, NULL, fault) : 0;
        return rc != 0 ? rc : complain(table, i, "the filter denies a key that is there", fault);
    }
    seen->entries++;
    seen->tombstones += entry->type == LSM_TYPE_DELETE;
    seen->seq_min = entry->seq < seen->seq_min ? entry->seq : seen->seq_min;
    seen->seq_max = entry->seq > seen->seq_max ? entry->seq : seen->seq_max;
    seen->key_bytes += entry->key_size;
    seen->value_bytes += entry->value_size;
    memcpy(seen->last_key, entry->key, entry->key_size);
    seen->last_key_size = entry->key_size;
    seen->last_seq = entry->seq;
    return 0;
}

static int check_block(const struct lsm_table *table, size_t i, const struct lsm_block_view *view,
                       struct seen *seen, struct lsm_fault *fault) {
    uint64_t before = seen->entries;
    lsm_block_iter_set(&seen->iter, view);
    int result = lsm_block_iter_first(&seen->iter);
    while (result == LSM_BLOCK_ITER_ENTRY) {
        int rc = check_entry(table, i, seen, fault);
        if (rc != 0) {
            return rc;
        }
        result = lsm_block_iter_next(&seen->iter);
    }
    if (result != LSM_BLOCK_ITER_END) {
        return lsm_table_block_fault(table, i, result, fault);
    }
    struct lsm_index_record record;
    int rc = lsm_table_record(table, i, &record, fault);
    if (rc == 0 && seen->entries - before != record.entries) {
        rc = complain(table, i, "not as many entries as the index says", fault);
    }
    return rc;
}

static int check_totals(const struct lsm_table *table, const struct lsm_table_meta *meta,
                        const struct seen *seen, struct lsm_fault *fault) {
    const struct lsm_table_stat *stat = &table->stat;
    bool same = stat->entries == seen->entries && stat->tombstones == seen->tombstones &&
                stat->seq_min == seen->seq_min && stat->seq_max == seen->seq_max &&
                stat->key_bytes == seen->key_bytes && stat->value_bytes == seen->value_bytes &&
                stat->last_key_size == seen->last_key_size &&
                memcmp(table->last_key, seen->last_key, seen->last_key_size) == 0;
    bool as_meta = meta == NULL ||
                   (meta->entries == seen->entries && meta->tombstones == seen->tombstones &&
                    meta->seq_min == seen->seq_min && meta->seq_max == seen->seq_max &&
                    meta->key_bytes == seen->key_bytes && meta->value_bytes == seen->value_bytes);
    if (same && as_meta) {
        return 0;
    }
    return lsm_fail(fault, LSM_ERR_CORRUPT, "%s: the entries do not add up to what %s says",
                    lsm_file_path(table->file), same ? "the manifest" : "the table info");
}

int lsm_table_verify_by(struct lsm_table *table, struct lsm_queue *queue,
                        const struct lsm_table_meta *meta, struct lsm_fault *fault) {
    struct seen *seen = calloc(1, sizeof *seen);
    if (seen == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "%s: no memory to verify",
                        lsm_file_path(table->file));
    }
    seen->seq_min = UINT64_MAX;
    lsm_block_iter_init(&seen->iter);
    struct lsm_readahead ahead;
    lsm_readahead_init(&ahead, table, queue, LSM_READAHEAD_TO_THE_END);
    lsm_readahead_start(&ahead, 0);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < table->index.count; i++) {
        struct lsm_block_view view;
        rc = lsm_readahead_block(&ahead, i, &view, fault);
        if (rc == 0) {
            rc = check_block(table, i, &view, seen, fault);
        }
    }
    if (rc == 0) {
        rc = check_totals(table, meta, seen, fault);
    }
    lsm_readahead_stop(&ahead);
    lsm_block_iter_free(&seen->iter);
    free(seen);
    return rc;
}

int lsm_table_verify(struct lsm_table *table, const struct lsm_table_meta *meta,
                     struct lsm_fault *fault) {
    struct lsm_queue *queue = lsm_queue_borrow(table->io);
    int rc = lsm_table_verify_by(table, queue, meta, fault);
    lsm_queue_return(table->io, queue);
    return rc;
}
