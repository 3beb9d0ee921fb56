/* main.c: lsm-driver runs the engine under a workload and publishes what happens inside it. */
#include <stdio.h>

#include "driver_args.h"
#include "lsm.h"
#include "prepare.h"
#include "run.h"
#include "signals.h"

int main(int argc, char **argv) {
    struct driver_args args;
    char error[256];
    driver_signals_install();
    if (lsm_sigbus_guard() != 0) {
        (void)fprintf(stderr, "lsm-driver: no guard against table files cut short: continuing\n");
    }
    if (!driver_args_parse(argc, argv, &args, error)) {
        (void)fprintf(stderr, "lsm-driver: %s\n", error);
        return DRIVER_USAGE;
    }
    if (args.help) {
        driver_args_help(stdout);
        return fflush(stdout) == 0 ? DRIVER_OK : DRIVER_FAILED;
    }
    if (args.version) {
        (void)printf("lsm-driver %s\n", LSM_VERSION);
        return fflush(stdout) == 0 ? DRIVER_OK : DRIVER_FAILED;
    }
    return driver_run(&args);
}
