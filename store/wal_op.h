/* wal_op.h: an operation as it is logged, and as a memtable refers to it: one format for both, so
 * that what is logged need not be copied.
 *
 *   operation := key_size << 1 | type : varint | value_size : varint, of a put only | key | value
 */
#ifndef LSM_WAL_OP_H
#define LSM_WAL_OP_H

#include "bytes.h"
#include "entry.h"

/* Bytes of one operation; lsm_op_encode writes exactly that many and returns the end. */
uint64_t lsm_op_bytes(uint64_t key_size, uint64_t value_size, enum lsm_type type);
uint8_t *lsm_op_encode(uint8_t *p, enum lsm_type type, const uint8_t *key, size_t key_size,
                       const uint8_t *value, size_t value_size);
/* Reads the operation at p; NULL when the bytes are not one. The entry, less its sequence, points
 * into them. */
const uint8_t *lsm_op_decode(const uint8_t *p, const uint8_t *end, struct lsm_entry *entry);

/* The same of bytes that are known to be one: encoded here, or decoded before. */
static inline const uint8_t *lsm_op_varint(const uint8_t *p, uint64_t *v) {
    uint64_t result = *p & 0x7f;
    for (unsigned shift = 7; *p++ >= 0x80; shift += 7) {
        result |= (uint64_t)(*p & 0x7f) << shift;
    }
    *v = result;
    return p;
}
static inline void lsm_op_read(const uint8_t *p, struct lsm_entry *entry) {
    uint64_t head = 0, value_size = 0;
    p = lsm_op_varint(p, &head);
    if ((head & 1) != 0) {
        p = lsm_op_varint(p, &value_size);
    }
    entry->key = p;
    entry->key_size = (uint32_t)(head >> 1);
    entry->type = (head & 1) != 0 ? LSM_TYPE_PUT : LSM_TYPE_DELETE;
    entry->value = p + entry->key_size;
    entry->value_size = value_size;
}

#endif
