/* window_input.c: keys and mouse, as view_keys tells them. Letters go by key, symbols by the text
 * they type, so that + and ? work on every keyboard layout. */
#include "latency_series.h"
#include "obs_check.h"
#include "session_mark.h"
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

/* ---- keys ------------------------------------------------------------------------------------ */

/* A marker goes to where the first run's times are its own. */
static void mark(struct window *window) {
    struct view *view = &window->session->view;
    session_mark(window->session, view->prompt_s, view->prompt);
    view->prompting = false;
}

static void event_step(struct window *window, int by) {
    if (!view_event_step(&window->session->view, by)) {
        session_toast(window->session, steady_now(), "no stall, marker or error %s",
                      by > 0 ? "after this" : "before this");
    }
}

static void compare_toggle(struct window *window) {
    struct view *view = &window->session->view;
    if (view->others == 0) {
        session_toast(window->session, steady_now(),
                      "one run only: name two to compare them, as in lsm-observer a.lsr b.lsr");
        return;
    }
    view->side_by_side = !view->side_by_side;
}

static void presenter_toggle(struct view *view) {
    view->layout = view->layout == VIEW_PRESENTER ? VIEW_OVERVIEW : VIEW_PRESENTER;
}

static void command_toggle(struct window *window) {
    struct view *view = &window->session->view;
    view->show_command = !view->show_command;
    if (view->status.command[0] == '\0') {
        session_toast(window->session, steady_now(), "this source does not know its command line");
    }
}

/* Keys that move through time. False: not one of them. */
static bool on_time_key(struct window *window, SDL_Keycode key, bool shift) {
    struct view *view = &window->session->view;
    double step = canvas_width(window->canvas) * PAN_STEP;
    switch (key) {
    case SDLK_SPACE:
        view->paused = !view->paused;
        return true;
    case SDLK_HOME:
        view_fit(view);
        return true;
    case SDLK_l:
    case SDLK_END:
        view->cursor_fixed = false;
        view_follow(view);
        return true;
    case SDLK_LEFT:
        shift ? view_cursor_step(view, -1) : pan(window, step);
        return true;
    case SDLK_RIGHT:
        shift ? view_cursor_step(view, 1) : pan(window, -step);
        return true;
    default:
        return false;
    }
}

/* Keys that change what is shown, and how. */
static bool on_show_key(struct window *window, SDL_Keycode key, bool shift) {
    struct view *view = &window->session->view;
    switch (key) {
    case SDLK_TAB:
        view_solo_step(view, shift ? -1 : 1);
        return true;
    case SDLK_o:
        view->layout = view->layout == VIEW_OVERVIEW ? VIEW_STACK : VIEW_OVERVIEW;
        return true;
    case SDLK_p:
        presenter_toggle(view);
        return true;
    case SDLK_c:
        compare_toggle(window);
        return true;
    case SDLK_i:
        view->explain = !view->explain;
        return true;
    case SDLK_k:
        view->latency_kind = latency_kind_next(view->history, view->latency_kind);
        return true;
    case SDLK_d:
        command_toggle(window);
        return true;
    case SDLK_t:
        view->theme = view->theme == THEME_DARK ? THEME_LIGHT : THEME_DARK;
        return true;
    case SDLK_h:
    case SDLK_F1:
        view->help = !view->help;
        return true;
    default:
        return false;
    }
}

static void on_key(struct window *window, SDL_Keycode key, bool shift) {
    struct view *view = &window->session->view;
    window->dirty = true;
    if (on_time_key(window, key, shift) || on_show_key(window, key, shift)) {
        return;
    }
    switch (key) {
    case SDLK_f:
        shift ? window_fullscreen_toggle(window) : view_fit(view);
        break;
    case SDLK_F11:
        window_fullscreen_toggle(window);
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
    case SDLK_r:
        session_recording_toggle(window->session, steady_now());
        break;
    case SDLK_ESCAPE:
        if (!view_back(view)) {
            window->quit = !window_fullscreen_leave(window);
        }
        break;
    case SDLK_q:
        window->quit = true;
        break;
    default:
        break;
    }
}

/* While a name is typed every letter belongs to it. */
static void on_prompt_key(struct window *window, SDL_Keycode key) {
    struct view *view = &window->session->view;
    window->dirty = true;
    if (key == SDLK_RETURN || key == SDLK_KP_ENTER) {
        mark(window);
    } else if (key == SDLK_ESCAPE) {
        view->prompting = false;
    } else if (key == SDLK_BACKSPACE) {
        view_prompt_rub(view);
    }
}

static void on_digit(struct window *window, int index) {
    struct view *view = &window->session->view;
    if (view->choice_count > 0) {
        choose(window, index);
    } else {
        view_solo(view, index);
    }
}

static void on_text(struct window *window, const char *text) {
    struct view *view = &window->session->view;
    window->dirty = true;
    if (view->prompting) {
        view_prompt_type(view, text);
        return;
    }
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
    case ',':
        view_cursor_step(view, -1);
        break;
    case '.':
        view_cursor_step(view, 1);
        break;
    case '[':
        event_step(window, -1);
        break;
    case ']':
        event_step(window, 1);
        break;
    case 'm': /* by what it types: its own letter must not become the name's first */
    case 'M':
        if (session_has_data(window->session)) {
            view_prompt_begin(view);
        }
        break;
    default:
        if (text[0] >= '1' && text[0] <= '9') {
            on_digit(window, text[0] - '1');
        }
    }
}

/* ---- the mouse ------------------------------------------------------------------------------- */

/* SDL's mouse units to the canvas's. */
static double logical(const struct window *window, double mouse) {
    return mouse * window->points_ratio / canvas_scale(window->canvas);
}

static void on_motion(struct window *window, const SDL_MouseMotionEvent *motion) {
    struct view *view = &window->session->view;
    view_pointer(view, logical(window, motion->x), logical(window, motion->y));
    if (view->grab != VIEW_GRAB_NONE) {
        view_minimap_drag(view, view->cursor_x);
    } else if (window->dragging && motion->xrel != 0) {
        pan(window, logical(window, motion->xrel));
    }
    int over = view_choice_at(view, window->canvas, view->cursor_x, view->cursor_y);
    if (over >= 0) {
        view->choice_selected = over;
    }
    window->dirty = true;
}

/* A choice, a title, the mini-map, or the plots, which are dragged. */
static void on_press(struct window *window, double x, double y, int clicks) {
    struct view *view = &window->session->view;
    int choice = view_choice_at(view, window->canvas, x, y), title = view_title_at(view, x, y);
    if (choice >= 0) {
        choose(window, choice);
    } else if (title >= 0) {
        view_solo(view, title);
    } else if (view_minimap_press(view, x, y)) {
        view_minimap_drag(view, x);
    } else if (clicks == 2) {
        view_fit(view);
    } else {
        window->dragging = true;
    }
}

static void on_button(struct window *window, const SDL_MouseButtonEvent *button) {
    if (button->button != SDL_BUTTON_LEFT) {
        return;
    }
    struct view *view = &window->session->view;
    window->dragging = false;
    view->grab = VIEW_GRAB_NONE;
    if (button->state == SDL_PRESSED) {
        on_press(window, logical(window, button->x), logical(window, button->y), button->clicks);
    }
    window->dirty = true;
    bool held = window->dragging || view->grab != VIEW_GRAB_NONE;
    SDL_CaptureMouse(held ? SDL_TRUE : SDL_FALSE);
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
        view_pointer(&window->session->view, -1, -1);
        window->dirty = true;
        break;
    case SDL_WINDOWEVENT_CLOSE:
        window->quit = true;
        break;
    default:
        break;
    }
}

static void on_any_key(struct window *window, const SDL_Keysym *keysym) {
    if (window->session->view.prompting) {
        on_prompt_key(window, keysym->sym);
    } else {
        on_key(window, keysym->sym, (keysym->mod & KMOD_SHIFT) != 0);
    }
}

void window_event(struct window *window, const SDL_Event *event) {
    OBS_ASSERT(window != NULL && event != NULL);
    window->asked = window->asked || event->type == SDL_KEYDOWN || event->type == SDL_TEXTINPUT ||
                    event->type == SDL_MOUSEBUTTONDOWN || event->type == SDL_MOUSEBUTTONUP ||
                    event->type == SDL_MOUSEWHEEL;
    switch (event->type) {
    case SDL_QUIT:
        window->quit = true;
        break;
    case SDL_KEYDOWN:
        /* Shortcuts of the desktop are none of ours. */
        if ((event->key.keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI)) == 0) {
            on_any_key(window, &event->key.keysym);
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
