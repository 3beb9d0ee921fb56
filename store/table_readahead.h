/* table_readahead.h: the blocks of a table from some place on, front to back, read in large pieces
 * of which several are in flight.
 *
 * A compaction knows that it walks to the end: it asks for all it may at once. A scan may stop at
 * any entry: it asks for little at first, and later for about as much as it has walked, so that no
 * more is read in vain.
 *
 * Threads:    the queue's.
 * Ownership:  bytes handed out stay until the next lsm_readahead_block or stop. */
#ifndef LSM_TABLE_READAHEAD_H
#define LSM_TABLE_READAHEAD_H

#include "flight.h"
#include "table_internal.h"

/* A piece is a run of whole blocks of together at most LSM_READAHEAD_BYTES, or one larger block.
 * One piece is walked while the others are in flight. */
enum { LSM_READAHEAD_BYTES = 128 << 10, LSM_READAHEAD_PIECES = 6 };
static_assert((int)LSM_READAHEAD_BYTES == (int)LSM_SLICE, "a piece is a slice");
static_assert(LSM_READAHEAD_PIECES > 4, "four in flight while one is walked");
/* What a scan asks for before it has walked anything; the pieces share what it may ask for, each of
 * so many bytes at least. */
enum { LSM_SCAN_BYTES = 32 << 10, LSM_SCAN_PIECE_MIN = 16 << 10 };

enum lsm_readahead_kind { LSM_READAHEAD_TO_THE_END, LSM_READAHEAD_SCAN };

struct lsm_piece {
    struct lsm_flight flight;
    uint8_t *data; /* allocated at first use */
    uint64_t capacity;
    bool sliced;         /* the data are a slice, else in the heap */
    size_t first, count; /* blocks */
};

struct lsm_readahead {
    struct lsm_table *table; /* borrowed */
    struct lsm_queue *queue;
    struct lsm_piece piece[LSM_READAHEAD_PIECES]; /* a ring */
    uint32_t head, used;                          /* the piece walked, and how many hold anything */
    uint64_t bytes;                               /* of the used pieces */
    size_t next;                                  /* first block not yet asked for */
    uint8_t *raw;                                 /* of the block stood on, where it is packed */
    uint64_t raw_capacity;
    enum lsm_readahead_kind kind;
    uint64_t walked; /* bytes since start, of a scan */
};

void lsm_readahead_init(struct lsm_readahead *ahead, struct lsm_table *table,
                        struct lsm_queue *queue, enum lsm_readahead_kind kind);
/* Begins to read from block i on, forgetting what was read before. */
void lsm_readahead_start(struct lsm_readahead *ahead, size_t i);
/* Goes on to block i. False: it was not asked for, since there was no memory, or since a scan met
 * blocks that need no request. REQUIRES: i as in start, then each following one in turn. */
bool lsm_readahead_reach(struct lsm_readahead *ahead, size_t i);
/* The same, and block i, checked, once it has come. */
LSM_CHECKED int lsm_readahead_block(struct lsm_readahead *ahead, size_t i,
                                    struct lsm_block_view *view, struct lsm_fault *fault);
/* Waits for what is in flight and frees everything. */
void lsm_readahead_stop(struct lsm_readahead *ahead);

#endif
