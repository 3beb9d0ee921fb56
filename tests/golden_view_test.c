/* The whole picture, from recordings of two real runs: overview, other layouts, one panel alone,
 * two runs compared, crosshair and boxes. Compared with golden pictures that were looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "panel.h"
#include "golden_picture.h"
#include "source_open.h"
#include "view.h"

struct run {
    struct history *history;
    struct source *source;
    struct view described; /* only its status counts */
};
static struct run background, inlined;

struct shot {
    const char *name;
    int width, height;
    enum theme_id theme;
    void (*arrange)(struct view *view); /* NULL: nothing */
};

static void arrange_window(struct view *view) {
    view->interactive = true;
    view->status.viewer_cpu = 0.031;
}

static void arrange_stack(struct view *view) {
    char why[80];
    view->layout = VIEW_STACK;
    assert_true(
        panel_parse("throughput,tree,compactions,io", view->panel, &view->panels, why, sizeof why));
    snprintf(view->caption, sizeof view->caption, "Background compaction: level 0 never fills");
    view->show_command = true;
}

static void arrange_presenter(struct view *view) {
    view->layout = VIEW_PRESENTER;
}

static void arrange_solo(struct view *view) {
    view->solo = 2;
    view->prompting = true;
    view->prompt_s = 12.0;
    snprintf(view->prompt, sizeof view->prompt, "what is this?");
}

static void arrange_crosshair(struct view *view) {
    arrange_window(view);
    view->fit = view->follow = false;
    view->t0 = 8.0;
    view->t1 = 16.0;
    view->cursor_x = 300.0;
    view->cursor_y = 300.0;
}

static void arrange_hover(struct view *view) {
    arrange_window(view);
    view->cursor_x = 1000.0; /* over a table of L1 */
    view->cursor_y = 185.0;
}

static void arrange_explain(struct view *view) {
    view->explain = true;
}

static void compare(struct view *view) {
    arrange_window(view);
    view->others = 1;
    view->other[0].history = inlined.history;
    view->other[0].status = inlined.described.status;
}

static void arrange_overlay(struct view *view) {
    compare(view);
    view->cursor_fixed = true;
    view->cursor_s = 20.0;
}

static void arrange_beside(struct view *view) {
    compare(view);
    view->side_by_side = true;
}

static void arrange_help(struct view *view) {
    view->help = true;
}

static const struct shot shots[] = {
    {"overview-dark", 1920, 1080, THEME_DARK, arrange_window},
    {"overview-light", 1920, 1080, THEME_LIGHT, NULL},
    {"overview-tiny-dark", 640, 400, THEME_DARK, NULL},
    {"stack-light", 960, 800, THEME_LIGHT, arrange_stack},
    {"presenter-dark", 1280, 720, THEME_DARK, arrange_presenter},
    {"solo-light", 960, 600, THEME_LIGHT, arrange_solo},
    {"crosshair-dark", 1280, 720, THEME_DARK, arrange_crosshair},
    {"hover-light", 1280, 720, THEME_LIGHT, arrange_hover},
    {"explain-dark", 1280, 720, THEME_DARK, arrange_explain},
    {"compare-overlay-dark", 1600, 900, THEME_DARK, arrange_overlay},
    {"compare-beside-light", 1600, 900, THEME_LIGHT, arrange_beside},
    {"help-tiny-light", 640, 400, THEME_LIGHT, arrange_help},
};
enum { SHOTS = sizeof shots / sizeof shots[0] };

static void run_open(struct run *run, const char *name) {
    char path[256], error[256] = "";
    const struct source_file_options options = {.live = false};
    snprintf(path, sizeof path, "tests/golden/%s", name);
    run->history = history_create();
    assert_non_null(run->history);
    run->source = source_file_open(path, &options, run->history, error, sizeof error);
    if (run->source == NULL) {
        fail_msg("%s", error);
    }
    source_poll(run->source, 1.0);
    view_init(&run->described, run->history, THEME_DARK);
    source_describe(run->source, &run->described, 1.0);
}

static int runs_open(void **state) {
    (void)state;
    run_open(&background, "background.lsr");
    run_open(&inlined, "inline.lsr");
    return 0;
}

static int runs_close(void **state) {
    (void)state;
    source_close(background.source);
    source_close(inlined.source);
    history_destroy(background.history);
    history_destroy(inlined.history);
    return 0;
}

static void draw_shot(const void *drawn, const char *path) {
    const struct shot *shot = drawn;
    char error[256];
    struct view view;
    view_init(&view, background.history, shot->theme);
    view.status = background.described.status;
    view.frame_exact = true;
    if (shot->arrange != NULL) {
        shot->arrange(&view);
    }
    /* Goldens pin the font: with another one every letter would differ. */
    double scale = view_scale(&view, 1.0, shot->width, shot->height);
    struct canvas *canvas =
        canvas_raster_create(shot->width, shot->height, scale, "Inter", error, sizeof error);
    if (canvas == NULL) {
        fail_msg("%s (the golden pictures need the package fonts-inter)", error);
    }
    view_draw(&view, canvas);
    assert_true(canvas_write_png(canvas, path, error, sizeof error));
    canvas_destroy(canvas);
}

static void check_shot(void **state) {
    const struct shot *shot = *state;
    golden_check(shot->name, draw_shot, shot);
}

int main(int argc, char **argv) {
    (void)argc;
    setenv("TZ", "UTC", 1); /* the crosshair tells local time */
    tzset();
    if (!golden_begin(argv[0])) {
        return 1;
    }
    struct CMUnitTest tests[SHOTS];
    for (size_t i = 0; i < SHOTS; i++) {
        /* cmocka hands the state through unchanged; it is only read. */
        tests[i] = (struct CMUnitTest){shots[i].name, check_shot, NULL, NULL,
                                       (void *)(uintptr_t)&shots[i]};
    }
    return cmocka_run_group_tests_name("golden_view", tests, runs_open, runs_close);
}
