/* table_damage_test.c: a damaged, cut, grown or foreign table file is refused with its place; no
 * single flipped bit goes unseen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "table_kit.h"

static uint64_t seed;

static void opening_and_walking(struct kit *kit, const struct lsm_table_meta *meta,
                                const struct kit_model *model, bool *detected) {
    struct lsm_fault fault = {0};
    struct lsm_table *table;
    int rc = lsm_tables_get(kit->tables, meta, &table, &fault);
    if (rc == 0) {
        rc = lsm_table_verify(table, meta, &fault);
        struct lsm_source *source = lsm_table_source(table, NULL, true, NULL);
        size_t seen = 0;
        for (source->ops->first(source); source->valid; source->ops->next(source)) {
            kit_assert_equal(source->entry, &model->entries[seen++]);
        }
        assert_true(source->status == LSM_ERR_CORRUPT || seen == model->count);
        assert_true(source->status == 0 || rc != 0); /* verify sees at least as much */
        source->ops->destroy(source);
    }
    *detected = rc != 0;
    if (rc != 0) {
        assert_true(rc == LSM_ERR_CORRUPT || rc == LSM_ERR_VERSION);
        assert_non_null(strstr(fault.text, "000001.sst"));
        assert_non_null(strstr(fault.text, "offset"));
    }
    lsm_tables_evict(kit->tables, meta->id);
}

static void any_flipped_bit_is_found(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 7};
    struct kit_model model;
    struct lsm_table_meta meta;
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 60, .versions = 2, .key_max = 8, .value_max = 20};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_table_writer_options options = kit_options(512, 0.01);
    kit_build(&kit, 1, model.entries, model.count, &options, &meta);
    char path[128];
    size_t size;
    kit_path(&kit, 1, path);
    uint8_t *whole = kit_slurp(path, &size);
    for (size_t i = 0; i < size; i++) {
        bool detected;
        uint8_t bit = (uint8_t)(1u << kit_below(&rng, 8));
        whole[i] ^= bit;
        kit_spill(path, whole, size);
        opening_and_walking(&kit, &meta, &model, &detected);
        if (!detected) {
            fail_msg("a flipped bit %#x at %zu of %zu went unseen", bit, i, size);
        }
        whole[i] ^= bit;
    }
    free(whole);
    kit_meta_free(&meta);
    kit_model_free(&model);
    kit_close(&kit);
}

static void a_cut_or_grown_or_foreign_file_is_refused(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 8};
    struct kit_model model;
    struct lsm_table_meta meta, other;
    bool detected;
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 200, .versions = 2, .key_max = 8, .value_max = 20};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_table_writer_options options = kit_options(512, 0.01);
    kit_build(&kit, 1, model.entries, model.count, &options, &meta);
    kit_build(&kit, 2, model.entries + 1, model.count - 1, &options, &other);
    char path[128], other_path[128];
    size_t size, other_size;
    kit_path(&kit, 1, path);
    kit_path(&kit, 2, other_path);
    uint8_t *whole = kit_slurp(path, &size);
    for (size_t i = 0; i < 300; i++) {
        kit_spill(path, whole, i < 100 ? i : (size_t)kit_below(&rng, size));
        opening_and_walking(&kit, &meta, &model, &detected);
        assert_true(detected);
    }
    uint8_t *grown = calloc(1, size + 100);
    memcpy(grown, whole, size);
    kit_spill(path, grown, size + 100);
    opening_and_walking(&kit, &meta, &model, &detected);
    assert_true(detected);
    memcpy(grown + 64, whole, size); /* the right footer at the wrong offset */
    kit_spill(path, grown, size + 64);
    opening_and_walking(&kit, &meta, &model, &detected);
    assert_true(detected);
    uint8_t *stranger = kit_slurp(other_path, &other_size);
    kit_spill(path, stranger, other_size);
    opening_and_walking(&kit, &meta, &model, &detected);
    assert_true(detected);
    kit_spill(path, whole, size);
    opening_and_walking(&kit, &meta, &model, &detected);
    assert_false(detected);
    free(whole);
    free(grown);
    free(stranger);
    kit_meta_free(&meta);
    kit_meta_free(&other);
    kit_model_free(&model);
    kit_close(&kit);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_flipped_bit_is_found),
        cmocka_unit_test(a_cut_or_grown_or_foreign_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
