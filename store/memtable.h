/* memtable.h: the newest entries, in memory, found by their keys' hashes and, for who asks, in
 * order.
 *
 * Threads:    one inserter at a time (the commit lock sees to it), any number of readers beside it
 *             without a lock: an entry is published with a release store once it is whole.
 * Ownership:  reference counted: create gives one reference; a value found in it is pinned by
 *             another.
 * Memory:     keys and values lie where they were logged, in the log's mapping, which the memtable
 *             keeps, or else in an arena with the rest; nothing is moved or freed before the
 *             memtable. Arena blocks are pages of a pool, which must outlive the memtable. Why not
 *             a copy: it costs as much as the log's, and a memtable of 64 MiB takes 17 MiB of
 *             memory.
 * Invariant:  sequences ascend; an entry inserted is found from then on by every reader that
 *             looks with a sequence at or above its own. */
#ifndef LSM_MEMTABLE_H
#define LSM_MEMTABLE_H

#include "entry.h"
#include "page_pool.h"
#include "status.h"

struct lsm_memtable;

/* `bytes` it is expected to hold, about: filter and map are made for that many. */
LSM_CHECKED int lsm_memtable_create(struct lsm_page_pool *pool, uint64_t bytes,
                                    struct lsm_memtable **memtable, struct lsm_fault *fault);
void lsm_memtable_ref(struct lsm_memtable *memtable);
void lsm_memtable_unref(struct lsm_memtable *memtable);

/* Makes sure that the next inserts, `count` entries of together `bytes` of keys and values to be
 * copied (0: to be referred to), cannot fail. */
LSM_CHECKED int lsm_memtable_reserve(struct lsm_memtable *memtable, uint64_t count, uint64_t bytes,
                                     struct lsm_fault *fault);
/* Copies the entry. REQUIRES: reserved; seq above those inserted before. */
void lsm_memtable_insert(struct lsm_memtable *memtable, const struct lsm_entry *entry);
/* The same of an operation that lies elsewhere (wal_op.h), in what the memtable keeps. `hash`:
 * lsm_filter_hash of the key. */
void lsm_memtable_refer(struct lsm_memtable *memtable, uint64_t seq, const uint8_t *op,
                        uint64_t hash);
/* Keeps what `pin` holds until the memtable goes, and then releases it. *added: the reference was
 * taken over; else it is the newest one kept already. */
LSM_CHECKED int lsm_memtable_keep(struct lsm_memtable *memtable, struct lsm_pin *pin, bool *added,
                                  struct lsm_fault *fault);
/* What it keeps: at most `room` are copied, returns how many there are. REQUIRES: nothing is
 * inserted meanwhile. */
size_t lsm_memtable_kept(const struct lsm_memtable *memtable, struct lsm_pin **pins, size_t room);
/* Asks memory for what lsm_memtable_may_hold, lsm_memtable_get and lsm_memtable_refer read first.
 */
void lsm_memtable_prefetch(const struct lsm_memtable *memtable, uint64_t hash);
/* The same for lsm_memtable_may_hold alone, where that will mostly say no. */
void lsm_memtable_prefetch_filter(const struct lsm_memtable *memtable, uint64_t hash);
/* False: no entry of the key is there, at or below what was visible before the call. */
bool lsm_memtable_may_hold(const struct lsm_memtable *memtable, uint64_t hash);
/* Newest version of key with a sequence at most seq_max; its bytes live as long as the memtable. */
bool lsm_memtable_get(struct lsm_memtable *memtable, const uint8_t *key, size_t key_size,
                      uint64_t hash, uint64_t seq_max, struct lsm_entry *entry);
/* A pin that releases one reference, to be put into lsm_value: takes the reference. */
struct lsm_pin *lsm_memtable_pin(struct lsm_memtable *memtable);
/* A source over what was visible before the call, and perhaps more; holds a reference. Entries stay
 * valid while the memtable lives. The first one after insertions makes their order, as
 * memtable_order.h tells. NULL: out of memory. */
struct lsm_source *lsm_memtable_source(struct lsm_memtable *memtable);
/* All entries once, for a flush: a source that only goes first and next. It does not believe that
 * operations are still what was inserted: each is read by `reader`, and LSM_ERR_CORRUPT ends the
 * source when that says false; keys that were changed may stand anywhere. NULL: out of memory.
 * REQUIRES: nothing is inserted any more; the memtable outlives the source. */
struct lsm_op_reader {
    bool (*read)(const struct lsm_op_reader *reader, const uint8_t *op, struct lsm_entry *entry);
};
struct lsm_source *lsm_memtable_sorted(struct lsm_memtable *memtable,
                                       const struct lsm_op_reader *reader);

/* Keys, values and their overhead: 36 bytes an entry, and what the order takes where it was made.
 */
uint64_t lsm_memtable_bytes(const struct lsm_memtable *memtable);
uint64_t lsm_memtable_entries(const struct lsm_memtable *memtable);

#endif
