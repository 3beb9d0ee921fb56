/* picture_compare.h: are two pictures the same to the eye?
 *
 * Both are blurred a little, so that a fraction of a pixel in an edge counts for nothing, and
 * compared in CIELAB, where distance is what the eye sees: 1 is just noticeable, 10 plain. The
 * verdict rests on the worst 16x16 block, not on the mean: one missing word must fail.
 *
 * Threads:    one. */
#ifndef TESTS_PICTURE_COMPARE_H
#define TESTS_PICTURE_COMPARE_H

#include <stdbool.h>

#define PICTURE_WORST_BLOCK_MAX 6.0
#define PICTURE_MEAN_MAX        0.5

struct picture_verdict {
    bool comparable; /* both could be read and have the same size */
    double mean;     /* CIELAB distance over all pixels */
    double worst;    /* the mean of the worst block */
    int worst_x, worst_y;
};

/* `diff_path` (may be NULL): a picture of the distances is written there. */
struct picture_verdict picture_compare(const char *path_a, const char *path_b,
                                       const char *diff_path);
bool picture_same(const struct picture_verdict *verdict);

#endif
