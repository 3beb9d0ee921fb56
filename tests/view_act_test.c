/* What keys and the mouse do to a view: panels alone, the crosshair, the mini-map, names typed, and
 * runs compared. Everything through the functions that the window calls. */
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

#include "canned_run.h"
#include "fake_driver.h"
#include "hover.h"
#include "session_mark.h"
#include "source_open.h"
#include "view.h"

static struct history *history, *other;
static struct canvas *canvas;
static struct view view;

#define ASSERT_NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static int begin(void **state) {
    (void)state;
    const struct canned_options options = {90.0, 0.25, CANNED_SEGMENT},
                                shorter = {60.0, 0.5, CANNED_CSV};
    char error[256];
    history = canned_run(&options);
    other = canned_run(&shorter);
    canvas = canvas_raster_create(1280, 720, 1.0, NULL, error, sizeof error);
    view_init(&view, history, THEME_DARK);
    view.status.state = VIEW_LIVE;
    view.frame_exact = view.interactive = true;
    view_draw(&view, canvas);
    return canvas == NULL;
}

static int end(void **state) {
    (void)state;
    canvas_destroy(canvas);
    history_destroy(history);
    history_destroy(other);
    return 0;
}

static uint64_t drawn(void) {
    int width, height, stride;
    view_draw(&view, canvas);
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    uint64_t hash = 1469598103934665603ull;
    for (size_t i = 0; i < (size_t)stride / 4 * (size_t)height; i++) {
        hash = (hash ^ pixels[i]) * 1099511628211ull;
    }
    return hash;
}

static void a_panel_goes_full_screen_and_back(void **state) {
    (void)state;
    view_solo(&view, 2);
    assert_int_equal(view.solo, 2);
    view_draw(&view, canvas);
    assert_int_equal(view.drawn.headers, 1);
    view_solo(&view, 2);
    assert_int_equal(view.solo, -1);
    view_solo(&view, 99);
    assert_int_equal(view.solo, -1);
    for (size_t i = 0; i <= view.panels; i++) { /* through all of them, and round */
        view_solo_step(&view, 1);
        assert_int_equal(view.solo, i == view.panels ? -1 : (int)i);
    }
    view_solo_step(&view, -1);
    assert_int_equal(view.solo, (int)view.panels - 1);
    assert_true(view_back(&view));
    assert_int_equal(view.solo, -1);
    assert_false(view_back(&view));
}

static void a_title_is_found_where_it_is_drawn(void **state) {
    (void)state;
    assert_true(view.drawn.headers > 4);
    for (size_t i = 0; i < view.drawn.headers; i++) {
        const struct rect *at = &view.drawn.header[i].at;
        assert_int_equal(view_title_at(&view, at->x + 2.0, at->y + 2.0),
                         view.drawn.header[i].panel);
    }
    assert_int_equal(view_title_at(&view, 400.0, 5.0), -1);
    snprintf(view.headline, sizeof view.headline, "Waiting");
    const struct rect *at = &view.drawn.header[0].at;
    assert_int_equal(view_title_at(&view, at->x + 2.0, at->y + 2.0), -1);
}

static void the_crosshair_steps_sample_by_sample(void **state) {
    (void)state;
    double t;
    assert_false(view_cursor_time(&view, &t));
    view_cursor_step(&view, -1); /* appears at the newest */
    assert_true(view_cursor_time(&view, &t));
    ASSERT_NEAR(t, 90.0);
    view_cursor_step(&view, -3);
    assert_true(view_cursor_time(&view, &t));
    ASSERT_NEAR(t, 89.25);
    view_cursor_step(&view, 1);
    assert_true(view_cursor_time(&view, &t));
    ASSERT_NEAR(t, 89.5);
    view_cursor_step(&view, 1000);
    assert_true(view_cursor_time(&view, &t));
    ASSERT_NEAR(t, 90.0);
    view_cursor_step(&view, -100000);
    assert_true(view_cursor_time(&view, &t));
    ASSERT_NEAR(t, 0.0);
    view_pointer(&view, 300.0, 300.0); /* the mouse takes it back */
    assert_false(view.cursor_fixed);
    /* From where the mouse is, between two samples, to the neighbours. */
    assert_true(view_cursor_time(&view, &t));
    double from = t;
    view_cursor_step(&view, 1);
    assert_true(view_cursor_time(&view, &t));
    assert_true(t > from && t - from <= 0.25);
    assert_true(view_back(&view));
    assert_false(view.cursor_fixed);
}

static void a_pointer_at_no_time_is_no_crosshair(void **state) {
    (void)state;
    double t;
    bool timed = false, timeless = false;
    for (size_t i = 0; i < view.drawn.headers; i++) {
        const struct rect *axis = &view.drawn.axis[0], *frame = &view.drawn.header[i].frame;
        double x = frame->x < axis->x ? axis->x + 20.0 : view.drawn.axis[1].x + 20.0;
        view_pointer(&view, x, frame->y + frame->h / 2.0);
        assert_int_equal(view_cursor_time(&view, &t), view.drawn.header[i].timed);
        view_prompt_begin(&view);
        assert_int_equal(view.prompt_s < 89.0, view.drawn.header[i].timed);
        view.prompting = false;
        view_pointer(&view, x, view.drawn.header[i].at.y + 4.0);
        assert_false(view_cursor_time(&view, &t));
        timed = timed || view.drawn.header[i].timed;
        timeless = timeless || !view.drawn.header[i].timed;
    }
    assert_true(timed && timeless); /* the tree and the numbers have no time axis */
}

static void a_step_out_of_view_brings_the_picture_along(void **state) {
    (void)state;
    double t0, t1;
    view.fit = view.follow = false;
    view.t0 = 10.0;
    view.t1 = 20.0;
    view.cursor_fixed = true;
    view.cursor_s = 10.0;
    view_cursor_step(&view, -8);
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1 - t0, 10.0);
    assert_true(t0 < 8.0 && t1 > 8.0 && t0 > 6.0);
}

static void events_are_visited_in_order(void **state) {
    (void)state;
    double t;
    struct scope_event error = {.type = SCOPE_EVENT_ERROR};
    history_append_event(history, 75.0, &error);
    view.cursor_fixed = true;
    view.cursor_s = 0.0;
    assert_true(view_event_step(&view, 1)); /* the marker at 35 % of the run */
    assert_true(view_cursor_time(&view, &t));
    assert_true(fabs(t - 31.5) < 0.1);
    assert_true(view_event_step(&view, 1)); /* the stall at 68 % */
    assert_true(view_cursor_time(&view, &t));
    assert_true(fabs(t - 61.2) < 0.1);
    assert_true(view_event_step(&view, 1));
    assert_true(view_cursor_time(&view, &t));
    ASSERT_NEAR(t, 75.0);
    assert_false(view_event_step(&view, 1));
    ASSERT_NEAR(view.cursor_s, 75.0);
    assert_true(view_event_step(&view, -1));
    assert_true(fabs(view.cursor_s - 61.2) < 0.1);
    view.cursor_fixed = false;
    assert_true(view_event_step(&view, -1)); /* without a crosshair: the newest one */
    ASSERT_NEAR(view.cursor_s, 75.0);
}

/* ---- the mini-map -------------------------------------------------------------------------- */

static double map_x(double t) {
    const struct view_drawn *d = &view.drawn;
    return d->minimap.x + (t - d->minimap_t0) / (d->minimap_t1 - d->minimap_t0) * d->minimap.w;
}

static bool press(double t) {
    view.grab = VIEW_GRAB_NONE;
    view_draw(&view, canvas);
    return view_minimap_press(&view, map_x(t), view.drawn.minimap.y + 5.0);
}

static void the_mini_map_moves_and_resizes_the_window_of_time(void **state) {
    (void)state;
    double t0, t1, pixel = 90.0 / view.drawn.minimap.w;
    assert_true(view.drawn.minimap.w > 600.0);
    assert_true(press(20.0)); /* all is in view: a drag draws a frame */
    view_minimap_drag(&view, map_x(20.0));
    assert_true(view.fit);
    view_minimap_drag(&view, map_x(40.0));
    view_span(&view, &t0, &t1);
    assert_true(fabs(t0 - 20.0) < pixel && fabs(t1 - 40.0) < pixel && !view.follow);
    assert_true(press(30.0)); /* in the frame: moves it */
    view_minimap_drag(&view, map_x(45.0));
    view_span(&view, &t0, &t1);
    assert_true(fabs(t0 - 35.0) < pixel && fabs(t1 - 55.0) < pixel);
    assert_true(press(35.0)); /* its left edge */
    view_minimap_drag(&view, map_x(50.0));
    view_span(&view, &t0, &t1);
    assert_true(fabs(t0 - 50.0) < 2 * pixel && fabs(t1 - 55.0) < 2 * pixel);
    assert_true(press(10.0)); /* elsewhere: jumps there */
    view_span(&view, &t0, &t1);
    assert_true(fabs((t0 + t1) / 2.0 - 10.0) < pixel);
    assert_true(press(t1)); /* the right edge, up to the end: follows again */
    view_minimap_drag(&view, map_x(90.0) + 50.0);
    assert_true(view.follow);
    assert_false(view_minimap_press(&view, 640.0, 300.0));
}

static void low_windows_have_no_mini_map(void **state) {
    (void)state;
    char error[256];
    struct canvas *low = canvas_raster_create(640, 400, 1.0, NULL, error, sizeof error);
    assert_non_null(low);
    view_draw(&view, low);
    assert_true(view.drawn.minimap.w <= 0.0);
    assert_false(view_minimap_press(&view, 320.0, 395.0));
    canvas_destroy(low);
}

/* ---- markers ------------------------------------------------------------------------------- */

static void a_name_is_typed_letter_by_letter(void **state) {
    (void)state;
    view.cursor_fixed = true;
    view.cursor_s = 12.5;
    view_prompt_begin(&view);
    ASSERT_NEAR(view.prompt_s, 12.5);
    view_prompt_type(&view, "gr");
    view_prompt_type(&view, "ö");
    view_prompt_type(&view, "€");
    view_prompt_rub(&view);
    assert_string_equal(view.prompt, "grö");
    view_prompt_rub(&view);
    assert_string_equal(view.prompt, "gr");
    view_prompt_type(&view, "\n");
    assert_string_equal(view.prompt, "gr");
    for (int i = 0; i < 200; i++) { /* a full name stays whole characters */
        view_prompt_type(&view, "ö");
    }
    assert_true(strlen(view.prompt) < sizeof view.prompt && strlen(view.prompt) % 2 == 0);
    view_draw(&view, canvas);
    for (int i = 0; i < 200; i++) {
        view_prompt_rub(&view);
    }
    assert_string_equal(view.prompt, "");
    assert_true(view_back(&view));
    assert_false(view.prompting);
    view.cursor_fixed = false;
    view_pointer(&view, -1.0, -1.0);
    view_prompt_begin(&view); /* no crosshair: now */
    ASSERT_NEAR(view.prompt_s, 90.0);
}

static void a_marker_lands_in_the_history(void **state) {
    (void)state;
    struct session session = {.history = history};
    uint64_t before = drawn();
    size_t events = history_event_count(history);
    session_mark(&session, 50.0, "look here");
    session_mark(&session, 51.0, "");
    char name[200];
    memset(name, 'x', sizeof name);
    memcpy(name + 84, "€€", 7);
    session_mark(&session, 52.0, name);
    assert_int_equal(history_event_count(history), events + 3);
    const struct scope_event *event = history_event(history, history_event_find(history, 50.0));
    assert_int_equal(event->type, SCOPE_EVENT_MARKER);
    assert_string_equal(event->u.text, "look here");
    event = history_event(history, history_event_find(history, 51.0));
    assert_string_equal(event->u.text, "marker 2");
    event = history_event(history, history_event_find(history, 52.0));
    assert_int_equal(strlen(event->u.text), 87); /* 84 and one whole character */
    assert_true(drawn() != before);
}

static unsigned markers_in(const char *path, const char *text) {
    char error[256] = "";
    struct history *kept = history_create();
    const struct source_file_options options = {.live = false};
    struct source *source = source_file_open(path, &options, kept, error, sizeof error);
    if (source == NULL) {
        fail_msg("%s", error);
    }
    source_poll(source, 1.0);
    unsigned count = 0;
    for (size_t i = 0; i < history_event_count(kept); i++) {
        const struct scope_event *event = history_event(kept, i);
        count += event->type == SCOPE_EVENT_MARKER && strcmp(event->u.text, text) == 0;
    }
    source_close(source);
    history_destroy(kept);
    return count;
}

/* Marks before and after a recording begins, and what it then has. */
static void check_marks_kept(struct source *source, struct history *own) {
    char path[] = "/tmp/view-act-XXXXXX";
    close(mkstemp(path));
    unlink(path);
    static struct session session;
    session = (struct session){.history = own, .source = source};
    source_poll(source, 1.0);
    view_init(&session.view, own, THEME_DARK);
    session_mark(&session, 2.0, "early");
    assert_true(session_recording_begin(&session, path, 1.0));
    session_mark(&session, 2.5, "in between");
    source_poll(source, 2.0);
    session_recording_poll(&session, 2.0);
    session_mark(&session, 3.0, "late");
    source_poll(source, 3.0);
    session_recording_poll(&session, 3.0);
    assert_true(session_recording_end(&session, 3.0));
    assert_int_equal(markers_in(path, "early"), 1);
    assert_int_equal(markers_in(path, "in between"), 1);
    assert_int_equal(markers_in(path, "late"), 1);
    source_close(source);
    history_destroy(own);
    unlink(path);
}

static void a_recording_has_the_markers_from_before_it_began(void **state) {
    (void)state;
    char error[256] = "", name[64];
    struct history *own = history_create();
    struct source *csv =
        source_csv_open("tests/golden/writer.csv", false, 1.0, own, false, error, sizeof error);
    if (csv == NULL) {
        fail_msg("%s", error);
    }
    check_marks_kept(csv, own);
    struct fake_driver driver;
    snprintf(name, sizeof name, "view-act-%d", (int)getpid());
    assert_int_equal(fake_driver_open(&driver, name, 250, 0, false), 0);
    for (int i = 0; i < 20; i++) {
        fake_driver_step(&driver);
    }
    own = history_create();
    check_marks_kept(source_shm_open(name, false, own, false), own);
    fake_driver_close(&driver);
}

/* ---- comparing ----------------------------------------------------------------------------- */

static void compared_runs_share_time_and_show_differences(void **state) {
    (void)state;
    double t0, t1;
    uint64_t alone = drawn();
    view.others = 1;
    view.other[0].history = other;
    view.other[0].offset_s = 50.0; /* it ends at 110 of the first one's time */
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t0, 0.0);
    ASSERT_NEAR(t1, 110.0);
    uint64_t overlaid = drawn();
    assert_true(overlaid != alone);
    view.side_by_side = true;
    assert_true(drawn() != overlaid);
    view.other[0].offset_s = -20.0; /* before the first began */
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t0, -20.0);
    for (int i = 0; i < 6; i++) { /* wherever the pointer is */
        view.side_by_side = i % 2 == 0;
        view_pointer(&view, 150.0 + 190.0 * i, 150.0 + 80.0 * i);
        view_draw(&view, canvas);
    }
    view_event_step(&view, -1);
    view_draw(&view, canvas);
}

/* ---- hovering ------------------------------------------------------------------------------ */

static bool apart(const struct rect *a, const struct rect *b) {
    return a->x + a->w <= b->x || b->x + b->w <= a->x || a->y + a->h <= b->y || b->y + b->h <= a->y;
}

/* Boxes stay in the window, and off what they speak of as long as there is any room beside it. */
static void hover_boxes_neither_leave_the_window_nor_cover_their_thing(void **state) {
    (void)state;
    uint64_t random = 0x5eed;
    print_message("seed 0x5eed\n");
    for (int i = 0; i < 20000; i++) {
        double r[6];
        for (size_t k = 0; k < 6; k++) {
            random = random * 6364136223846793005ull + 1442695040888963407ull;
            r[k] = (double)(random >> 11) / 0x1p53;
        }
        double w = 640.0 + 1280.0 * r[0], h = 400.0 + 700.0 * r[1];
        struct rect at = {r[2] * w, r[3] * h, 2.0 + r[4] * 60.0, 2.0 + r[5] * 60.0};
        at.w = fmin(at.w, w - at.x);
        at.h = fmin(at.h, h - at.y);
        struct point pointer = {at.x + at.w / 2.0, at.y + at.h / 2.0};
        struct hover_room window = {.width = w, .height = h};
        struct rect box = hover_place(260.0, 140.0, &window, at, pointer);
        assert_true(box.x >= 0.0 && box.y >= 0.0 && box.x + box.w <= w && box.y + box.h <= h);
        assert_true(apart(&box, &at));
    }
    struct rect all = {0.0, 0.0, 640.0, 400.0};
    struct hover_room small = {.width = 640.0, .height = 400.0};
    struct rect box = hover_place(260.0, 140.0, &small, all, (struct point){639.0, 399.0});
    assert_true(box.x >= 0.0 && box.x + box.w <= 640.0 && box.y + box.h <= 400.0);
}

/* The time under the crosshair stays in sight: what would cover it goes to the other side. */
static void a_box_covers_nothing_that_is_told(void **state) {
    (void)state;
    struct rect cell = {400.0, 300.0, 10.0, 10.0};
    struct rect pill = {350.0, 330.0, 170.0, 20.0}, readout = {420.0, 150.0, 120.0, 40.0};
    const struct rect told[] = {pill, readout};
    for (size_t count = 0; count <= 2; count++) {
        struct hover_room window = {1280.0, 720.0, told, count};
        struct rect box = hover_place(200.0, 160.0, &window, cell, (struct point){405.0, 305.0});
        assert_true(apart(&box, &cell));
        for (size_t i = 0; i < count; i++) {
            assert_true(apart(&box, &told[i]));
        }
    }
    /* Where every place covers something, the one that covers least. */
    struct rect below = {0.0, 315.0, 1280.0, 405.0}, above = {0.0, 0.0, 1280.0, 290.0};
    const struct rect all[] = {below, above, {0.0, 0.0, 380.0, 720.0}};
    struct hover_room window = {1280.0, 720.0, all, 3};
    struct rect box = hover_place(200.0, 20.0, &window, cell, (struct point){405.0, 305.0});
    assert_true(box.x >= cell.x + cell.w && box.y + box.h <= 320.0 && box.y >= 290.0);
}

static void a_title_explains_itself_when_the_pointer_rests(void **state) {
    (void)state;
    view.frame_exact = false;
    view.clock_s = 100.0;
    const struct rect at = view.drawn.header[0].at;
    view_pointer(&view, at.x + 5.0, at.y + 5.0);
    assert_true(view_draw(&view, canvas)); /* draw again soon */
    uint64_t before = drawn();
    view.clock_s = 101.0;
    assert_true(drawn() != before);
    view.explain = true;
    view_pointer(&view, -1.0, -1.0);
    assert_true(drawn() != before);
    assert_true(view_back(&view));
    assert_false(view.explain);
}

static void layouts_have_names(void **state) {
    (void)state;
    for (int i = VIEW_OVERVIEW; i <= VIEW_PRESENTER; i++) {
        enum view_layout layout = VIEW_OVERVIEW;
        assert_true(view_layout_parse(view_layout_name((enum view_layout)i), &layout));
        assert_int_equal(layout, i);
    }
    enum view_layout layout = VIEW_STACK;
    assert_false(view_layout_parse("spiral", &layout));
    assert_int_equal(layout, VIEW_STACK);
    view.layout = VIEW_PRESENTER;
    ASSERT_NEAR(view_scale(&view, 1.5, 1280, 720), 3.0);
    ASSERT_NEAR(view_scale(&view, 1.0, 480, 400), 1.5); /* as large as leaves room for a plot */
    ASSERT_NEAR(view_scale(&view, 1.0, 320, 200), 1.0);
    view.layout = VIEW_STACK;
    ASSERT_NEAR(view_scale(&view, 4.0, 640, 600), 2.0);
    ASSERT_NEAR(view_scale(&view, 1.0, 100, 100), 1.0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_panel_goes_full_screen_and_back),
        TEST(a_title_is_found_where_it_is_drawn),
        TEST(the_crosshair_steps_sample_by_sample),
        TEST(a_pointer_at_no_time_is_no_crosshair),
        TEST(a_step_out_of_view_brings_the_picture_along),
        TEST(events_are_visited_in_order),
        TEST(the_mini_map_moves_and_resizes_the_window_of_time),
        TEST(low_windows_have_no_mini_map),
        TEST(a_name_is_typed_letter_by_letter),
        TEST(a_marker_lands_in_the_history),
        TEST(a_recording_has_the_markers_from_before_it_began),
        TEST(compared_runs_share_time_and_show_differences),
        TEST(hover_boxes_neither_leave_the_window_nor_cover_their_thing),
        TEST(a_box_covers_nothing_that_is_told),
        TEST(a_title_explains_itself_when_the_pointer_rests),
        TEST(layouts_have_names),
    };
    return cmocka_run_group_tests_name("view_act", tests, NULL, NULL);
}
