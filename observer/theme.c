#include "theme.h"

#include <math.h>

#include "obs_check.h"

#define RGB(hex)                                                                                   \
    {                                                                                              \
        (float)((hex) >> 16 & 0xff) / 255.0f, (float)((hex) >> 8 & 0xff) / 255.0f,                 \
            (float)((hex)&0xff) / 255.0f, 1.0f                                                     \
    }

static const struct theme dark = {
    .window = RGB(0x0E1116),
    .panel = RGB(0x151A21),
    .grid = RGB(0x232A34),
    .text = RGB(0xD7DEE8),
    .axis = RGB(0x8B97A7),
    .op = {RGB(0x4A9DFB), RGB(0x58E3B2), RGB(0xF5753F), RGB(0xE0BFFF)},
    .flush = RGB(0xFFD965),
    .compaction = RGB(0xFF6FB5),
    .stall = RGB(0xFF5555),
    .marker = RGB(0xD7DEE8),
    .level = {RGB(0xFFF5BF), RGB(0xF5B97B), RGB(0xE98D3C), RGB(0xE05670), RGB(0xB8539C),
              RGB(0x7B4CBE), RGB(0x7998FD), RGB(0x59C5DE)},
    .live = RGB(0x3DD6A3),
    .scrim = {0.03f, 0.04f, 0.05f, 0.72f},
    .card = RGB(0x1C232C),
    .area = 0.60f,
};

static const struct theme light = {
    .window = RGB(0xFFFFFF),
    .panel = RGB(0xF6F8FA),
    .grid = RGB(0xE3E8EE),
    .text = RGB(0x1F2733),
    .axis = RGB(0x5B6776),
    .op = {RGB(0x1B6FD0), RGB(0x00664A), RGB(0xBF4A17), RGB(0x45196F)},
    .flush = RGB(0xA86C00),
    .compaction = RGB(0xC2267E),
    .stall = RGB(0xC62828),
    .marker = RGB(0x1F2733),
    .level = {RGB(0xDEBA1E), RGB(0xDE8E30), RGB(0xD75D40), RGB(0xC12052), RGB(0x882476),
              RGB(0x492292), RGB(0x446FD8), RGB(0x1B93B5)},
    .live = RGB(0x0B8A62),
    .scrim = {1.0f, 1.0f, 1.0f, 0.78f},
    .card = RGB(0xFFFFFF),
    .area = 0.62f,
};

const struct theme *theme_get(enum theme_id id) {
    OBS_ASSERT(id == THEME_DARK || id == THEME_LIGHT);
    return id == THEME_LIGHT ? &light : &dark;
}

struct color theme_fade(struct color color, double alpha) {
    color.a *= (float)alpha;
    return color;
}

struct color theme_mix(struct color a, struct color b, double amount) {
    float t = (float)amount;
    return (struct color){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t,
                          a.a + (b.a - a.a) * t};
}

/* ---- letters ------------------------------------------------------------------------------- */

static double linear(float channel) {
    double c = (double)channel;
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(struct color color) {
    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
}

double theme_contrast(struct color a, struct color b) {
    double one = luminance(a), other = luminance(b);
    return (fmax(one, other) + 0.05) / (fmin(one, other) + 0.05);
}

/* On the panel and on the card; the window's own colour lies on the far side of the panel's. */
static bool can_be_read(const struct theme *theme, struct color color) {
    return fmin(theme_contrast(color, theme->panel), theme_contrast(color, theme->card)) >=
           THEME_LETTERS;
}

struct color theme_letters(const struct theme *theme, struct color color) {
    const double step = 1.0 / 16.0;
    struct color letters = color;
    for (int i = 1; i <= 16 && !can_be_read(theme, letters); i++) {
        letters = theme_mix(color, theme->text, step * i);
    }
    return letters;
}

struct color theme_letters_on(struct color ground) {
    const struct color ink = {0.0f, 0.0f, 0.0f, 1.0f}, paper = {1.0f, 1.0f, 1.0f, 1.0f};
    return theme_contrast(ink, ground) >= theme_contrast(paper, ground) ? ink : paper;
}
