/* table_proof.c: a table that was just written is read back before anything is given up for it.
 *
 * What a table was made of, the log or the tables merged into it, goes once it is in the manifest.
 * Before that its filter, its index and the checksum of every block are looked at as its readers
 * will see them, in the page cache: a bug, a bad copy or another program's write is found while all
 * is still there. (That the disk has what the page cache has is what the sync before this was for.)
 * It pays for itself: tables are open and their pages mapped before the first reader comes. (That
 * one checks a block all the same: the page cache may have dropped it since, and the disk damaged
 * it.) Five alternating runs of lsm-bench over 2 M keys, medians without / with: gets and puts half
 * and half 0.99 / 1.02 M a second, p99 2.9 / 2.4 us, the longest 9.1 / 1.8 ms; then gets alone
 * p99 1.9 / 1.4 us, the longest 1.7 / 0.43 ms; processor seconds of putting all 2.06 / 2.14. */
#include "checksum.h"
#include "table_internal.h"

static int check_block(const struct lsm_table *table, size_t i, struct lsm_fault *fault) {
    struct lsm_index_record record;
    int rc = lsm_table_record(table, i, &record, fault);
    if (rc == 0 &&
        lsm_checksum(record.offset, table->map + record.offset, record.length) != record.checksum) {
        rc =
            lsm_fail(fault, LSM_ERR_CORRUPT,
                     "%s: block at offset %llu: checksum does not match right after it was written",
                     lsm_file_path(table->file), (unsigned long long)record.offset);
    }
    return rc;
}

/* Filter and index were checked when the table was opened, by copies: this maps their pages. */
static void touch_rest(const struct lsm_table *table, uint64_t from) {
    const volatile uint8_t *map = table->map;
    for (uint64_t at = from; at < table->file_bytes; at += LSM_DIRECT_ALIGN) {
        (void)map[at];
    }
}

static int check_all(const struct lsm_table *table, struct lsm_fault *fault) {
    size_t count = table->index.count, length;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = check_block(table, i, fault);
    }
    touch_rest(table, lsm_index_offset(&table->index, count - 1, &length));
    return rc == 0 ? lsm_table_settle_mapped(table, NULL, fault) : rc;
}

int lsm_tables_prove(struct lsm_tables *tables, struct lsm_table_meta *meta,
                     struct lsm_fault *fault) {
    struct lsm_table *table = NULL;
    struct lsm_fault found;
    int rc = lsm_tables_get(tables, meta, &table, &found);
    bool wrong = rc == LSM_ERR_CORRUPT;
    if (rc == 0) {
        if (table->map != NULL && table->fresh) {
            rc = check_all(table, &found);
            wrong = rc == LSM_ERR_CORRUPT || rc == LSM_ERR_IO;
        }
        if (!wrong) {
            lsm_tables_pin(tables, meta, table);
        }
        lsm_table_release(table);
    }
    if (!wrong) { /* no memory or no descriptor to look at it says nothing of the table */
        return 0;
    }
    lsm_tables_evict(tables, meta->id);
    *fault = found;
    return rc;
}
