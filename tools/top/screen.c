/* screen.c: see screen.h. */
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rescue.h"
#include "terminal.h"
#include "top_check.h"
#include "top_keys.h"

enum { ESCAPE_MS = 25, KEY_ESCAPE = 27, KEY_DELETE = 127, DIRECT_FROM = 0x10000 };

static struct {
    SCREEN *screen;
    bool color, color_8;
    struct grid shown; /* what was put last; no cells: nothing yet */
} screen;

/* ---- signals --------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked, hangup_asked, resize_asked, suspend_asked;

static void on_stop(int number) {
    if (stop_asked) {
        rescue_exit(1); /* asked twice: the loop hangs, perhaps in a write to a slow line */
    }
    stop_asked = 1;
    hangup_asked = number == SIGHUP;
}

static void on_change(int number) {
    if (number == SIGTSTP) {
        suspend_asked = 1;
    } else {
        resize_asked = 1; /* SIGWINCH; SIGCONT: somebody else used the terminal meanwhile */
    }
}

static void signals_install(void) {
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP}, changes[] = {SIGWINCH, SIGCONT, SIGTSTP};
    struct sigaction stop = {.sa_handler = on_stop}, change = {.sa_handler = on_change};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&stop.sa_mask);
    sigemptyset(&change.sa_mask);
    sigemptyset(&ignore.sa_mask);
    for (size_t i = 0; i < 3; i++) {
        (void)sigaction(stops[i], &stop, NULL);
        (void)sigaction(changes[i], &change, NULL);
    }
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

bool screen_stop_asked(void) {
    return stop_asked != 0;
}

bool screen_hangup_asked(void) {
    return hangup_asked != 0;
}

bool screen_resize_asked(void) {
    if (!resize_asked) {
        return false;
    }
    resize_asked = 0;
    int columns = 0, rows = 0;
    screen_size(&columns, &rows);
    (void)resizeterm(rows, columns);
    (void)clearok(curscr, TRUE);
    grid_free(&screen.shown);
    (void)erase();
    return true;
}

void screen_suspend_if_asked(void) {
    if (!suspend_asked) {
        return;
    }
    suspend_asked = 0;
    (void)endwin();
    struct sigaction usual = {.sa_handler = SIG_DFL}, ours;
    sigemptyset(&usual.sa_mask);
    (void)sigaction(SIGTSTP, &usual, &ours);
    (void)raise(SIGTSTP);
    (void)sigaction(SIGTSTP, &ours, NULL);
    resize_asked = 1; /* SIGCONT says the same; the first refresh takes the terminal back */
}

/* ---- opening --------------------------------------------------------------------------------- */

static void colors_open(enum hues_theme theme) {
    if (!has_colors() || start_color() != OK || use_default_colors() != OK) {
        screen.color = false;
        return;
    }
    screen.color_8 = COLORS < 16;
    for (int i = 0; i < HUES; i++) {
        enum hue hue = (enum hue)i;
        int color = COLORS >= DIRECT_FROM ? (int)hues_rgb(hue, theme)
                    : COLORS >= 256       ? hues_of_256(hue, theme)
                    : COLORS >= 16        ? hues_of_16(hue, theme)
                                          : hues_of_16(hue, theme) % 8;
        /* The text is the terminal's own: it suits its background. */
        (void)init_extended_pair(i + 1, hue == HUE_TEXT ? -1 : color, -1);
    }
}

bool screen_open(bool color, enum hues_theme theme, char *error, size_t error_size) {
    TOP_ASSERT(screen.screen == NULL);
    struct terminal terminal;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        snprintf(error, error_size, "this is not a terminal: use --once for a frame as text");
        return false;
    }
    if (!terminal_find(color, &terminal, error, error_size)) {
        return false;
    }
    rescue_arm(terminal.restore);
    signals_install();
    screen.screen = newterm(terminal.kind, stdout, stdin);
    if (screen.screen == NULL) {
        rescue_disarm();
        snprintf(error, error_size, "the terminal cannot be used");
        return false;
    }
    screen.color = color;
    (void)set_escdelay(ESCAPE_MS);
    (void)cbreak();
    (void)noecho();
    (void)nonl();
    (void)curs_set(0);
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)leaveok(stdscr, TRUE);
    if (color) {
        colors_open(theme);
    }
    return true;
}

void screen_close(void) {
    if (screen.screen == NULL) {
        return;
    }
    (void)erase(); /* where there is no second screen to leave, nothing stays behind */
    (void)refresh();
    (void)endwin();
    delscreen(screen.screen);
    screen.screen = NULL;
    grid_free(&screen.shown);
    rescue_disarm();
}

void screen_size(int *columns, int *rows) {
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    *columns = known ? size.ws_col : getmaxx(stdscr);
    *rows = known ? size.ws_row : getmaxy(stdscr);
    *columns = *columns > 0 ? *columns : 1;
    *rows = *rows > 0 ? *rows : 1;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static attr_t attributes(style_bits style) {
    enum hue hue = (enum hue)(style & STYLE_HUE);
    attr_t set = (style & STYLE_BOLD) != 0 ? A_BOLD : A_NORMAL;
    set |= (style & STYLE_REVERSE) != 0 ? A_REVERSE : A_NORMAL;
    if (!screen.color) {
        set |= hue == HUE_DIM || hue == HUE_FAINT ? A_DIM : A_NORMAL;
        set |= hue == HUE_STALL ? A_BOLD : A_NORMAL;
    } else if (screen.color_8 && hues_of_16(hue, HUES_DARK) >= 8) {
        set |= A_BOLD; /* how eight colours become sixteen */
    }
    return set;
}

static void put_cell(int x, int y, const struct grid_cell *cell) {
    wchar_t text[2] = {(wchar_t)cell->glyph, L'\0'};
    cchar_t character;
    int pair = screen.color ? (int)(cell->style & STYLE_HUE) + 1 : 0;
    if (setcchar(&character, text, attributes(cell->style), (short)pair, NULL) == OK) {
        (void)mvadd_wch(y, x, &character);
    }
}

void screen_put(const struct grid *grid) {
    TOP_ASSERT(screen.screen != NULL);
    bool same = screen.shown.cell != NULL && screen.shown.columns == grid->columns &&
                screen.shown.rows == grid->rows;
    for (int y = 0; y < grid->rows; y++) {
        for (int x = 0; x < grid->columns; x++) {
            const struct grid_cell *cell = grid_at(grid, x, y);
            const struct grid_cell *before = same ? grid_at(&screen.shown, x, y) : NULL;
            bool equal =
                before != NULL && before->glyph == cell->glyph && before->style == cell->style;
            if (cell->glyph != 0 && !equal) {
                put_cell(x, y, cell);
            }
        }
    }
    (void)refresh();
    if (same || grid_resize(&screen.shown, grid->columns, grid->rows)) {
        memcpy(screen.shown.cell, grid->cell,
               (size_t)grid->columns * (size_t)grid->rows * sizeof(*grid->cell));
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

bool screen_wait(double seconds) {
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    int ms = seconds <= 0.0 ? 0 : (int)ceil(fmin(seconds, 3600.0) * 1e3);
    if (stop_asked || resize_asked || suspend_asked) {
        return true;
    }
    int ready = poll(&terminal, 1, ms);
    if (ready <= 0) {
        return ready == 0 || errno == EINTR;
    }
    if ((terminal.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
        return false;
    }
    int waiting = 0; /* readable, but nothing there: its other end is closed */
    return ioctl(STDIN_FILENO, FIONREAD, &waiting) == 0 && waiting > 0;
}

int screen_key(void) {
    static const struct {
        int from, to;
    } table[] = {
        {KEY_LEFT, TOP_KEY_LEFT},
        {KEY_RIGHT, TOP_KEY_RIGHT},
        {KEY_UP, TOP_KEY_UP},
        {KEY_DOWN, TOP_KEY_DOWN},
        {KEY_PPAGE, TOP_KEY_PAGE_UP},
        {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
        {KEY_HOME, TOP_KEY_HOME},
        {KEY_END, TOP_KEY_END},
        {KEY_BTAB, TOP_KEY_BACK_TAB},
        {KEY_ENTER, TOP_KEY_ENTER},
        {'\r', TOP_KEY_ENTER},
        {'\n', TOP_KEY_ENTER},
        {KEY_ESCAPE, TOP_KEY_ESCAPE},
        {KEY_BACKSPACE, TOP_KEY_BACKSPACE},
        {KEY_DELETE, TOP_KEY_BACKSPACE},
        {'\b', TOP_KEY_BACKSPACE},
        {KEY_F(1), TOP_KEY_F1},
    };
    int key = getch();
    if (key == ERR) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].from == key) {
            return table[i].to;
        }
    }
    return key >= KEY_MIN ? 0 : key; /* 0: a key that means nothing here */
}
