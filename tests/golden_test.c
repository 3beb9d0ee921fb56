/* The pictures of the observer, compared with golden ones that were looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "canned_run.h"
#include "golden_picture.h"
#include "picture_compare.h"
#include "view.h"

struct shot {
    const char *name;
    int width, height;
    double scale;
    enum theme_id theme;
    struct canned_options run;
    void (*arrange)(struct view *view); /* NULL: nothing */
};

static void arrange_crosshair(struct view *view) {
    view->status.state = VIEW_FILE;
    view->status.start_real_s = 1760000000.0;
    view->status.sampler_cpu = view->status.sampler_ns = view->status.samples_lost = -1.0;
    snprintf(view->status.name, sizeof view->status.name, "lsm_metrics.csv");
    view->status.engine[0] = view->status.description[0] = '\0';
    view->cursor_x = 806.0;
    view->cursor_y = 400.0;
}

static void arrange_waiting(struct view *view) {
    view->status.state = VIEW_WAITING;
    view->status.name[0] = '\0';
    snprintf(view->headline, sizeof view->headline, "Waiting for a driver");
    snprintf(view->detail, sizeof view->detail,
             "Start one with lsm-driver in another terminal. It appears here by itself.");
}

static void arrange_choices(struct view *view) {
    arrange_waiting(view);
    snprintf(view->headline, sizeof view->headline, "Which run do you want to see?");
    snprintf(view->detail, sizeof view->detail,
             "Three drivers are live. Press a number, or choose with the arrow keys and Enter.");
    const char *const names[] = {"demo     live for 1:29     put 5 000/s",
                                 "sync-1     live for 12:04     put 800/s, every write flushed",
                                 "rocks     live for 3:12:44     rocksdb 9.1"};
    view->choice_count = 3;
    view->choice_selected = 1;
    for (int i = 0; i < 3; i++) {
        snprintf(view->choices[i], sizeof view->choices[i], "%s", names[i]);
    }
}

static void arrange_help(struct view *view) {
    view->help = true;
}

static void arrange_crashed(struct view *view) {
    view->status.state = VIEW_CRASHED;
    snprintf(view->status.notice, sizeof view->status.notice,
             "the driver died; this is the last it published");
    snprintf(view->toast, sizeof view->toast, "saved screenshot lsmscope-demo-0001.png");
    view->status.samples_lost = 12.0;
    view->status.recording = true;
}

#define RUN                                                                                        \
    { 90.0, 0.25, CANNED_SEGMENT }
static const struct shot shots[] = {
    {"live-dark", 1280, 720, 1.0, THEME_DARK, RUN, NULL},
    {"live-light", 1280, 720, 1.0, THEME_LIGHT, RUN, NULL},
    {"small-dark", 640, 400, 1.0, THEME_DARK, RUN, NULL},
    {"scale2-light", 1280, 800, 2.0, THEME_LIGHT, RUN, NULL},
    {"hour-dark", 1280, 720, 1.0, THEME_DARK, {3600.0, 0.25, CANNED_SEGMENT}, NULL},
    {"csv-crosshair-light",
     1280,
     720,
     1.0,
     THEME_LIGHT,
     {90.0, 0.25, CANNED_CSV},
     arrange_crosshair},
    {"waiting-dark", 800, 500, 1.0, THEME_DARK, {1.0, 0.25, CANNED_SEGMENT}, arrange_waiting},
    {"choices-light", 800, 500, 1.0, THEME_LIGHT, {1.0, 0.25, CANNED_SEGMENT}, arrange_choices},
    {"help-dark", 1280, 720, 1.0, THEME_DARK, RUN, arrange_help},
    {"crashed-dark", 960, 600, 1.0, THEME_DARK, RUN, arrange_crashed},
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
    struct history *history = canned_run(&shot->run);
    struct view view;
    view_init(&view, history, shot->theme);
    view.panels = 3; /* throughput, memtable, levels: the others have pictures of their own */
    view.frame_exact = true;
    struct view_status *s = &view.status;
    s->state = VIEW_LIVE;
    snprintf(s->name, sizeof s->name, "demo");
    snprintf(s->engine, sizeof s->engine, "lsm 0.1");
    snprintf(s->description, sizeof s->description,
             "async compaction, put 5 000/s, get 2 000/s, delete 600/s");
    s->elapsed_s = shot->run.seconds;
    s->samples_lost = 0.0;
    s->sampler_cpu = 0.0002;
    s->sampler_ns = 38000.0;
    s->viewer_cpu = 0.031;
    if (shot->arrange != NULL) {
        shot->arrange(&view);
    }
    assert_false(view_draw(&view, canvas));
    assert_true(canvas_write_png(canvas, path, error, sizeof error));
    canvas_destroy(canvas);
    history_destroy(history);
}

static void check_shot(void **state) {
    const struct shot *shot = *state;
    golden_check(shot->name, draw_shot, shot);
}

/* ---- the comparison itself ----------------------------------------------------------------- */

static void draw_probe(const char *path, const char *text, double shift) {
    char error[256];
    struct canvas *canvas = canvas_raster_create(320, 160, 1.0, NULL, error, sizeof error);
    assert_non_null(canvas);
    canvas_clear(canvas, (struct color){0.1f, 0.1f, 0.12f, 1.0f});
    canvas_line(canvas, (struct point){0.0, 50.0 + shift}, (struct point){320.0, 90.0 + shift}, 1.5,
                (struct color){0.3f, 0.6f, 1.0f, 1.0f});
    canvas_text(canvas, FONT_AXIS, 200.0, 40.0, TEXT_LEFT, false,
                (struct color){0.8f, 0.8f, 0.8f, 1.0f}, text);
    assert_true(canvas_write_png(canvas, path, error, sizeof error));
    canvas_destroy(canvas);
}

static void comparison_forgives_a_fraction_of_a_pixel_and_sees_a_missing_word(void **state) {
    (void)state;
    char base[600], near[600], other[600];
    golden_path("probe-base.png", base, sizeof base);
    golden_path("probe-near.png", near, sizeof near);
    golden_path("probe-other.png", other, sizeof other);
    draw_probe(base, "put", 0.0);
    draw_probe(near, "put", 0.2);
    draw_probe(other, "", 0.0);
    struct picture_verdict same = picture_compare(base, near, NULL);
    struct picture_verdict missing = picture_compare(base, other, NULL);
    assert_true(picture_same(&same));
    assert_true(missing.comparable);
    assert_false(picture_same(&missing));
    struct picture_verdict absent = picture_compare(base, "/nonexistent.png", NULL);
    assert_false(picture_same(&absent));
    remove(base);
    remove(near);
    remove(other);
}

/* The same history and the same calls give the same bytes. */
static void drawing_twice_gives_the_same_pixels(void **state) {
    (void)state;
    char one[600], two[600];
    golden_path("twice-1.png", one, sizeof one);
    golden_path("twice-2.png", two, sizeof two);
    draw_shot(&shots[0], one);
    draw_shot(&shots[0], two);
    struct picture_verdict verdict = picture_compare(one, two, NULL);
    assert_true(verdict.comparable);
    assert_true(verdict.worst <= 0.0);
    remove(one);
    remove(two);
}

int main(int argc, char **argv) {
    (void)argc;
    setenv("TZ", "UTC", 1); /* the crosshair tells local time */
    tzset();
    if (!golden_begin(argv[0])) {
        return 1;
    }
    struct CMUnitTest tests[SHOTS + 2];
    for (size_t i = 0; i < SHOTS; i++) {
        /* cmocka hands the state through unchanged; it is only read. */
        tests[i] = (struct CMUnitTest){shots[i].name, check_shot, NULL, NULL,
                                       (void *)(uintptr_t)&shots[i]};
    }
    tests[SHOTS] = (struct CMUnitTest)cmocka_unit_test(
        comparison_forgives_a_fraction_of_a_pixel_and_sees_a_missing_word);
    tests[SHOTS + 1] = (struct CMUnitTest)cmocka_unit_test(drawing_twice_gives_the_same_pixels);
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
