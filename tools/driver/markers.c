#include "markers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver_check.h"

enum { AGAIN_MS = 100 }; /* how often a file is looked at for more */

int driver_markers_open(struct driver_markers *m, const char *from) {
    *m = (struct driver_markers){.fd = -1, .wake = {-1, -1}};
    if (from == NULL) {
        m->fd = isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : -1;
        return 0;
    }
    if (strcmp(from, "-") == 0) {
        m->fd = STDIN_FILENO;
        return 0;
    }
    struct stat st;
    if (stat(from, &st) != 0) {
        return errno;
    }
    if (S_ISDIR(st.st_mode)) {
        return EISDIR;
    }
    /* A FIFO opened for both directions never reports its end, however writers come and go. */
    int access = S_ISFIFO(st.st_mode) ? O_RDWR : O_RDONLY;
    m->fd = open(from, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (m->fd < 0) {
        return errno;
    }
    m->owned = true;
    return 0;
}

static void finish_line(struct driver_markers *m) {
    DRIVER_ASSERT(m->used <= DRIVER_MARKER_MAX);
    size_t end = m->used;
    size_t begin = 0;
    while (end > 0 && m->line[end - 1] == ' ') {
        end--;
    }
    while (begin < end && m->line[begin] == ' ') {
        begin++;
    }
    m->line[end] = '\0';
    if (end > begin) {
        m->marker(m->context, m->line + begin);
    }
    m->used = 0;
}

void driver_markers_feed(struct driver_markers *m, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\n') {
            finish_line(m);
        } else if (m->used < DRIVER_MARKER_MAX) {
            m->line[m->used++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        }
    }
}

/* Waits for something to read, or for the end. False: end. */
static bool wait_input(struct driver_markers *m, int timeout_ms, bool *readable) {
    struct pollfd fds[2] = {{.fd = m->wake[0], .events = POLLIN},
                            {.fd = timeout_ms < 0 ? m->fd : -1, .events = POLLIN}};
    int n = poll(fds, 2, timeout_ms);
    *readable = n > 0 && fds[1].revents != 0;
    return fds[0].revents == 0;
}

static void *markers_main(void *context) {
    struct driver_markers *m = context;
    struct stat st;
    bool follows = fstat(m->fd, &st) == 0 && S_ISREG(st.st_mode);
    bool readable;
    while (wait_input(m, -1, &readable)) {
        char bytes[512];
        if (!readable) {
            continue;
        }
        if (isatty(m->fd) == 1 && tcgetpgrp(m->fd) != getpgrp()) {
            /* In the background: reading would stop the whole process (SIGTTIN). */
            if (!wait_input(m, AGAIN_MS, &readable)) {
                break;
            }
            continue;
        }
        ssize_t n = read(m->fd, bytes, sizeof bytes);
        if (n > 0) {
            driver_markers_feed(m, bytes, (size_t)n);
        } else if ((n == 0 && follows) || (n < 0 && (errno == EAGAIN || errno == EIO))) {
            if (!wait_input(m, AGAIN_MS, &readable)) {
                break;
            }
        } else if (n == 0 || errno != EINTR) {
            driver_markers_feed(m, "\n", 1); /* a last line without its newline */
            break;
        }
    }
    return NULL;
}

int driver_markers_start(struct driver_markers *m, void (*marker)(void *context, const char *text),
                         void *context) {
    m->marker = marker;
    m->context = context;
    if (m->fd < 0) {
        return 0;
    }
    if (pipe2(m->wake, O_CLOEXEC) != 0) {
        return errno;
    }
    int rc = pthread_create(&m->thread, NULL, markers_main, m);
    m->started = rc == 0;
    return rc;
}

void driver_markers_close(struct driver_markers *m) {
    if (m->wake[1] >= 0) {
        (void)close(m->wake[1]); /* its other end then polls as hung up */
    }
    if (m->started) {
        int rc = pthread_join(m->thread, NULL);
        DRIVER_ASSERT(rc == 0);
        m->started = false;
    }
    if (m->wake[0] >= 0) {
        (void)close(m->wake[0]);
    }
    if (m->owned && m->fd >= 0) {
        (void)close(m->fd);
    }
    m->fd = m->wake[0] = m->wake[1] = -1;
}
