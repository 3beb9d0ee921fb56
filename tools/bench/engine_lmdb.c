/* engine_lmdb.c: LMDB through its C API, loaded at run time.
 *
 * NOSYNC and WRITEMAP: a committed put is in the mapped file and survives the death of the process,
 * as the others' do; each put is a transaction of its own. A get renews the thread's read
 * transaction, for it must see the newest value; an iterator has a cursor in one of its own. */
#include "engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "dynamic.h"

/* What of LMDB's interface is used; values as its documentation gives them. */
typedef struct MDB_env MDB_env;
typedef struct MDB_txn MDB_txn;
typedef struct MDB_cursor MDB_cursor;
typedef unsigned MDB_dbi;
struct mdb_val {
    size_t size;
    void *data;
};
struct mdb_stat {
    unsigned page_size, depth;
    size_t branch_pages, leaf_pages, overflow_pages, entries;
};
struct mdb_info {
    void *map_address;
    size_t map_size, last_page, last_transaction;
    unsigned readers_max, readers;
};
enum {
    MDB_NOSYNC = 0x10000,
    MDB_RDONLY = 0x20000,
    MDB_WRITEMAP = 0x80000,
    MDB_NOTLS = 0x200000,
    MDB_NORDAHEAD = 0x800000,
    MDB_NOTFOUND = -30798,
};
enum { MDB_FIRST = 0, MDB_LAST = 6, MDB_NEXT = 8, MDB_PREV = 12, MDB_SET_RANGE = 17 };

#define LMDB_API(F)                                                                                \
    F(char *, mdb_version, (int *, int *, int *))                                                  \
    F(char *, mdb_strerror, (int))                                                                 \
    F(int, mdb_env_create, (MDB_env **))                                                           \
    F(int, mdb_env_set_mapsize, (MDB_env *, size_t))                                               \
    F(int, mdb_env_set_maxreaders, (MDB_env *, unsigned))                                          \
    F(int, mdb_env_open, (MDB_env *, const char *, unsigned, mode_t))                              \
    F(int, mdb_env_stat, (MDB_env *, struct mdb_stat *))                                           \
    F(int, mdb_env_info, (MDB_env *, struct mdb_info *))                                           \
    F(void, mdb_env_close, (MDB_env *))                                                            \
    F(int, mdb_txn_begin, (MDB_env *, MDB_txn *, unsigned, MDB_txn **))                            \
    F(int, mdb_txn_commit, (MDB_txn *))                                                            \
    F(void, mdb_txn_abort, (MDB_txn *))                                                            \
    F(void, mdb_txn_reset, (MDB_txn *))                                                            \
    F(int, mdb_txn_renew, (MDB_txn *))                                                             \
    F(int, mdb_dbi_open, (MDB_txn *, const char *, unsigned, MDB_dbi *))                           \
    F(int, mdb_get, (MDB_txn *, MDB_dbi, struct mdb_val *, struct mdb_val *))                      \
    F(int, mdb_put, (MDB_txn *, MDB_dbi, struct mdb_val *, struct mdb_val *, unsigned))            \
    F(int, mdb_del, (MDB_txn *, MDB_dbi, struct mdb_val *, struct mdb_val *))                      \
    F(int, mdb_cursor_open, (MDB_txn *, MDB_dbi, MDB_cursor **))                                   \
    F(void, mdb_cursor_close, (MDB_cursor *))                                                      \
    F(int, mdb_cursor_get, (MDB_cursor *, struct mdb_val *, struct mdb_val *, int))

static struct { LMDB_API(DYNAMIC_FIELD) } lmdb;
#define DYNAMIC_TARGET lmdb
static const struct bench_symbol symbols[] = {LMDB_API(DYNAMIC_SYMBOL)};

struct lmdb_adapter {
    MDB_env *env;
    MDB_dbi dbi;
    struct bench_setup *setup;
};
struct lmdb_session {
    struct lmdb_adapter *db;
    MDB_txn *reader; /* reset between gets */
};
struct lmdb_iter {
    MDB_txn *txn;
    MDB_cursor *cursor;
    struct mdb_val key, value;
};

static bool lmdb_load(char why[BENCH_ERROR_TEXT]) {
    return bench_dynamic_load("liblmdb.so.0", "liblmdb0", symbols,
                              sizeof symbols / sizeof symbols[0], why);
}

/* Pages are half empty after random inserts, and a copy of what a transaction changes lies beside
 * it; the file is sparse, so room costs nothing. */
static size_t map_bytes(const struct bench_setup *setup) {
    return (size_t)(4 * setup->data_bytes + (UINT64_C(2) << 30)) & ~(size_t)0xfffff;
}

static void lmdb_describe(const struct bench_setup *setup, char *text, size_t size) {
    (void)snprintf(
        text, size,
        "%s: WRITEMAP, NOSYNC (fillsync: WRITEMAP alone), NORDAHEAD, map of %zu MiB, one "
        "transaction a put, the read transaction renewed for each get. No log, no cache "
        "of its own, no background work. Checksums: none",
        lmdb.mdb_version(NULL, NULL, NULL), map_bytes(setup) >> 20);
}

static int failed(const struct lmdb_adapter *a, int code) {
    (void)snprintf(a->setup->error, BENCH_ERROR_TEXT, "%s", lmdb.mdb_strerror(code));
    return BENCH_FAILED;
}

static int open_table(struct lmdb_adapter *a) {
    MDB_txn *txn;
    int code = lmdb.mdb_txn_begin(a->env, NULL, 0, &txn);
    if (code == 0) {
        code = lmdb.mdb_dbi_open(txn, NULL, 0, &a->dbi);
        int end = lmdb.mdb_txn_commit(txn);
        code = code != 0 ? code : end;
    }
    return code;
}

static void *lmdb_open(struct bench_setup *setup) {
    struct lmdb_adapter *a = calloc(1, sizeof *a);
    unsigned flags = MDB_WRITEMAP | MDB_NOTLS | MDB_NORDAHEAD | (setup->sync ? 0u : MDB_NOSYNC);
    if (a == NULL) {
        return NULL;
    }
    a->setup = setup;
    int code = lmdb.mdb_env_create(&a->env);
    if (code != 0) {
        (void)failed(a, code);
        free(a);
        return NULL;
    }
    code = lmdb.mdb_env_set_mapsize(a->env, map_bytes(setup));
    if (code == 0) {
        code = lmdb.mdb_env_set_maxreaders(a->env, 1024);
    }
    if (code == 0) {
        code = lmdb.mdb_env_open(a->env, setup->dir, flags, 0600);
    }
    if (code == 0) {
        code = open_table(a);
    }
    if (code != 0) {
        (void)failed(a, code);
        lmdb.mdb_env_close(a->env);
        free(a);
        return NULL;
    }
    return a;
}

static void lmdb_close(void *db) {
    struct lmdb_adapter *a = db;
    lmdb.mdb_env_close(a->env);
    free(a);
}

static int lmdb_settle(void *db) {
    (void)db; /* there is no background work */
    return BENCH_OK;
}

static void lmdb_stats(void *db, struct bench_stats *stats) {
    (void)db;
    *stats = (struct bench_stats){.wal_written = 0, .debt = 0, .stall_max_s = NAN};
}

static double lmdb_table_bytes(void *db) {
    const struct lmdb_adapter *a = db;
    struct mdb_stat stat;
    struct mdb_info info;
    if (lmdb.mdb_env_stat(a->env, &stat) != 0 || lmdb.mdb_env_info(a->env, &info) != 0) {
        return NAN;
    }
    return (double)(info.last_page + 1) * (double)stat.page_size;
}

static void *lmdb_session_open(void *db) {
    struct lmdb_session *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->db = db;
    int code = lmdb.mdb_txn_begin(s->db->env, NULL, MDB_RDONLY, &s->reader);
    if (code != 0) {
        (void)failed(s->db, code);
        free(s);
        return NULL;
    }
    lmdb.mdb_txn_reset(s->reader);
    return s;
}

static void lmdb_session_close(void *session) {
    struct lmdb_session *s = session;
    lmdb.mdb_txn_abort(s->reader);
    free(s);
}

static struct mdb_val borrow(struct bench_slice slice) {
    struct mdb_val val = {.size = slice.size};
    memcpy(&val.data, &slice.data, sizeof val.data); /* LMDB only reads it, without saying so */
    return val;
}

static int write_one(struct lmdb_adapter *a, struct bench_slice key,
                     const struct bench_slice *value) {
    MDB_txn *txn;
    struct mdb_val k = borrow(key);
    int code = lmdb.mdb_txn_begin(a->env, NULL, 0, &txn);
    if (code != 0) {
        return failed(a, code);
    }
    if (value != NULL) {
        struct mdb_val v = borrow(*value);
        code = lmdb.mdb_put(txn, a->dbi, &k, &v, 0);
    } else {
        code = lmdb.mdb_del(txn, a->dbi, &k, NULL);
        code = code == MDB_NOTFOUND ? 0 : code;
    }
    if (code != 0) {
        lmdb.mdb_txn_abort(txn);
        return failed(a, code);
    }
    code = lmdb.mdb_txn_commit(txn);
    return code == 0 ? BENCH_OK : failed(a, code);
}

static int lmdb_put(void *session, struct bench_slice key, struct bench_slice value) {
    return write_one(((struct lmdb_session *)session)->db, key, &value);
}

static int lmdb_del(void *session, struct bench_slice key) {
    return write_one(((struct lmdb_session *)session)->db, key, NULL);
}

/* REQUIRES: the reader is renewed. */
static int get_one(struct lmdb_session *s, struct bench_slice key, char *value, size_t room,
                   size_t *size) {
    struct mdb_val k = borrow(key);
    struct mdb_val v;
    int code = lmdb.mdb_get(s->reader, s->db->dbi, &k, &v);
    if (code == 0) {
        memcpy(value, v.data, v.size < room ? v.size : room);
        *size = v.size;
        return BENCH_OK;
    }
    return code == MDB_NOTFOUND ? BENCH_ABSENT : failed(s->db, code);
}

static int lmdb_get(void *session, struct bench_slice key, char *value, size_t room, size_t *size) {
    struct lmdb_session *s = session;
    int code = lmdb.mdb_txn_renew(s->reader);
    if (code != 0) {
        return failed(s->db, code);
    }
    int status = get_one(s, key, value, room, size);
    lmdb.mdb_txn_reset(s->reader);
    return status;
}

/* No call for many keys, but one read transaction does for all. */
static int lmdb_multi_get(void *session, const struct bench_slice *keys, char *values, size_t room,
                          size_t *sizes) {
    struct lmdb_session *s = session;
    int status = BENCH_OK;
    int code = lmdb.mdb_txn_renew(s->reader);
    if (code != 0) {
        return failed(s->db, code);
    }
    for (size_t i = 0; i < BENCH_BATCH && status != BENCH_FAILED; i++) {
        status = get_one(s, keys[i], values + i * room, room, &sizes[i]);
        if (status == BENCH_ABSENT) {
            sizes[i] = SIZE_MAX;
        }
    }
    lmdb.mdb_txn_reset(s->reader);
    return status == BENCH_FAILED ? BENCH_FAILED : BENCH_OK;
}

static void *lmdb_iter_open(void *session) {
    struct lmdb_session *s = session;
    struct lmdb_iter *it = calloc(1, sizeof *it);
    if (it == NULL) {
        return NULL;
    }
    int code = lmdb.mdb_txn_begin(s->db->env, NULL, MDB_RDONLY, &it->txn);
    if (code == 0) {
        code = lmdb.mdb_cursor_open(it->txn, s->db->dbi, &it->cursor);
        if (code == 0) {
            return it;
        }
        lmdb.mdb_txn_abort(it->txn);
    }
    (void)failed(s->db, code);
    free(it);
    return NULL;
}

static void lmdb_iter_close(void *iter) {
    struct lmdb_iter *it = iter;
    lmdb.mdb_cursor_close(it->cursor);
    lmdb.mdb_txn_abort(it->txn);
    free(it);
}

static bool move(void *iter, int how) {
    struct lmdb_iter *it = iter;
    return lmdb.mdb_cursor_get(it->cursor, &it->key, &it->value, how) == 0;
}

static bool lmdb_seek(void *iter, struct bench_slice key) {
    ((struct lmdb_iter *)iter)->key = borrow(key);
    return move(iter, MDB_SET_RANGE);
}

static bool lmdb_first(void *iter) {
    return move(iter, MDB_FIRST);
}

static bool lmdb_last(void *iter) {
    return move(iter, MDB_LAST);
}

static bool lmdb_next(void *iter) {
    return move(iter, MDB_NEXT);
}

static bool lmdb_prev(void *iter) {
    return move(iter, MDB_PREV);
}

static void lmdb_entry(void *iter, struct bench_slice *key, struct bench_slice *value) {
    const struct lmdb_iter *it = iter;
    *key = (struct bench_slice){it->key.data, it->key.size};
    *value = (struct bench_slice){it->value.data, it->value.size};
}

const struct bench_engine bench_engine_lmdb = {
    .name = "lmdb",
    .load = lmdb_load,
    .describe = lmdb_describe,
    .wal_suffix = "",
    .open = lmdb_open,
    .close = lmdb_close,
    .settle = lmdb_settle,
    .stats = lmdb_stats,
    .table_bytes = lmdb_table_bytes,
    .session_open = lmdb_session_open,
    .session_close = lmdb_session_close,
    .put = lmdb_put,
    .del = lmdb_del,
    .get = lmdb_get,
    .multi_get = lmdb_multi_get,
    .iter_open = lmdb_iter_open,
    .iter_close = lmdb_iter_close,
    .iter_seek = lmdb_seek,
    .iter_first = lmdb_first,
    .iter_last = lmdb_last,
    .iter_next = lmdb_next,
    .iter_prev = lmdb_prev,
    .iter_entry = lmdb_entry,
};
