/* progress.h: the words shown while a run goes on.
 *
 * Threads:    pure. */
#ifndef DRIVER_PROGRESS_H
#define DRIVER_PROGRESS_H

#include <stdint.h>

#include "driver_args.h"
#include "lsm.h"
#include "text.h"

/* Before the start: what will run, on what. `tables` and `bytes` of a database that is continued.
 */
void driver_greeting(struct driver_page *page, const struct driver_args *args,
                     const struct lsm_stats *stats, int existed);
/* One line: rates over `interval_ns` since `before`, and the tree of now. */
void driver_progress(struct driver_page *page, const struct driver_args *args,
                     const struct lsm_stats *before, const struct lsm_stats *now,
                     uint64_t interval_ns, uint64_t since_start_ns);
/* "put 5,000/s, get max": for the greeting and for viewers. */
void driver_workload_text(struct driver_page *page, const struct driver_args *args);

#endif
