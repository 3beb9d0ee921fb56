/* table.h: sorted tables on disk: written once, read by many. The bytes are in table_format.h.
 *
 * Threads:    a writer belongs to one thread. A table and the caches may be used by any thread.
 * Ownership:  the table cache owns open tables and closes the least used ones; a handle from
 *             lsm_tables_get is held by reference until lsm_table_release. Blocks handed out are
 *             pinned by reference too.
 * Errors:     every length and offset from disk is checked before use; every block's checksum
 *             when it is read from its file. Damage is LSM_ERR_CORRUPT with file and offset. */
#ifndef LSM_TABLE_H
#define LSM_TABLE_H

#include "counters.h"
#include "entry.h"
#include "io.h"
#include "page_pool.h"
#include "table_format.h"
#include "table_meta.h"

/* ---- writing ---- */

struct lsm_table_writer;
struct lsm_table_writer_options {
    uint32_t block_bytes;
    double bloom_fpr;     /* 0: no filter */
    enum lsm_codec codec; /* of blocks for which it pays */
    bool direct_io;
    uint64_t size_hint;         /* expected file size, for allocation; 0 unknown */
    struct lsm_page_pool *pool; /* borrowed by the writer; NULL: it maps and unmaps on its own */
};
/* Output goes through `queue` with several requests in flight. */
LSM_CHECKED int lsm_table_writer_create(struct lsm_io *io, struct lsm_queue *queue,
                                        const char *path,
                                        const struct lsm_table_writer_options *options,
                                        struct lsm_table_writer **writer, struct lsm_fault *fault);
/* REQUIRES: entry after the previous one in entry order. */
LSM_CHECKED int lsm_table_writer_add(struct lsm_table_writer *writer, const struct lsm_entry *entry,
                                     struct lsm_fault *fault);
uint64_t lsm_table_writer_bytes(
    const struct lsm_table_writer *writer); /* about what the file would be if finished now */
/* Writes filter, index and footer, syncs the file and fills *meta (id, level and times apart; keys
 * are malloc'd for the caller). REQUIRES: at least one entry. Frees the writer whatever happens; on
 * failure the file stays, to be unlinked. */
LSM_CHECKED int lsm_table_writer_finish(struct lsm_table_writer *writer,
                                        struct lsm_table_meta *meta, struct lsm_fault *fault);
void lsm_table_writer_abandon(struct lsm_table_writer *writer);

/* ---- block cache ---- */

struct lsm_block_cache;
struct lsm_block_cache *lsm_block_cache_create(
    uint64_t bytes); /* NULL: out of memory; 0 bytes: keeps only what is pinned */
void lsm_block_cache_destroy(struct lsm_block_cache *cache); /* REQUIRES: nothing pinned */
uint64_t lsm_block_cache_bytes(const struct lsm_block_cache *cache);

/* ---- table cache ---- */

struct lsm_table;
struct lsm_tables;
struct lsm_index_aim; /* table_index.h */
LSM_CHECKED int lsm_tables_create(struct lsm_io *io, const char *directory, uint32_t open_max,
                                  struct lsm_block_cache *cache, struct lsm_tables **tables,
                                  struct lsm_fault *fault);
/* Tables opened from now on are read in place where they can be. Those numbered `fresh_from` and up
 * were written by this process. Before there are other threads. */
void lsm_tables_map(struct lsm_tables *tables, uint64_t fresh_from);
/* Tables opened from now on read ahead into memory of the pool, which must outlive them. Before
 * there are other threads. */
void lsm_tables_use_pool(struct lsm_tables *tables, struct lsm_page_pool *pool);
void lsm_tables_destroy(struct lsm_tables *tables);
/* Somebody is opening the table. */
bool lsm_tables_is_opening(struct lsm_tables *tables, uint64_t id);
/* Opens the table (footer, index, filter) or finds it open. */
LSM_CHECKED int lsm_tables_get(struct lsm_tables *tables, const struct lsm_table_meta *meta,
                               struct lsm_table **table, struct lsm_fault *fault);
void lsm_table_ref(struct lsm_table *table);
void lsm_table_release(struct lsm_table *table);
/* Keeps the table, just got for `meta`, open as long as the meta lives, so that whoever holds a
 * version with it finds it by lsm_table_pinned, without a lock and a reference. Half of the tables
 * that may be open are pinned; beyond that nothing happens. */
void lsm_tables_pin(struct lsm_tables *tables, struct lsm_table_meta *meta,
                    struct lsm_table *table);
/* Opens and pins the table ahead of whoever reads it, who will be told why if it cannot be. */
bool lsm_tables_open_ahead(struct lsm_tables *tables, struct lsm_table_meta *meta);
/* The meta is about to go. */
void lsm_tables_unpin(struct lsm_tables *tables, struct lsm_table_meta *meta);
static inline struct lsm_table *lsm_table_pinned(const struct lsm_table_meta *meta) {
    /* Acquire pairs with the pin's release: the table is whole. */
    return atomic_load_explicit(&meta->open, memory_order_acquire);
}
/* Reads back a table that was just written, where it may be mapped, and pins it: damage is found
 * while what it was made of is still there, and its readers find it open, checked and in memory. */
LSM_CHECKED int lsm_tables_prove(struct lsm_tables *tables, struct lsm_table_meta *meta,
                                 struct lsm_fault *fault);
/* The table is no more: closes it when its last user is done, and drops its blocks. */
void lsm_tables_evict(struct lsm_tables *tables, uint64_t id);

/* ---- reading ---- */

/* Newest version of key at or below seq_max: 0 and *entry with *pin (to be released by the caller),
 * or LSM_NOT_FOUND. Counts bloom and cache use in `slot`. */
LSM_CHECKED int lsm_table_get(struct lsm_table *table, const uint8_t *key, size_t key_size,
                              uint64_t seq_max, bool fill_cache, struct lsm_counter_slot *slot,
                              struct lsm_entry *entry, struct lsm_pin **pin,
                              struct lsm_fault *fault);
/* The same with the key's lsm_filter_hash, for whoever has it already, and its aim; NULL: none. */
LSM_CHECKED int lsm_table_get_hashed(struct lsm_table *table, const uint8_t *key, size_t key_size,
                                     uint64_t hash, const struct lsm_index_aim *aim,
                                     uint64_t seq_max, bool fill_cache,
                                     struct lsm_counter_slot *slot, struct lsm_entry *entry,
                                     struct lsm_pin **pin, struct lsm_fault *fault);
/* False: the filter knows that no key of that hash is in the table. */
bool lsm_table_may_hold(const struct lsm_table *table, uint64_t hash);
/* Asks memory for what a get of that key reads first. */
void lsm_table_prefetch(const struct lsm_table *table, uint64_t hash);
/* Aims at the key in the table's index, where the filter is expected to let it pass, and asks
 * memory for what is read next. */
void lsm_table_aim(const struct lsm_table *table, const uint8_t *key, size_t key_size,
                   struct lsm_index_aim *aim);
/* Waits for that, and asks memory for the block. */
void lsm_table_prefetch_aimed(const struct lsm_table *table, const struct lsm_index_aim *aim);
/* A source over the table; takes over the reference. `queue`: read ahead through it (compaction, at
 * least 4 requests in flight), not NULL only in the thread that owns it; NULL: blocks come through
 * the cache. NULL result: out of memory. */
struct lsm_source *lsm_table_source(struct lsm_table *table, struct lsm_queue *queue,
                                    bool fill_cache, struct lsm_counter_slot *slot);
/* Leaves its table for another, as if it had just been made; takes over the reference. */
void lsm_table_source_move(struct lsm_source *source, struct lsm_table *table);
/* Why the newest failed source of this table failed; a source has only a code. */
void lsm_table_fault(const struct lsm_table *table, struct lsm_fault *fault);
/* Reads every block and checks order, checksums and counts against meta. */
LSM_CHECKED int lsm_table_verify(struct lsm_table *table, const struct lsm_table_meta *meta,
                                 struct lsm_fault *fault);
/* The same with a queue that the thread has already. */
LSM_CHECKED int lsm_table_verify_by(struct lsm_table *table, struct lsm_queue *queue,
                                    const struct lsm_table_meta *meta, struct lsm_fault *fault);

/* ---- merging ---- */

/* A source over many, in entry order; takes over the sources, also on failure. NULL: out of memory.
 * A failing input ends the merge with its status: nothing after an error may look like the end of
 * the data. */
struct lsm_source *lsm_merge_create(struct lsm_source **sources, size_t count);

#endif
