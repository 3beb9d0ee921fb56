/* manifest_format.h: the bytes of MANIFEST-NNNNNN and CURRENT. All numbers little-endian.
 *
 *   manifest := header frame*
 *   header   := magic:u8[8] "LSMEDITS" | major:u16 | minor:u16 | 0:u32 | number:u64 | checksum:u64
 *   frame    := checksum:u64 | length:u32 | magic:u32 | field*[length] | 0:u8 up to a multiple of 8
 *   field    := tag:varint | length:varint | value:u8[length]
 *
 *   1 unix_ms     := varint         4 next_file  := varint      7 added   := level table
 *   2 job         := varint         5 last_seq   := varint      8 removed := level id
 *   3 log_number  := varint         6 max_levels := varint      9 moved   := from to id
 *                                                              10 time    := seq unix_s
 *   table := id bytes entries tombstones seq_min seq_max created_unix_ms key_bytes value_bytes
 *            first_size first_key:u8[] last_size last_key:u8[]
 *   (level, id and so on: varints)
 *
 *   current  := "lsmscope 1 MANIFEST-NNNNNN CCCCCCCCCCCCCCCC\n", C the checksum of what is before
 *               it and its blank, in hexadecimal
 *
 * One frame is one edit. Fields 1 to 6 occur at most once and are left out when zero; the others
 * once an element. A reader refuses a tag below 64 that it does not know (the edit would mean
 * something else without it) and passes over a tag from 64 on.
 *
 * The header's checksum covers the bytes before it. A frame's checksum covers everything after it
 * but the padding, in a domain made of the manifest's number and the frame's offset: a frame of
 * another manifest, or at another place, is not one. Frames lie at multiples of 8.
 *
 * Every edit is synced before it counts, so a bad frame can only be the unsynced last one, as long
 * as no intact frame lies anywhere behind it: then it is cut off. Otherwise it is damage. */
#ifndef LSM_MANIFEST_FORMAT_H
#define LSM_MANIFEST_FORMAT_H

#include "bytes.h"

#define LSM_MANIFEST_MAGIC "LSMEDITS"
#define LSM_CURRENT_PREFIX "lsmscope 1 "

enum {
    LSM_MANIFEST_MAJOR = 1,
    LSM_MANIFEST_MINOR = 0,

    LSM_MANIFEST_HEADER_BYTES = 32,
    LSM_MANIFEST_AT_MAJOR = 8,
    LSM_MANIFEST_AT_MINOR = 10,
    LSM_MANIFEST_AT_ZERO = 12,
    LSM_MANIFEST_AT_NUMBER = 16,
    LSM_MANIFEST_AT_CHECKSUM = 24,

    LSM_EDIT_FRAME_BYTES = 16,
    LSM_EDIT_AT_CHECKSUM = 0,
    LSM_EDIT_AT_LENGTH = 8,
    LSM_EDIT_AT_MAGIC = 12,
    LSM_EDIT_ALIGN = 8,

    LSM_CURRENT_BYTES_MAX = 128,
};
#define LSM_EDIT_MAGIC UINT32_C(0x54494445) /* "EDIT" */
/* An edit holds at most the whole tree: 8 Mi tables of tiny keys. More is not ours. */
#define LSM_EDIT_PAYLOAD_MAX (UINT32_C(1) << 30)

/* Persisted: frozen. A retired number stays reserved. */
enum lsm_edit_tag {
    LSM_TAG_UNIX_MS = 1,
    LSM_TAG_JOB = 2,
    LSM_TAG_LOG_NUMBER = 3,
    LSM_TAG_NEXT_FILE = 4,
    LSM_TAG_LAST_SEQ = 5,
    LSM_TAG_MAX_LEVELS = 6,
    LSM_TAG_ADDED = 7,
    LSM_TAG_REMOVED = 8,
    LSM_TAG_MOVED = 9,
    LSM_TAG_TIME = 10,
    LSM_TAG_OPTIONAL = 64, /* from here on an unknown field may be passed over */
};

static inline uint64_t lsm_edit_padded(uint64_t frame_bytes) {
    return (frame_bytes + LSM_EDIT_ALIGN - 1) & ~(uint64_t)(LSM_EDIT_ALIGN - 1);
}
/* The domain of a checksum in manifest `number`: of the header at 0, of a frame at its offset. */
static inline uint64_t lsm_manifest_domain(uint64_t number, uint64_t offset) {
    return (number * UINT64_C(0x9e3779b97f4a7c15)) ^ (offset + UINT64_C(0x45444954));
}
#define LSM_CURRENT_DOMAIN UINT64_C(0x43555252454e5431) /* "CURRENT1" */

#endif
