/* The order of memtables: made at once, extended, made anew; beside a model, over keys of every
 * sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter.h"
#include "memtable_load.h"
#include "table_kit.h"
#include "wal_op.h"

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

static void release_nothing(struct lsm_pin *pin) {
    (void)pin;
}

/* A memtable and the log that it refers to. */
struct loaded {
    struct lsm_memtable *table;
    struct lsm_pin pin;
    uint8_t *log;
};

static uint64_t op_bytes(const struct lsm_entry *e) {
    return lsm_op_bytes(e->key_size, e->value_size, e->type);
}

static void begin(struct loaded *loaded) {
    bool added = false;
    *loaded = (struct loaded){.pin = {release_nothing}};
    assert_int_equal(lsm_memtable_create(pool, 1 << 20, &loaded->table, &fault), 0);
    assert_int_equal(lsm_memtable_keep(loaded->table, &loaded->pin, &added, &fault), 0);
}

/* Somebody iterates: what is there is brought into order. */
static void look(struct lsm_memtable *table) {
    struct lsm_source *source = lsm_memtable_source(table);
    assert_non_null(source);
    source->ops->first(source);
    assert_int_equal(source->valid, lsm_memtable_entries(table) > 0);
    source->ops->destroy(source);
}

/* Loads the entries, in groups as frames have them; `looks`: so often somebody looks meanwhile. */
static void load_model(struct loaded *loaded, const struct kit_model *model, unsigned looks) {
    enum { GROUP = 7 };
    const struct lsm_entry **turn = kit_by_sequence(model);
    struct lsm_load load;
    uint64_t bytes = 0, loaded_bytes = 0;
    begin(loaded);
    for (size_t i = 0; i < model->count; i++) {
        bytes += op_bytes(&model->entries[i]);
    }
    loaded->log = malloc(bytes + 1);
    assert_non_null(loaded->log);
    uint8_t *op = loaded->log;
    lsm_load_begin(&load, loaded->table);
    for (size_t i = 0; i < model->count; i++) {
        const struct lsm_entry *e = turn[i];
        struct lsm_entry decoded;
        uint8_t *end = lsm_op_encode(op, e->type, e->key, e->key_size, e->value, e->value_size);
        assert_ptr_equal(lsm_op_decode(op, end, &decoded), end);
        if (i % GROUP == 0) {
            int rc = lsm_memtable_reserve(loaded->table, GROUP + LSM_LOAD_PENDING, 0, &fault);
            assert_int_equal(rc, 0);
        }
        lsm_load_refer(&load, e->seq, op, &decoded);
        op = end;
        loaded_bytes += e->key_size + e->value_size;
        assert_true(lsm_load_bytes(&load) >= loaded_bytes);
        if (kit_below(&rng, model->count) < looks) {
            look(loaded->table);
        }
    }
    lsm_load_finish(&load);
    assert_int_equal(lsm_memtable_entries(loaded->table), model->count);
    assert_true(lsm_memtable_bytes(loaded->table) >= bytes);
    if (looks == 0) {
        assert_true(lsm_memtable_bytes(loaded->table) <= bytes + 32 * model->count);
        look(loaded->table);
        assert_true(lsm_memtable_bytes(loaded->table) <= bytes + 56 * model->count + 1024);
    }
    free(turn);
}

static void check_gets(struct lsm_memtable *table, const struct kit_model *model) {
    for (size_t i = 0; i < model->count; i++) {
        const struct lsm_entry *e = &model->entries[i];
        struct lsm_entry found;
        assert_true(lsm_memtable_may_hold(table, lsm_filter_hash(e->key, e->key_size)));
        assert_true(kit_get(table, e->key, e->key_size, e->seq, &found));
        kit_assert_equal(&found, e);
    }
    for (int i = 0; i < 2000; i++) {
        static uint8_t key[LSM_KEY_MAX + 64];
        size_t size = kit_model_probe(model, &rng, key, sizeof key);
        uint64_t seq = 1 + kit_below(&rng, 1u << 17);
        size_t at = kit_model_find(model, key, size, seq);
        bool there =
            at < model->count &&
            lsm_key_compare(model->entries[at].key, model->entries[at].key_size, key, size) == 0;
        struct lsm_entry found;
        assert_int_equal(kit_get(table, key, size, seq, &found), there);
        if (there) {
            kit_assert_equal(&found, &model->entries[at]);
        }
    }
}

enum { MOVES_KEY_MAX = 4000 }; /* the kit's moves have room for no longer ones */

static size_t longest_key(const struct kit_model *model) {
    size_t longest = 0;
    for (size_t i = 0; i < model->count; i++) {
        longest = model->entries[i].key_size > longest ? model->entries[i].key_size : longest;
    }
    return longest;
}

static bool believe(const struct lsm_op_reader *reader, const uint8_t *op,
                    struct lsm_entry *entry) {
    (void)reader;
    lsm_op_read(op, entry);
    return true;
}

static bool believe_some(const struct lsm_op_reader *reader, const uint8_t *op,
                         struct lsm_entry *entry) {
    return believe(reader, op, entry) && entry->key_size % 7 != 3;
}

/* What a flush reads. */
static void check_sorted(struct lsm_memtable *table, const struct kit_model *model) {
    const struct lsm_op_reader reader = {believe}, doubter = {believe_some};
    struct lsm_source *source = lsm_memtable_sorted(table, &reader);
    assert_non_null(source);
    kit_check_walk(source, model, false);
    source->ops->destroy(source);
    source = lsm_memtable_sorted(table, &doubter);
    size_t i = 0;
    for (source->ops->first(source); source->valid; source->ops->next(source)) {
        kit_assert_equal(source->entry, &model->entries[i++]);
    }
    bool ends_early = i < model->count;
    assert_int_equal(source->status, ends_early ? LSM_ERR_CORRUPT : 0);
    assert_true(!ends_early || model->entries[i].key_size % 7 == 3);
    source->ops->destroy(source);
}

static void check_one(const struct kit_model *model, unsigned looks) {
    struct loaded loaded;
    load_model(&loaded, model, looks);
    check_sorted(loaded.table, model);
    if (model->count > 0) { /* by the map, and what that does not reach soon by the order */
        check_gets(loaded.table, model);
    }
    struct lsm_source *source = lsm_memtable_source(loaded.table);
    kit_check_walk(source, model, false);
    kit_check_walk(source, model, true);
    if (model->count > 0 && longest_key(model) <= MOVES_KEY_MAX) {
        kit_check_moves(source, model, &rng, 2000);
    }
    source->ops->destroy(source);
    lsm_memtable_unref(loaded.table);
    free(loaded.log);
}

/* Checks every way to read the model's entries, ordered at the end, now and then, and nearly each
 * by itself, and frees the model. */
static void check_loaded(struct kit_model *model) {
    check_one(model, 0);
    check_one(model, 6);
    check_one(model, (unsigned)model->count / 2);
    kit_model_free(model);
}

static void check_shape(const struct kit_shape *shape) {
    struct kit_model model;
    kit_model_init(&model);
    kit_model_fill(&model, &rng, shape);
    check_loaded(&model);
}

/* ---- shapes ---- */

static void random_entries_agree_with_a_model(void **state) {
    (void)state;
    check_shape(&(struct kit_shape){.keys = 8000, .versions = 3, .key_max = 24, .value_max = 40});
}
static void dense_keys_agree_with_a_model(void **state) {
    (void)state;
    check_shape(&(struct kit_shape){
        .keys = 8000, .versions = 4, .key_max = 12, .value_max = 8, .dense = true});
}
static void dense_long_keys_agree_with_a_model(void **state) {
    (void)state;
    check_shape(&(struct kit_shape){
        .keys = 20000, .versions = 2, .key_max = 60, .value_max = 8, .dense = true});
}
static void keys_with_a_long_common_prefix_agree_with_a_model(void **state) {
    (void)state;
    check_shape(&(struct kit_shape){.keys = 6000,
                                    .versions = 2,
                                    .key_max = 20,
                                    .value_max = 8,
                                    .dense = true,
                                    .prefix = "a prefix longer than two windows/"});
}
static void thousands_of_versions_of_few_keys_agree_with_a_model(void **state) {
    (void)state;
    check_shape(&(struct kit_shape){
        .keys = 20, .versions = 1500, .key_max = 2, .value_max = 8, .dense = true});
}

/* ---- counts at which levels begin ---- */

static void add(struct kit_model *model, const void *key, size_t size, uint64_t seq) {
    kit_model_add(model, key, size, seq, seq % 9 == 0 ? LSM_TYPE_DELETE : LSM_TYPE_PUT, "value",
                  seq % 9 == 0 ? 0 : 5);
}

static void any_number_of_entries_makes_a_tree(void **state) {
    (void)state;
    static const unsigned counts[] = {0,  1,  2,   14,  15,  16,  29,   30,   31,
                                      44, 45, 224, 225, 226, 227, 3374, 3375, 3376};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct kit_model model;
        kit_model_init(&model);
        for (unsigned i = 0; i < counts[c]; i++) {
            char key[16];
            int size = snprintf(key, sizeof key, "%08u", i * 7919u % 1000003u);
            add(&model, key, (size_t)size, i + 1);
        }
        if (model.count > 0) {
            kit_model_sort(&model);
        }
        check_loaded(&model);
    }
}

static void keys_in_order_and_against_it_are_ordered(void **state) {
    (void)state;
    for (int against = 0; against < 2; against++) {
        struct kit_model model;
        kit_model_init(&model);
        for (unsigned i = 0; i < 5000; i++) {
            char key[16];
            unsigned number = against != 0 ? 5000 - i : i;
            int size = snprintf(key, sizeof key, "key%08u", number);
            add(&model, key, (size_t)size, i + 1);
        }
        kit_model_sort(&model);
        check_loaded(&model);
    }
}

/* ---- keys that windows do not tell apart ---- */

/* Families of keys share long beginnings, others among them: rows are sorted further several
 * times. */
static void families_within_families_are_sorted_further(void **state) {
    (void)state;
    struct kit_model model;
    kit_model_init(&model);
    for (unsigned i = 0; i < 12000; i++) {
        char key[80];
        uint64_t r = kit_random(&rng);
        int size = snprintf(key, sizeof key, "%s:family of %u, of many:branch %u of four:%06u",
                            r % 2 == 0 ? "customer" : "supplier", (unsigned)(r >> 8) % 3,
                            (unsigned)(r >> 16) % 4, (unsigned)(r >> 32) % 100000);
        add(&model, key, (size_t)size, i + 1);
    }
    kit_model_sort(&model);
    check_loaded(&model);
}

/* Where a key ends inside a window, the window takes zeros for the rest, and cannot go further. */
static void many_keys_of_zeros_are_told_apart_by_their_length(void **state) {
    (void)state;
    static const uint8_t zeros[700] = {'k'};
    struct kit_model model;
    kit_model_init(&model);
    for (unsigned i = 0; i < 2000; i++) {
        add(&model, zeros, 1 + (i * 37u) % sizeof zeros, i + 1);
    }
    kit_model_sort(&model);
    check_loaded(&model);
}

/* Each key begins with all that the one before it had, and more: every level tells one apart. */
static void each_key_the_beginning_of_the_next(void **state) {
    (void)state;
    static uint8_t key[9000];
    struct kit_model model;
    kit_model_init(&model);
    memset(key, 'a', sizeof key);
    for (unsigned i = 0; i < 1000; i++) {
        key[9 * i] = 'b';
        add(&model, key, 9 * i + 1, i + 1);
        key[9 * i] = 'a';
    }
    kit_model_sort(&model);
    check_loaded(&model);
}

/* The beginning that all keys share is known only with the last one: the windows taken before are
 * made anew. */
static void a_late_key_that_shares_nothing_is_in_its_place(void **state) {
    (void)state;
    static const char *const late[] = {"", "user", "user:0", "a", "zebra"};
    for (size_t l = 0; l < sizeof late / sizeof *late; l++) {
        struct kit_model model;
        kit_model_init(&model);
        for (unsigned i = 0; i < 1000; i++) {
            char key[32];
            int size = snprintf(key, sizeof key, "user:0000%08u", i * 7919u % 1000003u);
            add(&model, key, (size_t)size, i + 1);
        }
        add(&model, late[l][0] != 0 ? late[l] : "\0", late[l][0] != 0 ? strlen(late[l]) : 1, 1001);
        kit_model_sort(&model);
        check_loaded(&model);
    }
}

/* ---- ends ---- */

/* Who stands in a tree goes on in it while the inserter adds to it, and when another takes its
 * place: it sees what it saw, and perhaps newer entries. */
static void a_source_stays_whole_when_the_order_is_made_anew(void **state) {
    (void)state;
    struct kit_model model, first;
    struct loaded loaded;
    kit_model_init(&model);
    kit_model_init(&first);
    for (unsigned i = 0; i < 50000; i++) {
        char key[16];
        int size = snprintf(key, sizeof key, "%08u", i * 7919u % 1000003u);
        add(&model, key, (size_t)size, i + 1);
        if (i < 1000) {
            add(&first, key, (size_t)size, i + 1);
        }
    }
    kit_model_sort(&first);
    begin(&loaded);
    struct lsm_source *source = NULL;
    for (size_t i = 0; i < model.count; i++) {
        const struct lsm_entry *e = &model.entries[i];
        int rc = lsm_memtable_reserve(loaded.table, 1, e->key_size + e->value_size, &fault);
        assert_int_equal(rc, 0);
        lsm_memtable_insert(loaded.table, e);
        if (i + 1 == first.count) {
            source = lsm_memtable_source(loaded.table);
            source->ops->first(source);
        }
    }
    look(loaded.table); /* more were added than the inserter has put into the tree */
    size_t i = 0;
    for (; source->valid; source->ops->next(source)) {
        if (source->entry->seq <= first.count) {
            assert_true(i < first.count);
            kit_assert_equal(source->entry, &first.entries[i++]);
        }
    }
    assert_int_equal(i, first.count);
    source->ops->destroy(source);
    lsm_memtable_unref(loaded.table);
    kit_model_free(&first);
    kit_model_free(&model);
}

int main(void) {
    rng.state = kit_seed("memtable_order_test");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_entries_agree_with_a_model),
        cmocka_unit_test(dense_keys_agree_with_a_model),
        cmocka_unit_test(dense_long_keys_agree_with_a_model),
        cmocka_unit_test(keys_with_a_long_common_prefix_agree_with_a_model),
        cmocka_unit_test(thousands_of_versions_of_few_keys_agree_with_a_model),
        cmocka_unit_test(any_number_of_entries_makes_a_tree),
        cmocka_unit_test(keys_in_order_and_against_it_are_ordered),
        cmocka_unit_test(families_within_families_are_sorted_further),
        cmocka_unit_test(many_keys_of_zeros_are_told_apart_by_their_length),
        cmocka_unit_test(each_key_the_beginning_of_the_next),
        cmocka_unit_test(a_late_key_that_shares_nothing_is_in_its_place),
        cmocka_unit_test(a_source_stays_whole_when_the_order_is_made_anew),
    };
    return cmocka_run_group_tests_name("memtable_order", tests, setup, teardown);
}
