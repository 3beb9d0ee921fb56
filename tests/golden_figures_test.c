/* The latency panel and the numbers, each alone, compared with golden pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "canned_run.h"
#include "latency_run.h"
#include "panel_stage.h"
#include "golden_picture.h"

struct shot {
    const char *name;
    const struct panel *panel;
    int width, height;
    enum theme_id theme;
    unsigned seconds; /* of the run */
    double t0, t1;    /* shown; t1 0: everything */
    unsigned kind;    /* of latency */
};

static const struct shot shots[] = {
    {"latency-dark", &panel_latency, 720, 240, THEME_DARK, 90, 0.0, 0.0, 0},
    {"latency-light", &panel_latency, 720, 240, THEME_LIGHT, 90, 0.0, 0.0, 0},
    {"latency-hours-dark", &panel_latency, 640, 220, THEME_DARK, 14400, 0.0, 0.0, 0},
    {"latency-hours-light", &panel_latency, 640, 220, THEME_LIGHT, 14400, 0.0, 0.0, 0},
    {"latency-close-light", &panel_latency, 480, 200, THEME_LIGHT, 90, 58.5, 66.5, 2},
    {"latency-tiny-dark", &panel_latency, 240, 90, THEME_DARK, 90, 0.0, 0.0, 0},
    {"numbers-light", &panel_numbers, 900, 520, THEME_LIGHT, 90, 0.0, 0.0, 0},
    {"numbers-dark", &panel_numbers, 480, 260, THEME_DARK, 90, 0.0, 0.0, 0},
    {"numbers-tiny-light", &panel_numbers, 240, 90, THEME_LIGHT, 90, 0.0, 0.0, 0},
};
enum { SHOTS = sizeof shots / sizeof shots[0] };

/* What canned_run leaves out and a driver publishes. */
static void add_levels(struct history *history) {
    struct history_value v[3 * 4];
    for (uint32_t level = 0; level < 4; level++) {
        v[3 * level] = (struct history_value){SCOPE_M_LEVEL_TABLES + level, 3 + 4 * level};
        v[3 * level + 1] = (struct history_value){SCOPE_M_LEVEL_BYTES + level,
                                                  (UINT64_C(900) << 10) * (level + 1)};
        v[3 * level + 2] = (struct history_value){SCOPE_M_LEVEL_TARGET + level,
                                                  level == 0 ? 4 : (UINT64_C(2) << 20) * level};
    }
    history_append(history, history_end(history) + 0.25, v, 12);
}

static void draw_shot(const void *drawn, const char *path) {
    const struct shot *shot = drawn;
    char error[256];
    struct panel_stage stage;
    struct history *history =
        canned_run(&(struct canned_options){shot->seconds, 1.0, CANNED_SEGMENT});
    latency_run(history, shot->seconds);
    if (shot->panel == &panel_numbers) {
        add_levels(history);
    }
    panel_stage_open(&stage, history, shot->width, shot->height, 1.0, shot->theme);
    stage.scene.latency_kind = shot->kind;
    if (shot->t1 > 0.0) {
        panel_stage_span(&stage, shot->t0, shot->t1);
    }
    panel_stage_draw(&stage, shot->panel);
    assert_true(canvas_write_png(stage.canvas, path, error, sizeof error));
    panel_stage_close(&stage);
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
    return cmocka_run_group_tests_name("golden figures", tests, NULL, NULL);
}
