/* table_fuzz_test.c: some thousands of mutated table files through the fuzzer's entry point. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "fuzz_table.c"
#include "table_kit.h"

static uint64_t seed;

/* A few bytes changed, mostly in the tail, where the structure is; now and then a cut. */
static size_t mutate(struct kit_rng *rng, uint8_t *file, size_t size) {
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 16, 255};
    for (uint64_t i = 1 + kit_below(rng, 4); i > 0; i--) {
        size_t from = kit_below(rng, 3) == 0 ? 0 : size - size / 4;
        size_t at = from + (size_t)kit_below(rng, size - from);
        file[at] = kit_below(rng, 2) == 0 ? edges[kit_below(rng, 8)] : (uint8_t)kit_random(rng);
    }
    if (kit_below(rng, 50) == 0) {
        size_t cut = (size_t)kit_below(rng, size);
        memmove(file + cut / 2, file + cut, size - cut);
        size -= cut - cut / 2;
    }
    return size;
}

static void mutated_tables_are_refused_or_read_without_harm(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed};
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    for (uint64_t id = 1; id <= 4; id++) {
        struct lsm_table_meta meta;
        struct kit_model model;
        kit_model_init(&model);
        struct kit_shape shape = {.keys = id == 1 ? 1 : 150,
                                  .versions = 3,
                                  .key_max = 10,
                                  .value_max = 30,
                                  .dense = id == 2};
        kit_model_fill(&model, &rng, &shape);
        struct lsm_table_writer_options options = kit_options(512, id == 3 ? 0 : 0.1);
        kit_build(&kit, id, model.entries, model.count, &options, &meta);
        char path[128];
        size_t size;
        kit_path(&kit, id, path);
        uint8_t *whole = kit_slurp(path, &size);
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        LLVMFuzzerTestOneInput(whole, size);
        for (size_t i = 0; i < 1000; i++) {
            memcpy(copy, whole, size);
            size_t mutated = mutate(&rng, copy, size);
            LLVMFuzzerTestOneInput(copy, mutated);
        }
        free(copy);
        free(whole);
        kit_meta_free(&meta);
        kit_model_free(&model);
    }
    kit_close(&kit);
}

static void random_bytes_are_no_table(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 1};
    uint8_t bytes[600];
    for (size_t i = 0; i < 300; i++) {
        size_t size = (size_t)kit_below(&rng, sizeof bytes);
        for (size_t j = 0; j < size; j++) {
            bytes[j] = (uint8_t)kit_random(&rng);
        }
        LLVMFuzzerTestOneInput(bytes, size);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_tables_are_refused_or_read_without_harm),
        cmocka_unit_test(random_bytes_are_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
