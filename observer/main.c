/* main.c: lsm-observer: the command line, then one of three loops. */
#include <locale.h>
#include <stdio.h>

#include <fontconfig/fontconfig.h>

#include "args.h"
#include "scope.h"
#include "session.h"
#include "stop.h"

/* A finished file with something to write needs no window; nor does a lone picture of a live run.
 * A video of a live run is made beside the window, if there is a display. */
static int run(struct session *session) {
    const struct args *args = session->args;
    bool output = args->output != NULL || args->save_video != NULL || args->record != NULL;
    bool snapshot = args->output != NULL && args->save_video == NULL && args->duration_s <= 0;
    if (session_static(session) && (output || args->headless)) {
        return run_offline(session);
    }
    if (args->headless || snapshot) {
        return run_headless(session);
    }
    char error[256] = "";
    if (window_possible(error, sizeof(error))) {
        return run_window(session);
    }
    if (output) {
        return run_headless(session);
    }
    fprintf(stderr, "lsm-observer: %s\n", error);
    return 1;
}

int main(int argc, char **argv) {
    struct args args;
    char error[512] = "";
    switch (args_parse(argc, argv, &args, error)) {
    case ARGS_HELP:
        args_help(stdout);
        return 0;
    case ARGS_VERSION:
        args_version(stdout);
        return 0;
    case ARGS_WRONG:
        fprintf(stderr, "lsm-observer: %s\n", error);
        return 2;
    case ARGS_RUN:
        break;
    }
    (void)setlocale(LC_CTYPE, ""); /* may the terminal's progress bar be drawn in blocks? */
    stop_install();
    if (scope_sigbus_guard() != SCOPE_OK) {
        fprintf(stderr, "lsm-observer: no guard against damaged segments: continuing\n");
    }
    scope_viewer_yield();
    struct session session;
    if (!session_open(&session, &args, error, sizeof(error))) {
        if (error[0] != '\0') {
            fprintf(stderr, "lsm-observer: %s\n", error);
        }
        return 1;
    }
    int status = run(&session);
    status = session_recording_end(&session, steady_now()) ? status : 1;
    session_close(&session);
    FcFini(); /* what it caches would look like a leak */
    return status;
}
