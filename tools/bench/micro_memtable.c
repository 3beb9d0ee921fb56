/* micro_memtable.c: the memtable: insert, bring into order, find, miss. */
#include "clock.h"
#include "filter.h"
#include "memtable.h"
#include "micro_parts.h"
#include "workload.h"

struct table {
    struct lsm_page_pool *pool;
    struct lsm_memtable *memtable;
};

static bool table_open(struct table *t, struct bench_micro_context *context,
                       struct lsm_page_pool *pool) {
    struct lsm_fault fault = {0};
    t->pool = pool;
    if (pool == NULL ||
        lsm_memtable_create(pool, context->args->memtable_bytes, &t->memtable, &fault) != 0) {
        return bench_micro_fail(context, "no memtable: %.200s", fault.text);
    }
    return true;
}

/* Entries in a shuffled order; false when memory ran out. */
static bool insert_all(struct table *t, struct bench_micro_context *context) {
    static char value[BENCH_VALUE_MAX];
    char key[BENCH_KEY_MAX];
    struct lsm_fault fault = {0};
    for (uint64_t i = 0; i < context->entries; i++) {
        uint64_t id = bench_permute(i, 1) % context->entries;
        bench_key_make(id, key);
        bench_value_make(id, 0, value);
        struct lsm_entry entry = {.key = (const uint8_t *)key,
                                  .key_size = (uint32_t)bench_workload.key_size,
                                  .type = LSM_TYPE_PUT,
                                  .seq = i + 1,
                                  .value = (const uint8_t *)value,
                                  .value_size = bench_workload.value_size};
        if (lsm_memtable_reserve(t->memtable, 1, entry.key_size + entry.value_size, &fault) != 0) {
            return bench_micro_fail(context, "%.200s", fault.text);
        }
        lsm_memtable_insert(t->memtable, &entry);
    }
    return true;
}

/* The pool keeps the blocks from round to round, as the engine does. */
bool bench_micro_memtable_insert(struct bench_micro_context *context) {
    struct lsm_page_pool *pool = lsm_page_pool_create(2 * context->args->memtable_bytes);
    struct table t;
    bool good = table_open(&t, context, pool) && insert_all(&t, context);
    for (int round = 0; good && round < BENCH_MICRO_ROUNDS; round++) {
        lsm_memtable_unref(t.memtable);
        good = table_open(&t, context, pool);
        uint64_t begin = bench_ticks();
        good = good && insert_all(&t, context);
        context->ns[round] =
            (double)bench_ticks_ns(begin, bench_ticks()) / (double)context->entries;
    }
    if (good) {
        lsm_memtable_unref(t.memtable);
        lsm_page_pool_destroy(pool);
    }
    return good;
}

/* What the flush of a full memtable does first. */
bool bench_micro_memtable_order(struct bench_micro_context *context) {
    struct lsm_page_pool *pool = lsm_page_pool_create(2 * context->args->memtable_bytes);
    struct table t;
    bool good = true;
    for (int round = 0; good && round < BENCH_MICRO_ROUNDS; round++) {
        good = table_open(&t, context, pool) && insert_all(&t, context);
        if (!good) {
            break;
        }
        uint64_t begin = bench_ticks();
        struct lsm_source *source = lsm_memtable_source(t.memtable);
        context->ns[round] =
            (double)bench_ticks_ns(begin, bench_ticks()) / (double)context->entries;
        good = source != NULL || bench_micro_fail(context, "no memory for the order");
        if (source != NULL) {
            source->ops->destroy(source);
        }
        lsm_memtable_unref(t.memtable);
    }
    if (good) {
        lsm_page_pool_destroy(pool);
    }
    return good;
}

static bool find(struct bench_micro_context *context, bool absent) {
    struct lsm_page_pool *pool = lsm_page_pool_create(2 * context->args->memtable_bytes);
    struct table t;
    char key[BENCH_KEY_MAX];
    struct lsm_entry entry;
    if (!table_open(&t, context, pool) || !insert_all(&t, context)) {
        return false;
    }
    uint64_t found = 0;
    for (int round = 0; round < BENCH_MICRO_ROUNDS; round++) {
        uint64_t begin = bench_ticks();
        for (uint64_t i = 0; i < context->entries; i++) {
            uint64_t id = bench_permute(i, 2) % context->entries;
            if (absent) {
                bench_key_make_absent(id, key);
            } else {
                bench_key_make(id, key);
            }
            const uint8_t *bytes = (const uint8_t *)key;
            uint64_t hash = lsm_filter_hash(bytes, bench_workload.key_size);
            found += lsm_memtable_get(t.memtable, bytes, bench_workload.key_size, hash, LSM_SEQ_MAX,
                                      &entry);
        }
        context->ns[round] =
            (double)bench_ticks_ns(begin, bench_ticks()) / (double)context->entries;
    }
    lsm_memtable_unref(t.memtable);
    lsm_page_pool_destroy(pool);
    /* Ids are drawn from all keys and folded onto those inserted: some may be missing. */
    return (absent ? found == 0 : found > 0) ||
           bench_micro_fail(context, "it finds what it should not");
}

bool bench_micro_memtable_find(struct bench_micro_context *context) {
    return find(context, false);
}

bool bench_micro_memtable_miss(struct bench_micro_context *context) {
    return find(context, true);
}
