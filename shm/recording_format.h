/* recording_format.h: the bytes of a recording (.lsr). All integers are little-endian.
 *
 *   recording := head chunk* [index tail]
 *   head      := magic:u64 major:u16 minor:u16 0:u32 sum:u64
 *   chunk     := magic:u32 kind:u8 0:u8 0:u16 size:u32 records:u32 first_ns:u64 last_ns:u64
 *                body_sum:u64 head_sum:u64 | body, zeros up to a multiple of 8
 *   tail      := index_offset:u64 file_size:u64 sum:u64 magic:u64
 *
 *   kind      := INFO (the first chunk, once) | RECORDS | INDEX (the last chunk)
 *   INFO      := instance:v pid:v start_mono:v start_real:v interval:v samples:v events:v seconds:v
 *                name:t engine:t version:t command:t description:t
 *                metrics:v metric*   metric := id:v unit:v kind:v word:v name:t help:t
 *   RECORDS   := record*             record := type:u8 size:v | time:z field* (size bytes)
 *   INDEX     := end_state:u8 chunks:v entry*
 *                entry := offset:v size:v records:v first_ns:z span:v
 *                         offset and first_ns as differences to the entry before
 *
 *   SAMPLE     := 0:u8 | 1:u8 present:u64[2]; then changed:u8[(present words + 7) / 8], z for each
 *   EVENT      := number:z words      EVENT_OWN := words   (made by the viewer: no number)
 *   HISTOGRAMS := interval:v mask:u8, for each bit: max:v first:u8 n:u8 count:v[n]
 *   SHAPE      := event_head:v total:v count:v words[count]
 *   GAP        := ring:u8 lost:v      stands before the first record after it
 *
 *   v := 7 bits a byte, low ones first, the high bit says that more follow
 *   z := v of a signed number: 0, -1, 1, -2, ...
 *   t := length:v, bytes (UTF-8, no NUL)
 *   words := n:u8, n lengths of 4 bits (0..8, low half first), then those many bytes of each word
 *
 * Every chunk can be read alone. Times are differences to the record before, the first one to 0. A
 * sample's words are told by their difference to what was foreseen: for a gauge the value before,
 * for a counter the value before plus its last step; a chunk begins with zeros. Event numbers are
 * differences to the number before plus one. A table's created_ns (words 9 of an event, 7 of a
 * table) is told as the signed difference to the record's time.
 *
 * Sums are XXH3-64, body_sum over the padded body, head_sum over the 40 bytes before it and mixed
 * with the chunk's offset: a chunk at another place is none. So every whole chunk can be found
 * without the index, which a recording that was cut short does not have.
 *
 * A reader skips chunk kinds and record types that it does not know, and fields behind those that
 * it does: minor grows with such additions, major when an old reader would misread. Numbers of
 * kinds, types and states are frozen. */
#ifndef SCOPE_RECORDING_FORMAT_H
#define SCOPE_RECORDING_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RECORDING_MAGIC      UINT64_C(0x0a0d6365726d736c) /* "lsmrec\r\n" */
#define RECORDING_TAIL_MAGIC UINT64_C(0x646e6563726d736c) /* "lsmrcend" */
#define RECORDING_CHUNK      UINT32_C(0x6b6e6843)         /* "Chnk" */

enum {
    RECORDING_MAJOR = 1,
    RECORDING_MINOR = 0,

    RECORDING_HEAD_BYTES = 24,
    RECORDING_HEAD_SUM_AT = 16,

    RECORDING_CHUNK_BYTES = 48, /* a chunk's head; its body follows */
    RECORDING_CHUNK_KIND_AT = 4,
    RECORDING_CHUNK_SIZE_AT = 8,
    RECORDING_CHUNK_RECORDS_AT = 12,
    RECORDING_CHUNK_FIRST_AT = 16,
    RECORDING_CHUNK_LAST_AT = 24,
    RECORDING_CHUNK_BODY_SUM_AT = 32,
    RECORDING_CHUNK_HEAD_SUM_AT = 40,
    RECORDING_ALIGN = 8,

    RECORDING_TAIL_BYTES = 32,
    RECORDING_TAIL_SIZE_AT = 8,
    RECORDING_TAIL_SUM_AT = 16,
    RECORDING_TAIL_MAGIC_AT = 24,

    RECORDING_VARINT_MAX = 10,      /* bytes of a v */
    RECORDING_RECORDS_MAX = 4096,   /* in one chunk: bounds what a reader expands */
    RECORDING_BODY_USUAL = 1 << 16, /* a chunk with more is written at once */
    RECORDING_BODY_MAX =
        1 << 21, /* holds the largest record, a shape, twice: see recording_write */
    RECORDING_INDEX_MAX = 1 << 28,  /* bytes of an index */
    RECORDING_CHUNKS_MAX = 1 << 22, /* 48 days of one a second */
};

enum recording_kind { RECORDING_INFO = 1, RECORDING_RECORDS = 2, RECORDING_INDEX = 3 };

enum recording_type {
    RECORDING_SAMPLE = 1,
    RECORDING_EVENT = 2,
    RECORDING_EVENT_OWN = 3,
    RECORDING_HISTOGRAMS = 4,
    RECORDING_SHAPE = 5,
    RECORDING_GAP = 6,
};

/* ---- bytes ---------------------------------------------------------------------------------- */

static inline void recording_store32(uint8_t *at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline void recording_store64(uint8_t *at, uint64_t value) {
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint32_t recording_load32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t recording_load64(const uint8_t *at) {
    return (uint64_t)recording_load32(at) | (uint64_t)recording_load32(at + 4) << 32;
}

static inline uint64_t recording_padded(uint64_t size) {
    return (size + RECORDING_ALIGN - 1) & ~(uint64_t)(RECORDING_ALIGN - 1);
}

/* Signed differences, modulo 2^64, with the small ones of either sign first. */
static inline uint64_t recording_zigzag(uint64_t difference) {
    return difference << 1 ^ (0 - (difference >> 63));
}
static inline uint64_t recording_unzigzag(uint64_t code) {
    return code >> 1 ^ (0 - (code & 1));
}

uint64_t recording_sum(const void *data, size_t size);

/* ---- a chunk's head -------------------------------------------------------------------------- */

struct recording_chunk {
    uint64_t offset; /* of its head, from the start of the file */
    uint32_t kind;
    uint32_t size; /* of the body, without padding */
    uint32_t records;
    uint64_t first_ns, last_ns;
    uint64_t body_sum;
};

void recording_chunk_encode(const struct recording_chunk *chunk,
                            uint8_t bytes[RECORDING_CHUNK_BYTES]);
/* False when these bytes are no chunk's head at `offset`. */
bool recording_chunk_decode(const uint8_t bytes[RECORDING_CHUNK_BYTES], uint64_t offset,
                            struct recording_chunk *chunk);
void recording_head_encode(uint8_t bytes[RECORDING_HEAD_BYTES]);
void recording_tail_encode(uint64_t index_offset, uint64_t file_size,
                           uint8_t bytes[RECORDING_TAIL_BYTES]);
bool recording_tail_decode(const uint8_t bytes[RECORDING_TAIL_BYTES], uint64_t *index_offset,
                           uint64_t *file_size);

#endif
