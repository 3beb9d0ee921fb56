/* table_proof_test.c: a table that does not come back as it was written is found before what it was
 * made of is given up. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db_fixture.h"
#include "io_backend.h"
#include "table_internal.h"
#include "table_kit.h"

/* ---- one table ---- */

struct proof {
    struct kit kit;
    struct kit_model model;
    struct lsm_table_meta meta;
    char path[128];
    uint8_t *file; /* as it was written */
    size_t size;
    struct lsm_table_stat stat;
};

static void proof_open(struct proof *p, double fpr, enum lsm_codec codec) {
    struct kit_rng rng = {db_seed};
    struct kit_shape shape = {.keys = 3000, .versions = 2, .key_max = 24, .value_max = 90};
    struct lsm_table_writer_options options = kit_options(1024, fpr);
    options.codec = codec;
    kit_open(&p->kit, LSM_IO_POSIX, 1 << 20);
    kit_model_init(&p->model);
    kit_model_fill(&p->model, &rng, &shape);
    kit_build(&p->kit, 1, p->model.entries, p->model.count, &options, &p->meta);
    kit_path(&p->kit, 1, p->path);
    p->file = kit_slurp(p->path, &p->size);
    struct lsm_table *table = kit_table(&p->kit, &p->meta);
    p->stat = table->stat;
    lsm_table_release(table);
    lsm_tables_evict(p->kit.tables, 1);
    lsm_tables_map(p->kit.tables, 1);
}

static void proof_close(struct proof *p) {
    free(p->file);
    kit_meta_free(&p->meta);
    kit_model_free(&p->model);
    kit_close(&p->kit);
}

static void a_sound_table_is_found_open_and_in_memory(void **state) {
    (void)state;
    const enum lsm_codec codecs[] = {LSM_CODEC_NONE, LSM_CODEC_LZ4, LSM_CODEC_ZSTD};
    for (size_t i = 0; i < 6; i++) {
        struct proof p;
        struct lsm_fault fault = {0};
        proof_open(&p, i < 3 ? 0.01 : 0, codecs[i % 3]);
        assert_int_equal(lsm_tables_prove(p.kit.tables, &p.meta, &fault), 0);
        struct lsm_table *table = lsm_table_pinned(&p.meta);
        assert_non_null(table);
        assert_non_null(table->map);
        /* Who reads a block first checks it still: the disk may lose what the proof found. */
        assert_false(lsm_index_was_seen(&table->index, 0));
        lsm_tables_unpin(p.kit.tables, &p.meta);
        proof_close(&p);
    }
}

/* One byte another than written, wherever it lies. */
static void check_damage(struct proof *p, uint64_t at) {
    struct lsm_fault fault = {0};
    p->file[at] ^= 0x10;
    kit_spill(p->path, p->file, p->size);
    p->file[at] ^= 0x10;
    DB_CHECK(lsm_tables_prove(p->kit.tables, &p->meta, &fault) == LSM_ERR_CORRUPT,
             "damage at %llu was not found: %s", (unsigned long long)at, fault.text);
    DB_CHECK(strstr(fault.text, p->path) != NULL, "no file in: %s", fault.text);
    assert_null(lsm_table_pinned(&p->meta));
    lsm_tables_evict(p->kit.tables, 1);
}

static void damage_is_found_in_every_section(void **state) {
    (void)state;
    const enum lsm_codec codecs[] = {LSM_CODEC_NONE, LSM_CODEC_LZ4};
    for (size_t i = 0; i < 2; i++) {
        struct proof p;
        struct kit_rng rng = {db_seed + i};
        struct lsm_fault fault = {0};
        proof_open(&p, 0.01, codecs[i]);
        const struct lsm_section *sections[] = {&p.stat.filter, &p.stat.records, &p.stat.keys};
        for (size_t n = 0; n < 60; n++) {
            check_damage(&p, kit_below(&rng, p.stat.filter.offset)); /* the blocks */
            const struct lsm_section *section = sections[n % 3];
            check_damage(&p, section->offset + kit_below(&rng, section->length));
        }
        check_damage(&p, p.size - 1);
        kit_spill(p.path, p.file, p.size);
        assert_int_equal(lsm_tables_prove(p.kit.tables, &p.meta, &fault), 0);
        lsm_tables_unpin(p.kit.tables, &p.meta);
        proof_close(&p);
    }
}

/* ---- a database on a disk that damages a table when it is synced ---- */

static const struct lsm_io_ops *sound;
static enum { SOUND, FLIPS, LOSES } damages;
enum { WHERE = 700 }; /* in the first block */

static void damage(const char *path) {
    unsigned char byte;
    bool loses = damages == LOSES;
    damages = SOUND;
    if (loses) { /* who has it open can write on, and nobody else will find it */
        assert_int_equal(unlink(path), 0);
        return;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, WHERE), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, WHERE), 1);
    close(fd);
}

static void run_and_damage(struct lsm_queue *queue, unsigned min) {
    const struct lsm_request *request = queue->pending.first;
    if (damages != SOUND && request != NULL && request->op == LSM_REQUEST_SYNC &&
        strstr(request->file->path, ".sst") != NULL) {
        damage(request->file->path);
    }
    sound->queue_run(queue, min);
}

static int setup_damaging(void **state) {
    int rc = db_setup_posix(state);
    struct db_fixture *f = *state;
    static struct lsm_io_ops ops;
    struct lsm_fault fault;
    char notice[256];
    f->options.map_tables = true;
    if (rc == 0) {
        rc = lsm_io_create(LSM_IO_POSIX, &f->io, notice, &fault);
    }
    if (rc == 0) {
        sound = f->io->ops;
        ops = *sound;
        ops.queue_run = run_and_damage;
        f->io->ops = &ops;
    }
    damages = SOUND;
    return rc;
}

static int teardown_damaging(void **state) {
    struct db_fixture *f = *state;
    struct lsm_io *io = f->io;
    int rc = db_teardown(state);
    lsm_io_destroy(io);
    return rc;
}

enum { KEYS = 400, VALUE_BYTES = 100 };

static void expect_all(struct db_fixture *f) {
    char key[16];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key%04d", i);
        const char *value = db_get(f, key);
        DB_CHECK(value != NULL && value[0] == 'v' && strlen(value) == VALUE_BYTES, "%s is lost",
                 key);
    }
}

static void expect_reported(struct db_fixture *f, int rc, int expected) {
    char why[256];
    /* The background may have found it before the call looked: then that is why it cannot write. */
    assert_true(rc == expected || rc == LSM_ERR_READ_ONLY);
    lsm_error_detail(f->db, why, sizeof why);
    DB_CHECK(strstr(why, ".sst") != NULL, "it says: %s", why);
    assert_int_equal(damages, SOUND);
}

static void check_flush(struct db_fixture *f, int how, int expected) {
    f->options.memtable_bytes = 1 << 20;
    db_open(f);
    db_put_numbered(f, KEYS, VALUE_BYTES);
    damages = how;
    expect_reported(f, lsm_flush(f->db), expected);
    assert_int_equal(db_count_files(f, ".sst"), 0);
    expect_all(f); /* from the memtable */
    db_reopen(f);
    expect_all(f); /* from the log */
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_verify(f->db));
    expect_all(f);
}

static void a_flush_that_does_not_come_back_costs_nothing(void **state) {
    check_flush(*state, FLIPS, LSM_ERR_CORRUPT);
}
static void a_flush_whose_table_is_gone_costs_nothing(void **state) {
    check_flush(*state, LOSES, LSM_ERR_IO);
}

static void check_compaction(struct db_fixture *f, int how, int expected) {
    f->options.memtable_bytes = 1 << 20;
    db_open(f);
    for (int i = 0; i < 2; i++) {
        db_put_numbered(f, KEYS, VALUE_BYTES);
        DB_MUST(f, lsm_flush(f->db));
    }
    unsigned inputs = db_count_files(f, ".sst");
    damages = how;
    expect_reported(f, lsm_compact_all(f->db), expected);
    assert_int_equal(db_count_files(f, ".sst"), inputs);
    expect_all(f);
    db_reopen(f);
    expect_all(f);
    DB_MUST(f, lsm_compact_all(f->db));
    DB_MUST(f, lsm_verify(f->db));
    expect_all(f);
}

static void a_compaction_that_does_not_come_back_keeps_its_inputs(void **state) {
    check_compaction(*state, FLIPS, LSM_ERR_CORRUPT);
}
static void a_compaction_whose_table_is_gone_keeps_its_inputs(void **state) {
    check_compaction(*state, LOSES, LSM_ERR_IO);
}

int main(int argc, char **argv) {
    db_test_begin(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_table_is_found_open_and_in_memory),
        cmocka_unit_test(damage_is_found_in_every_section),
        cmocka_unit_test_setup_teardown(a_flush_that_does_not_come_back_costs_nothing,
                                        setup_damaging, teardown_damaging),
        cmocka_unit_test_setup_teardown(a_flush_whose_table_is_gone_costs_nothing, setup_damaging,
                                        teardown_damaging),
        cmocka_unit_test_setup_teardown(a_compaction_whose_table_is_gone_keeps_its_inputs,
                                        setup_damaging, teardown_damaging),
        cmocka_unit_test_setup_teardown(a_compaction_that_does_not_come_back_keeps_its_inputs,
                                        setup_damaging, teardown_damaging),
    };
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
