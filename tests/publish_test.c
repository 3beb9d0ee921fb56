/* A database published into a segment: what observers read there is what the database itself says,
 * while it works, and after it stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "db_fixture.h"
#include "publish.h"
#include "quiet_fork.h"

enum { INTERVAL_NS = 10 * 1000 * 1000 };
static uint64_t interval_ns = INTERVAL_NS;
static char name[48];

struct watch {
    struct db_fixture *f;
    struct lsm_publish *publish;
    struct scope_segment *segment;
};

static void start(struct watch *w, struct db_fixture *f, const struct lsm_publish_options *given) {
    struct scope_error_detail detail = {0};
    struct lsm_publish_options options = given != NULL ? *given : lsm_publish_options_default();
    options.sample_interval_ns = interval_ns;
    options.samples = 1024;
    options.seconds = 64;
    *w = (struct watch){.f = f};
    snprintf(name, sizeof name, "publish-test-%d", (int)getpid());
    int rc = lsm_publish_start(f->db, name, &options, &w->publish, &detail);
    DB_CHECK(rc == 0, "publish: %d", rc);
    rc = scope_attach(name, false, &w->segment, &detail);
    DB_CHECK(rc == 0, "attach: %d", rc);
}

static void end(struct watch *w) {
    scope_detach(w->segment);
    lsm_publish_stop(w->publish);
}

static uint64_t value_in(const struct watch *w, const struct scope_sample *sample, uint32_t id) {
    uint64_t value = 0;
    DB_CHECK(scope_sample_get(w->segment, sample, id, &value), "metric %u is absent", id);
    return value;
}

/* The newest sample; waits for the first. */
static struct scope_sample newest(const struct watch *w) {
    static struct scope_cursor cursor;
    struct scope_sample sample, last;
    bool any = false;
    while (!any) {
        scope_cursor_init(&cursor, w->segment, SCOPE_RING_SAMPLES);
        for (enum scope_poll poll = scope_poll_sample(&cursor, &sample); poll != SCOPE_POLL_EMPTY;
             poll = scope_poll_sample(&cursor, &sample)) {
            if (poll == SCOPE_POLL_RECORD) {
                last = sample;
                any = true;
            }
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return last;
}

static void wait_for(const struct watch *w, uint32_t id, uint64_t at_least) {
    struct scope_sample sample = newest(w);
    while (value_in(w, &sample, id) < at_least) {
        sample = newest(w);
    }
}

static void work(struct db_fixture *f, unsigned from, unsigned to) {
    char key[16], value[120];
    memset(value, 'v', sizeof value);
    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "key%05u", i * 7919 % 2000);
        if (i % 5 == 4) {
            DB_MUST(f, lsm_delete(f->db, NULL, key, 8));
        } else {
            DB_MUST(f, lsm_put(f->db, NULL, key, 8, value, sizeof value));
        }
    }
}

/* ---- the tree as an observer knows it ---- */

struct tree {
    struct scope_table *tables;
    size_t count;
};

static long find_table(const struct tree *tree, uint64_t id) {
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->tables[i].id == id) {
            return (long)i;
        }
    }
    return -1;
}

static void apply(struct tree *tree, const struct scope_event *event) {
    long i = find_table(tree, event->u.table.id);
    if (event->type == SCOPE_EVENT_TABLE_ADD) {
        DB_CHECK(i < 0 && tree->count < SCOPE_MAX_TABLES, "a table is added twice");
        tree->tables[tree->count++] = event->u.table;
    } else if (event->type == SCOPE_EVENT_TABLE_MOVE) {
        DB_CHECK(i >= 0 && tree->tables[i].level == event->level_from, "a strange move");
        tree->tables[i].level = event->u.table.level;
    } else if (event->type == SCOPE_EVENT_TABLE_REMOVE) {
        DB_CHECK(i >= 0, "a table is removed that was not there");
        tree->tables[i] = tree->tables[--tree->count];
    }
}

static void expect_the_database_s_tables(const struct watch *w, const struct tree *tree) {
    static struct lsm_table_info tables[SCOPE_MAX_TABLES];
    uint64_t total = 0;
    DB_MUST(w->f, lsm_shape_read(w->f->db, tables, SCOPE_MAX_TABLES, &total));
    DB_CHECK(total == tree->count, "%zu tables are published, %zu there are", tree->count,
             (size_t)total);
    for (uint64_t i = 0; i < total; i++) {
        long at = find_table(tree, tables[i].id);
        DB_CHECK(at >= 0, "a table is not published");
        const struct scope_table *t = &tree->tables[at];
        assert_int_equal(t->level, tables[i].level);
        assert_int_equal(t->bytes, tables[i].bytes);
        assert_int_equal(t->entries, tables[i].entries);
        assert_int_equal(t->tombstones, tables[i].tombstones);
    }
}

static struct tree read_tree(const struct watch *w, uint64_t *event_head) {
    struct tree tree = {.tables = calloc(SCOPE_MAX_TABLES, sizeof *tree.tables)};
    assert_non_null(tree.tables);
    struct scope_shape shape = {.tables = tree.tables};
    while (scope_read_shape(w->segment, &shape) != SCOPE_POLL_RECORD) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    tree.count = shape.count;
    *event_head = shape.event_head;
    return tree;
}

/* ---- cases ---- */

static void counters_arrive_and_at_the_end_equal_the_stats(void **state) {
    struct db_fixture *f = *state;
    struct watch w;
    struct lsm_stats stats;
    db_open(f);
    start(&w, f, NULL);
    assert_int_equal(scope_segment_liveness(w.segment), SCOPE_LIVE);
    work(f, 0, 3000);
    wait_for(&w, SCOPE_M_OPS_PUT, 2400);
    struct lsm_value value = {0};
    assert_int_equal(lsm_get(f->db, NULL, "absent", 6, &value), LSM_NOT_FOUND);
    DB_MUST(f, lsm_compact_all(f->db));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    lsm_publish_stop(w.publish);
    w.publish = NULL;
    assert_int_equal(scope_segment_liveness(w.segment), SCOPE_CLOSED);
    lsm_stats_read(f->db, &stats);
    struct scope_sample s = newest(&w);
    assert_int_equal(value_in(&w, &s, SCOPE_M_OPS_PUT), stats.puts);
    assert_int_equal(value_in(&w, &s, SCOPE_M_OPS_PUT), 2400);
    assert_int_equal(value_in(&w, &s, SCOPE_M_OPS_DELETE), 600);
    assert_int_equal(value_in(&w, &s, SCOPE_M_OPS_GET), stats.gets);
    assert_int_equal(value_in(&w, &s, SCOPE_M_USER_BYTES_WRITTEN), stats.user_bytes_written);
    assert_int_equal(value_in(&w, &s, SCOPE_M_WAL_BYTES), stats.wal_bytes);
    assert_int_equal(value_in(&w, &s, SCOPE_M_FLUSHES), stats.flushes);
    assert_int_equal(value_in(&w, &s, SCOPE_M_COMPACTIONS), stats.compactions);
    assert_int_equal(value_in(&w, &s, SCOPE_M_COMPACTION_BYTES_WRITTEN),
                     stats.compaction_bytes_written);
    assert_int_equal(value_in(&w, &s, SCOPE_M_TABLES), stats.tables);
    assert_int_equal(value_in(&w, &s, SCOPE_M_TABLE_BYTES), stats.table_bytes);
    assert_int_equal(value_in(&w, &s, SCOPE_M_LAST_SEQUENCE), 3000);
    assert_int_equal(value_in(&w, &s, SCOPE_M_MEMTABLE_LIMIT), f->options.memtable_bytes);
    assert_int_equal(value_in(&w, &s, SCOPE_M_IO_BACKEND), f->kind == DB_URING ? 0 : 1);
    for (uint32_t l = 0; l < stats.levels; l++) {
        assert_int_equal(value_in(&w, &s, SCOPE_M_LEVEL_TABLES + l), stats.level[l].tables);
        assert_int_equal(value_in(&w, &s, SCOPE_M_LEVEL_BYTES + l), stats.level[l].bytes);
    }
    uint64_t ignored;
    assert_false(scope_sample_get(w.segment, &s, SCOPE_M_TARGET_PUT, &ignored)); /* a driver's */
    end(&w);
}

static void the_shape_and_the_events_after_it_are_the_tree(void **state) {
    struct db_fixture *f = *state;
    struct watch w;
    uint64_t head = 0;
    db_open(f);
    work(f, 0, 1500); /* tables older than the publisher */
    start(&w, f, NULL);
    struct tree tree = read_tree(&w, &head);
    work(f, 1500, 4000);
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_compact_level(f->db, 0));
    DB_MUST(f, lsm_wait_idle(f->db, 60000));
    struct scope_cursor cursor;
    struct scope_event event;
    scope_cursor_init(&cursor, w.segment, SCOPE_RING_EVENTS);
    cursor.next = head;
    uint64_t previous_ns = 0;
    unsigned flushes = 0, tables = 0;
    for (enum scope_poll poll = scope_poll_event(&cursor, &event); poll != SCOPE_POLL_EMPTY;
         poll = scope_poll_event(&cursor, &event)) {
        assert_int_equal(poll, SCOPE_POLL_RECORD);
        assert_true(event.time_ns >= previous_ns); /* in the order things happened */
        previous_ns = event.time_ns;
        flushes += event.type == SCOPE_EVENT_FLUSH_END;
        tables += event.type == SCOPE_EVENT_TABLE_ADD;
        apply(&tree, &event);
    }
    assert_true(flushes > 0 && tables > 0);
    expect_the_database_s_tables(&w, &tree);
    free(tree.tables);
    lsm_publish_stop(w.publish); /* publishes the last shape too */
    w.publish = NULL;
    tree = read_tree(&w, &head);
    expect_the_database_s_tables(&w, &tree);
    free(tree.tables);
    end(&w);
}

static bool any_busy(const struct watch *w) {
    uint64_t event_head;
    struct tree tree = read_tree(w, &event_head);
    bool busy = false;
    for (size_t i = 0; i < tree.count; i++) {
        busy = busy || tree.tables[i].busy;
    }
    free(tree.tables);
    return busy;
}

/* A compaction that waits in its begin until its inputs are seen to be busy, or for 20 s. */
struct held {
    const struct watch *watch;
    bool seen;
};

static void hold(void *context, const struct lsm_event *event) {
    struct held *held = context;
    if (event->type == LSM_EVENT_COMPACT_BEGIN) {
        for (unsigned i = 0; i < 20000 && !held->seen; i++) {
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            held->seen = any_busy(held->watch);
        }
    }
}

/* Whatever the sample interval: the shape with the marks does not wait for the next sample. */
static void a_running_job_s_inputs_are_marked_at_once(void **state) {
    struct db_fixture *f = *state;
    struct watch w;
    struct held held = {.watch = &w};
    f->options.async_compaction = true;
    db_open(f);
    interval_ns = UINT64_C(3600) * 1000 * 1000 * 1000;
    start(&w, f, NULL);
    interval_ns = INTERVAL_NS;
    work(f, 0, 100);
    DB_MUST(f, lsm_flush(f->db));
    DB_MUST(f, lsm_listener_add(f->db, hold, &held));
    DB_MUST(f, lsm_compact_level(f->db, 0));
    lsm_listener_remove(f->db, hold, &held);
    assert_true(held.seen);
    end(&w);
}

static void fill(void *context, const struct scope_writer *writer, struct scope_sample *sample) {
    (void)context;
    scope_sample_set(writer, sample, SCOPE_M_TARGET_PUT, 1234);
}

static bool respond(void *context, enum scope_op op, uint64_t count[SCOPE_HIST_BUCKETS],
                    uint64_t *max_ns) {
    (void)context;
    count[scope_bucket_of(1000)] = op == SCOPE_OP_PUT ? 15 : 0;
    *max_ns = 1000;
    return op == SCOPE_OP_PUT;
}

static uint64_t sum(const uint64_t count[SCOPE_HIST_BUCKETS]) {
    uint64_t n = 0;
    for (unsigned i = 0; i < SCOPE_HIST_BUCKETS; i++) {
        n += count[i];
    }
    return n;
}

static void histograms_markers_and_the_program_s_own_values_arrive(void **state) {
    struct db_fixture *f = *state;
    struct watch w;
    struct lsm_publish_options options = lsm_publish_options_default();
    options.fill = fill;
    options.response = respond;
    options.description = "of a test";
    db_open(f);
    start(&w, f, &options);
    work(f, 0, 500);
    lsm_publish_marker(w.publish, "half time");
    wait_for(&w, SCOPE_M_OPS_PUT, 400);
    struct scope_sample s = newest(&w);
    assert_int_equal(value_in(&w, &s, SCOPE_M_TARGET_PUT), 1234);
    struct scope_info info;
    scope_segment_info(w.segment, &info);
    assert_string_equal(info.description, "of a test");
    lsm_publish_stop(w.publish); /* the last stretch of a second is published too */
    w.publish = NULL;
    struct scope_cursor cursor;
    static struct scope_histograms record;
    uint64_t put = 0, response = 0;
    scope_cursor_init(&cursor, w.segment, SCOPE_RING_HISTOGRAMS);
    while (scope_poll_histograms(&cursor, &record) == SCOPE_POLL_RECORD) {
        put += sum(record.count[SCOPE_SERVICE * SCOPE_OPS + SCOPE_OP_PUT]);
        response += sum(record.count[SCOPE_RESPONSE * SCOPE_OPS + SCOPE_OP_PUT]);
    }
    assert_true(put > 0);
    assert_int_equal(response, 15);
    bool marked = false;
    struct scope_event event;
    scope_cursor_init(&cursor, w.segment, SCOPE_RING_EVENTS);
    while (scope_poll_event(&cursor, &event) == SCOPE_POLL_RECORD) {
        marked =
            marked || (event.type == SCOPE_EVENT_MARKER && strcmp(event.u.text, "half time") == 0);
    }
    assert_true(marked);
    end(&w);
}

static void a_name_in_use_is_refused_and_free_after_the_stop(void **state) {
    struct db_fixture *f = *state;
    struct watch w;
    struct lsm_publish *second = NULL;
    struct scope_error_detail detail = {0};
    db_open(f);
    start(&w, f, NULL);
    assert_int_not_equal(lsm_publish_start(f->db, name, NULL, &second, &detail), 0);
    assert_null(second);
    end(&w);
    start(&w, f, NULL);
    end(&w);
    assert_int_not_equal(scope_attach(name, false, &w.segment, &detail), 0);
    assert_int_not_equal(lsm_publish_start(NULL, name, NULL, &second, &detail), 0);
    lsm_publish_stop(NULL);
}

/* The sampler is not there, and the segment is the parent's. */
static void a_stop_in_a_forked_child_leaves_the_parent_s_alone(void **state) {
    struct db_fixture *f = *state;
    struct watch w;
    int status = 0;
    db_open(f);
    start(&w, f, NULL);
    pid_t child = quiet_fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(20);
        lsm_publish_marker(w.publish, "from a child");
        lsm_publish_stop(w.publish);
        _exit(lsm_close(f->db) == LSM_ERR_FORKED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    work(f, 0, 100);
    wait_for(&w, SCOPE_M_OPS_PUT, 80);
    end(&w);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        DB_CASES_ON_FILES(counters_arrive_and_at_the_end_equal_the_stats),
        DB_CASES_ON_FILES(the_shape_and_the_events_after_it_are_the_tree),
        DB_CASES_ON_FILES(a_running_job_s_inputs_are_marked_at_once),
        DB_CASE(histograms_markers_and_the_program_s_own_values_arrive, posix),
        DB_CASE(a_name_in_use_is_refused_and_free_after_the_stop, posix),
        DB_CASE(a_stop_in_a_forked_child_leaves_the_parent_s_alone, posix),
    };
    db_test_begin(argc, argv);
    return db_test_run(tests, sizeof tests / sizeof tests[0]);
}
