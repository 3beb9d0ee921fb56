/* table_format.h: the bytes of a table file NNNNNN.sst. All integers are little-endian.
 *
 *     table    := block* filter? records keys info footer        (nothing lies between them)
 *
 *     block    := lsm_block_header window:u32[n] offset:u16|u32[n + 1] prefix:u8[prefix_size]
 *                 entry[n]                                   n >= 1
 *     entry    := tag:uint[tag_size] suffix_size:u8|u16? rest:u8[] value:u8[]
 *                 Entries stand in entry order (entry.h). The key is prefix, window, rest: behind
 *                 what all keys of the block share the next four bytes stand in the window, first
 *                 byte highest, zeros past the key's end, so that a search compares integers that
 *                 lie together and touches an entry only where windows tie. The suffix is window
 *                 and rest; its size stands in the header when all are the same. The prefix is cut
 *                 so that no suffix is shorter than four bytes, unless it is empty.
 *                 tag = (sequence - the block's seq_base) << 2 | type.
 *     offset   := in the block, of each entry and of the block's end; u32 when the block is longer
 *                 than 65535. Values take what is left of their entries.
 *
 *     filter   := zeros lsm_filter_header line:u8[64][lines]     (filter.h says how bits are set)
 *                 As many zeros as bring the header to a multiple of 64: the lines are cache lines
 *                 of the mapped file.
 *     records  := lsm_index_record[blocks]
 *     keys     := separators, end to end; record i's ends at its key_end
 *     info     := lsm_table_stat first_key last_key
 *     footer   := lsm_table_footer                               the last 64 bytes
 *
 * Blocks are not brought to page borders: one page less to look up in the TLB is won, but then the
 * heads of all blocks fall into the same few sets of the caches. Random gets over 2 M entries of
 * 144 bytes: 2.5 us as it is, 5.2 us with every block padded to 4096 bytes.
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

/* 1: blocks with restart points; no release wrote it, no reader is kept. */
enum { LSM_TABLE_MAJOR = 2, LSM_TABLE_MINOR = 0 };

/* How a block's bytes are stored; persisted: frozen. Unknown ones are refused. */
enum lsm_codec { LSM_CODEC_NONE = 0, LSM_CODEC_LZ4 = 1, LSM_CODEC_ZSTD = 2 };
enum lsm_filter_kind { LSM_FILTER_BLOCKED_BLOOM = 1 }; /* persisted: frozen */

enum {
    LSM_KEY_SIZE_MAX = 65535,
    LSM_VALUE_SIZE_MAX = 64 << 20,
    LSM_BLOCK_BYTES_MAX = 1 << 20,
    LSM_BLOCK_WINDOW = 4, /* bytes of a key in its window */
    LSM_BLOCK_TYPE_BITS = 2,
    /* window, offset, tag and size */
    LSM_ENTRY_OVERHEAD_MAX = 4 + 4 + 8 + 2,
    LSM_BLOCK_HEADER = 16,
    /* A block is cut before an entry that would take it past its size, so it is larger than that
     * only when it is one entry; it has one offset more than entries. */
    LSM_BLOCK_LENGTH_MAX =
        LSM_BLOCK_HEADER + LSM_VALUE_SIZE_MAX + LSM_KEY_SIZE_MAX + LSM_ENTRY_OVERHEAD_MAX + 4,
    /* one entry of a short key, its tag one byte, no value, and two offsets */
    LSM_BLOCK_LENGTH_MIN = LSM_BLOCK_HEADER + 4 + 2 * 2 + 1,
};
static_assert((int)LSM_BLOCK_LENGTH_MAX > (int)LSM_BLOCK_BYTES_MAX, "the larger limit rules");

struct lsm_section {
    uint64_t offset;   /* 00-07 */
    uint64_t length;   /* 08-15 */
    uint64_t checksum; /* 16-23: lsm_checksum(offset, bytes, length) */
};
static_assert(sizeof(struct lsm_section) == 24, "section");

struct lsm_block_header {
    uint32_t entries;     /* 00-03 */
    uint16_t prefix_size; /* 04-05 */
    uint16_t suffix_size; /* 06-07: of every key; 0 when entries tell their own */
    uint64_t seq_widths;  /* 08-15: seq_base << 8 | widths, enum lsm_block_widths */
};
static_assert(sizeof(struct lsm_block_header) == LSM_BLOCK_HEADER, "block header");

enum lsm_block_widths {
    LSM_BLOCK_TAG_MASK = 0x0f,  /* bytes of a tag: 1 to 8 */
    LSM_BLOCK_SIZE_MASK = 0x30, /* bytes of a suffix_size: 0 to 2 */
    LSM_BLOCK_SIZE_SHIFT = 4,
    LSM_BLOCK_WIDE = 0x40, /* offsets take four bytes */
    LSM_BLOCK_UNKNOWN = 0x80,
};

struct lsm_index_record {
    uint64_t offset;     /* 00-07: of the block */
    uint64_t checksum;   /* 08-15: lsm_checksum(offset, bytes, length) */
    uint64_t key_end;    /* 16-23: in `keys` */
    uint64_t seq;        /* 24-31: of the separator */
    uint32_t length;     /* 32-35: of the bytes stored: fewer than raw_length with a codec */
    uint32_t raw_length; /* 36-39: of the block; the same when the codec is none */
    uint32_t entries;    /* 40-43: in the block */
    uint8_t codec;       /* 44: enum lsm_codec */
    uint8_t reserved[3]; /* 45-47: zero */
};
static_assert(sizeof(struct lsm_index_record) == 48, "index record");

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
