/* ls.h: the parts of lsm-ls. One thread; output goes to the given stream. Functions that return int
 * return the program's exit code: 0 fine, 1 something failed. */
#ifndef LS_LS_H
#define LS_LS_H

#include <stdio.h>

#include "scope.h"

/* Why a segment could not be read, in words: `text` is filled. */
void ls_reason(const struct scope_listing *listing, char *text, size_t size);
/* The word for its state: live, stalled, closed, crashed, copy, damaged, foreign, ... */
const char *ls_state(const struct scope_listing *listing);

/* `width` columns at most, 0 for no limit. */
void ls_table(FILE *out, const struct scope_listing *list, size_t count, size_t width);
void ls_json(FILE *out, const struct scope_listing *list, size_t count);
/* Removes what is closed or crashed, and says so. */
int ls_clean(FILE *out, const struct scope_listing *list, size_t count);

#endif
