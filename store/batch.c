#include "batch.h"

#include <stdlib.h>

#include "check.h"
#include "wal_op.h"

struct lsm_batch {
    uint8_t *payload;
    uint64_t used, room;
    uint64_t bytes, largest;
    size_t count, puts;
};

int lsm_batch_create(struct lsm_batch **batch) {
    struct lsm_batch *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return LSM_ERR_MEMORY;
    }
    *batch = made;
    return 0;
}

void lsm_batch_destroy(struct lsm_batch *batch) {
    if (batch != NULL) {
        free(batch->payload);
        free(batch);
    }
}

void lsm_batch_clear(struct lsm_batch *batch) {
    uint8_t *payload = batch->payload;
    uint64_t room = batch->room;
    *batch = (struct lsm_batch){.payload = payload, .room = room};
}

static int grow(struct lsm_batch *batch, uint64_t need) {
    if (batch->used + need > LSM_BATCH_BYTES_MAX || batch->count == UINT32_MAX) {
        return LSM_ERR_ARGUMENT;
    }
    if (batch->used + need <= batch->room) {
        return 0;
    }
    uint64_t room = batch->room == 0 ? 4096 : batch->room;
    while (room < batch->used + need) {
        room *= 2;
    }
    uint8_t *payload = realloc(batch->payload, room);
    if (payload == NULL) {
        return LSM_ERR_MEMORY;
    }
    batch->payload = payload;
    batch->room = room;
    return 0;
}

static int add(struct lsm_batch *batch, enum lsm_type type, const void *key, size_t key_size,
               const void *value, size_t value_size) {
    if (batch == NULL || key == NULL || key_size == 0 || key_size > LSM_KEY_MAX ||
        value_size > LSM_VALUE_MAX || (value == NULL && value_size > 0)) {
        return LSM_ERR_ARGUMENT;
    }
    uint64_t need = lsm_op_bytes(key_size, value_size, type);
    int rc = grow(batch, need);
    if (rc != 0) {
        return rc;
    }
    uint8_t *begin = batch->payload + batch->used;
    const uint8_t *end = lsm_op_encode(begin, type, key, key_size,
                                       value_size > 0 ? value : (const uint8_t *)"", value_size);
    LSM_ASSERT((uint64_t)(end - begin) == need);
    batch->used += need;
    batch->bytes += key_size + value_size;
    batch->largest =
        key_size + value_size > batch->largest ? key_size + value_size : batch->largest;
    batch->count++;
    batch->puts += type == LSM_TYPE_PUT;
    return 0;
}

int lsm_batch_put(struct lsm_batch *batch, const void *key, size_t key_size, const void *value,
                  size_t value_size) {
    return add(batch, LSM_TYPE_PUT, key, key_size, value, value_size);
}

int lsm_batch_delete(struct lsm_batch *batch, const void *key, size_t key_size) {
    return add(batch, LSM_TYPE_DELETE, key, key_size, NULL, 0);
}

size_t lsm_batch_count(const struct lsm_batch *batch) {
    return batch->count;
}
size_t lsm_batch_bytes(const struct lsm_batch *batch) {
    return batch->bytes;
}
const uint8_t *lsm_batch_payload(const struct lsm_batch *batch) {
    return batch->payload;
}
uint64_t lsm_batch_payload_bytes(const struct lsm_batch *batch) {
    return batch->used;
}
uint64_t lsm_batch_largest(const struct lsm_batch *batch) {
    return batch->largest;
}
size_t lsm_batch_puts(const struct lsm_batch *batch) {
    return batch->puts;
}
