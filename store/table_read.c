/* table_read.c: looking one key up in an open table. */
#include "check.h"
#include "table_internal.h"

static inline void count(struct lsm_counter_slot *slot, enum lsm_counter counter) {
    if (slot != NULL) {
        lsm_count(slot, counter, 1);
    }
}

/* Not found though the filter said maybe. */
static int absent(const struct lsm_table *table, struct lsm_counter_slot *slot) {
    if (table->filtered) {
        count(slot, LSM_C_BLOOM_FALSE_POSITIVES);
    }
    return LSM_NOT_FOUND;
}

/* The entry, pinned in its block or, where that lies in the mapping, in the table. */
static int give(struct lsm_table *table, const struct lsm_block_use *use,
                const struct lsm_entry *entry, struct lsm_pin **pin, struct lsm_fault *fault) {
    if (use->block != NULL) {
        *pin = &use->block->pin;
        return 0;
    }
    int rc = lsm_table_settle_mapped(table, entry, fault);
    if (rc == 0) {
        atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
        *pin = &table->pin;
    }
    return rc;
}

int lsm_table_find_block(const struct lsm_table *table, const struct lsm_index_aim *aim,
                         const uint8_t *key, size_t key_size, uint64_t seq_max,
                         struct lsm_counter_slot *slot, size_t *i, struct lsm_fault *fault) {
    *i = lsm_index_find_aimed(&table->index, aim, key, key_size, seq_max);
    if (*i < table->index.count) {
        return 0;
    }
    if (*i == LSM_INDEX_LOST) {
        return lsm_table_index_fault(table, fault);
    }
    bool too_new = lsm_key_compare(key, key_size, table->last_key, table->stat.last_key_size) == 0;
    if (!too_new) {
        (void)absent(table, slot);
    }
    return LSM_NOT_FOUND;
}

int lsm_table_get_in(struct lsm_table *table, size_t i, struct lsm_block_use *use,
                     const uint8_t *key, size_t key_size, uint64_t seq_max,
                     struct lsm_counter_slot *slot, struct lsm_entry *entry, struct lsm_pin **pin,
                     struct lsm_fault *fault) {
    int rc = LSM_NOT_FOUND;
    count(slot, LSM_C_TABLE_PROBES);
    switch (lsm_block_find(&use->view, key, key_size, seq_max, entry)) {
    case LSM_BLOCK_FOUND:
        return give(table, use, entry, pin, fault);
    case LSM_BLOCK_TOO_NEW:
        break;
    case LSM_BLOCK_ABSENT:
        rc = absent(table, slot);
        break;
    case LSM_BLOCK_CORRUPT:
        rc = lsm_table_block_fault(table, i, LSM_ERR_CORRUPT, fault);
        break;
    }
    if (use->block == NULL && lsm_guard_damaged(table->guard)) {
        rc = lsm_table_settle_mapped(table, NULL, fault); /* whatever zeros looked like */
    }
    lsm_table_end_use(use);
    return rc;
}

bool lsm_table_may_hold(const struct lsm_table *table, uint64_t hash) {
    return !table->filtered || !lsm_table_denies(table, hash);
}

void lsm_table_prefetch(const struct lsm_table *table, uint64_t hash) {
    if (table->filtered) {
        __builtin_prefetch(table->filter.bits +
                           lsm_filter_line_of(hash, table->filter.lines) * LSM_FILTER_LINE);
    }
}

void lsm_table_aim(const struct lsm_table *table, const uint8_t *key, size_t key_size,
                   struct lsm_index_aim *aim) {
    lsm_index_aim(&table->index, key, key_size, aim);
}

/* A line near the block, before it is known which one it is: where tables are large most of the
 * wait for a block is that for the page tables' entry of its page, and one such line holds eight of
 * them. Random gets over 50 M entries, switched every 20 ms in one process: 1.20 us, 1.36 without,
 * 1.23 where it was asked for before the filters let the key pass; over 2 M 0.93, 0.96, 0.96. */
static void prefetch_near(const struct lsm_table *table, const struct lsm_index_aim *aim) {
    uint64_t near = lsm_index_near(&table->index, aim);
    if (table->map != NULL && near != 0) {
        __builtin_prefetch(table->map + near);
    }
}

void lsm_table_prefetch_aimed(const struct lsm_table *table, const struct lsm_index_aim *aim) {
    prefetch_near(table, aim);
    size_t i = lsm_index_likely(&table->index, aim);
    if (i < table->index.count) {
        lsm_table_prefetch_block(table, i);
        lsm_table_prefetch_entry(table, i, aim);
    }
}

int lsm_table_get(struct lsm_table *table, const uint8_t *key, size_t key_size, uint64_t seq_max,
                  bool fill_cache, struct lsm_counter_slot *slot, struct lsm_entry *entry,
                  struct lsm_pin **pin, struct lsm_fault *fault) {
    return lsm_table_get_hashed(table, key, key_size, lsm_filter_hash(key, key_size), NULL, seq_max,
                                fill_cache, slot, entry, pin, fault);
}

int lsm_table_get_hashed(struct lsm_table *table, const uint8_t *key, size_t key_size,
                         uint64_t hash, const struct lsm_index_aim *aim, uint64_t seq_max,
                         bool fill_cache, struct lsm_counter_slot *slot, struct lsm_entry *entry,
                         struct lsm_pin **pin, struct lsm_fault *fault) {
    LSM_ASSERT(key_size >= 1 && key_size <= LSM_KEY_SIZE_MAX && seq_max <= LSM_SEQ_MAX);
    if (table->filtered) {
        count(slot, LSM_C_BLOOM_CHECKS);
        if (lsm_table_denies(table, hash)) {
            count(slot, LSM_C_BLOOM_NEGATIVES);
            return LSM_NOT_FOUND;
        }
    }
    struct lsm_index_aim own;
    if (aim == NULL) {
        lsm_index_aim(&table->index, key, key_size, &own);
        aim = &own;
    }
    prefetch_near(table, aim);
    size_t i;
    int rc = lsm_table_find_block(table, aim, key, key_size, seq_max, slot, &i, fault);
    if (rc != 0) {
        return rc;
    }
    lsm_table_prefetch_block(table, i);
    lsm_table_prefetch_entry(table, i, aim);
    struct lsm_block_use use;
    rc = lsm_table_use_block(table, i, fill_cache, slot, &use, fault);
    if (rc != 0) {
        return rc;
    }
    return lsm_table_get_in(table, i, &use, key, key_size, seq_max, slot, entry, pin, fault);
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
