/* What a database tells of itself: events, counters, latencies, its shape, its errors. */
#include <stdio.h>
#include <string.h>

#include "db_fixture.h"

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

/* ---- observation ---- */

struct heard {
    unsigned count[32];
    enum lsm_stall stalled; /* by the last begin; NONE after its end */
    unsigned in_line;       /* flushes that began while the writer was told to be held by them */
    uint64_t last_ns;
    bool in_order;
    uint64_t tables[256];
    unsigned table_count;
    struct lsm_db *db;
};

static void listen(void *context, const struct lsm_event *event) {
    struct heard *heard = context;
    heard->count[event->type]++;
    heard->in_order = heard->in_order && event->time_ns >= heard->last_ns;
    heard->last_ns = event->time_ns;
    if (event->type == LSM_EVENT_STALL_BEGIN || event->type == LSM_EVENT_STALL_END) {
        heard->stalled = event->type == LSM_EVENT_STALL_BEGIN ? event->stall : LSM_STALL_NONE;
    }
    heard->in_line += event->type == LSM_EVENT_FLUSH_BEGIN && heard->stalled == LSM_STALL_INLINE;
    if (event->type == LSM_EVENT_TABLE_ADD && heard->table_count < 256) {
        heard->tables[heard->table_count++] = event->table.id;
    }
    for (unsigned i = 0; event->type == LSM_EVENT_TABLE_REMOVE && i < heard->table_count; i++) {
        if (heard->tables[i] == event->table.id) {
            heard->tables[i] = heard->tables[--heard->table_count];
        }
    }
    if (heard->db != NULL) { /* the one call a listener may make */
        struct lsm_stats stats;
        lsm_stats_read(heard->db, &stats);
    }
}

static void listeners_hear_everything_in_order(void **state) {
    struct db_fixture *f = *state;
    struct heard first = {.in_order = true}, second = {.in_order = true};
    f->options.listener = listen;
    f->options.listener_context = &first;
    db_open(f);
    first.db = f->db;
    DB_MUST(f, lsm_listener_add(f->db, listen, &second));
    for (unsigned i = 0; i < 3000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%06u", i * 7919 % 1000);
        db_put(f, key, "a value of some length, so that there will be several tables");
    }
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    lsm_listener_remove(f->db, listen, &second);
    struct lsm_stats stats = stats_of(f);
    assert_true(first.in_order);
    assert_int_equal(first.count[LSM_EVENT_FLUSH_BEGIN], stats.flushes);
    assert_int_equal(first.count[LSM_EVENT_FLUSH_END], stats.flushes);
    assert_int_equal(first.count[LSM_EVENT_COMPACT_END], stats.compactions);
    assert_int_equal(first.count[LSM_EVENT_COMPACT_BEGIN], stats.compactions);
    assert_int_equal(first.count[LSM_EVENT_STALL_BEGIN], first.count[LSM_EVENT_STALL_END]);
    assert_int_equal(first.count[LSM_EVENT_STALL_BEGIN], stats.stalls);
    assert_int_equal(first.count[LSM_EVENT_ERROR], 0);
    assert_int_equal(first.table_count, stats.tables);
    assert_memory_equal(first.count, second.count, sizeof first.count);
    unsigned flushes = second.count[LSM_EVENT_FLUSH_END];
    db_put(f, "more", "to flush");
    DB_MUST(f, lsm_flush(f->db));
    assert_int_equal(second.count[LSM_EVENT_FLUSH_END], flushes);
    for (unsigned i = 0; i < 7; i++) {
        DB_MUST(f, lsm_listener_add(f->db, listen, &second));
    }
    assert_int_equal(lsm_listener_add(f->db, listen, &second), LSM_ERR_BUSY);
    assert_int_equal(lsm_listener_add(f->db, NULL, NULL), LSM_ERR_ARGUMENT);
    first.db = NULL;
    db_close(f);
}

static void a_writer_that_flushes_itself_is_told_to_stall(void **state) {
    struct db_fixture *f = *state;
    struct heard heard = {.in_order = true};
    f->options.async_compaction = false;
    f->options.listener = listen;
    f->options.listener_context = &heard;
    db_open(f);
    struct lsm_stats stats = stats_of(f);
    for (unsigned i = 0; i < 100000 && stats.flushes < 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "%06u", i);
        db_put(f, key, "a value of some length, so that the memtable fills up");
        stats = stats_of(f);
    }
    assert_int_equal(stats.flushes, 3);
    assert_int_equal(heard.in_line, 3);
    assert_int_equal(heard.count[LSM_EVENT_STALL_BEGIN], 3);
    assert_int_equal(heard.count[LSM_EVENT_STALL_END], 3);
    assert_int_equal(stats.stalls, 3);
    assert_int_equal(stats.stall_active, LSM_STALL_NONE);
}

static void stats_count_what_was_done(void **state) {
    struct db_fixture *f = *state;
    struct lsm_latency latency;
    struct lsm_value value;
    struct lsm_iter *iter = NULL;
    db_open(f);
    for (unsigned i = 0; i < 16; i++) {
        db_put(f, "key", "value");
        DB_MUST(f, lsm_get(f->db, NULL, "key", 3, &value));
        lsm_value_release(&value);
        assert_int_equal(lsm_get(f->db, NULL, "absent", 6, &value), LSM_NOT_FOUND);
        db_del(f, "other");
    }
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    lsm_iter_first(iter);
    lsm_iter_next(iter);
    lsm_iter_destroy(iter);
    struct lsm_stats s = stats_of(f);
    assert_int_equal(s.puts, 16);
    assert_int_equal(s.deletes, 16);
    assert_int_equal(s.gets, 32);
    assert_int_equal(s.get_hits, 16);
    assert_int_equal(s.scans, 1);
    assert_int_equal(s.scan_steps, 1);
    assert_int_equal(s.user_bytes_written, 16 * 8 + 16 * 5);
    assert_int_equal(s.user_bytes_read, 16 * 5);
    assert_int_equal(s.memtable_entries, 32);
    assert_int_equal(s.last_sequence, 32);
    assert_int_equal(s.levels, f->options.max_levels);
    lsm_latency_read(f->db, LSM_OP_PUT, true, &latency);
    uint64_t timed = 0;
    for (unsigned i = 0; i < LSM_LATENCY_BUCKETS; i++) {
        timed += latency.count[i];
    }
    assert_int_equal(timed, 16);      /* one in eight, each for eight */
    uint64_t max_ns = latency.max_ns; /* 0 with a clock that stands */
    lsm_latency_read(f->db, LSM_OP_PUT, true, &latency);
    assert_int_equal(latency.max_ns, 0); /* none since */
    lsm_latency_read(f->db, LSM_OP_PUT, false, &latency);
    assert_int_equal(latency.max_ns, max_ns); /* since the open */
    struct lsm_table_info table;
    uint64_t total = 9;
    DB_MUST(f, lsm_shape_read(f->db, NULL, 0, &total));
    assert_int_equal(total, 0);
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_shape_read(f->db, &table, 1, &total));
    assert_int_equal(total, 1);
    assert_int_equal(table.level, 0);
    assert_int_equal(table.entries, 2); /* versions nobody can ask for are left out */
    assert_int_equal(table.tombstones, 1);
    assert_true(table.lo < table.hi);
    assert_false(table.busy);
}

/* The first table's keys differ only beyond what a position's prefix can hold. */
static void long_keys_that_begin_alike_have_ordered_positions(void **state) {
    struct db_fixture *f = *state;
    static const char *const ends[][2] = {{"0z", "aac"}, {"aac", "zz"}, {"", "0"}, {"0", "0000"}};
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        db_open(f);
        for (unsigned end = 0; end < 2; end++) {
            char key[80];
            snprintf(key, sizeof key, "%064d%s", 0, ends[i][end]);
            db_put(f, key, "value");
        }
        DB_MUST(f, lsm_flush(f->db));
        struct lsm_table_info table;
        size_t total = 0;
        DB_MUST(f, lsm_shape_read(f->db, &table, 1, &total));
        assert_int_equal(total, 1);
        assert_true(table.lo < table.hi);
        db_reopen(f);
        DB_MUST(f, lsm_shape_read(f->db, &table, 1, &total));
        assert_true(table.lo < table.hi);
        db_close(f);
        db_wipe(f);
    }
}

static void every_code_has_words(void **state) {
    (void)state;
    for (int code = 0; code >= LSM_ERR_CLOSED; code--) {
        assert_non_null(lsm_strerror(code));
        assert_true(strlen(lsm_strerror(code)) > 0);
        assert_true(code == 0 || strcmp(lsm_strerror(code), lsm_strerror(code + 1)) != 0);
    }
    assert_non_null(lsm_strerror(-999));
    assert_int_equal(lsm_close(NULL), 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(listeners_hear_everything_in_order),
        DB_CASES_ON_ALL(a_writer_that_flushes_itself_is_told_to_stall),
        DB_CASES_ON_ALL(stats_count_what_was_done),
        DB_CASES_ON_ALL(long_keys_that_begin_alike_have_ordered_positions),
        cmocka_unit_test(every_code_has_words),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
