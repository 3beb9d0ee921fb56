/* warm.h: tables are opened ahead of their first reader.
 *
 * The first key that is looked for in a cold table waits for its filter and index, a few
 * milliseconds a table. After an open a background thread opens table after table, from the top of
 * the tree, and keeps them pinned; a flush or compaction that comes up goes before the next one.
 * What cannot be opened is left to whoever reads it, who is told why.
 *
 * Threads:    the database's workers; nothing is done where there are none. */
#ifndef LSM_WARM_H
#define LSM_WARM_H

#include "db.h"

/* REQUIRES: the workers stand. */
void lsm_warm_begin(struct lsm_db *db);

#endif
