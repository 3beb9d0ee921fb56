/* obs_check.h: assertions that are always on.
 *
 * OBS_ASSERT guards what only a mistake in this program can break; bad input, damaged files and
 * failed calls are errors and are handled where they occur. */
#ifndef OBS_CHECK_H
#define OBS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define OBS_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition);      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
