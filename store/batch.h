/* batch.h: operations that are applied together. A batch holds them as the log will: see wal.h
 * (lsm_op_encode). Threads: one at a time. */
#ifndef LSM_BATCH_H
#define LSM_BATCH_H

#include "lsm.h"

const uint8_t *lsm_batch_payload(const struct lsm_batch *batch);
uint64_t lsm_batch_payload_bytes(const struct lsm_batch *batch);
uint64_t
lsm_batch_largest(const struct lsm_batch *batch); /* key and value bytes of the largest entry */
size_t lsm_batch_puts(const struct lsm_batch *batch);

#endif
