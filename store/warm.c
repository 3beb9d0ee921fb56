#include "warm.h"

enum {
    TABLES_MAX = 256,        /* 16 GiB of tables of the default size: the upper levels first */
    BYTES_MIN = 1024 * 1024, /* a smaller one is opened in no time */
};

/* The uppermost large table that is not pinned, one that nobody opens already if there is; NULL:
 * all are.
 */
static struct lsm_table_meta *next_table(struct lsm_db *db, const struct lsm_version *version) {
    struct lsm_table_meta *opening = NULL;
    for (uint32_t l = 0; l < LSM_LEVELS_MAX; l++) {
        const struct lsm_level *level = &version->level[l];
        for (size_t i = 0; i < level->count; i++) {
            struct lsm_table_meta *meta = level->tables[i];
            if (lsm_table_pinned(meta) != NULL || meta->bytes < BYTES_MIN) {
                continue;
            }
            if (!lsm_tables_is_opening(db->tables, meta->id)) {
                return meta;
            }
            opening = meta;
        }
    }
    return opening;
}

static bool open_one(struct lsm_db *db) {
    struct lsm_view *view = lsm_view_acquire(db);
    struct lsm_table_meta *meta = next_table(db, view->version);
    bool opened = meta != NULL && lsm_tables_open_ahead(db->tables, meta);
    lsm_view_release(db, view);
    return opened;
}

static void warm_job(void *argument, struct lsm_queue *queue) {
    (void)queue;
    struct lsm_db *db = argument;
    bool opened = open_one(db);
    pthread_mutex_lock(&db->lock);
    db->warm_left = opened && !db->closing ? db->warm_left - 1 : 0;
    if (db->warm_left > 0) {
        lsm_worker_add(db->worker, LSM_JOB_COMPACT, warm_job, db);
    } else {
        lsm_cond_broadcast(&db->changed);
    }
    pthread_mutex_unlock(&db->lock);
}

void lsm_warm_begin(struct lsm_db *db) {
    if (!lsm_io_has_threads(db->io)) {
        return;
    }
    /* Half of what may be open can be pinned. */
    uint32_t most = db->options.tables_open_max / 2;
    pthread_mutex_lock(&db->lock);
    db->warm_left = most < TABLES_MAX ? most : TABLES_MAX;
    lsm_worker_add(db->worker, LSM_JOB_COMPACT, warm_job, db);
    pthread_mutex_unlock(&db->lock);
}
