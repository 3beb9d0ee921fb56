/* Characters of lsm-top: panes, text, sparklines, graphs and bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <string.h>

#include "grid.h"
#include "spark.h"

enum { ROW = 256 };

static struct grid grid;

static int setup(void **state) {
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    grid = (struct grid){.ascii = false};
    assert_true(grid_resize(&grid, 20, 4));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    grid_free(&grid);
    return 0;
}

static void expect_row(int y, const char *wanted) {
    char text[ROW];
    size_t length = grid_row_text(&grid, y, text, sizeof(text));
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, wanted);
}

static void text_stays_within_its_pane(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    struct pane part = pane_part(&whole, 5, 1, 6, 2);
    assert_int_equal(pane_text(&part, 4, 0, HUE_TEXT, "abcdef"), 6);
    expect_row(1, "         ab");
    pane_text(&part, -1, 1, HUE_TEXT, "xyz");
    expect_row(2, "     yz");
    pane_text(&part, 0, 2, HUE_TEXT, "below");
    expect_row(3, "");
    struct pane beyond = pane_part(&whole, 18, 3, 50, 50);
    assert_int_equal(beyond.w, 2);
    assert_int_equal(beyond.h, 1);
    struct pane none = pane_part(&whole, 30, 9, 5, 5);
    assert_int_equal(none.w, 0);
    pane_text(&none, 0, 0, HUE_TEXT, "nowhere");
    expect_row(0, "");
}

static void text_ends_where_it_is_told_to(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    assert_int_equal(pane_right(&whole, 20, 0, HUE_TEXT, "12.3 \u00b5s"), 13);
    expect_row(0, "             12.3 \u00b5s");
    assert_int_equal(pane_fitted(&whole, 0, 1, 6, HUE_TEXT, "abcdefgh"), 6);
    expect_row(1, "abcde\u2026");
    assert_int_equal(pane_fitted(&whole, 0, 2, 8, HUE_TEXT, "abcdefgh"), 8);
    expect_row(2, "abcdefgh");
    assert_int_equal(pane_fitted(&whole, 3, 3, 0, HUE_TEXT, "abc"), 3);
    expect_row(3, "");
}

static void wide_characters_take_two_columns_and_are_never_halved(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    assert_int_equal(text_columns("\u6f22\u5b57!"), 5);
    assert_int_equal(pane_text(&whole, 0, 0, HUE_TEXT, "\u6f22\u5b57!"), 5);
    expect_row(0, "\u6f22\u5b57!");
    assert_int_equal(grid_at(&grid, 1, 0)->glyph, 0);
    struct pane narrow = pane_part(&whole, 0, 1, 3, 1);
    pane_text(&narrow, 0, 0, HUE_TEXT, "\u6f22\u5b57");
    expect_row(1, "\u6f22");
    assert_int_equal(pane_fitted(&whole, 0, 2, 4, HUE_TEXT, "\u6f22\u5b57\u6f22"), 3);
    expect_row(2, "\u6f22\u2026");
    assert_int_equal(text_columns("e\u0301"), 1); /* a combining accent */
}

static void malformed_text_becomes_question_marks(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    pane_text(&whole, 0, 0, HUE_TEXT, "a\xff\xc0z\xe2\x82");
    expect_row(0, "a??z??");
    pane_text(&whole, 0, 1, HUE_TEXT, "\033[31mred\n");
    expect_row(1, "?[31mred?");
}

static void an_ascii_grid_has_nothing_but_ascii(void **state) {
    (void)state;
    grid.ascii = true;
    struct pane whole = pane_whole(&grid);
    pane_text(&whole, 0, 0, HUE_TEXT, "1\u2009000 \u00b5s L0\u2192L1 \u6f22\u25cf");
    expect_row(0, "1 000 us L0>L1 ?*");
    for (uint32_t glyph = 0x80; glyph < 0x3000; glyph++) {
        pane_glyph(&whole, 0, 1, HUE_TEXT, glyph);
        assert_in_range(grid_at(&grid, 0, 1)->glyph, 0x20, 0x7e);
    }
}

static const struct spark_point points[] = {
    {.known = true, .mean = 0, .peak = 0},   {.known = true, .mean = 1, .peak = 1},
    {.known = true, .mean = 50, .peak = 50}, {.known = false},
    {.known = true, .mean = 99, .peak = 99}, {.known = true, .mean = 500, .peak = 500},
};
enum { POINTS = sizeof(points) / sizeof(points[0]) };

static void a_spark_shows_every_value_and_leaves_out_the_unknown(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    spark_row(&whole, 2, 0, HUE_PUT, points, POINTS, 100);
    expect_row(0, "  \u2581\u2581\u2584 \u2587\u2587");
    assert_int_equal(grid_at(&grid, 2, 0)->style, HUE_FAINT); /* zero: the ground alone */
    assert_int_equal(grid_at(&grid, 3, 0)->style, HUE_PUT);   /* something, however little */
    struct spark_point stalled = {.known = true, .stalled = true, .mean = 50, .peak = 50};
    spark_row(&whole, 0, 1, HUE_PUT, &stalled, 1, 100);
    assert_int_equal(grid_at(&grid, 0, 1)->style, HUE_STALL);
    spark_row(&whole, 0, 2, HUE_PUT, points, POINTS, 0); /* no axis yet */
    expect_row(2, "\u2581\u2581\u2581 \u2581\u2581");
}

static void a_graph_fills_to_the_mean_and_dots_the_peak(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    const struct spark_point pair[] = {
        {.known = true, .mean = 50, .peak = 100},
        {.known = true, .mean = 100, .peak = 100},
    };
    spark_graph(&whole, 0, 0, 2, HUE_GET, pair, 2, 100);
    /* Left: the lower cell full, one dot on top of the upper; right: both full. */
    assert_int_equal(grid_at(&grid, 0, 1)->glyph, 0x28ff);
    assert_int_equal(grid_at(&grid, 0, 0)->glyph, 0x2800 | 0x01 | 0xb8);
    const struct spark_point odd[] = {{.known = true}, {.known = false}, {.known = false}};
    spark_graph(&whole, 5, 0, 2, HUE_GET, odd, 3, 100);
    assert_int_equal(grid_at(&grid, 5, 1)->glyph, 0x28c0); /* zero: the ground */
    assert_int_equal(grid_at(&grid, 6, 1)->glyph, ' ');    /* unknown: nothing */
}

static void a_bar_is_full_at_its_target_and_never_empty_above_zero(void **state) {
    (void)state;
    struct pane whole = pane_whole(&grid);
    spark_bar(&whole, 0, 0, 4, HUE_FLUSH, 0.0);
    expect_row(0, "\u2581\u2581\u2581\u2581");
    assert_int_equal(grid_at(&grid, 0, 0)->style, HUE_FAINT);
    spark_bar(&whole, 0, 1, 4, HUE_FLUSH, 1e-9);
    assert_int_equal(grid_at(&grid, 0, 1)->style, HUE_FLUSH);
    spark_bar(&whole, 0, 2, 4, HUE_FLUSH, 0.625);
    expect_row(2, "\u2586\u2586\u2583\u2581");
    spark_bar(&whole, 0, 3, 4, HUE_FLUSH, 7.0);
    expect_row(3, "\u2586\u2586\u2586\u2586");
    spark_bar(&whole, 0, 0, 0, HUE_FLUSH, 1.0);
    spark_bar(&whole, 0, 0, -5, HUE_FLUSH, 1.0);
}

static void axes_end_at_round_numbers(void **state) {
    (void)state;
    const struct {
        double largest, top;
    } cases[] = {{0, 1},        {-3, 1},        {NAN, 1},       {INFINITY, 1}, {1, 1},
                 {1.01, 1.5},   {4.2, 5},       {5000, 5000},   {5001, 6000},  {8100, 10000},
                 {0.003, .003}, {0.0035, .004}, {99999, 100000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(fabs(spark_top(cases[i].largest) - cases[i].top) <= 1e-9 * cases[i].top);
    }
    assert_true(fabs(spark_top_bytes(3.2 * 1048576) - 4 * 1048576.0) < 1);
    assert_true(fabs(spark_top_bytes(900) - 1000) < 1e-6);
    assert_true(spark_top_bytes(INFINITY) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_stays_within_its_pane, setup, teardown),
        cmocka_unit_test_setup_teardown(text_ends_where_it_is_told_to, setup, teardown),
        cmocka_unit_test_setup_teardown(wide_characters_take_two_columns_and_are_never_halved,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_text_becomes_question_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ascii_grid_has_nothing_but_ascii, setup, teardown),
        cmocka_unit_test_setup_teardown(a_spark_shows_every_value_and_leaves_out_the_unknown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_graph_fills_to_the_mean_and_dots_the_peak, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_bar_is_full_at_its_target_and_never_empty_above_zero,
                                        setup, teardown),
        cmocka_unit_test(axes_end_at_round_numbers),
    };
    return cmocka_run_group_tests_name("top_grid", tests, NULL, NULL);
}
