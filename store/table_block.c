/* table_block.c: where the blocks of an open table come from.
 *
 * A block that was checked before and lay in the page cache then is read in place: no system call,
 * no copy, no lock. The first time it comes by a request (through io_uring, so that a batch of cold
 * keys waits once), or, where this process has just written the table, from the mapping itself. If
 * the page cache has dropped it since, the load waits for the disk as a request would.
 * Random gets over 2 M entries of 144 bytes, once all was seen, CPU time in one run side by side:
 * 1.65 us in place, 3.07 us through 128 MiB of cache and requests. */
#include <stdlib.h>

#include "bytes.h"
#include "check.h"
#include "checksum.h"
#include "codec.h"
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
    size_t length;
    uint64_t offset = lsm_index_offset(&table->index, i, &length);
    return lsm_fail(fault, code, "%s: block at offset %llu: %s", lsm_file_path(table->file),
                    (unsigned long long)offset,
                    code == LSM_ERR_MEMORY ? "out of memory" : "an entry does not fit together");
}

static int fail_lost(const struct lsm_table *table, struct lsm_fault *fault) {
    return lsm_fail(fault, LSM_ERR_IO, "%s: pages of the file cannot be read, or it was cut short",
                    lsm_file_path(table->file));
}

int lsm_table_index_fault(const struct lsm_table *table, struct lsm_fault *fault) {
    if (!lsm_index_is_whole(&table->index)) {
        return fail_lost(table, fault);
    }
    return lsm_fail(fault, LSM_ERR_CORRUPT,
                    "%s: offset %llu: the index is no longer what it was when the file was opened",
                    lsm_file_path(table->file), (unsigned long long)table->stat.records.offset);
}

int lsm_table_record(const struct lsm_table *table, size_t i, struct lsm_index_record *record,
                     struct lsm_fault *fault) {
    return lsm_index_record(&table->index, i, record) ? 0 : lsm_table_index_fault(table, fault);
}

int lsm_table_check_block(const struct lsm_table *table, size_t i,
                          const struct lsm_index_record *record, const uint8_t *stored,
                          uint8_t *raw, struct lsm_block_view *view, struct lsm_fault *fault) {
    bool packed = record->codec != LSM_CODEC_NONE;
    const char *what = NULL;
    int rc = 0;
    LSM_ASSERT(!packed || raw != NULL);
    if (lsm_checksum(record->offset, stored, record->length) != record->checksum) {
        what = "checksum does not match";
    } else if (packed && (rc = lsm_unpack((enum lsm_codec)record->codec, stored, record->length,
                                          raw, record->raw_length)) != 0) {
        if (rc == LSM_ERR_MEMORY) {
            return lsm_table_block_fault(table, i, rc, fault);
        }
        what = "cannot be unpacked";
    } else if (!lsm_block_view_init(view, packed ? raw : stored, record->raw_length)) {
        what = "not a block";
    }
    if (what == NULL) {
        return 0;
    }
    return lsm_fail(fault, LSM_ERR_CORRUPT, "%s: block at offset %llu: %s",
                    lsm_file_path(table->file), (unsigned long long)record->offset, what);
}

/* ---- the mapping ---- */

bool lsm_table_map_begin(struct lsm_table *table, uint64_t bytes) {
    LSM_ASSERT(table->map == NULL);
    if (!lsm_file_map_read(table->file, bytes, &table->map)) {
        return false;
    }
    table->file_bytes = bytes;
    table->guard = lsm_guard_add(table->map, bytes);
    if (table->guard == NULL) {
        lsm_file_unmap(table->file, table->map, bytes);
        table->map = NULL;
    }
    return table->map != NULL;
}

/* Filter and index were checked when they were read, each within the file, whose last bytes are the
 * footer. In the mapping the kernel can give up their pages where memory is short, as it does those
 * of blocks. */
void lsm_table_map_end(struct lsm_table *table) {
    LSM_ASSERT(table->map != NULL && table->index.count > 0);
    const struct lsm_table_stat *stat = &table->stat;
    lsm_index_move(&table->index, table->guard, table->map + stat->records.offset,
                   table->map + stat->keys.offset,
                   table->map + table->file_bytes - sizeof(struct lsm_table_footer));
    if (table->filtered) {
        uint64_t offset = stat->filter.offset;
        lsm_filter_move(&table->filter, table->map + offset + lsm_filter_zeros(offset));
        free(table->filter_bytes);
        table->filter_bytes = NULL;
    }
}

void lsm_table_map(struct lsm_table *table) {
    if (lsm_table_map_begin(table, table->file_bytes)) {
        lsm_table_map_end(table);
    }
}

void lsm_table_unmap(struct lsm_table *table) {
    if (table->map != NULL) {
        lsm_guard_drop(table->guard);
        lsm_file_unmap(table->file, table->map, table->file_bytes);
        lsm_file_close(table->direct);
        table->map = NULL;
    }
}

int lsm_table_settle_mapped(const struct lsm_table *table, const struct lsm_entry *entry,
                            struct lsm_fault *fault) {
    if (entry != NULL) {
        const volatile uint8_t *value = entry->value;
        for (uint64_t at = 0; at < entry->value_size; at += LSM_DIRECT_ALIGN) {
            (void)value[at];
        }
        if (entry->value_size > 0) {
            (void)value[entry->value_size - 1];
        }
    }
    if (__builtin_expect(!lsm_guard_damaged(table->guard), 1)) {
        return 0;
    }
    return fail_lost(table, fault);
}

bool lsm_table_block_in_place(const struct lsm_table *table, size_t i) {
    /* Only what may be read in place is ever marked as seen. */
    return table->map != NULL && (lsm_index_was_seen(&table->index, i) ||
                                  (table->fresh && !lsm_table_is_packed(table, i)));
}

/* The block in place. False: it must come by a request. */
static bool use_mapped(struct lsm_table *table, size_t i, struct lsm_counter_slot *slot,
                       struct lsm_block_use *use) {
    size_t length;
    uint64_t offset = lsm_index_offset(&table->index, i, &length);
    const uint8_t *data = table->map + offset;
    /* Once a page is lost the rest comes by requests: they tell for each block whether it is there,
     * and no more pages are replaced, of which a process may have so many. */
    if (!lsm_table_block_in_place(table, i) || lsm_guard_damaged(table->guard)) {
        return false;
    }
    if (!lsm_index_was_seen(&table->index, i)) {
        /* The record comes last, for it comes from another page. */
        uint64_t checksum = lsm_checksum(offset, data, length);
        struct lsm_index_record record;
        if (!lsm_index_record(&table->index, i, &record) || record.checksum != checksum ||
            !lsm_block_view_init(&use->view, data, length)) {
            return false; /* the request that follows tells what is wrong */
        }
        lsm_index_see(&table->index, i);
    } else if (!lsm_block_view_init(&use->view, data, length)) {
        return false; /* its pages are lost: let the request say so */
    }
    count(slot, LSM_C_CACHE_HITS);
    use->block = NULL;
    return true;
}

struct lsm_block *lsm_table_keep_block(struct lsm_table *table, size_t i, struct lsm_block *block,
                                       bool fill_cache) {
    if (table->map != NULL && !lsm_table_is_packed(table, i)) {
        /* What can be read in place next time need not be kept twice. */
        lsm_index_see(&table->index, i);
        return block;
    }
    return fill_cache ? lsm_block_cache_insert(table->cache, block) : block;
}

void lsm_table_keep_copy(struct lsm_table *table, size_t i, const struct lsm_block_view *view,
                         bool fill_cache, struct lsm_counter_slot *slot) {
    count(slot, LSM_C_CACHE_MISSES);
    if (table->map != NULL && !lsm_table_is_packed(table, i)) {
        lsm_index_see(&table->index, i);
        return;
    }
    size_t unused;
    uint64_t offset = lsm_index_offset(&table->index, i, &unused);
    struct lsm_block *copy =
        fill_cache ? lsm_block_create(table->cache, table->id, offset, view->length) : NULL;
    if (copy != NULL) {
        memcpy(copy->data, view->data, view->length);
        bool sound = lsm_block_view_init(&copy->view, copy->data, view->length);
        LSM_ASSERT(sound); /* it was checked where it was read */
        lsm_block_unref(lsm_block_cache_insert(table->cache, copy));
    }
}

static int read_block(struct lsm_table *table, size_t i, bool fill_cache, struct lsm_block **block,
                      struct lsm_fault *fault) {
    struct lsm_index_record record;
    int rc = lsm_table_record(table, i, &record, fault);
    if (rc != 0) {
        return rc;
    }
    struct lsm_block *made =
        lsm_block_create(table->cache, table->id, record.offset, record.raw_length);
    uint8_t *stored = made == NULL                     ? NULL
                      : record.codec != LSM_CODEC_NONE ? malloc(record.length)
                                                       : made->data;
    if (stored == NULL) {
        if (made != NULL) {
            lsm_block_unref(made);
        }
        return lsm_table_block_fault(table, i, LSM_ERR_MEMORY, fault);
    }
    rc = lsm_file_read(table->file, record.offset, stored, record.length, fault);
    if (rc == 0) {
        rc = lsm_table_check_block(table, i, &record, stored, made->data, &made->view, fault);
    }
    if (stored != made->data) {
        free(stored);
    }
    if (rc != 0) {
        lsm_block_unref(made);
        return rc;
    }
    *block = lsm_table_keep_block(table, i, made, fill_cache);
    return 0;
}

bool lsm_table_block_here(struct lsm_table *table, size_t i, struct lsm_counter_slot *slot,
                          struct lsm_block_use *use) {
    LSM_ASSERT(i < table->index.count);
    if (table->map != NULL && use_mapped(table, i, slot, use)) {
        return true;
    }
    size_t length;
    uint64_t offset = lsm_index_offset(&table->index, i, &length);
    struct lsm_block *there = lsm_block_cache_find(table->cache, table->id, offset);
    if (there == NULL) {
        return false;
    }
    LSM_ASSERT(lsm_table_is_packed(table, i) ? there->length > length : there->length == length);
    count(slot, LSM_C_CACHE_HITS);
    *use = (struct lsm_block_use){there->view, there};
    return true;
}

int lsm_table_read_block(struct lsm_table *table, size_t i, bool fill_cache,
                         struct lsm_counter_slot *slot, struct lsm_block_use *use,
                         struct lsm_fault *fault) {
    count(slot, LSM_C_CACHE_MISSES);
    if (slot != NULL &&
        slot->io_began_ns == 0) { /* an operation that goes to a file is always timed */
        slot->io_began_ns = lsm_io_now_ns(table->io);
    }
    struct lsm_block *made = NULL;
    int rc = read_block(table, i, fill_cache, &made, fault);
    if (rc == 0) {
        *use = (struct lsm_block_use){made->view, made};
    }
    return rc;
}

int lsm_table_use_block(struct lsm_table *table, size_t i, bool fill_cache,
                        struct lsm_counter_slot *slot, struct lsm_block_use *use,
                        struct lsm_fault *fault) {
    return lsm_table_block_here(table, i, slot, use)
               ? 0
               : lsm_table_read_block(table, i, fill_cache, slot, use, fault);
}
