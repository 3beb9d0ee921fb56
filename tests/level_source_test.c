/* level_source_test.c: a level of tables as one source, while its files come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "level_source.h"
#include "table_kit.h"

enum { ENTRIES = 5000, KEY = 8 };

struct fixture {
    struct kit kit;
    struct kit_model model;
    struct lsm_table_meta meta, *metas[1];
    struct lsm_source *source;
    char path[128], away[160];
};

static void fixture_open(struct fixture *f) {
    kit_open(&f->kit, LSM_IO_POSIX, 1 << 20);
    kit_model_init(&f->model);
    for (unsigned i = 0; i < ENTRIES; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%07u", i);
        kit_model_add(&f->model, key, KEY, i + 1, LSM_TYPE_PUT, "fifteen letters", 15);
    }
    kit_model_sort(&f->model);
    struct lsm_table_writer_options options = kit_options(1024, 0.01);
    kit_build(&f->kit, 7, f->model.entries, f->model.count, &options, &f->meta);
    f->metas[0] = &f->meta;
    f->source = lsm_level_source(f->kit.tables, f->metas, 1, NULL, true, f->kit.slot);
    assert_non_null(f->source);
    kit_path(&f->kit, 7, f->path);
    snprintf(f->away, sizeof f->away, "%s.away", f->path);
}

static void fixture_close(struct fixture *f) {
    f->source->ops->destroy(f->source);
    kit_meta_free(&f->meta);
    kit_model_free(&f->model);
    kit_close(&f->kit);
}

/* A seek in steps, the file away during those in the mask. */
static void seek(struct fixture *f, const char *key, unsigned away) {
    const uint8_t *wanted = (const uint8_t *)key;
    for (unsigned step = 0; step <= LSM_AIM_STEPS; step++) {
        bool hidden = (away >> step & 1) != 0;
        if (hidden) {
            assert_int_equal(rename(f->path, f->away), 0);
        }
        if (step < LSM_AIM_STEPS) {
            f->source->ops->aim(f->source, wanted, KEY, LSM_SEQ_MAX, step);
        } else {
            f->source->ops->seek(f->source, wanted, KEY, LSM_SEQ_MAX);
        }
        if (hidden) {
            assert_int_equal(rename(f->away, f->path), 0);
        }
    }
}

/* Every step may be the first one that finds the table. */
static void a_table_that_opens_late_is_searched_all_the_same(void **state) {
    (void)state;
    for (unsigned away = 0; away < 1u << LSM_AIM_STEPS; away++) {
        struct fixture f;
        fixture_open(&f);
        seek(&f, "k0004000", away);
        assert_true(f.source->valid);
        assert_memory_equal(f.source->entry->key, "k0004000", KEY);
        seek(&f, "k0000007", 0);
        assert_true(f.source->valid);
        assert_memory_equal(f.source->entry->key, "k0000007", KEY);
        fixture_close(&f);
    }
}

static void a_table_that_stays_away_is_an_error(void **state) {
    (void)state;
    struct fixture f;
    fixture_open(&f);
    seek(&f, "k0004000", 0xf);
    assert_false(f.source->valid);
    assert_int_not_equal(f.source->status, 0);
    seek(&f, "k0004000", 0);
    assert_true(f.source->valid);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_that_opens_late_is_searched_all_the_same),
        cmocka_unit_test(a_table_that_stays_away_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
