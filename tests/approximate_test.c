/* lsm_approximate_size against what is known to be there: on trees of one and of several levels,
 * with random ranges. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "db_fixture.h"

enum { KEYS = 6000, VALUE = 120 };

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

static size_t key_of(uint64_t number, char key[24]) {
    return (size_t)snprintf(key, 24, "key%08llu", (unsigned long long)number);
}

static void fill(struct db_fixture *f, uint64_t from, uint64_t to) {
    uint8_t value[VALUE];
    char key[24];
    for (uint64_t i = from; i < to; i++) {
        size_t size = key_of(i * 2741 % KEYS, key);
        value_fill(value, i, sizeof value);
        DB_MUST(f, lsm_put(f->db, NULL, key, size, value, sizeof value));
    }
}

/* Keys from a to b, b excluded; UINT64_MAX: no bound. */
static uint64_t size_of(struct db_fixture *f, uint64_t a, uint64_t b) {
    char from[24], to[24];
    uint64_t bytes = UINT64_MAX;
    struct lsm_range range = {.from = a == UINT64_MAX ? NULL : from,
                              .from_size = key_of(a, from),
                              .to = b == UINT64_MAX ? NULL : to,
                              .to_size = key_of(b, to)};
    DB_MUST(f, lsm_approximate_size(f->db, &range, 1, &bytes));
    return bytes;
}

static void check_ranges(struct db_fixture *f, struct rng *rng) {
    struct lsm_stats s = stats_of(f);
    uint64_t all = s.table_bytes;
    assert_int_equal(size_of(f, UINT64_MAX, UINT64_MAX), all);
    assert_int_equal(size_of(f, 0, KEYS), all);
    assert_int_equal(size_of(f, KEYS, UINT64_MAX), 0);
    assert_int_equal(size_of(f, 70, 70), 0);
    assert_int_equal(size_of(f, 4000, 2000), 0);
    /* At an end a block of each run. */
    uint64_t runs = s.level[0].tables;
    for (uint32_t l = 1; l < s.levels; l++) {
        runs += s.level[l].tables > 0;
    }
    double slack = (double)(runs * f->options.block_bytes) * 2.5;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t a = rng_below(rng, KEYS), c = rng_range(rng, a, KEYS), b = rng_range(rng, a, c);
        uint64_t bytes = size_of(f, a, c);
        double expected = (double)all * (double)(c - a) / KEYS;
        DB_CHECK(fabs((double)bytes - expected) <= slack + 0.1 * expected,
                 "keys %llu to %llu: %llu bytes, %.0f expected, %llu runs", (unsigned long long)a,
                 (unsigned long long)c, (unsigned long long)bytes, expected,
                 (unsigned long long)runs);
        /* Parts add up, but for rounding in each table. */
        uint64_t parts = size_of(f, a, b) + size_of(f, b, c);
        DB_CHECK(parts <= bytes && bytes - parts <= 2 * s.tables + 2, "%llu and parts of %llu",
                 (unsigned long long)bytes, (unsigned long long)parts);
    }
}

static void ranges_take_their_share_of_the_tables(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    f->options.async_compaction = true;
    f->options.l0_trigger = 100;
    f->options.memtable_bytes = 1 << 20; /* so that each table holds an even part of the keys */
    f->options.table_bytes = 64 << 10;
    db_open(f);
    assert_int_equal(size_of(f, UINT64_MAX, UINT64_MAX), 0);
    fill(f, 0, KEYS / 2);
    assert_int_equal(size_of(f, UINT64_MAX, UINT64_MAX), 0); /* memtables do not count */
    DB_MUST(f, lsm_flush(f->db));
    fill(f, KEYS / 2, KEYS);
    DB_MUST(f, lsm_flush(f->db));
    check_ranges(f, &rng);
    DB_MUST(f, lsm_compact_all(f->db));
    assert_true(stats_of(f).tables > 5);
    check_ranges(f, &rng);
    fill(f, 0, KEYS);
    DB_MUST(f, lsm_flush(f->db));
    check_ranges(f, &rng); /* the same keys twice, until they are merged */
    db_reopen(f);
    check_ranges(f, &rng);
}

static void wrong_arguments_are_refused(void **state) {
    struct db_fixture *f = *state;
    uint64_t bytes;
    struct lsm_range range = {0};
    db_open(f);
    DB_MUST(f, lsm_approximate_size(f->db, NULL, 0, NULL));
    assert_int_equal(lsm_approximate_size(NULL, &range, 1, &bytes), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_approximate_size(f->db, NULL, 1, &bytes), LSM_ERR_ARGUMENT);
    assert_int_equal(lsm_approximate_size(f->db, &range, 1, NULL), LSM_ERR_ARGUMENT);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(ranges_take_their_share_of_the_tables),
        DB_CASE(wrong_arguments_are_refused, posix),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
