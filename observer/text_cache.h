/* text_cache.h: rendered pieces of text for the raster canvas.
 *
 * A piece is a string in one role, rendered once by SDL_ttf (which does the kerning and places
 * glyphs at fractions of a pixel) and kept as coverage bytes. Figures in tabular text are pieces of
 * one digit each, so that numbers that change every frame render nothing new.
 *
 * Memory:     bounded; the pieces that were not used for longest go first.
 * Threads:    one thread at a time.
 * Ownership:  a piece belongs to the cache and stays valid until the next lookup. */
#ifndef OBS_TEXT_CACHE_H
#define OBS_TEXT_CACHE_H

#include "font.h"

struct text_piece {
    int width, height; /* of the coverage, pixels; 0 for blanks */
    int left;          /* from the pen to the coverage's left edge */
    int top;           /* from the baseline up to the coverage's top edge */
    double advance;    /* pixels */
    const uint8_t *coverage;
};

struct text_cache;

/* NULL on failure, with the reason in `error`. */
struct text_cache *text_cache_create(const struct font_files *files, double scale, char *error,
                                     size_t error_size);
void text_cache_destroy(struct text_cache *cache);

/* The first `length` bytes of `utf8` as one piece; never NULL (an empty piece when it cannot be
 * rendered). */
const struct text_piece *text_cache_piece(struct text_cache *cache, enum font_role role,
                                          const char *utf8, size_t length);
/* Width of every digit in tabular text, whole pixels. */
int text_cache_digit(const struct text_cache *cache, enum font_role role);
int text_cache_ascent(const struct text_cache *cache, enum font_role role);
int text_cache_descent(const struct text_cache *cache, enum font_role role);

#endif
