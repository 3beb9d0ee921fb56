/* terminal.h: what the terminal database knows of the terminal at hand.
 *
 * Threads:    one thread, before the screen is opened. */
#ifndef TOP_TERMINAL_H
#define TOP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum { TERMINAL_KIND = 80, TERMINAL_RESTORE = 512 };

struct terminal {
    char kind[TERMINAL_KIND];       /* as newterm takes it */
    char restore[TERMINAL_RESTORE]; /* what undoes all that a full-screen program does */
};

/* Where the environment promises exact colours (COLORTERM) and the database has a twin of this
 * terminal that shows them, the kind is that twin. False, and why in `error`, when the kind is
 * unknown or cannot place its cursor. */
bool terminal_find(bool color, struct terminal *terminal, char *error, size_t error_size);

#endif
