#include "canvas_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "obs_check.h"

/* 8K across and room to spare; cairo's image surfaces end at 32767. */
enum { SIDE_MAX = 16384 };

static bool make_surface(struct canvas *canvas, int width, int height) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    cairo_t *cairo = cairo_create(surface);
    if (cairo_status(cairo) != CAIRO_STATUS_SUCCESS) {
        cairo_destroy(cairo);
        cairo_surface_destroy(surface);
        return false;
    }
    if (canvas->cairo != NULL) {
        cairo_destroy(canvas->cairo);
        cairo_surface_destroy(canvas->surface);
    }
    canvas->surface = surface;
    canvas->cairo = cairo;
    canvas->width = width;
    canvas->height = height;
    return true;
}

struct canvas *canvas_raster_create(int width, int height, double scale, const char *family,
                                    char *error, size_t error_size) {
    if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX ||
        !(scale >= 0.25 && scale <= 16.0)) {
        snprintf(error, error_size, "a picture of %dx%d at scale %g is out of range", width, height,
                 scale);
        return NULL;
    }
    struct canvas *canvas = calloc(1, sizeof *canvas);
    if (canvas == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    canvas->kind = CANVAS_RASTER;
    canvas->scale = scale;
    if (!font_find(family, &canvas->fonts, error, error_size)) {
        canvas_destroy(canvas);
        return NULL;
    }
    canvas->texts = text_cache_create(&canvas->fonts, scale, error, error_size);
    if (canvas->texts == NULL) {
        canvas_destroy(canvas);
        return NULL;
    }
    if (!make_surface(canvas, width, height)) {
        snprintf(error, error_size, "out of memory for a picture of %dx%d", width, height);
        canvas_destroy(canvas);
        return NULL;
    }
    canvas_prepare(canvas);
    return canvas;
}

void raster_destroy(struct canvas *canvas) {
    text_cache_destroy(canvas->texts);
    canvas->texts = NULL;
}

/* On failure the canvas stays as it was. */
bool canvas_resize(struct canvas *canvas, int width, int height, double scale) {
    OBS_ASSERT(canvas != NULL && canvas->kind == CANVAS_RASTER);
    if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX ||
        !(scale >= 0.25 && scale <= 16.0)) {
        return false;
    }
    bool same_scale = fabs(scale - canvas->scale) < 1e-9;
    if (same_scale && width == canvas->width && height == canvas->height) {
        return true;
    }
    struct text_cache *texts = canvas->texts;
    if (!same_scale) {
        char ignored[256];
        texts = text_cache_create(&canvas->fonts, scale, ignored, sizeof ignored);
        if (texts == NULL) {
            return false;
        }
    }
    if (!make_surface(canvas, width, height)) {
        if (texts != canvas->texts) {
            text_cache_destroy(texts);
        }
        return false;
    }
    if (texts != canvas->texts) {
        text_cache_destroy(canvas->texts);
        canvas->texts = texts;
    }
    canvas->scale = scale;
    canvas_prepare(canvas);
    return true;
}

const uint32_t *canvas_pixels(struct canvas *canvas, int *width, int *height, int *stride) {
    OBS_ASSERT(canvas != NULL && canvas->kind == CANVAS_RASTER);
    cairo_surface_flush(canvas->surface);
    *width = canvas->width;
    *height = canvas->height;
    *stride = cairo_image_surface_get_stride(canvas->surface);
    OBS_ASSERT(*stride % 4 == 0);
    return (const uint32_t *)(const void *)cairo_image_surface_get_data(canvas->surface);
}

struct png_sink {
    FILE *file;
    int error;
};

static cairo_status_t png_write(void *closure, const unsigned char *data, unsigned int length) {
    struct png_sink *sink = closure;
    if (fwrite(data, 1, length, sink->file) != length) {
        sink->error = errno;
        return CAIRO_STATUS_WRITE_ERROR;
    }
    return CAIRO_STATUS_SUCCESS;
}

bool canvas_write_png(struct canvas *canvas, const char *path, char *error, size_t error_size) {
    OBS_ASSERT(canvas != NULL && canvas->kind == CANVAS_RASTER && path != NULL);
    struct png_sink sink = {.file = fopen(path, "wbe"), .error = 0};
    if (sink.file == NULL) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        return false;
    }
    cairo_surface_flush(canvas->surface);
    cairo_status_t status = cairo_surface_write_to_png_stream(canvas->surface, png_write, &sink);
    if (fclose(sink.file) != 0 && sink.error == 0) {
        sink.error = errno;
    }
    if (status == CAIRO_STATUS_SUCCESS && sink.error == 0) {
        return true;
    }
    snprintf(error, error_size, "%s: %s", path,
             sink.error != 0 ? strerror(sink.error) : cairo_status_to_string(status));
    return false;
}

/* ---- columns ------------------------------------------------------------------------------- */

/* A colour ready for blending: red and blue, and alpha and green, side by side in one word. */
struct ink {
    uint32_t rb, ag;
    uint32_t opacity; /* 0..255 */
};

static struct ink ink_of(struct color color) {
    uint32_t r = (uint32_t)lroundf(color.r * 255.0f), g = (uint32_t)lroundf(color.g * 255.0f);
    uint32_t b = (uint32_t)lroundf(color.b * 255.0f), a = (uint32_t)lroundf(color.a * 255.0f);
    OBS_ASSERT(r <= 255 && g <= 255 && b <= 255 && a <= 255);
    return (struct ink){.rb = r << 16 | b, .ag = 255u << 16 | g, .opacity = a};
}

/* Ink with coverage `a` (0..255) over what is there: two channels a multiplication. */
static inline uint32_t blend(uint32_t dst, const struct ink *ink, uint32_t a) {
    uint32_t part = a + (a >> 7), rest = 256u - part; /* of 256 */
    uint32_t rb = (ink->rb * part + (dst & 0x00ff00ffu) * rest) >> 8 & 0x00ff00ffu;
    uint32_t ag = (ink->ag * part + (dst >> 8 & 0x00ff00ffu) * rest) & 0xff00ff00u;
    return rb | ag;
}

/* Columns side by side, edges in 1/256 of a pixel; one is empty when its top is not above its
 * bottom. */
struct span {
    int x, count;
    const int32_t *top, *bottom;
    int32_t highest, lowest;         /* of all edges: nothing lies outside */
    int32_t inner_top, inner_bottom; /* between them every column is covered */
    int64_t area;
};

static struct span span_measure(int x, const int32_t *top, const int32_t *bottom, int count) {
    struct span span = {.x = x,
                        .count = count,
                        .top = top,
                        .bottom = bottom,
                        .highest = INT32_MAX,
                        .lowest = INT32_MIN,
                        .inner_top = INT32_MIN,
                        .inner_bottom = INT32_MAX};
    for (int i = 0; i < count; i++) {
        if (top[i] < bottom[i]) {
            span.highest = top[i] < span.highest ? top[i] : span.highest;
            span.lowest = bottom[i] > span.lowest ? bottom[i] : span.lowest;
            span.inner_top = top[i] > span.inner_top ? top[i] : span.inner_top;
            span.inner_bottom = bottom[i] < span.inner_bottom ? bottom[i] : span.inner_bottom;
            span.area += bottom[i] - top[i];
        } else {
            span.inner_bottom = INT32_MIN;
        }
    }
    return span;
}

/* Row by row, as the pixels lie in memory. */
static void fill_rows(struct canvas *canvas, const struct span *span, const struct ink *ink) {
    uint8_t *pixels = cairo_image_surface_get_data(canvas->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    const int32_t *top = span->top, *bottom = span->bottom;
    const uint32_t whole = ink->rb | ink->ag << 8; /* what blending it at full opacity gives */
    for (int32_t row = span->highest >> 8; row <= (span->lowest - 1) >> 8; row++) {
        uint32_t *line = (uint32_t *)(void *)(pixels + (size_t)row * stride) + span->x;
        int32_t y0 = row * 256, y1 = y0 + 256;
        if (y0 >= span->inner_top && y1 <= span->inner_bottom) {
            for (int i = 0; i < span->count; i++) {
                line[i] = ink->opacity == 255 ? whole : blend(line[i], ink, ink->opacity);
            }
            continue;
        }
        for (int i = 0; i < span->count; i++) {
            int32_t from = top[i] > y0 ? top[i] : y0, to = bottom[i] < y1 ? bottom[i] : y1;
            if (to > from) {
                uint32_t a = (uint32_t)(to - from) * ink->opacity >> 8;
                line[i] = a == 255 ? whole : blend(line[i], ink, a);
            }
        }
    }
}

/* Column by column: a line leaves most of the rows that it crosses somewhere empty. */
static void fill_columns(struct canvas *canvas, const struct span *span, const struct ink *ink) {
    uint8_t *pixels = cairo_image_surface_get_data(canvas->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    const uint32_t whole = ink->rb | ink->ag << 8;
    for (int i = 0; i < span->count; i++) {
        int32_t top = span->top[i], bottom = span->bottom[i];
        for (int32_t y = top; y < bottom; y = (y | 255) + 1) {
            int32_t end = (y | 255) + 1 < bottom ? (y | 255) + 1 : bottom;
            uint32_t *at = (uint32_t *)(void *)(pixels + (size_t)(y >> 8) * stride) + span->x + i;
            uint32_t a = (uint32_t)(end - y) * ink->opacity >> 8;
            *at = a == 255 ? whole : blend(*at, ink, a);
        }
    }
}

/* Below this part of the rows crossed, what is covered is filled column by column. */
enum { SPARSE = 3 };

static int32_t edge_of(double y, double scale, double high, double low) {
    y *= scale;
    y = y < low ? y : low;
    y = y > high ? y : high;
    return (int32_t)(y * 256.0 + 0.5); /* not below 0: lies within the clip */
}

void raster_columns(struct canvas *canvas, double x, const struct canvas_column *columns,
                    size_t count, struct color color) {
    enum { PART = 64 }; /* all rows that any column of a part reaches are gone through */
    int32_t top[PART], bottom[PART];
    struct ink ink = ink_of(color);
    long left = lround(x * canvas->scale);
    double high = canvas->clip_y0, low = canvas->clip_y1;
    cairo_surface_flush(canvas->surface);
    for (size_t done = 0; done < count;) {
        long at = left + (long)done;
        if (at < canvas->clip_x0) {
            done++;
            continue;
        }
        int n = 0;
        while (n < PART && done < count && at + n < canvas->clip_x1) {
            /* A column that is not a number is not drawn: comparisons with it are false. */
            bool filled = columns[done].top < columns[done].bottom;
            top[n] = filled ? edge_of(columns[done].top, canvas->scale, high, low) : 0;
            bottom[n] = filled ? edge_of(columns[done].bottom, canvas->scale, high, low) : 0;
            n++;
            done++;
        }
        if (n == 0) {
            break;
        }
        struct span span = span_measure((int)at, top, bottom, n);
        if (span.area == 0) {
            continue;
        }
        if (span.area * SPARSE < (int64_t)(span.lowest - span.highest) * n) {
            fill_columns(canvas, &span, &ink);
        } else {
            fill_rows(canvas, &span, &ink);
        }
    }
    cairo_surface_mark_dirty(canvas->surface);
}

/* ---- text ---------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Length of the next piece: one digit of tabular text, else everything up to the next digit. */
static size_t piece_length(const char *text, bool tabular) {
    if (!tabular) {
        return strlen(text);
    }
    if (is_digit(text[0])) {
        return 1;
    }
    size_t length = 0;
    while (text[length] != '\0' && !is_digit(text[length])) {
        length++;
    }
    return length;
}

static double advance_of(struct canvas *canvas, enum font_role role, bool digit,
                         const struct text_piece *piece) {
    return digit ? text_cache_digit(canvas->texts, role) : piece->advance;
}

static double device_width(struct canvas *canvas, enum font_role role, bool tabular,
                           const char *utf8) {
    double width = 0.0;
    while (*utf8 != '\0') {
        size_t length = piece_length(utf8, tabular);
        bool digit = tabular && is_digit(utf8[0]);
        const struct text_piece *piece = text_cache_piece(canvas->texts, role, utf8, length);
        width += advance_of(canvas, role, digit, piece);
        utf8 += length;
    }
    return width;
}

static void blit(struct canvas *canvas, const struct text_piece *piece, int x, int y,
                 const struct ink *ink) {
    uint8_t *pixels = cairo_image_surface_get_data(canvas->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    int x0 = x < canvas->clip_x0 ? canvas->clip_x0 : x;
    int y0 = y < canvas->clip_y0 ? canvas->clip_y0 : y;
    int x1 = x + piece->width > canvas->clip_x1 ? canvas->clip_x1 : x + piece->width;
    int y1 = y + piece->height > canvas->clip_y1 ? canvas->clip_y1 : y + piece->height;
    for (int row = y0; row < y1; row++) {
        const uint8_t *coverage = piece->coverage + (size_t)(row - y) * (size_t)piece->width;
        uint32_t *line = (uint32_t *)(void *)(pixels + (size_t)row * stride);
        for (int column = x0; column < x1; column++) {
            uint32_t a = coverage[column - x];
            if (a != 0) {
                line[column] = blend(line[column], ink, a * ink->opacity / 255);
            }
        }
    }
}

void raster_text(struct canvas *canvas, enum font_role role, double x, double y,
                 enum text_align align, bool tabular, struct color color, const char *utf8) {
    double width = align == TEXT_LEFT ? 0.0 : device_width(canvas, role, tabular, utf8);
    double pen = x * canvas->scale;
    pen -= align == TEXT_CENTER ? width / 2.0 : align == TEXT_RIGHT ? width : 0.0;
    int baseline = (int)lround(y * canvas->scale);
    struct ink ink = ink_of(color);
    cairo_surface_flush(canvas->surface);
    pen = floor(pen + 0.5); /* pieces lie on whole pixels: equal text looks equal everywhere */
    while (*utf8 != '\0') {
        size_t length = piece_length(utf8, tabular);
        bool digit = tabular && is_digit(utf8[0]);
        const struct text_piece *piece = text_cache_piece(canvas->texts, role, utf8, length);
        double advance = advance_of(canvas, role, digit, piece);
        /* A narrow digit stands in the middle of its cell. */
        double inset = digit ? (advance - piece->advance) / 2.0 : 0.0;
        blit(canvas, piece, (int)lround(pen + inset) + piece->left, baseline - piece->top, &ink);
        pen += advance;
        utf8 += length;
    }
    cairo_surface_mark_dirty(canvas->surface);
}

double raster_text_width(struct canvas *canvas, enum font_role role, bool tabular,
                         const char *utf8) {
    return device_width(canvas, role, tabular, utf8) / canvas->scale;
}

double raster_text_ascent(struct canvas *canvas, enum font_role role) {
    return text_cache_ascent(canvas->texts, role) / canvas->scale;
}

double raster_text_descent(struct canvas *canvas, enum font_role role) {
    return text_cache_descent(canvas->texts, role) / canvas->scale;
}
