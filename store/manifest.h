/* manifest.h: the log of version edits MANIFEST-NNNNNN, and CURRENT, which names it. The bytes are
 * in manifest_format.h.
 *
 * Each edit is stamped with its time, so that the tree's whole evolution can be replayed from it.
 * An edit counts when it is synced; a torn last edit is cut off, damage before it is an error.
 *
 * Threads:    one at a time (the database's manifest lock). */
#ifndef LSM_MANIFEST_H
#define LSM_MANIFEST_H

#include "io.h"
#include "table_meta.h"

/* The sequence written at `unix_s`: see time_map.h. */
struct lsm_time_point {
    uint64_t seq;
    uint64_t unix_s;
};

struct lsm_edit_table {
    uint32_t level;
    struct lsm_table_meta *meta; /* borrowed when encoding; owned by the edit when decoded */
};
struct lsm_edit_removal {
    uint32_t level;
    uint64_t id;
};
struct lsm_edit_move {
    uint32_t from, to;
    uint64_t id;
};

/* A change of the tree. Zeroed fields say nothing. Arrays are malloc'd, grown by lsm_edit_*. */
struct lsm_edit {
    uint64_t unix_ms;
    uint64_t job;        /* what made it; 0 none */
    uint64_t log_number; /* segments below are no longer needed; 0: unchanged */
    uint64_t next_file;  /* 0: unchanged */
    uint64_t last_seq;   /* every sequence up to it is in the tree; 0: unchanged */
    uint32_t max_levels; /* in the first edit of a manifest */
    struct lsm_edit_table *added;
    size_t added_count;
    struct lsm_edit_removal *removed;
    size_t removed_count;
    struct lsm_edit_move *moved;
    size_t moved_count;
    struct lsm_time_point *times;
    size_t times_count;
};
void lsm_edit_init(struct lsm_edit *edit);
void lsm_edit_free(struct lsm_edit *edit, bool free_metas);
LSM_CHECKED int lsm_edit_add(struct lsm_edit *edit, uint32_t level, struct lsm_table_meta *meta);
LSM_CHECKED int lsm_edit_remove(struct lsm_edit *edit, uint32_t level, uint64_t id);
LSM_CHECKED int lsm_edit_move(struct lsm_edit *edit, uint32_t from, uint32_t to, uint64_t id);
LSM_CHECKED int lsm_edit_time(struct lsm_edit *edit, uint64_t seq, uint64_t unix_s);

struct lsm_table_meta *lsm_table_meta_create(void); /* zeroed, one reference; NULL: out of memory */
void lsm_table_meta_free(struct lsm_table_meta *meta);

struct lsm_manifest;
/* Writes a manifest that begins with `snapshot` (the whole tree as one edit), syncs it, and makes
 * CURRENT name it. */
LSM_CHECKED int lsm_manifest_create(struct lsm_io *io, const char *directory, uint64_t number,
                                    const struct lsm_edit *snapshot, struct lsm_manifest **manifest,
                                    struct lsm_fault *fault);
/* Appends and syncs. A failure is final: the manifest refuses everything after it. */
LSM_CHECKED int lsm_manifest_append(struct lsm_manifest *manifest, const struct lsm_edit *edit,
                                    struct lsm_fault *fault);
uint64_t lsm_manifest_bytes(const struct lsm_manifest *manifest);
uint64_t lsm_manifest_number(const struct lsm_manifest *manifest);
void lsm_manifest_close(struct lsm_manifest *manifest);

/* Finds the manifest CURRENT names: LSM_NOT_FOUND when there is no CURRENT. */
LSM_CHECKED int lsm_manifest_current(struct lsm_io *io, const char *directory, uint64_t *number,
                                     struct lsm_fault *fault);
/* Visits every intact edit in order; `edit` is freed after the call except for the metas, which the
 * visitor takes over. */
typedef int (*lsm_edit_visit)(void *context, struct lsm_edit *edit, struct lsm_fault *fault);
LSM_CHECKED int lsm_manifest_read(struct lsm_io *io, const char *directory, uint64_t number,
                                  lsm_edit_visit visit, void *context, struct lsm_fault *fault);

/* ---- file names ---- */

enum lsm_file_kind {
    LSM_NAME_OTHER,
    LSM_NAME_WAL,
    LSM_NAME_TABLE,
    LSM_NAME_MANIFEST,
    LSM_NAME_CURRENT,
    LSM_NAME_LOCK,
    LSM_NAME_TEMP
};
enum { LSM_PATH_MAX = 4096 };
/* Writes "directory/000012.wal" and the like into path[LSM_PATH_MAX]; lsm_open has checked that
 * every name fits. */
void lsm_file_name(char *path, const char *directory, enum lsm_file_kind kind, uint64_t number);
/* What a name in the directory is; *number for the numbered kinds. */
enum lsm_file_kind lsm_file_kind_of(const char *name, uint64_t *number);

#endif
