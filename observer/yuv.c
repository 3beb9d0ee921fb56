/* yuv.c: written so that the compiler's vectoriser takes every loop. */
#include "yuv.h"

#include "obs_check.h"

/* The matrix times 256, each row rounded so that it adds up: luma to 220 (255 gives 235), chroma
 * to nothing. */
enum {
    Y_R = 47,
    Y_G = 157,
    Y_B = 16,
    U_R = -26,
    U_G = -86,
    U_B = 112,
    V_R = 112,
    V_G = -102,
    V_B = -10,
};

size_t yuv420_bytes(int width, int height) {
    return (size_t)width * (size_t)height * 3 / 2;
}

static void luma_row(const uint32_t *restrict pixels, int width, uint8_t *restrict luma) {
    for (int x = 0; x < width; x++) {
        uint32_t pixel = pixels[x];
        uint32_t r = pixel >> 16 & 255, g = pixel >> 8 & 255, b = pixel & 255;
        luma[x] = (uint8_t)(16 + ((Y_R * r + Y_G * g + Y_B * b + 128) >> 8));
    }
}

/* Sums of four pixels: hence the two further bits. */
static void chroma_row(const uint32_t *restrict upper, const uint32_t *restrict lower, int width,
                       uint8_t *restrict u, uint8_t *restrict v) {
    for (int x = 0; x < width / 2; x++) {
        uint32_t a = upper[2 * x], b = upper[2 * x + 1], c = lower[2 * x], d = lower[2 * x + 1];
        int red = (int)((a >> 16 & 255) + (b >> 16 & 255) + (c >> 16 & 255) + (d >> 16 & 255));
        int green = (int)((a >> 8 & 255) + (b >> 8 & 255) + (c >> 8 & 255) + (d >> 8 & 255));
        int blue = (int)((a & 255) + (b & 255) + (c & 255) + (d & 255));
        u[x] = (uint8_t)((U_R * red + U_G * green + U_B * blue + (128 << 10) + 512) >> 10);
        v[x] = (uint8_t)((V_R * red + V_G * green + V_B * blue + (128 << 10) + 512) >> 10);
    }
}

void yuv420_from_argb(const uint32_t *pixels, int width, int height, uint8_t *planes) {
    OBS_ASSERT(width > 0 && height > 0 && width % 2 == 0 && height % 2 == 0);
    size_t row = (size_t)width, luma_bytes = row * (size_t)height;
    uint8_t *u = planes + luma_bytes, *v = u + luma_bytes / 4;
    for (int y = 0; y < height; y += 2) {
        const uint32_t *upper = pixels + (size_t)y * row, *lower = upper + row;
        luma_row(upper, width, planes + (size_t)y * row);
        luma_row(lower, width, planes + (size_t)(y + 1) * row);
        chroma_row(upper, lower, width, u + (size_t)y / 2 * (row / 2),
                   v + (size_t)y / 2 * (row / 2));
    }
}
