/* theme.h: every colour of the observer, in two schemes.
 *
 * One meaning per colour everywhere. Neighbouring levels, as the areas they are drawn as, the
 * operations' lines, and flushes beside the young levels lie at least 12 apart in CIELAB for every
 * kind of colour vision, and the first four levels grow darker in steps (theme_test checks it);
 * colour is never the only carrier all the same.
 *
 * Threads:    any.
 * Ownership:  constant data. */
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

/* The least contrast of text with what it stands on: WCAG 2.1, success criterion 1.4.3. */
#define THEME_LETTERS 4.5
/* The contrast ratio of two opaque colours, from 1 to 21, as WCAG 2.1 defines it. */
double theme_contrast(struct color a, struct color b);
/* A colour for letters: itself where it can be read, else nearer to the text's by as much as it
 * takes. Letters need more contrast than lines and areas. */
struct color theme_letters(const struct theme *theme, struct color color);
/* For letters on an area of a colour: dark or light. */
struct color theme_letters_on(struct color ground);

#endif
