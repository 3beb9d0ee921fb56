/* compact.h: one compaction: what goes in, where it comes out, and why.
 *
 * Threads:    pick and release under the database's lock; run in one thread without it.
 * Invariants: a table is input of at most one running compaction (meta->busy). Tables of one
 *             level from 1 on never share a user key, so all versions of a key lie in one table
 *             of a level: each such level is one sorted run, whatever the policy, and an older
 *             version never lies above a newer one. Jobs with the same output level from 1 on
 *             have disjoint key ranges: an output may span the gaps between inputs. A job that
 *             comes out in level 0 reads neighbours in age there and makes one table of them:
 *             level 0 stays sorted by age. */
#ifndef LSM_COMPACT_H
#define LSM_COMPACT_H

#include "db.h"

/* First and last key; the bytes are those of tables that somebody references. */
struct lsm_key_range {
    const uint8_t *first, *last;
    uint32_t first_size, last_size;
};

/* What goes in from one level; referenced. */
struct lsm_compact_side {
    uint32_t level;
    size_t count;
    struct lsm_table_meta **metas;
};

struct lsm_compaction {
    struct lsm_db *db;
    struct lsm_compaction *next; /* of db->picked */
    struct lsm_job_record *record;
    uint32_t level;  /* uppermost input level */
    uint32_t output; /* at or below every input level */
    bool trivial;    /* nothing to merge: tables change their level, and only the manifest */
    bool automatic;
    bool no_memory;     /* an input could not be added for want of it */
    bool bound_overlap; /* outputs are cut where they overlap too much of the level beneath */
    struct lsm_compact_side side[LSM_LEVELS_MAX]; /* downwards */
    uint32_t side_count;
    struct lsm_key_range range;               /* of all inputs, and so of what comes out */
    uint64_t seq_min, seq_max;                /* of all inputs */
    uint64_t bytes_in, entries_in, bytes_out; /* out: set by a run that succeeded */
    struct lsm_version *base;                 /* the tree at the start: what lies beneath */
    uint64_t
        *snapshots; /* sequences that must stay readable, ascending; the last is what was visible */
    size_t snapshot_count;
    uint64_t now_s;
};

/* Tables that go in. */
size_t lsm_compact_inputs(const struct lsm_compaction *compaction);

/* ---- what the policy says; see compact_policy.h ---- */

/* Bytes at which a level from 1 on asks for compaction; UINT64_MAX: it never does by size. */
uint64_t lsm_level_target(const struct lsm_db *db, const struct lsm_version *version,
                          uint32_t level);
/* How urgently a level asks: 1 and above is due. */
double lsm_level_score(const struct lsm_db *db, const struct lsm_version *version, uint32_t level);
/* Is any compaction due? When nothing is under way one can then be picked. */
bool lsm_compact_due(const struct lsm_db *db, const struct lsm_version *version);

/* ---- picking: compact_pick.c ---- */

/* The most urgent compaction that collides with no running one, its inputs marked busy; NULL: none
 * is due (or memory is out). REQUIRES: lock held. */
struct lsm_compaction *lsm_compact_pick(struct lsm_db *db);
/* One that is at most so large, while a longer one runs; NULL: none is due. REQUIRES: lock held. */
struct lsm_compaction *lsm_compact_pick_between(struct lsm_db *db, uint64_t bytes_max);
/* All of a level into the next (or into itself, when it is the last). NULL with *rc 0: the level is
 * empty; NULL with LSM_ERR_BUSY: inputs are taken, try again. REQUIRES: lock held. */
struct lsm_compaction *lsm_compact_pick_level(struct lsm_db *db, uint32_t level, int *rc);
/* When nothing is due: a bottom table full of deletes that nobody needs any more, to be rewritten;
 * and when nothing has been written either (`quiet`), what the policy has to win space with.
 * REQUIRES: lock held. */
struct lsm_compaction *lsm_compact_pick_idle(struct lsm_db *db, bool quiet);
/* Un-marks and frees. REQUIRES: lock held. Metas may lose their last reference: purge later. */
void lsm_compact_release(struct lsm_compaction *compaction);

/* Merges, writes, installs. Output files are removed again on failure. */
LSM_CHECKED int lsm_compact_run(struct lsm_compaction *compaction, struct lsm_queue *queue,
                                struct lsm_fault *fault);

/* drop.c: what a merge may leave out. */
struct lsm_drop {
    const struct lsm_compaction *compaction;
    const uint64_t *snapshots;
    size_t snapshot_count;
    uint8_t *key_copy; /* of the previous entry */
    uint32_t key_size, key_room;
    bool any;
    uint64_t
        newer_seq; /* of the previous entry: the next newer version, when it has the same key */
    uint64_t tombstones_dropped;
};
void lsm_drop_init(struct lsm_drop *drop, const struct lsm_compaction *compaction,
                   const uint64_t *snapshots, size_t count);
void lsm_drop_free(struct lsm_drop *drop);
/* May this entry, next in entry order, be left out? *same_key: it has the previous entry's key.
 * MEMORY when out of it; CORRUPT: it does not come after the previous one. */
LSM_CHECKED int lsm_drop_decide(struct lsm_drop *drop, const struct lsm_entry *entry, bool *dropped,
                                bool *same_key);

/* Were all writes up to that sequence made so long ago that a delete among them may go? */
bool lsm_is_past_retention(struct lsm_db *db, uint64_t seq, uint64_t now_s);

/* Sequences that must stay readable: open snapshots and what is visible now, ascending, malloc'd.
 * REQUIRES: lock held. */
LSM_CHECKED int lsm_snapshots_list(struct lsm_db *db, uint64_t **snapshots, size_t *count);

#endif
