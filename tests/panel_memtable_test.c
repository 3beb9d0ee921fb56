/* panel_memtable.c: a memtable that is flushed between samples is drawn full and empty in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flushes_between_samples_show_the_memtable_full),
        cmocka_unit_test(flush_of_what_a_sample_counted_as_sealed_is_no_fall),
        cmocka_unit_test(sealed_begins_where_active_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
