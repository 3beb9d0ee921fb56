#include "encoder_codec.h"

#include <string.h>
#include <strings.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define X26X(library, crf, preset, tag)                                                            \
    WORDS("-c:v", library, "-preset", preset, "-crf", crf, "-tag:v", tag)
#define QUICK264(crf)                                                                              \
    WORDS("-c:v", "libx264", "-preset", "superfast", "-crf", crf, "-bf", "0", "-x264-params",      \
          "weightp=0", "-tag:v", "avc1")
#define AV1(crf, preset) WORDS("-c:v", "libsvtav1", "-preset", preset, "-crf", crf)
#define VP9(crf, speed)                                                                            \
    WORDS("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", speed, "-row-mt", "1",       \
          "-tile-columns", "2", "-crf", crf, "-b:v", "0")

/* By quality: good, low, best. The first that suits an ending is its default. Apple's players want
 * H.265 under the tag hvc1. */
static const struct codec codecs[] = {
    {"h264", "mp4", {QUICK264("20"), QUICK264("28"), X26X("libx264", "12", "medium", "avc1")}},
    {"h265",
     "mp4",
     {X26X("libx265", "22", "veryfast", "hvc1"), X26X("libx265", "30", "veryfast", "hvc1"),
      X26X("libx265", "16", "medium", "hvc1")}},
    {"vp9", "webm", {VP9("24", "6"), VP9("36", "8"), VP9("14", "3")}},
    {"av1", "mp4 webm", {AV1("30", "9"), AV1("45", "10"), AV1("20", "6")}},
};
enum { CODECS = sizeof codecs / sizeof codecs[0] };

const struct codec *codec_find(const char *name) {
    for (int i = 0; i < CODECS; i++) {
        if (strcmp(codecs[i].name, name) == 0) {
            return &codecs[i];
        }
    }
    return NULL;
}

bool codec_suits(const struct codec *codec, const char *ending) {
    size_t length = ending[0] == '.' ? strlen(ending + 1) : 0;
    for (const char *at = codec->endings; length > 0 && at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ' ? 1 : 0;
        if (strncasecmp(at, ending + 1, length) == 0 && (at[length] == ' ' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

const struct codec *codec_default(const char *ending) {
    for (int i = 0; i < CODECS; i++) {
        if (codec_suits(&codecs[i], ending)) {
            return &codecs[i];
        }
    }
    return NULL;
}

const char *codec_names(void) {
    return "h264, h265, vp9 or av1";
}

bool quality_find(const char *name, enum video_quality *quality) {
    static const char *const names[VIDEO_QUALITIES] = {
        [VIDEO_GOOD] = "good", [VIDEO_LOW] = "low", [VIDEO_BEST] = "best"};
    for (int i = 0; i < VIDEO_QUALITIES; i++) {
        if (strcmp(names[i], name) == 0) {
            *quality = (enum video_quality)i;
            return true;
        }
    }
    return false;
}
