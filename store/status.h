/* status.h: a failure with its reason, passed up from where it happened.
 *
 * Every internal function that can fail takes a `struct lsm_fault *` last, never NULL, and returns
 * its code; the words name file and offset. lsm_fail is `return lsm_fail(fault, LSM_ERR_CORRUPT,
 * "%s: ...", name);` */
#ifndef LSM_STATUS_H
#define LSM_STATUS_H

#include "lsm.h"

struct lsm_fault {
    int code;
    char text[256];
};

/* Nothing has failed yet. Instead of zeros all over, which a get can tell. */
static inline void lsm_fault_none(struct lsm_fault *fault) {
    fault->code = 0;
    fault->text[0] = '\0';
}

__attribute__((format(printf, 3, 4))) int lsm_fail(struct lsm_fault *fault, int code,
                                                   const char *format, ...);
/* The code for a negative errno of a file operation (ENOSPC, EDQUOT: NO_SPACE; ENOMEM: MEMORY; else
 * IO), with what was tried and on which file. */
int lsm_fail_errno(struct lsm_fault *fault, int negative_errno, const char *what, const char *path);

#endif
