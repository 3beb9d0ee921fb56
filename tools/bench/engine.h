/* engine.h: what the bench needs of a storage engine, one adapter a file.
 *
 * Engines other than our own are reached through the C API of a shared library that is loaded when
 * it is asked for: nothing of them is needed to build the bench, and one that is not installed is
 * left out. An adapter declares the few functions it uses itself (dynamic.h), as the library's C
 * header documents them, so that no -dev package is needed either.
 *
 * Threads:    open, settle and close from one thread, with no session in use. A session (and its
 *             iterators) belongs to one thread at a time; several sessions work side by side.
 * Values:     get and multi_get copy into the caller's buffer: every engine pays for one copy.
 * Errors:     0, BENCH_ABSENT, or BENCH_FAILED with words in the setup's `error`. */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_OK = 0, BENCH_ABSENT = 1, BENCH_FAILED = -1 };
enum { BENCH_BATCH = 64, BENCH_ERROR_TEXT = 256 };

enum bench_compression { BENCH_PLAIN = 0, BENCH_LZ4 = 1, BENCH_ZSTD = 2 };
extern const char *const bench_compression_names[3];
/* One of these; negative: no such name. */
int bench_compression_find(const char *name);

struct bench_setup {
    const char *dir; /* the engine's own directory, there already */
    uint64_t memtable_bytes, cache_bytes;
    double bloom_fpr;
    enum bench_compression compression;
    uint64_t data_bytes; /* keys and values to be expected at most */
    uint64_t threads;
    bool sync;                    /* every write survives power loss before it is acknowledged */
    char error[BENCH_ERROR_TEXT]; /* why something failed */
};

struct bench_stats {
    double wal_written; /* bytes appended to the log since open; NAN: watch the log's files */
    double debt;        /* bytes that compaction still has to merge; NAN: not told */
    double stall_max_s; /* longest wait of a write for background work; NAN: not told */
    double merged_entries, merge_s; /* read by compactions since open, and the time of those that
                                       merged; 0: not told */
};

struct bench_slice {
    const char *data;
    size_t size;
};

struct bench_engine {
    const char *name;
    bool on_request; /* runs only when it is named */
    /* Loads the library. False and one line in `why` when it is not installed. */
    bool (*load)(char why[BENCH_ERROR_TEXT]);
    /* Settings as they will be used, and when checksums are verified: a few lines. */
    void (*describe)(const struct bench_setup *setup, char *text, size_t size);
    /* File endings of the log ("" none) and of the log's successors that are not live data. */
    const char *wal_suffix;

    void *(*open)(struct bench_setup *setup); /* NULL: failed */
    void (*close)(void *db);
    /* Waits until background work is done. NULL: the engine does not tell; the bench watches the
     * process fall idle. */
    int (*settle)(void *db);
    /* Merges everything there is, and returns when that is done; besides the sessions' work, from a
     * thread of its own. NULL: there is nothing to merge. */
    int (*compact)(void *db);
    void (*stats)(void *db, struct bench_stats *stats);
    /* Bytes of the live tables when the files' sizes do not tell; NULL: they do. */
    double (*table_bytes)(void *db);

    void *(*session_open)(void *db); /* NULL: out of memory */
    void (*session_close)(void *session);
    int (*put)(void *session, struct bench_slice key, struct bench_slice value);
    int (*del)(void *session, struct bench_slice key);
    int (*get)(void *session, struct bench_slice key, char *value, size_t room, size_t *size);
    /* BENCH_BATCH keys; value i goes to values + i * room, sizes[i] is SIZE_MAX
     * when it is absent. NULL: one by one. */
    int (*multi_get)(void *session, const struct bench_slice *keys, char *values, size_t room,
                     size_t *sizes);

    /* The iterator's moves tell whether it stands on an entry; `entry` then lends key and value
     * until the next move. */
    void *(*iter_open)(void *session);
    void (*iter_close)(void *iter);
    bool (*iter_seek)(void *iter, struct bench_slice key);
    bool (*iter_first)(void *iter);
    bool (*iter_last)(void *iter);
    bool (*iter_next)(void *iter);
    bool (*iter_prev)(void *iter);
    void (*iter_entry)(void *iter, struct bench_slice *key, struct bench_slice *value);
};

extern const struct bench_engine bench_engine_lsm, bench_engine_lsm_tiered, bench_engine_lsm_lazy,
    bench_engine_rocksdb, bench_engine_leveldb, bench_engine_lmdb, bench_engine_null;
/* All of them, in the order of the report. */
extern const struct bench_engine *const bench_engines[];
extern const size_t bench_engine_count;
const struct bench_engine *bench_engine_find(const char *name);

#endif
