/* Events of the history: packed blocks give back what they were given, whatever it was and in
 * whatever order it came, and take the memory of a few numbers each. */
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "history_store.h"
#include "splitmix.h"

static uint64_t seed, random_state;

static uint64_t random_next(void) {
    return splitmix_next(&random_state);
}

/* Of any size. */
static uint64_t random_sized(void) {
    return random_next() >> random_next() % 64;
}

static int setup(void **state) {
    random_state = seed;
    *state = history_create();
    return *state == NULL;
}

static int teardown(void **state) {
    history_destroy(*state);
    return 0;
}

static void table_fill(struct scope_table *table) {
    table->id = random_sized();
    table->level = (uint8_t)(random_next() % SCOPE_MAX_LEVELS);
    table->busy = random_next() % 2 == 0;
    table->bytes = random_sized();
    table->entries = random_sized();
    table->tombstones = random_sized();
    table->lo = random_next();
    table->hi = random_next();
    table->created_ns = random_sized();
}

/* Every member that counts for the type is told, the rest is zero. */
static void event_fill(struct scope_event *event) {
    memset(event, 0, sizeof(*event));
    event->type = (enum scope_event_type)(random_next() % (SCOPE_EVENT_TABLE_REMOVE + 1));
    event->time_ns = random_sized();
    event->job = (uint32_t)random_sized();
    event->level_from = (uint8_t)random_next();
    event->level_to = (uint8_t)random_next();
    if (event->type >= SCOPE_EVENT_TABLE_ADD) {
        table_fill(&event->u.table);
    } else if (event->type == SCOPE_EVENT_ERROR || event->type == SCOPE_EVENT_MARKER) {
        for (size_t i = 0; i + 1 < sizeof(event->u.text); i++) {
            event->u.text[i] = (char)(random_next() % 256);
        }
    } else if (event->type == SCOPE_EVENT_WAL_ROTATE) {
        event->u.wal.segment = random_sized();
        event->u.wal.bytes = random_sized();
    } else if (event->type == SCOPE_EVENT_STALL_BEGIN || event->type == SCOPE_EVENT_STALL_END) {
        event->u.stall.cause = (enum scope_stall)(random_next() % SCOPE_STALLS);
        event->u.stall.duration_ns = random_sized();
    } else if (event->type != SCOPE_EVENT_NONE) {
        event->u.job_info.inputs = (uint32_t)random_sized();
        event->u.job_info.outputs = (uint32_t)random_sized();
        event->u.job_info.bytes_in = random_sized();
        event->u.job_info.bytes_out = random_sized();
        event->u.job_info.entries_in = random_sized();
        event->u.job_info.entries_out = random_sized();
        event->u.job_info.duration_ns = random_sized();
        event->u.job_info.status = (int32_t)random_sized();
    }
}

static double seconds_random(void) {
    switch (random_next() % 4) {
    case 0:
        return (double)random_sized() / 1e9;
    case 1: /* finer than nanoseconds */
        return (double)(random_next() >> 11) / 9007199254740992.0;
    case 2: /* more nanoseconds than 64 bits hold */
        return ldexp(-1.5, (int)(random_next() % 60));
    default:
        return -0.0;
    }
}

static void assert_event_equal(const struct scope_event *got, const struct scope_event *sent) {
    assert_int_equal(got->type, sent->type);
    assert_true(got->time_ns == sent->time_ns);
    assert_int_equal(got->job, sent->job);
    assert_int_equal(got->level_from, sent->level_from);
    assert_int_equal(got->level_to, sent->level_to);
    assert_memory_equal(got->u.text, sent->u.text, sizeof(sent->u.text));
}

static void a_block_of_events_comes_back_to_the_last_bit(void **state) {
    (void)state;
    static struct history_event_row sent[HISTORY_EVENT_ROWS], got[HISTORY_EVENT_ROWS];
    for (int round = 0; round < 200; round++) {
        for (unsigned i = 0; i < HISTORY_EVENT_ROWS; i++) {
            event_fill(&sent[i].event);
            sent[i].seconds = seconds_random();
            sent[i].link = (uint32_t)random_sized();
        }
        uint8_t *packed = history_events_pack(sent);
        assert_non_null(packed);
        for (unsigned i = HISTORY_EVENT_ROWS; i-- > 0;) { /* in any order */
            history_event_unpack(packed, i, &got[i]);
        }
        free(packed);
        for (unsigned i = 0; i < HISTORY_EVENT_ROWS; i++) {
            assert_event_equal(&got[i].event, &sent[i].event);
            assert_memory_equal(&got[i].seconds, &sent[i].seconds, sizeof(sent[i].seconds));
            assert_int_equal(got[i].link, sent[i].link);
        }
    }
}

/* The model: all events with their times, sorted by time as history.h says. */
struct told {
    struct scope_event event;
    double seconds;
    uint32_t number;
};

static int by_time(const void *a, const void *b) {
    const struct told *x = a, *y = b;
    if (x->seconds < y->seconds || x->seconds > y->seconds) {
        return x->seconds < y->seconds ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

static void events_of_many_blocks_are_found_by_time(void **state) {
    struct history *history = *state;
    enum { EVENTS = 5000 };
    struct told *told = calloc(EVENTS, sizeof(*told));
    assert_non_null(told);
    for (uint32_t i = 0; i < EVENTS; i++) {
        event_fill(&told[i].event);
        /* Now and then one is late, across blocks too; several are of the same time. */
        double late = random_next() % 8 == 0 ? (double)(random_next() % 300) : 0;
        told[i].seconds = floor((double)i - late) / 4;
        told[i].number = i;
        history_append_event(history, told[i].seconds, &told[i].event);
        assert_event_equal(&history_event_row(history, i)->event, &told[i].event);
    }
    double until = told[0].seconds;
    for (uint32_t i = 0; i < EVENTS; i++) {
        until = fmax(until, told[i].seconds);
        const struct history_event_row *row = history_event_row(history, i);
        assert_true(row->seconds == told[i].seconds && row->until == until);
        uint64_t after = history_position_of(history, until);
        assert_true(after > i && history_event_row(history, after - 1)->until <= until);
        assert_true(after == EVENTS || history_event_row(history, after)->until > until);
    }
    qsort(told, EVENTS, sizeof(*told), by_time);
    assert_int_equal(history_event_count(history), EVENTS);
    for (unsigned ask = 0; ask < 2 * EVENTS; ask++) {
        size_t i = ask < EVENTS ? ask : random_next() % EVENTS;
        assert_event_equal(history_event(history, i), &told[i].event);
        assert_true(history_event_time(history, i) == told[i].seconds);
    }
    free(told);
}

static void several_events_stay_valid_side_by_side(void **state) {
    struct history *history = *state;
    const struct scope_event *event[HISTORY_EVENT_SINGLES];
    const uint32_t step = 2 * HISTORY_EVENT_ROWS - 1;
    for (uint32_t i = 0; i < HISTORY_EVENT_SINGLES * step; i++) {
        struct scope_event one = {.type = SCOPE_EVENT_FLUSH_END, .job = i};
        history_append_event(history, i, &one);
    }
    for (uint32_t i = 0; i < HISTORY_EVENT_SINGLES; i++) {
        event[i] = history_event(history, (size_t)i * step);
    }
    for (uint32_t i = 0; i < HISTORY_EVENT_SINGLES; i++) {
        assert_int_equal(event[i]->job, i * step);
    }
}

static void append_at(struct history *history, double seconds) {
    struct scope_event event = {.type = SCOPE_EVENT_FLUSH_END};
    history_append_event(history, seconds, &event);
}

static void a_generation_tells_which_events_are_still_the_same(void **state) {
    struct history *history = *state;
    for (int i = 0; i < 1000; i++) {
        append_at(history, i);
    }
    uint64_t before = history_event_generation(history);
    append_at(history, 1000);
    assert_int_equal(history_event_generation(history), before); /* appended: nothing moved */
    append_at(history, 500.5);
    assert_true(history_event_generation(history) != before);
    assert_true(history_events_kept(history, before, 501)); /* 0 to 500 */
    assert_false(history_events_kept(history, before, 502));
    uint64_t now = history_event_generation(history);
    assert_true(history_events_kept(history, now, 1002));
    for (unsigned i = 0; i < HISTORY_EVENT_TURNS; i++) {
        append_at(history, 900.5);
    }
    assert_true(history_events_kept(history, now, 902));
    assert_false(history_events_kept(history, now, 904));
    assert_false(history_events_kept(history, before, 501)); /* too long ago to say */
    now = history_event_generation(history);
    history_clear(history);
    assert_false(history_events_kept(history, now, 1));
}

static void no_two_histories_have_the_same_generations(void **state) {
    struct history *history = *state, *other = history_create();
    append_at(history, 1);
    append_at(other, 1);
    uint64_t rows = history_generation(history), events = history_event_generation(history);
    assert_true(rows != history_generation(other));
    assert_false(history_events_kept(other, events, 0));
    history_destroy(other);
    struct history_value one = {SCOPE_M_OPS_PUT, 1};
    assert_true(history_append(history, 1, &one, 1));
    assert_int_equal(history_generation(history), rows);
    history_clear(history);
    assert_true(history_generation(history) != rows);
}

/* A compaction's events as an engine tells them: ten tables go, ten come. */
static void a_table_event_takes_few_bytes(void **state) {
    struct history *history = *state;
    enum { EVENTS = 200000, BYTES = 80 };
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
#endif
    for (uint32_t i = 0; i < EVENTS; i++) {
        struct scope_event event = {
            .type = i / 10 % 2 == 0 ? SCOPE_EVENT_TABLE_REMOVE : SCOPE_EVENT_TABLE_ADD,
            .time_ns = UINT64_C(77000000000) + (uint64_t)i * 50000000 + random_next() % 1000000,
            .job = 7 + i / 20};
        struct scope_table *table = &event.u.table;
        uint64_t age = event.type == SCOPE_EVENT_TABLE_ADD ? 0 : random_next() % 1000000000000;
        *table = (struct scope_table){.id = i - (age > 0 ? random_next() % 1000 : 0),
                                      .level = (uint8_t)(i % 5),
                                      .bytes = 2000000 + random_next() % 2000000,
                                      .entries = 20000 + random_next() % 20000,
                                      .tombstones = random_next() % 400,
                                      .lo = random_next(),
                                      .hi = random_next(),
                                      .created_ns = event.time_ns - age};
        history_append_event(history, (double)(event.time_ns - 77000000000) / 1e9, &event);
    }
    assert_int_equal(history_event_count(history), EVENTS);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    size_t held = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    printf("%.1f bytes an event\n", (double)held / EVENTS);
    assert_true(held < (size_t)EVENTS * BYTES);
#endif
}

int main(void) {
    const char *text = getenv("LSM_TEST_SEED");
    seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    printf("seed: LSM_TEST_SEED=%llu\n", (unsigned long long)seed);
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_block_of_events_comes_back_to_the_last_bit),
        CASE(events_of_many_blocks_are_found_by_time),
        CASE(several_events_stay_valid_side_by_side),
        CASE(a_generation_tells_which_events_are_still_the_same),
        CASE(no_two_histories_have_the_same_generations),
        CASE(a_table_event_takes_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
