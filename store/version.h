/* version.h: the tree at one moment: which tables lie in which level. Immutable once made.
 *
 * Level 0 holds overlapping tables, newest first. Levels from 1 on hold tables that do not share a
 * key, in key order.
 *
 * Threads:    immutable, so any. References are atomic.
 * Ownership:  a version holds a reference to each of its tables' metas. The last reference to a
 *             meta marked obsolete hands it to the sink given at create: its file can go. */
#ifndef LSM_VERSION_H
#define LSM_VERSION_H

#include "manifest.h"

struct lsm_span {
    uint64_t first, last;
};

struct lsm_level {
    struct lsm_table_meta **tables;
    size_t count;
    uint64_t bytes;
    /* Eight bytes of each first and last key, as numbers, behind the `prefix` bytes that all of
     * them share. They lie together: a search touches a table's own keys only where they tie. */
    struct lsm_span *spans;
    size_t prefix;
};

/* Takes over the last reference of a meta that no version or job holds any more. */
struct lsm_meta_sink {
    void (*gone)(void *context, struct lsm_table_meta *meta);
    void *context;
};

struct lsm_version {
    _Atomic uint32_t refs;
    const struct lsm_meta_sink *sink;
    struct lsm_level level[LSM_LEVELS_MAX];
    /* The levels from 1 on that hold tables. */
    uint8_t filled[LSM_LEVELS_MAX];
    uint32_t filled_count;
    bool bottom_heavy; /* the last of them holds at least seven eighths of all bytes */
};

/* An empty tree; NULL: out of memory. One reference. */
struct lsm_version *lsm_version_create(const struct lsm_meta_sink *sink);
void lsm_version_ref(struct lsm_version *version);
void lsm_version_unref(struct lsm_version *version);

void lsm_meta_ref(struct lsm_table_meta *meta);
void lsm_meta_unref(const struct lsm_meta_sink *sink, struct lsm_table_meta *meta);

/* `base` changed by `edit`, whose added metas the new version references (the edit keeps its own
 * reference to give up). Levels of moved metas are set by the caller under the database's lock.
 * CORRUPT when the edit does not fit. */
LSM_CHECKED int lsm_version_apply(const struct lsm_version *base, const struct lsm_edit *edit,
                                  struct lsm_version **version, struct lsm_fault *fault);

/* A search for the newest version of a key goes through these places in turn: the tables of level
 * 0, newest first, then one table of each level that holds some. */
static inline size_t lsm_version_places(const struct lsm_version *version) {
    return version->level[0].count + version->filled_count;
}
/* The table at that place, NULL if the key cannot be in it. */
struct lsm_table_meta *lsm_version_at(const struct lsm_version *version, size_t place,
                                      const uint8_t *key, size_t key_size);

/* Index of the first table in a sorted level whose last key is >= key; count when there is none. */
size_t lsm_level_find(const struct lsm_level *level, const uint8_t *key, size_t key_size);
/* Is any table of the level touching [first, last]? Works on any level. */
bool lsm_level_overlaps(const struct lsm_level *level, const uint8_t *first, size_t first_size,
                        const uint8_t *last, size_t last_size);
uint64_t lsm_version_bytes(const struct lsm_version *version);

#endif
