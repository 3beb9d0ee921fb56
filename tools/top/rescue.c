/* rescue.c: see rescue.h. */
#include "rescue.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "top_check.h"

static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGQUIT};
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]), KEPT_MAX = 64 * 1024 };

static struct {
    volatile sig_atomic_t armed;
    struct termios modes;
    bool has_modes;
    char restore[512];
    size_t restore_length;
    int own_stderr; /* the real one; -1: not taken away */
    int kept;       /* the file that stands for it */
    struct sigaction before[SIGNALS];
} rescue = {.own_stderr = -1, .kept = -1};

static void write_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n <= 0) {
            return; /* the terminal is gone: there is nothing left to restore */
        }
        bytes += n;
        length -= (size_t)n;
    }
}

/* Safe in a signal handler. */
static void stderr_back(void) {
    if (rescue.own_stderr < 0) {
        return;
    }
    (void)dup2(rescue.own_stderr, STDERR_FILENO);
    char block[1024];
    off_t at = 0;
    ssize_t n;
    while (at < KEPT_MAX && (n = pread(rescue.kept, block, sizeof(block), at)) > 0) {
        write_all(STDERR_FILENO, block, (size_t)n);
        at += n;
    }
    (void)close(rescue.own_stderr);
    (void)close(rescue.kept);
    rescue.own_stderr = rescue.kept = -1;
}

/* Safe in a signal handler. */
static void terminal_back(void) {
    if (!rescue.armed) {
        return;
    }
    rescue.armed = 0;
    write_all(STDOUT_FILENO, rescue.restore, rescue.restore_length);
    if (rescue.has_modes) {
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &rescue.modes);
    }
    stderr_back();
}

static void on_disaster(int number, siginfo_t *info, void *context) {
    (void)context;
    terminal_back();
    for (size_t i = 0; i < SIGNALS; i++) {
        if (signals[i] == number) {
            (void)sigaction(number, &rescue.before[i], NULL);
        }
    }
    if (info->si_code <= 0) { /* sent; a faulting instruction faults again by itself */
        (void)raise(number);
    }
}

void rescue_install(void) {
    struct sigaction action = {.sa_sigaction = on_disaster, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &action, &rescue.before[i]);
    }
}

void rescue_arm(const char *restore) {
    TOP_ASSERT(!rescue.armed && strlen(restore) < sizeof(rescue.restore));
    rescue.has_modes = tcgetattr(STDIN_FILENO, &rescue.modes) == 0;
    rescue.restore_length = strlen(restore);
    memcpy(rescue.restore, restore, rescue.restore_length);
    (void)fflush(stderr);
    rescue.kept = memfd_create("lsm-top-stderr", MFD_CLOEXEC);
    if (rescue.kept >= 0) {
        rescue.own_stderr = dup(STDERR_FILENO);
        if (rescue.own_stderr >= 0) {
            (void)dup2(rescue.kept, STDERR_FILENO);
        }
    }
    rescue.armed = 1;
}

void rescue_disarm(void) {
    rescue.armed = 0;
    stderr_back();
}

void rescue_exit(int status) {
    terminal_back();
    _exit(status);
}
