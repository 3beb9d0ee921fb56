/* encoder_codec.h: the codecs and qualities there are, and what each means to ffmpeg.
 *
 *            low                 good (default)        best
 *   h264     crf 28 superfast    crf 20 superfast      crf 12 medium       .mp4 (default)
 *   h265     crf 30 veryfast     crf 22 veryfast       crf 16 medium       .mp4
 *   av1      crf 45 preset 10    crf 30 preset 9       crf 20 preset 6     .mp4 .webm
 *   vp9      crf 36 cpu-used 8   crf 24 cpu-used 6     crf 14 cpu-used 3   .webm (default)
 *
 * Text must stay crisp, hence the low numbers. The good h264 also does without B frames: the
 * overview at 1280x720, 302 frames of a run at four times its pace, then took 1.86 s of ffmpeg's
 * CPU instead of 3.53 s with crf 18 veryfast, at the same PSNR (46.4 dB), for 6.6 MB instead
 * of 3.9.
 *
 * Threads:    any; constant data. */
#ifndef OBS_ENCODER_CODEC_H
#define OBS_ENCODER_CODEC_H

#include <stdbool.h>

enum video_quality { VIDEO_GOOD, VIDEO_LOW, VIDEO_BEST, VIDEO_QUALITIES };

struct codec {
    const char *name;
    const char *endings;                       /* "mp4 webm" */
    const char *const *words[VIDEO_QUALITIES]; /* ffmpeg's arguments, ended by NULL */
};

/* The codec of that name, or NULL. */
const struct codec *codec_find(const char *name);
/* The default for a file's ending (".mp4"), or NULL. */
const struct codec *codec_default(const char *ending);
bool codec_suits(const struct codec *codec, const char *ending);
/* For messages: "h264, h265, vp9 or av1". */
const char *codec_names(void);
/* low, good or best; false for anything else. */
bool quality_find(const char *name, enum video_quality *quality);

#endif
