#include "signals.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "driver_check.h"

_Atomic bool driver_interrupted;

static void on_signal(int number) {
    if (atomic_exchange(&driver_interrupted, true)) {
        _exit(128 + number);
    }
}

void driver_signals_install(void) {
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            int opened = open("/dev/null", O_RDWR);
            DRIVER_ASSERT(opened < 0 || opened == fd);
        }
    }
    struct sigaction action;
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGXFSZ, &action, NULL); /* a file at its limit is an error like any other */
    (void)sigaction(SIGTTIN, &action, NULL);
    (void)sigaction(SIGTTOU, &action, NULL);
    /* Without SA_RESTART: a main thread that waits for a slow terminal wakes up. */
    action.sa_handler = on_signal;
    static const int handled[] = {SIGINT, SIGTERM, SIGHUP};
    for (unsigned i = 0; i < sizeof handled / sizeof handled[0]; i++) {
        struct sigaction old;
        /* nohup and a shell's background jobs have them ignored, and mean it. */
        if (sigaction(handled[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            (void)sigaction(handled[i], &action, NULL);
        }
    }
}
