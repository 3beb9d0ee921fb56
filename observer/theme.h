/* theme.h: every colour of the observer, in two schemes.
 *
 * One meaning per colour everywhere. The hues were chosen so that the smallest CIELAB distance
 * between any two that must be told apart is 10 or more, also for the three kinds of colour
 * blindness; colour is never the only carrier all the same.
 *
 * Threads: any. Ownership: constant data. */
#ifndef OBS_THEME_H
#define OBS_THEME_H

#include "canvas.h"
#include "view.h"

enum { THEME_OPS = 4, THEME_LEVELS = 8 };

struct theme {
    struct color window, panel, grid;
    struct color text, axis;    /* axis: axis text and everything second in rank */
    struct color op[THEME_OPS]; /* put, get, delete, scan */
    struct color flush, compaction, stall, marker;
    struct color level[THEME_LEVELS]; /* young and hot to old and cold */
    struct color live;
    struct color scrim, card; /* under the help overlay; its card and other floating boxes */
    float area;               /* opacity of a filled area under its line */
};

const struct theme *theme_get(enum theme_id id);
struct color theme_fade(struct color color, double alpha);
/* `amount` of b in a. */
struct color theme_mix(struct color a, struct color b, double amount);

#endif
