/* screen.h: the terminal, by way of ncurses: a grid onto it, keys from it.
 *
 * Opening takes the terminal over and arms rescue.h; nothing else may write to it meanwhile.
 * Signals set flags that the loop asks for: nothing happens behind its back.
 *
 * Threads:    one thread, one screen. */
#ifndef TOP_SCREEN_H
#define TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "grid.h"
#include "hues.h"

/* False, and why in `error`: not a terminal, an unknown kind, one that cannot place its cursor. */
bool screen_open(bool color, enum hues_theme theme, char *error, size_t error_size);
void screen_close(void);
void screen_size(int *columns, int *rows);
/* Puts what differs from what is shown. */
void screen_put(const struct grid *grid);
/* Waits for a key or a signal, at most `seconds`. Returns false when the terminal is gone. */
bool screen_wait(double seconds);
/* The next key: a character or an enum top_key; -1: none is waiting. */
int screen_key(void);

/* Since they were last asked for: */
bool screen_stop_asked(void);       /* SIGINT, SIGTERM, SIGHUP */
bool screen_hangup_asked(void);     /* SIGHUP among them */
bool screen_resize_asked(void);     /* the size changed, or the picture was lost */
void screen_suspend_if_asked(void); /* Ctrl-Z: stops here, and goes on here */

#endif
