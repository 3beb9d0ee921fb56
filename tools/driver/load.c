#include "load.h"

#include <stdlib.h>

#include "driver_check.h"
#include "keys.h"
#include "random.h"
#include "driver_worker.h"

/* Batches of about this size: large enough that a sync per batch does not count, small enough for
 * the smallest memtable. */
enum { BATCH_BYTES = 65536, REPORT_EVERY_NS = 500000000 };

/* Adds keys from *next on until the batch is full or the space is at its end. */
static int fill_batch(struct lsm_batch *batch, const struct driver_args *args, unsigned char *value,
                      struct driver_random *random, uint64_t *next) {
    char key[DRIVER_KEY_BYTES];
    lsm_batch_clear(batch);
    int rc = 0;
    do {
        driver_key_format(*next, key);
        driver_value_fill(value, args->value_bytes, random);
        rc = lsm_batch_put(batch, key, sizeof key, value, (size_t)args->value_bytes);
        *next += rc == 0;
    } while (rc == 0 && *next < args->key_space && lsm_batch_bytes(batch) < BATCH_BYTES);
    return rc;
}

int driver_load(struct lsm_db *db, const struct driver_args *args,
                const struct driver_load_progress *progress, uint64_t *keys) {
    DRIVER_ASSERT(args->key_space >= 1);
    *keys = 0;
    struct lsm_batch *batch = NULL;
    unsigned char *value = malloc(args->value_bytes > 0 ? (size_t)args->value_bytes : 1);
    if (value == NULL) {
        return LSM_ERR_MEMORY;
    }
    int rc = lsm_batch_create(&batch);
    if (rc != 0) {
        free(value);
        return rc;
    }
    struct driver_random random;
    driver_random_init(&random, args->seed, UINT64_MAX); /* no worker has this stream */
    driver_value_prepare(value, args->value_bytes);
    uint64_t reported_ns = driver_now_ns();
    uint64_t next = 0;
    while (rc == 0 && next < args->key_space && !atomic_load(progress->stop)) {
        rc = fill_batch(batch, args, value, &random, &next);
        if (rc == 0) {
            rc = lsm_write(db, NULL, batch);
        }
        if (rc == 0) {
            *keys = next;
        }
        uint64_t now = driver_now_ns();
        if (now - reported_ns >= REPORT_EVERY_NS) {
            reported_ns = now;
            progress->report(progress->context, *keys);
        }
    }
    lsm_batch_destroy(batch);
    free(value);
    return rc;
}
