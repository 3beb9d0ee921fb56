/* gif_palette.h: 255 colours for the pixels of one frame.
 *
 * What the observer draws is mostly flat: the most frequent colours are kept exact, so that
 * backgrounds and lines never shimmer from frame to frame; the mixtures that antialiasing leaves
 * share the rest by median cut. No dithering: it would blur text and defeat the compression.
 *
 * Threads:    one thread per palette. */
#ifndef OBS_GIF_PALETTE_H
#define OBS_GIF_PALETTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PALETTE_COLORS = 255, /* the 256th is transparent */
    PALETTE_EXACT = 176,  /* of them, when there are more colours than fit */
    PALETTE_SLOTS = 1 << 16,
    PALETTE_UNIQUE_MAX = PALETTE_SLOTS / 4 * 3,
};

struct palette_entry {
    uint32_t color; /* 0xRRGGBB */
    uint32_t count;
    uint32_t index; /* into the palette, once built */
};

struct palette {
    struct palette_entry *entry;   /* unique colours, in order of appearance */
    uint32_t *slot;                /* hash of colour to entry + 1 */
    struct palette_entry *scratch; /* for sorting */
    size_t unique;
    bool overflowed; /* more unique colours than we count */
    size_t colors;   /* in use */
    uint8_t rgb[PALETTE_COLORS][3];
};

bool palette_init(struct palette *palette); /* false: memory */
void palette_free(struct palette *palette);
/* Begins anew. */
void palette_reset(struct palette *palette);
void palette_count(struct palette *palette, uint32_t color);
/* Chooses the colours. After it palette_index may be asked for any colour. */
void palette_build(struct palette *palette);
uint8_t palette_index(const struct palette *palette, uint32_t color);

#endif
