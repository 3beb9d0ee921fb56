/* table_guess_test.c: where in a block an entry is guessed to lie: near, for keys that are spread
 * evenly in whatever letters; somewhere in the block for all others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_index.h"
#include "table_kit.h"

enum { BLOCKS = 200, PER_BLOCK = 27, KEYS = BLOCKS * PER_BLOCK, KEY = 24, BLOCK_BYTES = 4000 };

static uint64_t seed;

struct keys {
    char key[KEYS][KEY];
    size_t size[KEYS];
};

static int by_bytes(const void *a, const void *b) {
    return memcmp(a, b, KEY);
}

static struct keys *keys_new(struct kit_rng *rng,
                             void (*make)(struct kit_rng *rng, unsigned i, char key[KEY])) {
    struct keys *keys = calloc(1, sizeof *keys);
    assert_non_null(keys);
    for (unsigned i = 0; i < KEYS; i++) {
        make(rng, i, keys->key[i]);
    }
    qsort(keys->key, KEYS, KEY, by_bytes);
    for (unsigned i = 0; i < KEYS; i++) {
        keys->size[i] = 16;
    }
    return keys;
}

/* The index of a table of those keys: each separator the shortest that tells its block from the
 * next, as a table's writer makes it. */
static void index_of(const struct keys *keys, struct lsm_index *index) {
    struct lsm_index_record *records = calloc(BLOCKS, sizeof *records);
    uint8_t *bytes = malloc(KEYS * (size_t)KEY);
    assert_true(records != NULL && bytes != NULL);
    uint64_t end = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        const char *last = keys->key[(b + 1) * PER_BLOCK - 1];
        size_t size = 16;
        if (b + 1 < BLOCKS) {
            const char *next = keys->key[(b + 1) * PER_BLOCK];
            for (size = 0; size < 15 && last[size] == next[size];) {
                size++;
            }
            size++;
            last = next;
        }
        memcpy(bytes + end, last, size);
        end += size;
        records[b] = (struct lsm_index_record){.offset = b * BLOCK_BYTES,
                                               .key_end = end,
                                               .seq = b + 1 < BLOCKS ? LSM_SEPARATOR_SEQ : 0,
                                               .length = BLOCK_BYTES,
                                               .raw_length = BLOCK_BYTES,
                                               .entries = PER_BLOCK};
    }
    size_t bad;
    assert_int_equal(lsm_index_make(index, (uint8_t *)records, BLOCKS, bytes, end,
                                    (uint64_t)BLOCKS * BLOCK_BYTES, true, NULL, &bad),
                     0);
}

/* How far guesses are off on average, in entries. */
static double error_of(const struct keys *keys) {
    struct lsm_index index;
    index_of(keys, &index);
    double sum = 0;
    for (size_t k = 0; k < KEYS; k++) {
        const uint8_t *key = (const uint8_t *)keys->key[k];
        size_t i = lsm_index_find(&index, key, keys->size[k], 0);
        assert_true(i < index.count);
        struct lsm_index_aim aim;
        lsm_index_aim(&index, key, keys->size[k], &aim);
        uint32_t guess = lsm_index_guess(&index, i, &aim);
        assert_true(guess < 65536);
        double entry = (double)guess * PER_BLOCK / 65536;
        double off = entry - (double)(k % PER_BLOCK);
        sum += off < 0 ? -off : off;
    }
    lsm_index_free(&index);
    return sum / KEYS;
}

static void decimal(struct kit_rng *rng, unsigned i, char key[KEY]) {
    (void)rng;
    snprintf(key, KEY, "key%013u", 2 * i + 91190);
}

static void hexadecimal(struct kit_rng *rng, unsigned i, char key[KEY]) {
    (void)i;
    snprintf(key, KEY, "%016llx", (unsigned long long)kit_random(rng));
}

static void binary(struct kit_rng *rng, unsigned i, char key[KEY]) {
    uint64_t random = kit_random(rng);
    memcpy(key, &random, sizeof random);
    memcpy(key + 8, &i, sizeof i);
}

static void letters(struct kit_rng *rng, unsigned i, char key[KEY]) {
    (void)i;
    for (unsigned at = 0; at < 16; at++) {
        key[at] = (char)('a' + kit_below(rng, 26));
    }
}

/* Hosts and their counters: everything but even. */
static void uneven(struct kit_rng *rng, unsigned i, char key[KEY]) {
    snprintf(key, KEY, "%c%llu.%u", "aab~"[i % 4], (unsigned long long)kit_below(rng, 9), i);
}

static void even_keys_are_found_near_the_guess(void **state) {
    (void)state;
    enum { DRAWS = 16 }; /* one draw of binary keys is off by 2.4 to 3.6, their average by 2.9 */
    static const struct {
        const char *name;
        void (*make)(struct kit_rng *rng, unsigned i, char key[KEY]);
        double most; /* entries; half of a block's width would be 7 */
    } cases[] = {{"decimal", decimal, 1.5},
                 {"hexadecimal", hexadecimal, 3},
                 {"binary", binary, 3.5},
                 {"letters", letters, 3}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double error = 0;
        for (unsigned draw = 0; draw < DRAWS; draw++) {
            struct kit_rng rng = {seed + draw};
            struct keys *keys = keys_new(&rng, cases[c].make);
            error += error_of(keys) / DRAWS;
            free(keys);
        }
        print_message("%s: %.2f entries off on average\n", cases[c].name, error);
        assert_true(error < cases[c].most);
    }
}

static void any_key_gets_a_guess_within_the_block(void **state) {
    (void)state;
    struct kit_rng rng = {seed};
    struct keys *keys = keys_new(&rng, uneven);
    struct lsm_index index;
    (void)error_of(keys);
    index_of(keys, &index);
    for (unsigned n = 0; n < 100000; n++) {
        uint64_t random[3] = {kit_random(&rng), kit_random(&rng), kit_random(&rng)};
        uint8_t key[sizeof random];
        memcpy(key, random, sizeof random);
        size_t i = (size_t)kit_below(&rng, BLOCKS); /* not only where the key leads to */
        struct lsm_index_aim aim;
        lsm_index_aim(&index, key, 1 + (size_t)kit_below(&rng, 24), &aim);
        assert_true(lsm_index_guess(&index, i, &aim) < 65536);
    }
    lsm_index_free(&index);
    free(keys);
}

/* Two separators may share their first byte and differ by more than half of what the others can be:
 * these keys have such, found by chance. */
static void a_block_may_span_more_than_half_of_all_numbers(void **state) {
    (void)state;
    struct kit_rng rng = {1796029328492222};
    struct keys *keys = keys_new(&rng, binary);
    assert_true(error_of(keys) < 3.5);
    free(keys);
}

int main(void) {
    seed = kit_seed("table_guess_test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_keys_are_found_near_the_guess),
        cmocka_unit_test(any_key_gets_a_guess_within_the_block),
        cmocka_unit_test(a_block_may_span_more_than_half_of_all_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
