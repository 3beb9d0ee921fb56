/* Ratios that follow from counters, against plain arithmetic, and the amplification panel. */
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

static uint64_t seed;

static int seed_it(void **state) {
    (void)state;
    const char *text = getenv("LSM_TEST_SEED");
    seed = text != NULL ? strtoull(text, NULL, 0) : 0x5eed;
    seed = seed != 0 ? seed : 1;
    print_message("seed: LSM_TEST_SEED=%llu tests/panel_amplification_test\n",
                  (unsigned long long)seed);
    return 0;
}

static struct history *run(double seconds, bool no_events, bool no_cache) {
    struct tree_run_options options = {seconds, 0.25, seed, no_events, no_cache};
    return tree_run(&options);
}

static double counter(const struct history *history, uint32_t id, size_t index) {
    uint64_t value = 0;
    assert_true(history_value_at(history, id, index, &value));
    return (double)value;
}

static void assert_close(double a, double b) {
    assert_true((isnan(a) && isnan(b)) || fabs(a - b) <= 1e-5 * (1.0 + fabs(b)));
}

static double written(const struct history *history, size_t i) {
    return counter(history, SCOPE_M_WAL_BYTES, i) + counter(history, SCOPE_M_FLUSH_BYTES, i) +
           counter(history, SCOPE_M_COMPACTION_BYTES_WRITTEN, i);
}

/* The newest sample at least ten seconds older, by walking. */
static size_t window_begin(const struct history *history, size_t index) {
    size_t from = index;
    while (from > 0 && history_time(history, index) - history_time(history, from) < 10.0 - 1e-9) {
        from--;
    }
    return from;
}

static void write_and_read_amplification_are_quotients_of_steps(void **state) {
    (void)state;
    struct history *history = run(60.0, false, false);
    const float *whole = derived_numbers(history, DERIVED_WRITE_AMP);
    const float *recent = derived_numbers(history, DERIVED_WRITE_AMP_RECENT);
    const float *reads = derived_numbers(history, DERIVED_READ_AMP);
    assert_non_null(whole);
    assert_true(isnan(whole[0]) != 0); /* nothing written: no quotient */
    for (size_t i = 1; i < history_count(history); i++) {
        size_t from = window_begin(history, i);
        assert_close((double)whole[i],
                     written(history, i) / counter(history, SCOPE_M_USER_BYTES_WRITTEN, i));
        assert_close((double)recent[i], (written(history, i) - written(history, from)) /
                                            (counter(history, SCOPE_M_USER_BYTES_WRITTEN, i) -
                                             counter(history, SCOPE_M_USER_BYTES_WRITTEN, from)));
        assert_close((double)reads[i], (counter(history, SCOPE_M_TABLE_PROBES, i) -
                                        counter(history, SCOPE_M_TABLE_PROBES, from)) /
                                           (counter(history, SCOPE_M_OPS_GET, i) -
                                            counter(history, SCOPE_M_OPS_GET, from)));
    }
    history_destroy(history);
}

static void space_and_scores_compare_levels(void **state) {
    (void)state;
    struct history *history = run(60.0, false, false);
    const float *space = derived_numbers(history, DERIVED_SPACE_AMP);
    const float *score = derived_numbers(history, DERIVED_SCORE);
    const float *level_of = derived_numbers(history, DERIVED_SCORE_LEVEL);
    size_t with_space = 0;
    for (size_t i = 0; i < history_count(history); i++) {
        double largest = 0.0, highest = -1.0, which = -1.0;
        for (unsigned level = 0; level < 4; level++) {
            double bytes = counter(history, SCOPE_M_LEVEL_BYTES + level, i);
            double size = level == 0 ? counter(history, SCOPE_M_LEVEL_TABLES, i) : bytes;
            double its = size / counter(history, SCOPE_M_LEVEL_TARGET + level, i);
            largest = level > 0 ? fmax(largest, bytes) : largest;
            which = its > highest ? level : which;
            highest = fmax(highest, its);
        }
        assert_close((double)score[i], highest);
        assert_close((double)level_of[i], which);
        assert_close((double)space[i],
                     largest > 0.0 ? counter(history, SCOPE_M_TABLE_BYTES, i) / largest : NAN);
        assert_true(isnan(space[i]) || (double)space[i] >= 1.0 - 1e-6);
        with_space += isnan(space[i]) ? 0 : 1;
    }
    assert_true(with_space > history_count(history) / 2);
    history_destroy(history);
}

/* The engine began anew, as a CSV that was appended to tells: its counters start from zero. */
static void counters_that_step_back_start_from_zero(void **state) {
    (void)state;
    struct history *history = history_create();
    assert_non_null(history);
    for (int i = 0; i < 4; i++) {
        uint64_t gets = i < 2 ? 1000 + 100 * (uint64_t)i : 50 * (uint64_t)(i - 1);
        struct history_value v[2] = {{SCOPE_M_OPS_GET, gets}, {SCOPE_M_TABLE_PROBES, 3 * gets}};
        history_append(history, i * 9.0, v, 2);
    }
    const float *reads = derived_numbers(history, DERIVED_READ_AMP);
    for (int i = 1; i < 4; i++) {
        assert_close((double)reads[i], 3.0);
    }
    history_destroy(history);
}

static void asking_while_it_grows_is_asking_at_the_end(void **state) {
    (void)state;
    struct history *whole = run(40.0, false, false), *growing = history_create();
    assert_non_null(growing);
    size_t events = 0;
    for (size_t i = 0; i < history_count(whole); i++) {
        struct history_value v[96];
        size_t n = 0;
        for (uint32_t id = 1; id < SCOPE_M_LEVEL_TARGET + SCOPE_MAX_LEVELS; id++) {
            n += history_value_at(whole, id, i, &v[n].value) ? (v[n].id = id, 1u) : 0u;
        }
        while (events < history_event_count(whole) &&
               history_event_time(whole, events) <= history_time(whole, i)) {
            history_append_event(growing, history_event_time(whole, events),
                                 history_event(whole, events));
            events++;
        }
        history_append(growing, history_time(whole, i), v, n);
        for (int s = 0; s < DERIVED_SERIES; s++) {
            assert_non_null(derived_numbers(growing, (enum derived)s));
        }
    }
    for (int s = 0; s < DERIVED_SERIES; s++) {
        const float *a = derived_numbers(growing, (enum derived)s);
        const float *b = derived_numbers(whole, (enum derived)s);
        for (size_t i = 0; i < history_count(whole); i++) {
            assert_close((double)a[i], (double)b[i]);
        }
    }
    /* Another run in the same place is another run. */
    history_clear(growing);
    struct history_value v[2] = {{SCOPE_M_OPS_GET, 10}, {SCOPE_M_TABLE_PROBES, 70}};
    history_append(growing, 0.0, v, 2);
    v[0].value = 20;
    v[1].value = 140;
    history_append(growing, 0.25, v, 2);
    assert_close((double)derived_numbers(growing, DERIVED_READ_AMP)[1], 7.0);
    assert_false(derived_known(growing, DERIVED_WRITE_AMP));
    history_destroy(growing);
    history_destroy(whole);
}

/* ---- the panel ------------------------------------------------------------------------------- */

static const struct panel_value *value_named(const struct panel_value *values, size_t count,
                                             const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(values[i].name, name) == 0) {
            return &values[i];
        }
    }
    return NULL;
}

static void the_panel_tells_what_the_publisher_knows(void **state) {
    (void)state;
    struct panel_value values[PANEL_VALUES_MAX];
    struct history *history = run(60.0, false, false);
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, 640, 480, 0.0, 60.0, 60.0);
    size_t count = panel_amplification.values(&made.scene, made.scene.newest, values);
    assert_int_equal(count, 4);
    double wanted = written(history, made.scene.newest) /
                    counter(history, SCOPE_M_USER_BYTES_WRITTEN, made.scene.newest);
    assert_close(value_named(values, count, "write")->at, wanted);
    double most = panel_amplification.most(&made.scene);
    for (size_t i = 0; i < count; i++) {
        assert_true(values[i].at <= most);
    }
    panel_scene_free(&made);
    history_destroy(history);

    history = run(60.0, false, true); /* no log, no table probes */
    panel_scene_make(&made, history, THEME_DARK, 640, 480, 0.0, 60.0, 60.0);
    assert_true(panel_amplification.present(&made.scene));
    count = panel_amplification.values(&made.scene, made.scene.newest, values);
    assert_null(value_named(values, count, "read"));
    assert_non_null(value_named(values, count, "write"));
    panel_scene_draw(&made, &panel_amplification);
    panel_scene_free(&made);
    history_destroy(history);
}

static void the_strip_tells_every_level_under_the_mouse(void **state) {
    (void)state;
    struct history *history = run(60.0, false, false);
    struct panel_scene made;
    struct panel_hover hover;
    panel_scene_make(&made, history, THEME_DARK, 640, 480, 0.0, 60.0, 60.0);
    panel_scene_place(&made, &panel_amplification);
    made.scene.pointer = (struct point){made.place.plot.x + made.place.plot.w - 1.0,
                                        made.place.lane.y + made.place.lane.h / 2.0};
    assert_true(panel_amplification.hover(&made.scene, &made.place, &hover));
    assert_true(hover.lines >= 2);
    assert_string_equal(hover.line[0].name, "L0");
    /* On a line: what it is and what it says there. */
    double number;
    size_t middle = history_find(history, 30.0);
    assert_true(derived_at(history, DERIVED_WRITE_AMP, middle, &number));
    double height = made.place.plot.h - 6.0;
    made.scene.pointer =
        (struct point){made.place.plot.x + made.place.plot.w / 2.0,
                       made.place.plot.y + made.place.plot.h - number / made.top * height};
    assert_true(panel_amplification.hover(&made.scene, &made.place, &hover));
    assert_non_null(strstr(hover.title, "amplification"));
    panel_scene_free(&made);
    history_destroy(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_and_read_amplification_are_quotients_of_steps),
        cmocka_unit_test(space_and_scores_compare_levels),
        cmocka_unit_test(counters_that_step_back_start_from_zero),
        cmocka_unit_test(asking_while_it_grows_is_asking_at_the_end),
        cmocka_unit_test(the_panel_tells_what_the_publisher_knows),
        cmocka_unit_test(the_strip_tells_every_level_under_the_mouse),
    };
    return cmocka_run_group_tests_name("panel_amplification", tests, seed_it, NULL);
}
