/* panel_layout.h: columns, what is left out, and that plots line up to the pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "canned_run.h"
#include "panel_layout.h"

static struct history *history;
static struct view view;
static struct layout layout;

static int begin(void **state) {
    (void)state;
    const struct canned_options options = {20.0, 0.5, CANNED_SEGMENT};
    history = canned_run(&options);
    return 0;
}

static int end(void **state) {
    (void)state;
    history_destroy(history);
    return 0;
}

static void start_over(void) {
    view_init(&view, history, THEME_DARK);
}

static void place_all(int width, int height, double scale) {
    char error[256];
    struct canvas *canvas = canvas_raster_create(width, height, scale, NULL, error, sizeof error);
    assert_non_null(canvas);
    struct scene scene = {.canvas = canvas,
                          .theme = theme_get(THEME_DARK),
                          .history = history,
                          .t1 = 20.0,
                          .until = 20.0};
    layout_make(&view, &scene, &layout);
    canvas_destroy(canvas);
}

static int slot_of(const char *name, unsigned run) {
    for (size_t i = 0; i < layout.count; i++) {
        if (strcmp(layout.slot[i].panel->name, name) == 0 && layout.slot[i].run == run) {
            return (int)i;
        }
    }
    return -1;
}

static bool apart(const struct rect *a, const struct rect *b) {
    const double e = 0.01;
    return a->x + a->w <= b->x + e || b->x + b->w <= a->x + e || a->y + a->h <= b->y + e ||
           b->y + b->h <= a->y + e;
}

/* Nothing meets anything, nothing leaves the window, every plot lies in its frame. */
static void check_places(int width, int height, double scale) {
    double w = width / scale + 0.01, h = height / scale + 0.01;
    for (size_t i = 0; i < layout.count; i++) {
        const struct panel_place *p = &layout.place[i];
        const struct rect *f = &p->frame;
        if (f->x < 0.0 || f->y < 0.0 || f->x + f->w > w || f->y + f->h > h) {
            fail_msg("%dx%d at %g: %s leaves the window", width, height, scale,
                     layout.slot[i].panel->name);
        }
        assert_true(p->plot.x >= f->x && p->plot.y >= f->y);
        assert_true(p->plot.y + p->plot.h <= f->y + f->h + 0.51);
        for (size_t k = 0; k < i; k++) {
            if (!apart(f, &layout.place[k].frame)) {
                fail_msg("%dx%d at %g: %s meets %s", width, height, scale,
                         layout.slot[i].panel->name, layout.slot[k].panel->name);
            }
        }
        assert_true(layout.minimap.w <= 0.0 || apart(f, &layout.minimap));
        assert_true(layout.caption.w <= 0.0 || apart(f, &layout.caption));
    }
}

/* The panels of a column that go by time have the same left and right edge, on whole pixels. */
static void check_alignment(double scale) {
    for (size_t i = 0; i < layout.count; i++) {
        const struct rect *a = &layout.place[i].plot;
        assert_true(fabs(a->x * scale - round(a->x * scale)) < 1e-6);
        assert_true(fabs(a->y * scale - round(a->y * scale)) < 1e-6);
        for (size_t k = 0; k < i; k++) {
            const struct rect *b = &layout.place[k].plot;
            bool timed = !layout.slot[i].panel->timeless && !layout.slot[k].panel->timeless;
            if (timed && layout.slot[i].column == layout.slot[k].column) {
                assert_true(fabs(a->x - b->x) < 1e-9 && fabs(a->w - b->w) < 1e-9);
            }
        }
    }
}

static void every_window_and_layout_is_laid_out_without_collisions(void **state) {
    (void)state;
    static const struct {
        int width, height;
        double scale;
    } windows[] = {{640, 400, 1.0},   {899, 620, 1.0},   {900, 620, 1.0},  {1280, 720, 1.0},
                   {1280, 720, 2.0},  {1920, 1080, 1.0}, {1920, 420, 1.0}, {700, 1400, 1.25},
                   {3840, 2160, 1.0}, {3840, 2160, 2.0}, {1366, 768, 1.5}};
    struct view_run other = {.history = history};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        for (int kind = 0; kind < 12; kind++) {
            start_over();
            view.layout = (enum view_layout)(kind % 3);
            view.interactive = kind % 2 == 0;
            view.others = kind >= 6 ? 1 : 0;
            view.other[0] = other;
            view.side_by_side = kind >= 9;
            snprintf(view.caption, sizeof view.caption, "%s", kind % 4 == 0 ? "a caption" : "");
            double scale = windows[i].scale;
            place_all(windows[i].width, windows[i].height, scale);
            assert_true(layout.count > 0);
            check_places(windows[i].width, windows[i].height, scale);
            check_alignment(scale);
        }
    }
}

static void the_overview_has_what_happened_left_and_what_is_right(void **state) {
    (void)state;
    start_over();
    place_all(1920, 1080, 1.0);
    assert_int_equal(layout.columns, 2);
    assert_int_equal(layout.hidden, 0);
    assert_int_equal(layout.slot[slot_of("throughput", 0)].column, 0);
    assert_int_equal(layout.slot[slot_of("compactions", 0)].column, 0);
    assert_int_equal(layout.slot[slot_of("tree", 0)].column, 1);
    const struct rect *tree = &layout.place[slot_of("tree", 0)].plot;
    for (size_t i = 0; i < layout.count; i++) { /* the tree, large */
        assert_true(layout.place[i].plot.h <= tree->h);
    }
    assert_true(layout.time_axis[0].w > layout.time_axis[1].w && layout.time_axis[1].w > 0.0);
    place_all(899, 1600, 1.0); /* too narrow for two */
    assert_int_equal(layout.columns, 1);
}

static void a_choice_of_panels_keeps_its_order(void **state) {
    (void)state;
    char why[80];
    start_over();
    assert_true(panel_parse("levels,tree,throughput", view.panel, &view.panels, why, sizeof why));
    place_all(1280, 720, 1.0);
    int levels = slot_of("levels", 0), throughput = slot_of("throughput", 0);
    assert_true(layout.place[levels].frame.y < layout.place[throughput].frame.y);
    view.layout = VIEW_STACK;
    place_all(1280, 1200, 1.0);
    assert_true(layout.place[levels].frame.y < layout.place[slot_of("tree", 0)].frame.y);
    /* Only panels of the right side: they have the window for themselves. */
    view.layout = VIEW_OVERVIEW;
    assert_true(panel_parse("numbers,tree", view.panel, &view.panels, why, sizeof why));
    place_all(1280, 720, 1.0);
    assert_int_equal(layout.columns, 1);
    assert_true(layout.place[0].frame.w > 1200.0);
}

static void a_low_window_leaves_out_the_highest_rank_first(void **state) {
    (void)state;
    start_over();
    view.layout = VIEW_STACK;
    size_t before = 0;
    for (int height = 200; height <= 1400; height += 20) {
        place_all(1000, height, 1.0);
        assert_true(layout.count >= 1 && layout.count + layout.hidden == view.panels);
        assert_true(layout.count >= before);
        before = layout.count;
        int shown = 0, left_out = 99;
        for (size_t i = 0; i < view.panels; i++) {
            int rank = panel_rank(view.panel[i]);
            if (slot_of(view.panel[i]->name, 0) >= 0) {
                shown = rank > shown ? rank : shown;
            } else {
                left_out = rank < left_out ? rank : left_out;
            }
        }
        assert_true(shown < left_out);
        for (size_t i = 0; i < layout.count && height >= 300; i++) {
            assert_true(layout.place[i].plot.h >= 43.0);
        }
    }
    assert_int_equal(before, view.panels);
}

static void one_panel_alone_fills_the_window(void **state) {
    (void)state;
    start_over();
    for (int i = 0; i < (int)view.panels; i++) {
        view.solo = i;
        place_all(1280, 720, 1.0);
        assert_int_equal(layout.count, 1);
        assert_int_equal(layout.slot[0].index, i);
        assert_true(layout.place[0].frame.w > 1250.0 && layout.place[0].frame.h > 650.0);
        bool timed = !view.panel[i]->timeless;
        assert_true((layout.time_axis[0].w > 0.0) == timed);
        assert_true((layout.notes[0].w > 0.0) == timed); /* markers keep their texts */
    }
}

static void runs_side_by_side_have_the_same_panels_at_the_same_heights(void **state) {
    (void)state;
    start_over();
    view.others = 2;
    view.other[0].history = view.other[1].history = history;
    view.side_by_side = true;
    place_all(1600, 900, 1.0);
    assert_int_equal(layout.columns, 3);
    assert_int_equal(layout.count % 3, 0);
    for (size_t i = 0; i < layout.count; i++) {
        assert_int_equal(layout.slot[i].run, layout.slot[i].column);
        int first = slot_of(layout.slot[i].panel->name, 0);
        assert_true(first >= 0);
        assert_true(fabs(layout.place[i].plot.y - layout.place[first].plot.y) < 1e-9);
        assert_true(fabs(layout.place[i].plot.h - layout.place[first].plot.h) < 1e-9);
    }
    assert_true(layout.heading[2].w > 0.0);
}

static void parts_of_a_plot_share_it_without_touching(void **state) {
    (void)state;
    start_over();
    view.others = 1;
    view.other[0].history = history;
    char error[256];
    struct canvas *canvas = canvas_raster_create(1600, 900, 1.0, NULL, error, sizeof error);
    assert_non_null(canvas);
    place_all(1600, 900, 1.0);
    for (size_t i = 0; i < layout.count; i++) {
        struct panel_place a, b;
        layout_part(canvas, &layout, i, 0, 2, &a);
        layout_part(canvas, &layout, i, 1, 2, &b);
        assert_true(apart(&a.plot, &b.plot));
        const struct rect *whole = &layout.place[i].frame;
        assert_true(b.plot.x + b.plot.w <= whole->x + whole->w + 0.51);
        assert_true(b.plot.y + b.plot.h <= whole->y + whole->h + 0.51);
    }
    canvas_destroy(canvas);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_window_and_layout_is_laid_out_without_collisions),
        cmocka_unit_test(the_overview_has_what_happened_left_and_what_is_right),
        cmocka_unit_test(a_choice_of_panels_keeps_its_order),
        cmocka_unit_test(a_low_window_leaves_out_the_highest_rank_first),
        cmocka_unit_test(one_panel_alone_fills_the_window),
        cmocka_unit_test(runs_side_by_side_have_the_same_panels_at_the_same_heights),
        cmocka_unit_test(parts_of_a_plot_share_it_without_touching),
    };
    return cmocka_run_group_tests_name("layout", tests, begin, end);
}
