/* How writes are held back, and compactions: on the simulated disk, whose clock moves when somebody
 * sleeps, so that every wait is told to the nanosecond. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "db_fixture.h"

enum { VALUE = 100, MS = 1000 * 1000 };
static const uint64_t SECOND = 1000 * MS;

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

/* Nanoseconds that the put took by the simulated clock. */
static uint64_t put_random(struct db_fixture *f, struct rng *rng, size_t size) {
    static uint8_t value[1 << 20];
    char key[24];
    snprintf(key, sizeof key, "key%010u", (unsigned)rng_below(rng, 1000000));
    value_fill(value, rng_next(rng), size);
    uint64_t began = lsm_io_now_ns(f->db->io);
    DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, size));
    return lsm_io_now_ns(f->db->io) - began;
}

static void hold_compactions(struct db_fixture *f, bool hold) {
    pthread_mutex_lock(&f->db->lock);
    f->db->manual_waiting = hold ? 1 : 0; /* as if a manual one waited for its tables */
    pthread_mutex_unlock(&f->db->lock);
}

static void delays_grow_evenly_before_writes_stop(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    f->options.async_compaction = true;
    f->options.memtable_bytes = 512 << 10;
    f->options.memtables_max = 8;
    db_open(f);
    hold_compactions(f, true);
    /* Nanoseconds a byte, for each number of tables in level 0. */
    double slow[32] = {0};
    uint64_t longest = 0;
    uint32_t from = f->options.l0_slowdown, to = f->options.l0_stop;
    for (;;) {
        struct lsm_stats before = stats_of(f);
        uint64_t tables = before.level[0].tables;
        if (tables + 1 >= to) {
            break;
        }
        while (stats_of(f).memtable_bytes < f->options.memtable_bytes * 9 / 10) {
            uint64_t ns = put_random(f, &rng, VALUE);
            longest = ns > longest ? ns : longest;
        }
        struct lsm_stats after = stats_of(f);
        slow[tables] =
            (double)(after.stall_ns[LSM_STALL_L0_SLOW] - before.stall_ns[LSM_STALL_L0_SLOW]) /
            (double)(after.user_bytes_written - before.user_bytes_written);
        DB_MUST(f, lsm_flush(f->db));
    }
    printf("longest wait %.2f ms; ns a byte:", (double)longest / MS);
    for (uint32_t i = 0; i + 1 < to; i++) {
        printf(" %.1f", slow[i]);
    }
    printf("\n");
    for (uint32_t i = 0; i + 1 < to; i++) {
        if (i < from) {
            DB_CHECK(slow[i] == 0, "%u tables: %.1f ns a byte before the zone begins", i, slow[i]);
        } else {
            DB_CHECK(slow[i] > slow[i - 1], "%u tables: %.1f ns a byte, less than before", i,
                     slow[i]);
            /* The zone has so many parts: none adds more than a few of them would evenly. */
            DB_CHECK(slow[i] - slow[i - 1] < 954.0 * 3 / (to - from), "%u tables: a step of %.1f",
                     i, slow[i] - slow[i - 1]);
        }
    }
    assert_true(slow[from] < 30); /* a beginning of 30 MB a second or more */
    DB_CHECK(longest <= 5 * MS, "a put waited %.1f ms in the zone", (double)longest / MS);
    struct lsm_stats stats = stats_of(f);
    assert_true(stats.stall_ns[LSM_STALL_L0_SLOW] > 0);
    assert_int_equal(stats.stall_ns[LSM_STALL_L0_STOP], 0);
    hold_compactions(f, false);
}

/* A large value owes more than one put waits for: those behind it pay the rest in small parts. */
static void a_large_value_s_delay_is_paid_in_parts(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    f->options.async_compaction = true;
    f->options.memtable_bytes = 4 << 20;
    f->options.memtables_max = 8;
    f->options.l0_trigger = f->options.l0_slowdown = 4;
    f->options.l0_stop = 8;
    db_open(f);
    hold_compactions(f, true);
    while (stats_of(f).level[0].tables < 7) {
        put_random(f, &rng, VALUE);
        DB_MUST(f, lsm_flush(f->db));
    }
    uint64_t longest = 0, waited = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t ns = put_random(f, &rng, i == 0 ? 500 << 10 : VALUE);
        longest = ns > longest ? ns : longest;
        waited += ns;
    }
    DB_CHECK(longest <= 5 * MS, "a put waited %.1f ms", (double)longest / MS);
    DB_CHECK(waited > 200 * (uint64_t)MS, "half a MiB went in with %.1f ms of delay",
             (double)waited / MS);
    hold_compactions(f, false);
}

static void the_wait_that_lasts_is_counted_as_it_lasts(void **state) {
    struct db_fixture *f = *state;
    db_open(f);
    pthread_mutex_lock(&f->db->lock);
    f->db->stall.waiting = LSM_STALL_L0_STOP; /* as a writer has it that waits */
    f->db->stall.waiting_from_ns = lsm_io_now_ns(f->io);
    pthread_mutex_unlock(&f->db->lock);
    uint64_t last = 0;
    for (unsigned i = 1; i <= 5; i++) {
        lsm_io_sleep_ns(f->io, SECOND / 4);
        uint64_t ns = stats_of(f).stall_ns[LSM_STALL_L0_STOP];
        assert_true(ns - last >= SECOND / 4 && ns - last < SECOND / 2);
        last = ns;
    }
    assert_int_equal(stats_of(f).stall_ns[LSM_STALL_MEMTABLE], 0);
    pthread_mutex_lock(&f->db->lock);
    f->db->stall.waiting = LSM_STALL_NONE;
    pthread_mutex_unlock(&f->db->lock);
}

static void compactions_keep_to_their_rate(void **state) {
    struct db_fixture *f = *state;
    const uint64_t rate = 1 << 20;
    double took[2];
    for (unsigned limited = 0; limited < 2; limited++) {
        struct rng rng = {db_seed};
        f->options.async_compaction = true;
        f->options.compaction_rate = limited ? rate : 0;
        f->options.memtable_bytes = 1 << 20;
        db_open(f);
        hold_compactions(f, true);
        for (unsigned i = 0; i < 4; i++) {
            for (unsigned n = 0; n < 800; n++) {
                put_random(f, &rng, VALUE);
            }
            DB_MUST(f, lsm_flush(f->db));
        }
        struct lsm_stats before = stats_of(f);
        hold_compactions(f, false);
        uint64_t began = lsm_io_now_ns(f->io);
        DB_MUST(f, lsm_wait_idle(f->db, 600000));
        took[limited] = (double)(lsm_io_now_ns(f->io) - began) / 1e9;
        struct lsm_stats after = stats_of(f);
        double moved = (double)(after.compaction_bytes_read + after.compaction_bytes_written -
                                before.compaction_bytes_read - before.compaction_bytes_written);
        assert_true(moved > 400 << 10);
        if (limited) {
            printf("%.0f bytes in %.3f s, %.3f without a limit\n", moved, took[1], took[0]);
            assert_true(took[1] > 0.9 * moved / (double)rate);
            assert_true(took[1] < 1.1 * moved / (double)rate + took[0]);
            assert_true(after.compaction_wait_ns > 0);
        } else {
            assert_int_equal(after.compaction_wait_ns, 0);
        }
        db_close(f);
        db_wipe(f);
    }
}

static void a_slow_compaction_keeps_no_flush_and_no_close_waiting(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    f->options.async_compaction = true;
    f->options.background_threads = 1;
    f->options.compaction_rate = 4096; /* minutes for what follows */
    f->options.memtable_bytes = 128 << 10;
    db_open(f);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned n = 0; n < 800; n++) {
            put_random(f, &rng, VALUE);
        }
        DB_MUST(f, lsm_flush(f->db));
    }
    for (unsigned n = 0; n < 2000; n++) { /* two threads' worth of time would not do in one */
        put_random(f, &rng, VALUE);
    }
    DB_MUST(f, lsm_flush(f->db));
    assert_int_equal(stats_of(f).sealed_count, 0);
    db_close(f);
    f->options.compaction_rate = 0;
    db_open(f);
    DB_MUST(f, lsm_verify(f->db));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASE(delays_grow_evenly_before_writes_stop, sim),
        DB_CASE(a_large_value_s_delay_is_paid_in_parts, sim),
        DB_CASE(the_wait_that_lasts_is_counted_as_it_lasts, sim),
        DB_CASE(compactions_keep_to_their_rate, sim),
        DB_CASES_ON_FILES(a_slow_compaction_keeps_no_flush_and_no_close_waiting),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
