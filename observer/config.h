/* config.h: how the window was left, kept for the next one.
 *
 * A file of lines "key = value" in $XDG_CONFIG_HOME/lsmscope/observer.conf, or ~/.config. Unknown
 * keys, values that make no sense and damage of any kind are passed over: the worst that a file can
 * do is to say nothing. It is written beside its place and renamed when it is whole.
 *
 * Threads:    none of it keeps state. */
#ifndef OBS_CONFIG_H
#define OBS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "panel.h"
#include "view.h"

struct config {
    int width, height; /* of the window, in SDL's points; 0: not known */
    bool has_layout, has_theme;
    enum view_layout layout;
    enum theme_id theme;
    const struct panel *panel[VIEW_PANELS_MAX];
    size_t panels; /* 0: not known, or all of them */
};

/* Where the file is. False when the environment does not tell. */
bool config_path(char *path, size_t size);
/* What the file says; a missing one says nothing. */
void config_load(const char *path, struct config *config);
/* Writes the file and the directories it needs. False, and why in `error`. */
bool config_save(const char *path, const struct config *config, char *error, size_t error_size);
bool config_equal(const struct config *a, const struct config *b);

#endif
