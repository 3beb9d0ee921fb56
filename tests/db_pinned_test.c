/* Values held for long: they lie in the log, whose segments are used again and again. */
#include <stdio.h>
#include <string.h>

#include "db_fixture.h"

enum { ROUNDS = 12, PUTS = 120, VALUE_BYTES = 90 };

static void fill_value(char value[VALUE_BYTES], int round) {
    memset(value, 'a' + round % 26, VALUE_BYTES);
}

static void put_round(struct db_fixture *f, int round) {
    char key[16], value[VALUE_BYTES];
    fill_value(value, round);
    for (int i = 0; i < PUTS; i++) {
        int size = snprintf(key, sizeof key, "key%04d", i);
        DB_MUST(f, lsm_put(f->db, NULL, key, (size_t)size, value, sizeof value));
    }
}

static void check_value(const struct lsm_value *held, int round) {
    char value[VALUE_BYTES];
    fill_value(value, round);
    assert_int_equal(held->size, sizeof value);
    assert_memory_equal(held->data, value, sizeof value);
}

/* Each round's segment is done with when its memtable is flushed; the held values of all rounds
 * stay what they were. */
static void a_value_held_is_whole_when_its_log_segment_is_done_with(void **state) {
    struct db_fixture *f = *state;
    struct lsm_value held[ROUNDS];
    f->options.memtable_bytes = 64 << 10;
    db_open(f);
    for (int round = 0; round < ROUNDS; round++) {
        put_round(f, round);
        DB_MUST(f, lsm_get(f->db, NULL, "key0007", 7, &held[round]));
        DB_MUST(f, lsm_flush(f->db));
        DB_MUST(f, lsm_wait_idle(f->db, 60000));
        if (round >= ROUNDS / 2) { /* let go of some: their segments can be used again */
            check_value(&held[round - ROUNDS / 2], round - ROUNDS / 2);
            lsm_value_release(&held[round - ROUNDS / 2]);
        }
    }
    for (int round = ROUNDS / 2; round < ROUNDS; round++) {
        check_value(&held[round], round);
        lsm_value_release(&held[round]);
    }
    db_reopen(f);
    assert_int_equal(db_get(f, "key0119")[0], 'a' + (ROUNDS - 1) % 26);
}

static void an_iterator_outlives_the_log_of_what_it_shows(void **state) {
    struct db_fixture *f = *state;
    struct lsm_iter *iter = NULL;
    f->options.memtable_bytes = 64 << 10;
    db_open(f);
    put_round(f, 0);
    DB_MUST(f, lsm_iter_create(f->db, NULL, &iter));
    for (int round = 1; round < 5; round++) {
        DB_MUST(f, lsm_flush(f->db));
        put_round(f, round);
    }
    unsigned seen = 0;
    for (lsm_iter_first(iter); lsm_iter_valid(iter); lsm_iter_next(iter)) {
        struct lsm_key value = lsm_iter_value(iter);
        assert_int_equal(value.size, VALUE_BYTES);
        assert_int_equal(((const char *)value.data)[VALUE_BYTES - 1], 'a');
        seen++;
    }
    assert_int_equal(seen, PUTS);
    lsm_iter_destroy(iter);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(a_value_held_is_whole_when_its_log_segment_is_done_with),
        DB_CASES_ON_ALL(an_iterator_outlives_the_log_of_what_it_shows),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
