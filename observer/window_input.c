/* window_input.c: keys and mouse, as view_keys tells them. Letters go by key, symbols by the text
 * they type, so that + and ? work on every keyboard layout. */
#include "obs_check.h"
#include "window.h"

static const double ZOOM_STEP = 0.8;   /* of the span, per wheel click or key */
static const double PAN_STEP = 0.1;    /* of the width, per key */
static const double WHEEL_PAN_PX = 60; /* per click of a sideways wheel */

/* Zooming by key aims at the pointer, else at the newest data when following, else at the middle.
 */
static void zoom(struct window *window, double factor) {
    struct view *view = &window->session->view;
    double width = canvas_width(window->canvas);
    double x = view->cursor_x >= 0 ? view->cursor_x : view->follow ? width : width / 2;
    view_zoom(view, window->canvas, x, factor);
}

static void pan(struct window *window, double dx) {
    view_pan(&window->session->view, window->canvas, dx);
}

static void choose(struct window *window, int index) {
    struct view *view = &window->session->view;
    if (index >= 0 && index < view->choice_count) {
        view->choice_selected = index;
        source_choose(window->session->source, index);
        window->session->first_poll_s = window->session->next_poll_s = 0;
    }
}

static void choice_move(struct view *view, int by) {
    if (view->choice_count > 0) {
        int count = view->choice_count;
        view->choice_selected = (view->choice_selected + by + count) % count;
    }
}

static void on_key(struct window *window, SDL_Keycode key) {
    struct view *view = &window->session->view;
    double step = canvas_width(window->canvas) * PAN_STEP;
    switch (key) {
    case SDLK_SPACE:
        view->paused = !view->paused;
        break;
    case SDLK_f:
    case SDLK_HOME:
        view_fit(view);
        break;
    case SDLK_l:
    case SDLK_END:
        view_follow(view);
        break;
    case SDLK_LEFT:
        pan(window, step);
        break;
    case SDLK_RIGHT:
        pan(window, -step);
        break;
    case SDLK_UP:
        choice_move(view, -1);
        break;
    case SDLK_DOWN:
        choice_move(view, 1);
        break;
    case SDLK_RETURN:
    case SDLK_KP_ENTER:
        choose(window, view->choice_selected);
        break;
    case SDLK_s:
        window_screenshot(window);
        break;
    case SDLK_v:
        window_video_toggle(window);
        break;
    case SDLK_t:
        view->theme = view->theme == THEME_DARK ? THEME_LIGHT : THEME_DARK;
        break;
    case SDLK_h:
    case SDLK_F1:
        view->help = !view->help;
        break;
    case SDLK_ESCAPE:
        window->quit = !view->help;
        view->help = false;
        break;
    case SDLK_q:
        window->quit = true;
        break;
    default:
        return;
    }
    window->dirty = true;
}

static void on_text(struct window *window, const char *text) {
    struct view *view = &window->session->view;
    switch (text[0]) {
    case '+':
    case '=':
        zoom(window, ZOOM_STEP);
        break;
    case '-':
    case '_':
        zoom(window, 1 / ZOOM_STEP);
        break;
    case '?':
        view->help = !view->help;
        break;
    default:
        if (text[0] < '1' || text[0] > '9') {
            return;
        }
        choose(window, text[0] - '1');
    }
    window->dirty = true;
}

/* SDL's mouse units to the canvas's. */
static double logical(const struct window *window, double mouse) {
    return mouse * window->points_ratio / canvas_scale(window->canvas);
}

static void on_motion(struct window *window, const SDL_MouseMotionEvent *motion) {
    struct view *view = &window->session->view;
    view->cursor_x = logical(window, motion->x);
    view->cursor_y = logical(window, motion->y);
    if (window->dragging && motion->xrel != 0) {
        pan(window, logical(window, motion->xrel));
    }
    int over = view_choice_at(view, window->canvas, view->cursor_x, view->cursor_y);
    if (over >= 0) {
        view->choice_selected = over;
    }
    window->dirty = true;
}

static void on_button(struct window *window, const SDL_MouseButtonEvent *button) {
    if (button->button != SDL_BUTTON_LEFT) {
        return;
    }
    struct view *view = &window->session->view;
    bool down = button->state == SDL_PRESSED;
    window->dragging = false;
    if (down) {
        int over = view_choice_at(view, window->canvas, logical(window, button->x),
                                  logical(window, button->y));
        if (over >= 0) {
            choose(window, over);
        } else if (button->clicks == 2) {
            view_fit(view);
        } else {
            window->dragging = true;
        }
        window->dirty = true;
    }
    SDL_CaptureMouse(window->dragging ? SDL_TRUE : SDL_FALSE);
}

static void on_wheel(struct window *window, const SDL_MouseWheelEvent *wheel) {
    double y = (double)wheel->preciseY, x = (double)wheel->preciseX;
    if (wheel->direction == SDL_MOUSEWHEEL_FLIPPED) {
        y = -y;
        x = -x;
    }
    while (y >= 0.5 || y <= -0.5) {
        zoom(window, y > 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
        y += y > 0 ? -1 : 1;
    }
    if (x >= 0.1 || x <= -0.1) {
        pan(window, -x * WHEEL_PAN_PX);
    }
    window->dirty = true;
}

static void on_window(struct window *window, const SDL_WindowEvent *event) {
    switch (event->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        window->dirty = true;
        break;
    case SDL_WINDOWEVENT_EXPOSED:
        window->exposed = true;
        break;
    case SDL_WINDOWEVENT_MINIMIZED:
    case SDL_WINDOWEVENT_HIDDEN:
        window->hidden = true;
        break;
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_MAXIMIZED:
        window->hidden = false;
        window->dirty = true;
        break;
    case SDL_WINDOWEVENT_LEAVE:
        window->session->view.cursor_x = window->session->view.cursor_y = -1;
        window->dirty = true;
        break;
    case SDL_WINDOWEVENT_CLOSE:
        window->quit = true;
        break;
    default:
        break;
    }
}

void window_event(struct window *window, const SDL_Event *event) {
    OBS_ASSERT(window != NULL && event != NULL);
    switch (event->type) {
    case SDL_QUIT:
        window->quit = true;
        break;
    case SDL_KEYDOWN:
        /* Shortcuts of the desktop are none of ours. */
        if ((event->key.keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI)) == 0) {
            on_key(window, event->key.keysym.sym);
        }
        break;
    case SDL_TEXTINPUT:
        on_text(window, event->text.text);
        break;
    case SDL_MOUSEMOTION:
        on_motion(window, &event->motion);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        on_button(window, &event->button);
        break;
    case SDL_MOUSEWHEEL:
        on_wheel(window, &event->wheel);
        break;
    case SDL_WINDOWEVENT:
        on_window(window, &event->window);
        break;
    default:
        break;
    }
}
