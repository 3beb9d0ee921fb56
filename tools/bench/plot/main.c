/* lsm-bench-plot: draws what lsm-bench --curve wrote, on the observer's canvas. A program of its
 * own so that the bench itself carries no window or font library into what it measures. */
#include <stdio.h>
#include <string.h>

#include "draw.h"
#include "scope.h"

enum { WIDTH = 1280, HEIGHT = 800 };

static const char usage[] =
    "Usage: lsm-bench-plot [--dark] FILE.csv FILE.png\n\n"
    "Draws the file that lsm-bench --curve wrote: a chart for each phase, a line for each\n"
    "engine. The picture may also be an .svg or a .pdf.\n";

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text);
    size_t ending = strlen(end);
    return length > ending && strcmp(text + length - ending, end) == 0;
}

static bool draw_file(const struct curve *curve, const struct theme *theme, const char *path,
                      char error[256]) {
    bool png = ends_with(path, ".png");
    struct canvas *canvas = png ? canvas_raster_create(WIDTH, HEIGHT, 1, NULL, error, 256)
                                : canvas_vector_create(path, WIDTH, HEIGHT, 1, NULL, error, 256);
    if (canvas == NULL) {
        return false;
    }
    draw_curve(canvas, theme, curve);
    bool good =
        png ? canvas_write_png(canvas, path, error, 256) : canvas_finish(canvas, error, 256);
    canvas_destroy(canvas);
    return good;
}

int main(int argc, char **argv) {
    char error[256];
    struct curve curve;
    enum theme_id id = THEME_LIGHT;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("lsm-bench-plot %s\n", SCOPE_VERSION);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--dark") == 0) {
        id = THEME_DARK;
        argc--;
        argv++;
    }
    if (argc != 3 || argv[1][0] == '-' ||
        !(ends_with(argv[2], ".png") || ends_with(argv[2], ".svg") || ends_with(argv[2], ".pdf"))) {
        fputs("lsm-bench-plot: it wants FILE.csv and a FILE.png, .svg or .pdf; --help tells more\n",
              stderr);
        return 2;
    }
    if (!curve_read(argv[1], &curve, error)) {
        fprintf(stderr, "lsm-bench-plot: %s\n", error);
        return 2;
    }
    bool good = draw_file(&curve, theme_get(id), argv[2], error);
    curve_free(&curve);
    if (!good) {
        fprintf(stderr, "lsm-bench-plot: %s\n", error);
        return 1;
    }
    return 0;
}
