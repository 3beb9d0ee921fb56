/* A child writes and is killed at random instants, again and again: what it reported as
 * acknowledged is there, what survives is a prefix of what it tried, batches are whole, and nothing
 * of the dead is left lying about. */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "db_fixture.h"
#include "db_history.h"
#include "quiet_fork.h"

enum { STEPS = 60000, KILL_AFTER_US_MAX = 25000 };

/* What the child has told; in memory that both share. */
struct report {
    _Atomic bool opened, failed;
    _Atomic unsigned attempted; /* steps begun */
    _Atomic unsigned safe;      /* so many steps must survive its death */
};

static struct report *make_report(void) {
    void *p = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

static void sleep_us(uint64_t us) {
    struct timespec t = {.tv_nsec = (long)(us * 1000)};
    nanosleep(&t, NULL);
}

static void write_until_killed(struct db_fixture *f, const struct history *history,
                               struct report *report, unsigned step, uint64_t seed) {
    struct rng rng = {seed};
    int rc = lsm_open(f->path, &f->options, &f->db, NULL);
    atomic_store(&report->opened, true);
    for (; rc == 0 && step < history->steps; step++) {
        atomic_store(&report->attempted, step + 1);
        rc = history_apply(history, f->db, step);
        if (rc == 0 && history_durability(history, step) >= LSM_PROCESS) {
            atomic_store(&report->safe, step + 1);
        }
        if (rc == 0 && rng_chance(&rng, 1)) {
            rc = rng_chance(&rng, 50)
                     ? lsm_flush(f->db)
                     : lsm_compact_level(f->db, (uint32_t)rng_below(&rng, f->options.max_levels));
        }
    }
    atomic_store(&report->failed, rc != 0);
    for (;;) {
        pause();
    }
}

static void kill_child_somewhere(struct db_fixture *f, const struct history *history,
                                 struct report *report, unsigned step, struct rng *rng) {
    *report = (struct report){.attempted = step, .safe = step};
    uint64_t seed = rng_next(rng), wait_us = rng_below(rng, KILL_AFTER_US_MAX);
    bool while_opening = rng_chance(rng, 20);
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_until_killed(f, history, report, step, seed);
    }
    while (!while_opening && !atomic_load(&report->opened)) {
        sleep_us(100);
    }
    sleep_us(wait_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    DB_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child died by itself: %x",
             (unsigned)status);
    DB_CHECK(!atomic_load(&report->failed), "the child could not write");
}

/* Opening has removed what the dead left; what is there now is what the tree needs. */
static void check_files(struct db_fixture *f) {
    struct lsm_stats stats;
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    lsm_stats_read(f->db, &stats);
    DB_CHECK(db_count_files(f, ".sst") == stats.tables, "%u files of tables, %" PRIu64 " tables",
             db_count_files(f, ".sst"), stats.tables);
    DB_CHECK(db_count_files(f, ".wal") <= 3, "%u log segments", db_count_files(f, ".wal"));
    DB_CHECK(db_count_files(f, ".tmp") == 0, "a temporary file is left");
    unsigned others =
        db_count_files(f, NULL) - db_count_files(f, ".sst") - db_count_files(f, ".wal");
    DB_CHECK(others <= 3, "%u files beside tables and log: CURRENT, LOCK and one manifest expected",
             others);
}

static void kill_again_and_again(struct db_fixture *f, bool async, enum lsm_durability only) {
    struct rng rng = {db_seed};
    struct history history;
    struct report *report = make_report();
    history_init(&history, db_seed, STEPS);
    history.only = only;
    f->options.async_compaction = async;
    f->options.memtable_bytes = 4 << 10;
    f->options.table_bytes = 8 << 10;
    f->options.level_ratio = 2;
    f->options.max_levels = 4;
    f->options.l0_trigger = 2;
    f->options.io_backend = f->kind == DB_URING ? LSM_IO_URING : LSM_IO_POSIX;
    unsigned step = 0, rounds = db_scaled(14);
    for (unsigned i = 0; i < rounds && step + 1 < STEPS; i++) {
        f->options.policy = (enum lsm_policy)rng_below(&rng, 3);
        kill_child_somewhere(f, &history, report, step, &rng);
        unsigned safe = atomic_load(&report->safe), tried = atomic_load(&report->attempted);
        db_open(f);
        long found = history_match(&history, f->db, safe, tried);
        DB_CHECK(found >= 0, "kill %u: no prefix of %u to %u steps is there", i, safe, tried);
        step = (unsigned)found;
        if (rng_chance(&rng, 50)) {
            check_files(f);
            DB_CHECK(history_match(&history, f->db, step, step) >= 0, "kill %u: changed by a flush",
                     i);
        }
        db_close(f);
    }
    history_free(&history);
    assert_int_equal(munmap(report, sizeof *report), 0);
}

static void acknowledged_writes_survive_kills_compacting_in_the_background(void **state) {
    kill_again_and_again(*state, true, LSM_PROCESS);
}

static void acknowledged_writes_survive_kills_compacting_in_line(void **state) {
    kill_again_and_again(*state, false, LSM_PROCESS);
}

static void writes_of_all_durabilities_survive_kills_as_a_prefix(void **state) {
    kill_again_and_again(*state, true, LSM_DURABILITY_DEFAULT);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_FILES(acknowledged_writes_survive_kills_compacting_in_the_background),
        DB_CASES_ON_FILES(acknowledged_writes_survive_kills_compacting_in_line),
        DB_CASES_ON_FILES(writes_of_all_durabilities_survive_kills_as_a_prefix),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
