/* merge_test.c: the merge against one sorted array, over inputs that fail, end, or are empty. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "table_kit.h"

static uint64_t seed;

/* A source over a slice of pointers into a model; with `fail_after` moves left it fails. */
struct array_source {
    struct lsm_source base;
    struct kit_model model; /* borrowed entries */
    size_t at;
    size_t fail_after; /* SIZE_MAX: never */
};

static void stand(struct array_source *s, size_t at) {
    s->base.status = 0;
    s->base.valid = false;
    if (s->fail_after == 0) {
        s->base.status = LSM_ERR_IO;
        return;
    }
    s->fail_after -= s->fail_after != SIZE_MAX;
    s->at = at;
    if (at < s->model.count) {
        s->base.valid = true;
        s->base.entry = &s->model.entries[at];
    }
}

static struct array_source *self(struct lsm_source *source) {
    return (struct array_source *)(void *)source;
}
static void array_first(struct lsm_source *source) {
    stand(self(source), 0);
}
static void array_last(struct lsm_source *source) {
    stand(self(source), self(source)->model.count - 1);
}
static void array_seek(struct lsm_source *source, const uint8_t *key, size_t size, uint64_t seq) {
    stand(self(source), kit_model_find(&self(source)->model, key, size, seq));
}
static void array_next(struct lsm_source *source) {
    assert_true(source->valid);
    stand(self(source), self(source)->at + 1);
}
static void array_prev(struct lsm_source *source) {
    assert_true(source->valid);
    stand(self(source), self(source)->at - 1);
}
static int destroyed;
static void array_destroy(struct lsm_source *source) {
    free(self(source)->model.entries);
    free(source);
    destroyed++;
}
static const struct lsm_source_ops array_ops = {array_first, array_last, array_seek,   NULL,
                                                array_next,  array_prev, array_destroy};

static struct array_source *array_source(size_t capacity) {
    struct array_source *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->base.ops = &array_ops;
    s->fail_after = SIZE_MAX;
    s->model.entries = malloc((capacity + 1) * sizeof(struct lsm_entry));
    assert_non_null(s->model.entries);
    return s;
}

/* Deals the model's entries out to `count` sources. */
static void deal(const struct kit_model *model, struct kit_rng *rng, struct lsm_source **sources,
                 size_t count) {
    for (size_t i = 0; i < count; i++) {
        sources[i] = &array_source(model->count)->base;
    }
    for (size_t i = 0; i < model->count; i++) {
        struct kit_model *to = &self(sources[kit_below(rng, count)])->model;
        to->entries[to->count++] = model->entries[i];
    }
}

static void random_moves_agree_with_a_sorted_array(void **state) {
    (void)state;
    struct kit_rng rng = {seed};
    for (size_t round = 0; round < 60; round++) {
        struct kit_model model;
        kit_model_init(&model);
        struct kit_shape shape = {.keys = 1 + (size_t)kit_below(&rng, 300),
                                  .versions = 5,
                                  .key_max = 1 + (uint32_t)kit_below(&rng, 12),
                                  .value_max = 8,
                                  .dense = round % 2 == 0,
                                  .prefix = round % 3 == 0 ? "common-prefix" : NULL};
        kit_model_fill(&model, &rng, &shape);
        struct lsm_source *sources[9];
        size_t count = 1 + (size_t)kit_below(&rng, 9);
        deal(&model, &rng, sources, count);
        struct lsm_source *merge = lsm_merge_create(sources, count);
        assert_non_null(merge);
        kit_check_walk(merge, &model, false);
        kit_check_walk(merge, &model, true);
        kit_check_moves(merge, &model, &rng, 2000);
        merge->ops->destroy(merge);
        kit_model_free(&model);
    }
}

static void no_inputs_is_empty(void **state) {
    (void)state;
    struct lsm_source *merge = lsm_merge_create(NULL, 0);
    assert_non_null(merge);
    merge->ops->first(merge);
    assert_false(merge->valid);
    assert_int_equal(merge->status, 0);
    merge->ops->seek(merge, (const uint8_t *)"k", 1, 1);
    assert_false(merge->valid);
    merge->ops->destroy(merge);
}

static void a_failing_input_ends_the_merge_with_its_status(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 1};
    struct kit_model model;
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 200, .versions = 2, .key_max = 6, .value_max = 4};
    kit_model_fill(&model, &rng, &shape);
    for (size_t fail_after = 0; fail_after < 30; fail_after++) {
        struct lsm_source *sources[4];
        deal(&model, &rng, sources, 4);
        self(sources[fail_after % 4])->fail_after = fail_after;
        struct lsm_source *merge = lsm_merge_create(sources, 4);
        size_t steps = 0;
        bool backward = fail_after % 2 == 1;
        (backward ? merge->ops->last : merge->ops->first)(merge);
        for (; merge->valid; steps++) {
            (backward ? merge->ops->prev : merge->ops->next)(merge);
        }
        assert_int_equal(merge->status, LSM_ERR_IO);
        assert_true(steps < model.count);
        merge->ops->first(merge); /* the input fails again: so does the merge */
        assert_false(merge->valid);
        assert_int_equal(merge->status, LSM_ERR_IO);
        self(sources[fail_after % 4])->fail_after = SIZE_MAX;
        kit_check_walk(merge, &model, false); /* a new positioning starts afresh */
        merge->ops->destroy(merge);
    }
    kit_model_free(&model);
}

static void a_failure_while_turning_is_not_the_end(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 2};
    struct kit_model model;
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 100, .versions = 1, .key_max = 6, .value_max = 4};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_source *sources[3];
    deal(&model, &rng, sources, 3);
    struct lsm_source *merge = lsm_merge_create(sources, 3);
    merge->ops->seek(merge, model.entries[50].key, model.entries[50].key_size, LSM_SEQ_MAX);
    assert_true(merge->valid);
    for (size_t i = 0; i < 3; i++) {
        self(sources[i])->fail_after = 0;
    }
    merge->ops->prev(merge);
    assert_false(merge->valid);
    assert_int_equal(merge->status, LSM_ERR_IO);
    merge->ops->destroy(merge);
    kit_model_free(&model);
}

/* The same version may be seen through two inputs: both directions must see the same sequence. */
static void equal_entries_keep_the_inputs_order(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 3};
    struct kit_model model, doubled;
    kit_model_init(&model);
    kit_model_init(&doubled);
    struct kit_shape shape = {.keys = 60, .versions = 2, .key_max = 3, .value_max = 0};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_source *sources[3];
    for (size_t i = 0; i < 3; i++) {
        sources[i] = &array_source(model.count)->base;
    }
    doubled.entries = malloc(3 * model.count * sizeof(struct lsm_entry));
    assert_non_null(doubled.entries);
    for (size_t i = 0; i < model.count; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct kit_model *to = &self(sources[j])->model;
            if (kit_below(&rng, 2) == 0 || j == i % 3) {
                struct lsm_entry entry = model.entries[i];
                entry.value = (const uint8_t *)"012" + j; /* tells the input */
                entry.value_size = 1;
                entry.type = LSM_TYPE_PUT;
                to->entries[to->count++] = entry;
                doubled.entries[doubled.count++] = entry;
            }
        }
    }
    struct lsm_source *merge = lsm_merge_create(sources, 3);
    kit_check_walk(merge, &doubled, false);
    kit_check_walk(merge, &doubled, true);
    /* Back and forth over every border. */
    for (size_t i = 1; i < doubled.count; i++) {
        merge->ops->first(merge);
        for (size_t j = 0; j < i; j++) {
            merge->ops->next(merge);
        }
        merge->ops->prev(merge);
        assert_true(merge->valid);
        kit_assert_equal(merge->entry, &doubled.entries[i - 1]);
        merge->ops->next(merge);
        assert_true(merge->valid);
        kit_assert_equal(merge->entry, &doubled.entries[i]);
    }
    merge->ops->destroy(merge);
    free(doubled.entries);
    kit_model_free(&model);
}

static void destroy_reaches_every_input(void **state) {
    (void)state;
    struct lsm_source *sources[5];
    for (size_t i = 0; i < 5; i++) {
        sources[i] = &array_source(0)->base;
    }
    destroyed = 0;
    struct lsm_source *merge = lsm_merge_create(sources, 5);
    merge->ops->destroy(merge);
    assert_int_equal(destroyed, 5);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_moves_agree_with_a_sorted_array),
        cmocka_unit_test(no_inputs_is_empty),
        cmocka_unit_test(a_failing_input_ends_the_merge_with_its_status),
        cmocka_unit_test(a_failure_while_turning_is_not_the_end),
        cmocka_unit_test(equal_entries_keep_the_inputs_order),
        cmocka_unit_test(destroy_reaches_every_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
