#include "golden_picture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "picture_compare.h"

static char out_dir[512];
static const char *program;

bool golden_begin(const char *argv0) {
    const char *slash = strrchr(argv0, '/');
    program = argv0;
    snprintf(out_dir, sizeof(out_dir), "%.*s/../golden", slash != NULL ? (int)(slash - argv0) : 1,
             slash != NULL ? argv0 : ".");
    if (mkdir(out_dir, 0777) != 0 && errno != EEXIST) {
        perror(out_dir);
        return false;
    }
    return true;
}

void golden_path(const char *file, char *path, size_t size) {
    snprintf(path, size, "%s/%s", out_dir, file);
}

void golden_check(const char *name, void (*draw)(const void *shot, const char *path),
                  const void *shot) {
    char golden[1024], actual[1024], diff[1024];
    snprintf(golden, sizeof(golden), "tests/golden/%s.png", name);
    snprintf(actual, sizeof(actual), "%s/%s.actual.png", out_dir, name);
    snprintf(diff, sizeof(diff), "%s/%s.diff.png", out_dir, name);
    const char *update = getenv("UPDATE_GOLDEN");
    if (update != NULL && strcmp(update, "1") == 0) {
        draw(shot, golden);
        return;
    }
    draw(shot, actual);
    struct picture_verdict verdict = picture_compare(actual, golden, diff);
    if (picture_same(&verdict)) {
        remove(actual);
        remove(diff);
        return;
    }
    if (!verdict.comparable) {
        print_error("%s cannot be compared with %s\n", actual, golden);
    } else {
        print_error("%s differs from %s: mean %.2f (limit %.2f), worst block %.2f (limit %.2f) at "
                    "%d,%d; see %s\n",
                    actual, golden, verdict.mean, PICTURE_MEAN_MAX, verdict.worst,
                    PICTURE_WORST_BLOCK_MAX, verdict.worst_x, verdict.worst_y, diff);
    }
    print_error("look at it, and if it is right: UPDATE_GOLDEN=1 %s\n", program);
    fail();
}
