/* table_format.h: the bytes of a table file NNNNNN.sst. All integers are little-endian.
 *
 *     table    := block* filter? records keys info footer        (nothing lies between them)
 *
 *     block    := entry+ restart:u32[n] n:u32                    n >= 1
 *     entry    := shared:varint unshared:varint value_size:varint tag:u64
 *                 key_tail:u8[unshared] value:u8[value_size]
 *                 The key is the first `shared` bytes of the key before it, then key_tail.
 *                 tag = sequence << 8 | type. Entries stand in entry order (entry.h).
 *     restart  := offset in the block of an entry with shared 0; ascending; the first is 0
 *
 *     filter   := lsm_filter_header line:u8[64][lines]           (filter.h says how bits are set)
 *     records  := lsm_index_record[blocks]
 *     keys     := separators, end to end; record i's ends at its key_end
 *     info     := lsm_table_stat first_key last_key
 *     footer   := lsm_table_footer                               the last 64 bytes
 *
 * A reference carries the checksum of what it points at, seeded with its offset, so that a stale,
 * damaged or misdirected read is caught where it is used: footer -> info -> filter, records, keys;
 * records -> blocks. The footer carries its own.
 *
 * The separator of block i, a key and a sequence, is at or after every entry of block i and before
 * every entry of block i + 1. Where the key changes between them it is the shortest prefix of the
 * next block's first key that does so, with LSM_SEPARATOR_SEQ, which sorts before every version of
 * that very key. Where versions of one key straddle the border it is that key and the last sequence
 * before the border. The last block's is its last entry.
 *
 * A reader refuses another major; a minor only adds what an older reader may ignore. The footer's
 * layout and its own checksum are the same for every major, so that a newer table is told from a
 * damaged one. */
#ifndef LSM_TABLE_FORMAT_H
#define LSM_TABLE_FORMAT_H

#include <assert.h>
#include <stdint.h>

#define LSM_TABLE_MAGIC   UINT64_C(0x656c626174d36d73) /* "sm\xd3table" on disk */
#define LSM_SEPARATOR_SEQ UINT64_MAX

enum { LSM_TABLE_MAJOR = 1, LSM_TABLE_MINOR = 0 };
enum { LSM_RESTART_INTERVAL = 16 };

enum lsm_filter_kind { LSM_FILTER_BLOCKED_BLOOM = 1 }; /* persisted: frozen */

enum {
    LSM_KEY_SIZE_MAX = 65535,
    LSM_VALUE_SIZE_MAX = 64 << 20,
    LSM_BLOCK_BYTES_MAX = 1 << 20,
    /* three varints of at most 5 bytes and the tag */
    LSM_ENTRY_OVERHEAD_MAX = 3 * 5 + 8,
    /* A block is cut before an entry that would take it past its size, so it is larger than that
     * only when it is one entry; it ends with one restart and the count. */
    LSM_BLOCK_LENGTH_MAX = LSM_VALUE_SIZE_MAX + LSM_KEY_SIZE_MAX + LSM_ENTRY_OVERHEAD_MAX + 4 + 4,
    /* an entry of one byte key, no value, plus restart and count */
    LSM_BLOCK_LENGTH_MIN = 3 + 8 + 1 + 4 + 4,
};
static_assert((int)LSM_BLOCK_LENGTH_MAX > (int)LSM_BLOCK_BYTES_MAX, "the larger limit rules");

struct lsm_section {
    uint64_t offset;   /* 00-07 */
    uint64_t length;   /* 08-15 */
    uint64_t checksum; /* 16-23: lsm_checksum(offset, bytes, length) */
};
static_assert(sizeof(struct lsm_section) == 24, "section");

struct lsm_index_record {
    uint64_t offset;   /* 00-07: of the block */
    uint64_t checksum; /* 08-15: lsm_checksum(offset, block, length) */
    uint64_t key_end;  /* 16-23: in `keys` */
    uint64_t seq;      /* 24-31: of the separator */
    uint32_t length;   /* 32-35: of the block */
    uint32_t entries;  /* 36-39: in the block */
};
static_assert(sizeof(struct lsm_index_record) == 40, "index record");

struct lsm_filter_header {
    uint32_t kind;        /* 00-03: enum lsm_filter_kind */
    uint32_t probes;      /* 04-07: 1 to LSM_FILTER_PROBES_MAX */
    uint64_t lines;       /* 08-15: of 64 bytes */
    uint64_t keys;        /* 16-23: distinct keys added */
    uint8_t reserved[40]; /* 24-63: zero; makes the lines cache-line aligned */
};
static_assert(sizeof(struct lsm_filter_header) == 64, "filter header");

struct lsm_table_stat {
    struct lsm_section filter;     /* 000-023: length 0 when there is none */
    struct lsm_section records;    /* 024-047 */
    struct lsm_section keys;       /* 048-071 */
    uint64_t blocks;               /* 072-079 */
    uint64_t entries;              /* 080-087 */
    uint64_t tombstones;           /* 088-095 */
    uint64_t seq_min;              /* 096-103 */
    uint64_t seq_max;              /* 104-111 */
    uint64_t key_bytes;            /* 112-119: before prefix compression */
    uint64_t value_bytes;          /* 120-127 */
    uint64_t bloom_fpr_billionths; /* 128-135: as configured; 0 without a filter */
    uint32_t block_bytes;          /* 136-139: as configured */
    uint32_t first_key_size;       /* 140-143 */
    uint32_t last_key_size;        /* 144-147 */
    uint32_t reserved;             /* 148-151: zero */
};
static_assert(sizeof(struct lsm_table_stat) == 152, "table info");

struct lsm_table_footer {
    uint64_t magic;          /* 00-07 */
    uint16_t major;          /* 08-09 */
    uint16_t minor;          /* 10-11 */
    uint32_t reserved;       /* 12-15: zero */
    struct lsm_section info; /* 16-39 */
    uint64_t file_bytes;     /* 40-47: of the whole file, footer included */
    uint64_t reserved2;      /* 48-55: zero */
    uint64_t checksum;       /* 56-63: lsm_checksum(file_bytes, bytes 00-55) */
};
static_assert(sizeof(struct lsm_table_footer) == 64, "table footer");

#endif
