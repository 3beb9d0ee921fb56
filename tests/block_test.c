/* block_test.c: one block: every lookup and move beside a model, odd shapes, mutated bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "block_write.h"
#include "bytes.h"
#include "fuzz_block.c"
#include "key_prefix.h"
#include "table_kit.h"

static uint64_t seed;

/* Laid out elsewhere the block is the same, and nothing is written behind it. */
static void check_finish_at(struct lsm_block_builder *builder, size_t size) {
    enum { BEHIND = 16 };
    struct lsm_block_builder same = *builder;
    uint8_t *data = malloc(size + BEHIND);
    assert_non_null(data);
    memset(data, 0xa5, size + BEHIND);
    lsm_block_builder_finish_at(builder, data);
    assert_int_equal(builder->size, size);
    assert_ptr_equal(builder->data, data);
    for (size_t i = 0; i < BEHIND; i++) {
        assert_int_equal(data[size + i], 0xa5);
    }
    *builder = same; /* not finished */
    assert_true(lsm_block_builder_finish(builder));
    assert_int_equal(builder->size, size);
    assert_memory_equal(builder->data, data, size);
    builder->size = 0; /* for the caller to finish it */
    free(data);
}

static void build(struct lsm_block_builder *builder, const struct kit_model *model) {
    for (size_t i = 0; i < model->count; i++) {
        const struct lsm_entry *entry = &model->entries[i];
        const struct lsm_entry *last = i == 0 ? entry : &model->entries[i - 1];
        size_t shared =
            i == 0 ? 0 : lsm_common_prefix(last->key, last->key_size, entry->key, entry->key_size);
        size_t promised = lsm_block_builder_size_with(builder, entry, (uint32_t)shared);
        assert_true(lsm_block_builder_fits(builder, entry, (uint32_t)shared, promised));
        assert_true(lsm_block_builder_fits(builder, entry, (uint32_t)shared, promised * 2));
        assert_false(lsm_block_builder_fits(builder, entry, (uint32_t)shared, promised - 1));
        assert_true(lsm_block_builder_add(builder, entry, (uint32_t)shared));
        assert_int_equal(lsm_block_builder_size(builder), promised);
    }
    size_t size = lsm_block_builder_size(builder);
    check_finish_at(builder, size);
    assert_true(lsm_block_builder_finish(builder));
    assert_int_equal(builder->size, size);
    assert_int_equal(lsm_block_builder_entries(builder), model->count);
}

static void check_find(const struct lsm_block_view *view, const struct kit_model *model,
                       const uint8_t *key, size_t size, uint64_t seq) {
    struct lsm_entry entry;
    enum lsm_block_found found = lsm_block_find(view, key, size, seq, &entry);
    size_t at = kit_model_find(model, key, size, seq);
    size_t newest = kit_model_find(model, key, size, UINT64_MAX);
    bool known = newest < model->count && model->entries[newest].key_size == size &&
                 memcmp(model->entries[newest].key, key, size) == 0;
    bool there = at < model->count && model->entries[at].key_size == size &&
                 memcmp(model->entries[at].key, key, size) == 0;
    if (there) {
        assert_int_equal(found, LSM_BLOCK_FOUND);
        kit_assert_equal(&entry, &model->entries[at]);
    } else {
        assert_int_equal(found, known ? LSM_BLOCK_TOO_NEW : LSM_BLOCK_ABSENT);
    }
}

static void check_moves(const struct lsm_block_view *view, const struct kit_model *model,
                        struct kit_rng *rng) {
    struct lsm_block_iter iter;
    lsm_block_iter_init(&iter);
    lsm_block_iter_set(&iter, view);
    size_t at = 0;
    int result = lsm_block_iter_first(&iter);
    for (size_t i = 0; i < 1000; i++) {
        if (at >= model->count) {
            assert_int_equal(result, LSM_BLOCK_ITER_END);
        } else {
            assert_int_equal(result, LSM_BLOCK_ITER_ENTRY);
            kit_assert_equal(&iter.entry, &model->entries[at]);
        }
        uint8_t key[1024];
        uint64_t move = kit_below(rng, 10);
        if (move < 4 && at < model->count) {
            result = lsm_block_iter_next(&iter);
            at++;
        } else if (move < 8 && at < model->count) {
            result = lsm_block_iter_prev(&iter);
            at--;
        } else if (move == 8) {
            result = lsm_block_iter_last(&iter);
            at = model->count - 1;
        } else {
            size_t size = kit_model_probe(model, rng, key, sizeof key);
            uint64_t seq = kit_below(rng, 2) == 0
                               ? LSM_SEQ_MAX
                               : model->entries[kit_below(rng, model->count)].seq;
            result = lsm_block_iter_seek(&iter, key, size, seq);
            at = kit_model_find(model, key, size, seq);
        }
    }
    lsm_block_iter_free(&iter);
}

static void lookups_and_moves_agree_with_a_sorted_array(void **state) {
    (void)state;
    struct kit_rng rng = {seed};
    for (size_t round = 0; round < 200; round++) {
        struct kit_model model;
        struct lsm_block_builder builder;
        struct lsm_block_view view;
        kit_model_init(&model);
        struct kit_shape shape = {.keys = 1 + (size_t)kit_below(&rng, 120),
                                  .versions = round % 4 == 0 ? 40 : 2,
                                  .key_max = round % 5 == 0 ? 300 : 8,
                                  .value_max = round % 11 == 0  ? 3000
                                               : round % 7 == 0 ? 400
                                                                : 10,
                                  .dense = round % 2 == 0,
                                  .prefix = round % 3 == 0 ? "a-shared-beginning" : NULL};
        kit_model_fill(&model, &rng, &shape);
        lsm_block_builder_init(&builder);
        build(&builder, &model);
        assert_true(lsm_block_view_init(&view, builder.data, builder.size));
        for (size_t i = 0; i < 300; i++) {
            uint8_t key[1024];
            size_t size = kit_model_probe(&model, &rng, key, sizeof key);
            uint64_t seq = model.entries[kit_below(&rng, model.count)].seq;
            check_find(&view, &model, key, size, seq - kit_below(&rng, 2));
            check_find(&view, &model, key, size, LSM_SEQ_MAX);
        }
        check_moves(&view, &model, &rng);
        lsm_block_builder_free(&builder);
        kit_model_free(&model);
    }
}

static void a_builder_can_be_used_again(void **state) {
    (void)state;
    struct kit_model model;
    struct lsm_block_builder builder;
    kit_model_init(&model);
    for (char i = 'a'; i <= 'z'; i++) {
        char key[2] = {'k', i};
        kit_model_add(&model, key, 2, (uint64_t)i, LSM_TYPE_PUT, "v", 1);
    }
    lsm_block_builder_init(&builder);
    build(&builder, &model);
    size_t size = builder.size;
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, builder.data, size);
    lsm_block_builder_reset(&builder);
    assert_int_equal(lsm_block_builder_size(&builder), 0);
    build(&builder, &model);
    assert_int_equal(builder.size, size);
    assert_memory_equal(builder.data, copy, size);
    free(copy);
    lsm_block_builder_free(&builder);
    kit_model_free(&model);
}

static void an_outline_that_is_no_block_is_refused(void **state) {
    (void)state;
    struct kit_model model;
    struct lsm_block_builder builder;
    struct lsm_block_view view;
    kit_model_init(&model);
    kit_model_add(&model, "key", 3, 1, LSM_TYPE_PUT, "value", 5);
    lsm_block_builder_init(&builder);
    build(&builder, &model);
    uint8_t *data = builder.data;
    size_t size = builder.size;
    assert_true(lsm_block_view_init(&view, data, size));
    assert_false(lsm_block_view_init(&view, data, 0));
    assert_false(lsm_block_view_init(&view, data, 4));
    const struct {
        size_t at;
        uint8_t byte;
    } wrong[] = {
        {0, 0},    /* no entries */
        {0, 2},    /* more than there is room for */
        {3, 0xff}, /* far more */
        {4, 1},    /* a prefix that moves the entries */
        {6, 0},    /* no size of keys, nor have entries one */
        {8, 0x00}, /* tags of no bytes */
        {8, 0x09}, /* tags of nine */
        {8, 0x11}, /* sizes in the header and in the entries */
        {8, 0x31}, /* sizes of three bytes */
        {8, 0x41}, /* offsets of four bytes, which they are not */
        {8, 0x81}, /* a width not known */
        {20, 0},   /* the first entry among the offsets */
        {22, 0},   /* the last one's end is not the block's */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t right = data[wrong[i].at];
        data[wrong[i].at] = wrong[i].byte;
        assert_false(lsm_block_view_init(&view, data, size));
        data[wrong[i].at] = right;
    }
    assert_true(lsm_block_view_init(&view, data, size));
    lsm_block_builder_free(&builder);
    kit_model_free(&model);
}

/* The widest tag and size, the longest key beside the shortest, each twice. */
static void extremes_fit(void **state) {
    (void)state;
    struct kit_model model;
    struct lsm_block_builder builder;
    struct lsm_block_view view;
    static char longest[LSM_KEY_SIZE_MAX];
    kit_model_init(&model);
    memset(longest, 'k', sizeof longest);
    kit_model_add(&model, "\0", 1, LSM_SEQ_MAX, LSM_TYPE_DELETE, "", 0);
    kit_model_add(&model, "\0", 1, 0, LSM_TYPE_PUT, "", 0);
    kit_model_add(&model, "\0\0\0", 3, 7, LSM_TYPE_PUT, "three", 5);
    kit_model_add(&model, "\0\0\0\0", 4, 7, LSM_TYPE_PUT, "four", 4);
    kit_model_add(&model, "\0\0\0\0\0", 5, 7, LSM_TYPE_PUT, "five", 4);
    kit_model_add(&model, longest, sizeof longest, LSM_SEQ_MAX, LSM_TYPE_PUT, "v", 1);
    kit_model_add(&model, longest, sizeof longest, 1, LSM_TYPE_PUT, longest, sizeof longest);
    lsm_block_builder_init(&builder);
    build(&builder, &model);
    assert_true(lsm_block_view_init(&view, builder.data, builder.size));
    assert_true(view.wide);
    assert_int_equal(view.tag_size, 8);
    assert_int_equal(view.size_width, 2);
    for (size_t i = 0; i < model.count; i++) {
        check_find(&view, &model, model.entries[i].key, model.entries[i].key_size,
                   model.entries[i].seq);
        check_find(&view, &model, model.entries[i].key, model.entries[i].key_size, 5);
    }
    check_find(&view, &model, (const uint8_t *)"\0\0", 2, LSM_SEQ_MAX);
    check_find(&view, &model, (const uint8_t *)"k", 1, LSM_SEQ_MAX);
    lsm_block_builder_free(&builder);
    kit_model_free(&model);
}

static void mutated_blocks_do_no_harm(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 1};
    for (size_t round = 0; round < 20; round++) {
        struct kit_model model;
        struct lsm_block_builder builder;
        kit_model_init(&model);
        struct kit_shape shape = {.keys = 1 + (size_t)kit_below(&rng, 60),
                                  .versions = 3,
                                  .key_max = 10,
                                  .value_max = round % 2 == 0 ? 300 : 10,
                                  .dense = true};
        kit_model_fill(&model, &rng, &shape);
        lsm_block_builder_init(&builder);
        build(&builder, &model);
        size_t size = builder.size + 8;
        uint8_t *input = malloc(size);
        assert_non_null(input);
        for (size_t i = 0; i < 300; i++) {
            memcpy(input,
                   "\5\377"
                   "abcdef",
                   8);
            memcpy(input + 2, model.entries[kit_below(&rng, model.count)].key, 1);
            memcpy(input + 8, builder.data, builder.size);
            for (uint64_t n = 1 + kit_below(&rng, 4); n > 0; n--) {
                size_t at = (size_t)kit_below(&rng, size);
                input[at] = kit_below(&rng, 2) == 0 ? (uint8_t)kit_random(&rng) : 0xff;
            }
            LLVMFuzzerTestOneInput(input,
                                   kit_below(&rng, 10) == 0 ? (size_t)kit_below(&rng, size) : size);
        }
        free(input);
        lsm_block_builder_free(&builder);
        kit_model_free(&model);
    }
}

/* A block may be as long as a value and a key; a value not. */
static void a_value_above_the_limit_is_no_block(void **state) {
    (void)state;
    enum { MORE = 1000 };
    struct lsm_block_builder builder;
    struct lsm_block_view view;
    uint8_t *value = calloc(1, LSM_VALUE_SIZE_MAX);
    assert_non_null(value);
    struct lsm_entry entry = {.key = (const uint8_t *)"k",
                              .key_size = 1,
                              .seq = 1,
                              .type = LSM_TYPE_PUT,
                              .value = value,
                              .value_size = LSM_VALUE_SIZE_MAX};
    lsm_block_builder_init(&builder);
    assert_true(lsm_block_builder_add(&builder, &entry, 0));
    assert_true(lsm_block_builder_finish(&builder));
    assert_true(lsm_block_view_init(&view, builder.data, builder.size));
    assert_true(view.wide && builder.size + MORE <= LSM_BLOCK_LENGTH_MAX);
    uint8_t *longer = calloc(1, builder.size + MORE);
    assert_non_null(longer);
    memcpy(longer, builder.data, builder.size);
    lsm_store32(longer + view.offsets_at + 4, (uint32_t)builder.size + MORE);
    assert_false(lsm_block_view_init(&view, longer, builder.size + MORE));
    free(longer);
    free(value);
    lsm_block_builder_free(&builder);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups_and_moves_agree_with_a_sorted_array),
        cmocka_unit_test(a_builder_can_be_used_again),
        cmocka_unit_test(an_outline_that_is_no_block_is_refused),
        cmocka_unit_test(extremes_fit),
        cmocka_unit_test(mutated_blocks_do_no_harm),
        cmocka_unit_test(a_value_above_the_limit_is_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
