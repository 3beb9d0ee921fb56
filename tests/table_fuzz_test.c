/* table_fuzz_test.c: some thousands of mutated table files through the fuzzer's entry point, and
 * what checksums cannot tell: a file that is wrong and sealed. */
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
        options.codec = (enum lsm_codec)(id % 3);
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

/* One entry, changed at `at` from the place that `records` chooses, sealed again; what opening and
 * verifying say. */
static int altered(struct kit *kit, bool records, size_t at, uint8_t byte, char text[512]) {
    struct kit_model model;
    struct lsm_table_meta meta;
    struct lsm_table *table;
    struct lsm_fault fault = {0};
    struct lsm_table_footer footer;
    struct lsm_table_stat stat;
    struct lsm_table_writer_options options = kit_options(512, 0.01);
    char path[128];
    size_t size;
    kit_model_init(&model);
    kit_model_add(&model, "k", 1, 1, LSM_TYPE_PUT, "v", 1);
    kit_build(kit, 1, model.entries, model.count, &options, &meta);
    kit_path(kit, 1, path);
    uint8_t *file = kit_slurp(path, &size);
    memcpy(&footer, file + size - sizeof footer, sizeof footer);
    memcpy(&stat, file + footer.info.offset, sizeof stat);
    file[(records ? stat.records.offset : 0) + at] = byte;
    seal(file, size);
    kit_spill(path, file, size);
    free(file);
    int rc = lsm_table_open(kit->io, path, 1, kit->cache, NULL, &table, &fault);
    if (rc == 0) {
        rc = lsm_table_verify(table, NULL, &fault);
        lsm_table_release(table);
    }
    snprintf(text, 512, "%s", fault.text);
    unlink(path);
    kit_meta_free(&meta);
    kit_model_free(&model);
    return rc;
}

static void what_is_sealed_may_still_be_wrong(void **state) {
    (void)state;
    struct kit kit;
    char text[512];
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    assert_int_equal(altered(&kit, false, LSM_BLOCK_HEADER + 3, 'k', text), 0); /* as it was */
    size_t codec = offsetof(struct lsm_index_record, codec);
    assert_int_equal(altered(&kit, true, codec, 200, text), LSM_ERR_VERSION);
    assert_non_null(strstr(text, "compressed"));
    /* A known codec, but nothing was saved by it. */
    assert_int_equal(altered(&kit, true, codec, LSM_CODEC_LZ4, text), LSM_ERR_CORRUPT);
    size_t raw = offsetof(struct lsm_index_record, raw_length);
    assert_int_equal(altered(&kit, true, raw, 1, text), LSM_ERR_CORRUPT);
    /* A byte of the window behind the key's end: walks do not see it, searches do. */
    assert_int_equal(altered(&kit, false, LSM_BLOCK_HEADER, 1, text), LSM_ERR_CORRUPT);
    assert_non_null(strstr(text, "not found by its key"));
    kit_close(&kit);
}

/* Keys before the records, and these at no multiple of anything: sealed, so it is a table. */
static uint8_t *with_sections_exchanged(const uint8_t *file, size_t size, size_t *new_size) {
    enum { GAP = 3 };
    struct lsm_table_footer footer;
    struct lsm_table_stat stat;
    memcpy(&footer, file + size - sizeof footer, sizeof footer);
    memcpy(&stat, file + footer.info.offset, sizeof stat);
    uint8_t *made = calloc(1, size + GAP);
    assert_non_null(made);
    memcpy(made, file, stat.records.offset);
    memcpy(made + footer.info.offset + GAP, file + footer.info.offset, size - footer.info.offset);
    uint64_t at = stat.records.offset;
    memcpy(made + at, file + stat.keys.offset, stat.keys.length);
    memcpy(made + at + stat.keys.length + GAP, file + at, stat.records.length);
    stat.records.offset = at + stat.keys.length + GAP;
    stat.keys.offset = at;
    footer.info.offset += GAP;
    *new_size = size + GAP;
    memcpy(made + footer.info.offset, &stat, sizeof stat);
    memcpy(made + *new_size - sizeof footer, &footer, sizeof footer);
    seal(made, *new_size);
    return made;
}

/* Whatever the table's info says of where its sections lie. */
static void a_mapping_reaches_to_the_end_of_the_blocks(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 21};
    struct kit_model model;
    struct lsm_table_meta meta;
    struct lsm_table *table;
    struct lsm_fault fault = {0};
    char path[128];
    size_t size, new_size;
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 2000, .versions = 1, .key_max = 12, .value_max = 100};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    kit_build(&kit, 1, model.entries, model.count, &options, &meta);
    kit_path(&kit, 1, path);
    uint8_t *whole = kit_slurp(path, &size);
    uint8_t *exchanged = with_sections_exchanged(whole, size, &new_size);
    kit_spill(path, exchanged, new_size);
    assert_int_equal(lsm_table_open(kit.io, path, 1, kit.cache, NULL, &table, &fault), 0);
    table->fresh = true;
    lsm_table_map(table);
    assert_non_null(table->map);
    assert_ptr_equal(table->index.records, table->map + table->stat.records.offset);
    assert_int_equal(lsm_table_verify(table, NULL, &fault), 0);
    struct lsm_source *source = lsm_table_source(table, NULL, true, NULL);
    assert_non_null(source);
    kit_check_walk(source, &model, false);
    source->ops->destroy(source);
    free(whole);
    free(exchanged);
    kit_meta_free(&meta);
    kit_model_free(&model);
    kit_close(&kit);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutated_tables_are_refused_or_read_without_harm),
        cmocka_unit_test(random_bytes_are_no_table),
        cmocka_unit_test(what_is_sealed_may_still_be_wrong),
        cmocka_unit_test(a_mapping_reaches_to_the_end_of_the_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
