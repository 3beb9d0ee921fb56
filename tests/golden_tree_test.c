/* The pictures of the tree panel, compared with golden ones that were looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "canned_tree.h"
#include "panel.h"
#include "golden_picture.h"
#include "view.h"

struct shot {
    const char *name;
    int width, height;
    double scale;
    enum theme_id theme;
    struct canned_tree tree;
    double live_s; /* above 0: not still, this long after the end of the run */
};

#define BUSY .job = true, .flush = true, .dropped = true
static const struct shot shots[] = {
    {"tree-dark", 1280, 720, 1.0, THEME_DARK, {.tables = {3, 9, 26, 40}, BUSY}, 0.0},
    {"tree-light", 1280, 720, 1.0, THEME_LIGHT, {.tables = {3, 9, 26, 40}, BUSY}, 0.0},
    {"tree-moving-dark", 960, 540, 1.0, THEME_DARK, {.tables = {3, 9, 26, 40}, BUSY}, 0.03},
    {"tree-many-dark",
     1280,
     720,
     1.0,
     THEME_DARK,
     {.tables = {120, 60, 600, 6000}, .total = 12345, .job = true},
     0.0},
    {"tree-tiered-light",
     800,
     500,
     1.0,
     THEME_LIGHT,
     {.tables = {2, 12, 60}, .tiered = true, .no_memtables = true},
     0.0},
    {"tree-small-dark", 320, 240, 1.0, THEME_DARK, {.tables = {2, 4, 9}, .job = true}, 0.0},
    {"tree-one-key-light",
     800,
     500,
     1.0,
     THEME_LIGHT,
     {.tables = {2, 1, 0, 1}, .one_key = true},
     0.0},
    {"tree-empty-dark", 800, 500, 1.0, THEME_DARK, {.tables = {0}}, 0.0},
    {"tree-scale2-light", 1280, 800, 2.0, THEME_LIGHT, {.tables = {4, 8, 30}, BUSY}, 0.0},
};
enum { SHOTS = sizeof shots / sizeof shots[0] };

static void draw_shot(const void *drawn, const char *path) {
    const struct shot *shot = drawn;
    char error[256];
    /* Goldens pin the font: with another one every letter would differ. */
    struct canvas *canvas =
        canvas_raster_create(shot->width, shot->height, shot->scale, "Inter", error, sizeof error);
    if (canvas == NULL) {
        fail_msg("%s (the golden pictures need the package fonts-inter)", error);
    }
    struct history *history = canned_tree(&shot->tree);
    struct view view;
    view_init(&view, history, shot->theme);
    view.panels = 1;
    view.panel[0] = &panel_tree;
    view.frame_exact = shot->live_s <= 0.0;
    view.status.state = VIEW_LIVE;
    view.status.elapsed_s = CANNED_TREE_SECONDS + shot->live_s;
    snprintf(view.status.name, sizeof view.status.name, "tree");
    bool moving = view_draw(&view, canvas);
    assert_int_equal(moving, shot->live_s > 0.0);
    assert_true(canvas_write_png(canvas, path, error, sizeof error));
    canvas_destroy(canvas);
    history_destroy(history);
}

static void check_shot(void **state) {
    const struct shot *shot = *state;
    golden_check(shot->name, draw_shot, shot);
}

int main(int argc, char **argv) {
    (void)argc;
    if (!golden_begin(argv[0])) {
        return 1;
    }
    struct CMUnitTest tests[SHOTS];
    for (size_t i = 0; i < SHOTS; i++) {
        /* cmocka hands the state through unchanged; it is only read. */
        tests[i] = (struct CMUnitTest){shots[i].name, check_shot, NULL, NULL,
                                       (void *)(uintptr_t)&shots[i]};
    }
    return cmocka_run_group_tests_name("golden_tree", tests, NULL, NULL);
}
