/* table_huge_test.c: what lies in the page cache in huge pages is mapped in them, an open table's
 * filter and index too, which come in parts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pages.h"
#include "table_internal.h"
#include "table_kit.h"

static uint64_t seed;

/* Bytes of all mappings of the file that are mapped in whole huge pages. */
static uint64_t mapped_huge(const char *path) {
    char line[1024];
    bool ours = false;
    uint64_t sum = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long begin, end, kib;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) { /* a mapping begins */
            ours = strstr(line, path) != NULL;
        } else if (ours && sscanf(line, "FilePmdMapped: %lu kB", &kib) == 1) {
            sum += (uint64_t)kib << 10;
        }
    }
    fclose(maps);
    return sum;
}

/* A table that is as full as a compaction's: its keys' end, and no more, lies beyond `bytes`. */
static void build(struct kit *f, uint64_t bytes, struct lsm_table_meta *meta) {
    struct kit_rng rng = {seed};
    struct lsm_table_writer_options options = kit_options(4096, 0.01);
    struct lsm_table_writer *writer;
    struct lsm_fault fault;
    char path[128], key[24];
    uint8_t value[100];
    kit_path(f, 1, path);
    options.size_hint = bytes;
    *meta = (struct lsm_table_meta){.id = 1};
    assert_int_equal(lsm_table_writer_create(f->io, f->queue, path, &options, &writer, &fault), 0);
    for (uint64_t i = 0; lsm_table_writer_bytes(writer) < bytes + 1536; i++) {
        (void)snprintf(key, sizeof key, "%016llu", (unsigned long long)i);
        for (size_t j = 0; j < sizeof value; j += 4) {
            uint32_t word = (uint32_t)kit_random(&rng);
            memcpy(value + j, &word, 4);
        }
        struct lsm_entry entry = {.key = (const uint8_t *)key,
                                  .key_size = 16,
                                  .seq = 1 + i,
                                  .type = LSM_TYPE_PUT,
                                  .value = value,
                                  .value_size = sizeof value};
        assert_int_equal(lsm_table_writer_add(writer, &entry, &fault), 0);
    }
    assert_int_equal(lsm_table_writer_finish(writer, meta, &fault), 0);
    assert_true(meta->bytes >= bytes && meta->bytes < bytes + LSM_HUGE_PAGE);
}

/* What this kernel and file system make of such a file when it is mapped in one go. */
static uint64_t at_best(struct kit *f, const char *path, uint64_t bytes) {
    struct lsm_fault fault;
    struct lsm_file *file;
    uint8_t *map;
    assert_int_equal(lsm_file_open(f->io, path, LSM_FILE_READ, &file, &fault), 0);
    assert_true(lsm_file_map_read(file, bytes, &map));
    assert_int_equal(lsm_file_populate(file, map, bytes, &fault), 0);
    uint64_t huge = mapped_huge(path);
    lsm_file_unmap(file, map, bytes);
    lsm_file_close(file);
    return huge;
}

static void filter_and_index_are_mapped_whole(void **state) {
    (void)state;
    enum { BYTES = 2 * LSM_HUGE_PAGE };
    struct kit f;
    struct lsm_table_meta meta;
    struct lsm_fault fault = {0};
    char path[128];
    kit_open(&f, LSM_IO_POSIX, 1 << 20);
    build(&f, BYTES, &meta);
    kit_path(&f, 1, path);
    uint64_t best = at_best(&f, path, meta.bytes);
    if (best < BYTES) {
        print_message("no huge pages in the page cache here (%llu bytes of %llu)\n",
                      (unsigned long long)best, (unsigned long long)meta.bytes);
        kit_meta_free(&meta);
        kit_close(&f);
        skip();
    }
    lsm_tables_map(f.tables, 1);
    struct lsm_table *table = kit_table(&f, &meta);
    assert_true(table->filtered && table->map != NULL);
    const struct lsm_table_stat *stat = &table->stat;
    assert_true(stat->filter.offset > LSM_HUGE_PAGE && stat->keys.offset < BYTES &&
                stat->keys.offset + stat->keys.length > BYTES);
    assert_int_equal(mapped_huge(path), LSM_HUGE_PAGE); /* nothing else was asked for yet */
    lsm_table_release(table);
    assert_int_equal(lsm_tables_prove(f.tables, &meta, &fault), 0);
    assert_int_equal(mapped_huge(path), BYTES);
    lsm_tables_unpin(f.tables, &meta);
    kit_meta_free(&meta);
    kit_close(&f);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filter_and_index_are_mapped_whole),
    };
    return cmocka_run_group_tests_name("table_huge_test", tests, NULL, NULL);
}
