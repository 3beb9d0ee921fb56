/* lsm.h: an embeddable log-structured merge tree.
 *
 *     struct lsm_options o = lsm_options_default();
 *     struct lsm_db *db;
 *     if (lsm_open("/var/lib/mydb", &o, &db, NULL) != 0) { ... }
 *     lsm_put(db, NULL, "key", 3, "value", 5);
 *     struct lsm_value v;
 *     if (lsm_get(db, NULL, "key", 3, &v) == 0) { use(v.data, v.size); lsm_value_release(&v); }
 *     lsm_close(db);
 *
 * Threads:    any number of threads may call anything with one `struct lsm_db`. An iterator, a
 *             batch and a value belong to one thread at a time. Listeners are called from the
 *             engine's threads.
 * Semantics:  the newest sequence number wins. Reads see one moment. A batch is visible, and
 *             survives, whole or not at all. Keys are 1 byte to 64 KiB - 1, values 0 to 64 MiB,
 *             arbitrary bytes, ordered by memcmp.
 * Ownership:  what comes back through an out-parameter belongs to the caller until the function
 *             named beside it. Keys, values, options and paths passed in are copied, or not kept.
 * Errors:     0, or a negative code of enum lsm_error. NOT_FOUND is an answer, not a failure.
 *             lsm_error_detail tells which file, which offset and what the kernel said. Nothing
 *             here prints, aborts on bad input, or exits. Assertions guard the library's own
 *             invariants only.
 * Process:    one process opens a directory at a time. A handle, and what was made with it, is
 *             invalid in a forked child: calls say so, but values taken before are neither to be
 *             read nor released there. A child may open databases of its own. A thread inside a
 *             call is not to be cancelled, nor left by longjmp: locks and what it reads would
 *             stay taken. */
#ifndef LSM_LSM_H
#define LSM_LSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LSM_CHECKED __attribute__((warn_unused_result))
#else
#define LSM_CHECKED
#endif

#define LSM_VERSION "0.1"

/* ---- errors --------------------------------------------------------------------------------- */

enum lsm_error {
    LSM_OK = 0,
    LSM_NOT_FOUND = -1,    /* no such key, job or database */
    LSM_ERR_ARGUMENT = -2, /* a size or option out of range; the detail names it and the range */
    LSM_ERR_IO = -3,       /* the kernel refused a read, a write or a sync */
    LSM_ERR_CORRUPT =
        -4, /* a file does not hold what was written; the detail names file and offset */
    LSM_ERR_NO_SPACE = -5, /* the disk is full; writes work again when there is room */
    LSM_ERR_LOCKED = -6,   /* another process has the directory open */
    LSM_ERR_READ_ONLY =
        -7, /* an earlier failure made the database read-only; the detail repeats it */
    LSM_ERR_MEMORY = -8,
    LSM_ERR_NOT_A_DB = -9, /* the directory holds other files than a database's */
    LSM_ERR_VERSION = -10, /* written by a version this one does not read */
    LSM_ERR_BUSY = -11,    /* such a job is already under way, or a limit is reached */
    LSM_ERR_TIMEOUT = -12,
    LSM_ERR_FORKED = -13,      /* the handle belongs to the parent process */
    LSM_ERR_UNSUPPORTED = -14, /* this build or this kernel cannot */
    LSM_ERR_CLOSED = -15,      /* the database is being closed */
};

struct lsm_db;
struct lsm_batch;
struct lsm_snapshot;
struct lsm_iter;

const char *lsm_strerror(int code);
/* The newest failure of this handle in words: file, offset, what the kernel said. Copies at most
 * `size` bytes with the NUL; "" when there was none. */
void lsm_error_detail(const struct lsm_db *db, char *text, size_t size);

/* ---- options -------------------------------------------------------------------------------- */

enum lsm_durability {
    LSM_DURABILITY_DEFAULT = 0, /* in write options: the database's own */
    LSM_BUFFERED = 1, /* survives a clean close. Not logged: costs nothing beyond memory */
    LSM_PROCESS = 2,  /* survives the process dying at any instant. No system call per put */
    LSM_SYNC = 3,     /* survives power loss. One device flush per group of concurrent writers */
};

enum lsm_io_backend { LSM_IO_AUTO = 0, LSM_IO_URING = 1, LSM_IO_POSIX = 2 };

/* What is merged when. Reads, recovery and durability are the same under each, and a database may
 * be opened with another than the one that made it. */
enum lsm_policy {
    LSM_LEVELED = 0, /* one run a level: cheapest reads, least space, most rewriting. When nothing
                        was written for a second or two, level 0 is merged although not due, if an
                        eighth of the tree or more is what it has overwritten */
    LSM_TIERED = 1,  /* runs of like size are merged l0_trigger at a time: least rewriting; a read
                        looks into every run, and overwritten data may double the space */
    LSM_LAZY_LEVELED = 2, /* tiered above one large run: space near leveled's, reads and writes in
                             between */
};

/* How the blocks of tables are stored. LZ4 unpacks 4 KiB in about a microsecond, ZSTD in five and
 * to three quarters of the size; compressed blocks are not read in place but kept, unpacked, in the
 * block cache. Blocks that would not shrink by an eighth are stored as they are. */
enum lsm_compression {
    LSM_COMPRESSION_NONE = 0,
    LSM_COMPRESSION_LZ4 = 1,
    LSM_COMPRESSION_ZSTD = 2
};

enum { LSM_LEVELS_MAX = 8, LSM_KEY_MAX = 65535, LSM_VALUE_MAX = 64 << 20 };
#define LSM_BATCH_BYTES_MAX (256u << 20)

struct lsm_event;
typedef void (*lsm_listener)(void *context, const struct lsm_event *event);
struct lsm_io;

/* Behaviour first, then performance. Every size is in bytes. */
struct lsm_options {
    bool create_if_missing;         /* default true */
    bool error_if_exists;           /* default false */
    enum lsm_durability durability; /* default LSM_PROCESS */
    bool
        async_compaction; /* default true: flush and compaction in background threads. false: in the
                             writer's own thread, so that a put may take as long as a compaction */
    uint32_t max_levels;  /* default 7, 2 to 8, L0 counted */
    uint64_t tombstone_retention_s; /* default 0: a delete may be forgotten once nothing older lies
                                beneath it. Kept at least this long, known to about a second */
    lsm_listener listener;          /* default NULL; see struct lsm_event */
    void *listener_context;

    uint64_t memtable_bytes; /* default 64 MiB, 4 KiB to 4 GiB: a memtable is sealed when it holds
                                this much */
    uint32_t memtables_max;  /* default 3, 2 to 16: the active one and sealed ones; writes stop when
                                all are full */
    uint64_t table_bytes;    /* default 64 MiB, 4 KiB to 4 GiB: size at which compaction begins the
                                next table */
    uint32_t
        block_bytes;  /* default 4 KiB, 512 to 1 MiB: size at which a table begins the next block */
    double bloom_fpr; /* default 0.01, 0 (no filter) or 0.000001 to 0.5: wrong "maybe"s for absent
                         keys */
    uint64_t cache_bytes;     /* default 128 MiB, 0 (none) to 1 TiB: block cache */
    uint32_t tables_open_max; /* default 1000, 16 to 1 000 000: table files kept open, each with its
                                 index: 13 bytes a block; all of it and the filter where the file is
                                 not mapped */
    uint32_t l0_trigger;      /* default 4, 1 to 1000: L0 tables that start a compaction */
    uint32_t l0_slowdown;     /* default 12, or 3 x l0_trigger if that is more; l0_trigger to
                                 100 000: L0 tables at which writes are delayed; tiered policies:
                                 without those, and in debt the bytes, that a merge works off */
    uint32_t l0_stop;         /* default 20, or 5 x l0_trigger if that is more; l0_slowdown to
                                 100 000: L0 tables at which writes wait, counted the same */
    uint32_t
        level_ratio; /* default 10, 2 to 100: how much larger each level is than the one above */
    uint64_t level1_bytes; /* default 0: l0_trigger x max(memtable_bytes, table_bytes). Target size
                              of level 1 */
    uint64_t debt_slowdown_bytes; /* default 64 GiB: compaction debt at which writes are delayed */
    uint64_t debt_stop_bytes;     /* default 256 GiB: ... at which they wait */
    uint32_t
        background_threads; /* default 2, 1 to 64, when async_compaction: one is kept for flushes */
    uint64_t compaction_rate; /* default 0, no limit: bytes a second that background compactions
                                 read and write together. Flushes are not held back. What is written
                                 faster than it is compacted ends in delayed writes */
    bool direct_io;           /* default false: tables are written past the page cache */
    bool map_tables; /* default true: what is in the page cache is read in place, with no system
                        call and no copy: blocks, filters, and of the indexes all but what a search
                        runs over; see lsm_sigbus_guard. Not with direct_io */
    enum lsm_policy policy; /* default LSM_LEVELED */
    /* Default none everywhere. By the level a table is written to; a database may be opened with
     * another choice than the one that made it, and a table that is only moved keeps its own. */
    enum lsm_compression compression[LSM_LEVELS_MAX];
    enum lsm_io_backend
        io_backend;    /* default LSM_IO_AUTO: io_uring, or posix where the kernel forbids it */
    struct lsm_io *io; /* default NULL; tests only: a backend of one's own, borrowed until close */
};
struct lsm_options lsm_options_default(void);

struct lsm_write_options {
    enum lsm_durability durability; /* at least as strong as asked; DEFAULT: the database's */
};
struct lsm_read_options {
    const struct lsm_snapshot *snapshot; /* NULL: now */
    bool skip_cache_fill;                /* do not keep blocks read for this call (scans) */
    /* Iterators only: keys below `lower` and at or above `upper` do not exist. NULL: no bound.
     * Copied. */
    const void *lower;
    size_t lower_size;
    const void *upper;
    size_t upper_size;
};

/* ---- life cycle ------------------------------------------------------------------------------ */

/* Opens or creates. On failure *db is untouched and `detail` (may be NULL, else 256 bytes) says
 * why. The directory must be a database's, or empty, or absent (its parent must exist). */
LSM_CHECKED int lsm_open(const char *path, const struct lsm_options *options, struct lsm_db **db,
                         char detail[256]);
/* Waits for running jobs, makes buffered writes durable, frees everything. The handle is gone
 * whatever comes back; an error says that something acknowledged as LSM_BUFFERED may not have
 * survived. NULL is ignored. REQUIRES: no other call is under way; iterators, snapshots and values
 * are released. */
int lsm_close(struct lsm_db *db);
/* Deletes the database at path: only files that are a database's, then the directory if it is
 * empty. NOT_A_DB when the directory holds none; LOCKED when it is open. */
LSM_CHECKED int lsm_destroy(const char *path, char detail[256]);
/* 1 when the directory holds a database, 0 when it is absent or empty, else NOT_A_DB or IO. Nothing
 * is changed. */
LSM_CHECKED int lsm_probe(const char *path);
/* Installs a SIGBUS handler for the process: a table file that is cut short under the engine, or
 * whose disk fails, then gives LSM_ERR_IO instead of killing the process (with map_tables). The
 * log is not covered: memtables refer to what lies in it, and a page of it that the kernel wrote
 * back, dropped and cannot read again is SIGBUS. What the disk has in its place is found out when
 * the memtable becomes a table: CORRUPT, and the database is read-only. Signals that
 * are not the engine's go to the handler that was there before. Call it once, early; UNSUPPORTED
 * when the kernel refuses. */
LSM_CHECKED int lsm_sigbus_guard(void);

/* ---- writes ---------------------------------------------------------------------------------- */

LSM_CHECKED int lsm_put(struct lsm_db *db, const struct lsm_write_options *options, const void *key,
                        size_t key_size, const void *value, size_t value_size);
/* Deleting what is not there is not an error. */
LSM_CHECKED int lsm_delete(struct lsm_db *db, const struct lsm_write_options *options,
                           const void *key, size_t key_size);

LSM_CHECKED int lsm_batch_create(struct lsm_batch **batch); /* until lsm_batch_destroy */
void lsm_batch_destroy(struct lsm_batch *batch);
void lsm_batch_clear(struct lsm_batch *batch);
LSM_CHECKED int lsm_batch_put(struct lsm_batch *batch, const void *key, size_t key_size,
                              const void *value, size_t value_size);
LSM_CHECKED int lsm_batch_delete(struct lsm_batch *batch, const void *key, size_t key_size);
size_t lsm_batch_count(const struct lsm_batch *batch);
size_t lsm_batch_bytes(const struct lsm_batch *batch);
/* Applies all of it, later entries over earlier ones. The batch stays as it is and may be written
 * again. */
LSM_CHECKED int lsm_write(struct lsm_db *db, const struct lsm_write_options *options,
                          const struct lsm_batch *batch);
/* Makes everything acknowledged so far survive power loss. */
LSM_CHECKED int lsm_sync(struct lsm_db *db);

/* ---- reads ----------------------------------------------------------------------------------- */

/* A value, pinned where it lies or copied. Valid until lsm_value_release; release before lsm_close.
 */
struct lsm_value {
    const void *data; /* never NULL after success, even when size is 0 */
    size_t size;
    void *pin; /* the library's own */
};
void lsm_value_release(struct lsm_value *value);

/* 0 and *value, or NOT_FOUND and *value untouched. */
LSM_CHECKED int lsm_get(struct lsm_db *db, const struct lsm_read_options *options, const void *key,
                        size_t key_size, struct lsm_value *value);

struct lsm_meta {
    bool tombstone; /* the newest version is a delete; `value` is then empty */
    uint64_t sequence;
    uint64_t write_time_s;  /* Unix time of the write, to about a second; 0 when no longer known */
    struct lsm_value value; /* lsm_value_release */
};
/* The newest version of a key, deletes included. NOT_FOUND when the tree knows nothing of it. */
LSM_CHECKED int lsm_get_meta(struct lsm_db *db, const struct lsm_read_options *options,
                             const void *key, size_t key_size, struct lsm_meta *meta);

struct lsm_key {
    const void *data;
    size_t size;
};
/* Many keys at one moment. status[i] is 0 or NOT_FOUND (or an error of that key's table); values[i]
 * is set where it is 0. Returns 0, or the first error that is not NOT_FOUND. */
LSM_CHECKED int lsm_multi_get(struct lsm_db *db, const struct lsm_read_options *options,
                              const struct lsm_key *keys, size_t count, struct lsm_value *values,
                              int *status);

LSM_CHECKED int
lsm_snapshot_create(struct lsm_db *db,
                    struct lsm_snapshot **snapshot); /* until lsm_snapshot_release */
void lsm_snapshot_release(struct lsm_snapshot *snapshot);
uint64_t lsm_snapshot_sequence(const struct lsm_snapshot *snapshot);

/* Starts nowhere: seek first. An iterator sees the moment of its creation, or its snapshot. */
LSM_CHECKED int lsm_iter_create(struct lsm_db *db, const struct lsm_read_options *options,
                                struct lsm_iter **iter);
void lsm_iter_destroy(struct lsm_iter *iter);
void lsm_iter_seek(struct lsm_iter *iter, const void *key, size_t key_size); /* first key >= */
void lsm_iter_seek_for_prev(struct lsm_iter *iter, const void *key,
                            size_t key_size); /* last key <= */
void lsm_iter_first(struct lsm_iter *iter);
void lsm_iter_last(struct lsm_iter *iter);
void lsm_iter_next(struct lsm_iter *iter); /* REQUIRES: valid */
void lsm_iter_prev(struct lsm_iter *iter); /* REQUIRES: valid */
bool lsm_iter_valid(const struct lsm_iter *iter);
/* Valid until the next call that moves or destroys the iterator. REQUIRES: lsm_iter_valid. */
struct lsm_key lsm_iter_key(const struct lsm_iter *iter);
struct lsm_key lsm_iter_value(const struct lsm_iter *iter);
/* Why the iterator is not valid: 0 at the end of the keys, else the error. */
int lsm_iter_status(const struct lsm_iter *iter);

/* ---- maintenance ---- */

/* Writes every memtable to level 0 and waits for it. */
LSM_CHECKED int lsm_flush(struct lsm_db *db);
/* Compacts one level into the next, all its tables, and waits. */
LSM_CHECKED int lsm_compact_level(struct lsm_db *db, uint32_t level);
/* Flushes, then compacts until everything lies in one bottom level. */
LSM_CHECKED int lsm_compact_all(struct lsm_db *db);
/* Makes a database of its own at `path`, which must not exist (its parent must): everything written
 * so far is flushed, and the tables are hard links, so that it costs almost no space and no time.
 * Writes go on meanwhile. `path` must lie on the same file system. On failure nothing of it is
 * left. */
LSM_CHECKED int lsm_checkpoint(struct lsm_db *db, const char *path);
/* Reads every block of every table and checks order, checksums, counts, filters and key ranges.
 * CORRUPT: the detail names file and offset. Slow: all of the data is read. */
LSM_CHECKED int lsm_verify(struct lsm_db *db);
/* Waits until no flush or compaction is due or running, nor one worth it while nothing is written:
 * what the policy merges then is begun at once; and until the tables that an open found are open.
 * READ_ONLY when one is due that an earlier failure forbids. */
LSM_CHECKED int lsm_wait_idle(struct lsm_db *db, uint64_t timeout_ms);

struct lsm_range {
    const void *from; /* the first key that is meant; NULL: from the beginning */
    size_t from_size;
    const void *to; /* the first one beyond; NULL: to the end */
    size_t to_size;
};
/* Bytes that each range takes in tables, with its share of filters and indexes and with versions
 * and deletes that are not gone yet; what is only in memtables is not counted. From indexes: at
 * each end of a range a block of each table more or less. Cheap once the tables are open. */
LSM_CHECKED int lsm_approximate_size(struct lsm_db *db, const struct lsm_range *ranges,
                                     size_t count, uint64_t *bytes);

enum lsm_job_state { LSM_JOB_PENDING, LSM_JOB_RUNNING, LSM_JOB_COMPLETED, LSM_JOB_FAILED };
struct lsm_job {
    uint64_t id;
    enum lsm_job_state state;
    uint32_t level;
    int error; /* when FAILED */
    uint64_t bytes_in, bytes_out;
};
/* Queues a compaction of a level. With async_compaction off it runs at the next write or wait. */
LSM_CHECKED int lsm_job_schedule(struct lsm_db *db, uint32_t level, uint64_t *id);
LSM_CHECKED int lsm_job_status(struct lsm_db *db, uint64_t id,
                               struct lsm_job *job); /* NOT_FOUND: unknown or long past */
LSM_CHECKED int lsm_job_wait(struct lsm_db *db, uint64_t id, uint64_t timeout_ms,
                             struct lsm_job *job);
/* The jobs known, oldest first: at most `room`; *count tells how many there are. */
LSM_CHECKED int lsm_job_list(struct lsm_db *db, struct lsm_job *jobs, size_t room, size_t *count);

/* ---- observation ---- */

/* Where writes can be held up, and by what. The numbers are shared with enum scope_stall. */
enum lsm_stall {
    LSM_STALL_NONE = 0,
    LSM_STALL_L0_SLOW = 1,
    LSM_STALL_L0_STOP = 2,
    LSM_STALL_MEMTABLE = 3,
    LSM_STALL_DEBT_SLOW = 4,
    LSM_STALL_DEBT_STOP = 5,
    LSM_STALL_INLINE = 6, /* the writer flushes or compacts itself: async_compaction is off */
    LSM_STALL_COUNT = 7,
};
const char *lsm_stall_name(enum lsm_stall stall);

enum lsm_op { LSM_OP_PUT, LSM_OP_GET, LSM_OP_DELETE, LSM_OP_SCAN, LSM_OP_COUNT };

/* Latency histogram: log-linear, bucket 0 is [0, 64 ns), then four to each doubling; see
 * lsm_bucket_floor. */
enum { LSM_LATENCY_BUCKETS = 112 };
struct lsm_latency {
    uint64_t count[LSM_LATENCY_BUCKETS]; /* fast operations are timed 1 in 8 and count 8; whatever
                                            waits counts 1 */
    uint64_t max_ns;
};
unsigned lsm_bucket_of(uint64_t ns);
uint64_t lsm_bucket_floor(unsigned bucket);
uint64_t lsm_latency_quantile(const struct lsm_latency *latency, double q); /* ns; 0 when empty */

/* Counters are absolute since the open; gauges are of the moment. */
struct lsm_stats {
    uint64_t puts, gets, deletes, scans, scan_steps, get_hits;
    uint64_t user_bytes_written, user_bytes_read;
    uint64_t memtable_bytes, memtable_limit, memtable_entries, sealed_bytes, sealed_count;
    uint64_t wal_bytes, wal_syncs, wal_rotations, wal_live_bytes;
    uint64_t flushes, flush_bytes;
    uint64_t compactions, compaction_bytes_read, compaction_bytes_written, compactions_running,
        compaction_pending_bytes;
    uint64_t compaction_wait_ns; /* that compactions waited for options.compaction_rate */
    uint64_t tombstones_dropped;
    enum lsm_stall stall_active;
    uint64_t stalls, stall_ns_max[LSM_STALL_COUNT];
    uint64_t stall_ns[LSM_STALL_COUNT]; /* the wait that lasts included */
    uint64_t io_reads, io_writes, io_read_bytes, io_write_bytes, io_syncs, io_depth, io_depth_max;
    enum lsm_io_backend io_backend; /* the one in use, never AUTO */
    uint64_t cache_hits, cache_misses, cache_bytes;
    uint64_t bloom_checks, bloom_negatives, bloom_false_positives, table_probes;
    uint64_t tables, table_bytes, obsolete_bytes, snapshots, iterators, last_sequence;
    uint32_t levels; /* max_levels */
    struct {
        uint64_t tables, bytes, target;
    } level[LSM_LEVELS_MAX];
    uint64_t recovered_bytes, recovery_cut_bytes; /* log replayed and cut off at the open */
};
void lsm_stats_read(const struct lsm_db *db, struct lsm_stats *stats);
/* Service time of one kind of operation since the open; with reset_max the max since the previous
 * such call, without it since the open. */
void lsm_latency_read(const struct lsm_db *db, enum lsm_op op, bool reset_max,
                      struct lsm_latency *latency);

struct lsm_table_info {
    uint64_t id;
    uint32_t level;
    bool busy; /* input of a running job */
    uint64_t bytes, entries, tombstones;
    uint64_t lo, hi; /* first and last key as order-preserving positions */
    uint64_t created_unix_ms;
};
/* The live tables: at most `room` are copied, *total tells how many there are. */
LSM_CHECKED int lsm_shape_read(const struct lsm_db *db, struct lsm_table_info *tables, size_t room,
                               size_t *total);

enum lsm_event_type {
    LSM_EVENT_FLUSH_BEGIN = 1,
    LSM_EVENT_FLUSH_END,
    LSM_EVENT_COMPACT_SCHEDULED,
    LSM_EVENT_COMPACT_BEGIN,
    LSM_EVENT_COMPACT_END,
    LSM_EVENT_STALL_BEGIN,
    LSM_EVENT_STALL_END,
    LSM_EVENT_WAL_ROTATE,
    LSM_EVENT_ERROR,
    LSM_EVENT_TABLE_ADD = 11,
    LSM_EVENT_TABLE_MOVE,
    LSM_EVENT_TABLE_REMOVE,
    LSM_EVENT_NOTICE, /* io_uring forbidden, log cut on recovery, ... */
};
struct lsm_event {
    enum lsm_event_type type;
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    uint64_t job;
    uint32_t level_from, level_to;
    uint32_t inputs, outputs;
    uint64_t bytes_in, bytes_out, entries_in, entries_out;
    uint64_t duration_ns;
    int status;
    enum lsm_stall stall;
    uint64_t wal_segment;
    struct lsm_table_info table;
    const char *text; /* ERROR, NOTICE; valid during the call */
};
/* The listener is called in the order things happened, one call at a time, never on the path of a
 * put that does not itself wait. It must not call back into the database except for lsm_stats_read.
 * Several may be added. */
LSM_CHECKED int lsm_listener_add(struct lsm_db *db, lsm_listener listener, void *context);
void lsm_listener_remove(struct lsm_db *db, lsm_listener listener,
                         void *context); /* returns when no call is under way */

#ifdef __cplusplus
}
#endif

#endif
