/* scope_check.h: assertions that stay in every build. For what only a bug in this program can
 * break: bad arguments and bad segments are errors, never assertions. Any thread. */
#ifndef SCOPE_CHECK_H
#define SCOPE_CHECK_H

_Noreturn void scope_assert_failed(const char *condition, const char *file, int line);

#define SCOPE_ASSERT(condition)                                                                    \
    ((condition) ? (void)0 : scope_assert_failed(#condition, __FILE__, __LINE__))

#endif
