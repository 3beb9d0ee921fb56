/* Numbers as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "units.h"

typedef void (*format)(double, char *, size_t);

struct expectation {
    double number;
    const char *text;
};

static void expect(format f, const struct expectation *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char text[UNITS_TEXT];
        f(list[i].number, text, sizeof text);
        assert_string_equal(text, list[i].text);
    }
}
#define EXPECT(f, ...)                                                                             \
    do {                                                                                           \
        const struct expectation list[] = {__VA_ARGS__};                                           \
        expect(f, list, sizeof list / sizeof list[0]);                                             \
    } while (0)

static void rates_have_three_figures_and_an_si_prefix(void **state) {
    (void)state;
    EXPECT(units_rate, {0, "0 /s"}, {0.25, "0.25 /s"}, {7, "7 /s"}, {600.4, "600 /s"},
           {999.4, "999 /s"}, {999.6, "1.00 k/s"}, {1000, "1.00 k/s"}, {5018, "5.02 k/s"},
           {9996, "10.0 k/s"}, {12549, "12.5 k/s"}, {123456, "123 k/s"}, {999600, "1.00 M/s"},
           {3.9e6, "3.90 M/s"}, {NAN, "-"}, {INFINITY, "-"});
}

static void bytes_have_an_iec_prefix(void **state) {
    (void)state;
    EXPECT(units_bytes, {0, "0 B"}, {1, "1 B"}, {1023, "1023 B"}, {1000, "1000 B"},
           {1024, "1.00 KiB"}, {200000, "195 KiB"}, {1048576, "1.00 MiB"}, {2000000, "1.91 MiB"},
           {1.5 * 1099511627776.0, "1.50 TiB"}, {1e30, "888178419700125 PiB"});
}

static void durations_take_the_unit_that_suits_them(void **state) {
    (void)state;
    EXPECT(units_duration, {0, "0 ns"}, {370e-9, "370 ns"}, {1e-6, "1.00 µs"}, {38e-6, "38.0 µs"},
           {999.6e-6, "1.00 ms"}, {0.0123, "12.3 ms"}, {1.62, "1.62 s"}, {59.9, "59.9 s"},
           {59.96, "1:00"}, {90, "1:30"}, {3723, "1:02:03"}, {-1, "-"}, {NAN, "-"});
}

static void groups_of_three_stand_apart(void **state) {
    (void)state;
    EXPECT(units_grouped, {0, "0"}, {999, "999"}, {4938, "4\u2009938"}, {-4938, "-4\u2009938"},
           {1234567, "1\u2009234\u2009567"}, {0.4, "0"}, {1e19, "-"}, {NAN, "-"});
}

static void a_small_buffer_is_never_overrun(void **state) {
    (void)state;
    for (size_t size = 1; size < 24; size++) {
        char text[32];
        memset(text, '#', sizeof text);
        units_grouped(123456789012.0, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], '#');
        memset(text, '#', sizeof text);
        units_clock(123456.789, 3, text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], '#');
    }
}

static void clocks_round_before_they_split(void **state) {
    (void)state;
    char text[UNITS_TEXT];
    units_clock(59.96, 1, text, sizeof text);
    assert_string_equal(text, "1:00.0");
    units_clock(3599.6, 0, text, sizeof text);
    assert_string_equal(text, "1:00:00");
    units_clock(62.35, 2, text, sizeof text);
    assert_string_equal(text, "1:02.35");
    units_clock(-5.0, 0, text, sizeof text);
    assert_string_equal(text, "-0:05");
    units_clock(1e300, 0, text, sizeof text);
    assert_string_equal(text, "-");
}

static void wall_clocks_are_local_and_to_the_millisecond(void **state) {
    (void)state;
    char text[UNITS_TEXT];
    setenv("TZ", "UTC", 1);
    tzset();
    units_wall_clock(1760000000.12, text, sizeof text);
    assert_string_equal(text, "08:53:20.120");
    units_wall_clock(1760000000.9996, text, sizeof text);
    assert_string_equal(text, "08:53:21.000");
    units_wall_clock(1e300, text, sizeof text);
    assert_string_equal(text, "-");
}

static void percentages_keep_small_shares_visible(void **state) {
    (void)state;
    EXPECT(units_percent, {0.0002, "0.02 %"}, {0.031, "3.1 %"}, {0.12, "12 %"}, {0.00996, "1.0 %"},
           {2.5, "250 %"}, {-1, "-"});
}

static void reword(const char *words, const char *expected) {
    char text[64], cut[64];
    units_reword(words, text, sizeof text);
    assert_string_equal(text, expected);
    for (size_t size = 1; size <= strlen(expected); size++) {
        units_reword(words, cut, size);
        assert_true(strlen(cut) < size && strncmp(cut, text, strlen(cut)) == 0);
    }
}

static void a_publishers_numbers_are_written_as_our_own(void **state) {
    (void)state;
    reword("put 9,000/s; get 12/s", "put 9\u2009000 /s; get 12 /s");
    reword("1,234,567 keys, 16 B", "1\u2009234\u2009567 keys, 16 B");
    reword("L0,L1 and 1,23 or 1,2345", "L0,L1 and 1,23 or 1,2345");
    reword("1234,567 a/b m/s \u00b5", "1234,567 a/b m/s \u00b5");
    reword("", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_have_three_figures_and_an_si_prefix),
        cmocka_unit_test(bytes_have_an_iec_prefix),
        cmocka_unit_test(durations_take_the_unit_that_suits_them),
        cmocka_unit_test(groups_of_three_stand_apart),
        cmocka_unit_test(a_small_buffer_is_never_overrun),
        cmocka_unit_test(clocks_round_before_they_split),
        cmocka_unit_test(wall_clocks_are_local_and_to_the_millisecond),
        cmocka_unit_test(a_publishers_numbers_are_written_as_our_own),
        cmocka_unit_test(percentages_keep_small_shares_visible),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
