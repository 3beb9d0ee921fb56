#include "theme.h"

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
    .op = {RGB(0x4FA3FF), RGB(0x3DD6A3), RGB(0xFF8A5B), RGB(0xD7A6FF)},
    .flush = RGB(0xFFC857),
    .compaction = RGB(0xFF6FB5),
    .stall = RGB(0xFF5555),
    .marker = RGB(0xD7DEE8),
    .level = {RGB(0xFFE9A8), RGB(0xFDC26B), RGB(0xF79256), RGB(0xE4637A), RGB(0xB9559F),
              RGB(0x7F52C4), RGB(0x5A8BEE), RGB(0x58C4DD)},
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
    .op = {RGB(0x1668C7), RGB(0x0B8A62), RGB(0xC8501E), RGB(0x4B1F78)},
    .flush = RGB(0xB27700),
    .compaction = RGB(0xC2267E),
    .stall = RGB(0xC62828),
    .marker = RGB(0x1F2733),
    .level = {RGB(0xE8B92E), RGB(0xE88F2E), RGB(0xD9602F), RGB(0xBF3557), RGB(0x8E2A7E),
              RGB(0x54309A), RGB(0x3A66CC), RGB(0x1B93B5)},
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
