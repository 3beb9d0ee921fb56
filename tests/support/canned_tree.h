/* canned_tree.h: a run of a tree made up by arithmetic, the same on every machine: tables of every
 * level with sizes, ages and tombstones, a memtable that fills, jobs and changes at its end.
 *
 * Threads:    one.
 * Ownership:  the history belongs to the caller. */
#ifndef TESTS_CANNED_TREE_H
#define TESTS_CANNED_TREE_H

#include "history.h"

enum { CANNED_TREE_SECONDS = 60 };

struct canned_tree {
    size_t tables[SCOPE_MAX_LEVELS];
    size_t total;      /* of live tables; 0: as many as there are */
    bool job;          /* L1 -> L2 runs since 0.4 s before the end */
    bool flush;        /* a flush runs since 0.05 s before the end, its memtable is sealed */
    bool dropped;      /* L0's newest table was flushed 0.06 s before the end */
    bool one_key;      /* every table holds one key, the same */
    bool tiered;       /* the tables of a level overlap */
    bool no_memtables; /* nor targets: a publisher that knows tables only */
};

struct history *canned_tree(const struct canned_tree *tree);

#endif
