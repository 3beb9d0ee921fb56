/* shadow.h: how much of a flushed table overwrites what is in the tree already, and so what merging
 * it would win: a sample of its keys is asked of the filters of all older tables.
 *
 * Threads:    one.
 * Errors:     none; where nothing can be told, a key counts as overwritten. */
#ifndef LSM_SHADOW_H
#define LSM_SHADOW_H

#include "db.h"

struct lsm_shadow {
    struct lsm_db *db;
    const struct lsm_version *version; /* borrowed: everything that is older */
    uint64_t step, left;               /* one key in so many; until the next */
    uint64_t asked, found;
};

/* `entries`: about so many will be noted. */
void lsm_shadow_begin(struct lsm_shadow *shadow, struct lsm_db *db,
                      const struct lsm_version *version, uint64_t entries);
/* The newest version of the next key. */
void lsm_shadow_note(struct lsm_shadow *shadow, const struct lsm_entry *entry);
/* Of `entries`, about how many overwrite nothing. */
uint64_t lsm_shadow_fresh(const struct lsm_shadow *shadow, uint64_t entries);

#endif
