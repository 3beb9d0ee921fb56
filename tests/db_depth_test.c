/* The engine keeps several requests in flight: what io_uring is for. */
#include <stdio.h>
#include <string.h>

#include "db_fixture.h"

static void fill(struct db_fixture *f) {
    char key[16], value[1024];
    for (unsigned i = 0; i < 8000; i++) {
        snprintf(key, sizeof key, "key%06u", i * 7919 % 8000);
        value_fill((uint8_t *)value, i, sizeof value);
        DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, sizeof value));
    }
}

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

/* Background threads idle but for the compaction: nothing else can put requests in flight. */
static void run_compaction(struct db_fixture *f, bool direct) {
    f->options = lsm_options_default();
    f->options.memtable_bytes = 4 << 20;
    f->options.cache_bytes = 0;
    f->options.direct_io = direct;
    f->options.l0_trigger = 100;
    db_open(f);
    fill(f);
    DB_MUST(f, lsm_flush(f->db));
    db_reopen(f); /* the counters begin anew */
    assert_int_equal(stats_of(f).flushes, 0);
    uint64_t reads = stats_of(f).io_reads;
    DB_MUST(f, lsm_compact_level(f->db, 0));
    struct lsm_stats stats = stats_of(f);
    DB_CHECK(stats.io_backend == LSM_IO_URING, "not on io_uring");
    DB_CHECK(stats.compactions == 1 && stats.io_reads > reads, "no compaction that read");
    DB_CHECK(stats.io_depth_max >= 4, "at most %u requests in flight during a compaction",
             (unsigned)stats.io_depth_max);
    DB_CHECK(stats.io_depth == 0, "%u requests are in flight for ever", (unsigned)stats.io_depth);
}

static void a_compaction_keeps_several_requests_in_flight(void **state) {
    run_compaction(*state, false);
}

static void a_compaction_past_the_page_cache_does_too(void **state) {
    run_compaction(*state, true);
}

/* On the simulated disk, where a write takes as long as chance says: a real one may be done before
 * the next is asked for. */
static void a_flush_keeps_several_writes_in_flight(void **state) {
    struct db_fixture *f = *state;
    f->options.memtable_bytes = 16 << 20;
    f->options.table_bytes = 16 << 20;
    db_open(f);
    fill(f);
    DB_CHECK(stats_of(f).io_depth_max < 4, "the log alone keeps %u requests in flight",
             (unsigned)stats_of(f).io_depth_max);
    DB_MUST(f, lsm_flush(f->db));
    DB_CHECK(stats_of(f).flushes == 1, "no flush");
    DB_CHECK(stats_of(f).io_depth_max >= 4, "at most %u requests in flight during a flush",
             (unsigned)stats_of(f).io_depth_max);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASE(a_compaction_keeps_several_requests_in_flight, uring),
        DB_CASE(a_compaction_past_the_page_cache_does_too, uring),
        DB_CASE(a_flush_keeps_several_writes_in_flight, sim),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
