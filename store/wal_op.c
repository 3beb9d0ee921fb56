#include "wal_op.h"

#include "check.h"
#include "lsm.h"

uint64_t lsm_op_bytes(uint64_t key_size, uint64_t value_size, enum lsm_type type) {
    LSM_ASSERT(key_size <= LSM_KEY_MAX && value_size <= LSM_VALUE_MAX);
    uint64_t head = lsm_varint_size(key_size << 1 | (uint64_t)type);
    if (type == LSM_TYPE_DELETE) {
        return head + key_size;
    }
    return head + lsm_varint_size(value_size) + key_size + value_size;
}

uint8_t *lsm_op_encode(uint8_t *p, enum lsm_type type, const uint8_t *key, size_t key_size,
                       const uint8_t *value, size_t value_size) {
    LSM_ASSERT(key_size > 0 && key_size <= LSM_KEY_MAX);
    LSM_ASSERT(value_size <= LSM_VALUE_MAX);
    p = lsm_put_varint(p, (uint64_t)key_size << 1 | (uint64_t)type);
    if (type == LSM_TYPE_PUT) {
        p = lsm_put_varint(p, value_size);
    }
    memcpy(p, key, key_size);
    p += key_size;
    if (type == LSM_TYPE_PUT && value_size > 0) {
        memcpy(p, value, value_size);
        p += value_size;
    }
    return p;
}

const uint8_t *lsm_op_decode(const uint8_t *p, const uint8_t *end, struct lsm_entry *entry) {
    uint64_t head = 0, value_size = 0;
    LSM_ASSERT(p != NULL && p <= end);
    p = lsm_get_varint(p, end, &head);
    if (p == NULL || head >> 1 == 0 || head >> 1 > LSM_KEY_MAX) {
        return NULL;
    }
    enum lsm_type type = (head & 1) != 0 ? LSM_TYPE_PUT : LSM_TYPE_DELETE;
    if (type == LSM_TYPE_PUT) {
        p = lsm_get_varint(p, end, &value_size);
        if (p == NULL || value_size > LSM_VALUE_MAX) {
            return NULL;
        }
    }
    uint64_t key_size = head >> 1;
    if ((uint64_t)(end - p) < key_size || (uint64_t)(end - p) - key_size < value_size) {
        return NULL;
    }
    *entry = (struct lsm_entry){.key = p,
                                .key_size = (uint32_t)key_size,
                                .type = type,
                                .value = p + key_size,
                                .value_size = value_size};
    return p + key_size + value_size;
}
