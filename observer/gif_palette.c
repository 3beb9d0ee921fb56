/* gif_palette.c: see gif_palette.h. */
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"
#include "gif_palette.h"

bool palette_init(struct palette *palette) {
    *palette = (struct palette){0};
    palette->entry = calloc(PALETTE_UNIQUE_MAX, sizeof(*palette->entry));
    palette->scratch = calloc(PALETTE_UNIQUE_MAX, sizeof(*palette->scratch));
    palette->slot = calloc(PALETTE_SLOTS, sizeof(*palette->slot));
    if (palette->entry == NULL || palette->scratch == NULL || palette->slot == NULL) {
        palette_free(palette);
        return false;
    }
    return true;
}

void palette_free(struct palette *palette) {
    free(palette->entry);
    free(palette->scratch);
    free(palette->slot);
    *palette = (struct palette){0};
}

void palette_reset(struct palette *palette) {
    memset(palette->slot, 0, PALETTE_SLOTS * sizeof(*palette->slot));
    palette->unique = palette->colors = 0;
    palette->overflowed = false;
}

static uint32_t hash_of(uint32_t color) {
    uint32_t h = color * 0x9E3779B1u;
    return (h >> 16) & (PALETTE_SLOTS - 1);
}

/* The colour's slot, or the empty one where it would go. The table is never full. */
static uint32_t *slot_of(const struct palette *palette, uint32_t color) {
    uint32_t at = hash_of(color);
    while (palette->slot[at] != 0 && palette->entry[palette->slot[at] - 1].color != color) {
        at = (at + 1) & (PALETTE_SLOTS - 1);
    }
    return &palette->slot[at];
}

void palette_count(struct palette *palette, uint32_t color) {
    OBS_ASSERT(color <= 0xFFFFFF);
    uint32_t *slot = slot_of(palette, color);
    if (*slot == 0) {
        if (palette->unique == PALETTE_UNIQUE_MAX) {
            palette->overflowed = true; /* it will take the nearest of the others */
            return;
        }
        palette->entry[palette->unique] = (struct palette_entry){.color = color};
        *slot = (uint32_t)++palette->unique;
    }
    palette->entry[*slot - 1].count++;
}

static int channel(uint32_t color, int c) {
    return (int)((color >> (16 - 8 * c)) & 0xFF);
}

static void color_set(struct palette *palette, size_t index, uint32_t color) {
    for (int c = 0; c < 3; c++) {
        palette->rgb[index][c] = (uint8_t)channel(color, c);
    }
}

static int by_count(const void *left, const void *right) {
    const struct palette_entry *a = left, *b = right;
    if (a->count != b->count) {
        return a->count < b->count ? 1 : -1;
    }
    return a->color < b->color ? -1 : a->color > b->color; /* the same on every machine */
}

#define BY_CHANNEL(name, c)                                                                        \
    static int name(const void *left, const void *right) {                                         \
        const struct palette_entry *a = left, *b = right;                                          \
        int d = channel(a->color, c) - channel(b->color, c);                                       \
        return d != 0 ? d : (a->color < b->color ? -1 : a->color > b->color);                      \
    }
BY_CHANNEL(by_red, 0)
BY_CHANNEL(by_green, 1)
BY_CHANNEL(by_blue, 2)

/* ---- median cut ------------------------------------------------------------------------------ */

struct box {
    size_t from, to; /* of scratch */
    int axis;
    uint64_t score; /* range along the axis times pixels: what a cut would gain */
};

static void box_measure(const struct palette_entry *entries, struct box *box) {
    int low[3] = {255, 255, 255}, high[3] = {0, 0, 0};
    uint64_t pixels = 0;
    for (size_t i = box->from; i < box->to; i++) {
        pixels += entries[i].count;
        for (int c = 0; c < 3; c++) {
            int value = channel(entries[i].color, c);
            low[c] = value < low[c] ? value : low[c];
            high[c] = value > high[c] ? value : high[c];
        }
    }
    box->axis = 0;
    for (int c = 1; c < 3; c++) {
        if (high[c] - low[c] > high[box->axis] - low[box->axis]) {
            box->axis = c;
        }
    }
    uint64_t range = (uint64_t)(high[box->axis] - low[box->axis]);
    box->score = box->to - box->from > 1 ? range * range * (pixels + 64) : 0;
}

/* Cuts at the pixels' median along the longest axis. */
static void box_cut(struct palette_entry *entries, struct box *box, struct box *second) {
    static int (*const order[3])(const void *, const void *) = {by_red, by_green, by_blue};
    OBS_ASSERT(box->to - box->from > 1);
    qsort(entries + box->from, box->to - box->from, sizeof(*entries), order[box->axis]);
    uint64_t pixels = 0, half = 0;
    for (size_t i = box->from; i < box->to; i++) {
        pixels += entries[i].count;
    }
    size_t cut = box->from;
    while (cut < box->to - 1 && (cut == box->from || half < pixels / 2)) {
        half += entries[cut++].count;
    }
    *second = (struct box){.from = cut, .to = box->to};
    box->to = cut;
    box_measure(entries, box);
    box_measure(entries, second);
}

static uint32_t box_mean(const struct palette_entry *entries, const struct box *box) {
    uint64_t sum[3] = {0, 0, 0}, pixels = 0;
    for (size_t i = box->from; i < box->to; i++) {
        pixels += entries[i].count;
        for (int c = 0; c < 3; c++) {
            sum[c] += (uint64_t)channel(entries[i].color, c) * entries[i].count;
        }
    }
    uint32_t color = 0;
    for (int c = 0; c < 3; c++) {
        color = color << 8 | (uint32_t)((sum[c] + pixels / 2) / (pixels > 0 ? pixels : 1));
    }
    return color;
}

static void median_cut(struct palette *palette, struct palette_entry *entries, size_t count,
                       size_t colors) {
    struct box boxes[PALETTE_COLORS];
    OBS_ASSERT(count > 0 && colors > 0 && palette->colors + colors <= PALETTE_COLORS);
    size_t used = 1;
    boxes[0] = (struct box){.from = 0, .to = count};
    box_measure(entries, &boxes[0]);
    while (used < colors) {
        size_t best = 0;
        for (size_t i = 1; i < used; i++) {
            best = boxes[i].score > boxes[best].score ? i : best;
        }
        if (boxes[best].score == 0) {
            break;
        }
        box_cut(entries, &boxes[best], &boxes[used]);
        used++;
    }
    for (size_t i = 0; i < used; i++) {
        color_set(palette, palette->colors++, box_mean(entries, &boxes[i]));
    }
}

/* ---- building -------------------------------------------------------------------------------- */

static uint8_t nearest(const struct palette *palette, uint32_t color) {
    int r = channel(color, 0), g = channel(color, 1), b = channel(color, 2);
    int best = INT32_MAX;
    size_t index = 0;
    for (size_t i = 0; i < palette->colors; i++) {
        int dr = r - palette->rgb[i][0], dg = g - palette->rgb[i][1], db = b - palette->rgb[i][2];
        int distance = 3 * dr * dr + 6 * dg * dg + db * db; /* as the eye weighs them, roughly */
        if (distance < best) {
            best = distance;
            index = i;
        }
    }
    return (uint8_t)index;
}

void palette_build(struct palette *palette) {
    palette->colors = 0;
    if (palette->unique <= PALETTE_COLORS) {
        for (size_t i = 0; i < palette->unique; i++) {
            color_set(palette, i, palette->entry[i].color);
            palette->entry[i].index = (uint32_t)i;
        }
        palette->colors = palette->unique;
        return;
    }
    memcpy(palette->scratch, palette->entry, palette->unique * sizeof(*palette->entry));
    qsort(palette->scratch, palette->unique, sizeof(*palette->scratch), by_count);
    for (size_t i = 0; i < PALETTE_EXACT; i++) {
        color_set(palette, palette->colors++, palette->scratch[i].color);
    }
    median_cut(palette, palette->scratch + PALETTE_EXACT, palette->unique - PALETTE_EXACT,
               PALETTE_COLORS - PALETTE_EXACT);
    for (size_t i = 0; i < palette->unique; i++) {
        palette->entry[i].index = nearest(palette, palette->entry[i].color);
    }
}

uint8_t palette_index(const struct palette *palette, uint32_t color) {
    OBS_ASSERT(palette->colors > 0);
    uint32_t slot = *slot_of(palette, color);
    return slot != 0 ? (uint8_t)palette->entry[slot - 1].index : nearest(palette, color);
}
