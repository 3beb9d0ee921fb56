/* check.h: assertions, always on. They guard the library's own invariants, never what a caller or a
 * disk gave: those are errors. */
#ifndef LSM_CHECK_H
#define LSM_CHECK_H

#include <stdio.h>
#include <stdlib.h>

static inline void lsm_assert_failed(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: lsm invariant broken: %s\n", file, line, what);
    abort();
}

#define LSM_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            lsm_assert_failed(#condition, __FILE__, __LINE__);                                     \
        }                                                                                          \
    } while (0)

#endif
