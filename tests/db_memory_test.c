/* db_memory_test.c: one allocation after the other fails: every call says so or does what it
 * should, none hangs, and nothing that was put is lost. Linked with the allocator's functions
 * wrapped. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db_fixture.h"

/* ---- the allocator ---- */

static _Thread_local long left = -1; /* allocations of this thread until one fails; -1: none does */

static unsigned healed; /* flushes that failed, and then did not */

static bool fails(void) {
    return left >= 0 && left-- == 0;
}

#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name
void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t count, size_t size);
void *REAL(realloc)(void *old, size_t size);
void *REAL(aligned_alloc)(size_t align, size_t size);
void *WRAP(malloc)(size_t size);
void *WRAP(calloc)(size_t count, size_t size);
void *WRAP(realloc)(void *old, size_t size);
void *WRAP(aligned_alloc)(size_t align, size_t size);

void *WRAP(malloc)(size_t size) {
    return fails() ? NULL : REAL(malloc)(size);
}
void *WRAP(calloc)(size_t count, size_t size) {
    return fails() ? NULL : REAL(calloc)(count, size);
}
void *WRAP(realloc)(void *old, size_t size) {
    return fails() ? NULL : REAL(realloc)(old, size);
}
void *WRAP(aligned_alloc)(size_t align, size_t size) {
    return fails() ? NULL : REAL(aligned_alloc)(align, size);
}

/* ---- what is tried ---- */

enum { KEYS = 600, VALUE = 100, MOST = 3000 };

static void value_of(unsigned key, unsigned round, char value[VALUE]) {
    memset(value, 'a' + (int)(key % 26), VALUE);
    snprintf(value, VALUE, "%u of round %u", key, round);
}

static void put_some(struct db_fixture *f, unsigned from, unsigned to, unsigned round) {
    char key[16], value[VALUE];
    for (unsigned i = from; i < to; i++) {
        int size = snprintf(key, sizeof key, "key%04u", i);
        value_of(i, round, value);
        DB_MUST(f, lsm_put(f->db, NULL, key, (size_t)size, value, VALUE));
    }
}

/* Tried again a flush succeeds, unless the manifest may name its table already. */
static int flush(struct db_fixture *f) {
    int rc = lsm_flush(f->db);
    if (rc != 0) {
        left = -1;
        int again = lsm_flush(f->db);
        DB_CHECK(again == 0 || again == LSM_ERR_READ_ONLY, "tried again: %s", lsm_strerror(again));
        healed += again == 0;
        left = -2; /* it was reached */
    }
    return rc;
}

static int compact(struct db_fixture *f) {
    return lsm_compact_all(f->db);
}

static int scan(struct db_fixture *f) {
    struct lsm_iter *iter = NULL;
    int rc = lsm_iter_create(f->db, NULL, &iter);
    if (rc != 0) {
        return rc;
    }
    unsigned count = 0;
    for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter)) {
        count++;
    }
    rc = lsm_iter_status(iter);
    lsm_iter_destroy(iter);
    DB_CHECK(rc != 0 || count == KEYS, "a scan of %u keys says it is whole", count);
    return rc;
}

static int get_many(struct db_fixture *f) {
    enum { BATCH = 64 };
    char room[BATCH][16];
    struct lsm_key keys[BATCH];
    struct lsm_value values[BATCH];
    int status[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(room[i], sizeof room[i], "key%04u", i * 7 % KEYS);
        keys[i] = (struct lsm_key){room[i], strlen(room[i])};
    }
    int rc = lsm_multi_get(f->db, NULL, keys, BATCH, values, status);
    for (unsigned i = 0; i < BATCH; i++) {
        DB_CHECK(status[i] == 0 || (rc != 0 && status[i] == LSM_ERR_MEMORY), "status %d of %d",
                 status[i], rc);
        if (status[i] == 0) {
            lsm_value_release(&values[i]);
        }
    }
    return rc;
}

static void expect_all(struct db_fixture *f, unsigned changed, unsigned round) {
    char key[16], value[VALUE];
    for (unsigned i = 0; i < KEYS; i++) {
        struct lsm_value got;
        int size = snprintf(key, sizeof key, "key%04u", i);
        value_of(i, i < changed ? round : 0, value);
        DB_MUST(f, lsm_get(f->db, NULL, key, (size_t)size, &got));
        DB_CHECK(got.size == VALUE && memcmp(got.data, value, VALUE) == 0, "%s: another value",
                 key);
        lsm_value_release(&got);
    }
}

/* Fails the first allocation of what is tried, then the second, until there are no more. The
 * database is opened anew each time: a failure may have left it read-only. */
static void check(struct db_fixture *f, int (*try_it)(struct db_fixture *f),
                  enum lsm_compression compression) {
    enum { CHANGED = 60 };
    unsigned failed = 0, k = 0;
    f->options.async_compaction = false; /* all of it in this thread */
    f->options.memtable_bytes = 32 << 10;
    for (unsigned i = 0; i < LSM_LEVELS_MAX; i++) {
        f->options.compression[i] = compression;
    }
    db_open(f);
    put_some(f, 0, KEYS, 0);
    DB_MUST(f, lsm_flush(f->db));
    for (bool reached = true; reached && k < MOST; k++) {
        db_reopen(f);
        DB_MUST(f, lsm_compact_all(f->db)); /* or what was not merged would pile up */
        put_some(f, 0, CHANGED, k);
        left = k;
        int rc = try_it(f);
        reached = left < 0;
        left = -1;
        DB_CHECK(rc == 0 || rc == LSM_ERR_MEMORY, "allocation %u failed: %s", k, lsm_strerror(rc));
        failed += rc != 0;
        expect_all(f, CHANGED, k);
    }
    DB_CHECK(k < MOST && failed > 0, "%u of %u failures were told", failed, k);
    db_reopen(f);
    expect_all(f, CHANGED, k - 1);
    DB_MUST(f, lsm_verify(f->db));
}

static void a_flush_without_memory(void **state) {
    healed = 0;
    check(*state, flush, LSM_COMPRESSION_NONE);
    DB_CHECK(healed > 20, "%u flushes succeeded at the second try", healed);
}
static void a_compaction_without_memory(void **state) {
    check(*state, compact, LSM_COMPRESSION_NONE);
}
static void a_compaction_of_packed_tables_without_memory(void **state) {
    check(*state, compact, LSM_COMPRESSION_ZSTD);
}
static void a_scan_without_memory(void **state) {
    check(*state, scan, LSM_COMPRESSION_LZ4);
}
static void a_batch_of_gets_without_memory(void **state) {
    check(*state, get_many, LSM_COMPRESSION_LZ4);
}

int main(int argc, char **argv) {
    db_test_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flush_without_memory, db_setup_posix, db_teardown),
        cmocka_unit_test_setup_teardown(a_compaction_without_memory, db_setup_posix, db_teardown),
        cmocka_unit_test_setup_teardown(a_compaction_of_packed_tables_without_memory,
                                        db_setup_posix, db_teardown),
        cmocka_unit_test_setup_teardown(a_scan_without_memory, db_setup_posix, db_teardown),
        cmocka_unit_test_setup_teardown(a_batch_of_gets_without_memory, db_setup_posix,
                                        db_teardown),
    };
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
