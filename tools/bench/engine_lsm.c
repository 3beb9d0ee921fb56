/* engine_lsm.c: our own engine, through its public header, at its defaults; and once more for each
 * compaction policy that is not the default. */
#include "engine.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_lsm.h"
#include "lsm.h"

struct lsm_adapter {
    struct lsm_db *db;
    struct bench_setup *setup;
    /* Of the listener, which is called by one thread at a time; read by stats. */
    _Atomic uint64_t merged_entries, merge_ns, moved_job;
};

struct lsm_db *bench_engine_lsm_db(void *db) {
    return ((struct lsm_adapter *)db)->db;
}

static bool adapter_load(char why[BENCH_ERROR_TEXT]) {
    why[0] = '\0';
    return true;
}

static struct lsm_options make_options(const struct bench_setup *setup, enum lsm_policy policy) {
    struct lsm_options options = lsm_options_default();
    options.policy = policy;
    options.memtable_bytes = options.table_bytes = setup->memtable_bytes;
    options.cache_bytes = setup->cache_bytes;
    options.bloom_fpr = setup->bloom_fpr;
    for (size_t l = 0; l < LSM_LEVELS_MAX; l++) {
        options.compression[l] = (enum lsm_compression)setup->compression;
    }
    options.durability = setup->sync ? LSM_SYNC : LSM_PROCESS;
    return options;
}

static void describe(const struct bench_setup *setup, enum lsm_policy policy, char *text,
                     size_t size) {
    static const char *const names[] = {"leveled", "tiered", "lazy-leveled"};
    struct lsm_options o = make_options(setup, policy);
    (void)snprintf(
        text, size,
        "version %s, %s: durability process (fillsync: sync), memtable %llu MiB x %u, tables of "
        "%llu MiB, block %u B, cache %llu MiB, bloom %g, L0 trigger %u, ratio %u, "
        "%u background threads, compression %s; the rest at its defaults. Checksums: "
        "of a block when it is read from its file, of a log frame on recovery",
        LSM_VERSION, names[policy], (unsigned long long)(o.memtable_bytes >> 20), o.memtables_max,
        (unsigned long long)(o.table_bytes >> 20), o.block_bytes,
        (unsigned long long)(o.cache_bytes >> 20), o.bloom_fpr, o.l0_trigger, o.level_ratio,
        o.background_threads, bench_compression_names[setup->compression]);
}

static int failed(const struct lsm_adapter *a, int code) {
    char detail[200] = "";
    lsm_error_detail(a->db, detail, sizeof detail);
    (void)snprintf(a->setup->error, BENCH_ERROR_TEXT, "%s: %.200s", lsm_strerror(code), detail);
    return BENCH_FAILED;
}

/* Sums up compactions that merged; those that only moved tables merged nothing. */
static void note_compaction(void *context, const struct lsm_event *event) {
    struct lsm_adapter *a = context;
    if (event->type == LSM_EVENT_TABLE_MOVE) {
        atomic_store(&a->moved_job, event->job);
    } else if (event->type == LSM_EVENT_COMPACT_END && event->job != atomic_load(&a->moved_job)) {
        atomic_fetch_add(&a->merged_entries, event->entries_in);
        atomic_fetch_add(&a->merge_ns, event->duration_ns);
    }
}

static void *open_with(struct bench_setup *setup, enum lsm_policy policy) {
    struct lsm_options options = make_options(setup, policy);
    struct lsm_adapter *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->setup = setup;
    options.listener = note_compaction;
    options.listener_context = a;
    if (lsm_open(setup->dir, &options, &a->db, setup->error) != LSM_OK) {
        free(a);
        return NULL;
    }
    return a;
}

static void adapter_close(void *db) {
    struct lsm_adapter *a = db;
    (void)lsm_close(a->db);
    free(a);
}

static int adapter_settle(void *db) {
    struct lsm_adapter *a = db;
    int code = lsm_wait_idle(a->db, 3600 * 1000);
    return code == LSM_OK ? BENCH_OK : failed(a, code);
}

static int adapter_compact(void *db) {
    struct lsm_adapter *a = db;
    int code = lsm_compact_all(a->db);
    return code == LSM_OK ? BENCH_OK : failed(a, code);
}

static void adapter_stats(void *db, struct bench_stats *stats) {
    const struct lsm_adapter *a = db;
    struct lsm_stats s;
    lsm_stats_read(a->db, &s);
    uint64_t longest = 0;
    for (int i = 0; i < LSM_STALL_COUNT; i++) {
        longest = s.stall_ns_max[i] > longest ? s.stall_ns_max[i] : longest;
    }
    *stats = (struct bench_stats){
        .wal_written = (double)s.wal_bytes,
        .debt = (double)(s.compaction_pending_bytes + s.sealed_bytes),
        .stall_max_s = 1e-9 * (double)longest,
        .merged_entries = (double)atomic_load(&a->merged_entries),
        .merge_s = 1e-9 * (double)atomic_load(&a->merge_ns),
    };
}

static double adapter_table_bytes(void *db) {
    const struct lsm_adapter *a = db;
    struct lsm_stats s;
    lsm_stats_read(a->db, &s);
    return (double)s.table_bytes;
}

/* A session is the adapter itself: the engine keeps what a thread needs. */
static void *adapter_session_open(void *db) {
    return db;
}

static void adapter_session_close(void *session) {
    (void)session;
}

static int adapter_put(void *session, struct bench_slice key, struct bench_slice value) {
    struct lsm_adapter *a = session;
    int code = lsm_put(a->db, NULL, key.data, key.size, value.data, value.size);
    return code == LSM_OK ? BENCH_OK : failed(a, code);
}

static int adapter_del(void *session, struct bench_slice key) {
    struct lsm_adapter *a = session;
    int code = lsm_delete(a->db, NULL, key.data, key.size);
    return code == LSM_OK ? BENCH_OK : failed(a, code);
}

static size_t copy(struct lsm_value *value, char *to, size_t room) {
    memcpy(to, value->data, value->size < room ? value->size : room);
    size_t size = value->size;
    lsm_value_release(value);
    return size;
}

static int adapter_get(void *session, struct bench_slice key, char *value, size_t room,
                       size_t *size) {
    struct lsm_adapter *a = session;
    struct lsm_value found;
    int code = lsm_get(a->db, NULL, key.data, key.size, &found);
    if (code == LSM_OK) {
        *size = copy(&found, value, room);
        return BENCH_OK;
    }
    return code == LSM_NOT_FOUND ? BENCH_ABSENT : failed(a, code);
}

static int adapter_multi_get(void *session, const struct bench_slice *keys, char *values,
                             size_t room, size_t *sizes) {
    struct lsm_adapter *a = session;
    struct lsm_key wanted[BENCH_BATCH];
    struct lsm_value found[BENCH_BATCH];
    int status[BENCH_BATCH];
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        wanted[i] = (struct lsm_key){keys[i].data, keys[i].size};
    }
    int code = lsm_multi_get(a->db, NULL, wanted, BENCH_BATCH, found, status);
    for (size_t i = 0; i < BENCH_BATCH; i++) {
        sizes[i] = status[i] == LSM_OK ? copy(&found[i], values + i * room, room) : SIZE_MAX;
    }
    return code == LSM_OK ? BENCH_OK : failed(a, code);
}

static void *adapter_iter_open(void *session) {
    struct lsm_adapter *a = session;
    struct lsm_iter *iter;
    int code = lsm_iter_create(a->db, NULL, &iter);
    if (code != LSM_OK) {
        (void)failed(a, code);
        return NULL;
    }
    return iter;
}

static void adapter_iter_close(void *iter) {
    lsm_iter_destroy(iter);
}

static bool adapter_seek(void *iter, struct bench_slice key) {
    lsm_iter_seek(iter, key.data, key.size);
    return lsm_iter_valid(iter);
}

static bool adapter_first(void *iter) {
    lsm_iter_first(iter);
    return lsm_iter_valid(iter);
}

static bool adapter_last(void *iter) {
    lsm_iter_last(iter);
    return lsm_iter_valid(iter);
}

static bool adapter_next(void *iter) {
    lsm_iter_next(iter);
    return lsm_iter_valid(iter);
}

static bool adapter_prev(void *iter) {
    lsm_iter_prev(iter);
    return lsm_iter_valid(iter);
}

static void adapter_entry(void *iter, struct bench_slice *key, struct bench_slice *value) {
    struct lsm_key k = lsm_iter_key(iter);
    struct lsm_key v = lsm_iter_value(iter);
    *key = (struct bench_slice){k.data, k.size};
    *value = (struct bench_slice){v.data, v.size};
}

#define POLICY(variable, its_name, asked, suffix)                                                  \
    static void describe_##suffix(const struct bench_setup *setup, char *text, size_t size) {      \
        describe(setup, asked, text, size);                                                        \
    }                                                                                              \
    static void *open_##suffix(struct bench_setup *setup) {                                        \
        return open_with(setup, asked);                                                            \
    }                                                                                              \
    const struct bench_engine variable = {                                                         \
        .name = its_name,                                                                          \
        .on_request = (asked) != LSM_LEVELED,                                                      \
        .describe = describe_##suffix,                                                             \
        .open = open_##suffix,                                                                     \
        .load = adapter_load,                                                                      \
        .wal_suffix = ".wal",                                                                      \
        .close = adapter_close,                                                                    \
        .settle = adapter_settle,                                                                  \
        .compact = adapter_compact,                                                                \
        .stats = adapter_stats,                                                                    \
        .table_bytes = adapter_table_bytes,                                                        \
        .session_open = adapter_session_open,                                                      \
        .session_close = adapter_session_close,                                                    \
        .put = adapter_put,                                                                        \
        .del = adapter_del,                                                                        \
        .get = adapter_get,                                                                        \
        .multi_get = adapter_multi_get,                                                            \
        .iter_open = adapter_iter_open,                                                            \
        .iter_close = adapter_iter_close,                                                          \
        .iter_seek = adapter_seek,                                                                 \
        .iter_first = adapter_first,                                                               \
        .iter_last = adapter_last,                                                                 \
        .iter_next = adapter_next,                                                                 \
        .iter_prev = adapter_prev,                                                                 \
        .iter_entry = adapter_entry,                                                               \
    }

POLICY(bench_engine_lsm, "lsm", LSM_LEVELED, leveled);
POLICY(bench_engine_lsm_tiered, "lsm-tiered", LSM_TIERED, tiered);
POLICY(bench_engine_lsm_lazy, "lsm-lazy", LSM_LAZY_LEVELED, lazy);
