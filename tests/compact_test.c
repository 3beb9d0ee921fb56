/* What is merged when: the policies' choices seen from outside, by the tables' events, the shape
 * of the tree and the bytes written. On the simulated disk, where background jobs run one after
 * the other when somebody waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "compact.h"
#include "db.h"
#include "db_fixture.h"

enum { VALUE = 100 };
static uint64_t memtable_bytes = 16 << 10;

struct seen {
    uint64_t moved, added_below;
};

static void count_events(void *context, const struct lsm_event *event) {
    struct seen *seen = context;
    seen->moved += event->type == LSM_EVENT_TABLE_MOVE;
    seen->added_below += event->type == LSM_EVENT_TABLE_ADD && event->level_to > 0;
}

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

static void put_number(struct db_fixture *f, uint64_t number, uint64_t tag) {
    char key[24];
    uint8_t value[VALUE];
    snprintf(key, sizeof key, "key%010llu", (unsigned long long)number);
    value_fill(value, tag, sizeof value);
    DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, sizeof value));
}

static void check_number(struct db_fixture *f, uint64_t number, uint64_t tag) {
    char key[24];
    uint8_t value[VALUE];
    struct lsm_value found;
    snprintf(key, sizeof key, "key%010llu", (unsigned long long)number);
    value_fill(value, tag, sizeof value);
    DB_MUST(f, lsm_get(f->db, NULL, key, strlen(key), &found));
    DB_CHECK(found.size == VALUE && memcmp(found.data, value, VALUE) == 0, "%s: not version %llu",
             key, (unsigned long long)tag);
    lsm_value_release(&found);
}

static void settle(struct db_fixture *f) {
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
}

static void open_with(struct db_fixture *f, enum lsm_policy policy) {
    f->options.policy = policy;
    f->options.async_compaction = true;
    f->options.memtable_bytes = f->options.table_bytes = memtable_bytes;
    db_open(f);
}

static void keys_in_order_are_written_once(struct db_fixture *f, enum lsm_policy policy) {
    struct seen seen = {0};
    open_with(f, policy);
    DB_MUST(f, lsm_listener_add(f->db, count_events, &seen));
    for (uint64_t i = 0; i < 8000; i++) {
        put_number(f, i, i);
    }
    settle(f);
    struct lsm_stats stats = stats_of(f);
    DB_CHECK(stats.flushes > 40, "%llu flushes only", (unsigned long long)stats.flushes);
    assert_int_equal(stats.compaction_bytes_written, 0);
    assert_int_equal(seen.added_below, 0);
    DB_CHECK(seen.moved >= stats.flushes - stats.level[0].tables, "%llu moves for %llu flushes",
             (unsigned long long)seen.moved, (unsigned long long)stats.flushes);
    /* Several tables a job: fewer jobs than moves. */
    DB_CHECK(stats.compactions * 2 <= seen.moved, "%llu jobs for %llu moves",
             (unsigned long long)stats.compactions, (unsigned long long)seen.moved);
    lsm_listener_remove(f->db, count_events, &seen);
    DB_MUST(f, lsm_verify(f->db));
    for (uint64_t i = 0; i < 8000; i += 97) {
        check_number(f, i, i);
    }
}

static void keys_in_order_are_written_once_leveled(void **state) {
    keys_in_order_are_written_once(*state, LSM_LEVELED);
    assert_true(stats_of(*state).level[2].tables > 0);
}
static void keys_in_order_are_written_once_tiered(void **state) {
    keys_in_order_are_written_once(*state, LSM_TIERED);
}
static void keys_in_order_are_written_once_lazy_leveled(void **state) {
    keys_in_order_are_written_once(*state, LSM_LAZY_LEVELED);
}

/* A table of level 0 may not go beneath an older one that has the same keys. */
static void a_newer_table_is_not_moved_beneath_an_older_one(void **state) {
    struct db_fixture *f = *state;
    f->options.l0_trigger = 4;
    open_with(f, LSM_LEVELED);
    for (uint64_t tag = 0; tag < 4; tag++) {
        for (uint64_t i = 0; i < 10; i++) {
            put_number(f, tag < 2 ? i : 1000 * tag + i, tag); /* two overlap, two stand apart */
        }
        DB_MUST(f, lsm_flush(f->db));
    }
    settle(f);
    for (uint64_t i = 0; i < 10; i++) {
        check_number(f, i, 1);
        check_number(f, 3000 + i, 3);
    }
    DB_MUST(f, lsm_verify(f->db));
}

/* Overwrites everything `rounds` times in random order. Bytes written by flushes and compactions
 * for a byte of the user, and the most that the tables took for a byte that is there. */
static void fill(struct db_fixture *f, enum lsm_policy policy, uint64_t keys, uint64_t rounds,
                 double *write, double *space) {
    struct rng rng = {db_seed};
    uint64_t *newest = calloc(keys, sizeof *newest), there = 0;
    assert_non_null(newest);
    open_with(f, policy);
    *space = 0;
    for (uint64_t i = 0; i < keys * rounds; i++) {
        uint64_t key = rng_below(&rng, keys);
        there += newest[key] == 0;
        newest[key] = i + 1;
        put_number(f, key, i + 1);
        if (i > keys && i % 100 == 0) {
            double now = (double)stats_of(f).table_bytes / (double)(there * (VALUE + 13));
            *space = now > *space ? now : *space;
        }
    }
    settle(f);
    struct lsm_stats s = stats_of(f);
    for (uint64_t i = 0; i < keys; i++) {
        if (newest[i] > 0 && i % 13 == 0) {
            check_number(f, i, newest[i]);
        }
    }
    *write = (double)(s.flush_bytes + s.compaction_bytes_written) / (double)s.user_bytes_written;
    DB_MUST(f, lsm_verify(f->db));
    db_close(f);
    db_wipe(f);
    free(newest);
}

static void policies_trade_writing_for_space_as_they_say(void **state) {
    struct db_fixture *f = *state;
    double write[3], space[3];
    f->options.level_ratio = 10;
    memtable_bytes = 4 << 10;
    for (int p = LSM_LEVELED; p <= LSM_LAZY_LEVELED; p++) {
        fill(f, (enum lsm_policy)p, 5000, 4, &write[p], &space[p]);
        printf("policy %d: writes %.2f, space %.2f\n", p, write[p], space[p]);
    }
    memtable_bytes = 16 << 10;
    assert_true(write[LSM_TIERED] < write[LSM_LEVELED] * 0.8);
    assert_true(write[LSM_TIERED] < write[LSM_LAZY_LEVELED]);
    assert_true(space[LSM_LEVELED] < space[LSM_TIERED]);
    assert_true(space[LSM_LAZY_LEVELED] < space[LSM_TIERED]);
}

static void a_database_goes_on_under_another_policy(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    uint64_t newest[500] = {0};
    for (uint64_t round = 0; round < 12; round++) {
        open_with(f, (enum lsm_policy)rng_below(&rng, 3));
        for (uint64_t i = 0; i < 500; i++) {
            uint64_t key = rng_below(&rng, 500);
            newest[key] = round * 1000 + i + 1;
            put_number(f, key, newest[key]);
        }
        DB_MUST(f, lsm_wait_idle(f->db, 60000));
        for (uint64_t i = 0; i < 500; i++) {
            if (newest[i] > 0) {
                check_number(f, i, newest[i]);
            }
        }
        DB_MUST(f, lsm_verify(f->db));
        db_close(f);
    }
}

/* However many runs there are, level 0 is emptied as it fills, and a put never waits for ever. */
static void tiers_find_room_when_every_level_is_taken(void **state) {
    struct db_fixture *f = *state;
    f->options.max_levels = 3;
    open_with(f, LSM_TIERED);
    for (uint64_t i = 0; i < 30000; i++) {
        put_number(f, i * 7919 % 4001, i);
    }
    settle(f);
    struct lsm_stats stats = stats_of(f);
    assert_true(stats.level[0].tables < f->options.l0_trigger);
    double write = (double)(stats.flush_bytes + stats.compaction_bytes_written) /
                   (double)stats.user_bytes_written;
    printf("writes %.2f\n", write);
    assert_true(write < 8);
    check_number(f, 29999 * 7919 % 4001, 29999);
    DB_MUST(f, lsm_verify(f->db));
}

/* A database that has become read-only is not idle while something is due: it will never be done.
 */
static void a_wait_for_idleness_tells_what_is_left_undone(void **state) {
    struct db_fixture *f = *state;
    struct lsm_fault fault = {0};
    int failed = lsm_fail(&fault, LSM_ERR_IO, "the disk has gone");
    for (unsigned tables = 1; tables <= 4; tables += 3) {
        open_with(f, LSM_LEVELED);
        pthread_mutex_lock(&f->db->lock);
        f->db->manual_waiting = 1; /* no compaction begins */
        pthread_mutex_unlock(&f->db->lock);
        for (unsigned i = 0; i < tables; i++) {
            put_number(f, 1, i);
            DB_MUST(f, lsm_flush(f->db));
        }
        f->db->manual_waiting = 0;
        lsm_background_failed(f->db, &fault);
        assert_int_equal(lsm_wait_idle(f->db, 1000), tables < 4 ? 0 : LSM_ERR_READ_ONLY);
        (void)lsm_close(f->db);
        f->db = NULL;
        db_wipe(f);
    }
    assert_int_equal(failed, LSM_ERR_IO);
}

/* ---- what waits for what ---- */

enum { THERE = 1000 };

/* Even numbers up to 2 x THERE lie in level 1; level 0 is empty. */
static void fill_below(struct db_fixture *f, enum lsm_policy policy, bool async) {
    f->options.memtable_bytes = f->options.table_bytes = 1 << 20;
    f->options.policy = policy;
    f->options.async_compaction = async;
    db_open(f);
    for (uint64_t i = 0; i < THERE; i++) {
        put_number(f, 2 * i, i);
    }
    DB_MUST(f, lsm_compact_all(f->db));
    assert_int_equal(stats_of(f).level[0].tables, 0);
}

/* A table of level 0 with `count` numbers, every one there already or none. */
static void write_above(struct db_fixture *f, uint64_t count, bool there) {
    for (uint64_t i = 0; i < count; i++) {
        put_number(f, 2 * (i * 7 % THERE) + !there, i);
    }
    DB_MUST(f, lsm_flush(f->db));
}

static void run_jobs(struct lsm_db *db) {
    pthread_mutex_lock(&db->lock);
    while (db->compactions_queued > 0 || db->flush_queued) {
        (void)lsm_cond_wait(db->io, &db->changed, &db->lock, 0);
    }
    pthread_mutex_unlock(&db->lock);
}

static uint64_t tables_after_ticks(struct db_fixture *f, unsigned ticks) {
    run_jobs(f->db);
    for (unsigned i = 0; i < ticks; i++) {
        lsm_tick(f->db);
        run_jobs(f->db);
    }
    return stats_of(f).level[0].tables;
}

/* Would a merge of level 0 begin, with so many memtables sealed and level 0 due at so many tables?
 */
static bool begins(struct lsm_db *db, uint32_t sealed, bool flush_failed, uint32_t trigger) {
    pthread_mutex_lock(&db->lock);
    const uint32_t own_trigger = db->options.l0_trigger;
    LSM_ASSERT(db->sealed_count == 0);
    db->sealed_count = sealed;
    db->flush_failed = flush_failed;
    db->options.l0_trigger = trigger;
    struct lsm_compaction *c = lsm_compact_pick(db);
    bool begins = c != NULL;
    if (begins) {
        lsm_compact_release(c);
    }
    db->sealed_count = 0;
    db->flush_failed = false;
    db->options.l0_trigger = own_trigger;
    pthread_mutex_unlock(&db->lock);
    return begins;
}

static void a_merge_of_level_0_takes_along_what_is_about_to_be_flushed(void **state) {
    struct db_fixture *f = *state;
    fill_below(f, LSM_LEVELED, true);
    for (int table = 0; table < 3; table++) {
        write_above(f, THERE / 16, true);
    }
    assert_true(begins(f->db, 0, false, 3));
    assert_false(begins(f->db, 1, false, 3));
    assert_true(begins(f->db, 1, true, 3));  /* it may need the space that a merge frees */
    assert_true(begins(f->db, 2, false, 1)); /* there are many enough */
    assert_false(begins(f->db, 0, false, 4));
    f->db->options.l0_slowdown = 3;
    assert_true(begins(f->db, 1, false, 3)); /* before writes are slowed down for it */
    DB_MUST(f, lsm_compact_all(f->db));
    for (int table = 0; table < 3; table++) { /* with little beneath there is little to be spared */
        for (uint64_t i = 0; i < 4 * THERE; i++) {
            put_number(f, 2 * i, i);
        }
        DB_MUST(f, lsm_flush(f->db));
    }
    assert_true(begins(f->db, 1, false, 3));
}

/* ---- what an idle database merges ---- */

static void an_idle_database_merges_what_level_0_overwrote(void **state) {
    struct db_fixture *f = *state;
    fill_below(f, LSM_LEVELED, true);
    uint64_t bytes = stats_of(f).table_bytes;
    write_above(f, THERE / 2, true);
    assert_int_equal(tables_after_ticks(f, 1), 1); /* something was written since the last tick */
    put_number(f, 0, 77);
    assert_int_equal(tables_after_ticks(f, 1), 1);
    assert_true(stats_of(f).table_bytes > bytes / 10 * 14);
    assert_int_equal(tables_after_ticks(f, 1), 0);
    assert_true(stats_of(f).table_bytes < bytes / 100 * 101);
    assert_int_equal(tables_after_ticks(f, 2), 0); /* and then there is nothing more to do */
    assert_int_equal(stats_of(f).compactions, 2);
    check_number(f, 0, 77);
    check_number(f, 2 * 7, 1);
    DB_MUST(f, lsm_verify(f->db));
}

static void level_0_that_overwrote_little_stays_as_it_is(void **state) {
    struct db_fixture *f = *state;
    fill_below(f, LSM_LEVELED, true);
    write_above(f, THERE / 2, false);
    assert_true(f->db->view->version->level[0].tables[0]->fresh > THERE / 2 / 10 * 9);
    assert_int_equal(tables_after_ticks(f, 3), 1);
    write_above(f, THERE / 8, true); /* an eighth of the keys, not of the tree */
    assert_true(f->db->view->version->level[0].tables[0]->fresh < THERE / 8 / 10);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_int_equal(tables_after_ticks(f, 3), 2);
    write_above(f, THERE / 4, true);
    DB_MUST(f, lsm_wait_idle(f->db, 60000)); /* which does not wait for a tick */
    assert_int_equal(stats_of(f).level[0].tables, 0);
    DB_MUST(f, lsm_verify(f->db));
}

static void a_wait_for_idleness_merges_it_in_line_too(void **state) {
    struct db_fixture *f = *state;
    fill_below(f, LSM_LEVELED, false);
    write_above(f, THERE / 2, true); /* its flush is no sign that the writes have ended */
    assert_int_equal(stats_of(f).level[0].tables, 1);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_int_equal(stats_of(f).level[0].tables, 0);
}

/* They promise less rewriting, not less space. */
static void the_other_policies_merge_nothing_when_idle(void **state) {
    struct db_fixture *f = *state;
    for (int p = LSM_TIERED; p <= LSM_LAZY_LEVELED; p++) {
        fill_below(f, (enum lsm_policy)p, true);
        write_above(f, THERE / 2, true);
        assert_int_equal(tables_after_ticks(f, 3), 1);
        db_close(f);
        db_wipe(f);
    }
}

static void what_a_snapshot_may_ask_for_is_not_merged_in_vain(void **state) {
    struct db_fixture *f = *state;
    struct lsm_snapshot *snapshot = NULL;
    fill_below(f, LSM_LEVELED, true);
    DB_MUST(f, lsm_snapshot_create(f->db, &snapshot));
    write_above(f, THERE / 2, true);
    assert_int_equal(tables_after_ticks(f, 3), 1);
    lsm_snapshot_release(snapshot);
    assert_int_equal(tables_after_ticks(f, 1), 0);
}

/* What a table overwrote is not in the manifest: after an open all that lies above something may
 * be. */
static void after_an_open_level_0_counts_where_it_lies_above_something(void **state) {
    struct db_fixture *f = *state;
    fill_below(f, LSM_LEVELED, true);
    for (uint64_t i = 0; i < THERE; i++) {
        put_number(f, 10 * THERE + i, i);
    }
    DB_MUST(f, lsm_flush(f->db));
    db_reopen(f);
    assert_int_equal(tables_after_ticks(f, 3), 1);
    write_above(f, THERE / 2, false);
    db_reopen(f);
    assert_int_equal(tables_after_ticks(f, 3), 0);
    assert_int_equal(tables_after_ticks(f, 3), 0);
    assert_int_equal(stats_of(f).compactions, 1);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASE(keys_in_order_are_written_once_leveled, sim),
        DB_CASE(keys_in_order_are_written_once_tiered, sim),
        DB_CASE(keys_in_order_are_written_once_lazy_leveled, sim),
        DB_CASE(a_newer_table_is_not_moved_beneath_an_older_one, sim),
        DB_CASE(policies_trade_writing_for_space_as_they_say, sim),
        DB_CASE(a_database_goes_on_under_another_policy, sim),
        DB_CASE(a_wait_for_idleness_tells_what_is_left_undone, sim),
        DB_CASE(tiers_find_room_when_every_level_is_taken, sim),
        DB_CASE(a_merge_of_level_0_takes_along_what_is_about_to_be_flushed, sim),
        DB_CASE(an_idle_database_merges_what_level_0_overwrote, sim),
        DB_CASE(level_0_that_overwrote_little_stays_as_it_is, sim),
        DB_CASE(a_wait_for_idleness_merges_it_in_line_too, sim),
        DB_CASE(the_other_policies_merge_nothing_when_idle, sim),
        DB_CASE(what_a_snapshot_may_ask_for_is_not_merged_in_vain, sim),
        DB_CASE(after_an_open_level_0_counts_where_it_lies_above_something, sim),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
