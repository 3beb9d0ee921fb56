/* Scans of what is not in memory: read ahead in growing pieces, several in flight; and a seek with
 * a few steps reads what it walks over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "db.h"
#include "db_fixture.h"
#include "sim_io.h"

enum { KEYS = 12000, VALUE = 100 };

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

/* Even keys, in one table that this process has not read yet. */
static void open_cold(struct db_fixture *f, unsigned keys) {
    char key[16];
    uint8_t value[VALUE];
    f->options.memtable_bytes = 16 << 20;
    f->options.table_bytes = 64 << 20;
    f->options.block_bytes = 4 << 10;
    db_open(f);
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof key, "key%06u", 2 * i);
        value_fill(value, i, sizeof value);
        DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, sizeof value));
    }
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    db_reopen(f);
    DB_MUST(f, lsm_wait_idle(f->db, 60000)); /* until its tables are open: reads are counted */
    DB_CHECK(db_count_files(f, ".sst") == 1, "not one table");
}

static void expect_at(struct lsm_iter *iter, unsigned i) {
    char key[16];
    uint8_t value[VALUE];
    snprintf(key, sizeof key, "key%06u", 2 * i);
    value_fill(value, i, sizeof value);
    DB_CHECK(lsm_iter_valid(iter), "%s: the iterator ended: %s", key,
             lsm_strerror(lsm_iter_status(iter)));
    struct lsm_key there = lsm_iter_key(iter);
    DB_CHECK(there.size == strlen(key) && memcmp(there.data, key, there.size) == 0, "%.*s, not %s",
             (int)there.size, (const char *)there.data, key);
    there = lsm_iter_value(iter);
    DB_CHECK(there.size == VALUE && memcmp(there.data, value, VALUE) == 0, "%s: another value",
             key);
}

static void seek(struct lsm_iter *iter, unsigned i) {
    char key[16];
    snprintf(key, sizeof key, "key%06u", 2 * i);
    lsm_iter_seek(iter, key, strlen(key));
}

static struct lsm_iter *iterate(struct db_fixture *f) {
    struct lsm_iter *iter = NULL;
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    return iter;
}

static void walk_everything(struct db_fixture *f, bool mapped) {
    f->options.map_tables = mapped;
    f->options.cache_bytes = 16 << 20;
    open_cold(f, KEYS);
    for (unsigned round = 0; round < 2; round++) {
        struct lsm_stats before = stats_of(f);
        uint64_t submits = atomic_load(&lsm_io_counters(f->db->io)->submits);
        struct lsm_iter *iter = iterate(f);
        lsm_iter_first(iter);
        for (unsigned i = 0; i < KEYS; i++, lsm_iter_next(iter)) {
            expect_at(iter, i);
        }
        DB_CHECK(!lsm_iter_valid(iter) && lsm_iter_status(iter) == 0, "more than there is");
        lsm_iter_destroy(iter);
        struct lsm_stats after = stats_of(f);
        uint64_t reads = after.io_reads - before.io_reads;
        uint64_t bytes = after.io_read_bytes - before.io_read_bytes;
        submits = atomic_load(&lsm_io_counters(f->db->io)->submits) - submits;
        if (round == 1) {
            DB_CHECK(reads == 0, "%u bytes were read again", (unsigned)bytes);
            break;
        }
        DB_CHECK(bytes > KEYS * VALUE, "only %u bytes were read", (unsigned)bytes);
        /* Real files were just written: they are read from memory, before anybody could look. */
        DB_CHECK(f->kind != DB_SIM || after.io_depth_max >= 4, "at most %u requests were in flight",
                 (unsigned)after.io_depth_max);
        DB_CHECK(reads < bytes / 4096 / 8, "%u requests for %u bytes", (unsigned)reads,
                 (unsigned)bytes);
        DB_CHECK(f->kind == DB_SIM || submits < bytes / 4096 / 5, "%u system calls for %u bytes",
                 (unsigned)submits, (unsigned)bytes);
    }
}

static void a_long_scan_is_read_ahead(void **state) {
    walk_everything(*state, false);
}

static void a_long_scan_of_a_mapped_table_is_too(void **state) {
    walk_everything(*state, true);
}

static void a_seek_with_a_few_steps_reads_nothing_ahead(void **state) {
    struct db_fixture *f = *state;
    f->options.cache_bytes = 0;
    f->options.map_tables = false;
    open_cold(f, KEYS);
    struct lsm_iter *iter = iterate(f);
    lsm_iter_first(iter);
    for (unsigned i = 0; i < 100; i++) {
        struct lsm_stats before = stats_of(f);
        seek(iter, 110 * i);
        for (unsigned step = 0; step <= 10; step++, lsm_iter_next(iter)) {
            expect_at(iter, 110 * i + step);
        }
        struct lsm_stats after = stats_of(f);
        DB_CHECK(after.io_reads - before.io_reads <= 2 &&
                     after.io_read_bytes - before.io_read_bytes <= 2 * 4096,
                 "%u bytes were read", (unsigned)(after.io_read_bytes - before.io_read_bytes));
    }
    lsm_iter_destroy(iter);
}

/* What a scan of any length reads in vain is bounded by what it walked. */
static void a_scan_that_stops_has_read_little_in_vain(void **state) {
    struct db_fixture *f = *state;
    f->options.cache_bytes = 0;
    f->options.map_tables = false;
    open_cold(f, KEYS);
    struct lsm_iter *opens = iterate(f);
    lsm_iter_first(opens);
    for (unsigned length = 20; length < KEYS; length = length * 3 / 2) {
        struct lsm_stats before = stats_of(f);
        struct lsm_iter *iter = iterate(f);
        seek(iter, 50);
        uint64_t walked = 0;
        for (unsigned i = 0; i < length && lsm_iter_valid(iter); i++, lsm_iter_next(iter)) {
            walked += VALUE;
        }
        lsm_iter_destroy(iter);
        uint64_t read = stats_of(f).io_read_bytes - before.io_read_bytes;
        DB_CHECK(read <= 3 * walked + (48 << 10), "%u bytes were read to walk %u", (unsigned)read,
                 (unsigned)walked);
    }
    lsm_iter_destroy(opens);
}

/* Any sequence of moves, with read-ahead coming and going, meets the right entries. */
static void random_walks_meet_the_right_entries(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    enum { FEW = 5000 };
    f->options.map_tables = rng_chance(&rng, 50);
    f->options.cache_bytes = rng_chance(&rng, 50) ? 0 : 1 << 20;
    open_cold(f, FEW);
    for (unsigned round = 0; round < db_scaled(8); round++) {
        struct lsm_iter *iter = iterate(f);
        for (unsigned walk = 0; walk < 10; walk++) {
            unsigned i = (unsigned)rng_below(&rng, FEW);
            unsigned steps = (unsigned)rng_below(&rng, 1u << rng_range(&rng, 1, 12));
            seek(iter, i);
            expect_at(iter, i);
            for (; steps > 0; steps--) {
                bool back = i > 0 && rng_chance(&rng, walk % 3 == 0 ? 0 : walk % 3 == 1 ? 1 : 10);
                if (!back && i + 1 == FEW) {
                    break;
                }
                (back ? lsm_iter_prev : lsm_iter_next)(iter);
                i = back ? i - 1 : i + 1;
                expect_at(iter, i);
            }
        }
        lsm_iter_destroy(iter);
        if (rng_chance(&rng, 50)) {
            db_reopen(f);
        }
    }
}

static void a_scan_ends_where_a_request_fails(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    enum { FEW = 5000 };
    f->options.cache_bytes = 0;
    open_cold(f, FEW);
    unsigned failures = 0;
    for (unsigned round = 0; round < db_scaled(40); round++) {
        struct lsm_iter *iter = iterate(f);
        sim_fail_at(f->io, sim_operations(f->io) + 1 + rng_below(&rng, 20), EIO);
        unsigned i = 0;
        for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter), i++) {
            expect_at(iter, i);
        }
        sim_fail_at(f->io, 0, 0);
        DB_CHECK(lsm_iter_status(iter) == LSM_ERR_IO || i == FEW, "ended at %u: %s", i,
                 lsm_strerror(lsm_iter_status(iter)));
        failures += lsm_iter_status(iter) == LSM_ERR_IO ? 1 : 0;
        lsm_iter_destroy(iter);
    }
    DB_CHECK(failures > 0, "nothing failed");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(a_long_scan_is_read_ahead),
        DB_CASES_ON_FILES(a_long_scan_of_a_mapped_table_is_too),
        DB_CASES_ON_ALL(a_seek_with_a_few_steps_reads_nothing_ahead),
        DB_CASES_ON_ALL(a_scan_that_stops_has_read_little_in_vain),
        DB_CASES_ON_ALL(random_walks_meet_the_right_entries),
        DB_CASE(a_scan_ends_where_a_request_fails, sim),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
