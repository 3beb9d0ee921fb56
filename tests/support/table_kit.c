#include "table_kit.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "filter.h"
#include "manifest.h"
#include "splitmix.h"

uint64_t kit_seed(const char *program) {
    const char *given = getenv("LSM_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0)
                                  : (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
    printf("seed %" PRIu64 "; to repeat: LSM_TEST_SEED=%" PRIu64 " %s\n", seed, seed, program);
    return seed;
}

uint64_t kit_random(struct kit_rng *rng) {
    return splitmix_next(&rng->state);
}

uint64_t kit_below(struct kit_rng *rng, uint64_t limit) {
    return kit_random(rng) % limit;
}

/* ---- the model ---- */

void kit_model_init(struct kit_model *model) {
    *model = (struct kit_model){0};
}

void kit_model_free(struct kit_model *model) {
    for (size_t i = 0; i < model->count; i++) {
        free((void *)(uintptr_t)model->entries[i].key);
        free((void *)(uintptr_t)model->entries[i].value);
    }
    free(model->entries);
    kit_model_init(model);
}

static uint8_t *copy_of(const void *data, size_t size) {
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

void kit_model_add(struct kit_model *model, const char *key, size_t key_size, uint64_t seq,
                   enum lsm_type type, const void *value, size_t value_size) {
    if (model->count == model->capacity) {
        model->capacity = model->capacity == 0 ? 256 : model->capacity * 2;
        model->entries = realloc(model->entries, model->capacity * sizeof *model->entries);
        assert_non_null(model->entries);
    }
    model->entries[model->count++] =
        (struct lsm_entry){copy_of(key, key_size),     (uint32_t)key_size, type, seq,
                           copy_of(value, value_size), value_size};
}

static int compare_entries(const void *a, const void *b) {
    return lsm_entry_compare(a, b);
}

void kit_model_sort(struct kit_model *model) {
    qsort(model->entries, model->count, sizeof *model->entries, compare_entries);
    size_t kept = 0;
    for (size_t i = 0; i < model->count; i++) {
        if (kept != 0 && lsm_entry_compare(&model->entries[kept - 1], &model->entries[i]) == 0) {
            free((void *)(uintptr_t)model->entries[i].key);
            free((void *)(uintptr_t)model->entries[i].value);
        } else {
            model->entries[kept++] = model->entries[i];
        }
    }
    model->count = kept;
}

static size_t random_key(struct kit_rng *rng, const struct kit_shape *shape, uint8_t *key) {
    size_t prefix = shape->prefix != NULL ? strlen(shape->prefix) : 0;
    memcpy(key, shape->prefix != NULL ? shape->prefix : "", prefix);
    size_t size = 1 + (size_t)kit_below(rng, shape->key_max);
    for (size_t i = 0; i < size; i++) {
        uint64_t r = kit_random(rng);
        key[prefix + i] = (uint8_t)(shape->dense ? "a\xff\0"[r % 3] : (int)(r & 0xff));
    }
    return prefix + size;
}

void kit_model_fill(struct kit_model *model, struct kit_rng *rng, const struct kit_shape *shape) {
    uint8_t *key = malloc((size_t)shape->key_max + 64);
    uint8_t *value = malloc((size_t)shape->value_max + 1);
    assert_non_null(key);
    assert_non_null(value);
    uint64_t seq = shape->seq_base;
    for (size_t i = 0; i < shape->keys; i++) {
        size_t key_size = random_key(rng, shape, key);
        size_t versions = 1 + (size_t)kit_below(rng, shape->versions);
        for (size_t v = 0; v < versions; v++) {
            seq += 1 + kit_below(rng, 3);
            bool put = kit_below(rng, 5) != 0;
            size_t size = put ? (size_t)kit_below(rng, (uint64_t)shape->value_max + 1) : 0;
            memset(value, (int)(seq & 0xff), size);
            kit_model_add(model, (const char *)key, key_size, seq,
                          put ? LSM_TYPE_PUT : LSM_TYPE_DELETE, value, size);
        }
    }
    free(key);
    free(value);
    kit_model_sort(model);
}

size_t kit_model_find(const struct kit_model *model, const uint8_t *key, size_t key_size,
                      uint64_t seq) {
    struct lsm_entry target = {.key = key, .key_size = (uint32_t)key_size, .seq = seq};
    size_t low = 0;
    size_t high = model->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (lsm_entry_compare(&model->entries[middle], &target) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t kit_model_probe(const struct kit_model *model, struct kit_rng *rng, uint8_t *key,
                       size_t room) {
    const struct lsm_entry *entry = &model->entries[kit_below(rng, model->count)];
    size_t size = entry->key_size;
    assert_true(size < room);
    memcpy(key, entry->key, size);
    switch (kit_below(rng, 6)) {
    case 0:
        key[kit_below(rng, size)] = (uint8_t)kit_random(rng);
        break;
    case 1:
        key[size++] = (uint8_t)(kit_below(rng, 2) == 0 ? 0 : kit_random(rng));
        break;
    case 2:
        size = 1 + (size_t)kit_below(rng, size);
        break;
    case 3:
        key[size - 1] = (uint8_t)(key[size - 1] + 1);
        break;
    default:
        break;
    }
    return size;
}

void kit_assert_equal(const struct lsm_entry *a, const struct lsm_entry *b) {
    assert_int_equal(a->key_size, b->key_size);
    assert_memory_equal(a->key, b->key, a->key_size);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->value_size, b->value_size);
    if (a->value_size != 0) {
        assert_memory_equal(a->value, b->value, a->value_size);
    }
}

/* ---- sources beside the model ---- */

static void check_stand(const struct lsm_source *source, const struct kit_model *model, size_t at) {
    assert_int_equal(source->status, 0);
    if (at >= model->count) {
        assert_false(source->valid);
        return;
    }
    assert_true(source->valid);
    kit_assert_equal(source->entry, &model->entries[at]);
}

void kit_check_walk(struct lsm_source *source, const struct kit_model *model, bool backward) {
    if (backward) {
        source->ops->last(source);
        for (size_t i = model->count; i-- > 0; source->ops->prev(source)) {
            check_stand(source, model, i);
        }
    } else {
        source->ops->first(source);
        for (size_t i = 0; i < model->count; i++, source->ops->next(source)) {
            check_stand(source, model, i);
        }
    }
    check_stand(source, model, SIZE_MAX);
}

/* `at` is SIZE_MAX before the first entry and count behind the last: both are "not valid". */
void kit_check_moves(struct lsm_source *source, const struct kit_model *model, struct kit_rng *rng,
                     size_t moves) {
    uint8_t key[4096];
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < moves; i++) {
        uint64_t move = kit_below(rng, 20);
        if (move < 8 && source->valid) {
            source->ops->next(source);
            at++;
        } else if (move < 16 && source->valid) {
            source->ops->prev(source);
            at--;
        } else if (move == 16) {
            source->ops->first(source);
            at = 0;
        } else if (move == 17) {
            source->ops->last(source);
            at = model->count - 1;
        } else {
            size_t size = kit_model_probe(model, rng, key, sizeof key);
            uint64_t top = model->entries[kit_below(rng, model->count)].seq;
            uint64_t seq = move == 18 ? LSM_SEQ_MAX : top;
            bool aims = source->ops->aim != NULL && kit_below(rng, 2) == 0;
            for (unsigned step = 0; aims && step < LSM_AIM_STEPS; step++) {
                source->ops->aim(source, key, size, seq, step);
            }
            source->ops->seek(source, key, size, seq);
            at = kit_model_find(model, key, size, seq);
        }
        check_stand(source, model, at);
    }
}

/* ---- files ---- */

static void must(int rc, const struct lsm_fault *fault) {
    if (rc != 0) {
        fail_msg("%s", fault->text);
    }
}

void kit_open_on(struct kit *f, struct lsm_io *io, const char *directory, uint64_t cache_bytes) {
    struct lsm_fault fault;
    *f = (struct kit){.io = io};
    snprintf(f->directory, sizeof f->directory, "%s", directory);
    must(lsm_queue_create(io, 32, &f->queue, &fault), &fault);
    f->cache = lsm_block_cache_create(cache_bytes);
    assert_non_null(f->cache);
    must(lsm_tables_create(io, f->directory, 64, f->cache, &f->tables, &fault), &fault);
    f->counters = lsm_counters_create();
    assert_non_null(f->counters);
    f->slot = lsm_counters_slot(f->counters);
}

void kit_open(struct kit *f, enum lsm_io_backend backend, uint64_t cache_bytes) {
    struct lsm_fault fault;
    struct lsm_io *io;
    char notice[256];
    char directory[64] = "/tmp/lsm-table-XXXXXX";
    assert_non_null(mkdtemp(directory));
    must(lsm_io_create(backend, &io, notice, &fault), &fault);
    kit_open_on(f, io, directory, cache_bytes);
    f->own_io = true;
}

static void remove_name(void *context, const char *name) {
    const struct kit *f = context;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    unlink(path);
}

void kit_close(struct kit *f) {
    struct lsm_fault fault;
    lsm_tables_destroy(f->tables);
    lsm_block_cache_destroy(f->cache);
    lsm_counters_destroy(f->counters);
    lsm_queue_destroy(f->queue);
    if (f->own_io) {
        must(lsm_io_list(f->io, f->directory, remove_name, f, &fault), &fault);
        rmdir(f->directory);
        lsm_io_destroy(f->io);
    }
    *f = (struct kit){0};
}

void kit_path(const struct kit *f, uint64_t id, char path[128]) {
    char whole[LSM_PATH_MAX];
    lsm_file_name(whole, f->directory, LSM_NAME_TABLE, id);
    assert_true(strlen(whole) < 128);
    memcpy(path, whole, strlen(whole) + 1);
}

struct lsm_table_writer_options kit_options(uint32_t block_bytes, double bloom_fpr) {
    return (struct lsm_table_writer_options){.block_bytes = block_bytes, .bloom_fpr = bloom_fpr};
}

int kit_try_build(struct kit *f, uint64_t id, const struct lsm_entry *entries, size_t count,
                  const struct lsm_table_writer_options *options, struct lsm_table_meta *meta,
                  struct lsm_fault *fault) {
    struct lsm_table_writer *writer;
    char path[128];
    kit_path(f, id, path);
    *meta = (struct lsm_table_meta){.id = id};
    int rc = lsm_table_writer_create(f->io, f->queue, path, options, &writer, fault);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = lsm_table_writer_add(writer, &entries[i], fault);
    }
    if (rc != 0) {
        lsm_table_writer_abandon(writer);
        return rc;
    }
    return lsm_table_writer_finish(writer, meta, fault);
}

void kit_build(struct kit *f, uint64_t id, const struct lsm_entry *entries, size_t count,
               const struct lsm_table_writer_options *options, struct lsm_table_meta *meta) {
    struct lsm_fault fault;
    must(kit_try_build(f, id, entries, count, options, meta, &fault), &fault);
}

void kit_meta_free(struct lsm_table_meta *meta) {
    free(meta->first_key);
    free(meta->last_key);
    meta->first_key = NULL;
    meta->last_key = NULL;
}

struct lsm_table *kit_table(struct kit *f, const struct lsm_table_meta *meta) {
    struct lsm_fault fault;
    struct lsm_table *table;
    must(lsm_tables_get(f->tables, meta, &table, &fault), &fault);
    return table;
}

uint8_t *kit_slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

void kit_spill(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

bool kit_get(struct lsm_memtable *table, const uint8_t *key, size_t key_size, uint64_t seq,
             struct lsm_entry *entry) {
    return lsm_memtable_get(table, key, key_size, lsm_filter_hash(key, key_size), seq, entry);
}

static int compare_sequences(const void *a, const void *b) {
    uint64_t x = (*(const struct lsm_entry *const *)a)->seq;
    uint64_t y = (*(const struct lsm_entry *const *)b)->seq;
    return (x > y) - (x < y);
}

const struct lsm_entry **kit_by_sequence(const struct kit_model *model) {
    const struct lsm_entry **turn = malloc((model->count + 1) * sizeof *turn);
    assert_non_null(turn);
    for (size_t i = 0; i < model->count; i++) {
        turn[i] = &model->entries[i];
    }
    qsort(turn, model->count, sizeof *turn, compare_sequences);
    return turn;
}
