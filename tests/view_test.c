/* What is on screen: time, keys, and that no text ever meets another or leaves the window. */
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
#include "view.h"

static const struct canned_options minute_and_half = {90.0, 0.25, CANNED_SEGMENT};

static struct view make_view(const struct history *history) {
    struct view view;
    view_init(&view, history, THEME_DARK);
    view.status.state = VIEW_LIVE;
    view.frame_exact = true;
    snprintf(view.status.name, sizeof view.status.name, "demo");
    return view;
}

static struct canvas *make_canvas(int width, int height, double scale) {
    char error[256];
    struct canvas *canvas = canvas_raster_create(width, height, scale, NULL, error, sizeof error);
    if (canvas == NULL) {
        fail_msg("%s", error);
    }
    return canvas;
}

static void append_later(struct history *history, double seconds) {
    const struct history_value value = {SCOPE_M_OPS_PUT, 1000000};
    assert_true(history_append(history, seconds, &value, 1));
}

#define ASSERT_NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static void a_view_starts_with_the_whole_run_and_follows(void **state) {
    (void)state;
    struct history *history = canned_run(&minute_and_half);
    struct view view = make_view(history);
    double t0, t1;
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t0, 0.0);
    ASSERT_NEAR(t1, 90.0);
    append_later(history, 95.0);
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1, 95.0);
    history_destroy(history);
}

static void a_young_run_is_not_stretched(void **state) {
    (void)state;
    struct history *history = history_create();
    struct view view = make_view(history);
    double t0, t1;
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1 - t0, 10.0);
    append_later(history, 1.0);
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1 - t0, 10.0);
    history_destroy(history);
}

static void zooming_keeps_the_time_under_the_pointer(void **state) {
    (void)state;
    struct history *history = canned_run(&minute_and_half);
    struct canvas *canvas = make_canvas(1280, 720, 1.0);
    struct view view = make_view(history);
    double t0, t1, z0, z1;
    view_draw(&view, canvas);
    view_span(&view, &t0, &t1);
    double x = view.drawn_axis.x + view.drawn_axis.w * 0.4;
    view_zoom(&view, canvas, x, 0.5);
    view_span(&view, &z0, &z1);
    ASSERT_NEAR(z1 - z0, (t1 - t0) / 2.0);
    ASSERT_NEAR(z0 + 0.4 * (z1 - z0), t0 + 0.4 * (t1 - t0));
    assert_false(view.follow);
    /* In and out again, far beyond what exists: the whole run. */
    view_zoom(&view, canvas, x, 1e6);
    view_span(&view, &z0, &z1);
    ASSERT_NEAR(z0, 0.0);
    ASSERT_NEAR(z1, 90.0);
    assert_true(view.fit && view.follow);
    /* A span has a least length, whatever is asked. */
    for (int i = 0; i < 200; i++) {
        view_zoom(&view, canvas, x, 0.5);
    }
    view_span(&view, &z0, &z1);
    assert_true(z1 - z0 > 0.001);
    view_zoom(&view, canvas, x, (double)NAN);
    view_zoom(&view, canvas, x, -1.0);
    view_draw(&view, canvas);
    canvas_destroy(canvas);
    history_destroy(history);
}

static void zooming_by_keys_keeps_following(void **state) {
    (void)state;
    struct history *history = canned_run(&minute_and_half);
    struct canvas *canvas = make_canvas(800, 600, 1.0);
    struct view view = make_view(history);
    double t0, t1;
    view_draw(&view, canvas);
    view_zoom(&view, canvas, -1.0, 0.5);
    assert_true(view.follow && !view.fit);
    append_later(history, 100.0);
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1, 100.0);
    ASSERT_NEAR(t1 - t0, 45.0);
    canvas_destroy(canvas);
    history_destroy(history);
}

static void panning_back_stops_following_and_coming_back_resumes_it(void **state) {
    (void)state;
    struct history *history = canned_run(&minute_and_half);
    struct canvas *canvas = make_canvas(1280, 720, 1.0);
    struct view view = make_view(history);
    double t0, t1;
    view_draw(&view, canvas);
    view_pan(&view, canvas, 300.0); /* everything is in view: nothing to do */
    assert_true(view.fit);
    view_zoom(&view, canvas, -1.0, 0.25);
    view_draw(&view, canvas);
    view_pan(&view, canvas, view.drawn_axis.w);
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1, 90.0 - 22.5);
    assert_false(view.follow);
    view_pan(&view, canvas, -2.0 * view.drawn_axis.w);
    assert_true(view.follow);
    view_pan(&view, canvas, 1e9);
    view_span(&view, &t0, &t1);
    assert_true(t0 > -2.0 && t0 <= 0.0);
    view_follow(&view);
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1, 90.0);
    canvas_destroy(canvas);
    history_destroy(history);
}

static void a_pause_holds_the_picture(void **state) {
    (void)state;
    struct history *history = canned_run(&minute_and_half);
    struct canvas *canvas = make_canvas(640, 400, 1.0);
    struct view view = make_view(history);
    view.frame_exact = false;
    view_draw(&view, canvas);
    view.paused = true;
    view_draw(&view, canvas);
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    size_t bytes = (size_t)stride * (size_t)height;
    uint32_t *before = malloc(bytes);
    assert_non_null(before);
    memcpy(before, pixels, bytes);
    append_later(history, 120.0);
    view_draw(&view, canvas);
    pixels = canvas_pixels(canvas, &width, &height, &stride);
    assert_memory_equal(before, pixels, bytes);
    view.paused = false;
    view_draw(&view, canvas);
    pixels = canvas_pixels(canvas, &width, &height, &stride);
    assert_memory_not_equal(before, pixels, bytes);
    free(before);
    canvas_destroy(canvas);
    history_destroy(history);
}

/* A video drawn offline shows a moment as it was then: nothing newer shines through. */
static void data_after_until_is_not_shown(void **state) {
    (void)state;
    struct canned_options half = minute_and_half;
    struct history *all = canned_run(&half);
    struct canvas *canvas = make_canvas(960, 540, 1.0);
    struct view view = make_view(all);
    view.until_s = 45.0;
    view_draw(&view, canvas);
    double t0, t1;
    view_span(&view, &t0, &t1);
    ASSERT_NEAR(t1, 45.0);
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    size_t bytes = (size_t)stride * (size_t)height;
    uint32_t *before = malloc(bytes);
    assert_non_null(before);
    memcpy(before, pixels, bytes);
    append_later(all, 200.0);
    view_draw(&view, canvas);
    pixels = canvas_pixels(canvas, &width, &height, &stride);
    assert_memory_equal(before, pixels, bytes);
    free(before);
    canvas_destroy(canvas);
    history_destroy(all);
}

static void choices_are_found_where_they_are_drawn(void **state) {
    (void)state;
    struct history *history = history_create();
    struct canvas *canvas = make_canvas(800, 600, 1.0);
    struct view view = make_view(history);
    snprintf(view.headline, sizeof view.headline, "Which one?");
    view.choice_count = 3;
    assert_int_equal(view_choice_at(&view, canvas, 400.0, 300.0), -1);
    view_draw(&view, canvas);
    for (int i = 0; i < 3; i++) {
        double y = view.drawn_choices.y + i * 36.0 + 10.0;
        assert_int_equal(view_choice_at(&view, canvas, 400.0, y), i);
    }
    assert_int_equal(view_choice_at(&view, canvas, 400.0, 10.0), -1);
    assert_int_equal(view_choice_at(&view, canvas, 2.0, view.drawn_choices.y + 5.0), -1);
    canvas_destroy(canvas);
    history_destroy(history);
}

/* ---- text never meets text ----------------------------------------------------------------- */

struct box {
    double x0, y0, x1, y1;
    char text[160];
};
enum { BOXES_MAX = 400 };

static double attribute(const char *element, const char *name) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, " %s=\"", name);
    const char *at = strstr(element, wanted);
    assert_non_null(at);
    return strtod(at + strlen(wanted), NULL);
}

static void unescape(char *text) {
    static const char *const codes[] = {"&lt;<", "&gt;>", "&quot;\"", "&amp;&"};
    for (size_t i = 0; i < 4; i++) {
        size_t length = strlen(codes[i]) - 1;
        char code[8];
        snprintf(code, sizeof code, "%.*s", (int)length, codes[i]);
        for (char *at = strstr(text, code); at != NULL; at = strstr(at, code)) {
            *at = codes[i][length];
            memmove(at + 1, at + length, strlen(at + length) + 1);
            at++;
        }
    }
}

/* The texts of an SVG with the room their letters take. */
static size_t read_boxes(const char *path, struct canvas *ruler, struct box *boxes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char line[2048];
    size_t count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *element = strstr(line, "<text ");
        if (element == NULL) {
            continue;
        }
        assert_true(count < BOXES_MAX);
        struct box *box = &boxes[count++];
        char *start = strchr(element, '>') + 1, *end = strstr(start, "</text>");
        assert_non_null(end);
        snprintf(box->text, sizeof box->text, "%.*s", (int)(end - start), start);
        unescape(box->text);
        *start = '\0';
        double size = attribute(element, "font-size"), x = attribute(element, "x");
        double baseline = attribute(element, "y");
        bool bold = strstr(element, "font-weight") != NULL;
        /* The ruler measures at 15 pixels; widths are proportional. */
        double width = canvas_text_width(ruler, bold ? FONT_TITLE : FONT_LABEL,
                                         strstr(element, "tabular") != NULL, box->text) *
                       size / 15.0;
        x -= strstr(element, "\"end\"") != NULL      ? width
             : strstr(element, "\"middle\"") != NULL ? width / 2.0
                                                     : 0.0;
        /* Letters without the line's air. */
        box->x0 = x;
        box->y0 = baseline - 0.72 * size;
        box->x1 = x + width;
        box->y1 = baseline;
    }
    fclose(file);
    return count;
}

static void check_boxes(const struct box *boxes, size_t count, int width, int height) {
    for (size_t i = 0; i < count; i++) {
        const struct box *a = &boxes[i];
        if (a->x0 < -0.5 || a->y0 < -0.5 || a->x1 > width + 0.5 || a->y1 > height + 0.5) {
            fail_msg("%dx%d: \"%s\" leaves the window: %.1f,%.1f to %.1f,%.1f", width, height,
                     a->text, a->x0, a->y0, a->x1, a->y1);
        }
        for (size_t k = 0; k < i; k++) {
            const struct box *b = &boxes[k];
            if (a->x0 < b->x1 - 0.5 && b->x0 < a->x1 - 0.5 && a->y0 < b->y1 - 0.5 &&
                b->y0 < a->y1 - 0.5) {
                fail_msg("%dx%d: \"%s\" meets \"%s\" near %.1f,%.1f", width, height, a->text,
                         b->text, a->x0, a->y0);
            }
        }
    }
}

static void check_window(struct view *view, int width, int height, double scale,
                         struct canvas *ruler) {
    char path[] = "/tmp/view-test-XXXXXX.svg", error[256];
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    struct canvas *canvas =
        canvas_vector_create(path, width, height, scale, NULL, error, sizeof error);
    assert_non_null(canvas);
    view_draw(view, canvas);
    assert_true(canvas_finish(canvas, error, sizeof error));
    canvas_destroy(canvas);
    struct box *boxes = calloc(BOXES_MAX, sizeof *boxes);
    assert_non_null(boxes);
    size_t count = read_boxes(path, ruler, boxes);
    unlink(path);
    assert_true(count > 3);
    check_boxes(boxes, count, width, height);
    free(boxes);
}

static void crowd(struct history *history) {
    for (int i = 0; i < 40; i++) {
        struct scope_event event = {.type = i % 3 == 0 ? SCOPE_EVENT_ERROR : SCOPE_EVENT_MARKER};
        snprintf(event.u.text, sizeof event.u.text, "note number %d with quite some text", i);
        history_append_event(history, 90.0 + i * 0.01, &event);
    }
}

static void text_never_meets_text_or_leaves_the_window(void **state) {
    (void)state;
    static const struct {
        int width, height;
        double scale;
    } windows[] = {{640, 400, 1.0},   {640, 400, 0.5},  {1280, 800, 2.0},  {1280, 720, 1.0},
                   {700, 1000, 1.0},  {1920, 420, 1.0}, {3840, 2160, 1.0}, {3840, 2160, 4.0},
                   {2560, 1600, 4.0}, {960, 600, 1.25}, {1366, 768, 1.5}};
    struct canvas *ruler = make_canvas(16, 16, 1.0);
    for (int source = CANNED_SEGMENT; source <= CANNED_CSV; source++) {
        struct canned_options options = {90.0, 0.25, (enum canned_source)source};
        struct history *history = canned_run(&options);
        crowd(history);
        for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
            struct view view = make_view(history);
            struct view_status *s = &view.status;
            memset(s->description, 'd', 200);
            memset(s->notice, i % 2 == 0 ? 'n' : '\0', 120);
            snprintf(s->engine, sizeof s->engine, "an engine with a long name 12.34.56");
            s->elapsed_s = 123456.0;
            s->samples_lost = 12345.0;
            s->sampler_cpu = 0.5;
            s->sampler_ns = 123456.0;
            s->viewer_cpu = 1.0;
            s->recording = true;
            s->frames_repeated = 17.0;
            check_window(&view, windows[i].width, windows[i].height, windows[i].scale, ruler);
            view.fit = view.follow = false;
            view.t0 = 60.0;
            view.t1 = 64.0;
            check_window(&view, windows[i].width, windows[i].height, windows[i].scale, ruler);
        }
        history_destroy(history);
    }
    canvas_destroy(ruler);
}

/* Anything may be drawn: no window is too small to survive and no history too odd. */
static void odd_windows_and_histories_are_survived(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {20, 2000}, {2000, 20}, {200, 120}, {641, 403}};
    struct history *histories[4];
    struct canned_options csv = {5.0, 0.25, CANNED_CSV}, dense = {300.0, 0.05, CANNED_SEGMENT};
    histories[0] = history_create();
    histories[1] = canned_run(&csv);
    histories[2] = canned_run(&dense);
    histories[3] = history_create();
    const struct history_value lone = {SCOPE_M_MEMTABLE_BYTES, 17};
    assert_true(history_append(histories[3], 3.0, &lone, 1));
    history_append_gap(histories[2], 100);
    append_later(histories[2], 400.0);
    for (size_t h = 0; h < 4; h++) {
        struct view view = make_view(histories[h]);
        for (size_t i = 0; i < 5; i++) {
            for (int kind = 0; kind < 6; kind++) {
                struct canvas *canvas = make_canvas(sizes[i][0], sizes[i][1], 0.5 + kind * 0.7);
                view.help = kind == 1;
                view.cursor_x = kind >= 2 ? canvas_width(canvas) / 2.0 : -1.0;
                view.cursor_y = canvas_height(canvas) / 2.0;
                view.theme = kind % 2 == 0 ? THEME_DARK : THEME_LIGHT;
                view.headline[0] = kind == 3 ? 'W' : '\0';
                view.choice_count = kind == 3 ? VIEW_CHOICES_MAX : 0;
                memset(view.detail, 'x', sizeof view.detail - 1);
                view.toast[0] = kind == 4 ? 't' : '\0';
                view_draw(&view, canvas);
                view_zoom(&view, canvas, 10.0, 0.8);
                canvas_destroy(canvas);
            }
            view_fit(&view);
        }
    }
    for (size_t h = 0; h < 4; h++) {
        history_destroy(histories[h]);
    }
}

static void the_keys_are_one_table(void **state) {
    (void)state;
    size_t count = 0;
    const struct view_key *keys = view_keys(&count);
    assert_true(count >= 9);
    for (size_t i = 0; i < count; i++) {
        assert_true(keys[i].keys[0] != '\0' && keys[i].does[0] != '\0');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_starts_with_the_whole_run_and_follows),
        cmocka_unit_test(a_young_run_is_not_stretched),
        cmocka_unit_test(zooming_keeps_the_time_under_the_pointer),
        cmocka_unit_test(zooming_by_keys_keeps_following),
        cmocka_unit_test(panning_back_stops_following_and_coming_back_resumes_it),
        cmocka_unit_test(a_pause_holds_the_picture),
        cmocka_unit_test(data_after_until_is_not_shown),
        cmocka_unit_test(choices_are_found_where_they_are_drawn),
        cmocka_unit_test(text_never_meets_text_or_leaves_the_window),
        cmocka_unit_test(odd_windows_and_histories_are_survived),
        cmocka_unit_test(the_keys_are_one_table),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
