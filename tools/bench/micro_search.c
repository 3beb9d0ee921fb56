/* micro_search.c: what a get does inside a table: filter and block; and the k-way merge. */
#include <stdlib.h>
#include <string.h>

#include "block_read.h"
#include "block_write.h"
#include "check.h"
#include "clock.h"
#include "filter.h"
#include "micro_parts.h"
#include "table.h"
#include "workload.h"

/* ---- bloom probe ---- */

bool bench_micro_bloom_probe(struct bench_micro_context *context) {
    uint64_t count = context->entries;
    struct lsm_filter_plan plan = lsm_filter_plan(context->args->bloom_fpr);
    uint64_t *hashes = malloc(count * sizeof *hashes);
    uint8_t *filter = aligned_alloc(64, (lsm_filter_bytes(&plan, count) + 63) & ~UINT64_C(63));
    char key[BENCH_KEY_MAX];
    uint64_t maybe = 0;
    if (hashes == NULL || filter == NULL) {
        free(hashes);
        free(filter);
        return bench_micro_fail(context, "out of memory");
    }
    for (uint64_t i = 0; i < count; i++) {
        bench_key_make(i, key);
        hashes[i] = lsm_filter_hash(key, bench_workload.key_size);
    }
    lsm_filter_build(&plan, hashes, count, filter);
    struct lsm_filter_view view;
    (void)lsm_filter_look(filter, lsm_filter_bytes(&plan, count), &view);
    for (int round = 0; round < BENCH_MICRO_ROUNDS; round++) {
        uint64_t begin = bench_ticks();
        for (uint64_t i = 0; i < count; i++) {
            bench_key_make_absent(bench_permute(i, 2), key);
            maybe += lsm_filter_probe(&view, lsm_filter_hash(key, bench_workload.key_size));
        }
        context->ns[round] = (double)bench_ticks_ns(begin, bench_ticks()) / (double)count;
    }
    free(hashes);
    free(filter);
    /* The rate is 1 % by default: a filter that says "maybe" to most is not one. */
    return maybe < count * BENCH_MICRO_ROUNDS * 3 / 4 ||
           bench_micro_fail(context, "the filter lets everything pass");
}

/* ---- block search ---- */

struct blocks {
    uint8_t *bytes; /* the blocks, one behind the other */
    struct lsm_block_view *view;
    uint64_t *first; /* id of each block's first entry */
    uint64_t count, entries;
};

static void blocks_free(struct blocks *blocks) {
    free(blocks->bytes);
    free(blocks->view);
    free(blocks->first);
}

static uint32_t shared_prefix(const struct lsm_entry *a, const struct lsm_entry *b) {
    uint32_t n = 0;
    while (n < a->key_size && n < b->key_size && a->key[n] == b->key[n]) {
        n++;
    }
    return n;
}

/* Takes the finished block over. */
static bool blocks_add(struct blocks *blocks, struct lsm_block_builder *builder, uint64_t first,
                       size_t *used) {
    if (!lsm_block_builder_finish(builder)) {
        return false;
    }
    uint8_t *place = blocks->bytes + *used;
    memcpy(place, builder->data, builder->size);
    *used += builder->size;
    blocks->first[blocks->count] = first;
    bool good = lsm_block_view_init(&blocks->view[blocks->count], place, builder->size);
    blocks->count++;
    lsm_block_builder_reset(builder);
    return good;
}

static bool blocks_build(struct blocks *blocks, const struct bench_micro_entries *entries) {
    struct lsm_options defaults = lsm_options_default();
    struct lsm_block_builder builder;
    uint64_t first = 0;
    size_t used = 0;
    bool good = true;
    lsm_block_builder_init(&builder);
    lsm_block_builder_reset(&builder);
    for (uint64_t i = 0; good && i < entries->count; i++) {
        const struct lsm_entry *entry = &entries->entry[i];
        uint32_t shared = i > first ? shared_prefix(entry - 1, entry) : 0;
        if (i > first &&
            lsm_block_builder_size_with(&builder, entry, shared) > defaults.block_bytes) {
            good = blocks_add(blocks, &builder, first, &used);
            first = i;
            shared = 0;
        }
        good = good && lsm_block_builder_add(&builder, entry, shared);
    }
    good = good && blocks_add(blocks, &builder, first, &used);
    lsm_block_builder_free(&builder);
    blocks->entries = entries->count;
    return good;
}

/* The block is known, as the index would tell it: one of many, so that it is not in a near cache.
 */
static uint64_t search_all(const struct blocks *blocks) {
    char key[BENCH_KEY_MAX];
    struct lsm_entry entry;
    uint64_t found = 0;
    for (uint64_t i = 0; i < blocks->entries; i++) {
        uint64_t b = bench_permute(i, 2) % blocks->count;
        uint64_t end = b + 1 < blocks->count ? blocks->first[b + 1] : blocks->entries;
        bench_key_make(blocks->first[b] + i % (end - blocks->first[b]), key);
        found += lsm_block_find(&blocks->view[b], (const uint8_t *)key, bench_workload.key_size,
                                LSM_SEQ_MAX, &entry) == LSM_BLOCK_FOUND;
    }
    return found;
}

bool bench_micro_block_search(struct bench_micro_context *context) {
    struct bench_micro_entries entries;
    struct blocks blocks = {0};
    if (!bench_micro_entries_make(&entries, 0, 1, context->entries)) {
        return bench_micro_fail(context, "out of memory");
    }
    /* Overhead of an entry and of a block holding one: well above what they are. */
    blocks.bytes =
        malloc(entries.count * (bench_workload.key_size + bench_workload.value_size + 64));
    blocks.view = calloc(entries.count, sizeof *blocks.view);
    blocks.first = calloc(entries.count, sizeof *blocks.first);
    bool good = blocks.bytes != NULL && blocks.view != NULL && blocks.first != NULL &&
                blocks_build(&blocks, &entries);
    uint64_t found = 0;
    for (int round = 0; good && round < BENCH_MICRO_ROUNDS; round++) {
        uint64_t begin = bench_ticks();
        found += search_all(&blocks);
        context->ns[round] = (double)bench_ticks_ns(begin, bench_ticks()) / (double)blocks.entries;
    }
    if (good && found != BENCH_MICRO_ROUNDS * blocks.entries) {
        good = bench_micro_fail(context, "a key is not found in its block");
    } else if (!good) {
        (void)bench_micro_fail(context, "the blocks cannot be built");
    }
    blocks_free(&blocks);
    bench_micro_entries_free(&entries);
    return good;
}

/* ---- merge ---- */

enum { RUNS = 4 };

/* Entries in memory as a source: what is left is the merge itself. */
struct array_source {
    struct lsm_source source; /* first: handed out */
    const struct bench_micro_entries *entries;
    uint64_t at;
};

static void array_show(struct array_source *a) {
    a->source.valid = a->at < a->entries->count;
    if (a->source.valid) {
        a->source.entry = &a->entries->entry[a->at];
    }
}

static void array_first(struct lsm_source *source) {
    struct array_source *a = (struct array_source *)source;
    a->at = 0;
    array_show(a);
}

static void array_next(struct lsm_source *source) {
    struct array_source *a = (struct array_source *)source;
    a->at++;
    array_show(a);
}

static void array_destroy(struct lsm_source *source) {
    free(source);
}

/* A merge that only goes forwards never asks for the other moves. */
static const struct lsm_source_ops array_ops = {
    .first = array_first, .next = array_next, .destroy = array_destroy};

static bool merge_once(struct bench_micro_context *context,
                       const struct bench_micro_entries runs[RUNS], double *ns) {
    struct lsm_source *sources[RUNS];
    uint64_t total = 0;
    for (size_t i = 0; i < RUNS; i++) {
        struct array_source *a = calloc(1, sizeof *a);
        LSM_ASSERT(a != NULL);
        a->source.ops = &array_ops;
        a->entries = &runs[i];
        sources[i] = &a->source;
        total += runs[i].count;
    }
    struct lsm_source *merge = lsm_merge_create(sources, RUNS);
    if (merge == NULL) {
        return bench_micro_fail(context, "out of memory");
    }
    uint64_t seen = 0;
    uint64_t begin = bench_ticks();
    for (merge->ops->first(merge); merge->valid; merge->ops->next(merge)) {
        seen++;
    }
    *ns = (double)bench_ticks_ns(begin, bench_ticks()) / (double)total;
    merge->ops->destroy(merge);
    return seen == total || bench_micro_fail(context, "the merge lost entries");
}

bool bench_micro_merge(struct bench_micro_context *context) {
    struct bench_micro_entries runs[RUNS] = {0};
    uint64_t each = context->entries / RUNS;
    bool good = true;
    for (uint64_t i = 0; good && i < RUNS; i++) {
        good = bench_micro_entries_make(&runs[i], i, RUNS, each) ||
               bench_micro_fail(context, "out of memory");
    }
    for (int round = 0; good && round < BENCH_MICRO_ROUNDS; round++) {
        good = merge_once(context, runs, &context->ns[round]);
    }
    for (size_t i = 0; i < RUNS; i++) {
        bench_micro_entries_free(&runs[i]);
    }
    return good;
}
