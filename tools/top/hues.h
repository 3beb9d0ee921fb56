/* hues.h: what the hues look like: exact where the terminal shows exact colours, the nearest of 256
 * or of 16 otherwise. One meaning per colour, the same as in the window of lsm-observer.
 *
 * Threads:    any; no state. */
#ifndef TOP_HUES_H
#define TOP_HUES_H

#include <stdint.h>

#include "grid.h"

enum hues_theme { HUES_DARK, HUES_LIGHT };

uint32_t hues_rgb(enum hue hue, enum hues_theme theme);    /* 0xRRGGBB */
int hues_of_256(enum hue hue, enum hues_theme theme);      /* 16..255 */
int hues_of_16(enum hue hue, enum hues_theme theme);       /* 0..15; -1 the terminal's own */
enum hues_theme hues_guess_theme(const char *color_fg_bg); /* COLORFGBG, or NULL: dark */

#endif
