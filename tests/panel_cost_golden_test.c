/* Pictures of the panels that tell of jobs and of what they cost, compared with golden ones that
 * were looked at. One panel a picture, from a run made up by arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "panel_scene.h"
#include "golden_picture.h"
#include "tree_run.h"

struct shot {
    const char *name;
    const struct panel *panel;
    enum theme_id theme;
    double width, height, t0, t1;
    struct tree_run_options run;
};

#define MINUTE                                                                                     \
    { 60.0, 0.25, 7, false, false }
#define HOUR                                                                                       \
    { 3600.0, 1.0, 7, false, false }
static const struct shot shots[] = {
    {"compactions-dark", &panel_compactions, THEME_DARK, 720, 260, 0, 60, MINUTE},
    {"compactions-light", &panel_compactions, THEME_LIGHT, 720, 260, 0, 60, MINUTE},
    {"compactions-near-dark", &panel_compactions, THEME_DARK, 720, 260, 55, 60, MINUTE},
    {"compactions-hour-light", &panel_compactions, THEME_LIGHT, 720, 260, 0, 3600, HOUR},
    {"compactions-small-dark", &panel_compactions, THEME_DARK, 280, 110, 0, 60, MINUTE},
    {"amplification-dark", &panel_amplification, THEME_DARK, 560, 440, 0, 60, MINUTE},
    {"amplification-light", &panel_amplification, THEME_LIGHT, 560, 440, 0, 60, MINUTE},
    {"io-dark", &panel_io, THEME_DARK, 640, 260, 0, 60, MINUTE},
    {"io-light", &panel_io, THEME_LIGHT, 640, 260, 0, 60, MINUTE},
    {"io-small-light", &panel_io, THEME_LIGHT, 340, 140, 0, 60, MINUTE},
};
enum { SHOTS = sizeof shots / sizeof shots[0] };

static void draw_shot(const void *drawn, const char *path) {
    const struct shot *shot = drawn;
    char error[256];
    struct panel_scene made;
    struct history *history = tree_run(&shot->run);
    panel_scene_make(&made, history, shot->theme, shot->width, shot->height, shot->t0, shot->t1,
                     shot->run.seconds);
    panel_scene_draw(&made, shot->panel);
    assert_true(canvas_write_png(made.scene.canvas, path, error, sizeof error));
    panel_scene_free(&made);
    history_destroy(history);
}

static void check_shot(void **state) {
    const struct shot *shot = *state;
    char name[64];
    snprintf(name, sizeof name, "panel-%s", shot->name);
    golden_check(name, draw_shot, shot);
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
    return cmocka_run_group_tests_name("panel_cost_golden", tests, NULL, NULL);
}
