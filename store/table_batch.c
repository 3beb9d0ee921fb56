#include "table_batch.h"

#include "check.h"
#include "table_fetch.h"

enum { LSM_AHEAD_BLOCK_MAX = 16 << 10 };

bool lsm_probe_may_hold(const struct lsm_probe *probe, struct lsm_counter_slot *slot) {
    if (!probe->table->filtered) {
        return true;
    }
    lsm_count(slot, LSM_C_BLOOM_CHECKS, 1);
    if (!lsm_table_denies(probe->table, probe->hash)) {
        return true;
    }
    lsm_count(slot, LSM_C_BLOOM_NEGATIVES, 1);
    return false;
}

static void keep_first(int rc, const struct lsm_fault *own, struct lsm_fault *fault) {
    if (rc != 0 && rc != LSM_NOT_FOUND && fault->code == 0) {
        *fault = *own;
    }
}

/* Those whose table has a block for them, in front; their number. */
static size_t find_blocks(struct lsm_probe **probes, size_t count,
                          const struct lsm_batch_read *read, struct lsm_fault *fault) {
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        struct lsm_probe *probe = probes[k];
        struct lsm_fault own;
        probe->rc = lsm_table_find_block(probe->table, &probe->aim, probe->key, probe->key_size,
                                         read->seq_max, read->slot, &probe->block, &own);
        if (probe->rc == 0) {
            probes[kept++] = probe;
        } else {
            keep_first(probe->rc, &own, fault);
        }
    }
    return kept;
}

static void find_in_block(struct lsm_probe *probe, const struct lsm_batch_read *read,
                          struct lsm_fault *fault) {
    struct lsm_fault own;
    probe->rc =
        lsm_table_get_in(probe->table, probe->block, &probe->use, probe->key, probe->key_size,
                         read->seq_max, read->slot, &probe->entry, &probe->pin, &own);
    keep_first(probe->rc, &own, fault);
}

bool lsm_ahead_pays(const struct lsm_ahead *ahead) {
    const struct lsm_table *table = ahead->table;
    size_t length;
    (void)lsm_index_offset(&table->index, ahead->i, &length);
    /* What cannot be read in place is kept only as far as the cache has room: it is left. */
    return table->map != NULL && !lsm_table_is_packed(table, ahead->i) &&
           !lsm_table_block_in_place(table, ahead->i) && length <= LSM_AHEAD_BLOCK_MAX &&
           !lsm_guard_damaged(table->guard);
}

/* The fetch of that block, made if there is none. */
static uint8_t fetch_of(struct lsm_fetch *fetches, size_t *count, struct lsm_table *table,
                        size_t i) {
    size_t k = 0;
    while (k < *count && (fetches[k].i != i || fetches[k].table != table)) {
        k++;
    }
    if (k == *count) {
        fetches[(*count)++] = (struct lsm_fetch){.table = table, .i = i};
    }
    return (uint8_t)k;
}

/* Each block is read once. */
void lsm_batch_find_by_requests(struct lsm_probe *const *probes, size_t count,
                                const struct lsm_ahead *ahead, size_t ahead_count,
                                const struct lsm_batch_read *read, struct lsm_fault *fault) {
    LSM_ASSERT(count >= 1 && count <= LSM_BATCH_MAX && ahead_count <= LSM_AHEAD_MAX);
    struct lsm_fetch fetches[LSM_BATCH_MAX];
    uint8_t which[LSM_BATCH_MAX];
    size_t blocks = 0;
    for (size_t k = 0; k < count; k++) {
        which[k] = fetch_of(fetches, &blocks, probes[k]->table, probes[k]->block);
    }
    lsm_count(read->slot, LSM_C_CACHE_MISSES, blocks);
    lsm_count(read->slot, LSM_C_CACHE_HITS, count - blocks);
    size_t wanted = blocks;
    for (size_t k = 0; k < ahead_count && blocks < LSM_BATCH_MAX; k++) {
        size_t at = fetch_of(fetches, &blocks, ahead[k].table, ahead[k].i);
        fetches[at].ahead = at >= wanted; /* else somebody waits for it anyway */
    }
    struct lsm_fault failed = {0};
    lsm_fetch_all(read->io, fetches, blocks, read->fill_cache, &failed);
    if (failed.code != 0 && fault->code == 0) {
        *fault = failed;
    }
    for (size_t k = 0; k < count; k++) {
        const struct lsm_fetch *fetch = &fetches[which[k]];
        probes[k]->rc = fetch->rc;
        if (fetch->rc == 0) {
            lsm_block_ref(fetch->block);
            probes[k]->use = (struct lsm_block_use){fetch->block->view, fetch->block};
            find_in_block(probes[k], read, fault);
        }
    }
    for (size_t k = 0; k < blocks; k++) {
        if (fetches[k].rc == 0) {
            lsm_block_unref(fetches[k].block);
        }
    }
}

size_t lsm_batch_find(struct lsm_probe *const *all, size_t count, const struct lsm_batch_read *read,
                      struct lsm_probe **missing, struct lsm_fault *fault) {
    LSM_ASSERT(count >= 1 && count <= LSM_BATCH_MAX);
    struct lsm_probe *probes[LSM_BATCH_MAX];
    memcpy(probes, all, count * sizeof(struct lsm_probe *));
    for (size_t k = 0; k < count; k++) {
        lsm_index_aim(&probes[k]->table->index, probes[k]->key, probes[k]->key_size,
                      &probes[k]->aim);
    }
    count = find_blocks(probes, count, read, fault);
    for (size_t k = 0; k < count; k++) {
        lsm_table_prefetch_block(probes[k]->table, probes[k]->block);
    }
    size_t here = 0, misses = 0;
    for (size_t k = 0; k < count; k++) {
        struct lsm_probe *probe = probes[k];
        if (lsm_table_block_here(probe->table, probe->block, read->slot, &probe->use)) {
            lsm_block_prefetch(&probe->use.view, probe->key, probe->key_size);
            probes[here++] = probe;
        } else {
            missing[misses++] = probe;
        }
    }
    for (size_t k = 0; k < here; k++) {
        find_in_block(probes[k], read, fault);
    }
    return misses;
}
