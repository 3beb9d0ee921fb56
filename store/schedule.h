/* schedule.h: job records, manual compactions, and those in the middle of others, for schedule.c,
 * maintain.c and compact_run.c. Threads: see each. */
#ifndef LSM_SCHEDULE_H
#define LSM_SCHEDULE_H

#include "compact.h"

/* A new pending record; forgets the oldest finished ones. NULL: out of memory. REQUIRES: lock held.
 */
struct lsm_job_record *lsm_job_record_add(struct lsm_db *db, uint32_t level);
/* Queues a manual compaction; without background threads it stays pending for lsm_work_inline.
 * REQUIRES: lock held, manual_waiting raised for it. */
LSM_CHECKED int lsm_schedule_manual(struct lsm_db *db, struct lsm_job_record *record);
/* Waits for the level's tables and compacts them in this thread. REQUIRES: no lock, manual_waiting
 * raised for it. */
LSM_CHECKED int lsm_compact_manual(struct lsm_db *db, struct lsm_job_record *record,
                                   struct lsm_queue *queue, struct lsm_fault *fault);
/* In the middle of a long compaction, in its thread: one that is at most half as large, and what
 * hurts more by waiting. So they nest, a few deep. How it ends is its own affair. REQUIRES: no lock
 * held; async. */
void lsm_compact_between(const struct lsm_compaction *longer);

#endif
