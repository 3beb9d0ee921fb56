/* config.h: what a window leaves for the next one, and that no file can do harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static char dir[64], path[128];

static int dir_make(void **state) {
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/config-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/lsmscope/observer.conf", dir);
    return 0;
}

static int dir_remove(void **state) {
    (void)state;
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

static void file_write(const char *text, size_t length) {
    char folder[128];
    snprintf(folder, sizeof(folder), "%s/lsmscope", dir);
    mkdir(folder, 0700);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void load(const char *text, struct config *config) {
    file_write(text, strlen(text));
    config_load(path, config);
}

static struct config example(void) {
    struct config config = {.width = 1000, .height = 700, .has_layout = true, .has_theme = true};
    char why[80];
    config.layout = VIEW_STACK;
    config.theme = THEME_LIGHT;
    assert_true(panel_parse("levels,throughput", config.panel, &config.panels, why, sizeof(why)));
    return config;
}

static void what_is_saved_is_loaded(void **state) {
    (void)state;
    struct config saved = example(), loaded;
    char error[256];
    assert_true(config_save(path, &saved, error, sizeof(error)));
    config_load(path, &loaded);
    assert_true(config_equal(&saved, &loaded));
    assert_string_equal(loaded.panel[0]->name, "levels");
    struct config nothing = {0};
    assert_true(config_save(path, &nothing, error, sizeof(error)));
    config_load(path, &loaded);
    assert_true(config_equal(&nothing, &loaded));
    loaded.theme = THEME_LIGHT; /* says nothing without has_theme */
    assert_true(config_equal(&nothing, &loaded));
    loaded.has_theme = true;
    assert_false(config_equal(&nothing, &loaded));
}

static void a_missing_file_says_nothing(void **state) {
    (void)state;
    struct config config = example(), nothing = {0};
    config_load("/nonexistent/observer.conf", &config);
    assert_true(config_equal(&config, &nothing));
}

static void what_makes_no_sense_is_passed_over(void **state) {
    (void)state;
    struct config config;
    load("future = 1\n size=800x600 \r\nlayout = spiral\ntheme = dark\nno equals sign\n= 3\n"
         "panels = throughput,nosuch\n",
         &config);
    assert_int_equal(config.width, 800);
    assert_int_equal(config.height, 600);
    assert_true(config.has_theme && config.theme == THEME_DARK);
    assert_false(config.has_layout);
    assert_int_equal(config.panels, 0);
    static const char *const sizes[] = {"size = 5x5\n", "size = -800x600\n", "size = 800x600x2\n",
                                        "size = 99999x600\n", "size =\n"};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        load(sizes[i], &config);
        assert_int_equal(config.width, 0);
    }
}

/* Every prefix of a good file, and every byte of it changed: nothing but sense comes out. */
static void damage_does_no_harm(void **state) {
    (void)state;
    const char good[] =
        "size = 1000x700\nlayout = stack\ntheme = light\npanels = levels,memtable\n";
    char bad[sizeof(good)];
    struct config config;
    for (size_t i = 0; i < sizeof(good); i++) {
        for (int how = 0; how < 4; how++) {
            memcpy(bad, good, sizeof(good));
            static const char bytes[] = {'\0', '=', '\xff', ','};
            bad[i] = bytes[how];
            file_write(bad, how == 0 ? i : sizeof(good) - 1);
            config_load(path, &config);
            assert_true(config.width == 0 || (config.width >= 200 && config.height >= 200));
            assert_true(config.panels <= VIEW_PANELS_MAX);
            assert_true(config.layout <= VIEW_PRESENTER);
        }
    }
    char *noise = malloc(1 << 20);
    assert_non_null(noise);
    memset(noise, '=', 1 << 20);
    file_write(noise, 1 << 20);
    config_load(path, &config);
    free(noise);
}

/* Nothing is left lying about, and a directory in the way is an error that names the file. */
static void saving_is_whole_or_an_error(void **state) {
    (void)state;
    struct config config = example();
    char error[256] = "", command[256];
    assert_true(config_save(path, &config, error, sizeof(error)));
    snprintf(command, sizeof(command), "[ \"$(ls -A '%s/lsmscope')\" = observer.conf ]", dir);
    assert_int_equal(system(command), 0);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(config_save(path, &config, error, sizeof(error)));
    assert_non_null(strstr(error, "observer.conf"));
    snprintf(command, sizeof(command), "[ \"$(ls -A '%s/lsmscope')\" = observer.conf ]", dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(rmdir(path), 0);
}

static void the_place_follows_the_environment(void **state) {
    (void)state;
    char found[256], tiny[8];
    setenv("HOME", "/home/someone", 1);
    setenv("XDG_CONFIG_HOME", "/etc/elsewhere", 1);
    assert_true(config_path(found, sizeof(found)));
    assert_string_equal(found, "/etc/elsewhere/lsmscope/observer.conf");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_true(config_path(found, sizeof(found)));
    assert_string_equal(found, "/home/someone/.config/lsmscope/observer.conf");
    assert_false(config_path(tiny, sizeof(tiny)));
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    assert_false(config_path(found, sizeof(found)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(a_missing_file_says_nothing),
        cmocka_unit_test(what_makes_no_sense_is_passed_over),
        cmocka_unit_test(damage_does_no_harm),
        cmocka_unit_test(saving_is_whole_or_an_error),
        cmocka_unit_test(the_place_follows_the_environment),
    };
    return cmocka_run_group_tests_name("config", tests, dir_make, dir_remove);
}
