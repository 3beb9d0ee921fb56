/* error.c: error codes in words, and the detail that says which file and why. */
#include "scope.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scope_check.h"
#include "segment.h"

const char *scope_strerror(int code) {
    switch (code) {
    case SCOPE_OK:
        return "success";
    case SCOPE_ERR_ARGUMENT:
        return "argument out of range";
    case SCOPE_ERR_NOT_FOUND:
        return "no such segment";
    case SCOPE_ERR_IN_USE:
        return "the name is in use by a live writer";
    case SCOPE_ERR_NOT_A_SEGMENT:
        return "not a segment, or a damaged one";
    case SCOPE_ERR_VERSION:
        return "made by an incompatible version";
    case SCOPE_ERR_PERMISSION:
        return "belongs to another user";
    case SCOPE_ERR_NO_SPACE:
        return "no space left in /dev/shm";
    case SCOPE_ERR_SYSTEM:
        return "a system call failed";
    case SCOPE_ERR_MEMORY:
        return "out of memory";
    case SCOPE_ERR_DAMAGED:
        return "the file was cut short while in use";
    case SCOPE_ERR_FORKED:
        return "the handle belongs to the parent process";
    default:
        return "unknown error";
    }
}

int scope_fail(struct scope_error_detail *error, int code, const char *format, ...) {
    SCOPE_ASSERT(code < 0);
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return code;
}

int scope_fail_errno(struct scope_error_detail *error, const char *what, const char *path,
                     int number) {
    int code = SCOPE_ERR_SYSTEM;
    if (number == ENOENT) {
        code = SCOPE_ERR_NOT_FOUND;
    } else if (number == EACCES || number == EPERM) {
        code = SCOPE_ERR_PERMISSION;
    } else if (number == ENOSPC || number == EDQUOT) {
        code = SCOPE_ERR_NO_SPACE;
    } else if (number == ENOMEM) {
        code = SCOPE_ERR_MEMORY;
    }
    char words[96];
    return scope_fail(error, code, "%s: %s: %s", path, what,
                      strerror_r(number, words, sizeof(words)));
}

_Noreturn void scope_assert_failed(const char *condition, const char *file, int line) {
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
