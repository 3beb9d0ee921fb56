/* The policies at work while merges are long: a merge that is picked and not yet run is one that
 * lasts, for as long as the test likes. What is read, before, meanwhile and after, is what a plain
 * array says; and writers are not held back by what a merge works off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "db_fixture.h"
#include "schedule.h"

enum { KEYS = 2000, VALUE = 100, TABLE = 8 << 10 };

struct stage {
    struct db_fixture *f;
    struct rng rng;
    uint64_t newest[KEYS]; /* tag of the value that is there; 0: none */
    uint64_t writes;
    struct lsm_compaction *held;
    bool quiet;
    unsigned gathered, ended; /* compactions within level 0; all */
};

static void count_events(void *context, const struct lsm_event *event) {
    struct stage *s = context;
    bool end = event->type == LSM_EVENT_COMPACT_END && event->status == 0;
    s->ended += end;
    s->gathered += end && event->level_from == 0 && event->level_to == 0;
}

static struct stage *begin(struct db_fixture *f, enum lsm_policy policy, uint32_t threads) {
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->f = f;
    s->rng = (struct rng){db_seed + policy};
    f->options.policy = policy;
    f->options.async_compaction = true;
    f->options.memtable_bytes = f->options.table_bytes = TABLE;
    f->options.background_threads = threads;
    db_open(f);
    DB_MUST(f, lsm_listener_add(f->db, count_events, s));
    return s;
}

static void end(struct stage *s) {
    lsm_listener_remove(s->f->db, count_events, s);
    db_close(s->f);
    db_wipe(s->f);
    free(s);
}

static size_t name(char key[24], uint64_t number) {
    return (size_t)snprintf(key, 24, "key%08llu", (unsigned long long)number);
}

static void write_one(struct stage *s) {
    uint64_t n = rng_below(&s->rng, rng_chance(&s->rng, 30) ? KEYS / 20 : KEYS);
    char key[24];
    uint8_t value[VALUE];
    size_t size = name(key, n);
    s->writes++;
    if (rng_chance(&s->rng, 25)) {
        s->newest[n] = 0;
        DB_MUST(s->f, lsm_delete(s->f->db, NULL, key, size));
        return;
    }
    s->newest[n] = s->writes;
    value_fill(value, s->writes, VALUE);
    DB_MUST(s->f, lsm_put(s->f->db, NULL, key, size, value, VALUE));
}

static void check_one(const struct stage *s, uint64_t n) {
    char key[24];
    uint8_t value[VALUE];
    struct lsm_value found = {0};
    int rc = lsm_get(s->f->db, NULL, key, name(key, n), &found);
    if (s->newest[n] == 0) {
        DB_CHECK(rc == LSM_NOT_FOUND, "%s: %s, but it is gone", key, lsm_strerror(rc));
        return;
    }
    DB_MUST(s->f, rc);
    value_fill(value, s->newest[n], VALUE);
    DB_CHECK(found.size == VALUE && memcmp(found.data, value, VALUE) == 0, "%s: not version %llu",
             key, (unsigned long long)s->newest[n]);
    lsm_value_release(&found);
}

static void check_all(const struct stage *s) {
    struct lsm_iter *iter = NULL;
    uint64_t there = 0, seen = 0;
    for (uint64_t n = 0; n < KEYS; n++) {
        check_one(s, n);
        there += s->newest[n] != 0;
    }
    DB_MUST(s->f, lsm_iter_create(s->f->db, NULL, &iter));
    for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter)) {
        seen++;
    }
    DB_MUST(s->f, lsm_iter_status(iter));
    lsm_iter_destroy(iter);
    DB_CHECK(seen == there, "%llu keys for %llu", (unsigned long long)seen,
             (unsigned long long)there);
}

static uint64_t tables(const struct stage *s, uint32_t level) {
    struct lsm_stats stats;
    lsm_stats_read(s->f->db, &stats);
    return stats.level[level].tables;
}

/* Until no job is queued or running but those that are held. */
static void run_jobs(struct stage *s) {
    struct lsm_db *db = s->f->db;
    pthread_mutex_lock(&db->lock);
    while (db->flush_queued || db->flush_running || db->compactions_queued > 0) {
        (void)lsm_cond_wait(db->io, &db->changed, &db->lock, 0);
    }
    pthread_mutex_unlock(&db->lock);
}

/* `quiet`: from now on no compaction begins by itself. REQUIRES: lock held. */
static void set_quiet(struct stage *s, bool quiet) {
    if (s->quiet != quiet) {
        s->quiet = quiet;
        s->f->db->manual_waiting += quiet ? 1 : -1u;
    }
}

/* Flushes `count` tables. */
static void write_tables(struct stage *s, unsigned count, bool quiet) {
    struct lsm_db *db = s->f->db;
    pthread_mutex_lock(&db->lock);
    set_quiet(s, quiet);
    pthread_mutex_unlock(&db->lock);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned n = 0; n < 50; n++) {
            write_one(s);
        }
        DB_MUST(s->f, lsm_flush(db));
        run_jobs(s);
    }
}

/* The next compaction is picked, and lasts from now on. False: none is due, or one that somebody
 * asked for comes first. */
static bool hold(struct stage *s) {
    struct lsm_db *db = s->f->db;
    pthread_mutex_lock(&db->lock);
    set_quiet(s, false);
    s->held = db->manual_waiting == 0 ? lsm_compact_pick(db) : NULL;
    if (s->held != NULL) {
        s->held->record = lsm_job_record_add(db, s->held->level);
        assert_non_null(s->held->record);
    }
    pthread_mutex_unlock(&db->lock);
    return s->held != NULL;
}

static void run_held(struct stage *s) {
    struct lsm_db *db = s->f->db;
    struct lsm_fault fault = {0};
    struct lsm_queue *queue = lsm_queue_borrow(db->io);
    int rc = lsm_compact_run(s->held, queue, &fault);
    DB_CHECK(rc == 0, "the held compaction: %s", fault.text);
    lsm_queue_return(db->io, queue);
    pthread_mutex_lock(&db->lock);
    s->held->record->job.state = LSM_JOB_COMPLETED;
    lsm_compact_release(s->held);
    s->held = NULL;
    pthread_mutex_unlock(&db->lock);
}

/* ---- writers are not held back ---- */

/* The held merge alone would be more than the limits. */
static void limit_writes(struct stage *s) {
    struct lsm_db *db = s->f->db;
    pthread_mutex_lock(&db->lock);
    db->options.l0_slowdown = 12;
    db->options.l0_stop = 13;
    db->options.debt_slowdown_bytes = s->held->bytes_in / 8 * 6;
    db->options.debt_stop_bytes = s->held->bytes_in / 8 * 7;
    lsm_pressure_update(db);
    pthread_mutex_unlock(&db->lock);
}

static void check_no_stall(const struct stage *s) {
    static const enum lsm_stall kinds[] = {LSM_STALL_L0_SLOW, LSM_STALL_L0_STOP,
                                           LSM_STALL_DEBT_SLOW, LSM_STALL_DEBT_STOP};
    struct lsm_stats stats;
    lsm_stats_read(s->f->db, &stats);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        DB_CHECK(stats.stall_ns[kinds[i]] == 0, "writers were held back: %s",
                 lsm_stall_name(kinds[i]));
    }
    assert_int_equal(atomic_load(&s->f->db->pressure), LSM_STALL_NONE);
}

static void writes_go_on_beside_a_long_merge(struct db_fixture *f, enum lsm_policy policy) {
    enum { LARGE = 40, MORE = 25 };
    f->options.l0_trigger = 4;
    f->options.l0_slowdown = LARGE + 1;
    f->options.l0_stop = LARGE + 10;
    struct stage *s = begin(f, policy, 4);
    write_tables(s, 20, false);
    write_tables(s, LARGE - (unsigned)tables(s, 0), true);
    assert_true(hold(s));
    assert_int_equal(s->held->side[0].count, LARGE);
    s->gathered = 0;
    limit_writes(s);
    for (unsigned i = 0; i < MORE; i++) {
        write_tables(s, 1, false);
        check_no_stall(s);
        check_one(s, rng_below(&s->rng, KEYS));
    }
    DB_CHECK(tables(s, 0) <= LARGE + 11, "%llu tables in level 0",
             (unsigned long long)tables(s, 0));
    assert_true(s->gathered >= 2);
    check_all(s);
    DB_MUST(f, lsm_verify(f->db));
    run_held(s);
    check_all(s);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    check_all(s);
    DB_MUST(f, lsm_verify(f->db));
    check_no_stall(s);
    db_reopen(f);
    check_all(s);
    DB_MUST(f, lsm_listener_add(f->db, count_events, s));
    end(s);
}

static void writes_go_on_beside_a_long_merge_tiered(void **state) {
    writes_go_on_beside_a_long_merge(*state, LSM_TIERED);
}
static void writes_go_on_beside_a_long_merge_lazy_leveled(void **state) {
    writes_go_on_beside_a_long_merge(*state, LSM_LAZY_LEVELED);
}

/* One thread is kept for flushes, the other has the merge: it gathers level 0 in the middle. */
static void the_only_thread_for_merges_gathers_level_0_in_the_middle_of_one(void **state) {
    struct db_fixture *f = *state;
    f->options.l0_trigger = 4;
    f->options.l0_slowdown = 100;
    f->options.l0_stop = 110;
    struct stage *s = begin(f, LSM_TIERED, 2);
    write_tables(s, 40, true);
    assert_true(hold(s));
    write_tables(s, 16, true);
    assert_int_equal(tables(s, 0), 56);
    s->gathered = s->ended = 0;
    set_quiet(s, false);
    f->db->options.l0_slowdown = 12;
    run_held(s);
    assert_true(s->gathered >= 1);
    assert_int_equal(s->ended, s->gathered + 1);
    assert_true(tables(s, 0) < 8);
    DB_MUST(f, lsm_wait_idle(f->db, 60000)); /* it has waited, and goes down though it is one */
    assert_int_equal(tables(s, 0), 0);
    check_all(s);
    DB_MUST(f, lsm_verify(f->db));
    end(s);
}

/* What no merge may begin with still holds writers back. */
static void level_0_that_waits_for_a_short_merge_counts(void **state) {
    struct db_fixture *f = *state;
    struct lsm_stats stats;
    f->options.l0_trigger = 4;
    f->options.l0_slowdown = 6;
    f->options.l0_stop = 20;
    struct stage *s = begin(f, LSM_TIERED, 4);
    write_tables(s, 4, true);
    assert_true(hold(s)); /* four tables: to gather others costs as much as to wait */
    write_tables(s, 5, false);
    check_no_stall(s);
    assert_int_equal(s->gathered, 0);
    write_tables(s, 1, false);
    assert_int_equal(atomic_load(&f->db->pressure), LSM_STALL_L0_SLOW);
    lsm_stats_read(f->db, &stats);
    assert_true(stats.compaction_pending_bytes > 0 &&
                stats.compaction_pending_bytes < stats.table_bytes);
    run_held(s);
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    assert_int_equal(atomic_load(&f->db->pressure), LSM_STALL_NONE);
    check_all(s);
    end(s);
}

/* ---- what is gathered keeps hiding what is older ---- */

static void a_delete_gathered_above_a_held_merge_keeps_hiding_its_key(void **state) {
    struct db_fixture *f = *state;
    f->options.l0_trigger = 4;
    struct stage *s = begin(f, LSM_TIERED, 4);
    struct lsm_db *db = f->db;
    db_put(f, "key00000000", "old");
    write_tables(s, 11, true);
    db_put(f, "key99999999", "old");
    write_tables(s, 1, true);
    assert_true(hold(s));
    db_del(f, "key99999999"); /* the last key, which the merge's newest table has */
    write_tables(s, 8, false);
    assert_int_equal(s->gathered, 1);
    assert_null(db_get(f, "key99999999"));
    run_held(s);
    assert_null(db_get(f, "key99999999"));
    DB_MUST(f, lsm_compact_all(db));
    assert_null(db_get(f, "key99999999"));
    DB_MUST(f, lsm_verify(db));
    end(s);
}

/* ---- anything, at any time ---- */

static void draw_options(struct stage *s, struct db_fixture *f) {
    struct rng *r = &s->rng;
    f->options.l0_trigger = (uint32_t)rng_range(r, 1, 4);
    f->options.l0_slowdown = f->options.l0_trigger + 4;
    f->options.l0_stop = f->options.l0_trigger + 60;
    f->options.max_levels = (uint32_t)rng_range(r, 2, 8);
    f->options.level_ratio = (uint32_t)rng_range(r, 2, 10);
    f->options.tombstone_retention_s = rng_chance(r, 70) ? 0 : 3600;
}

static void maintain(struct stage *s) {
    struct lsm_db *db = s->f->db;
    uint64_t id;
    switch (rng_below(&s->rng, 5)) {
    case 0:
        if (s->held == NULL) {
            (void)hold(s);
        }
        break;
    case 1:
    case 2:
        if (s->held != NULL) {
            run_held(s);
        }
        break;
    case 3:
        lsm_tick(db);
        break;
    default:
        if (s->held == NULL) {
            uint32_t level = (uint32_t)rng_below(&s->rng, s->f->options.max_levels);
            DB_MUST(s->f, lsm_job_schedule(db, level, &id));
        }
        break;
    }
}

static void any_order_answers_as_an_array(struct db_fixture *f, enum lsm_policy policy) {
    unsigned rounds = db_scaled(f->kind == DB_SIM ? 6 : 2);
    for (unsigned round = 0; round < rounds; round++) {
        struct stage draw = {.rng = {db_seed + round * 77 + policy}};
        draw_options(&draw, f);
        struct stage *s = begin(f, policy, (uint32_t)rng_range(&draw.rng, 2, 5));
        s->rng = draw.rng;
        for (unsigned i = 0; i < 12000; i++) {
            write_one(s);
            check_one(s, rng_below(&s->rng, KEYS));
            if (rng_chance(&s->rng, 2)) {
                maintain(s);
            }
            if (s->held != NULL && tables(s, 0) >= 30) { /* before writers wait for it for ever */
                run_held(s);
            }
            if (i % 3000 == 2999) {
                check_all(s);
                DB_MUST(f, lsm_verify(f->db));
            }
        }
        if (s->held != NULL) {
            run_held(s);
        }
        DB_MUST(f, lsm_wait_idle(f->db, 60000));
        check_all(s);
        DB_MUST(f, lsm_compact_all(f->db));
        check_all(s);
        DB_MUST(f, lsm_verify(f->db));
        printf("%u compactions, %u of them within level 0\n", s->ended, s->gathered);
        end(s);
    }
}

static void any_order_answers_as_an_array_leveled(void **state) {
    any_order_answers_as_an_array(*state, LSM_LEVELED);
}
static void any_order_answers_as_an_array_tiered(void **state) {
    any_order_answers_as_an_array(*state, LSM_TIERED);
}
static void any_order_answers_as_an_array_lazy_leveled(void **state) {
    any_order_answers_as_an_array(*state, LSM_LAZY_LEVELED);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(writes_go_on_beside_a_long_merge_tiered),
        DB_CASES_ON_ALL(writes_go_on_beside_a_long_merge_lazy_leveled),
        DB_CASE(the_only_thread_for_merges_gathers_level_0_in_the_middle_of_one, sim),
        DB_CASE(level_0_that_waits_for_a_short_merge_counts, sim),
        DB_CASE(a_delete_gathered_above_a_held_merge_keeps_hiding_its_key, sim),
        DB_CASES_ON_ALL(any_order_answers_as_an_array_leveled),
        DB_CASES_ON_ALL(any_order_answers_as_an_array_tiered),
        DB_CASES_ON_ALL(any_order_answers_as_an_array_lazy_leveled),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
