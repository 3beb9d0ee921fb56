/* curve_file.h: the CSV that lsm-bench --curve writes: num,user_bytes,engine,phase,ops_per_s.
 *
 * Threads:    one.
 * Ownership:  the curve owns everything it points to, until curve_free. */
#ifndef PLOT_CURVE_FILE_H
#define PLOT_CURVE_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum { CURVE_NAME = 32, CURVE_POINTS_MAX = 64, CURVE_LINES_MAX = 256, CURVE_PHASES_MAX = 64 };

struct curve_line {
    char engine[CURVE_NAME];
    size_t phase; /* index into phase[] */
    size_t count;
    double bytes[CURVE_POINTS_MAX]; /* ascending */
    double ops_s[CURVE_POINTS_MAX];
};
struct curve {
    char phase[CURVE_PHASES_MAX][CURVE_NAME]; /* in the order of the file */
    size_t phase_count;
    struct curve_line *line;
    size_t line_count;
    double bytes_min, bytes_max;
};

/* False and words in `error`, which name the line. */
bool curve_read(const char *path, struct curve *curve, char error[256]);
void curve_free(struct curve *curve);

#endif
