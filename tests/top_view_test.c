/* What lsm-top shows of a run, and how keys change it: moments, jobs, latencies, keys, places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "arrange.h"
#include "frame.h"
#include "section.h"
#include "viewer.h"

enum { SAMPLES = 400 }; /* four a second: 100 s */
static const double STEP_S = 0.25;

#define assert_near(number, wanted) assert_true(near(number, wanted))
static bool near(double number, double wanted) {
    return fabs(number - wanted) <= 1e-6 * fmax(fabs(wanted), 1e-3);
}

struct fixture {
    struct history *history;
    struct tails tails;
    struct jobs jobs;
    struct view_status status;
    struct moment moment;
};

static void event_add(struct fixture *f, double t, enum scope_event_type type, uint32_t job) {
    struct scope_event event = {.type = type, .job = job, .level_from = 0, .level_to = 1};
    if (type == SCOPE_EVENT_STALL_BEGIN || type == SCOPE_EVENT_STALL_END) {
        event.u.stall.cause = SCOPE_STALL_MEMTABLE;
        event.u.stall.duration_ns = type == SCOPE_EVENT_STALL_END ? 2000000000u : 0;
    } else {
        event.u.job_info.bytes_in = 1000;
        event.u.job_info.bytes_out = 800;
        event.u.job_info.duration_ns = 400000000u;
    }
    history_append_event(f->history, t, &event);
}

/* 1000 puts a second, twice as many in the last ten seconds; a memtable that fills every second. */
static void history_fill(struct fixture *f) {
    uint64_t puts = 0;
    for (int i = 1; i <= SAMPLES; i++) {
        puts += i > SAMPLES - 40 ? 500 : 250;
        struct history_value values[] = {
            {SCOPE_M_OPS_PUT, puts},
            {SCOPE_M_MEMTABLE_BYTES, (uint64_t)(i % 4) * 1000},
            {SCOPE_M_MEMTABLE_LIMIT, 4000},
            {SCOPE_M_LEVEL_TABLES, 2},
            {SCOPE_M_LEVEL_BYTES, 2000000},
            {SCOPE_M_LEVEL_TARGET, 4},
            {SCOPE_M_LEVEL_TABLES + 5, 9},
            {SCOPE_M_LEVEL_BYTES + 5, 9000000},
            {SCOPE_M_STALLS, 1},
            {SCOPE_M_STALL_NS_MEMTABLE, 2000000000},
            {SCOPE_M_USER_BYTES_WRITTEN, puts * 100},
            {SCOPE_M_WAL_BYTES, puts * 110},
            {SCOPE_M_FLUSH_BYTES, puts * 90},
            {SCOPE_M_COMPACTION_BYTES_WRITTEN, puts * 200},
            {SCOPE_M_IO_READ_BYTES, puts * 10},
            {SCOPE_M_PROCESS_CPU_NS, (uint64_t)i * 50000000},
        };
        assert_true(
            history_append(f->history, i * STEP_S, values, sizeof(values) / sizeof(values[0])));
    }
    for (int i = 1; i <= 100; i++) {
        struct scope_histograms histograms = {.interval_ns = 1000000000};
        histograms.count[SCOPE_OP_PUT][scope_bucket_of(i > 90 ? 100000 : 1000)] = 1000;
        histograms.max_ns[SCOPE_OP_PUT] = i > 90 ? 100000 : 1000;
        history_append_histograms(f->history, i, &histograms);
    }
}

static int setup(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.history = history_create()};
    assert_non_null(fixture.history);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    tails_free(&f->tails);
    history_destroy(f->history);
    return 0;
}

static void look(struct fixture *f, double at, double span) {
    tails_update(&f->tails, f->history);
    f->moment = (struct moment){.status = &f->status, .tails = &f->tails, .jobs = &f->jobs};
    moment_set(&f->moment, f->history, at, span);
    jobs_collect(f->history, f->moment.at, &f->jobs);
}

static void rates_are_those_of_the_moment(void **state) {
    struct fixture *f = *state;
    history_fill(f);
    double rate = 0;
    look(f, -1, 60);
    assert_true(f->moment.newest);
    assert_true(moment_now(&f->moment, SCOPE_M_OPS_PUT, &rate));
    assert_near(rate, 2000);
    assert_true(moment_mean(&f->moment, SCOPE_M_OPS_PUT, &rate));
    assert_near(rate, (50 * 1000 + 10 * 2000) / 60.0);
    look(f, 50.1, 60);
    assert_false(f->moment.newest);
    assert_true(moment_now(&f->moment, SCOPE_M_OPS_PUT, &rate));
    assert_near(rate, 1000);
    assert_false(moment_now(&f->moment, SCOPE_M_OPS_GET, &rate));
    look(f, 0.3, 60); /* one sample: a total, but no rate */
    assert_true(moment_value(&f->moment, SCOPE_M_OPS_PUT, &rate));
    assert_false(moment_now(&f->moment, SCOPE_M_OPS_PUT, &rate));
    look(f, 0.1, 60); /* before the first */
    assert_false(moment_value(&f->moment, SCOPE_M_OPS_PUT, &rate));
}

static void young_runs_have_the_whole_width(void **state) {
    struct fixture *f = *state;
    history_fill(f);
    const struct {
        double at, span, shown;
    } cases[] = {{3, 60, 10},  {15, 60, 20}, {39, 60, 40}, {41, 60, 60},
                 {99, 60, 60}, {5, 5, 5},    {99, 0, 99},  {4, 0, 10}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        look(f, cases[i].at, cases[i].span);
        assert_near(f->moment.span, cases[i].shown);
    }
}

static void trends_show_nothing_newer_and_hold_between_samples(void **state) {
    struct fixture *f = *state;
    struct spark_point point[240];
    history_fill(f);
    look(f, -1, 60);
    moment_trend(&f->moment, SCOPE_M_OPS_PUT, HISTORY_RATE, point, 60);
    assert_near(point[0].peak, 1000);
    assert_near(point[59].peak, 2000);
    assert_near(spark_largest(point, 60), 2000);
    look(f, 85, 60);
    moment_trend(&f->moment, SCOPE_M_OPS_PUT, HISTORY_RATE, point, 60);
    assert_near(spark_largest(point, 60), 1000); /* the faster end is not known yet */
    look(f, -1, 10);                             /* six columns a sample: no holes */
    moment_trend(&f->moment, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, point, 240);
    for (int i = 0; i < 240; i++) {
        assert_true(point[i].known);
    }
    moment_trend(&f->moment, SCOPE_M_OPS_GET, HISTORY_RATE, point, 240);
    assert_false(point[100].known);
}

static void trends_keep_their_columns_while_time_goes_on(void **state) {
    struct fixture *f = *state;
    struct spark_point before[30], after[30];
    history_fill(f);
    look(f, 88.25, 60); /* columns of two seconds */
    moment_trend(&f->moment, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, before, 30);
    look(f, 89.75, 60);
    moment_trend(&f->moment, SCOPE_M_MEMTABLE_BYTES, HISTORY_LEVEL, after, 30);
    for (int i = 0; i < 29; i++) {
        assert_memory_equal(&before[i], &after[i], sizeof(before[i]));
    }
}

static void latencies_are_of_the_last_seconds(void **state) {
    struct fixture *f = *state;
    struct tail tail[SCOPE_HISTOGRAMS];
    struct spark_point point[100];
    history_fill(f);
    look(f, -1, 100);
    tails_window(f->history, &f->tails, 100, 10, tail);
    assert_true(tail[SCOPE_OP_PUT].count == 10000);
    assert_true(tail[SCOPE_OP_PUT].p50 > 80e-6 && tail[SCOPE_OP_PUT].p50 <= 100e-6);
    assert_near(tail[SCOPE_OP_PUT].max, 100e-6);
    assert_true(tail[SCOPE_OP_PUT].p999 <= tail[SCOPE_OP_PUT].max);
    assert_true(tail[SCOPE_OP_GET].count == 0);
    tails_window(f->history, &f->tails, 50, 10, tail);
    assert_near(tail[SCOPE_OP_PUT].max, 1e-6);
    moment_tail_trend(&f->moment, SCOPE_OP_PUT, point, 100);
    assert_true(point[50].known && point[50].peak <= 1e-6);
    assert_true(point[99].known && point[99].peak > 80e-6);
    history_clear(f->history); /* another run */
    tails_update(&f->tails, f->history);
    tails_window(f->history, &f->tails, 100, 10, tail);
    assert_true(tail[SCOPE_OP_PUT].count == 0);
}

static void begins_without_an_end_are_running(void **state) {
    struct fixture *f = *state;
    event_add(f, 1.0, SCOPE_EVENT_FLUSH_BEGIN, 1);
    event_add(f, 1.4, SCOPE_EVENT_FLUSH_END, 1);
    event_add(f, 2.0, SCOPE_EVENT_COMPACT_BEGIN, 2);
    event_add(f, 2.1, SCOPE_EVENT_FLUSH_BEGIN, 3);
    event_add(f, 2.5, SCOPE_EVENT_FLUSH_END, 3);
    event_add(f, 3.0, SCOPE_EVENT_STALL_BEGIN, 0);
    event_add(f, 4.0, SCOPE_EVENT_COMPACT_END, 2);
    event_add(f, 5.0, SCOPE_EVENT_STALL_END, 0);
    jobs_collect(f->history, 3.5, &f->jobs);
    assert_int_equal(f->jobs.running_count, 1);
    assert_int_equal(f->jobs.running[0].event.job, 2);
    assert_near(f->jobs.running[0].t0, 2.0);
    assert_int_equal(f->jobs.done_count, 2);
    assert_int_equal(f->jobs.done[0].event.job, 3); /* the newest first */
    assert_near(job_speed(&f->jobs.done[0]), 2000);
    assert_int_equal(f->jobs.stall_count, 1);
    assert_true(f->jobs.stall[0].open);
    jobs_collect(f->history, 9.0, &f->jobs);
    assert_int_equal(f->jobs.running_count, 0);
    assert_int_equal(f->jobs.done_count, 3);
    assert_int_equal(f->jobs.stall_count, 1);
    assert_false(f->jobs.stall[0].open);
    assert_near(f->jobs.stall[0].t0, 3.0);
    jobs_collect(f->history, 0.5, &f->jobs);
    assert_int_equal(f->jobs.running_count + f->jobs.done_count + f->jobs.stall_count, 0);
}

static void a_column_is_red_when_writes_stood_still_for_most_of_it(void **state) {
    struct fixture *f = *state;
    struct spark_point point[60];
    history_fill(f);
    event_add(f, 90.0, SCOPE_EVENT_STALL_BEGIN, 0);
    event_add(f, 92.0, SCOPE_EVENT_STALL_END, 0); /* two seconds: of three columns only two */
    look(f, -1, 60);
    moment_trend(&f->moment, SCOPE_M_OPS_PUT, HISTORY_RATE, point, 60);
    int red = 0;
    for (int i = 0; i < 60; i++) {
        red += point[i].stalled ? 1 : 0;
    }
    assert_int_equal(red, 2);
    assert_true(point[50].stalled && point[51].stalled);
    moment_trend(&f->moment, SCOPE_M_OPS_PUT, HISTORY_RATE, point, 10); /* six seconds a column */
    for (int i = 0; i < 10; i++) {
        assert_false(point[i].stalled);
    }
}

static void what_a_section_is_about_fits_the_smallest_screen(void **state) {
    (void)state;
    for (int i = 0; i < SECTIONS; i++) {
        const char *about = section_of((enum section_id)i)->about;
        if (text_columns(about) > 80 - 22) { /* beside the names */
            fail_msg("'%s' takes %d columns", about, text_columns(about));
        }
    }
}

/* ---- keys ---- */

static void scrubbing_goes_back_and_returns_to_following(void **state) {
    struct fixture *f = *state;
    struct viewer viewer;
    history_fill(f);
    viewer_init(&viewer, 60);
    assert_int_equal(viewer_take(&viewer, f->history, TOP_KEY_LEFT, 0), WISH_REDRAW);
    assert_near(viewer.at, 95);
    viewer_take(&viewer, f->history, TOP_KEY_PAGE_UP, 0);
    assert_near(viewer.at, 35);
    viewer_take(&viewer, f->history, TOP_KEY_PAGE_UP, 0);
    assert_near(viewer.at, STEP_S); /* not beyond the beginning */
    viewer_take(&viewer, f->history, TOP_KEY_PAGE_DOWN, 0);
    viewer_take(&viewer, f->history, TOP_KEY_PAGE_DOWN, 0);
    assert_true(viewer.at < 0); /* at the end it follows */
    viewer_take(&viewer, f->history, ' ', 0);
    assert_true(viewer.paused);
    assert_near(viewer.at, 100);
    viewer_take(&viewer, f->history, ' ', 0);
    assert_false(viewer.paused);
    assert_true(viewer.at < 0);
    viewer_take(&viewer, f->history, TOP_KEY_HOME, 0);
    viewer_take(&viewer, f->history, TOP_KEY_END, 0);
    assert_true(viewer.at < 0);
}

static void spans_go_in_steps_from_wherever_they_are(void **state) {
    struct fixture *f = *state;
    struct viewer viewer;
    const struct {
        double from;
        char key;
        double to;
    } cases[] = {{60, '+', 30}, {60, '-', 120}, {10, '+', 10},       {45, '+', 30},
                 {45, '-', 60}, {0, '-', 0},    {0, '+', 14400},     {14400, '-', 0},
                 {5, '+', 5},   {5, '-', 10},   {99999, '+', 14400}, {99999, '-', 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        viewer_init(&viewer, cases[i].from);
        viewer_take(&viewer, f->history, cases[i].key, 0);
        assert_true(fabs(viewer.span - cases[i].to) < 1e-9);
    }
}

static void lists_take_the_keys_while_they_are_open(void **state) {
    struct fixture *f = *state;
    struct viewer viewer;
    viewer_init(&viewer, 60);
    assert_int_equal(viewer_take(&viewer, f->history, TOP_KEY_DOWN, 3), WISH_REDRAW);
    assert_int_equal(viewer.selected, 1);
    viewer_take(&viewer, f->history, TOP_KEY_UP, 3);
    viewer_take(&viewer, f->history, TOP_KEY_UP, 3);
    assert_int_equal(viewer.selected, 2); /* round and round */
    assert_int_equal(viewer_take(&viewer, f->history, TOP_KEY_ENTER, 3), WISH_CHOSEN);
    assert_int_equal(viewer_take(&viewer, f->history, '1', 3), WISH_CHOSEN);
    assert_int_equal(viewer.selected, 0);
    viewer_take(&viewer, f->history, '7', 3); /* no such entry: a section */
    assert_int_equal(viewer.large, SECTION_COST);
    assert_int_equal(viewer_take(&viewer, f->history, 'q', 3), WISH_QUIT);
    assert_int_equal(viewer_take(&viewer, f->history, 'x', 0), WISH_NOTHING);
}

/* ---- places ---- */

static void rows_go_round_fairly(void **state) {
    (void)state;
    const struct section_rows need[] = {{2, 3, 9}, {2, 2, 2}, {3, 5, 9}};
    int rows[3];
    const struct {
        int room, rows[3];
    } cases[] = {{7, {2, 2, 3}},  {8, {3, 2, 3}}, {10, {3, 2, 5}}, {12, {4, 2, 6}},
                 {90, {9, 2, 9}}, {6, {4, 2, 0}}, {1, {0, 0, 0}},  {0, {0, 0, 0}}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        arrange_rows(need, 3, cases[i].room, rows);
        assert_memory_equal(rows, cases[i].rows, sizeof(rows));
    }
}

static void sections_never_overlap_nor_leave_the_screen(void **state) {
    struct fixture *f = *state;
    history_fill(f);
    event_add(f, 90, SCOPE_EVENT_FLUSH_END, 1);
    look(f, -1, 60);
    for (int w = TOP_COLUMNS_MIN; w <= 260; w += 3) {
        for (int h = TOP_ROWS_MIN - 2; h <= 120; h += 7) {
            static char taken[120][260];
            struct arrangement arrangement;
            memset(taken, 0, sizeof(taken));
            arrange(&f->moment, w, h, &arrangement);
            assert_true(arrangement.count >= 7); /* every section that knows something */
            for (int i = 0; i < arrangement.count; i++) {
                const struct place *p = &arrangement.place[i];
                assert_true(p->x >= 0 && p->y >= 0 && p->w > 0 && p->h > 0);
                assert_true(p->x + p->w <= w && p->y + p->h <= h);
                for (int y = p->y; y < p->y + p->h; y++) {
                    for (int x = p->x; x < p->x + p->w; x++) {
                        assert_int_equal(taken[y][x]++, 0);
                    }
                }
            }
        }
    }
}

static void every_frame_can_be_drawn(void **state) {
    struct fixture *f = *state;
    struct view view = {.history = f->history, .status = {.state = VIEW_LIVE, .name = "unit"}};
    struct viewer viewer;
    struct grid grid = {.ascii = false};
    history_fill(f);
    event_add(f, 90, SCOPE_EVENT_FLUSH_END, 1);
    event_add(f, 95, SCOPE_EVENT_COMPACT_BEGIN, 2);
    tails_update(&f->tails, f->history);
    viewer_init(&viewer, 60);
    struct frame_input input = {f->history, &view, &viewer, &f->tails, true};
    static const int sizes[][2] = {{1, 1}, {79, 24}, {80, 24}, {133, 37}, {200, 60}, {1000, 500}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_true(grid_resize(&grid, sizes[i][0], sizes[i][1]));
        for (viewer.large = SECTION_NONE; viewer.large < SECTIONS; viewer.large++) {
            for (int at = -1; at < 100; at += 33) {
                viewer.at = at;
                frame_draw(&input, &grid);
            }
        }
        char text[16];
        grid_row_text(&grid, 0, text, sizeof(text));
        assert_true(sizes[i][0] < 80 || strstr(text, "unit") != NULL);
    }
    grid_free(&grid);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_a_section_is_about_fits_the_smallest_screen),
        CASE(rates_are_those_of_the_moment),
        CASE(young_runs_have_the_whole_width),
        CASE(trends_show_nothing_newer_and_hold_between_samples),
        CASE(trends_keep_their_columns_while_time_goes_on),
        CASE(latencies_are_of_the_last_seconds),
        CASE(begins_without_an_end_are_running),
        CASE(a_column_is_red_when_writes_stood_still_for_most_of_it),
        CASE(scrubbing_goes_back_and_returns_to_following),
        CASE(spans_go_in_steps_from_wherever_they_are),
        CASE(lists_take_the_keys_while_they_are_open),
        CASE(rows_go_round_fairly),
        CASE(sections_never_overlap_nor_leave_the_screen),
        CASE(every_frame_can_be_drawn),
    };
    return cmocka_run_group_tests_name("top_view", tests, NULL, NULL);
}
