/* export.c: see export.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "obs_check.h"
#include "export.h"

/* "plot.svg" becomes "plot.part.svg": the canvas goes by the ending. NULL: memory. */
static char *part_of(const char *path) {
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (dot == NULL || (slash != NULL && dot < slash)) {
        dot = path + strlen(path);
    }
    char *part = NULL;
    if (asprintf(&part, "%.*s.part%s", (int)(dot - path), path, dot) < 0) {
        return NULL;
    }
    return part;
}

/* An error that begins with the part's name, which nobody asked for, begins with the picture's. */
static void part_unname(const char *part, const char *path, char *error, size_t error_size) {
    size_t length = strlen(part);
    if (strncmp(error, part, length) != 0) {
        return;
    }
    char *why = strdup(error + length);
    if (why != NULL) {
        snprintf(error, error_size, "%s%s", path, why);
        free(why);
    }
}

static bool part_settle(bool written, const char *part, const char *path, char *error,
                        size_t error_size) {
    if (!written) {
        part_unname(part, path, error, error_size);
    } else if (rename(part, path) != 0) {
        snprintf(error, error_size, "%s: %s", path, strerror(errno));
        written = false;
    }
    if (!written) {
        unlink(part);
    }
    return written;
}

bool export_canvas(struct canvas *canvas, const char *path, char *error, size_t error_size) {
    OBS_ASSERT(canvas != NULL && path != NULL);
    char *part = part_of(path);
    if (part == NULL) {
        snprintf(error, error_size, "out of memory");
        return false;
    }
    bool written = canvas_write_png(canvas, part, error, error_size);
    written = part_settle(written, part, path, error, error_size);
    free(part);
    return written;
}

/* A picture has no pointer, no notices of the window's, and nothing on its way somewhere. */
static struct view still_of(const struct view *view) {
    struct view still = *view;
    still.frame_exact = !view->paused; /* a paused picture stays the one it is */
    still.cursor_x = still.cursor_y = -1;
    still.cursor_fixed = still.explain = still.help = still.prompting = still.interactive = false;
    still.toast[0] = '\0';
    still.status.recording = false;
    return still;
}

bool export_picture(const struct view *view, const struct picture_options *options,
                    const char *path, char *error, size_t error_size) {
    OBS_ASSERT(view != NULL && options->width > 0 && options->height > 0 && options->scale > 0);
    const char *dot = strrchr(path, '.');
    bool raster = dot != NULL && strcasecmp(dot, ".png") == 0;
    struct view still = still_of(view);
    double scale = view_scale(view, options->scale, options->width, options->height);
    char *part = part_of(path);
    if (part == NULL) {
        snprintf(error, error_size, "out of memory");
        return false;
    }
    struct canvas *canvas = raster ? canvas_raster_create(options->width, options->height, scale,
                                                          options->font, error, error_size)
                                   : canvas_vector_create(part, options->width, options->height,
                                                          scale, options->font, error, error_size);
    bool written = false;
    if (canvas != NULL) {
        view_draw(&still, canvas);
        written = raster ? canvas_write_png(canvas, part, error, error_size)
                         : canvas_finish(canvas, error, error_size);
        canvas_destroy(canvas);
    }
    written = part_settle(written, part, path, error, error_size);
    free(part);
    return written;
}
