/* Keys, values and batches of every size, and the calls that read them: get, get_meta, multi_get,
 * iterators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db_fixture.h"

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

static void expect_detail(struct db_fixture *f, const char *words) {
    char detail[256];
    lsm_error_detail(f->db, detail, sizeof detail);
    DB_CHECK(strstr(detail, words) != NULL, "'%s' does not say '%s'", detail, words);
}

/* ---- sizes ---- */

static void keys_and_values_have_limits(void **state) {
    struct db_fixture *f = *state;
    static uint8_t key[LSM_KEY_MAX + 1];
    uint8_t *value = calloc(1, LSM_VALUE_MAX + 1);
    struct lsm_value out = {0};
    assert_non_null(value);
    memset(key, 'k', sizeof key);
    db_open(f);
    assert_int_equal(lsm_put(f->db, NULL, key, 0, "v", 1), LSM_ERR_ARGUMENT);
    expect_detail(f, "0 bytes: 1 to 65535");
    assert_int_equal(lsm_put(f->db, NULL, NULL, 1, "v", 1), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_put(f->db, NULL, key, LSM_KEY_MAX + 1, "v", 1), LSM_ERR_ARGUMENT);
    expect_detail(f, "65536 bytes");
    assert_int_equal(lsm_put(f->db, NULL, "k", 1, value, LSM_VALUE_MAX + 1), LSM_ERR_ARGUMENT);
    expect_detail(f, "67108865 bytes: 0 to 67108864");
    assert_int_equal(lsm_put(f->db, NULL, "k", 1, NULL, 1), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_delete(f->db, NULL, "", 0), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_get(f->db, NULL, "", 0, &out), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_get(f->db, NULL, key, LSM_KEY_MAX + 1, &out), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_put(NULL, NULL, "k", 1, "v", 1), LSM_ERR_ARGUMENT);
    struct lsm_write_options wrong = {.durability = (enum lsm_durability)9};
    assert_int_equal(lsm_put(f->db, &wrong, "k", 1, "v", 1), LSM_ERR_ARGUMENT);
    expect_detail(f, "durability 9");

    DB_MUST(f, lsm_put(f->db, NULL, key, LSM_KEY_MAX, NULL, 0));
    DB_MUST(f, lsm_put(f->db, NULL, "\0", 1, "zero", 4));
    value_fill(value, 7, LSM_VALUE_MAX);
    DB_MUST(f, lsm_put(f->db, NULL, "big", 3, value, LSM_VALUE_MAX));
    DB_MUST(f, lsm_put(f->db, NULL, "next", 4, "small", 5));
    const struct model_version big = {.tag = 7, .size = LSM_VALUE_MAX};
    for (unsigned i = 0; i < 3; i++) {
        DB_MUST(f, lsm_get(f->db, NULL, key, LSM_KEY_MAX, &out));
        assert_int_equal(out.size, 0);
        assert_non_null(out.data);
        lsm_value_release(&out);
        DB_MUST(f, lsm_get(f->db, NULL, "\0", 1, &out));
        assert_memory_equal(out.data, "zero", 4);
        lsm_value_release(&out);
        DB_MUST(f, lsm_get(f->db, NULL, "big", 3, &out));
        assert_true(value_is(out.data, out.size, &big));
        lsm_value_release(&out);
        assert_string_equal(db_get(f, "next"), "small");
        if (i == 0) {
            db_reopen(f);
        } else if (i == 1) {
            DB_MUST(f, lsm_compact_all(f->db));
        }
    }
    free(value);
}

static void batches_have_limits_and_may_be_huge(void **state) {
    struct db_fixture *f = *state;
    struct lsm_batch *batch = NULL;
    enum { PIECE = 4 << 20 };
    uint8_t *value = malloc(PIECE);
    assert_non_null(value);
    value_fill(value, 1, PIECE);
    db_open(f);
    assert_int_equal(lsm_batch_create(&batch), 0);
    assert_int_equal(lsm_batch_put(batch, "", 0, "v", 1), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_batch_delete(batch, "k", LSM_KEY_MAX + 1), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_write(f->db, NULL, batch), 0); /* empty: nothing to do */
    assert_int_equal(lsm_write(f->db, NULL, NULL), LSM_ERR_ARGUMENT);
    unsigned count = 0;
    int rc = 0;
    for (; rc == 0; count += rc == 0) {
        char key[16];
        snprintf(key, sizeof key, "%04u", count);
        rc = lsm_batch_put(batch, key, 4, value, PIECE);
    }
    assert_int_equal(rc, LSM_ERR_ARGUMENT);
    assert_int_equal(count, LSM_BATCH_BYTES_MAX / PIECE - 1); /* the keys take a little */
    assert_int_equal(lsm_batch_count(batch), count);
    assert_int_equal(lsm_batch_bytes(batch), (size_t)count * (PIECE + 4));
    lsm_batch_clear(batch);
    assert_int_equal(lsm_batch_count(batch), 0);
    for (unsigned i = 0; i < 30000; i++) { /* much more than a memtable, entry by entry */
        char key[16];
        snprintf(key, sizeof key, "%06u", i % 20000);
        assert_int_equal(lsm_batch_put(batch, key, 6, value + i, 100), 0);
    }
    DB_MUST(f, lsm_write(f->db, NULL, batch));
    DB_MUST(f, lsm_write(f->db, NULL, batch)); /* it stays as it was */
    assert_int_equal(stats_of(f).last_sequence, 60000);
    lsm_batch_destroy(batch);
    lsm_batch_destroy(NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct lsm_value out;
        DB_MUST(f, lsm_get(f->db, NULL, "009999", 6, &out)); /* the later of two entries */
        assert_memory_equal(out.data, value + 29999, 100);
        lsm_value_release(&out);
        DB_MUST(f, lsm_get(f->db, NULL, "019999", 6, &out));
        assert_memory_equal(out.data, value + 19999, 100);
        lsm_value_release(&out);
        db_reopen(f);
    }
    free(value);
}

static void entries_larger_than_a_memtable_get_their_own(void **state) {
    struct db_fixture *f = *state;
    uint8_t *value = malloc(1 << 20);
    assert_non_null(value);
    f->options.memtable_bytes = 4096;
    f->options.memtables_max = 2;
    for (int async = 0; async < 2; async++) {
        f->options.async_compaction = async != 0;
        db_open(f);
        for (uint64_t i = 0; i < 40; i++) {
            char key[16];
            snprintf(key, sizeof key, "%02u", (unsigned)i);
            value_fill(value, i, i % 2 == 0 ? 50 : 20000 * i);
            DB_MUST(f, lsm_put(f->db, NULL, key, 2, value, i % 2 == 0 ? 50 : 20000 * i));
        }
        for (unsigned turn = 0; turn < 2; turn++) {
            for (uint64_t i = 0; i < 40; i++) {
                char key[16];
                struct lsm_value out;
                const struct model_version v = {.tag = i, .size = i % 2 == 0 ? 50 : 20000 * i};
                snprintf(key, sizeof key, "%02u", (unsigned)i);
                DB_MUST(f, lsm_get(f->db, NULL, key, 2, &out));
                assert_true(value_is(out.data, out.size, &v));
                lsm_value_release(&out);
            }
            db_reopen(f);
        }
        db_close(f);
        db_wipe(f);
    }
    free(value);
}

/* ---- reading ---- */

static void get_meta_tells_sequence_time_and_deletes(void **state) {
    struct db_fixture *f = *state;
    struct lsm_meta meta;
    f->options.tombstone_retention_s = 3600;
    db_open(f);
    assert_int_equal(lsm_get_meta(f->db, NULL, "a", 1, &meta), LSM_NOT_FOUND);
    uint64_t before = db_now_s(f);
    db_put(f, "a", "1");
    db_del(f, "b");
    for (unsigned i = 0; i < 3; i++) {
        DB_MUST(f, lsm_get_meta(f->db, NULL, "a", 1, &meta));
        assert_false(meta.tombstone);
        assert_int_equal(meta.sequence, 1);
        assert_true(meta.write_time_s + 1 >= before && meta.write_time_s <= db_now_s(f) + 1);
        assert_memory_equal(meta.value.data, "1", 1);
        lsm_value_release(&meta.value);
        DB_MUST(f, lsm_get_meta(f->db, NULL, "b", 1, &meta));
        assert_true(meta.tombstone);
        assert_int_equal(meta.sequence, 2);
        assert_int_equal(meta.value.size, 0);
        lsm_value_release(&meta.value);
        if (i == 0) {
            db_reopen(f);
        } else {
            DB_MUST(f, lsm_compact_all(f->db));
        }
    }
}

static void a_value_outlives_its_table_and_its_key(void **state) {
    struct db_fixture *f = *state;
    struct lsm_value in_memory, in_table;
    db_open(f);
    db_put(f, "a", "first");
    DB_MUST(f, lsm_get(f->db, NULL, "a", 1, &in_memory));
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_get(f->db, NULL, "a", 1, &in_table));
    db_del(f, "a");
    DB_MUST(f, lsm_compact_all(f->db));
    DB_MUST(f, lsm_compact_level(f->db, 1));
    assert_memory_equal(in_memory.data, "first", 5);
    assert_memory_equal(in_table.data, "first", 5);
    lsm_value_release(&in_memory);
    lsm_value_release(&in_table);
    lsm_value_release(&in_table); /* again: nothing */
}

static void another_database_s_snapshot_is_refused(void **state) {
    struct db_fixture *f = *state;
    struct db_fixture other = {.kind = f->kind, .io = f->io, .options = f->options};
    struct lsm_snapshot *snapshot = NULL;
    struct lsm_value value;
    struct lsm_iter *iter = NULL;
    snprintf(other.path, sizeof other.path, "%.90s2", f->path);
    db_open(f);
    db_open(&other);
    DB_MUST(&other, lsm_snapshot_create(other.db, &snapshot));
    struct lsm_read_options options = {.snapshot = snapshot};
    assert_int_equal(lsm_get(f->db, &options, "a", 1, &value), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_iter_create(f->db, &options, &iter), LSM_ERR_ARGUMENT);
    assert_int_equal(stats_of(&other).snapshots, 1);
    lsm_snapshot_release(snapshot);
    lsm_snapshot_release(NULL);
    assert_int_equal(stats_of(&other).snapshots, 0);
    db_close(&other);
    db_wipe(&other);
}

static void expect_key(struct lsm_iter *iter, const char *key) {
    if (key == NULL) {
        assert_false(lsm_iter_valid(iter));
        assert_int_equal(lsm_iter_status(iter), 0);
        return;
    }
    assert_true(lsm_iter_valid(iter));
    struct lsm_key at = lsm_iter_key(iter);
    assert_int_equal(at.size, strlen(key));
    assert_memory_equal(at.data, key, at.size);
}

static void an_iterator_keeps_to_its_bounds_and_turns(void **state) {
    struct db_fixture *f = *state;
    struct lsm_iter *iter = NULL;
    db_open(f);
    for (char c = 'a'; c <= 'h'; c++) {
        db_put(f, (char[]){c, '\0'}, "v");
        if (c == 'c' || c == 'f') {
            DB_MUST(f, lsm_flush(f->db));
        }
    }
    db_del(f, "d");
    struct lsm_read_options options = {
        .lower = "b", .lower_size = 1, .upper = "g", .upper_size = 1};
    DB_MUST(f, lsm_iter_create(f->db, &options, &iter));
    assert_false(lsm_iter_valid(iter));
    db_put(f, "bb", "later"); /* not of the iterator's moment */
    lsm_iter_seek(iter, "a", 1);
    expect_key(iter, "b");
    lsm_iter_next(iter);
    expect_key(iter, "c");
    lsm_iter_next(iter);
    expect_key(iter, "e");
    lsm_iter_prev(iter);
    expect_key(iter, "c");
    lsm_iter_next(iter);
    lsm_iter_next(iter);
    expect_key(iter, "f");
    lsm_iter_next(iter);
    expect_key(iter, NULL);
    lsm_iter_last(iter);
    expect_key(iter, "f");
    lsm_iter_seek_for_prev(iter, "z", 1);
    expect_key(iter, "f");
    lsm_iter_seek_for_prev(iter, "dd", 2);
    expect_key(iter, "c");
    lsm_iter_prev(iter);
    lsm_iter_prev(iter);
    expect_key(iter, NULL);
    lsm_iter_seek(iter, "g", 1);
    expect_key(iter, NULL);
    lsm_iter_seek_for_prev(iter, "a", 1);
    expect_key(iter, NULL);
    assert_int_equal(stats_of(f).iterators, 1);
    lsm_iter_destroy(iter);
    options = (struct lsm_read_options){
        .lower = "g", .lower_size = 1, .upper = "b", .upper_size = 1}; /* nothing lies between */
    DB_MUST(f, lsm_iter_create(f->db, &options, &iter));
    lsm_iter_first(iter);
    expect_key(iter, NULL);
    lsm_iter_last(iter);
    expect_key(iter, NULL);
    lsm_iter_destroy(iter);
    lsm_iter_destroy(NULL);
    assert_int_equal(stats_of(f).iterators, 0);
}

static void an_empty_key_seeks_to_an_end(void **state) {
    struct db_fixture *f = *state;
    struct lsm_iter *iter = NULL;
    db_open(f);
    db_put(f, "a", "1");
    DB_MUST(f, lsm_flush(f->db));
    db_put(f, "b", "2");
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    lsm_iter_seek(iter, "", 0);
    expect_key(iter, "a");
    lsm_iter_seek_for_prev(iter, "", 0);
    expect_key(iter, NULL);
    lsm_iter_destroy(iter);
    /* An empty lower bound excludes nothing, an empty upper one everything. */
    struct lsm_read_options options = {.lower = "", .lower_size = 0};
    DB_MUST(f, lsm_iter_create(f->db, &options, &iter));
    lsm_iter_first(iter);
    expect_key(iter, "a");
    lsm_iter_destroy(iter);
    options = (struct lsm_read_options){.upper = "", .upper_size = 0};
    DB_MUST(f, lsm_iter_create(f->db, &options, &iter));
    lsm_iter_last(iter);
    expect_key(iter, NULL);
    lsm_iter_first(iter);
    expect_key(iter, NULL);
    lsm_iter_destroy(iter);
}

static void multi_get_answers_each_key(void **state) {
    struct db_fixture *f = *state;
    const struct lsm_key keys[] = {{"a", 1}, {"b", 1}, {"a", 1}, {"c", 1}};
    const struct lsm_key wrong[] = {{"a", 1}, {"", 0}};
    struct lsm_value values[4];
    int status[4];
    db_open(f);
    db_put(f, "a", "1");
    DB_MUST(f, lsm_flush(f->db));
    db_put(f, "c", "");
    db_del(f, "b");
    DB_MUST(f, lsm_multi_get(f->db, NULL, keys, 4, values, status));
    assert_int_equal(status[0], 0);
    assert_int_equal(status[1], LSM_NOT_FOUND);
    assert_int_equal(status[2], 0);
    assert_int_equal(status[3], 0);
    assert_memory_equal(values[2].data, "1", 1);
    assert_int_equal(values[3].size, 0);
    lsm_value_release(&values[0]);
    lsm_value_release(&values[2]);
    lsm_value_release(&values[3]);
    assert_int_equal(lsm_multi_get(f->db, NULL, wrong, 2, values, status), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_multi_get(f->db, NULL, NULL, 0, NULL, NULL), 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASE(keys_and_values_have_limits, uring),
        DB_CASE(batches_have_limits_and_may_be_huge, uring),
        DB_CASE(batches_have_limits_and_may_be_huge, sim),
        DB_CASES_ON_ALL(entries_larger_than_a_memtable_get_their_own),
        DB_CASES_ON_ALL(get_meta_tells_sequence_time_and_deletes),
        DB_CASES_ON_ALL(a_value_outlives_its_table_and_its_key),
        DB_CASES_ON_ALL(another_database_s_snapshot_is_refused),
        DB_CASES_ON_ALL(an_iterator_keeps_to_its_bounds_and_turns),
        DB_CASES_ON_ALL(an_empty_key_seeks_to_an_end),
        DB_CASES_ON_ALL(multi_get_answers_each_key),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
