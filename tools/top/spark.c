/* spark.c: see spark.h. */
#include "spark.h"

#include <math.h>

#include "top_check.h"

enum {
    LOWER_BLOCK = 0x2580, /* + 1..8 eighths from below */
    ROW_HEIGHT = 7,       /* eighths: a full row does not touch the one above it */
    BAR_HEIGHT = 6,
    BRAILLE = 0x2800,
    DOTS = 4, /* of a cell, one above the other */
};

/* How many of `steps` a value fills; something above nothing is at least one. */
static int steps_of(double value, double top, int steps) {
    if (!(value > 0.0) || !(top > 0.0)) {
        return 0;
    }
    double filled = value / top * steps;
    return filled >= steps ? steps : filled < 1.0 ? 1 : (int)lround(filled);
}

void spark_row(const struct pane *pane, int x, int y, style_bits style,
               const struct spark_point *point, int count, double top) {
    TOP_ASSERT(count >= 0);
    for (int i = 0; i < count; i++) {
        if (!point[i].known) {
            continue;
        }
        int eighths = steps_of(point[i].peak, top, ROW_HEIGHT);
        enum hue hue = point[i].stalled ? HUE_STALL : (enum hue)(style & STYLE_HUE);
        if (eighths == 0) {
            /* Zero is known: a line on the ground, not a hole. */
            pane_glyph(pane, x + i, y, point[i].stalled ? HUE_STALL : HUE_FAINT, LOWER_BLOCK + 1);
        } else {
            pane_glyph(pane, x + i, y, hue, (uint32_t)(LOWER_BLOCK + eighths));
        }
    }
}

/* The dots of one half column in the cell `row` from below: filled up to `fill`, one at `peak`. */
static uint32_t half_dots(int row, int fill, int peak, bool right) {
    static const uint32_t left_dot[DOTS] = {0x40, 0x04, 0x02, 0x01}; /* from below */
    static const uint32_t right_dot[DOTS] = {0x80, 0x20, 0x10, 0x08};
    uint32_t dots = 0;
    for (int i = 0; i < DOTS; i++) {
        int height = row * DOTS + i + 1;
        if (height <= fill || height == peak) {
            dots |= right ? right_dot[i] : left_dot[i];
        }
    }
    return dots;
}

void spark_graph(const struct pane *pane, int x, int y, int rows, style_bits style,
                 const struct spark_point *point, int count, double top) {
    TOP_ASSERT(count >= 0 && rows > 0);
    for (int i = 0; i < count; i += 2) {
        bool stalled = false, known = false, any = false;
        for (int row = 0; row < rows; row++) {
            uint32_t dots = 0;
            for (int half = 0; half < 2 && i + half < count; half++) {
                const struct spark_point *p = &point[i + half];
                if (p->known) {
                    known = true;
                    stalled = stalled || p->stalled;
                    dots |= half_dots(row, steps_of(p->mean, top, rows * DOTS),
                                      steps_of(p->peak, top, rows * DOTS), half == 1);
                }
            }
            any = any || dots != 0;
            if (dots != 0) {
                enum hue hue = stalled ? HUE_STALL : (enum hue)(style & STYLE_HUE);
                pane_glyph(pane, x + i / 2, y + rows - 1 - row, hue, BRAILLE + dots);
            }
        }
        if (known && !any) {
            pane_glyph(pane, x + i / 2, y + rows - 1, stalled ? HUE_STALL : HUE_FAINT,
                       BRAILLE + 0xc0);
        }
    }
}

void spark_bar(const struct pane *pane, int x, int y, int columns, style_bits style, double share) {
    int parts = columns > 0 ? steps_of(share, 1.0, columns * BAR_HEIGHT) : 0;
    for (int i = 0; i < columns; i++) {
        int here = parts - i * BAR_HEIGHT;
        here = here > BAR_HEIGHT ? BAR_HEIGHT : here;
        if (here > 0) {
            pane_glyph(pane, x + i, y, style, (uint32_t)(LOWER_BLOCK + here));
        } else {
            pane_glyph(pane, x + i, y, HUE_FAINT, LOWER_BLOCK + 1);
        }
    }
}

double spark_top(double largest) {
    static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
    if (!(largest > 0.0) || !isfinite(largest)) {
        return 1.0;
    }
    double power = pow(10.0, floor(log10(largest)));
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (largest <= steps[i] * power * (1.0 + 1e-9)) {
            return steps[i] * power;
        }
    }
    return 10.0 * power;
}

double spark_top_bytes(double largest) {
    double unit = 1.0;
    while (isfinite(largest) && largest / unit >= 1000.0) {
        unit *= 1024.0;
    }
    return spark_top(largest / unit) * unit;
}
