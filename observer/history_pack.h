/* history_pack.h: a block of one column, packed.
 *
 * A block is HISTORY_BLOCK_ROWS values and the knowledge of which of them are present. It is packed
 * as whichever of these is smallest:
 *
 *   values   each value less the smallest one, in `width` bits
 *   steps    each difference to the value before, less the smallest one, in `width` bits
 *   zigzag   each difference, its sign folded into the lowest bit, in `width` bits; those that need
 *            more stand as they are in a list of exceptions: gauges that jump now and then
 *
 * A block of equal values, or of values that rise evenly, has a width of 0 and needs no memory
 * beside the struct.
 *
 * Threads:    pure functions on what they are given.
 * Ownership:  a block owns `data`. */
#ifndef OBS_HISTORY_PACK_H
#define OBS_HISTORY_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HISTORY_BLOCK_SHIFT = 8,
    HISTORY_BLOCK_ROWS = 1 << HISTORY_BLOCK_SHIFT,
    HISTORY_BLOCK_WORDS = HISTORY_BLOCK_ROWS / 64, /* of a bitmap with a bit a row */
};

enum history_packing { HISTORY_PACK_VALUES, HISTORY_PACK_STEPS, HISTORY_PACK_ZIGZAG };

enum history_presence { HISTORY_ABSENT, HISTORY_MIXED, HISTORY_PRESENT };

struct history_block {
    uint64_t first, last; /* values of the first and the last row */
    uint64_t base;        /* the smallest value or step */
    uint8_t *data;        /* bitmap if MIXED, bits, exceptions; NULL when there is nothing of it */
    uint16_t exceptions;
    uint8_t width;
    uint8_t packing;  /* enum history_packing */
    uint8_t presence; /* enum history_presence */
};

/* Packs; values that are absent are overwritten with a neighbour's. False when memory is out: the
 * block is then all absent. */
bool history_block_pack(struct history_block *block, uint64_t value[HISTORY_BLOCK_ROWS],
                        const uint64_t present[HISTORY_BLOCK_WORDS]);
/* Values of absent rows are anything. */
void history_block_unpack(const struct history_block *block, uint64_t value[HISTORY_BLOCK_ROWS]);
bool history_block_present(const struct history_block *block, unsigned row);
/* Memory held, the struct apart. */
size_t history_block_bytes(const struct history_block *block);
void history_block_free(struct history_block *block);

#endif
