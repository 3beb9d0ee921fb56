/* publish_values.h: a part of publish.c: which counter is which metric. Threads: the sampler's. */
#ifndef LSM_PUBLISH_VALUES_H
#define LSM_PUBLISH_VALUES_H

#include "publish.h"

/* Sets everything that the engine itself counts. */
void lsm_publish_values(const struct scope_writer *writer, struct scope_sample *sample,
                        const struct lsm_stats *stats);

#endif
