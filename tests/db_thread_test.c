/* Many threads on one database: writers, readers, iterators, snapshots, maintenance, observers, all
 * at once. Run under the thread sanitizer too. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db_fixture.h"

enum { WRITERS = 3, KEYS = 200 };

/* Each writer counts its keys up: key w/k holds a number that only grows. A batch sets a pair of
 * keys to the same number. So a reader can tell what must never be seen. */
struct stage {
    struct db_fixture *f;
    uint64_t seed;
    unsigned rounds;
    _Atomic uint64_t acknowledged[WRITERS][KEYS];
    _Atomic unsigned failures;
    _Atomic unsigned writing; /* writers still at it */
};

struct actor {
    struct stage *stage;
    unsigned number;
    pthread_t thread;
};

#define EXPECT(stage, condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            atomic_fetch_add(&(stage)->failures, 1);                                               \
        }                                                                                          \
    } while (0)

static size_t key_of(char key[32], unsigned writer, uint64_t k) {
    return (size_t)snprintf(key, 32, "writer%u/%04u", writer, (unsigned)k);
}

static size_t value_of(char value[128], uint64_t n) {
    return (size_t)snprintf(value, 128, "%020llu%60s", (unsigned long long)n, "");
}

static int put_pair(struct stage *s, unsigned writer, uint64_t k, uint64_t n,
                    const struct lsm_write_options *options) {
    char key[32], value[128];
    struct lsm_batch *batch = NULL;
    size_t size = value_of(value, n);
    int rc = lsm_batch_create(&batch);
    for (uint64_t i = 0; i < 2 && rc == 0; i++) {
        rc = lsm_batch_put(batch, key, key_of(key, writer, k + i), value, size);
    }
    if (rc == 0) {
        rc = lsm_write(s->f->db, options, batch);
    }
    lsm_batch_destroy(batch);
    return rc;
}

static void *write_numbers(void *argument) {
    const struct actor *actor = argument;
    struct stage *s = actor->stage;
    struct rng rng = {s->seed + actor->number};
    for (unsigned i = 1; i <= s->rounds; i++) {
        struct lsm_write_options options = {.durability = rng_chance(&rng, 2)   ? LSM_SYNC
                                                          : rng_chance(&rng, 2) ? LSM_BUFFERED
                                                                                : LSM_PROCESS};
        uint64_t k = rng_below(&rng, KEYS / 2) * 2;
        int rc = put_pair(s, actor->number, k, i, &options);
        EXPECT(s, rc == 0);
        atomic_store(&s->acknowledged[actor->number][k], i);
        atomic_store(&s->acknowledged[actor->number][k + 1], i);
    }
    atomic_fetch_sub(&s->writing, 1);
    return NULL;
}

static uint64_t number_in(const void *data, size_t size) {
    char text[21] = "";
    memcpy(text, data, size < 20 ? size : 20);
    return strtoull(text, NULL, 10);
}

/* What was acknowledged before the read is seen by it. */
static void *read_numbers(void *argument) {
    const struct actor *actor = argument;
    struct stage *s = actor->stage;
    struct rng rng = {s->seed ^ (actor->number + 77)};
    while (atomic_load(&s->writing) > 0) {
        char names[2][32];
        unsigned w = (unsigned)rng_below(&rng, WRITERS);
        uint64_t k = rng_below(&rng, KEYS / 2) * 2;
        uint64_t least = atomic_load(&s->acknowledged[w][k]);
        struct lsm_key keys[2] = {{names[0], key_of(names[0], w, k)},
                                  {names[1], key_of(names[1], w, k + 1)}};
        struct lsm_value values[2] = {0};
        int status[2];
        EXPECT(s, lsm_multi_get(s->f->db, NULL, keys, 2, values, status) == 0);
        EXPECT(s, status[0] == status[1]); /* a batch is visible whole or not at all */
        EXPECT(s, status[0] == 0 || least == 0);
        if (status[0] == 0 && status[1] == 0) {
            uint64_t a = number_in(values[0].data, values[0].size);
            EXPECT(s, a == number_in(values[1].data, values[1].size));
            EXPECT(s, a >= least);
        }
        lsm_value_release(&values[0]);
        lsm_value_release(&values[1]);
        struct lsm_value one = {0};
        int rc = lsm_get(s->f->db, NULL, names[0], keys[0].size, &one);
        EXPECT(s, rc == 0 || (rc == LSM_NOT_FOUND && least == 0));
        lsm_value_release(&one);
    }
    return NULL;
}

/* An iterator stands still while the database goes on: pairs agree, both ways, and again. */
static void walk(struct stage *s, struct lsm_iter *iter, bool forward, uint64_t *sum) {
    unsigned count = 0;
    uint64_t previous = 0;
    *sum = 0;
    for (forward ? lsm_iter_first(iter) : lsm_iter_last(iter); lsm_iter_valid(iter);
         forward ? lsm_iter_next(iter) : lsm_iter_prev(iter)) {
        struct lsm_key value = lsm_iter_value(iter);
        uint64_t n = number_in(value.data, value.size);
        EXPECT(s, count % 2 == 0 || n == previous);
        previous = n;
        *sum += n;
        count++;
    }
    EXPECT(s, lsm_iter_status(iter) == 0);
    EXPECT(s, count % 2 == 0);
}

static void *iterate_and_snapshot(void *argument) {
    const struct actor *actor = argument;
    struct stage *s = actor->stage;
    while (atomic_load(&s->writing) > 0) {
        struct lsm_snapshot *snapshot = NULL;
        struct lsm_iter *iter = NULL, *again = NULL;
        uint64_t there = 0, back = 0, later = 0;
        EXPECT(s, lsm_snapshot_create(s->f->db, &snapshot) == 0);
        struct lsm_read_options options = {.snapshot = snapshot};
        EXPECT(s, lsm_iter_create(s->f->db, &options, &iter) == 0);
        walk(s, iter, true, &there);
        walk(s, iter, false, &back);
        EXPECT(s, there == back);
        lsm_iter_destroy(iter);
        sched_yield();
        EXPECT(s, lsm_iter_create(s->f->db, &options, &again) == 0); /* another view, same moment */
        walk(s, again, true, &later);
        EXPECT(s, there == later);
        lsm_iter_destroy(again);
        lsm_snapshot_release(snapshot);
    }
    return NULL;
}

static void *maintain(void *argument) {
    const struct actor *actor = argument;
    struct stage *s = actor->stage;
    struct rng rng = {s->seed * 3 + actor->number};
    while (atomic_load(&s->writing) > 0) {
        uint64_t id = 0;
        struct lsm_job job;
        uint32_t level = (uint32_t)rng_below(&rng, 3);
        int rc = 0;
        switch (rng_below(&rng, 5)) {
        case 0:
            rc = lsm_flush(s->f->db);
            break;
        case 1:
            rc = lsm_compact_level(s->f->db, level);
            break;
        case 2:
            rc = lsm_job_schedule(s->f->db, level, &id);
            rc = rc == 0 ? lsm_job_wait(s->f->db, id, 60000, &job) : rc;
            /* NOT_FOUND: done, and hundreds of others since, while this thread waited its turn. */
            EXPECT(s, rc == LSM_ERR_BUSY || rc == LSM_NOT_FOUND ||
                          (rc == 0 && job.state == LSM_JOB_COMPLETED));
            rc = rc == LSM_ERR_BUSY || rc == LSM_NOT_FOUND ? 0 : rc;
            break;
        case 3:
            rc = lsm_sync(s->f->db);
            break;
        default:
            rc = rng_chance(&rng, 20) ? lsm_compact_all(s->f->db) : 0;
            break;
        }
        EXPECT(s, rc == 0);
    }
    return NULL;
}

static void *observe(void *argument) {
    const struct actor *actor = argument;
    struct stage *s = actor->stage;
    struct lsm_stats stats, before = {0};
    struct lsm_latency latency;
    struct lsm_table_info tables[64];
    uint64_t total = 0;
    struct lsm_job jobs[16];
    size_t count = 0;
    while (atomic_load(&s->writing) > 0) {
        lsm_stats_read(s->f->db, &stats);
        EXPECT(s, stats.puts >= before.puts && stats.last_sequence >= before.last_sequence);
        EXPECT(s, stats.flushes >= before.flushes && stats.wal_bytes >= before.wal_bytes);
        before = stats;
        lsm_latency_read(s->f->db, LSM_OP_PUT, true, &latency);
        EXPECT(s, lsm_shape_read(s->f->db, tables, 64, &total) == 0);
        EXPECT(s, lsm_job_list(s->f->db, jobs, 16, &count) == 0);
        sched_yield();
    }
    return NULL;
}

static void all_at_once(struct db_fixture *f, bool async) {
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    f->options.async_compaction = async;
    f->options.memtable_bytes = 16 << 10;
    f->options.max_levels = 4;
    f->options.background_threads = 3;
    db_open(f);
    s->f = f;
    s->seed = db_seed;
    s->rounds = db_scaled(1500);
    atomic_store(&s->writing, WRITERS);
    void *(*const bodies[])(void *) = {
        write_numbers,        write_numbers,        write_numbers, read_numbers, read_numbers,
        iterate_and_snapshot, iterate_and_snapshot, maintain,      maintain,     observe};
    enum { ACTORS = sizeof bodies / sizeof bodies[0] };
    struct actor actors[ACTORS];
    for (unsigned i = 0; i < ACTORS; i++) {
        actors[i] = (struct actor){.stage = s, .number = i};
        assert_int_equal(pthread_create(&actors[i].thread, NULL, bodies[i], &actors[i]), 0);
    }
    for (unsigned i = 0; i < ACTORS; i++) {
        assert_int_equal(pthread_join(actors[i].thread, NULL), 0);
    }
    DB_CHECK(atomic_load(&s->failures) == 0, "%u expectations failed", atomic_load(&s->failures));
    db_reopen(f);
    for (unsigned w = 0; w < WRITERS; w++) {
        for (unsigned k = 0; k < KEYS; k++) {
            char key[32];
            key_of(key, w, k);
            const char *value = db_get(f, key);
            uint64_t expected = atomic_load(&s->acknowledged[w][k]);
            DB_CHECK((value != NULL ? strtoull(value, NULL, 10) : 0) == expected,
                     "%s is not what was acknowledged last", key);
        }
    }
    db_close(f);
    free(s);
}

static void threads_see_whole_batches_and_what_was_acknowledged(void **state) {
    all_at_once(*state, true);
}

static void threads_that_compact_in_line_see_it_too(void **state) {
    all_at_once(*state, false);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_FILES(threads_see_whole_batches_and_what_was_acknowledged),
        DB_CASES_ON_FILES(threads_that_compact_in_line_see_it_too),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
