/* approximate.c: how much of the tables a range of keys takes, from what is in memory: the tables'
 * key ranges, and the positions of blocks in the indexes of those that lie across a border. */
#include "check.h"
#include "db.h"
#include "table_internal.h"

/* Where the blocks' part that holds keys from `key` on begins. */
static int find_offset(const struct lsm_table *table, const void *key, size_t key_size,
                       uint64_t *offset, struct lsm_fault *fault) {
    const struct lsm_index *index = &table->index;
    size_t i = lsm_index_find(index, key, key_size, LSM_SEQ_MAX);
    if (i == LSM_INDEX_LOST) {
        return lsm_table_index_fault(table, fault);
    }
    size_t length;
    *offset = i < index->count ? lsm_index_offset(index, i, &length) : lsm_index_end(index);
    return 0;
}

static int add_share(const struct lsm_table *table, const struct lsm_table_meta *meta,
                     const struct lsm_range *range, uint64_t *bytes, struct lsm_fault *fault) {
    uint64_t end = lsm_index_end(&table->index);
    uint64_t from = 0, to = end;
    int rc = 0;
    if (range->from != NULL) {
        rc = find_offset(table, range->from, range->from_size, &from, fault);
    }
    if (rc == 0 && range->to != NULL) {
        rc = find_offset(table, range->to, range->to_size, &to, fault);
    }
    if (rc == 0 && to > from) {
        /* The filter and the index belong to the blocks in equal parts. */
        *bytes += (uint64_t)((double)(to - from) / (double)end * (double)meta->bytes);
    }
    return rc;
}

/* Adds what one table has of the range. */
static int add_table(struct lsm_db *db, const struct lsm_table_meta *meta,
                     const struct lsm_range *range, uint64_t *bytes, struct lsm_fault *fault) {
    const void *from = range->from, *to = range->to;
    bool before = from != NULL &&
                  lsm_key_compare(meta->last_key, meta->last_key_size, from, range->from_size) < 0;
    bool behind = to != NULL &&
                  lsm_key_compare(meta->first_key, meta->first_key_size, to, range->to_size) >= 0;
    if (before || behind) {
        return 0;
    }
    bool all_after = from == NULL || lsm_key_compare(meta->first_key, meta->first_key_size, from,
                                                     range->from_size) >= 0;
    bool all_before =
        to == NULL || lsm_key_compare(meta->last_key, meta->last_key_size, to, range->to_size) < 0;
    if (all_after && all_before) {
        *bytes += meta->bytes;
        return 0;
    }
    struct lsm_table *table = NULL;
    int rc = lsm_tables_get(db->tables, meta, &table, fault);
    if (rc == 0) {
        rc = add_share(table, meta, range, bytes, fault);
        lsm_table_release(table);
    }
    return rc;
}

static int add_range(struct lsm_db *db, const struct lsm_version *version,
                     const struct lsm_range *range, uint64_t *bytes, struct lsm_fault *fault) {
    int rc = 0;
    *bytes = 0;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX && rc == 0; l++) {
        const struct lsm_level *level = &version->level[l];
        size_t i =
            l > 0 && range->from != NULL ? lsm_level_find(level, range->from, range->from_size) : 0;
        for (; i < level->count && rc == 0; i++) {
            rc = add_table(db, level->tables[i], range, bytes, fault);
        }
    }
    return rc;
}

int lsm_approximate_size(struct lsm_db *db, const struct lsm_range *ranges, size_t count,
                         uint64_t *bytes) {
    int rc = lsm_enter(db);
    if (rc != 0 || (count > 0 && (ranges == NULL || bytes == NULL))) {
        return rc != 0 ? rc : LSM_ERR_ARGUMENT;
    }
    struct lsm_fault fault = {0};
    struct lsm_view *view = lsm_view_acquire(db);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = add_range(db, view->version, &ranges[i], &bytes[i], &fault);
    }
    lsm_view_release(db, view);
    return lsm_leave(db, &fault, rc);
}
