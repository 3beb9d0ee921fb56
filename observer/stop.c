/* stop.c: see stop.h. */
#include <signal.h>
#include <unistd.h>

#include "stop.h"

static volatile sig_atomic_t requests;

static void on_signal(int number) {
    (void)number;
    if (requests > 0) {
        static const char text[] = "\nlsm-observer: ended at once\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)ignored;
        _exit(1);
    }
    requests = 1;
}

void stop_install(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a file at its limit is an error like any other */
}

bool stop_requested(void) {
    return requests > 0;
}
