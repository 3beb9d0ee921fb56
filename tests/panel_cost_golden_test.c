/* Pictures of the panels that tell of jobs and of what they cost, compared with golden ones that
 * were looked at. One panel a picture, from a run made up by arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "panel_scene.h"
#include "picture_compare.h"
#include "tree_run.h"

static char out_dir[512];

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

static void draw_shot(const struct shot *shot, const char *path) {
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
    char golden[1024], actual[1024], diff[1024];
    snprintf(golden, sizeof golden, "tests/golden/panel-%s.png", shot->name);
    snprintf(actual, sizeof actual, "%s/panel-%s.actual.png", out_dir, shot->name);
    snprintf(diff, sizeof diff, "%s/panel-%s.diff.png", out_dir, shot->name);
    const char *update = getenv("UPDATE_GOLDEN");
    if (update != NULL && strcmp(update, "1") == 0) {
        draw_shot(shot, golden);
        return;
    }
    draw_shot(shot, actual);
    struct picture_verdict verdict = picture_compare(actual, golden, diff);
    if (picture_same(&verdict)) {
        remove(actual);
        remove(diff);
        return;
    }
    print_error("%s differs from %s: comparable %d, mean %.2f, worst block %.2f at %d,%d; see %s\n",
                actual, golden, verdict.comparable, verdict.mean, verdict.worst, verdict.worst_x,
                verdict.worst_y, diff);
    print_error("look at it, and if it is right: UPDATE_GOLDEN=1 %s/../tests/"
                "panel_cost_golden_test\n",
                out_dir);
    fail();
}

int main(int argc, char **argv) {
    (void)argc;
    const char *slash = strrchr(argv[0], '/');
    snprintf(out_dir, sizeof out_dir, "%.*s/../golden", slash != NULL ? (int)(slash - argv[0]) : 1,
             slash != NULL ? argv[0] : ".");
    if (mkdir(out_dir, 0777) != 0 && errno != EEXIST) {
        perror(out_dir);
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
