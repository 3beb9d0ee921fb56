/* table_test.c: tables as wholes: what was written is found, in every order, through every path,
 * by many threads; what fails is reported. Damage is table_damage_test's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim_io.h"
#include "table_format.h"
#include "table_kit.h"

static uint64_t seed;

static uint64_t counted(const struct kit *kit, enum lsm_counter counter) {
    return lsm_counters_sum(kit->counters, counter);
}

/* lsm_table_get beside the model. */
static void check_get(struct kit *kit, struct lsm_table *table, const struct kit_model *model,
                      const uint8_t *key, size_t size, uint64_t seq) {
    struct lsm_fault fault;
    struct lsm_entry entry;
    struct lsm_pin *pin = NULL;
    int rc = lsm_table_get(table, key, size, seq, true, kit->slot, &entry, &pin, &fault);
    size_t at = kit_model_find(model, key, size, seq);
    const struct lsm_entry *expected = at < model->count ? &model->entries[at] : NULL;
    if (expected == NULL || expected->key_size != size || memcmp(expected->key, key, size) != 0) {
        assert_int_equal(rc, LSM_NOT_FOUND);
        assert_null(pin);
        return;
    }
    assert_int_equal(rc, 0);
    kit_assert_equal(&entry, expected);
    pin->release(pin);
}

static void check_gets(struct kit *kit, struct lsm_table *table, const struct kit_model *model,
                       struct kit_rng *rng, size_t count) {
    uint8_t key[4096];
    for (size_t i = 0; i < count; i++) {
        size_t size = kit_model_probe(model, rng, key, sizeof key);
        uint64_t seq = model->entries[kit_below(rng, model->count)].seq - kit_below(rng, 2);
        check_get(kit, table, model, key, size, kit_below(rng, 2) == 0 ? LSM_SEQ_MAX : seq);
    }
    for (size_t i = 0; i < model->count; i++) {
        const struct lsm_entry *entry = &model->entries[i];
        check_get(kit, table, model, entry->key, entry->key_size, entry->seq);
    }
}

static void check_sources(struct kit *kit, const struct lsm_table_meta *meta,
                          const struct kit_model *model, struct kit_rng *rng) {
    for (int ahead = 0; ahead < 2; ahead++) {
        struct lsm_source *source =
            lsm_table_source(kit_table(kit, meta), ahead ? kit->queue : NULL, true, kit->slot);
        assert_non_null(source);
        kit_check_walk(source, model, false);
        kit_check_walk(source, model, true);
        kit_check_moves(source, model, rng, 600);
        source->ops->destroy(source);
        assert_int_equal(lsm_queue_in_flight(kit->queue), 0);
    }
}

static void check_meta(const struct lsm_table_meta *meta, const struct kit_model *model) {
    uint64_t tombstones = 0;
    uint64_t seq_min = UINT64_MAX;
    uint64_t seq_max = 0;
    uint64_t key_bytes = 0;
    uint64_t value_bytes = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct lsm_entry *entry = &model->entries[i];
        tombstones += entry->type == LSM_TYPE_DELETE;
        seq_min = entry->seq < seq_min ? entry->seq : seq_min;
        seq_max = entry->seq > seq_max ? entry->seq : seq_max;
        key_bytes += entry->key_size;
        value_bytes += entry->value_size;
    }
    assert_int_equal(meta->entries, model->count);
    assert_int_equal(meta->tombstones, tombstones);
    assert_int_equal(meta->seq_min, seq_min);
    assert_int_equal(meta->seq_max, seq_max);
    assert_int_equal(meta->key_bytes, key_bytes);
    assert_int_equal(meta->value_bytes, value_bytes);
    const struct lsm_entry *first = &model->entries[0];
    const struct lsm_entry *last = &model->entries[model->count - 1];
    assert_int_equal(meta->first_key_size, first->key_size);
    assert_memory_equal(meta->first_key, first->key, first->key_size);
    assert_int_equal(meta->last_key_size, last->key_size);
    assert_memory_equal(meta->last_key, last->key, last->key_size);
}

/* Builds a table of a random shape and looks at it from all sides. */
static void check_shape(struct kit *kit, struct kit_rng *rng, uint64_t id,
                        const struct kit_shape *shape, uint32_t block_bytes, double fpr) {
    struct lsm_fault fault;
    struct lsm_table_meta meta;
    struct kit_model model;
    kit_model_init(&model);
    kit_model_fill(&model, rng, shape);
    struct lsm_table_writer_options options = kit_options(block_bytes, fpr);
    options.size_hint = kit_below(rng, 2) == 0 ? 0 : kit_below(rng, 1 << 22);
    options.direct_io = kit_below(rng, 2) == 0;
    kit_build(kit, id, model.entries, model.count, &options, &meta);
    check_meta(&meta, &model);
    char path[128];
    struct stat file;
    kit_path(kit, id, path);
    if (kit->own_io) {
        assert_int_equal(stat(path, &file), 0);
        assert_int_equal(file.st_size, meta.bytes);
    }
    struct lsm_table *table = kit_table(kit, &meta);
    check_gets(kit, table, &model, rng, 2000);
    assert_int_equal(lsm_table_verify(table, &meta, &fault), 0);
    lsm_table_release(table);
    check_sources(kit, &meta, &model, rng);
    lsm_tables_evict(kit->tables, id);
    assert_int_equal(lsm_block_cache_bytes(kit->cache), 0);
    kit_meta_free(&meta);
    kit_model_free(&model);
}

static void check_shapes(struct kit *kit, struct kit_rng *rng) {
    static const uint32_t block_bytes[] = {512, 4096, 65536, 1};
    static const double fpr[] = {0.01, 0, 0.2, 0.0001};
    for (uint64_t id = 1; id <= 16; id++) {
        struct kit_shape shape = {
            .keys = 1 + (size_t)kit_below(rng, 1500),
            .versions = id % 3 == 0 ? 60 : 1 + (uint32_t)kit_below(rng, 3),
            .key_max = id % 5 == 0 ? 600 : 1 + (uint32_t)kit_below(rng, 20),
            .value_max = id % 4 == 0 ? 3000 : (uint32_t)kit_below(rng, 200),
            .seq_base = kit_below(rng, 1 << 20),
            .dense = id % 2 == 0,
            .prefix = id % 3 == 1 ? "users/eu-west/" : NULL,
        };
        shape.keys = shape.versions == 60 ? shape.keys / 20 + 1 : shape.keys;
        check_shape(kit, rng, id, &shape, block_bytes[id % 4], fpr[id / 4 % 4]);
    }
}

static void what_was_written_is_found_on_io_uring_or_its_fallback(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed};
    kit_open(&kit, LSM_IO_AUTO, 8 << 20);
    check_shapes(&kit, &rng);
    kit_close(&kit);
}

static void what_was_written_is_found_on_posix_without_a_cache(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 1};
    kit_open(&kit, LSM_IO_POSIX, 0);
    check_shapes(&kit, &rng);
    kit_close(&kit);
}

static void what_was_written_is_found_on_the_simulated_disk(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 2};
    struct lsm_io *io = sim_create(seed);
    kit_open_on(&kit, io, "/", 1 << 20);
    check_shapes(&kit, &rng);
    kit_close(&kit);
    lsm_io_destroy(io);
}

/* Every request and file operation of building and reading fails once: an error comes back, nothing
 * leaks, nothing is taken for the end of the data. */
static void every_failing_operation_is_reported(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 3};
    struct kit_model model;
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 4000, .versions = 1, .key_max = 16, .value_max = 400};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    options.size_hint = 1 << 20;
    size_t failed = 0;
    for (uint64_t n = 1; n < 60; n++) {
        struct lsm_fault fault = {0};
        struct lsm_table_meta meta;
        struct lsm_table *table;
        struct kit kit;
        struct lsm_io *io = sim_create(seed + n);
        kit_open_on(&kit, io, "/", 1 << 20);
        sim_fail_at(io, sim_operations(io) + n, n % 2 == 0 ? EIO : ENOSPC);
        size_t seen = 0;
        int rc = kit_try_build(&kit, 1, model.entries, model.count, &options, &meta, &fault);
        if (rc == 0) {
            rc = lsm_tables_get(kit.tables, &meta, &table, &fault);
        }
        if (rc == 0) {
            struct lsm_source *source = lsm_table_source(table, kit.queue, true, NULL);
            for (source->ops->first(source); source->valid; source->ops->next(source)) {
                kit_assert_equal(source->entry, &model.entries[seen++]);
            }
            rc = source->status;
            if (rc != 0) {
                lsm_table_fault(table, &fault);
                assert_int_equal(fault.code, rc);
            } else {
                assert_int_equal(seen, model.count);
            }
            source->ops->destroy(source);
        }
        if (rc != 0) {
            failed++;
            assert_true(rc == LSM_ERR_IO || rc == LSM_ERR_NO_SPACE);
            assert_non_null(strstr(fault.text, "000001.sst"));
        }
        assert_int_equal(lsm_queue_in_flight(kit.queue), 0);
        kit_meta_free(&meta);
        kit_close(&kit);
        lsm_io_destroy(io);
    }
    assert_true(failed >= 10); /* creation, allocation, each write, truncate, sync, reads */
    kit_model_free(&model);
}

static void versions_of_one_key_over_many_blocks_are_told_apart(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 4};
    struct kit_model model;
    struct lsm_table_meta meta;
    kit_open(&kit, LSM_IO_AUTO, 1 << 20);
    kit_model_init(&model);
    for (uint64_t seq = 10; seq < 4000; seq += 2) {
        kit_model_add(&model, "same", 4, seq, LSM_TYPE_PUT, &seq, sizeof seq);
    }
    kit_model_add(&model, "samd", 4, 5000, LSM_TYPE_PUT, "x", 1);
    kit_model_add(&model, "same\0", 5, 5001, LSM_TYPE_PUT, "y", 1);
    kit_model_sort(&model);
    struct lsm_table_writer_options options = kit_options(512, 0.01);
    kit_build(&kit, 7, model.entries, model.count, &options, &meta);
    struct lsm_table *table = kit_table(&kit, &meta);
    for (uint64_t seq = 0; seq < 4010; seq++) {
        check_get(&kit, table, &model, (const uint8_t *)"same", 4, seq);
    }
    /* Only the wanted block is searched: one probe for each get that passed the filter. */
    assert_true(counted(&kit, LSM_C_TABLE_PROBES) <= 4010);
    assert_int_equal(counted(&kit, LSM_C_BLOOM_FALSE_POSITIVES), 0);
    lsm_table_release(table);
    check_sources(&kit, &meta, &model, &rng);
    kit_meta_free(&meta);
    kit_model_free(&model);
    kit_close(&kit);
}

static void the_largest_key_and_value_fit(void **state) {
    (void)state;
    struct kit kit;
    struct kit_model model;
    struct lsm_table_meta meta;
    struct lsm_fault fault;
    kit_open(&kit, LSM_IO_AUTO, 1 << 20);
    kit_model_init(&model);
    char *key = malloc(LSM_KEY_SIZE_MAX);
    char *value = malloc(LSM_VALUE_SIZE_MAX);
    assert_non_null(key);
    assert_non_null(value);
    memset(key, 'k', LSM_KEY_SIZE_MAX);
    memset(value, 'v', LSM_VALUE_SIZE_MAX);
    kit_model_add(&model, "a", 1, 1, LSM_TYPE_PUT, "", 0);
    kit_model_add(&model, key, LSM_KEY_SIZE_MAX - 1, 2, LSM_TYPE_PUT, "small", 5);
    kit_model_add(&model, key, LSM_KEY_SIZE_MAX, 3, LSM_TYPE_PUT, value, LSM_VALUE_SIZE_MAX);
    kit_model_add(&model, key, LSM_KEY_SIZE_MAX, 2, LSM_TYPE_DELETE, "", 0);
    kit_model_add(&model, "z", 1, 4, LSM_TYPE_PUT, value, 3 << 20);
    kit_model_sort(&model);
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    kit_build(&kit, 1, model.entries, model.count, &options, &meta);
    struct lsm_table *table = kit_table(&kit, &meta);
    for (size_t i = 0; i < model.count; i++) {
        const struct lsm_entry *entry = &model.entries[i];
        check_get(&kit, table, &model, entry->key, entry->key_size, entry->seq);
    }
    assert_int_equal(lsm_table_verify(table, &meta, &fault), 0);
    lsm_table_release(table);
    struct lsm_source *source = lsm_table_source(kit_table(&kit, &meta), kit.queue, true, NULL);
    kit_check_walk(source, &model, false);
    kit_check_walk(source, &model, true);
    source->ops->destroy(source);
    kit_meta_free(&meta);
    kit_model_free(&model);
    free(key);
    free(value);
    kit_close(&kit);
}

static void a_filter_answers_for_absent_keys_without_a_block(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 5};
    struct kit_model model;
    struct lsm_table_meta meta;
    kit_open(&kit, LSM_IO_AUTO, 1 << 20);
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 20000, .versions = 1, .key_max = 16, .value_max = 16};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    kit_build(&kit, 1, model.entries, model.count, &options, &meta);
    struct lsm_table *table = kit_table(&kit, &meta);
    for (size_t i = 0; i < 20000; i++) {
        char key[32];
        int size = snprintf(key, sizeof key, "absent-%016zu-%zu", i, i);
        check_get(&kit, table, &model, (const uint8_t *)key, (size_t)size, LSM_SEQ_MAX);
    }
    uint64_t negatives = counted(&kit, LSM_C_BLOOM_NEGATIVES);
    uint64_t wrong = counted(&kit, LSM_C_BLOOM_FALSE_POSITIVES);
    assert_int_equal(counted(&kit, LSM_C_BLOOM_CHECKS), 20000);
    assert_int_equal(negatives + wrong, 20000);
    assert_true(wrong > 0 && wrong < 400);
    assert_true(counted(&kit, LSM_C_TABLE_PROBES) <= wrong);
    lsm_table_release(table);
    kit_meta_free(&meta);
    kit_model_free(&model);
    kit_close(&kit);
}

/* Deepest queue of building a table and of walking it, each on an io of its own. */
static void measure_depth(const struct kit_model *model, uint64_t io_seed, uint64_t *writing,
                          uint64_t *reading) {
    struct kit kit;
    struct lsm_table_meta meta;
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    struct lsm_io *io = sim_create(io_seed);
    sim_set_cut_mode(io, SIM_CUT_KEEP);
    kit_open_on(&kit, io, "/", 1 << 20);
    kit_build(&kit, 1, model->entries, model->count, &options, &meta);
    *writing = atomic_load(&lsm_io_counters(io)->depth_max);
    kit_close(&kit);
    sim_kill(io);
    struct lsm_io *again = sim_restart(io);
    lsm_io_destroy(io);
    kit_open_on(&kit, again, "/", 1 << 20);
    struct lsm_source *source = lsm_table_source(kit_table(&kit, &meta), kit.queue, true, NULL);
    kit_check_walk(source, model, false);
    source->ops->destroy(source);
    *reading = atomic_load(&lsm_io_counters(again)->depth_max);
    kit_close(&kit);
    lsm_io_destroy(again);
    kit_meta_free(&meta);
}

/* The simulated disk completes whatever it likes whenever it is asked, so a run in which it is
 * always quick may stay shallow: one of several must not. */
static void output_and_read_ahead_keep_several_requests_in_flight(void **state) {
    (void)state;
    struct kit_rng rng = {seed + 6};
    struct kit_model model;
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 3000, .versions = 1, .key_max = 16, .value_max = 4000};
    kit_model_fill(&model, &rng, &shape);
    uint64_t deepest_write = 0;
    uint64_t deepest_read = 0;
    for (uint64_t i = 0; i < 20 && (deepest_write < 4 || deepest_read < 4); i++) {
        uint64_t writing, reading;
        measure_depth(&model, seed + i, &writing, &reading);
        deepest_write = writing > deepest_write ? writing : deepest_write;
        deepest_read = reading > deepest_read ? reading : deepest_read;
    }
    assert_true(deepest_write >= 4);
    assert_true(deepest_read >= 4);
    kit_model_free(&model);
}

/* ---- the table cache ---- */

static void open_tables_stay_within_their_number_and_missing_ones_are_named(void **state) {
    (void)state;
    struct kit kit;
    struct lsm_fault fault;
    struct lsm_table_meta meta[200];
    struct lsm_table *table;
    kit_open(&kit, LSM_IO_POSIX, 1 << 20);
    struct lsm_table_writer_options options = kit_options(512, 0.01);
    for (size_t i = 0; i < 200; i++) {
        char key[16];
        struct kit_model model;
        kit_model_init(&model);
        snprintf(key, sizeof key, "%05zu", i);
        kit_model_add(&model, key, 5, i + 1, LSM_TYPE_PUT, key, 5);
        kit_build(&kit, i + 1, model.entries, 1, &options, &meta[i]);
        kit_model_free(&model);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 200; i++) {
            char key[16];
            struct lsm_entry entry;
            struct lsm_pin *pin;
            snprintf(key, sizeof key, "%05zu", i);
            table = kit_table(&kit, &meta[i]);
            assert_int_equal(lsm_table_get(table, (const uint8_t *)key, 5, LSM_SEQ_MAX, true,
                                           kit.slot, &entry, &pin, &fault),
                             0);
            lsm_table_release(table);
            assert_memory_equal(entry.value, key, 5); /* the pin outlives the table's handle */
            pin->release(pin);
        }
    }
    struct stat fd;
    size_t open_files = 0;
    for (int i = 0; i < 1024; i++) {
        char link[64], to[256];
        snprintf(link, sizeof link, "/proc/self/fd/%d", i);
        ssize_t n = stat(link, &fd) == 0 ? readlink(link, to, sizeof to - 1) : -1;
        open_files += n > 4 && memcmp(to + n - 4, ".sst", 4) == 0;
    }
    assert_true(open_files <= 64 && open_files >= 32);
    char path[128];
    kit_path(&kit, 1, path);
    lsm_tables_evict(kit.tables, 1);
    assert_int_equal(remove(path), 0);
    assert_int_equal(lsm_tables_get(kit.tables, &meta[0], &table, &fault), LSM_ERR_IO);
    assert_non_null(strstr(fault.text, "000001.sst"));
    for (size_t i = 0; i < 200; i++) {
        kit_meta_free(&meta[i]);
    }
    kit_close(&kit);
}

/* ---- threads ---- */

enum { READERS = 4, SHARED_TABLES = 6 };

struct reader {
    pthread_t thread;
    struct kit *kit;
    struct lsm_table_meta *meta; /* SHARED_TABLES of the same model */
    const struct kit_model *model;
    uint64_t seed;
    size_t wrong;
};

static bool equal(const struct lsm_entry *a, const struct lsm_entry *b) {
    return lsm_entry_compare(a, b) == 0 && a->value_size == b->value_size &&
           memcmp(a->value, b->value, a->value_size) == 0;
}

static void read_once(struct reader *reader, struct kit_rng *rng, struct lsm_counter_slot *slot) {
    struct lsm_fault fault;
    struct lsm_table *table;
    struct lsm_entry entry;
    struct lsm_pin *pin;
    size_t at = (size_t)kit_below(rng, reader->model->count);
    const struct lsm_entry *wanted = &reader->model->entries[at];
    const struct lsm_table_meta *meta = &reader->meta[kit_below(rng, SHARED_TABLES)];
    if (kit_below(rng, 50) == 0) {
        lsm_tables_evict(reader->kit->tables, meta->id);
    }
    if (lsm_tables_get(reader->kit->tables, meta, &table, &fault) != 0) {
        reader->wrong++;
        return;
    }
    if (kit_below(rng, 4) != 0) {
        if (lsm_table_get(table, wanted->key, wanted->key_size, wanted->seq, true, slot, &entry,
                          &pin, &fault) == 0) {
            reader->wrong += !equal(&entry, wanted);
            pin->release(pin);
        } else {
            reader->wrong++;
        }
        lsm_table_release(table);
        return;
    }
    struct lsm_source *source = lsm_table_source(table, NULL, kit_below(rng, 2) == 0, slot);
    source->ops->seek(source, wanted->key, wanted->key_size, wanted->seq);
    for (size_t i = at; i < at + 30 && i < reader->model->count; i++) {
        reader->wrong += !source->valid || !equal(source->entry, &reader->model->entries[i]);
        source->ops->next(source);
    }
    source->ops->destroy(source);
}

static void *read_all_the_time(void *argument) {
    struct reader *reader = argument;
    struct kit_rng rng = {reader->seed};
    struct lsm_counter_slot *slot = lsm_counters_slot(reader->kit->counters);
    for (size_t i = 0; i < 1500; i++) {
        read_once(reader, &rng, slot);
    }
    return NULL;
}

static void threads_share_tables_while_others_evict_them(void **state) {
    (void)state;
    struct kit kit;
    struct kit_rng rng = {seed + 9};
    struct kit_model model;
    struct lsm_table_meta meta[SHARED_TABLES];
    struct reader readers[READERS];
    kit_open(&kit, LSM_IO_AUTO, 256 << 10);
    kit_model_init(&model);
    struct kit_shape shape = {.keys = 2000, .versions = 2, .key_max = 16, .value_max = 100};
    kit_model_fill(&model, &rng, &shape);
    struct lsm_table_writer_options options = kit_options(1024, 0.01);
    for (uint64_t i = 0; i < SHARED_TABLES; i++) {
        kit_build(&kit, i + 1, model.entries, model.count, &options, &meta[i]);
    }
    for (size_t i = 0; i < READERS; i++) {
        readers[i] =
            (struct reader){.kit = &kit, .meta = meta, .model = &model, .seed = seed + 100 + i};
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all_the_time, &readers[i]),
                         0);
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].wrong, 0);
    }
    for (size_t i = 0; i < SHARED_TABLES; i++) {
        lsm_tables_evict(kit.tables, meta[i].id);
        kit_meta_free(&meta[i]);
    }
    kit_model_free(&model);
    kit_close(&kit);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_found_on_io_uring_or_its_fallback),
        cmocka_unit_test(what_was_written_is_found_on_posix_without_a_cache),
        cmocka_unit_test(what_was_written_is_found_on_the_simulated_disk),
        cmocka_unit_test(every_failing_operation_is_reported),
        cmocka_unit_test(versions_of_one_key_over_many_blocks_are_told_apart),
        cmocka_unit_test(the_largest_key_and_value_fit),
        cmocka_unit_test(a_filter_answers_for_absent_keys_without_a_block),
        cmocka_unit_test(output_and_read_ahead_keep_several_requests_in_flight),
        cmocka_unit_test(open_tables_stay_within_their_number_and_missing_ones_are_named),
        cmocka_unit_test(threads_share_tables_while_others_evict_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
