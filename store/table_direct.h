/* table_direct.h: the first blocks of a cold table, past the page cache.
 *
 * A read through the page cache costs the processor about five microseconds where a direct one
 * costs two: pages are found, entered, mapped to a request and copied from. A batch of cold keys
 * waits for the processor more than for the disk, so blocks that it reads of a table that was found
 * cold when it was opened come directly. They are kept nowhere (memory for them in the block cache
 * would cost more than the page cache does), so only so many reads do, an eighth of the table's
 * blocks: who goes on reading has it in the page cache soon, from where it is read in place. Rounds
 * of 5000 random keys in batches of 64 right after a cold start, medians of four alternating runs:
 * 90 k keys a second and 5.7 us of the processor for each, 64 k and 9.0 us through the page
 * cache.
 *
 * Threads:    any, once the table is open. */
#ifndef LSM_TABLE_DIRECT_H
#define LSM_TABLE_DIRECT_H

#include "table_internal.h"

/* Looks where a table that has just been mapped is, and prepares for direct reads if it is not in
 * memory. Best effort. */
void lsm_table_look_whether_cold(struct lsm_table *table);

/* The whole sectors around some bytes of a file. */
struct lsm_direct_span {
    uint64_t offset;
    uint32_t length;
    uint32_t skip; /* to the bytes */
};
/* True: the block at these bytes is to be read by this span of table->direct, once. */
bool lsm_table_take_direct(struct lsm_table *table, uint64_t offset, uint32_t length,
                           struct lsm_direct_span *span);

#endif
