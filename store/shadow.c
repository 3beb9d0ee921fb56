#include "shadow.h"

#include "filter.h"

/* So many keys a table tell its share within a few percent, and cost a flush about a millisecond.
 */
enum { SAMPLES = 512 };

void lsm_shadow_begin(struct lsm_shadow *shadow, struct lsm_db *db,
                      const struct lsm_version *version, uint64_t entries) {
    uint64_t step = entries / SAMPLES + 1;
    *shadow = (struct lsm_shadow){.db = db, .version = version, .step = step, .left = step};
}

static bool may_hold(struct lsm_db *db, struct lsm_table_meta *meta, uint64_t hash) {
    struct lsm_table *table = lsm_table_pinned(meta);
    if (table != NULL) {
        return lsm_table_may_hold(table, hash);
    }
    struct lsm_fault fault = {0};
    if (lsm_tables_get(db->tables, meta, &table, &fault) != 0) {
        return true; /* whoever reads it will say what is wrong */
    }
    lsm_tables_pin(db->tables, meta, table);
    bool maybe = lsm_table_may_hold(table, hash);
    lsm_table_release(table);
    return maybe;
}

static bool covers(const struct lsm_table_meta *meta, const struct lsm_entry *entry) {
    return lsm_key_compare(meta->first_key, meta->first_key_size, entry->key, entry->key_size) <=
               0 &&
           lsm_key_compare(meta->last_key, meta->last_key_size, entry->key, entry->key_size) >= 0;
}

static bool is_older_there(const struct lsm_shadow *shadow, const struct lsm_entry *entry) {
    uint64_t hash = lsm_filter_hash(entry->key, entry->key_size);
    const struct lsm_level *level0 = &shadow->version->level[0];
    for (size_t i = 0; i < level0->count; i++) {
        if (covers(level0->tables[i], entry) && may_hold(shadow->db, level0->tables[i], hash)) {
            return true;
        }
    }
    for (uint32_t l = 1; l < LSM_LEVELS_MAX; l++) {
        const struct lsm_level *level = &shadow->version->level[l];
        size_t i = lsm_level_find(level, entry->key, entry->key_size);
        if (i < level->count && covers(level->tables[i], entry) &&
            may_hold(shadow->db, level->tables[i], hash)) {
            return true;
        }
    }
    return false;
}

void lsm_shadow_note(struct lsm_shadow *shadow, const struct lsm_entry *entry) {
    if (--shadow->left > 0) {
        return;
    }
    shadow->left = shadow->step;
    shadow->asked++;
    shadow->found += is_older_there(shadow, entry);
}

uint64_t lsm_shadow_fresh(const struct lsm_shadow *shadow, uint64_t entries) {
    if (shadow->asked == 0) {
        return 0;
    }
    double share = (double)(shadow->asked - shadow->found) / (double)shadow->asked;
    return (uint64_t)(share * (double)entries);
}
