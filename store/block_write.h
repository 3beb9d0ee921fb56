/* block_write.h: builds one block: entries with shared key prefixes, restart points. The bytes are
 * in table_format.h.
 *
 * Threads:    one. Ownership: the builder owns its buffer; lsm_block_builder_finish lends it until
 * the next reset. Errors: false: out of memory. */
#ifndef LSM_BLOCK_WRITE_H
#define LSM_BLOCK_WRITE_H

#include "entry.h"
#include "table_format.h"

struct lsm_block_builder {
    uint8_t *data;
    size_t size, capacity;
    uint32_t *restarts;
    uint32_t restart_count, restart_capacity;
    uint32_t entries;
    uint32_t since_restart;
};

void lsm_block_builder_init(struct lsm_block_builder *builder); /* allocates nothing */
void lsm_block_builder_free(struct lsm_block_builder *builder);
void lsm_block_builder_reset(struct lsm_block_builder *builder); /* keeps the memory */
/* At least what the block would be with this entry in it. `shared` as for add. */
size_t lsm_block_builder_size_with(const struct lsm_block_builder *builder,
                                   const struct lsm_entry *entry, uint32_t shared);
/* What the block would be if it were finished now; 0 when it has no entry. */
size_t lsm_block_builder_size(const struct lsm_block_builder *builder);
/* Appends. `shared`: bytes the key has in common with the key added before it (ignored at a restart
 * point). REQUIRES: entry after the previous one. */
bool lsm_block_builder_add(struct lsm_block_builder *builder, const struct lsm_entry *entry,
                           uint32_t shared);
/* Appends the restarts. Then data[0..size) is the block. REQUIRES: at least one entry. */
bool lsm_block_builder_finish(struct lsm_block_builder *builder);

#endif
