#include "curve_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(char error[256], const char *path, unsigned line, const char *why) {
    (void)snprintf(error, 256, "%.180s:%u: %s", path, line, why);
    return false;
}

/* Index of the phase, added when it is new; CURVE_PHASES_MAX when there is no room. */
static size_t phase_of(struct curve *curve, const char *name) {
    size_t i = 0;
    while (i < curve->phase_count && strcmp(curve->phase[i], name) != 0) {
        i++;
    }
    if (i == curve->phase_count && i < CURVE_PHASES_MAX) {
        (void)snprintf(curve->phase[i], CURVE_NAME, "%s", name);
        curve->phase_count++;
    }
    return i;
}

static struct curve_line *line_of(struct curve *curve, size_t phase, const char *engine) {
    size_t i = 0;
    while (i < curve->line_count &&
           (curve->line[i].phase != phase || strcmp(curve->line[i].engine, engine) != 0)) {
        i++;
    }
    if (i == CURVE_LINES_MAX) {
        return NULL;
    }
    struct curve_line *line = &curve->line[i];
    if (i == curve->line_count) {
        line->phase = phase;
        (void)snprintf(line->engine, CURVE_NAME, "%s", engine);
        curve->line_count++;
    }
    return line->count < CURVE_POINTS_MAX ? line : NULL;
}

static bool take_row(struct curve *curve, const char *text, const char *path, unsigned number,
                     char error[256]) {
    char engine[CURVE_NAME];
    char phase[CURVE_NAME];
    double num;
    double bytes;
    double ops_s;
    int end = 0;
    if (sscanf(text, "%lf,%lf,%31[^,\n],%31[^,\n],%lf %n", &num, &bytes, engine, phase, &ops_s,
               &end) != 5 ||
        text[end] != '\0' || !(bytes > 0 && bytes < 1e18) || !(ops_s >= 0 && ops_s < 1e18)) {
        return fail(error, path, number, "not a row of num,user_bytes,engine,phase,ops_per_s");
    }
    size_t at = phase_of(curve, phase);
    struct curve_line *line = at < CURVE_PHASES_MAX ? line_of(curve, at, engine) : NULL;
    if (line == NULL) {
        return fail(error, path, number,
                    "more phases, engines or sizes than a picture has room for");
    }
    if (line->count > 0 && bytes <= line->bytes[line->count - 1]) {
        return fail(error, path, number, "sizes must ascend");
    }
    line->bytes[line->count] = bytes;
    line->ops_s[line->count] = ops_s;
    line->count++;
    curve->bytes_min = curve->bytes_min == 0 || bytes < curve->bytes_min ? bytes : curve->bytes_min;
    curve->bytes_max = bytes > curve->bytes_max ? bytes : curve->bytes_max;
    return true;
}

bool curve_read(const char *path, struct curve *curve, char error[256]) {
    char text[256];
    unsigned number = 0;
    bool good = true;
    *curve = (struct curve){.line = calloc(CURVE_LINES_MAX, sizeof *curve->line)};
    FILE *file = fopen(path, "re");
    if (file == NULL || curve->line == NULL) {
        (void)snprintf(error, 256, "%.180s: %s", path, strerror(errno));
        good = false;
    }
    while (good && fgets(text, sizeof text, file) != NULL) {
        number++;
        if (number == 1) {
            good = strcmp(text, "num,user_bytes,engine,phase,ops_per_s\n") == 0 ||
                   fail(error, path, number, "not the header that lsm-bench --curve writes");
        } else {
            good = take_row(curve, text, path, number, error);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (good && curve->line_count == 0) {
        good = fail(error, path, number, "there are no rows");
    }
    if (!good) {
        curve_free(curve);
    }
    return good;
}

void curve_free(struct curve *curve) {
    free(curve->line);
    *curve = (struct curve){0};
}
