/* video.h: pictures into a video file, without making whoever draws them wait.
 *
 *   main thread -pictures--> bounded queue --> encoder thread --> ffmpeg | giflib --> FILE.part
 *
 * Real time: frames fall due on a fixed clock. A frame without a new picture repeats the last one;
 * so does a frame whose picture found the queue full, and those are counted. Not in real time (a
 * finished run): each picture is one frame, and the caller waits for room.
 * The file is written as FILE.part and gets its name when it is whole.
 *
 * Threads:    one caller; the encoder's thread is internal.
 * Ownership:  pixels are copied.
 * Process:    MP4 and WebM run `ffmpeg` in a process group of its own, so that Ctrl-C lets it
 *             finish; the descriptors are close-on-exec. SIGPIPE never reaches the process.
 * Units:      pixels are ARGB32, native-endian, alpha ignored; `stride` in bytes. */
#ifndef OBS_VIDEO_H
#define OBS_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encoder_codec.h"

struct video;

struct video_options {
    const char *path;  /* .mp4, .webm or .gif */
    const char *codec; /* NULL: the ending's default; see encoder_codec.h */
    enum video_quality quality;
    int width, height; /* made even, downwards */
    double fps;
    bool realtime;
};

/* Whether this ending can be encoded here; if not, `error` names the remedy. */
bool video_possible(const char *path, char *error, size_t error_size);
/* True when MP4 can be had: ffmpeg is installed. */
bool video_has_ffmpeg(void);

/* NULL, and why in `error`. */
struct video *video_start(const struct video_options *options, char *error, size_t error_size);
int video_width(const struct video *video);
int video_height(const struct video *video);

/* What is to be seen from `now_s` on (real time), or the next frame. The picture is at least as
 * large as the video; what is beyond is cut off. */
void video_picture(struct video *video, const uint32_t *pixels, int stride, double now_s);
/* Real time: lets the frames due by `now_s` out. Call it now and then, at least every second. */
void video_tick(struct video *video, double now_s);

uint64_t video_frames(const struct video *video);   /* so far */
uint64_t video_repeated(const struct video *video); /* because the encoder was too slow */
/* True once the encoder gave up: finish will tell why. */
bool video_failed(struct video *video);

/* Writes what is queued, closes and renames the file, frees the video. False, and why in `error`;
 * then no FILE is made and FILE.part is removed. `*frames`, `*repeated` may be NULL. */
bool video_finish(struct video *video, double now_s, uint64_t *frames, uint64_t *repeated,
                  char *error, size_t error_size);

#endif
