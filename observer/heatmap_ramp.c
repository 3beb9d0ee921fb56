/* The colours of heatmaps: a path through OKLCH (lightness, chroma, hue), cut into steps of equal
 * distance in OKLab. Lightness grows or falls evenly along it, so the order of shades is plain
 * without colour too. The formulas are Ottosson's, "A perceptual color space for image processing",
 * 2020. */
#include "heatmap.h"

#include <math.h>

#include "obs_check.h"

enum { PATH = 1024 };

struct path {
    double lightness[2], hue[2]; /* from the first shade to the last; hue in degrees */
    double chroma[3];            /* at the start, in the middle, at the end */
};

/* Each begins where one operation a second must still be seen against the panel, yet quietly. */
static const struct path path_of[] = {
    [THEME_DARK] = {{0.30, 0.91}, {300.0, 100.0}, {0.09, 0.13, 0.17}},
    [THEME_LIGHT] = {{0.93, 0.34}, {110.0, 298.0}, {0.05, 0.12, 0.14}},
};

struct lab {
    double l, a, b;
};

struct rgb {
    double r, g, b; /* linear light */
};

static struct rgb rgb_of(struct lab c) {
    double l = c.l + 0.3963377774 * c.a + 0.2158037573 * c.b;
    double m = c.l - 0.1055613458 * c.a - 0.0638541728 * c.b;
    double s = c.l - 0.0894841775 * c.a - 1.2914855480 * c.b;
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    return (struct rgb){4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

static bool is_shown(struct rgb c) {
    double least = fmin(c.r, fmin(c.g, c.b)), most = fmax(c.r, fmax(c.g, c.b));
    return least >= 0.0 && most <= 1.0;
}

/* The chroma gives way where a screen cannot show it: lightness and hue stay even. */
static struct lab path_at(const struct path *path, double t) {
    double lightness = path->lightness[0] + (path->lightness[1] - path->lightness[0]) * t;
    double hue = (path->hue[0] + (path->hue[1] - path->hue[0]) * t) * M_PI / 180.0;
    const double *c = path->chroma; /* a parabola through the three */
    double chroma = c[0] * (1.0 - t) * (1.0 - 2.0 * t) + 4.0 * c[1] * t * (1.0 - t) +
                    c[2] * t * (2.0 * t - 1.0);
    struct lab found = {lightness, chroma * cos(hue), chroma * sin(hue)};
    for (int step = 0; step < 100 && !is_shown(rgb_of(found)); step++) {
        chroma *= 0.98;
        found = (struct lab){lightness, chroma * cos(hue), chroma * sin(hue)};
    }
    return found;
}

static uint32_t encode(double linear) {
    double x = fmax(0.0, fmin(1.0, linear));
    double s = x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1.0 / 2.4) - 0.055;
    return (uint32_t)lround(s * 255.0);
}

static uint32_t argb_of(struct lab c) {
    struct rgb rgb = rgb_of(c);
    return 0xff000000u | encode(rgb.r) << 16 | encode(rgb.g) << 8 | encode(rgb.b);
}

static void make(const struct path *path, uint32_t *ramp) {
    double length[PATH];
    struct lab before = path_at(path, 0.0);
    length[0] = 0.0;
    for (int i = 1; i < PATH; i++) {
        struct lab here = path_at(path, (double)i / (PATH - 1));
        length[i] =
            length[i - 1] + hypot(hypot(here.l - before.l, here.a - before.a), here.b - before.b);
        before = here;
    }
    int at = 0;
    for (int shade = 0; shade < HEATMAP_SHADES; shade++) {
        double wanted = length[PATH - 1] * shade / (HEATMAP_SHADES - 1);
        while (at < PATH - 1 && length[at] < wanted) {
            at++;
        }
        ramp[shade] = argb_of(path_at(path, (double)at / (PATH - 1)));
    }
}

const uint32_t *heatmap_ramp(enum theme_id theme) {
    static uint32_t ramp[2][HEATMAP_SHADES]; /* made once, by the thread that draws */
    OBS_ASSERT(theme == THEME_DARK || theme == THEME_LIGHT);
    if (ramp[theme][0] == 0) {
        make(&path_of[theme], ramp[theme]);
    }
    return ramp[theme];
}
