/* run.h: one run, from checking what was asked to the summary.
 *
 * Threads:    called once from main. Returns the exit status (see prepare.h); errors are told on
 *             stderr, one line each, beginning with "lsm-driver: ". */
#ifndef DRIVER_RUN_H
#define DRIVER_RUN_H

#include "driver_args.h"

int driver_run(const struct driver_args *args);

#endif
