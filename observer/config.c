#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obs_check.h"

enum { LINE = 512, LINES_MAX = 200, SIDE_LEAST = 200, SIDE_MOST = 16384 };

bool config_path(char *path, size_t size) {
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int used = -1;
    if (base != NULL && base[0] == '/') { /* a relative one is to be ignored, says its standard */
        used = snprintf(path, size, "%s/lsmscope/observer.conf", base);
    } else if (home != NULL && home[0] == '/') {
        used = snprintf(path, size, "%s/.config/lsmscope/observer.conf", home);
    }
    return used > 0 && (size_t)used < size;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void take_size(struct config *config, const char *value) {
    int width = 0, height = 0, used = 0;
    if (sscanf(value, "%5dx%5d%n", &width, &height, &used) == 2 && value[used] == '\0' &&
        width >= SIDE_LEAST && width <= SIDE_MOST && height >= SIDE_LEAST && height <= SIDE_MOST) {
        config->width = width;
        config->height = height;
    }
}

static void take_theme(struct config *config, const char *value) {
    bool light = strcmp(value, "light") == 0;
    if (light || strcmp(value, "dark") == 0) {
        config->theme = light ? THEME_LIGHT : THEME_DARK;
        config->has_theme = true;
    }
}

static void take(struct config *config, const char *key, const char *value) {
    char why[80];
    if (strcmp(key, "size") == 0) {
        take_size(config, value);
    } else if (strcmp(key, "layout") == 0) {
        config->has_layout = view_layout_parse(value, &config->layout) || config->has_layout;
    } else if (strcmp(key, "theme") == 0) {
        take_theme(config, value);
    } else if (strcmp(key, "panels") == 0) {
        (void)panel_parse(value, config->panel, &config->panels, why, sizeof(why));
    }
}

static char *trimmed(char *text) {
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        text[--length] = '\0';
    }
    return text;
}

void config_load(const char *path, struct config *config) {
    OBS_ASSERT(path != NULL && config != NULL);
    *config = (struct config){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    char line[LINE];
    for (int i = 0; i < LINES_MAX && fgets(line, sizeof(line), file) != NULL; i++) {
        char *equals = strchr(line, '=');
        if (equals != NULL) {
            *equals = '\0';
            take(config, trimmed(line), trimmed(equals + 1));
        }
    }
    fclose(file);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Makes the directories of a path. They are the user's alone, as the standard asks. */
static bool directories_make(const char *path) {
    char part[4096];
    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return false;
        }
        *slash = '/';
    }
    return true;
}

static void write_lines(FILE *file, const struct config *config) {
    if (config->width > 0) {
        fprintf(file, "size = %dx%d\n", config->width, config->height);
    }
    if (config->has_layout) {
        fprintf(file, "layout = %s\n", view_layout_name(config->layout));
    }
    if (config->has_theme) {
        fprintf(file, "theme = %s\n", config->theme == THEME_LIGHT ? "light" : "dark");
    }
    for (size_t i = 0; i < config->panels; i++) {
        fprintf(file, "%s%s", i == 0 ? "panels = " : ",", config->panel[i]->name);
    }
    fprintf(file, "%s", config->panels > 0 ? "\n" : "");
}

bool config_save(const char *path, const struct config *config, char *error, size_t error_size) {
    OBS_ASSERT(path != NULL && config != NULL);
    char part[4096];
    int fd = -1;
    bool named = snprintf(part, sizeof(part), "%s.XXXXXX", path) < (int)sizeof(part);
    if (named && directories_make(path)) {
        fd = mkstemp(part);
    }
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        snprintf(error, error_size, "%s: %s", path, strerror(named ? errno : ENAMETOOLONG));
        if (fd >= 0) {
            close(fd);
            unlink(part);
        }
        return false;
    }
    write_lines(file, config);
    bool whole = fflush(file) == 0 && !ferror(file);
    whole = fclose(file) == 0 && whole;
    whole = whole && rename(part, path) == 0;
    if (!whole) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        unlink(part);
    }
    return whole;
}

bool config_equal(const struct config *a, const struct config *b) {
    bool panels = a->panels == b->panels;
    for (size_t i = 0; panels && i < a->panels; i++) {
        panels = a->panel[i] == b->panel[i];
    }
    return panels && a->width == b->width && a->height == b->height &&
           a->has_layout == b->has_layout && a->has_theme == b->has_theme &&
           (!a->has_layout || a->layout == b->layout) && (!a->has_theme || a->theme == b->theme);
}
