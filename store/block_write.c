#include "block_write.h"

#include <stdlib.h>

#include "bytes.h"
#include "check.h"

void lsm_block_builder_init(struct lsm_block_builder *builder) {
    *builder = (struct lsm_block_builder){0};
}

void lsm_block_builder_free(struct lsm_block_builder *builder) {
    free(builder->data);
    free(builder->restarts);
    lsm_block_builder_init(builder);
}

void lsm_block_builder_reset(struct lsm_block_builder *builder) {
    builder->size = 0;
    builder->restart_count = 0;
    builder->entries = 0;
    builder->since_restart = 0;
}

static bool at_restart(const struct lsm_block_builder *builder) {
    return builder->restart_count == 0 || builder->since_restart == LSM_RESTART_INTERVAL;
}

static size_t tail_size(size_t restart_count) {
    return (restart_count + 1) * sizeof(uint32_t);
}

size_t lsm_block_builder_size_with(const struct lsm_block_builder *builder,
                                   const struct lsm_entry *entry, uint32_t shared) {
    bool restart = at_restart(builder);
    size_t tail = restart ? entry->key_size : entry->key_size - shared;
    size_t header = 8 + lsm_varint_size(restart ? 0 : shared) + lsm_varint_size(tail) +
                    lsm_varint_size(entry->value_size);
    return builder->size + header + tail + (size_t)entry->value_size +
           tail_size((size_t)builder->restart_count + restart);
}

size_t lsm_block_builder_size(const struct lsm_block_builder *builder) {
    return builder->entries == 0 ? 0 : builder->size + tail_size(builder->restart_count);
}

static bool reserve(struct lsm_block_builder *builder, size_t more) {
    size_t needed = builder->size + more;
    if (__builtin_expect(needed <= builder->capacity, 1)) {
        return true;
    }
    /* An oversized block gets what it needs and no more: doubling 64 MiB helps nobody. */
    size_t capacity = needed > LSM_BLOCK_BYTES_MAX ? needed : needed * 2;
    uint8_t *data = realloc(builder->data, capacity);
    if (data == NULL) {
        return false;
    }
    builder->data = data;
    builder->capacity = capacity;
    return true;
}

static bool add_restart(struct lsm_block_builder *builder) {
    if (builder->restart_count == builder->restart_capacity) {
        uint32_t capacity = builder->restart_capacity == 0 ? 64 : builder->restart_capacity * 2;
        uint32_t *restarts = realloc(builder->restarts, capacity * sizeof *restarts);
        if (restarts == NULL) {
            return false;
        }
        builder->restarts = restarts;
        builder->restart_capacity = capacity;
    }
    builder->restarts[builder->restart_count++] = (uint32_t)builder->size;
    builder->since_restart = 0;
    return true;
}

bool lsm_block_builder_add(struct lsm_block_builder *builder, const struct lsm_entry *entry,
                           uint32_t shared) {
    LSM_ASSERT(entry->key_size >= 1 && entry->key_size <= LSM_KEY_SIZE_MAX);
    LSM_ASSERT(entry->value_size <= LSM_VALUE_SIZE_MAX);
    LSM_ASSERT(shared <= entry->key_size);
    if (at_restart(builder)) {
        shared = 0;
        if (!add_restart(builder)) {
            return false;
        }
    }
    uint32_t unshared = entry->key_size - shared;
    if (!reserve(builder, LSM_ENTRY_OVERHEAD_MAX + unshared + (size_t)entry->value_size)) {
        return false;
    }
    uint8_t *p = builder->data + builder->size;
    if (__builtin_expect(shared < 128 && unshared < 128 && entry->value_size < 128, 1)) {
        p[0] = (uint8_t)shared;
        p[1] = (uint8_t)unshared;
        p[2] = (uint8_t)entry->value_size;
        p += 3;
    } else {
        p = lsm_put_varint(p, shared);
        p = lsm_put_varint(p, unshared);
        p = lsm_put_varint(p, entry->value_size);
    }
    lsm_store64(p, entry->seq << 8 | (uint64_t)entry->type);
    p += 8;
    memcpy(p, entry->key + shared, unshared);
    p += unshared;
    if (entry->value_size != 0) {
        memcpy(p, entry->value, (size_t)entry->value_size);
        p += entry->value_size;
    }
    builder->size = (size_t)(p - builder->data);
    builder->entries++;
    builder->since_restart++;
    return true;
}

bool lsm_block_builder_finish(struct lsm_block_builder *builder) {
    LSM_ASSERT(builder->entries >= 1 && builder->restart_count >= 1);
    size_t tail = tail_size(builder->restart_count);
    if (!reserve(builder, tail)) {
        return false;
    }
    uint8_t *p = builder->data + builder->size;
    memcpy(p, builder->restarts, builder->restart_count * sizeof(uint32_t));
    lsm_store32(p + builder->restart_count * sizeof(uint32_t), builder->restart_count);
    builder->size += tail;
    LSM_ASSERT(builder->size >= LSM_BLOCK_LENGTH_MIN && builder->size <= LSM_BLOCK_LENGTH_MAX);
    return true;
}
