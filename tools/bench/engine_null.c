/* engine_null.c: keeps nothing. What the bench itself costs: the floor under every figure.
 *
 * Its gets find a value that is right for the key asked, so that making the key, copying and
 * verifying are paid for as with the others. */
#include "engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "workload.h"

struct null_session {
    char key[BENCH_KEY_MAX];
    uint64_t left; /* entries until the end of a scan */
    uint64_t at;
    char value[];
};

static bool null_load(char why[BENCH_ERROR_TEXT]) {
    why[0] = '\0';
    return true;
}

static void null_describe(const struct bench_setup *setup, char *text, size_t size) {
    (void)setup;
    (void)snprintf(text, size, "keeps nothing; answers from the generator: the bench's own floor");
}

static void *null_open(struct bench_setup *setup) {
    return setup;
}

static void null_close(void *db) {
    (void)db;
}

static int null_settle(void *db) {
    (void)db;
    return BENCH_OK;
}

static void null_stats(void *db, struct bench_stats *stats) {
    (void)db;
    *stats = (struct bench_stats){.wal_written = 0, .debt = 0, .stall_max_s = 0};
}

static double null_table_bytes(void *db) {
    (void)db;
    return NAN;
}

static void *null_session_open(void *db) {
    (void)db;
    return calloc(1, sizeof(struct null_session) + bench_workload.value_size);
}

static int null_put(void *session, struct bench_slice key, struct bench_slice value) {
    (void)session, (void)key, (void)value;
    return BENCH_OK;
}

static int null_del(void *session, struct bench_slice key) {
    (void)session, (void)key;
    return BENCH_OK;
}

static int null_get(void *session, struct bench_slice key, char *value, size_t room, size_t *size) {
    (void)session, (void)room;
    uint64_t id;
    if (!bench_key_parse(key.data, &id)) {
        return BENCH_ABSENT;
    }
    bench_value_make(id, 0, value);
    *size = bench_workload.value_size;
    return BENCH_OK;
}

static bool null_seek(void *iter, struct bench_slice key) {
    struct null_session *it = iter;
    (void)bench_key_parse(key.data, &it->at);
    it->left = bench_workload.live - it->at;
    return it->left > 0;
}

static bool null_first(void *iter) {
    struct null_session *it = iter;
    it->at = 0;
    it->left = bench_workload.live;
    return it->left > 0;
}

static bool null_last(void *iter) {
    struct null_session *it = iter;
    it->left = bench_workload.live;
    it->at = it->left - 1;
    return it->left > 0;
}

static bool null_next(void *iter) {
    struct null_session *it = iter;
    it->at++;
    return --it->left > 0;
}

static bool null_prev(void *iter) {
    struct null_session *it = iter;
    it->at--;
    return --it->left > 0;
}

static void null_entry(void *iter, struct bench_slice *key, struct bench_slice *value) {
    struct null_session *it = iter;
    bench_key_make(it->at, it->key);
    bench_value_make(it->at, 0, it->value);
    *key = (struct bench_slice){it->key, bench_workload.key_size};
    *value = (struct bench_slice){it->value, bench_workload.value_size};
}

const struct bench_engine bench_engine_null = {
    .name = "null",
    .load = null_load,
    .describe = null_describe,
    .wal_suffix = "",
    .open = null_open,
    .close = null_close,
    .settle = null_settle,
    .stats = null_stats,
    .table_bytes = null_table_bytes,
    .session_open = null_session_open,
    .session_close = free,
    .put = null_put,
    .del = null_del,
    .get = null_get,
    .iter_open = null_session_open,
    .iter_close = free,
    .iter_seek = null_seek,
    .iter_first = null_first,
    .iter_last = null_last,
    .iter_next = null_next,
    .iter_prev = null_prev,
    .iter_entry = null_entry,
};
