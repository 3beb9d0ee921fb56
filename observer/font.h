/* font.h: which font files to draw with, found through fontconfig.
 *
 * Threads:    any, one at a time.
 * Ownership:  the struct holds its own copies. */
#ifndef OBS_FONT_H
#define OBS_FONT_H

#include <stdbool.h>
#include <stddef.h>

#include "canvas.h"

enum { FONT_ROLES = FONT_STRONG + 1 };

struct font_files {
    char regular[1024];
    char bold[1024];
    int regular_index, bold_index; /* face within a collection file */
    char family[128];              /* as fontconfig names it, for text in an SVG */
};

/* `family` is a family name or the path of a font file; NULL means Inter, else DejaVu Sans, else
 * any sans. False when there is no usable font; `error` then says what to do. */
bool font_find(const char *family, struct font_files *files, char *error, size_t error_size);

/* Size at scale 1, in pixels, and weight of a role. */
double font_role_size(enum font_role role);
bool font_role_is_bold(enum font_role role);

#endif
