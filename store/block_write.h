/* block_write.h: builds one block. The bytes are in table_format.h.
 *
 * What the keys share and how wide tags and offsets are is known only at the end: entries are
 * gathered and laid out by finish.
 *
 * Threads:    one.
 * Ownership:  the builder owns its buffers; lsm_block_builder_finish lends one until the next
 *             reset, lsm_block_builder_finish_at uses the caller's.
 * Errors:     false: out of memory. */
#ifndef LSM_BLOCK_WRITE_H
#define LSM_BLOCK_WRITE_H

#include <stddef.h>

#include "entry.h"
#include "table_format.h"

/* What the size of a block depends on. */
struct lsm_block_sums {
    uint32_t entries;
    uint32_t tombstones; /* among them; the size does not depend on it */
    uint32_t shared;     /* bytes that all keys have in common */
    uint32_t key_min, key_max;
    uint64_t seq_min, seq_max;
    uint64_t rests;  /* bytes of the keys from the fifth on */
    uint64_t values; /* bytes */
};
struct lsm_gathered; /* one entry, until it is laid out */

struct lsm_block_builder {
    uint8_t *data; /* the block, once finished: in `own`, or where the caller wanted it */
    size_t size;
    uint8_t *own;
    size_t own_capacity;
    struct lsm_block_sums sums;
    struct lsm_gathered *gathered;
    uint32_t gathered_capacity;
    uint8_t *raw; /* keys and values */
    size_t raw_size, raw_capacity;
    size_t last_at; /* in raw: of the key added last */
    uint32_t last_size;
};

void lsm_block_builder_init(struct lsm_block_builder *builder); /* allocates nothing */
void lsm_block_builder_free(struct lsm_block_builder *builder);
void lsm_block_builder_reset(struct lsm_block_builder *builder); /* keeps the memory */
/* What the block would be with this entry in it. `shared` as for add. */
size_t lsm_block_builder_size_with(const struct lsm_block_builder *builder,
                                   const struct lsm_entry *entry, uint32_t shared);
/* Would the block be at most so large with this entry in it? */
bool lsm_block_builder_fits(const struct lsm_block_builder *builder, const struct lsm_entry *entry,
                            uint32_t shared, size_t limit);
/* What the block would be if it were finished now; 0 when it has no entry. */
size_t lsm_block_builder_size(const struct lsm_block_builder *builder);
static inline uint32_t lsm_block_builder_entries(const struct lsm_block_builder *builder) {
    return builder->sums.entries;
}
/* The finished block is in memory of the caller's. */
static inline bool lsm_block_builder_is_elsewhere(const struct lsm_block_builder *builder) {
    return builder->data != builder->own;
}
/* Appends a copy. `shared`: bytes the key has in common with the key added before it (ignored for
 * the first). REQUIRES: entry after the previous one; not finished since the last reset. */
bool lsm_block_builder_add(struct lsm_block_builder *builder, const struct lsm_entry *entry,
                           uint32_t shared);
/* The key added last, also after a reset; until the next add. REQUIRES: something was added. */
static inline const uint8_t *lsm_block_builder_last_key(const struct lsm_block_builder *builder,
                                                        uint32_t *size) {
    *size = builder->last_size;
    return builder->raw + builder->last_at;
}
/* Lays the block out: data[0..size). REQUIRES: at least one entry. */
bool lsm_block_builder_finish(struct lsm_block_builder *builder);
/* The same at data[0..lsm_block_builder_size), which is the caller's. */
void lsm_block_builder_finish_at(struct lsm_block_builder *builder, uint8_t *data);

#endif
