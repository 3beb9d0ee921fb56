/* What a video is encoded with: yuv.h against the standard's own matrix, encoder_codec.h's table
 * against the real ffmpeg, and progress.h's line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "progress.h"
#include "video.h"
#include "yuv.h"

enum { WIDTH = 64, HEIGHT = 64, PIXELS = WIDTH * HEIGHT };

static unsigned seed = 20261;

static void random_pixels(uint32_t *pixels) {
    for (int i = 0; i < PIXELS; i++) {
        pixels[i] = (uint32_t)rand_r(&seed) << 16 ^ (uint32_t)rand_r(&seed);
    }
}

static double part(uint32_t pixel, int shift) {
    return (double)(pixel >> shift & 255) / 255.0;
}

/* ITU-R BT.709-6, item 3.2 and 3.3, quantised as in 3.4. */
static void expected(double r, double g, double b, double yuv[3]) {
    double y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    yuv[0] = 16 + 219 * y;
    yuv[1] = 128 + 224 * (b - y) / 1.8556;
    yuv[2] = 128 + 224 * (r - y) / 1.5748;
}

static void planes_are_the_standards_to_the_rounding(void **state) {
    (void)state;
    print_message("seed %u\n", seed);
    static uint32_t pixels[PIXELS];
    static uint8_t planes[PIXELS * 3 / 2];
    assert_int_equal(yuv420_bytes(WIDTH, HEIGHT), sizeof(planes));
    random_pixels(pixels);
    yuv420_from_argb(pixels, WIDTH, HEIGHT, planes);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            uint32_t pixel = pixels[y * WIDTH + x];
            double yuv[3];
            expected(part(pixel, 16), part(pixel, 8), part(pixel, 0), yuv);
            assert_true(fabs(planes[y * WIDTH + x] - yuv[0]) <= 1.5);
        }
    }
    for (int i = 0; i < PIXELS / 4; i++) {
        int x = i % (WIDTH / 2) * 2, y = i / (WIDTH / 2) * 2;
        double sum[3] = {0};
        for (int k = 0; k < 4; k++) {
            uint32_t pixel = pixels[(y + k / 2) * WIDTH + x + k % 2];
            for (int c = 0; c < 3; c++) {
                sum[c] += part(pixel, 16 - 8 * c) / 4;
            }
        }
        double yuv[3];
        expected(sum[0], sum[1], sum[2], yuv);
        assert_true(fabs(planes[PIXELS + i] - yuv[1]) <= 1.5);
        assert_true(fabs(planes[PIXELS * 5 / 4 + i] - yuv[2]) <= 1.5);
    }
}

static void grey_has_no_chroma_and_keeps_its_order(void **state) {
    (void)state;
    uint8_t before = 0;
    for (uint32_t grey = 0; grey < 256; grey++) {
        uint32_t pixels[4];
        uint8_t planes[6];
        for (int i = 0; i < 4; i++) {
            pixels[i] = grey << 16 | grey << 8 | grey;
        }
        yuv420_from_argb(pixels, 2, 2, planes);
        assert_int_equal(planes[4], 128);
        assert_int_equal(planes[5], 128);
        assert_true(planes[0] >= before);
        before = planes[0];
        assert_true(grey != 0 || planes[0] == 16);
        assert_true(grey != 255 || planes[0] == 235);
    }
}

static void endings_have_defaults_and_refuse_strangers(void **state) {
    (void)state;
    assert_string_equal(codec_default(".mp4")->name, "h264");
    assert_string_equal(codec_default(".WEBM")->name, "vp9");
    assert_null(codec_default(".gif"));
    assert_null(codec_default(""));
    assert_null(codec_default(".mp"));
    assert_true(codec_suits(codec_find("av1"), ".mp4"));
    assert_true(codec_suits(codec_find("av1"), ".webm"));
    assert_false(codec_suits(codec_find("vp9"), ".mp4"));
    assert_null(codec_find("h263"));
    enum video_quality quality = VIDEO_GOOD;
    assert_true(quality_find("best", &quality));
    assert_int_equal(quality, VIDEO_BEST);
    assert_false(quality_find("finest", &quality));
}

/* Ten frames through the real program, and what ffprobe says of them. */
static void encode_and_probe(const char *codec, enum video_quality quality, const char *path,
                             const char *wanted) {
    static uint32_t pixels[PIXELS];
    char error[512] = "", command[512], said[160] = "";
    struct video_options options = {.path = path,
                                    .codec = codec,
                                    .quality = quality,
                                    .width = WIDTH,
                                    .height = HEIGHT,
                                    .fps = 10};
    struct video *video = video_start(&options, error, sizeof(error));
    if (video == NULL) {
        fail_msg("%s: %s", codec, error);
    }
    for (int i = 0; i < 10; i++) {
        random_pixels(pixels);
        video_picture(video, pixels, WIDTH * 4, 0);
    }
    if (!video_finish(video, 0, NULL, NULL, error, sizeof(error))) {
        fail_msg("%s: %s", codec, error);
    }
    snprintf(command, sizeof(command),
             "ffprobe -v error -count_frames -select_streams v -show_entries "
             "stream=codec_name,nb_read_frames,color_space -of csv=p=0 '%s'",
             path);
    FILE *probe = popen(command, "r");
    assert_non_null(probe);
    assert_non_null(fgets(said, sizeof(said), probe));
    pclose(probe);
    said[strcspn(said, "\n")] = '\0';
    assert_string_equal(said, wanted);
    unlink(path);
}

static void every_codec_makes_what_it_says(void **state) {
    (void)state;
    if (!video_has_ffmpeg()) {
        skip();
    }
    char directory[] = "/tmp/encoder_test.XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    static const struct {
        const char *codec, *file, *wanted;
    } cases[] = {
        {"h264", "a.mp4", "h264,bt709,10"},
        {"h265", "a.mp4", "hevc,bt709,10"},
        {"vp9", "a.webm", "vp9,bt709,10"},
        {"av1", "a.webm", "av1,bt709,10"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, cases[i].file);
        encode_and_probe(cases[i].codec, VIDEO_GOOD, path, cases[i].wanted);
    }
    snprintf(path, sizeof(path), "%s/a.mp4", directory);
    encode_and_probe(NULL, VIDEO_LOW, path, cases[0].wanted);
    encode_and_probe(NULL, VIDEO_BEST, path, cases[0].wanted);
    assert_int_equal(rmdir(directory), 0);
}

static void codec_that_does_not_go_into_the_file_is_refused(void **state) {
    (void)state;
    if (!video_has_ffmpeg()) {
        skip();
    }
    char error[512] = "";
    struct video_options options = {
        .path = "/tmp/encoder_test.mp4", .codec = "vp9", .width = 64, .height = 64, .fps = 1};
    assert_null(video_start(&options, error, sizeof(error)));
    assert_non_null(strstr(error, "vp9 does not go into a .mp4"));
    assert_int_not_equal(access("/tmp/encoder_test.mp4.part", F_OK), 0);
}

static size_t cells(const char *line) {
    size_t count = 0;
    for (; *line != '\0'; line++) {
        count += ((unsigned char)*line & 0xC0) != 0x80;
    }
    return count;
}

static void progress_keeps_to_its_line(void **state) {
    (void)state;
    char line[PROGRESS_LINE_MAX];
    for (int columns = 30; columns < 200; columns++) {
        for (size_t done = 0; done <= 3000; done += 125) {
            progress_line(done, 3000, 7.5, columns, columns % 2 == 0, line);
            assert_true(cells(line) < (size_t)columns);
        }
    }
    progress_line(750, 3000, 5, 80, true, line);
    assert_string_equal(line, "  25 %  #########.............................  750 of 3000  "
                              "150/s  15.0 s left");
    progress_line(3000, 3000, 5, 80, false, line);
    assert_non_null(strstr(line, " 100 %"));
    progress_line(0, 3000, 0, 80, false, line);
    assert_null(strstr(line, "left"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_are_the_standards_to_the_rounding),
        cmocka_unit_test(grey_has_no_chroma_and_keeps_its_order),
        cmocka_unit_test(endings_have_defaults_and_refuse_strangers),
        cmocka_unit_test(every_codec_makes_what_it_says),
        cmocka_unit_test(codec_that_does_not_go_into_the_file_is_refused),
        cmocka_unit_test(progress_keeps_to_its_line),
    };
    return cmocka_run_group_tests_name("encoder", tests, NULL, NULL);
}
