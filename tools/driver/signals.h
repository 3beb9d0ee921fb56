/* signals.h: Ctrl-C and SIGTERM end the run with its summary, a second one ends it at once.
 *
 * Threads:    install once, in main, before any other thread. */
#ifndef DRIVER_SIGNALS_H
#define DRIVER_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>

/* True once the first signal came. Anyone may poll it. */
extern _Atomic bool driver_interrupted;

/* Handles INT, TERM and HUP; ignores PIPE, TTIN and TTOU (see markers.c). Also opens /dev/null for
 * each of the descriptors 0 to 2 that is closed, or a database file would get its number. */
void driver_signals_install(void);

#endif
