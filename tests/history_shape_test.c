/* history_shape_test.c: the tree as it was, against a model that keeps every tree there ever was.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "history_store.h"

static uint64_t seed;

static uint64_t random_next(void) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(0x2545F4914F6CDD1D);
}

/* ---- the model: a tree, its events, and a copy of the tree after each of them ---------------- */

enum { MODEL_TABLES = 160, MODEL_EVENTS = 20000, MODEL_JOBS = 3, JOB_INPUTS = 5 };

struct model_job {
    uint32_t job; /* 0: not running */
    uint64_t input[JOB_INPUTS];
    unsigned inputs;
};

struct model {
    struct scope_table table[MODEL_TABLES];
    unsigned count;
    struct model_job job[MODEL_JOBS];
    uint32_t jobs;
    uint64_t tables;
    double now;

    unsigned events;
    struct scope_event event[MODEL_EVENTS];
    double time[MODEL_EVENTS];
    struct scope_table *after[MODEL_EVENTS]; /* the tree once the event has happened */
    unsigned after_count[MODEL_EVENTS];
    struct scope_table *before; /* the first of them */
    unsigned before_count;
};

static const double START_S = 7.0; /* of the run, by the publisher's clock */

static struct model *model_make(void) {
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    m->now = 0.5;
    return m;
}

static void model_free(struct model *m) {
    for (unsigned i = 0; i < m->events; i++) {
        free(m->after[i]);
    }
    free(m);
}

static unsigned model_find(const struct model *m, uint64_t id) {
    unsigned i = 0;
    while (i < m->count && m->table[i].id != id) {
        i++;
    }
    return i;
}

static void model_emit(struct model *m, struct scope_event event) {
    assert_true(m->events < MODEL_EVENTS);
    unsigned at = m->events++;
    event.time_ns = (uint64_t)llround((m->now + START_S) * 1e9);
    m->event[at] = event;
    m->time[at] = m->now;
    m->after[at] = malloc((m->count + 1) * sizeof(struct scope_table));
    assert_non_null(m->after[at]);
    memcpy(m->after[at], m->table, m->count * sizeof(struct scope_table));
    m->after_count[at] = m->count;
}

static void model_add(struct model *m, uint8_t level, uint32_t job) {
    if (m->count == MODEL_TABLES) {
        return;
    }
    struct scope_table table = {
        .id = ++m->tables,
        .level = level,
        .bytes = random_next() % 100000,
        .lo = random_next(),
        .created_ns = (uint64_t)llround((m->now + START_S) * 1e9),
    };
    m->table[m->count++] = table;
    model_emit(m, (struct scope_event){.type = SCOPE_EVENT_TABLE_ADD,
                                       .job = job,
                                       .level_from = level,
                                       .level_to = level,
                                       .u.table = table});
}

static void model_remove(struct model *m, unsigned at, uint32_t job) {
    struct scope_table table = m->table[at];
    table.busy = false; /* a publisher need not know any more */
    m->table[at] = m->table[--m->count];
    model_emit(m, (struct scope_event){.type = SCOPE_EVENT_TABLE_REMOVE,
                                       .job = job,
                                       .level_from = table.level,
                                       .level_to = table.level,
                                       .u.table = table});
}

static void model_begin(struct model *m, struct model_job *job) {
    job->job = ++m->jobs;
    job->inputs = 0;
    for (unsigned i = 0; i < m->count && job->inputs < JOB_INPUTS; i++) {
        if (!m->table[i].busy && random_next() % 4 == 0) {
            m->table[i].busy = true;
            job->input[job->inputs++] = m->table[i].id;
        }
    }
    model_emit(
        m, (struct scope_event){
               .type = SCOPE_EVENT_COMPACT_BEGIN, .job = job->job, .level_from = 1, .level_to = 2});
}

/* A merge, or a move of all inputs. */
static void model_end(struct model *m, struct model_job *job) {
    bool moves = random_next() % 3 == 0;
    for (unsigned i = 0; i < job->inputs; i++) {
        unsigned at = model_find(m, job->input[i]);
        assert_true(at < m->count);
        if (!moves) {
            model_remove(m, at, job->job);
            continue;
        }
        uint8_t from = m->table[at].level, to = (uint8_t)(random_next() % SCOPE_MAX_LEVELS);
        m->table[at].level = to;
        model_emit(m, (struct scope_event){.type = SCOPE_EVENT_TABLE_MOVE,
                                           .job = job->job,
                                           .level_from = from,
                                           .level_to = to,
                                           .u.table = m->table[at]});
    }
    for (unsigned i = 0; i < 3 && !moves; i++) {
        model_add(m, 2, job->job);
    }
    for (unsigned i = 0; i < job->inputs && moves; i++) {
        m->table[model_find(m, job->input[i])].busy = false;
    }
    model_emit(m, (struct scope_event){.type = SCOPE_EVENT_COMPACT_END, .job = job->job});
    job->job = 0;
}

static void model_step(struct model *m) {
    m->now += 0.001 + (double)(random_next() % 1000) / 1e4;
    struct model_job *job = &m->job[random_next() % MODEL_JOBS];
    switch (random_next() % 4) {
    case 0:
        if (job->job == 0) {
            model_begin(m, job);
        } else {
            model_end(m, job);
        }
        break;
    case 1:
        model_emit(m, (struct scope_event){.type = SCOPE_EVENT_WAL_ROTATE});
        break;
    default:
        model_add(m, 0, ++m->jobs);
        break;
    }
}

/* Runs until about `events` have happened, then ends what runs. */
static void model_run(struct model *m, unsigned events) {
    while (m->events < events) {
        model_step(m);
    }
    for (unsigned i = 0; i < MODEL_JOBS; i++) {
        if (m->job[i].job != 0) {
            model_end(m, &m->job[i]);
        }
    }
}

static void tell_shape(struct history *history, const struct model *m, unsigned events) {
    struct scope_shape shape = {
        .time_ns = (uint64_t)llround((m->time[events - 1] + START_S) * 1e9),
        .event_head = events,
        .count = m->after_count[events - 1],
        .total = m->after_count[events - 1],
        .tables = m->after[events - 1],
    };
    history_set_shape(history, &shape);
}

static void tell_event(struct history *history, const struct model *m, unsigned number) {
    history_number_events(history, number);
    history_append_event(history, m->time[number], &m->event[number]);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b) {
    const struct scope_table *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static void compare(const struct scope_shape *got, const struct scope_table *tables, unsigned count,
                    bool busy) {
    assert_non_null(got);
    assert_int_equal(got->count, count);
    assert_int_equal(got->total, count);
    struct scope_table *a = malloc((count + 1) * sizeof(*a)), *b = malloc((count + 1) * sizeof(*b));
    assert_true(a != NULL && b != NULL);
    if (count > 0) { /* an empty tree has no tables to point at */
        memcpy(a, got->tables, count * sizeof(*a));
        memcpy(b, tables, count * sizeof(*b));
    }
    qsort(a, count, sizeof(*a), by_id);
    qsort(b, count, sizeof(*b), by_id);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(a[i].id, b[i].id);
        assert_int_equal(a[i].level, b[i].level);
        assert_int_equal(a[i].bytes, b[i].bytes);
        assert_int_equal(a[i].lo, b[i].lo);
        if (busy) {
            assert_int_equal(a[i].busy, b[i].busy);
        }
    }
    free(a);
    free(b);
}

/* The model's tree at a time. Events of one moment all have happened. */
static void compare_at(const struct history *history, const struct model *m, double t, bool busy) {
    unsigned events = 0;
    while (events < m->events && m->time[events] <= t) {
        events++;
    }
    static const struct scope_table nothing[1];
    compare(history_shape_at(history, t), events == 0 ? nothing : m->after[events - 1],
            events == 0 ? 0 : m->after_count[events - 1], busy);
}

static double random_time(const struct model *m, double from) {
    return from + (m->now + 1 - from) * (double)(random_next() % 100000) / 1e5;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static int setup(void **state) {
    *state = history_create();
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state) {
    history_destroy(*state);
    return 0;
}

static void nothing_is_known_without_a_shape(void **state) {
    struct history *history = *state;
    assert_null(history_shape_at(history, 1));
    assert_true(isinf(history_shape_start(history)));
    struct scope_event event = {.type = SCOPE_EVENT_TABLE_ADD, .u.table.id = 1};
    history_append_event(history, 1, &event);
    assert_null(history_shape_at(history, 2));
    double seconds = 0;
    assert_false(history_table_born(history, 1, &seconds));
}

static void tree_of_any_moment_follows_from_one_shape(void **state) {
    struct history *history = *state;
    struct model *m = model_make();
    model_run(m, 12000);
    for (unsigned i = 0; i < m->events; i++) {
        tell_event(history, m, i);
    }
    tell_shape(history, m, m->events);
    assert_true(history_shape_start(history) <= 0);
    for (int i = 0; i < 300; i++) {
        compare_at(history, m, random_time(m, -0.5), true);
    }
    /* And step by step, as scrubbing does. */
    for (double t = 0; t < 20; t += 0.05) {
        compare_at(history, m, t, true);
    }
    for (double t = 20; t > 0; t -= 0.05) {
        compare_at(history, m, t, true);
    }
    model_free(m);
}

static void live_run_with_many_shapes_agrees_at_every_moment(void **state) {
    struct history *history = *state;
    struct model *m = model_make();
    model_run(m, 15000);
    unsigned told = 0;
    while (told < m->events) {
        unsigned more = 1 + (unsigned)(random_next() % 40);
        /* A shape may be read while events that it holds are still to be read. */
        unsigned head = told + more / 2 + 1;
        head = head < m->events ? head : m->events;
        bool early = random_next() % 2 == 0;
        if (early) {
            tell_shape(history, m, head);
        }
        for (unsigned i = 0; i < more && told < m->events; i++) {
            tell_event(history, m, told++);
        }
        if (!early) {
            tell_shape(history, m, head);
        }
        if (random_next() % 4 == 0) {
            double end = m->time[told - 1];
            compare_at(history, m, end * (double)(random_next() % 1000) / 1000, false);
            compare_at(history, m, nextafter(m->time[told - 1], -1), false);
        }
    }
    for (int i = 0; i < 300; i++) {
        compare_at(history, m, random_time(m, 0), true);
    }
    model_free(m);
}

static void lost_events_make_unknown_only_what_they_hide(void **state) {
    struct history *history = *state;
    struct model *m = model_make();
    model_run(m, 9000);
    const unsigned first = 1000, gap_from = 4000, gap_to = 4500;
    for (unsigned i = first; i < m->events; i++) {
        if (i == gap_from) {
            tell_shape(history, m, i);
            i = gap_to;
        }
        tell_event(history, m, i);
    }
    tell_shape(history, m, m->events);
    assert_true(history_shape_start(history) == m->time[first]);
    assert_null(history_shape_at(history, nextafter(m->time[first], 0)));
    assert_null(history_shape_at(history, (m->time[gap_from] + m->time[gap_to - 1]) / 2));
    for (int i = 0; i < 200; i++) {
        double t = random_time(m, m->time[first]);
        bool hidden = t > m->time[gap_from - 1] && t < m->time[gap_to];
        if (hidden) {
            assert_null(history_shape_at(history, t));
        } else {
            /* Inputs of a job whose end was lost cannot be known. */
            compare_at(history, m, t, t > m->time[gap_to] + 10);
        }
    }
    model_free(m);
}

static void events_beyond_the_bound_are_forgotten_with_the_trees_before_them(void **state) {
    struct history *history = *state;
    struct model *m = model_make();
    model_run(m, 6000);
    tell_event(history, m, 0);
    /* A long way of events that change nothing. */
    struct scope_event idle = {.type = SCOPE_EVENT_WAL_ROTATE};
    unsigned told = 1;
    uint64_t number = 1;
    const uint64_t all = HISTORY_EVENTS_MAX + 20000;
    for (uint64_t i = 0; i < all; i++) {
        double t = m->time[0] + (double)i * 1e-7;
        idle.time_ns = (uint64_t)llround((t + START_S) * 1e9);
        history_number_events(history, number++);
        history_append_event(history, t, &idle);
    }
    for (; told < m->events; told++) {
        history_number_events(history, number++);
        history_append_event(history, m->time[told] + 1, &m->event[told]);
        if (told % 50 == 0) {
            tell_shape(history, m, told); /* heads of another ring: forgotten or too early */
        }
    }
    struct scope_shape shape = {.time_ns = (uint64_t)llround((m->now + START_S + 1) * 1e9),
                                .event_head = number,
                                .count = m->after_count[m->events - 1],
                                .total = m->after_count[m->events - 1],
                                .tables = m->after[m->events - 1]};
    history_set_shape(history, &shape);
    assert_true(history_event_count(history) < number);
    double start = history_shape_start(history);
    assert_true(start > 0 && start < m->time[0] + 1);
    assert_null(history_shape_at(history, m->time[0]));
    for (unsigned i = 1; i < m->events; i += 37) {
        unsigned last = i;
        while (last + 1 < m->events && m->time[last + 1] <= m->time[i]) {
            last++;
        }
        compare(history_shape_at(history, m->time[i] + 1), m->after[last], m->after_count[last],
                true);
    }
    model_free(m);
}

static void without_table_events_each_shape_holds_until_the_next(void **state) {
    struct history *history = *state;
    struct scope_table tables[64];
    memset(tables, 0, sizeof(tables));
    for (unsigned k = 0; k < 50; k++) {
        struct scope_event idle = {.type = SCOPE_EVENT_WAL_ROTATE, .time_ns = k * 1000000000ull};
        history_append_event(history, k, &idle);
        for (unsigned i = 0; i <= k; i++) {
            tables[i].id = k * 100 + i;
        }
        struct scope_shape shape = {.time_ns = k * 1000000000ull + 500000000,
                                    .count = k + 1,
                                    .total = k + 1,
                                    .tables = tables};
        history_set_shape(history, &shape);
    }
    for (unsigned k = 0; k < 50; k++) {
        const struct scope_shape *got = history_shape_at(history, k + 0.75);
        assert_non_null(got);
        assert_int_equal(got->count, k + 1);
        got = history_shape_at(history, k + 1.25);
        assert_non_null(got);
        assert_int_equal(got->count, k + 1);
    }
}

static void an_hour_of_shapes_without_events_stays_within_its_memory(void **state) {
    struct history *history = *state;
    static struct scope_table tables[4000];
    memset(tables, 0, sizeof(tables));
    const unsigned shapes = 1000;
    for (unsigned k = 0; k < shapes; k++) {
        for (unsigned i = 0; i < 4000; i++) {
            tables[i].id = (uint64_t)k * 10000 + i;
        }
        struct scope_event idle = {.type = SCOPE_EVENT_MARKER, .time_ns = k * 1000000000ull};
        if (k == 0) {
            history_append_event(history, 0, &idle);
        }
        struct scope_shape shape = {
            .time_ns = (k + 1) * 1000000000ull, .count = 4000, .total = 4000, .tables = tables};
        history_set_shape(history, &shape);
    }
    /* Known throughout, if more coarsely: a tree of the moment or of some time before it. */
    for (unsigned k = 1; k <= shapes; k++) {
        const struct scope_shape *got = history_shape_at(history, k + 0.5);
        assert_non_null(got);
        uint64_t of = got->tables[0].id / 10000 + 1;
        assert_true(of <= k && of + 40 > k);
    }
}

static void table_tells_when_it_was_made(void **state) {
    struct history *history = *state;
    struct model *m = model_make();
    model_run(m, 500);
    for (unsigned i = 0; i < m->events; i++) {
        tell_event(history, m, i);
    }
    tell_shape(history, m, m->events);
    const struct scope_table *table = &m->after[250][0];
    double born = 0;
    assert_non_null(history_shape_at(history, m->time[250]));
    assert_true(history_table_born(history, table->id, &born));
    assert_true(fabs(born - ((double)table->created_ns / 1e9 - START_S)) < 1e-6);
    assert_false(history_table_born(history, 999999, &born));
    model_free(m);
}

static void failed_job_leaves_no_table_busy(void **state) {
    struct history *history = *state;
    struct scope_table tables[3] = {{.id = 1, .level = 1, .busy = true},
                                    {.id = 2, .level = 2, .busy = true},
                                    {.id = 3, .level = 4}};
    struct scope_event begin = {
        .type = SCOPE_EVENT_COMPACT_BEGIN, .job = 5, .level_from = 1, .level_to = 2};
    struct scope_event end = {.type = SCOPE_EVENT_COMPACT_END,
                              .job = 5,
                              .level_from = 1,
                              .level_to = 2,
                              .u.job_info.status = -5};
    begin.time_ns = 1000000000;
    end.time_ns = 3000000000;
    history_number_events(history, 0);
    history_append_event(history, 1, &begin);
    struct scope_shape shape = {
        .time_ns = 2000000000, .event_head = 1, .count = 3, .total = 3, .tables = tables};
    history_set_shape(history, &shape);
    history_append_event(history, 3, &end);
    for (double t = 0.5; t < 4; t += 1) {
        const struct scope_shape *got = history_shape_at(history, t);
        assert_non_null(got);
        assert_int_equal(got->count, 3);
        for (unsigned i = 0; i < 3; i++) {
            bool running = t > 1 && t < 3 && got->tables[i].id != 3;
            assert_int_equal(got->tables[i].busy, running);
        }
    }
}

static void clear_forgets_the_trees(void **state) {
    struct history *history = *state;
    struct model *m = model_make();
    model_run(m, 5000);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < m->events; i++) {
            tell_event(history, m, i);
            if (i % 500 == 499) {
                tell_shape(history, m, i + 1);
            }
        }
        compare_at(history, m, m->now / 2, true);
        history_clear(history);
        assert_null(history_shape_at(history, m->now / 2));
        assert_true(isinf(history_shape_start(history)));
    }
    model_free(m);
}

int main(void) {
    const char *given = getenv("LSM_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("repeat with: LSM_TEST_SEED=%llu history_shape_test\n", (unsigned long long)seed);
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_known_without_a_shape),
        CASE(tree_of_any_moment_follows_from_one_shape),
        CASE(live_run_with_many_shapes_agrees_at_every_moment),
        CASE(lost_events_make_unknown_only_what_they_hide),
        CASE(events_beyond_the_bound_are_forgotten_with_the_trees_before_them),
        CASE(without_table_events_each_shape_holds_until_the_next),
        CASE(an_hour_of_shapes_without_events_stays_within_its_memory),
        CASE(table_tells_when_it_was_made),
        CASE(failed_job_leaves_no_table_busy),
        CASE(clear_forgets_the_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
