/* view.c: what a reader sees, referenced as one thing.
 *
 * A view is replaced whenever a memtable is sealed or the tree changes. A reader that references
 * one can take all the time it needs: nothing in it goes away.
 *
 * A get takes no lock and touches no counter that others touch: each thread keeps a reference in
 * its counter slot between its gets. Whoever installs a view takes the kept ones away. While a get
 * runs the slot says so; a view taken away meanwhile is found out when it is to be put back. */
#include <stdlib.h>

#include "check.h"
#include "db.h"

struct lsm_view *lsm_view_acquire(struct lsm_db *db) {
    pthread_mutex_lock(&db->lock);
    struct lsm_view *view = db->view;
    LSM_ASSERT(view != NULL);
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&db->lock);
    return view;
}

void lsm_view_release(struct lsm_db *db, struct lsm_view *view) {
    (void)db;
    if (view == NULL || atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) > 1) {
        return;
    }
    lsm_version_unref(view->version);
    lsm_memtable_unref(view->active);
    for (uint32_t i = 0; i < view->sealed_count; i++) {
        lsm_memtable_unref(view->sealed[i]);
    }
    free(view);
}

static char in_use; /* in a slot: its thread is reading */

struct lsm_view *lsm_view_borrow(struct lsm_db *db, struct lsm_counter_slot *slot) {
    if (!slot->shared) {
        /* What the reference stands for this thread has seen before, or the one that gave the slot
         * back to it. Pairs with the release in lsm_view_return all the same. */
        void *kept = atomic_exchange_explicit(&slot->view, &in_use, memory_order_acquire);
        LSM_ASSERT(kept != &in_use);
        if (kept != NULL) {
            return kept;
        }
    }
    return lsm_view_acquire(db);
}

void lsm_view_return(struct lsm_db *db, struct lsm_counter_slot *slot, struct lsm_view *view) {
    void *expected = &in_use;
    if (slot->shared ||
        !atomic_compare_exchange_strong_explicit(&slot->view, &expected, view, memory_order_release,
                                                 memory_order_relaxed)) {
        lsm_view_release(db, view);
    }
}

void lsm_view_forget(struct lsm_db *db) {
    for (struct lsm_counter_slot *slot = lsm_counters_first(db->counters); slot != NULL;
         slot = slot->next) {
        void *kept = atomic_exchange_explicit(&slot->view, NULL, memory_order_acq_rel);
        if (kept != NULL && kept != &in_use) {
            lsm_view_release(db, kept);
        }
    }
}

int lsm_view_install(struct lsm_db *db, struct lsm_version *version, struct lsm_view **old,
                     struct lsm_fault *fault) {
    struct lsm_view *view = calloc(1, sizeof *view);
    if (view == NULL) {
        return lsm_fail(fault, LSM_ERR_MEMORY, "out of memory for a view");
    }
    LSM_ASSERT(db->active.table != NULL);
    LSM_ASSERT(version != NULL || db->view != NULL);
    atomic_init(&view->refs, 1);
    if (version == NULL) {
        version = db->view->version;
        lsm_version_ref(version);
    }
    view->version = version;
    view->active = db->active.table;
    lsm_memtable_ref(view->active);
    for (uint32_t i = 0; i < db->sealed_count; i++) {
        view->sealed[i] = db->sealed[db->sealed_count - 1 - i].table;
        lsm_memtable_ref(view->sealed[i]);
    }
    view->sealed_count = db->sealed_count;
    *old = db->view;
    db->view = view;
    lsm_view_forget(db); /* what threads keep is *old, which has the database's own reference */
    return 0;
}
