/* snapshot.c: sequences that must stay readable. Open ones are kept in a list, oldest first, so
 * that a compaction can take all of them at one moment with the newest visible one. */
#include <stdlib.h>

#include "check.h"
#include "compact.h"

int lsm_snapshot_create(struct lsm_db *db, struct lsm_snapshot **snapshot) {
    int rc = lsm_enter(db);
    if (rc != 0) {
        return rc;
    }
    struct lsm_snapshot *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return LSM_ERR_MEMORY;
    }
    made->db = db;
    pthread_mutex_lock(&db->lock);
    /* Under the lock: a compaction that begins now either sees this snapshot or is seen by it. */
    made->seq = atomic_load_explicit(&db->visible, memory_order_acquire);
    made->prev = db->snapshots.prev;
    made->next = &db->snapshots;
    made->prev->next = made;
    db->snapshots.prev = made;
    db->snapshot_count++;
    pthread_mutex_unlock(&db->lock);
    *snapshot = made;
    return 0;
}

void lsm_snapshot_release(struct lsm_snapshot *snapshot) {
    if (snapshot == NULL || lsm_enter(snapshot->db) != 0) {
        return;
    }
    struct lsm_db *db = snapshot->db;
    pthread_mutex_lock(&db->lock);
    snapshot->prev->next = snapshot->next;
    snapshot->next->prev = snapshot->prev;
    LSM_ASSERT(db->snapshot_count > 0);
    db->snapshot_count--;
    pthread_mutex_unlock(&db->lock);
    free(snapshot);
}

uint64_t lsm_snapshot_sequence(const struct lsm_snapshot *snapshot) {
    return snapshot->seq;
}

int lsm_snapshots_list(struct lsm_db *db, uint64_t **snapshots, size_t *count) {
    uint64_t *list = malloc((db->snapshot_count + 1) * sizeof *list);
    if (list == NULL) {
        return LSM_ERR_MEMORY;
    }
    size_t n = 0;
    for (const struct lsm_snapshot *s = db->snapshots.next; s != &db->snapshots; s = s->next) {
        if (n == 0 || list[n - 1] != s->seq) {
            list[n++] = s->seq;
        }
    }
    uint64_t visible = atomic_load_explicit(&db->visible, memory_order_acquire);
    if (n == 0 || list[n - 1] != visible) {
        list[n++] = visible;
    }
    *snapshots = list;
    *count = n;
    return 0;
}
