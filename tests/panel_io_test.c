/* Bytes of jobs spread over their time, the cache and the filters, and the I/O panel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "derived.h"
#include "panel_scene.h"
#include "tree_run.h"
#include "view_frame.h"

static uint64_t seed;

static int seed_it(void **state) {
    (void)state;
    const char *text = getenv("LSM_TEST_SEED");
    seed = text != NULL ? strtoull(text, NULL, 0) : 0x5eed;
    seed = seed != 0 ? seed : 1;
    print_message("seed: LSM_TEST_SEED=%llu tests/panel_io_test\n", (unsigned long long)seed);
    return 0;
}

static struct history *run(double seconds, bool no_events, bool no_cache) {
    struct tree_run_options options = {seconds, 0.25, seed, no_events, no_cache};
    return tree_run(&options);
}

static double integral(const struct history *history, const float *rates) {
    double sum = 0.0;
    for (size_t i = 1; i < history_count(history); i++) {
        assert_true(rates[i] >= 0.0f); /* a number, too */
        sum += (double)rates[i] * (history_time(history, i) - history_time(history, i - 1));
    }
    return sum;
}

static double moved(const struct history *history, uint32_t id) {
    uint64_t first = 0, last = 0;
    assert_true(history_value_at(history, id, 0, &first));
    assert_true(history_value_at(history, id, history_count(history) - 1, &last));
    return (double)(last - first);
}

static const struct {
    enum derived series;
    uint32_t counter;
} spread[] = {{DERIVED_FLUSH_RATE, SCOPE_M_FLUSH_BYTES},
              {DERIVED_COMPACT_OUT_RATE, SCOPE_M_COMPACTION_BYTES_WRITTEN},
              {DERIVED_COMPACT_IN_RATE, SCOPE_M_COMPACTION_BYTES_READ}};

static void spreading_moves_no_byte_out_of_the_run(void **state) {
    (void)state;
    for (int no_events = 0; no_events < 2; no_events++) {
        struct history *history = run(60.0, no_events == 1, false);
        for (size_t s = 0; s < 3; s++) {
            double wanted = moved(history, spread[s].counter);
            double sum = integral(history, derived_numbers(history, spread[s].series));
            assert_true(wanted > 0.0 && fabs(sum - wanted) <= 1e-4 * wanted);
        }
        history_destroy(history);
    }
}

static void a_long_merge_is_a_plateau(void **state) {
    (void)state;
    struct history *history = history_create();
    assert_non_null(history);
    struct scope_event end = {.type = SCOPE_EVENT_COMPACT_END, .level_from = 1, .level_to = 2};
    end.u.job_info.bytes_in = 6000;
    end.u.job_info.bytes_out = 4000;
    end.u.job_info.duration_ns = 4000000000;
    end.time_ns = 7000000000;
    for (int i = 0; i <= 10; i++) {
        struct history_value v[2] = {{SCOPE_M_COMPACTION_BYTES_WRITTEN, i >= 7 ? 4000 : 0},
                                     {SCOPE_M_COMPACTION_BYTES_READ, i >= 7 ? 6000 : 0}};
        history_append(history, i, v, 2);
        if (i == 7) { /* told between two frames, after the sample of its own second */
            history_append_event(history, 7.0, &end);
        }
        assert_non_null(derived_numbers(history, DERIVED_COMPACT_OUT_RATE));
    }
    const float *out = derived_numbers(history, DERIVED_COMPACT_OUT_RATE);
    const float *in = derived_numbers(history, DERIVED_COMPACT_IN_RATE);
    for (int i = 1; i <= 10; i++) {
        bool runs = i >= 4 && i <= 7; /* from 3 s to 7 s */
        assert_true(fabs((double)out[i] - (runs ? 1000.0 : 0.0)) < 1e-3);
        assert_true(fabs((double)in[i] - (runs ? 1500.0 : 0.0)) < 1e-3);
    }
    history_destroy(history);
}

static void a_move_moves_no_bytes(void **state) {
    (void)state;
    struct history *history = history_create();
    assert_non_null(history);
    struct scope_event end = {.type = SCOPE_EVENT_COMPACT_END, .level_from = 1, .level_to = 2};
    end.u.job_info.inputs = end.u.job_info.outputs = 1;
    end.u.job_info.bytes_in = end.u.job_info.bytes_out = 5000;
    history_append_event(history, 1.5, &end);
    for (int i = 0; i <= 3; i++) {
        struct history_value v = {SCOPE_M_COMPACTION_BYTES_WRITTEN, 0};
        history_append(history, i, &v, 1);
    }
    const float *out = derived_numbers(history, DERIVED_COMPACT_OUT_RATE);
    for (int i = 1; i <= 3; i++) {
        assert_true(fabs((double)out[i]) < 1e-9);
    }
    history_destroy(history);
}

static void shares_are_of_the_last_ten_seconds(void **state) {
    (void)state;
    struct history *history = history_create();
    assert_non_null(history);
    /* 9 of 10 found, then from 20 s on 1 of 10; filters let 1 of 100 absent keys through. */
    for (uint64_t i = 0; i <= 40; i++) {
        uint64_t hits = i <= 20 ? 9 * i : 180 + (i - 20);
        struct history_value v[] = {{SCOPE_M_CACHE_HITS, hits},
                                    {SCOPE_M_CACHE_MISSES, 10 * i - hits},
                                    {SCOPE_M_BLOOM_CHECKS, 200 * i},
                                    {SCOPE_M_BLOOM_NEGATIVES, 99 * i},
                                    {SCOPE_M_BLOOM_FALSE_POSITIVES, i},
                                    {SCOPE_M_WAL_SYNCS, 30 * i},
                                    {SCOPE_M_PROCESS_CPU_NS, i * 1500000000}};
        history_append(history, (double)i, v, sizeof v / sizeof v[0]);
    }
    double number;
    assert_true(derived_at(history, DERIVED_CACHE_HIT, 20, &number) && fabs(number - 0.9) < 1e-6);
    assert_true(derived_at(history, DERIVED_CACHE_HIT, 25, &number) && fabs(number - 0.5) < 1e-6);
    assert_true(derived_at(history, DERIVED_CACHE_HIT, 40, &number) && fabs(number - 0.1) < 1e-6);
    assert_true(derived_at(history, DERIVED_BLOOM_SPARED, 40, &number) &&
                fabs(number - 0.495) < 1e-6);
    assert_true(derived_at(history, DERIVED_BLOOM_FALSE, 40, &number) &&
                fabs(number - 0.01) < 1e-6);
    assert_true(derived_at(history, DERIVED_SYNC_RATE, 40, &number) && fabs(number - 30.0) < 1e-4);
    assert_true(derived_at(history, DERIVED_CPU, 40, &number) && fabs(number - 1.5) < 1e-5);
    assert_false(derived_known(history, DERIVED_STALLED));
    history_destroy(history);
}

/* ---- the panel ------------------------------------------------------------------------------- */

static void lines_are_what_the_publisher_moves(void **state) {
    (void)state;
    struct panel_value values[PANEL_VALUES_MAX];
    for (int without = 0; without < 2; without++) {
        struct history *history = run(60.0, false, without == 1);
        struct panel_scene made;
        panel_scene_make(&made, history, THEME_DARK, 640, 300, 0.0, 60.0, 60.0);
        size_t count = panel_io.values(&made.scene, history_find(history, 30.0), values);
        assert_int_equal(count, without == 1 ? 4 : 5); /* without a log no line of it */
        double most = panel_io.most(&made.scene);
        for (size_t i = 0; i < count; i++) {
            assert_true(values[i].at >= 0.0 && values[i].at <= most);
            assert_true((strcmp(values[i].name, "WAL") == 0) <= (without == 0));
        }
        panel_scene_draw(&made, &panel_io);
        panel_scene_free(&made);
        history_destroy(history);
    }
}

static void words_have_no_difference(void **state) {
    (void)state;
    struct panel_value values[PANEL_VALUES_MAX];
    struct history *history = run(60.0, false, false);
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, 640, 300, 0.0, 60.0, 60.0);
    struct view view = {.history = history};
    struct view_frame frame = {.view = &view, .runs = 2};
    frame.scene[0] = frame.scene[1] = made.scene;
    frame.scene[0].newest = history_find(history, 30.0); /* the second run's job is not over yet */
    frame.scene[1].run = 1;
    size_t count = view_runs_values(&frame, &panel_io, false, values), running = 0, told = 0;
    for (size_t i = 0; i < count; i++) {
        bool word = strcmp(values[i].text, "running") == 0;
        running += word;
        told += values[i].more[0] != '\0';
        assert_true(!word || values[i].more[0] == '\0');
    }
    assert_int_equal(running, 2);
    assert_true(told > 0); /* of the figures there are some */
    panel_scene_free(&made);
    history_destroy(history);
}

static void a_job_that_runs_has_no_bandwidth_yet(void **state) {
    (void)state;
    struct panel_value values[PANEL_VALUES_MAX];
    struct history *history = run(60.0, false, false);
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, 640, 300, 0.0, 60.0, 60.0);
    size_t count = panel_io.values(&made.scene, made.scene.newest, values), running = 0;
    for (size_t i = 0; i < count; i++) {
        running += strcmp(values[i].text, "running") == 0;
    }
    assert_int_equal(running, 2); /* a compaction's in and out, and not the flush */
    panel_scene_free(&made);
    history_destroy(history);
}

static void the_corner_names_the_stall_before_the_cache(void **state) {
    (void)state;
    char text[96] = "";
    struct color color = {0};
    struct history *history = run(60.0, false, false);
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, 640, 300, 0.0, 40.0, 40.0); /* in the burst */
    panel_io.corner(&made.scene, text, sizeof text, &color);
    assert_non_null(strstr(text, "stalled"));
    panel_scene_free(&made);
    panel_scene_make(&made, history, THEME_DARK, 640, 300, 0.0, 2.0, 2.0); /* all is well */
    text[0] = '\0';
    panel_io.corner(&made.scene, text, sizeof text, &color);
    assert_null(strstr(text, "stalled"));
    panel_scene_free(&made);
    history_destroy(history);
}

/* Who compacts in the writer's thread never waits: no stall is told, and no band is drawn. */
static void own_work_is_no_stall(void **state) {
    (void)state;
    char text[96] = "";
    struct color color = {0};
    struct history *history = history_create();
    for (uint64_t i = 0; i <= 40; i++) {
        struct history_value values[] = {
            {SCOPE_M_STALL_NS_L0_SLOW, i * 10000000}, {SCOPE_M_STALL_NS_L0_STOP, 0},
            {SCOPE_M_STALL_NS_MEMTABLE, 0},           {SCOPE_M_STALL_NS_DEBT_SLOW, 0},
            {SCOPE_M_STALL_NS_DEBT_STOP, 0},          {SCOPE_M_STALL_NS_INLINE, i * 200000000}};
        assert_true(history_append(history, (double)i * 0.25, values, 6));
    }
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, 640, 300, 0.0, 10.0, 10.0);
    panel_io.corner(&made.scene, text, sizeof text, &color);
    assert_string_equal(text, "writers flush, merge 80 % of the time");
    panel_scene_free(&made);
    history_destroy(history);
}

static void figures_leave_the_last_first_and_explain_themselves(void **state) {
    (void)state;
    struct history *history = run(60.0, false, false);
    size_t before = 0;
    for (double width = 300.0; width <= 1000.0; width += 100.0) {
        struct panel_scene made;
        struct panel_hover hover;
        panel_scene_make(&made, history, THEME_DARK, width, 300, 0.0, 60.0, 60.0);
        panel_scene_place(&made, &panel_io);
        size_t found = 0;
        char last[96] = "";
        for (double x = 0.0; x < width; x += 2.0) {
            made.scene.pointer = (struct point){x, made.place.lane.y + 8.0};
            if (panel_io.hover(&made.scene, &made.place, &hover)) {
                assert_true(found > 0 || strcmp(hover.title, "block cache") == 0);
                assert_true(hover.at.x + hover.at.w <= width);
                found += strcmp(hover.title, last) != 0;
                memcpy(last, hover.title, sizeof last);
            }
        }
        assert_true(found >= 2 && found >= before);
        before = found;
        panel_scene_free(&made);
    }
    assert_int_equal(before, 6);
    history_destroy(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreading_moves_no_byte_out_of_the_run),
        cmocka_unit_test(a_long_merge_is_a_plateau),
        cmocka_unit_test(a_move_moves_no_bytes),
        cmocka_unit_test(shares_are_of_the_last_ten_seconds),
        cmocka_unit_test(lines_are_what_the_publisher_moves),
        cmocka_unit_test(words_have_no_difference),
        cmocka_unit_test(a_job_that_runs_has_no_bandwidth_yet),
        cmocka_unit_test(the_corner_names_the_stall_before_the_cache),
        cmocka_unit_test(own_work_is_no_stall),
        cmocka_unit_test(figures_leave_the_last_first_and_explain_themselves),
    };
    return cmocka_run_group_tests_name("panel_io", tests, seed_it, NULL);
}
