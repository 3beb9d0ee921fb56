/* No text lies on another or leaves the window, at any size, in any layout, of one run or several.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "canvas_internal.h"
#include "panel.h"
#include "source_open.h"
#include "view.h"

enum { TEXTS_MAX = 1024 };

static struct run {
    const char *path;
    struct history *history;
    struct source *source;
    struct view described; /* only its status counts */
} runs[] = {{.path = "tests/golden/background.lsr"},
            {.path = "tests/golden/inline.lsr"},
            {.path = "tests/golden/writer.csv"},  /* knows little */
            {.path = "tests/golden/writer.lsr"}}; /* the same run; its stalls have a long name */
enum { BACKGROUND, INLINE, CSV, WRITER, RUNS };

static int runs_open(void **state) {
    (void)state;
    for (size_t i = 0; i < RUNS; i++) {
        char error[256] = "";
        const struct source_file_options options = {.live = false};
        runs[i].history = history_create();
        assert_non_null(runs[i].history);
        runs[i].source =
            source_file_open(runs[i].path, &options, runs[i].history, error, sizeof error);
        if (runs[i].source == NULL) {
            fail_msg("%s", error);
        }
        source_poll(runs[i].source, 1.0);
        view_init(&runs[i].described, runs[i].history, THEME_DARK);
        source_describe(runs[i].source, &runs[i].described, 1.0);
    }
    return 0;
}

static int runs_close(void **state) {
    (void)state;
    for (size_t i = 0; i < RUNS; i++) {
        source_close(runs[i].source);
        history_destroy(runs[i].history);
    }
    return 0;
}

/* What the eye takes for the text: capitals and figures, not the room kept for accents. */
static struct rect letters_of(struct canvas *canvas, const struct svg_text *text) {
    double scale = canvas_scale(canvas);
    double width = canvas_text_width(canvas, text->role, text->tabular, text->utf8);
    double high = 0.72 * canvas_text_ascent(canvas, text->role);
    double shift = text->align == TEXT_CENTER  ? width / 2.0
                   : text->align == TEXT_RIGHT ? width
                                               : 0.0;
    return (struct rect){text->x / scale - shift, text->y / scale - high, width, high};
}

static bool meet(const struct rect *a, const struct rect *b) {
    return fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x) > 0.5 &&
           fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y) > 0.5;
}

static char path[] = "/tmp/text-room-XXXXXX", svg[sizeof path + 4];

static struct canvas *drawn(struct view *view, int width, int height) {
    char error[256];
    snprintf(path, sizeof path, "/tmp/text-room-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    snprintf(svg, sizeof svg, "%s.svg", path);
    struct canvas *canvas = canvas_vector_create(
        svg, width, height, view_scale(view, 1.0, width, height), "Inter", error, sizeof error);
    if (canvas == NULL) {
        fail_msg("%s", error);
    }
    view_draw(view, canvas);
    return canvas;
}

static void drop(struct canvas *canvas) {
    canvas_destroy(canvas);
    unlink(svg);
    unlink(path);
}

static unsigned faults(struct view *view, int width, int height) {
    struct canvas *canvas = drawn(view, width, height);
    double scale = canvas_scale(canvas);
    static struct rect at[TEXTS_MAX];
    size_t count = canvas->svg.text_count;
    assert_in_range(count, 4, TEXTS_MAX);
    unsigned bad = 0;
    for (size_t i = 0; i < count; i++) {
        const struct svg_text *text = &canvas->svg.texts[i];
        at[i] = letters_of(canvas, text);
        if (at[i].x < 0.0 || at[i].y < 0.0 || at[i].x + at[i].w > width / scale ||
            at[i].y + at[i].h > height / scale) {
            print_error("%dx%d: '%s' leaves the window\n", width, height, text->utf8);
            bad++;
        }
        for (size_t k = 0; k < i; k++) {
            if (meet(&at[i], &at[k])) {
                print_error("%dx%d, layout %s, %u runs%s: '%s' lies on '%s' at %.0f,%.0f\n", width,
                            height, view_layout_name(view->layout), view->others + 1,
                            view->side_by_side ? " side by side" : "", text->utf8,
                            canvas->svg.texts[k].utf8, at[i].x, at[i].y);
                bad++;
            }
        }
    }
    drop(canvas);
    return bad;
}

/* A run, and others after it. */
static void arrange(struct view *view, size_t first, unsigned others, bool side_by_side) {
    view_init(view, runs[first].history, THEME_LIGHT);
    view->status = runs[first].described.status;
    view->frame_exact = view->interactive = true;
    view->others = others;
    view->side_by_side = side_by_side;
    for (unsigned k = 0; k < others; k++) {
        const struct run *run = &runs[(first + k + 1) % RUNS];
        view->other[k].history = run->history;
        view->other[k].status = run->described.status;
    }
}

/* The first one is the least a window can be. */
static const int sizes[][2] = {{320, 200},  {640, 400},   {960, 540},   {1280, 720},
                               {720, 1280}, {1920, 1080}, {2560, 1440}, {1100, 420}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void one_run(void **state) {
    (void)state;
    unsigned bad = 0;
    for (size_t run = 0; run < RUNS; run++) {
        for (int layout = VIEW_OVERVIEW; layout <= VIEW_PRESENTER; layout++) {
            for (size_t s = 0; s < SIZES; s++) {
                struct view view;
                arrange(&view, run, 0, false);
                view.layout = (enum view_layout)layout;
                bad += faults(&view, sizes[s][0], sizes[s][1]);
            }
        }
    }
    assert_int_equal(bad, 0);
}

static void close_up(void **state) {
    (void)state;
    unsigned bad = 0;
    for (size_t s = 0; s < SIZES; s++) {
        struct view view;
        arrange(&view, 0, 0, false);
        view.follow = view.fit = false;
        view.t0 = 12.0;
        view.t1 = 13.5;
        bad += faults(&view, sizes[s][0], sizes[s][1]);
    }
    assert_int_equal(bad, 0);
}

static void every_panel_alone(void **state) {
    (void)state;
    unsigned bad = 0;
    for (size_t run = 0; run < RUNS; run++) {
        for (int panel = 0; panel < VIEW_PANELS_MAX; panel++) {
            for (size_t s = 0; s < SIZES; s += 2) {
                struct view view;
                arrange(&view, run, 0, false);
                view.solo = panel;
                bad += faults(&view, sizes[s][0], sizes[s][1]);
            }
        }
    }
    assert_int_equal(bad, 0);
}

static void compared_runs(void **state) {
    (void)state;
    unsigned bad = 0;
    for (size_t first = 0; first < RUNS; first++) {
        for (unsigned others = 1; others < VIEW_RUNS_MAX; others++) {
            for (size_t s = 0; s < SIZES; s++) {
                for (int side = 0; side < 2; side++) {
                    struct view view;
                    arrange(&view, first, others, side != 0);
                    bad += faults(&view, sizes[s][0], sizes[s][1]);
                }
            }
        }
    }
    assert_int_equal(bad, 0);
}

/* ---- what is said -------------------------------------------------------------------------- */

/* How many texts begin with this. */
static unsigned said(struct view *view, int width, int height, const char *begin) {
    struct canvas *canvas = drawn(view, width, height);
    unsigned count = 0;
    for (size_t i = 0; i < canvas->svg.text_count; i++) {
        count += strncmp(canvas->svg.texts[i].utf8, begin, strlen(begin)) == 0;
    }
    drop(canvas);
    return count;
}

static void a_cause_is_said_once(void **state) {
    (void)state;
    struct view view;
    arrange(&view, WRITER, 0, false);
    assert_int_equal(said(&view, 1280, 720, "stall: flushing in the writer's thread"), 1);
    arrange(&view, WRITER, 1, false);
    view.other[0].history = runs[WRITER].history;
    assert_int_equal(said(&view, 1280, 720, "stall: flushing in the writer's thread"), 1);
    view.side_by_side = true;
    assert_int_equal(said(&view, 1280, 720, "stall: flushing in the writer's thread"), 2);
}

static void what_a_csv_does_not_tell_is_not_told_as_zero(void **state) {
    (void)state;
    struct view view;
    arrange(&view, CSV, 0, false);
    assert_int_equal(said(&view, 1280, 720, "L0 → L1"), 1);
    assert_int_equal(said(&view, 1280, 720, "busy"), 0);
    assert_int_equal(said(&view, 1280, 720, "0 B/s"), 0);
    view.solo = 4;
    assert_int_equal(said(&view, 1280, 720, "busy"), 0);
    view.history = runs[WRITER].history;
    assert_in_range(said(&view, 1280, 720, "busy"), 1, 4);
}

static void figures_of_all_runs_stand_in_the_corner(void **state) {
    (void)state;
    struct view view;
    arrange(&view, BACKGROUND, 3, false);
    assert_int_equal(said(&view, 1280, 720, "A  average write "), 1);
    assert_int_equal(said(&view, 1280, 720, "D  average write "), 0); /* once is enough there */
    assert_int_equal(said(&view, 1280, 720, "D  5"), 1);
    assert_int_equal(said(&view, 1920, 1080, "D  average write "), 1);
    assert_in_range(said(&view, 1280, 720, "L1"), 3, 20); /* levels have names in narrow trees */
}

static void too_narrow_columns_become_shared_plots(void **state) {
    (void)state;
    struct view view;
    arrange(&view, BACKGROUND, 3, true);
    assert_int_equal(said(&view, 640, 400, "Throughput"), 4);
    assert_int_equal(said(&view, 480, 400, "Throughput"), 1);
    assert_true(view.side_by_side); /* still what is asked for */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_run),
        cmocka_unit_test(close_up),
        cmocka_unit_test(every_panel_alone),
        cmocka_unit_test(compared_runs),
        cmocka_unit_test(a_cause_is_said_once),
        cmocka_unit_test(what_a_csv_does_not_tell_is_not_told_as_zero),
        cmocka_unit_test(figures_of_all_runs_stand_in_the_corner),
        cmocka_unit_test(too_narrow_columns_become_shared_plots),
    };
    return cmocka_run_group_tests(tests, runs_open, runs_close);
}
