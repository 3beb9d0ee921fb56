/* view.c: what a reader sees, referenced as one thing.
 *
 * A view is replaced whenever a memtable is sealed or the tree changes. A reader that references
 * one can take all the time it needs: nothing in it goes away. */
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
    return 0;
}
