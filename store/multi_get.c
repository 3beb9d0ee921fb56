/* multi_get.c: the read path of a batch of keys. */
#include "get.h"

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
    struct lsm_view *view = lsm_view_acquire(db);
    uint64_t seq = lsm_read_seq(db, options);
    bool fill_cache = options == NULL || !options->skip_cache_fill;
    for (size_t i = 0; i < count; i++) {
        struct lsm_entry entry;
        struct lsm_pin *pin = NULL;
        struct lsm_fault one = {0};
        status[i] = lsm_lookup(db, view, keys[i].data, keys[i].size, seq, fill_cache, slot, &entry,
                               &pin, &one);
        if (status[i] == 0 && entry.type == LSM_TYPE_DELETE) {
            pin->release(pin);
            status[i] = LSM_NOT_FOUND;
        }
        if (status[i] == 0) {
            lsm_give_value(&entry, pin, &values[i]);
            lsm_count(slot, LSM_C_GET_HITS, 1);
            lsm_count(slot, LSM_C_USER_BYTES_READ, entry.value_size);
        } else if (status[i] != LSM_NOT_FOUND && rc == 0) {
            rc = status[i];
            fault = one;
        }
    }
    lsm_view_release(db, view);
    lsm_count(slot, LSM_C_GETS, count);
    return lsm_leave(db, &fault, rc);
}
