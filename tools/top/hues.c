/* hues.c: see hues.h. Of 256 colours the 216 of the cube and the 24 greys are the same everywhere;
 * the first 16 are the user's own and are left alone unless there are no others. */
#include "hues.h"

#include <stdlib.h>
#include <string.h>

#include "top_check.h"

struct look {
    uint32_t dark, light;
    int dark_16, light_16;
};

static const struct look looks[HUES] = {
    [HUE_TEXT] = {0xD7DEE8, 0x1F2733, -1, -1},      [HUE_DIM] = {0x8B97A7, 0x5B6776, 7, 8},
    [HUE_FAINT] = {0x3A4452, 0xC4CCD6, 8, 7},       [HUE_PUT] = {0x4FA3FF, 0x1668C7, 12, 4},
    [HUE_GET] = {0x3DD6A3, 0x0B8A62, 10, 2},        [HUE_DELETE] = {0xFF8A5B, 0xC8501E, 9, 1},
    [HUE_SCAN] = {0xD7A6FF, 0x4B1F78, 13, 5},       [HUE_FLUSH] = {0xFFC857, 0xB27700, 11, 3},
    [HUE_COMPACTION] = {0xFF6FB5, 0xC2267E, 13, 5}, [HUE_STALL] = {0xFF5555, 0xC62828, 9, 1},
    [HUE_LIVE] = {0x3DD6A3, 0x0B8A62, 10, 2},       [HUE_LEVEL + 0] = {0xFFE9A8, 0xE8B92E, 11, 3},
    [HUE_LEVEL + 1] = {0xFDC26B, 0xE88F2E, 3, 3},   [HUE_LEVEL + 2] = {0xF79256, 0xD9602F, 9, 1},
    [HUE_LEVEL + 3] = {0xE4637A, 0xBF3557, 1, 1},   [HUE_LEVEL + 4] = {0xB9559F, 0x8E2A7E, 5, 5},
    [HUE_LEVEL + 5] = {0x7F52C4, 0x54309A, 13, 5},  [HUE_LEVEL + 6] = {0x5A8BEE, 0x3A66CC, 12, 4},
    [HUE_LEVEL + 7] = {0x58C4DD, 0x1B93B5, 14, 6},
};

uint32_t hues_rgb(enum hue hue, enum hues_theme theme) {
    TOP_ASSERT(hue < HUES);
    return theme == HUES_LIGHT ? looks[hue].light : looks[hue].dark;
}

static int distance(uint32_t a, uint32_t b) {
    int sum = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        int difference = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
        sum += difference * difference;
    }
    return sum;
}

static uint32_t rgb_of_256(int index) {
    static const uint32_t step[6] = {0, 95, 135, 175, 215, 255};
    if (index >= 232) {
        uint32_t grey = 8 + 10 * (uint32_t)(index - 232);
        return grey << 16 | grey << 8 | grey;
    }
    int cube = index - 16;
    return step[cube / 36] << 16 | step[cube / 6 % 6] << 8 | step[cube % 6];
}

int hues_of_256(enum hue hue, enum hues_theme theme) {
    uint32_t wanted = hues_rgb(hue, theme);
    int best = 16;
    for (int i = 17; i < 256; i++) {
        if (distance(rgb_of_256(i), wanted) < distance(rgb_of_256(best), wanted)) {
            best = i;
        }
    }
    return best;
}

int hues_of_16(enum hue hue, enum hues_theme theme) {
    TOP_ASSERT(hue < HUES);
    return theme == HUES_LIGHT ? looks[hue].light_16 : looks[hue].dark_16;
}

enum hues_theme hues_guess_theme(const char *color_fg_bg) {
    const char *last = color_fg_bg != NULL ? strrchr(color_fg_bg, ';') : NULL;
    if (last == NULL || last[1] < '0' || last[1] > '9') {
        return HUES_DARK;
    }
    long background = strtol(last + 1, NULL, 10);
    return background == 7 || background == 15 ? HUES_LIGHT : HUES_DARK;
}
