/* driver_keys_test.c: keys and their distributions. Seeded: LSM_TEST_SEED=N repeats a run. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../tools/driver/keys.h"
#include "driver_worker.h"

static uint64_t seed;

struct fixture {
    struct driver_args args;
    struct driver_keys_shared shared;
    struct driver_random random;
    struct driver_keys keys;
};

static void set_up(struct fixture *f, unsigned dist, uint64_t space, double skew, bool inserts,
                   bool full) {
    memset(f, 0, sizeof *f);
    f->args.key_dist = dist;
    f->args.key_space = space;
    f->args.zipf_skew = skew;
    f->args.inserts = inserts;
    driver_random_init(&f->random, seed, 0);
    driver_keys_shared_init(&f->shared, &f->args, full);
    driver_keys_init(&f->keys, &f->shared, &f->args, &f->random);
}

static void a_key_is_sixteen_bytes_in_order_of_its_number(void **state) {
    (void)state;
    char a[DRIVER_KEY_BYTES], b[DRIVER_KEY_BYTES];
    driver_key_format(0, a);
    assert_memory_equal(a, "key0000000000000", 16);
    driver_key_format(12345, b);
    assert_memory_equal(b, "key0000000012345", 16);
    assert_true(memcmp(a, b, 16) < 0);
    driver_key_format(DRIVER_KEY_NUMBERS - 1, b);
    assert_memory_equal(b, "key9999999999999", 16);
}

static void the_same_seed_gives_the_same_numbers(void **state) {
    (void)state;
    struct driver_random a, b, c, d;
    driver_random_init(&a, seed, 3);
    driver_random_init(&b, seed, 3);
    driver_random_init(&c, seed, 4);
    driver_random_init(&d, seed + 1, 3);
    uint64_t first = driver_random_next(&a);
    assert_int_equal(first, driver_random_next(&b));
    assert_int_not_equal(first, driver_random_next(&c));
    assert_int_not_equal(first, driver_random_next(&d));
    /* xoshiro256** from the state 1, 2, 3, 4: the published first numbers. */
    struct driver_random known = {{1, 2, 3, 4}};
    assert_int_equal(driver_random_next(&known), 11520);
    assert_int_equal(driver_random_next(&known), 0);
    assert_int_equal(driver_random_next(&known), 1509978240);
}

static void uniform_reaches_every_key_and_no_other(void **state) {
    (void)state;
    struct fixture f;
    enum { SPACE = 97, DRAWS = 97000 };
    unsigned count[SPACE] = {0};
    set_up(&f, DIST_UNIFORM, SPACE, 0.99, false, false);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t key = driver_keys_next(&f.keys, KIND_PUT);
        assert_true(key < SPACE);
        count[key]++;
    }
    for (int i = 0; i < SPACE; i++) {
        /* 1000 expected, standard deviation 31: seven of them. */
        assert_in_range(count[i], 780, 1220);
    }
}

static void zipf_follows_its_law(void **state) {
    (void)state;
    static const double skews[] = {0.3, 0.99, 1.0, 1.5};
    enum { N = 1000, DRAWS = 200000 };
    static unsigned count[N];
    for (size_t s = 0; s < sizeof skews / sizeof skews[0]; s++) {
        struct driver_zipf zipf;
        struct driver_random random;
        driver_zipf_init(&zipf, N, skews[s]);
        driver_random_init(&random, seed, s);
        memset(count, 0, sizeof count);
        for (int i = 0; i < DRAWS; i++) {
            uint64_t rank = driver_zipf_next(&zipf, &random);
            assert_true(rank < N);
            count[rank]++;
        }
        double zeta = 0.0;
        for (int i = 1; i <= N; i++) {
            zeta += pow(i, -skews[s]);
        }
        static const int ranks[] = {0, 1, 2, 5, 20, 100};
        for (size_t r = 0; r < sizeof ranks / sizeof ranks[0]; r++) {
            double expected = DRAWS * pow(ranks[r] + 1, -skews[s]) / zeta;
            double deviation = fabs((double)count[ranks[r]] - expected);
            assert_true(deviation < 7.0 * sqrt(expected) + 1.0);
        }
    }
}

static void zipf_of_one_key_is_that_key(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, DIST_ZIPF, 1, 0.99, false, false);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(driver_keys_next(&f.keys, KIND_GET), 0);
    }
}

static void zipf_of_a_huge_space_starts_at_once_and_stays_inside(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, DIST_ZIPF, 1000000000000ull, 0.99, false, false);
    for (int i = 0; i < 10000; i++) {
        assert_true(driver_keys_next(&f.keys, KIND_GET) < 1000000000000ull);
    }
}

static void hot_keys_are_strewn_one_to_one(void **state) {
    (void)state;
    static const uint64_t spaces[] = {1, 2, 3, 7, 64, 65, 1000, 1023, 1024, 1025, 100000};
    for (size_t s = 0; s < sizeof spaces / sizeof spaces[0]; s++) {
        struct fixture f;
        set_up(&f, DIST_ZIPF, spaces[s], 0.99, false, false);
        unsigned char *seen = calloc(1, spaces[s]);
        assert_non_null(seen);
        for (uint64_t i = 0; i < spaces[s]; i++) {
            uint64_t key = driver_keys_scatter(&f.keys, i);
            assert_true(key < spaces[s]);
            assert_int_equal(seen[key], 0);
            seen[key] = 1;
        }
        free(seen);
    }
}

static void sequences_wrap_and_do_not_mix(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, DIST_SEQUENTIAL, 3, 0.99, false, false);
    static const uint64_t expected[] = {0, 1, 2, 0, 1};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(driver_keys_next(&f.keys, KIND_PUT), expected[i]);
        assert_int_equal(driver_keys_next(&f.keys, KIND_GET), expected[i]);
    }
}

static void latest_reads_only_what_was_put_and_mostly_the_newest(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, DIST_LATEST, 10000, 0.99, false, false);
    assert_int_equal(driver_keys_next(&f.keys, KIND_GET), 0); /* nothing there yet */
    for (uint64_t i = 0; i < 500; i++) {
        assert_int_equal(driver_keys_next(&f.keys, KIND_PUT), i);
    }
    unsigned newest = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t key = driver_keys_next(&f.keys, KIND_GET);
        assert_true(key < 500);
        newest += key >= 450;
    }
    assert_true(newest > 300); /* uniform would give about 100 */
    for (uint64_t i = 500; i < 10003; i++) {
        assert_int_equal(driver_keys_next(&f.keys, KIND_PUT), i % 10000);
    }
}

static void inserts_add_keys_beyond_the_space(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, DIST_LATEST, 100, 0.99, true, true);
    assert_true(driver_keys_next(&f.keys, KIND_GET) < 100);
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(driver_keys_next(&f.keys, KIND_PUT), 100 + i);
    }
    bool inserted = false;
    for (int i = 0; i < 1000; i++) {
        uint64_t key = driver_keys_next(&f.keys, KIND_GET);
        assert_true(key < 150);
        inserted = inserted || key >= 100;
    }
    assert_true(inserted);
}

static void values_are_half_random(void **state) {
    (void)state;
    unsigned char a[129], b[129];
    struct driver_random random;
    driver_random_init(&random, seed, 0);
    driver_value_prepare(a, sizeof a);
    driver_value_prepare(b, sizeof b);
    driver_value_fill(a, sizeof a, &random);
    driver_value_fill(b, sizeof b, &random);
    assert_memory_not_equal(a, b, 64);
    for (int i = 64; i < 129; i++) {
        assert_int_equal(a[i], 'v');
    }
    driver_value_fill(a, 0, &random);
    driver_value_fill(a, 1, &random);
}

int main(void) {
    const char *given = getenv("LSM_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu; repeat with: LSM_TEST_SEED=%llu driver_keys_test\n",
           (unsigned long long)seed, (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_sixteen_bytes_in_order_of_its_number),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(uniform_reaches_every_key_and_no_other),
        cmocka_unit_test(zipf_follows_its_law),
        cmocka_unit_test(zipf_of_one_key_is_that_key),
        cmocka_unit_test(zipf_of_a_huge_space_starts_at_once_and_stays_inside),
        cmocka_unit_test(hot_keys_are_strewn_one_to_one),
        cmocka_unit_test(sequences_wrap_and_do_not_mix),
        cmocka_unit_test(latest_reads_only_what_was_put_and_mostly_the_newest),
        cmocka_unit_test(inserts_add_keys_beyond_the_space),
        cmocka_unit_test(values_are_half_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
