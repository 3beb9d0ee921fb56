/* wal_format.h: the bytes of a log segment NNNNNN.wal. All numbers little-endian.
 *
 *   segment := page frame* 0:u8*
 *   page    := header at 0 | mark at 512 | mark at 1024 | zeros up to 4096
 *   header  := magic:u8[8] "LSMWALOG" | major:u16 | minor:u16 | 0:u32 | number:u64 | first:u64
 *              | previous:u64 | created_unix_s:u64 | capacity:u64 | after:u64 | checksum:u64
 *   mark    := checksum:u64 | segment:u64 | offset:u64 | first:u64
 *   frame   := checksum:u32 | length << 5 | flags : varint | seq:varint, if SEQ
 *              | unix_s:varint, if TIME | count:varint, if COUNT | payload:u8[length]
 *              | zeros up to a multiple of 4 | zeros up to a multiple of 8, a mark or 32 zeros, if
 *              MARK
 *   payload := operation[count]
 *   operation := key_size << 1 | type : varint | value_size : varint, of a put only
 *              | key:u8[key_size] | value:u8[value_size]
 *
 * A segment is allocated whole before it is used, and mapped; what is not written yet is zero. Its
 * header is written when it becomes the current one: a header of zeros is a spare never used. A
 * segment that is no longer needed may become another one of the same process: it is made zero and
 * gets another number before it is used.
 * `first` is the first segment of the process that wrote this one, `previous` the one before it in
 * the same process (0 in the first). Segments of one process are thus a chain, and a later chain
 * begins from what recovery made of the earlier ones: `after` is the newest sequence it found. So
 * where less than that is found later, the later chain does not count either: it may have reached
 * the device before what it builds on.
 *
 * Frames lie at multiples of 4 and never cross segments. A frame holds an atomic group of
 * operations. What is left out of its head is as in the frame before: the time; the sequence, which
 * goes on where that one ended; the count is 1. The first frame of a segment has sequence and time.
 * So a put costs 6 bytes beside its operation, and padding.
 * The checksum covers head and payload, in a domain made of the segment's number, the frame's
 * offset and its sequence: a frame of another segment or another place is not one. It is stored
 * last, after the payload, with a release store, so that a process that dies half way leaves zero
 * there; zero is never a checksum, and so a frame of zeros is never one. SEAL: no payload, the
 * segment is whole, and the log goes on in a segment whose `previous` is this one, or ends here
 * because it was closed. There is always room for the seal. Once there is a later segment of the
 * chain, the end of an unsealed segment means that something is missing.
 *
 * A mark says that a sync has made everything before `offset` of `segment`, and all earlier
 * segments of the chain that begins with `first`, durable. It is written after each sync, through
 * the mapping: a mark becomes durable itself with the next sync or write-back of its page. So after
 * a power cut a mark may be older than the last sync by one, never newer. What it covers must be
 * there: a bad frame before it is damage. What only a lost mark covered is durable all the same,
 * but damage to it would look like a torn tail.
 * A synchronous group has room for a mark behind it, in the page that the next sync writes in any
 * case; each is used once. For other syncs there are two marks in the segment's page, in sectors of
 * their own, written in turn. The reader looks for marks behind a bad frame, at every multiple of
 * 8: a mark's 64-bit checksum, in the domain of its place, is all that it believes there.
 *
 * Why marks rather than frames that record syncs: the reader needs the newest one before it judges
 * the first bad frame, and must find it without trusting any frame behind that. */
#ifndef LSM_WAL_FORMAT_H
#define LSM_WAL_FORMAT_H

#include "bytes.h"
#include "checksum.h"

#define LSM_WAL_MAGIC "LSMWALOG"

enum {
    LSM_WAL_MAJOR = 2,
    LSM_WAL_MINOR = 0,

    LSM_WAL_PAGE_BYTES = 4096,
    LSM_WAL_HEADER_BYTES = 72,
    LSM_WAL_AT_MAJOR = 8,
    LSM_WAL_AT_MINOR = 10,
    LSM_WAL_AT_ZERO = 12,
    LSM_WAL_AT_NUMBER = 16,
    LSM_WAL_AT_FIRST = 24,
    LSM_WAL_AT_PREVIOUS = 32,
    LSM_WAL_AT_CREATED = 40,
    LSM_WAL_AT_CAPACITY = 48,
    LSM_WAL_AT_AFTER = 56,
    LSM_WAL_AT_CHECKSUM = 64,

    LSM_WAL_MARKS = 2,
    LSM_WAL_MARK_STEP = 512, /* the first mark's offset, and from one to the next */
    LSM_MARK_BYTES = 32,
    LSM_MARK_ALIGN = 8,
    LSM_MARK_AT_CHECKSUM = 0,
    LSM_MARK_AT_SEGMENT = 8,
    LSM_MARK_AT_OFFSET = 16,
    LSM_MARK_AT_FIRST = 24,

    LSM_FRAME_ALIGN = 4,
    LSM_FRAME_AT_HEAD = 4, /* after the checksum */
    /* Checksum and varints of 35, 56, 64 and 32 bits. */
    LSM_FRAME_HEAD_MAX = LSM_FRAME_AT_HEAD + 5 + 8 + LSM_VARINT_MAX + 5,
    LSM_FRAME_SEAL_BYTES = 8,
    LSM_FRAME_FLAG_BITS = 5,
};
#define LSM_FRAME_PAYLOAD_MAX (UINT32_C(1) << 30) /* a batch holds 256 MiB and its operations */

/* Persisted: frozen. */
enum lsm_frame_flag {
    LSM_FRAME_SEQ = 1,
    LSM_FRAME_TIME = 2,
    LSM_FRAME_COUNT = 4,
    LSM_FRAME_MARK = 8,
    LSM_FRAME_SEAL = 16,
};

struct lsm_frame {
    uint64_t length; /* of the payload */
    uint64_t seq, unix_s;
    uint32_t count;
    unsigned flags;
};

/* Bytes a frame takes at `offset`, of which checksum and head take `head_bytes`. */
static inline uint64_t lsm_frame_size(uint64_t offset, uint64_t head_bytes, uint64_t length,
                                      unsigned flags) {
    uint64_t end = offset + head_bytes + length;
    end = (end + LSM_FRAME_ALIGN - 1) & ~(uint64_t)(LSM_FRAME_ALIGN - 1);
    if ((flags & LSM_FRAME_MARK) != 0) {
        end = (end + LSM_MARK_ALIGN - 1) & ~(uint64_t)(LSM_MARK_ALIGN - 1);
        end += LSM_MARK_BYTES;
    }
    return end - offset;
}
/* Bytes that a frame with a payload of `length` takes at most. */
static inline uint64_t lsm_frame_size_max(uint64_t length) {
    return LSM_FRAME_HEAD_MAX + length + LSM_FRAME_ALIGN + LSM_MARK_ALIGN + LSM_MARK_BYTES;
}
/* The domain of a checksum at `offset` of segment `number`; header and marks have offsets too. */
static inline uint64_t lsm_wal_domain(uint64_t number, uint64_t offset) {
    return (number * UINT64_C(0x9e3779b97f4a7c15)) ^ (offset + UINT64_C(0x57414c));
}
/* The checksum of a frame of `bytes` bytes (all but padding and mark): never zero, for zero says
 * that there is no frame. */
static inline uint32_t lsm_frame_sum(uint64_t number, uint64_t offset, uint64_t seq,
                                     const uint8_t *frame, uint64_t bytes) {
    uint64_t domain = lsm_wal_domain(number, offset) ^ (seq * UINT64_C(0xc2b2ae3d27d4eb4f));
    uint64_t sum = lsm_checksum(domain, frame + LSM_FRAME_AT_HEAD, bytes - LSM_FRAME_AT_HEAD);
    uint32_t folded = (uint32_t)(sum ^ sum >> 32);
    return folded != 0 ? folded : 1;
}
/* Writes the head that `frame` asks for at p + LSM_FRAME_AT_HEAD; returns where the payload goes.
 */
static inline uint8_t *lsm_frame_put_head(uint8_t *p, const struct lsm_frame *frame) {
    p = lsm_put_varint(p + LSM_FRAME_AT_HEAD, frame->length << LSM_FRAME_FLAG_BITS | frame->flags);
    if ((frame->flags & LSM_FRAME_SEQ) != 0) {
        p = lsm_put_varint(p, frame->seq);
    }
    if ((frame->flags & LSM_FRAME_TIME) != 0) {
        p = lsm_put_varint(p, frame->unix_s);
    }
    return (frame->flags & LSM_FRAME_COUNT) != 0 ? lsm_put_varint(p, frame->count) : p;
}
/* Reads a head into what *frame says of the frame before: its sequence end, its time. Returns where
 * the payload begins, though not whether all of it is there; NULL: no head. */
static inline const uint8_t *lsm_frame_get_head(const uint8_t *p, const uint8_t *end,
                                                struct lsm_frame *frame) {
    uint64_t head = 0, count = 1;
    p = lsm_get_varint(p + LSM_FRAME_AT_HEAD, end, &head);
    frame->flags = (unsigned)(head & ((1u << LSM_FRAME_FLAG_BITS) - 1));
    frame->length = head >> LSM_FRAME_FLAG_BITS;
    if (p != NULL && (frame->flags & LSM_FRAME_SEQ) != 0) {
        p = lsm_get_varint(p, end, &frame->seq);
    }
    if (p != NULL && (frame->flags & LSM_FRAME_TIME) != 0) {
        p = lsm_get_varint(p, end, &frame->unix_s);
    }
    if (p != NULL && (frame->flags & LSM_FRAME_COUNT) != 0) {
        p = lsm_get_varint(p, end, &count);
    }
    frame->count = (uint32_t)count;
    return frame->length <= LSM_FRAME_PAYLOAD_MAX && count <= UINT32_MAX ? p : NULL;
}

#endif
