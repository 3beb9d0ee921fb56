/* load.h: fills an empty database with the whole key space, in order, before the clock starts.
 *
 * Threads:    the caller's. Nothing of it is paced, published or written to the CSV. */
#ifndef DRIVER_LOAD_H
#define DRIVER_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "driver_args.h"
#include "lsm.h"

struct driver_load_progress {
    void (*report)(void *context, uint64_t keys); /* now and then */
    void *context;
    const _Atomic bool *stop;
};

/* 0 or the engine's code; *keys tells how many keys were written, also when stopped or failed. */
int driver_load(struct lsm_db *db, const struct driver_args *args,
                const struct driver_load_progress *progress, uint64_t *keys);

#endif
