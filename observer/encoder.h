/* encoder.h: what turns a row of frames into a file: an ffmpeg process, or giflib in this one.
 *
 * Threads:    made on one thread, then used by the video's thread alone. */
#ifndef OBS_ENCODER_H
#define OBS_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encoder_codec.h"

enum { ENCODER_ERROR_MAX = 320 };

struct encoder;

struct encoder_ops {
    /* Shows the picture for `times` frames. `pixels` are width * height, without gaps. */
    bool (*write)(struct encoder *encoder, const uint32_t *pixels, uint64_t times);
    /* Completes the file. */
    bool (*finish)(struct encoder *encoder);
    /* Frees; without finish the file is left incomplete and the process is ended. */
    void (*destroy)(struct encoder *encoder);
};

struct encoder {
    const struct encoder_ops *ops;
    char error[ENCODER_ERROR_MAX]; /* after a false */
};

struct encoder_options {
    const char *part;   /* the file to write */
    const char *ending; /* of the final name: decides the container */
    const char *codec;  /* NULL: the ending's default */
    enum video_quality quality;
    int width, height; /* even */
    double fps;
};

/* NULL, `error` says why. */
struct encoder *encoder_ffmpeg_create(const struct encoder_options *options, char *error,
                                      size_t error_size);
struct encoder *encoder_gif_create(const char *part, int width, int height, double fps, char *error,
                                   size_t error_size);

/* Finds a program in PATH. */
bool encoder_find_program(const char *name, char path[], size_t path_size);

#endif
