/* Memtables: order, versions, sources beside a model, readers beside the inserter, memory. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "filter.h"
#include "memtable_internal.h"
#include "wal_op.h"
#include "table_kit.h"

static struct kit_rng rng;
static struct lsm_page_pool *pool;
static struct lsm_fault fault;

static int setup(void **state) {
    (void)state;
    pool = lsm_page_pool_create(8u << 20);
    return pool == NULL;
}

static int teardown(void **state) {
    (void)state;
    lsm_page_pool_destroy(pool); /* asserts that every block came back */
    return 0;
}

static struct lsm_memtable *new_table(void) {
    struct lsm_memtable *table = NULL;
    assert_int_equal(lsm_memtable_create(pool, 1 << 20, &table, &fault), 0);
    return table;
}

static void insert(struct lsm_memtable *table, const struct lsm_entry *entry) {
    int rc = lsm_memtable_reserve(table, 1, entry->key_size + entry->value_size, &fault);
    assert_int_equal(rc, 0);
    lsm_memtable_insert(table, entry);
}

static struct lsm_entry put_of(const char *key, uint64_t seq, const char *value) {
    return (struct lsm_entry){(const uint8_t *)key,   (uint32_t)strlen(key), LSM_TYPE_PUT, seq,
                              (const uint8_t *)value, strlen(value)};
}

static bool get(struct lsm_memtable *table, const char *key, uint64_t seq,
                struct lsm_entry *entry) {
    return kit_get(table, (const uint8_t *)key, strlen(key), seq, entry);
}

/* ---- a few entries ---- */

static void an_empty_table_holds_nothing_and_weighs_little(void **state) {
    (void)state;
    struct lsm_memtable *table = new_table();
    struct lsm_source *source = lsm_memtable_source(table);
    struct lsm_entry entry;
    assert_false(get(table, "a", LSM_SEQ_MAX, &entry));
    assert_true(lsm_memtable_bytes(table) < 1024);
    assert_int_equal(lsm_memtable_entries(table), 0);
    source->ops->first(source);
    assert_false(source->valid);
    source->ops->last(source);
    assert_false(source->valid);
    source->ops->seek(source, (const uint8_t *)"a", 1, LSM_SEQ_MAX);
    assert_false(source->valid);
    assert_int_equal(source->status, 0);
    source->ops->destroy(source);
    lsm_memtable_unref(table);
}

static void the_newest_version_at_or_below_a_sequence_is_found(void **state) {
    (void)state;
    struct lsm_memtable *table = new_table();
    struct lsm_entry e = put_of("key", 5, "five"), found;
    insert(table, &e);
    e = (struct lsm_entry){(const uint8_t *)"key", 3, LSM_TYPE_DELETE, 7, NULL, 0};
    insert(table, &e);
    e = put_of("key", 9, "nine");
    insert(table, &e);
    assert_false(get(table, "key", 4, &found));
    assert_true(get(table, "key", 6, &found) && found.seq == 5);
    assert_true(get(table, "key", 8, &found) && found.seq == 7);
    assert_int_equal(found.type, LSM_TYPE_DELETE);
    assert_int_equal(found.value_size, 0);
    assert_true(get(table, "key", LSM_SEQ_MAX, &found) && found.seq == 9);
    assert_memory_equal(found.value, "nine", 4);
    assert_false(get(table, "ke", LSM_SEQ_MAX, &found));
    assert_false(get(table, "key\1", LSM_SEQ_MAX, &found));
    lsm_memtable_unref(table);
}

static void keys_that_differ_only_in_trailing_zeros_stay_apart(void **state) {
    (void)state;
    struct lsm_memtable *table = new_table();
    static const uint8_t zeros[40];
    struct lsm_entry found;
    for (uint32_t size = 40; size > 0; size--) {
        struct lsm_entry e = {zeros, size, LSM_TYPE_PUT, 41 - size, zeros, 0};
        insert(table, &e);
    }
    for (uint32_t size = 1; size <= 40; size++) {
        assert_true(kit_get(table, zeros, size, LSM_SEQ_MAX, &found));
        assert_int_equal(found.seq, 41 - size);
    }
    lsm_memtable_unref(table);
}

static void a_pinned_value_outlives_the_owners_reference(void **state) {
    (void)state;
    struct lsm_memtable *table = new_table();
    struct lsm_entry e = put_of("key", 1, "value"), found;
    insert(table, &e);
    assert_true(get(table, "key", 1, &found));
    lsm_memtable_ref(table);
    struct lsm_pin *pin = lsm_memtable_pin(table);
    lsm_memtable_unref(table);
    assert_memory_equal(found.value, "value", 5);
    pin->release(pin);
}

/* ---- many, beside a model ---- */

/* Has keys arrive in their order, and the versions of each in that of time. */
static void arrive_by_key(struct kit_model *model) {
    uint64_t seq = 0;
    size_t begin = 0;
    for (size_t end = 1; end <= model->count; end++) {
        const struct lsm_entry *e = &model->entries[end], *first = &model->entries[begin];
        if (end == model->count ||
            lsm_key_compare(e->key, e->key_size, first->key, first->key_size) != 0) {
            for (size_t i = end; i-- > begin;) { /* the newest version stands first */
                model->entries[i].seq = ++seq;
            }
            begin = end;
        }
    }
}

static void check_model(const struct kit_shape *shape, bool ascending) {
    struct lsm_memtable *table = new_table();
    struct kit_model model;
    kit_model_init(&model);
    kit_model_fill(&model, &rng, shape);
    if (ascending) {
        arrive_by_key(&model);
    }
    const struct lsm_entry **turn = kit_by_sequence(&model);
    uint64_t bytes = 0;
    for (size_t i = 0; i < model.count; i++) {
        insert(table, turn[i]);
        bytes += turn[i]->key_size + turn[i]->value_size;
    }
    assert_int_equal(lsm_memtable_entries(table), model.count);
    assert_true(lsm_memtable_bytes(table) >= bytes);
    assert_true(lsm_memtable_bytes(table) <= bytes + 56 * model.count + 1024);
    struct lsm_source *source = lsm_memtable_source(table);
    lsm_memtable_unref(table); /* the source holds its own */
    kit_check_walk(source, &model, false);
    kit_check_walk(source, &model, true);
    kit_check_moves(source, &model, &rng, 4000);
    for (int i = 0; i < 4000; i++) {
        uint8_t key[LSM_KEY_MAX + 64];
        size_t size = kit_model_probe(&model, &rng, key, sizeof key);
        uint64_t seq = 1 + kit_below(&rng, 1u << 17);
        size_t at = kit_model_find(&model, key, size, seq);
        bool there =
            at < model.count &&
            lsm_key_compare(model.entries[at].key, model.entries[at].key_size, key, size) == 0;
        struct lsm_entry found;
        assert_int_equal(kit_get(table, key, size, seq, &found), there);
        if (there) {
            kit_assert_equal(&found, &model.entries[at]);
        }
    }
    source->ops->destroy(source);
    kit_model_free(&model);
    free(turn);
}

static void random_entries_agree_with_a_model(void **state) {
    (void)state;
    const struct kit_shape shape = {.keys = 8000, .versions = 3, .key_max = 24, .value_max = 40};
    check_model(&shape, false);
}
static void entries_inserted_in_ascending_order_agree_with_a_model(void **state) {
    (void)state;
    const struct kit_shape shape = {.keys = 8000, .versions = 2, .key_max = 24, .value_max = 40};
    check_model(&shape, true);
}
static void dense_keys_agree_with_a_model(void **state) {
    (void)state;
    const struct kit_shape shape = {
        .keys = 8000, .versions = 4, .key_max = 12, .value_max = 8, .dense = true};
    check_model(&shape, false);
}
static void keys_with_a_long_common_prefix_agree_with_a_model(void **state) {
    (void)state;
    const struct kit_shape shape = {.keys = 6000,
                                    .versions = 2,
                                    .key_max = 20,
                                    .value_max = 8,
                                    .dense = true,
                                    .prefix = "a prefix longer than two windows/"};
    check_model(&shape, false);
}
static void thousands_of_versions_of_few_keys_agree_with_a_model(void **state) {
    (void)state;
    const struct kit_shape shape = {
        .keys = 20, .versions = 1500, .key_max = 2, .value_max = 8, .dense = true};
    check_model(&shape, false);
}

/* ---- memory ---- */

static void large_entries_and_large_batches_are_kept_whole(void **state) {
    (void)state;
    static const uint32_t sizes[] = {200000, 262144, 262145, 1 << 20, 5 << 20, 100, 300000, 0};
    struct lsm_memtable *table = new_table();
    uint64_t total = 0;
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    uint8_t *value = malloc(5 << 20);
    assert_non_null(value);
    for (int i = 0; i < COUNT; i++) {
        total += sizes[i] + 4;
    }
    for (uint32_t round = 0; round < 3; round++) { /* each reserved as one batch */
        assert_int_equal(lsm_memtable_reserve(table, COUNT, total, &fault), 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint8_t key[4];
            lsm_store32(key, round * 100 + i);
            memset(value, (int)(round * 100 + i), sizes[i]);
            struct lsm_entry e = {key, 4, LSM_TYPE_PUT, 1 + round * 100 + i, value, sizes[i]};
            lsm_memtable_insert(table, &e);
        }
    }
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            struct lsm_entry found;
            uint8_t key[4];
            lsm_store32(key, round * 100 + i);
            assert_true(kit_get(table, key, 4, LSM_SEQ_MAX, &found));
            assert_int_equal(found.value_size, sizes[i]);
            memset(value, (int)(round * 100 + i), sizes[i]);
            assert_memory_equal(found.value, value, sizes[i]);
        }
    }
    assert_true(lsm_memtable_bytes(table) < 3 * total + 4096);
    free(value);
    lsm_memtable_unref(table);
}

/* What is reserved fits, whether an entry turns out to be a large one or just not. */
static void entries_about_as_large_as_a_large_one_fit(void **state) {
    (void)state;
    enum { FROM = LSM_ARENA_LARGE_BYTES - 100, TO = LSM_ARENA_LARGE_BYTES + 20 };
    uint8_t *value = calloc(1, TO);
    assert_non_null(value);
    for (uint32_t size = FROM; size <= TO; size++) {
        struct lsm_memtable *table = new_table(); /* each: what one had left would help the next */
        for (uint64_t seq = 1; seq <= 8; seq++) {
            struct lsm_entry found, e = {(const uint8_t *)"key", 3, LSM_TYPE_PUT, seq, value, size};
            insert(table, &e);
            assert_true(get(table, "key", seq, &found) && found.value_size == size);
        }
        lsm_memtable_unref(table);
    }
    free(value);
}

static void overhead_of_small_entries_is_at_most_48_bytes(void **state) {
    (void)state;
    enum { COUNT = 20000 };
    static const uint8_t value[128];
    struct lsm_memtable *table = new_table();
    for (uint64_t i = 0; i < COUNT; i++) {
        uint8_t key[16] = "constant";
        lsm_store64(key + 8, kit_random(&rng));
        struct lsm_entry e = {key, 16, LSM_TYPE_PUT, i + 1, value, sizeof value};
        insert(table, &e);
    }
    assert_true(lsm_memtable_bytes(table) <= (16 + 128 + 48) * (uint64_t)COUNT);
    lsm_memtable_unref(table);
}

/* ---- entries that lie elsewhere ---- */

struct counted_pin {
    struct lsm_pin pin; /* first */
    unsigned released;
};

static void count_release(struct lsm_pin *pin) {
    ((struct counted_pin *)(void *)pin)->released++;
}

static void entries_referred_to_are_found_where_they_lie_and_kept_until_the_end(void **state) {
    (void)state;
    enum { COUNT = 3000, OP_BYTES = 40 };
    static uint8_t ops[COUNT][OP_BYTES];
    struct counted_pin pins[2] = {{{count_release}, 0}, {{count_release}, 0}};
    struct lsm_memtable *table = new_table();
    bool added = false;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t key[8], value[20];
        lsm_store64(key, i * UINT64_C(0x9e3779b97f4a7c15));
        memset(value, (int)i, sizeof value);
        enum lsm_type type = i % 10 == 0 ? LSM_TYPE_DELETE : LSM_TYPE_PUT;
        (void)lsm_op_encode(ops[i], type, key, sizeof key, value, sizeof value);
        assert_int_equal(lsm_memtable_keep(table, &pins[i / (COUNT / 2)].pin, &added, &fault), 0);
        assert_int_equal(added, i % (COUNT / 2) == 0);
        assert_int_equal(lsm_memtable_reserve(table, 1, 0, &fault), 0);
        lsm_memtable_refer(table, i + 1, ops[i], lsm_filter_hash(key, sizeof key));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        struct lsm_entry found;
        uint8_t key[8];
        lsm_store64(key, i * UINT64_C(0x9e3779b97f4a7c15));
        assert_true(kit_get(table, key, sizeof key, LSM_SEQ_MAX, &found));
        assert_int_equal(found.seq, i + 1);
        assert_int_equal(found.type, i % 10 == 0 ? LSM_TYPE_DELETE : LSM_TYPE_PUT);
        assert_true(found.key > ops[i] && found.key < ops[i] + OP_BYTES);
        assert_int_equal(found.value_size, i % 10 == 0 ? 0 : 20);
    }
    lsm_memtable_ref(table);
    lsm_memtable_unref(table);
    assert_int_equal(pins[0].released + pins[1].released, 0);
    lsm_memtable_unref(table);
    assert_int_equal(pins[0].released, 1);
    assert_int_equal(pins[1].released, 1);
}

/* ---- readers beside the inserter ---- */

enum { CONCURRENT = 60000, READERS = 2 };

struct shared {
    struct lsm_memtable *table;
    _Atomic uint64_t visible; /* entries up to this sequence are in */
    uint64_t salt;
    bool ascending;
    _Atomic uint64_t failures;
};

/* The key of a sequence: few enough bits that some keys get several versions. */
static void key_of(const struct shared *s, uint64_t seq, uint8_t key[16]) {
    uint64_t mixed = (seq + s->salt) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t number = s->ascending ? seq : mixed >> 49;
    memcpy(key, "constant", 8);
    lsm_store64(key + 8, __builtin_bswap64(number));
}

static void *insert_all(void *argument) {
    struct shared *s = argument;
    for (uint64_t seq = 1; seq <= CONCURRENT; seq++) {
        uint8_t key[16];
        struct lsm_fault failed;
        key_of(s, seq, key);
        struct lsm_entry e = {key, 16, LSM_TYPE_PUT, seq, (const uint8_t *)&seq, sizeof seq};
        if (lsm_memtable_reserve(s->table, 1, 24, &failed) != 0) {
            atomic_fetch_add(&s->failures, 1);
            break;
        }
        lsm_memtable_insert(s->table, &e);
        atomic_store_explicit(&s->visible, seq, memory_order_release);
    }
    atomic_store_explicit(&s->visible, CONCURRENT, memory_order_release);
    return NULL;
}

/* Counts visible entries on a walk, which must be in order. */
static uint64_t walk(struct shared *s, bool backward, uint64_t visible) {
    struct lsm_source *source = lsm_memtable_source(s->table);
    uint64_t count = 0;
    struct lsm_entry before = {0};
    backward ? source->ops->last(source) : source->ops->first(source);
    while (source->valid) {
        int c = before.key != NULL ? lsm_entry_compare(&before, source->entry) : 0;
        if (before.key != NULL && (backward ? c <= 0 : c >= 0)) {
            atomic_fetch_add(&s->failures, 1);
        }
        count += source->entry->seq <= visible;
        before = *source->entry;
        backward ? source->ops->prev(source) : source->ops->next(source);
    }
    source->ops->destroy(source);
    return count;
}

static void *read_along(void *argument) {
    struct shared *s = argument;
    uint64_t random = 12345, visible = 0;
    for (uint64_t turn = 0; visible < CONCURRENT; turn++) {
        visible = atomic_load_explicit(&s->visible, memory_order_acquire);
        for (int i = 0; i < 200 && visible > 0; i++) {
            uint8_t key[16];
            struct lsm_entry found = {0};
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            uint64_t seq = 1 + (random >> 20) % visible;
            key_of(s, seq, key);
            /* Looked for at its own sequence it must be found itself. */
            bool there = kit_get(s->table, key, 16, seq, &found);
            if (!there || found.seq != seq || lsm_load64(found.value) != seq) {
                atomic_fetch_add(&s->failures, 1);
            }
        }
        if (walk(s, turn % 2 == 1, visible) != visible) {
            atomic_fetch_add(&s->failures, 1);
        }
    }
    return NULL;
}

static void run_concurrent(bool ascending) {
    struct shared s = {.table = new_table(), .salt = kit_random(&rng), .ascending = ascending};
    pthread_t readers[READERS], writer;
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_along, &s), 0);
    }
    assert_int_equal(pthread_create(&writer, NULL, insert_all, &s), 0);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_int_equal(atomic_load(&s.failures), 0);
    lsm_memtable_unref(s.table);
}

static void readers_find_everything_visible_while_random_keys_arrive(void **state) {
    (void)state;
    run_concurrent(false);
}
static void readers_find_everything_visible_while_ascending_keys_arrive(void **state) {
    (void)state;
    run_concurrent(true);
}

/* No key that is there is denied, whatever the filter was made for; few others are let pass while
 * it holds what it was made for. */
static void the_filter_denies_only_what_is_absent(void **state) {
    (void)state;
    const uint64_t made_for[] = {4096, 8u << 20, UINT64_C(4) << 30};
    for (size_t t = 0; t < 3; t++) {
        struct lsm_memtable *table = NULL;
        char key[32];
        unsigned passed = 0;
        assert_int_equal(lsm_memtable_create(pool, made_for[t], &table, &fault), 0);
        for (unsigned i = 0; i < 20000; i++) {
            snprintf(key, sizeof key, "key%u", i);
            struct lsm_entry entry = put_of(key, i + 1, "v");
            insert(table, &entry);
        }
        for (unsigned i = 0; i < 40000; i++) {
            int size = snprintf(key, sizeof key, "key%u", i);
            bool may = lsm_memtable_may_hold(table, lsm_filter_hash(key, (size_t)size));
            assert_true(may || i >= 20000);
            passed += may && i >= 20000;
        }
        assert_true(t == 0 || passed < 20000 / 20);
        lsm_memtable_unref(table);
    }
}

/* Many more than it was made for: buckets lead to further ones, and tables with more buckets begin.
 * Every entry is found at its own sequence, however many came after it. `batch`: so many are
 * reserved at once after the first ones. */
static void outgrow(unsigned batch) {
    enum { KEYS = 30000, ROUNDS = 2, FIRST = 100 };
    struct lsm_memtable *table = NULL;
    char key[32];
    struct lsm_entry found;
    assert_int_equal(lsm_memtable_create(pool, 4096, &table, &fault), 0);
    for (unsigned i = 0; i < KEYS * ROUNDS; i++) {
        snprintf(key, sizeof key, "key%u", i % KEYS);
        struct lsm_entry entry = put_of(key, i + 1, "v");
        if (i == FIRST && batch > 0) {
            assert_int_equal(lsm_memtable_reserve(table, batch, batch * 16, &fault), 0);
        }
        insert(table, &entry);
    }
    const struct lsm_map_table *map = lsm_map_newest(&table->map);
    assert_non_null(map->before);
    assert_true((KEYS * ROUNDS >> map->buckets.bits) <= LSM_MAP_CROWD);
    for (unsigned i = 0; i < KEYS * ROUNDS; i++) {
        snprintf(key, sizeof key, "key%u", i % KEYS);
        assert_true(get(table, key, i + 1, &found) && found.seq == i + 1);
        assert_true(i < KEYS || (get(table, key, i, &found) && found.seq == i + 1 - KEYS));
    }
    for (unsigned i = KEYS; i < 2 * KEYS; i++) {
        snprintf(key, sizeof key, "key%u", i);
        assert_false(get(table, key, LSM_SEQ_MAX, &found));
    }
    lsm_memtable_unref(table);
}

static void a_memtable_that_outgrows_its_map_finds_everything(void **state) {
    (void)state;
    outgrow(0);
    outgrow(50000);
}

/* Old versions are found however many newer ones there are, and no other key's: keys with one hash
 * are one chain. */
static void keys_of_one_hash_are_told_apart(void **state) {
    (void)state;
    enum { KEYS = 5, COUNT = 3000, OP_BYTES = 16 };
    static uint8_t ops[COUNT][OP_BYTES];
    struct counted_pin pin = {{count_release}, 0};
    struct lsm_memtable *table = new_table();
    bool added = false;
    assert_int_equal(lsm_memtable_keep(table, &pin.pin, &added, &fault), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t key[2] = {'k', (uint8_t)(i % KEYS)};
        (void)lsm_op_encode(ops[i], LSM_TYPE_PUT, key, sizeof key, key, 0);
        assert_int_equal(lsm_memtable_reserve(table, 1, 0, &fault), 0);
        lsm_memtable_refer(table, i + 1, ops[i], 42);
    }
    for (uint32_t seq = 1; seq <= COUNT; seq++) {
        for (uint32_t k = 0; k <= KEYS; k++) {
            uint8_t key[2] = {'k', (uint8_t)k};
            /* The newest at or below the sequence whose number leaves this rest. */
            uint32_t newest = seq > k ? (seq - 1 - k) / KEYS * KEYS + k + 1 : 0;
            struct lsm_entry found = {0};
            bool there = lsm_memtable_get(table, key, sizeof key, 42, seq, &found);
            assert_int_equal(there, k < KEYS && newest > 0);
            assert_true(!there || found.seq == newest);
        }
    }
    lsm_memtable_unref(table);
}

int main(void) {
    rng.state = kit_seed("memtable_test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_denies_only_what_is_absent),
        cmocka_unit_test(a_memtable_that_outgrows_its_map_finds_everything),
        cmocka_unit_test(keys_of_one_hash_are_told_apart),
        cmocka_unit_test(an_empty_table_holds_nothing_and_weighs_little),
        cmocka_unit_test(the_newest_version_at_or_below_a_sequence_is_found),
        cmocka_unit_test(keys_that_differ_only_in_trailing_zeros_stay_apart),
        cmocka_unit_test(a_pinned_value_outlives_the_owners_reference),
        cmocka_unit_test(random_entries_agree_with_a_model),
        cmocka_unit_test(entries_inserted_in_ascending_order_agree_with_a_model),
        cmocka_unit_test(dense_keys_agree_with_a_model),
        cmocka_unit_test(keys_with_a_long_common_prefix_agree_with_a_model),
        cmocka_unit_test(thousands_of_versions_of_few_keys_agree_with_a_model),
        cmocka_unit_test(large_entries_and_large_batches_are_kept_whole),
        cmocka_unit_test(entries_referred_to_are_found_where_they_lie_and_kept_until_the_end),
        cmocka_unit_test(entries_about_as_large_as_a_large_one_fit),
        cmocka_unit_test(overhead_of_small_entries_is_at_most_48_bytes),
        cmocka_unit_test(readers_find_everything_visible_while_random_keys_arrive),
        cmocka_unit_test(readers_find_everything_visible_while_ascending_keys_arrive),
    };
    return cmocka_run_group_tests_name("memtable", tests, setup, teardown);
}
