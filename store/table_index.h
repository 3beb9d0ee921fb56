/* table_index.h: which block of a table may hold a key. In memory it is what the file holds, plus
 * an eight-byte window of every separator, taken behind what all of them share: the search runs
 * over integers and touches the keys only where windows tie.
 *
 * Windows lie in groups of two cache lines, beside the offsets of their blocks; above them each
 * group's last window stands in an array small enough for the near caches. So a get waits once for
 * the index, and needs no record of a block that it has seen before.
 *
 * Threads:    any, once made. Ownership: the index owns what it was made from. */
#ifndef LSM_TABLE_INDEX_H
#define LSM_TABLE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "table_format.h"

enum { LSM_INDEX_GROUP = 7 };
struct lsm_index_group {
    _Alignas(128) uint64_t window[LSM_INDEX_GROUP]; /* beyond the last: UINT64_MAX */
    uint64_t offset[LSM_INDEX_GROUP + 1];           /* of the blocks, and of what follows */
    uint64_t unused;
};
static_assert(sizeof(struct lsm_index_group) == 128, "a pair of lines");

struct lsm_index {
    struct lsm_index_record *records;
    uint8_t *keys;
    struct lsm_index_group *groups;
    uint64_t *tops; /* the last window of each group */
    size_t group_count;
    size_t count;
    size_t prefix; /* bytes that all separators share */
};

/* Takes over `records` and `keys` (malloc'd), which may be anything: `blocks_end` and `keys_length`
 * bound what they refer to. 0, LSM_ERR_MEMORY, or with the number of the bad record in *bad
 * LSM_ERR_CORRUPT or, for a codec that is not known here, LSM_ERR_VERSION; on failure both are
 * freed. */
int lsm_index_make(struct lsm_index *index, struct lsm_index_record *records, size_t count,
                   uint8_t *keys, uint64_t keys_length, uint64_t blocks_end, size_t *bad);
void lsm_index_free(struct lsm_index *index);
uint64_t lsm_index_bytes(const struct lsm_index *index); /* of memory */

/* The first block whose separator is at or after (key, seq): the only one that can hold the newest
 * version at or below seq. `count` when there is none. */
size_t lsm_index_find(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                      uint64_t seq);
/* Asks memory for the group that lsm_index_find of the key reads. */
void lsm_index_prefetch(const struct lsm_index *index, const uint8_t *key, size_t key_size);
/* How far into block i, in 1/65536 of it, the key may be that lsm_index_find led there: as far as
 * it is between the separators around the block. Where keys are spread evenly (hashes, random
 * numbers, counters) that is right to within a few entries; elsewhere it may be anything. */
uint32_t lsm_index_guess(const struct lsm_index *index, size_t i, const uint8_t *key,
                         size_t key_size);
/* Where block i lies, without its record. */
static inline uint64_t lsm_index_offset(const struct lsm_index *index, size_t i, size_t *length) {
    const uint64_t *offset = &index->groups[i / LSM_INDEX_GROUP].offset[i % LSM_INDEX_GROUP];
    *length = (size_t)(offset[1] - offset[0]);
    return offset[0];
}
/* The separator's key. */
static inline const uint8_t *lsm_index_key(const struct lsm_index *index, size_t i, size_t *size) {
    uint64_t begin = i == 0 ? 0 : index->records[i - 1].key_end;
    *size = (size_t)(index->records[i].key_end - begin);
    return index->keys + begin;
}

#endif
