/* table_mapped_test.c: the index of a mapped table, which keeps no records and no separators of its
 * own, and what is said when they are lost: the file cut at any place and any moment, single pages
 * that cannot be read, bytes that somebody wrote over. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim_io.h"
#include "table_batch.h"
#include "table_kit.h"

static uint64_t seed;

/* ---- tables ---- */

/* One table, in which nearly every search ends among separators whose windows tie: keys differ
 * late, and some have versions over several blocks. */
struct bench {
    struct kit kit;
    struct kit_model model;
    struct lsm_table_writer_options options;
    struct lsm_table_meta meta;
    char path[128];
    uint8_t *file; /* as it was written */
    size_t size;
    struct lsm_table *table;
    struct kit_rng rng;
};

enum { ENTRIES = 3000, VERSIONS = 30 };

static void fill(struct kit_model *model) {
    char key[64], value[32];
    kit_model_init(model);
    for (unsigned i = 0; i < ENTRIES; i++) {
        int size = snprintf(key, sizeof key, "%c-long-in-the-middle-%06u", 'a' + i % 3, i / 3);
        int value_size = snprintf(value, sizeof value, "the value of %u", i);
        unsigned versions = i % 500 == 7 ? VERSIONS : 1;
        for (unsigned v = 0; v < versions; v++) {
            kit_model_add(model, key, (size_t)size, 10 + (uint64_t)i * VERSIONS + v, LSM_TYPE_PUT,
                          value, (size_t)value_size);
        }
    }
    kit_model_sort(model);
}

/* The framework takes the signal back with each case; the engine puts its handler in once. */
static void install_handler(void) {
    static struct sigaction handler;
    if ((handler.sa_flags & SA_SIGINFO) == 0) {
        assert_int_equal(lsm_sigbus_guard(), 0);
        assert_int_equal(sigaction(SIGBUS, NULL, &handler), 0);
    }
    assert_int_equal(sigaction(SIGBUS, &handler, NULL), 0);
}

static void bench_open(struct bench *b, double fpr, enum lsm_codec codec) {
    install_handler();
    kit_open(&b->kit, LSM_IO_POSIX, 1 << 20);
    fill(&b->model);
    b->options = kit_options(256, fpr);
    b->options.codec = codec;
    kit_build(&b->kit, 1, b->model.entries, b->model.count, &b->options, &b->meta);
    kit_path(&b->kit, 1, b->path);
    b->file = kit_slurp(b->path, &b->size);
    b->table = NULL;
    b->rng.state = seed + 4;
}

static void table_open(struct bench *b, bool fresh) {
    struct lsm_fault fault = {0};
    assert_int_equal(
        lsm_table_open(b->kit.io, b->path, 1, b->kit.cache, &b->meta, &b->table, &fault), 0);
    b->table->fresh = fresh;
    lsm_table_map(b->table);
    assert_non_null(b->table->map);
}

/* Its blocks leave the cache with it. */
static void table_close(struct bench *b) {
    atomic_store(&b->table->obsolete, true);
    lsm_table_release(b->table);
    b->table = NULL;
}

static void bench_close(struct bench *b) {
    free(b->file);
    kit_meta_free(&b->meta);
    kit_model_free(&b->model);
    kit_close(&b->kit);
}

static void cut(const struct bench *b, uint64_t size) {
    assert_int_equal(truncate(b->path, (off_t)size), 0);
}

/* ---- what may be answered ---- */

/* What was lost is an error, the rest is right; nothing is missing. */
struct answers {
    size_t right, lost;
};

static void take_answer(struct answers *answers, int rc, const struct lsm_entry *wanted,
                        const struct lsm_entry *entry) {
    if (rc == 0) {
        assert_int_equal(entry->seq, wanted->seq);
        assert_int_equal(entry->value_size, wanted->value_size);
        assert_memory_equal(entry->value, wanted->value, wanted->value_size);
        answers->right++;
    } else {
        assert_int_equal(rc, LSM_ERR_IO);
        answers->lost++;
    }
}

static struct answers get_all(const struct bench *b) {
    struct answers answers = {0};
    for (size_t i = 0; i < b->model.count; i++) {
        const struct lsm_entry *wanted = &b->model.entries[i];
        struct lsm_entry entry;
        struct lsm_pin *pin = NULL;
        struct lsm_fault fault = {0};
        int rc = lsm_table_get(b->table, wanted->key, wanted->key_size, wanted->seq, true, NULL,
                               &entry, &pin, &fault);
        take_answer(&answers, rc, wanted, &entry);
        assert_true(rc == 0 || (fault.code == rc && fault.text[0] != '\0'));
        if (rc == 0) {
            pin->release(pin);
        }
    }
    return answers;
}

static struct answers multi_get_all(const struct bench *b) {
    struct answers answers = {0};
    struct lsm_batch_read read = {b->kit.io, LSM_SEQ_MAX, true, b->kit.slot};
    struct lsm_probe probes[32];
    struct lsm_probe *list[32];
    for (size_t i = 0; i + 32 <= b->model.count; i += 32) {
        struct lsm_fault fault = {0};
        size_t lost = answers.lost;
        for (size_t k = 0; k < 32; k++) {
            const struct lsm_entry *wanted = &b->model.entries[(i + k * 37) % b->model.count];
            probes[k] = (struct lsm_probe){.key = wanted->key,
                                           .key_size = wanted->key_size,
                                           .hash = lsm_filter_hash(wanted->key, wanted->key_size),
                                           .table = b->table};
            list[k] = &probes[k];
        }
        struct lsm_probe *missing[32];
        size_t misses = lsm_batch_find(list, 32, &read, missing, &fault);
        if (misses > 0) {
            lsm_batch_find_by_requests(missing, misses, NULL, 0, &read, &fault);
        }
        for (size_t k = 0; k < 32; k++) {
            size_t newest =
                kit_model_find(&b->model, probes[k].key, probes[k].key_size, LSM_SEQ_MAX);
            take_answer(&answers, probes[k].rc, &b->model.entries[newest], &probes[k].entry);
            if (probes[k].rc == 0) {
                probes[k].pin->release(probes[k].pin);
            }
        }
        assert_int_equal(fault.code, answers.lost > lost ? LSM_ERR_IO : 0);
    }
    return answers;
}

static struct lsm_source *source_of(const struct bench *b, struct lsm_queue *queue) {
    atomic_fetch_add(&b->table->refs, 1);
    struct lsm_source *source = lsm_table_source(b->table, queue, true, NULL);
    assert_non_null(source);
    return source;
}

static struct answers seek_all(const struct bench *b) {
    struct answers answers = {0};
    struct lsm_source *source = source_of(b, NULL);
    for (size_t i = 0; i < b->model.count; i += 3) {
        const struct lsm_entry *wanted = &b->model.entries[i];
        for (unsigned step = 0; step < 3 && i % 2 == 0; step++) {
            source->ops->aim(source, wanted->key, wanted->key_size, wanted->seq, step);
        }
        source->ops->seek(source, wanted->key, wanted->key_size, wanted->seq);
        assert_true(source->valid || source->status != 0);
        take_answer(&answers, source->status, wanted, source->entry);
    }
    source->ops->destroy(source);
    return answers;
}

/* How far a walk comes before it fails; all of it is right. SIZE_MAX: to the end. */
static size_t walk(const struct bench *b, bool backward, struct lsm_queue *queue, size_t cut_at,
                   uint64_t cut_to) {
    struct lsm_source *source = source_of(b, queue);
    size_t seen = 0;
    (backward ? source->ops->last : source->ops->first)(source);
    while (source->valid) {
        assert_true(seen < b->model.count);
        kit_assert_equal(source->entry,
                         &b->model.entries[backward ? b->model.count - 1 - seen : seen]);
        if (seen++ == cut_at) {
            cut(b, cut_to);
        }
        (backward ? source->ops->prev : source->ops->next)(source);
    }
    assert_true(source->status == LSM_ERR_IO || (source->status == 0 && seen == b->model.count));
    bool whole = source->status == 0;
    source->ops->destroy(source);
    return whole ? SIZE_MAX : seen;
}

static int verify(const struct bench *b) {
    struct lsm_fault fault = {0};
    return lsm_table_verify(b->table, &b->meta, &fault);
}

/* ---- a whole index ---- */

static void check_memory(double fpr, enum lsm_codec codec) {
    struct bench b;
    bench_open(&b, fpr, codec);
    struct lsm_fault fault = {0};
    assert_int_equal(lsm_table_open(b.kit.io, b.path, 1, b.kit.cache, &b.meta, &b.table, &fault),
                     0);
    const struct lsm_index *index = &b.table->index;
    uint64_t copies = b.table->stat.records.length + b.table->stat.keys.length;
    uint64_t before = lsm_index_bytes(index);
    assert_true(before > copies);
    lsm_table_map(b.table);
    assert_non_null(b.table->map);
    assert_int_equal(lsm_index_bytes(index), before - copies);
    /* A group and a top, in two forms, for thirty blocks, the last group and line not full; then
     * what is alike. */
    uint64_t groups = (index->count + LSM_INDEX_GROUP - 1) / LSM_INDEX_GROUP;
    uint64_t lines = (groups + LSM_INDEX_LINE - 1) / LSM_INDEX_LINE;
    assert_true(index->count > 100);
    assert_true(lsm_index_bytes(index) <= groups * 384 + lines * 144 + 8 + 64);
    assert_ptr_equal(index->records, b.table->map + b.table->stat.records.offset);
    assert_ptr_equal(index->keys, b.table->map + b.table->stat.keys.offset);
    assert_int_equal(get_all(&b).right, b.model.count);
    (void)multi_get_all(&b);
    assert_int_equal(seek_all(&b).lost, 0);
    assert_int_equal(walk(&b, false, NULL, SIZE_MAX, 0), SIZE_MAX);
    assert_int_equal(walk(&b, true, NULL, SIZE_MAX, 0), SIZE_MAX);
    assert_int_equal(walk(&b, false, b.kit.queue, SIZE_MAX, 0), SIZE_MAX);
    assert_int_equal(verify(&b), 0);
    table_close(&b);
    bench_close(&b);
}

static void a_mapped_table_keeps_no_records_and_separators(void **state) {
    (void)state;
    check_memory(0.01, LSM_CODEC_NONE);
    check_memory(0, LSM_CODEC_NONE); /* the records lie at any offset */
    check_memory(0.01, LSM_CODEC_LZ4);
    check_memory(0, LSM_CODEC_ZSTD);
}

static void where_nothing_can_be_mapped_the_index_keeps_its_own(void **state) {
    (void)state;
    struct kit kit;
    struct kit_model model;
    struct lsm_table_meta meta;
    struct lsm_io *io = sim_create(seed);
    assert_false(lsm_io_maps(io));
    kit_open_on(&kit, io, "/", 1 << 20);
    fill(&model);
    struct lsm_table_writer_options options = kit_options(256, 0.01);
    kit_build(&kit, 1, model.entries, model.count, &options, &meta);
    struct lsm_table *table = kit_table(&kit, &meta);
    uint64_t before = lsm_index_bytes(&table->index);
    lsm_table_map(table);
    assert_null(table->map);
    assert_int_equal(lsm_index_bytes(&table->index), before);
    assert_true(before > table->stat.records.length + table->stat.keys.length);
    struct lsm_source *source = lsm_table_source(table, NULL, true, NULL);
    kit_check_walk(source, &model, true);
    source->ops->destroy(source);
    kit_meta_free(&meta);
    kit_model_free(&model);
    kit_close(&kit);
    lsm_io_destroy(io);
}

/* ---- a cut file ---- */

enum seen { SEEN_NOTHING, SEEN_ALL, SEEN_FRESH };

static void check_cut(struct bench *b, enum seen seen, uint64_t to) {
    kit_spill(b->path, b->file, b->size);
    table_open(b, seen == SEEN_FRESH);
    if (seen == SEEN_ALL) {
        assert_int_equal(get_all(b).right, b->model.count);
    }
    cut(b, to);
    /* Every search among ties needs separators, and what was not seen its record. */
    assert_true(get_all(b).lost > b->model.count / 2);
    assert_true(multi_get_all(b).lost > 0);
    assert_true(seek_all(b).lost > 0);
    size_t limit = seen == SEEN_ALL ? SIZE_MAX : 0; /* in place or in the cache */
    assert_true(walk(b, false, NULL, SIZE_MAX, 0) <= limit);
    assert_true(walk(b, true, NULL, SIZE_MAX, 0) <= limit);
    assert_int_equal(walk(b, false, b->kit.queue, SIZE_MAX, 0), 0);
    assert_int_equal(verify(b), LSM_ERR_IO);
    table_close(b);
}

static void check_cuts(double fpr, enum lsm_codec codec) {
    struct bench b;
    bench_open(&b, fpr, codec);
    table_open(&b, false);
    const struct lsm_section records = b.table->stat.records, keys = b.table->stat.keys;
    table_close(&b);
    /* The first bytes, a page's border, and anywhere, in each of both; a page that is cut in its
     * middle goes on with zeros, of which nobody is told. */
    uint64_t places[] = {records.offset,
                         records.offset + 1,
                         (records.offset + records.length / 2) & ~UINT64_C(4095),
                         records.offset + kit_below(&b.rng, records.length),
                         keys.offset - 1,
                         keys.offset + 1,
                         keys.offset + keys.length / 2,
                         keys.offset + kit_below(&b.rng, keys.length),
                         keys.offset + keys.length - 1};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (int seen = SEEN_NOTHING; seen <= SEEN_FRESH; seen++) {
            check_cut(&b, (enum seen)seen, places[i]);
        }
    }
    bench_close(&b);
}

static void a_file_cut_within_its_index_is_an_error_of_whoever_needs_it(void **state) {
    (void)state;
    check_cuts(0.01, LSM_CODEC_NONE);
    check_cuts(0, LSM_CODEC_NONE);
    check_cuts(0.01, LSM_CODEC_LZ4);
}

/* While blocks are walked in place, read ahead, or come through the cache. */
static void a_file_cut_half_way_ends_the_walk(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, 0.01, LSM_CODEC_NONE);
    for (unsigned round = 0; round < 40; round++) {
        kit_spill(b.path, b.file, b.size);
        table_open(&b, round % 4 == 3);
        const struct lsm_table_stat *stat = &b.table->stat;
        uint64_t from = stat->records.offset, end = stat->keys.offset + stat->keys.length;
        bool backward = round % 2 == 1;
        struct lsm_queue *queue = round % 4 == 2 ? b.kit.queue : NULL;
        size_t at = b.model.count / 2;
        size_t seen = walk(&b, backward, queue, at, from + kit_below(&b.rng, end - from));
        assert_true(seen > at && seen < at + 20); /* the block that it stands on */
        table_close(&b);
    }
    bench_close(&b);
}

static void *cut_soon(void *argument) {
    struct bench *b = argument;
    const struct lsm_section *records = &b->table->stat.records;
    usleep((useconds_t)kit_below(&b->rng, 3000));
    cut(b, records->offset + kit_below(&b->rng, records->length));
    return NULL;
}

static void a_file_may_be_cut_at_any_moment(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, 0.01, LSM_CODEC_LZ4);
    for (unsigned round = 0; round < 30; round++) {
        pthread_t thread;
        kit_spill(b.path, b.file, b.size);
        table_open(&b, false);
        assert_int_equal(pthread_create(&thread, NULL, cut_soon, &b), 0);
        if (round % 3 == 0) {
            (void)get_all(&b);
        } else if (round % 3 == 1) {
            (void)walk(&b, false, b.kit.queue, SIZE_MAX, 0);
        } else {
            (void)verify(&b);
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(get_all(&b).lost > 0);
        table_close(&b);
    }
    bench_close(&b);
}

/* ---- single pages ---- */

enum { PAGE = 4096 };

/* The page of the mapping that holds this byte of the file can be read no more. */
static void lose_page(const struct bench *b, uint64_t offset) {
    char path[] = "/tmp/lsm-table-page-XXXXXX";
    int empty = mkstemp(path);
    assert_true(empty >= 0 && unlink(path) == 0);
    uint8_t *page = b->table->map + (offset & ~(uint64_t)(PAGE - 1));
    assert_ptr_equal(mmap(page, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, empty, 0), page);
    close(empty);
}

/* What does not need the page goes on. */
static void a_lost_page_takes_no_more_than_what_it_holds(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, 0.01, LSM_CODEC_NONE);
    table_open(&b, false);
    assert_int_equal(sysconf(_SC_PAGESIZE), PAGE);
    const struct lsm_table_stat stat = b.table->stat;
    assert_true(stat.records.length > 3 * PAGE);
    /* Records: of the blocks whose own are on other pages every entry is found by a walk. */
    uint64_t middle = stat.records.offset + stat.records.length / 2;
    lose_page(&b, middle);
    struct lsm_index_record record;
    size_t lost = 0;
    for (size_t i = 0; i < b.table->index.count; i++) {
        lost += !lsm_index_record(&b.table->index, i, &record);
    }
    assert_true(lost >= PAGE / sizeof record && lost <= PAGE / sizeof record + 2);
    assert_true(walk(&b, false, NULL, SIZE_MAX, 0) > b.model.count / 8);
    assert_true(walk(&b, true, NULL, SIZE_MAX, 0) > b.model.count / 8);
    assert_true(get_all(&b).lost > 0);
    assert_int_equal(verify(&b), LSM_ERR_IO);
    table_close(&b);
    /* Separators: the walks need none. */
    table_open(&b, false);
    lose_page(&b, stat.keys.offset + stat.keys.length / 2);
    assert_int_equal(walk(&b, false, NULL, SIZE_MAX, 0), SIZE_MAX);
    assert_int_equal(walk(&b, true, NULL, SIZE_MAX, 0), SIZE_MAX);
    assert_true(get_all(&b).lost > 0);
    assert_int_equal(verify(&b), LSM_ERR_IO);
    table_close(&b);
    /* A block: it comes by a request, and so does all else, with the records. */
    table_open(&b, true);
    lose_page(&b, 0);
    assert_int_equal(get_all(&b).right, b.model.count);
    assert_int_equal(walk(&b, false, NULL, SIZE_MAX, 0), SIZE_MAX);
    assert_int_equal(verify(&b), 0);
    table_close(&b);
    bench_close(&b);
}

/* ---- bytes that somebody wrote over ---- */

static void write_over(const struct bench *b, uint64_t offset, const void *bytes, size_t size) {
    int fd = open(b->path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
    close(fd);
}

static void a_record_that_changed_is_refused(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, 0.01, LSM_CODEC_LZ4);
    const size_t fields[] = {
        offsetof(struct lsm_index_record, offset), offsetof(struct lsm_index_record, length),
        offsetof(struct lsm_index_record, raw_length), offsetof(struct lsm_index_record, codec)};
    for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
        kit_spill(b.path, b.file, b.size);
        table_open(&b, false);
        uint8_t byte = 255;
        write_over(&b,
                   b.table->stat.records.offset + 3 * sizeof(struct lsm_index_record) + fields[k] +
                       (k < 3 ? 3 : 0),
                   &byte, 1);
        struct lsm_block_use use;
        struct lsm_fault fault = {0};
        assert_int_equal(lsm_table_use_block(b.table, 3, true, NULL, &use, &fault),
                         LSM_ERR_CORRUPT);
        assert_non_null(strstr(fault.text, "the index is no longer what it was"));
        assert_int_equal(verify(&b), LSM_ERR_CORRUPT);
        assert_int_equal(lsm_table_use_block(b.table, 2, true, NULL, &use, &fault), 0);
        lsm_table_end_use(&use);
        table_close(&b);
    }
    bench_close(&b);
}

/* Nothing can be said of the answers but that they come. */
static void whatever_is_written_over_an_index_is_read_without_harm(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, 0.01, LSM_CODEC_LZ4);
    for (unsigned round = 0; round < 60; round++) {
        kit_spill(b.path, b.file, b.size);
        table_open(&b, false);
        const struct lsm_table_stat *stat = &b.table->stat;
        uint64_t length = stat->records.length + stat->keys.length;
        for (uint64_t n = 1 + kit_below(&b.rng, 400); n > 0; n--) {
            uint8_t byte = (uint8_t)(kit_below(&b.rng, 2) == 0 ? 255 : kit_random(&b.rng));
            write_over(&b, stat->records.offset + kit_below(&b.rng, length), &byte, 1);
        }
        for (size_t i = 0; i < b.model.count; i++) {
            const struct lsm_entry *wanted = &b.model.entries[i];
            struct lsm_entry entry;
            struct lsm_pin *pin = NULL;
            struct lsm_fault fault = {0};
            int rc = lsm_table_get(b.table, wanted->key, wanted->key_size, wanted->seq, true, NULL,
                                   &entry, &pin, &fault);
            assert_true(rc == 0 || rc == LSM_NOT_FOUND || rc == LSM_ERR_CORRUPT);
            if (rc == 0) {
                pin->release(pin);
            }
        }
        assert_true(verify(&b) == 0 || verify(&b) == LSM_ERR_CORRUPT);
        table_close(&b);
    }
    bench_close(&b);
}

/* ---- a file cut while it is opened ---- */

struct cutter {
    struct bench *b;
    uint64_t to;
    atomic_bool stop;
};

static void *cut_and_mend(void *argument) {
    struct cutter *cutter = argument;
    const struct bench *b = cutter->b;
    int fd = open(b->path, O_WRONLY | O_CLOEXEC);
    for (unsigned i = 0; fd >= 0 && !atomic_load(&cutter->stop); i++) {
        size_t length = b->size - cutter->to;
        int cut = ftruncate(fd, (off_t)cutter->to);
        usleep(i % 5 * 8);
        ssize_t written = pwrite(fd, b->file + cutter->to, length, (off_t)cutter->to);
        if (cut != 0 || written != (ssize_t)length) {
            break;
        }
        usleep(20 + i % 11 * 9);
    }
    close(fd);
    return NULL;
}

static void check_opens(struct bench *b, uint64_t to) {
    struct cutter cutter = {.b = b, .to = to};
    pthread_t thread;
    kit_spill(b->path, b->file, b->size);
    assert_int_equal(pthread_create(&thread, NULL, cut_and_mend, &cutter), 0);
    for (unsigned i = 0; i < 4000; i++) {
        struct lsm_fault fault = {0};
        int rc = lsm_table_open_mapped(b->kit.io, b->path, 1, b->kit.cache, NULL, &b->meta,
                                       &b->table, &fault);
        assert_true(rc == 0 || rc == LSM_ERR_IO || rc == LSM_ERR_CORRUPT);
        if (rc == 0) {
            table_close(b);
        }
    }
    atomic_store(&cutter.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void a_file_may_be_cut_while_it_is_opened(void **state) {
    (void)state;
    struct bench b;
    bench_open(&b, 0.01, LSM_CODEC_NONE);
    table_open(&b, false);
    const struct lsm_table_stat stat = b.table->stat;
    table_close(&b);
    check_opens(&b, 0);
    check_opens(&b, stat.filter.offset);
    check_opens(&b, stat.records.offset);
    check_opens(&b, stat.keys.offset);
    bench_close(&b);
}

int main(int argc, char **argv) {
    (void)argc;
    seed = kit_seed(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapped_table_keeps_no_records_and_separators),
        cmocka_unit_test(where_nothing_can_be_mapped_the_index_keeps_its_own),
        cmocka_unit_test(a_file_cut_within_its_index_is_an_error_of_whoever_needs_it),
        cmocka_unit_test(a_file_cut_half_way_ends_the_walk),
        cmocka_unit_test(a_file_may_be_cut_at_any_moment),
        cmocka_unit_test(a_file_may_be_cut_while_it_is_opened),
        cmocka_unit_test(a_lost_page_takes_no_more_than_what_it_holds),
        cmocka_unit_test(a_record_that_changed_is_refused),
        cmocka_unit_test(whatever_is_written_over_an_index_is_read_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
