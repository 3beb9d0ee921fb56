#include "picture_compare.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>

enum { BLOCK = 16 };

struct lab {
    float l, a, b;
};

static double linear(double channel) {
    return channel <= 0.04045 ? channel / 12.92 : pow((channel + 0.055) / 1.055, 2.4);
}

static double lab_curve(double t) {
    return t > 216.0 / 24389.0 ? cbrt(t) : (24389.0 / 27.0 * t + 16.0) / 116.0;
}

static struct lab to_lab(double red, double green, double blue) {
    double r = linear(red), g = linear(green), b = linear(blue);
    double x = lab_curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    double y = lab_curve(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    double z = lab_curve((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
    return (struct lab){(float)(116.0 * y - 16.0), (float)(500.0 * (x - y)),
                        (float)(200.0 * (y - z))};
}

static uint32_t pixel_at(const uint8_t *data, int stride, int x, int y) {
    uint32_t pixel;
    memcpy(&pixel, data + (ptrdiff_t)y * stride + (ptrdiff_t)x * 4, sizeof pixel);
    return pixel;
}

/* The mean of three by three pixels, as CIELAB. */
static struct lab blurred(const uint8_t *data, int stride, int width, int height, int x, int y) {
    double sum[3] = {0.0, 0.0, 0.0}, count = 0.0;
    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            if (x + dx < 0 || y + dy < 0 || x + dx >= width || y + dy >= height) {
                continue;
            }
            uint32_t pixel = pixel_at(data, stride, x + dx, y + dy);
            for (int i = 0; i < 3; i++) {
                sum[i] += (double)(pixel >> (16 - 8 * i) & 0xff) / 255.0;
            }
            count += 1.0;
        }
    }
    return to_lab(sum[0] / count, sum[1] / count, sum[2] / count);
}

/* Are the rows that a blurred row is made of the same? */
static bool same_rows(const uint8_t *a, const uint8_t *b, int stride_a, int stride_b, int width,
                      int height, int y) {
    for (int row = y - 1; row <= y + 1; row++) {
        if (row >= 0 && row < height &&
            memcmp(a + (ptrdiff_t)row * stride_a, b + (ptrdiff_t)row * stride_b,
                   (size_t)width * 4) != 0) {
            return false;
        }
    }
    return true;
}

static void write_diff(const float *distance, int width, int height, const char *path) {
    cairo_surface_t *out = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    uint8_t *data = cairo_image_surface_get_data(out);
    int stride = cairo_image_surface_get_stride(out);
    cairo_surface_flush(out);
    for (int y = 0; y < height && data != NULL; y++) {
        for (int x = 0; x < width; x++) {
            float d = distance[(size_t)y * (size_t)width + (size_t)x] * 12.0f;
            uint32_t v = d > 255.0f ? 255u : (uint32_t)d;
            uint32_t pixel = v << 16 | v << 8 | v;
            memcpy(data + (ptrdiff_t)y * stride + (ptrdiff_t)x * 4, &pixel, sizeof pixel);
        }
    }
    cairo_surface_mark_dirty(out);
    cairo_surface_write_to_png(out, path);
    cairo_surface_destroy(out);
}

static void judge(const float *distance, int width, int height, struct picture_verdict *verdict) {
    double all = 0.0;
    for (int y0 = 0; y0 < height; y0 += BLOCK) {
        for (int x0 = 0; x0 < width; x0 += BLOCK) {
            double sum = 0.0;
            for (int y = y0; y < y0 + BLOCK && y < height; y++) {
                for (int x = x0; x < x0 + BLOCK && x < width; x++) {
                    sum += (double)distance[(size_t)y * (size_t)width + (size_t)x];
                }
            }
            all += sum;
            if (sum / (BLOCK * BLOCK) > verdict->worst) {
                verdict->worst = sum / (BLOCK * BLOCK);
                verdict->worst_x = x0;
                verdict->worst_y = y0;
            }
        }
    }
    verdict->mean = all / ((double)width * height);
}

struct picture_verdict picture_compare(const char *path_a, const char *path_b,
                                       const char *diff_path) {
    struct picture_verdict verdict = {.comparable = false};
    cairo_surface_t *a = cairo_image_surface_create_from_png(path_a);
    cairo_surface_t *b = cairo_image_surface_create_from_png(path_b);
    int width = 0, height = 0;
    if (cairo_surface_status(a) == CAIRO_STATUS_SUCCESS &&
        cairo_surface_status(b) == CAIRO_STATUS_SUCCESS) {
        width = cairo_image_surface_get_width(a);
        height = cairo_image_surface_get_height(a);
        verdict.comparable = width == cairo_image_surface_get_width(b) &&
                             height == cairo_image_surface_get_height(b);
    }
    float *distance =
        verdict.comparable ? calloc((size_t)width * (size_t)height, sizeof *distance) : NULL;
    if (distance != NULL) {
        const uint8_t *pa = cairo_image_surface_get_data(a), *pb = cairo_image_surface_get_data(b);
        int sa = cairo_image_surface_get_stride(a), sb = cairo_image_surface_get_stride(b);
        for (int y = 0; y < height; y++) {
            if (same_rows(pa, pb, sa, sb, width, height, y)) {
                continue; /* the rule, and colour spaces are slow */
            }
            for (int x = 0; x < width; x++) {
                struct lab p = blurred(pa, sa, width, height, x, y);
                struct lab q = blurred(pb, sb, width, height, x, y);
                distance[(size_t)y * (size_t)width + (size_t)x] =
                    sqrtf((p.l - q.l) * (p.l - q.l) + (p.a - q.a) * (p.a - q.a) +
                          (p.b - q.b) * (p.b - q.b));
            }
        }
        judge(distance, width, height, &verdict);
        if (diff_path != NULL) {
            write_diff(distance, width, height, diff_path);
        }
    }
    verdict.comparable = distance != NULL;
    free(distance);
    cairo_surface_destroy(a);
    cairo_surface_destroy(b);
    return verdict;
}

bool picture_same(const struct picture_verdict *verdict) {
    return verdict->comparable && verdict->mean <= PICTURE_MEAN_MAX &&
           verdict->worst <= PICTURE_WORST_BLOCK_MAX;
}
