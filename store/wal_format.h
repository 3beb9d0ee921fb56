/* wal_format.h: the bytes of a log segment NNNNNN.wal. All numbers little-endian.
 *
 *   segment := page frame* 0:u8*
 *   page    := header at 0 | mark at 512 | mark at 1024 | zeros up to 4096
 *   header  := magic:u8[8] "LSMWALOG" | major:u16 | minor:u16 | 0:u32 | number:u64 | first:u64
 *              | previous:u64 | created_unix_s:u64 | capacity:u64 | checksum:u64
 *   mark    := checksum:u64 | segment:u64 | offset:u64 | first:u64
 *   frame   := checksum:u64 | length:u32 | count:u32 | seq:u56 kind:u8 | unix_s:u64
 *              | payload:u8[length] | 0:u8 up to a multiple of 8
 *   payload := operation[count]
 *   operation := key_size << 1 | type : varint | value_size : varint, of a put only
 *              | key:u8[key_size] | value:u8[value_size]
 *
 * A segment is allocated whole before it is used, and mapped; what is not written yet is zero. Its
 * header is written when it becomes the current one: a header of zeros is a spare never used.
 * `first` is the first segment of the process that wrote this one, `previous` the one before it in
 * the same process (0 in the first). Segments of one process are thus a chain, and a later chain
 * begins from what recovery made of the earlier ones.
 *
 * Frames lie at multiples of 8 and never cross segments. A frame's checksum covers all that follows
 * it, padding apart, in a domain made of the segment's number and the frame's offset: a frame of
 * another segment or another place is not one. It is stored last, after the payload, with a release
 * store, so that a process that dies half way leaves zero there; zero is never a checksum, and so a
 * frame of zeros is never one. Kinds: 1 a group of operations, atomic; 2 a seal, without payload:
 * the segment is whole, and the log goes on in a segment whose `previous` is this one, or ends here
 * because it was closed. There is always room for the seal. Once there is a later segment of the
 * chain, the end of an unsealed segment means that something is missing.
 *
 * A mark says that a sync has made everything before `offset` of `segment`, and all earlier
 * segments of the chain that begins with `first`, durable. The two of a segment are written in turn
 * after each sync, in sectors of their own, through the mapping: a mark becomes durable itself with
 * the next sync or write-back of its page. So after a power cut a mark may be older than the last
 * sync by one, never newer. What it covers must be there: a bad frame before it is damage. What
 * only a lost mark covered is durable all the same, but damage to it would look like a torn tail.
 *
 * Why marks rather than frames that record syncs: the reader needs the newest one before it judges
 * the first bad frame, and must find it without trusting anything behind that frame. */
#ifndef LSM_WAL_FORMAT_H
#define LSM_WAL_FORMAT_H

#include "bytes.h"
#include "checksum.h"

#define LSM_WAL_MAGIC "LSMWALOG"

enum {
    LSM_WAL_MAJOR = 1,
    LSM_WAL_MINOR = 0,

    LSM_WAL_PAGE_BYTES = 4096,
    LSM_WAL_HEADER_BYTES = 64,
    LSM_WAL_AT_MAJOR = 8,
    LSM_WAL_AT_MINOR = 10,
    LSM_WAL_AT_ZERO = 12,
    LSM_WAL_AT_NUMBER = 16,
    LSM_WAL_AT_FIRST = 24,
    LSM_WAL_AT_PREVIOUS = 32,
    LSM_WAL_AT_CREATED = 40,
    LSM_WAL_AT_CAPACITY = 48,
    LSM_WAL_AT_CHECKSUM = 56,

    LSM_WAL_MARKS = 2,
    LSM_WAL_MARK_STEP = 512, /* the first mark's offset, and from one to the next */
    LSM_WAL_MARK_BYTES = 32,
    LSM_MARK_AT_CHECKSUM = 0,
    LSM_MARK_AT_SEGMENT = 8,
    LSM_MARK_AT_OFFSET = 16,
    LSM_MARK_AT_FIRST = 24,

    LSM_FRAME_BYTES = 32, /* before the payload */
    LSM_FRAME_AT_CHECKSUM = 0,
    LSM_FRAME_AT_LENGTH = 8,
    LSM_FRAME_AT_COUNT = 12,
    LSM_FRAME_AT_SEQ = 16,
    LSM_FRAME_AT_KIND = 23,
    LSM_FRAME_AT_TIME = 24,
    LSM_FRAME_ALIGN = 8,
};
#define LSM_FRAME_PAYLOAD_MAX (UINT32_C(1) << 30) /* a batch holds 256 MiB and its operations */

/* Persisted: frozen. */
enum lsm_frame_kind { LSM_FRAME_GROUP = 1, LSM_FRAME_SEAL = 2 };

/* Bytes a frame takes. */
static inline uint64_t lsm_frame_size(uint64_t payload_bytes) {
    uint64_t size = LSM_FRAME_BYTES + payload_bytes;
    return (size + LSM_FRAME_ALIGN - 1) & ~(uint64_t)(LSM_FRAME_ALIGN - 1);
}
/* The domain of a checksum at `offset` of segment `number`; header and marks have offsets too. */
static inline uint64_t lsm_wal_domain(uint64_t number, uint64_t offset) {
    return (number * UINT64_C(0x9e3779b97f4a7c15)) ^ (offset + UINT64_C(0x57414c));
}
/* The checksum of a frame with its payload: never zero, for zero says that there is no frame. */
static inline uint64_t lsm_frame_sum(uint64_t number, uint64_t offset, const uint8_t *frame,
                                     uint64_t length) {
    uint64_t sum = lsm_checksum(lsm_wal_domain(number, offset), frame + LSM_FRAME_AT_LENGTH,
                                LSM_FRAME_BYTES - LSM_FRAME_AT_LENGTH + length);
    return sum != 0 ? sum : 1;
}

#endif
