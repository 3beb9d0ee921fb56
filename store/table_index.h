/* table_index.h: which block of a table may hold a key. It is what the file holds, plus an
 * eight-byte window of every separator, taken behind what all of them share: the search runs over
 * integers and touches the keys only where windows tie.
 *
 * Windows lie in groups of 30, each of them six cache lines with the places of its blocks; above
 * them stand each group's last window (the tops), and the last of each line of those (the steps),
 * small enough for the near caches even where tables are many. A group's lines are asked of memory
 * together, so a get waits once for the index, and needs no record of a block that it has seen
 * before. Groups of 7 in two lines under one array were as fast over 2 M entries; over 50 M most of
 * that array was in no near cache, and a get waited 400 ns for what it read of it, one after the
 * other.
 *
 * Groups and tops are always in memory. Records and separators, which are some three times as much,
 * need not be once they were checked: the index of a mapped table reads them in the mapping. There
 * they may be lost at any moment, or another program may write over them. So records are copied
 * before they are used and held against the groups, and what was read is believed only when its
 * pages are known to be good afterwards.
 *
 * Threads:    any, once made and moved.
 * Ownership:  the index owns what it was made from, until it has moved; a mapping is borrowed. */
#ifndef LSM_TABLE_INDEX_H
#define LSM_TABLE_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "grown.h"
#include "guard.h"
#include "status.h"
#include "table_format.h"

enum { LSM_INDEX_GROUP = 30, LSM_INDEX_LINE = 8 };
#define LSM_INDEX_PACKED (UINT32_C(1) << 31)
struct lsm_index_group {
    _Alignas(64) uint64_t window[LSM_INDEX_GROUP]; /* beyond the last: UINT64_MAX */
    uint64_t begin;                                /* offset of the first block */
    uint32_t exact;        /* a bit a block: a key of the same window comes after its separator */
    _Atomic uint32_t seen; /* a bit a block: it was found good, and is read in the mapping */
    uint32_t end[LSM_INDEX_GROUP]; /* of each block, from begin on; LSM_INDEX_PACKED: has a codec */
};
static_assert(sizeof(struct lsm_index_group) == 6 * 64, "six lines");
static_assert(offsetof(struct lsm_index_group, end) == 4 * 64, "windows and bits, then ends");
static_assert((uint64_t)LSM_INDEX_GROUP * LSM_BLOCK_LENGTH_MAX < LSM_INDEX_PACKED, "ends fit");

/* The last windows of a line of groups. */
struct lsm_index_tops {
    _Alignas(64) uint64_t window[LSM_INDEX_LINE]; /* beyond the last group: UINT64_MAX */
    uint64_t number[LSM_INDEX_LINE];              /* the same, as lsm_index_guess reads them */
};

struct lsm_index {
    /* What every search reads, together. */
    struct lsm_index_group *groups;
    struct lsm_index_tops *tops;
    uint64_t *steps;  /* the last window of each line */
    uint64_t *begins; /* where the first block of each line lies, and where the last one ends */
    size_t step_count;
    size_t group_count;
    size_t count;
    size_t prefix;
    uint8_t *shared; /* what all separators begin with: `prefix` bytes */

    struct lsm_grown room; /* which groups, tops and steps lie in */
    uint64_t first_number; /* of the first top */
    double groups_per;     /* half a number, were they spread evenly */
    uint64_t base;         /* how many bytes separators are made of */
    uint8_t rank[256];     /* of a byte among those */

    uint8_t *records, *keys; /* as in the file; records are not aligned */
    uint64_t keys_length;
    bool owned;                    /* to be freed */
    const struct lsm_guard *guard; /* of the mapping they are in; NULL: in memory */
    const uint8_t *footer;         /* in that mapping: gone when the file was cut */
};

/* Takes over `records` and `keys` (malloc'd), or borrows them until they move, if not `owned`.
 * `pool` may be NULL; else it is to outlive the index. They may be anything: `blocks_end` and
 * `keys_length` bound what they refer to. 0, LSM_ERR_MEMORY, or with the number of the bad record
 * in *bad LSM_ERR_CORRUPT or, for a codec that is not known here, LSM_ERR_VERSION; on failure both
 * are freed, if owned. */
LSM_CHECKED int lsm_index_make(struct lsm_index *index, uint8_t *records, size_t count,
                               uint8_t *keys, uint64_t keys_length, uint64_t blocks_end, bool owned,
                               struct lsm_page_pool *pool, size_t *bad);
void lsm_index_free(struct lsm_index *index);
uint64_t lsm_index_bytes(const struct lsm_index *index); /* of memory of its own */

/* The same records and keys in a mapping of the file whose footer is given: the index reads them
 * there from now on, and frees its own. REQUIRES: nobody else knows the index yet. */
void lsm_index_move(struct lsm_index *index, const struct lsm_guard *guard, uint8_t *records,
                    uint8_t *keys, const uint8_t *footer);
/* Records and keys are all there, as far as can be known: no page of them is lost, and the file
 * still has its end. */
bool lsm_index_is_whole(const struct lsm_index *index);

#define LSM_INDEX_LOST SIZE_MAX
/* The first block whose separator is at or after (key, seq): the only one that can hold the newest
 * version at or below seq. `count` when there is none; LSM_INDEX_LOST when separators that decide
 * are lost. */
size_t lsm_index_find(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                      uint64_t seq);

/* The same in two steps: as far as the near caches lead, and the rest. */
struct lsm_index_aim {
    uint64_t window; /* the key's, behind what all separators share */
    uint64_t number; /* the window, read as lsm_index_guess does */
    size_t group;    /* that holds its block; group_count: beyond the last */
    bool apart;      /* the key does not begin as all separators do: no window, no group */
};
/* Asks memory for what the second step reads. */
void lsm_index_aim(const struct lsm_index *index, const uint8_t *key, size_t key_size,
                   struct lsm_index_aim *aim);
size_t lsm_index_find_aimed(const struct lsm_index *index, const struct lsm_index_aim *aim,
                            const uint8_t *key, size_t key_size, uint64_t seq);
/* What that will likely find: the windows alone decide. */
size_t lsm_index_likely(const struct lsm_index *index, const struct lsm_index_aim *aim);
/* About where the key's block lies, guessed as lsm_index_guess does within a block; 0: no idea. */
uint64_t lsm_index_near(const struct lsm_index *index, const struct lsm_index_aim *aim);
/* How far into block i, in 1/65536 of it, the key may be that lsm_index_find led there: as far as
 * it is between the separators around the block, all of them read as numbers whose digits are the
 * bytes that the table's separators are made of. Where keys are spread evenly (hashes, random
 * numbers, counters, in binary, decimal or what else) that is right to within a few entries;
 * elsewhere it may be anything. */
uint32_t lsm_index_guess(const struct lsm_index *index, size_t i, const struct lsm_index_aim *aim);
/* Where block i lies, without its record. */
static inline uint64_t lsm_index_offset(const struct lsm_index *index, size_t i, size_t *length) {
    const struct lsm_index_group *group = &index->groups[i / LSM_INDEX_GROUP];
    size_t slot = i % LSM_INDEX_GROUP;
    uint32_t begin = slot > 0 ? group->end[slot - 1] & ~LSM_INDEX_PACKED : 0;
    *length = (group->end[slot] & ~LSM_INDEX_PACKED) - begin;
    return group->begin + begin;
}
/* Where the last block ends. */
static inline uint64_t lsm_index_end(const struct lsm_index *index) {
    size_t length;
    uint64_t offset = lsm_index_offset(index, index->count - 1, &length);
    return offset + length;
}
/* Block i has a codec. */
static inline bool lsm_index_is_packed(const struct lsm_index *index, size_t i) {
    return (index->groups[i / LSM_INDEX_GROUP].end[i % LSM_INDEX_GROUP] & LSM_INDEX_PACKED) != 0;
}
/* Block i was seen: found good in the mapping, to be read in place from now on. */
static inline bool lsm_index_was_seen(const struct lsm_index *index, size_t i) {
    const struct lsm_index_group *group = &index->groups[i / LSM_INDEX_GROUP];
    /* Acquire pairs with lsm_index_see: the bytes were found good by whoever set the bit. */
    uint32_t seen = atomic_load_explicit(&group->seen, memory_order_acquire);
    return (seen >> (i % LSM_INDEX_GROUP) & 1) != 0;
}
static inline void lsm_index_see(struct lsm_index *index, size_t i) {
    atomic_fetch_or_explicit(&index->groups[i / LSM_INDEX_GROUP].seen,
                             UINT32_C(1) << (i % LSM_INDEX_GROUP), memory_order_release);
}
/* Asks memory for the places of blocks from `begin` to `end`. */
static inline void lsm_index_prefetch_places(const struct lsm_index *index, size_t begin,
                                             size_t end) {
    size_t last = (end + LSM_INDEX_GROUP - 1) / LSM_INDEX_GROUP;
    for (size_t g = begin / LSM_INDEX_GROUP; g < last; g++) {
        __builtin_prefetch(&index->groups[g].begin);
        __builtin_prefetch(&index->groups[g].end[0]);
        __builtin_prefetch(&index->groups[g].end[64 / sizeof(uint32_t)]);
    }
}
/* Asks memory for record i. */
static inline void lsm_index_prefetch_record(const struct lsm_index *index, size_t i) {
    const uint8_t *record = index->records + i * sizeof(struct lsm_index_record);
    __builtin_prefetch(record);
    __builtin_prefetch(record + sizeof(struct lsm_index_record) - 1);
}
/* Copies record i. False: it is lost, or no longer what was checked. Of a true copy, offset,
 * length, raw_length, entries and codec fit together and the codec is known. */
LSM_CHECKED bool lsm_index_record(const struct lsm_index *index, size_t i,
                                  struct lsm_index_record *record);
/* Separator i against (key, seq), in entry order. False as above. */
LSM_CHECKED bool lsm_index_compare(const struct lsm_index *index, size_t i, const uint8_t *key,
                                   size_t key_size, uint64_t seq, int *order);

#endif
