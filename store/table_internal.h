/* table_internal.h: an open table, as the files of the table's read path see it.
 *
 * Threads:    everything but refs and the fault is constant once the table is open.
 * Ownership:  reference counted: the table cache holds one reference while it keeps the table,
 *             every handle another; the last one closes it.
 * Memory:     of a mapped table the groups and tops of its index and what was seen, 13.4 bytes a
 *             block, rounded up to 128 KiB where they come from a pool; its filter, records and
 *             separators are pages of the file, which the kernel may take back. Of one that is
 *             not mapped all of them. */
#ifndef LSM_TABLE_INTERNAL_H
#define LSM_TABLE_INTERNAL_H

#include "block_cache.h"
#include "filter.h"
#include "guard.h"
#include "table_index.h"

enum {
    /* A block of 27 entries of 144 bytes: four in five entries lie within so many lines around the
     * guess. In larger blocks, or of larger entries, too few would. */
    LSM_GUESS_LINES = 14,
    LSM_GUESS_BLOCK_MAX = 16 << 10,
    /* Not to be kept: a twelfth of them is used, once, and the caches hold blocks' heads. */
    LSM_GUESS_HINT = 0,
};

struct lsm_table {
    struct lsm_pin pin; /* first: a value pinned in the mapping holds a reference to the table */
    _Atomic uint32_t refs;
    _Atomic bool obsolete; /* its blocks go with it */
    uint64_t id;
    struct lsm_io *io;
    struct lsm_file *file;
    struct lsm_block_cache *cache;
    struct lsm_page_pool *pool; /* read-ahead is read into slices of it; NULL: into the heap */

    uint64_t file_bytes;
    /* The file in memory; NULL: blocks come by requests, through the cache. A block is read in
     * place once the index tells that it was seen: checked, and then in the page cache. */
    uint8_t *map;
    struct lsm_guard *guard;
    bool fresh; /* this process wrote it: its pages are in the page cache */
    /* The file once more, past the page cache, for some blocks of a table found cold; NULL: none.
     */
    struct lsm_file *direct;
    _Atomic int64_t direct_left;

    struct lsm_index index;
    bool filtered;
    struct lsm_filter_view filter;
    uint8_t *filter_bytes; /* what the view shows; NULL: nothing, or the mapping */
    struct lsm_table_stat stat;
    uint8_t *info; /* the section; the keys point into it */
    const uint8_t *first_key, *last_key;

    pthread_mutex_t fault_lock;
    struct lsm_fault fault; /* guarded by fault_lock */

    /* The table cache's, guarded by its shard's lock. */
    struct lsm_table *chain, *older, *newer;
    bool marked;
};

/* Opens a table file with one reference. `meta` may be NULL; else the file must be the one it
 * describes. */
LSM_CHECKED int lsm_table_open(struct lsm_io *io, const char *path, uint64_t id,
                               struct lsm_block_cache *cache, const struct lsm_table_meta *meta,
                               struct lsm_table **table, struct lsm_fault *fault);
/* The same, and mapped where that can be had: filter and index are then checked where they lie, and
 * come from a cold disk in huge pages. The first batch of 64 keys after a cold start, six tables of
 * together 282 MB, waited 8.8 ms, 13.2 when both were read into memory first and the batch waited
 * for each table that the background was opening (medians of 16, alternating); the second 0.7 ms
 * instead of 1.5, since the pages that its keys need of both need not be mapped one by one. */
LSM_CHECKED int lsm_table_open_mapped(struct lsm_io *io, const char *path, uint64_t id,
                                      struct lsm_block_cache *cache, struct lsm_page_pool *pool,
                                      const struct lsm_table_meta *meta, struct lsm_table **table,
                                      struct lsm_fault *fault);
/* A block in use: of the cache, or in the mapping, which lasts as long as the table. */
struct lsm_block_use {
    struct lsm_block_view view;
    struct lsm_block *block; /* NULL: in the mapping */
};
/* Asks memory for the head of block i, in the mapping. */
static inline void lsm_table_prefetch_block(const struct lsm_table *table, size_t i) {
    if (table->map != NULL) {
        size_t length;
        if (!lsm_index_was_seen(&table->index, i)) {
            lsm_index_prefetch_record(&table->index, i); /* its checksum is to be looked at */
        }
        const uint8_t *head = table->map + lsm_index_offset(&table->index, i, &length);
        for (size_t line = 0; line < 4; line++) {
            __builtin_prefetch(head + line * 64);
        }
    }
}
/* Asks memory for lines of block i, in the mapping, where the key's entry is likely to be, beside
 * those of its head and before these have told where it is: one wait instead of two. Random gets
 * over 2 M entries of 144 bytes, one run side by side, CPU time, medians: 541 ns, 664 without; a
 * seek and ten steps 2.2 us, 2.6 without. */
static inline void lsm_table_prefetch_entry(const struct lsm_table *table, size_t i,
                                            const struct lsm_index_aim *aim) {
    enum { LINE = 64, LINES = LSM_GUESS_LINES };
    size_t length;
    uint64_t offset = lsm_index_offset(&table->index, i, &length);
    if (table->map == NULL || length > LSM_GUESS_BLOCK_MAX) {
        return;
    }
    /* Windows and offsets, the head, are a twentieth of a block of entries of that size. */
    uint64_t head = length / 20;
    uint64_t at = head + lsm_index_guess(&table->index, i, aim) * (length - head) / 65536;
    at = at > LINES / 2 * LINE ? at - LINES / 2 * LINE : 0;
    for (size_t line = 0; line < LINES; line++) {
        __builtin_prefetch(table->map + offset + at + line * LINE, 0, LSM_GUESS_HINT);
    }
}
/* The filter rules the key out. Zeros in the place of a lost page do not count: what is searched
 * then tells what is wrong. */
static inline bool lsm_table_denies(const struct lsm_table *table, uint64_t hash) {
    return !lsm_filter_probe(&table->filter, hash) &&
           (table->map == NULL || !lsm_guard_damaged(table->guard));
}
/* Block i, from the mapping, the cache or the file. `slot` may be NULL. */
LSM_CHECKED int lsm_table_use_block(struct lsm_table *table, size_t i, bool fill_cache,
                                    struct lsm_counter_slot *slot, struct lsm_block_use *use,
                                    struct lsm_fault *fault);
static inline void lsm_table_end_use(struct lsm_block_use *use) {
    if (use->block != NULL) {
        lsm_block_unref(use->block);
        use->block = NULL;
    }
}
/* The same where no request is needed; false: one is. */
bool lsm_table_block_here(struct lsm_table *table, size_t i, struct lsm_counter_slot *slot,
                          struct lsm_block_use *use);
/* The block is, or may be, to be read in the mapping. */
bool lsm_table_block_in_place(const struct lsm_table *table, size_t i);
/* A block that came by a request and was checked, for next time. The caller's reference moves to
 * what is returned. */
struct lsm_block *lsm_table_keep_block(struct lsm_table *table, size_t i, struct lsm_block *block,
                                       bool fill_cache);
/* The same for bytes that came by a scan's read-ahead and are not the cache's: counts them and
 * keeps a copy, if there is memory. */
void lsm_table_keep_copy(struct lsm_table *table, size_t i, const struct lsm_block_view *view,
                         bool fill_cache, struct lsm_counter_slot *slot);
/* Block i by a request of its own. */
LSM_CHECKED int lsm_table_read_block(struct lsm_table *table, size_t i, bool fill_cache,
                                     struct lsm_counter_slot *slot, struct lsm_block_use *use,
                                     struct lsm_fault *fault);
/* The one block that may hold the key. LSM_NOT_FOUND: none does. */
LSM_CHECKED int lsm_table_find_block(const struct lsm_table *table, const struct lsm_index_aim *aim,
                                     const uint8_t *key, size_t key_size, uint64_t seq_max,
                                     struct lsm_counter_slot *slot, size_t *i,
                                     struct lsm_fault *fault);
/* Looks the key up in block i, which is in use, and ends the use; a pin that is given keeps what it
 * needs. Else as lsm_table_get. */
LSM_CHECKED int lsm_table_get_in(struct lsm_table *table, size_t i, struct lsm_block_use *use,
                                 const uint8_t *key, size_t key_size, uint64_t seq_max,
                                 struct lsm_counter_slot *slot, struct lsm_entry *entry,
                                 struct lsm_pin **pin, struct lsm_fault *fault);
/* What was read from the mapping may be believed: 0, or LSM_ERR_IO when pages of it are lost.
 * `value` is touched first, so that whoever it is handed to meets no surprise. */
LSM_CHECKED int lsm_table_settle_mapped(const struct lsm_table *table,
                                        const struct lsm_entry *entry, struct lsm_fault *fault);
/* Maps the file of a table that is being opened; false: the backend cannot, or there are too many.
 * Then, when filter and index are known, goes over to those in the mapping. */
bool lsm_table_map_begin(struct lsm_table *table, uint64_t bytes);
void lsm_table_map_end(struct lsm_table *table);
/* Both for an open table, which stays as it is if it cannot be. */
void lsm_table_map(struct lsm_table *table);
void lsm_table_unmap(struct lsm_table *table);
static inline bool lsm_table_is_packed(const struct lsm_table *table, size_t i) {
    return lsm_index_is_packed(&table->index, i);
}
/* Words for an index that was sound when the table was opened, and is not now: LSM_ERR_IO where it
 * is lost, LSM_ERR_CORRUPT where somebody wrote over it. */
int lsm_table_index_fault(const struct lsm_table *table, struct lsm_fault *fault);
/* A copy of the record of block i. */
LSM_CHECKED int lsm_table_record(const struct lsm_table *table, size_t i,
                                 struct lsm_index_record *record, struct lsm_fault *fault);
/* Checks the stored bytes of block i against its record and makes a view: of them or, where they
 * are packed, of raw[raw_length], which it fills. `raw` may be stored itself or NULL where they are
 * not. */
LSM_CHECKED int lsm_table_check_block(const struct lsm_table *table, size_t i,
                                      const struct lsm_index_record *record, const uint8_t *stored,
                                      uint8_t *raw, struct lsm_block_view *view,
                                      struct lsm_fault *fault);
/* Words for a failed walk through block i: `code` is a block_read.h error. */
int lsm_table_block_fault(const struct lsm_table *table, size_t i, int code,
                          struct lsm_fault *fault);
/* Keeps the words for lsm_table_fault. */
void lsm_table_note_fault(struct lsm_table *table, const struct lsm_fault *fault);

#endif
