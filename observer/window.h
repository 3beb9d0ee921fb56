/* window.h: the window as its two files share it: window.c (life, drawing, the loop) and
 * window_input.c (keys and mouse).
 *
 * Threads:    SDL's rule: the thread that opened it, which is the main one. */
#ifndef OBS_WINDOW_H
#define OBS_WINDOW_H

#include <SDL2/SDL.h>

#include "canvas.h"
#include "config.h"
#include "session.h"

struct window {
    struct session *session;
    SDL_Window *sdl;
    struct canvas *canvas;
    int width, height;   /* pixels */
    double points_ratio; /* pixels per unit of SDL's mouse coordinates */
    bool dirty;          /* draw at the next chance */
    bool asked;          /* by a key, a button or the wheel: its answer comes before new data */
    bool moving;         /* an easing is under way */
    bool exposed;        /* show again what is drawn */
    bool hidden;         /* minimised: nothing is drawn */
    bool dragging;
    bool quit;
    struct config config; /* as it was read */
    struct config opened; /* as it would begin without flags: what differs at its end is kept */
    double drawn_s;       /* when the last frame was drawn */
    uint64_t frames;
};

/* The display without borders, and back. `leave`: false when it was not so. */
void window_fullscreen_toggle(struct window *window);
bool window_fullscreen_leave(struct window *window);
/* Reads how the last window was left and applies what the command line leaves open; notes how this
 * one opened; saves what was chosen since, or by a flag. */
void window_config_read(struct window *window);
void window_config_opened(struct window *window);
void window_config_save(struct window *window);
void window_event(struct window *window, const SDL_Event *event);
void window_screenshot(struct window *window);
/* Starts or ends a video of the window. */
void window_video_toggle(struct window *window);

#endif
