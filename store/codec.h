/* codec.h: blocks compressed and back, by liblz4 and libzstd.
 *
 * Threads:    a packer belongs to one; unpacking may be done by any.
 * Errors:     packing that does not pay, or fails, leaves the block as it is; unpacking trusts
 *             nothing: whatever the bytes, it writes no more than it was told to expect, and
 *             says when that is not what came out. */
#ifndef LSM_CODEC_H
#define LSM_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"
#include "table_format.h"

struct lsm_packer; /* buffers and contexts that are reused from block to block */
struct lsm_packer *lsm_packer_create(enum lsm_codec codec); /* NULL: out of memory */
void lsm_packer_destroy(struct lsm_packer *packer);         /* NULL is ignored */
/* The packed bytes, until the next call, and how many; NULL: the block is to be stored as it is. */
const uint8_t *lsm_pack(struct lsm_packer *packer, const uint8_t *block, size_t size,
                        size_t *packed_size);

bool lsm_codec_is_known(unsigned codec);
/* Fills raw[0..raw_size). CORRUPT: the bytes are not raw_size bytes packed; MEMORY: nobody knows.
 * REQUIRES: a known codec other than none. */
LSM_CHECKED int lsm_unpack(enum lsm_codec codec, const uint8_t *packed, size_t size, uint8_t *raw,
                           size_t raw_size);

#endif
