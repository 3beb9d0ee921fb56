/* top_check.h: assertions that are always on. They guard what only a mistake in this program can
 * break; what comes from a driver or a file is checked where it is read. */
#ifndef TOP_CHECK_H
#define TOP_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define TOP_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition);      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
