/* Power cuts, kills, failing calls and full disks, on the simulated disk: what was acknowledged as
 * synchronous is there afterwards, what survives is a prefix of what was written, and the database
 * goes on working. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "db_fixture.h"
#include "db_history.h"
#include "sim_io.h"

/* One life after another of the same database. */
struct run {
    struct lsm_io *io;
    struct lsm_db *db;
    struct lsm_options options;
    struct history history;
    struct rng rng;
    unsigned next;      /* step to write next: all before were tried */
    unsigned kill_safe; /* so many steps survive the death of the process */
    unsigned power_safe;
    uint64_t at; /* where the cut was asked for, for messages */
};

static void begin_run(struct run *run, uint64_t seed, unsigned steps, bool async) {
    *run = (struct run){.io = sim_create(seed), .rng = {seed}, .options = db_small_options()};
    history_init(&run->history, seed, steps);
    run->options.async_compaction = async;
    run->options.memtable_bytes = 4096 << rng_below(&run->rng, 3);
    run->options.table_bytes = 4096 << rng_below(&run->rng, 2);
    run->options.memtables_max = (uint32_t)rng_range(&run->rng, 2, 4);
    run->options.max_levels = (uint32_t)rng_range(&run->rng, 2, 5);
    run->options.l0_trigger = (uint32_t)rng_range(&run->rng, 1, 4);
    run->options.level_ratio = 2;
    run->options.policy = (enum lsm_policy)rng_below(&run->rng, 3);
}

static void end_run(struct run *run) {
    DB_CHECK(lsm_close(run->db) == 0, "the last close failed");
    lsm_io_destroy(run->io);
    history_free(&run->history);
}

static int open_run(struct run *run, char detail[256]) {
    run->options.io = run->io;
    return lsm_open("/db", &run->options, &run->db, detail);
}

/* One step of the history, and now and then some maintenance. Not 0: the step failed. */
static int advance(struct run *run) {
    unsigned step = run->next++;
    int rc = history_apply(&run->history, run->db, step);
    if (rc != 0 || sim_is_dead(run->io)) { /* nobody heard of a success after the end */
        return rc;
    }
    enum lsm_durability durability = history_durability(&run->history, step);
    run->kill_safe = durability >= LSM_PROCESS ? step + 1 : run->kill_safe;
    run->power_safe = durability == LSM_SYNC ? step + 1 : run->power_safe;
    bool lasting = false;
    switch (rng_below(&run->rng, 40)) {
    case 0:
        rc = lsm_sync(run->db);
        lasting = true;
        break;
    case 1:
        rc = lsm_flush(run->db);
        lasting = true;
        break;
    case 2:
        rc = lsm_compact_level(run->db, (uint32_t)rng_below(&run->rng, run->options.max_levels));
        break;
    case 3:
        lsm_tick(run->db);
        break;
    default:
        break;
    }
    if (lasting && rc == 0 && !sim_is_dead(run->io)) {
        run->power_safe = run->kill_safe = step + 1;
    }
    return rc;
}

static void write_until(struct run *run, unsigned end) {
    int rc = 0;
    if (run->db == NULL) {
        rc = open_run(run, NULL);
    }
    while (rc == 0 && run->next < end && !sim_is_dead(run->io)) {
        rc = advance(run);
    }
    DB_CHECK(rc == 0 || sim_is_dead(run->io), "step %u of seed %" PRIu64 ": %s", run->next,
             run->history.seed, lsm_strerror(rc));
}

/* The process is gone; another begins on what the disk kept. */
static void restart(struct run *run) {
    struct lsm_io *old = run->io;
    int closed = lsm_close(run->db); /* an error, or not: nothing it does has an effect any more */
    (void)closed;
    run->db = NULL;
    run->io = sim_restart(old);
    lsm_io_destroy(old);
}

/* Opens, and makes sure that at least `safe` steps are there, and the rest a prefix; the history
 * goes on from there. */
static void recover(struct run *run, unsigned safe) {
    char detail[256] = "";
    int rc = open_run(run, detail);
    DB_CHECK(rc == 0, "open after the cut at %" PRIu64 " (seed %" PRIu64 "): %s (%s)", run->at,
             run->history.seed, lsm_strerror(rc), detail);
    long found = history_match(&run->history, run->db, safe, run->next);
    DB_CHECK(found >= 0,
             "after the cut at %" PRIu64 " (seed %" PRIu64
             ") no prefix of %u to %u steps; from none on it would be %ld",
             run->at, run->history.seed, safe, run->next,
             history_match(&run->history, run->db, 0, run->history.steps));
    run->next = run->kill_safe = (unsigned)found;
    run->power_safe = run->power_safe < (unsigned)found ? run->power_safe : (unsigned)found;
}

static unsigned count_live_tables(struct lsm_db *db) {
    struct lsm_stats stats;
    lsm_stats_read(db, &stats);
    return (unsigned)stats.tables;
}

/* Nothing but what the tree needs is left after a while of work. */
static void check_files(struct run *run) {
    struct db_fixture look = {.kind = DB_SIM, .io = run->io, .path = "/db"};
    DB_MUST(&look, lsm_flush(run->db));
    DB_MUST(&look, lsm_wait_idle(run->db, 60000));
    DB_CHECK(db_count_files(&look, ".sst") == count_live_tables(run->db),
             "cut at %" PRIu64 " (seed %" PRIu64 "): %u files of tables for %u tables", run->at,
             run->history.seed, db_count_files(&look, ".sst"), count_live_tables(run->db));
    DB_CHECK(db_count_files(&look, ".wal") <= 3, "%u log segments are left",
             db_count_files(&look, ".wal"));
    DB_CHECK(db_count_files(&look, ".tmp") == 0, "a temporary file is left");
}

static void go_on_and_check(struct run *run) {
    unsigned end = run->next + 15 < run->history.steps ? run->next + 15 : run->history.steps;
    write_until(run, end);
    DB_CHECK(history_match(&run->history, run->db, run->next, run->next) >= 0,
             "cut at %" PRIu64 " (seed %" PRIu64 "): later writes are not there", run->at,
             run->history.seed);
    check_files(run);
}

/* ---- cuts ---- */

/* The same history with the power cut at operation `at`, and perhaps once more while recovering. */
static bool run_with_cut(uint64_t seed, bool async, uint64_t at, enum sim_cut_mode mode,
                         bool again) {
    struct run run;
    begin_run(&run, seed, 90, async);
    run.at = at;
    sim_set_cut_mode(run.io, mode);
    sim_cut_at(run.io, at);
    write_until(&run, run.history.steps - 20);
    bool cut = sim_is_dead(run.io);
    if (!cut) {
        sim_power_cut(run.io);
    }
    restart(&run);
    unsigned safe = mode == SIM_CUT_KEEP ? run.kill_safe : run.power_safe;
    if (again) {
        unsigned tried = run.next;
        sim_set_cut_mode(run.io, mode);
        sim_cut_at(run.io, rng_range(&run.rng, 1, 40));
        int rc = open_run(&run, NULL);
        DB_CHECK(rc == 0 || sim_is_dead(run.io), "reopen: %s", lsm_strerror(rc));
        if (!sim_is_dead(run.io)) {
            sim_power_cut(run.io);
        }
        restart(&run);
        run.next = tried;
    }
    recover(&run, safe);
    go_on_and_check(&run);
    end_run(&run);
    return cut;
}

static void cut_everywhere(bool async, enum sim_cut_mode mode) {
    /* As many operations as the whole history takes; of them a share at each run, so that over many
     * runs each is met. */
    uint64_t total = 0;
    while (run_with_cut(db_seed, async, total + 200, mode, false)) {
        total += 200;
    }
    total += 200;
    uint64_t step = total / db_scaled(120) + 1;
    for (uint64_t at = 1 + db_seed % step; at < total; at += step) {
        (void)run_with_cut(db_seed, async, at, mode, at % 3 == 0);
    }
    for (unsigned i = 0; i < db_scaled(40); i++) {
        struct rng rng = {db_seed + i};
        (void)run_with_cut(db_seed + 1 + i, async, rng_range(&rng, 1, total), mode, i % 2 == 0);
    }
}

static void a_power_cut_leaves_a_prefix_with_all_that_was_synced(void **state) {
    (void)state;
    cut_everywhere(true, SIM_CUT_RANDOM);
    cut_everywhere(false, SIM_CUT_RANDOM);
}

static void a_power_cut_that_drops_all_unsynced_leaves_a_prefix(void **state) {
    (void)state;
    cut_everywhere(true, SIM_CUT_DROP);
    cut_everywhere(false, SIM_CUT_DROP);
}

static void a_kill_leaves_all_that_was_acknowledged_as_process(void **state) {
    (void)state;
    cut_everywhere(true, SIM_CUT_KEEP);
    cut_everywhere(false, SIM_CUT_KEEP);
}

/* The process dies, the next one recovers what it wrote, and then the power is cut: what the second
 * one made durable must not outlive what it found. */
static void what_was_recovered_is_as_durable_as_what_follows(void **state) {
    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        struct db_fixture f = {.io = sim_create(db_seed + round), .kind = DB_SIM, .path = "/db"};
        f.options = db_small_options();
        f.options.async_compaction = round % 2 == 0;
        f.options.memtable_bytes = 1 << 20;
        db_open(&f);
        db_put(&f, "before", "here");
        for (unsigned life = 0; life < 2; life++) {
            struct lsm_io *old = f.io;
            sim_set_cut_mode(old, SIM_CUT_DROP);
            life == 0 ? sim_kill(old) : sim_power_cut(old);
            int closed = lsm_close(f.db);
            (void)closed;
            f.io = sim_restart(old);
            lsm_io_destroy(old);
            db_open(&f);
            DB_CHECK(db_get(&f, "before") != NULL, "life %u, round %u: lost", life, round);
            if (life == 0 && round < 2) {
                DB_MUST(&f, lsm_sync(f.db));
            } else if (life == 0) {
                struct lsm_write_options sync = {.durability = LSM_SYNC};
                DB_MUST(&f, lsm_put(f.db, &sync, "after", 5, "too", 3));
            }
        }
        assert_true(round < 2 || db_get(&f, "after") != NULL);
        db_close(&f);
        lsm_io_destroy(f.io);
    }
}

/* ---- failing operations ---- */

/* It was one failure, and there is space again: unless it came from a sync, which is final, the
 * database goes on. */
static void check_healed(struct run *run) {
    lsm_tick(run->db);
    int rc = lsm_flush(run->db);
    DB_CHECK(rc == 0 || rc == LSM_ERR_READ_ONLY, "operation %" PRIu64 " (seed %" PRIu64 "): %s",
             run->at, run->history.seed, lsm_strerror(rc));
    DB_CHECK(rc != 0 || history_match(&run->history, run->db, run->next - 1, run->next) >= 0,
             "operation %" PRIu64 " (seed %" PRIu64 "): reads are wrong after healing", run->at,
             run->history.seed);
}

static bool run_with_failure(uint64_t seed, bool async, uint64_t at, int error) {
    struct run run;
    begin_run(&run, seed, 90, async);
    run.at = at;
    sim_fail_at(run.io, at, error);
    char detail[256] = "";
    int rc = open_run(&run, detail);
    while (rc == 0 && run.next < run.history.steps - 20) {
        rc = advance(&run);
    }
    bool failed = rc != 0;
    sim_fail_at(run.io, 0, 0); /* else it may be one of the reads that look at what is there */
    if (run.db != NULL) {
        /* Reads are served; a failed step may be seen or not, but an acknowledged one must. */
        long found =
            history_match(&run.history, run.db, failed ? run.next - 1 : run.next, run.next);
        DB_CHECK(found >= 0, "operation %" PRIu64 " (seed %" PRIu64 ") failed: reads are wrong", at,
                 seed);
        lsm_error_detail(run.db, detail, sizeof detail);
        DB_CHECK(!failed || detail[0] != '\0', "operation %" PRIu64 " failed without a word", at);
        if (error == ENOSPC) {
            check_healed(&run);
        }
    }
    /* Whatever was buffered may be lost, since the close may be refused. */
    unsigned safe = lsm_close(run.db) == 0 && run.db != NULL && !failed ? run.next : run.kill_safe;
    run.db = NULL;
    recover(&run, safe);
    go_on_and_check(&run);
    end_run(&run);
    return failed;
}

static void fail_everywhere(bool async, int error) {
    unsigned failures = 0;
    for (unsigned i = 0; i < db_scaled(150); i++) {
        struct rng rng = {db_seed * 31 + i};
        failures += run_with_failure(db_seed + i % 5, async, rng_range(&rng, 1, 900), error);
    }
    DB_CHECK(failures > 0, "no operation's failure was noticed");
}

static void a_failing_operation_loses_nothing_acknowledged(void **state) {
    (void)state;
    fail_everywhere(true, EIO);
    fail_everywhere(false, EIO);
}

static void a_moment_without_space_loses_nothing_acknowledged(void **state) {
    (void)state;
    fail_everywhere(true, ENOSPC);
    fail_everywhere(false, ENOSPC);
}

/* The detail of a refusal repeats what made the database read-only, whatever failed since. */
static void check_detail(struct db_fixture *f) {
    char detail[256];
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(lsm_put(f->db, NULL, "", 0, "v", 1), LSM_ERR_ARGUMENT);
        assert_int_equal(lsm_put(f->db, NULL, "k", 1, "later", 5), LSM_ERR_READ_ONLY);
        lsm_error_detail(f->db, detail, sizeof detail);
        const char *said = strstr(detail, "read-only");
        assert_non_null(said);
        assert_null(strstr(said + 1, "read-only"));
        assert_non_null(strstr(detail, ".wal"));
    }
}

static void check_refused(struct db_fixture *f) {
    check_detail(f);
    assert_int_equal(lsm_delete(f->db, NULL, "k", 1), LSM_ERR_READ_ONLY);
    assert_int_equal(lsm_flush(f->db), LSM_ERR_READ_ONLY);
    assert_int_equal(lsm_sync(f->db), LSM_ERR_READ_ONLY);
    assert_int_equal(lsm_compact_all(f->db), LSM_ERR_READ_ONLY);
    assert_string_equal(db_get(f, "before"), "here");
}

static void a_failed_sync_of_the_log_is_final(void **state) {
    struct db_fixture *f = *state;
    const int errors[] = {EIO, ENOSPC};
    for (unsigned i = 0; i < 2; i++) {
        db_open(f);
        db_put(f, "before", "here");
        /* The segment's sync is the next operation of a synchronous put. */
        sim_fail_at(f->io, sim_operations(f->io) + 1, errors[i]);
        struct lsm_write_options sync = {.durability = LSM_SYNC};
        int rc = lsm_put(f->db, &sync, "k", 1, "v", 1);
        assert_true(rc == LSM_ERR_IO || rc == LSM_ERR_NO_SPACE);
        check_refused(f);
        lsm_tick(f->db); /* nothing heals it */
        check_refused(f);
        int closed = lsm_close(f->db);
        (void)closed;
        f->db = NULL;
        db_open(f);
        assert_string_equal(db_get(f, "before"), "here");
        db_put(f, "k", "works again");
        db_close(f);
    }
}

static void a_full_disk_refuses_writes_serves_reads_and_heals(void **state) {
    (void)state;
    for (unsigned round = 0; round < db_scaled(12); round++) {
        struct run run;
        bool async = round % 2 == 0;
        begin_run(&run, db_seed + round, 900, async);
        DB_CHECK(open_run(&run, NULL) == 0, "open");
        int rc = 0;
        unsigned refused = 0;
        for (unsigned hole = 0; hole < 6; hole++) {
            sim_set_capacity(run.io, sim_used(run.io) + rng_below(&run.rng, 40000));
            for (rc = 0; rc == 0 && run.next < 100 * (hole + 1);) {
                rc = advance(&run);
            }
            if (rc == 0) {
                rc = lsm_flush(run.db);
            } else {
                run.next--; /* refused: it did not happen, or its maintenance failed */
            }
            DB_CHECK(rc == 0 || rc == LSM_ERR_NO_SPACE, "round %u: %s", round, lsm_strerror(rc));
            refused += rc != 0;
            long found = history_match(&run.history, run.db, run.next, run.next + 1);
            DB_CHECK(found >= 0, "round %u: reads are wrong while the disk is full", round);
            run.next = (unsigned)found;
            for (unsigned i = 0; i < 20; i++) { /* attempts must not add up */
                lsm_tick(run.db);
                rc = lsm_flush(run.db);
            }
            sim_set_capacity(run.io, 0);
            lsm_tick(run.db);
            check_files(&run);
            DB_CHECK(history_match(&run.history, run.db, run.next, run.next) >= 0,
                     "round %u: reads are wrong after the disk had space again", round);
        }
        DB_CHECK(refused > 0, "round %u: nothing was refused", round);
        DB_CHECK(lsm_close(run.db) == 0, "close");
        run.db = NULL;
        recover(&run, run.next);
        go_on_and_check(&run);
        end_run(&run);
    }
}

/* Space for the table but not for the edit that names it, and every amount around that: a failed
 * attempt leaves the disk no fuller than it was. */
static void attempts_on_a_full_disk_do_not_add_up(void **state) {
    struct db_fixture *f = *state;
    f->options.async_compaction = false;
    db_open(f);
    db_put(f, "key", "value");
    db_del(f, "other");
    struct lsm_stats stats = {0};
    uint64_t capacity = sim_used(f->io);
    while (stats.sealed_count == 0) { /* until the next log segment fits, so that it is sealed */
        sim_set_capacity(f->io, capacity += 512);
        assert_int_equal(lsm_flush(f->db), LSM_ERR_NO_SPACE);
        lsm_stats_read(f->db, &stats);
    }
    uint64_t used = sim_used(f->io);
    sim_set_capacity(f->io, capacity = used);
    unsigned attempts = 0;
    while (lsm_flush(f->db) != 0) {
        attempts++;
        DB_CHECK(sim_used(f->io) <= used,
                 "attempt %u, %" PRIu64 " bytes left: %" PRIu64
                 " bytes used, before it was %" PRIu64,
                 attempts, capacity - used, sim_used(f->io), used);
        sim_set_capacity(f->io, capacity += 8);
    }
    assert_true(attempts > 10);
    sim_set_capacity(f->io, 0);
    assert_int_equal(db_count_files(f, ".sst"), 1);
    db_reopen(f);
    assert_string_equal(db_get(f, "key"), "value");
}

/* A buffered write, then a logged one, again and again, while no table can be written: each logged
 * one is refused, and none of them may break anything. */
static void buffered_writes_between_refused_ones_run_out_of_no_room(void **state) {
    struct db_fixture *f = *state;
    f->options.memtables_max = 2;
    for (int async = 0; async < 2; async++) {
        f->options.async_compaction = async != 0;
        db_open(f);
        db_put(f, "first", "here");
        /* Room for many log segments, but not for the first table. */
        struct lsm_write_options buffered = {.durability = LSM_BUFFERED};
        enum { LARGE = 4 << 20 };
        void *large = calloc(1, LARGE);
        assert_non_null(large);
        DB_MUST(f, lsm_put(f->db, &buffered, "large", 5, large, LARGE));
        free(large);
        sim_set_capacity(f->io, sim_used(f->io) + LARGE * 3 / 4);
        unsigned refused = 0;
        for (unsigned i = 0; i < 60; i++) {
            char value[600] = {0};
            int rc = lsm_put(f->db, &buffered, "b", 1, value, sizeof value);
            assert_true(rc == 0 || rc == LSM_ERR_NO_SPACE);
            rc = lsm_put(f->db, NULL, "p", 1, value, sizeof value);
            assert_true(rc == 0 || rc == LSM_ERR_NO_SPACE);
            refused += rc != 0;
            rc = lsm_sync(f->db);
            assert_true(rc == 0 || rc == LSM_ERR_NO_SPACE);
        }
        assert_true(refused > 0);
        sim_set_capacity(f->io, 0);
        lsm_tick(f->db);
        db_put(f, "last", "here too");
        assert_string_equal(db_get(f, "first"), "here");
        db_reopen(f);
        assert_string_equal(db_get(f, "last"), "here too");
        db_close(f);
    }
}

static void no_name(void *context, const char *name) {
    (void)context;
    (void)name;
}

static void a_checkpoint_that_fails_leaves_nothing(void **state) {
    struct db_fixture *f = *state;
    const int errors[] = {EIO, ENOSPC};
    db_open(f);
    for (unsigned i = 0; i < 2; i++) {
        db_put(f, "key", "value");
        DB_MUST(f, lsm_flush(f->db)); /* a flush that fails would be final */
        unsigned failures = 0;
        for (int rc = LSM_ERR_IO; rc != 0;) {
            struct lsm_fault fault;
            sim_fail_at(f->io, sim_operations(f->io) + failures + 1, errors[i]);
            rc = lsm_checkpoint(f->db, "/copy");
            sim_fail_at(f->io, 0, 0);
            int there = lsm_io_list(f->io, "/copy", no_name, NULL, &fault);
            DB_CHECK((rc == 0) == (there == 0) && there != LSM_ERR_IO,
                     "operation %u, %s: the checkpoint says %d, the directory %d", failures,
                     strerror(errors[i]), rc, there);
            failures += rc != 0;
            assert_true(failures < 1000);
        }
        assert_true(failures > 5);
        struct db_fixture copy = {.kind = DB_SIM, .io = f->io, .path = "/copy"};
        copy.options = db_small_options();
        db_open(&copy);
        assert_string_equal(db_get(&copy, "key"), "value");
        db_close(&copy);
        db_wipe(&copy);
        DB_MUST(f, lsm_io_rmdir(f->io, "/copy", &(struct lsm_fault){0}));
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_leaves_a_prefix_with_all_that_was_synced),
        cmocka_unit_test(a_power_cut_that_drops_all_unsynced_leaves_a_prefix),
        cmocka_unit_test(a_kill_leaves_all_that_was_acknowledged_as_process),
        cmocka_unit_test(what_was_recovered_is_as_durable_as_what_follows),
        cmocka_unit_test(a_failing_operation_loses_nothing_acknowledged),
        cmocka_unit_test(a_moment_without_space_loses_nothing_acknowledged),
        DB_CASE(a_failed_sync_of_the_log_is_final, sim),
        cmocka_unit_test(a_full_disk_refuses_writes_serves_reads_and_heals),
        DB_CASE(attempts_on_a_full_disk_do_not_add_up, sim),
        DB_CASE(a_checkpoint_that_fails_leaves_nothing, sim),
        DB_CASE(buffered_writes_between_refused_ones_run_out_of_no_room, sim),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
