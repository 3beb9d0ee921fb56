/* args.h: what the command line means, and how wrong ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "args.h"

enum { WORDS_MAX = 16 };

static struct args args;
static char error[ARGS_ERROR_MAX];

/* The words of a line, split at blanks, as the command line. */
static enum args_result parse(const char *line) {
    static char copy[512], program[] = "lsm-observer";
    char *words[WORDS_MAX] = {program};
    int count = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < WORDS_MAX);
        words[count++] = word;
    }
    error[0] = '\0';
    return args_parse(count, words, &args, error);
}

static void nothing_means_the_only_live_driver(void **state) {
    (void)state;
    assert_int_equal(parse(""), ARGS_RUN);
    assert_int_equal(args.sources, 1);
    assert_int_equal(args.source[0].kind, ARGS_DRIVER);
    assert_null(args.source[0].name);
    assert_int_equal(args.width, 1280);
    assert_int_equal(args.height, 720);
    assert_int_equal(args.interval_ms, 1000);
    assert_int_equal(args.theme, THEME_DARK);
    assert_true(args.fps == 0 && args.duration_s == 0 && args.scale == 0);
}

static void csv_has_a_default_file(void **state) {
    (void)state;
    assert_int_equal(parse("--csv"), ARGS_RUN);
    assert_string_equal(args.source[0].name, "/tmp/lsm_metrics.csv");
    assert_int_equal(parse("--csv --live"), ARGS_RUN);
    assert_string_equal(args.source[0].name, "/tmp/lsm_metrics.csv");
    assert_true(args.live);
    assert_int_equal(parse("--live"), ARGS_RUN);
    assert_int_equal(args.source[0].kind, ARGS_CSV);
    assert_string_equal(args.source[0].name, "/tmp/lsm_metrics.csv");
    assert_int_equal(parse("--csv a.csv --live --interval-ms 250"), ARGS_RUN);
    assert_string_equal(args.source[0].name, "a.csv");
    assert_int_equal(args.interval_ms, 250);
}

static void values_follow_a_blank_or_an_equals_sign(void **state) {
    (void)state;
    assert_int_equal(parse("--attach=demo --size=640x400 --theme light --fps 12.5 --duration=3 "
                           "--output=a.SVG --save-video b.Mp4 --scale 1.5 --font=Sans"),
                     ARGS_RUN);
    assert_string_equal(args.source[0].name, "demo");
    assert_int_equal(args.width, 640);
    assert_int_equal(args.height, 400);
    assert_int_equal(args.theme, THEME_LIGHT);
    assert_true(args.fps == 12.5 && args.duration_s == 3 && args.scale == 1.5);
    assert_string_equal(args.output, "a.SVG");
    assert_string_equal(args.save_video, "b.Mp4");
    assert_string_equal(args.font, "Sans");
}

static void sources_add_up_in_their_order(void **state) {
    (void)state;
    assert_int_equal(parse("--csv a.csv --attach b --segment c --align wall --compare side"),
                     ARGS_RUN);
    assert_int_equal(args.sources, 3);
    assert_int_equal(args.source[0].kind, ARGS_CSV);
    assert_int_equal(args.source[1].kind, ARGS_DRIVER);
    assert_string_equal(args.source[1].name, "b");
    assert_int_equal(args.source[2].kind, ARGS_SEGMENT_FILE);
    assert_int_equal(args.align, ARGS_ALIGN_WALL);
    assert_true(args.side_by_side);
}

static void words_are_files_of_any_kind(void **state) {
    (void)state;
    assert_int_equal(parse("run.lsr --record copy.lsr"), ARGS_RUN);
    assert_int_equal(args.sources, 1);
    assert_int_equal(args.source[0].kind, ARGS_FILE);
    assert_string_equal(args.source[0].name, "run.lsr");
    assert_string_equal(args.record, "copy.lsr");
    assert_int_equal(parse("a.lsr --theme light b.csv --live"), ARGS_RUN);
    assert_int_equal(args.sources, 2);
    assert_string_equal(args.source[1].name, "b.csv");
    assert_true(args.live);
    assert_int_equal(parse(""), ARGS_RUN);
    assert_null(args.record);
}

static void help_and_version_win(void **state) {
    (void)state;
    assert_int_equal(parse("--help"), ARGS_HELP);
    assert_int_equal(parse("-h"), ARGS_HELP);
    assert_int_equal(parse("--csv --version"), ARGS_VERSION);
}

static void wrong_lines_get_one_clear_line(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"--bogus", "--bogus: no such option"},
        {"--record", "--record needs a value: FILE.lsr"},
        {"a b c d e", "e: at most 4 runs can be compared"},
        {"--attach", "--attach needs a value: NAME"},
        {"--attach --live", "--attach needs a value"},
        {"--attach a/b", "not a driver's name"},
        {"--live=yes", "--live takes no value"},
        {"--interval-ms 5", "--interval-ms 5: a whole number from 10"},
        {"--interval-ms 10.5", "whole number"},
        {"--interval-ms ten", "whole number"},
        {"--fps 0", "--fps 0: a number from 0.1 to 60"},
        {"--fps -3", "--fps -3"},
        {"--fps nan", "--fps nan"},
        {"--fps 1e999", "--fps"},
        {"--duration 0", "seconds"},
        {"--duration inf", "seconds"},
        {"--size 1280", "WIDTHxHEIGHT"},
        {"--size 1280x", "WIDTHxHEIGHT"},
        {"--size x720", "WIDTHxHEIGHT"},
        {"--size 1280x720p", "WIDTHxHEIGHT"},
        {"--size 99999999999999999999x720", "WIDTHxHEIGHT"},
        {"--size 100x100", "320x200"},
        {"--theme blue", "dark or light"},
        {"--scale 9", "0.5 to 4"},
        {"--output plot.jpg", ".png, .svg or .pdf"},
        {"--output .png", ".png, .svg or .pdf"},
        {"--save-video run.avi", ".mp4, .webm or .gif"},
        {"--attach a --csv b --segment c --attach d --csv e", "e: at most 4 runs"},
        {"--segment b --live", "--live: follows a CSV"},
        {"--align there", "start or wall"},
        {"--compare both", "overlay or side"},
        {"--csv= --live", "a file is needed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum args_result result = parse(cases[i].line);
        if (result != ARGS_WRONG || strstr(error, cases[i].says) == NULL) {
            fail_msg("'%s' gave %d and '%s'", cases[i].line, (int)result, error);
        }
        assert_null(strchr(error, '\n'));
    }
}

static void help_names_every_option_and_key(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    args_help(out);
    fclose(out);
    static const char *const names[] = {"--attach",   "--csv",        "--live",    "--interval-ms",
                                        "--output",   "--save-video", "--fps",     "--headless",
                                        "--duration", "--size",       "--theme",   "--font",
                                        "--scale",    "--help",       "--version", "Exit status"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_non_null(strstr(text, names[i]));
    }
    size_t count = 0;
    const struct view_key *keys = view_keys(&count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(strstr(text, keys[i].does));
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_means_the_only_live_driver),
        cmocka_unit_test(csv_has_a_default_file),
        cmocka_unit_test(values_follow_a_blank_or_an_equals_sign),
        cmocka_unit_test(sources_add_up_in_their_order),
        cmocka_unit_test(words_are_files_of_any_kind),
        cmocka_unit_test(help_and_version_win),
        cmocka_unit_test(wrong_lines_get_one_clear_line),
        cmocka_unit_test(help_names_every_option_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
