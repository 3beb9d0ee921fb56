/* scope.h: publish what an engine does into shared memory, and watch it from other processes.
 *
 * A *writer* owns one segment, `/dev/shm/lsmscope.NAME`, and publishes samples (all metrics at one
 * moment), events, one-second latency histograms and the shape of the tree. Any number of *readers*
 * attach at any time, see the history the rings hold, and follow. A reader maps the file read-only
 * and takes no lock: it cannot block, slow or damage the writer.
 *
 * Threads:    Of a writer: samples, histograms and shape from one thread at a time (the sampler);
 *             events from any thread (a small lock inside the process); heartbeats from a thread of
 *             the writer's own. Of a segment: scope_segment_* may be called from any thread; one
 *             cursor belongs to one thread at a time.
 * Ownership:  a handle returned through an out-parameter belongs to the caller until its
 *             close/detach. Strings passed in are copied. Cursors borrow their segment, which must
 *             outlive them.
 * Errors:     0, or a negative code: enum scope_error, told in words by scope_strerror. Functions
 *             that take `struct scope_error_detail *` (may be NULL) also say which file and why.
 * Times:      nanoseconds of CLOCK_MONOTONIC unless said otherwise.
 * Process:    nothing here prints, exits or installs a handler, scope_sigbus_guard apart, which
 *             does so because the program asked. */
#ifndef SCOPE_SCOPE_H
#define SCOPE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SCOPE_CHECKED __attribute__((warn_unused_result))
#else
#define SCOPE_CHECKED
#endif

/* Of the library and of the viewers; the version of a segment is in layout.h. */
#define SCOPE_VERSION "0.1"

/* ---- errors --------------------------------------------------------------------------------- */

enum scope_error {
    SCOPE_OK = 0,
    SCOPE_ERR_ARGUMENT = -1,      /* a name, count or pointer out of range */
    SCOPE_ERR_NOT_FOUND = -2,     /* no such segment */
    SCOPE_ERR_IN_USE = -3,        /* a live writer holds that name; the detail names it */
    SCOPE_ERR_NOT_A_SEGMENT = -4, /* the file is something else, or damaged */
    SCOPE_ERR_VERSION = -5,       /* made by an incompatible version */
    SCOPE_ERR_PERMISSION = -6,    /* not ours to open */
    SCOPE_ERR_NO_SPACE = -7,      /* /dev/shm is full */
    SCOPE_ERR_SYSTEM = -8,        /* a system call failed; the detail says which */
    SCOPE_ERR_MEMORY = -9,
    SCOPE_ERR_DAMAGED = -10, /* the file was cut short while mapped */
    SCOPE_ERR_FORKED = -11,  /* the handle belongs to the parent process */
};

struct scope_error_detail {
    int code;
    char text[256];
};

const char *scope_strerror(int code);

/* ---- metrics -------------------------------------------------------------------------------- */

enum scope_unit {
    SCOPE_UNIT_COUNT = 0,
    SCOPE_UNIT_OPS = 1,
    SCOPE_UNIT_BYTES = 2,
    SCOPE_UNIT_NANOSECONDS = 3,
    SCOPE_UNIT_PER_SECOND = 4,
    SCOPE_UNIT_ENUM = 5,
    SCOPE_UNIT_RATIO_PPM = 6, /* parts per million */
};

enum scope_kind { SCOPE_KIND_COUNTER = 0, SCOPE_KIND_GAUGE = 1 };

/* The ids of sample.def. LEVEL metrics: id + level. */
enum scope_metric_id {
#define METRIC(id, symbol, name, unit, kind, help)       SCOPE_M_##symbol = (id),
#define LEVEL_METRIC(id, symbol, name, unit, kind, help) SCOPE_M_##symbol = (id),
#include "sample.def"
#undef METRIC
#undef LEVEL_METRIC
};

/* A publisher's own metrics take ids from here up. */
#define SCOPE_METRIC_CUSTOM 1000u

struct scope_metric {
    uint32_t id;
    enum scope_unit unit;
    enum scope_kind kind;
    const char *name; /* at most 47 bytes */
    const char *help; /* at most 127 bytes */
};

/* The built-in table, in the order of sample.def with level metrics expanded. */
const struct scope_metric *scope_builtin_metrics(size_t *count);
const char *scope_unit_name(enum scope_unit unit);

/* ---- what is published ---- */

#define SCOPE_MAX_LEVELS  8
#define SCOPE_MAX_METRICS 108
#define SCOPE_MAX_TABLES  8192

/* One moment. Values stand at the word their metric was given in this segment's dictionary; a
 * writer uses scope_sample_set with the id and never sees words. A metric not set is absent, not
 * zero. */
struct scope_sample {
    uint64_t time_ns;
    uint64_t present[2]; /* bit w % 64 of word w / 64: value[w] is known */
    uint64_t value[SCOPE_MAX_METRICS];
};

/* Latency is kept for these operations twice: *service* is time inside the engine, *response* is
 * counted from the moment the operation was meant to start, which only a driver knows. */
enum scope_op {
    SCOPE_OP_PUT = 0,
    SCOPE_OP_GET = 1,
    SCOPE_OP_DELETE = 2,
    SCOPE_OP_SCAN = 3,
    SCOPE_OPS = 4
};
enum scope_latency { SCOPE_SERVICE = 0, SCOPE_RESPONSE = 1 };

#define SCOPE_HISTOGRAMS   8 /* index: latency * SCOPE_OPS + op */
#define SCOPE_HIST_BUCKETS 112

/* The latencies of one stretch of time (a second). Log-linear: bucket 0 is [0, 64 ns); then four
 * buckets to each doubling, up to about 12 s; the last one also takes everything beyond. Counts
 * above 15 are rounded to 4 significant bits in the segment; what rounding leaves over is carried
 * into the next record that has operations of that kind, so that sums over time stay true.
 * `max_ns` is exact to 16 ns (saturates at 68 s). */
struct scope_histograms {
    uint64_t time_ns;     /* end of the interval */
    uint64_t interval_ns; /* its length */
    uint64_t max_ns[SCOPE_HISTOGRAMS];
    uint64_t count[SCOPE_HISTOGRAMS][SCOPE_HIST_BUCKETS];
};

unsigned scope_bucket_of(uint64_t ns);        /* the bucket a latency falls into */
uint64_t scope_bucket_floor(unsigned bucket); /* its inclusive lower bound, ns */
/* The latency below which a fraction q (0..1) of the counts lies, interpolated within its bucket; 0
 * when empty. */
uint64_t scope_hist_quantile(const uint64_t count[SCOPE_HIST_BUCKETS], double q);

/* Frozen: persisted in recordings. */
enum scope_event_type {
    SCOPE_EVENT_NONE = 0,
    SCOPE_EVENT_FLUSH_BEGIN = 1,
    SCOPE_EVENT_FLUSH_END = 2,
    SCOPE_EVENT_COMPACT_SCHEDULED = 3,
    SCOPE_EVENT_COMPACT_BEGIN = 4,
    SCOPE_EVENT_COMPACT_END = 5,
    SCOPE_EVENT_STALL_BEGIN = 6,
    SCOPE_EVENT_STALL_END = 7,
    SCOPE_EVENT_WAL_ROTATE = 8,
    SCOPE_EVENT_ERROR = 9,
    SCOPE_EVENT_MARKER = 10,
    SCOPE_EVENT_TABLE_ADD = 11,
    SCOPE_EVENT_TABLE_MOVE = 12,
    SCOPE_EVENT_TABLE_REMOVE = 13,
};

enum scope_stall {
    SCOPE_STALL_NONE = 0,
    SCOPE_STALL_L0_SLOW = 1,
    SCOPE_STALL_L0_STOP = 2,
    SCOPE_STALL_MEMTABLE = 3,
    SCOPE_STALL_DEBT_SLOW = 4,
    SCOPE_STALL_DEBT_STOP = 5,
    SCOPE_STALL_INLINE = 6, /* the writer's own thread flushes or compacts (synchronous mode) */
    SCOPE_STALLS = 7,
};
const char *scope_stall_name(enum scope_stall stall); /* "L0 full", "memtables full", ... */

/* A table. `lo` and `hi` are its smallest and largest key as positions: an order-preserving map of
 * keys to 64 bits, the same for all tables of a moment. */
struct scope_table {
    uint64_t id;
    uint8_t level;
    bool busy; /* input of a running compaction */
    uint64_t bytes;
    uint64_t entries;
    uint64_t tombstones;
    uint64_t lo, hi;
    uint64_t
        created_ns; /* CLOCK_MONOTONIC; of a table older than the process: the segment's start */
};

/* Which members of `u` count is decided by `type`. */
struct scope_event {
    uint64_t time_ns;
    enum scope_event_type type;
    uint32_t job;       /* flush or compaction job, 0 none: joins begin, end and table events */
    uint8_t level_from; /* flush: 0 */
    uint8_t level_to;
    union {
        struct {                      /* FLUSH_*, COMPACT_*: what is not known yet is 0 */
            uint32_t inputs, outputs; /* tables; a flush's input is a memtable */
            uint64_t bytes_in, bytes_out;
            uint64_t entries_in, entries_out;
            uint64_t duration_ns; /* in the END events */
            int32_t status;       /* in the END events: 0 or the engine's error code */
        } job_info;
        struct {
            enum scope_stall cause;
            uint64_t duration_ns; /* STALL_END */
        } stall;
        struct {
            uint64_t segment, bytes;
        } wal;
        struct scope_table
            table;     /* TABLE_ADD, TABLE_MOVE (from level_from to table.level), TABLE_REMOVE */
        char text[88]; /* ERROR, MARKER: UTF-8, NUL-terminated, cut at a character */
    } u;
};

/* The live tables at one moment. */
struct scope_shape {
    uint64_t time_ns;
    uint64_t event_head; /* the events before this number are in it: later ones can be undone or
                            applied */
    uint64_t total;      /* live tables; more than count when they did not fit */
    uint64_t count;
    struct scope_table *tables; /* room for SCOPE_MAX_TABLES, the caller's */
};

/* ---- publishing ---- */

struct scope_writer;

struct scope_writer_options {
    const char *name;        /* 1-48 bytes of [A-Za-z0-9._-]: scope_name_valid */
    const char *engine_name; /* "lsm" */
    const char *engine_version;
    const char *command;     /* shown by lsm-ls; NULL: read from /proc/self/cmdline */
    const char *description; /* one line for viewers; may be NULL */
    uint64_t sample_interval_ns;
    uint32_t samples, events,
        seconds; /* slots, powers of two; 0: the defaults, together under 40 MB */
    const struct scope_metric *extra; /* own metrics, ids from SCOPE_METRIC_CUSTOM; may be NULL */
    size_t extra_count;
    uint32_t mode; /* file mode; 0 means 0600 */
    bool linger;   /* leave the closed segment readable instead of removing its name */
};

/* Makes the segment and links it to its name when it is whole. IN_USE when a live writer has the
 * name; a dead one's segment is put aside as NAME.crashed (if it never closed) or removed. Starts
 * the heartbeat thread. */
SCOPE_CHECKED int scope_writer_create(const struct scope_writer_options *options,
                                      struct scope_writer **writer,
                                      struct scope_error_detail *error);
/* Whether what mostly keeps scope_writer_create from succeeding is in its way now: a live writer's
 * name, something else under that name, or no room. For a program that has much to do, or something
 * to delete, before it publishes. Nothing of it is seen by anybody, nothing stays, and a dead
 * writer's segment is left where it is. */
SCOPE_CHECKED int scope_writer_probe(const struct scope_writer_options *options,
                                     struct scope_error_detail *error);
/* State CLOSED, then the name removed unless lingering. NULL is ignored. In a forked child it only
 * frees memory: there the mapping was never inherited, and publishing does nothing. */
void scope_writer_close(struct scope_writer *writer);

/* Sets a metric by id. An id that is not in the dictionary is ignored. */
void scope_sample_set(const struct scope_writer *writer, struct scope_sample *sample, uint32_t id,
                      uint64_t value);
void scope_publish_sample(struct scope_writer *writer, const struct scope_sample *sample);
void scope_publish_histograms(struct scope_writer *writer,
                              const struct scope_histograms *histograms);
/* Any thread. Returns the record's number. */
uint64_t scope_publish_event(struct scope_writer *writer, const struct scope_event *event);
void scope_publish_shape(struct scope_writer *writer, const struct scope_shape *shape);
/* Number of the next event: for scope_shape.event_head, read under the lock that orders the tree's
 * changes. */
uint64_t scope_event_head(const struct scope_writer *writer);
/* CPU time of the writer's own threads so far (the heartbeat), ns. */
uint64_t scope_writer_cpu_ns(const struct scope_writer *writer);
const char *scope_writer_name(const struct scope_writer *writer);

/* ---- watching ---- */

struct scope_segment;

enum scope_liveness {
    SCOPE_LIVE,    /* lock held, heartbeat fresh */
    SCOPE_STALLED, /* lock held, no heartbeat for 2 s: stopped, swapping, or a hung disk */
    SCOPE_CLOSED,  /* ended in good order */
    SCOPE_CRASHED, /* lock free, never closed: the black box */
    SCOPE_COPY,    /* a plain copy of a segment file: history only */
};
const char *scope_liveness_name(enum scope_liveness liveness);

struct scope_info {
    char name[64];
    char engine_name[32], engine_version[32];
    char command[1024];
    char description[256];
    uint64_t instance_id;
    uint64_t pid; /* for display only */
    uint64_t start_mono_ns, start_real_ns;
    uint64_t sample_interval_ns;
    uint64_t total_bytes;
    uint64_t samples, events, seconds; /* slots */
    uint16_t major, minor;
};

/* May a segment have that name? `crashed`: or its black box, "NAME.crashed". */
bool scope_name_valid(const char *name, bool crashed);

/* Attaches to /dev/shm/lsmscope.NAME. `any_owner`: also to another user's segment. */
SCOPE_CHECKED int scope_attach(const char *name, bool any_owner, struct scope_segment **segment,
                               struct scope_error_detail *error);
/* Attaches to a segment file by path: a .crashed black box or a plain copy. */
SCOPE_CHECKED int scope_attach_file(const char *path, struct scope_segment **segment,
                                    struct scope_error_detail *error);
void scope_detach(struct scope_segment *segment);

/* Lets go of the memory that reading mapped into this process; what is read next is mapped again.
 * For who has read a ring through: its records are copies, and the pages only count as memory. */
void scope_segment_unload(const struct scope_segment *segment);

void scope_segment_info(const struct scope_segment *segment, struct scope_info *info);
enum scope_liveness scope_segment_liveness(const struct scope_segment *segment);
uint64_t scope_segment_heartbeat_age_ns(const struct scope_segment *segment);
/* True when the name now leads to another instance: detach and attach again. */
bool scope_segment_replaced(const struct scope_segment *segment);
/* True once a read hit the end of a file that was cut short (needs scope_sigbus_guard). */
bool scope_segment_damaged(const struct scope_segment *segment);

/* The segment's dictionary, copied at attach. Valid until detach. */
const struct scope_metric *scope_segment_metrics(const struct scope_segment *segment,
                                                 size_t *count);
/* The sample word of a metric id, or -1 when this segment does not have it. */
int scope_metric_word(const struct scope_segment *segment, uint32_t id);
/* The value of a metric in a sample of this segment; false when absent. */
bool scope_sample_get(const struct scope_segment *segment, const struct scope_sample *sample,
                      uint32_t id, uint64_t *value);

/* Follows one ring. Starts at the oldest record plus 1/16 of the ring as slack; a lapped cursor
 * starts there again, and `lost` counts exactly what it missed. Records overwritten before the
 * cursor's first poll are not lost: they were never its to see. */
enum scope_ring { SCOPE_RING_SAMPLES, SCOPE_RING_EVENTS, SCOPE_RING_HISTOGRAMS };
struct scope_cursor {
    const struct scope_segment *segment;
    enum scope_ring ring;
    uint64_t next; /* number of the next record to return */
    uint64_t lost; /* records missed since the cursor was made */
    bool polled;   /* private: the first poll is done */
};
enum scope_poll { SCOPE_POLL_EMPTY, SCOPE_POLL_RECORD, SCOPE_POLL_LAPPED };

void scope_cursor_init(struct scope_cursor *cursor, const struct scope_segment *segment,
                       enum scope_ring ring);
/* Next record, if any. EMPTY: poll again next frame, never in a spin. LAPPED: nothing copied, the
 * cursor moved. Never fails, never allocates, a bounded number of shared loads. */
enum scope_poll scope_poll_sample(struct scope_cursor *cursor, struct scope_sample *sample);
enum scope_poll scope_poll_event(struct scope_cursor *cursor, struct scope_event *event);
enum scope_poll scope_poll_histograms(struct scope_cursor *cursor,
                                      struct scope_histograms *histograms);
/* Heads as of now: how many records each ring has ever had. */
uint64_t scope_ring_head(const struct scope_segment *segment, enum scope_ring ring);
/* The newest shape. EMPTY when none was published yet; retries while the writer is at it, then
 * LAPPED. */
enum scope_poll scope_read_shape(const struct scope_segment *segment, struct scope_shape *shape);

/* ---- the machine's segments ---- */

struct scope_listing {
    char name[80]; /* as scope_attach takes it; "NAME.crashed" for a black box */
    int status;    /* 0, or why it could not be read: `info` and `liveness` are then not filled */
    enum scope_liveness liveness;
    uint64_t bytes;
    uint64_t heartbeat_age_ns;
    bool own; /* owned by this user */
    struct scope_info info;
};
/* Lists every segment of the machine, sorted by name. *list is freed with free(). */
SCOPE_CHECKED int scope_list(struct scope_listing **list, size_t *count);
/* Removes a segment that is closed or crashed; IN_USE when its writer lives. */
SCOPE_CHECKED int scope_remove(const char *name, struct scope_error_detail *error);

/* Installs a SIGBUS handler that turns a read past the end of a cut-short segment into zero pages
 * and marks that segment damaged; any other SIGBUS goes to the handler that was there before. */
SCOPE_CHECKED int scope_sigbus_guard(void);

/* For viewers: lets the engine go first. The calling thread, and what it starts from then on, runs
 * at nice 10, and its timers get a slack of 2 ms, so that others may wake with it (poll and select
 * take more on long waits of their own accord). Who is nicer already stays so. A system that
 * refuses leaves things as they are. */
void scope_viewer_yield(void);

#ifdef __cplusplus
}
#endif

#endif
