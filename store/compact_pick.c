/* compact_pick.c: which tables to merge next: what is due by the policy, what a caller asked for,
 * and what is worth it when nothing is due. */
#include "check.h"
#include "compact_policy.h"

static const struct lsm_policy_ops *policy_of(const struct lsm_db *db) {
    switch (db->options.policy) {
    case LSM_LEVELED:
        return &lsm_policy_leveled;
    case LSM_TIERED:
        return &lsm_policy_tiered;
    case LSM_LAZY_LEVELED:
        return &lsm_policy_lazy_leveled;
    }
    return &lsm_policy_leveled; /* the options were checked at the open */
}

uint64_t lsm_level_target(const struct lsm_db *db, const struct lsm_version *version,
                          uint32_t level) {
    LSM_ASSERT(level >= 1 && level < LSM_LEVELS_MAX);
    return policy_of(db)->target(db, version, level);
}

double lsm_level_score(const struct lsm_db *db, const struct lsm_version *version, uint32_t level) {
    if (level + 1 >= db->options.max_levels) {
        return 0;
    }
    if (level == 0) {
        return (double)version->level[0].count / db->options.l0_trigger;
    }
    return (double)version->level[level].bytes / (double)lsm_level_target(db, version, level);
}

uint64_t lsm_debt(const struct lsm_db *db, const struct lsm_version *version) {
    return policy_of(db)->debt(db, version);
}

uint64_t lsm_level0_waiting(const struct lsm_db *db, const struct lsm_version *version) {
    return policy_of(db)->waiting(version);
}

bool lsm_compact_due(const struct lsm_db *db, const struct lsm_version *version) {
    return lsm_debt(db, version) > 0;
}

struct lsm_compaction *lsm_compact_pick(struct lsm_db *db) {
    struct lsm_compaction *c = policy_of(db)->pick(db, db->view->version);
    if (c != NULL) {
        c->automatic = true;
    }
    return c;
}

struct lsm_compaction *lsm_compact_pick_between(struct lsm_db *db, uint64_t bytes_max) {
    const struct lsm_policy_ops *policy = policy_of(db);
    struct lsm_compaction *c =
        policy->gather != NULL ? policy->gather(db, db->view->version, bytes_max) : NULL;
    if (c != NULL) {
        c->automatic = true;
    }
    return c;
}

struct lsm_compaction *lsm_compact_pick_level(struct lsm_db *db, uint32_t level, int *rc) {
    const struct lsm_version *version = db->view->version;
    LSM_ASSERT(level < db->options.max_levels);
    *rc = 0;
    if (version->level[level].count == 0) {
        return NULL;
    }
    uint32_t output = level + 1 < db->options.max_levels ? level + 1 : level;
    for (size_t i = 0; i < version->level[level].count; i++) {
        if (version->level[level].tables[i]->busy) {
            *rc = LSM_ERR_BUSY;
            return NULL;
        }
    }
    struct lsm_compaction *c = lsm_compact_begin(db, output);
    bool added = c != NULL && lsm_compact_add_level(c, version, level) &&
                 (output == level || lsm_compact_add_overlap(c, version));
    if (!added || lsm_compact_collides(c)) {
        *rc = c == NULL || c->no_memory ? LSM_ERR_MEMORY : LSM_ERR_BUSY;
        lsm_compact_discard(c);
        return NULL;
    }
    c->bound_overlap = db->options.policy == LSM_LEVELED;
    c = lsm_compact_seal(c);
    *rc = c == NULL ? LSM_ERR_MEMORY : 0;
    return c;
}

/* Nothing in any deeper level touches the table. */
static bool is_bottom(const struct lsm_version *version, uint32_t level,
                      const struct lsm_table_meta *meta) {
    for (uint32_t l = level + 1; l < LSM_LEVELS_MAX; l++) {
        if (lsm_level_overlaps(&version->level[l], meta->first_key, meta->first_key_size,
                               meta->last_key, meta->last_key_size)) {
            return false;
        }
    }
    return true;
}

/* Half of it or more are deletes, all old enough, none of them needed by a snapshot. */
static bool is_expired(struct lsm_db *db, const struct lsm_table_meta *meta) {
    if (meta->tombstones == 0 || meta->tombstones * 2 < meta->entries) {
        return false;
    }
    uint64_t oldest_snapshot =
        db->snapshots.next != &db->snapshots ? db->snapshots.next->seq : atomic_load(&db->visible);
    return meta->seq_max <= oldest_snapshot &&
           lsm_is_past_retention(db, meta->seq_max, lsm_io_unix_s(db->io));
}

static struct lsm_compaction *pick_expired(struct lsm_db *db, const struct lsm_version *version) {
    for (uint32_t l = 1; l < db->options.max_levels; l++) {
        for (size_t i = 0; i < version->level[l].count; i++) {
            struct lsm_table_meta *meta = version->level[l].tables[i];
            if (meta->busy || !is_expired(db, meta) || !is_bottom(version, l, meta)) {
                continue;
            }
            struct lsm_compaction *c = lsm_compact_begin(db, l);
            if (c == NULL || !lsm_compact_add(c, l, meta) || lsm_compact_collides(c)) {
                lsm_compact_discard(c);
                return NULL;
            }
            return lsm_compact_seal(c);
        }
    }
    return NULL;
}

struct lsm_compaction *lsm_compact_pick_idle(struct lsm_db *db, bool quiet) {
    const struct lsm_version *version = db->view->version;
    const struct lsm_policy_ops *policy = policy_of(db);
    struct lsm_compaction *c = pick_expired(db, version);
    if (c == NULL && quiet && policy->idle != NULL) {
        c = policy->idle(db, version);
    }
    if (c != NULL) {
        c->automatic = true;
    }
    return c;
}
