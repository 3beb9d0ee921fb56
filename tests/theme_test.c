/* Every colour can be told from its neighbours and every letter be read, whoever looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "chart.h"
#include "theme.h"

/* Complete loss of one kind of cone, on linear RGB: Machado, Oliveira and Fernandes, "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), table 1. */
enum vision { NORMAL, PROTAN, DEUTAN, TRITAN, VISIONS };
static const char *const vision_names[VISIONS] = {"normal", "protan", "deutan", "tritan"};
static const double sees[VISIONS][3][3] = {
    {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}},
    {{0.152286, 1.052583, -0.204868},
     {0.114503, 0.786281, 0.099216},
     {-0.003882, -0.048116, 1.051998}},
    {{0.367322, 0.860646, -0.227968},
     {0.280085, 0.672501, 0.047413},
     {-0.011820, 0.042940, 0.968881}},
    {{1.255528, -0.076749, -0.178779},
     {-0.078411, 0.930809, 0.147602},
     {0.004733, 0.691367, 0.303900}},
};

struct lab {
    double l, a, b;
};

static double linear(float channel) {
    double c = (double)channel;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double cube(double t) {
    return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116.0;
}

/* CIE 1976 L*a*b* under D65, as the eye of that kind has it. */
static struct lab seen(struct color color, enum vision vision) {
    const double in[3] = {linear(color.r), linear(color.g), linear(color.b)};
    double rgb[3];
    for (int i = 0; i < 3; i++) {
        const double *row = sees[vision][i];
        double c = row[0] * in[0] + row[1] * in[1] + row[2] * in[2];
        rgb[i] = fmax(0.0, fmin(1.0, c));
    }
    double x = 0.4124 * rgb[0] + 0.3576 * rgb[1] + 0.1805 * rgb[2];
    double y = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
    double z = 0.0193 * rgb[0] + 0.1192 * rgb[1] + 0.9505 * rgb[2];
    double fx = cube(x / 0.95047), fy = cube(y), fz = cube(z / 1.08883);
    return (struct lab){116.0 * fy - 16.0, 500.0 * (fx - fy), 200.0 * (fy - fz)};
}

static double apart(struct color one, struct color other, enum vision vision) {
    struct lab a = seen(one, vision), b = seen(other, vision);
    return sqrt((a.l - b.l) * (a.l - b.l) + (a.a - b.a) * (a.a - b.a) + (a.b - b.b) * (a.b - b.b));
}

static const struct theme *const *themes(void) {
    static const struct theme *both[2];
    both[0] = theme_get(THEME_DARK);
    both[1] = theme_get(THEME_LIGHT);
    return both;
}

static void expect_apart(struct color one, struct color other, double least, const char *what,
                         int which, int theme) {
    for (int v = 0; v < VISIONS; v++) {
        double is = apart(one, other, (enum vision)v);
        if (is < least) {
            fail_msg("%s %d: %.1f apart for %s eyes in the %s theme", what, which, is,
                     vision_names[v], theme == 0 ? "dark" : "light");
        }
    }
}

static void levels_differ_from_the_next_and_the_one_after(void **state) {
    (void)state;
    for (int t = 0; t < 2; t++) {
        const struct theme *theme = themes()[t];
        struct color area[THEME_LEVELS];
        for (int i = 0; i < THEME_LEVELS; i++) {
            area[i] = theme_mix(theme->panel, theme->level[i], (double)theme->area);
        }
        for (int i = 0; i + 1 < THEME_LEVELS; i++) {
            expect_apart(area[i], area[i + 1], 12.0, "area of level", i, t);
        }
        for (int i = 0; i + 2 < THEME_LEVELS; i++) {
            expect_apart(area[i], area[i + 2], 12.0, "area two below level", i, t);
        }
    }
}

static void the_first_levels_grow_darker_in_steps(void **state) {
    (void)state;
    for (int t = 0; t < 2; t++) {
        const struct theme *theme = themes()[t];
        for (int v = 0; v < VISIONS; v++) {
            for (int i = 0; i < 3; i++) {
                double above = seen(theme->level[i], (enum vision)v).l;
                double below = seen(theme->level[i + 1], (enum vision)v).l;
                assert_true(above - below >= 6.0);
            }
        }
    }
}

static void operations_and_events_differ(void **state) {
    (void)state;
    for (int t = 0; t < 2; t++) {
        const struct theme *theme = themes()[t];
        for (int i = 0; i < THEME_OPS; i++) {
            for (int k = i + 1; k < THEME_OPS; k++) {
                expect_apart(theme->op[i], theme->op[k], 18.0, "operation", i, t);
            }
        }
        for (int i = 0; i < 3; i++) { /* their rows lie under the flushes' */
            expect_apart(theme->flush, theme->level[i], 12.0, "flush and level", i, t);
        }
        expect_apart(theme->compaction, theme->stall, 18.0, "compaction and stall", 0, t);
        expect_apart(theme->flush, theme->compaction, 18.0, "flush and compaction", 0, t);
    }
}

static void letters_can_be_read(void **state) {
    (void)state;
    for (int t = 0; t < 2; t++) {
        const struct theme *theme = themes()[t];
        const struct color grounds[] = {theme->window, theme->panel, theme->card};
        struct color colors[THEME_OPS + THEME_LEVELS + 8];
        size_t count = 0;
        for (int i = 0; i < THEME_OPS; i++) {
            colors[count++] = theme->op[i];
        }
        for (int i = 0; i < THEME_LEVELS; i++) {
            colors[count++] = theme->level[i];
        }
        colors[count++] = theme->flush;
        colors[count++] = theme->compaction;
        colors[count++] = theme->stall;
        colors[count++] = theme->live;
        for (size_t g = 0; g < 3; g++) {
            for (size_t i = 0; i < count; i++) {
                struct color letters = theme_letters(theme, colors[i]);
                assert_true(theme_contrast(letters, grounds[g]) >= 4.5);
            }
            /* These are written as they are. */
            assert_true(theme_contrast(theme->text, grounds[g]) >= 7.0);
            assert_true(theme_contrast(theme->axis, grounds[g]) >= 4.5);
            assert_true(theme_contrast(theme->stall, grounds[g]) >= 4.5);
            assert_true(theme_contrast(theme->marker, grounds[g]) >= 4.5);
        }
        for (size_t i = 0; i < count; i++) { /* figures on a job's bar */
            assert_true(theme_contrast(theme_letters_on(colors[i]), colors[i]) >= 4.5);
        }
    }
}

static void contrast_is_that_of_the_standard(void **state) {
    (void)state;
    const struct color black = {0.0f, 0.0f, 0.0f, 1.0f}, white = {1.0f, 1.0f, 1.0f, 1.0f};
    const struct color grey = {0x77 / 255.0f, 0x77 / 255.0f, 0x77 / 255.0f, 1.0f};
    assert_true(fabs(theme_contrast(black, white) - 21.0) < 1e-9);
    assert_true(fabs(theme_contrast(white, black) - 21.0) < 1e-9);
    assert_true(fabs(theme_contrast(grey, white) - 4.478) < 0.001);
    assert_true(fabs(theme_contrast(grey, grey) - 1.0) < 1e-9);
}

/* Colours that can be read are taken as they are. */
static void letters_keep_what_is_readable(void **state) {
    (void)state;
    const struct theme *theme = theme_get(THEME_DARK);
    struct color put = theme_letters(theme, theme->op[0]);
    assert_memory_equal(&put, &theme->op[0], sizeof put);
}

/* Of four runs in one plot no two lines are alike without their colours. */
static void runs_differ_in_style(void **state) {
    (void)state;
    double dash[VIEW_RUNS_MAX][CHART_DASHES];
    for (unsigned run = 0; run < VIEW_RUNS_MAX; run++) {
        struct scene scene = {.theme = theme_get(THEME_DARK), .run = run, .shared = true};
        assert_int_equal(chart_run_dash(&scene, dash[run]), run == 0 ? 0 : CHART_DASHES);
        for (unsigned other = 0; other < run; other++) {
            assert_memory_not_equal(dash[run], dash[other], sizeof dash[run]);
        }
        scene.shared = false; /* alone in its plot it is drawn as any run */
        assert_int_equal(chart_run_dash(&scene, dash[run]), 0);
        chart_run_dash(&(struct scene){.theme = scene.theme, .run = run, .shared = true},
                       dash[run]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_differ_from_the_next_and_the_one_after),
        cmocka_unit_test(the_first_levels_grow_darker_in_steps),
        cmocka_unit_test(operations_and_events_differ),
        cmocka_unit_test(letters_can_be_read),
        cmocka_unit_test(contrast_is_that_of_the_standard),
        cmocka_unit_test(letters_keep_what_is_readable),
        cmocka_unit_test(runs_differ_in_style),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
