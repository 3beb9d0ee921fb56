/* table_index_test.c: the index finds what a look at every separator would find, whatever keys are
 * made of, and knows where blocks lie. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "table_index.h"
#include "table_kit.h"

enum { BLOCKS_MAX = 800, KEY_MAX = 12 };

static uint64_t seed;

struct separator {
    uint8_t key[KEY_MAX];
    size_t size;
    uint64_t seq;
};

struct made {
    struct separator separator[BLOCKS_MAX];
    struct lsm_index_record record[BLOCKS_MAX];
    size_t count;
    struct lsm_index index;
};

/* In entry order: of one key the newest first. */
static int in_order(const void *a, const void *b) {
    const struct separator *s = a, *t = b;
    int c = lsm_key_compare(s->key, s->size, t->key, t->size);
    return c != 0 ? c : (s->seq < t->seq) - (s->seq > t->seq);
}

/* Keys of few different bytes, zeros among them, behind what all share: windows tie, keys begin
 * with one another, and several versions of a key straddle blocks. */
static void random_key(struct kit_rng *rng, size_t shared, uint8_t key[KEY_MAX], size_t *size) {
    static const uint8_t bytes[] = {0, 0, 1, 'a', 'b', 255};
    memset(key, 's', shared);
    *size = shared + (size_t)kit_below(rng, KEY_MAX - shared + 1);
    *size = *size > 0 ? *size : 1;
    for (size_t i = shared; i < *size; i++) {
        key[i] = bytes[kit_below(rng, sizeof bytes)];
    }
}

static uint64_t random_seq(struct kit_rng *rng) {
    return kit_below(rng, 2) == 0 ? LSM_SEPARATOR_SEQ : 1 + kit_below(rng, 3);
}

static void make(struct made *made, struct kit_rng *rng, size_t count, size_t shared) {
    for (size_t i = 0; i < count; i++) {
        struct separator *s = &made->separator[i];
        random_key(rng, shared, s->key, &s->size);
        s->seq = random_seq(rng);
    }
    qsort(made->separator, count, sizeof made->separator[0], in_order);
    made->count = 1;
    for (size_t i = 1; i < count; i++) {
        if (in_order(&made->separator[made->count - 1], &made->separator[i]) < 0) {
            made->separator[made->count++] = made->separator[i];
        }
    }
    uint8_t *keys = malloc(made->count * KEY_MAX);
    uint8_t *records = malloc(made->count * sizeof made->record[0]);
    assert_true(keys != NULL && records != NULL);
    uint64_t at = 0, key_end = 0;
    for (size_t i = 0; i < made->count; i++) {
        const struct separator *s = &made->separator[i];
        bool packed = kit_below(rng, 3) == 0;
        uint32_t raw =
            LSM_BLOCK_LENGTH_MIN + 1 + (uint32_t)kit_below(rng, LSM_BLOCK_LENGTH_MAX / 2);
        memcpy(keys + key_end, s->key, s->size);
        key_end += s->size;
        made->record[i] = (struct lsm_index_record){
            .offset = at,
            .checksum = kit_random(rng),
            .key_end = key_end,
            .seq = s->seq,
            .length = packed ? 1 + (uint32_t)kit_below(rng, raw - 1) : raw,
            .raw_length = raw,
            .entries = 1,
            .codec = packed ? LSM_CODEC_LZ4 : LSM_CODEC_NONE};
        at += made->record[i].length;
    }
    memcpy(records, made->record, made->count * sizeof made->record[0]);
    size_t bad;
    assert_int_equal(
        lsm_index_make(&made->index, records, made->count, keys, key_end, at, true, NULL, &bad), 0);
}

static size_t found_by_looking_at_all(const struct made *made, const struct separator *wanted) {
    size_t i = 0;
    while (i < made->count && in_order(&made->separator[i], wanted) < 0) {
        i++;
    }
    return i;
}

static void check_places(const struct made *made) {
    const struct lsm_index *index = &made->index;
    for (size_t i = 0; i < made->count; i++) {
        struct lsm_index_record record;
        size_t length;
        assert_int_equal(lsm_index_offset(index, i, &length), made->record[i].offset);
        assert_int_equal(length, made->record[i].length);
        assert_int_equal(lsm_index_is_packed(index, i), made->record[i].codec != LSM_CODEC_NONE);
        assert_true(lsm_index_record(index, i, &record));
        assert_memory_equal(&record, &made->record[i], sizeof record);
    }
    const struct lsm_index_record *last = &made->record[made->count - 1];
    assert_int_equal(lsm_index_end(index), last->offset + last->length);
}

static void check_key(const struct made *made, const struct separator *wanted) {
    size_t i = found_by_looking_at_all(made, wanted);
    assert_int_equal(lsm_index_find(&made->index, wanted->key, wanted->size, wanted->seq), i);
    /* A guess may be anything within the table. */
    struct lsm_index_aim aim;
    lsm_index_aim(&made->index, wanted->key, wanted->size, &aim);
    assert_true(lsm_index_near(&made->index, &aim) <= lsm_index_end(&made->index));
    if (i < made->count) {
        assert_true(lsm_index_guess(&made->index, i, &aim) < 65536);
    }
}

static void check_index(struct kit_rng *rng, size_t count, size_t shared) {
    struct made *made = calloc(1, sizeof *made);
    assert_non_null(made);
    make(made, rng, count, shared);
    check_places(made);
    for (unsigned n = 0; n < 2000; n++) {
        struct separator wanted;
        if (kit_below(rng, 2) == 0) {
            wanted = made->separator[kit_below(rng, made->count)];
        } else {
            random_key(rng, kit_below(rng, 8) == 0 ? 0 : shared, wanted.key, &wanted.size);
        }
        wanted.seq = 1 + kit_below(rng, 4); /* readers ask for real ones */
        check_key(made, &wanted);
    }
    lsm_index_free(&made->index);
    free(made);
}

/* Around whole groups, and whole lines of groups. */
static void an_index_finds_what_looking_at_all_finds(void **state) {
    (void)state;
    const size_t group = LSM_INDEX_GROUP, line = group * LSM_INDEX_LINE;
    const size_t counts[] = {1,         2,        3,    group - 1, group,    group + 1,
                             2 * group, line - 1, line, line + 1,  2 * line, 3 * line};
    struct kit_rng rng = {seed};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t shared = 0; shared <= 6; shared += 3) {
            check_index(&rng, counts[c], shared);
        }
    }
    for (unsigned n = 0; n < 100; n++) {
        check_index(&rng, 1 + (size_t)kit_below(&rng, BLOCKS_MAX), (size_t)kit_below(&rng, 11));
    }
}

/* The shortest prefix of the next block's first key, as a writer makes them: then no separator need
 * be read to find any key, wherever its records and separators are, or were. */
static void separators_that_windows_hold_are_not_read(void **state) {
    (void)state;
    enum { COUNT = 500 };
    struct lsm_index_record *records = calloc(COUNT, sizeof *records);
    uint8_t *keys = malloc(COUNT * 8);
    assert_true(records != NULL && keys != NULL);
    for (uint64_t i = 0; i < COUNT; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%06d0", (int)i);
        memcpy(keys + i * 8, key, 8);
        keys[i * 8 + 7] = '5';
        records[i] = (struct lsm_index_record){.offset = i * 4000,
                                               .key_end = (i + 1) * 8,
                                               .seq = LSM_SEPARATOR_SEQ,
                                               .length = 4000,
                                               .raw_length = 4000,
                                               .entries = 9};
    }
    struct lsm_index index;
    size_t bad;
    assert_int_equal(lsm_index_make(&index, (uint8_t *)records, COUNT, keys, COUNT * 8,
                                    COUNT * UINT64_C(4000), true, NULL, &bad),
                     0);
    memset(index.records, 0xff, COUNT * sizeof *records); /* who reads them finds nothing */
    memset(index.keys, 0xff, COUNT * 8);
    for (size_t i = 0; i < COUNT; i++) {
        for (char digit = '0'; digit <= '9'; digit++) {
            char key[16];
            (void)snprintf(key, sizeof key, "k%06d%c", (int)i, digit);
            size_t expected = digit < '5' ? i : i + 1;
            assert_int_equal(lsm_index_find(&index, (const uint8_t *)key, 8, 7), expected);
        }
    }
    lsm_index_free(&index);
}

static void blocks_are_seen_one_by_one(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 1};
    struct made *made = calloc(1, sizeof *made);
    bool seen[BLOCKS_MAX] = {false};
    assert_non_null(made);
    make(made, &rng, BLOCKS_MAX, 2);
    for (unsigned n = 0; n < 300; n++) {
        size_t i = (size_t)kit_below(&rng, made->count);
        lsm_index_see(&made->index, i);
        seen[i] = true;
    }
    for (size_t i = 0; i < made->count; i++) {
        assert_int_equal(lsm_index_was_seen(&made->index, i), seen[i]);
    }
    check_places(made);
    lsm_index_free(&made->index);
    free(made);
}

int main(void) {
    seed = kit_seed("table_index_test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_finds_what_looking_at_all_finds),
        cmocka_unit_test(separators_that_windows_hold_are_not_read),
        cmocka_unit_test(blocks_are_seen_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
