/* window.c: the window: opening, the loop, drawing, screenshots and videos of it.
 *
 * Pixels go through SDL's window surface: on X11 shared memory with the server, which no software
 * GL beats and which costs one copy; elsewhere SDL itself takes a renderer where there is one.
 * A frame is drawn only for new data, input or an easing, at most 30 times a second. What a key, a
 * button or the wheel asks for is drawn at once, before new data is read: on a busy machine, where
 * the viewer has the last turn, one frame is all that an answer takes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "obs_check.h"
#include "export.h"
#include "stop.h"
#include "window.h"
#include "x_error.h"

static const double FRAME_S = 1.0 / 30;
static const double ANSWER_S = 1.0 / 60; /* between frames that were asked for */
static const double POLL_LATE_S = 0.5;   /* answers do not keep new data waiting for longer */
static const double WAIT_MAX_S = 0.25;   /* a signal is noticed this soon */
static const double RECORD_TICK_S = 0.1; /* the encoder is fed at least this often */

static bool set(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

/* SDL falls back to drivers that show nothing to anyone; a window there would run unseen. */
static bool driver_shows(void) {
    const char *driver = SDL_GetCurrentVideoDriver();
    return driver != NULL && strcmp(driver, "offscreen") != 0 && strcmp(driver, "dummy") != 0 &&
           strcmp(driver, "evdev") != 0;
}

bool window_possible(char *error, size_t error_size) {
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    bool asked = set("SDL_VIDEODRIVER");
    if (!asked && set("DISPLAY") && !set("WAYLAND_DISPLAY")) {
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11"); /* trying Wayland in vain would talk on stderr */
    }
    const char *why = "neither DISPLAY nor WAYLAND_DISPLAY is set";
    if (asked || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("XDG_RUNTIME_DIR")) {
        if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0) {
            why = SDL_GetError();
        } else if (asked || driver_shows()) {
            return true;
        } else {
            SDL_QuitSubSystem(SDL_INIT_VIDEO);
            why = set("DISPLAY") ? "it cannot be opened" : why;
        }
    }
    snprintf(error, error_size,
             "no display (%.80s): use --headless, --output FILE.png or --save-video FILE.mp4", why);
    return false;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* How large things should be: what was asked for, what the desktop says, else what the display's
 * resolution suggests, in quarters. X servers report nonsense about small differences. */
static double scale_choose(const struct args *args, SDL_Window *sdl, double points_ratio) {
    if (args->scale > 0) {
        return args->scale;
    }
    const char *desktop = getenv("GDK_SCALE");
    double scale = desktop != NULL ? atof(desktop) : 0;
    float dpi = 0;
    int display = sdl != NULL ? SDL_GetWindowDisplayIndex(sdl) : 0;
    if (scale < 1 && points_ratio > 1.01) {
        scale = points_ratio;
    } else if (scale < 1 && SDL_GetDisplayDPI(display, &dpi, NULL, NULL) == 0 && dpi >= 130) {
        scale = floor((double)dpi / 96 * 4) / 4;
    }
    return scale < 1 ? 1 : scale > 4 ? 4 : scale;
}

static bool size_take(struct window *window) {
    int points = 1, unused = 1;
    SDL_GetWindowSize(window->sdl, &points, &unused);
    SDL_GetWindowSizeInPixels(window->sdl, &window->width, &window->height);
    if (window->width < 1 || window->height < 1) {
        return false;
    }
    window->points_ratio = points > 0 ? (double)window->width / points : 1;
    return true;
}

static bool window_open(struct window *window, char *error, size_t error_size) {
    const struct args *args = window->session->args;
    const char *driver = SDL_GetCurrentVideoDriver();
    if (driver != NULL && strcmp(driver, "x11") == 0) {
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    }
    SDL_EnableScreenSaver();
    window_config_read(window);
    bool kept = !args->size_given && window->config.width > 0;
    Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
    window->sdl = SDL_CreateWindow("lsmscope", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                   kept ? window->config.width : args->width,
                                   kept ? window->config.height : args->height, flags);
    if (window->sdl == NULL || !size_take(window)) {
        snprintf(error, error_size,
                 "no window (%.80s): use --headless, --output FILE.png or --save-video FILE.mp4",
                 SDL_GetError());
        return false;
    }
    if (driver != NULL && strcmp(driver, "x11") == 0) {
        x_error_let_pass();
    }
    SDL_SetWindowMinimumSize(window->sdl, VIEW_WIDTH_LEAST, VIEW_HEIGHT_LEAST);
    window->session->scale = scale_choose(args, window->sdl, window->points_ratio);
    struct view *view = &window->session->view;
    view->interactive = true;
    double scale = view_scale(view, window->session->scale, window->width, window->height);
    window->canvas =
        canvas_raster_create(window->width, window->height, scale, args->font, error, error_size);
    window_config_opened(window);
    window->dirty = true;
    return window->canvas != NULL;
}

static void window_close(struct window *window) {
    canvas_destroy(window->canvas);
    if (window->sdl != NULL) {
        SDL_DestroyWindow(window->sdl);
    }
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void title_set(struct window *window) {
    const struct view_status *status = &window->session->view.status;
    char title[160];
    snprintf(title, sizeof(title), "lsmscope: %s%s(%s%s)", status->name,
             status->name[0] != '\0' ? " " : "", view_state_name(status->state),
             status->recording ? ", recording" : "");
    if (strcmp(title, SDL_GetWindowTitle(window->sdl)) != 0) {
        SDL_SetWindowTitle(window->sdl, title);
    }
}

/* Copies the canvas to the screen. */
static void present(struct window *window) {
    int width = 0, height = 0, stride = 0;
    const uint32_t *pixels = canvas_pixels(window->canvas, &width, &height, &stride);
    SDL_Surface *screen = SDL_GetWindowSurface(window->sdl);
    if (screen == NULL) {
        return; /* between sizes: the next event brings another chance */
    }
    int columns = width < screen->w ? width : screen->w;
    int rows = height < screen->h ? height : screen->h;
    if (SDL_LockSurface(screen) == 0) {
        SDL_ConvertPixels(columns, rows, SDL_PIXELFORMAT_ARGB8888, pixels, stride,
                          screen->format->format, screen->pixels, screen->pitch);
        SDL_UnlockSurface(screen);
    }
    SDL_UpdateWindowSurface(window->sdl);
    window->exposed = false;
}

static void canvas_fit(struct window *window) {
    int width = window->width, height = window->height;
    bool sized = size_take(window) && (width != window->width || height != window->height);
    if (sized) { /* larger or smaller display, perhaps another one */
        window->session->scale =
            scale_choose(window->session->args, window->sdl, window->points_ratio);
    }
    double scale =
        view_scale(&window->session->view, window->session->scale, window->width, window->height);
    if (sized || fabs(scale - canvas_scale(window->canvas)) > 0.0) {
        if (!canvas_resize(window->canvas, window->width, window->height, scale)) {
            window->width = width; /* try again at the next frame; the old picture stays */
            window->height = height;
        }
    }
}

static void draw(struct window *window, double now_s) {
    struct session *session = window->session;
    canvas_fit(window);
    session->view.clock_s = now_s;
    window->moving = view_draw(&session->view, window->canvas);
    window->dirty = window->asked = false;
    window->drawn_s = now_s;
    window->frames++;
    if (session->video != NULL) {
        session_record_picture(session, window->canvas, now_s);
    }
    title_set(window);
    present(window);
}

void window_fullscreen_toggle(struct window *window) {
    bool full = (SDL_GetWindowFlags(window->sdl) & SDL_WINDOW_FULLSCREEN_DESKTOP) != 0;
    SDL_SetWindowFullscreen(window->sdl, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
}

bool window_fullscreen_leave(struct window *window) {
    if ((SDL_GetWindowFlags(window->sdl) & SDL_WINDOW_FULLSCREEN_DESKTOP) == 0) {
        return false;
    }
    SDL_SetWindowFullscreen(window->sdl, 0);
    return true;
}

/* ---- screenshots and videos ------------------------------------------------------------------ */

static void name_now(const char *ending, char name[64]) {
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    size_t used = strftime(name, 64, "lsmscope-%Y%m%d-%H%M%S", &local);
    snprintf(name + used, 64 - used, ".%s", ending);
}

void window_screenshot(struct window *window) {
    struct session *session = window->session;
    double now_s = steady_now();
    char name[64], error[256] = "";
    name_now("png", name);
    /* What is seen, crosshair and all, but not the notice of the last screenshot. */
    session->view.toast[0] = '\0';
    session->view.clock_s = now_s;
    view_draw(&session->view, window->canvas);
    if (export_canvas(window->canvas, name, error, sizeof(error))) {
        printf("wrote %s\n", name);
        fflush(stdout);
        session_toast(session, now_s, "saved screenshot %s", name);
    } else {
        fprintf(stderr, "lsm-observer: %s\n", error);
        session_toast(session, now_s, "no screenshot: %.130s", error);
    }
}

static void video_begin(struct window *window, const char *path) {
    struct session *session = window->session;
    double now_s = steady_now();
    char error[512] = "";
    if (session_record(session, path, window->width, window->height, session->scale, true, error,
                       sizeof(error))) {
        session_toast(session, now_s, "recording %.140s", path);
    } else {
        fprintf(stderr, "lsm-observer: %s\n", error);
        session_toast(session, now_s, "no video: %.140s", error);
        session->failed = true;
    }
    window->dirty = true;
}

void window_video_toggle(struct window *window) {
    if (window->session->video != NULL) {
        session_record_end(window->session, steady_now());
    } else {
        char name[64];
        name_now(video_has_ffmpeg() ? "mp4" : "gif", name);
        video_begin(window, name);
    }
    window->dirty = true;
}

/* The video asked for on the command line runs from the first data to the end of the source; one
 * begun by key, until the key. */
static void video_care(struct window *window, double now_s) {
    struct session *session = window->session;
    const char *asked = session->args->save_video;
    if (asked != NULL && !session->video_done && session->video == NULL &&
        session_has_data(session)) {
        session->video_done = true;
        video_begin(window, asked);
    }
    if (session->video == NULL) {
        return;
    }
    video_tick(session->video, now_s);
    bool own = asked != NULL && strcmp(session->video_path, asked) == 0;
    bool over = own && session_ended(session) && !window->dirty && !window->moving;
    if (over || video_failed(session->video)) {
        session->failed = !session_record_end(session, now_s) || session->failed;
        window->dirty = true;
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

static double earlier(double a, double b) {
    return a < b ? a : b;
}

/* When the next frame may be drawn. */
static double next_frame_s(const struct window *window) {
    return window->drawn_s + (window->asked ? ANSWER_S : FRAME_S);
}

static int wait_ms(const struct window *window, double now_s) {
    const struct session *session = window->session;
    double until_s = earlier(now_s + WAIT_MAX_S, session->next_poll_s);
    if (window->dirty || window->moving) {
        until_s = earlier(until_s, next_frame_s(window));
    }
    if (session->toast_until_s > 0) {
        until_s = earlier(until_s, session->toast_until_s);
    }
    if (session->video != NULL) {
        until_s = earlier(until_s, now_s + RECORD_TICK_S);
    }
    if (session->args->duration_s > 0) {
        until_s = earlier(until_s, session->started_s + session->args->duration_s);
    }
    double left_ms = ceil((until_s - now_s) * 1e3);
    return left_ms < 0 ? 0 : (int)left_ms;
}

static void loop(struct window *window) {
    struct session *session = window->session;
    while (!window->quit) {
        double now_s = steady_now();
        SDL_Event event;
        int wait = wait_ms(window, now_s);
        bool any = wait > 0 ? SDL_WaitEventTimeout(&event, wait) : SDL_PollEvent(&event);
        while (any) {
            window_event(window, &event);
            any = SDL_PollEvent(&event);
        }
        window->asked = window->asked && window->dirty; /* not every key is one of ours */
        now_s = steady_now();
        if (!window->asked || now_s > session->next_poll_s + POLL_LATE_S) {
            window->dirty = session_poll(session, now_s) || window->dirty;
        }
        bool due = now_s >= next_frame_s(window);
        if ((window->dirty || window->moving) && due && !window->hidden) {
            draw(window, now_s);
        } else if (window->exposed) {
            present(window);
        }
        if (window->hidden) {
            title_set(window);
            window->dirty = window->asked = window->moving =
                false; /* the state is kept by the view */
        }
        video_care(window, now_s);
        window->quit = window->quit || session_over(session, now_s);
    }
}

int run_window(struct session *session) {
    OBS_ASSERT(session != NULL);
    struct window window = {.session = session};
    char error[256] = "";
    if (!window_open(&window, error, sizeof(error))) {
        fprintf(stderr, "lsm-observer: %s\n", error);
        window_close(&window);
        return 1;
    }
    loop(&window);
    window_config_save(&window);
    if (session->args->verbose) {
        fprintf(stderr, "lsm-observer: %llu frames drawn, %.2f s of CPU\n",
                (unsigned long long)window.frames, cpu_seconds());
    }
    if (session->video != NULL) {
        session->failed = !session_record_end(session, steady_now()) || session->failed;
    }
    const struct args *args = session->args;
    if (args->output != NULL) {
        session->failed = !session_has_data(session) || !session_output(session) || session->failed;
    }
    window_close(&window);
    return session->failed ? 1 : 0;
}
