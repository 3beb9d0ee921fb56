/* encoder_gif.c: an animated GIF through giflib.
 *
 * A picture is written when it is known how long it was shown, that is when the next different one
 * comes. Only the rectangle that changed is written, and in it only the pixels that changed: the
 * others are transparent. Each frame has its own colours, chosen from its changed pixels alone.
 * Delays are whole hundredths of a second: they are differences of rounded times, so that the film
 * keeps its length. A picture shown for less than 2/100 s is dropped, as players would slow it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gif_lib.h>

#include "obs_check.h"
#include "encoder.h"
#include "gif_palette.h"

enum { DELAY_MIN = 2, DELAY_MAX = 65535 };

struct gif {
    struct encoder encoder; /* first: the two pointers are one */
    FILE *file;
    GifFileType *writer;
    int width, height;
    double fps;
    uint32_t *shown;   /* what players show now */
    uint32_t *pending; /* shown next, for a time not known yet */
    bool any_shown, any_pending;
    uint64_t pending_from, next; /* frame numbers */
    GifByteType *row;
    struct palette palette;
};

struct area {
    int left, top, right, bottom; /* right and bottom exclusive */
};

static struct gif *gif_of(struct encoder *encoder) {
    return (struct gif *)encoder;
}

static size_t pixels_of(const struct gif *gif) {
    return (size_t)gif->width * (size_t)gif->height;
}

static int file_put(GifFileType *writer, const GifByteType *bytes, int length) {
    return (int)fwrite(bytes, 1, (size_t)length, writer->UserData);
}

static bool gif_fail(struct gif *gif, const char *what) {
    const char *why = gif->writer != NULL ? GifErrorString(gif->writer->Error) : NULL;
    snprintf(gif->encoder.error, ENCODER_ERROR_MAX, "GIF: %s: %s", what,
             errno != 0    ? strerror(errno)
             : why != NULL ? why
                           : "unknown");
    return false;
}

/* ---- one frame ------------------------------------------------------------------------------- */

static bool row_differs(const struct gif *gif, int y, int *left, int *right) {
    const uint32_t *a = gif->pending + (size_t)y * (size_t)gif->width;
    const uint32_t *b = gif->shown + (size_t)y * (size_t)gif->width;
    if (memcmp(a, b, (size_t)gif->width * sizeof(*a)) == 0) {
        return false;
    }
    int from = 0, to = gif->width;
    while (a[from] == b[from]) {
        from++;
    }
    while (a[to - 1] == b[to - 1]) {
        to--;
    }
    *left = from < *left ? from : *left;
    *right = to > *right ? to : *right;
    return true;
}

/* What changed since the last frame; one pixel when nothing did. */
static struct area area_changed(const struct gif *gif) {
    struct area area = {gif->width, -1, 0, 0};
    if (!gif->any_shown) {
        return (struct area){0, 0, gif->width, gif->height};
    }
    for (int y = 0; y < gif->height; y++) {
        if (row_differs(gif, y, &area.left, &area.right)) {
            area.top = area.top < 0 ? y : area.top;
            area.bottom = y + 1;
        }
    }
    return area.top < 0 ? (struct area){0, 0, 1, 1} : area;
}

static bool pixel_new(const struct gif *gif, size_t at) {
    return !gif->any_shown || gif->pending[at] != gif->shown[at];
}

static void colors_choose(struct gif *gif, struct area area) {
    palette_reset(&gif->palette);
    for (int y = area.top; y < area.bottom; y++) {
        size_t row = (size_t)y * (size_t)gif->width;
        for (int x = area.left; x < area.right; x++) {
            size_t at = row + (size_t)x;
            if (pixel_new(gif, at)) {
                palette_count(&gif->palette, gif->pending[at]);
            }
        }
    }
    if (gif->palette.unique == 0) {
        palette_count(&gif->palette, gif->pending[0]);
    }
    palette_build(&gif->palette);
}

static ColorMapObject *color_map(const struct gif *gif, int *transparent) {
    /* The transparent index is the last of a power of two. */
    int size = 4;
    while ((size_t)size < gif->palette.colors + 1) {
        size *= 2;
    }
    *transparent = size - 1;
    ColorMapObject *map = GifMakeMapObject(size, NULL);
    if (map != NULL) {
        memset(map->Colors, 0, (size_t)size * sizeof(GifColorType));
        for (size_t i = 0; i < gif->palette.colors; i++) {
            map->Colors[i] = (GifColorType){gif->palette.rgb[i][0], gif->palette.rgb[i][1],
                                            gif->palette.rgb[i][2]};
        }
    }
    return map;
}

static bool rows_put(struct gif *gif, struct area area, int transparent) {
    uint32_t before = UINT32_MAX; /* runs of one colour need no lookup */
    GifByteType index = 0;
    for (int y = area.top; y < area.bottom; y++) {
        size_t row = (size_t)y * (size_t)gif->width;
        int width = area.right - area.left;
        for (int x = 0; x < width; x++) {
            size_t at = row + (size_t)(area.left + x);
            if (!pixel_new(gif, at)) {
                gif->row[x] = (GifByteType)transparent;
                continue;
            }
            if (gif->pending[at] != before) {
                before = gif->pending[at];
                index = palette_index(&gif->palette, before);
            }
            gif->row[x] = index;
        }
        if (EGifPutLine(gif->writer, gif->row, width) == GIF_ERROR) {
            return false;
        }
    }
    return true;
}

static bool frame_put(struct gif *gif, int delay) {
    OBS_ASSERT(gif->any_pending && delay >= 0 && delay <= DELAY_MAX);
    errno = 0;
    struct area area = area_changed(gif);
    colors_choose(gif, area);
    int transparent = 0;
    ColorMapObject *map = color_map(gif, &transparent);
    if (map == NULL) {
        return gif_fail(gif, "out of memory");
    }
    GraphicsControlBlock control = {
        .DisposalMode = DISPOSE_DO_NOT,
        .DelayTime = delay,
        .TransparentColor = gif->any_shown ? transparent : NO_TRANSPARENT_COLOR,
    };
    GifByteType extension[4];
    EGifGCBToExtension(&control, extension);
    bool put = EGifPutExtension(gif->writer, GRAPHICS_EXT_FUNC_CODE, 4, extension) != GIF_ERROR &&
               EGifPutImageDesc(gif->writer, area.left, area.top, area.right - area.left,
                                area.bottom - area.top, false, map) != GIF_ERROR &&
               rows_put(gif, area, transparent);
    GifFreeMapObject(map);
    if (!put) {
        return gif_fail(gif, "writing a frame");
    }
    memcpy(gif->shown, gif->pending, pixels_of(gif) * sizeof(*gif->shown));
    gif->any_shown = true;
    return true;
}

/* ---- time ------------------------------------------------------------------------------------ */

static uint64_t hundredths(const struct gif *gif, uint64_t frame) {
    return (uint64_t)llround((double)frame * 100.0 / gif->fps);
}

/* Writes the pending picture as shown up to frame `until`. */
static bool pending_put(struct gif *gif, uint64_t until) {
    uint64_t delay = hundredths(gif, until) - hundredths(gif, gif->pending_from);
    while (delay > DELAY_MAX) {
        if (!frame_put(gif, DELAY_MAX)) {
            return false;
        }
        delay -= DELAY_MAX;
    }
    return frame_put(gif, (int)delay);
}

static bool gif_write(struct encoder *encoder, const uint32_t *pixels, uint64_t times) {
    struct gif *gif = gif_of(encoder);
    size_t count = pixels_of(gif);
    /* Alpha says nothing; without it pixels compare as colours. */
    bool same = gif->any_pending;
    for (size_t i = 0; same && i < count; i++) {
        same = (pixels[i] & 0xFFFFFF) == gif->pending[i];
    }
    if (!same) {
        uint64_t shown_for = hundredths(gif, gif->next) - hundredths(gif, gif->pending_from);
        if (gif->any_pending && shown_for >= DELAY_MIN) {
            if (!pending_put(gif, gif->next)) {
                return false;
            }
            gif->any_pending = false;
        }
        if (!gif->any_pending) {
            gif->pending_from = gif->next;
        }
        for (size_t i = 0; i < count; i++) {
            gif->pending[i] = pixels[i] & 0xFFFFFF;
        }
        gif->any_pending = true;
    }
    gif->next += times;
    return true;
}

static bool gif_close(struct gif *gif) {
    int status = 0;
    bool closed = true;
    errno = 0;
    if (gif->writer != NULL) {
        closed = EGifCloseFile(gif->writer, &status) != GIF_ERROR;
        gif->writer = NULL;
    }
    if (gif->file != NULL) {
        closed = !ferror(gif->file) && closed;
        closed = fclose(gif->file) == 0 && closed;
        gif->file = NULL;
    }
    return closed;
}

static bool gif_finish(struct encoder *encoder) {
    struct gif *gif = gif_of(encoder);
    if (gif->any_pending && !pending_put(gif, gif->next)) {
        return false;
    }
    gif->any_pending = false;
    return gif_close(gif) || gif_fail(gif, "closing the file");
}

static void gif_destroy(struct encoder *encoder) {
    struct gif *gif = gif_of(encoder);
    gif_close(gif);
    palette_free(&gif->palette);
    free(gif->row);
    free(gif->shown);
    free(gif->pending);
    free(gif);
}

static const struct encoder_ops gif_ops = {gif_write, gif_finish, gif_destroy};

/* Screen and endless loop. Every frame brings its own colours, so there is no common table. */
static bool header_put(struct gif *gif) {
    static const unsigned char name[] = "NETSCAPE2.0";
    static const unsigned char forever[] = {1, 0, 0};
    EGifSetGifVersion(gif->writer, true);
    return EGifPutScreenDesc(gif->writer, gif->width, gif->height, 8, 0, NULL) != GIF_ERROR &&
           EGifPutExtensionLeader(gif->writer, APPLICATION_EXT_FUNC_CODE) != GIF_ERROR &&
           EGifPutExtensionBlock(gif->writer, 11, name) != GIF_ERROR &&
           EGifPutExtensionBlock(gif->writer, 3, forever) != GIF_ERROR &&
           EGifPutExtensionTrailer(gif->writer) != GIF_ERROR;
}

struct encoder *encoder_gif_create(const char *part, int width, int height, double fps, char *error,
                                   size_t error_size) {
    OBS_ASSERT(width > 0 && width <= 65535 && height > 0 && height <= 65535 && fps > 0);
    struct gif *gif = calloc(1, sizeof(*gif));
    if (gif == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    gif->encoder.ops = &gif_ops;
    gif->width = width;
    gif->height = height;
    gif->fps = fps;
    gif->shown = malloc(pixels_of(gif) * sizeof(uint32_t));
    gif->pending = malloc(pixels_of(gif) * sizeof(uint32_t));
    gif->row = malloc((size_t)width);
    bool memory = palette_init(&gif->palette) && gif->shown != NULL && gif->pending != NULL &&
                  gif->row != NULL;
    if (!memory) {
        snprintf(error, error_size, "out of memory");
        gif_destroy(&gif->encoder);
        return NULL;
    }
    int status = 0;
    gif->file = fopen(part, "wbe");
    if (gif->file == NULL) {
        snprintf(error, error_size, "%s: %s", part, strerror(errno));
    } else if ((gif->writer = EGifOpen(gif->file, file_put, &status)) == NULL || !header_put(gif)) {
        snprintf(error, error_size, "%s: giflib: %s", part,
                 GifErrorString(gif->writer != NULL ? gif->writer->Error : status));
    } else {
        return &gif->encoder;
    }
    gif_destroy(&gif->encoder);
    return NULL;
}
