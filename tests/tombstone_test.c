/* The rule of deletes: one is forgotten only when nothing older lies beneath it, no snapshot needs
 * it, and it is older than the retention; and bottom tables full of forgettable ones do not stay
 * for ever. On the simulated disk, whose clock moves when told. */
#include <stdio.h>
#include <string.h>

#include "db.h"
#include "db_fixture.h"

enum { HOUR = 3600 };

static void pass(const struct db_fixture *f, uint64_t seconds) {
    lsm_io_sleep_ns(f->io, seconds * UINT64_C(1000000000));
}

/* Does the tree still know of a delete of the key? */
static bool is_known(struct db_fixture *f, const char *key) {
    struct lsm_meta meta;
    int rc = lsm_get_meta(f->db, NULL, key, strlen(key), &meta);
    if (rc == LSM_NOT_FOUND) {
        return false;
    }
    DB_MUST(f, rc);
    assert_true(meta.tombstone);
    lsm_value_release(&meta.value);
    return true;
}

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

static void compact(struct db_fixture *f, uint32_t level) {
    DB_MUST(f, lsm_compact_level(f->db, level));
}

static void open_with(struct db_fixture *f, uint64_t retention_s) {
    f->options.tombstone_retention_s = retention_s;
    f->options.async_compaction = true; /* nothing runs but what is asked for */
    f->options.l0_trigger = 100;
    f->options.max_levels = 4;
    db_open(f);
}

static void a_delete_with_nothing_beneath_goes_in_the_first_compaction(void **state) {
    struct db_fixture *f = *state;
    open_with(f, 0);
    db_put(f, "a", "1");
    db_del(f, "a");
    db_del(f, "never there");
    DB_MUST(f, lsm_flush(f->db));
    assert_true(is_known(f, "a")); /* a flush does not look at what lies beneath */
    assert_true(is_known(f, "never there"));
    compact(f, 0);
    assert_false(is_known(f, "a"));
    assert_false(is_known(f, "never there"));
    assert_int_equal(stats_of(f).tombstones_dropped, 2);
    assert_int_equal(stats_of(f).tables, 0);
}

static void a_retention_without_end_keeps_every_delete(void **state) {
    struct db_fixture *f = *state;
    open_with(f, UINT64_MAX);
    db_del(f, "a");
    pass(f, 1000 * HOUR);
    db_del(f, "b");
    DB_MUST(f, lsm_compact_all(f->db));
    lsm_tick(f->db); /* nor is a table of deletes rewritten when idle */
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_true(is_known(f, "a"));
    assert_true(is_known(f, "b"));
    assert_int_equal(stats_of(f).compactions, 1);
}

static void a_delete_stays_while_something_older_lies_beneath(void **state) {
    struct db_fixture *f = *state;
    open_with(f, 0);
    db_put(f, "a", "old");
    db_put(f, "b", "other");
    DB_MUST(f, lsm_flush(f->db));
    compact(f, 0);
    compact(f, 1);
    compact(f, 2);
    assert_int_equal(stats_of(f).level[3].tables, 1);
    db_del(f, "a");
    DB_MUST(f, lsm_flush(f->db));
    compact(f, 0);
    assert_true(is_known(f, "a"));
    compact(f, 1);
    assert_true(is_known(f, "a"));
    assert_null(db_get(f, "a"));
    compact(f, 2); /* now they meet */
    assert_false(is_known(f, "a"));
    assert_null(db_get(f, "a"));
    assert_string_equal(db_get(f, "b"), "other");
}

static void a_snapshot_before_the_delete_keeps_value_and_delete(void **state) {
    struct db_fixture *f = *state;
    struct lsm_snapshot *before = NULL;
    open_with(f, 0);
    db_put(f, "a", "old");
    DB_MUST(f, lsm_snapshot_create(f->db, &before));
    db_del(f, "a");
    DB_MUST(f, lsm_compact_all(f->db));
    assert_true(is_known(f, "a"));
    assert_string_equal(db_get_at(f, before, "a"), "old");
    assert_null(db_get(f, "a"));
    lsm_snapshot_release(before);
    compact(f, 1);
    compact(f, 2);
    assert_false(is_known(f, "a"));
}

static void a_snapshot_after_the_delete_does_not_keep_it(void **state) {
    struct db_fixture *f = *state;
    struct lsm_snapshot *after = NULL;
    open_with(f, 0);
    db_put(f, "a", "old");
    db_del(f, "a");
    DB_MUST(f, lsm_snapshot_create(f->db, &after));
    DB_MUST(f, lsm_compact_all(f->db));
    assert_false(is_known(f, "a"));
    assert_null(db_get_at(f, after, "a"));
    lsm_snapshot_release(after);
}

static void a_delete_stays_for_the_retention_and_not_longer(void **state) {
    struct db_fixture *f = *state;
    open_with(f, HOUR);
    db_put(f, "a", "old");
    uint64_t deleted_at = db_now_s(f);
    db_del(f, "a");
    DB_MUST(f, lsm_compact_all(f->db));
    assert_true(is_known(f, "a"));
    pass(f, HOUR - 2);
    compact(f, 1);
    assert_true(is_known(f, "a"));
    struct lsm_meta meta;
    DB_MUST(f, lsm_get_meta(f->db, NULL, "a", 1, &meta));
    assert_int_equal(meta.write_time_s, deleted_at);
    assert_int_equal(meta.value.size, 0);
    lsm_value_release(&meta.value);
    pass(f, 4);
    compact(f, 2);
    assert_false(is_known(f, "a"));
}

static void the_time_of_a_delete_is_known_after_a_reopen(void **state) {
    struct db_fixture *f = *state;
    open_with(f, HOUR);
    db_del(f, "a");
    pass(f, HOUR / 2);
    db_del(f, "b");
    db_reopen(f); /* from the log */
    DB_MUST(f, lsm_compact_all(f->db));
    db_reopen(f); /* from the manifest */
    pass(f, HOUR / 2 + 2);
    DB_MUST(f, lsm_compact_level(f->db, 1));
    assert_false(is_known(f, "a"));
    assert_true(is_known(f, "b"));
    pass(f, HOUR / 2);
    DB_MUST(f, lsm_compact_level(f->db, 2));
    assert_false(is_known(f, "b"));
}

static void the_retention_can_be_another_after_a_reopen(void **state) {
    struct db_fixture *f = *state;
    open_with(f, HOUR);
    db_del(f, "a");
    DB_MUST(f, lsm_compact_all(f->db));
    pass(f, 10);
    db_close(f);
    open_with(f, 5);
    compact(f, 1);
    assert_false(is_known(f, "a"));
}

static void a_newer_value_lets_the_delete_go_at_once(void **state) {
    struct db_fixture *f = *state;
    open_with(f, HOUR);
    db_del(f, "a");
    db_put(f, "a", "again");
    DB_MUST(f, lsm_compact_all(f->db));
    assert_string_equal(db_get(f, "a"), "again");
    struct lsm_table_info table;
    uint64_t total = 0;
    DB_MUST(f, lsm_shape_read(f->db, &table, 1, &total));
    assert_int_equal(total, 1);
    assert_int_equal(table.entries, 1);
    assert_int_equal(table.tombstones, 0);
}

static void write_deletes(struct db_fixture *f, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%04u", i);
        db_del(f, key);
    }
}

static void an_idle_database_rewrites_bottom_tables_of_expired_deletes(void **state) {
    struct db_fixture *f = *state;
    open_with(f, HOUR);
    write_deletes(f, 100);
    db_put(f, "value", "stays");
    DB_MUST(f, lsm_compact_all(f->db));
    assert_int_equal(stats_of(f).tables, 1);
    lsm_tick(f->db);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_true(is_known(f, "key0000")); /* not old enough yet */
    pass(f, HOUR + 2);
    lsm_tick(f->db);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_false(is_known(f, "key0000"));
    assert_int_equal(stats_of(f).tombstones_dropped, 100);
    assert_string_equal(db_get(f, "value"), "stays");
    uint64_t compactions = stats_of(f).compactions;
    lsm_tick(f->db); /* and then there is nothing more to do */
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_int_equal(stats_of(f).compactions, compactions);
}

static void idle_rewriting_waits_for_snapshots_and_for_what_lies_beneath(void **state) {
    struct db_fixture *f = *state;
    struct lsm_snapshot *before = NULL;
    open_with(f, 0);
    db_put(f, "key0000", "beneath");
    DB_MUST(f, lsm_compact_all(f->db));
    compact(f, 1);
    compact(f, 2);
    DB_MUST(f, lsm_snapshot_create(f->db, &before));
    write_deletes(f, 100);
    DB_MUST(f, lsm_flush(f->db));
    compact(f, 0);
    lsm_tick(f->db);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_true(is_known(f, "key0000"));
    assert_true(is_known(f, "key0001"));
    assert_string_equal(db_get_at(f, before, "key0000"), "beneath");
    lsm_snapshot_release(before);
    lsm_tick(f->db);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_true(is_known(f, "key0000")); /* its value is beneath, so the table is no bottom one */
    assert_null(db_get(f, "key0000"));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASE(a_delete_with_nothing_beneath_goes_in_the_first_compaction, sim),
        DB_CASE(a_retention_without_end_keeps_every_delete, sim),
        DB_CASE(a_delete_stays_while_something_older_lies_beneath, sim),
        DB_CASE(a_snapshot_before_the_delete_keeps_value_and_delete, sim),
        DB_CASE(a_snapshot_after_the_delete_does_not_keep_it, sim),
        DB_CASE(a_delete_stays_for_the_retention_and_not_longer, sim),
        DB_CASE(the_time_of_a_delete_is_known_after_a_reopen, sim),
        DB_CASE(the_retention_can_be_another_after_a_reopen, sim),
        DB_CASE(a_newer_value_lets_the_delete_go_at_once, sim),
        DB_CASE(an_idle_database_rewrites_bottom_tables_of_expired_deletes, sim),
        DB_CASE(idle_rewriting_waits_for_snapshots_and_for_what_lies_beneath, sim),
    };
    db_test_begin(argc, argv);
    int failed = 0;
    for (db_policy = LSM_LEVELED; db_policy <= LSM_LAZY_LEVELED; db_policy++) {
        failed += db_test_run(tests, sizeof tests / sizeof tests[0]);
    }
    return failed;
}
