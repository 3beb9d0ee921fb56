#include "memtable_load.h"

#include "filter.h"

void lsm_load_begin(struct lsm_load *load, struct lsm_memtable *memtable) {
    *load = (struct lsm_load){.memtable = memtable};
}

void lsm_load_refer(struct lsm_load *load, uint64_t seq, const uint8_t *op,
                    const struct lsm_entry *entry) {
    struct lsm_load_pending *pending = &load->pending[load->count % LSM_LOAD_PENDING];
    if (load->count >= LSM_LOAD_PENDING) {
        load->left_bytes -= pending->bytes;
        lsm_memtable_refer(load->memtable, pending->seq, pending->op, pending->hash);
    }
    *pending = (struct lsm_load_pending){lsm_filter_hash(entry->key, entry->key_size), seq,
                                         entry->key_size + entry->value_size, op};
    load->left_bytes += pending->bytes;
    lsm_memtable_prefetch(load->memtable, pending->hash);
    load->count++;
}

uint64_t lsm_load_bytes(const struct lsm_load *load) {
    return lsm_memtable_bytes(load->memtable) + load->left_bytes;
}

void lsm_load_finish(struct lsm_load *load) {
    uint64_t left = load->count < LSM_LOAD_PENDING ? load->count : LSM_LOAD_PENDING;
    for (uint64_t i = load->count - left; i < load->count; i++) {
        const struct lsm_load_pending *pending = &load->pending[i % LSM_LOAD_PENDING];
        lsm_memtable_refer(load->memtable, pending->seq, pending->op, pending->hash);
    }
    lsm_load_begin(load, load->memtable);
}
