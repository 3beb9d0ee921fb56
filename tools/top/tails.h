/* tails.h: what the latency histograms say: quantiles of the last seconds, and the p99 of every
 * second, computed once and kept, because a histogram is unpacked each time it is asked for.
 *
 * Threads:    one thread.
 * Times:      seconds. */
#ifndef TOP_TAILS_H
#define TOP_TAILS_H

#include "history.h"

struct tail_second {
    double seconds;              /* end of the interval */
    float p99[SCOPE_HISTOGRAMS]; /* 0: no operation of that kind */
};
struct tails {
    struct tail_second *second;
    size_t count, room;
};

/* Takes over what the history has gained, or everything when it was cleared or forgot its oldest.
 */
void tails_update(struct tails *tails, const struct history *history);
void tails_free(struct tails *tails);
size_t tails_find(const struct tails *tails, double seconds); /* first at or after */

struct tail {
    double count; /* operations; 0: nothing to tell */
    double p50, p99, p999, max;
};
/* Of the `window` seconds up to `at`, by latency * SCOPE_OPS + op. */
void tails_window(const struct history *history, const struct tails *tails, double at,
                  double window, struct tail tail[SCOPE_HISTOGRAMS]);

#endif
