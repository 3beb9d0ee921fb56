/* engine_rocksdb.c: RocksDB through its C API, loaded at run time.
 *
 * Gets use pinned slices (one copy, into the caller's buffer), many keys its batched multi-get.
 * Threads: RocksDB's handles are shared by all sessions. */
#include "engine.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dynamic.h"

typedef struct rocksdb_t rocksdb_t;
typedef struct rocksdb_cache_t rocksdb_cache_t;
typedef struct rocksdb_filterpolicy_t rocksdb_filterpolicy_t;
typedef struct rocksdb_iterator_t rocksdb_iterator_t;
typedef struct rocksdb_options_t rocksdb_options_t;
typedef struct rocksdb_block_based_table_options_t rocksdb_table_t;
typedef struct rocksdb_readoptions_t rocksdb_readoptions_t;
typedef struct rocksdb_writeoptions_t rocksdb_writeoptions_t;
typedef struct rocksdb_column_family_handle_t rocksdb_family_t;
typedef struct rocksdb_pinnableslice_t rocksdb_pinned_t;

#define ROCKSDB_API(F)                                                                             \
    F(rocksdb_t *, rocksdb_open_column_families,                                                   \
      (const rocksdb_options_t *, const char *, int, const char *const *,                          \
       const rocksdb_options_t *const *, rocksdb_family_t **, char **))                            \
    F(void, rocksdb_column_family_handle_destroy, (rocksdb_family_t *))                            \
    F(void, rocksdb_close, (rocksdb_t *))                                                          \
    F(void, rocksdb_put,                                                                           \
      (rocksdb_t *, const rocksdb_writeoptions_t *, const char *, size_t, const char *, size_t,    \
       char **))                                                                                   \
    F(void, rocksdb_delete,                                                                        \
      (rocksdb_t *, const rocksdb_writeoptions_t *, const char *, size_t, char **))                \
    F(rocksdb_pinned_t *, rocksdb_get_pinned,                                                      \
      (rocksdb_t *, const rocksdb_readoptions_t *, const char *, size_t, char **))                 \
    F(const char *, rocksdb_pinnableslice_value, (const rocksdb_pinned_t *, size_t *))             \
    F(void, rocksdb_pinnableslice_destroy, (rocksdb_pinned_t *))                                   \
    F(void, rocksdb_batched_multi_get_cf,                                                          \
      (rocksdb_t *, const rocksdb_readoptions_t *, rocksdb_family_t *, size_t,                     \
       const char *const *, const size_t *, rocksdb_pinned_t **, char **, const bool))             \
    F(void, rocksdb_compact_range, (rocksdb_t *, const char *, size_t, const char *, size_t))      \
    F(int, rocksdb_property_int, (rocksdb_t *, const char *, uint64_t *))                          \
    F(void, rocksdb_free, (void *))                                                                \
    F(rocksdb_iterator_t *, rocksdb_create_iterator, (rocksdb_t *, const rocksdb_readoptions_t *)) \
    F(void, rocksdb_iter_destroy, (rocksdb_iterator_t *))                                          \
    F(unsigned char, rocksdb_iter_valid, (const rocksdb_iterator_t *))                             \
    F(void, rocksdb_iter_seek_to_first, (rocksdb_iterator_t *))                                    \
    F(void, rocksdb_iter_seek_to_last, (rocksdb_iterator_t *))                                     \
    F(void, rocksdb_iter_seek, (rocksdb_iterator_t *, const char *, size_t))                       \
    F(void, rocksdb_iter_next, (rocksdb_iterator_t *))                                             \
    F(void, rocksdb_iter_prev, (rocksdb_iterator_t *))                                             \
    F(const char *, rocksdb_iter_key, (const rocksdb_iterator_t *, size_t *))                      \
    F(const char *, rocksdb_iter_value, (const rocksdb_iterator_t *, size_t *))                    \
    F(rocksdb_options_t *, rocksdb_options_create, (void))                                         \
    F(void, rocksdb_options_destroy, (rocksdb_options_t *))                                        \
    F(void, rocksdb_options_set_create_if_missing, (rocksdb_options_t *, unsigned char))           \
    F(void, rocksdb_options_set_write_buffer_size, (rocksdb_options_t *, size_t))                  \
    F(void, rocksdb_options_set_max_write_buffer_number, (rocksdb_options_t *, int))               \
    F(void, rocksdb_options_set_max_background_jobs, (rocksdb_options_t *, int))                   \
    F(void, rocksdb_options_set_max_open_files, (rocksdb_options_t *, int))                        \
    F(void, rocksdb_options_set_compression, (rocksdb_options_t *, int))                           \
    F(void, rocksdb_options_set_block_based_table_factory,                                         \
      (rocksdb_options_t *, rocksdb_table_t *))                                                    \
    F(rocksdb_table_t *, rocksdb_block_based_options_create, (void))                               \
    F(void, rocksdb_block_based_options_destroy, (rocksdb_table_t *))                              \
    F(void, rocksdb_block_based_options_set_block_cache, (rocksdb_table_t *, rocksdb_cache_t *))   \
    F(void, rocksdb_block_based_options_set_filter_policy,                                         \
      (rocksdb_table_t *, rocksdb_filterpolicy_t *))                                               \
    F(rocksdb_cache_t *, rocksdb_cache_create_lru, (size_t))                                       \
    F(void, rocksdb_cache_destroy, (rocksdb_cache_t *))                                            \
    F(rocksdb_filterpolicy_t *, rocksdb_filterpolicy_create_bloom_full, (double))                  \
    F(rocksdb_readoptions_t *, rocksdb_readoptions_create, (void))                                 \
    F(void, rocksdb_readoptions_destroy, (rocksdb_readoptions_t *))                                \
    F(rocksdb_writeoptions_t *, rocksdb_writeoptions_create, (void))                               \
    F(void, rocksdb_writeoptions_destroy, (rocksdb_writeoptions_t *))                              \
    F(void, rocksdb_writeoptions_set_sync, (rocksdb_writeoptions_t *, unsigned char))

static struct { ROCKSDB_API(DYNAMIC_FIELD) } rocksdb;
#define DYNAMIC_TARGET rocksdb
static const struct bench_symbol symbols[] = {ROCKSDB_API(DYNAMIC_SYMBOL)};

enum { MEMTABLES = 3, BACKGROUND_JOBS = 2 };

struct rocksdb_adapter {
    rocksdb_t *db;
    struct bench_setup *setup;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_family_t *family;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
};

static bool rocksdb_load(char why[BENCH_ERROR_TEXT]) {
    return bench_dynamic_load("librocksdb.so.7.8", "librocksdb7.8", symbols,
                              sizeof symbols / sizeof symbols[0], why);
}

static double bloom_bits(const struct bench_setup *setup) {
    return ceil(-log(setup->bloom_fpr) / (log(2) * log(2)));
}

static void rocksdb_describe(const struct bench_setup *setup, char *text, size_t size) {
    (void)snprintf(text, size,
                   "RocksDB 7.8: log on, no sync (fillsync: sync), write buffer %llu MiB x %d, "
                   "tables of 64 MiB, block 4 KiB, LRU cache %llu MiB, full bloom of %.0f bits a "
                   "key, %d background jobs, all files open, compression %s; the rest at its "
                   "defaults. Checksums: of a block when it is read from its file, of log records "
                   "on recovery",
                   (unsigned long long)(setup->memtable_bytes >> 20), MEMTABLES,
                   (unsigned long long)(setup->cache_bytes >> 20), bloom_bits(setup),
                   BACKGROUND_JOBS, bench_compression_names[setup->compression]);
}

/* Takes the words over. */
static int failed(struct bench_setup *setup, char *words) {
    (void)snprintf(setup->error, sizeof setup->error, "%s", words);
    rocksdb.rocksdb_free(words);
    return BENCH_FAILED;
}

static void release(struct rocksdb_adapter *a) {
    rocksdb.rocksdb_options_destroy(a->options);
    rocksdb.rocksdb_cache_destroy(a->cache);
    rocksdb.rocksdb_readoptions_destroy(a->read);
    rocksdb.rocksdb_writeoptions_destroy(a->write);
    free(a);
}

static void make_options(struct rocksdb_adapter *a) {
    static const int codes[] = {[BENCH_PLAIN] = 0, [BENCH_LZ4] = 4, [BENCH_ZSTD] = 7};
    const struct bench_setup *setup = a->setup;
    rocksdb_table_t *table = rocksdb.rocksdb_block_based_options_create();
    a->cache = rocksdb.rocksdb_cache_create_lru((size_t)setup->cache_bytes);
    rocksdb.rocksdb_block_based_options_set_block_cache(table, a->cache);
    /* The table options own the filter. */
    rocksdb.rocksdb_block_based_options_set_filter_policy(
        table, rocksdb.rocksdb_filterpolicy_create_bloom_full(bloom_bits(setup)));
    a->options = rocksdb.rocksdb_options_create();
    rocksdb.rocksdb_options_set_block_based_table_factory(a->options, table);
    rocksdb.rocksdb_block_based_options_destroy(table);
    rocksdb.rocksdb_options_set_create_if_missing(a->options, 1);
    rocksdb.rocksdb_options_set_write_buffer_size(a->options, (size_t)setup->memtable_bytes);
    rocksdb.rocksdb_options_set_max_write_buffer_number(a->options, MEMTABLES);
    rocksdb.rocksdb_options_set_max_background_jobs(a->options, BACKGROUND_JOBS);
    rocksdb.rocksdb_options_set_max_open_files(a->options, -1);
    rocksdb.rocksdb_options_set_compression(a->options, codes[setup->compression]);
    a->read = rocksdb.rocksdb_readoptions_create();
    a->write = rocksdb.rocksdb_writeoptions_create();
    rocksdb.rocksdb_writeoptions_set_sync(a->write, setup->sync);
}

static void *rocksdb_open_adapter(struct bench_setup *setup) {
    static const char *const name = "default";
    char *words = NULL;
    struct rocksdb_adapter *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->setup = setup;
    make_options(a);
    const rocksdb_options_t *family_options = a->options;
    a->db = rocksdb.rocksdb_open_column_families(a->options, setup->dir, 1, &name, &family_options,
                                                 &a->family, &words);
    if (words != NULL) {
        (void)failed(setup, words);
        release(a);
        return NULL;
    }
    return a;
}

static void rocksdb_close_adapter(void *db) {
    struct rocksdb_adapter *a = db;
    rocksdb.rocksdb_column_family_handle_destroy(a->family);
    rocksdb.rocksdb_close(a->db);
    release(a);
}

static uint64_t property(const struct rocksdb_adapter *a, const char *name) {
    uint64_t value = 0;
    return rocksdb.rocksdb_property_int(a->db, name, &value) == 0 ? value : 0;
}

static int rocksdb_settle(void *db) {
    static const char *const busy[] = {"rocksdb.mem-table-flush-pending",
                                       "rocksdb.num-running-flushes", "rocksdb.compaction-pending",
                                       "rocksdb.num-running-compactions"};
    struct timespec pause = {.tv_nsec = 5000000};
    const struct rocksdb_adapter *a = db;
    /* Between a flush and the compaction that it calls for nothing runs: look several times. */
    for (int quiet = 0; quiet < 4; quiet++) {
        for (size_t i = 0; i < sizeof busy / sizeof busy[0]; i++) {
            if (property(a, busy[i]) != 0) {
                quiet = -1;
            }
        }
        (void)nanosleep(&pause, NULL);
    }
    return BENCH_OK;
}

static int rocksdb_compact(void *db) {
    const struct rocksdb_adapter *a = db;
    rocksdb.rocksdb_compact_range(a->db, NULL, 0, NULL, 0);
    return BENCH_OK;
}

static void rocksdb_stats(void *db, struct bench_stats *stats) {
    const struct rocksdb_adapter *a = db;
    *stats = (struct bench_stats){
        .wal_written = NAN,
        .debt = (double)property(a, "rocksdb.estimate-pending-compaction-bytes"),
        .stall_max_s = NAN,
    };
}

static double rocksdb_table_bytes(void *db) {
    const struct rocksdb_adapter *a = db;
    return (double)property(a, "rocksdb.live-sst-files-size");
}

static void *rocksdb_session_open(void *db) {
    return db;
}

static void rocksdb_session_close(void *session) {
    (void)session;
}

static int rocksdb_put_one(void *session, struct bench_slice key, struct bench_slice value) {
    struct rocksdb_adapter *a = session;
    char *words = NULL;
    rocksdb.rocksdb_put(a->db, a->write, key.data, key.size, value.data, value.size, &words);
    return words == NULL ? BENCH_OK : failed(a->setup, words);
}

static int rocksdb_delete_one(void *session, struct bench_slice key) {
    struct rocksdb_adapter *a = session;
    char *words = NULL;
    rocksdb.rocksdb_delete(a->db, a->write, key.data, key.size, &words);
    return words == NULL ? BENCH_OK : failed(a->setup, words);
}

/* SIZE_MAX when there is none; releases it. */
static size_t copy(rocksdb_pinned_t *pinned, char *to, size_t room) {
    size_t length = SIZE_MAX;
    const char *data = pinned != NULL ? rocksdb.rocksdb_pinnableslice_value(pinned, &length) : NULL;
    if (data == NULL) {
        length = SIZE_MAX;
    } else {
        memcpy(to, data, length < room ? length : room);
    }
    if (pinned != NULL) {
        rocksdb.rocksdb_pinnableslice_destroy(pinned);
    }
    return length;
}

static int rocksdb_get_one(void *session, struct bench_slice key, char *value, size_t room,
                           size_t *size) {
    struct rocksdb_adapter *a = session;
    char *words = NULL;
    rocksdb_pinned_t *pinned =
        rocksdb.rocksdb_get_pinned(a->db, a->read, key.data, key.size, &words);
    if (words != NULL) {
        return failed(a->setup, words);
    }
    *size = copy(pinned, value, room);
    return *size == SIZE_MAX ? BENCH_ABSENT : BENCH_OK;
}

static int rocksdb_multi_get(void *session, const struct bench_slice *keys, char *values,
                             size_t room, size_t *sizes) {
    struct rocksdb_adapter *a = session;
    const char *key[BENCH_BATCH];
    size_t key_size[BENCH_BATCH];
    rocksdb_pinned_t *pinned[BENCH_BATCH];
    char *words[BENCH_BATCH];
    int status = BENCH_OK;
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        key[i] = keys[i].data;
        key_size[i] = keys[i].size;
    }
    rocksdb.rocksdb_batched_multi_get_cf(a->db, a->read, a->family, BENCH_BATCH, key, key_size,
                                         pinned, words, false);
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        sizes[i] = copy(pinned[i], values + i * room, room);
        if (words[i] != NULL) {
            status = failed(a->setup, words[i]);
        }
    }
    return status;
}

static void *rocksdb_iter_open(void *session) {
    struct rocksdb_adapter *a = session;
    return rocksdb.rocksdb_create_iterator(a->db, a->read);
}

static void rocksdb_iter_close(void *iter) {
    rocksdb.rocksdb_iter_destroy(iter);
}

static bool rocksdb_seek(void *iter, struct bench_slice key) {
    rocksdb.rocksdb_iter_seek(iter, key.data, key.size);
    return rocksdb.rocksdb_iter_valid(iter) != 0;
}

static bool rocksdb_first(void *iter) {
    rocksdb.rocksdb_iter_seek_to_first(iter);
    return rocksdb.rocksdb_iter_valid(iter) != 0;
}

static bool rocksdb_last(void *iter) {
    rocksdb.rocksdb_iter_seek_to_last(iter);
    return rocksdb.rocksdb_iter_valid(iter) != 0;
}

static bool rocksdb_next(void *iter) {
    rocksdb.rocksdb_iter_next(iter);
    return rocksdb.rocksdb_iter_valid(iter) != 0;
}

static bool rocksdb_prev(void *iter) {
    rocksdb.rocksdb_iter_prev(iter);
    return rocksdb.rocksdb_iter_valid(iter) != 0;
}

static void rocksdb_entry(void *iter, struct bench_slice *key, struct bench_slice *value) {
    key->data = rocksdb.rocksdb_iter_key(iter, &key->size);
    value->data = rocksdb.rocksdb_iter_value(iter, &value->size);
}

const struct bench_engine bench_engine_rocksdb = {
    .name = "rocksdb",
    .load = rocksdb_load,
    .describe = rocksdb_describe,
    .wal_suffix = ".log",
    .open = rocksdb_open_adapter,
    .close = rocksdb_close_adapter,
    .settle = rocksdb_settle,
    .compact = rocksdb_compact,
    .stats = rocksdb_stats,
    .table_bytes = rocksdb_table_bytes,
    .session_open = rocksdb_session_open,
    .session_close = rocksdb_session_close,
    .put = rocksdb_put_one,
    .del = rocksdb_delete_one,
    .get = rocksdb_get_one,
    .multi_get = rocksdb_multi_get,
    .iter_open = rocksdb_iter_open,
    .iter_close = rocksdb_iter_close,
    .iter_seek = rocksdb_seek,
    .iter_first = rocksdb_first,
    .iter_last = rocksdb_last,
    .iter_next = rocksdb_next,
    .iter_prev = rocksdb_prev,
    .iter_entry = rocksdb_entry,
};
