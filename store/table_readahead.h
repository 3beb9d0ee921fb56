/* table_readahead.h: the blocks of a table from some place on, front to back, read in large pieces
 * of which several are in flight.
 *
 * Threads:    the queue's. Ownership: bytes handed out stay until the next lsm_readahead_block or
 * stop. */
#ifndef LSM_TABLE_READAHEAD_H
#define LSM_TABLE_READAHEAD_H

#include "flight.h"
#include "table_internal.h"

/* A piece is a run of whole blocks of together at most LSM_READAHEAD_BYTES, or one larger block.
 * One piece is walked while the others are in flight. */
enum { LSM_READAHEAD_BYTES = 256 << 10, LSM_READAHEAD_PIECES = 6 };
static_assert(LSM_READAHEAD_PIECES > 4, "four in flight while one is walked");

struct lsm_piece {
    struct lsm_flight flight;
    uint8_t *data; /* allocated at first use */
    uint64_t capacity;
    size_t first, count; /* blocks */
};

struct lsm_readahead {
    struct lsm_table *table; /* borrowed */
    struct lsm_queue *queue;
    struct lsm_piece piece[LSM_READAHEAD_PIECES]; /* a ring */
    uint32_t head, used;                          /* the piece walked, and how many hold anything */
    uint64_t bytes;                               /* of the used pieces */
    size_t next;                                  /* first block not yet asked for */
};

void lsm_readahead_init(struct lsm_readahead *ahead, struct lsm_table *table,
                        struct lsm_queue *queue);
/* Begins to read from block i on, forgetting what was read before. */
void lsm_readahead_start(struct lsm_readahead *ahead, size_t i);
/* Block i, checked. REQUIRES: i as in start, then each following one in turn. */
LSM_CHECKED int lsm_readahead_block(struct lsm_readahead *ahead, size_t i,
                                    struct lsm_block_view *view, struct lsm_fault *fault);
/* Waits for what is in flight and frees everything. */
void lsm_readahead_stop(struct lsm_readahead *ahead);

#endif
