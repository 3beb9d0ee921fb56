/* table_read.c: blocks of an open table, and looking one key up. */
#include "bytes.h"
#include "check.h"
#include "checksum.h"
#include "table_internal.h"

static inline void count(struct lsm_counter_slot *slot, enum lsm_counter counter) {
    if (slot != NULL) {
        lsm_count(slot, counter, 1);
    }
}

int lsm_table_block_fault(const struct lsm_table *table, size_t i, int code,
                          struct lsm_fault *fault) {
    LSM_ASSERT(code == LSM_ERR_CORRUPT || code == LSM_ERR_MEMORY);
    LSM_ASSERT(i < table->index.count);
    return lsm_fail(fault, code, "%s: block at offset %llu: %s", lsm_file_path(table->file),
                    (unsigned long long)table->index.records[i].offset,
                    code == LSM_ERR_MEMORY ? "out of memory" : "an entry does not fit together");
}

int lsm_table_check_block(const struct lsm_table *table, size_t i, const uint8_t *data,
                          struct lsm_block_view *view, struct lsm_fault *fault) {
    const struct lsm_index_record *record = &table->index.records[i];
    const char *what = NULL;
    if (lsm_checksum(record->offset, data, record->length) != record->checksum) {
        what = "checksum does not match";
    } else if (!lsm_block_view_init(view, data, record->length)) {
        what = "not a block";
    }
    if (what == NULL) {
        return 0;
    }
    return lsm_fail(fault, LSM_ERR_CORRUPT, "%s: block at offset %llu: %s",
                    lsm_file_path(table->file), (unsigned long long)record->offset, what);
}

static int read_block(struct lsm_table *table, size_t i, bool fill_cache, struct lsm_block **block,
                      struct lsm_fault *fault) {
    const struct lsm_index_record *record = &table->index.records[i];
    struct lsm_block *made =
        lsm_block_create(table->cache, table->id, record->offset, record->length);
    if (made == NULL) {
        return lsm_table_block_fault(table, i, LSM_ERR_MEMORY, fault);
    }
    int rc = lsm_file_read(table->file, record->offset, made->data, record->length, fault);
    if (rc == 0) {
        rc = lsm_table_check_block(table, i, made->data, &made->view, fault);
    }
    if (rc != 0) {
        lsm_block_unref(made);
        return rc;
    }
    *block = fill_cache ? lsm_block_cache_insert(table->cache, made) : made;
    return 0;
}

int lsm_table_block(struct lsm_table *table, size_t i, bool fill_cache,
                    struct lsm_counter_slot *slot, struct lsm_block **block,
                    struct lsm_fault *fault) {
    LSM_ASSERT(i < table->index.count);
    struct lsm_block *there =
        lsm_block_cache_find(table->cache, table->id, table->index.records[i].offset);
    if (there != NULL) {
        LSM_ASSERT(there->length == table->index.records[i].length);
        count(slot, LSM_C_CACHE_HITS);
        *block = there;
        return 0;
    }
    count(slot, LSM_C_CACHE_MISSES);
    if (slot != NULL &&
        slot->io_began_ns == 0) { /* an operation that goes to a file is always timed */
        slot->io_began_ns = lsm_io_now_ns(table->io);
    }
    return read_block(table, i, fill_cache, block, fault);
}

/* Not found though the filter said maybe. */
static int absent(const struct lsm_table *table, struct lsm_counter_slot *slot) {
    if (table->filter_bytes != NULL) {
        count(slot, LSM_C_BLOOM_FALSE_POSITIVES);
    }
    return LSM_NOT_FOUND;
}

int lsm_table_get(struct lsm_table *table, const uint8_t *key, size_t key_size, uint64_t seq_max,
                  bool fill_cache, struct lsm_counter_slot *slot, struct lsm_entry *entry,
                  struct lsm_pin **pin, struct lsm_fault *fault) {
    LSM_ASSERT(key_size >= 1 && key_size <= LSM_KEY_SIZE_MAX && seq_max <= LSM_SEQ_MAX);
    if (table->filter_bytes != NULL) {
        count(slot, LSM_C_BLOOM_CHECKS);
        if (!lsm_filter_probe(&table->filter, lsm_filter_hash(key, key_size))) {
            count(slot, LSM_C_BLOOM_NEGATIVES);
            return LSM_NOT_FOUND;
        }
    }
    size_t i = lsm_index_find(&table->index, key, key_size, seq_max);
    if (i == table->index.count) {
        bool too_new =
            lsm_key_compare(key, key_size, table->last_key, table->stat.last_key_size) == 0;
        return too_new ? LSM_NOT_FOUND : absent(table, slot);
    }
    struct lsm_block *block;
    int rc = lsm_table_block(table, i, fill_cache, slot, &block, fault);
    if (rc != 0) {
        return rc;
    }
    count(slot, LSM_C_TABLE_PROBES);
    switch (lsm_block_find(&block->view, key, key_size, seq_max, entry)) {
    case LSM_BLOCK_FOUND:
        *pin = &block->pin;
        return 0;
    case LSM_BLOCK_TOO_NEW:
        rc = LSM_NOT_FOUND;
        break;
    case LSM_BLOCK_ABSENT:
        rc = absent(table, slot);
        break;
    case LSM_BLOCK_CORRUPT:
        rc = lsm_table_block_fault(table, i, LSM_ERR_CORRUPT, fault);
        break;
    }
    lsm_block_unref(block);
    return rc;
}

void lsm_table_note_fault(struct lsm_table *table, const struct lsm_fault *fault) {
    pthread_mutex_lock(&table->fault_lock);
    table->fault = *fault;
    pthread_mutex_unlock(&table->fault_lock);
}

void lsm_table_fault(const struct lsm_table *table, struct lsm_fault *fault) {
    /* The lock is no part of what a reader may change of the table, but it must be taken. */
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&table->fault_lock;
    pthread_mutex_lock(lock);
    *fault = table->fault;
    pthread_mutex_unlock(lock);
}
