/* layout.h: the shared ABI of a segment: what lies where, to the byte.
 *
 *   segment := header | dictionary | writer_line | heartbeat_line
 *              | sample ring | event ring | histogram ring | shape[2]
 *
 * All integers are native-endian 64-bit words unless said otherwise: a segment never leaves the
 * machine it was made on except as a recording of one, and `magic` reads wrong on the other
 * endianness. Every region starts on a cache line. Offsets and counts are read from the header
 * once, checked against the file's size, and kept in private copies
 * (segment_attach.c).
 *
 * Threads:    one writer per ring; any number of readers, which map the file read-only.
 * Protocol:   every slot is `seq` + words; see slot.h for the two tables of loads and stores and
 *             why they suffice.
 * Versions:   `major` changes when an old reader would misread; `minor` when something was added;
 *             `reader_min` is the oldest reader minor that can still make sense of the segment.
 *             `fingerprint` covers the fixed structures below, not the metrics: those go by the
 *             dictionary, so a new metric breaks no reader. */
#ifndef SCOPE_LAYOUT_H
#define SCOPE_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics must be lock-free to be shared");

#define SCOPE_MAGIC                                                                                \
    0x65706f63736d736cu /* "lsmscope" in little-endian bytes: never changes; the version does */
#define SCOPE_SHM_PREFIX "lsmscope." /* /dev/shm/lsmscope.NAME */

enum {
    SCOPE_VERSION_MAJOR = 1,
    SCOPE_VERSION_MINOR = 0,
    SCOPE_READER_MIN = 0,

    SCOPE_LINE = 64,     /* cache line; every region and slot is a multiple of it */
    SCOPE_LEVELS = 8,    /* levels a segment can describe: L0 .. L7 */
    SCOPE_NAME_MAX = 64, /* segment name with its NUL */
    SCOPE_COMMAND_MAX = 1024,
    SCOPE_ENGINE_MAX = 32,

    /* A sample slot: seq, time, presence mask, values. 108 values fill 14 lines exactly. */
    SCOPE_METRICS_MAX = 108,
    SCOPE_PRESENCE_WORDS = (SCOPE_METRICS_MAX + 63) / 64,
    SCOPE_SAMPLE_WORDS = 1 + SCOPE_PRESENCE_WORDS + SCOPE_METRICS_MAX, /* without seq */
    SCOPE_SAMPLE_SLOT = 896,

    /* An event slot: seq + 15 words. */
    SCOPE_EVENT_WORDS = 15,
    SCOPE_EVENT_SLOT = 128,

    /* A histogram slot: seq, time, covered interval, 8 maxima of 32 bits in units of 16 ns (68 s),
     * then 8 histograms of 112 one-byte counts (hist.c: small floats, exact up to 15). */
    SCOPE_HISTS = 8,
    SCOPE_BUCKETS = 112,
    SCOPE_HIST_BUCKET_WORDS = SCOPE_BUCKETS / 8,
    SCOPE_HIST_MAX_WORDS = SCOPE_HISTS / 2,
    SCOPE_HIST_WORDS = 2 + SCOPE_HIST_MAX_WORDS + SCOPE_HISTS * SCOPE_HIST_BUCKET_WORDS,
    SCOPE_HIST_SLOT = 960,

    /* The shape: seq, time, event_head, table count, true total, reserved; then 64 bytes a table.
     */
    SCOPE_SHAPE_HEAD_WORDS = 7, /* without seq */
    SCOPE_SHAPE_TABLES_MAX = 8192,
    SCOPE_SHAPE_TABLE_WORDS = 8,
    SCOPE_SHAPE_SLOT = 64 + SCOPE_SHAPE_TABLES_MAX * 64,

    /* Defaults: what a late joiner can see. */
    SCOPE_SAMPLES_DEFAULT = 16384, /* over an hour at 250 ms */
    SCOPE_EVENTS_DEFAULT = 65536,
    SCOPE_SECONDS_DEFAULT = 16384, /* four and a half hours of one-second histograms */
    SCOPE_RING_SLOTS_MIN = 16,
    SCOPE_RING_SLOTS_MAX = 1 << 24,
};

/* One metric as the segment describes it. Written before the segment gets its name, never after. */
struct scope_dict_entry {
    uint32_t id;       /* 000-003 frozen id of sample.def, or >= 1000 for a publisher's own */
    uint16_t unit;     /* 004-005 enum scope_unit */
    uint16_t kind;     /* 006-007 enum scope_kind */
    uint32_t word;     /* 008-011 index into the sample's values */
    uint32_t reserved; /* 012-015 zero */
    char name[48];     /* 016-063 NUL-terminated */
    char help[128];    /* 064-191 NUL-terminated */
};
_Static_assert(sizeof(struct scope_dict_entry) == 192, "dictionary entry");

struct scope_region {
    uint64_t offset;    /* from the start of the file */
    uint64_t slot_size; /* bytes */
    uint64_t
        count; /* slots; a power of two for rings, 2 for the shape, entries for the dictionary */
};

/* Constant once the segment has its name. */
struct scope_header {
    _Atomic uint64_t magic; /* 0000 stored last (release) */
    uint16_t major, minor;  /* 0008 */
    uint16_t reader_min;    /* 0012 */
    uint16_t reserved16;    /* 0014 zero */
    uint64_t fingerprint;   /* 0016 of the fixed structures */
    uint64_t instance_id;   /* 0024 random, never 0: tells a restarted writer from the old one */
    uint64_t total_size;    /* 0032 bytes of the whole file */
    uint64_t pid;           /* 0040 for display only: namespaces and reuse make it no identity */
    uint64_t start_mono_ns; /* 0048 CLOCK_MONOTONIC ... */
    uint64_t start_real_ns; /* 0056 ... paired with CLOCK_REALTIME */
    uint64_t sample_interval_ns;           /* 0064 */
    uint64_t inode;                        /* 0072 of the file it was made as, with ... */
    uint64_t device;                       /* 0080 ... its file system: a plain copy has others */
    uint64_t reserved[5];                  /* 0088-0127 zero */
    struct scope_region dictionary;        /* 0128 */
    struct scope_region samples;           /* 0152 */
    struct scope_region events;            /* 0176 */
    struct scope_region histograms;        /* 0200 */
    struct scope_region shape;             /* 0224 */
    uint64_t writer_offset;                /* 0248 struct scope_writer_line */
    uint64_t heartbeat_offset;             /* 0256 struct scope_heartbeat_line */
    char name[SCOPE_NAME_MAX];             /* 0264 */
    char engine_name[SCOPE_ENGINE_MAX];    /* 0328 "lsm", "rocksdb", ... */
    char engine_version[SCOPE_ENGINE_MAX]; /* 0360 */
    char command[SCOPE_COMMAND_MAX];       /* 0392 the publishing process's command line */
    char description[256]; /* 1416 one line for viewers: mode, rates, what this run is */
    uint8_t padding[4096 - 1672];
};
_Static_assert(sizeof(struct scope_header) == 4096, "segment header");

/* Heads: the next record number of each ring. Stored (release) after the slot is whole. */
struct scope_writer_line {
    _Atomic uint64_t sample_head;
    _Atomic uint64_t event_head;
    _Atomic uint64_t histogram_head;
    _Atomic uint64_t shape_head;
    uint64_t reserved[4];
};
_Static_assert(sizeof(struct scope_writer_line) == SCOPE_LINE, "writer line");

/* Dirtied every 100 ms whatever the sample interval; apart from the heads so that neither disturbs
 * the other. */
struct scope_heartbeat_line {
    _Atomic uint64_t heartbeat_ns; /* CLOCK_MONOTONIC */
    _Atomic uint64_t state;        /* enum scope_state_word */
    uint64_t reserved[6];
};
_Static_assert(sizeof(struct scope_heartbeat_line) == SCOPE_LINE, "heartbeat line");

enum scope_state_word { SCOPE_STATE_STARTING = 0, SCOPE_STATE_LIVE = 1, SCOPE_STATE_CLOSED = 2 };

#define SCOPE_SEGMENT_BYTES(samples, events, seconds)                                              \
    (sizeof(struct scope_header) + SCOPE_METRICS_MAX * sizeof(struct scope_dict_entry) +           \
     2 * SCOPE_LINE + (uint64_t)(samples)*SCOPE_SAMPLE_SLOT +                                      \
     (uint64_t)(events)*SCOPE_EVENT_SLOT + (uint64_t)(seconds)*SCOPE_HIST_SLOT +                   \
     2 * (uint64_t)SCOPE_SHAPE_SLOT)

_Static_assert(8 + 8 * SCOPE_SAMPLE_WORDS <= SCOPE_SAMPLE_SLOT, "sample slot");
_Static_assert(8 + 8 * SCOPE_EVENT_WORDS == SCOPE_EVENT_SLOT, "event slot");
_Static_assert(8 + 8 * SCOPE_HIST_WORDS <= SCOPE_HIST_SLOT, "histogram slot");
_Static_assert(8 + 8 * SCOPE_SHAPE_HEAD_WORDS == 64, "shape head");
_Static_assert(SCOPE_SEGMENT_BYTES(SCOPE_SAMPLES_DEFAULT, SCOPE_EVENTS_DEFAULT,
                                   SCOPE_SECONDS_DEFAULT) <= 40000000,
               "the default history must leave room in a 64 MB /dev/shm");

#endif
