/* The drawing vocabulary: pixels, text, paper. */
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

#include "canvas.h"

static const struct color black = {0.0f, 0.0f, 0.0f, 1.0f};
static const struct color white = {1.0f, 1.0f, 1.0f, 1.0f};
static const struct color red = {1.0f, 0.0f, 0.0f, 1.0f};
static char error[256];

static struct canvas *make(int width, int height, double scale) {
    struct canvas *canvas = canvas_raster_create(width, height, scale, NULL, error, sizeof error);
    if (canvas == NULL) {
        fail_msg("%s", error);
    }
    canvas_clear(canvas, black);
    return canvas;
}

static uint32_t pixel(struct canvas *canvas, int x, int y) {
    int width, height, stride;
    const uint32_t *pixels = canvas_pixels(canvas, &width, &height, &stride);
    assert_true(x < width && y < height);
    return pixels[(size_t)y * (size_t)stride / 4 + (size_t)x];
}

/* Pixels that are not black in a rectangle. */
static int inked(struct canvas *canvas, int x0, int y0, int x1, int y1) {
    int count = 0;
    for (int y = y0; y < y1; y++) {
        for (int x = x0; x < x1; x++) {
            count += pixel(canvas, x, y) != 0xff000000u;
        }
    }
    return count;
}

static void impossible_canvases_are_refused_in_words(void **state) {
    (void)state;
    assert_null(canvas_raster_create(0, 10, 1.0, NULL, error, sizeof error));
    assert_non_null(strstr(error, "out of range"));
    assert_null(canvas_raster_create(10, 10, (double)NAN, NULL, error, sizeof error));
    assert_null(canvas_raster_create(10, 10, 1.0, "No Such Family 7", error, sizeof error));
    assert_non_null(strstr(error, "fc-list"));
    assert_null(canvas_raster_create(10, 10, 1.0, "/nonexistent/font.otf", error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent/font.otf"));
    assert_null(canvas_vector_create("out.bmp", 10, 10, 1.0, NULL, error, sizeof error));
    assert_non_null(strstr(error, ".svg"));
    assert_null(canvas_vector_create("/nonexistent/a.svg", 10, 10, 1.0, NULL, error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent/a.svg"));
}

static void logical_pixels_scale(void **state) {
    (void)state;
    struct canvas *canvas = make(200, 100, 2.0);
    assert_true(fabs(canvas_width(canvas) - 100.0) < 1e-9);
    assert_true(fabs(canvas_pixel(canvas) - 0.5) < 1e-9);
    assert_true(fabs(canvas_snap(canvas, 10.3) - 10.5) < 1e-9);
    canvas_fill_rect(canvas, (struct rect){10.0, 10.0, 5.0, 5.0}, 0.0, red);
    assert_int_equal(pixel(canvas, 20, 20), 0xffff0000u);
    assert_int_equal(pixel(canvas, 29, 29), 0xffff0000u);
    assert_int_equal(pixel(canvas, 30, 30), 0xff000000u);
    canvas_destroy(canvas);
}

static void clips_hold_for_shapes_columns_and_text(void **state) {
    (void)state;
    struct canvas *canvas = make(100, 60, 1.0);
    struct rect clip = {20.0, 10.0, 30.0, 20.0};
    struct canvas_column columns[80];
    for (int i = 0; i < 80; i++) {
        columns[i] = (struct canvas_column){0.0, 60.0};
    }
    canvas_clip(canvas, &clip);
    canvas_fill_rect(canvas, (struct rect){0.0, 0.0, 100.0, 60.0}, 0.0, red);
    canvas_columns(canvas, 0.0, columns, 80, white);
    canvas_text(canvas, FONT_FIGURE, 0.0, 24.0, TEXT_LEFT, false, red, "MMMMMMMMMM");
    canvas_clip(canvas, NULL);
    assert_int_equal(inked(canvas, 20, 10, 50, 30), 600);
    assert_int_equal(inked(canvas, 0, 0, 100, 60), 600);
    canvas_destroy(canvas);
}

static void columns_cover_fractions_of_pixels(void **state) {
    (void)state;
    struct canvas *canvas = make(8, 8, 1.0);
    const struct canvas_column columns[4] = {
        {2.0, 4.0}, {2.5, 3.0}, {(double)INFINITY, 0.0}, {(double)NAN, 5.0}};
    canvas_columns(canvas, 1.0, columns, 4, white);
    assert_int_equal(pixel(canvas, 1, 1), 0xff000000u);
    assert_int_equal(pixel(canvas, 1, 2), 0xffffffffu);
    assert_int_equal(pixel(canvas, 1, 3), 0xffffffffu);
    assert_int_equal(pixel(canvas, 1, 4), 0xff000000u);
    uint32_t half = pixel(canvas, 2, 2) & 0xff;
    assert_true(half > 120 && half < 136);
    assert_int_equal(inked(canvas, 3, 0, 8, 8), 0);
    canvas_destroy(canvas);
}

static void columns_beyond_the_edges_are_cut(void **state) {
    (void)state;
    struct canvas *canvas = make(40, 40, 1.0);
    struct canvas_column columns[2000];
    for (int i = 0; i < 2000; i++) {
        columns[i] = (struct canvas_column){-1e9, 1e9};
    }
    canvas_columns(canvas, -900.0, columns, 2000, white);
    assert_int_equal(inked(canvas, 0, 0, 40, 40), 1600);
    canvas_destroy(canvas);
}

static void tabular_figures_are_equally_wide(void **state) {
    (void)state;
    const double scales[] = {0.5, 1.0, 1.5, 2.0, 4.0};
    for (size_t s = 0; s < 5; s++) {
        struct canvas *canvas = make(64, 64, scales[s]);
        for (int role = FONT_AXIS; role <= FONT_STRONG; role++) {
            double width = canvas_text_width(canvas, (enum font_role)role, true, "0.00 MiB");
            for (char digit = '1'; digit <= '9'; digit++) {
                char text[] = "0.00 MiB";
                text[0] = text[2] = digit;
                double other = canvas_text_width(canvas, (enum font_role)role, true, text);
                assert_true(fabs(other - width) < 1e-9);
            }
        }
        canvas_destroy(canvas);
    }
}

static void blanks_take_room(void **state) {
    (void)state;
    struct canvas *canvas = make(64, 64, 1.0);
    double with = canvas_text_width(canvas, FONT_AXIS, true, "lsm 0.1");
    double without = canvas_text_width(canvas, FONT_AXIS, true, "lsm0.1");
    assert_true(with - without > 2.5 && with - without < 6.0);
    assert_true(canvas_text_width(canvas, FONT_AXIS, false, "") <= 0.0);
    canvas_destroy(canvas);
}

static void text_ends_where_its_width_says(void **state) {
    (void)state;
    struct canvas *canvas = make(300, 60, 1.0);
    double width = canvas_text_width(canvas, FONT_LABEL, false, "compactions");
    canvas_text(canvas, FONT_LABEL, 200.0, 30.0, TEXT_RIGHT, false, white, "compactions");
    assert_int_equal(inked(canvas, 202, 0, 300, 60), 0);
    assert_int_equal(inked(canvas, 0, 0, (int)(200.0 - width) - 2, 60), 0);
    assert_true(inked(canvas, 100, 15, 202, 36) > 200);
    /* Ascent and descent bound the ink, but for a pixel of smoothing. */
    double top = 30.0 - canvas_text_ascent(canvas, FONT_LABEL);
    double bottom = 30.0 + canvas_text_descent(canvas, FONT_LABEL);
    assert_int_equal(inked(canvas, 0, 0, 300, (int)top), 0);
    assert_int_equal(inked(canvas, 0, (int)ceil(bottom) + 1, 300, 60), 0);
    canvas_destroy(canvas);
}

static void broken_utf8_and_long_strings_are_survived(void **state) {
    (void)state;
    struct canvas *canvas = make(100, 40, 1.0);
    char *text = malloc(5000);
    assert_non_null(text);
    memset(text, 'W', 4999);
    text[4999] = '\0';
    canvas_text(canvas, FONT_AXIS, 0.0, 20.0, TEXT_LEFT, true, white, text);
    canvas_text(canvas, FONT_AXIS, 0.0, 20.0, TEXT_LEFT, true, white, "\xff\xfe\xc3");
    canvas_text(canvas, FONT_AXIS, 0.0, 20.0, TEXT_CENTER, false, white, "\xe2\x82");
    free(text);
    canvas_destroy(canvas);
}

static void thousands_of_different_strings_keep_the_cache_bounded(void **state) {
    (void)state;
    struct canvas *canvas = make(100, 40, 1.0);
    double first = canvas_text_width(canvas, FONT_AXIS, false, "string 0 of many");
    for (int i = 0; i < 5000; i++) {
        char text[64];
        snprintf(text, sizeof text, "string %d of many", i);
        canvas_text(canvas, FONT_AXIS, 0.0, 20.0, TEXT_LEFT, false, white, text);
    }
    double again = canvas_text_width(canvas, FONT_AXIS, false, "string 0 of many");
    assert_true(fabs(first - again) < 1e-9);
    canvas_destroy(canvas);
}

/* cairo 1.16 corrupts its heap when such a line is drawn in one piece at its fast quality. */
static void dense_lines_and_areas_are_drawn_whole(void **state) {
    (void)state;
    struct canvas *canvas = make(1200, 80, 1.0);
    static struct point line[2400];
    for (int i = 0; i < 1200; i++) {
        double y = 40.0 + (i % 2 == 0 ? 0.25 : 0.75);
        line[2 * i] = (struct point){i, y};
        line[2 * i + 1] = (struct point){i + 1, y};
    }
    for (int round = 0; round < 20; round++) {
        canvas_polyline(canvas, line, 2400, 1.5, white, NULL, 0);
        canvas_polygon(canvas, line, 2400, white);
    }
    for (int x = 2; x < 1198; x++) {
        assert_true(inked(canvas, x, 38, x + 1, 43) > 0);
    }
    canvas_destroy(canvas);
}

static void resizing_keeps_a_canvas_usable(void **state) {
    (void)state;
    struct canvas *canvas = make(100, 100, 1.0);
    assert_true(canvas_resize(canvas, 300, 200, 1.0));
    assert_true(canvas_resize(canvas, 301, 200, 2.0));
    assert_false(canvas_resize(canvas, 0, 200, 2.0));
    assert_true(fabs(canvas_width(canvas) - 150.5) < 1e-9);
    canvas_clear(canvas, white);
    assert_int_equal(pixel(canvas, 300, 199), 0xffffffffu);
    canvas_destroy(canvas);
}

static void a_png_that_cannot_be_written_is_told(void **state) {
    (void)state;
    struct canvas *canvas = make(10, 10, 1.0);
    assert_false(canvas_write_png(canvas, "/nonexistent/a.png", error, sizeof error));
    assert_non_null(strstr(error, "/nonexistent/a.png"));
    assert_false(canvas_write_png(canvas, "/dev/full", error, sizeof error));
    assert_non_null(strstr(error, "No space"));
    canvas_destroy(canvas);
}

static char *read_all(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void draw_on_paper(const char *path) {
    struct canvas *canvas = canvas_vector_create(path, 400, 200, 2.0, NULL, error, sizeof error);
    if (canvas == NULL) {
        fail_msg("%s", error);
    }
    struct canvas_column columns[3] = {{1.0, 2.0}, {1.0, 2.0}, {3.0, 4.0}};
    struct rect clip = {10.0, 10.0, 50.0, 50.0};
    canvas_clear(canvas, white);
    canvas_fill_rect(canvas, (struct rect){0.0, 0.0, 50.0, 50.0}, 4.0, red);
    canvas_text(canvas, FONT_LABEL, 10.0, 30.0, TEXT_LEFT, true, black, "a < b & \"c\" 12");
    canvas_clip(canvas, &clip);
    canvas_fill_rect(canvas, (struct rect){0.0, 0.0, 20.0, 20.0}, 0.0, black);
    canvas_text(canvas, FONT_STRONG, 100.0, 60.0, TEXT_RIGHT, false, red, "flushes");
    canvas_columns(canvas, 5.0, columns, 3, red);
    assert_true(canvas_finish(canvas, error, sizeof error));
    canvas_destroy(canvas);
}

static void text_in_an_svg_is_text_in_drawing_order(void **state) {
    (void)state;
    char path[] = "/tmp/canvas-test-XXXXXX.svg";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    draw_on_paper(path);
    char *text = read_all(path);
    const char *first = strstr(text, ">a &lt; b &amp; &quot;c&quot; 12</text>");
    const char *second = strstr(text, ">flushes</text>");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    assert_non_null(strstr(text, "font-size=\"30.00\"")); /* 15 at scale 2 */
    assert_non_null(strstr(text, "text-anchor=\"end\""));
    assert_null(strstr(text, "0.3125")); /* no marks left */
    const char *end = strstr(text, "</svg>");
    assert_true(end != NULL && second < end);
    free(text);
    unlink(path);
}

static void a_pdf_is_written_whole(void **state) {
    (void)state;
    char path[] = "/tmp/canvas-test-XXXXXX.pdf";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    draw_on_paper(path);
    char *text = read_all(path);
    assert_int_equal(strncmp(text, "%PDF-", 5), 0);
    free(text);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_canvases_are_refused_in_words),
        cmocka_unit_test(logical_pixels_scale),
        cmocka_unit_test(clips_hold_for_shapes_columns_and_text),
        cmocka_unit_test(columns_cover_fractions_of_pixels),
        cmocka_unit_test(columns_beyond_the_edges_are_cut),
        cmocka_unit_test(tabular_figures_are_equally_wide),
        cmocka_unit_test(blanks_take_room),
        cmocka_unit_test(text_ends_where_its_width_says),
        cmocka_unit_test(broken_utf8_and_long_strings_are_survived),
        cmocka_unit_test(thousands_of_different_strings_keep_the_cache_bounded),
        cmocka_unit_test(dense_lines_and_areas_are_drawn_whole),
        cmocka_unit_test(resizing_keeps_a_canvas_usable),
        cmocka_unit_test(a_png_that_cannot_be_written_is_told),
        cmocka_unit_test(text_in_an_svg_is_text_in_drawing_order),
        cmocka_unit_test(a_pdf_is_written_whole),
    };
    return cmocka_run_group_tests_name("canvas", tests, NULL, NULL);
}
