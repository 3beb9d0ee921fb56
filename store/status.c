/* status.c: error codes in words, and the fault that carries the details up. */
#include "status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

const char *lsm_strerror(int code) {
    static const char *const words[] = {
        [-LSM_OK] = "success",
        [-LSM_NOT_FOUND] = "not found",
        [-LSM_ERR_ARGUMENT] = "argument out of range",
        [-LSM_ERR_IO] = "input/output error",
        [-LSM_ERR_CORRUPT] = "corrupted data",
        [-LSM_ERR_NO_SPACE] = "no space left on the device",
        [-LSM_ERR_LOCKED] = "the database is open elsewhere",
        [-LSM_ERR_READ_ONLY] = "the database is read-only after an earlier failure",
        [-LSM_ERR_MEMORY] = "out of memory",
        [-LSM_ERR_NOT_A_DB] = "the directory is not a database",
        [-LSM_ERR_VERSION] = "unknown format version",
        [-LSM_ERR_BUSY] = "busy",
        [-LSM_ERR_TIMEOUT] = "timed out",
        [-LSM_ERR_FORKED] = "the handle belongs to the parent process",
        [-LSM_ERR_UNSUPPORTED] = "not supported here",
        [-LSM_ERR_CLOSED] = "the database is being closed",
    };
    const int count = (int)(sizeof words / sizeof words[0]);
    if (code > 0 || code <= -count) {
        return "unknown error";
    }
    return words[-code];
}

int lsm_fail(struct lsm_fault *fault, int code, const char *format, ...) {
    LSM_ASSERT(fault != NULL);
    LSM_ASSERT(code < 0);
    va_list arguments;
    va_start(arguments, format);
    /* Formatted aside: the words of an earlier fault may be among the arguments. */
    char text[sizeof fault->text];
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text[0] = '\0';
    }
    fault->code = code;
    memcpy(fault->text, text, sizeof text);
    return code;
}

int lsm_fail_errno(struct lsm_fault *fault, int negative_errno, const char *what,
                   const char *path) {
    LSM_ASSERT(negative_errno < 0);
    bool no_space = negative_errno == -ENOSPC || negative_errno == -EDQUOT;
    int code = no_space                    ? LSM_ERR_NO_SPACE
               : negative_errno == -ENOMEM ? LSM_ERR_MEMORY
                                           : LSM_ERR_IO;
    char buffer[96];
    /* The GNU strerror_r: threads may fail at the same time. */
    const char *words = strerror_r(-negative_errno, buffer, sizeof buffer);
    return lsm_fail(fault, code, "%s: %s: %s", path, what, words);
}
