/* schedule.h: job records and manual compactions, for schedule.c and job.c. Threads: see each. */
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

#endif
