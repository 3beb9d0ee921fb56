/* drop.c: what a flush or a compaction may leave out.
 *
 * An older version of a key goes when nobody can ask for it: no snapshot lies between it and the
 * next newer version. A tombstone goes when all of these hold:
 *   - nothing older of its key can lie beneath it: no table outside the job in the output level or
 * below touches the key (level 0 and sealed memtables hold only newer entries: tables are made in
 * age order; where the output is in level 0, that is so for the tables that are not older);
 *   - its sequence is at most the oldest snapshot's, so that no reader needs it to hide something
 * in the job;
 *   - it is older than the retention. Only a bound of its age is known; the later bound counts. */
#include <stdlib.h>

#include "check.h"
#include "compact.h"

void lsm_drop_init(struct lsm_drop *drop, const struct lsm_compaction *compaction,
                   const uint64_t *snapshots, size_t count) {
    LSM_ASSERT(count > 0);
    *drop = (struct lsm_drop){
        .compaction = compaction, .snapshots = snapshots, .snapshot_count = count};
}

void lsm_drop_free(struct lsm_drop *drop) {
    free(drop->key_copy);
}

/* The oldest snapshot at or after seq; UINT64_MAX when there is none. */
static uint64_t seen_by(const struct lsm_drop *drop, uint64_t seq) {
    size_t lo = 0, hi = drop->snapshot_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (drop->snapshots[mid] < seq) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < drop->snapshot_count ? drop->snapshots[lo] : UINT64_MAX;
}

/* In a table of level 0 that is older than a job within it. */
static bool lies_older(const struct lsm_compaction *c, const struct lsm_entry *entry) {
    const struct lsm_level *level0 = &c->base->level[0];
    for (size_t i = level0->count; i > 0 && level0->tables[i - 1]->seq_max < c->seq_min; i--) {
        const struct lsm_table_meta *meta = level0->tables[i - 1];
        if (lsm_key_compare(meta->first_key, meta->first_key_size, entry->key, entry->key_size) <=
                0 &&
            lsm_key_compare(meta->last_key, meta->last_key_size, entry->key, entry->key_size) >=
                0) {
            return true;
        }
    }
    return false;
}

static bool lies_beneath(const struct lsm_compaction *c, const struct lsm_entry *entry) {
    if (c->output == 0 && lies_older(c, entry)) {
        return true;
    }
    /* A table of the output level that holds the key is an input of the job: the invariant of
     * levels. */
    for (uint32_t l = c->output + 1; l < LSM_LEVELS_MAX; l++) {
        const struct lsm_level *level = &c->base->level[l];
        size_t i = lsm_level_find(level, entry->key, entry->key_size);
        if (i == level->count) {
            continue;
        }
        const struct lsm_table_meta *meta = level->tables[i];
        if (lsm_key_compare(meta->first_key, meta->first_key_size, entry->key, entry->key_size) <=
            0) {
            return true;
        }
    }
    return false;
}

bool lsm_is_past_retention(struct lsm_db *db, uint64_t seq, uint64_t now_s) {
    uint64_t retention = db->options.tombstone_retention_s;
    if (retention == 0) {
        return true;
    }
    uint64_t earliest, latest;
    lsm_time_map_bounds(&db->times, seq, &earliest, &latest);
    return latest <= now_s && now_s - latest >= retention; /* UINT64_MAX: not known, or for ever */
}

static int remember_key(struct lsm_drop *drop, const struct lsm_entry *entry) {
    if (drop->key_room < entry->key_size) {
        uint32_t room = entry->key_size < 64 ? 64 : 2 * entry->key_size;
        uint8_t *copy = realloc(drop->key_copy, room);
        if (copy == NULL) {
            return LSM_ERR_MEMORY;
        }
        drop->key_copy = copy;
        drop->key_room = room;
    }
    lsm_copy_short(drop->key_copy, entry->key, entry->key_size);
    drop->key_size = entry->key_size;
    drop->any = true;
    return 0;
}

int lsm_drop_decide(struct lsm_drop *drop, const struct lsm_entry *entry, bool *dropped,
                    bool *same_key) {
    int order = drop->any
                    ? lsm_key_compare(drop->key_copy, drop->key_size, entry->key, entry->key_size)
                    : -1;
    *dropped = false;
    *same_key = order == 0;
    if (order > 0 || (*same_key && entry->seq > drop->newer_seq)) {
        return LSM_ERR_CORRUPT;
    }
    if (*same_key) {
        /* Whoever may ask for this version is answered by the newer one. Of versions that are not
         * visible yet (their writers wait for the device) nobody knows in which steps they will be:
         * they all stay. */
        uint64_t reader = seen_by(drop, entry->seq);
        *dropped = reader != UINT64_MAX && reader == seen_by(drop, drop->newer_seq);
        if (!*dropped && entry->seq == drop->newer_seq) {
            return LSM_ERR_CORRUPT;
        }
    } else {
        int rc = remember_key(drop, entry);
        if (rc != 0) {
            return rc;
        }
    }
    drop->newer_seq = entry->seq;
    const struct lsm_compaction *c = drop->compaction;
    if (!*dropped && c != NULL && entry->type == LSM_TYPE_DELETE &&
        entry->seq <= drop->snapshots[0] && !lies_beneath(c, entry) &&
        lsm_is_past_retention(c->db, entry->seq, c->now_s)) {
        *dropped = true;
        drop->tombstones_dropped++;
    }
    return 0;
}
