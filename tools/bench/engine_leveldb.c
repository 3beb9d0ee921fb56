/* engine_leveldb.c: LevelDB through its C API, loaded at run time.
 *
 * Threads: LevelDB's handles are shared by all sessions. It has no multi-get, and nothing that
 * tells whether a compaction runs. */
#include "engine.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dynamic.h"

typedef struct leveldb_t leveldb_t;
typedef struct leveldb_cache_t leveldb_cache_t;
typedef struct leveldb_filterpolicy_t leveldb_filterpolicy_t;
typedef struct leveldb_iterator_t leveldb_iterator_t;
typedef struct leveldb_options_t leveldb_options_t;
typedef struct leveldb_readoptions_t leveldb_readoptions_t;
typedef struct leveldb_writeoptions_t leveldb_writeoptions_t;

#define LEVELDB_API(F)                                                                             \
    F(int, leveldb_major_version, (void))                                                          \
    F(int, leveldb_minor_version, (void))                                                          \
    F(leveldb_t *, leveldb_open, (const leveldb_options_t *, const char *, char **))               \
    F(void, leveldb_compact_range, (leveldb_t *, const char *, size_t, const char *, size_t))      \
    F(void, leveldb_close, (leveldb_t *))                                                          \
    F(void, leveldb_put,                                                                           \
      (leveldb_t *, const leveldb_writeoptions_t *, const char *, size_t, const char *, size_t,    \
       char **))                                                                                   \
    F(void, leveldb_delete,                                                                        \
      (leveldb_t *, const leveldb_writeoptions_t *, const char *, size_t, char **))                \
    F(char *, leveldb_get,                                                                         \
      (leveldb_t *, const leveldb_readoptions_t *, const char *, size_t, size_t *, char **))       \
    F(void, leveldb_free, (void *))                                                                \
    F(leveldb_iterator_t *, leveldb_create_iterator, (leveldb_t *, const leveldb_readoptions_t *)) \
    F(void, leveldb_iter_destroy, (leveldb_iterator_t *))                                          \
    F(uint8_t, leveldb_iter_valid, (const leveldb_iterator_t *))                                   \
    F(void, leveldb_iter_seek_to_first, (leveldb_iterator_t *))                                    \
    F(void, leveldb_iter_seek_to_last, (leveldb_iterator_t *))                                     \
    F(void, leveldb_iter_seek, (leveldb_iterator_t *, const char *, size_t))                       \
    F(void, leveldb_iter_next, (leveldb_iterator_t *))                                             \
    F(void, leveldb_iter_prev, (leveldb_iterator_t *))                                             \
    F(const char *, leveldb_iter_key, (const leveldb_iterator_t *, size_t *))                      \
    F(const char *, leveldb_iter_value, (const leveldb_iterator_t *, size_t *))                    \
    F(leveldb_options_t *, leveldb_options_create, (void))                                         \
    F(void, leveldb_options_destroy, (leveldb_options_t *))                                        \
    F(void, leveldb_options_set_create_if_missing, (leveldb_options_t *, uint8_t))                 \
    F(void, leveldb_options_set_write_buffer_size, (leveldb_options_t *, size_t))                  \
    F(void, leveldb_options_set_max_open_files, (leveldb_options_t *, int))                        \
    F(void, leveldb_options_set_max_file_size, (leveldb_options_t *, size_t))                      \
    F(void, leveldb_options_set_compression, (leveldb_options_t *, int))                           \
    F(void, leveldb_options_set_cache, (leveldb_options_t *, leveldb_cache_t *))                   \
    F(void, leveldb_options_set_filter_policy, (leveldb_options_t *, leveldb_filterpolicy_t *))    \
    F(leveldb_cache_t *, leveldb_cache_create_lru, (size_t))                                       \
    F(void, leveldb_cache_destroy, (leveldb_cache_t *))                                            \
    F(leveldb_filterpolicy_t *, leveldb_filterpolicy_create_bloom, (int))                          \
    F(void, leveldb_filterpolicy_destroy, (leveldb_filterpolicy_t *))                              \
    F(leveldb_readoptions_t *, leveldb_readoptions_create, (void))                                 \
    F(void, leveldb_readoptions_destroy, (leveldb_readoptions_t *))                                \
    F(leveldb_writeoptions_t *, leveldb_writeoptions_create, (void))                               \
    F(void, leveldb_writeoptions_destroy, (leveldb_writeoptions_t *))                              \
    F(void, leveldb_writeoptions_set_sync, (leveldb_writeoptions_t *, uint8_t))

static struct { LEVELDB_API(DYNAMIC_FIELD) } leveldb;
#define DYNAMIC_TARGET leveldb
static const struct bench_symbol symbols[] = {LEVELDB_API(DYNAMIC_SYMBOL)};

enum { TABLE_BYTES = 32 << 20, OPEN_FILES = 10000 };

struct leveldb_adapter {
    leveldb_t *db;
    struct bench_setup *setup;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_filterpolicy_t *filter;
    leveldb_readoptions_t *read;
    leveldb_writeoptions_t *write;
};

static bool leveldb_load(char why[BENCH_ERROR_TEXT]) {
    return bench_dynamic_load("libleveldb.so.1d", "libleveldb1d", symbols,
                              sizeof symbols / sizeof symbols[0], why);
}

static int bloom_bits(const struct bench_setup *setup) {
    return (int)ceil(-log(setup->bloom_fpr) / (log(2) * log(2)));
}

static void leveldb_describe(const struct bench_setup *setup, char *text, size_t size) {
    (void)snprintf(text, size,
                   "LevelDB %d.%d: log on, no sync (fillsync: sync), write buffer %llu MiB, tables "
                   "of %d MiB, block 4 KiB, LRU cache %llu MiB, bloom of %d bits a key, %d open "
                   "files, no compression; the rest at its defaults. Checksums: of a table's index "
                   "when it is opened, of log records on recovery; of blocks not (its default)",
                   leveldb.leveldb_major_version(), leveldb.leveldb_minor_version(),
                   (unsigned long long)(setup->memtable_bytes >> 20), TABLE_BYTES >> 20,
                   (unsigned long long)(setup->cache_bytes >> 20), bloom_bits(setup), OPEN_FILES);
}

/* Takes the words over. */
static int failed(struct bench_setup *setup, char *words) {
    (void)snprintf(setup->error, sizeof setup->error, "%s", words);
    leveldb.leveldb_free(words);
    return BENCH_FAILED;
}

static void release(struct leveldb_adapter *a) {
    leveldb.leveldb_options_destroy(a->options);
    leveldb.leveldb_cache_destroy(a->cache);
    leveldb.leveldb_filterpolicy_destroy(a->filter);
    leveldb.leveldb_readoptions_destroy(a->read);
    leveldb.leveldb_writeoptions_destroy(a->write);
    free(a);
}

static void *leveldb_open_adapter(struct bench_setup *setup) {
    char *words = NULL;
    struct leveldb_adapter *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->setup = setup;
    a->options = leveldb.leveldb_options_create();
    a->cache = leveldb.leveldb_cache_create_lru((size_t)setup->cache_bytes);
    a->filter = leveldb.leveldb_filterpolicy_create_bloom(bloom_bits(setup));
    a->read = leveldb.leveldb_readoptions_create();
    a->write = leveldb.leveldb_writeoptions_create();
    leveldb.leveldb_writeoptions_set_sync(a->write, setup->sync);
    leveldb.leveldb_options_set_create_if_missing(a->options, 1);
    leveldb.leveldb_options_set_write_buffer_size(a->options, (size_t)setup->memtable_bytes);
    leveldb.leveldb_options_set_max_open_files(a->options, OPEN_FILES);
    leveldb.leveldb_options_set_max_file_size(a->options, TABLE_BYTES);
    leveldb.leveldb_options_set_compression(a->options, 0);
    leveldb.leveldb_options_set_cache(a->options, a->cache);
    leveldb.leveldb_options_set_filter_policy(a->options, a->filter);
    a->db = leveldb.leveldb_open(a->options, setup->dir, &words);
    if (words != NULL) {
        (void)failed(setup, words);
        release(a);
        return NULL;
    }
    return a;
}

static void leveldb_close_adapter(void *db) {
    struct leveldb_adapter *a = db;
    leveldb.leveldb_close(a->db);
    release(a);
}

static int leveldb_compact(void *db) {
    const struct leveldb_adapter *a = db;
    leveldb.leveldb_compact_range(a->db, NULL, 0, NULL, 0);
    return BENCH_OK;
}

static void leveldb_stats(void *db, struct bench_stats *stats) {
    (void)db;
    *stats = (struct bench_stats){.wal_written = NAN, .debt = NAN, .stall_max_s = NAN};
}

static void *leveldb_session_open(void *db) {
    return db;
}

static void leveldb_session_close(void *session) {
    (void)session;
}

static int leveldb_put_one(void *session, struct bench_slice key, struct bench_slice value) {
    struct leveldb_adapter *a = session;
    char *words = NULL;
    leveldb.leveldb_put(a->db, a->write, key.data, key.size, value.data, value.size, &words);
    return words == NULL ? BENCH_OK : failed(a->setup, words);
}

static int leveldb_delete_one(void *session, struct bench_slice key) {
    struct leveldb_adapter *a = session;
    char *words = NULL;
    leveldb.leveldb_delete(a->db, a->write, key.data, key.size, &words);
    return words == NULL ? BENCH_OK : failed(a->setup, words);
}

static int leveldb_get_one(void *session, struct bench_slice key, char *value, size_t room,
                           size_t *size) {
    struct leveldb_adapter *a = session;
    char *words = NULL;
    size_t length = 0;
    char *found = leveldb.leveldb_get(a->db, a->read, key.data, key.size, &length, &words);
    if (words != NULL) {
        return failed(a->setup, words);
    }
    if (found == NULL) {
        return BENCH_ABSENT;
    }
    memcpy(value, found, length < room ? length : room);
    *size = length;
    leveldb.leveldb_free(found);
    return BENCH_OK;
}

static void *leveldb_iter_open(void *session) {
    struct leveldb_adapter *a = session;
    return leveldb.leveldb_create_iterator(a->db, a->read);
}

static void leveldb_iter_close(void *iter) {
    leveldb.leveldb_iter_destroy(iter);
}

static bool leveldb_seek(void *iter, struct bench_slice key) {
    leveldb.leveldb_iter_seek(iter, key.data, key.size);
    return leveldb.leveldb_iter_valid(iter) != 0;
}

static bool leveldb_first(void *iter) {
    leveldb.leveldb_iter_seek_to_first(iter);
    return leveldb.leveldb_iter_valid(iter) != 0;
}

static bool leveldb_last(void *iter) {
    leveldb.leveldb_iter_seek_to_last(iter);
    return leveldb.leveldb_iter_valid(iter) != 0;
}

static bool leveldb_next(void *iter) {
    leveldb.leveldb_iter_next(iter);
    return leveldb.leveldb_iter_valid(iter) != 0;
}

static bool leveldb_prev(void *iter) {
    leveldb.leveldb_iter_prev(iter);
    return leveldb.leveldb_iter_valid(iter) != 0;
}

static void leveldb_entry(void *iter, struct bench_slice *key, struct bench_slice *value) {
    key->data = leveldb.leveldb_iter_key(iter, &key->size);
    value->data = leveldb.leveldb_iter_value(iter, &value->size);
}

const struct bench_engine bench_engine_leveldb = {
    .name = "leveldb",
    .load = leveldb_load,
    .describe = leveldb_describe,
    .wal_suffix = ".log",
    .open = leveldb_open_adapter,
    .close = leveldb_close_adapter,
    .compact = leveldb_compact,
    .stats = leveldb_stats,
    .session_open = leveldb_session_open,
    .session_close = leveldb_session_close,
    .put = leveldb_put_one,
    .del = leveldb_delete_one,
    .get = leveldb_get_one,
    .iter_open = leveldb_iter_open,
    .iter_close = leveldb_iter_close,
    .iter_seek = leveldb_seek,
    .iter_first = leveldb_first,
    .iter_last = leveldb_last,
    .iter_next = leveldb_next,
    .iter_prev = leveldb_prev,
    .iter_entry = leveldb_entry,
};
