#include "console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "driver_check.h"

enum { COLUMNS_MAX = 400, PATIENCE_MS = 200 };

void driver_console_init(struct driver_console *console, bool quiet) {
    const char *term = getenv("TERM");
    bool capable = term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
    *console = (struct driver_console){
        .fd = STDOUT_FILENO, .terminal = isatty(STDOUT_FILENO) == 1 && capable, .quiet = quiet};
}

static void emit(struct driver_console *console, const char *text, size_t size) {
    while (size > 0 && !console->dead) {
        ssize_t n = write(console->fd, text, size);
        if (n > 0) {
            DRIVER_ASSERT((size_t)n <= size);
            text += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            /* Someone else made this stdout non-blocking: wait a little, then drop the text. */
            struct pollfd p = {.fd = console->fd, .events = POLLOUT};
            if (poll(&p, 1, PATIENCE_MS) <= 0) {
                return;
            }
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            console->dead = true;
        }
    }
}

static void erase(struct driver_console *console) {
    if (console->drawn) {
        emit(console, "\r\033[K", 4);
        console->drawn = false;
    }
}

void driver_console_text(struct driver_console *console, const char *text) {
    erase(console);
    emit(console, text, strlen(text));
}

void driver_console_line(struct driver_console *console, const char *text) {
    if (console->quiet) {
        return;
    }
    char line[512];
    int n = snprintf(line, sizeof line, "%.500s\n", text);
    DRIVER_ASSERT(n > 0 && (size_t)n < sizeof line);
    erase(console);
    emit(console, line, (size_t)n);
}

static size_t columns(const struct driver_console *console) {
    struct winsize size;
    if (ioctl(console->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
        return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
    }
    return 80;
}

void driver_console_progress(struct driver_console *console, const char *text) {
    if (!console->terminal) {
        driver_console_line(console, text);
        return;
    }
    if (console->quiet) {
        return;
    }
    /* One column short of the width: a full line would wrap, and could not be redrawn. */
    char line[COLUMNS_MAX + 16];
    int n = snprintf(line, sizeof line, "\r\033[K%.*s", (int)columns(console) - 1, text);
    DRIVER_ASSERT(n > 0 && (size_t)n < sizeof line);
    emit(console, line, (size_t)n);
    console->drawn = true;
}
