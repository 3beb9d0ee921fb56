/* get.h: finds the newest version of a key in a view. Threads: any. */
#ifndef LSM_GET_H
#define LSM_GET_H

#include "db.h"

/* Newest version at or below seq: 0, *entry and *pin, or LSM_NOT_FOUND. Deletes are found too. */
LSM_CHECKED int lsm_lookup(struct lsm_db *db, struct lsm_view *view, const uint8_t *key,
                           size_t key_size, uint64_t seq, bool fill_cache,
                           struct lsm_counter_slot *slot, struct lsm_entry *entry,
                           struct lsm_pin **pin, struct lsm_fault *fault);
/* The memtables' part of it; false: they know nothing of the key. `hash`: lsm_filter_hash. */
bool lsm_find_in_memtables(const struct lsm_view *view, const uint8_t *key, size_t key_size,
                           uint64_t hash, uint64_t seq, struct lsm_entry *entry,
                           struct lsm_pin **pin);
/* The sequence to read at, after the view was acquired: a view holds every entry up to what was
 * visible then. */
uint64_t lsm_read_seq(const struct lsm_db *db, const struct lsm_read_options *options);
/* LSM_ERR_ARGUMENT for a key or a snapshot that cannot be read with. */
LSM_CHECKED int lsm_check_read(const struct lsm_db *db, const struct lsm_read_options *options,
                               const void *key, size_t key_size, struct lsm_fault *fault);
/* The entry's value, which takes over the pin. */
static inline void lsm_give_value(const struct lsm_entry *entry, struct lsm_pin *pin,
                                  struct lsm_value *value) {
    *value = (struct lsm_value){.data = entry->value_size > 0 ? (const void *)entry->value : "",
                                .size = entry->value_size,
                                .pin = pin};
}

#endif
