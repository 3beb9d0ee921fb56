/* handle.c: what every public call does first and last: is the handle good, and what went wrong. */
#include "check.h"
#include "db.h"

_Atomic uint32_t lsm_forks = 1;

static void in_child(void) {
    atomic_fetch_add_explicit(&lsm_forks, 1, memory_order_relaxed);
}

static void watch_forks(void) {
    /* Fails only without memory; then forks go unnoticed, as they would without the check. */
    (void)pthread_atfork(NULL, NULL, in_child);
}

uint32_t lsm_fork_generation(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return atomic_load_explicit(&lsm_forks, memory_order_relaxed);
}

int lsm_enter(const struct lsm_db *db) {
    if (db == NULL) {
        return LSM_ERR_ARGUMENT;
    }
    return __builtin_expect(lsm_is_inherited(db), 0) ? LSM_ERR_FORKED : 0;
}

int lsm_leave(struct lsm_db *db, const struct lsm_fault *fault, int rc) {
    if (rc != 0 && rc != LSM_NOT_FOUND) {
        pthread_mutex_lock(&db->error_lock);
        db->error = *fault;
        db->error.code = rc;
        pthread_mutex_unlock(&db->error_lock);
    }
    return rc;
}

void lsm_error_detail(const struct lsm_db *db, char *text, size_t size) {
    if (text == NULL || size == 0) {
        return;
    }
    text[0] = '\0';
    if (lsm_enter(db) != 0) {
        return;
    }
    /* The lock is the one thing in a const handle that changes here. */
    struct lsm_db *mutable_db = (struct lsm_db *)(uintptr_t)db;
    pthread_mutex_lock(&mutable_db->error_lock);
    snprintf(text, size, "%s", db->error.text);
    pthread_mutex_unlock(&mutable_db->error_lock);
}
