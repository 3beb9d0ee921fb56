/* window_config.c: what a window takes over from the last one, and leaves for the next. */
#include <string.h>

#include "obs_check.h"
#include "window.h"

enum { WIDTH = 1280, HEIGHT = 720 }; /* of a window that nobody sized, as args.c has it */

/* The state to be kept, as the window is now. */
static void state_take(const struct window *window, struct config *config) {
    const struct view *view = &window->session->view;
    size_t count;
    const struct panel *const *all = panel_list(&count);
    *config = (struct config){.has_layout = true, .has_theme = true};
    config->layout = view->layout;
    config->theme = view->theme;
    bool every = count == view->panels && memcmp(all, view->panel, count * sizeof(all[0])) == 0;
    if (!every) {
        memcpy(config->panel, view->panel, view->panels * sizeof(view->panel[0]));
        config->panels = view->panels;
    }
    Uint32 large = SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED;
    if ((SDL_GetWindowFlags(window->sdl) & large) != 0) {
        config->width = window->opened.width; /* the size to go back to */
        config->height = window->opened.height;
    } else {
        SDL_GetWindowSize(window->sdl, &config->width, &config->height);
    }
}

void window_config_read(struct window *window) {
    OBS_ASSERT(window != NULL);
    const struct args *args = window->session->args;
    struct view *view = &window->session->view;
    char path[4096];
    if (args->no_config || !config_path(path, sizeof(path))) {
        return;
    }
    config_load(path, &window->config);
    const struct config *config = &window->config;
    if (config->has_layout && !args->layout_given) {
        view->layout = config->layout;
    }
    if (config->has_theme && !args->theme_given) {
        view->theme = config->theme;
    }
    if (config->panels > 0 && args->panels == 0) {
        memcpy(view->panel, config->panel, config->panels * sizeof(config->panel[0]));
        view->panels = config->panels;
    }
}

void window_config_opened(struct window *window) {
    struct config *usual = &window->opened;
    const struct config *kept = &window->config;
    state_take(window, usual);
    if (window->session->args->no_config) {
        return;
    }
    /* What differs from this at the end was chosen here, with a key, the mouse or a flag. */
    if (window->session->args->size_given) {
        usual->width = kept->width > 0 ? kept->width : WIDTH;
        usual->height = kept->width > 0 ? kept->height : HEIGHT;
    }
    usual->layout = kept->has_layout ? kept->layout : VIEW_OVERVIEW;
    usual->theme = kept->has_theme ? kept->theme : THEME_DARK;
    usual->panels = kept->panels;
    memcpy(usual->panel, kept->panel, sizeof(usual->panel));
}

void window_config_save(struct window *window) {
    struct config now;
    char path[4096], error[4224];
    if (window->session->args->no_config || window->sdl == NULL) {
        return;
    }
    state_take(window, &now);
    if (config_equal(&now, &window->opened) || !config_path(path, sizeof(path))) {
        return;
    }
    if (!config_save(path, &now, error, sizeof(error)) && window->session->args->verbose) {
        fprintf(stderr, "lsm-observer: %s\n", error);
    }
}
