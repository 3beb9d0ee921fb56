/* export.h: one picture of a view, as a file: PNG, SVG or PDF by its ending.
 *
 * The file is written beside its place and renamed when it is whole. */
#ifndef OBS_EXPORT_H
#define OBS_EXPORT_H

#include "view.h"

struct picture_options {
    int width, height; /* pixels */
    double scale;
    const char *font; /* NULL: the default */
};

/* Draws the view at the given size, without easing. False, and why in `error`. */
bool export_picture(const struct view *view, const struct picture_options *options,
                    const char *path, char *error, size_t error_size);
/* Saves what a raster canvas shows now. */
bool export_canvas(struct canvas *canvas, const char *path, char *error, size_t error_size);

#endif
