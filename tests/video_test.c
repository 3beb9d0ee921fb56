/* video.h: the queue, the clock, GIFs read back pixel by pixel, and an ffmpeg played by scripts
 * that are slow, fail, or die. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <gif_lib.h>

#include "gif_palette.h"
#include "video.h"

enum { WIDTH = 64, HEIGHT = 48, PIXELS = WIDTH * HEIGHT, STRIDE = WIDTH * 4 };

struct fixture {
    char directory[64];
    char path[128], part[140];
    char *search; /* the PATH before */
    char error[512];
    uint64_t frames, repeated;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/video_test.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->search = strdup(getenv("PATH"));
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    setenv("PATH", fixture->search, 1);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
    assert_int_equal(system(command), 0);
    free(fixture->search);
    free(fixture);
    return 0;
}

/* Every pixel one colour, the corner another. */
static void paint(uint32_t *pixels, uint32_t color, uint32_t corner) {
    for (int i = 0; i < PIXELS; i++) {
        pixels[i] = 0xFF000000u | color;
    }
    pixels[0] = 0xFF000000u | corner;
}

static struct video *start(struct fixture *fixture, const char *name, double fps, bool realtime) {
    snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->directory, name);
    snprintf(fixture->part, sizeof(fixture->part), "%s.part", fixture->path);
    struct video_options options = {
        .path = fixture->path,
        .width = WIDTH + 1, /* odd: made even */
        .height = HEIGHT + 1,
        .fps = fps,
        .realtime = realtime,
    };
    return video_start(&options, fixture->error, sizeof(fixture->error));
}

static bool finish(struct fixture *fixture, struct video *video, double now_s) {
    return video_finish(video, now_s, &fixture->frames, &fixture->repeated, fixture->error,
                        sizeof(fixture->error));
}

/* A program called ffmpeg that is found before, or instead of, the real one. */
static void fake_ffmpeg(const struct fixture *fixture, const char *script) {
    char path[128], search[2048];
    snprintf(path, sizeof(path), "%s/ffmpeg", fixture->directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    /* The last argument is the target, with its protocol. */
    fprintf(file, "#!/bin/sh\nfor last; do :; done\nout=${last#file:}\ndir=%s\n%s\n",
            fixture->directory, script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    snprintf(search, sizeof(search), "%s:%s", fixture->directory, fixture->search);
    setenv("PATH", search, 1);
}

static long size_of(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

/* ---- GIF ------------------------------------------------------------------------------------- */

/* Plays a GIF and hands back the screen after frame `index`. */
static void gif_screen(const GifFileType *gif, int index, uint32_t *screen) {
    for (int f = 0; f <= index; f++) {
        const SavedImage *image = &gif->SavedImages[f];
        const ColorMapObject *map = image->ImageDesc.ColorMap;
        GraphicsControlBlock control;
        assert_int_equal(DGifSavedExtensionToGCB((GifFileType *)(uintptr_t)gif, f, &control),
                         GIF_OK);
        assert_non_null(map);
        for (int y = 0; y < image->ImageDesc.Height; y++) {
            for (int x = 0; x < image->ImageDesc.Width; x++) {
                int index_of = image->RasterBits[y * image->ImageDesc.Width + x];
                if (index_of == control.TransparentColor) {
                    continue;
                }
                assert_true(index_of < map->ColorCount);
                GifColorType color = map->Colors[index_of];
                screen[(image->ImageDesc.Top + y) * WIDTH + image->ImageDesc.Left + x] =
                    (uint32_t)color.Red << 16 | (uint32_t)color.Green << 8 | color.Blue;
            }
        }
    }
}

static GifFileType *gif_read(const char *path) {
    int status = 0;
    GifFileType *gif = DGifOpenFileName(path, &status);
    assert_non_null(gif);
    assert_int_equal(DGifSlurp(gif), GIF_OK);
    return gif;
}

static int gif_delay(GifFileType *gif, int frame) {
    GraphicsControlBlock control;
    assert_int_equal(DGifSavedExtensionToGCB(gif, frame, &control), GIF_OK);
    return control.DelayTime;
}

static void gif_shows_every_pixel_as_drawn_and_lasts_as_long(void **state) {
    struct fixture *fixture = *state;
    uint32_t pixels[PIXELS + WIDTH + HEIGHT + 1], screen[PIXELS] = {0};
    struct video *video = start(fixture, "a.gif", 3, false);
    assert_non_null(video);
    assert_int_equal(video_width(video), WIDTH);
    assert_int_equal(video_height(video), HEIGHT);
    for (uint32_t i = 0; i < 20; i++) {
        paint(pixels, 0x102030 + i / 10, 0xFF0000 + i);
        pixels[500 + i] = 0xFF00FF00;
        video_picture(video, pixels, STRIDE, 0);
    }
    assert_true(finish(fixture, video, 0));
    assert_int_equal(fixture->frames, 20);
    assert_int_equal(access(fixture->part, F_OK), -1);
    GifFileType *gif = gif_read(fixture->path);
    assert_int_equal(gif->SWidth, WIDTH);
    assert_int_equal(gif->SHeight, HEIGHT);
    assert_int_equal(gif->ImageCount, 20);
    int total = 0;
    for (int i = 0; i < gif->ImageCount; i++) {
        total += gif_delay(gif, i);
    }
    assert_int_equal(total, 667); /* 20 frames at 3 a second */
    gif_screen(gif, 19, screen);
    for (int i = 0; i < PIXELS; i++) {
        assert_int_equal(screen[i], pixels[i] & 0xFFFFFF);
    }
    assert_true(gif->SavedImages[5].ImageDesc.Height < HEIGHT); /* only what changed */
    DGifCloseFile(gif, NULL);
}

static void gif_merges_equal_pictures_into_a_longer_one(void **state) {
    struct fixture *fixture = *state;
    uint32_t pixels[PIXELS];
    struct video *video = start(fixture, "b.gif", 10, false);
    assert_non_null(video);
    for (int i = 0; i < 30; i++) {
        paint(pixels, i < 20 ? 0x111111 : 0x222222, 0);
        video_picture(video, pixels, STRIDE, 0);
    }
    assert_true(finish(fixture, video, 0));
    GifFileType *gif = gif_read(fixture->path);
    assert_int_equal(gif->ImageCount, 2);
    assert_int_equal(gif_delay(gif, 0), 200);
    assert_int_equal(gif_delay(gif, 1), 100);
    DGifCloseFile(gif, NULL);
}

static void palette_keeps_the_common_colours_exact_among_thousands(void **state) {
    (void)state;
    struct palette palette;
    assert_true(palette_init(&palette));
    for (int i = 0; i < 100000; i++) {
        palette_count(&palette, 0x0E1116);
        palette_count(&palette, 0x4FA3FF);
    }
    for (uint32_t i = 0; i < 80000; i++) { /* more than it counts */
        palette_count(&palette, (i * 2654435761u) & 0xFFFFFF);
    }
    palette_build(&palette);
    static const uint32_t common[] = {0x0E1116, 0x4FA3FF};
    for (int i = 0; i < 2; i++) {
        const uint8_t *rgb = palette.rgb[palette_index(&palette, common[i])];
        assert_int_equal((uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2], common[i]);
    }
    assert_true(palette.colors <= PALETTE_COLORS);
    palette_free(&palette);
}

static void palette_is_the_same_for_the_same_pixels(void **state) {
    (void)state;
    struct palette one, two;
    assert_true(palette_init(&one) && palette_init(&two));
    for (uint32_t i = 0; i < 3000; i++) {
        palette_count(&one, (i * 7919u) & 0xFFFFFF);
    }
    for (uint32_t i = 3000; i-- > 0;) {
        palette_count(&two, (i * 7919u) & 0xFFFFFF);
    }
    palette_build(&one);
    palette_build(&two);
    assert_int_equal(one.colors, two.colors);
    assert_memory_equal(one.rgb, two.rgb, sizeof(one.rgb));
    palette_free(&one);
    palette_free(&two);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static void real_time_frames_follow_the_clock_not_the_pictures(void **state) {
    struct fixture *fixture = *state;
    uint32_t pixels[PIXELS];
    struct video *video = start(fixture, "c.gif", 10, true);
    assert_non_null(video);
    video_tick(video, 99); /* before the first picture nothing is due */
    assert_int_equal(video_frames(video), 0);
    paint(pixels, 0x000001, 0);
    video_picture(video, pixels, STRIDE, 100.0);
    video_tick(video, 100.95);
    assert_int_equal(video_frames(video), 10);
    paint(pixels, 0x000002, 0);
    video_picture(video, pixels, STRIDE, 101.02); /* frame 10, due at 101.0, showed the first */
    paint(pixels, 0x000003, 0);
    video_picture(video, pixels, STRIDE, 101.05); /* replaces one that no frame showed */
    video_tick(video, 101.95);
    assert_int_equal(video_frames(video), 20);
    assert_true(finish(fixture, video, 102.45));
    assert_int_equal(fixture->frames, 25);
    assert_int_equal(fixture->repeated, 0);
    GifFileType *gif = gif_read(fixture->path);
    assert_int_equal(gif->ImageCount, 2);
    assert_int_equal(gif_delay(gif, 0), 110);
    assert_int_equal(gif_delay(gif, 1), 140);
    DGifCloseFile(gif, NULL);
}

static void slow_encoder_repeats_frames_and_counts_them(void **state) {
    struct fixture *fixture = *state;
    fake_ffmpeg(fixture, "while [ ! -e $dir/go ]; do sleep 0.02; done; exec cat >\"$out\"");
    static uint32_t pixels[512 * 512];
    snprintf(fixture->path, sizeof(fixture->path), "%s/slow.mp4", fixture->directory);
    struct video_options options = {
        .path = fixture->path, .width = 512, .height = 512, .fps = 10, .realtime = true};
    struct video *video = video_start(&options, fixture->error, sizeof(fixture->error));
    assert_non_null(video);
    /* Nobody reads: the pipe holds one frame, the queue a few, and nothing here waits. */
    for (int i = 0; i < 60; i++) {
        pixels[0] = (uint32_t)i;
        video_picture(video, pixels, 512 * 4, 100 + i / 10.0);
        video_tick(video, 100 + i / 10.0 + 0.05);
    }
    assert_int_equal(video_frames(video), 60);
    assert_true(video_repeated(video) >= 40);
    char go[128];
    snprintf(go, sizeof(go), "%s/go", fixture->directory);
    close(open(go, O_CREAT | O_WRONLY, 0600));
    assert_true(finish(fixture, video, 0));
    assert_int_equal(size_of(fixture->path),
                     60L * 512 * 512 * 3 / 2); /* the clock kept its length */
}

/* ---- ffmpeg ---------------------------------------------------------------------------------- */

static void failing_ffmpeg_leaves_no_file_and_its_last_words(void **state) {
    struct fixture *fixture = *state;
    fake_ffmpeg(fixture, "cat >/dev/null; echo 'codec of doom' >&2; exit 3");
    uint32_t pixels[PIXELS];
    struct video *video = start(fixture, "d.mp4", 10, false);
    assert_non_null(video);
    paint(pixels, 1, 2);
    video_picture(video, pixels, STRIDE, 0);
    assert_false(finish(fixture, video, 0));
    assert_non_null(strstr(fixture->error, "codec of doom"));
    assert_non_null(strstr(fixture->error, fixture->path));
    assert_int_equal(access(fixture->path, F_OK), -1);
    assert_int_equal(access(fixture->part, F_OK), -1);
}

static void dying_ffmpeg_neither_kills_nor_blocks_us(void **state) {
    struct fixture *fixture = *state;
    /* It talks more than a pipe holds before it goes. */
    fake_ffmpeg(fixture, "head -c 300000 /dev/zero | tr '\\0' x >&2; echo bye >&2; exit 1");
    static uint32_t pixels[PIXELS];
    struct video *video = start(fixture, "e.webm", 10, false);
    assert_non_null(video);
    for (int i = 0; i < 300; i++) {
        video_picture(video, pixels, STRIDE, 0);
    }
    assert_false(finish(fixture, video, 0));
    assert_non_null(strstr(fixture->error, "bye"));
}

static void ffmpeg_has_its_own_group_and_only_its_own_descriptors(void **state) {
    struct fixture *fixture = *state;
    fake_ffmpeg(fixture, "cut -d' ' -f5 /proc/$$/stat >$dir/group; ls /proc/$$/fd >$dir/fds; "
                         "exec cat >\"$out\"");
    static uint32_t pixels[PIXELS];
    struct video *other = start(fixture, "f0.mp4", 10, false);
    assert_non_null(other);
    struct video *video = start(fixture, "f.mp4", 10, false);
    assert_non_null(video);
    video_picture(video, pixels, STRIDE, 0);
    assert_true(finish(fixture, video, 0));
    char path[128], text[64] = "";
    snprintf(path, sizeof(path), "%s/group", fixture->directory);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof(text), file));
    fclose(file);
    assert_int_not_equal(atoi(text), getpgrp());
    video_picture(other, pixels, STRIDE, 0);
    /* Had the second process kept the first one's pipe, this would wait for ever. */
    assert_true(finish(fixture, other, 0));
}

static void without_ffmpeg_the_message_names_the_gif(void **state) {
    struct fixture *fixture = *state;
    setenv("PATH", fixture->directory, 1);
    assert_false(video_has_ffmpeg());
    assert_false(video_possible("out/run.mp4", fixture->error, sizeof(fixture->error)));
    assert_non_null(strstr(fixture->error, "--save-video out/run.gif"));
    assert_non_null(strstr(fixture->error, "ffmpeg"));
    assert_true(video_possible("run.GIF", fixture->error, sizeof(fixture->error)));
    assert_null(start(fixture, "g.webm", 10, false));
    assert_int_equal(access(fixture->part, F_OK), -1);
}

static void place_that_cannot_be_written_is_told_at_once(void **state) {
    struct fixture *fixture = *state;
    assert_null(start(fixture, "missing/h.gif", 10, false));
    assert_non_null(strstr(fixture->error, "missing/h.gif"));
    assert_null(start(fixture, "missing/h.mp4", 10, false));
    assert_non_null(strstr(fixture->error, "missing/h.mp4"));
}

static void video_without_a_frame_is_an_error(void **state) {
    struct fixture *fixture = *state;
    struct video *video = start(fixture, "i.gif", 10, true);
    assert_non_null(video);
    assert_false(finish(fixture, video, 100));
    assert_non_null(strstr(fixture->error, "no frame"));
    assert_int_equal(access(fixture->part, F_OK), -1);
}

static void real_ffmpeg_makes_files_that_hold_every_frame(void **state) {
    struct fixture *fixture = *state;
    if (!video_has_ffmpeg() || system("command -v ffprobe >/dev/null") != 0) {
        skip();
    }
    static const char *const names[] = {"j.mp4", "j.webm"};
    for (int n = 0; n < 2; n++) {
        static uint32_t pixels[PIXELS + WIDTH * 2];
        struct video *video = start(fixture, names[n], 25, false);
        assert_non_null(video);
        for (uint32_t i = 0; i < 25; i++) {
            paint(pixels, i * 10, 0xFFFFFF);
            video_picture(video, pixels, STRIDE, 0);
        }
        if (!finish(fixture, video, 0)) {
            fail_msg("%s", fixture->error);
        }
        char command[400], answer[64] = "";
        snprintf(command, sizeof(command),
                 "ffprobe -v error -count_frames -select_streams v -show_entries "
                 "stream=width,height,nb_read_frames -of csv=p=0 '%s'",
                 fixture->path);
        FILE *probe = popen(command, "r");
        assert_non_null(probe);
        assert_non_null(fgets(answer, sizeof(answer), probe));
        pclose(probe);
        assert_string_equal(answer, "64,48,25\n");
    }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(gif_shows_every_pixel_as_drawn_and_lasts_as_long),
        CASE(gif_merges_equal_pictures_into_a_longer_one),
        CASE(palette_keeps_the_common_colours_exact_among_thousands),
        CASE(palette_is_the_same_for_the_same_pixels),
        CASE(real_time_frames_follow_the_clock_not_the_pictures),
        CASE(slow_encoder_repeats_frames_and_counts_them),
        CASE(failing_ffmpeg_leaves_no_file_and_its_last_words),
        CASE(dying_ffmpeg_neither_kills_nor_blocks_us),
        CASE(ffmpeg_has_its_own_group_and_only_its_own_descriptors),
        CASE(without_ffmpeg_the_message_names_the_gif),
        CASE(place_that_cannot_be_written_is_told_at_once),
        CASE(video_without_a_frame_is_an_error),
        CASE(real_ffmpeg_makes_files_that_hold_every_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
