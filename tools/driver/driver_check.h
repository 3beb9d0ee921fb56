/* driver_check.h: assertions that stay on in every build.
 *
 * They guard the driver's own invariants only. What a user types, what a file holds and what the
 * kernel answers is checked and told, never asserted. */
#ifndef DRIVER_CHECK_H
#define DRIVER_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define DRIVER_ASSERT(condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "lsm-driver: %s:%d: assertion failed: %s\n", __FILE__, __LINE__, \
                          #condition);                                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
