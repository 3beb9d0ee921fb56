/* main.c: lsm-top: the command line, then the full screen or a single frame. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "rescue.h"
#include "run.h"
#include "scope.h"

int main(int argc, char **argv) {
    struct top_args args;
    char error[512] = "";
    switch (top_args_parse(argc, argv, &args, error)) {
    case TOP_ARGS_HELP:
        top_args_help(stdout);
        return 0;
    case TOP_ARGS_VERSION:
        printf("lsm-top %s\n", SCOPE_VERSION);
        return 0;
    case TOP_ARGS_WRONG:
        fprintf(stderr, "lsm-top: %s\n", error);
        return 2;
    case TOP_ARGS_RUN:
        break;
    }
    /* Characters as the terminal has them; numbers as everywhere. */
    bool utf8 = setlocale(LC_CTYPE, "") != NULL && strcasecmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!args.once && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        fprintf(stderr, "lsm-top: this is not a terminal: use --once for a frame as text\n");
        return 1;
    }
    rescue_install();
    if (scope_sigbus_guard() != SCOPE_OK) {
        fprintf(stderr, "lsm-top: no guard against damaged segments: continuing\n");
    }
    scope_viewer_yield();
    struct run run;
    if (!run_open(&run, &args, error, sizeof(error))) {
        fprintf(stderr, "lsm-top: %s\n", error);
        return 1;
    }
    run.grid.ascii = args.ascii || !utf8;
    int status = args.once ? once_run(&run) : live_run(&run);
    run_close(&run);
    return status;
}
