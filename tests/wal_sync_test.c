/* The log's flushes and its end: many threads share a sync, failures are final, and after a power
 * cut anywhere a prefix is there. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "sim_io.h"
#include "wal_kit.h"

/* ---- sync: many threads ---- */

struct group {
    struct lsm_wal *wal;
    pthread_mutex_t commit_lock;
    uint64_t next_seq; /* commit lock */
    _Atomic uint64_t next_number, failures;
};

static void *append_and_sync(void *argument) {
    struct group *g = argument;
    for (int i = 0; i < 40; i++) {
        struct lsm_fault fault;
        pthread_mutex_lock(&g->commit_lock);
        if (!lsm_wal_fits(g->wal, 900)) {
            uint64_t number = atomic_fetch_add(&g->next_number, 1);
            if (lsm_wal_rotate(g->wal, number, 900, &fault) != 0) {
                atomic_fetch_add(&g->failures, 1);
            }
        }
        append_sized(g->wal, g->next_seq++, 900, NULL);
        uint64_t position = lsm_wal_position(g->wal);
        pthread_mutex_unlock(&g->commit_lock);
        if (lsm_wal_sync(g->wal, position, &fault) != 0 || lsm_wal_synced(g->wal) < position) {
            atomic_fetch_add(&g->failures, 1);
        }
    }
    return NULL;
}

static void one_flush_serves_many_threads(void **state) {
    const struct io_fixture *f = *state;
    enum { THREADS = 8 };
    struct group g = {.next_seq = 1, .next_number = 2, .wal = new_wal(f, 1, SEGMENT_BYTES)};
    pthread_t threads[THREADS];
    struct lsm_wal_stats stats;
    pthread_mutex_init(&g.commit_lock, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, append_and_sync, &g), 0);
    }
    for (int i = 0; i < 10; i++) { /* beside it: spares and removal */
        struct lsm_fault fault;
        uint64_t number = atomic_fetch_add(&g.next_number, 1);
        assert_int_equal(lsm_wal_prepare(g.wal, number, &fault), 0);
        assert_int_equal(lsm_wal_remove_before(g.wal, 2, &fault), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&g.failures), 0);
    assert_int_equal(lsm_wal_synced(g.wal), lsm_wal_position(g.wal));
    lsm_wal_stats(g.wal, &stats);
    assert_true(stats.syncs >= 1 && stats.syncs <= THREADS * 40);
    /* Who is left alone waits for the others that were there before, but not for ever. */
    (void)append_and_sync(&g);
    assert_int_equal(atomic_load(&g.failures), 0);
    assert_int_equal(lsm_wal_synced(g.wal), lsm_wal_position(g.wal));
    lsm_wal_close(g.wal);
    pthread_mutex_destroy(&g.commit_lock);
}

/* Threads that come and go between syncs, as writers do that have other work to do: each flush
 * expects others than come. */
static void *append_now_and_then(void *argument) {
    struct group *g = argument;
    for (int i = 0; i < 10; i++) {
        struct timespec pause_time = {.tv_nsec = 100000 * (1 + i % 3)};
        struct lsm_fault fault;
        (void)nanosleep(&pause_time, NULL);
        pthread_mutex_lock(&g->commit_lock);
        append_sized(g->wal, g->next_seq++, 20, NULL);
        uint64_t position = lsm_wal_position(g->wal);
        pthread_mutex_unlock(&g->commit_lock);
        for (int turn = 0; turn < 3; turn++) { /* again: it is there already */
            if (lsm_wal_sync(g->wal, position, &fault) != 0 || lsm_wal_synced(g->wal) < position) {
                atomic_fetch_add(&g->failures, 1);
            }
        }
    }
    return NULL;
}

static void writers_that_come_and_go_are_all_served(void **state) {
    const struct io_fixture *f = *state;
    enum { THREADS = 5 };
    struct group g = {.next_seq = 1, .next_number = 2, .wal = new_wal(f, 1, SEGMENT_BYTES)};
    pthread_t threads[THREADS];
    pthread_mutex_init(&g.commit_lock, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, append_now_and_then, &g), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&g.failures), 0);
    assert_int_equal(count_of(f, NULL), 10 * THREADS);
    lsm_wal_close(g.wal);
    pthread_mutex_destroy(&g.commit_lock);
}

/* ---- failures and power cuts, on the simulated disk ---- */

static void a_failed_sync_is_final(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    sim_fail_at(f->io, sim_operations(f->io) + 1, 5);
    assert_int_equal(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_wal_rotate(wal, 2, 0, &io_fault), LSM_ERR_IO);
    assert_int_equal(lsm_wal_synced(wal), 0);
    lsm_wal_close(wal);
}

static void a_full_disk_refuses_a_rotation_and_heals(void **state) {
    const struct io_fixture *f = *state;
    uint64_t next = 2;
    struct lsm_wal *wal = new_wal(f, 1, SEGMENT_BYTES);
    append(wal, 1, &next);
    sim_set_capacity(f->io, sim_used(f->io) + 100);
    assert_int_equal(lsm_wal_prepare(wal, 2, &io_fault), LSM_ERR_NO_SPACE);
    assert_int_equal(lsm_wal_rotate(wal, 3, 0, &io_fault), LSM_ERR_NO_SPACE);
    assert_int_equal(list(f).count, 1); /* nothing half-made stays */
    append(wal, 2, &next);
    must(lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault));
    sim_set_capacity(f->io, 0);
    must(lsm_wal_rotate(wal, 4, 0, &io_fault));
    append(wal, 3, &next);
    assert_int_equal(count_of(f, NULL), 3);
    lsm_wal_close(wal);
}

/* Runs a log until the power goes at operation `cut_at`; returns false when it never went. A sync
 * every so many frames; frequent ones have segments left for others, in other pieces. */
static bool cut_once(uint64_t seed, uint64_t cut_at, enum sim_cut_mode mode, uint64_t sync_every) {
    struct io_fixture f = {.kind = IO_KIND_SIM, .io = sim_create(seed), .directory = "/db"};
    struct lsm_wal *wal = NULL;
    uint64_t next = 2, appended = 0, synced = 0;
    must(lsm_io_mkdir(f.io, f.directory, &io_fault));
    must(lsm_io_sync_dir(f.io, "/", &io_fault));
    sim_set_cut_mode(f.io, mode);
    sim_cut_at(f.io, sim_operations(f.io) + cut_at);
    const struct lsm_wal_start start = {
        .number = 1, .segment_bytes = 16 << 10, .keep = 4, .huge_from = 1};
    int rc = lsm_wal_create(f.io, f.directory, &start, &wal, &io_fault);
    for (uint64_t seq = 1; rc == 0 && seq <= 120; seq++) {
        if (seq % 31 == 0) {
            rc = lsm_wal_prepare(wal, next++, &io_fault);
        }
        uint64_t size = (seq * 7) % 400 + (seq % 50 == 0 ? 20000 : 0);
        if (rc == 0 && (!lsm_wal_fits(wal, size) || lsm_wal_misfits(wal))) {
            rc = lsm_wal_rotate(wal, next++, size, &io_fault);
        }
        if (rc == 0) {
            append_sized(wal, seq, size, &next);
            appended = seq;
        }
        if (rc == 0 && seq % sync_every == 0) {
            rc = lsm_wal_sync(wal, lsm_wal_position(wal), &io_fault);
            synced = rc == 0 ? seq : synced;
        }
    }
    bool died = sim_is_dead(f.io);
    if (!died) {
        sim_power_cut(f.io);
    }
    struct lsm_io *before = f.io;
    f.io = sim_restart(before);
    lsm_wal_close(wal);
    lsm_io_destroy(before);
    uint64_t frames = count_of(&f, NULL);
    /* A prefix: at least what was synced; all of it when only the process died. */
    assert_true(frames >= synced && frames <= appended);
    assert_true(mode != SIM_CUT_KEEP || frames == appended);
    lsm_io_destroy(f.io);
    return died;
}

static void after_a_power_cut_anywhere_a_prefix_with_all_that_was_synced_is_there(void **state) {
    (void)state;
    static const enum sim_cut_mode modes[] = {SIM_CUT_RANDOM, SIM_CUT_RANDOM, SIM_CUT_RANDOM,
                                              SIM_CUT_DROP, SIM_CUT_KEEP};
    for (size_t mode = 0; mode < sizeof modes / sizeof modes[0]; mode++) {
        for (uint64_t sync_every = 2; sync_every <= 13; sync_every += 11) {
            uint64_t at = 1;
            while (cut_once(io_seed + at * 131 + mode, at, modes[mode], sync_every)) {
                at++;
            }
            assert_true(at > 20);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASES_ON_FILES(one_flush_serves_many_threads),
        CASES_ON_FILES(writers_that_come_and_go_are_all_served),
        CASE_ON(a_failed_sync_is_final, sim),
        CASE_ON(a_full_disk_refuses_a_rotation_and_heals, sim),
        cmocka_unit_test(after_a_power_cut_anywhere_a_prefix_with_all_that_was_synced_is_there),
    };
    return io_fixture_run("wal_sync_test", tests, sizeof tests / sizeof tests[0]);
}
