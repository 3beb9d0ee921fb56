/* panel_memtable.c: a memtable that is flushed between samples is drawn full and empty in between.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memtable_steps.h"
#include "panel.h"
#include "panel_scene.h"
#include "view.h"

enum { WIDTH = 800, HEIGHT = 400, SAMPLES = 60, LIMIT = 1000000 };

/* A minute: every second a sample of a memtable a third full, with a flush or two begun between. */
static struct history *run_make(unsigned flushes, uint64_t sealed) {
    struct history *history = history_create();
    assert_non_null(history);
    for (unsigned s = 0; s < SAMPLES; s++) {
        const struct history_value values[] = {{SCOPE_M_MEMTABLE_BYTES, LIMIT / 3},
                                               {SCOPE_M_MEMTABLE_LIMIT, LIMIT},
                                               {SCOPE_M_SEALED_COUNT, sealed}};
        assert_true(history_append(history, s, values, 3));
        for (unsigned f = 0; f < flushes; f++) {
            struct scope_event event = {.type = SCOPE_EVENT_FLUSH_BEGIN, .job = s * 10 + f + 1};
            event.u.job_info.bytes_in = LIMIT;
            history_append_event(history, s + 0.3 + 0.3 * f, &event);
            event.type = SCOPE_EVENT_FLUSH_END;
            history_append_event(history, s + 0.31 + 0.3 * f, &event);
        }
    }
    return history;
}

/* The picture of the panel alone. */
static uint32_t *picture_make(struct history *history) {
    char error[256] = "";
    struct canvas *canvas = canvas_raster_create(WIDTH, HEIGHT, 1.0, NULL, error, sizeof error);
    assert_non_null(canvas);
    struct view view;
    view_init(&view, history, THEME_DARK);
    view.panel[0] = &panel_memtable;
    view.panels = 1;
    view.frame_exact = true;
    (void)view_draw(&view, canvas);
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    uint32_t *copy = malloc((size_t)WIDTH * HEIGHT * sizeof *copy);
    assert_non_null(copy);
    for (size_t y = 0; y < HEIGHT; y++) {
        memcpy(copy + y * WIDTH, pixels + y * (size_t)stride / 4, WIDTH * sizeof *copy);
    }
    canvas_destroy(canvas);
    history_destroy(history);
    return copy;
}

/* Pixels that are not the background's half way up the plot, between its first and last sixth. */
static unsigned marked(const uint32_t *pixels) {
    const uint32_t *row = pixels + (size_t)(HEIGHT / 2) * WIDTH;
    unsigned count = 0;
    for (size_t x = WIDTH / 6; x < WIDTH * 4 / 6; x++) {
        count += row[x] != row[x - 1];
    }
    return count;
}

static void flushes_between_samples_show_the_memtable_full(void **state) {
    (void)state;
    uint32_t *without = picture_make(run_make(0, 0)), *with = picture_make(run_make(2, 0));
    /* A flat line at a third crosses no pixel there; sixty teeth and more cross many. */
    assert_true(marked(without) < 4);
    assert_true(marked(with) > 60);
    free(without);
    free(with);
}

static void flush_of_what_a_sample_counted_as_sealed_is_no_fall(void **state) {
    (void)state;
    uint32_t *with = picture_make(run_make(1, 1));
    assert_true(marked(with) < 4);
    free(with);
}

/* Its line lies on the active memtable's; what two runs are compared by is its size. */
static void sealed_begins_where_active_ends(void **state) {
    (void)state;
    struct history *history = history_create();
    assert_non_null(history);
    for (unsigned s = 0; s < 4; s++) {
        const struct history_value values[] = {{SCOPE_M_MEMTABLE_BYTES, 300},
                                               {SCOPE_M_SEALED_BYTES, s == 2 ? 700 : 0},
                                               {SCOPE_M_SEALED_COUNT, s == 2}};
        assert_true(history_append(history, s, values, 3));
    }
    struct panel_scene made;
    struct panel_value value[PANEL_VALUES_MAX];
    panel_scene_make(&made, history, THEME_DARK, WIDTH, HEIGHT, 0.0, 3.0, 3.0);
    for (size_t index = 2; index < 4; index++) {
        size_t count = panel_memtable.values(&made.scene, index, value);
        assert_int_equal(count, 2);
        assert_string_equal(value[1].name, "sealed");
        assert_true(value[1].below > 299.0 && value[1].below < 301.0);
        double wanted = index == 2 ? 700.0 : 0.0, sealed = value[1].at - value[1].below;
        assert_true(sealed > wanted - 1.0 && sealed < wanted + 1.0);
    }
    panel_scene_free(&made);
    history_destroy(history);
}

static void add_event(struct history *history, double t, uint16_t type, uint64_t bytes,
                      int32_t status) {
    struct scope_event event = {.type = type, .job = 1};
    event.u.job_info.bytes_in = bytes;
    event.u.job_info.status = status;
    history_append_event(history, t, &event);
}

static void add_flush(struct history *history, double t, bool begins, uint64_t bytes) {
    add_event(history, t, begins ? SCOPE_EVENT_FLUSH_BEGIN : SCOPE_EVENT_FLUSH_END, bytes, 0);
}

/* `count` samples, a second apart, of a memtable that grows by 500 in each. */
static struct history *growing(unsigned count) {
    struct history *history = history_create();
    assert_non_null(history);
    for (unsigned s = 0; s < count; s++) {
        const struct history_value values[] = {{SCOPE_M_MEMTABLE_BYTES, s * 500},
                                               {SCOPE_M_MEMTABLE_LIMIT, 1000},
                                               {SCOPE_M_SEALED_BYTES, 0},
                                               {SCOPE_M_SEALED_COUNT, 0}};
        assert_true(history_append(history, s, values, 4));
    }
    return history;
}

static void find_steps(struct history *history, double t0, double t1,
                       struct memtable_steps *steps) {
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, WIDTH, HEIGHT, t0, t1, t1);
    memtable_steps_find(&made.scene, 1000.0, 1.0, steps);
    panel_scene_free(&made);
}

static void check_step(const struct chart_step *step, double t, double before, double after) {
    assert_true(fabs(step->t - t) < 1e-9);
    assert_true(fabs(step->before - before) < 1.0);
    assert_true(fabs(step->after - after) < 1.0);
}

/* A memtable fills at 1000 a second, is full at 1.8 s and flushed until 2.2 s: the one sample that
 * sees it sealed, at 2 s, must not make a slope of it. */
static void what_is_sealed_comes_and_goes_at_once(void **state) {
    (void)state;
    struct history *history = history_create();
    assert_non_null(history);
    for (unsigned s = 0; s < 5; s++) {
        const struct history_value values[] = {
            {SCOPE_M_MEMTABLE_BYTES, s < 2 ? s * 1000 : s * 1000 - 1800},
            {SCOPE_M_MEMTABLE_LIMIT, 1800},
            {SCOPE_M_SEALED_BYTES, s == 2 ? 1800 : 0},
            {SCOPE_M_SEALED_COUNT, s == 2}};
        assert_true(history_append(history, s, values, 4));
        if (s == 1) {
            add_flush(history, 1.8, true, 1800);
        } else if (s == 2) {
            add_flush(history, 2.2, false, 1800);
        }
    }
    struct panel_scene made;
    panel_scene_make(&made, history, THEME_DARK, WIDTH, HEIGHT, 0.0, 4.0, 4.0);
    struct memtable_steps steps;
    memtable_steps_find(&made.scene, 1800.0, 0.001, &steps);
    assert_int_equal(steps.actives, 1);
    check_step(&steps.active[0], 1.8, 1800.0, 0.0);
    assert_int_equal(steps.totals, 2);
    check_step(&steps.total[0], 1.8, 1800.0, 1800.0);
    check_step(&steps.total[1], 2.2, 400.0 + 1800.0, 400.0);
    /* Their axis reaches as far, though no sample does. */
    assert_true(panel_memtable.most(&made.scene) > 2199.0);
    panel_scene_free(&made);
    history_destroy(history);
}

/* Two memtables are full before the first flush ends, and no sample sees either. */
static void flushes_that_wait_for_each_other_add_up(void **state) {
    (void)state;
    struct history *history = growing(2);
    add_flush(history, 0.2, true, 1000);
    add_flush(history, 0.4, true, 1000);
    add_flush(history, 0.6, false, 1000);
    add_flush(history, 0.8, false, 1000);
    struct memtable_steps steps;
    find_steps(history, 0.0, 1.0, &steps);
    assert_int_equal(steps.actives, 2);
    assert_int_equal(steps.totals, 4);
    check_step(&steps.total[0], 0.2, 1000.0, 1000.0);
    check_step(&steps.total[1], 0.4, 2000.0, 2000.0);
    check_step(&steps.total[2], 0.6, 2000.0 + 500.0 / 3, 1000.0 + 500.0 / 3);
    check_step(&steps.total[3], 0.8, 1000.0 + 1000.0 / 3, 1000.0 / 3);
    history_destroy(history);
}

/* What it took from the writers stays in memory, and the next flush takes the same. */
static void flush_that_fails_leaves_what_it_sealed(void **state) {
    (void)state;
    struct history *history = growing(2);
    add_flush(history, 0.2, true, 1000);
    add_event(history, 0.4, SCOPE_EVENT_FLUSH_END, 1000, -5);
    add_flush(history, 0.6, true, 1000);
    add_flush(history, 0.8, false, 1000);
    struct memtable_steps steps;
    find_steps(history, 0.0, 1.0, &steps);
    assert_int_equal(steps.actives, 1);
    check_step(&steps.active[0], 0.2, 1000.0, 0.0);
    assert_int_equal(steps.totals, 2);
    check_step(&steps.total[0], 0.2, 1000.0, 1000.0);
    check_step(&steps.total[1], 0.8, 1000.0 + 375.0, 375.0);
    history_destroy(history);
}

/* A writer that flushes itself from 0.2 s to 0.6 s fills the next memtable from then on. */
static void writer_that_flushes_itself_writes_nothing(void **state) {
    (void)state;
    struct history *history = growing(2);
    add_flush(history, 0.2, true, 1000);
    add_flush(history, 0.4, false, 1000);
    struct scope_event stall = {.type = SCOPE_EVENT_STALL_END};
    stall.u.stall.cause = SCOPE_STALL_INLINE;
    stall.u.stall.duration_ns = 410000000;
    history_append_event(history, 0.6, &stall);
    struct memtable_steps steps;
    find_steps(history, 0.0, 1.0, &steps);
    assert_int_equal(steps.actives, 2);
    check_step(&steps.active[0], 0.2, 1000.0, 0.0);
    check_step(&steps.active[1], 0.6, 0.0, 0.0);
    assert_int_equal(steps.totals, 3);
    check_step(&steps.total[0], 0.2, 1000.0, 1000.0);
    check_step(&steps.total[1], 0.4, 1000.0, 0.0);
    check_step(&steps.total[2], 0.6, 0.0, 0.0);
    history_destroy(history);
}

/* A flush at the left edge is the same flush when its begin has left the picture. */
static void steps_stay_as_they_are_when_the_picture_moves(void **state) {
    (void)state;
    struct history *history = growing(4);
    add_flush(history, 1.2, true, 1000);
    add_flush(history, 1.7, false, 1000);
    struct memtable_steps before, after;
    find_steps(history, 1.1, 3.0, &before);
    find_steps(history, 1.4, 3.0, &after);
    assert_int_equal(before.totals, 2);
    assert_int_equal(after.totals, 2);
    assert_memory_equal(before.total, after.total, 2 * sizeof before.total[0]);
    history_destroy(history);
}

static void many_flushes_have_all_their_steps(void **state) {
    (void)state;
    struct history *history = growing(2000);
    for (unsigned f = 0; f < 1999; f++) {
        add_flush(history, f + 0.3, true, 1000);
        add_flush(history, f + 0.6, false, 1000);
    }
    struct memtable_steps steps;
    find_steps(history, 0.0, 1000.0, &steps);
    assert_int_equal(steps.actives, 1000);
    assert_int_equal(steps.totals, 2000);
    assert_true(fabs(steps.total[1999].t - 999.6) < 1e-9);
    /* Too many: some are one, to the right edge. */
    find_steps(history, 0.0, 1999.0, &steps);
    assert_true(steps.totals > MEMTABLE_FLUSHES_MAX);
    assert_true(steps.total[steps.totals - 1].t > 1990.0);
    history_destroy(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushes_between_samples_show_the_memtable_full),
        cmocka_unit_test(flush_of_what_a_sample_counted_as_sealed_is_no_fall),
        cmocka_unit_test(sealed_begins_where_active_ends),
        cmocka_unit_test(what_is_sealed_comes_and_goes_at_once),
        cmocka_unit_test(flushes_that_wait_for_each_other_add_up),
        cmocka_unit_test(flush_that_fails_leaves_what_it_sealed),
        cmocka_unit_test(writer_that_flushes_itself_writes_nothing),
        cmocka_unit_test(steps_stay_as_they_are_when_the_picture_moves),
        cmocka_unit_test(many_flushes_have_all_their_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
