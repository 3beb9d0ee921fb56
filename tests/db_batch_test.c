/* Batches of keys: the same answers as one by one, few system calls, errors where they belong. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "db_fixture.h"
#include "sim_io.h"

enum { KEYS_MAX = 500, SPACE = 3000 };

struct ask {
    char text[KEYS_MAX][16];
    struct lsm_key key[KEYS_MAX];
    struct lsm_value value[KEYS_MAX];
    int status[KEYS_MAX];
    size_t count;
};

static void ask_for(struct ask *ask, uint64_t id) {
    size_t k = ask->count++;
    assert_true(k < KEYS_MAX);
    int length = snprintf(ask->text[k], sizeof ask->text[k], "key%06llu", (unsigned long long)id);
    ask->key[k] = (struct lsm_key){ask->text[k], (size_t)length};
    ask->status[k] = 77;
}

static void release(struct ask *ask) {
    for (size_t k = 0; k < ask->count; k++) {
        if (ask->status[k] == 0) {
            lsm_value_release(&ask->value[k]);
        }
    }
    ask->count = 0;
}

static void put(struct db_fixture *f, uint64_t id, uint64_t tag, size_t size) {
    char key[16];
    uint8_t value[600];
    assert_true(size <= sizeof value);
    snprintf(key, sizeof key, "key%06llu", (unsigned long long)id);
    value_fill(value, tag, size);
    DB_MUST(f, lsm_put(f->db, NULL, key, strlen(key), value, size));
}

static void answered(const struct ask *ask, size_t k, uint64_t tag, size_t size) {
    struct model_version version = {.tag = tag, .size = size};
    DB_CHECK(ask->status[k] == 0, "%s: %s", ask->text[k], lsm_strerror(ask->status[k]));
    DB_CHECK(value_is(ask->value[k].data, ask->value[k].size, &version), "%s: another value",
             ask->text[k]);
}

static uint64_t submits(const struct db_fixture *f) {
    return atomic_load(&lsm_io_counters(f->db->io)->submits);
}

static struct lsm_stats stats_of(struct db_fixture *f) {
    struct lsm_stats stats;
    lsm_stats_read(f->db, &stats);
    return stats;
}

/* ---- answers ---- */

/* Memtable, level 0, deeper levels, deletes, keys never written, and keys asked for twice. */
static void random_batches_answer_as_single_gets_do(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    struct ask *ask = calloc(1, sizeof *ask);
    assert_non_null(ask);
    f->options.map_tables = rng_chance(&rng, 50);
    db_open(f);
    for (unsigned i = 0; i < 6000; i++) {
        put(f, 2 * rng_below(&rng, SPACE), i, 20 + rng_below(&rng, 200));
        if (rng_chance(&rng, 10)) {
            char key[16];
            snprintf(key, sizeof key, "key%06u", 2 * (unsigned)rng_below(&rng, SPACE));
            db_del(f, key);
        }
    }
    for (unsigned round = 0; round < db_scaled(60); round++) {
        if (rng_chance(&rng, 20)) {
            db_reopen(f);
        }
        for (size_t n = 1 + rng_below(&rng, KEYS_MAX); ask->count < n;) {
            ask_for(ask, rng_below(&rng, 2 * SPACE + 10));
        }
        struct lsm_read_options options = {.skip_cache_fill = rng_chance(&rng, 50)};
        DB_MUST(f, lsm_multi_get(f->db, &options, ask->key, ask->count, ask->value, ask->status));
        for (size_t k = 0; k < ask->count; k++) {
            struct lsm_value one;
            int rc = lsm_get(f->db, NULL, ask->key[k].data, ask->key[k].size, &one);
            DB_CHECK(rc == ask->status[k], "%s: %d alone, %d in a batch", ask->text[k], rc,
                     ask->status[k]);
            if (rc == 0) {
                DB_CHECK(one.size == ask->value[k].size &&
                             memcmp(one.data, ask->value[k].data, one.size) == 0,
                         "%s: another value in a batch", ask->text[k]);
                lsm_value_release(&one);
            }
        }
        release(ask);
    }
    free(ask);
}

static void values_of_a_batch_outlive_their_tables(void **state) {
    struct db_fixture *f = *state;
    static struct ask ask;
    db_open(f);
    for (unsigned i = 0; i < 400; i++) {
        put(f, i, i, 100);
    }
    db_reopen(f);
    for (unsigned i = 0; i < 300; i++) {
        ask_for(&ask, i);
    }
    DB_MUST(f, lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status));
    for (unsigned i = 0; i < 400; i++) {
        put(f, i, 1000 + i, 50);
    }
    DB_MUST(f, lsm_compact_all(f->db));
    for (unsigned i = 0; i < 300; i++) {
        answered(&ask, i, i, 100);
    }
    release(&ask);
}

/* ---- system calls ---- */

/* One table of many blocks, all of them unread since the database was opened. */
static void open_cold_table(struct db_fixture *f, bool mapped) {
    f->options = lsm_options_default();
    f->options.map_tables = mapped;
    db_open(f);
    for (unsigned i = 0; i < 4000; i++) {
        put(f, i, i, 500);
    }
    DB_MUST(f, lsm_flush(f->db));
    db_reopen(f);
    DB_CHECK(db_count_files(f, ".sst") == 1, "not one table");
    DB_CHECK(db_get(f, "key9") == NULL, "a key out of nowhere");
    struct lsm_value value;
    DB_MUST(f, lsm_get(f->db, NULL, "key000000", 9, &value)); /* opens the table */
    lsm_value_release(&value);
}

static void cold_keys_of_one_table(struct db_fixture *f, bool mapped) {
    static struct ask ask;
    open_cold_table(f, mapped);
    for (unsigned i = 0; i < 64; i++) {
        ask_for(&ask, 60 * i + 50);
    }
    uint64_t misses = stats_of(f).cache_misses, before = submits(f);
    DB_MUST(f, lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status));
    uint64_t calls = submits(f) - before;
    DB_CHECK(stats_of(f).cache_misses - misses == 64, "%llu blocks were read, not 64",
             (unsigned long long)(stats_of(f).cache_misses - misses));
    DB_CHECK(calls >= 1 && calls <= 4, "%llu calls of io_uring_enter for 64 cold keys",
             (unsigned long long)calls);
    DB_CHECK(stats_of(f).io_depth_max >= 60, "only %u requests were in flight",
             (unsigned)stats_of(f).io_depth_max);
    for (unsigned i = 0; i < 64; i++) {
        answered(&ask, i, 60 * i + 50, 500);
    }
    release(&ask);
}

static void cold_keys_are_read_by_four_calls_at_most(void **state) {
    cold_keys_of_one_table(*state, false);
}

static void cold_keys_of_a_mapped_table_are_too(void **state) {
    cold_keys_of_one_table(*state, true);
}

/* Neighbours lie in one block, which is read once, and kept for the next batch. */
static void a_block_is_read_once_for_all_its_keys(void **state) {
    struct db_fixture *f = *state;
    static struct ask ask;
    open_cold_table(f, false);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 64; i++) {
            ask_for(&ask, 2000 + i / 2);
        }
        struct lsm_stats before = stats_of(f);
        DB_MUST(f, lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status));
        uint64_t misses = stats_of(f).cache_misses - before.cache_misses;
        uint64_t hits = stats_of(f).cache_hits - before.cache_hits;
        DB_CHECK(round == 0 ? misses >= 1 && misses <= 8 : misses == 0, "%llu blocks were read",
                 (unsigned long long)misses);
        DB_CHECK(misses + hits == 64, "%llu keys counted", (unsigned long long)(misses + hits));
        for (unsigned i = 0; i < 64; i++) {
            answered(&ask, i, 2000 + i / 2, 500);
        }
        release(&ask);
    }
}

/* Calls of the kernel for a batch of cold keys that one of two tables has; *vain: how many of them
 * the other one's filter let through. */
static uint64_t calls_for(struct db_fixture *f, unsigned newer, unsigned first, uint64_t *vain) {
    static struct ask ask;
    for (unsigned i = first; i < 3000; i += 125) {
        ask_for(&ask, 2 * i + newer);
    }
    struct lsm_stats stats = stats_of(f);
    uint64_t before = submits(f);
    DB_MUST(f, lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status));
    uint64_t calls = submits(f) - before;
    *vain += stats_of(f).bloom_false_positives - stats.bloom_false_positives;
    for (unsigned k = 0; k < ask.count; k++) {
        answered(&ask, k, first + 125 * k, 500);
    }
    release(&ask);
    return calls;
}

/* Half of the older table's keys get past the newer one's filter in vain. Their blocks come with
 * those of the others, so such a batch waits no oftener than one of the newer table's keys. The
 * least of some batches, for what is not in the page cache costs a call more. */
static void a_filter_in_vain_costs_no_second_wait(void **state) {
    struct db_fixture *f = *state;
    uint64_t least[2] = {UINT64_MAX, UINT64_MAX}, vain[2] = {0};
    f->options = lsm_options_default();
    f->options.bloom_fpr = 0.5;
    db_open(f);
    for (unsigned newer = 0; newer < 2; newer++) {
        for (unsigned i = 0; i < 3000; i++) {
            put(f, 2 * i + newer, i, 500);
        }
        DB_MUST(f, lsm_flush(f->db));
    }
    db_reopen(f);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned newer = 0; newer < 2; newer++) {
            uint64_t calls = calls_for(f, newer, 10 + 24 * round, &vain[newer]);
            least[newer] = calls < least[newer] ? calls : least[newer];
        }
    }
    DB_CHECK(vain[0] > 30 && vain[1] == 0, "%llu and %llu keys were looked for in vain",
             (unsigned long long)vain[0], (unsigned long long)vain[1]);
    DB_CHECK(least[0] <= least[1], "%llu calls of io_uring_enter instead of %llu",
             (unsigned long long)least[0], (unsigned long long)least[1]);
}

/* Filters say "maybe" to keys that are in several tables, too; there it is the first one that
 * counts.
 */
static void what_was_overwritten_is_not_read_ahead(void **state) {
    struct db_fixture *f = *state;
    static struct ask ask;
    enum { TABLES = 3, COUNT = 64 };
    f->options = lsm_options_default();
    db_open(f);
    for (unsigned version = 0; version < TABLES; version++) {
        for (unsigned i = 0; i < 4000; i++) {
            put(f, i, 10 * i + version, 500);
        }
        DB_MUST(f, lsm_flush(f->db));
    }
    db_reopen(f);
    DB_CHECK(db_count_files(f, ".sst") == TABLES, "tables were merged");
    for (unsigned i = 0; i < COUNT; i++) {
        ask_for(&ask, 60 * i + 50);
    }
    const struct lsm_io_counters *io = lsm_io_counters(f->db->io);
    struct lsm_stats stats = stats_of(f);
    uint64_t reads = atomic_load(&io->reads);
    DB_MUST(f, lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status));
    reads = atomic_load(&io->reads) - reads;
    DB_CHECK(reads <= COUNT + 16, "%llu reads for %d keys", (unsigned long long)reads, COUNT);
    DB_CHECK(stats_of(f).cache_misses - stats.cache_misses == COUNT, "not a miss a key");
    for (unsigned i = 0; i < COUNT; i++) {
        answered(&ask, i, 10 * (60 * i + 50) + TABLES - 1, 500);
    }
    release(&ask);
}

/* ---- errors ---- */

static void damage_tables(const struct db_fixture *f, off_t from, size_t length) {
    DIR *directory = opendir(f->path);
    assert_non_null(directory);
    const struct dirent *entry;
    char *bad = malloc(length);
    assert_non_null(bad);
    memset(bad, 0xa5, length);
    while ((entry = readdir(directory)) != NULL) {
        size_t size = strlen(entry->d_name);
        if (size > 4 && strcmp(entry->d_name + size - 4, ".sst") == 0) {
            char path[400];
            snprintf(path, sizeof path, "%s/%s", f->path, entry->d_name);
            int fd = open(path, O_WRONLY | O_CLOEXEC);
            assert_true(fd >= 0);
            assert_int_equal(pwrite(fd, bad, length, from), (ssize_t)length);
            assert_int_equal(close(fd), 0);
        }
    }
    free(bad);
    closedir(directory);
}

static void a_damaged_block_fails_its_keys_alone(void **state) {
    struct db_fixture *f = *state;
    static struct ask ask;
    open_cold_table(f, false);
    damage_tables(f, 1 << 20, 16 << 10); /* about 32 of the 4000 entries */
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        ask_for(&ask, 8 * i);
    }
    int rc = lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status);
    assert_int_equal(rc, LSM_ERR_CORRUPT);
    char detail[256];
    lsm_error_detail(f->db, detail, sizeof detail);
    DB_CHECK(strstr(detail, ".sst") != NULL && strstr(detail, "checksum") != NULL, "'%s'", detail);
    unsigned bad = 0;
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        if (ask.status[i] == LSM_ERR_CORRUPT) {
            bad++;
        } else {
            answered(&ask, i, 8 * i, 500);
        }
    }
    DB_CHECK(bad >= 3 && bad <= 12, "%u of 500 keys failed", bad);
    release(&ask);
}

/* Whatever read fails, the keys that did not need it have their values. */
static void any_failing_request_fails_some_keys_and_no_more(void **state) {
    struct db_fixture *f = *state;
    struct rng rng = {db_seed};
    static struct ask ask;
    f->options.cache_bytes = 0;
    db_open(f);
    for (unsigned i = 0; i < 1000; i++) {
        put(f, i, i, 100);
    }
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    unsigned failures = 0;
    for (unsigned round = 0; round < db_scaled(100); round++) {
        if (rng_chance(&rng, 10)) {
            db_reopen(f);
        }
        for (unsigned i = 0; i < 100; i++) {
            ask_for(&ask, rng_below(&rng, 1000));
        }
        sim_fail_at(f->io, sim_operations(f->io) + 1 + rng_below(&rng, 60), EIO);
        int rc = lsm_multi_get(f->db, NULL, ask.key, ask.count, ask.value, ask.status);
        sim_fail_at(f->io, 0, 0);
        unsigned bad = 0;
        for (unsigned i = 0; i < 100; i++) {
            if (ask.status[i] == LSM_ERR_IO) {
                bad++;
            } else {
                answered(&ask, i, strtoull(ask.text[i] + 3, NULL, 10), 100);
            }
        }
        DB_CHECK((rc == LSM_ERR_IO) == (bad > 0) && (rc == 0) == (bad == 0), "%d, %u failed", rc,
                 bad);
        failures += bad > 0 ? 1 : 0;
        release(&ask);
    }
    DB_CHECK(failures > 0, "nothing failed");
}

/* ---- threads ---- */

struct reader {
    struct db_fixture *f;
    uint64_t seed;
    unsigned wrong;
};

static void *read_batches(void *argument) {
    struct reader *reader = argument;
    struct rng rng = {reader->seed};
    struct ask *ask = calloc(1, sizeof *ask);
    assert_non_null(ask);
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 150; i++) {
            ask_for(ask, rng_below(&rng, 4000));
        }
        const struct lsm_read_options options = {.skip_cache_fill = true};
        int rc =
            lsm_multi_get(reader->f->db, &options, ask->key, ask->count, ask->value, ask->status);
        reader->wrong += rc != 0 ? 1 : 0;
        for (unsigned i = 0; i < 150; i++) {
            struct model_version version = {.tag = strtoull(ask->text[i] + 3, NULL, 10),
                                            .size = 500};
            bool right =
                ask->status[i] == 0 && value_is(ask->value[i].data, ask->value[i].size, &version);
            reader->wrong += right ? 0 : 1;
        }
        release(ask);
    }
    free(ask);
    return NULL;
}

/* More threads than there are queues to borrow. */
static void many_threads_read_batches_at_once(void **state) {
    struct db_fixture *f = *state;
    enum { THREADS = 20 };
    pthread_t threads[THREADS];
    struct reader readers[THREADS];
    open_cold_table(f, false);
    for (unsigned i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){f, db_seed + i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, read_batches, &readers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        DB_CHECK(readers[i].wrong == 0, "thread %u: %u wrong answers", i, readers[i].wrong);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_ALL(random_batches_answer_as_single_gets_do),
        DB_CASES_ON_ALL(values_of_a_batch_outlive_their_tables),
        DB_CASE(cold_keys_are_read_by_four_calls_at_most, uring),
        DB_CASE(cold_keys_of_a_mapped_table_are_too, uring),
        DB_CASE(a_filter_in_vain_costs_no_second_wait, uring),
        DB_CASE(what_was_overwritten_is_not_read_ahead, uring),
        DB_CASES_ON_FILES(a_block_is_read_once_for_all_its_keys),
        DB_CASES_ON_FILES(a_damaged_block_fails_its_keys_alone),
        DB_CASE(any_failing_request_fails_some_keys_and_no_more, sim),
        DB_CASES_ON_FILES(many_threads_read_batches_at_once),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
